// Layouts: dialect/SPEC.md (raw, padded16, panel16 = W(1, 16, K, N/16)). Tested in tests/artifact.
#include "compiler/artifact/WeightPacker.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace mlir;

namespace decant {

namespace {

constexpr int64_t kLanes = 16;
int64_t roundUp(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

/// Numbers of a weight in its layout.
int64_t packedCount(dec::WeightOp op) {
  auto shape = op.getTensorType().getShape();
  return (op.getLayout() == dec::Layout::Raw ? shape[0] : roundUp(shape[0])) * (shape.size() == 1 ? 1 : shape[1]);
}

/// Rows of one weight, wherever its sources have them.
struct Rows {
  dec::WeightOp op;
  const WeightSet &weights;
  int64_t width; ///< 0: a vector

  llvm::Error read(int64_t begin, int64_t end, float *out) {
    const int64_t columns = std::max<int64_t>(width, 1);
    if (op.getValues()) {
      std::copy(op.getValues()->begin() + begin * columns, op.getValues()->begin() + end * columns, out);
      return llvm::Error::success();
    }
    int64_t first = 0; // the weight's row that a source begins with
    for (auto source : op.getSources().getAsRange<dec::SourceAttr>()) {
      const int64_t rows = source.getEnd() - source.getBegin(), from = std::max(begin, first),
                    to = std::min(end, first + rows);
      if (from < to)
        if (llvm::Error error =
                weights.readRows(source.getTensor(), source.getBegin() + from - first, source.getBegin() + to - first,
                                 width, source.getTransposed(), out + (from - begin) * columns))
          return error;
      first += rows;
    }
    return llvm::Error::success();
  }
};

/// Element (n, k) of an [N, K] matrix at ((n / 16) * K + k) * 16 + n % 16 of `out`, which is zeros; a panel at a time.
llvm::Error packPanels(Rows rows, int64_t n, float *out) {
  const int64_t k = rows.width;
  std::vector<float> panel(static_cast<size_t>(kLanes * k));
  for (int64_t begin = 0; begin < n; begin += kLanes, out += kLanes * k) {
    const int64_t lanes = std::min(kLanes, n - begin);
    if (llvm::Error error = rows.read(begin, begin + lanes, panel.data()))
      return error;
    for (int64_t column = 0; column < k; ++column)
      for (int64_t lane = 0; lane < lanes; ++lane)
        out[column * kLanes + lane] = panel[static_cast<size_t>(lane * k + column)];
  }
  return llvm::Error::success();
}

llvm::Error packWeight(dec::WeightOp op, const WeightSet &weights, float *out) {
  auto shape = op.getTensorType().getShape();
  Rows rows{op, weights, shape.size() == 1 ? 0 : shape[1]};
  if (op.getLayout() == dec::Layout::Panel16)
    return packPanels(rows, shape[0], out);
  return rows.read(0, shape[0], out);
}

} // namespace

llvm::Expected<PackedWeights> packWeights(dec::ModelOp model, const WeightSet &weights,
                                          const PackingProgress &progress) {
  PackedWeights packed;
  uint64_t total = 0;
  for (auto op : model.getBody().getOps<dec::WeightOp>()) {
    packed.sizes.push_back(static_cast<uint64_t>(packedCount(op)) * sizeof(float));
    total += (packed.sizes.back() + 63) / 64 * 64;
  }
  packed.bytes.resize(total);
  uint64_t begin = 0;
  for (auto [i, op] : llvm::enumerate(model.getBody().getOps<dec::WeightOp>())) {
    if (llvm::Error error = packWeight(op, weights, reinterpret_cast<float *>(packed.bytes.data() + begin)))
      return error;
    for (auto source : op.getSources().getAsRange<dec::SourceAttr>())
      weights.release(source.getTensor());
    begin += (packed.sizes[i] + 63) / 64 * 64;
    if (progress)
      progress(begin, total);
  }
  return packed;
}

} // namespace decant

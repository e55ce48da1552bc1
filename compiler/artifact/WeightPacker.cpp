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

/// Element (n, k) of an [N, K] matrix stands at ((n / 16) * K + k) * 16 + n % 16; a panel at a time.
llvm::Error packPanels(Rows rows, int64_t n, const PackingSink &write) {
  const int64_t k = rows.width;
  const auto count = static_cast<size_t>(kLanes * k);
  std::vector<float> read(count), panel(count);
  for (int64_t begin = 0; begin < n; begin += kLanes) {
    const int64_t lanes = std::min(kLanes, n - begin);
    if (llvm::Error error = rows.read(begin, begin + lanes, read.data()))
      return error;
    if (lanes < kLanes)
      std::fill(panel.begin(), panel.end(), 0.0f);
    for (int64_t column = 0; column < k; ++column)
      for (int64_t lane = 0; lane < lanes; ++lane)
        panel[static_cast<size_t>(column * kLanes + lane)] = read[static_cast<size_t>(lane * k + column)];
    if (llvm::Error error = write(panel.data(), count * sizeof(float)))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error packRows(Rows rows, int64_t n, const PackingSink &write) {
  constexpr int64_t kBytes = 1 << 20;
  const int64_t columns = std::max<int64_t>(rows.width, 1),
                step = std::max<int64_t>(kLanes, kBytes / (columns * int64_t{sizeof(float)}));
  std::vector<float> chunk(static_cast<size_t>(std::min(step, n) * columns));
  for (int64_t begin = 0; begin < n; begin += step) {
    const int64_t end = std::min(begin + step, n);
    if (llvm::Error error = rows.read(begin, end, chunk.data()))
      return error;
    if (llvm::Error error = write(chunk.data(), static_cast<size_t>((end - begin) * columns) * sizeof(float)))
      return error;
  }
  return llvm::Error::success();
}

/// Zeros behind a weight, up to its padded size.
llvm::Error writeZeros(uint64_t bytes, const PackingSink &write) {
  const std::vector<uint8_t> zeros(bytes);
  return bytes ? write(zeros.data(), zeros.size()) : llvm::Error::success();
}

} // namespace

std::vector<uint64_t> packedSizes(dec::ModelOp model) {
  std::vector<uint64_t> sizes;
  for (auto op : model.getBody().getOps<dec::WeightOp>())
    sizes.push_back(static_cast<uint64_t>(packedCount(op)) * sizeof(float));
  return sizes;
}

llvm::Error packWeights(dec::ModelOp model, const WeightSet &weights, const PackingSink &write,
                        const PackingProgress &progress) {
  const std::vector<uint64_t> sizes = packedSizes(model);
  uint64_t total = 0, done = 0, written = 0;
  for (uint64_t bytes : sizes)
    total += paddedBytes(bytes);
  const PackingSink counted = [&](const void *data, size_t bytes) {
    written += bytes;
    return write(data, bytes);
  };
  for (auto [i, op] : llvm::enumerate(model.getBody().getOps<dec::WeightOp>())) {
    auto shape = op.getTensorType().getShape();
    const Rows rows{op, weights, shape.size() == 1 ? 0 : shape[1]};
    auto pack = op.getLayout() == dec::Layout::Panel16 ? packPanels : packRows;
    if (llvm::Error error = pack(rows, shape[0], counted))
      return error;
    done += paddedBytes(sizes[i]);
    if (llvm::Error error = writeZeros(done - written, counted))
      return error;
    for (auto source : op.getSources().getAsRange<dec::SourceAttr>())
      weights.release(source.getTensor());
    if (progress)
      progress(done, total);
  }
  return llvm::Error::success();
}

} // namespace decant

// Layouts: dialect/SPEC.md (raw, padded16, panel16 = W(1, 16, K, N/16)). Tested in tests/artifact.
#include "compiler/artifact/WeightPacker.h"

#include <cstring>

using namespace mlir;

namespace decant {

namespace {

constexpr int64_t kLanes = 16;
int64_t roundUp(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

/// `matrix` is [N, K]; result W(1, 16, K, N/16): element (n, k) at ((n / 16) * K + k) * 16 + n % 16.
std::vector<float> packPanels(const std::vector<float> &matrix, int64_t n, int64_t k) {
  std::vector<float> packed(roundUp(n) * k, 0.0f);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column)
      packed[((row / kLanes) * k + column) * kLanes + row % kLanes] = matrix[row * k + column];
  return packed;
}

llvm::Expected<std::vector<float>> packWeight(dec::WeightOp op, const WeightSet &weights) {
  auto shape = op.getTensorType().getShape();
  int64_t width = shape.size() == 1 ? 0 : shape[1];
  std::vector<float> data(op.getTensorType().getNumElements());
  float *out = data.data();
  if (op.getValues())
    std::copy(op.getValues()->begin(), op.getValues()->end(), out);
  for (auto source : op.getSources().getAsRange<dec::SourceAttr>()) {
    if (llvm::Error error = weights.readRows(source.getTensor(), source.getBegin(), source.getEnd(), width,
                                             source.getTransposed(), out))
      return error;
    out += (source.getEnd() - source.getBegin()) * std::max<int64_t>(width, 1);
  }
  if (op.getLayout() == dec::Layout::Panel16)
    return packPanels(data, shape[0], shape[1]);
  if (op.getLayout() == dec::Layout::Padded16)
    data.resize(roundUp(shape[0]), 0.0f);
  return data;
}

} // namespace

llvm::Expected<PackedWeights> packWeights(dec::ModelOp model, const WeightSet &weights) {
  PackedWeights packed;
  for (auto op : model.getBody().getOps<dec::WeightOp>()) {
    auto data = packWeight(op, weights);
    if (!data)
      return data.takeError();
    size_t begin = packed.bytes.size(), bytes = data->size() * sizeof(float);
    packed.bytes.resize(begin + (bytes + 63) / 64 * 64, 0);
    std::memcpy(packed.bytes.data() + begin, data->data(), bytes);
    packed.sizes.push_back(bytes);
  }
  return packed;
}

} // namespace decant

// Layouts: dialect/SPEC.md (raw, padded16, panel16 = W(1, 16, K, N/16)). Tested in tests/artifact.
#include "compiler/artifact/WeightPacker.h"
#include "compiler/config/Errors.h"

#include <fmt/format.h>

#include <cstring>
#include <numeric>

using namespace mlir;

namespace decant {

namespace {

constexpr int64_t kLanes = 16;
int64_t roundUp(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

/// Elements of rows [begin, end) of the tensor that `source` names; a [1, n] tensor may stand for the vector [n].
llvm::Error readSource(dec::SourceAttr source, ArrayRef<int64_t> rowShape, const WeightSet &weights,
                       std::vector<float> &out) {
  const TensorView *tensor = weights.find(source.getTensor());
  std::string name = source.getTensor().str();
  if (!tensor)
    return badInput(fmt::format("{}: tensor \"{}\" is missing", weights.path(), name));
  std::vector<int64_t> shape = tensor->shape;
  bool isVector = rowShape.empty() && shape.size() == 2 && shape[0] == 1;
  if (isVector)
    shape.erase(shape.begin());
  if (shape.size() != rowShape.size() + 1 || shape[0] < source.getEnd() ||
      !std::equal(rowShape.begin(), rowShape.end(), shape.begin() + 1))
    return badInput(fmt::format("{}: tensor \"{}\" has shape [{}], which does not hold rows {} to {} of [.., {}]",
                                weights.path(), name, fmt::join(tensor->shape, ", "), source.getBegin(),
                                source.getEnd(), fmt::join(rowShape, ", ")));
  auto data = weights.readF32(name, tensor->shape);
  if (!data)
    return data.takeError();
  int64_t row = std::accumulate(rowShape.begin(), rowShape.end(), int64_t(1), std::multiplies<>());
  out.insert(out.end(), data->begin() + source.getBegin() * row, data->begin() + source.getEnd() * row);
  return llvm::Error::success();
}

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
  std::vector<float> data;
  for (auto source : op.getSources().getAsRange<dec::SourceAttr>())
    if (llvm::Error error = readSource(source, shape.drop_front(), weights, data))
      return error;
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

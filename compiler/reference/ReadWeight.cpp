// See ReadWeight.h.
#include "compiler/reference/ReadWeight.h"
#include "compiler/config/Errors.h"

#include <fmt/format.h>

namespace decant {

/// Rows and columns of a raw tensor as the source reads it: [1, n] may stand for a vector, [n, a, b] for [n, a * b].
static std::pair<int64_t, int64_t> extents(std::vector<int64_t> shape, bool isVector, bool transposed) {
  if (isVector && shape.size() == 2 && shape[0] == 1)
    shape.erase(shape.begin());
  if (shape.empty() || (isVector && shape.size() != 1) || (transposed && shape.size() != 2))
    return {0, 0};
  int64_t columns = 1; // WeightSet has checked that the product fits
  for (size_t i = 1; i < shape.size(); ++i)
    columns *= shape[i];
  return transposed ? std::pair(columns, shape[0]) : std::pair(shape[0], columns);
}

llvm::Expected<std::vector<float>> readWeight(dec::WeightOp weight, const WeightSet &weights) {
  if (weight.getValues())
    return weight.getValues()->vec();
  auto type = weight.getTensorType();
  bool isVector = type.getRank() == 1;
  int64_t width = isVector ? 1 : type.getDimSize(1);
  std::vector<float> result;
  for (auto source : weight.getSources().getAsRange<dec::SourceAttr>()) {
    std::string name = source.getTensor().str();
    const TensorView *view = weights.find(name);
    if (!view)
      return badInput(fmt::format("{}: tensor \"{}\" of weight @{} is missing; give the model's weight file",
                                  weights.path(), name, weight.getSymName().str()));
    auto [rows, columns] = extents(view->shape, isVector, source.getTransposed());
    if (source.getEnd() > rows || columns != width)
      return badInput(
          fmt::format("{}: tensor \"{}\" cannot give rows {} to {} of weight @{}, {} numbers each; give the "
                      "model's weight file",
                      weights.path(), name, source.getBegin(), source.getEnd(), weight.getSymName().str(), width));
    llvm::Expected<std::vector<float>> all = weights.readF32(name, view->shape);
    if (!all)
      return all.takeError();
    for (int64_t row = source.getBegin(); row < source.getEnd(); ++row)
      for (int64_t column = 0; column < width; ++column)
        result.push_back((*all)[source.getTransposed() ? column * rows + row : row * width + column]);
  }
  return result;
}

} // namespace decant

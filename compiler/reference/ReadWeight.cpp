// See ReadWeight.h.
#include "compiler/reference/ReadWeight.h"
#include "compiler/config/Errors.h"

#include <fmt/format.h>

namespace decant {

/// Does a raw tensor of this shape have `width` numbers a row? A vector may lie in the file as [1, n].
static bool fits(std::vector<int64_t> shape, bool isVector, int64_t width, int64_t end, int64_t &rows) {
  if (isVector && shape.size() == 2 && shape[0] == 1)
    shape.erase(shape.begin());
  rows = shape.empty() ? 0 : shape[0];
  return shape.size() == (isVector ? 1u : 2u) && end <= rows && (isVector || shape[1] == width);
}

llvm::Expected<std::vector<float>> readWeight(dec::WeightOp weight, const WeightSet &weights) {
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
    int64_t rows = 0;
    if (!fits(view->shape, isVector, width, source.getEnd(), rows))
      return badInput(
          fmt::format("{}: tensor \"{}\" cannot give rows {} to {} of weight @{}, {} numbers each; give the "
                      "model's weight file",
                      weights.path(), name, source.getBegin(), source.getEnd(), weight.getSymName().str(), width));
    llvm::Expected<std::vector<float>> all = weights.readF32(name, view->shape);
    if (!all)
      return all.takeError();
    result.insert(result.end(), all->begin() + source.getBegin() * width, all->begin() + source.getEnd() * width);
  }
  return result;
}

} // namespace decant

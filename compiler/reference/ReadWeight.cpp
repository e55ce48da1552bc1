// See ReadWeight.h.
#include "compiler/reference/ReadWeight.h"

namespace decant {

llvm::Expected<std::vector<float>> readWeight(dec::WeightOp weight, const WeightSet &weights) {
  if (weight.getValues())
    return weight.getValues()->vec();
  auto type = weight.getTensorType();
  int64_t width = type.getRank() == 1 ? 0 : type.getDimSize(1);
  std::vector<float> result(type.getNumElements());
  float *out = result.data();
  for (auto source : weight.getSources().getAsRange<dec::SourceAttr>()) {
    if (llvm::Error error = weights.readRows(source.getTensor(), source.getBegin(), source.getEnd(), width,
                                             source.getTransposed(), out))
      return error;
    out += (source.getEnd() - source.getBegin()) * std::max<int64_t>(width, 1);
  }
  return result;
}

} // namespace decant

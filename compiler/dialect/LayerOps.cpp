// Verifiers of the layer ops. Tested in tests/dialect/layer-errors.mlir.
#include "compiler/dialect/Dec.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace decant::dec {

/// The weight `symbol` of shape `shape` (kDynamic = any), or an error that cites `constraint`.
static FailureOr<WeightOp> expectWeight(Operation *op, StringRef constraint, StringRef symbol,
                                        ArrayRef<int64_t> shape) {
  WeightOp weight = lookupWeight(op, symbol);
  if (!weight)
    return op->emitOpError() << constraint << " @" << symbol << " is not a dec.weight";
  auto type = weight.getTensorType();
  bool matches = type.getRank() == static_cast<int64_t>(shape.size());
  for (size_t i = 0; matches && i < shape.size(); ++i)
    matches = ShapedType::isDynamic(shape[i]) || type.getDimSize(i) == shape[i];
  if (matches)
    return weight;
  auto error = op->emitOpError() << constraint << " weight @" << symbol << " is " << type << ", expected [";
  llvm::interleaveComma(shape, error, [&](int64_t dim) {
    if (ShapedType::isDynamic(dim))
      error << "any";
    else
      error << dim;
  });
  return error << "]";
}

static LogicalResult expectBias(Operation *op, StringRef constraint, std::optional<StringRef> symbol, int64_t n) {
  return success(!symbol || succeeded(expectWeight(op, constraint, *symbol, {n})));
}

LogicalResult EmbedOp::verify() {
  if (failed(expectWeight(*this, "(C1)", getTable(), {ShapedType::kDynamic, width(getResult())})))
    return failure();
  if (!std::isfinite(getScale().convertToDouble()))
    return emitOpError("(C2) scale is not finite");
  return success();
}

LogicalResult PositionOp::verify() {
  auto table = expectWeight(*this, "(C1)", getTable(), {ShapedType::kDynamic, width(getX())});
  if (failed(table))
    return failure();
  int64_t rows = table->getTensorType().getDimSize(0);
  if (getOffset() < 0 || getOffset() >= rows)
    return emitOpError("(C2) offset is ") << getOffset() << ", expected 0.." << rows - 1;
  return success();
}

LogicalResult NormOp::verify() {
  auto weight = expectWeight(*this, "(C1)", getWeight(), {ShapedType::kDynamic});
  if (failed(weight))
    return failure();
  int64_t n = weight->getTensorType().getDimSize(0);
  if (width(getX()) % n != 0)
    return emitOpError("(C1) weight @") << getWeight() << " has " << n << " elements, which do not divide the width "
                                        << width(getX());
  if (failed(expectBias(*this, "(C1)", getBias(), n)))
    return failure();
  double eps = getEps().convertToDouble();
  if (!(eps > 0) || !std::isfinite(eps))
    return emitOpError("(C2) eps is ") << eps << ", expected a positive number";
  return success();
}

LogicalResult LinearOp::verify() {
  int64_t n = width(getResult());
  if (failed(expectWeight(*this, "(C1)", getWeight(), {n, width(getX())})) ||
      failed(expectBias(*this, "(C2)", getBias(), n)))
    return failure();
  if (getResidual() && getResidual().getType() != getResult().getType())
    return emitOpError("(C3) residual is ") << getResidual().getType() << ", the result " << getResult().getType();
  return success();
}

LogicalResult ActivationOp::verify() {
  return getAct() == Activation::None ? emitOpError("(C1) act is none") : success();
}

LogicalResult GateOp::verify() { return getAct() == Activation::None ? emitOpError("(C1) act is none") : success(); }

LogicalResult SinusoidOp::verify() {
  int64_t n = width(getResult()) / 2;
  if (width(getResult()) % 2 != 0)
    return emitOpError("(C1) the result has ") << width(getResult()) << " columns, expected an even number";
  if (failed(expectWeight(*this, "(C1)", getFreqs(), {n})))
    return failure();
  if (getOffset() < 0 || getOffset() > kMaxContext)
    return emitOpError("(C2) offset is ") << getOffset() << ", expected 0..2^24";
  return std::isfinite(getFactor().convertToDouble()) ? success() : emitOpError("(C2) factor is not finite");
}

LogicalResult RopeOp::verify() {
  if (getHeads() < 1 || width(getX()) % getHeads() != 0)
    return emitOpError("(C1) ") << getHeads() << " heads do not divide the width " << width(getX());
  int64_t turned = width(getAngles()), dim = width(getX()) / getHeads();
  if (turned % 2 != 0 || turned > dim)
    return emitOpError("(C2) angles has ") << turned << " columns, expected an even number of at most " << dim;
  return success();
}

LogicalResult FramesOp::verify() {
  if (getInputs().empty() || getInputs().size() > 8 || getShifts().size() != getInputs().size())
    return emitOpError("(C1) has ") << getShifts().size() << " shifts for " << getInputs().size()
                                    << " inputs, expected one each, 1..8";
  for (int64_t shift : getShifts())
    if (shift < -1 || shift > 1)
      return emitOpError("(C1) a shift is ") << shift << ", expected -1, 0 or 1";
  int64_t total = width(getInputs().front()) * static_cast<int64_t>(getInputs().size());
  if (!llvm::all_equal(getInputs().getTypes()))
    return emitOpError("(C1) the inputs have different types");
  if (total != width(getResult()))
    return emitOpError("(C2) the inputs have ") << total << " columns, the result " << width(getResult());
  auto function = (*this)->getParentOfType<func::FuncOp>();
  if (function && function.getSymName() != "encode")
    return emitOpError("(C3) stands in @")
           << function.getSymName() << ": steps of a decoder do not see whole sequences";
  return success();
}

LogicalResult SplitOp::verify() {
  int64_t total = 0;
  for (Value part : getParts())
    total += width(part);
  if (total != width(getX()))
    return emitOpError("(C1) the results have ") << total << " columns, x " << width(getX());
  return success();
}

LogicalResult LogitsOp::verify() {
  int64_t vocab = width(getResult());
  if (failed(expectWeight(*this, "(C1)", getWeight(), {vocab, width(getX())})) ||
      failed(expectBias(*this, "(C2)", getBias(), vocab)))
    return failure();
  if (getScale() && !std::isfinite(getScale()->convertToDouble()))
    return emitOpError("(C3) scale is not finite");
  double softcap = getSoftcap() ? getSoftcap()->convertToDouble() : 1;
  if (!(softcap > 0) || !std::isfinite(softcap))
    return emitOpError("(C3) softcap is ") << softcap << ", expected a positive number";
  return success();
}

} // namespace decant::dec

// Verifiers of the layer ops. Tested in tests/dialect/layer-errors.mlir.
#include "compiler/dialect/Dec.h"

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
  if (failed(expectWeight(*this, "(C1)", getWeight(), {width(getX())})) ||
      failed(expectBias(*this, "(C1)", getBias(), width(getX()))))
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
  return success(succeeded(expectWeight(*this, "(C1)", getWeight(), {vocab, width(getX())})) &&
                 succeeded(expectBias(*this, "(C2)", getBias(), vocab)));
}

} // namespace decant::dec

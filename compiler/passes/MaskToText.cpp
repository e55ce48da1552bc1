// Walks the region from its yield upwards; one S-expression an op. Tested in tests/passes/select-kernels-masks.mlir.
#include "compiler/passes/MaskToText.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant {

namespace {

std::string_view comparison(arith::CmpIPredicate predicate) {
  switch (predicate) {
  case arith::CmpIPredicate::eq:
    return "eq";
  case arith::CmpIPredicate::ne:
    return "ne";
  case arith::CmpIPredicate::slt:
    return "lt";
  case arith::CmpIPredicate::sle:
    return "le";
  case arith::CmpIPredicate::sgt:
    return "gt";
  case arith::CmpIPredicate::sge:
    return "ge";
  default:
    return "";
  }
}

std::string_view comparison(arith::CmpFPredicate predicate) {
  switch (predicate) {
  case arith::CmpFPredicate::OEQ:
    return "eq";
  case arith::CmpFPredicate::ONE:
    return "ne";
  case arith::CmpFPredicate::OLT:
    return "lt";
  case arith::CmpFPredicate::OLE:
    return "le";
  case arith::CmpFPredicate::OGT:
    return "gt";
  case arith::CmpFPredicate::OGE:
    return "ge";
  default:
    return "";
  }
}

class TextBuilder {
public:
  explicit TextBuilder(unsigned firstParam) : firstParam(firstParam) {}

  /// A value with several uses is written out at each: MaskExpr's bound on nodes holds for the tree.
  FailureOr<std::string> text(Value value) {
    if (++nodes > kMaxNodes)
      return value.getParentRegion()->getParentOp()->emitOpError("is larger than ")
             << kMaxNodes << " operations as a tree";
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      static constexpr std::string_view kIndices[] = {"b", "h", "q", "k"};
      if (argument.getArgNumber() >= std::size(kIndices))
        return value.getParentRegion()->getParentOp()->emitOpError("has scalar parameters: kernels take tensors");
      return std::string(kIndices[argument.getArgNumber()]);
    }
    Operation *op = value.getDefiningOp();
    return llvm::TypeSwitch<Operation *, FailureOr<std::string>>(op)
        .Case([&](arith::ConstantOp constant) { return constantText(constant); })
        .Case([&](dec::ParamOp param) { return paramText(param); })
        .Case([&](arith::CmpIOp cmp) { return call(op, comparison(cmp.getPredicate()), cmp->getOperands()); })
        .Case([&](arith::CmpFOp cmp) { return call(op, comparison(cmp.getPredicate()), cmp->getOperands()); })
        .Case([&](arith::XOrIOp xorOp) { return xorText(xorOp); })
        .Case([&](arith::IndexCastOp cast) -> FailureOr<std::string> {
          if (cast.getIn().getType().isInteger(1) || cast.getType().isInteger(1))
            return cast.emitOpError("cannot be evaluated in a kernel's mask");
          return text(cast.getIn());
        })
        .Default([&](Operation *other) { return call(other, opName(other), other->getOperands()); });
  }

private:
  static std::string_view opName(Operation *op) {
    return llvm::TypeSwitch<Operation *, std::string_view>(op)
        .Case<arith::AndIOp>([](auto) { return "and"; })
        .Case<arith::OrIOp>([](auto) { return "or"; })
        .Case<arith::AddIOp, arith::AddFOp>([](auto) { return "add"; })
        .Case<arith::SubIOp, arith::SubFOp>([](auto) { return "sub"; })
        .Case<arith::MulIOp, arith::MulFOp>([](auto) { return "mul"; })
        .Case<arith::FloorDivSIOp>([](auto) { return "floordiv"; })
        .Case<arith::MinSIOp, arith::MinimumFOp>([](auto) { return "min"; })
        .Case<arith::MaxSIOp, arith::MaximumFOp>([](auto) { return "max"; })
        .Case<arith::SelectOp>([](auto) { return "select"; })
        .Case<arith::SIToFPOp>([](auto) { return "itof"; })
        .Case<math::ExpOp>([](auto) { return "exp"; })
        .Default([](Operation *) { return ""; });
  }

  FailureOr<std::string> call(Operation *op, std::string_view name, ValueRange operands) {
    if (name.empty())
      return op->emitOpError("cannot be evaluated in a kernel's mask");
    std::string result = fmt::format("({}", name);
    for (Value operand : operands) {
      auto argument = text(operand);
      if (failed(argument))
        return failure();
      result += ' ' + *argument;
    }
    return result + ")";
  }

  static FailureOr<std::string> constantText(arith::ConstantOp constant) {
    if (auto real = dyn_cast<FloatAttr>(constant.getValue())) {
      if (!real.getValue().isFinite())
        return constant.emitOpError("is not finite: a kernel's mask has finite numbers only");
      std::string digits = fmt::format("{}", real.getValue().convertToFloat());
      return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
    }
    auto integer = dyn_cast<IntegerAttr>(constant.getValue());
    if (!integer)
      return constant.emitOpError("cannot be evaluated in a kernel's mask");
    if (integer.getType().isInteger(1))
      return std::string(integer.getValue().isZero() ? "false" : "true");
    if (!integer.getValue().isSignedIntN(32))
      return constant.emitOpError("does not fit 32 bits: positions are 32-bit in kernels");
    return std::to_string(integer.getInt());
  }

  FailureOr<std::string> paramText(dec::ParamOp param) {
    unsigned number = cast<BlockArgument>(param.getParam()).getArgNumber() - dec::MaskOp::kNumIndices + firstParam;
    return call(param, fmt::format("load p{}", number), param.getIndices());
  }

  /// On i1: xor with true is not, otherwise "not equal" spelt with and / or / not.
  FailureOr<std::string> xorText(arith::XOrIOp op) {
    if (!op.getType().isInteger(1))
      return op.emitOpError("cannot be evaluated in a kernel's mask");
    unsigned before = nodes;
    auto lhs = text(op.getLhs()), rhs = text(op.getRhs());
    if (failed(lhs) || failed(rhs))
      return failure();
    if (*rhs == "true")
      return fmt::format("(not {})", *lhs);
    // Both sides stand there twice: without counting that, a chain of xors would double the text at each step.
    nodes += nodes - before + 3;
    if (nodes > kMaxNodes)
      return op->getParentOp()->emitOpError("is larger than ") << kMaxNodes << " operations as a tree";
    return fmt::format("(and (or {0} {1}) (not (and {0} {1})))", *lhs, *rhs);
  }

  static constexpr unsigned kMaxNodes = 4096; // of schedules/spec/MaskExpr.h
  unsigned firstParam, nodes = 0;
};

} // namespace

FailureOr<std::string> maskToText(Region &body, unsigned firstParam) {
  auto yield = cast<dec::YieldOp>(body.front().getTerminator());
  return TextBuilder(firstParam).text(yield.getValue());
}

std::string maskParamsToText(Region &body, unsigned firstParam) {
  std::string result;
  for (const MaskParam &param : dec::maskParams(body, firstParam))
    result += fmt::format("{}{}:{}:{}", result.empty() ? "" : ",", param.name, param.type, param.rank);
  return result;
}

} // namespace decant

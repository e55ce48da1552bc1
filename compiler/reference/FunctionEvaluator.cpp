// See FunctionEvaluator.h.
#include "compiler/reference/FunctionEvaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

using namespace mlir;

namespace decant {

template <class T> Scalar<T> FunctionEvaluator<T>::fail(Operation *op, const std::string &why) {
  if (text.empty())
    text = op->getName().getStringRef().str() + ": " + why;
  return {};
}

template <class T> Scalar<T> FunctionEvaluator<T>::call(Operation *callee, ArrayRef<Actual> arguments) {
  if (++numCalls > kMaxCalls)
    return fail(callee, fmt::format("applies masks more than {} times at one point", kMaxCalls));
  Frame frame;
  Block &body = callee->getRegion(0).front();
  for (auto [argument, actual] : llvm::zip_equal(body.getArguments(), arguments))
    if (actual.tensor)
      frame.params[argument] = actual.tensor;
    else
      frame.scalars[argument] = actual.scalar;
  for (Operation &op : body.without_terminator())
    frame.scalars[op.getResult(0)] = eval(&op, frame);
  return frame.scalars.lookup(cast<dec::YieldOp>(body.getTerminator()).getValue());
}

template <class T> Scalar<T> FunctionEvaluator<T>::eval(Operation *op, Frame &frame) {
  if (auto param = dyn_cast<dec::ParamOp>(op))
    return element(param, frame);
  if (isa<dec::ApplyOp, dec::ApplyScoreOp>(op)) {
    Operation *&callee = callees[op];
    if (!callee)
      callee =
          SymbolTable::lookupNearestSymbolFrom(function->getParentOp(), op->getAttrOfType<FlatSymbolRefAttr>("callee"));
    SmallVector<Actual> arguments;
    for (mlir::Value operand : op->getOperands())
      arguments.push_back({frame.params.lookup(operand), frame.scalars.lookup(operand)});
    return call(callee, arguments);
  }
  SmallVector<Scalar<T>> in;
  for (mlir::Value operand : op->getOperands())
    in.push_back(frame.scalars.lookup(operand));
  return evalArith(op, in);
}

template <class T> Scalar<T> FunctionEvaluator<T>::element(dec::ParamOp op, Frame &frame) {
  auto read = [&](const auto &tensor, auto pick) -> Scalar<T> {
    int64_t flat = 0;
    for (auto [axis, index] : llvm::enumerate(op.getIndices())) {
      int64_t extent = tensor.shape[axis];
      if (extent <= 0)
        return fail(op, fmt::format("axis {} of the parameter is empty", axis));
      // As in kernels: an index outside reads the nearest element (SPEC.md, 5).
      flat = flat * extent + std::clamp<int64_t>(frame.scalars.lookup(index).i, 0, extent - 1);
    }
    return pick(tensor.data[flat]);
  };
  const Value<T> &param = *frame.params.lookup(op.getParam());
  auto integer = [](int64_t value) { return Scalar<T>{value, 0}; };
  if (auto *indices = std::get_if<Tensor<int64_t>>(&param))
    return read(*indices, integer);
  if (auto *flags = std::get_if<Tensor<uint8_t>>(&param))
    return read(*flags, integer);
  return read(std::get<Tensor<T>>(param), [](T value) { return Scalar<T>{0, value}; });
}

static int64_t compare(arith::CmpIPredicate predicate, int64_t a, int64_t b) {
  uint64_t ua = a, ub = b;
  using P = arith::CmpIPredicate;
  switch (predicate) {
  case P::eq:
    return a == b;
  case P::ne:
    return a != b;
  case P::slt:
    return a < b;
  case P::sle:
    return a <= b;
  case P::sgt:
    return a > b;
  case P::sge:
    return a >= b;
  case P::ult:
    return ua < ub;
  case P::ule:
    return ua <= ub;
  case P::ugt:
    return ua > ub;
  case P::uge:
    return ua >= ub;
  }
  llvm_unreachable("unknown predicate");
}

/// arith.cmpf as in MLIR: "o" is false and "u" true when a side is NaN.
template <class T> static int64_t compare(arith::CmpFPredicate predicate, T a, T b) {
  using P = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case P::AlwaysFalse:
    return 0;
  case P::AlwaysTrue:
    return 1;
  case P::OEQ:
    return !unordered && a == b;
  case P::OGT:
    return !unordered && a > b;
  case P::OGE:
    return !unordered && a >= b;
  case P::OLT:
    return !unordered && a < b;
  case P::OLE:
    return !unordered && a <= b;
  case P::ONE:
    return !unordered && a != b;
  case P::ORD:
    return !unordered;
  case P::UEQ:
    return unordered || a == b;
  case P::UGT:
    return unordered || a > b;
  case P::UGE:
    return unordered || a >= b;
  case P::ULT:
    return unordered || a < b;
  case P::ULE:
    return unordered || a <= b;
  case P::UNE:
    return unordered || a != b;
  case P::UNO:
    return unordered;
  }
  llvm_unreachable("unknown predicate");
}

/// Two's complement without undefined behaviour.
static int64_t wrap(uint64_t value) { return static_cast<int64_t>(value); }

static int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/// NaN wins, as arith.maximumf and minimumf say.
template <class T> static T extremum(T a, T b, bool maximum) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<T>::quiet_NaN();
  return maximum ? std::max(a, b) : std::min(a, b);
}

template <class T> static Scalar<T> constant(arith::ConstantOp op) {
  if (auto real = dyn_cast<FloatAttr>(op.getValue()))
    return {0, static_cast<T>(real.getValueAsDouble())};
  auto integer = cast<IntegerAttr>(op.getValue());
  return {integer.getType().isInteger(1) ? wrap(integer.getValue().getZExtValue()) : integer.getValue().getSExtValue(),
          0};
}

template <class T> Scalar<T> FunctionEvaluator<T>::evalArith(Operation *op, ArrayRef<Scalar<T>> in) {
  auto integer = [](int64_t value) { return Scalar<T>{value, 0}; };
  auto real = [](T value) { return Scalar<T>{0, value}; };
  auto divide = [&](auto rule) -> Scalar<T> {
    if (in[1].i == 0 || (in[1].i == -1 && in[0].i == std::numeric_limits<int64_t>::min()))
      return fail(op, fmt::format("{} divided by {}", in[0].i, in[1].i));
    return integer(rule(in[0].i, in[1].i));
  };
  return TypeSwitch<Operation *, Scalar<T>>(op)
      .Case([&](arith::ConstantOp c) { return constant<T>(c); })
      .Case([&](arith::AddIOp) { return integer(wrap(uint64_t(in[0].i) + uint64_t(in[1].i))); })
      .Case([&](arith::SubIOp) { return integer(wrap(uint64_t(in[0].i) - uint64_t(in[1].i))); })
      .Case([&](arith::MulIOp) { return integer(wrap(uint64_t(in[0].i) * uint64_t(in[1].i))); })
      .Case([&](arith::DivSIOp) { return divide([](int64_t a, int64_t b) { return a / b; }); })
      .Case([&](arith::FloorDivSIOp) { return divide(floorDivide); })
      .Case([&](arith::RemSIOp) { return divide([](int64_t a, int64_t b) { return a % b; }); })
      .Case([&](arith::MinSIOp) { return integer(std::min(in[0].i, in[1].i)); })
      .Case([&](arith::MaxSIOp) { return integer(std::max(in[0].i, in[1].i)); })
      .Case([&](arith::AndIOp) { return integer(in[0].i & in[1].i); })
      .Case([&](arith::OrIOp) { return integer(in[0].i | in[1].i); })
      .Case([&](arith::XOrIOp) { return integer(in[0].i ^ in[1].i); })
      .Case([&](arith::CmpIOp c) { return integer(compare(c.getPredicate(), in[0].i, in[1].i)); })
      .Case([&](arith::CmpFOp c) { return integer(compare(c.getPredicate(), in[0].f, in[1].f)); })
      .Case([&](arith::SelectOp) { return in[0].i ? in[1] : in[2]; })
      .Case([&](arith::IndexCastOp) { return in[0]; })
      .Case([&](arith::SIToFPOp) { return real(static_cast<T>(in[0].i)); })
      .Case([&](arith::AddFOp) { return real(in[0].f + in[1].f); })
      .Case([&](arith::SubFOp) { return real(in[0].f - in[1].f); })
      .Case([&](arith::MulFOp) { return real(in[0].f * in[1].f); })
      .Case([&](arith::DivFOp) { return real(in[0].f / in[1].f); })
      .Case([&](math::ExpOp) { return real(std::exp(in[0].f)); })
      .Case([&](arith::MaximumFOp) { return real(extremum(in[0].f, in[1].f, true)); })
      .Case([&](arith::MinimumFOp) { return real(extremum(in[0].f, in[1].f, false)); })
      .Default(
          [&](Operation *other) { return fail(other, "the interpreter does not know this op in a mask or score"); });
}

template class FunctionEvaluator<float>;
template class FunctionEvaluator<double>;

} // namespace decant

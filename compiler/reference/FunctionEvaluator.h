// One dec.mask or dec.score, evaluated at a point: the region is interpreted op by op. f32 is computed in T.
//
// An index outside of a parameter reads its nearest element, so an extent of 1 broadcasts. Whatever cannot be computed
// (division by zero, unknown op, too many nested dec.apply) gives 0 and is told by problem(). Tested in
// tests/reference.
#pragma once

#include "compiler/dialect/Dec.h"
#include "compiler/reference/Values.h"

#include "llvm/ADT/DenseMap.h"

#include <string>

namespace decant {

/// index, i1 (0 or 1) and other integers in `i`; floats in `f`.
template <class T> struct Scalar {
  int64_t i = 0;
  T f = 0;
};

template <class T> class FunctionEvaluator {
public:
  using Params = llvm::SmallVector<const Value<T> *>;

  /// `function`: a dec.mask or dec.score without scalar parameters. Params outlive the evaluator and are in the order
  /// of its parameters.
  FunctionEvaluator(mlir::Operation *function, Params params) : function(function), params(std::move(params)) {}

  bool visible(int64_t b, int64_t h, int64_t q, int64_t k) { return evaluate({b, h, q, k}).i != 0; }
  T score(int64_t b, int64_t h, int64_t q, int64_t k) { return evaluate({b, h, q, k}).f; }
  /// Empty if all went well so far.
  const std::string &problem() const { return text; }

private:
  /// A tensor, or what stands for a scalar parameter.
  struct Actual {
    const Value<T> *tensor = nullptr;
    Scalar<T> scalar;
  };
  struct Frame {
    llvm::DenseMap<mlir::Value, Scalar<T>> scalars;
    llvm::DenseMap<mlir::Value, const Value<T> *> params;
  };

  /// Bodies that one evaluation may enter, as inline-masks bounds its copies: masks that apply each other twice would
  /// otherwise take time without bound.
  static constexpr int kMaxCalls = 4096;

  Scalar<T> evaluate(std::array<int64_t, 4> point) {
    numCalls = 0;
    llvm::SmallVector<Actual> arguments;
    for (int64_t index : point)
      arguments.push_back({nullptr, {index, 0}});
    for (const Value<T> *param : params)
      arguments.push_back({param, {}});
    return call(function, arguments);
  }
  /// `arguments`: b, h, q, k and the parameters.
  Scalar<T> call(mlir::Operation *callee, llvm::ArrayRef<Actual> arguments);
  Scalar<T> eval(mlir::Operation *op, Frame &frame);
  Scalar<T> evalArith(mlir::Operation *op, llvm::ArrayRef<Scalar<T>> in);
  Scalar<T> element(dec::ParamOp op, Frame &frame);
  Scalar<T> fail(mlir::Operation *op, const std::string &why);

  mlir::Operation *function;
  Params params;
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> callees;
  std::string text;
  int numCalls = 0;
};

} // namespace decant

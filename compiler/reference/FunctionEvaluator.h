// One dec.mask or dec.score, evaluated at a point: the region is interpreted op by op. f32 is computed in T.
//
// An extent of 1 in a parameter broadcasts. Whatever cannot be computed (index out of range, division by zero, unknown
// op) gives 0 and is told by problem(). Tested in tests/reference.
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

  /// `function`: a dec.mask or dec.score. Params outlive the evaluator and are in the order of its parameters.
  FunctionEvaluator(mlir::Operation *function, Params params) : function(function), params(std::move(params)) {}

  bool visible(int64_t b, int64_t h, int64_t q, int64_t k) { return call(function, {b, h, q, k}, params).i != 0; }
  T score(int64_t b, int64_t h, int64_t q, int64_t k) { return call(function, {b, h, q, k}, params).f; }
  /// Empty if all went well so far.
  const std::string &problem() const { return text; }

private:
  struct Frame {
    llvm::DenseMap<mlir::Value, Scalar<T>> scalars;
    llvm::DenseMap<mlir::Value, const Value<T> *> params;
  };

  Scalar<T> call(mlir::Operation *callee, std::array<int64_t, 4> point, const Params &arguments);
  Scalar<T> eval(mlir::Operation *op, Frame &frame);
  Scalar<T> evalArith(mlir::Operation *op, llvm::ArrayRef<Scalar<T>> in);
  Scalar<T> element(dec::ParamOp op, Frame &frame);
  Scalar<T> fail(mlir::Operation *op, const std::string &why);

  mlir::Operation *function;
  Params params;
  llvm::DenseMap<mlir::Operation *, mlir::Operation *> callees;
  std::string text;
};

} // namespace decant

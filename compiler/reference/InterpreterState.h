// The state behind Interpreter<T>, one eval function an op. Private to reference/.
#pragma once

#include "compiler/reference/FunctionEvaluator.h"
#include "compiler/reference/Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

namespace decant {

/// The keys and values of one sequence, [count, kv_heads * D], the first at `position`.
template <class T> struct Keys {
  const T *key, *value;
  int64_t count, position;
};

template <class T> struct Interpreter<T>::State {
  using Real = Tensor<T>;
  /// A cache's tokens of one sequence, from position 0.
  struct CachedSequence {
    std::vector<T> key, value;
  };

  State(dec::ModelOp model, const WeightSet &weights) : model(model), weights(weights) {}

  dec::ModelOp model;
  const WeightSet &weights;
  llvm::StringMap<std::vector<T>> weightData;
  llvm::StringMap<std::vector<CachedSequence>> caches;
  llvm::DenseMap<mlir::Value, Value<T>> values; // of the running entry

  llvm::Error dispatch(mlir::Operation *op);
  llvm::Error bind(mlir::BlockArgument argument, Value<T> value);
  void clearLocalCaches();

  const Real &real(mlir::Value value) { return std::get<Real>(values.find(value)->second); }
  const Rows &rows(mlir::Value value) { return std::get<Rows>(values.find(value)->second); }
  /// The numbers of a dec.weight; null for no symbol.
  llvm::Expected<const T *> weight(mlir::Operation *user, std::optional<llvm::StringRef> symbol);
  llvm::Error error(mlir::Operation *op, const std::string &text);
  /// x has as many rows as `division` says.
  llvm::Error checkRows(mlir::Operation *op, const Real &x, const Rows &division);

  llvm::Error eval(dec::EmbedOp op);
  llvm::Error eval(dec::PositionOp op);
  llvm::Error eval(dec::NormOp op);
  llvm::Error eval(dec::LinearOp op);
  llvm::Error eval(dec::ActivationOp op);
  llvm::Error eval(dec::GateOp op);
  llvm::Error eval(dec::ResidualOp op);
  llvm::Error eval(dec::SinusoidOp op);
  llvm::Error eval(dec::RopeOp op);
  llvm::Error eval(dec::FramesOp op);
  llvm::Error eval(dec::SplitOp op);
  llvm::Error eval(dec::LogitsOp op);
  llvm::Error eval(dec::LengthsOp op);
  llvm::Error eval(dec::CacheLengthsOp op);
  llvm::Error eval(dec::KvAppendOp op);
  llvm::Error eval(dec::AttentionOp op);
  llvm::Error eval(dec::CachedAttentionOp op);
  llvm::Error eval(dec::TableOp op);

  llvm::Expected<Real> matmul(mlir::Operation *op, const Real &x, llvm::StringRef weightName,
                              std::optional<llvm::StringRef> biasName, int64_t outputs);
  template <class Op> llvm::Error attend(Op op, int64_t kvHeads, llvm::ArrayRef<Keys<T>> keys);
  FunctionEvaluator<T> evaluator(mlir::Operation *user, llvm::StringRef symbol, mlir::ValueRange params);
};

} // namespace decant

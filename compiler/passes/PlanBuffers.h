// What the rules of SelectKernels share: buffers of an entry's values, inputs of the step, weights in their layouts,
// pools, parameters. Private to passes/; tested through SelectKernels.
#pragma once

#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

namespace decant {

using namespace mlir;

class PlanBuffers {
protected:
  PlanBuffers(dec::ModelOp model, func::FuncOp function)
      : model(model), function(function), builder(model.getContext()) {
    builder.setInsertionPoint(function);
  }

  MemRefType rowsType(int64_t n, int64_t stride, int64_t offset = 0);
  Value alloc(Location loc, int64_t n, plan::Size region = plan::Size::Rows);
  /// What the inputs of a cache's kind begin with: caches with a window have a block table of their own.
  static StringRef inputsOf(dec::CacheOp cache);
  /// One op an input of an entry, made at its first use.
  Value input(StringRef name, Type element, int64_t rank = 1);
  Value indexInput(const Twine &name, int64_t rank = 1);
  /// True if `symbol` is free, or is `op` in `layout`.
  static bool isCopy(Operation *symbol, dec::WeightOp op, dec::Layout layout);
  /// The weight in `layout`: itself, if no other layout is asked of it, else a copy of its declaration.
  Value weight(Location loc, StringRef symbol, dec::Layout layout);
  Value pool(Location loc, dec::CacheOp cache, bool values);
  LogicalResult mapArguments();
  static bool isParamType(RankedTensorType type);
  /// The tables hold neutral elements as f32.
  static bool isSmallInteger(double value);
  /// Mask parameters come with whatever strides the caller's tensors have: 0 broadcasts.
  Value param(StringRef name, RankedTensorType type, FloatAttr neutral, bool sorted);
  /// Does a mask or score that gets `argument` rely on its rows to ascend?
  bool isSorted(BlockArgument argument);

  dec::ModelOp model;
  func::FuncOp function;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> buffers;
  llvm::StringMap<Value> inputs;
};

} // namespace decant

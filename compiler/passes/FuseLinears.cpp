// FuseLinears: in: several dec.linear of one input. Out: one, with the weights one below the other, and a dec.split.
// Fewer kernels read the input, and small outputs share a register tile. Tested in tests/passes/fuse-linears.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace decant {
#define GEN_PASS_DEF_FUSELINEARS
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

bool isPlain(dec::LinearOp op) { return op.getAct() == dec::Activation::None && !op.getResidual(); }

/// A dec.weight with the sources of all `parts`, named after the first: an equal one that exists already, or a new one.
dec::WeightOp concatenate(MutableArrayRef<dec::WeightOp> parts) {
  OpBuilder builder(parts.front());
  SmallVector<Attribute> sources;
  int64_t rows = 0;
  for (dec::WeightOp part : parts) {
    llvm::append_range(sources, part.getSources());
    rows += part.getTensorType().getDimSize(0);
  }
  SmallVector<int64_t> shape(parts.front().getTensorType().getShape());
  shape[0] = rows;
  auto name = (parts.front().getSymName() + "+" + Twine(parts.size() - 1)).str();
  Operation *model = parts.front()->getParentOp();
  while (auto existing = dyn_cast_or_null<dec::WeightOp>(SymbolTable::lookupSymbolIn(model, name))) {
    if (existing.getSources() == builder.getArrayAttr(sources))
      return existing;
    name += '+';
  }
  return dec::WeightOp::create(builder, parts.front().getLoc(), builder.getStringAttr(name), builder.getArrayAttr(sources),
                               parts.front().getLayoutAttr(),
                               TypeAttr::get(RankedTensorType::get(shape, parts.front().getTensorType().getElementType())));
}

void fuse(MutableArrayRef<dec::LinearOp> group) {
  SmallVector<dec::WeightOp> weights, biases;
  SmallVector<Type> types;
  int64_t columns = 0;
  for (dec::LinearOp op : group) {
    weights.push_back(dec::lookupWeight(op, op.getWeight()));
    if (op.getBias())
      biases.push_back(dec::lookupWeight(op, *op.getBias()));
    types.push_back(op.getType());
    columns += dec::width(op.getResult());
  }
  dec::LinearOp first = group.front();
  OpBuilder builder(first);
  auto type = RankedTensorType::get({ShapedType::kDynamic, columns}, builder.getF32Type());
  FlatSymbolRefAttr bias = biases.empty() ? FlatSymbolRefAttr() : FlatSymbolRefAttr::get(concatenate(biases).getSymNameAttr());
  auto fused = dec::LinearOp::create(builder, first.getLoc(), type, first.getX(),
                                     FlatSymbolRefAttr::get(concatenate(weights).getSymNameAttr()), bias, first.getActAttr(), Value());
  auto split = dec::SplitOp::create(builder, first.getLoc(), types, fused.getResult());
  for (auto [op, part] : llvm::zip(group, split.getParts())) {
    op.replaceAllUsesWith(part);
    op.erase();
  }
}

struct FuseLinears : impl::FuseLinearsBase<FuseLinears> {
  void runOnOperation() override {
    getOperation().walk([](func::FuncOp function) {
      // Same input and same kind of bias; one block, so the first dominates all.
      llvm::MapVector<std::pair<Value, unsigned>, SmallVector<dec::LinearOp>> groups;
      for (auto op : function.getBody().getOps<dec::LinearOp>())
        if (isPlain(op))
          groups[{op.getX(), unsigned(op.getBias().has_value())}].push_back(op);
      for (auto &[key, group] : groups)
        if (group.size() > 1)
          fuse(group);
    });
  }
};

} // namespace
} // namespace decant

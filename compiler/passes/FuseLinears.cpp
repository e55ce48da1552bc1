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
  auto type = TypeAttr::get(RankedTensorType::get(shape, parts.front().getTensorType().getElementType()));
  Operation *model = parts.front()->getParentOp();
  while (Operation *symbol = SymbolTable::lookupSymbolIn(model, name)) {
    auto existing = dyn_cast<dec::WeightOp>(symbol);
    if (existing && existing.getSources() == builder.getArrayAttr(sources) && existing.getTypeAttr() == type)
      return existing;
    name += '+';
  }
  return dec::WeightOp::create(builder, parts.front().getLoc(), builder.getStringAttr(name),
                               builder.getArrayAttr(sources), parts.front().getLayoutAttr(), type, DenseF32ArrayAttr());
}

int64_t columns(ArrayRef<dec::LinearOp> group) {
  int64_t sum = 0;
  for (dec::LinearOp op : group)
    sum += dec::width(op->getResult(0));
  return sum;
}

void fuse(MutableArrayRef<dec::LinearOp> group) {
  SmallVector<dec::WeightOp> weights, biases;
  SmallVector<Type> types;
  for (dec::LinearOp op : group) {
    weights.push_back(dec::lookupWeight(op, op.getWeight()));
    if (op.getBias())
      biases.push_back(dec::lookupWeight(op, *op.getBias()));
    types.push_back(op.getType());
  }
  dec::LinearOp first = group.front();
  OpBuilder builder(first);
  auto type = RankedTensorType::get({ShapedType::kDynamic, columns(group)}, builder.getF32Type());
  FlatSymbolRefAttr bias =
      biases.empty() ? FlatSymbolRefAttr() : FlatSymbolRefAttr::get(concatenate(biases).getSymNameAttr());
  auto fused = dec::LinearOp::create(builder, first.getLoc(), type, first.getX(),
                                     FlatSymbolRefAttr::get(concatenate(weights).getSymNameAttr()), bias,
                                     first.getActAttr(), Value());
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
        if (group.size() > 1 && columns(group) <= dec::kMaxVocab)
          fuse(group);
    });
  }
};

} // namespace
} // namespace decant

// InlineMasks: in: masks and scores composed with dec.apply and dec.apply_score. Out: each in one region of arith ops;
// only used functions stay, so that none has scalar parameters. Tested in tests/passes/inline-masks.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

namespace decant {
#define GEN_PASS_DEF_INLINEMASKS
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

/// Copies the callee's body in front of `apply`. The copy may apply further functions; the verifier rules out cycles.
void inlineApply(Operation *apply, Operation *callee) {
  OpBuilder builder(apply);
  IRMapping mapping;
  Block &body = callee->getRegion(0).front();
  // Both applies have the operands of their callees: b, h, q, k, parameters.
  mapping.map(body.getArguments(), apply->getOperands());
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  auto yield = cast<dec::YieldOp>(body.getTerminator());
  apply->getResult(0).replaceAllUsesWith(mapping.lookupOrDefault(yield.getValue()));
  apply->erase();
}

/// Larger masks are refused: masks that apply each other twice grow without bound.
constexpr size_t kMaxOps = 4096;

LogicalResult inlineAll(Operation *function, Block &body, Operation *scope) {
  for (;;) {
    auto apply = llvm::find_if(body, [](Operation &op) { return isa<dec::ApplyOp, dec::ApplyScoreOp>(op); });
    if (apply == body.end())
      return success();
    if (body.getOperations().size() > kMaxOps)
      return function->emitOpError("has more than ") << kMaxOps << " ops with the masks that it applies";
    auto callee = apply->getAttrOfType<FlatSymbolRefAttr>("callee");
    inlineApply(&*apply, SymbolTable::lookupNearestSymbolFrom(scope, callee));
  }
}

struct InlineMasks : impl::InlineMasksBase<InlineMasks> {
  void runOnOperation() override {
    for (auto model : getOperation().getOps<dec::ModelOp>()) {
      for (Operation &op : model.getBody().front())
        if (isa<dec::MaskOp, dec::ScoreOp>(op) && failed(inlineAll(&op, op.getRegion(0).front(), model)))
          return signalPassFailure();
      dropUnused(model);
    }
  }

  void dropUnused(dec::ModelOp model) {
    llvm::DenseSet<StringAttr> used;
    auto note = [&](auto attention) {
      used.insert(attention.getMaskAttr().getAttr());
      if (auto score = attention.getScoreAttr())
        used.insert(score.getAttr());
    };
    model.walk([&](dec::AttentionOp op) { note(op); });
    model.walk([&](dec::CachedAttentionOp op) { note(op); });
    for (Operation &op : llvm::make_early_inc_range(model.getBody().front()))
      if (isa<dec::MaskOp, dec::ScoreOp>(op) && !used.contains(SymbolTable::getSymbolName(&op)))
        op.erase();
  }
};

} // namespace
} // namespace decant

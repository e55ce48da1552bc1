// InlineMasks: in: masks composed with dec.apply. Out: every mask in one region of arith ops; only used functions stay.
// Tested in tests/passes/inline-masks.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

namespace decant {
#define GEN_PASS_DEF_INLINEMASKS
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

/// Copies the callee's body in front of `apply`. The copy may hold further dec.apply ops; the verifier rules out
/// cycles.
void inlineApply(dec::ApplyOp apply, dec::MaskOp callee) {
  OpBuilder builder(apply);
  IRMapping mapping;
  Block &body = callee.getBody().front();
  SmallVector<Value> actual{apply.getSequence(), apply.getHead(), apply.getQuery(), apply.getKey()};
  llvm::append_range(actual, apply.getParams());
  mapping.map(body.getArguments(), actual);
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  auto yield = cast<dec::YieldOp>(body.getTerminator());
  apply.replaceAllUsesWith(mapping.lookupOrDefault(yield.getValue()));
  apply.erase();
}

/// Larger masks are refused: masks that apply each other twice grow without bound.
constexpr size_t kMaxOps = 4096;

LogicalResult inlineAll(Operation *function, Block &body, Operation *scope) {
  for (;;) {
    auto applies = body.getOps<dec::ApplyOp>();
    if (applies.empty())
      return success();
    if (body.getOperations().size() > kMaxOps)
      return function->emitOpError("has more than ") << kMaxOps << " ops with the masks that it applies";
    dec::ApplyOp apply = *applies.begin();
    inlineApply(apply, SymbolTable::lookupNearestSymbolFrom<dec::MaskOp>(scope, apply.getCalleeAttr()));
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

// FuseEpilogues: in: activation(linear) and residual(linear). Out: one linear that does both before it stores.
// Saves a pass over memory each. Tested in tests/passes/fuse-epilogues.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/passes/Passes.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace decant {
#define GEN_PASS_DEF_FUSEEPILOGUES
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

/// The linear whose only use is `value`'s user, free of a residual; null otherwise.
dec::LinearOp openLinear(Value value) {
  auto linear = value.getDefiningOp<dec::LinearOp>();
  return linear && linear->hasOneUse() && !linear.getResidual() ? linear : dec::LinearOp();
}

struct FuseActivation : OpRewritePattern<dec::ActivationOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(dec::ActivationOp op, PatternRewriter &rewriter) const override {
    dec::LinearOp linear = openLinear(op.getX());
    if (!linear || linear.getAct() != dec::Activation::None)
      return failure();
    rewriter.replaceOpWithNewOp<dec::LinearOp>(op, op.getType(), linear.getX(), linear.getWeightAttr(),
                                               linear.getBiasAttr(), op.getActAttr(), Value());
    rewriter.eraseOp(linear);
    return success();
  }
};

struct FuseResidual : OpRewritePattern<dec::ResidualOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(dec::ResidualOp op, PatternRewriter &rewriter) const override {
    dec::LinearOp linear = openLinear(op.getBranch());
    if (!linear || op.getX() == op.getBranch())
      return failure();
    rewriter.replaceOpWithNewOp<dec::LinearOp>(op, op.getType(), linear.getX(), linear.getWeightAttr(),
                                               linear.getBiasAttr(), linear.getActAttr(), op.getX());
    rewriter.eraseOp(linear);
    return success();
  }
};

struct FuseEpilogues : impl::FuseEpiloguesBase<FuseEpilogues> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FuseActivation, FuseResidual>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace decant

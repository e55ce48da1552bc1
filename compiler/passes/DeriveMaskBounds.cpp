// DeriveMaskBounds: in: masks of arith ops alone. Out: the same masks with attributes visit and full, the texts of
// KeyRanges. A mask that no kernel can evaluate gets none: phase select refuses it where it is used.
// Tested in tests/passes/derive-mask-bounds.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/passes/MaskBounds.h"
#include "compiler/passes/MaskToText.h"
#include "compiler/passes/Passes.h"

#include "mlir/IR/Diagnostics.h"

namespace decant {
#define GEN_PASS_DEF_DERIVEMASKBOUNDS
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

/// Sorted if every use says so.
std::vector<MaskParam> paramsOf(dec::MaskOp mask) {
  std::vector<MaskParam> params = dec::maskParams(mask.getBody());
  auto arguments = mask.getBody().getArguments().drop_front(dec::MaskOp::kNumIndices);
  for (auto [param, argument] : llvm::zip(params, arguments))
    param.sorted = !argument.use_empty() && llvm::all_of(argument.getUsers(), [](Operation *user) {
      auto load = dyn_cast<dec::ParamOp>(user);
      return load && load.getSorted();
    });
  return params;
}

struct DeriveMaskBounds : impl::DeriveMaskBoundsBase<DeriveMaskBounds> {
  void runOnOperation() override {
    for (auto model : getOperation().getOps<dec::ModelOp>())
      for (auto mask : model.getBody().getOps<dec::MaskOp>())
        if (mask.getBody().getOps<dec::ApplyOp>().empty())
          derive(mask);
  }

  void derive(dec::MaskOp mask) {
    mask.removeVisitAttr();
    mask.removeFullAttr();
    FailureOr<std::string> text = failure();
    {
      ScopedDiagnosticHandler silence(&getContext(), [](Diagnostic &) { return success(); });
      text = maskToText(mask.getBody(), 0);
    }
    std::string error;
    std::vector<MaskParam> params = paramsOf(mask);
    auto expr = failed(text) ? std::nullopt : parseMaskExpr(*text, params, error);
    if (!expr || expr->type != MaskExpr::Type::Bool)
      return;
    MaskBounds bounds = deriveMaskBounds(*expr, params);
    mask.setVisit(toText(bounds.visit));
    mask.setFull(toText(bounds.full));
  }
};

} // namespace
} // namespace decant

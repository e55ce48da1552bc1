// AssignKernels: in: calls with specs. Out: every call has the number of its kernel; equal specs share one.
// Numbers follow the first use, so the artifact's table reads in the order of execution. Tested in
// tests/passes/assign-kernels.mlir.
#include "compiler/dialect/Plan.h"
#include "compiler/passes/Passes.h"

#include "llvm/ADT/StringMap.h"

namespace decant {
#define GEN_PASS_DEF_ASSIGNKERNELS
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

struct AssignKernels : impl::AssignKernelsBase<AssignKernels> {
  void runOnOperation() override {
    llvm::StringMap<int64_t> numbers;
    getOperation().walk(
        [&](plan::CallOp call) { call.setKernel(numbers.try_emplace(call.getSpec(), numbers.size()).first->second); });
  }
};

} // namespace
} // namespace decant

// The pipeline, phase by phase. Each dump parses back and resumes: what a phase needs stands in the IR.
#include "compiler/passes/Pipeline.h"
#include "compiler/passes/Passes.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace decant {

namespace {

struct Phase {
  StringRef name;
  void (*build)(OpPassManager &);
};

const Phase kPhases[] = {
    // What import/ built: one op for one step of the paper, sequences whole, no cache.
    {"import", [](OpPassManager &) {}},
    // First, so that the patterns of later phases meet one form of everything.
    {"simplify",
     [](OpPassManager &pm) {
       pm.addPass(createCanonicalizerPass());
       pm.addPass(createCSEPass());
     }},
    // Before caches: whoever asks what a mask shows must see one region, not a tree of calls.
    {"masks",
     [](OpPassManager &pm) {
       pm.addPass(createInlineMasks());
       pm.addPass(createCanonicalizerPass());
       pm.addPass(createDeriveMaskBounds());
     }},
    // Before fuse: the keys and values that move to @encode would otherwise be merged with the queries of @decode.
    {"cache", [](OpPassManager &pm) { pm.addPass(createPlaceCaches()); }},
    // Linears first: a merged linear takes no epilogue, and q|k|v have none.
    {"fuse",
     [](OpPassManager &pm) {
       pm.addPass(createFuseLinears());
       pm.addPass(createFuseEpilogues());
     }},
    // Last phase that knows layers; from here on buffers and kernels.
    {"select", [](OpPassManager &pm) { pm.addPass(createSelectKernels()); }},
    {"memory", [](OpPassManager &pm) { pm.addPass(createPlanMemory()); }},
    // Last: the artifact's kernel table goes by these numbers, the row classes of a spec side by side.
    {"emit", [](OpPassManager &pm) { pm.addPass(createAssignKernels()); }},
};

} // namespace

ArrayRef<StringRef> phaseNames() {
  static const SmallVector<StringRef> names =
      llvm::map_to_vector(kPhases, [](const Phase &phase) { return phase.name; });
  return names;
}

LogicalResult runPhases(ModuleOp module, const PhaseCallback &callback) {
  auto attr = module->getAttrOfType<StringAttr>(kPhaseAttr);
  StringRef start = attr ? attr.getValue() : "import";
  const Phase *phase = llvm::find_if(kPhases, [&](const Phase &candidate) { return candidate.name == start; });
  if (phase == std::end(kPhases))
    return module.emitError() << kPhaseAttr << " is \"" << start << "\", expected one of the phases import .. emit";
  module->setAttr(kPhaseAttr, StringAttr::get(module.getContext(), phase->name));
  for (;;) {
    unsigned number = phase - kPhases + 1;
    if (!callback(number, phase->name) || ++phase == std::end(kPhases))
      return success();
    PassManager pm(module.getContext());
    phase->build(pm);
    if (failed(pm.run(module)))
      return failure();
    module->setAttr(kPhaseAttr, StringAttr::get(module.getContext(), phase->name));
  }
}

void registerDecantPasses() {
  registerDecantTdPasses();
  for (const Phase &phase : kPhases)
    registerPassPipeline(("dec-phase-" + phase.name).str(), "The passes of phase " + phase.name.str(),
                         [&phase](OpPassManager &pm, StringRef, function_ref<LogicalResult(const Twine &)>) {
                           phase.build(pm);
                           return success();
                         },
                         [](function_ref<void(const detail::PassOptions &)>) {});
}

} // namespace decant

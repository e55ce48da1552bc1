// Emitted plan + kernel objects + weights -> one ELF file, executable or library. Layout:
// runtime/include/decant_module.h. Tested in tests/artifact and tests/e2e.
#pragma once

#include "compiler/codegen/KernelBuilder.h"
#include "compiler/weights/WeightSet.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace decant {

enum class EmitKind { Executable, Library };

struct ArtifactOptions {
  std::string output; ///< path of the file
  EmitKind kind = EmitKind::Executable;
  std::vector<std::string> targets;                                             ///< CPU levels, worst first; not empty
  KernelBuildOptions kernels;                                                   ///< jobs, cache
  std::function<void(uint64_t doneBytes, uint64_t totalBytes)> packingProgress; ///< may be empty
  std::string runtimeDir; ///< folder of libdecant_runtime.a and the others; "" = beside this program
};

struct ArtifactReport {
  uint64_t kernelsBuilt = 0, kernelsCached = 0;
  uint64_t weightBytes = 0, fileBytes = 0;
  double kernelSeconds = 0, linkSeconds = 0, weightSeconds = 0;
};

/// Writes the artifact of a module that has passed phase emit. `weights` holds the raw tensors that its dec.weights
/// name. The file appears whole or not at all. Errors: a tensor that is missing or has another shape (3), no linker
/// (5), disk full (6).
llvm::Expected<ArtifactReport> writeArtifact(mlir::ModuleOp module, const WeightSet &weights,
                                             const ArtifactOptions &options);

} // namespace decant

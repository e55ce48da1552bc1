// A model folder, or a .mlir file and its weights -> a module with the raw tensors behind it. Tested in tests/e2e.
#pragma once

#include "compiler/import/Families.h"
#include "compiler/import/Import.h"
#include "compiler/passes/Pipeline.h"
#include "compiler/weights/WeightSet.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <string>

namespace decant::cli {

struct ModelSource {
  std::string path;                            ///< folder, or file.mlir
  std::string weights;                         ///< of a file.mlir
  std::optional<int64_t> maxBatch, maxContext; ///< of a folder: a file.mlir has them in its dec.model
};

struct LoadedModel {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  WeightSet weights;
};

/// What every command works in: the dialects registered, no threads (a model's passes are short).
class ModelContext : public mlir::MLIRContext {
public:
  ModelContext();
};

/// Errors: no such path, a damaged file, IR that does not parse or verify (BadInput, with its place), Usage.
llvm::Expected<LoadedModel> loadModel(mlir::MLIRContext &context, const ModelSource &source);

/// runPhases; diagnostics become the error. Input that came as IR is BadInput, an imported model Internal.
llvm::Error runPhasesOf(mlir::ModuleOp module, bool importedByDecant, const PhaseCallback &callback);

bool isFolder(const std::string &path);

/// Usage if `output` is part of the model, a folder, or in a folder that does not exist.
llvm::Error checkOutput(const std::string &output, const std::string &model, const std::string &weights);

} // namespace decant::cli

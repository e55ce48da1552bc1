// Masks and scores of the prelude (compiler/dialect/prelude.mlir) in a model that names them. Tested in tests/import
// and tests/e2e.
#pragma once

#include "compiler/dialect/Dec.h"

namespace decant {

/// The prelude alone, verified. Its dec.mask and dec.score stand in the module itself.
mlir::OwningOpRef<mlir::ModuleOp> parsePrelude(mlir::MLIRContext &context, llvm::StringRef more = "");

/// Copies `name` of `from` and what it applies to where `builder` stands in `model`; what is there already stays.
void copyFunction(mlir::OpBuilder &builder, dec::ModelOp model, mlir::ModuleOp from, llvm::StringRef name);

/// Adds the masks and scores that `model` uses and does not define. The model need not be verified yet. Fails with a
/// diagnostic at the use of a name that the prelude does not have either.
mlir::LogicalResult linkPrelude(dec::ModelOp model);

} // namespace decant

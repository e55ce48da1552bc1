// The phases between import and the artifact: names, order, and how to run them from any dump.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <functional>
#include <string>

namespace decant {

/// "import", "simplify", ... "emit", in order.
llvm::ArrayRef<llvm::StringRef> phaseNames();

/// Module attribute that holds the name of the last phase that ran.
inline constexpr llvm::StringRef kPhaseAttr = "dec.phase";

/// Called after each phase with its number (from 1) and name; false stops the pipeline, which then has succeeded.
using PhaseCallback = std::function<bool(unsigned number, llvm::StringRef name)>;

/// Runs every phase behind the module's own (dec.phase). Fails with diagnostics; the callback sees the starting phase
/// too.
mlir::LogicalResult runPhases(mlir::ModuleOp module, const PhaseCallback &callback);

/// Registers the passes and the phases (as dec-phase-<name>) for decant-opt.
void registerDecantPasses();

} // namespace decant

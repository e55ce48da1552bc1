// Compiles a model folder, or IR, in process, for tests that run the result.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <string>

namespace decant::test {

/// Writes the artifact of `folder` to `output` (a library if it ends in .so) for this machine's best target; throws
/// nothing, returns the error's text, "" if there is none.
std::string compileModel(const std::string &folder, const std::string &output);

/// The same for a module's text, whose weights are in the safetensors file `weights`. `change` may rewrite the module
/// after each phase.
std::string compileIr(const std::string &text, const std::string &weights, const std::string &output,
                      const std::function<void(mlir::ModuleOp module, llvm::StringRef phase)> &change);

/// A folder of this process's own; removed at exit.
std::string scratchFolder();

} // namespace decant::test

// The commands: options in, work done, or an error whose exit code main takes. Tested in tests/e2e.
#pragma once

#include "tools/decant/Options.h"

#include "llvm/Support/Error.h"

namespace decant::cli {

llvm::Error runCompile(const CompileOptions &options);
llvm::Error runEval(const EvalOptions &options);
llvm::Error runInspect(const InspectOptions &options);
llvm::Error runExplain(const ExplainOptions &options);
/// An artifact's own exit code: it has said itself what went wrong.
llvm::Expected<int> runArtifact(const RunOptions &options);

} // namespace decant::cli

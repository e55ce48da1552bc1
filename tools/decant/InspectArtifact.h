// An artifact's file -> everything its tables say, and the sizes of its parts. Nothing of it is run. Tested in
// tests/e2e.
#pragma once

#include "tools/decant/Outline.h"

#include "llvm/Support/Error.h"

namespace decant::cli {

llvm::Expected<Outline> describeArtifact(const std::string &path);

} // namespace decant::cli

// CPU levels that an artifact can carry: names on the command line -> names in the module. Tested in tests/e2e.
#pragma once

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace decant::cli {

/// Worst level first, each once; "host" is the best level that this machine has. Errors: a level of a later version
/// (Unsupported), an unknown word (Usage, names the nearest), a host below x86-64-v3 (Environment).
llvm::Expected<std::vector<std::string>> resolveTargets(const std::vector<std::string> &names);

} // namespace decant::cli

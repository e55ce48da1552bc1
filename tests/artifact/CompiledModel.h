// Compiles a model folder in process, for tests that run the result.
#pragma once

#include <string>

namespace decant::test {

/// Writes the artifact of `folder` to `output` (a library if it ends in .so) for this machine's best target; throws
/// nothing, returns the error's text, "" if there is none.
std::string compileModel(const std::string &folder, const std::string &output);

/// A folder of this process's own; removed at exit.
std::string scratchFolder();

} // namespace decant::test

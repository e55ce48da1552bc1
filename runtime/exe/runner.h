// Inputs in, output lines in the order of the inputs. Tested in tests/runtime.
#pragma once

#include "runtime/exe/options.h"

namespace decant::rt {

/// Runs the texts of the command line, or the lines of stdin. Returns the exit code; messages go to stderr.
int runInputs(const CommandLine &line, decant_model *model);

} // namespace decant::rt

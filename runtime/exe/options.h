// The command line of an executable artifact (also what `decant run` passes on). Tested in tests/runtime.
#pragma once

#include "runtime/core/array.h"
#include "runtime/include/decant.h"

namespace decant::rt {

enum ExitCode {
  kExitOk = 0,
  kExitInternal = 1,
  kExitUsage = 2,
  kExitInput = 3,
  kExitUnsupported = 4,
  kExitEnvironment = 5,
  kExitResource = 6
};

struct CommandLine {
  decant_generate_options generate;
  int32_t batch = 0, threads = 0; ///< 0 = default
  bool ids = false, stream = false, json = false, scores = false, verify = false, info = false, version = false,
       help = false, chat = false;
  const char *system = nullptr;                              ///< with chat: the system's turn
  const char *source_lang = nullptr, *target_lang = nullptr; ///< of a translator; nullptr = its default
  const char *eval_in = nullptr, *eval_out = nullptr;
  Array<const char *> texts; ///< positional; with --ids, lists of ids ("-" = stdin)
};

/// kExitOk, or the exit code after one sentence on stderr.
int parseCommandLine(int argc, char **argv, CommandLine &out);
void printHelp(const char *program);

int exitCode(decant_status status);

} // namespace decant::rt

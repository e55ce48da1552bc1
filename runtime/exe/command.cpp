// The command line of an artifact: see README.md. Tested in tests/runtime and tests/e2e.
#include "runtime/exe/command.h"

#include "runtime/core/eval.h"
#include "runtime/core/info.h"
#include "runtime/core/model.h"
#include "runtime/exe/runner.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <unistd.h>

using namespace decant::rt;

namespace {

constexpr int kExitInterrupted = 130;

void interrupted(int) { _exit(kExitInterrupted); }

int report(decant_status status, const char *message) {
  std::fprintf(stderr, "%s\n", message);
  return exitCode(status);
}

/// The code, or that of a failed write: a full disk shows at the last flush. A closed pipe has seen enough.
int flushed(int code) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout))
    return code;
  if (code != kExitOk || errno == EPIPE)
    return code;
  std::fputs("cannot write to standard output\n", stderr);
  return kExitResource;
}

int run(const CommandLine &line, const char *module_path) {
  char message[512];
  decant_model_options options{sizeof options, line.verify};
  decant_model *model = nullptr;
  if (decant_status status = decant_model_open(module_path, &options, message, sizeof message, &model);
      status != DECANT_OK)
    return report(status, message);
  int code = kExitOk;
  if (line.version) {
    std::printf("%s, compiled by decant %s for %s\n", model->name.data(), model->compiler_version.data(),
                model->target_name.data());
  } else if (line.info) {
    writeInfo(stdout, model->tables, model->file_bytes, model->target, line.json);
  } else if (line.eval_in) {
    decant_status status = evalFile(model, line.threads, line.eval_in, line.eval_out, Message{message, sizeof message});
    code = status == DECANT_OK ? kExitOk : report(status, message);
  } else {
    code = runInputs(line, model);
  }
  decant_model_release(model);
  return code;
}

} // namespace

int decant_exe_main(int argc, char **argv, const char *module_path) {
  std::signal(SIGINT, interrupted);
  CommandLine line;
  if (int code = parseCommandLine(argc, argv, line))
    return code;
  if (line.help) {
    printHelp(argv[0]);
    return flushed(kExitOk);
  }
  return flushed(run(line, module_path));
}

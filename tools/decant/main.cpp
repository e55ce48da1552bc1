// The command line `decant`: parses, runs one command, says once what went wrong, ends with its exit code.
#include "compiler/config/Errors.h"
#include "tools/decant/Commands.h"
#include "tools/decant/Interrupt.h"

#include <csignal>
#include <cstdio>

using namespace decant;

namespace {

int report(llvm::Error error) {
  if (cli::interrupted())
    cli::waitForEnd();
  int code = 0;
  llvm::handleAllErrors(
      std::move(error),
      [&](const UserError &user) {
        std::fprintf(stderr, "decant: error: %s\n", user.message.c_str());
        code = static_cast<int>(user.code);
      },
      [&](const llvm::ErrorInfoBase &other) {
        std::fprintf(stderr, "decant: error: %s\n", other.message().c_str());
        code = static_cast<int>(ExitCode::Internal);
      });
  return code;
}

struct Dispatch {
  int operator()(int code) const { return code; }
  int operator()(const cli::CompileOptions &options) const { return report(cli::runCompile(options)); }
  int operator()(const cli::EvalOptions &options) const { return report(cli::runEval(options)); }
  int operator()(const cli::InspectOptions &options) const { return report(cli::runInspect(options)); }
  int operator()(const cli::ExplainOptions &options) const { return report(cli::runExplain(options)); }
  int operator()(const cli::RunOptions &options) const {
    auto code = cli::runArtifact(options);
    return code ? *code : report(code.takeError());
  }
};

} // namespace

int main(int argc, char **argv) {
  std::signal(SIGPIPE, SIG_IGN); // a closed stdout is an error of write, not the end of the program
  return std::visit(Dispatch(), cli::parseCommandLine(argc, argv));
}

// decant-kernelc: compiles kernels, one line of stdin each: "target<TAB>output path<TAB>spec text". Answers one line
// each on stdout: "ok <path>" or "error <message>". Runs apart from the compiler so that Halide and MLIR never meet in
// a process. Each kernel has a child process of its own: a crash costs one kernel, and Halide, which numbers the names
// of a process, gives the same bytes whatever was compiled before. Ends at the end of stdin. Tested in tests/codegen.
#include "schedules/compile.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

/// Newlines would break the line protocol.
std::string oneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string answer(const std::string &line) {
  size_t first = line.find('\t'), second = first == std::string::npos ? first : line.find('\t', first + 1);
  if (second == std::string::npos)
    return "error expected target<TAB>path<TAB>spec";
  std::string target = line.substr(0, first), path = line.substr(first + 1, second - first - 1), message;
  auto spec = decant::parseKernelSpec(line.substr(second + 1), message);
  if (!spec)
    return "error " + oneLine(message);
  try {
    decant::compileToObject(*spec, target, path);
  } catch (const std::exception &e) {
    return "error " + oneLine(e.what());
  }
  return "ok " + path;
}

/// Answers in a child process; says itself what happened if the child could not.
void serve(const std::string &line) {
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);       // a worker that is ended takes its kernel along
    std::cout << answer(line) << std::endl; // flushed: the caller waits for it
    _exit(std::cout ? 0 : 1);
  }
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  if (child < 0)
    std::cout << "error cannot start a process: " << std::strerror(errno) << std::endl;
  else if (WIFSIGNALED(status))
    std::cout << "error the kernel compiler ended with signal " << WTERMSIG(status) << " ("
              << strsignal(WTERMSIG(status)) << ")" << std::endl;
  else if (WEXITSTATUS(status) != 0)
    std::cout << "error the kernel compiler ended with exit code " << WEXITSTATUS(status) << std::endl;
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 2 && std::string(argv[1]) == "--version") {
    std::cout << "halide " << decant::halideVersion() << "\n";
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);)
    serve(line);
  return std::cin.bad() ? 1 : 0;
}

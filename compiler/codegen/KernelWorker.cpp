// decant-kernelc: compiles kernels, one line of stdin each: "target<TAB>output path<TAB>spec text". Answers one line
// each on stdout: "ok <path>" or "error <message>". Runs apart from the compiler so that Halide and MLIR never meet in
// a process and a crash of Halide costs one kernel. Ends at the end of stdin. Tested in tests/codegen.
#include "schedules/compile.h"

#include <algorithm>
#include <iostream>

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

} // namespace

int main(int argc, char **argv) {
  if (argc == 2 && std::string(argv[1]) == "--version") {
    std::cout << "halide " << decant::halideVersion() << "\n";
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);)
    std::cout << answer(line) << std::endl; // flushed: the caller waits for it
  return std::cin.bad() ? 1 : 0;
}

// The command line as plain structs: what CLI11 parses and the commands read, so that neither sees the other's headers
// (CLI11 needs RTTI, LLVM is built without). The contract of names is the command's --help. Tested in tests/e2e.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace decant::cli {

struct CompileOptions {
  std::string model, weights; ///< folder, or file.mlir + weights
  std::string output;         ///< empty only with emitIr
  std::string emit;           ///< "exe", "lib"; empty: by the name of the output
  std::vector<std::string> targets{"host"};
  std::string dtype = "f32";
  std::optional<int64_t> maxBatch, maxContext;
  int jobs = 0; ///< 0 = one a core
  bool noCache = false;
  std::string cacheDir;   ///< empty: the default
  std::string emitIr;     ///< phase to print, empty: none
  std::string dumpPhases; ///< folder, empty: none
  bool report = false;
};

struct RunOptions {
  std::string artifact;
  std::vector<std::string> arguments;
};

struct EvalOptions {
  std::string model, weights; ///< an artifact; with reference: folder, or file.mlir + weights
  std::string reference;      ///< "f32", "f64"; empty: an artifact
  std::string inputs, outputs;
  int threads = 0; ///< 0 = all cores
};

struct InspectOptions {
  std::string model, weights;
  bool json = false;
};

struct ExplainOptions {
  std::string model, weights; ///< folder, or file.mlir + weights
  std::string output;         ///< page; empty: none
  std::string mask;           ///< drawn in the terminal; empty: none
  int64_t size = 16;          ///< queries and keys of that drawing
  std::optional<int64_t> maxBatch, maxContext;
  bool json = false;
};

/// int: nothing to do, the program ends with this exit code.
using Command = std::variant<int, CompileOptions, RunOptions, EvalOptions, InspectOptions, ExplainOptions>;

/// Help and version go to stdout, one sentence about a wrong command line to stderr.
Command parseCommandLine(int argc, char **argv);

/// The candidate nearest to `word` by edit distance.
std::string nearest(std::string_view word, const std::vector<std::string> &candidates);

} // namespace decant::cli

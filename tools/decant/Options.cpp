// CLI11 -> Options.h. The only file that includes CLI11. Unknown words name the nearest known one. Tested in tests/e2e.
#include "tools/decant/Options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <numeric>
#include <sstream>

namespace decant::cli {
namespace {

constexpr int kUsage = 2, kUnsupported = 4, kResource = 6;

constexpr const char *kExamples = R"(Examples:
  decant compile g2p/ -o g2p && ./g2p "transformer"      a model folder becomes one program
  decant compile g2p/ -o g2p.so --report                 a library for the C API, and what went into it
  decant inspect g2p                                     what a program or a model folder holds

decant compiles transformer decoders ahead of time.)";

constexpr const char *kCompileExamples = R"(Examples:
  decant compile g2p/ -o g2p                                         a program
  decant compile g2p/ -o g2p.so --target x86-64-v3,x86-64-v4         a library for two CPU levels
  decant compile out/3.masks.mlir --weights g2p/model.safetensors -o g2p    resume from a dump of --dump-phases=out

Compiles a Hugging Face folder, a torch decoder folder, or a .mlir file.)";

constexpr const char *kRunExamples = R"(Examples:
  decant run g2p "transformer" "decoder"
  decant run g2p.so --ids "1 10 13 2"
  decant run g2p --help                         the options of an artifact

Runs an artifact: a program is executed, a library is loaded.)";

constexpr const char *kEvalExamples = R"(Examples:
  decant eval g2p --inputs in.safetensors --outputs out.safetensors
  decant eval g2p/ --reference f64 --inputs in.safetensors --outputs out.safetensors

One forward pass (teacher forcing). Inputs are named as in Hugging Face's or PyTorch's forward().)";

constexpr const char *kInspectExamples = R"(Examples:
  decant inspect g2p                 header, targets, kernels, masks, memory plan of an artifact; nothing of it is run
  decant inspect g2p/ --json         tensors, masks and caches of a model folder

Says what an artifact or a model holds.)";

constexpr const char *kExplainExamples = R"(Examples:
  decant explain g2p/ -o g2p.html                        a page: the graph, the masks drawn, the work they save
  decant explain g2p/ --mask decoder_self --size 32      one mask, drawn in the terminal
  decant explain g2p/ --json                             the same as data

Draws a model: its graph, its masks, what they skip, its kernels.)";

constexpr const char *kExitCodes =
    "Exit codes: 0 ok, 1 internal, 2 usage, 3 bad input, 4 unsupported, 5 environment, 6 resource, 130 interrupted";

const std::vector<std::string> kCommands{"compile", "run", "eval", "inspect", "explain"};
const std::vector<std::string> kLater{"bench", "tune"};

size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t substituted = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// "a,b" -> {"a", "b"}
std::vector<std::string> split(const std::string &list) {
  std::vector<std::string> words;
  std::istringstream in(list);
  for (std::string word; std::getline(in, word, ',');)
    words.push_back(word);
  return words;
}

int fail(int code, const std::string &message) {
  std::fprintf(stderr, "decant: error: %s\n", message.c_str());
  return code;
}

struct Parser {
  CLI::App app{kExamples, "decant"};
  CompileOptions compile;
  RunOptions run;
  EvalOptions eval;
  InspectOptions inspect;
  ExplainOptions explain;

  Parser() {
    app.set_version_flag("--version", "decant " DECANT_VERSION);
    app.footer(kExitCodes);
    app.require_subcommand(1);
    addCompile(*app.add_subcommand("compile", kCompileExamples));
    CLI::App &runCommand = *app.add_subcommand("run", kRunExamples);
    runCommand.add_option("ARTIFACT", run.artifact, "what decant compile wrote; its options and texts follow")
        ->required();
    addEval(*app.add_subcommand("eval", kEvalExamples));
    CLI::App &inspectCommand = *app.add_subcommand("inspect", kInspectExamples);
    inspectCommand.add_option("MODEL", inspect.model, "artifact, model folder or .mlir file")->required();
    inspectCommand.add_option("--weights", inspect.weights, "weights of a .mlir file (safetensors)");
    inspectCommand.add_flag("--json", inspect.json, "one JSON object");
    addExplain(*app.add_subcommand("explain", kExplainExamples));
  }

  void addCompile(CLI::App &command) {
    command.add_option("MODEL", compile.model, "model folder or .mlir file")->required();
    command.add_option("-o,--output", compile.output, "the file to write");
    command.add_option("--weights", compile.weights, "weights of a .mlir file (safetensors)");
    command.add_option("--emit", compile.emit, "exe or lib; default: lib when OUT ends in .so, else exe");
    command.add_option_function<std::string>(
        "--target", [this](const std::string &list) { compile.targets = split(list); },
        "host, x86-64-v3, x86-64-v4; several, comma-separated, in one file");
    command.add_option("--dtype", compile.dtype, "type of the weights: f32");
    command.add_option("--max-batch", compile.maxBatch, "sequences at once; default 32")
        ->check(CLI::Range(int64_t(1), int64_t(65536)));
    command.add_option("--max-context", compile.maxContext, "tokens a sequence; default: the model's, at most 4096")
        ->check(CLI::Range(int64_t(1), int64_t(INT32_MAX)));
    command.add_option("--jobs", compile.jobs, "kernels compiled at once; default: one a core")
        ->check(CLI::Range(1, 1024));
    command.add_flag("--no-cache", compile.noCache, "compile every kernel anew");
    command.add_option("--cache-dir", compile.cacheDir,
                       "kernel cache; default: $XDG_CACHE_HOME/decant or ~/.cache/decant");
    command.add_option("--emit-ir", compile.emitIr, "print the IR after this phase on stdout and stop");
    command.add_option("--dump-phases", compile.dumpPhases, "folder for the IR after each phase, N.phase.mlir");
    command.add_flag("--report", compile.report, "table on stderr: phase times, kernels, sizes");
  }

  void addEval(CLI::App &command) {
    command.add_option("MODEL", eval.model, "artifact; with --reference a model folder or .mlir file")->required();
    command.add_option("--reference", eval.reference, "f32 or f64: run the model in the interpreter")
        ->check(CLI::IsMember({"f32", "f64"}));
    command.add_option("--weights", eval.weights, "weights of a .mlir file (safetensors)");
    command.add_option("--inputs", eval.inputs, "safetensors to read")->required();
    command.add_option("--outputs", eval.outputs, "safetensors to write")->required();
    command.add_option("--threads", eval.threads, "default: all cores")->check(CLI::Range(1, 256));
  }

  void addExplain(CLI::App &command) {
    command.add_option("MODEL", explain.model, "model folder or .mlir file")->required();
    command.add_option("-o,--output", explain.output, "page to write (HTML)");
    command.add_option("--mask", explain.mask, "draw this mask in the terminal");
    command.add_option("--size", explain.size, "with --mask: queries and keys of the drawing; default 16")
        ->check(CLI::Range(int64_t(1), int64_t(4096)));
    command.add_option("--weights", explain.weights, "weights of a .mlir file (safetensors)");
    command.add_option("--max-batch", explain.maxBatch, "as for compile")
        ->check(CLI::Range(int64_t(1), int64_t(65536)));
    command.add_option("--max-context", explain.maxContext, "as for compile")
        ->check(CLI::Range(int64_t(1), int64_t(INT32_MAX)));
    command.add_flag("--json", explain.json, "one JSON object on stdout instead of a drawing");
  }

  CLI::App *chosen() {
    auto parsed = app.get_subcommands();
    return parsed.empty() ? &app : parsed.front();
  }

  /// Words that fit nowhere: an option gets the nearest option, anything else is one argument too many.
  int unexpected() {
    CLI::App *command = chosen();
    for (const std::string &word : app.remaining(true)) {
      if (word.empty() || word[0] != '-')
        continue;
      std::vector<std::string> names;
      for (const CLI::Option *option : command->get_options())
        for (const std::string &name : option->get_lnames())
          names.push_back("--" + name);
      std::string name = word.substr(0, word.find('='));
      return fail(kUsage, "unknown option " + name + "; did you mean " + nearest(name, names) + "? (decant " +
                              command->get_name() + " --help lists all)");
    }
    std::vector<std::string> rest = app.remaining(true);
    return fail(kUsage, "unexpected argument \"" + (rest.empty() ? std::string() : rest.front()) + "\"; decant " +
                            command->get_name() + " --help says what is expected");
  }

  Command checkedExplain() {
    if (explain.output.empty() && explain.mask.empty() && !explain.json)
      return fail(kUsage, "decant explain: say what to give: -o page.html, --mask NAME or --json");
    if (explain.mask.empty() && app.get_subcommand("explain")->count("--size"))
      return fail(kUsage, "decant explain: --size goes with --mask NAME");
    return explain;
  }

  Command result() {
    std::string name = chosen()->get_name();
    if (name == "compile") {
      if (compile.output.empty() && compile.emitIr.empty())
        return fail(kUsage, "decant compile: -o OUT is missing: the file to write");
      return compile;
    }
    if (name == "run")
      return run;
    if (name == "eval")
      return eval;
    if (name == "inspect")
      return inspect;
    return checkedExplain();
  }
};

/// What CLI11 need not see: a command that does not exist, and `run ARTIFACT ...`, whose rest belongs to the artifact.
std::optional<Command> beforeParsing(int argc, char **argv) {
  if (argc < 2)
    return fail(kUsage, "a command is missing: compile, run, eval, inspect or explain (see decant --help)");
  std::string command = argv[1];
  if (command[0] == '-')
    return std::nullopt;
  if (std::count(kLater.begin(), kLater.end(), command))
    return fail(kUnsupported, "decant " + command + " comes with a later version");
  if (!std::count(kCommands.begin(), kCommands.end(), command))
    return fail(kUsage, "unknown command \"" + command + "\"; did you mean " + nearest(command, kCommands) + "?");
  if (command == "run" && argc > 2 && argv[2][0] != '-')
    return RunOptions{argv[2], std::vector<std::string>(argv + 3, argv + argc)};
  return std::nullopt;
}

} // namespace

std::string nearest(std::string_view word, const std::vector<std::string> &candidates) {
  return *std::min_element(candidates.begin(), candidates.end(), [&](const std::string &a, const std::string &b) {
    return editDistance(word, a) < editDistance(word, b);
  });
}

Command parseCommandLine(int argc, char **argv) {
  if (std::optional<Command> command = beforeParsing(argc, argv))
    return *command;
  Parser parser;
  try {
    parser.app.parse(argc, argv);
  } catch (const CLI::Success &success) {
    int code = parser.app.exit(success);
    if (code == 0 && !std::cout.flush())
      return fail(kResource, "cannot write to standard output");
    return code;
  } catch (const CLI::ExtrasError &) {
    return parser.unexpected();
  } catch (const CLI::ParseError &error) {
    if (!parser.app.remaining(true).empty())
      return parser.unexpected();
    return fail(kUsage, error.what());
  }
  return parser.result();
}

} // namespace decant::cli

// Options as a table: name, what its value is, where it goes. --name VALUE and --name=VALUE are both accepted.
#include "runtime/exe/options.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace decant::rt {
namespace {

enum Kind { Flag, Switch, Number, Seed, Real, Text, EarlyStopping, TwoFiles, Later };

struct Option {
  const char *name;
  Kind kind;
  void *(*target)(CommandLine &);
  int32_t lowest = 0, highest = INT_MAX; ///< of a Number
};

constexpr Option kOptions[] = {
    {"--ids", Flag, [](CommandLine &c) -> void * { return &c.ids; }}, // --ids=LIST as well
    {"--max-new-tokens", Number, [](CommandLine &c) -> void * { return &c.generate.max_new_tokens; }, 1},
    {"--min-new-tokens", Number, [](CommandLine &c) -> void * { return &c.generate.min_new_tokens; }},
    {"--num-beams", Number, [](CommandLine &c) -> void * { return &c.generate.num_beams; }, 1, 1024},
    {"--length-penalty", Real, [](CommandLine &c) -> void * { return &c.generate.length_penalty; }},
    {"--early-stopping", EarlyStopping, [](CommandLine &c) -> void * { return &c.generate.early_stopping; }},
    {"--ignore-eos", Flag, nullptr},
    {"--batch", Number, [](CommandLine &c) -> void * { return &c.batch; }, 1, 65536},
    {"--threads", Number, [](CommandLine &c) -> void * { return &c.threads; }, 1, 256},
    {"--stream", Flag, [](CommandLine &c) -> void * { return &c.stream; }},
    {"--json", Flag, [](CommandLine &c) -> void * { return &c.json; }},
    {"--scores", Flag, [](CommandLine &c) -> void * { return &c.scores; }},
    {"--verify", Flag, [](CommandLine &c) -> void * { return &c.verify; }},
    {"--info", Flag, [](CommandLine &c) -> void * { return &c.info; }},
    {"--version", Flag, [](CommandLine &c) -> void * { return &c.version; }},
    {"--help", Flag, [](CommandLine &c) -> void * { return &c.help; }},
    {"--eval-raw", TwoFiles, nullptr},
    {"--do-sample", Switch, [](CommandLine &c) -> void * { return &c.generate.do_sample; }},
    {"--temperature", Real, [](CommandLine &c) -> void * { return &c.generate.temperature; }},
    {"--top-k", Number, [](CommandLine &c) -> void * { return &c.generate.top_k; }},
    {"--top-p", Real, [](CommandLine &c) -> void * { return &c.generate.top_p; }},
    {"--min-p", Real, [](CommandLine &c) -> void * { return &c.generate.min_p; }},
    {"--seed", Seed, [](CommandLine &c) -> void * { return &c.generate.seed; }},
    {"--repetition-penalty", Real, [](CommandLine &c) -> void * { return &c.generate.repetition_penalty; }},
    {"--no-repeat-ngram-size", Number, [](CommandLine &c) -> void * { return &c.generate.no_repeat_ngram_size; }},
    {"--chat", Flag, [](CommandLine &c) -> void * { return &c.chat; }},
    {"--system", Text, [](CommandLine &c) -> void * { return &c.system; }},
    {"--source-lang", Text, [](CommandLine &c) -> void * { return &c.source_lang; }},
    {"--target-lang", Text, [](CommandLine &c) -> void * { return &c.target_lang; }},
    {"--device", Later, nullptr},
    {"--list-devices", Later, nullptr},
};

/// Levenshtein distance of two short names.
int distance(std::string_view a, std::string_view b) {
  constexpr size_t kLongest = 63;
  int row[kLongest + 1];
  if (b.size() > kLongest)
    return INT_MAX;
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = static_cast<int>(j);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i) + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      int best = std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] != b[j])});
      diagonal = row[j + 1];
      row[j + 1] = best;
    }
  }
  return row[b.size()];
}

int unknown(std::string_view name) {
  const char *nearest = "--help";
  int best = INT_MAX;
  for (const Option &option : kOptions)
    if (int d = distance(name, option.name); option.kind != Later && option.kind != TwoFiles && d < best) {
      best = d;
      nearest = option.name;
    }
  std::fprintf(stderr, "unknown option %.*s; the nearest one is %s (see --help)\n", static_cast<int>(name.size()),
               name.data(), nearest);
  return kExitUsage;
}

int badValue(const Option &option, const char *expected, const char *found) {
  std::fprintf(stderr, "%s: expected %s, found \"%s\"\n", option.name, expected, found);
  return kExitUsage;
}

int setValue(const Option &option, const char *text, CommandLine &out) {
  void *target = option.target(out);
  if (option.kind == EarlyStopping) {
    constexpr const char *kNames[] = {"false", "true", "never"};
    for (int32_t i = 0; i < 3; ++i)
      if (std::string_view(text) == kNames[i]) {
        *static_cast<int32_t *>(target) = i;
        return kExitOk;
      }
    return badValue(option, "true, false or never", text);
  }
  char *end = nullptr;
  errno = 0;
  if (option.kind == Real) {
    float value = std::strtof(text, &end);
    if (end == text || *end || !std::isfinite(value))
      return badValue(option, "a finite number", text);
    *static_cast<float *>(target) = value;
    return kExitOk;
  }
  if (option.kind == Text) {
    *static_cast<const char **>(target) = text;
    return kExitOk;
  }
  if (option.kind == Seed) {
    unsigned long long value = std::strtoull(text, &end, 10);
    if (end == text || *end || errno || *text == '-')
      return badValue(option, "a whole number from 0 on", text);
    *static_cast<uint64_t *>(target) = value;
    return kExitOk;
  }
  long value = std::strtol(text, &end, 10);
  if (end == text || *end || errno || value < option.lowest || value > option.highest) {
    char expected[64];
    if (option.highest == INT_MAX)
      std::snprintf(expected, sizeof expected, "a whole number from %d on", option.lowest);
    else
      std::snprintf(expected, sizeof expected, "a whole number from %d to %d", option.lowest, option.highest);
    return badValue(option, expected, text);
  }
  *static_cast<int32_t *>(target) = static_cast<int32_t>(value);
  return kExitOk;
}

const Option *find(std::string_view name) {
  for (const Option &option : kOptions)
    if (name == option.name)
      return &option;
  return nullptr;
}

int outOfMemory() {
  std::fputs("out of memory\n", stderr);
  return kExitResource;
}

struct Parser {
  int argc;
  char **argv;
  CommandLine &out;
  int i = 1;

  /// One option at argv[i], with its value.
  int option() {
    std::string_view argument = argv[i];
    size_t equals = argument.find('=');
    std::string_view name(argument.data(), equals == std::string_view::npos ? argument.size() : equals);
    const Option *option = find(name);
    if (!option)
      return unknown(name);
    if (option->kind == Later) {
      std::fprintf(stderr, "%s: not supported by this version\n", option->name);
      return kExitUnsupported;
    }
    if (option->kind == TwoFiles) {
      if (i + 2 >= argc)
        return badValue(*option, "two file names", "fewer");
      out.eval_in = argv[++i];
      out.eval_out = argv[++i];
      return kExitOk;
    }
    if (option->kind == Flag || option->kind == Switch) {
      if (equals != std::string_view::npos && name == "--ids") {
        out.ids = true;
        return out.texts.push(argv[i] + equals + 1) ? kExitOk : outOfMemory();
      }
      if (equals != std::string_view::npos)
        return badValue(*option, "no value", argv[i] + equals + 1);
      if (option->kind == Switch)
        *static_cast<int32_t *>(option->target(out)) = 1;
      else if (option->target)
        *static_cast<bool *>(option->target(out)) = true;
      else
        out.generate.ignore_eos = 1;
      return kExitOk;
    }
    if (equals != std::string_view::npos)
      return setValue(*option, argv[i] + equals + 1, out);
    if (i + 1 >= argc) {
      std::fprintf(stderr, "%s: a value is missing\n", option->name);
      return kExitUsage;
    }
    return setValue(*option, argv[++i], out);
  }

  int run() {
    bool only_texts = false;
    for (; i < argc; ++i) {
      std::string_view argument = argv[i];
      if (!only_texts && argument == "--") {
        only_texts = true;
      } else if (!only_texts && argument == "-h") {
        out.help = true;
      } else if (!only_texts && argument.size() > 2 && argument[0] == '-' && argument[1] == '-') {
        if (int code = option())
          return code;
      } else if (!out.texts.push(argv[i])) {
        return outOfMemory();
      }
    }
    return kExitOk;
  }
};

} // namespace

int parseCommandLine(int argc, char **argv, CommandLine &out) {
  decant_generate_options_init(&out.generate);
  if (int code = Parser{argc, argv, out}.run())
    return code;
  if (out.system && !out.chat) {
    std::fputs("--system goes with --chat\n", stderr);
    return kExitUsage;
  }
  if (out.chat && out.ids) {
    std::fputs("--chat takes texts, not --ids\n", stderr);
    return kExitUsage;
  }
  if (out.source_lang && (out.ids || out.chat)) {
    std::fputs("--source-lang goes with texts, not with --ids or --chat\n", stderr);
    return kExitUsage;
  }
  if (out.generate.do_sample == 1 && out.generate.num_beams > 1) {
    std::fputs("--do-sample goes with --num-beams 1\n", stderr);
    return kExitUsage;
  }
  out.generate.without_scores = !out.scores && !out.json;
  out.generate.until_context = out.chat; // an answer ends when the model ends it
  return kExitOk;
}

int exitCode(decant_status status) {
  switch (status) {
  case DECANT_OK:
    return kExitOk;
  case DECANT_INVALID_ARGUMENT:
  case DECANT_DATA_LOSS:
  case DECANT_NOT_FOUND:
    return kExitInput;
  case DECANT_UNIMPLEMENTED:
    return kExitUnsupported;
  case DECANT_FAILED_PRECONDITION:
    return kExitEnvironment;
  case DECANT_OUT_OF_RANGE:
  case DECANT_RESOURCE_EXHAUSTED:
    return kExitResource;
  default:
    return kExitInternal;
  }
}

void printHelp(const char *program) {
  std::printf(
      "Examples:\n"
      "  %s \"some text\" \"another\"        one line of output per argument\n"
      "  %s --num-beams 4 < texts.txt      one line of output per line of stdin\n"
      "  %s --chat --stream \"a question\"   for a chat model: the answer as it is made\n"
      "  %s speech.wav                     for a speech model: what is said, one line a file (windows of 30 s)\n"
      "  %s --ids \"1 10 13 2\"              token ids in, generated ids out (--ids -: lines of stdin)\n"
      "  %s --info --json                  what this model is\n\n"
      "Options (names and defaults are Hugging Face's; defaults come from the model's generation config):\n"
      "  --max-new-tokens N (20 without a length in it)   --min-new-tokens N   --num-beams N   --length-penalty X\n"
      "  --early-stopping true|false|never   --ignore-eos\n"
      "  --do-sample   --temperature X   --top-k N   --top-p X   --min-p X   --seed N\n"
      "  --repetition-penalty X   --no-repeat-ngram-size N\n"
      "  --chat        each text is a user's turn   --system TEXT   what comes before it\n"
      "  --source-lang CODE   --target-lang CODE   of a translator: fr, fra_Latn or fr_XX, as its tokenizer has them\n"
      "  --batch N     sequences at once     --threads N   default: all cores\n"
      "  --stream      tokens as they come   --json        one object per line\n"
      "  --scores      add the score         --verify      check the weights' checksum first\n"
      "  --info [--json]   --version   --help\n\n"
      "Exit codes: 0 ok, 1 internal, 2 usage, 3 bad input, 4 unsupported, 5 environment, 6 resource, 130 interrupted\n",
      program, program, program, program, program, program);
}

} // namespace decant::rt

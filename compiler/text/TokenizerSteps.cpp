// See TokenizerSteps.h.
#include "compiler/text/TokenizerSteps.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Base64.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Endian.h"

#include <fmt/format.h>

using namespace decant;
using json::Kind;
using json::Value;

namespace {

// The regular expressions that are known, by their text, and what they mean to the runtime's splitter.
constexpr uint32_t kGpt2 = 0;
struct Pattern {
  llvm::StringLiteral regex;
  uint32_t value;
};
constexpr uint32_t kModern = DECANT_PATTERN_ANY_CASE | DECANT_PATTERN_LEAD | DECANT_PATTERN_LINES;
constexpr Pattern kPatterns[] = {
    {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", kGpt2},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     kModern | 3 << DECANT_PATTERN_DIGITS_SHIFT},
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     kModern | 1 << DECANT_PATTERN_DIGITS_SHIFT},
};

struct StepReader {
  std::string path;
  TokenizerSteps result = {};

  llvm::Error refuse(const std::string &where, const std::string &text) {
    return unsupported(fmt::format("{}: {}: {}", path, where, text));
  }

  /// A step, or the steps of a Sequence under `list`.
  template <class One> llvm::Error each(const Value *value, const std::string &where, const char *list, One one) {
    if (!value || value->is(Kind::Null))
      return llvm::Error::success();
    KeyReader keys(*value, path + ": " + where);
    std::string type = keys.text("type", std::nullopt);
    const Value *members = type == "Sequence" ? keys.take(list) : nullptr;
    if (!members) {
      if (llvm::Error error = one(keys, type))
        return error;
      return keys.finish();
    }
    if (llvm::Error error = keys.finish())
      return error;
    if (!members->is(Kind::Array))
      return badInput(fmt::format("{}: {}: expected a list of steps", path, where));
    for (const Value &member : members->items())
      if (llvm::Error error = each(&member, where, list, one))
        return error;
    return llvm::Error::success();
  }

  /// {"String": text} of a pattern; {"Regex": text} gives nothing in `text` and the expression in `regex`.
  void readPattern(KeyReader &keys, std::string &text, std::string &regex) {
    const Value *pattern = keys.take("pattern");
    const Value *string = pattern && pattern->is(Kind::Object) ? pattern->find("String") : nullptr;
    const Value *expression = pattern && pattern->is(Kind::Object) ? pattern->find("Regex") : nullptr;
    if (string && string->is(Kind::String))
      text = string->text();
    else if (expression && expression->is(Kind::String))
      regex = expression->text();
    else
      keys.refuse(ExitCode::BadInput, "pattern", "expected an object with \"String\" or \"Regex\"");
  }

  llvm::Error normalizer(KeyReader &keys, const std::string &type) {
    TextStep step;
    if (type == "NFC") {
      step.op = DECANT_TEXT_NFC;
    } else if (type == "Prepend") {
      step.op = DECANT_TEXT_PREPEND;
      step.a = keys.text("prepend", std::nullopt);
    } else if (type == "Precompiled") {
      std::vector<char> map;
      if (llvm::Error error = llvm::decodeBase64(keys.text("precompiled_charsmap", ""), map))
        return badInput(fmt::format("{}: normalizer: precompiled_charsmap: {}", path, toString(std::move(error))));
      if (map.empty()) // an identity
        return llvm::Error::success();
      step = {DECANT_TEXT_CHARSMAP, 1, std::string(map.begin(), map.end()), ""};
      if (!isCharsMap(step.a))
        return badInput(path + ": normalizer: precompiled_charsmap is damaged: its trie goes over its end");
    } else if (type == "Strip") {
      step.op = DECANT_TEXT_STRIP;
      step.value = keys.boolean("strip_left", true) | keys.boolean("strip_right", true) << 1;
    } else if (type == "Replace") {
      std::string regex;
      step.op = DECANT_TEXT_REPLACE;
      readPattern(keys, step.a, regex);
      step.b = keys.text("content", std::nullopt);
      if (regex == " {2,}")
        step.op = DECANT_TEXT_COLLAPSE;
      else if (regex == "\n" || regex == "\\n")
        step.a = "\n";
      else if (!regex.empty())
        return refuse("normalizer",
                      fmt::format("Replace of the regular expression {} is not supported", json::quote(regex)));
    } else {
      return refuse("normalizer",
                    fmt::format("{} is not supported; known: NFC, Precompiled, Prepend, Replace, Strip, Sequence",
                                json::quote(type)));
    }
    result.steps.push_back(step);
    return llvm::Error::success();
  }

  llvm::Error split(KeyReader &keys) {
    std::string text, regex, behavior = keys.text("behavior", std::nullopt);
    readPattern(keys, text, regex);
    bool invert = keys.boolean("invert", false);
    if (text == " " && behavior == "MergedWithPrevious" && !invert) {
      result.steps.push_back({DECANT_TEXT_SPACES, 0, text, ""});
      return llvm::Error::success();
    }
    // Everything matches these patterns: cut at the matches, or away all but them, is the same.
    bool all = (behavior == "Isolated" && !invert) || (behavior == "Removed" && invert);
    for (const Pattern &pattern : kPatterns)
      if (all && regex == pattern.regex) {
        result.steps.push_back({DECANT_TEXT_PATTERN, pattern.value, "", ""});
        return llvm::Error::success();
      }
    return refuse("pre_tokenizer",
                  fmt::format("Split with the pattern {} and the behavior {} is not supported; known: "
                              "the patterns of GPT-2, Llama 3 and Qwen 2, Isolated, and a space, MergedWithPrevious",
                              json::quote(regex.empty() ? text : regex), json::quote(behavior)));
  }

  llvm::Error byteLevel(KeyReader &keys) {
    if (keys.boolean("add_prefix_space", true))
      result.steps.push_back({DECANT_TEXT_BYTE_SPACE, 0, "", ""});
    if (keys.boolean("use_regex", true))
      result.steps.push_back({DECANT_TEXT_PATTERN, kGpt2, "", ""});
    keys.harmless({"trim_offsets"});
    result.flags |= DECANT_TOKENIZER_BYTES;
    return llvm::Error::success();
  }

  llvm::Error metaspace(KeyReader &keys) {
    std::string scheme = keys.text("prepend_scheme", keys.boolean("add_prefix_space", true) ? "always" : "never");
    uint32_t value = scheme == "always" ? 1 : scheme == "first" ? 2 : 0;
    if (value == 0 && scheme != "never")
      return refuse("pre_tokenizer", fmt::format("prepend_scheme {} is not supported; known: always, first, never",
                                                 json::quote(scheme)));
    value |= keys.boolean("split", true) ? 4 : 0;
    result.steps.push_back({DECANT_TEXT_METASPACE, value, keys.text("replacement", "\u2581"), ""});
    keys.harmless({"str_rep"});
    return llvm::Error::success();
  }

  llvm::Error preTokenizer(KeyReader &keys, const std::string &type) {
    if (type == "ByteLevel")
      return byteLevel(keys);
    if (type == "Split")
      return split(keys);
    if (type == "Metaspace")
      return metaspace(keys);
    if (type == "Digits")
      result.steps.push_back({DECANT_TEXT_DIGITS, keys.boolean("individual_digits", false), "", ""});
    else if (type == "WhitespaceSplit")
      result.steps.push_back({DECANT_TEXT_WHITESPACE, 0, "", ""});
    else
      return refuse("pre_tokenizer", fmt::format("{} is not supported; known: ByteLevel, Digits, Metaspace, Split, "
                                                 "WhitespaceSplit, Sequence",
                                                 json::quote(type)));
    return llvm::Error::success();
  }

  llvm::Error decoder(KeyReader &keys, const std::string &type) {
    if (type == "ByteLevel") {
      keys.harmless({"add_prefix_space", "trim_offsets", "use_regex"});
      return llvm::Error::success();
    }
    if (type == "ByteFallback") {
      result.decodesBytes = true;
    } else if (type == "Metaspace") {
      result.space = keys.text("replacement", "\u2581");
      std::string scheme = keys.text("prepend_scheme", keys.boolean("add_prefix_space", true) ? "always" : "never");
      result.flags |= scheme == "never" ? 0 : DECANT_TOKENIZER_STRIP_FIRST;
      keys.harmless({"split", "str_rep"});
    } else if (type == "Replace") {
      std::string regex, content = keys.text("content", std::nullopt);
      readPattern(keys, result.space, regex);
      if (content != " " || !regex.empty())
        return refuse("decoder", "Replace is supported of a text by a space alone");
    } else if (type == "Strip") {
      bool one = keys.text("content", std::nullopt) == " " && keys.integer("start", std::nullopt, 0, 100) == 1;
      if (!one || keys.integer("stop", std::nullopt, 0, 100) != 0)
        return refuse("decoder", "Strip is supported of one leading space alone");
      result.flags |= DECANT_TOKENIZER_STRIP;
    } else if (type != "Fuse") {
      return refuse("decoder",
                    fmt::format("{} is not supported; known: ByteFallback, ByteLevel, Fuse, Metaspace, Replace, "
                                "Strip, Sequence",
                                json::quote(type)));
    }
    return llvm::Error::success();
  }
};

} // namespace

llvm::Expected<TokenizerSteps> decant::readTokenizerSteps(KeyReader &keys, const std::string &path) {
  StepReader reader{path};
  using Step = llvm::Error (StepReader::*)(KeyReader &, const std::string &);
  auto read = [&](const char *key, const char *list, Step step) {
    return reader.each(keys.take(key), key, list,
                       [&](KeyReader &member, const std::string &type) { return (reader.*step)(member, type); });
  };
  if (llvm::Error error = read("normalizer", "normalizers", &StepReader::normalizer))
    return error;
  if (llvm::Error error = read("pre_tokenizer", "pretokenizers", &StepReader::preTokenizer))
    return error;
  if (llvm::Error error = read("decoder", "decoders", &StepReader::decoder))
    return error;
  return std::move(reader.result);
}

llvm::Error decant::readPostProcessor(const Value *value, const std::string &path, int64_t vocab,
                                      std::vector<int32_t> &prefix, std::vector<int32_t> &suffix) {
  if (!value || value->is(Kind::Null))
    return llvm::Error::success();
  KeyReader keys(*value, path + ": post_processor");
  std::string type = keys.text("type", std::nullopt);
  auto isId = [&](const Value *id) {
    return id && id->is(Kind::Integer) && id->integer() >= 0 && id->integer() < vocab;
  };
  auto bad = [&](const char *what) { return badInput(fmt::format("{}: post_processor: {}", path, what)); };
  if (type == "Sequence") {
    const Value *members = keys.take("processors");
    if (!members || !members->is(Kind::Array))
      return bad("expected a list of processors");
    for (const Value &member : members->items())
      if (llvm::Error error = readPostProcessor(&member, path, vocab, prefix, suffix))
        return error;
  } else if (type == "ByteLevel") { // offsets alone
    keys.harmless({"add_prefix_space", "trim_offsets", "use_regex"});
  } else if (type == "RobertaProcessing" || type == "BertProcessing") {
    for (auto [key, list] : {std::pair("cls", &prefix), {"sep", &suffix}}) {
      const Value *pair = keys.take(key);
      if (!pair || !pair->is(Kind::Array) || pair->items().size() != 2 || !isId(&pair->items()[1]))
        return bad("expected \"cls\" and \"sep\", a token and its id each");
      list->push_back(static_cast<int32_t>(pair->items()[1].integer()));
    }
    keys.harmless({"trim_offsets", "add_prefix_space"});
  } else if (type == "TemplateProcessing") {
    const Value *single = keys.take("single"), *specials = keys.take("special_tokens");
    keys.take("pair");
    if (!single || !single->is(Kind::Array) || !specials || !specials->is(Kind::Object))
      return bad("expected \"single\", a list, and \"special_tokens\", an object");
    bool behind = false;
    for (const Value &item : single->items()) {
      const Value *special = item.is(Kind::Object) ? item.find("SpecialToken") : nullptr;
      behind = behind || !special;
      if (!special)
        continue;
      const Value *name = special->is(Kind::Object) ? special->find("id") : nullptr;
      const Value *entry = name && name->is(Kind::String) ? specials->find(name->text()) : nullptr;
      const Value *list = entry && entry->is(Kind::Object) ? entry->find("ids") : nullptr;
      if (!list || !list->is(Kind::Array))
        return bad("a special token of \"single\" is not among \"special_tokens\"");
      for (const Value &id : list->items()) {
        if (!isId(&id))
          return bad("an id of \"special_tokens\" is outside the vocabulary");
        (behind ? suffix : prefix).push_back(static_cast<int32_t>(id.integer()));
      }
    }
  } else {
    return unsupported(fmt::format("{}: post_processor: {} is not supported; known: BertProcessing, ByteLevel, "
                                   "RobertaProcessing, Sequence, TemplateProcessing",
                                   path, json::quote(type)));
  }
  return keys.finish();
}

std::optional<std::string> decant::tokenText(const Value *value) {
  if (value && value->is(Kind::Object))
    value = value->find("content");
  return value && value->is(Kind::String) ? std::optional(value->text()) : std::nullopt;
}

void decant::replaceAll(std::string &text, llvm::StringRef from, llvm::StringRef to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

bool decant::isCharsMap(llvm::StringRef map) {
  return map.size() >= 4 && llvm::support::endian::read32le(map.data()) <= map.size() - 4;
}

std::optional<std::string> decant::bytesOfAlphabet(llvm::StringRef text) {
  // Printable bytes stand for themselves, the other 68 for U+0100 and on, in ascending order.
  static const std::map<uint32_t, char> kAlphabet = [] {
    std::map<uint32_t, char> alphabet;
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
      alphabet[printable ? byte : next++] = static_cast<char>(byte);
    }
    return alphabet;
  }();
  std::string bytes;
  const auto *at = reinterpret_cast<const llvm::UTF8 *>(text.begin()),
             *end = reinterpret_cast<const llvm::UTF8 *>(text.end());
  while (at != end) {
    llvm::UTF32 character = 0;
    if (llvm::convertUTF8Sequence(&at, end, &character, llvm::strictConversion) != llvm::conversionOK)
      return std::nullopt;
    auto found = kAlphabet.find(character);
    if (found == kAlphabet.end())
      return std::nullopt;
    bytes += found->second;
  }
  return bytes;
}

std::optional<uint8_t> decant::byteOfFallback(llvm::StringRef text) {
  if (text.size() != 6 || !text.consume_front("<0x") || !text.consume_back(">") || !llvm::isHexDigit(text[0]) ||
      !llvm::isHexDigit(text[1]))
    return std::nullopt;
  return static_cast<uint8_t>(llvm::hexDigitValue(text[0]) * 16 + llvm::hexDigitValue(text[1]));
}

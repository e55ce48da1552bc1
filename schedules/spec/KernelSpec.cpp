// Text form of a KernelSpec: printing, parsing and the kernel's symbol. fields() of each op names the keys and their
// order, so that printer and parser cannot disagree. Invariant: parse(print(s)) == s and print(parse(t)) == t for every
// text that print gave. Tested in tests/schedules/KernelSpecTest.cpp.
#include "schedules/spec/KernelSpec.h"

#include <array>
#include <charconv>
#include <cmath>
#include <map>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace decant {
namespace {

constexpr std::array<std::string_view, 3> kRowClasses = {"one", "few", "many"};
constexpr std::array<std::string_view, 6> kActivations = {"none", "gelu", "relu", "gelu_tanh", "silu", "quick_gelu"};

std::string_view nameOf(const LinearSpec &) { return "linear"; }
std::string_view nameOf(const AttentionSpec &) { return "attention"; }
std::string_view nameOf(const NormSpec &) { return "norm"; }
std::string_view nameOf(const EmbedSpec &) { return "embed"; }
std::string_view nameOf(const KvAppendSpec &) { return "kv_append"; }
std::string_view nameOf(const ElementwiseSpec &) { return "elementwise"; }
std::string_view nameOf(const SinusoidSpec &) { return "sinusoid"; }
std::string_view nameOf(const RopeSpec &) { return "rope"; }
std::string_view nameOf(const FramesSpec &) { return "frames"; }

std::string print(int64_t v) { return std::to_string(v); }
std::string print(bool v) { return v ? "1" : "0"; }
std::string print(const std::string &v) { return v; }
std::string print(RowClass v) { return std::string(kRowClasses[size_t(v)]); }
std::string print(Activation v) { return std::string(kActivations[size_t(v)]); }
std::string print(double v) { // the shortest text that reads back as the same double
  char buffer[40];
  return {buffer, std::to_chars(buffer, buffer + sizeof(buffer), v).ptr};
}

template <class T> bool readNumber(std::string_view text, T &out) {
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), out);
  return status == std::errc() && end == text.data() + text.size();
}

template <class Enum, size_t N>
bool readName(std::string_view text, const std::array<std::string_view, N> &names, Enum &out) {
  for (size_t i = 0; i < N; ++i)
    if (text == names[i])
      return out = Enum(i), true;
  return false;
}

// Each overload returns what was expected, or nothing when the text was read.
const char *read(std::string_view text, int64_t &out) {
  return readNumber(text, out) && out >= 0 ? nullptr : "a whole number >= 0";
}
const char *read(std::string_view text, double &out) {
  return readNumber(text, out) && std::isfinite(out) ? nullptr : "a finite number";
}
const char *read(std::string_view text, bool &out) {
  if (text != "0" && text != "1")
    return "0 or 1";
  out = text == "1";
  return nullptr;
}
const char *read(std::string_view text, std::string &out) {
  if (text.empty())
    return "a text, or '-' for none";
  out = text;
  return nullptr;
}
const char *read(std::string_view text, RowClass &out) {
  return readName(text, kRowClasses, out) ? nullptr : "one, few or many";
}
const char *read(std::string_view text, Activation &out) {
  return readName(text, kActivations, out) ? nullptr : "none, gelu, relu, gelu_tanh, silu or quick_gelu";
}

/// Cuts the next value off `text`: up to a space outside of parentheses.
std::string_view takeValue(std::string_view &text) {
  size_t end = 0;
  for (int depth = 0; end < text.size() && (text[end] != ' ' || depth > 0); ++end)
    depth += text[end] == '(' ? 1 : text[end] == ')' ? -1 : 0;
  std::string_view value = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return value;
}

bool splitKeys(std::string_view text, std::map<std::string, std::string, std::less<>> &keys, std::string &error) {
  while (!text.empty()) {
    size_t equal = text.find('=');
    if (equal == std::string_view::npos || text.substr(0, equal).find(' ') != std::string_view::npos) {
      error = "expected key=value, found '" + std::string(text.substr(0, text.find(' '))) + "'";
      return false;
    }
    std::string key(text.substr(0, equal));
    text.remove_prefix(equal + 1);
    if (!keys.emplace(key, takeValue(text)).second) {
      error = "key '" + key + "' is given twice";
      return false;
    }
  }
  return true;
}

template <class Spec> std::optional<KernelSpec> parseAs(std::string_view text, std::string &error) {
  std::map<std::string, std::string, std::less<>> keys;
  if (!splitKeys(text, keys, error))
    return std::nullopt;
  Spec spec;
  error.clear();
  spec.fields([&](const char *key, auto &field) {
    auto found = keys.find(key);
    if (!error.empty())
      return;
    if (found == keys.end()) {
      error = std::string("key '") + key + "' is missing";
      return;
    }
    if (const char *expected = read(found->second, field))
      error = std::string("key '") + key + "': expected " + expected + ", found '" + found->second + "'";
    keys.erase(found);
  });
  if (error.empty() && !keys.empty())
    error = "unknown key '" + keys.begin()->first + "' for " + std::string(nameOf(spec));
  if (!error.empty())
    return std::nullopt;
  return spec;
}

} // namespace

std::string_view opName(const KernelSpec &spec) {
  return std::visit([](const auto &s) { return nameOf(s); }, spec);
}

std::string toText(const KernelSpec &spec) {
  std::string text(opName(spec));
  auto append = [&](const char *key, auto &field) { text += std::string(" ") + key + "=" + print(field); };
  std::visit([&](auto copy) { copy.fields(append); }, spec);
  return text;
}

std::optional<KernelSpec> parseKernelSpec(std::string_view text, std::string &error) {
  size_t end = std::min(text.find(' '), text.size());
  std::string_view op = text.substr(0, end), keys = text.substr(std::min(end + 1, text.size()));
  std::optional<KernelSpec> result;
  std::string known;
  auto attempt = [&](const auto &spec) {
    known += (known.empty() ? "" : ", ") + std::string(nameOf(spec));
    if (op != nameOf(spec))
      return false;
    result = parseAs<std::decay_t<decltype(spec)>>(keys, error);
    return true;
  };
  bool found = [&]<size_t... I>(std::index_sequence<I...>) {
    return (attempt(std::variant_alternative_t<I, KernelSpec>()) || ...);
  }
  (std::make_index_sequence<std::variant_size_v<KernelSpec>>());
  if (!found)
    error = "unknown op '" + std::string(op) + "': expected one of " + known;
  return result;
}

std::optional<std::vector<int>> parseShifts(std::string_view text) {
  if (text.size() < 3 || text.front() != '(' || text.back() != ')')
    return std::nullopt;
  std::vector<int> shifts;
  for (text = text.substr(1, text.size() - 2); !text.empty();) {
    std::string_view number = text.substr(0, text.find(' '));
    if (number != "-1" && number != "0" && number != "1")
      return std::nullopt;
    shifts.push_back(number == "-1" ? -1 : number[0] - '0');
    text.remove_prefix(number.size());
    if (text.size() == 1) // a space behind the last number
      return std::nullopt;
    text.remove_prefix(text.empty() ? 0 : 1);
  }
  return shifts.empty() || shifts.size() > 8 ? std::nullopt : std::optional(shifts);
}

std::string kernelSymbol(const KernelSpec &spec, std::string_view target) {
  std::string text = toText(spec), suffix(target);
  uint64_t hash = XXH3_64bits(text.data(), text.size());
  std::string digits(16, '0');
  for (int i = 15; i >= 0; --i, hash >>= 4)
    digits[size_t(i)] = "0123456789abcdef"[hash & 15];
  for (char &c : suffix)
    c = c == '-' ? '_' : c;
  return "dec_" + std::string(opName(spec)) + "_f32_" + digits + "__" + suffix;
}

} // namespace decant

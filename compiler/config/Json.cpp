#include "compiler/config/Json.h"

#include "compiler/config/Errors.h"
#include "compiler/config/RegularFile.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>

using namespace decant;
using namespace decant::json;

Value Value::container(Kind kind) {
  Value value;
  value.nodeKind = kind;
  value.children = std::make_unique<Children>();
  return value;
}

const Value *Value::find(llvm::StringRef key) const {
  if (!is(Kind::Object))
    return nullptr;
  auto found = std::find(keys().begin(), keys().end(), key);
  return found == keys().end() ? nullptr : &items()[static_cast<size_t>(found - keys().begin())];
}

namespace {

/// Receives nlohmann's events and builds the tree; a method that returns false stops the parse with `problem` set.
class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
public:
  TreeBuilder(llvm::StringRef text, Caps caps) : text(text), caps(caps) {}

  Value root;
  std::string problem;

  bool null() override { return add(Value()); }
  bool boolean(bool value) override { return add(Value(value)); }
  bool number_integer(number_integer_t value) override { return add(Value(static_cast<int64_t>(value))); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value <= static_cast<uint64_t>(INT64_MAX))
      return add(Value(static_cast<int64_t>(value)));
    return add(Value(static_cast<double>(value), std::to_string(value)));
  }
  bool number_float(number_float_t value, const string_t &spelling) override {
    return spelling.size() <= limits::stringBytes ? add(Value(value, spelling)) : fail("a number is too long");
  }
  bool string(string_t &value) override { return checkString(value) && add(Value(std::move(value))); }
  bool binary(binary_t &) override { return fail("binary data"); }
  bool start_object(std::size_t) override { return open(Kind::Object); }
  bool start_array(std::size_t) override { return open(Kind::Array); }
  bool end_array() override { return close(); }
  bool end_object() override { return checkEqualKeys() && close(); }
  bool key(string_t &name) override {
    if (!checkString(name))
      return false;
    stack.back().keys().push_back(std::move(name));
    return true;
  }

  bool parse_error(std::size_t position, const std::string &, const nlohmann::json::exception &error) override {
    return fail(fmt::format("byte {}: not valid JSON: {}", position, syntaxMessage(position, error.what())));
  }

private:
  bool fail(std::string message) {
    problem = std::move(message);
    return false;
  }

  bool checkString(const std::string &value) {
    if (value.size() <= static_cast<uint64_t>(limits::stringBytes))
      return true;
    return fail(
        fmt::format("{}: a string of {} bytes; at most {} are allowed", path(), value.size(), limits::stringBytes));
  }

  bool add(Value value) {
    if (++values > caps.values)
      return fail(fmt::format("more than {} values in one document", caps.values));
    (stack.empty() ? root : stack.back().items().emplace_back()) = std::move(value);
    return true;
  }

  bool open(Kind kind) {
    if (stack.size() >= static_cast<size_t>(caps.depth))
      return fail(fmt::format("{}: nested more than {} deep", path(), caps.depth));
    stack.push_back(Value::container(kind));
    return true;
  }

  bool close() {
    Value done = std::move(stack.back());
    stack.pop_back();
    return add(std::move(done));
  }

  // Sorting, not hashing: a hostile file cannot make it slow.
  bool checkEqualKeys() {
    const std::vector<std::string> &keys = stack.back().keys();
    std::vector<const std::string *> order;
    order.reserve(keys.size());
    for (const std::string &key : keys)
      order.push_back(&key);
    std::sort(order.begin(), order.end(), [](auto *a, auto *b) { return *a < *b; });
    auto twin = std::adjacent_find(order.begin(), order.end(), [](auto *a, auto *b) { return *a == *b; });
    return twin == order.end() || fail(fmt::format("the key {} appears twice in one object", quote(**twin)));
  }

  /// Where the parse stands: "model.layers[3]".
  std::string path() const {
    std::string result;
    for (const Value &value : stack) {
      if (value.is(Kind::Array))
        result += fmt::format("[{}]", value.items().size());
      else if (!value.keys().empty() && result.size() < 200)
        result += (result.empty() ? "" : ".") + quote(value.keys().back());
    }
    return result.empty() ? "the document" : result;
  }

  std::string syntaxMessage(std::size_t position, llvm::StringRef what) const {
    // nlohmann counts up to and with the byte that does not fit; Python writes these two words.
    llvm::StringRef at = text.substr(position == 0 ? 0 : position - 1);
    if (at.starts_with("NaN") || at.starts_with("Infinity"))
      return "NaN and Infinity are no JSON numbers; write a finite number or null";
    size_t cut = what.find(" - ");
    llvm::StringRef reason = cut == llvm::StringRef::npos ? what.substr(what.rfind("] ") + 2) : what.substr(cut + 3);
    return reason.size() <= 200 ? reason.str() : reason.take_front(200).str() + "...";
  }

  llvm::StringRef text;
  Caps caps;
  std::vector<Value> stack;
  int64_t values = 0;
};

} // namespace

llvm::Expected<Value> json::parse(llvm::StringRef text, const std::string &where, Caps caps) {
  // Before nlohmann sees it: it takes a NUL byte for the end of the text and skips a byte order mark.
  if (const void *nul = std::memchr(text.data(), 0, text.size()))
    return badInput(
        fmt::format("{}: byte {}: a NUL byte is not valid JSON", where, static_cast<const char *>(nul) - text.data()));
  if (text.starts_with("\xef\xbb\xbf"))
    return badInput(fmt::format("{}: begins with a byte order mark; save it as plain UTF-8", where));
  TreeBuilder builder(text, caps);
  bool good = nlohmann::json::sax_parse(text.begin(), text.end(), static_cast<nlohmann::json::json_sax_t *>(&builder));
  if (!good)
    return badInput(fmt::format("{}: {}", where, builder.problem));
  return std::move(builder.root);
}

llvm::Expected<Value> json::parseFile(const std::string &path, Caps caps, uint64_t maxBytes) {
  llvm::Expected<RegularFile> file = RegularFile::open(path);
  if (!file)
    return file.takeError();
  llvm::Expected<std::string> text = file->readAll(maxBytes);
  if (!text)
    return text.takeError();
  return parse(*text, path, caps);
}

std::string json::quote(llvm::StringRef text) {
  std::string result = "\"";
  for (char c : text) {
    if (result.size() > 80)
      return result + "...\"";
    unsigned char byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      result += fmt::format("\\u{:04x}", byte);
    else
      result += (c == '"' || c == '\\') ? std::string{'\\', c} : std::string{c};
  }
  return result + "\"";
}

namespace {
void append(std::string &out, const Value &value) {
  if (out.size() > 80)
    return;
  switch (value.kind()) {
  case Kind::Null:
    out += "null";
    return;
  case Kind::Bool:
    out += value.boolean() ? "true" : "false";
    return;
  case Kind::Integer:
    out += std::to_string(value.integer());
    return;
  case Kind::Float:
    out += llvm::StringRef(value.text()).take_front(80);
    return;
  case Kind::String:
    out += quote(value.text());
    return;
  case Kind::Array:
  case Kind::Object:
    break;
  }
  bool object = value.is(Kind::Object);
  out += object ? '{' : '[';
  for (size_t i = 0; i < value.items().size() && out.size() <= 80; ++i) {
    out += i ? ", " : "";
    out += object ? quote(value.keys()[i]) + ": " : "";
    append(out, value.items()[i]);
  }
  out += object ? '}' : ']';
}
} // namespace

std::string json::excerpt(const Value &value) {
  std::string out;
  append(out, value);
  return out.size() > 100 ? out.substr(0, 97) + "..." : out;
}

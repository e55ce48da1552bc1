// JSON text -> a small value tree: the one JSON front for every file of a model folder.
//
// nlohmann-json lexes (SAX only); the tree and its rules are ours: no equal keys, integers are int64 and stay apart
// from floats, valid UTF-8, nothing after the document, caps on depth, strings and the number of values. Objects keep
// the order of the file. Tested in tests/config/JsonTest.cpp.
#pragma once

#include "compiler/config/Limits.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace decant::json {

enum class Kind : uint8_t {
  Null,
  Bool,
  Integer, ///< no '.', no exponent, fits int64
  Float,   ///< everything else; text() is the spelling in the file
  String,
  Array,
  Object
};

/// A node of the tree. Copying is not offered: trees can be large.
class Value {
public:
  Value() = default;
  explicit Value(bool flag) : nodeKind(Kind::Bool), integerValue(flag) {}
  explicit Value(int64_t number) : nodeKind(Kind::Integer), integerValue(number) {}
  Value(double number, std::string spelling) : nodeKind(Kind::Float), realValue(number), string(std::move(spelling)) {}
  explicit Value(std::string text) : nodeKind(Kind::String), string(std::move(text)) {}
  static Value container(Kind kind);

  Kind kind() const { return nodeKind; }
  bool is(Kind kind) const { return nodeKind == kind; }
  bool isNumber() const { return is(Kind::Integer) || is(Kind::Float); }
  bool boolean() const { return integerValue != 0; }
  int64_t integer() const { return integerValue; }
  double real() const { return is(Kind::Integer) ? static_cast<double>(integerValue) : realValue; }
  const std::string &text() const { return string; }

  /// Elements of an array, members of an object.
  const std::vector<Value> &items() const { return children->items; }
  /// Names of an object's members, in step with items().
  const std::vector<std::string> &keys() const { return children->keys; }
  /// An object's member or null.
  const Value *find(llvm::StringRef key) const;

  std::vector<Value> &items() { return children->items; }
  std::vector<std::string> &keys() { return children->keys; }

private:
  struct Children {
    std::vector<Value> items;
    std::vector<std::string> keys;
  };
  Kind nodeKind = Kind::Null;
  union {
    int64_t integerValue = 0;
    double realValue;
  };
  std::string string;
  std::unique_ptr<Children> children;
};

/// What bounds the tree of one document.
struct Caps {
  int64_t values = limits::jsonValues, depth = limits::jsonDepth;
};

/// Parses one document. `where` starts every message: the file's path. All errors are ExitCode::BadInput.
llvm::Expected<Value> parse(llvm::StringRef text, const std::string &where, Caps caps = {});
/// Reads and parses a regular file of at most `maxBytes`.
llvm::Expected<Value> parseFile(const std::string &path, Caps caps = {}, uint64_t maxBytes = limits::jsonFileBytes);

/// The value as JSON for a message: one line, at most about 80 bytes.
std::string excerpt(const Value &value);
/// A foreign string in double quotes for a message: escaped, at most about 80 bytes.
std::string quote(llvm::StringRef text);

} // namespace decant::json

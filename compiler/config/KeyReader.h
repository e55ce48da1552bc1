// One JSON object -> typed values, with an account of its keys: each is used, known to be harmless, or refused by name.
//
// The first error sticks: later reads return their default, and finish() hands the error out. So a family's file reads
// as a list of its keys. Wrong type or range: BadInput. Unknown key or a value decant cannot honour: Unsupported.
// Absent and null are kept apart: a plain read refuses null. Tested in tests/config/KeyReaderTest.cpp.
#pragma once

#include "compiler/config/Errors.h"
#include "compiler/config/Json.h"

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace decant {

/// The value of a key at which it changes nothing. null, [] and {} are always neutral.
using Neutral = std::variant<std::monostate, bool, double, const char *>;

class KeyReader {
public:
  /// `object` must outlive the reader. `where`: the file's path.
  KeyReader(const json::Value &object, std::string where);

  const std::string &where() const { return file; }
  /// The member, marked as used; null pointer if absent (or after an error).
  const json::Value *take(llvm::StringRef key);
  bool has(llvm::StringRef key) const { return !failed && object.find(key); }

  /// Without a default the key is required.
  int64_t integer(llvm::StringRef key, std::optional<int64_t> defaultValue, int64_t low, int64_t high);
  /// Absent or null: the default.
  int64_t integerOrNull(llvm::StringRef key, int64_t defaultValue, int64_t low, int64_t high);
  /// Finite, within [low, high]. Absent or null: the default.
  double real(llvm::StringRef key, double defaultValue, double low, double high);
  bool boolean(llvm::StringRef key, std::optional<bool> defaultValue);
  std::string text(llvm::StringRef key, std::optional<std::string> defaultValue);
  /// An id below `vocab`. Absent: the default; null: -1. A list of one id counts as that id.
  int32_t tokenId(llvm::StringRef key, int32_t defaultId, int64_t vocab);
  /// One id or a list of ids. Absent: the default; null: empty.
  std::vector<int32_t> tokenIds(llvm::StringRef key, std::vector<int32_t> defaultIds, int64_t vocab);

  /// Refuses any value but the neutral one.
  void neutral(llvm::StringRef key, Neutral value);
  /// Refuses a second spelling of a size that disagrees with `value`.
  void agrees(llvm::StringRef key, int64_t value, llvm::StringRef withKey);
  /// Keys that cannot change results; a name may begin or end with '*'.
  void harmless(std::initializer_list<llvm::StringRef> names);

  /// Records an error about `key`, unless there is one already.
  void refuse(ExitCode code, llvm::StringRef key, const std::string &message);
  /// Takes over the outcome of a reader of one of this object's values.
  void adopt(KeyReader &nested);
  /// The first error, else an error about a key nobody took, else success.
  llvm::Error finish();

private:
  void wrongType(llvm::StringRef key, llvm::StringRef expected, const json::Value &found);
  int64_t checkInteger(llvm::StringRef key, const json::Value &value, int64_t low, int64_t high);

  const json::Value &object;
  std::string file;
  std::set<std::string, std::less<>> taken;
  bool failed = false;
  ExitCode code = ExitCode::BadInput;
  std::string message;
};

} // namespace decant

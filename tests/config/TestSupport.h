// What the tests of config/, weights/ and text/ share: a folder of their own and checks of errors.
#pragma once

#include "compiler/config/Errors.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace decant::test {

/// A folder that lives as long as the object.
class TempFolder {
public:
  TempFolder() {
    std::string pattern = testing::TempDir() + "decant-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path); }
  std::string file(const std::string &name) const { return path + "/" + name; }
  void write(const std::string &name, const std::string &bytes) const {
    std::ofstream(file(name), std::ios::binary) << bytes;
  }
  size_t entries() const {
    size_t count = 0;
    for (auto &entry : std::filesystem::directory_iterator(path))
      count += entry.exists() || entry.is_symlink();
    return count;
  }
  std::string path;
};

inline std::string readBytes(const std::string &path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

/// Code and text of an error; code Ok and no text for success.
struct Outcome {
  ExitCode code = ExitCode::Ok;
  std::string message;
};

inline Outcome outcomeOf(llvm::Error error) {
  Outcome result;
  llvm::handleAllErrors(std::move(error), [&](const UserError &user) { result = {user.code, user.message}; });
  return result;
}

/// Passes if `value` is an error of `code` whose message holds every one of `parts`.
template <typename T>
testing::AssertionResult refused(llvm::Expected<T> value, ExitCode code, std::initializer_list<const char *> parts) {
  if (value)
    return testing::AssertionFailure() << "accepted";
  Outcome outcome = outcomeOf(value.takeError());
  if (outcome.code != code)
    return testing::AssertionFailure() << "exit code " << static_cast<int>(outcome.code) << ": " << outcome.message;
  for (const char *part : parts)
    if (outcome.message.find(part) == std::string::npos)
      return testing::AssertionFailure() << "no \"" << part << "\" in: " << outcome.message;
  return testing::AssertionSuccess();
}

/// The value, or a failed test with the error's text.
template <typename T> T accepted(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  ADD_FAILURE() << outcomeOf(value.takeError()).message;
  std::abort();
}

} // namespace decant::test

// The errors that a user can cause, with the exit code each has (cli.md). Shared by config/, weights/, text/ and above.
#pragma once

#include "llvm/Support/Error.h"

#include <string>
#include <system_error>

namespace decant {

enum class ExitCode {
  Ok = 0,
  Internal = 1,
  Usage = 2,
  BadInput = 3,
  Unsupported = 4,
  Environment = 5,
  Resource = 6,
  Interrupted = 130
};

/// A message for the user: path + key or tensor + expected + found + what to do.
class UserError : public llvm::ErrorInfo<UserError> {
public:
  static char ID;
  UserError(ExitCode code, std::string message) : code(code), message(std::move(message)) {}
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

  ExitCode code;
  std::string message;
};

inline llvm::Error userError(ExitCode code, std::string message) {
  return llvm::make_error<UserError>(code, std::move(message));
}
inline llvm::Error badInput(std::string message) { return userError(ExitCode::BadInput, std::move(message)); }
inline llvm::Error unsupported(std::string message) { return userError(ExitCode::Unsupported, std::move(message)); }

} // namespace decant

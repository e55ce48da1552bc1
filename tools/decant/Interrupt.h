// SIGINT and SIGTERM: temporary files go, then the program ends with 130. Tested in tests/e2e.
#pragma once

#include "llvm/Support/Error.h"

#include <string>

namespace decant::cli {

/// From here on the signals clean up. Call once, before other threads start.
void catchInterrupts();
/// True once a signal has come: whatever fails from then on fails because of it.
bool interrupted();
/// Waits for the clean-up, which ends the program.
[[noreturn]] void waitForEnd();

/// Files whose path begins with `prefix` are removed on a signal.
void removeOnInterrupt(const std::string &prefix);

/// A folder for temporary files of this run, removed at its end and on a signal; $TMPDIR names it meanwhile, so that
/// whoever makes a temporary file makes it here.
class ScratchFolder {
public:
  static llvm::Expected<ScratchFolder> create();
  ScratchFolder(ScratchFolder &&other) noexcept : folder(std::move(other.folder)) { other.folder.clear(); }
  ScratchFolder &operator=(ScratchFolder &&) = delete;
  ~ScratchFolder();
  std::string file(const std::string &name) const { return folder + "/" + name; }

private:
  explicit ScratchFolder(std::string folder) : folder(std::move(folder)) {}
  std::string folder;
};

} // namespace decant::cli

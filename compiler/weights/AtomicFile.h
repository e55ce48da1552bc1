// Bytes -> a file that appears at once or not at all: written beside its path, synced, renamed.
//
// Invariant: whatever fails, and if commit() is never reached, the temporary is removed and an old file at `path` is
// untouched; where the file system has unnamed files (O_TMPFILE), also if the process is killed. A full disk or quota
// is ExitCode::Resource. Tested in tests/weights.
#pragma once

#include "compiler/config/Errors.h"

#include <cstddef>
#include <string>
#include <sys/types.h>

namespace decant {

class AtomicFile {
public:
  /// Opens a new temporary, without a name if it can, in `path`'s folder. `mode` is narrowed by the umask: 0777 for
  /// executables.
  static llvm::Expected<AtomicFile> create(const std::string &path, mode_t mode = 0666);
  AtomicFile(AtomicFile &&other) noexcept;
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  llvm::Error write(const void *data, size_t bytes);
  /// Over bytes that are written already; the next write() goes on at the end.
  llvm::Error writeAt(uint64_t offset, const void *data, size_t bytes);
  /// Syncs, renames over `path` and syncs the folder. Call once.
  llvm::Error commit();

private:
  AtomicFile(int fd, std::string path, std::string temporary)
      : fd(fd), path(std::move(path)), temporary(std::move(temporary)) {}
  int fd;
  std::string path, temporary; ///< temporary is empty while it has no name, and once it is renamed
};

/// What a failed system call on an output file means for the user.
ExitCode exitCodeOfErrno(int error);

} // namespace decant

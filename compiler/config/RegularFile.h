// A path of a model folder -> an open descriptor of a regular file. FIFOs, devices and folders are refused, never
// waited for. Links are followed: the hub's cache is made of them, and only fixed names in the user's own folder come
// here. Tested in tests/config.
#pragma once

#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>

namespace decant {

/// Owns a descriptor opened for reading; closes it.
class RegularFile {
public:
  /// Missing, unreadable or not a regular file: BadInput, naming the path.
  static llvm::Expected<RegularFile> open(const std::string &path);
  RegularFile(RegularFile &&other) noexcept;
  RegularFile &operator=(RegularFile &&) = delete;
  ~RegularFile();

  int descriptor() const { return fd; }
  uint64_t size() const { return fileSize; } ///< bytes at open
  /// The whole file, if it has at most `maxBytes`.
  llvm::Expected<std::string> readAll(uint64_t maxBytes) const;

private:
  RegularFile(int fd, uint64_t size, std::string path) : fd(fd), fileSize(size), path(std::move(path)) {}
  int fd;
  uint64_t fileSize;
  std::string path;
};

/// Is there something of that name (a broken link counts)?
bool pathExists(const std::string &path);

} // namespace decant

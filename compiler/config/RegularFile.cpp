#include "compiler/config/RegularFile.h"

#include "compiler/config/Errors.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace decant;

bool decant::pathExists(const std::string &path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

llvm::Expected<RegularFile> RegularFile::open(const std::string &path) {
  if (path.find('\0') != std::string::npos)
    return badInput("a file name contains a NUL byte; give a plain path");
  // O_NONBLOCK: opening a FIFO must not wait for its writer.
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    int error = errno;
    if (error == ENOENT || error == ENOTDIR)
      return badInput(fmt::format("{}: no such file", path));
    return badInput(fmt::format("{}: cannot be opened: {}", path, std::strerror(error)));
  }
  struct stat info;
  bool known = ::fstat(fd, &info) == 0;
  if (!known || !S_ISREG(info.st_mode) || info.st_size < 0) {
    ::close(fd);
    return badInput(fmt::format("{}: not a regular file (a folder, FIFO, socket or device)", path));
  }
  return RegularFile(fd, static_cast<uint64_t>(info.st_size), path);
}

RegularFile::RegularFile(RegularFile &&other) noexcept
    : fd(std::exchange(other.fd, -1)), fileSize(other.fileSize), path(std::move(other.path)) {}

RegularFile::~RegularFile() {
  if (fd >= 0)
    ::close(fd);
}

llvm::Expected<std::string> RegularFile::readAll(uint64_t maxBytes) const {
  if (fileSize > maxBytes)
    return badInput(fmt::format("{}: the file has {} bytes; at most {} are read", path, fileSize, maxBytes));
  std::string bytes(fileSize, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t got = ::pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return badInput(fmt::format("{}: reading failed: {}", path, std::strerror(errno)));
    if (got == 0)
      return badInput(fmt::format("{}: the file shrank from {} to {} bytes while it was read", path, fileSize, done));
    done += static_cast<size_t>(got);
  }
  return bytes;
}

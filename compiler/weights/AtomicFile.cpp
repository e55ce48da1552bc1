#include "compiler/weights/AtomicFile.h"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace decant;

ExitCode decant::exitCodeOfErrno(int error) {
  switch (error) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
  case EIO:
  case ENOMEM:
  case EMFILE:
  case ENFILE:
    return ExitCode::Resource;
  default:
    return ExitCode::BadInput;
  }
}

namespace {

llvm::Error failure(const std::string &path, llvm::StringRef what, int error) {
  return userError(exitCodeOfErrno(error),
                   fmt::format("{}: {}: {}; no file was written", path, what.str(), std::strerror(error)));
}

std::string folderOf(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

constexpr const char *kOwnFiles = "/proc/self/fd";
constexpr int kAttempts = 100;

std::string temporaryName(const std::string &path) {
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}.tmp-{}-{}", path, ::getpid(), counter++);
}

} // namespace

llvm::Expected<AtomicFile> AtomicFile::create(const std::string &path, mode_t mode) {
  struct stat info;
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return badInput(fmt::format("{}: exists and is not a regular file; choose another output", path));
  // A file without a name goes with the process, however that ends; not every file system has them.
  if (::access(kOwnFiles, X_OK) == 0) {
    int fd = ::open(folderOf(path).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
    if (fd >= 0)
      return AtomicFile(fd, path, "");
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string temporary = temporaryName(path);
    int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd >= 0)
      return AtomicFile(fd, path, temporary);
    if (errno != EEXIST)
      break;
  }
  return failure(path, "cannot be created", errno);
}

AtomicFile::AtomicFile(AtomicFile &&other) noexcept
    : fd(std::exchange(other.fd, -1)), path(std::move(other.path)),
      temporary(std::exchange(other.temporary, std::string())) {}

AtomicFile::~AtomicFile() {
  if (fd >= 0)
    ::close(fd);
  if (!temporary.empty())
    ::unlink(temporary.c_str());
}

llvm::Error AtomicFile::write(const void *data, size_t bytes) {
  const char *next = static_cast<const char *>(data);
  while (bytes > 0) {
    ssize_t put = ::write(fd, next, bytes);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return failure(path, "writing failed", errno);
    next += put;
    bytes -= static_cast<size_t>(put);
  }
  return llvm::Error::success();
}

llvm::Error AtomicFile::writeAt(uint64_t offset, const void *data, size_t bytes) {
  if (::lseek(fd, static_cast<off_t>(offset), SEEK_SET) < 0)
    return failure(path, "seeking failed", errno);
  if (llvm::Error error = write(data, bytes))
    return error;
  return ::lseek(fd, 0, SEEK_END) < 0 ? failure(path, "seeking failed", errno) : llvm::Error::success();
}

llvm::Error AtomicFile::commit() {
  if (::fsync(fd) != 0)
    return failure(path, "writing to disk failed", errno);
  // link() does not replace a file, rename() does: an unnamed file takes a name beside `path` first.
  const std::string own = fmt::format("{}/{}", kOwnFiles, fd);
  for (int attempt = 0; temporary.empty(); ++attempt) {
    std::string name = temporaryName(path);
    if (::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0)
      temporary = name;
    else if (errno != EEXIST || attempt == kAttempts)
      return failure(path, "naming failed", errno);
  }
  if (::close(std::exchange(fd, -1)) != 0)
    return failure(path, "closing failed", errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return failure(path, "renaming failed", errno);
  temporary.clear();
  // The name itself must survive a power cut too; some file systems cannot sync a folder, which is no error.
  int folder = ::open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return llvm::Error::success();
}

// A temporary folder of this process alone (0700), removed with all it holds at the end of its scope. Used by codegen
// for objects and by artifact for the linker's files.
#pragma once

#include "compiler/config/Errors.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

#include <string>

namespace decant {

class ScratchFolder {
public:
  /// `prefix` begins the folder's name. Error: Resource.
  static llvm::Expected<ScratchFolder> create(const std::string &prefix) {
    llvm::SmallString<128> made;
    if (std::error_code error = llvm::sys::fs::createUniqueDirectory(prefix, made))
      return userError(ExitCode::Resource,
                       "cannot make a temporary folder " + made.str().str() + ": " + error.message() + "; set TMPDIR");
    return ScratchFolder(made.str().str());
  }
  ScratchFolder(ScratchFolder &&other) noexcept : path(std::move(other.path)) { other.path.clear(); }
  ScratchFolder &operator=(ScratchFolder &&) = delete;
  ~ScratchFolder() {
    if (!path.empty())
      llvm::sys::fs::remove_directories(path);
  }

  const std::string &folder() const { return path; }
  std::string file(const std::string &name) const { return path + "/" + name; }

private:
  explicit ScratchFolder(std::string path) : path(std::move(path)) {}
  std::string path;
};

} // namespace decant

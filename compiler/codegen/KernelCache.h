// Kernel objects on disk, by key. A damaged or truncated entry counts as absent. Tested in tests/codegen.
#pragma once

#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace decant {

class KernelCache {
public:
  /// `dir` is made (0700) at the first store. An empty `dir` keeps nothing.
  explicit KernelCache(std::string dir) : dir(std::move(dir)) {}

  std::optional<std::string> load(const std::string &key) const;
  /// Written beside and renamed: readers see all of it or nothing.
  llvm::Error store(const std::string &key, const std::string &object) const;

private:
  std::string path(const std::string &key) const { return dir + "/" + key + ".kernel"; }
  std::string dir;
};

} // namespace decant

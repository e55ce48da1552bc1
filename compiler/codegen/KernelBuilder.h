// Kernel specs -> object files, built by worker processes, shared through a cache on disk.
//
// Key of the cache: XXH3-128 of spec text, target, and the bytes of the worker program (schedules included) with its
// Halide version. A crash, a hang or an error of a worker is one diagnostic that names the spec. Tested in
// tests/codegen.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace decant {

struct KernelRequest {
  std::string spec;   ///< text form, row class included
  std::string target; ///< "x86-64-v3", ...
};

struct KernelBuildOptions {
  int jobs = 0; ///< worker processes; 0 = one a core
  bool useCache = true;
  std::string cacheDir;                                    ///< "" = $XDG_CACHE_HOME/decant or ~/.cache/decant
  std::string worker;                                      ///< path of decant-kernelc; "" = beside this program
  unsigned timeoutSeconds = 300;                           ///< for one kernel
  std::function<void(size_t done, size_t total)> progress; ///< may be empty
  std::function<void(const std::string &)> warn;           ///< a sentence for the user; may be empty
};

struct BuiltKernels {
  std::vector<std::string> objects; ///< bytes of an ELF object for each request, in order
  size_t numBuilt = 0, numCached = 0;
};

/// Errors: no worker program (Environment), a kernel that cannot be built (Internal, names spec and target), a
/// `cacheDir` that cannot be made or written (Resource); of the default folder `warn` is told once, and the build goes
/// on.
llvm::Expected<BuiltKernels> buildKernels(llvm::ArrayRef<KernelRequest> requests, const KernelBuildOptions &options);

/// $XDG_CACHE_HOME/decant or ~/.cache/decant; "" if neither variable is set.
std::string defaultCacheDir();

} // namespace decant

#include "tools/decant/Targets.h"

#include "compiler/config/Errors.h"
#include "tools/decant/Options.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

#include <fmt/format.h>

namespace decant::cli {
namespace {

struct Level {
  const char *name;
  std::vector<llvm::StringRef> features; ///< LLVM's names
};

/// Worst first (x86-64 psABI).
const std::vector<Level> &levels() {
  static const std::vector<Level> all{
      {"x86-64-v3", {"avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"}},
      {"x86-64-v4", {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
  };
  return all;
}

const std::vector<std::string> kLater{"zen4", "sapphirerapids", "aarch64", "opencl", "cuda"};

llvm::Expected<std::string> hostLevel() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  for (const Level &level : llvm::reverse(levels()))
    if (llvm::all_of(level.features, [&](llvm::StringRef feature) { return host.lookup(feature); }))
      return std::string(level.name);
  return userError(ExitCode::Environment,
                   "--target host: this CPU is below x86-64-v3 (AVX2, FMA, F16C); name the level of "
                   "the machine that will run the artifact");
}

llvm::Error unknown(const std::string &name) {
  std::vector<std::string> known{"host"};
  for (const Level &level : levels())
    known.push_back(level.name);
  std::string list = fmt::format("known are {}", fmt::join(known, ", "));
  if (llvm::is_contained(kLater, name))
    return userError(ExitCode::Unsupported, fmt::format("--target {}: not in this version; {}", name, list));
  known.insert(known.end(), kLater.begin(), kLater.end());
  return userError(ExitCode::Usage,
                   fmt::format("--target {}: no such target; did you mean {}? ({})", name, nearest(name, known), list));
}

} // namespace

llvm::Expected<std::vector<std::string>> resolveTargets(const std::vector<std::string> &names) {
  std::vector<bool> wanted(levels().size());
  for (std::string name : names) {
    if (name.empty())
      return userError(ExitCode::Usage, "--target: an empty name; expected names apart by commas, such as host");
    if (name == "host") {
      auto host = hostLevel();
      if (!host)
        return host.takeError();
      name = *host;
    }
    auto found = llvm::find_if(levels(), [&](const Level &level) { return level.name == name; });
    if (found == levels().end())
      return unknown(name);
    wanted[found - levels().begin()] = true;
  }
  if (names.empty())
    return userError(ExitCode::Usage, "--target: an empty list; expected names apart by commas, such as host");
  std::vector<std::string> targets;
  for (auto [level, isWanted] : llvm::zip(levels(), wanted))
    if (isWanted)
      targets.push_back(level.name);
  return targets;
}

} // namespace decant::cli

#include "tools/decant/CompileReport.h"

#include <fmt/format.h>

namespace decant::cli {

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void CompileReport::endPhase(llvm::StringRef name) {
  seconds.emplace_back(name.str(), secondsSince(start));
  startPhase();
}

void CompileReport::print(const ArtifactReport &artifact, const std::vector<std::string> &targets) const {
  auto row = [](const std::string &what, const std::string &value) {
    fmt::print(stderr, "{:<16}{:>14}\n", what, value);
  };
  auto time = [&](const std::string &what, double value) { row(what, fmt::format("{:.1f} ms", value * 1e3)); };
  for (const auto &[name, value] : seconds)
    time(name, value);
  time("weights", artifact.weightSeconds);
  time("kernels", artifact.kernelSeconds);
  time("link and write", artifact.linkSeconds);
  time("total", secondsSince(begin));
  row("kernels built", std::to_string(artifact.kernelsBuilt));
  row("from cache", std::to_string(artifact.kernelsCached));
  row("weights", fmt::format("{} bytes", artifact.weightBytes));
  row("artifact", fmt::format("{} bytes", artifact.fileBytes));
  row("targets", fmt::format("{}", fmt::join(targets, ",")));
}

} // namespace decant::cli

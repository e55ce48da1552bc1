// The table of `decant compile --report`: what took how long, what was built, how large it is.
#pragma once

#include "compiler/artifact/Artifact.h"

#include "llvm/ADT/StringRef.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace decant::cli {

class CompileReport {
public:
  /// Phases are timed from the construction, or the last startPhase(), on.
  CompileReport() { startPhase(); }
  void startPhase() { start = std::chrono::steady_clock::now(); }
  void endPhase(llvm::StringRef name);
  /// To stderr.
  void print(const ArtifactReport &artifact, const std::vector<std::string> &targets) const;

private:
  std::chrono::steady_clock::time_point start, begin = std::chrono::steady_clock::now();
  std::vector<std::pair<std::string, double>> seconds;
};

} // namespace decant::cli

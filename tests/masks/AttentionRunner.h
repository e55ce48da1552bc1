// Compiled attention on packed rows, for tests that also see MLIR (whose headers Halide's may not meet).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace decant::test {

/// A mask parameter: i32 (or u8 if `boolean`), row-major, outermost dimension first.
struct ParamData {
  std::vector<int> extents;
  std::vector<int32_t> data;
  bool boolean = false;
};

/// Whole sequences one after another: rows of q (heads * d), k and v (kvHeads * d).
struct AttentionData {
  int heads = 1, kvHeads = 1, d = 16, block = 16;
  std::vector<int> lengths;
  std::vector<float> q, k, v;
  std::vector<ParamData> params;
};

class AttentionRunner {
public:
  /// `spec` without its row class, "one", "few" or "many".
  AttentionRunner(const std::string &spec, const std::string &rows);
  ~AttentionRunner();

  /// Every row of every sequence, in tiles of at most `tileRows`; the last `last` rows of each only, if not 0 (the
  /// others stay 0). garbage: what stands in keys and values that do not exist.
  std::vector<float> run(const AttentionData &data, int tileRows, int last = 0, float garbage = 0) const;

private:
  struct Kernel;
  std::unique_ptr<Kernel> kernel;
};

} // namespace decant::test

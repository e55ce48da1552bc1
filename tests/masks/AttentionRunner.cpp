#include "tests/masks/AttentionRunner.h"

#include "tests/schedules/Harness.h"

#include <algorithm>

namespace decant::test {

struct AttentionRunner::Kernel {
  LoadedKernel loaded;
};

AttentionRunner::AttentionRunner(const std::string &spec, const std::string &rows)
    : kernel(new Kernel{LoadedKernel(spec + " rows=" + rows)}) {}
AttentionRunner::~AttentionRunner() = default;

namespace {

/// The cache as the runtime would have filled it, blocks out of order.
struct Cache {
  Floats keys, values;
  Ints table, length;

  Cache(const AttentionData &a, int perSequence, float garbage)
      : keys({16, a.block / 16 * a.d, a.kvHeads, perSequence * int(a.lengths.size())}, 0),
        values({16, (a.d + 15) / 16 * a.block, a.kvHeads, perSequence * int(a.lengths.size())}, 0),
        table({perSequence, int(a.lengths.size())}, 0), length({int(a.lengths.size())}, 0) {
    std::fill(keys.data.begin(), keys.data.end(), garbage), std::fill(values.data.begin(), values.data.end(), garbage);
    const int columns = a.kvHeads * a.d, sequences = int(a.lengths.size());
    size_t row = 0;
    for (int b = 0; b < sequences; ++b) {
      length(b) = a.lengths[size_t(b)];
      for (int i = 0; i < perSequence; ++i)
        table(i, b) = i * sequences + (b + i) % sequences;
      for (int t = 0; t < a.lengths[size_t(b)]; ++t, ++row)
        for (int j = 0; j < columns; ++j) {
          const int head = j / a.d, column = j % a.d, at = table(t / a.block, b), token = t % a.block;
          keys(token % 16, token / 16 * a.d + column, head, at) = a.k[row * size_t(columns) + size_t(j)];
          values(column % 16, column / 16 * a.block + token, head, at) = a.v[row * size_t(columns) + size_t(j)];
        }
    }
  }
};

Ints makeTiles(const AttentionData &a, int tileRows, int last) {
  std::vector<int> flat;
  int row = 0;
  for (int b = 0; b < int(a.lengths.size()); row += a.lengths[size_t(b++)]) {
    const int length = a.lengths[size_t(b)];
    for (int i = last ? std::max(0, length - last) : 0; i < length; i += tileRows)
      flat.insert(flat.end(), {b, row + i, std::min(tileRows, length - i), i});
  }
  Ints tiles({4, int(flat.size() / 4)}, 0);
  std::copy(flat.begin(), flat.end(), tiles.data.begin());
  return tiles;
}

} // namespace

std::vector<float> AttentionRunner::run(const AttentionData &a, int tileRows, int last, float garbage) const {
  const int rows = int(a.q.size()) / (a.heads * a.d);
  const int longest = *std::max_element(a.lengths.begin(), a.lengths.end());
  Cache cache(a, (longest + a.block - 1) / a.block, garbage);
  Floats q({a.heads * a.d, rows}), out({roundUp16(a.heads * a.d), rows});
  std::copy(a.q.begin(), a.q.end(), q.data.begin());
  Ints tiles = makeTiles(a, tileRows, last);
  std::vector<Ints> wide;
  std::vector<Tensor<uint8_t>> flags;
  wide.reserve(a.params.size()), flags.reserve(a.params.size());
  std::vector<halide_buffer_t *> args = {q, cache.keys, cache.values, cache.table, cache.length, tiles};
  for (const ParamData &param : a.params) {
    const std::vector<int> inner(param.extents.rbegin(), param.extents.rend());
    if (param.boolean) {
      std::copy(param.data.begin(), param.data.end(), flags.emplace_back(inner, 0).data.begin());
      args.push_back(flags.back());
    } else {
      std::copy(param.data.begin(), param.data.end(), wide.emplace_back(inner, 0).data.begin());
      args.push_back(wide.back());
    }
  }
  args.push_back(out);
  kernel->loaded(args);
  std::vector<float> result;
  for (int r = 0; r < rows; ++r)
    for (int j = 0; j < a.heads * a.d; ++j)
      result.push_back(out(j, r));
  return result;
}

} // namespace decant::test

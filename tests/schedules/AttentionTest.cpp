// attention: values against a double reference for every mask operation, and its promises: bits of a row do not depend
// on its tile, hidden and absent keys (NaN) leave no trace, a row without a key is exactly 0.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <sys/mman.h>

namespace decant::test {
namespace {

using Visible = std::function<bool(int b, int h, int q, int k)>;
using Score = std::function<double(int b, int h, int q, int k)>;

struct Case {
  int heads, kvHeads, d, block;
  std::string mask, score, params;
  Visible visible;
  Score added;
  std::string visit = "-", full = "()";
  double softcap = 0;
};

constexpr int kSeqs = 3, kMaxKeys = 100, kRows = 44;
constexpr int kLength[kSeqs] = {37, 1, 90};                                // keys of each sequence
constexpr int kFirstRow[kSeqs] = {0, 21, 22}, kCount[kSeqs] = {21, 1, 22}; // its rows; the last row is its newest key

int positionOf(int b, int i) { return kLength[b] - kCount[b] + i; }
int segment(int b, int k) { return (k + 7 * b) / 11 * 3; }
uint8_t hole(int b, int k) { return uint8_t((k * 5 + b) % 7 == 2); }
float slope(int h, int q, int k) { return float((h + 1) * 0.01 * (k - q) + ((q + k) % 5 == 0 ? -0.5 : 0.25)); }

struct Data {
  const Case &c;
  int wide, maxBlocks, blocks;
  Floats q, kpool, vpool;
  Ints table, length, segments;
  Tensor<uint8_t> holes;
  Floats slopes;

  explicit Data(const Case &c)
      : c(c), wide(roundUp16(c.d)), maxBlocks((kMaxKeys + c.block - 1) / c.block), blocks(maxBlocks * kSeqs + 2),
        q({c.heads * c.d, kRows}), kpool({16, c.block / 16 * c.d, c.kvHeads, blocks}, 0),
        vpool({16, wide / 16 * c.block, c.kvHeads, blocks}, 0), table({maxBlocks, kSeqs}, 0), length({kSeqs}, 0),
        segments({kMaxKeys, kSeqs}, 0), holes({kMaxKeys, kSeqs}, 0), slopes({kMaxKeys, kMaxKeys, c.heads}, 0) {
    std::mt19937 random(unsigned(c.d * 100 + c.heads));
    fill(q, random, 2), fill(kpool, random, 2), fill(vpool, random);
    for (int b = 0; b < kSeqs; ++b) {
      length(b) = kLength[b];
      for (int i = 0; i < maxBlocks; ++i)
        table(i, b) = (b * maxBlocks + i) * 5 % (maxBlocks * kSeqs); // 5 shares no factor: a permutation
      for (int k = 0; k < kMaxKeys; ++k)
        holes(k, b) = hole(b, k), segments(k, b) = segment(b, k);
    }
    for (int h = 0; h < c.heads; ++h)
      for (int i = 0; i < kMaxKeys; ++i)
        for (int k = 0; k < kMaxKeys; ++k)
          slopes(k, i, h) = slope(h, i, k);
  }

  float &key(int b, int k, int g, int column) {
    return kpool(k % 16, k % c.block / 16 * c.d + column, g, table(k / c.block, b));
  }
  float &value(int b, int k, int g, int column) {
    return vpool(column % 16, column / 16 * c.block + k % c.block, g, table(k / c.block, b));
  }

  std::string spec(const char *rows) const {
    return "attention heads=" + std::to_string(c.heads) + " kv_heads=" + std::to_string(c.kvHeads) +
           " d=" + std::to_string(c.d) + " block=" + std::to_string(c.block) +
           " scale=0.25 softcap=" + std::to_string(c.softcap) + " mask=" + c.mask + " visit=" + c.visit +
           " full=" + c.full + " score=" + c.score + " params=" + c.params + " rows=" + rows;
  }

  /// Every row in tiles of at most `size` rows.
  Floats run(const LoadedKernel &kernel, int size) {
    std::vector<int> flat;
    for (int b = 0; b < kSeqs; ++b)
      for (int i = 0; i < kCount[b]; i += size)
        flat.insert(flat.end(), {b, kFirstRow[b] + i, std::min(size, kCount[b] - i), positionOf(b, i)});
    Ints tiles({4, int(flat.size() / 4)}, 0);
    tiles.data = flat;
    tiles.buffer = Halide::Runtime::Buffer<int32_t>(tiles.data.data(), tiles.extents);
    Floats out({roundUp16(c.heads * c.d), kRows}, 0);
    std::fill(out.data.begin(), out.data.end(), 12345.0f);
    std::vector<halide_buffer_t *> args = {q, kpool, vpool, table, length, tiles};
    if (c.params.find("hole") != std::string::npos)
      args.push_back(holes);
    if (c.params.find("seg") != std::string::npos)
      args.push_back(segments);
    if (c.params.find("slope") != std::string::npos)
      args.push_back(slopes);
    args.push_back(out);
    kernel(args);
    return out;
  }

  /// The double reference of one row and head; `size` receives sum |weight * value| scales for the tolerance.
  std::vector<double> reference(int b, int i, int h) {
    const int g = h / (c.heads / c.kvHeads), position = positionOf(b, i);
    std::vector<double> scores, result(size_t(c.d), 0);
    std::vector<int> keys;
    double top = -1e300, total = 0;
    for (int k = 0; k < kLength[b]; ++k) {
      if (!c.visible(b, h, position, k))
        continue;
      double dot = 0;
      for (int column = 0; column < c.d; ++column)
        dot += double(q(h * c.d + column, kFirstRow[b] + i)) * key(b, k, g, column);
      const double scaled = c.softcap > 0 ? c.softcap * std::tanh(dot * 0.25 / c.softcap) : dot * 0.25;
      scores.push_back(scaled + (c.added ? c.added(b, h, position, k) : 0)), keys.push_back(k);
      top = std::max(top, scores.back());
    }
    for (size_t n = 0; n < keys.size(); ++n) {
      const double weight = std::exp(scores[n] - top);
      total += weight;
      for (int column = 0; column < c.d; ++column)
        result[size_t(column)] += weight * value(b, keys[n], g, column);
    }
    for (double &x : result)
      x = total > 0 ? x / total : 0;
    return result;
  }

  void compare(const Floats &out) {
    int large = 0, hidden = 0;
    for (int b = 0; b < kSeqs; ++b)
      for (int i = 0; i < kCount[b]; ++i)
        for (int h = 0; h < c.heads; ++h) {
          std::vector<double> want = reference(b, i, h);
          for (int column = 0; column < c.d; ++column) {
            const float found = out.at(h * c.d + column, kFirstRow[b] + i);
            // scores reach about 30: eps * 30 in the exponent, times log2 of the lengths of the sums
            ASSERT_NEAR(found, want[size_t(column)], 1.2e-5)
                << "b " << b << " row " << i << " h " << h << " column " << column;
            large += std::fabs(want[size_t(column)]) > 0.05;
          }
          bool any = false;
          for (int k = 0; k < kLength[b]; ++k)
            any |= c.visible(b, h, positionOf(b, i), k);
          for (int column = 0; !any && column < c.d; ++column)
            ASSERT_EQ(bits(out.at(h * c.d + column, kFirstRow[b] + i)), 0u);
          hidden += !any;
        }
    EXPECT_GT(large, kRows * c.heads * c.d / 4) << "mostly zero output proves nothing";
    EXPECT_LE(hidden, kRows * c.heads / 2);
  }

  void expectSameBits(const Floats &a, const Floats &b, const std::string &what) {
    for (int r = 0; r < kRows; ++r)
      for (int j = 0; j < c.heads * c.d; ++j)
        ASSERT_EQ(bits(a.at(j, r)), bits(b.at(j, r))) << what << ": row " << r << " column " << j;
  }

  /// NaN everywhere no row may look: absent keys, unused blocks, padding columns, keys that `visible` hides from all.
  void poison() {
    Data old(*this);
    std::fill(kpool.data.begin(), kpool.data.end(), NAN), std::fill(vpool.data.begin(), vpool.data.end(), NAN);
    for (int b = 0; b < kSeqs; ++b)
      for (int k = 0; k < kLength[b]; ++k)
        for (int g = 0; g < c.kvHeads; ++g)
          if (seenByAny(b, k, g))
            for (int column = 0; column < c.d; ++column)
              key(b, k, g, column) = old.key(b, k, g, column), value(b, k, g, column) = old.value(b, k, g, column);
  }

  bool seenByAny(int b, int k, int g) const {
    for (int i = 0; i < kCount[b]; ++i)
      for (int h = g * (c.heads / c.kvHeads); h < (g + 1) * (c.heads / c.kvHeads); ++h)
        if (c.visible(b, h, positionOf(b, i), k))
          return true;
    return false;
  }
};

class Attention : public testing::TestWithParam<Case> {};
class AttentionRanges : public testing::TestWithParam<Case> {};

TEST_P(Attention, MatchesReferenceWhateverTheTiles) {
  const Case &c = GetParam();
  Data data(c);
  const LoadedKernel one(data.spec("one")), few(data.spec("few")), many(data.spec("many"));
  const Floats want = data.run(many, 8);
  data.compare(want);
  data.expectSameBits(data.run(one, 1), want, "one row a tile");
  for (int size : {1, 2, 3, 5, 7, 22, 32})
    data.expectSameBits(data.run(many, size), want, std::to_string(size) + " rows a tile");
  data.expectSameBits(data.run(few, 8), want, "few");
  data.poison();
  data.expectSameBits(data.run(many, 8), want, "NaN in hidden keys, many");
  data.expectSameBits(data.run(one, 1), want, "NaN in hidden keys, one");
}

/// The bits with the case's ranges are those without: for every way to cut the rows into tiles, and with NaN in keys
/// that no row sees.
TEST_P(AttentionRanges, LeaveEveryBitAsItWas) {
  Case plain = GetParam();
  plain.visit = "-", plain.full = "()";
  Data data(GetParam());
  Data dense(plain);
  const Floats want = dense.run(LoadedKernel(dense.spec("many")), 32);
  data.compare(want);
  const LoadedKernel one(data.spec("one")), few(data.spec("few")), many(data.spec("many"));
  for (bool poisoned : {false, true}) {
    if (poisoned)
      data.poison();
    data.expectSameBits(data.run(one, 1), want, "one");
    data.expectSameBits(data.run(few, 8), want, "few");
    for (int size : {3, 8, 32})
      data.expectSameBits(data.run(many, size), want, "many, " + std::to_string(size) + " rows a tile");
  }
}

bool all(int, int, int, int) { return true; }
bool causal(int, int, int q, int k) { return k <= q; }

INSTANTIATE_TEST_SUITE_P(
    Masks, Attention,
    testing::Values(Case{1, 1, 128, 16, "(le k q)", "-", "-", causal, {}},
                    Case{4, 2, 20, 32, "true", "-", "-", all, {}},
                    Case{2,
                         1,
                         64,
                         64,
                         "(and (le k q) (gt k (sub q 12)))",
                         "-",
                         "-",
                         [](int, int, int q, int k) { return k <= q && k > q - 12; },
                         {}},
                    Case{3,
                         3,
                         9,
                         16,
                         "(and (le k q) (not (load hole b k)))",
                         "-",
                         "hole:u8:2",
                         [](int b, int, int q, int k) { return k <= q && !hole(b, k); },
                         {}},
                    Case{2,
                         2,
                         12,
                         16,
                         "(or (eq (floordiv k 10) (floordiv q 10)) (eq (mod k 4) 0))",
                         "-",
                         "-",
                         [](int, int, int q, int k) { return k / 10 == q / 10 || k % 4 == 0; },
                         {}},
                    Case{2, 2, 33, 16, "(and (ge k 5) (ne (min k q) (max 7 h)))", "(load slope h q k)", "slope:f32:3",
                         [](int, int h, int q, int k) { return k >= 5 && std::min(k, q) != std::max(7, h); },
                         [](int, int h, int q, int k) { return slope(h, q, k); }},
                    Case{2, 1, 16, 32, "(lt (select (le k q) k (mul h 1000)) 60)",
                         "(mul (itof (sub k q)) (exp (add -1.5 (itof h))))", "-",
                         [](int, int h, int q, int k) { return (k <= q ? k : h * 1000) < 60; },
                         [](int, int h, int q, int k) { return (k - q) * std::exp(-1.5 + h); }}));

INSTANTIATE_TEST_SUITE_P(
    Ranges, AttentionRanges,
    testing::Values(Case{1, 1, 128, 16, "(le k q)", "-", "-", causal, {}, "((0 q1))", "((0 (add q0 1)))"},
                    Case{4, 2, 20, 32, "true", "-", "-", all, {}, "-", "-"},
                    Case{2,
                         1,
                         64,
                         16,
                         "(and (le k q) (gt k (sub q 12)))",
                         "-",
                         "-",
                         [](int, int, int q, int k) { return k <= q && k > q - 12; },
                         {},
                         "(((sub q0 11) q1))",
                         "(((sub q1 12) (add q0 1)))"},
                    // two ranges, given backwards and overlapping for some tiles
                    Case{3,
                         1,
                         16,
                         16,
                         "(and (le k q) (or (lt k 4) (gt k (sub q 9))))",
                         "-",
                         "-",
                         [](int, int, int q, int k) { return k <= q && (k < 4 || k > q - 9); },
                         {},
                         "(((sub q0 8) q1) (0 (min 4 q1)))",
                         "((0 (min 4 (add q0 1))) ((sub q1 9) (add q0 1)))"},
                    Case{2,
                         2,
                         24,
                         16,
                         "(eq (load seg b k) (load seg b q))",
                         "-",
                         "seg:i32:2",
                         [](int b, int, int q, int k) { return segment(b, q) == segment(b, k); },
                         {},
                         "(((search seg b (load seg b q0)) (search seg b (add 1 (load seg b (sub q1 1))))))",
                         "(((search seg b (load seg b (sub q1 1))) (search seg b (add 1 (load seg b q0)))))"},
                    // no key at all for some heads
                    Case{2,
                         2,
                         16,
                         16,
                         "(and (le k q) (lt h 1))",
                         "-",
                         "-",
                         [](int, int h, int q, int k) { return k <= q && h < 1; },
                         {},
                         "((0 (select (lt h 1) q1 0)))",
                         "((0 (select (lt h 1) (add q0 1) 0)))"},
                    Case{2, 1, 32, 32, "(le k q)", "(mul (itof (sub k q)) 0.03125)", "-", causal,
                         [](int, int, int q, int k) { return (k - q) * 0.03125; }, "((0 q1))", "((0 (add q0 1)))",
                         2.5}));

TEST(AttentionGarbage, ANaNKeyLeavesEarlierRowsOfItsTileAlone) {
  const Case c{1, 1, 128, 16, "(le k q)", "-", "-", causal, {}};
  Data data(c);
  const LoadedKernel kernel(data.spec("many"));
  const Floats want = data.run(kernel, 8);
  for (int column = 0; column < c.d; ++column) // key 20 of sequence 0: position of row 4, the fifth of its tile
    data.key(0, 20, 0, column) = data.value(0, 20, 0, column) = NAN;
  const Floats out = data.run(kernel, 8);
  for (int r = 0; r < 4; ++r)
    for (int j = 0; j < c.d; ++j)
      ASSERT_EQ(bits(out.at(j, r)), bits(want.at(j, r))) << "row " << r << " column " << j;
}

TEST(AttentionScore, MinusInfinityHidesAKey) {
  const Case c{2,
               2,
               16,
               16,
               "true",
               "(load slope h q k)",
               "slope:f32:3",
               [](int, int, int, int k) { return k % 3 != 0; },
               [](int, int h, int q, int k) { return slope(h, q, k); }};
  Data data(c);
  for (int h = 0; h < 2; ++h)
    for (int q = 0; q < kMaxKeys; ++q)
      for (int k = 0; k < kMaxKeys; k += 3)
        data.slopes(k, q, h) = -INFINITY; // sequence 1 has key 0 alone: its row must be 0
  const LoadedKernel kernel(data.spec("few"));
  const Floats out = data.run(kernel, 8);
  data.compare(out);
}

/// `base` with +3 at every third key, plus `step` from the second block of 64 on; q = 0, so the score is the mask
/// alone.
void expectRightScores(const LoadedKernel &many, const LoadedKernel &one, float base, float step) {
  auto mask = [=](int, int, int, int k) { return double(float(base + (k % 3 == 1 ? 3 : 0) + (k >= 64 ? step : 0))); };
  const Case c{2, 2, 16, 64, "true", "(load slope h q k)", "slope:f32:3", all, mask};
  Data data(c);
  std::fill(data.q.data.begin(), data.q.data.end(), 0.0f);
  for (int h = 0; h < 2; ++h)
    for (int q = 0; q < kMaxKeys; ++q)
      for (int k = 0; k < kMaxKeys; ++k)
        data.slopes(k, q, h) = float(mask(0, h, q, k));
  const Floats want = data.run(many, 8);
  data.compare(want);
  data.expectSameBits(data.run(one, 1), want, "one");
}

TEST(AttentionScore, HugeScoresAreRight) {
  const std::string spec = "attention heads=2 kv_heads=2 d=16 block=64 scale=0.25 softcap=0 mask=true visit=- full=() "
                           "score=(load slope h q k) "
                           "params=slope:f32:3 rows=";
  const LoadedKernel many(spec + "many"), one(spec + "one");
  for (float base : {0.0f, -1e3f, 1e3f, -1e6f, 1e6f, -1e9f, 1e9f, -3e9f, 3e9f, -1e12f, 1e12f, -9e29f, 2e38f})
    for (float step : {0.0f, 4096.0f, -4096.0f}) {
      SCOPED_TRACE(testing::Message() << "base " << base << " step " << step);
      expectRightScores(many, one, base, step);
    }
}

TEST(AttentionScore, AKeyFarBelowTheLargestWeighsNothing) {
  const Case c{1, 1, 16, 64, "true", "(load slope h q k)", "slope:f32:3", all, [](int, int, int, int k) {
                 return k == 0 ? 0.0 : -200.0;
               }};
  Data data(c);
  std::fill(data.q.data.begin(), data.q.data.end(), 0.0f);
  for (int q = 0; q < kMaxKeys; ++q)
    for (int k = 0; k < kMaxKeys; ++k)
      data.slopes(k, q, 0) = k == 0 ? 0.0f : -200.0f;
  for (int column = 0; column < c.d; ++column)
    data.value(0, 1, 0, column) = 1e35f; // 2^-100 of it would be seen
  const Floats out = data.run(LoadedKernel(data.spec("few")), 8);
  for (int column = 0; column < c.d; ++column)
    ASSERT_EQ(out.at(column, 0), data.value(0, 0, 0, column)) << "column " << column;
}

TEST(AttentionTiles, NothingBehindTheLastRowIsRead) {
  const Case c{1, 1, 64, 16, "(le k q)", "-", "-", causal, {}};
  Data data(c);
  const Floats want = data.run(LoadedKernel(data.spec("many")), 32);
  const size_t bytes = data.q.data.size() * sizeof(float), page = 4096, whole = (bytes + page - 1) / page * page;
  auto *memory =
      static_cast<char *>(mmap(nullptr, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  ASSERT_EQ(mprotect(memory + whole, page, PROT_NONE), 0);
  const size_t used = size_t(kRows) * size_t(c.d) * sizeof(float);
  auto *rows = reinterpret_cast<float *>(memory + whole - used); // the last row ends where nothing may be read
  std::memcpy(rows, data.q.data.data(), used);
  data.q.buffer = Halide::Runtime::Buffer<float>(rows, data.q.extents);
  for (const char *rowClass : {"few", "many"})
    data.expectSameBits(data.run(LoadedKernel(data.spec(rowClass)), 8), want, rowClass);
  munmap(memory, whole + page);
}

TEST(AttentionTiles, RowsThatDoNotBelongToATileAreNotWritten) {
  const Case c{1, 1, 20, 16, "true", "-", "-", all, {}};
  Data data(c);
  const Floats out = data.run(LoadedKernel(data.spec("many")), 8);
  for (int r = 0; r < kRows; ++r)
    for (int j = c.d; j < 32; ++j)
      ASSERT_EQ(out.at(j, r), 12345.0f); // nor the padding
}

} // namespace
} // namespace decant::test

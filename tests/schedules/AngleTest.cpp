// sinusoid and rope against double references, as Hugging Face rounds: angles in f32. Bits equal for all row classes.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <cmath>

namespace decant::test {
namespace {

class Sinusoid : public testing::TestWithParam<int> {};

TEST_P(Sinusoid, IsAccurateAtEveryPosition) {
  const int n = GetParam(), offset = 2;
  Floats freqs({n}, 16);
  Ints position({kMostRows});
  for (int j = 0; j < n; ++j)
    freqs(j) = float(std::pow(10000.0, -double(j) / n));
  for (int i = 0; i < 16; ++i)
    freqs.data[size_t(n + i)] = NAN; // behind the columns
  for (int r = 0; r < kMostRows; ++r)
    position(r) = r < 20 ? r : r < 26 ? 1000 + r * 977 : (1 << 20) - 3 * (kMostRows - r);
  View out =
      runClasses("sinusoid n=" + std::to_string(n) + " offset=2 factor=1.5", 2 * n, {position.buffer, freqs.buffer});
  for (int r = 0; r < kMostRows; ++r)
    for (int j = 0; j < n; ++j) {
      const float angle = float(position(r) + offset) * freqs(j);
      ASSERT_NEAR(out(j, r), 1.5 * std::sin(double(angle)), 3e-7) << "angle " << angle;
      ASSERT_NEAR(out(n + j, r), 1.5 * std::cos(double(angle)), 3e-7) << "angle " << angle;
    }
}
INSTANTIATE_TEST_SUITE_P(Widths, Sinusoid, testing::Values(1, 7, 16, 17, 32, 100, 288));

struct Case {
  int heads, d, n;
};

class Rope : public testing::TestWithParam<Case> {};

TEST_P(Rope, TurnsPairsAndKeepsTheRest) {
  const auto [heads, d, n] = GetParam();
  std::mt19937 random{unsigned(d)};
  View x(heads * d, kMostRows), angles(2 * n, kMostRows);
  fill(x, random), fill(angles, random);
  View out = runClasses("rope heads=" + std::to_string(heads) + " d=" + std::to_string(d) + " n=" + std::to_string(n),
                        heads * d, {x, angles});
  for (int r = 0; r < kMostRows; ++r)
    for (int h = 0; h < heads; ++h)
      for (int j = 0; j < d; ++j) {
        const int column = h * d + j, pair = j < n ? j : j - n;
        if (j >= 2 * n) {
          ASSERT_EQ(bits(out(column, r)), bits(x(column, r)));
          continue;
        }
        const double sine = angles(pair, r), cosine = angles(n + pair, r);
        const double first = x(h * d + pair, r), second = x(h * d + n + pair, r);
        const double want = j < n ? first * cosine - second * sine : second * cosine + first * sine;
        ASSERT_NEAR(out(column, r), want, 2e-7) << "row " << r << " head " << h << " column " << j;
      }
}
INSTANTIATE_TEST_SUITE_P(Heads, Rope,
                         testing::Values(Case{1, 2, 1}, Case{3, 14, 7}, Case{9, 64, 32}, Case{2, 80, 16},
                                         Case{5, 35, 17}, Case{2, 200, 100}, Case{3, 128, 64}, Case{1, 16, 8},
                                         Case{4, 9, 3}));

} // namespace
} // namespace decant::test

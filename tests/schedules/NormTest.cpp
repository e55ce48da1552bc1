// norm against a double reference: layer and RMS norms, groups of columns, odd widths; bits equal for all row classes.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <cmath>

namespace decant::test {
namespace {

struct Case {
  int n, groups;
  bool rms, plusOne, bias;
};

class Norm : public testing::TestWithParam<Case> {};

TEST_P(Norm, MatchesReference) {
  const Case &c = GetParam();
  const int width = c.n * c.groups;
  std::mt19937 random{unsigned(width)};
  View x(width, kMostRows);
  Floats weight({c.n}, 16), bias({c.n}, 16);
  fill(x, random, 3), fill(weight, random), fill(bias, random);
  for (int i = 0; i < 16; ++i)
    weight.data[size_t(c.n + i)] = bias.data[size_t(c.n + i)] = NAN; // behind the columns
  x.buffer.for_each_value([](float &v) { v += 5; }); // a mean far from 0: one pass over squares would lose digits
  std::vector<Halide::Runtime::Buffer<>> inputs = {x, weight.buffer};
  if (c.bias)
    inputs.push_back(bias.buffer);
  auto flag = [](bool on) { return on ? "1" : "0"; };
  View out = runClasses("norm n=" + std::to_string(c.n) + " groups=" + std::to_string(c.groups) +
                            " eps=1e-05 rms=" + flag(c.rms) + " plus_one=" + flag(c.plusOne) + " bias=" + flag(c.bias),
                        width, inputs);
  for (int r = 0; r < kMostRows; ++r)
    for (int g = 0; g < c.groups; ++g) {
      double mean = 0, variance = 0;
      for (int j = 0; j < c.n && !c.rms; ++j)
        mean += x(g * c.n + j, r) / double(c.n);
      for (int j = 0; j < c.n; ++j)
        variance += std::pow(x(g * c.n + j, r) - mean, 2) / c.n;
      for (int j = 0; j < c.n; ++j) {
        const double factor = double(weight(j)) + c.plusOne;
        const double want = (x(g * c.n + j, r) - mean) / std::sqrt(variance + 1e-5) * factor + (c.bias ? bias(j) : 0);
        ASSERT_NEAR(out(g * c.n + j, r), want, 4e-6) << "row " << r << " group " << g << " column " << j;
      }
    }
}
INSTANTIATE_TEST_SUITE_P(Widths, Norm,
                         testing::Values(Case{1, 1, false, false, true}, Case{8, 1, false, false, false},
                                         Case{27, 1, false, false, true}, Case{60, 1, true, false, false},
                                         Case{128, 1, false, false, true}, Case{300, 1, false, true, false},
                                         Case{1024, 1, false, false, true}, Case{576, 1, true, false, false},
                                         Case{100, 1, true, true, false}, Case{17, 3, true, false, false},
                                         Case{64, 9, true, true, false}, Case{7, 5, false, false, true},
                                         Case{16, 2, false, true, true}, Case{256, 2, true, false, true}));

TEST(Norm, NaNStaysInItsRowAndGroup) {
  for (bool rms : {false, true}) {
    Floats x({48, 3}), weight({24}, 0), out({48, 3});
    std::mt19937 random(1);
    fill(x, random), fill(weight, random);
    x(30, 1) = NAN;
    LoadedKernel("norm n=24 groups=2 eps=1e-06 rms=" + std::to_string(rms) +
                 " plus_one=0 bias=0 rows=few")({x, weight, out});
    for (int r = 0; r < 3; ++r)
      for (int j = 0; j < 48; ++j)
        ASSERT_EQ(std::isnan(out(j, r)), r == 1 && j >= 24) << "row " << r << " column " << j;
  }
}

} // namespace
} // namespace decant::test

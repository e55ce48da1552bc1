// embed, kv_append and elementwise against double references; bits equal for all row classes; gelu's accuracy.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

namespace decant::test {
namespace {

const char *const kClasses[] = {"one", "few", "many"};

TEST(Embed, AddsScaledTokenAndPosition) {
  const int n = 27, rows = 11;
  std::mt19937 random(5);
  Floats table({n, 50}, 0), positions({n, 40}, 0);
  Ints ids({rows}), position({rows});
  fill(table, random), fill(positions, random);
  for (int r = 0; r < rows; ++r)
    ids(r) = r * 13 % 50, position(r) = r * 3;
  for (const char *rowClass : kClasses) {
    Floats out({32, rows}), plain({32, rows});
    LoadedKernel(std::string("embed n=27 scale=1.5 positions=1 offset=2 rows=") +
                 rowClass)({ids, table, position, positions, out});
    LoadedKernel(std::string("embed n=27 scale=1 positions=0 offset=0 rows=") + rowClass)({ids, table, plain});
    for (int r = 0; r < rows; ++r)
      for (int j = 0; j < n; ++j) {
        ASSERT_NEAR(out(j, r), table(j, ids(r)) * 1.5 + positions(j, position(r) + 2), 3e-7);
        ASSERT_EQ(plain(j, r), table(j, ids(r)));
      }
  }
}

TEST(KvAppend, WritesItsPlacesAndNothingElse) {
  for (int d : {9, 64}) {
    const int heads = 3, block = 32, blocks = 5, rows = 7, wide = roundUp16(d);
    std::mt19937 random(6);
    Floats k({heads * d, rows}), v({heads * d, rows});
    Ints rowBlock({rows}, 0), rowToken({rows}, 0);
    fill(k, random), fill(v, random);
    for (int r = 0; r < rows; ++r)
      rowBlock(r) = r * 2 % blocks, rowToken(r) = (r * 5 + 3) % block;
    for (const char *rowClass : kClasses) {
      Floats kpool({16, block / 16 * d, heads, blocks}, 0), vpool({16, wide / 16 * block, heads, blocks}, 0);
      std::fill(kpool.data.begin(), kpool.data.end(), -7.0f), std::fill(vpool.data.begin(), vpool.data.end(), -7.0f);
      LoadedKernel("kv_append heads=3 d=" + std::to_string(d) +
                   " block=32 rows=" + rowClass)({k, v, rowBlock, rowToken, kpool, vpool});
      for (int r = 0; r < rows; ++r)
        for (int h = 0; h < heads; ++h)
          for (int column = 0; column < d; ++column) {
            ASSERT_EQ(kpool(rowToken(r) % 16, rowToken(r) / 16 * d + column, h, rowBlock(r)), k(h * d + column, r));
            ASSERT_EQ(vpool(column % 16, column / 16 * block + rowToken(r), h, rowBlock(r)), v(h * d + column, r));
          }
      auto untouched = [](const Floats &t) { return size_t(std::count(t.data.begin(), t.data.end(), -7.0f)); };
      EXPECT_EQ(untouched(kpool), kpool.data.size() - size_t(rows * heads * d));
      EXPECT_EQ(untouched(vpool), vpool.data.size() - size_t(rows * heads * d));
    }
  }
}

double activation(const std::string &act, double x) {
  const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return act == "relu"         ? std::max(x, 0.0)
         : act == "gelu"       ? 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)))
         : act == "gelu_tanh"  ? 0.5 * x * (1 + std::tanh(u))
         : act == "silu"       ? x / (1 + std::exp(-x))
         : act == "quick_gelu" ? x / (1 + std::exp(-1.702 * x))
                               : x;
}

struct Unit {
  int n;
  const char *act;
  bool gate, residual;
};
class Elementwise : public testing::TestWithParam<Unit> {};

TEST_P(Elementwise, ActivationGateAndResidual) {
  const auto [n, act, gated, added] = GetParam();
  std::mt19937 random{unsigned(n)};
  View x(n, kMostRows), gate(n, kMostRows), residual(n, kMostRows);
  fill(x, random, 4), fill(gate, random), fill(residual, random);
  std::vector<Halide::Runtime::Buffer<>> inputs = {x};
  if (gated)
    inputs.push_back(gate);
  if (added)
    inputs.push_back(residual);
  View out = runClasses("elementwise n=" + std::to_string(n) + " act=" + act + " gate=" + (gated ? "1" : "0") +
                            " residual=" + (added ? "1" : "0"),
                        n, inputs);
  for (int r = 0; r < kMostRows; ++r)
    for (int j = 0; j < n; ++j) {
      const double want = activation(act, x(j, r)) * (gated ? gate(j, r) : 1) + (added ? residual(j, r) : 0);
      ASSERT_NEAR(out(j, r), want, 8e-7) << "row " << r << " column " << j;
    }
}
INSTANTIATE_TEST_SUITE_P(Units, Elementwise,
                         testing::Values(Unit{1, "silu", true, false}, Unit{7, "gelu_tanh", true, true},
                                         Unit{16, "none", false, true}, Unit{17, "quick_gelu", false, false},
                                         Unit{100, "silu", true, false}, Unit{27, "relu", false, true},
                                         Unit{128, "gelu", false, true}, Unit{576, "gelu_tanh", true, false},
                                         Unit{1027, "gelu", true, true}, Unit{40, "none", true, true},
                                         Unit{4864, "silu", true, false}, Unit{4999, "gelu", false, true}));

TEST(Activations, KeepNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const char *act : {"relu", "gelu", "gelu_tanh", "silu", "quick_gelu", "none"}) {
    Floats x({32, 1}), out({32, 1});
    for (int j = 0; j < 32; ++j)
      x(j, 0) = j % 3 == 1 ? nan : j % 3 == 2 ? -nan : float(j - 16);
    x(0, 0) = -0.0f, x(3, 0) = *act == 'g' ? -9.0f : -INFINITY, x(6, 0) = INFINITY; // gelu(-inf) is NaN in PyTorch too
    LoadedKernel(std::string("elementwise n=32 act=") + act + " gate=0 residual=0 rows=one")({x, out});
    for (int j = 0; j < 32; ++j)
      EXPECT_EQ(std::isnan(out(j, 0)), j % 3 != 0) << act << " column " << j;
    if (*act != 'r')
      continue;
    EXPECT_EQ(bits(out(0, 0)), 0u);
    EXPECT_EQ(bits(out(3, 0)), 0u);
    EXPECT_EQ(out(6, 0), INFINITY);
  }
}

TEST(Gelu, IsTheErfFormWithinAFewUnits) {
  const int n = 4096, rows = 8;
  Floats x({n, rows}), out({n, rows});
  for (int i = 0; i < n * rows; ++i)
    x(i % n, i / n) = float(-9 + 18.0 * i / (n * rows - 1));
  x(0, 1) = 0, x(1, 1) = 1e30f, x(2, 1) = -1e30f, x(3, 1) = 1e-30f;
  LoadedKernel("elementwise n=4096 act=gelu gate=0 residual=0 rows=many")({x, out});
  for (int i = 0; i < n * rows; ++i) {
    const double v = x(i % n, i / n), want = 0.5 * v * std::erfc(-v / std::sqrt(2.0));
    // 3 units of the result; in the tail 3e-9 |x|, where 1 + erf in f32 is 10 times coarser
    ASSERT_NEAR(out(i % n, i / n), want, 3 * 1.2e-7 * std::fabs(want) + (v < -1 && v > -9.1 ? -3e-9 * v : 0))
        << "x " << v;
  }
  EXPECT_EQ(bits(out(0, 1)), 0u);
}

} // namespace
} // namespace decant::test

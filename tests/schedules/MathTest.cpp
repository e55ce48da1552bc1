// exp2Poly, pow2Int and gelu against double, densely sampled. The error is in units in the last place (ULP) of the
// exact result's float; its maximum is recorded as a property of the test.
#include "schedules/algorithms/math.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace decant::test {
namespace {

using Halide::Expr;

constexpr int kSamples = 1 << 20;

/// `function` at `samples` of [low, high], computed by Halide for this machine.
Halide::Buffer<float> evaluate(double low, double high,
                               const std::function<Expr(Expr, const std::vector<Halide::Var> &)> &function,
                               Halide::Buffer<float> &x) {
  for (int i = 0; i < kSamples; ++i)
    x(i) = std::min(float(low + (high - low) * i / (kSamples - 1)), float(high));
  Halide::ImageParam in(Halide::Float(32), 1);
  Halide::Var i("i");
  Halide::Func f("f");
  f(i) = function(in(i), {i});
  f.vectorize(i, 16);
  in.set(x);
  return f.realize({kSamples});
}

/// Largest |found - want| in ULP of want.
double largestError(const Halide::Buffer<float> &x, const Halide::Buffer<float> &found, double (*exact)(double),
                    const std::string &name) {
  double worst = 0;
  for (int i = 0; i < kSamples; ++i) {
    const double want = exact(x(i));
    const double ulp = std::ldexp(1.0, std::max(std::ilogb(want), -126) - 23);
    worst = std::max(worst, want == 0 && found(i) == 0 ? 0 : std::fabs(found(i) - want) / ulp);
  }
  testing::Test::RecordProperty(name + std::to_string(x(0)) + "_to_" + std::to_string(x(kSamples - 1)),
                                std::to_string(worst));
  return worst;
}

double gelu(double v) { return 0.5 * v * std::erfc(-v / std::sqrt(2.0)); }

TEST(Math, Exp2PolyIsWithinTwoUnits) {
  Halide::Buffer<float> x(kSamples);
  auto function = [](Expr v, auto &) { return exp2Poly(v); };
  for (auto [low, high] : {std::pair{-126.0, 127.0}, {-1.0, 1.0}, {-24.0, 0.0}})
    EXPECT_LT(largestError(
                  x, evaluate(low, high, function, x), [](double v) { return std::exp2(v); }, "exp2_from_"),
              2)
        << low << " to " << high;
}

TEST(Math, TanhPolyIsWithinAFewUnits) {
  Halide::Buffer<float> x(kSamples);
  auto function = [](Expr v, auto &) { return tanhPoly(v); };
  for (auto [low, high] : {std::pair{-12.0, 12.0}, {-0.7, 0.7}, {-1e-3, 1e-3}})
    EXPECT_LT(largestError(
                  x, evaluate(low, high, function, x), [](double v) { return std::tanh(v); }, "tanh_from_"),
              4)
        << low << " to " << high;
}

TEST(Math, Exp2PolyFallsToZero) {
  Halide::Buffer<float> x(kSamples);
  auto y = evaluate(
      -130, -125, [](Expr v, auto &) { return exp2Poly(v); }, x);
  const float smallest = std::numeric_limits<float>::min();
  for (int i = 0; i < kSamples; ++i) {
    ASSERT_TRUE(!std::signbit(y(i)) && (x(i) > -127 || y(i) == 0) && (x(i) >= -126 || y(i) <= smallest)) << x(i);
    ASSERT_TRUE(x(i) < -126 || y(i) >= smallest) << x(i);
    ASSERT_TRUE(i == 0 || y(i) >= y(i - 1) * (1 - 2e-7f)) << x(i);
  }
  y = evaluate(
      -3.4e38, -127, [](Expr v, auto &) { return exp2Poly(v); }, x);
  for (int i = 0; i < kSamples; ++i)
    ASSERT_EQ(y(i), 0.0f) << x(i);
}

TEST(Math, Pow2IntIsExact) {
  Halide::Buffer<float> x(kSamples);
  auto y = evaluate(
      -200, 127, [](Expr v, auto &) { return pow2Int(Halide::floor(v)); }, x);
  for (int i = 0; i < kSamples; ++i) {
    const int e = int(std::floor(x(i)));
    ASSERT_EQ(y(i), e < -126 ? 0.0f : std::ldexp(1.0f, e)) << e;
  }
  y = evaluate(
      -3.4e38, -127, [](Expr v, auto &) { return pow2Int(v); }, x);
  for (int i = 0; i < kSamples; ++i)
    ASSERT_EQ(y(i), 0.0f) << x(i);
}

TEST(Math, GeluIsWithinAFewUnits) {
  Halide::Buffer<float> x(kSamples);
  auto function = [](Expr v, const std::vector<Halide::Var> &at) {
    std::vector<Halide::Func> steps;
    Expr result = activate(Activation::Gelu, v, at, steps);
    for (Halide::Func &step : steps)
      step.compute_root().vectorize(at[0], 16);
    return result;
  };
  for (auto [low, high] : {std::pair{-1.0, -1e-30}, {1e-30, 1.0}, {1.0, 20.0}, {100.0, 3e38}})
    EXPECT_LT(largestError(x, evaluate(low, high, function, x), gelu, "gelu_from_"), 4) << low << " to " << high;
  // Behind -1 the error of an exponent up to 29 counts. (1 + erf in f32 has no correct digit left there.)
  EXPECT_LT(largestError(x, evaluate(-5.99, -1, function, x), gelu, "gelu_from_"), 100);
  auto y = evaluate(-40, -6, function, x);
  for (int i = 0; i < kSamples; ++i)
    ASSERT_NEAR(y(i), gelu(x(i)), 1e-9 * std::fabs(x(i))) << x(i);
}

} // namespace
} // namespace decant::test

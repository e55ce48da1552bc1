// Elementary functions and activations against double, densely sampled. The error is in units in the last place (ULP)
// of the exact result's float; its maximum is recorded as a property of the test.
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

TEST(Math, ExpPolyIsWithinTwoUnits) {
  Halide::Buffer<float> x(kSamples);
  auto function = [](Expr v, auto &) { return expPoly(v); };
  for (auto [low, high] : {std::pair{-87.0, 87.0}, {-1.0, 1.0}, {-1e-3, 1e-3}})
    EXPECT_LT(largestError(
                  x, evaluate(low, high, function, x), [](double v) { return std::exp(v); }, "exp_from_"),
              2)
        << low << " to " << high;
  auto y = evaluate(87, 3e38, function, x);
  for (int i = 0; i < kSamples; ++i)
    ASSERT_EQ(y(i), y(0));
}

TEST(Math, SinesAreAccurateAtLargeAngles) {
  Halide::Buffer<float> x(kSamples);
  for (double limit : {4.0, 1e3, 1048576.0, 16777216.0})
    for (int quarter : {0, 1}) {
      auto y = evaluate(
          -limit, limit, [&](Expr v, auto &) { return sineOfQuarter(v, quarter); }, x);
      double worst = 0;
      for (int i = 0; i < kSamples; ++i)
        worst = std::max(worst, std::fabs(y(i) - (quarter ? std::cos(double(x(i))) : std::sin(double(x(i))))));
      EXPECT_LT(worst, 1.2e-7) << limit << " quarter " << quarter;
    }
}

/// An activation of `samples`.
Halide::Buffer<float> activated(Activation act, double low, double high, Halide::Buffer<float> &x) {
  auto function = [act](Expr v, const std::vector<Halide::Var> &at) {
    std::vector<Halide::Func> steps;
    Expr result = activate(act, v, at, steps);
    for (Halide::Func &step : steps)
      step.compute_root().vectorize(at[0], 16);
    return result;
  };
  return evaluate(low, high, function, x);
}

double silu(double v) { return v / (1 + std::exp(-v)); }
double quickGelu(double v) { return v / (1 + std::exp(-1.702 * v)); }
double geluTanh(double v) { return v / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v))); }

TEST(Math, SigmoidUnitsAreWithinAFewUnits) {
  Halide::Buffer<float> x(kSamples);
  struct Unit {
    Activation act;
    double (*exact)(double);
    double zero, tail; // below `zero` the result is 0; tail: units of error at the end, where an exponent of 87 counts
  };
  for (auto [act, exact, zero, tail] : {Unit{Activation::Silu, silu, -87, 4},
                                        {Activation::QuickGelu, quickGelu, -51, 100},
                                        {Activation::GeluTanh, geluTanh, -9.97, 250}}) {
    const std::string name = "unit" + std::to_string(int(act)) + "_from_";
    for (auto [low, high] : {std::pair{-1.0, -1e-30}, {1e-30, 1.0}, {1.0, 20.0}, {100.0, 3e38}})
      EXPECT_LT(largestError(x, activated(act, low, high, x), exact, name), 4) << name << low << " to " << high;
    EXPECT_LT(largestError(x, activated(act, zero, -1, x), exact, name), tail) << name;
    auto y = activated(act, -3e38, zero * 1.01, x);
    for (int i = 0; i < kSamples; ++i)
      ASSERT_EQ(y(i), 0.0f) << name << x(i);
  }
}

TEST(Math, GeluIsWithinAFewUnits) {
  Halide::Buffer<float> x(kSamples);
  for (auto [low, high] : {std::pair{-1.0, -1e-30}, {1e-30, 1.0}, {1.0, 20.0}, {100.0, 3e38}})
    EXPECT_LT(largestError(x, activated(Activation::Gelu, low, high, x), gelu, "gelu_from_"), 4)
        << low << " to " << high;
  // Behind -1 the error of an exponent up to 29 counts. (1 + erf in f32 has no correct digit left there.)
  EXPECT_LT(largestError(x, activated(Activation::Gelu, -5.99, -1, x), gelu, "gelu_from_"), 100);
  auto y = activated(Activation::Gelu, -40, -6, x);
  for (int i = 0; i < kSamples; ++i)
    ASSERT_NEAR(y(i), gelu(x(i)), 1e-9 * std::fabs(x(i))) << x(i);
}

} // namespace
} // namespace decant::test

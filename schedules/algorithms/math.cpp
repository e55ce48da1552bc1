// Elementary functions as polynomials. Coefficients: Chebyshev fits made for this file with 40 digits (mpmath
// chebyfit), degree and interval named at each. Tested against double in tests/schedules/MathTest.cpp.
#include "schedules/algorithms/math.h"

using namespace Halide;

namespace decant {
namespace {

/// Horner's rule, highest power first.
template <size_t N> Expr polynomial(const float (&coefficients)[N], Expr x) {
  Expr sum = coefficients[0];
  for (size_t i = 1; i < N; ++i)
    sum = sum * x + coefficients[i];
  return sum;
}

constexpr int kMinusInfinity = -8388608; // 0xff800000

} // namespace

Expr exp2Poly(Expr x) {
  // (2^r - 1) / r on [-1/2, 1/2], degree 5: 2^r within 4e-9 before rounding
  static const float kPower[] = {1.54531629406e-4f, 1.33908633648e-3f, 9.61808255729e-3f,
                                 5.55035711422e-2f, 2.40226507606e-1f, 6.93147188026e-1f};
  // -127 gives the exponent field 0 and the mantissa 0, the number 0
  Expr clamped = max(x, -127.0f), whole = round(clamped), r = clamped - whole;
  Expr power = polynomial(kPower, r) * r + 1.0f;
  return reinterpret<float>((cast<int>(whole) << 23) + reinterpret<int>(power));
}

Expr pow2Int(Expr e) { return reinterpret<float>((cast<int>(max(e, -127.0f)) + 127) << 23); }

Expr tanhPoly(Expr x) {
  // (tanh(x) / x - 1) / x^2 as a function of x^2, |x| <= 0.65, degree 4, within 7e-9 of tanh(x) / x: where 1 - 2 /
  // (e^2x + 1) would cancel
  static const float kNearZero[] = {-5.5152e-3f, 2.046945e-2f, -5.368803e-2f, 1.333083e-1f, -3.333326e-1f};
  constexpr float kLog2e2 = 2.88539008f; // 2 log2 e
  Expr a = abs(x), square = x * x;
  Expr far = 1.0f - 2.0f / (exp2Poly(min(a, 10.0f) * kLog2e2) + 1.0f);
  return select(a < 0.625f, x + x * (square * polynomial(kNearZero, square)), select(x < 0.0f, -far, far));
}

Expr activate(Activation act, Expr value, const std::vector<Var> &at, std::vector<Func> &stages) {
  if (act == Activation::None)
    return value;
  if (act == Activation::Relu) {
    // As integers, which keeps NaN of both signs: -0 .. -inf are the smallest. Float arithmetic here may assume no NaN.
    Expr bits = reinterpret<int>(value);
    return reinterpret<float>(select(bits <= kMinusInfinity, 0, bits));
  }
  // gelu = x Phi(x), Phi the normal distribution's integral: the erf form.
  // -log2(erfc(a / sqrt 2)) / a on [0, 6], degree 10, within 5e-8. So Phi(-a) = 2^(-a p(a)) / 2 has a small relative
  // error everywhere and neither side of 0 cancels. Beyond 6 Phi(-a) < 1e-9 counts as 0.
  static const float kLogTail[] = {-2.75569890505e-9f, 1.02173788722e-7f, -1.67812853535e-6f, 1.59609412398e-5f,
                                   -9.45413416856e-5f, 3.19448876217e-4f, -5.2347036164e-5f,  -6.90771396167e-3f,
                                   5.24261903234e-2f,  4.59223218311e-1f, 1.1511041214f};
  Func x("gelu_x"), power("gelu_power"), tail("gelu_tail");
  x(at) = value;
  Expr a = min(abs(x(at)), 6.0f);
  power(at) = -(a * polynomial(kLogTail, a));
  tail(at) = exp2Poly(power(at)) * 0.5f;
  stages = {x, power, tail};
  Expr phi = select(abs(x(at)) < 6.0f, tail(at), 0.0f);
  return x(at) * select(x(at) < 0.0f, phi, 1.0f - phi);
}

Expr strictAdd(Expr a, Expr b) { return strict_float(a + b); }

} // namespace decant

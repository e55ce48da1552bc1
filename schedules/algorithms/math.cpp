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

/// 2^(r + whole), |r| <= 1/2 (a little more is harmless), whole an integer >= -127
Expr shiftedPower(Expr r, Expr whole) {
  // (2^r - 1) / r on [-1/2, 1/2], degree 5: 2^r within 4e-9 before rounding
  static const float kPower[] = {1.54531629406e-4f, 1.33908633648e-3f, 9.61808255729e-3f,
                                 5.55035711422e-2f, 2.40226507606e-1f, 6.93147188026e-1f};
  Expr power = polynomial(kPower, r) * r + 1.0f;
  return reinterpret<float>((cast<int>(whole) << 23) + reinterpret<int>(power));
}

constexpr int kMinusInfinity = -8388608; // 0xff800000

/// gelu = x Phi(x), Phi the normal distribution's integral: the erf form.
Expr geluErf(Expr value, const std::vector<Var> &at, std::vector<Func> &steps) {
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
  steps.insert(steps.end(), {x, power, tail});
  Expr phi = select(abs(x(at)) < 6.0f, tail(at), 0.0f);
  return x(at) * select(x(at) < 0.0f, phi, 1.0f - phi);
}

/// silu, quick_gelu and the tanh form of gelu are x / (1 + e^-z): (1 + tanh(u)) / 2 = 1 / (1 + e^-2u). Strict: NaN
/// stays.
Expr sigmoidUnit(Activation act, Expr value, const std::vector<Var> &at, std::vector<Func> &steps) {
  Func x("unit_x"), power("unit_power");
  x(at) = value;
  Expr z = x(at);
  float zero = -87.0f; // where z = -87, the end of expPoly: below it the unit counts as 0
  if (act == Activation::QuickGelu)
    z = z * 1.702f, zero = -51.1f;
  if (act == Activation::GeluTanh) { // 2 sqrt(2 / pi) (x + 0.044715 x^3)
    Expr near = clamp(z, -10.0f, 10.0f);
    z = near * (1.59576912f + 0.0713548163f * (near * near)), zero = -9.98f;
  }
  power(at) = expPoly(-z);
  steps.insert(steps.end(), {x, power});
  return strict_float(select(x(at) < zero, 0.0f, x(at)) / (1.0f + power(at)));
}

} // namespace

Expr exp2Poly(Expr x) {
  // -127 gives the exponent field 0 and the mantissa 0, the number 0
  Expr clamped = max(x, -127.0f), whole = round(clamped);
  return shiftedPower(clamped - whole, whole);
}

Expr expPoly(Expr x) {
  // ln 2 = 355/512 + rest: the product with an exponent of 8 bits is exact, so that a large x costs no digits
  constexpr float kLog2e = 1.44269504f, kLn2 = 355.0f / 512, kLn2Rest = -2.12194440e-4f;
  Expr clamped = clamp(x, -87.0f, 87.0f), whole = round(clamped * kLog2e);
  Expr rest = strict_float((clamped - whole * kLn2) - whole * kLn2Rest);
  return shiftedPower(rest * kLog2e, whole);
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

Expr sineOfQuarter(Expr x, Expr quarter) {
  // (sin(r) / r - 1) / r^2 and (cos(r) - 1 + r^2 / 2) / r^4 as functions of r^2, |r| <= pi / 4, within 2e-8 and 1e-9
  static const float kSine[] = {-1.958283068e-4f, 8.332724614e-3f, -1.666666454e-1f};
  static const float kCosine[] = {2.454287111e-5f, -1.388827933e-3f, 4.166666454e-2f};
  Expr wide = cast<double>(x), turns = round(wide * Expr(0.63661977236758134));
  Expr r = cast<float>(wide - turns * Expr(1.5707963267948966)), square = r * r;
  Expr sine = r + r * (square * polynomial(kSine, square));
  Expr cosine = 1.0f + square * (square * polynomial(kCosine, square) - 0.5f);
  Expr quadrant = cast<int>(turns) + quarter, value = select((quadrant & 1) == 0, sine, cosine);
  return strict_float(select((quadrant & 2) == 0, value, -value));
}

Expr activate(Activation act, Expr value, const std::vector<Var> &at, std::vector<Func> &steps) {
  if (act == Activation::None)
    return value;
  if (act == Activation::Relu) {
    // As integers, which keeps NaN of both signs: -0 .. -inf are the smallest. Float arithmetic here may assume no NaN.
    Expr bits = reinterpret<int>(value);
    return reinterpret<float>(select(bits <= kMinusInfinity, 0, bits));
  }
  return act == Activation::Gelu ? geluErf(value, at, steps) : sigmoidUnit(act, value, at, steps);
}

Expr softcap(double c, Expr value, const std::vector<Var> &at, std::vector<Func> &steps) {
  Func x("cap_x");
  x(at) = value;
  steps.push_back(x);
  return select(is_nan(x(at)), x(at), tanhPoly(x(at) * float(1 / c)) * float(c));
}

Expr strictAdd(Expr a, Expr b) { return strict_float(a + b); }

} // namespace decant

// Elementary functions of the kernels as Halide expressions: polynomials, no call to libm.
#pragma once

#include "schedules/spec/KernelSpec.h"

#include "Halide.h"

#include <vector>

namespace decant {

/// 2^x for -126 <= x <= 127, relative error about 1e-7; falls to exactly 0 at -127 and stays there.
Halide::Expr exp2Poly(Halide::Expr x);

/// 2^e for a float e that is an integer from -126 to 127; anything smaller gives exactly 0.
Halide::Expr pow2Int(Halide::Expr e);

/// e^x, relative error about 1e-7; x beyond -87 or 87 counts as that.
Halide::Expr expPoly(Halide::Expr x);

/// tanh, relative error about 3e-7.
Halide::Expr tanhPoly(Halide::Expr x);

/// sin(x + quarter * pi / 2), absolute error about 1e-7 for |x| <= 2^30: the quadrant is cut off in f64.
Halide::Expr sineOfQuarter(Halide::Expr x, Halide::Expr quarter);

/// act(value), value being a function of `at`. The steps of all but relu become Funcs appended to `steps`, to be
/// computed a vector at a time: Halide's analyses walk expressions as trees and would take seconds over the whole.
Halide::Expr activate(Activation act, Halide::Expr value, const std::vector<Halide::Var> &at,
                      std::vector<Halide::Func> &steps);

/// c * tanh(value / c), the value as a step.
Halide::Expr softcap(double c, Halide::Expr value, const std::vector<Halide::Var> &at,
                     std::vector<Halide::Func> &steps);

/// a + b that no schedule and no optimizer may reorder or contract.
Halide::Expr strictAdd(Halide::Expr a, Halide::Expr b);

} // namespace decant

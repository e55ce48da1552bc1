// Elementary functions of the kernels as Halide expressions: polynomials, no call to libm.
#pragma once

#include "schedules/spec/KernelSpec.h"

#include "Halide.h"

namespace decant {

/// 2^x for x <= 127, relative error about 1e-7; x below -100 counts as -100 (no subnormal results).
Halide::Expr exp2Poly(Halide::Expr x);

/// 2^e for an integer -127 <= e <= 127; anything smaller gives exactly 0.
Halide::Expr pow2Int(Halide::Expr e);

/// x * Phi(x), Phi = the normal distribution's integral: gelu in its erf form.
Halide::Expr gelu(Halide::Expr x);

Halide::Expr activate(Activation act, Halide::Expr x);

/// a + b that no schedule and no optimizer may reorder or contract.
Halide::Expr strictAdd(Halide::Expr a, Halide::Expr b);

} // namespace decant

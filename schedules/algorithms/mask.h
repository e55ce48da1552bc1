// A mask or score function (MaskExpr) as a Halide expression.
#pragma once

#include "schedules/spec/MaskExpr.h"

#include "Halide.h"

#include <vector>

namespace decant {

struct MaskIndices {
  Halide::Expr b, h, q, k; ///< i32
};

/// One ImageParam a parameter, innermost dimension first, every stride dynamic (0 = broadcast).
std::vector<Halide::ImageParam> maskParamImages(const std::vector<MaskParam> &params);

/// Loads are clamped into the parameter: a key beyond the length may be evaluated, though never seen.
Halide::Expr maskToHalide(const MaskExpr &expr, const MaskIndices &at, const std::vector<MaskParam> &params,
                          const std::vector<Halide::ImageParam> &images);

} // namespace decant

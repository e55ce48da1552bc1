// A mask or score function (MaskExpr) as a Halide expression.
#pragma once

#include "schedules/spec/MaskExpr.h"

#include "Halide.h"

#include <vector>

namespace decant {

struct MaskIndices {
  Halide::Expr b, h, q, k; ///< i32
};

/// The queries q0 <= q < q1 of a tile, and the keys that exist.
struct MaskTile {
  Halide::Expr b, h, q0, q1, n; ///< i32; h and the number of the tile are Vars
  Halide::Var head, tile;
};

/// One ImageParam a parameter, innermost dimension first, every stride dynamic (0 = broadcast).
std::vector<Halide::ImageParam> maskParamImages(const std::vector<MaskParam> &params);

/// Loads are clamped into the parameter: a key beyond the length may be evaluated, though never seen.
Halide::Expr maskToHalide(const MaskExpr &expr, const MaskIndices &at, const std::vector<MaskParam> &params,
                          const std::vector<Halide::ImageParam> &images);

/// A bound of a KeyRange, i32, of a Func of (head, tile). Each `search` becomes a Func of these, added to `searches`.
Halide::Expr maskBoundToHalide(const MaskExpr &expr, const MaskTile &at, const std::vector<MaskParam> &params,
                               const std::vector<Halide::ImageParam> &images, std::vector<Halide::Func> &searches);

} // namespace decant

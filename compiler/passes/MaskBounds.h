// What a mask shows to a tile of queries, as closed forms: the analysis behind derive-mask-bounds. No MLIR.
//
// A tile is the queries q0 <= q < q1 of one sequence and head, q1 > q0. From the mask's expression follow two sets of
// keys: `visit` holds every key that some query of the tile may see, `full` only keys that every query sees. Both are
// unions of ranges whose bounds are expressions over b, h, q0, q1, n and parameters. What the analysis does not
// understand makes `visit` larger and `full` smaller, never wrong. Tested in tests/passes/MaskBoundsTest.cpp.
#pragma once

#include "schedules/spec/MaskExpr.h"

#include <optional>

namespace decant {

struct MaskBounds {
  KeyRanges visit, full; ///< full.every never holds unless the mask is the constant true
};

/// `mask` is of type bool. Pure; equal masks give equal bounds.
MaskBounds deriveMaskBounds(const MaskExpr &mask, const std::vector<MaskParam> &params);

/// The smallest W such that no query sees a key at or below (its position - W), whatever the parameters; none: no such
/// W is known, or a query may see keys behind itself (then a cache is not read position by position).
std::optional<int64_t> visibleWindow(const KeyRanges &visit);

} // namespace decant

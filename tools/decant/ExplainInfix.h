// Masks, scores and bounds as people write them: `k <= q and k > q - 512`, `[max(0, q0 - 511), min(q1, n))`.
//
// Python's operators and their precedence: `//` floor division, `%` its remainder, `a if c else b`; below(p[b], x) is
// the number of elements of the row p[b] below x. Tested in tests/tools/ExplainTest.cpp.
#pragma once

#include "schedules/spec/MaskExpr.h"

#include <map>
#include <string>

namespace decant::cli {

/// What a formula calls the parameters p0, p1, ..; one that is missing keeps its own name.
using ParamNames = std::map<std::string, std::string, std::less<>>;

std::string infix(const MaskExpr &expr, const ParamNames &names);
std::string infix(const KeyRanges &ranges, const ParamNames &names);

} // namespace decant::cli

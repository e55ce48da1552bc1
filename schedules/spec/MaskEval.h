// Values of mask, score and bound expressions at a point, in double and 64-bit integers: for tests and drawings, slow
// and obvious. Tested in tests/schedules/MaskExprTest.cpp.
#pragma once

#include "schedules/spec/MaskExpr.h"

#include <map>

namespace decant {

/// Where an expression is evaluated: b, h, q, k of a mask or score; b, h, q0, q1, n of a bound.
struct MaskPoint {
  int64_t b = 0, h = 0, q = 0, k = 0;
  int64_t q0 = 0, q1 = 0, n = 0;
};

/// A parameter, row-major, outermost dimension first. An index outside reads the nearest element, as in kernels.
struct MaskTensor {
  std::vector<int64_t> extents;
  std::vector<double> data;
};
using MaskTensors = std::map<std::string, MaskTensor, std::less<>>;

/// Booleans are 0 or 1. Division by zero gives 0, as does a parameter that is not there.
double evaluate(const MaskExpr &expr, const MaskPoint &at, const MaskTensors &tensors);

} // namespace decant

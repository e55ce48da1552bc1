// A mask for one query and a range of keys at once: evaluate() of schedules/spec/MaskEval.h, some hundred times faster.
// Tested against it in tests/tools/ExplainTest.cpp.
#pragma once

#include "schedules/spec/MaskEval.h"

#include <vector>

namespace decant::cli {

/// Values at the keys begin <= k < end of query `q`, sequence 0, head 0. For masks and scores, not for bounds.
std::vector<double> evaluateRow(const MaskExpr &expr, int64_t q, int64_t begin, int64_t end,
                                const MaskTensors &tensors);

} // namespace decant::cli

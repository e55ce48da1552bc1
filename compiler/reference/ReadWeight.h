// A dec.weight -> its numbers, whatever its layout: the rows of its sources, one below the other.
#pragma once

#include "compiler/dialect/Dec.h"
#include "compiler/weights/WeightSet.h"

namespace decant {

/// Row-major, in the weight's shape. Errors name the tensor that is missing or has another width, type or too few rows.
llvm::Expected<std::vector<float>> readWeight(dec::WeightOp weight, const WeightSet &weights);

} // namespace decant

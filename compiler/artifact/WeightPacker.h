// dec.weights + raw tensors -> the packed bytes of the artifact.
#pragma once

#include "compiler/dialect/Dec.h"
#include "compiler/weights/WeightSet.h"

#include "llvm/Support/Error.h"

#include <functional>
#include <vector>

namespace decant {

/// Every dec.weight of the model in order, each packed in its layout and padded with zeros to a multiple of 64 bytes in
/// `bytes`; `sizes` are without that padding. Errors name the tensor.
struct PackedWeights {
  std::vector<uint8_t> bytes;
  std::vector<uint64_t> sizes;
};
using PackingProgress = std::function<void(uint64_t doneBytes, uint64_t totalBytes)>;
/// Memory: `bytes` and 16 rows; what has been read of the weight files is given back.
llvm::Expected<PackedWeights> packWeights(dec::ModelOp model, const WeightSet &weights,
                                          const PackingProgress &progress = nullptr);

} // namespace decant

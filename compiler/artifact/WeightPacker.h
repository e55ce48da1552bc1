// dec.weights + raw tensors -> the packed bytes of the artifact.
#pragma once

#include "compiler/dialect/Dec.h"
#include "compiler/weights/WeightSet.h"

#include "llvm/Support/Error.h"

#include <functional>
#include <vector>

namespace decant {

/// Where the next weight begins.
inline uint64_t paddedBytes(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Bytes of every dec.weight in its layout, in order.
std::vector<uint64_t> packedSizes(dec::ModelOp model);

using PackingProgress = std::function<void(uint64_t doneBytes, uint64_t totalBytes)>;
using PackingSink = std::function<llvm::Error(const void *data, size_t bytes)>;
/// Hands every dec.weight in order to `write`, each packed in its layout and padded with zeros to a multiple of 64
/// bytes. Errors name the tensor. Memory: about a mebibyte, or 16 rows; what has been read of the weight files is given
/// back.
llvm::Error packWeights(dec::ModelOp model, const WeightSet &weights, const PackingSink &write,
                        const PackingProgress &progress = nullptr);

} // namespace decant

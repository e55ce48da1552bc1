// The element types of safetensors: spelling, size, and which decant can read. Private to weights/.
#pragma once

#include "compiler/weights/WeightSet.h"

namespace decant {

struct DTypeInfo {
  std::string_view name;
  DType type; ///< Other: legal in a file, but decant cannot read its elements
  uint64_t bits;
};

/// Null if the format knows no such type.
const DTypeInfo *findDType(std::string_view name);
const DTypeInfo &infoOf(DType type);

} // namespace decant

// The part of Halide 21's documented C ABI that a call of a kernel needs (HalideRuntime.h: halide_buffer_t and
// friends). Kernels are compiled without Halide's runtime; these layouts are all that is shared with them.
#pragma once

#include <cstdint>

namespace decant::rt {

struct HalideType {
  uint8_t code; ///< 0 int, 1 uint, 2 float
  uint8_t bits;
  uint16_t lanes;
};

struct HalideDim {
  int32_t min, extent, stride;
  uint32_t flags;
};

struct HalideBuffer {
  uint64_t device;
  const void *device_interface;
  uint8_t *host;
  uint64_t flags;
  HalideType type;
  int32_t dimensions;
  HalideDim *dim; ///< innermost first
  void *padding;
};

static_assert(sizeof(HalideType) == 4 && sizeof(HalideDim) == 16 && sizeof(HalideBuffer) == 56);

} // namespace decant::rt

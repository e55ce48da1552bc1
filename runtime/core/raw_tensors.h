// A file of named tensors, as simple as can be: how `decant eval` hands inputs to an artifact and takes outputs back.
//
// Little-endian: magic "DECANTR1", u64 count; then for each tensor u32 name bytes, u32 type, u32 rank, u32 0, u64
// dims[4] (outermost first, unused ones 1), u64 data bytes; name and data follow, each padded with zeros to a multiple
// of 8. Tested in tests/runtime.
#pragma once

#include "runtime/core/array.h"
#include "runtime/core/message.h"

#include <cstdio>
#include <string_view>

namespace decant::rt {

enum RawType : uint32_t { RawF32 = 0, RawI32 = 1, RawBool = 2, RawI64 = 3, RawF64 = 4, RawTypes = 5 };

struct RawTensor {
  std::string_view name;
  uint32_t type, rank; ///< RawType; 1..4
  uint64_t dims[4];    ///< outermost first, unused ones 1
  const uint8_t *data; ///< elements() of the type, 8-byte aligned in a file; borrowed

  uint64_t elements() const { return dims[0] * dims[1] * dims[2] * dims[3]; }
};

size_t rawTypeBytes(uint32_t type);

/// Lists the tensors in `bytes` of memory, which they borrow. DATA_LOSS names `file` and what is wrong.
decant_status readRawTensors(const uint8_t *data, uint64_t bytes, const char *file, const Message &message,
                             Array<RawTensor> &out);

/// False = writing failed.
bool writeRawTensors(FILE *out, std::span<const RawTensor> tensors);

} // namespace decant::rt

#include "runtime/core/raw_tensors.h"

namespace decant::rt {
namespace {

constexpr char kMagic[9] = "DECANTR1";

struct RawHeader {
  uint32_t name_bytes, type, rank, reserved;
  uint64_t dims[4], data_bytes;
};

uint64_t padded(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

/// Bytes of a tensor's data, or UINT64_MAX if they overflow.
uint64_t dataBytes(const RawHeader &header) {
  uint64_t bytes = rawTypeBytes(header.type);
  for (uint64_t dim : header.dims)
    if (__builtin_mul_overflow(bytes, dim, &bytes))
      return UINT64_MAX;
  return bytes;
}

bool writePadded(FILE *out, const void *data, uint64_t bytes) {
  constexpr char kZeros[8] = {};
  uint64_t rest = padded(bytes) - bytes;
  return (bytes == 0 || std::fwrite(data, 1, bytes, out) == bytes) && std::fwrite(kZeros, 1, rest, out) == rest;
}

} // namespace

size_t rawTypeBytes(uint32_t type) {
  constexpr size_t kBytes[RawTypes] = {4, 4, 1, 8, 8};
  return kBytes[type];
}

decant_status readRawTensors(const uint8_t *data, uint64_t bytes, const char *file, const Message &message,
                             Array<RawTensor> &out) {
  uint64_t count = 0;
  if (bytes < 16 || std::memcmp(data, kMagic, 8) != 0)
    return message.fail(DECANT_DATA_LOSS, "%s: not a file of raw tensors", file);
  std::memcpy(&count, data + 8, 8);
  uint64_t at = 16;
  for (uint64_t i = 0; i < count; ++i) {
    RawHeader header;
    if (bytes - at < sizeof header)
      return message.fail(DECANT_DATA_LOSS, "%s: truncated at byte %llu", file, static_cast<unsigned long long>(at));
    std::memcpy(&header, data + at, sizeof header);
    at += sizeof header;
    if (header.type >= RawTypes || header.rank < 1 || header.rank > 4 || dataBytes(header) != header.data_bytes ||
        header.data_bytes > bytes || padded(header.name_bytes) + padded(header.data_bytes) > bytes - at)
      return message.fail(DECANT_DATA_LOSS, "%s: tensor %llu is damaged", file, static_cast<unsigned long long>(i));
    RawTensor tensor{
        {reinterpret_cast<const char *>(data + at), header.name_bytes}, header.type, header.rank, {}, nullptr};
    std::memcpy(tensor.dims, header.dims, sizeof tensor.dims);
    at += padded(header.name_bytes);
    tensor.data = data + at;
    at += padded(header.data_bytes);
    if (!out.push(tensor))
      return message.fail(DECANT_RESOURCE_EXHAUSTED, "%s: out of memory", file);
  }
  return DECANT_OK;
}

bool writeRawTensors(FILE *out, std::span<const RawTensor> tensors) {
  uint64_t count = tensors.size();
  if (std::fwrite(kMagic, 1, 8, out) != 8 || std::fwrite(&count, 1, 8, out) != 8)
    return false;
  for (const RawTensor &tensor : tensors) {
    RawHeader header{static_cast<uint32_t>(tensor.name.size()), tensor.type, tensor.rank, 0, {}, 0};
    std::memcpy(header.dims, tensor.dims, sizeof header.dims);
    header.data_bytes = dataBytes(header);
    if (std::fwrite(&header, 1, sizeof header, out) != sizeof header ||
        !writePadded(out, tensor.name.data(), tensor.name.size()) || !writePadded(out, tensor.data, header.data_bytes))
      return false;
  }
  return true;
}

} // namespace decant::rt

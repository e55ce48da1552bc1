// UTF-8 checked in full (RFC 3629: no overlong forms, surrogates or code points above U+10FFFF).
#pragma once

#include <cstdint>

namespace decant::rt {

/// Code point at `text`, or -1. *out_bytes = its length, 1 where it is not UTF-8.
inline int32_t nextCodepoint(const char *text, int *out_bytes) {
  auto byte = [&](int i) { return static_cast<uint8_t>(text[i]); };
  *out_bytes = 1;
  if (byte(0) < 0x80)
    return byte(0);
  int length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4)
    return -1;
  int32_t value = byte(0) & (0xff >> (length + 1));
  for (int i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) // stops at the NUL as well
      return -1;
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr int32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
    return -1;
  *out_bytes = length;
  return value;
}

} // namespace decant::rt

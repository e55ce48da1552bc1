// A text codec: what libdecant_text.a offers to the core, found through the weak symbol decant_text_chars.
#pragma once

#include "runtime/core/tables.h"

namespace decant::rt {

struct TextCodec {
  /// See decant_text_encode and decant_text_decode; arguments are checked already.
  decant_status (*encode)(const Tables &tables, const char *text, int32_t *ids, size_t capacity, const Message &message,
                          size_t *out_count);
  decant_status (*decode)(const Tables &tables, const int32_t *ids, size_t count, char *text, size_t capacity,
                          size_t *out_bytes);
};

} // namespace decant::rt

extern "C" const decant::rt::TextCodec decant_text_chars;

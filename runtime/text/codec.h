// A text codec: what libdecant_text.a and libdecant_tokenizer.a offer to the core, found through weak symbols.
#pragma once

#include "runtime/core/tables.h"

namespace decant::rt {

struct TextCodec {
  /// See decant_text_encode, decant_text_decode and decant_text_chat; arguments are checked already.
  decant_status (*encode)(const Tables &tables, const char *text, int32_t *ids, size_t capacity, const Message &message,
                          size_t *out_count);
  decant_status (*decode)(const Tables &tables, const int32_t *ids, size_t count, char *text, size_t capacity,
                          size_t *out_bytes);
  /// nullptr: no conversations.
  decant_status (*chat)(const Tables &tables, const decant_chat_message *messages, size_t count, int32_t *ids,
                        size_t capacity, const Message &message, size_t *out_count);
  /// See decant_text_language and decant_text_set_source; nullptr: no languages.
  decant_status (*language)(const Tables &tables, const char *code, const Message &message, int32_t *out_id);
  decant_status (*set_source)(const Tables &tables, int32_t language, int32_t *ids, size_t count);
  /// Checks the codec's own tables when a model is opened; nullptr: there are none.
  decant_status (*check)(const Tables &tables, const Message &message);
};

} // namespace decant::rt

extern "C" const decant::rt::TextCodec decant_text_chars;
extern "C" const decant::rt::TextCodec decant_text_tokenizer;

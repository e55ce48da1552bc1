// decant_text_encode and decant_text_decode: check the arguments, find the codec.
#include "runtime/core/model.h"
#include "runtime/text/codec.h"

using namespace decant::rt;

extern "C" {
extern __attribute__((weak)) const TextCodec decant_text_chars;
}

namespace {

const TextCodec *codecOf(const decant_model &model, const Message &message) {
  if (model.header().text.kind != DECANT_TEXT_CHARS) {
    (void)message.fail(DECANT_UNIMPLEMENTED, "this model has no text tables: use token ids");
    return nullptr;
  }
  if (!&decant_text_chars)
    (void)message.fail(DECANT_UNIMPLEMENTED, "this program was linked without decant's text module: use token ids");
  return &decant_text_chars;
}

} // namespace

decant_status decant_text_encode(const decant_model *model, const char *text, int32_t *ids, size_t capacity,
                                 char *message_text, size_t message_bytes, size_t *out_count) {
  Message message{message_text, message_bytes};
  if (message_text && message_bytes)
    message_text[0] = 0;
  if (!model || !text || !out_count || (capacity && !ids))
    return message.fail(DECANT_INVALID_ARGUMENT, "decant_text_encode: an argument is NULL");
  const TextCodec *codec = codecOf(*model, message);
  return codec ? codec->encode(model->tables, text, ids, capacity, message, out_count) : DECANT_UNIMPLEMENTED;
}

decant_status decant_text_decode(const decant_model *model, const int32_t *ids, size_t count, char *text,
                                 size_t capacity, size_t *out_bytes) {
  if (!model || (count && !ids) || (capacity && !text) || !out_bytes)
    return DECANT_INVALID_ARGUMENT;
  const TextCodec *codec = codecOf(*model, Message{});
  return codec ? codec->decode(model->tables, ids, count, text, capacity, out_bytes) : DECANT_UNIMPLEMENTED;
}

// decant_text_encode, decant_text_decode, decant_text_chat: check the arguments, find the codec.
#include "runtime/text/text_api.h"

#include "runtime/core/model.h"
#include "runtime/text/codec.h"

using namespace decant::rt;

extern "C" {
extern __attribute__((weak)) const TextCodec decant_text_chars;
extern __attribute__((weak)) const TextCodec decant_text_tokenizer;
}

namespace {

/// nullptr: the model has none, or its module is not linked.
const TextCodec *linkedCodec(const decant_tables_header &header) {
  switch (header.text.kind) {
  case DECANT_TEXT_CHARS:
    return &decant_text_chars;
  case DECANT_TEXT_TOKENIZER:
    return &decant_text_tokenizer;
  default:
    return nullptr;
  }
}

const TextCodec *codecOf(const decant_model &model, const Message &message) {
  const TextCodec *codec = linkedCodec(model.header());
  if (!codec && model.header().text.kind == DECANT_TEXT_NONE)
    (void)message.fail(DECANT_UNIMPLEMENTED, "this model has no text tables: use token ids");
  else if (!codec)
    (void)message.fail(DECANT_UNIMPLEMENTED, "this program was linked without decant's text module: use token ids");
  return codec;
}

} // namespace

decant_status decant::rt::checkText(const Tables &tables, const Message &message) {
  const TextCodec *codec = linkedCodec(tables.header());
  return codec && codec->check ? codec->check(tables, message) : DECANT_OK;
}

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

decant_status decant_text_language(const decant_model *model, const char *code, char *message_text,
                                   size_t message_bytes, int32_t *out_id) {
  Message message{message_text, message_bytes};
  if (message_text && message_bytes)
    message_text[0] = 0;
  if (!model || !code || !out_id)
    return message.fail(DECANT_INVALID_ARGUMENT, "decant_text_language: an argument is NULL");
  const TextCodec *codec = codecOf(*model, message);
  if (codec && !codec->language)
    return message.fail(DECANT_INVALID_ARGUMENT, "the model's tokenizer has no languages");
  return codec ? codec->language(model->tables, code, message, out_id) : DECANT_UNIMPLEMENTED;
}

decant_status decant_text_set_source(const decant_model *model, int32_t language, int32_t *ids, size_t count) {
  if (!model || !ids || language < 0 || static_cast<uint32_t>(language) >= model->header().vocab)
    return DECANT_INVALID_ARGUMENT;
  const TextCodec *codec = codecOf(*model, Message{});
  return codec && codec->set_source ? codec->set_source(model->tables, language, ids, count) : DECANT_INVALID_ARGUMENT;
}

decant_status decant_text_chat(const decant_model *model, const decant_chat_message *messages, size_t count,
                               int32_t *ids, size_t capacity, char *message_text, size_t message_bytes,
                               size_t *out_count) {
  Message message{message_text, message_bytes};
  if (message_text && message_bytes)
    message_text[0] = 0;
  if (!model || !messages || !count || !out_count || (capacity && !ids))
    return message.fail(DECANT_INVALID_ARGUMENT, "decant_text_chat: an argument is NULL, or there is no message");
  const TextCodec *codec = codecOf(*model, message);
  if (codec && !codec->chat)
    return message.fail(DECANT_UNIMPLEMENTED, "this model has no chat template: give the text as it is");
  return codec ? codec->chat(model->tables, messages, count, ids, capacity, message, out_count) : DECANT_UNIMPLEMENTED;
}

// decant_audio_read: checks the arguments, finds the reader that is linked where a model takes features.
#include "runtime/audio/audio.h"
#include "runtime/core/model.h"

using namespace decant::rt;

extern "C" {
extern __attribute__((weak)) const AudioReader decant_audio;
}

decant_status decant_audio_read(const decant_model *model, const char *path, char *message_text, size_t message_bytes,
                                float **out_features, size_t *out_windows) {
  Message message{message_text, message_bytes};
  if (message_text && message_bytes)
    message_text[0] = 0;
  if (!model || !path || !out_features || !out_windows)
    return message.fail(DECANT_INVALID_ARGUMENT, "decant_audio_read: an argument is NULL");
  const decant_tables_header &h = model->header();
  if (!h.source_width)
    return message.fail(DECANT_UNIMPLEMENTED, "this model does not listen");
  if (!&decant_audio)
    return message.fail(DECANT_UNIMPLEMENTED, "this program was linked without decant's audio module");
  Array<float> features;
  size_t windows = 0;
  const uint32_t frames = h.max_source * DECANT_FRAMES_PER_ROW, mels = h.source_width / DECANT_FRAMES_PER_ROW;
  if (decant_status status = decant_audio.read(path, mels, frames, message, features, &windows); status != DECANT_OK)
    return status;
  auto *copy = static_cast<float *>(std::malloc(features.size() * sizeof(float)));
  if (!copy)
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "%s: out of memory", path);
  std::memcpy(copy, features.data(), features.size() * sizeof(float));
  *out_features = copy;
  *out_windows = windows;
  return DECANT_OK;
}

void decant_audio_release(float *features) { std::free(features); }

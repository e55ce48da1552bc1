// RIFF WAVE, 16-bit PCM (Microsoft, "Multimedia Programming Interface and Data Specifications 1.0";
// WAVEFORMATEXTENSIBLE).
#include "runtime/audio/audio.h"

#include "runtime/core/module_file.h"

#include <algorithm>

namespace decant::rt {
namespace {

struct Bytes {
  const uint8_t *data;
  uint64_t size;

  uint32_t u16(uint64_t at) const { return at + 2 <= size ? data[at] | data[at + 1] << 8 : 0; }
  uint32_t u32(uint64_t at) const { return u16(at) | u16(at + 2) << 16; }
  bool is(uint64_t at, const char *name) const { return at + 4 <= size && std::memcmp(data + at, name, 4) == 0; }
};

} // namespace

decant_status parseWav(const uint8_t *data, uint64_t bytes, const char *path, const Message &message,
                       Array<float> &samples, uint32_t *out_rate) {
  auto bad = [&](const char *format, auto... values) {
    char found[160];
    std::snprintf(found, sizeof found, format, values...);
    return message.fail(DECANT_INVALID_ARGUMENT, "%s: %s; expected a WAV file of 16-bit PCM samples", path, found);
  };
  const Bytes file{data, bytes};
  if (!file.is(0, "RIFF") || !file.is(8, "WAVE"))
    return bad("no RIFF WAVE file");
  uint64_t format = 0, body = 0, length = 0; // of the chunks
  for (uint64_t at = 12; at + 8 <= bytes && !body;) {
    const uint64_t size = file.u32(at + 4);
    if (file.is(at, "fmt ") && size >= 16 && at + 8 + size <= bytes)
      format = at + 8;
    if (file.is(at, "data"))
      body = at + 8, length = std::min(size, bytes - body); // a stream that was cut, or never told its length
    at += 8 + size + size % 2;
  }
  if (!format)
    return bad("no \"fmt \" chunk before the data");
  if (!body)
    return bad("no \"data\" chunk");
  constexpr uint32_t kPcm = 1, kExtensible = 0xfffe, kMostChannels = 64, kMostRate = 768000;
  uint32_t tag = file.u16(format);
  const uint32_t channels = file.u16(format + 2), rate = file.u32(format + 4), bits = file.u16(format + 14);
  if (tag == kExtensible && format + 26 <= body)
    tag = file.u16(format + 24); // the first field of the sub-format
  if (tag != kPcm || bits != 16)
    return bad("format %u with %u bits", tag, bits);
  if (channels < 1 || channels > kMostChannels)
    return bad("%u channels", channels);
  if (rate < 1000 || rate > kMostRate)
    return bad("a rate of %u Hz", rate);
  const uint64_t count = length / 2 / channels;
  if (count == 0)
    return bad("no samples");
  if (!samples.resize(count))
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "%s: out of memory for %llu samples", path,
                        static_cast<unsigned long long>(count));
  for (uint64_t i = 0; i < count; ++i) {
    int32_t sum = 0;
    for (uint32_t c = 0; c < channels; ++c)
      sum += static_cast<int16_t>(file.u16(body + (i * channels + c) * 2));
    samples[i] = static_cast<float>(sum) / (32768.0f * static_cast<float>(channels));
  }
  *out_rate = rate;
  return DECANT_OK;
}

namespace {

decant_status readAudio(const char *path, uint32_t mels, uint32_t frames, const Message &message,
                        Array<float> &features, size_t *out_windows) {
  MappedFile file;
  if (decant_status status = mapFile(path, message, file); status != DECANT_OK)
    return status;
  Array<float> samples, audio, window;
  uint32_t rate = 0;
  decant_status status = parseWav(file.data, file.bytes, path, message, samples, &rate);
  unmap(file);
  if (status != DECANT_OK)
    return status;
  const size_t step = size_t(frames) * kHop;
  bool ok = resample(samples, rate, audio);
  *out_windows = 0;
  features.clear();
  for (size_t at = 0; ok && at < audio.size(); at += step, ++*out_windows)
    ok = logMel(audio.data() + at, std::min(step, audio.size() - at), mels, frames, window) &&
         features.append(window.data(), window.size());
  return ok ? DECANT_OK : message.fail(DECANT_RESOURCE_EXHAUSTED, "%s: out of memory", path);
}

} // namespace
} // namespace decant::rt

extern "C" const decant::rt::AudioReader decant_audio = {decant::rt::readAudio};

// WAV -> 16 kHz mono -> log-mel features. All sizes come from a foreign file and are checked.
#pragma once

#include "runtime/core/array.h"
#include "runtime/core/message.h"

namespace decant::rt {

constexpr double kPi = 3.14159265358979323846;
constexpr uint32_t kAudioRate = 16000, kWindow = 400,
                   kHop = 160; ///< samples: Whisper's sampling rate, n_fft, hop_length

/// Samples in [-1, 1), channels averaged, and their rate. INVALID_ARGUMENT says what was found instead of 16-bit PCM.
decant_status parseWav(const uint8_t *data, uint64_t bytes, const char *path, const Message &message,
                       Array<float> &samples, uint32_t *out_rate);

/// To kAudioRate, by a windowed sinc (Kaiser, beta 9: stop band below -90 dB). False = out of memory.
bool resample(const Array<float> &from, uint32_t rate, Array<float> &to);

/// Log-mel of `frames` * kHop samples from `samples` on, zeros behind their end, as transformers'
/// WhisperFeatureExtractor (Radford et al. 2022, arXiv:2212.04356, section 2.2): `frames` x `mels` numbers, frame by
/// frame. False = out of memory.
bool logMel(const float *samples, size_t count, uint32_t mels, uint32_t frames, Array<float> &out);

/// What libdecant_audio.a offers to the core.
struct AudioReader {
  /// The file at `path` as windows of `frames` frames: features (windows * frames * mels).
  decant_status (*read)(const char *path, uint32_t mels, uint32_t frames, const Message &message,
                        Array<float> &features, size_t *out_windows);
};

} // namespace decant::rt

extern "C" const decant::rt::AudioReader decant_audio;

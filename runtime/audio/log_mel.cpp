// Log-mel spectrogram as transformers' WhisperFeatureExtractor: frames of 400 samples every 160 under a Hann window,
// padded by reflection; power; mel filters on Slaney's scale, normalized to area; log10, at most 8 below the largest,
// (x + 4) / 4.
//
// The transform of a real frame of 400 is two products with tables of 200 columns, after folding: sums of samples
// that mirror each other for the cosines, their differences for the sines. 30 s are 0.5 GFLOP, far less than the
// encoder.
#include "runtime/audio/audio.h"

#include <algorithm>
#include <cmath>

namespace decant::rt {
namespace {

constexpr float kFloor = -10; // log10 of the least power
constexpr uint32_t kBins = kWindow / 2 + 1, kHalf = kWindow / 2;

struct Transform {
  Array<float> cosines, sines, window; ///< (kBins, kHalf), (kBins, kHalf), (kWindow)

  bool prepare() {
    if (!cosines.resize(kBins * kHalf) || !sines.resize(kBins * kHalf) || !window.resize(kWindow))
      return false;
    for (uint32_t k = 0; k < kBins; ++k)
      for (uint32_t n = 0; n < kHalf; ++n) {
        const double angle = 2 * kPi * (k * n % kWindow) / kWindow;
        cosines[k * kHalf + n] = static_cast<float>(std::cos(angle));
        sines[k * kHalf + n] = static_cast<float>(std::sin(angle));
      }
    for (uint32_t n = 0; n < kWindow; ++n) // periodic Hann
      window[n] = static_cast<float>(0.5 - 0.5 * std::cos(2 * kPi * n / kWindow));
    return true;
  }

  /// |DFT|^2 of a frame at the kBins frequencies.
  void power(const float *frame, float *out) const {
    float even[kHalf], odd[kHalf];
    even[0] = frame[0] * window[0], odd[0] = 0;
    for (uint32_t n = 1; n < kHalf; ++n) {
      const float a = frame[n] * window[n], b = frame[kWindow - n] * window[kWindow - n];
      even[n] = a + b, odd[n] = a - b;
    }
    const float middle = frame[kHalf] * window[kHalf];
    for (uint32_t k = 0; k < kBins; ++k) {
      constexpr uint32_t kLanes = 8; // sums side by side: they may become a vector
      const float *c = cosines.data() + k * kHalf, *s = sines.data() + k * kHalf;
      float re[kLanes] = {}, im[kLanes] = {};
      for (uint32_t n = 0; n < kHalf; n += kLanes)
        for (uint32_t lane = 0; lane < kLanes; ++lane) {
          re[lane] += even[n + lane] * c[n + lane];
          im[lane] += odd[n + lane] * s[n + lane];
        }
      float real = k % 2 ? -middle : middle, imaginary = 0;
      for (uint32_t lane = 0; lane < kLanes; ++lane)
        real += re[lane], imaginary += im[lane];
      out[k] = real * real + imaginary * imaginary;
    }
  }
};
static_assert(kHalf % 8 == 0);

/// Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, then logarithmic.
double hertz(double mel) {
  constexpr double kLinear = 200.0 / 3, kBreak = 15; // mel of 1 kHz
  return mel < kBreak ? mel * kLinear : 1000 * std::exp((mel - kBreak) * std::log(6.4) / 27);
}

/// The bins of a filter that are not 0.
struct Band {
  uint32_t first, end;
};

/// (mels, kBins) triangles between neighbouring mel frequencies from 0 to half the rate, of area 1 / Hz.
bool makeFilters(uint32_t mels, Array<float> &filters, Array<Band> &bands) {
  if (!filters.resize(size_t(mels) * kBins) || !bands.resize(mels))
    return false;
  const double top = 15 + 27 * std::log(kAudioRate / 2 / 1000.0) / std::log(6.4);
  for (uint32_t m = 0; m < mels; ++m) {
    auto corner = [&](uint32_t i) { return hertz(top * i / (mels + 1)); };
    const double low = corner(m), centre = corner(m + 1), high = corner(m + 2);
    for (uint32_t k = 0; k < kBins; ++k) {
      const double frequency = static_cast<double>(k) * kAudioRate / kWindow;
      const double weight = std::min((frequency - low) / (centre - low), (high - frequency) / (high - centre));
      filters[m * kBins + k] = static_cast<float>(std::max(0.0, weight) * 2 / (high - low));
      if (weight > 0)
        bands[m] = {bands[m].end ? bands[m].first : k, k + 1};
    }
  }
  return true;
}

} // namespace

bool logMel(const float *samples, size_t count, uint32_t mels, uint32_t frames, Array<float> &out) {
  const auto length = static_cast<int64_t>(frames) * kHop;
  Transform transform;
  Array<float> filters;
  Array<Band> bands;
  if (!transform.prepare() || !makeFilters(mels, filters, bands) || !out.resize(size_t(frames) * mels))
    return false;
  float frame[kWindow], power[kBins], largest = -INFINITY;
  for (uint32_t t = 0; t < frames; ++t) {
    const bool silent = int64_t(t) * kHop - kHalf >= static_cast<int64_t>(count) && int64_t(t) * kHop + kHalf < length;
    if (silent) { // behind the sound
      std::fill_n(out.data() + size_t(t) * mels, mels, kFloor);
      largest = std::max(largest, kFloor);
      continue;
    }
    for (uint32_t n = 0; n < kWindow; ++n) {
      int64_t at = int64_t(t) * kHop + n - kHalf;
      at = at < 0 ? -at : at >= length ? 2 * (length - 1) - at : at; // reflected at both ends
      frame[n] = at >= 0 && static_cast<size_t>(at) < count ? samples[at] : 0;
    }
    transform.power(frame, power);
    for (uint32_t m = 0; m < mels; ++m) {
      float sum = 0;
      for (uint32_t k = bands[m].first; k < bands[m].end; ++k)
        sum += filters[m * kBins + k] * power[k];
      const float value = std::max(std::log10(sum), kFloor);
      out[size_t(t) * mels + m] = value;
      largest = std::max(largest, value);
    }
  }
  for (float &value : out)
    value = (std::max(value, largest - 8) + 4) / 4;
  return true;
}

} // namespace decant::rt

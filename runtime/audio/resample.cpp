// Band-limited resampling: each new sample is a sum of the old ones under a windowed sinc (Smith 1984, "A flexible
// sampling-rate conversion method"). Down, the sinc is as much wider as the rate is lower.
#include "runtime/audio/audio.h"

#include <algorithm>
#include <cmath>

namespace decant::rt {
namespace {

constexpr double kBeta = 9;        // of the Kaiser window
constexpr int kZeroCrossings = 32; // of the sinc on each side

/// Modified Bessel function of the first kind, order 0, by its series.
double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-12 * sum; ++k) {
    term *= x / (2 * k) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

/// Sinc times window at `x` zero crossings from the middle.
double windowedSinc(double x) {
  const double t = x / kZeroCrossings;
  if (t <= -1 || t >= 1)
    return 0;
  const double pi_x = kPi * x, sinc = std::abs(x) < 1e-9 ? 1 : std::sin(pi_x) / pi_x;
  return sinc * bessel(kBeta * std::sqrt(1 - t * t)) / bessel(kBeta);
}

} // namespace

bool resample(const Array<float> &from, uint32_t rate, Array<float> &to) {
  if (rate == kAudioRate)
    return to.resize(0) && to.append(from.data(), from.size());
  const uint64_t count = (uint64_t(from.size()) * kAudioRate + rate - 1) / rate;
  const double step = static_cast<double>(rate) / kAudioRate;
  // A little below half of the lower rate, so that the flank of the filter ends there.
  const double band = 0.97 * std::min(1.0, 1 / step), reach = kZeroCrossings / band;
  constexpr int kTable = 512; // entries a zero crossing; linear between them
  Array<float> table;
  if (!to.resize(count) || !table.resize(size_t(kZeroCrossings) * kTable + 2))
    return false;
  for (size_t i = 0; i + 1 < table.size(); ++i)
    table[i] = static_cast<float>(windowedSinc(static_cast<double>(i) / kTable));
  for (uint64_t i = 0; i < count; ++i) {
    const double centre = static_cast<double>(i) * step;
    const auto first = static_cast<int64_t>(std::max(0.0, std::ceil(centre - reach)));
    const auto last = std::min(static_cast<int64_t>(centre + reach), static_cast<int64_t>(from.size()) - 1);
    double sum = 0;
    for (int64_t j = first; j <= last; ++j) {
      const double place = std::abs(static_cast<double>(j) - centre) * band * kTable;
      const auto entry = static_cast<size_t>(place);
      const double part = place - static_cast<double>(entry), low = static_cast<double>(table[entry]),
                   high = static_cast<double>(table[entry + 1]);
      sum += (low + part * (high - low)) * static_cast<double>(from[static_cast<size_t>(j)]);
    }
    to[i] = static_cast<float>(sum * band);
  }
  return true;
}

} // namespace decant::rt

// Sampling: the tokens that temperature, top_k, top_p and min_p leave, and a draw among them. Source: the warpers of
// transformers' generation/logits_process.py; min_p: Nguyen et al. 2024, arXiv:2407.01082.
#include "runtime/generate/search.h"

#include <algorithm>
#include <cmath>

namespace decant::rt {
namespace {

/// Scores below the k-th largest go; equal ones stay.
void keepTop(float *row, size_t count, int32_t k, int32_t *order) {
  if (static_cast<size_t>(k) >= count)
    return;
  auto *values = reinterpret_cast<float *>(order);
  std::copy_n(row, count, values);
  std::nth_element(values, values + (k - 1), values + count, std::greater<>());
  const float least = values[k - 1];
  for (size_t i = 0; i < count; ++i)
    row[i] = row[i] < least ? -INFINITY : row[i];
}

/// The smallest set of best tokens whose probabilities reach `mass` stays, at least one.
void keepMass(float *row, size_t count, float mass, int32_t *order) {
  size_t held = 0;
  for (size_t i = 0; i < count; ++i)
    if (row[i] > -INFINITY)
      order[held++] = static_cast<int32_t>(i);
  if (held < 2)
    return;
  // Ascending, as transformers sums: the tail up to 1 - mass goes.
  std::sort(order, order + held, [row](int32_t a, int32_t b) { return row[a] != row[b] ? row[a] < row[b] : a < b; });
  const float top = row[order[held - 1]];
  double all = 0, sum = 0;
  for (size_t i = 0; i < held; ++i)
    all += std::exp(static_cast<double>(row[order[i]] - top));
  for (size_t i = 0; i + 1 < held; ++i) {
    sum += std::exp(static_cast<double>(row[order[i]] - top)) / all;
    if (sum > 1 - static_cast<double>(mass))
      return;
    row[order[i]] = -INFINITY;
  }
}

/// Probabilities below `share` of the largest go.
void keepShare(float *row, size_t count, float share) {
  const float top = *std::max_element(row, row + count), least = top + std::log(share);
  for (size_t i = 0; i < count; ++i)
    row[i] = row[i] < least ? -INFINITY : row[i];
}

uint64_t mix(uint64_t x) { // the finalizer of SplitMix64 (Steele et al. 2014)
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}

} // namespace

void warpForSampling(const SearchOptions &options, float *row, size_t count, int32_t *order) {
  if (options.temperature != 1)
    for (size_t i = 0; i < count; ++i)
      row[i] /= options.temperature;
  if (options.top_k > 0)
    keepTop(row, count, options.top_k, order);
  if (options.top_p < 1)
    keepMass(row, count, options.top_p, order);
  if (options.min_p > 0)
    keepShare(row, count, options.min_p);
}

double uniformDraw(uint64_t seed, uint64_t input, uint64_t position) {
  constexpr uint64_t kStep = 0x9e3779b97f4a7c15ull;
  const uint64_t bits = mix(mix(mix(seed + kStep) + input * kStep) + position * kStep);
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

int32_t drawToken(const float *row, size_t count, double uniform) {
  const float top = *std::max_element(row, row + count);
  double all = 0, sum = 0;
  for (size_t i = 0; i < count; ++i)
    all += std::exp(static_cast<double>(row[i] - top));
  int32_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!(row[i] > -INFINITY))
      continue;
    last = static_cast<int32_t>(i);
    sum += std::exp(static_cast<double>(row[i] - top));
    if (uniform * all < sum)
      break;
  }
  return last;
}

} // namespace decant::rt

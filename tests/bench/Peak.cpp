// FMA peak and read bandwidth of one core. Each path is compiled for its own instruction set and chosen at run time.
#include "tests/bench/Peak.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <immintrin.h>

namespace decant::bench {
namespace {

template <class F> double bestSeconds(int passes, F &&f) {
  double best = 1e9;
  for (int i = 0; i < passes; ++i) {
    auto start = std::chrono::steady_clock::now();
    f();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

volatile float sink;
constexpr long kSteps = 2000000;

__attribute__((target("avx2,fma"))) void fmaAvx2() {
  __m256 sum[12];
  for (int i = 0; i < 12; ++i)
    sum[i] = _mm256_set1_ps(float(i));
  const __m256 a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  for (long n = 0; n < kSteps; ++n)
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i)
      sum[i] = _mm256_fmadd_ps(sum[i], a, b);
  float total = 0;
  for (__m256 s : sum)
    total += _mm256_cvtss_f32(s);
  sink = total;
}

__attribute__((target("avx512f"))) void fmaAvx512() {
  __m512 sum[12];
  for (int i = 0; i < 12; ++i)
    sum[i] = _mm512_set1_ps(float(i));
  const __m512 a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  for (long n = 0; n < kSteps; ++n)
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i)
      sum[i] = _mm512_fmadd_ps(sum[i], a, b);
  float total = 0;
  for (__m512 s : sum)
    total += _mm512_cvtss_f32(s);
  sink = total;
}

__attribute__((target("avx2"))) void readAll(const float *data, size_t count) {
  __m256 sum[8] = {};
  for (size_t i = 0; i + 64 <= count; i += 64)
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j)
      sum[j] = _mm256_add_ps(sum[j], _mm256_load_ps(data + i + 8 * j));
  float total = 0;
  for (__m256 s : sum)
    total += _mm256_cvtss_f32(s);
  sink = total;
}

} // namespace

bool hasAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
}

double peakGflops() {
  const bool wide = hasAvx512();
  const double seconds = bestSeconds(10, [&] { wide ? fmaAvx512() : fmaAvx2(); });
  return double(kSteps) * 12 * 2 * (wide ? 16 : 8) / seconds * 1e-9;
}

double readGbPerSecond(size_t bytes) {
  float *data = static_cast<float *>(std::aligned_alloc(64, bytes));
  std::memset(data, 0, bytes);
  const size_t rounds = std::max<size_t>(1, (64 << 20) / bytes);
  const double seconds = bestSeconds(6, [&] {
    for (size_t i = 0; i < rounds; ++i)
      readAll(data, bytes / 4);
  });
  std::free(data);
  return double(bytes) * double(rounds) / seconds * 1e-9;
}

} // namespace decant::bench

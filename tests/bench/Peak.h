// The limits that every figure is divided by, measured in the same run on one thread.
#pragma once

#include <cstddef>

namespace decant::bench {

bool hasAvx512();

/// Multiply-adds of independent register sums, in GFLOP/s: AVX-512 where the CPU has it, else AVX2.
double peakGflops();

/// Reads of a buffer of `bytes`, in GB/s, best of several passes.
double readGbPerSecond(size_t bytes);

} // namespace decant::bench

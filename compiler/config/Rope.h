// Rotary positions of a config -> the frequencies that a model turns its queries and keys by (Su et al. 2021,
// arXiv:2104.09864). No MLIR.
//
// Both spellings: rope_theta + rope_scaling (transformers 4) and rope_parameters (5). Types: default, linear, yarn
// (Peng et al. 2023, arXiv:2309.00071), llama3, longrope (Ding et al. 2024, arXiv:2402.13753). Others are refused;
// "dynamic" changes with the length, so that cached keys would be wrong. Tested, against transformers, in
// tests/config/RopeTest.cpp.
#pragma once

#include "compiler/config/KeyReader.h"

#include <vector>

namespace decant {

struct RopeConfig {
  std::vector<float> freqs;     ///< one an angle; half of the columns that turn
  double factor = 1;            ///< of sine and cosine
  std::vector<float> longFreqs; ///< longrope: for contexts beyond `original`; else empty
  int64_t original = 0;

  /// longrope has one table for short texts and one for long ones: the context that a model is compiled for decides.
  const std::vector<float> &freqsFor(int64_t maxContext) const {
    return longFreqs.empty() || maxContext <= original ? freqs : longFreqs;
  }
};

struct RopeDefaults {
  double theta = 10000, partial = 1; ///< of rope_theta, partial_rotary_factor
};

/// Takes the keys of rotary positions for heads of `headDim` columns. Errors stick in `keys`.
RopeConfig readRope(KeyReader &keys, int64_t headDim, int64_t maxPositions, const RopeDefaults &defaults = {});

} // namespace decant

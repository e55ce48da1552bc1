// Greedy and beam search written down from transformers' source, on whole sequences: no cache, no slots, no batch.
#pragma once

#include "ToyModel.h"

namespace toy {

struct NaiveOptions {
  Options model;
  int32_t num_beams = 1, early_stopping = 0; ///< 0 false, 1 true, 2 "never"
  float length_penalty = 1;
};

struct NaiveResult {
  std::vector<int32_t> ids; ///< without the prompt
  float score;
};

NaiveResult naiveSearch(const std::vector<int32_t> &source, const NaiveOptions &options);

} // namespace toy

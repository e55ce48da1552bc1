// Greedy search: the token of the highest score; of equal ones the lowest id.
#include "runtime/generate/search.h"

#include <algorithm>
#include <cmath>

namespace decant::rt {

void advanceGreedy(SearchContext &context, const Search &search, const float *logits, int32_t *out_token,
                   float *out_log_probability) {
  const size_t vocab = context.session.header().vocab;
  float *row = context.row.data();
  std::copy_n(logits, vocab, row);
  applyRules(context, search, row);
  const float *top = std::max_element(row, row + vocab);
  double sum = 0;
  for (size_t i = 0; i < vocab; ++i)
    sum += static_cast<double>(std::exp(row[i] - *top));
  *out_token = static_cast<int32_t>(top - row);
  *out_log_probability = static_cast<float>(-std::log(sum));
}

} // namespace decant::rt

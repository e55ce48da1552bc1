// One sequence: the token of the highest score, of equal ones the lowest id; or with do_sample a drawn one.
#include "runtime/generate/search.h"

#include <algorithm>
#include <cmath>

namespace decant::rt {

void advanceGreedy(SearchContext &context, const Search &search, const float *logits, int32_t *out_token,
                   float *out_log_probability) {
  const size_t vocab = context.session.header().vocab;
  const SearchOptions &options = context.options;
  float *row = context.row.data();
  std::copy_n(logits, vocab, row);
  applyRules(context, search, 0, row);
  if (options.do_sample) {
    warpForSampling(options, row, vocab, context.order.data());
    const auto position = static_cast<uint64_t>(search.length - search.prompt_length);
    *out_token = drawToken(row, vocab, uniformDraw(options.seed, search.input, position));
  } else {
    *out_token = static_cast<int32_t>(std::max_element(row, row + vocab) - row);
  }
  *out_log_probability = NAN;
  if (options.without_scores)
    return;
  const float top = *std::max_element(row, row + vocab);
  double sum = 0;
  for (size_t i = 0; i < vocab; ++i)
    sum += static_cast<double>(std::exp(row[i] - top));
  *out_log_probability = static_cast<float>(static_cast<double>(row[*out_token] - top) - std::log(sum));
}

} // namespace decant::rt

// Rules on the scores of the next token, in Hugging Face's order: min_length, forced_bos, forced_eos, suppress,
// begin_suppress. Greedy search applies them to logits, beam search to log-probabilities.
#include "runtime/generate/search.h"

#include <algorithm>
#include <cmath>

namespace decant::rt {
namespace {

void forbid(float *row, std::span<const int32_t> ids) {
  for (int32_t id : ids)
    row[id] = -INFINITY;
}

void force(float *row, size_t count, int32_t id) {
  std::fill_n(row, count, -INFINITY);
  row[id] = 0;
}

} // namespace

void applyRules(const SearchContext &context, const Search &search, float *row) {
  const decant_tables_header &h = context.session.header();
  const decant_generation &g = h.generation;
  if (search.length < search.min_length)
    forbid(row, context.eos);
  if (g.forced_bos_token_id >= 0 && search.length == 1)
    force(row, h.vocab, g.forced_bos_token_id);
  if (g.forced_eos_token_id >= 0 && search.length == search.max_length - 1 && !context.options.ignore_eos)
    force(row, h.vocab, g.forced_eos_token_id);
  forbid(row, context.suppress);
  bool after_bos = search.prompt_length == 1 && g.forced_bos_token_id >= 0; // the forced token comes first
  if (search.length == search.prompt_length + after_bos)
    forbid(row, context.begin_suppress);
}

void logSoftmax(float *row, size_t count) {
  float top = *std::max_element(row, row + count);
  if (!(top > -INFINITY))
    return;
  double sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += static_cast<double>(std::exp(row[i] - top));
  const auto log_sum = static_cast<float>(std::log(sum));
  for (size_t i = 0; i < count; ++i)
    row[i] = row[i] - top - log_sum;
}

} // namespace decant::rt

// Rules on the scores of the next token, in Hugging Face's order: repetition_penalty, no_repeat_ngram, bad_words,
// min_length, forced_bos, forced_eos, suppress, begin_suppress. Greedy search and sampling apply them to logits, beam
// search to log-probabilities. Source: transformers' generation/logits_process.py.
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

/// The decoder's ids so far: prompt and what a beam has generated.
struct History {
  const Search &search;
  size_t beam;
  int32_t operator[](int32_t i) const {
    return i < search.prompt_length
               ? search.prompt[i]
               : search
                     .ids[beam * static_cast<size_t>(search.capacity) + static_cast<size_t>(i - search.prompt_length)];
  }
  int32_t length() const { return search.length; }
  /// Do the `count` ids that end before `end` equal those that end before `other`?
  bool equal(int32_t end, int32_t other, int32_t count) const {
    for (int32_t i = 1; i <= count; ++i)
      if ((*this)[end - i] != (*this)[other - i])
        return false;
    return true;
  }
};

/// Each id that occurred, once: score < 0 ? score * p : score / p.
void penalizeRepetition(SearchContext &context, const History &history, float *row) {
  const float penalty = context.options.repetition_penalty;
  for (int32_t i = 0; i < history.length(); ++i) {
    const int32_t id = history[i];
    if (context.seen[static_cast<size_t>(id)])
      continue;
    context.seen[static_cast<size_t>(id)] = 1;
    row[id] = row[id] < 0 ? row[id] * penalty : row[id] / penalty;
  }
  for (int32_t i = 0; i < history.length(); ++i)
    context.seen[static_cast<size_t>(history[i])] = 0;
}

/// No n ids in a row occur twice.
void forbidRepeatedNgrams(const History &history, int32_t n, float *row) {
  const int32_t length = history.length();
  for (int32_t end = n - 1; end < length; ++end)
    if (history.equal(end, length, n - 1))
      row[history[end]] = -INFINITY;
}

/// The last id of each sequence whose others were the latest ids; an end token alone is no bad word.
void forbidBadWords(const SearchContext &context, const History &history, float *row) {
  for (size_t at = 0; at < context.bad_words.size();) {
    size_t end = at;
    while (context.bad_words[end] >= 0)
      ++end;
    const auto count = static_cast<int32_t>(end - at);
    const int32_t last = context.bad_words[end - 1];
    bool applies = count <= history.length() || count == 1;
    for (int32_t i = 0; applies && i + 1 < count; ++i)
      applies = history[history.length() - (count - 1) + i] == context.bad_words[at + static_cast<size_t>(i)];
    if (count == 1 && std::find(context.eos.begin(), context.eos.end(), last) != context.eos.end())
      applies = false;
    if (applies)
      row[last] = -INFINITY;
    at = end + 1;
  }
}

} // namespace

void applyRules(SearchContext &context, const Search &search, size_t beam, float *row) {
  const decant_tables_header &h = context.session.header();
  const decant_generation &g = h.generation;
  const History history{search, beam};
  if (context.options.repetition_penalty != 1)
    penalizeRepetition(context, history, row);
  if (context.options.no_repeat_ngram_size > 0)
    forbidRepeatedNgrams(history, context.options.no_repeat_ngram_size, row);
  forbidBadWords(context, history, row);
  if (search.length < search.min_length)
    forbid(row, context.eos);
  const int32_t forced_bos = context.options.forced_bos_token_id;
  if (forced_bos >= 0 && search.length == 1)
    force(row, h.vocab, forced_bos);
  if (g.forced_eos_token_id >= 0 && search.length == search.max_length - 1 && !context.options.ignore_eos)
    force(row, h.vocab, g.forced_eos_token_id);
  forbid(row, context.suppress);
  bool after_bos = search.prompt_length == 1 && forced_bos >= 0; // the forced token comes first
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

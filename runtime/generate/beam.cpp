// One step of beam search as transformers' GenerationMixin._beam_search does it, for one input.
//
// Of max(2, 1 + end tokens) * num_beams candidates, the best num_beams that did not end go on. One that ended is kept
// if it was among the first num_beams. A large negative number stands for "not a choice", as there, in f32.
#include "runtime/generate/search.h"

#include <algorithm>
#include <cmath>

namespace decant::rt {
namespace {

constexpr float kNotAChoice = -1.0e9f;

/// Fills context.candidates with the best `count` (beam, token), best first; equal scores: lower beam, lower token.
void topCandidates(SearchContext &context, const Search &search, size_t count) {
  const size_t vocab = context.session.header().vocab;
  Candidate *list = context.candidates.data();
  size_t held = 0;
  for (int32_t beam = 0; beam < search.num_beams; ++beam) {
    const float *row = context.all.data() + static_cast<size_t>(beam) * vocab;
    for (size_t token = 0; token < vocab; ++token) {
      float score = row[token] + search.scores[static_cast<size_t>(beam)];
      if (held == count && !(score > list[count - 1].score))
        continue;
      size_t at = held < count ? held++ : count - 1;
      for (; at > 0 && score > list[at - 1].score; --at)
        list[at] = list[at - 1];
      list[at] = {score, beam, static_cast<int32_t>(token), false};
    }
  }
}

/// Positions 0 .. n-1 into context.order, best score first, equal ones in order.
template <class Score> void orderBy(SearchContext &context, size_t n, Score score) {
  int32_t *order = context.order.data();
  for (size_t i = 0; i < n; ++i) {
    size_t at = i;
    float value = score(i);
    for (; at > 0 && value > score(static_cast<size_t>(order[at - 1])); --at)
      order[at] = order[at - 1];
    order[at] = static_cast<int32_t>(i);
  }
}

/// Finished sequences of before and of this step: the best num_beams stay.
void updateFinished(SearchContext &context, Search &search, size_t count) {
  const auto beams = static_cast<size_t>(search.num_beams), capacity = static_cast<size_t>(search.capacity);
  const int32_t generated = search.length + 1 - search.prompt_length;
  const auto penalty = static_cast<float>(std::pow(double(generated), double(context.options.length_penalty)));
  bool all_finished =
      std::all_of(search.best.begin(), search.best.end(), [](const Hypothesis &h) { return h.finished; });
  bool full = all_finished && context.options.early_stopping == 1;
  auto justFinished = [&](size_t i) { return context.candidates[i].ends && i < beams; };
  auto score = [&](size_t i) {
    if (i < beams)
      return search.best[i].score;
    i -= beams;
    float value = context.candidates[i].score / penalty;
    value += full ? kNotAChoice : 0.0f;
    value += search.can_improve ? 0.0f : kNotAChoice;
    value += justFinished(i) ? 0.0f : kNotAChoice;
    return value;
  };
  orderBy(context, beams + count, score);
  for (size_t i = 0; i < beams; ++i) {
    auto from = static_cast<size_t>(context.order[i]);
    int32_t *to = search.best_ids_next.data() + i * capacity;
    if (from < beams) {
      search.best_next[i] = search.best[from];
      std::copy_n(search.best_ids.data() + from * capacity, search.best[from].count, to);
      continue;
    }
    const Candidate &candidate = context.candidates[from - beams];
    search.best_next[i] = {score(from), justFinished(from - beams), generated};
    std::copy_n(search.ids.data() + static_cast<size_t>(candidate.beam) * capacity, generated - 1, to);
    to[generated - 1] = candidate.token;
  }
  std::copy_n(search.best_next.data(), beams, search.best.data());
  std::copy_n(search.best_ids_next.data(), beams * capacity, search.best_ids.data());
}

/// The best candidates that did not end become the running sequences; their slots follow.
decant_status updateRunning(SearchContext &context, Search &search, size_t count) {
  const auto beams = static_cast<size_t>(search.num_beams), capacity = static_cast<size_t>(search.capacity);
  const auto generated = static_cast<size_t>(search.length - search.prompt_length);
  auto score = [&](size_t i) {
    return context.candidates[i].score + (context.candidates[i].ends ? kNotAChoice : 0.0f);
  };
  orderBy(context, count, score);
  for (size_t i = 0; i < beams; ++i) {
    const auto from = static_cast<size_t>(context.order[i]);
    const Candidate &candidate = context.candidates[from];
    search.scores[i] = score(from);
    search.last[i] = candidate.token;
    context.source[i] = search.slots[static_cast<size_t>(candidate.beam)];
    int32_t *to = search.ids_next.data() + i * capacity;
    std::copy_n(search.ids.data() + static_cast<size_t>(candidate.beam) * capacity, generated, to);
    to[generated] = candidate.token;
  }
  std::copy_n(search.ids_next.data(), beams * capacity, search.ids.data());
  return search.done ? DECANT_OK : permuteSlots(context.session, search.slots.data(), context.source.data(), beams);
}

/// Best score that the running sequences can still reach, against the worst finished one.
bool canImprove(const SearchContext &context, const Search &search) {
  const bool never = context.options.early_stopping == 2 && context.options.length_penalty > 0;
  const int32_t length = never ? search.max_length : search.length;
  const auto penalty =
      static_cast<float>(std::pow(double(length - search.prompt_length), double(context.options.length_penalty)));
  const float possible = search.scores[0] / penalty;
  float worst = search.best[0].score;
  for (const Hypothesis &h : search.best)
    worst = std::min(worst, h.score);
  return std::any_of(search.best.begin(), search.best.end(),
                     [&](const Hypothesis &h) { return possible > (h.finished ? worst : kNotAChoice); });
}

} // namespace

bool prepareBeams(Search &search) {
  const auto beams = static_cast<size_t>(search.num_beams), cells = beams * static_cast<size_t>(search.capacity);
  if (!search.ids.resize(cells) || !search.ids_next.resize(cells) || !search.best_ids.resize(cells) ||
      !search.best_ids_next.resize(cells) || !search.scores.resize(beams) || !search.best.resize(beams) ||
      !search.best_next.resize(beams))
    return false;
  for (size_t i = 0; i < beams; ++i) {
    search.scores[i] = i == 0 ? 0 : kNotAChoice; // equal at first: only one counts
    search.best[i] = {kNotAChoice, false, 0};
  }
  return true;
}

decant_status advanceBeams(SearchContext &context, Search &search, const float *logits, size_t stride) {
  const size_t vocab = context.session.header().vocab, beams = static_cast<size_t>(search.num_beams);
  const size_t count = std::min(std::max<size_t>(2, 1 + context.eos.size()) * beams, beams * vocab);
  if (!context.all.resize(beams * vocab) || !context.candidates.resize(count) || !context.order.resize(beams + count) ||
      !context.source.resize(beams))
    return context.session.text().fail(DECANT_RESOURCE_EXHAUSTED, "out of memory for %zu beams", beams);
  for (size_t beam = 0; beam < beams; ++beam) {
    float *row = context.all.data() + beam * vocab;
    std::copy_n(logits + beam * stride, vocab, row);
    logSoftmax(row, vocab);
    applyRules(context, search, beam, row);
  }
  topCandidates(context, search, count);
  bool all_end = true;
  for (Candidate &candidate : context.candidates) {
    bool eos = std::find(context.eos.begin(), context.eos.end(), candidate.token) != context.eos.end();
    candidate.ends = eos || search.length + 1 >= search.max_length;
    all_end = all_end && candidate.ends;
  }
  updateFinished(context, search, count);
  search.done = all_end;
  if (decant_status status = updateRunning(context, search, count); status != DECANT_OK)
    return status;
  ++search.length;
  search.can_improve = search.can_improve && canImprove(context, search);
  bool all_finished =
      std::all_of(search.best.begin(), search.best.end(), [](const Hypothesis &h) { return h.finished; });
  search.done = all_end || !search.can_improve || (all_finished && context.options.early_stopping == 1);
  return DECANT_OK;
}

} // namespace decant::rt

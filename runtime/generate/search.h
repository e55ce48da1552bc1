// Greedy and beam search over the steps of a session, with Hugging Face's results.
//
// generate.cpp drives: it admits inputs while slots are free, runs one decode step for all of them, and hands each
// input's logits to advanceGreedy or advanceBeams. Lengths count as Hugging Face's: decoder ids, prompt and start token
// included. Source: transformers 4.5x, GenerationMixin._sample and ._beam_search. Tested in tests/runtime.
#pragma once

#include "runtime/core/session.h"

namespace decant::rt {

/// Options with every default filled in (options.cpp).
struct SearchOptions {
  int32_t num_beams, early_stopping; ///< 0 false, 1 true, 2 "never"
  float length_penalty;
  bool ignore_eos, without_scores, do_sample;
  int32_t top_k, no_repeat_ngram_size;                 ///< 0 = off
  float temperature, top_p, min_p, repetition_penalty; ///< neutral: 1, 1, 0, 1
  uint64_t seed;
  int32_t forced_bos_token_id;        ///< -1 = none
  int32_t max_new_tokens, max_length; ///< -1 = none; max_new_tokens wins
  int32_t min_new_tokens, min_length;
  bool asked_length;  ///< the caller gave max_new_tokens: too long is an error, not a cut
  bool until_context; ///< no length is asked for but the context's
};

struct Hypothesis {
  float score;
  bool finished;
  int32_t count; ///< ids in its row
};

struct Candidate {
  float score;
  int32_t beam, token;
  bool ends; ///< end token, or the maximum length reached
};

/// One input that is being worked on. Everything is allocated when it is admitted.
struct Search {
  size_t input = 0;
  int32_t num_beams = 1;
  int32_t prompt_length = 0, length = 0, max_length = 0, min_length = 0; ///< length: decoder ids so far
  const int32_t *prompt = nullptr;
  bool started = false, done = false;
  bool cut = false;        ///< max_length is the context's end, less than what was asked for
  bool can_improve = true; ///< Hugging Face's is_early_stop_heuristic_unsatisfied
  Array<int32_t> slots;    ///< (num_beams)
  Array<int32_t> last;     ///< (num_beams) token to feed next

  int32_t capacity = 0;                   ///< max_length - prompt_length
  Array<int32_t> ids, ids_next;           ///< (num_beams, capacity) running sequences, generated part
  Array<float> scores;                    ///< (num_beams) sums of log-probabilities
  Array<Hypothesis> best, best_next;      ///< (num_beams) finished sequences, best first
  Array<int32_t> best_ids, best_ids_next; ///< (num_beams, capacity)
};

/// What one step of a search needs beside its own state.
struct SearchContext {
  decant_session &session;
  const SearchOptions &options;
  std::span<const int32_t> eos, suppress, begin_suppress;
  std::span<const int32_t> bad_words; ///< sequences, each ended by -1
  Array<float> row;                   ///< scratch: (vocab), processed logits
  Array<float> all;                   ///< scratch: (num_beams, vocab)
  Array<Candidate> candidates;        ///< scratch
  Array<int32_t> order, source;       ///< scratch
  Array<uint8_t> seen;                ///< scratch: (vocab), all 0 between uses
};

/// Fills in the model's defaults. INVALID_ARGUMENT names the option that is out of range.
decant_status resolveOptions(decant_session &session, const decant_generate_options *options, SearchOptions *out);

/// Lengths for a prompt. OUT_OF_RANGE: the prompt or the length asked for does not fit the model.
decant_status setLengths(decant_session &session, const SearchOptions &options, size_t prompt_length, Search &search);

/// Hugging Face's logits rules, in its order, on `row` (vocab) for the sequence of search.length ids of a beam.
void applyRules(SearchContext &context, const Search &search, size_t beam, float *row);

/// What sampling draws from: temperature, top_k, top_p, min_p on `row` in Hugging Face's order; hidden tokens are -inf.
/// `order` (vocab) is scratch.
void warpForSampling(const SearchOptions &options, float *row, size_t count, int32_t *order);
/// Uniform in [0, 1): the draw for the `position`-th id of an input.
double uniformDraw(uint64_t seed, uint64_t input, uint64_t position);
/// The token at `uniform` of the cumulative distribution of softmax(row), sums in f64.
int32_t drawToken(const float *row, size_t count, double uniform);

/// row[i] -= log(sum(exp(row))), f32, the sum in f64.
void logSoftmax(float *row, size_t count);

/// The next token: the best, or with do_sample a drawn one. `logits`: (vocab).
void advanceGreedy(SearchContext &context, const Search &search, const float *logits, int32_t *out_token,
                   float *out_log_probability);

/// One step of beam search; logits of beam i at logits + i * stride (stride 0: the beams are still equal).
decant_status advanceBeams(SearchContext &context, Search &search, const float *logits, size_t stride);
bool prepareBeams(Search &search);

} // namespace decant::rt

// Generation options: the caller's, then the model's (generation_config.json), then Hugging Face's defaults.
#include "runtime/generate/search.h"

#include <algorithm>
#include <cmath>

using namespace decant::rt;

void decant_generate_options_init(decant_generate_options *options) {
  if (options)
    *options = {sizeof(decant_generate_options), -1, -1, 0, -1, NAN, 0, 0, 0, -1, -1, -1, NAN, NAN, NAN, NAN, 0, -1};
}

static float orDefault(float given, float fallback) { return std::isnan(given) ? fallback : given; }

/// The rules and samplers; invalid() is told of a value that is out of range.
template <class Invalid> static decant_status checkSampling(const SearchOptions &o, Invalid invalid) {
  auto positive = [](float value) { return value > 0 && std::isfinite(value); };
  if (!positive(o.temperature))
    return invalid("temperature must be positive", static_cast<double>(o.temperature));
  if (!positive(o.repetition_penalty))
    return invalid("repetition_penalty must be positive", static_cast<double>(o.repetition_penalty));
  if (!(o.top_p > 0 && o.top_p <= 1))
    return invalid("top_p must be above 0 and at most 1", static_cast<double>(o.top_p));
  if (!(o.min_p >= 0 && o.min_p <= 1))
    return invalid("min_p must be 0 to 1", static_cast<double>(o.min_p));
  if (o.do_sample && o.num_beams > 1)
    return invalid("do_sample goes with num_beams 1", o.num_beams);
  return DECANT_OK;
}

decant_status decant::rt::resolveOptions(decant_session &session, const decant_generate_options *options,
                                         SearchOptions *out) {
  constexpr int32_t kMaxBeams = 1024;
  decant_generate_options given;
  decant_generate_options_init(&given);
  if (options)
    std::memcpy(static_cast<void *>(&given), options, std::min(options->struct_size, sizeof given));
  const decant_generation &g = session.header().generation;
  SearchOptions o;
  o.num_beams = given.num_beams ? given.num_beams : std::max(g.num_beams, 1);
  o.early_stopping = given.early_stopping >= 0 ? given.early_stopping : g.early_stopping;
  o.length_penalty = orDefault(given.length_penalty, g.length_penalty);
  o.ignore_eos = given.ignore_eos;
  o.without_scores = given.without_scores;
  o.until_context = given.until_context;
  o.do_sample = given.do_sample >= 0 ? given.do_sample != 0 : g.do_sample != 0;
  o.top_k = given.top_k >= 0 ? given.top_k : g.top_k;
  o.no_repeat_ngram_size = given.no_repeat_ngram_size >= 0 ? given.no_repeat_ngram_size : g.no_repeat_ngram_size;
  o.temperature = orDefault(given.temperature, g.temperature);
  o.top_p = orDefault(given.top_p, g.top_p);
  o.min_p = orDefault(given.min_p, g.min_p);
  o.repetition_penalty = orDefault(given.repetition_penalty, g.repetition_penalty);
  o.seed = given.seed;
  o.forced_bos_token_id = given.forced_bos_token_id >= 0 ? given.forced_bos_token_id : g.forced_bos_token_id;
  o.asked_length = given.max_new_tokens >= 0;
  o.max_new_tokens = o.asked_length ? given.max_new_tokens : g.max_new_tokens;
  o.max_length = g.max_length;
  o.min_new_tokens = given.min_new_tokens >= 0 ? given.min_new_tokens : g.min_new_tokens;
  o.min_length = std::max(g.min_length, 0);
  auto invalid = [&](const char *what, double found) {
    return session.text().fail(DECANT_INVALID_ARGUMENT, "generation: %s, found %g", what, found);
  };
  if (o.forced_bos_token_id >= static_cast<int64_t>(session.header().vocab))
    return invalid("forced_bos_token_id must be in the vocabulary", o.forced_bos_token_id);
  if (o.num_beams < 1 || o.num_beams > kMaxBeams)
    return invalid("num_beams must be 1 to 1024", o.num_beams);
  if (o.early_stopping > 2)
    return invalid("early_stopping must be 0 (false), 1 (true) or 2 (never)", o.early_stopping);
  if (!std::isfinite(o.length_penalty))
    return invalid("length_penalty must be finite", static_cast<double>(o.length_penalty));
  if (o.max_new_tokens == 0)
    return invalid("max_new_tokens must be 1 or more", 0);
  if (decant_status status = checkSampling(o, invalid); status != DECANT_OK)
    return status;
  *out = o;
  return DECANT_OK;
}

decant_status decant::rt::setLengths(decant_session &session, const SearchOptions &options, size_t prompt,
                                     Search &search) {
  const int64_t context = session.header().max_context, start = static_cast<int64_t>(prompt);
  constexpr int32_t kDefaultNewTokens = 20; // where neither length is given
  int64_t longest = options.max_new_tokens >= 0 ? start + options.max_new_tokens
                    : options.until_context     ? INT32_MAX
                    : options.max_length >= 0   ? options.max_length
                                                : start + kDefaultNewTokens;
  if (options.asked_length && longest - 1 > context) // the last token is never fed back
    return session.text().fail(DECANT_OUT_OF_RANGE,
                               "a context of %lld tokens (%lld + %d new) is longer than the maximum of %lld",
                               static_cast<long long>(longest), static_cast<long long>(start), options.max_new_tokens,
                               static_cast<long long>(context));
  if (start > context)
    return session.text().fail(DECANT_OUT_OF_RANGE, "a context of %lld tokens is longer than the maximum of %lld",
                               static_cast<long long>(start), static_cast<long long>(context));
  search.cut = !options.asked_length && longest > std::max(context, start + 1);
  if (search.cut)
    longest = std::max(context, start + 1);
  if (longest <= start)
    return session.text().fail(
        DECANT_OUT_OF_RANGE, "a prompt of %lld tokens leaves no room: the maximum length is %lld; give max_new_tokens",
        static_cast<long long>(start), static_cast<long long>(longest));
  search.prompt_length = search.length = static_cast<int32_t>(start);
  search.max_length = static_cast<int32_t>(longest);
  search.min_length = options.min_new_tokens >= 0
                          ? static_cast<int32_t>(std::min<int64_t>(start + options.min_new_tokens, INT32_MAX))
                          : options.min_length;
  search.capacity = search.max_length - search.prompt_length;
  return DECANT_OK;
}

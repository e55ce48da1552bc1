// Generation options: the caller's, then the model's (generation_config.json), then Hugging Face's defaults.
#include "runtime/generate/search.h"

#include <algorithm>
#include <cmath>

using namespace decant::rt;

void decant_generate_options_init(decant_generate_options *options) {
  if (options)
    *options = {sizeof(decant_generate_options), -1, -1, 0, -1, 0, 1.0f, 0};
}

decant_status decant::rt::resolveOptions(decant_session &session, const decant_generate_options *options,
                                         SearchOptions *out) {
  constexpr int32_t kDefaultMaxLength = 20, kMaxBeams = 1024;
  decant_generate_options given;
  decant_generate_options_init(&given);
  if (options)
    std::memcpy(static_cast<void *>(&given), options, std::min(options->struct_size, sizeof given));
  const decant_generation &g = session.header().generation;
  SearchOptions o;
  o.num_beams = given.num_beams ? given.num_beams : std::max(g.num_beams, 1);
  o.early_stopping = given.early_stopping >= 0 ? given.early_stopping : g.early_stopping;
  o.length_penalty = given.has_length_penalty ? given.length_penalty : g.length_penalty;
  o.ignore_eos = given.ignore_eos;
  o.asked_length = given.max_new_tokens >= 0;
  o.max_new_tokens = o.asked_length ? given.max_new_tokens : g.max_new_tokens;
  o.max_length = g.max_length >= 0 ? g.max_length : kDefaultMaxLength;
  o.min_new_tokens = given.min_new_tokens >= 0 ? given.min_new_tokens : g.min_new_tokens;
  o.min_length = std::max(g.min_length, 0);
  auto invalid = [&](const char *what, double found) {
    return session.text().fail(DECANT_INVALID_ARGUMENT, "generation: %s, found %g", what, found);
  };
  if (o.num_beams < 1 || o.num_beams > kMaxBeams)
    return invalid("num_beams must be 1 to 1024", o.num_beams);
  if (o.early_stopping > 2)
    return invalid("early_stopping must be 0 (false), 1 (true) or 2 (never)", o.early_stopping);
  if (!std::isfinite(o.length_penalty))
    return invalid("length_penalty must be finite", static_cast<double>(o.length_penalty));
  if (o.max_new_tokens == 0)
    return invalid("max_new_tokens must be 1 or more", 0);
  *out = o;
  return DECANT_OK;
}

decant_status decant::rt::setLengths(decant_session &session, const SearchOptions &options, size_t prompt,
                                     Search &search) {
  const int64_t context = session.header().max_context, start = static_cast<int64_t>(prompt);
  int64_t longest = options.max_new_tokens >= 0 ? start + options.max_new_tokens : options.max_length;
  if (options.asked_length && longest - 1 > context) // the last token is never fed back
    return session.text().fail(DECANT_OUT_OF_RANGE,
                               "a context of %lld tokens (%lld + %d new) is longer than the maximum of %lld",
                               static_cast<long long>(longest), static_cast<long long>(start), options.max_new_tokens,
                               static_cast<long long>(context));
  if (start > context)
    return session.text().fail(DECANT_OUT_OF_RANGE, "a context of %lld tokens is longer than the maximum of %lld",
                               static_cast<long long>(start), static_cast<long long>(context));
  if (!options.asked_length)
    longest = std::min(longest, std::max(context, start + 1));
  if (longest <= start)
    return session.text().fail(DECANT_OUT_OF_RANGE,
                               "a prompt of %lld tokens leaves no room: the maximum length is %lld",
                               static_cast<long long>(start), static_cast<long long>(longest));
  search.prompt_length = search.length = static_cast<int32_t>(start);
  search.max_length = static_cast<int32_t>(longest);
  search.min_length = options.min_new_tokens >= 0
                          ? static_cast<int32_t>(std::min<int64_t>(start + options.min_new_tokens, INT32_MAX))
                          : options.min_length;
  search.capacity = search.max_length - search.prompt_length;
  return DECANT_OK;
}

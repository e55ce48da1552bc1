// decant_generate: inputs come in while slots are free, all run one step together, finished ones make room.
#include "runtime/generate/search.h"

#include <algorithm>
#include <cmath>

using namespace decant::rt;

namespace {

struct Generator {
  SearchContext context;
  std::span<const decant_source> inputs;
  decant_token_fn on_token;
  decant_generated_fn on_result;
  void *user;
  Array<Search *> active;
  Array<decant_rows> rows;
  int32_t start_token = 0;
  std::span<const int32_t> start; ///< what the decoder begins with, if there is an encoder
  size_t next = 0;

  ~Generator() {
    for (Search *search : active)
      end(search);
  }

  decant_session &session() { return context.session; }
  bool encoder() { return session().header().model_kind == DECANT_MODEL_ENCODER_DECODER; }
  decant_status outOfMemory() {
    return session().text().fail(DECANT_RESOURCE_EXHAUSTED, "out of memory for the sequences");
  }

  void end(Search *search) {
    for (int32_t slot : search->slots)
      session().cache.clear(static_cast<uint32_t>(slot));
    destroy(search);
  }

  bool takesFeatures() { return session().header().source_width != 0; }
  /// Decoder ids that an input begins with.
  std::span<const int32_t> promptOf(const decant_source &input) {
    return encoder() ? start : std::span<const int32_t>(input.ids, input.count);
  }

  /// Everything that can be wrong with the inputs, before the first step.
  decant_status check() {
    const decant_tables_header &h = session().header();
    if (h.vocab == 0)
      return session().text().fail(DECANT_UNIMPLEMENTED, "this model has no vocabulary to generate from");
    const decant_generation &g = h.generation;
    start_token = g.decoder_start_token_id >= 0 ? g.decoder_start_token_id : g.bos_token_id;
    if (encoder() && start_token < 0)
      return session().text().fail(DECANT_UNIMPLEMENTED, "this model names no decoder_start_token_id");
    start = session().model->tables.list<int32_t>(g.decoder_prompt);
    if (start.empty())
      start = {&start_token, 1};
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (decant_status status = checkInput(i); status != DECANT_OK)
        return status;
      Search lengths;
      if (decant_status status = setLengths(session(), context.options, promptOf(inputs[i]).size(), lengths);
          status != DECANT_OK)
        return status;
    }
    return context.row.resize(h.vocab) && context.seen.resize(h.vocab) && context.order.resize(h.vocab) ? DECANT_OK
                                                                                                        : outOfMemory();
  }

  decant_status checkInput(size_t i) {
    const decant_tables_header &h = session().header();
    const decant_source &input = inputs[i];
    if ((takesFeatures() ? !input.features : !input.ids) || input.count == 0)
      return session().text().fail(DECANT_INVALID_ARGUMENT, "input %zu has no %s", i,
                                   takesFeatures() ? "features" : "token ids");
    if (encoder() && input.count > h.max_source)
      return session().text().fail(DECANT_OUT_OF_RANGE, "input %zu: %zu tokens are more than the maximum of %u", i,
                                   input.count, h.max_source);
    for (size_t j = 0; j < input.count && !takesFeatures(); ++j)
      if (input.ids[j] < 0 || uint32_t(input.ids[j]) >= h.vocab)
        return session().text().fail(DECANT_INVALID_ARGUMENT,
                                     "input %zu: token id %d at %zu is outside the vocabulary of %u", i, input.ids[j],
                                     j, h.vocab);
    return DECANT_OK;
  }

  size_t freeSlots() {
    return static_cast<size_t>(std::count_if(session().cache.slots.begin(), session().cache.slots.end(),
                                             [](const Slot &slot) { return !slot.open; }));
  }

  decant_status admitOne() {
    auto *search = create<Search>();
    if (!search || !active.push(search)) {
      destroy(search);
      return outOfMemory();
    }
    const decant_source &input = inputs[next];
    search->input = next++;
    search->num_beams = context.options.num_beams;
    if (decant_status status = setLengths(session(), context.options, promptOf(input).size(), *search);
        status != DECANT_OK)
      return status;
    search->prompt = promptOf(input).data();
    auto beams = static_cast<size_t>(search->num_beams);
    if (!search->slots.reserve(beams) || !search->last.resize(beams))
      return outOfMemory();
    if (beams > 1 ? !prepareBeams(*search)
                  : !search->ids.resize(static_cast<size_t>(search->capacity)) || !search->scores.resize(1))
      return outOfMemory();
    int32_t slot = 0;
    if (decant_status status = decant_slot_open(&session(), &slot); status != DECANT_OK)
      return status;
    return search->slots.push(slot) ? feedLong(*search) : outOfMemory();
  }

  /// A step takes a limited number of tokens of a sequence: feeds all that are beyond it. Leaves the last ones to
  /// step().
  decant_status feedLong(const Search &search) {
    // Enough rows to keep the cores busy; more would only take memory.
    constexpr int32_t kChunk = 512;
    const auto most = std::min(kChunk, static_cast<int32_t>(session().model->tables.maxStepTokens()));
    decant_status status = DECANT_OK;
    for (int32_t first = 0; status == DECANT_OK && search.prompt_length - first > most; first += most) {
      const decant_rows part{search.slots[0], most, search.prompt + first, nullptr};
      decant_result ignored{};
      status = decant_decode(&session(), &part, 1, nullptr, &ignored);
    }
    return status;
  }

  int32_t fed(const Search &search) { return session().cache.slots[static_cast<size_t>(search.slots[0])].tokens; }

  /// Whether one step can hold the next input too, beside `active`, of which those from `first` on are new.
  bool fitsStep(size_t first) {
    int64_t encoded = 0, decoded = 0, results = 0;
    auto add = [&](bool fresh, size_t input, int64_t prompt) {
      encoded += fresh && encoder() ? static_cast<int64_t>(inputs[input].count) : 0;
      decoded += std::max<int64_t>(prompt, context.options.num_beams);
      results += context.options.num_beams;
    };
    for (size_t i = 0; i < active.size(); ++i)
      add(i >= first, active[i]->input, active[i]->started ? 1 : active[i]->prompt_length - fed(*active[i]));
    add(true, next, std::min<int64_t>(int64_t(promptOf(inputs[next]).size()), session().model->tables.maxStepTokens()));
    return encoded <= stepLimit(session(), DECANT_ENTRY_ENCODE, DECANT_SIZE_ROWS) &&
           decoded <= stepLimit(session(), DECANT_ENTRY_DECODE, DECANT_SIZE_ROWS) &&
           results <= stepLimit(session(), DECANT_ENTRY_DECODE, DECANT_SIZE_OUT_ROWS);
  }

  /// Admits as many inputs as there is room for, and encodes them together. One alone is always admitted: if it does
  /// not fit, its step says why.
  decant_status admit() {
    const auto beams = static_cast<size_t>(context.options.num_beams);
    const size_t first = active.size();
    size_t room = freeSlots(), pending = 0;
    for (Search *search : active) // beams that are still to be forked
      pending += static_cast<size_t>(search->num_beams) - search->slots.size();
    if (active.empty() && room < beams)
      return session().text().fail(DECANT_OUT_OF_RANGE,
                                   "generation with %zu beams needs %zu free slots, the session has %zu", beams, beams,
                                   room);
    for (; next < inputs.size() && room >= pending + beams && (active.empty() || fitsStep(first)); room -= beams)
      if (decant_status status = admitOne(); status != DECANT_OK)
        return status;
    if (first == active.size() || !encoder())
      return DECANT_OK;
    rows.clear();
    for (size_t i = first; i < active.size(); ++i) {
      const decant_source &input = inputs[active[i]->input];
      if (!rows.push({active[i]->slots[0], static_cast<int32_t>(input.count), input.ids, input.features}))
        return outOfMemory();
    }
    return decant_encode(&session(), rows.data(), rows.size(), nullptr, nullptr);
  }

  decant_status decode(decant_result &result) {
    rows.clear();
    for (Search *search : active) {
      if (!search->started) {
        const int32_t done = fed(*search);
        if (!rows.push({search->slots[0], search->prompt_length - done, search->prompt + done, nullptr}))
          return outOfMemory();
        continue;
      }
      for (size_t beam = 0; beam < search->slots.size(); ++beam)
        if (!rows.push({search->slots[beam], 1, &search->last[beam], nullptr}))
          return outOfMemory();
    }
    return decant_decode(&session(), rows.data(), rows.size(), nullptr, &result);
  }

  decant_status greedy(Search &search, const float *logits) {
    int32_t token = 0;
    float log_probability = 0;
    advanceGreedy(context, search, logits, &token, &log_probability);
    search.ids[static_cast<size_t>(search.length - search.prompt_length)] = search.last[0] = token;
    search.scores[0] += log_probability;
    search.done = std::find(context.eos.begin(), context.eos.end(), token) != context.eos.end() ||
                  ++search.length >= search.max_length;
    if (on_token && on_token(user, search.input, token))
      return session().text().fail(DECANT_CANCELLED, "stopped by the caller");
    return DECANT_OK;
  }

  decant_status forkBeams(Search &search) {
    for (int32_t beam = 1, slot = 0; beam < search.num_beams; ++beam) {
      if (decant_status status = decant_slot_fork(&session(), search.slots[0], &slot); status != DECANT_OK)
        return status;
      (void)search.slots.push(slot); // reserved
    }
    return DECANT_OK;
  }

  decant_status report(const Search &search) {
    decant_generated result{search.input, search.ids.data(), 0, 0, DECANT_FINISH_STOP};
    if (search.num_beams > 1) {
      result = {search.input, search.best_ids.data(), static_cast<size_t>(search.best[0].count), search.best[0].score,
                DECANT_FINISH_STOP};
    } else {
      bool cut = search.length >= search.max_length; // else the last id is an end token, not counted in length
      result.count = static_cast<size_t>(search.length - search.prompt_length) + !cut;
      result.score =
          search.scores[0] / static_cast<float>(std::pow(double(result.count), double(context.options.length_penalty)));
    }
    const int32_t last = result.count ? result.ids[result.count - 1] : -1;
    if (std::find(context.eos.begin(), context.eos.end(), last) == context.eos.end())
      result.finish = search.cut ? DECANT_FINISH_CONTEXT : DECANT_FINISH_LENGTH;
    if (on_result && on_result(user, &result))
      return session().text().fail(DECANT_CANCELLED, "stopped by the caller");
    return DECANT_OK;
  }

  decant_status step() {
    decant_result result{};
    if (decant_status status = decode(result); status != DECANT_OK)
      return status;
    const float *row = result.data;
    for (Search *search : active) {
      const bool first = !search->started;
      search->started = true;
      decant_status status;
      if (search->num_beams == 1) {
        status = greedy(*search, row);
      } else {
        status = first ? forkBeams(*search) : DECANT_OK;
        if (status == DECANT_OK)
          status = advanceBeams(context, *search, row, first ? 0 : result.stride);
      }
      if (status != DECANT_OK)
        return status;
      row += result.stride * (first ? 1 : static_cast<size_t>(search->num_beams));
    }
    return DECANT_OK;
  }

  decant_status finish() {
    size_t kept = 0;
    decant_status status = DECANT_OK;
    for (Search *search : active) {
      if (!search->done || status != DECANT_OK) {
        active[kept++] = search;
        continue;
      }
      status = report(*search);
      end(search);
    }
    return active.resize(kept) ? status : outOfMemory();
  }

  decant_status run() {
    decant_status status = check();
    while (status == DECANT_OK && (next < inputs.size() || !active.empty())) {
      status = admit();
      if (status == DECANT_OK)
        status = step();
      if (status == DECANT_OK)
        status = finish();
    }
    return status;
  }
};

} // namespace

decant_status decant_generate(decant_session *session, const decant_source *inputs, size_t count,
                              const decant_generate_options *options, decant_token_fn on_token,
                              decant_generated_fn on_result, void *user) {
  if (!session)
    return DECANT_INVALID_ARGUMENT;
  if (count && !inputs)
    return session->text().fail(DECANT_INVALID_ARGUMENT, "decant_generate: inputs is NULL");
  SearchOptions resolved;
  if (decant_status status = resolveOptions(*session, options, &resolved); status != DECANT_OK)
    return status;
  const Tables &tables = session->model->tables;
  const decant_generation &g = tables.header().generation;
  std::span<const int32_t> eos =
      resolved.ignore_eos ? std::span<const int32_t>() : tables.list<int32_t>(g.eos_token_ids);
  Generator generator{{*session,
                       resolved,
                       eos,
                       tables.list<int32_t>(g.suppress_tokens),
                       tables.list<int32_t>(g.begin_suppress_tokens),
                       tables.list<int32_t>(g.bad_words_ids),
                       {},
                       {},
                       {},
                       {},
                       {},
                       {}},
                      {inputs, count},
                      on_token,
                      on_result,
                      user,
                      {},
                      {},
                      0,
                      {}};
  return generator.run();
}

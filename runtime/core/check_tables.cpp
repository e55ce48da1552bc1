// The check of a module's tables: header, then ranges, ids, text. The plan's buffers: check_plan.cpp.
#define XXH_INLINE_ALL
#include "runtime/core/check_plan.h"
#include "runtime/core/cpu_features.h"
#include "runtime/core/tables.h"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <xxhash.h>

namespace decant::rt {
namespace {

constexpr uint64_t kMaxTablesBytes = 1ull << 31;

struct Checker {
  Tables tables;
  const char *file;
  const Message &message;

  decant_status damaged(const char *what) const {
    return message.fail(DECANT_DATA_LOSS, "%s: damaged: %s", file, what);
  }

  template <class T> bool fits(decant_range range) const {
    return range.offset % alignof(T) == 0 &&
           range.offset + uint64_t(range.count) * sizeof(T) <= tables.header().tables_bytes;
  }

  /// Token ids that the model has; `lowest` is -1 where "none" is allowed.
  bool isId(int32_t id, int32_t lowest = 0) const { return id >= lowest && id < int64_t(tables.header().vocab); }
  bool areIds(decant_range range) const {
    if (!fits<int32_t>(range))
      return false;
    for (int32_t id : tables.list<int32_t>(range))
      if (!isId(id))
        return false;
    return true;
  }

  /// Sequences of ids, none empty, each ended by -1.
  bool areSequences(decant_range range) const {
    if (!fits<int32_t>(range))
      return false;
    int32_t last = -1;
    for (int32_t id : tables.list<int32_t>(range)) {
      if (id == -1 ? last == -1 : !isId(id))
        return false;
      last = id;
    }
    return last == -1;
  }

  decant_status limits() const {
    const decant_tables_header &h = tables.header();
    auto within = [](uint32_t value, uint32_t low, uint32_t high) { return value >= low && value <= high; };
    if (h.model_kind > DECANT_MODEL_TORCH_DECODER)
      return damaged("unknown kind of model");
    bool hasSource = h.model_kind != DECANT_MODEL_DECODER_ONLY;
    if (h.batch_first > 1 || h.vocab > 1u << 28 || !within(h.width, 1, 1u << 24) || !within(h.max_batch, 1, 1u << 16) ||
        !within(h.max_context, 1, 1u << 24) || !within(h.max_source, hasSource, 1u << 24) ||
        !within(h.block_tokens, 1, 1u << 12) || h.source_width > 1u << 20 || h.heads > 1u << 20)
      return damaged("a limit of the model is out of range");
    if (h.model_kind == DECANT_MODEL_ENCODER_DECODER && h.vocab == 0)
      return damaged("a model with token ids has no vocabulary");
    return DECANT_OK;
  }

  decant_status names() const {
    const decant_tables_header &h = tables.header();
    bool ok = fits<char>(h.compiler_version) && fits<char>(h.model_name) && fits<char>(h.dtype) &&
              fits<decant_target>(h.targets) && fits<decant_kernel_info>(h.kernels) && fits<decant_buffer>(h.buffers) &&
              fits<decant_weight>(h.weights) && fits<decant_cache>(h.caches) && fits<decant_param>(h.params);
    if (!ok)
      return damaged("a list lies outside the tables");
    if (h.targets.count == 0 || h.kernels.count % h.targets.count != 0)
      return damaged("the kernels do not divide among the targets");
    for (const decant_target &target : tables.targets())
      if (!fits<char>(target.name) || !fits<char>(target.features))
        return damaged("the name of a target lies outside the tables");
    for (const decant_kernel_info &kernel : tables.list<decant_kernel_info>(h.kernels))
      if (!fits<char>(kernel.symbol) || !fits<char>(kernel.spec))
        return damaged("the name of a kernel lies outside the tables");
    for (const decant_param &param : tables.params())
      if (!fits<char>(param.name) || param.type > DECANT_U8 || param.rank < 1 || param.rank > 4 ||
          param.flags > DECANT_PARAM_SORTED || (param.flags && param.type != DECANT_I32))
        return damaged("a mask parameter is out of range");
    for (const decant_weight &weight : tables.weights())
      if (!fits<char>(weight.name) || weight.offset % 64 || weight.offset > h.weights_bytes ||
          weight.bytes > h.weights_bytes - weight.offset)
        return damaged("a weight lies outside the weights");
    for (const decant_cache &cache : tables.caches())
      if (cache.kind >= DECANT_CACHE_KINDS || cache.kv_heads < 1 || cache.kv_heads > 1u << 16 || cache.head_dim < 1 ||
          cache.head_dim > 1u << 16 || blockElemsV(tables, cache) >= 1u << 28 || blockElemsK(tables, cache) >= 1u << 28)
        return damaged("a cache is out of range");
    return window();
  }

  /// The header's window is the largest one, so that no cache gives back what another still reads.
  decant_status window() const {
    const decant_tables_header &h = tables.header();
    uint32_t largest = 0;
    for (const decant_cache &cache : tables.caches()) {
      if ((cache.kind == DECANT_CACHE_WINDOW) != (cache.window != 0) || cache.window > 1u << 24)
        return damaged("the window of a cache does not fit its kind or is out of range");
      largest = cache.window > largest ? cache.window : largest;
    }
    return h.window == largest ? DECANT_OK : damaged("the model's window is not the largest one of its caches");
  }

  decant_status generation() const {
    const decant_generation &g = tables.header().generation;
    bool ok = areIds(g.eos_token_ids) && areIds(g.suppress_tokens) && areIds(g.begin_suppress_tokens) &&
              isId(g.forced_bos_token_id, -1) && isId(g.forced_eos_token_id, -1) &&
              isId(g.decoder_start_token_id, -1) && isId(g.bos_token_id, -1) && isId(g.pad_token_id, -1);
    if (!ok)
      return damaged("a token id of the generation defaults is out of range");
    auto positive = [](float value) { return value > 0 && std::isfinite(value); };
    if (g.do_sample < 0 || g.do_sample > 1 || g.top_k < 0 || g.no_repeat_ngram_size < 0 || !positive(g.temperature) ||
        !positive(g.repetition_penalty) || !(g.top_p > 0 && g.top_p <= 1) || !(g.min_p >= 0 && g.min_p <= 1))
      return damaged("a sampling default is out of range");
    if (!areIds(g.decoder_prompt) || !areSequences(g.bad_words_ids))
      return damaged("a list of token ids is out of range");
    if (g.early_stopping < 0 || g.early_stopping > 2 || g.num_beams < 0 || g.num_beams > 1 << 16)
      return damaged("a generation default is out of range");
    return DECANT_OK;
  }

  decant_status text() const {
    const decant_text &t = tables.header().text;
    if (t.kind == DECANT_TEXT_NONE)
      return DECANT_OK;
    if (t.kind == DECANT_TEXT_TOKENIZER) // what is in it: checkText, where its module is linked
      return fits<char>(t.blob) && t.blob.offset % 8 == 0 ? DECANT_OK
                                                          : damaged("the tokenizer lies outside the tables");
    bool ok = t.kind == DECANT_TEXT_CHARS && fits<decant_char>(t.chars) && fits<decant_range>(t.pieces) &&
              areIds(t.prefix) && areIds(t.suffix) && areIds(t.specials) && isId(t.unknown_id, -1);
    if (!ok)
      return damaged("a text table is out of range");
    int64_t last = -1;
    for (const decant_char &c : tables.list<decant_char>(t.chars)) {
      if (int64_t(c.codepoint) <= last || !isId(c.id))
        return damaged("the character map is out of order or names an unknown id");
      last = c.codepoint;
    }
    for (const decant_range &piece : tables.list<decant_range>(t.pieces))
      if (!fits<char>(piece))
        return damaged("the text of a token lies outside the tables");
    return DECANT_OK;
  }

  decant_status entries() const {
    const decant_tables_header &h = tables.header();
    for (const decant_entry &entry : h.entries) {
      if (!entry.present)
        continue;
      if (!fits<decant_step>(entry.steps))
        return damaged("the steps lie outside the tables");
      for (const decant_step &step : tables.list<decant_step>(entry.steps))
        if (!fits<uint32_t>(step.args) || !fits<char>(step.name))
          return damaged("a step lies outside the tables");
    }
    return DECANT_OK;
  }
};

} // namespace

decant_status checkHeader(const uint8_t *block, uint64_t bytes, const char *file, const Message &message) {
  const auto *h = reinterpret_cast<const decant_tables_header *>(block);
  if (bytes < offsetof(decant_tables_header, tables_hash) || std::memcmp(h->magic, DECANT_MODULE_MAGIC, 8) != 0)
    return message.fail(DECANT_DATA_LOSS, "%s: not a decant module", file);
  if (h->abi > DECANT_MODULE_ABI)
    return message.fail(DECANT_FAILED_PRECONDITION,
                        "%s: made for module ABI %u, this runtime knows up to %u: update the runtime", file, h->abi,
                        DECANT_MODULE_ABI);
  if (h->abi < DECANT_MODULE_ABI)
    return message.fail(DECANT_FAILED_PRECONDITION,
                        "%s: made for module ABI %u, this runtime needs %u: compile the model again", file, h->abi,
                        DECANT_MODULE_ABI);
  if (h->machine != thisMachine())
    return message.fail(DECANT_FAILED_PRECONDITION, "%s: made for %s, this machine is %s", file,
                        machineName(h->machine), machineName(thisMachine()));
  if (h->tables_bytes > bytes || h->tables_bytes < sizeof(decant_tables_header) || h->tables_bytes > kMaxTablesBytes)
    return message.fail(DECANT_DATA_LOSS, "%s: damaged: the tables have %llu bytes, expected %llu", file,
                        static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(h->tables_bytes));
  size_t start = offsetof(decant_tables_header, weights_bytes);
  if (XXH3_64bits(block + start, h->tables_bytes - start) != h->tables_hash)
    return message.fail(DECANT_DATA_LOSS, "%s: damaged: checksum of the tables does not match", file);
  return DECANT_OK;
}

decant_status checkTables(const Tables &tables, const char *file, const Message &message) {
  Checker checker{tables, file, message};
  for (auto part : {&Checker::limits, &Checker::names, &Checker::generation, &Checker::text, &Checker::entries})
    if (decant_status status = (checker.*part)(); status != DECANT_OK)
      return status;
  return checkPlan(tables, file, message);
}

} // namespace decant::rt

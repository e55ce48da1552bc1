// decant_encode and decant_decode: check the rows, take blocks, run the entry, keep or give back. On any failure every
// slot is as it was. Tested in tests/runtime.
#include "runtime/core/session.h"

#include <algorithm>
#include <climits>

using namespace decant::rt;

namespace {

struct Step {
  decant_session &session;
  uint32_t entry;

  bool encode() const { return entry == DECANT_ENTRY_ENCODE; }
  /// The kinds of cache that the new rows go to.
  std::span<const uint32_t> kinds() const {
    static constexpr uint32_t kEncode[] = {DECANT_CACHE_CROSS}, kDecode[] = {DECANT_CACHE_SELF, DECANT_CACHE_WINDOW};
    return encode() ? std::span<const uint32_t>(kEncode) : kDecode;
  }
  const char *call() const { return encode() ? "encode" : "decode"; }
  template <class... A> decant_status invalid(const char *format, A... values) const {
    return session.text().fail(DECANT_INVALID_ARGUMENT, format, values...);
  }

  decant_status checkIds(const decant_rows &rows) const {
    if (!session.model->uses(entry, DECANT_INPUT_IDS))
      return rows.features || !session.model->uses(entry, DECANT_INPUT_FEATURES)
                 ? DECANT_OK
                 : invalid("slot %d: this model takes features, not ids", rows.slot);
    if (!rows.ids)
      return invalid("slot %d: this model takes token ids", rows.slot);
    for (int32_t i = 0; i < rows.count; ++i)
      if (rows.ids[i] < 0 || static_cast<uint32_t>(rows.ids[i]) >= session.header().vocab)
        return invalid("slot %d: token id %d at %d is outside the vocabulary of %u", rows.slot, rows.ids[i], i,
                       session.header().vocab);
    return DECANT_OK;
  }

  decant_status checkItem(const decant_rows &rows) const {
    if (rows.slot < 0 || static_cast<size_t>(rows.slot) >= session.cache.slots.size() ||
        !session.cache.slots[static_cast<size_t>(rows.slot)].open)
      return invalid("slot %d is not open", rows.slot);
    for (const StepItem &other : session.items)
      if (other.slot == static_cast<uint32_t>(rows.slot))
        return invalid("slot %d occurs twice in one step", rows.slot);
    if (rows.count < 1)
      return invalid("slot %d: %d new rows, expected 1 or more", rows.slot, rows.count);
    const Slot &slot = session.cache.slots[static_cast<size_t>(rows.slot)];
    if (encode() && (slot.source || slot.tokens))
      return invalid("slot %d is not fresh: encode needs a newly opened slot", rows.slot);
    if (!encode() && !slot.source && session.header().model_kind != DECANT_MODEL_DECODER_ONLY)
      return invalid("slot %d has no encoder input yet: call decant_encode first", rows.slot);
    if (decant_status status = checkIds(rows); status != DECANT_OK)
      return status;
    int64_t length = int64_t(slot.tokens) + rows.count;
    if (encode() && rows.count > int64_t(session.header().max_source))
      return session.text().fail(DECANT_OUT_OF_RANGE, "an input of %d tokens is longer than the maximum of %u",
                                 rows.count, session.header().max_source);
    if (!encode() && length > int64_t(session.header().max_context))
      return session.text().fail(DECANT_OUT_OF_RANGE, "a context of %lld tokens is longer than the maximum of %u",
                                 static_cast<long long>(length), session.header().max_context);
    const uint32_t most = session.model->tables.maxStepTokens();
    if (!encode() && static_cast<uint32_t>(rows.count) > most)
      return session.text().fail(
          DECANT_OUT_OF_RANGE,
          "slot %d: %d new tokens, a step takes %u of a sequence at most (the model's caches keep "
          "the newest %u): feed them in several steps",
          rows.slot, rows.count, most, session.header().window);
    return DECANT_OK;
  }

  decant_status collect(const decant_rows *items, size_t count) {
    if (!session.header().entries[entry].present)
      return session.text().fail(DECANT_UNIMPLEMENTED, "this model has no %s", call());
    if (!items || count == 0)
      return invalid("%s: no items", call());
    session.items.clear();
    int64_t rows = 0;
    for (size_t i = 0; i < count; ++i) {
      if (decant_status status = checkItem(items[i]); status != DECANT_OK)
        return status;
      int32_t before = encode() ? 0 : session.cache.slots[static_cast<size_t>(items[i].slot)].tokens;
      if (!session.items.push(
              {static_cast<uint32_t>(items[i].slot), items[i].count, before, items[i].ids, items[i].features}))
        return session.text().fail(DECANT_RESOURCE_EXHAUSTED, "out of memory");
      rows += items[i].count;
    }
    return checkSize(DECANT_SIZE_ROWS, rows, "rows");
  }

  decant_status checkSize(uint32_t size, int64_t count, const char *what) const {
    const int64_t most = stepLimit(session, entry, size);
    if (count <= most)
      return DECANT_OK;
    return session.text().fail(DECANT_OUT_OF_RANGE,
                               "%lld %s in one step are more than the maximum of %lld (%lld elements each, 32-bit "
                               "indices): give fewer or shorter sequences at once",
                               static_cast<long long>(count), what, static_cast<long long>(most),
                               static_cast<long long>(session.widest[entry][size]));
  }

  /// After collect().
  decant_status checkSizes(bool out_all) const {
    int64_t rows = 0;
    for (const StepItem &item : session.items)
      rows += item.count;
    const auto items = static_cast<int64_t>(session.items.size());
    decant_status status = checkSize(DECANT_SIZE_OUT_ROWS, out_all ? rows : items, "result rows");
    return status == DECANT_OK ? checkSize(DECANT_SIZE_SEQS, items, "sequences") : status;
  }

  void giveBack() {
    for (const StepItem &item : session.items)
      for (uint32_t kind : kinds())
        session.cache.trim(kind, item.slot, item.before);
  }

  bool takeBlocks(const StepItem &item) {
    for (uint32_t kind : kinds())
      if (!session.cache.grow(kind, item.slot, item.before + item.count))
        return false;
    return true;
  }

  decant_status run(bool out_all) {
    decant_status status = checkSizes(out_all);
    if (status != DECANT_OK)
      return status;
    for (const StepItem &item : session.items)
      if (!takeBlocks(item)) {
        status = session.text().fail(DECANT_RESOURCE_EXHAUSTED, "no free block of the KV cache for slot %u", item.slot);
        break;
      }
    if (status == DECANT_OK && !fillInputs(session, entry, out_all))
      status = session.text().fail(DECANT_RESOURCE_EXHAUSTED, "out of memory for the inputs of a step");
    if (status == DECANT_OK)
      status = runEntry(session, entry);
    if (status != DECANT_OK)
      giveBack();
    return status;
  }

  void commit() {
    for (const StepItem &item : session.items) {
      Slot &slot = session.cache.slots[item.slot];
      (encode() ? slot.source : slot.tokens) += item.count;
      if (!encode())
        session.cache.slide(item.slot, slot.tokens);
    }
  }
};

/// All rows computed, the last of each item wanted: packs those into session.compact.
decant_status pickLastRows(decant_session &session, decant_result &result) {
  if (!session.compact.resize(session.items.size() * result.columns))
    return session.text().fail(DECANT_RESOURCE_EXHAUSTED, "out of memory for the result of a step");
  size_t row = 0;
  for (size_t i = 0; i < session.items.size(); ++i) {
    row += static_cast<size_t>(session.items[i].count);
    std::copy_n(result.data + (row - 1) * result.stride, result.columns, session.compact.data() + i * result.columns);
  }
  result = {session.compact.data(), session.items.size(), result.columns, result.columns};
  return DECANT_OK;
}

bool sizeKnows(const decant_step_options *options, size_t end) { return options && options->struct_size >= end; }

} // namespace

decant_status decant_encode(decant_session *session, const decant_rows *items, size_t count,
                            const decant_step_options *options, decant_result *out_hidden) {
  if (!session)
    return DECANT_INVALID_ARGUMENT;
  Step step{*session, DECANT_ENTRY_ENCODE};
  decant_status status = step.collect(items, count);
  if (status == DECANT_OK)
    status = resolveMasks(*session, DECANT_ENTRY_ENCODE, options);
  if (status == DECANT_OK)
    status = step.run(true);
  if (status != DECANT_OK)
    return status;
  step.commit();
  uint32_t hidden = session->header().entries[DECANT_ENTRY_ENCODE].hidden;
  if (out_hidden)
    *out_hidden = hidden == UINT32_MAX ? decant_result{nullptr, 0, session->header().width, session->header().width}
                                       : resultOf(*session, hidden, session->header().width);
  return DECANT_OK;
}

decant_status decant_decode(decant_session *session, const decant_rows *items, size_t count,
                            const decant_step_options *options, decant_result *out_result) {
  if (!session || !out_result)
    return DECANT_INVALID_ARGUMENT;
  bool all = sizeKnows(options, offsetof(decant_step_options, all_rows) + sizeof(int)) && options->all_rows;
  Step step{*session, DECANT_ENTRY_DECODE};
  decant_status status = step.collect(items, count);
  if (status == DECANT_OK)
    status = resolveMasks(*session, DECANT_ENTRY_DECODE, options);
  if (status == DECANT_OK)
    status = step.run(all);
  if (status != DECANT_OK)
    return status;
  const decant_tables_header &h = session->header();
  uint32_t index = h.entries[DECANT_ENTRY_DECODE].output;
  decant_result result = resultOf(*session, index, h.vocab ? h.vocab : h.width);
  if (!all && session->model->tables.buffers()[index].region == DECANT_SIZE_ROWS)
    if (status = pickLastRows(*session, result); status != DECANT_OK) {
      step.giveBack();
      return status;
    }
  step.commit();
  *out_result = result;
  return DECANT_OK;
}

namespace {

/// What the first, .. fourth index of a mask parameter ranges over: [b], [b][h][q][k], outermost first.
struct MaskLimits {
  int64_t limits[4];
};

MaskLimits maskLimits(const decant_session &session, std::string_view name, uint32_t entry) {
  bool cross = name.starts_with("cross");
  int64_t q = 0, k = 0;
  for (const StepItem &item : session.items) {
    int64_t length = int64_t(item.before) + item.count;
    q = std::max(q, length);
    k = std::max(k, cross && entry == DECANT_ENTRY_DECODE ? int64_t(session.cache.slots[item.slot].source) : length);
  }
  return {{static_cast<int64_t>(session.items.size()), std::max<int64_t>(session.header().heads, 1), q, k}};
}

/// The rows of an i32 parameter whose bounds rest on their order.
decant_status checkSorted(decant_session &session, const decant_mask &mask) {
  int64_t place[4] = {0, 0, 0, 0}; // of a row: all indices but the last
  const int last = mask.rank - 1;
  for (bool more = true; more;) {
    int64_t row = 0;
    for (int i = 0; i < last; ++i)
      row += place[i] * mask.strides[i];
    const auto *values = static_cast<const int32_t *>(mask.data) + row;
    for (int64_t k = 1; k < mask.extents[last] && mask.strides[last] != 0; ++k)
      if (values[k * mask.strides[last]] < values[(k - 1) * mask.strides[last]])
        return session.text().fail(DECANT_INVALID_ARGUMENT,
                                   "mask %s: %d at %lld of its last dimension follows %d: the rows of this parameter "
                                   "must ascend",
                                   mask.name, values[k * mask.strides[last]], static_cast<long long>(k),
                                   values[(k - 1) * mask.strides[last]]);
    more = false;
    for (int i = last - 1; i >= 0 && !more; --i) {
      place[i] = mask.strides[i] != 0 && place[i] + 1 < mask.extents[i] ? place[i] + 1 : 0;
      more = place[i] != 0;
    }
  }
  return DECANT_OK;
}

decant_status setMask(decant_session &session, const decant_mask &mask, uint32_t entry) {
  std::span<const decant_param> params = session.model->tables.params();
  for (size_t p = 0; p < params.size(); ++p) {
    std::string_view name = session.model->tables.text(params[p].name);
    if (!mask.name || name != mask.name)
      continue;
    if (mask.rank != static_cast<int32_t>(params[p].rank) || !mask.data)
      return session.text().fail(DECANT_INVALID_ARGUMENT, "mask %s: rank %d with %s data, expected rank %u", mask.name,
                                 mask.rank, mask.data ? "some" : "no", params[p].rank);
    MaskLimits needed = maskLimits(session, name, entry);
    if (mask.rank == 2 || mask.rank == 3) // what their indices mean is the model's affair; kernels stay within them
      std::copy_n(mask.extents, mask.rank, needed.limits);
    MaskValue value{mask.data, mask.rank, {}, {}};
    int64_t reach = 0; // index of the last element that this step reads
    for (int32_t i = 0; i < mask.rank; ++i) {
      if (mask.strides[i] < 0 || mask.strides[i] > INT32_MAX || mask.extents[i] < 1 || mask.extents[i] > INT32_MAX ||
          (mask.strides[i] != 0 && mask.extents[i] < needed.limits[i]))
        return session.text().fail(
            DECANT_INVALID_ARGUMENT,
            "mask %s: dimension %d has extent %lld and stride %lld, this step needs an extent of %lld", mask.name, i,
            static_cast<long long>(mask.extents[i]), static_cast<long long>(mask.strides[i]),
            static_cast<long long>(needed.limits[i]));
      int64_t along = 0;
      if (__builtin_mul_overflow(mask.strides[i], std::max<int64_t>(needed.limits[i] - 1, 0), &along) ||
          __builtin_add_overflow(reach, along, &reach) || reach > INT32_MAX)
        return session.text().fail(
            DECANT_OUT_OF_RANGE,
            "mask %s: dimension %d with stride %lld and %lld indices reaches beyond 2147483647 elements, the most that "
            "kernels index: give fewer sequences at once",
            mask.name, i, static_cast<long long>(mask.strides[i]), static_cast<long long>(needed.limits[i]));
      value.extents[i] = mask.extents[i];
      value.strides[i] = mask.strides[i];
    }
    if (params[p].flags & DECANT_PARAM_SORTED)
      if (decant_status status = checkSorted(session, mask); status != DECANT_OK)
        return status;
    session.masks[p] = value;
    return DECANT_OK;
  }
  return session.text().fail(DECANT_INVALID_ARGUMENT, "the model has no mask parameter \"%s\"",
                             mask.name ? mask.name : "");
}

} // namespace

decant_status decant::rt::resolveMasks(decant_session &session, uint32_t entry, const decant_step_options *options) {
  std::span<const decant_param> params = session.model->tables.params();
  for (size_t p = 0; p < params.size(); ++p) // absent: the neutral element everywhere
    session.masks[p] = {&session.neutral[p], static_cast<int32_t>(params[p].rank), {1, 1, 1, 1}, {0, 0, 0, 0}};
  if (!sizeKnows(options, sizeof(decant_step_options)) || !options->masks)
    return DECANT_OK;
  for (size_t i = 0; i < options->mask_count; ++i)
    if (decant_status status = setMask(session, options->masks[i], entry); status != DECANT_OK)
      return status;
  return DECANT_OK;
}

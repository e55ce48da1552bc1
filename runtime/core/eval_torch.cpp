// One forward pass of a torch.nn.TransformerDecoder with PyTorch's masks: boolean true = masked, float = added.
//
// The masks become the parameters of the compiled decoder: self_causal, {self,cross}_keep (u8, 1 = visible) and
// {self,cross}_bias (f32). A float mask of 0 and -inf is a boolean one; a boolean one that equals the look-ahead matrix
// becomes self_causal. Every target row is computed: a padding mask only hides keys.
#include "runtime/core/eval.h"
#include "runtime/core/session.h"

#include <algorithm>
#include <cmath>

namespace decant::rt {
namespace {

using Ull = unsigned long long;

/// tgt or memory as (batch, tokens, width) f32.
struct Sequences {
  uint64_t batch = 1, tokens = 0;
  bool batched = false;
  Array<float> data;
};

/// Both masks of one attention, as parameters [b][h][q][k]; extents 1 where nothing depends on the index.
struct Masks {
  const char *keep_name, *bias_name;
  bool causal = false, has_keep = false, has_bias = false;
  uint64_t extents[4] = {1, 1, 1, 1};
  Array<uint8_t> keep;
  Array<float> bias;
};

struct TorchEvaluator {
  decant_session *session;
  std::span<const RawTensor> inputs;
  const Message &message;

  uint64_t heads() const {
    return session->model->tables.caches().empty() ? 1 : session->model->tables.caches()[0].kv_heads;
  }
  decant_status outOfMemory() { return message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory"); }
  decant_status fromSession(decant_status status) {
    return status == DECANT_OK ? status : message.fail(status, "%s", decant_session_message(session));
  }

  decant_status load(const char *name, Sequences &to) {
    const uint64_t width = session->header().width;
    const bool batch_first = session->header().batch_first;
    const RawTensor *t = findTensor(inputs, name);
    if (!t || (t->rank != 2 && t->rank != 3) || (t->type != RawF32 && t->type != RawF64) ||
        t->dims[t->rank - 1] != width)
      return message.fail(DECANT_INVALID_ARGUMENT, "%s: %s, expected (%s, %llu) or (tokens, %llu) of F32 or F64", name,
                          t ? "wrong shape or type" : "missing", batch_first ? "batch, tokens" : "tokens, batch",
                          Ull(width), Ull(width));
    to.batched = t->rank == 3;
    to.batch = to.batched ? t->dims[!batch_first] : 1;
    to.tokens = t->dims[to.batched && batch_first];
    if (!to.batch || !to.tokens)
      return message.fail(DECANT_INVALID_ARGUMENT, "%s: no tokens", name);
    if (!to.data.resize(t->elements()))
      return outOfMemory();
    for (uint64_t i = 0; i < t->elements(); ++i)
      to.data[cellInBatchOrder(i, to, width)] = static_cast<float>(elementAt(*t, i));
    return DECANT_OK;
  }

  /// Index in (batch, tokens, width) of element i of the tensor as the caller lays it out.
  uint64_t cellInBatchOrder(uint64_t i, const Sequences &s, uint64_t width) const {
    if (!s.batched || session->header().batch_first)
      return i;
    uint64_t row = i / width, token = row / s.batch, b = row % s.batch;
    return (b * s.tokens + token) * width + i % width;
  }

  decant_status checkMask(const char *name, const RawTensor &mask, bool padding, uint64_t batch, uint64_t queries,
                          uint64_t keys) {
    bool ok;
    if (padding)
      ok = (mask.rank == 2 || (mask.rank == 1 && batch == 1)) && mask.elements() == batch * keys &&
           mask.dims[mask.rank - 1] == keys;
    else
      ok = (mask.rank == 2 || (mask.rank == 3 && mask.dims[0] == batch * heads())) &&
           mask.dims[mask.rank - 1] == keys && mask.dims[mask.rank - 2] == queries;
    if (!ok && padding)
      return message.fail(DECANT_INVALID_ARGUMENT, "%s: wrong shape, expected (%llu, %llu)", name, Ull(batch),
                          Ull(keys));
    if (!ok)
      return message.fail(DECANT_INVALID_ARGUMENT, "%s: wrong shape, expected (%llu, %llu) or (%llu, %llu, %llu)", name,
                          Ull(queries), Ull(keys), Ull(batch * heads()), Ull(queries), Ull(keys));
    if (!isReal(mask))
      return checkFlags(mask, message);
    for (uint64_t i = 0; i < mask.elements(); ++i)
      if (double value = elementAt(mask, i); std::isnan(value) || value == INFINITY)
        return message.fail(DECANT_INVALID_ARGUMENT, "%s: element %llu is %g, expected a finite number or -inf", name,
                            Ull(i), value);
    return DECANT_OK;
  }

  static bool isReal(const RawTensor &mask) { return mask.type == RawF32 || mask.type == RawF64; }

  /// What one element adds to a score. Sums of several hide a key from kHidden down, as the kernels see it: two finite
  /// masks may well add up to -inf.
  static constexpr float kHidden = -1e30f;
  static float adds(const RawTensor &mask, uint64_t i) {
    double value = elementAt(mask, i);
    return static_cast<float>(isReal(mask) ? value : value != 0 ? -INFINITY : 0.0);
  }

  static bool isLookAhead(const RawTensor &mask) {
    if (mask.rank != 2 || mask.dims[0] != mask.dims[1])
      return false;
    for (uint64_t i = 0; i < mask.elements(); ++i)
      if (adds(mask, i) != (i % mask.dims[1] > i / mask.dims[1] ? -INFINITY : 0.0f))
        return false;
    return true;
  }

  decant_status combine(const char *mask_name, const char *padding_name, uint64_t batch, uint64_t queries,
                        uint64_t keys, bool self, Masks &to) {
    const RawTensor *mask = findTensor(inputs, mask_name), *padding = findTensor(inputs, padding_name);
    if (mask)
      if (decant_status status = checkMask(mask_name, *mask, false, batch, queries, keys); status != DECANT_OK)
        return status;
    if (padding)
      if (decant_status status = checkMask(padding_name, *padding, true, batch, queries, keys); status != DECANT_OK)
        return status;
    if (mask && self && isLookAhead(*mask)) {
      to.causal = true;
      mask = nullptr;
    }
    if (!mask && !padding)
      return DECANT_OK;
    const bool per_head = mask && mask->rank == 3;
    const uint64_t extents[4] = {padding || per_head ? batch : 1, per_head ? heads() : 1, mask ? queries : 1, keys};
    std::copy_n(extents, 4, to.extents);
    const uint64_t count = extents[0] * extents[1] * extents[2] * extents[3];
    if (!to.keep.resize(count) || !to.bias.resize(count))
      return outOfMemory();
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t k = i % keys, q = i / keys % extents[2], h = i / keys / extents[2] % extents[1],
               b = i / keys / extents[2] / extents[1];
      uint64_t in_mask = ((per_head ? b * heads() + h : 0) * queries + q) * keys + k, in_padding = b * keys + k;
      float sum = (mask ? adds(*mask, in_mask) : 0) + (padding ? adds(*padding, in_padding) : 0);
      bool hidden = sum <= kHidden;
      to.keep[i] = !hidden;
      to.bias[i] = hidden ? 0 : sum;
      to.has_keep = to.has_keep || hidden;
      to.has_bias = to.has_bias || to.bias[i] != 0;
    }
    return DECANT_OK;
  }

  static decant_mask asMask(const char *name, const void *data, const uint64_t *extents) {
    decant_mask mask{name, data, {}, {}, 4};
    int64_t stride = 1;
    for (int i = 3; i >= 0; --i) {
      mask.extents[i] = static_cast<int64_t>(extents[i]);
      mask.strides[i] = extents[i] == 1 ? 0 : stride;
      stride *= mask.extents[i];
    }
    return mask;
  }

  decant_status rowsOf(const Sequences &s, const Array<int32_t> &slots, Array<decant_rows> &rows) {
    rows.clear();
    for (uint64_t b = 0; b < s.batch; ++b)
      if (!rows.push({slots[b], static_cast<int32_t>(s.tokens), nullptr,
                      s.data.data() + b * s.tokens * session->header().width}))
        return outOfMemory();
    return DECANT_OK;
  }

  decant_status openSlots(uint64_t batch, Array<int32_t> &slots) {
    for (uint64_t b = 0; b < batch; ++b) {
      int32_t slot = 0;
      if (decant_status status = decant_slot_open(session, &slot); status != DECANT_OK)
        return fromSession(status);
      if (!slots.push(slot))
        return outOfMemory();
    }
    return DECANT_OK;
  }

  decant_status forward(const Sequences &target, const Sequences &memory, const Masks (&masks)[2],
                        decant_result &result) {
    Array<int32_t> slots;
    Array<decant_rows> rows;
    decant_status status = openSlots(target.batch, slots);
    if (status == DECANT_OK)
      status = rowsOf(memory, slots, rows);
    if (status != DECANT_OK)
      return status;
    if (status = decant_encode(session, rows.data(), rows.size(), nullptr, nullptr); status != DECANT_OK)
      return fromSession(status);
    if (status = rowsOf(target, slots, rows); status != DECANT_OK)
      return status;
    decant_mask given[5];
    size_t count = 0;
    const int32_t one = 1;
    if (masks[0].causal)
      given[count++] = {"self_causal", &one, {1}, {0}, 1};
    for (const Masks &each : masks) {
      if (each.has_keep)
        given[count++] = asMask(each.keep_name, each.keep.data(), each.extents);
      if (each.has_bias)
        given[count++] = asMask(each.bias_name, each.bias.data(), each.extents);
    }
    decant_step_options options{sizeof options, 1, given, count};
    return fromSession(decant_decode(session, rows.data(), rows.size(), &options, &result));
  }

  decant_status run(EvalResult &out) {
    Sequences target, memory;
    constexpr std::string_view kNames[] = {
        "tgt", "memory", "tgt_mask", "tgt_key_padding_mask", "memory_mask", "memory_key_padding_mask"};
    decant_status status = checkNames(inputs, kNames, message);
    if (status == DECANT_OK)
      status = load("tgt", target);
    if (status == DECANT_OK)
      status = load("memory", memory);
    if (status != DECANT_OK)
      return status;
    if (target.batch != memory.batch || target.batched != memory.batched)
      return message.fail(DECANT_INVALID_ARGUMENT, "memory: %llu sequences, tgt has %llu", Ull(memory.batch),
                          Ull(target.batch));
    Masks masks[2] = {{"self_keep", "self_bias", false, false, false, {1, 1, 1, 1}, {}, {}},
                      {"cross_keep", "cross_bias", false, false, false, {1, 1, 1, 1}, {}, {}}};
    status = combine("tgt_mask", "tgt_key_padding_mask", target.batch, target.tokens, target.tokens, true, masks[0]);
    if (status == DECANT_OK)
      status = combine("memory_mask", "memory_key_padding_mask", target.batch, target.tokens, memory.tokens, false,
                       masks[1]);
    decant_result result{};
    if (status == DECANT_OK)
      status = forward(target, memory, masks, result);
    if (status != DECANT_OK)
      return status;
    const RawTensor &shape = *findTensor(inputs, "tgt");
    float *to = out.add("output", {shape.dims, shape.rank});
    if (!to)
      return outOfMemory();
    for (uint64_t i = 0; i < shape.elements(); ++i) {
      uint64_t cell = cellInBatchOrder(i, target, result.columns);
      to[i] = result.data[cell / result.columns * result.stride + cell % result.columns];
    }
    return DECANT_OK;
  }
};

} // namespace

decant_status evaluateTorch(decant_session *session, std::span<const RawTensor> inputs, const Message &message,
                            EvalResult &out) {
  return TorchEvaluator{session, inputs, message}.run(out);
}

} // namespace decant::rt

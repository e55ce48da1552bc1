#include "runtime/core/eval.h"

#include "runtime/core/eval_params.h"
#include "runtime/core/module_file.h"
#include "runtime/core/session.h"

#include <algorithm>
#include <cerrno>

namespace decant::rt {
namespace {

using Ull = unsigned long long;

/// Tokens begin <= number < begin + most of each sequence.
struct Part {
  uint64_t begin = 0, most = UINT64_MAX;
};

/// The real tokens of a batch: ids or embeddings packed, and where each came from.
struct Packed {
  uint64_t batch = 0, length = 0, width = 0; ///< width: of embeddings, 0 = ids
  Array<int32_t> ids;
  Array<float> embeds;
  Array<uint64_t> cells;  ///< b * length + position of each packed id
  Array<uint64_t> starts; ///< (batch + 1)

  uint64_t count(uint64_t b) const { return starts[b + 1] - starts[b]; }
  /// Those of them that belong to `part`.
  uint64_t count(uint64_t b, Part part) const {
    return count(b) > part.begin ? std::min(count(b) - part.begin, part.most) : 0;
  }
};

struct Evaluator {
  decant_session *session;
  std::span<const RawTensor> inputs;
  const Message &message;
  EvalResult &out;

  decant_status outOfMemory() { return message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory"); }
  decant_status fromSession(decant_status status) {
    return status == DECANT_OK ? status : message.fail(status, "%s", decant_session_message(session));
  }

  decant_status pack(const char *name, const char *mask_name, Packed &packed) {
    const RawTensor *ids = findTensor(inputs, name), *mask = findTensor(inputs, mask_name);
    const uint64_t width = session->header().width;
    packed.width = takesEmbeds() ? width : 0;
    if (packed.width &&
        (!ids || ids->rank != 3 || ids->dims[2] != width || (ids->type != RawF32 && ids->type != RawF64)))
      return message.fail(DECANT_INVALID_ARGUMENT, "%s: %s, expected (batch, tokens, %llu) of F32 or F64", name,
                          ids ? "wrong shape or type" : "missing", Ull(width));
    if (!packed.width && (!ids || ids->rank != 2 || (ids->type != RawI32 && ids->type != RawI64)))
      return message.fail(DECANT_INVALID_ARGUMENT, "%s: %s, expected (batch, tokens) of I32 or I64", name,
                          ids ? "wrong rank or type" : "missing");
    if (mask && (mask->rank != 2 || mask->dims[0] != ids->dims[0] || mask->dims[1] != ids->dims[1]))
      return message.fail(DECANT_INVALID_ARGUMENT, "%s: its shape must be that of %s, (%llu, %llu)", mask_name, name,
                          Ull(ids->dims[0]), Ull(ids->dims[1]));
    if (mask)
      if (decant_status status = checkFlags(*mask, message); status != DECANT_OK)
        return status;
    packed.batch = ids->dims[0];
    packed.length = ids->dims[1];
    for (uint64_t b = 0; b < packed.batch; ++b)
      if (decant_status status = packOne(*ids, mask, b, packed); status != DECANT_OK)
        return status;
    return packed.starts.push(packed.cells.size()) ? DECANT_OK : outOfMemory();
  }

  /// A decoder without embeddings of its own.
  bool takesEmbeds() const { return !session->model->uses(DECANT_ENTRY_DECODE, DECANT_INPUT_IDS); }

  decant_status packOne(const RawTensor &ids, const RawTensor *mask, uint64_t b, Packed &packed) {
    if (!packed.starts.push(packed.cells.size()))
      return outOfMemory();
    for (uint64_t position = 0; position < packed.length; ++position) {
      uint64_t cell = b * packed.length + position;
      if (mask && elementAt(*mask, cell) == 0)
        continue;
      for (uint64_t i = 0; i < packed.width; ++i)
        if (!packed.embeds.push(static_cast<float>(elementAt(ids, cell * packed.width + i))))
          return outOfMemory();
      if (packed.width) {
        if (!packed.cells.push(cell))
          return outOfMemory();
        continue;
      }
      double id = elementAt(ids, cell);
      if (!(id >= 0 && id < double(session->header().vocab)))
        return message.fail(
            DECANT_INVALID_ARGUMENT, "%.*s: token id %.0f at (%llu, %llu) is outside the vocabulary of %u",
            static_cast<int>(ids.name.size()), ids.name.data(), id, Ull(b), Ull(position), session->header().vocab);
      if (!packed.ids.push(static_cast<int32_t>(id)) || !packed.cells.push(cell))
        return outOfMemory();
    }
    return DECANT_OK;
  }

  /// Rows of a step for every sequence with real tokens, in order: those of `part` in each.
  bool rowsOf(const Packed &packed, Part part, const Array<int32_t> &slots, Array<decant_rows> &rows) {
    rows.clear();
    for (uint64_t b = 0; b < packed.batch; ++b)
      if (uint64_t count = packed.count(b, part), first = packed.starts[b] + part.begin;
          count &&
          !rows.push({slots[b], static_cast<int32_t>(count), packed.width ? nullptr : packed.ids.data() + first,
                      packed.width ? packed.embeds.data() + first * packed.width : nullptr}))
        return false;
    return true;
  }

  float *add(const char *name, const Packed &packed, uint64_t columns) {
    const uint64_t dims[3] = {packed.batch, packed.length, columns};
    return out.add(name, dims);
  }

  void scatter(const Packed &packed, Part part, const decant_result &result, float *to) {
    const float *row = result.data;
    for (uint64_t b = 0; b < packed.batch; ++b)
      for (uint64_t i = 0; i < packed.count(b, part); ++i, row += result.stride)
        std::copy_n(row, result.columns, to + packed.cells[packed.starts[b] + part.begin + i] * result.columns);
  }

  bool takesFeatures() const { return session->header().source_width != 0; }

  /// input_features (batch, channels, frames): a row holds kFrames frames side by side. Models that take features want
  /// inputs of one length, max_source rows.
  decant_status packFeatures(Packed &packed) {
    constexpr uint64_t kFrames = DECANT_FRAMES_PER_ROW;
    const RawTensor *features = findTensor(inputs, "input_features");
    const uint64_t width = session->header().source_width, channels = width / kFrames,
                   frames = session->header().max_source * kFrames;
    if (!features || features->rank != 3 || features->dims[1] != channels || features->dims[2] != frames ||
        (features->type != RawF32 && features->type != RawF64))
      return message.fail(DECANT_INVALID_ARGUMENT, "input_features: %s, expected (batch, %llu, %llu) of F32 or F64",
                          features ? "wrong shape or type" : "missing", Ull(channels), Ull(frames));
    packed.batch = features->dims[0];
    packed.length = frames / kFrames;
    packed.width = width;
    const uint64_t cells = packed.batch * packed.length;
    if (!packed.cells.resize(cells) || !packed.embeds.resize(cells * width) || !packed.starts.resize(packed.batch + 1))
      return outOfMemory();
    for (uint64_t cell = 0; cell < cells; ++cell) {
      const uint64_t b = cell / packed.length, row = cell % packed.length;
      packed.cells[cell] = cell;
      packed.starts[b + 1] = cell + 1;
      for (uint64_t i = 0; i < width; ++i) {
        const uint64_t channel = i % channels, frame = row * kFrames + i / channels;
        packed.embeds[cell * width + i] =
            static_cast<float>(elementAt(*features, (b * channels + channel) * frames + frame));
      }
    }
    return DECANT_OK;
  }

  decant_status encode(const Array<int32_t> &slots, Array<decant_rows> &rows) {
    Packed source;
    if (decant_status status = takesFeatures() ? packFeatures(source) : pack("input_ids", "attention_mask", source);
        status != DECANT_OK)
      return status;
    for (uint64_t b = 0; b < source.batch; ++b)
      if (!source.count(b))
        return message.fail(DECANT_INVALID_ARGUMENT, "attention_mask: sequence %llu has no real token", Ull(b));
    if (!rowsOf(source, Part(), slots, rows))
      return outOfMemory();
    decant_result hidden{};
    if (decant_status status = decant_encode(session, rows.data(), rows.size(), nullptr, &hidden); status != DECANT_OK)
      return fromSession(status);
    if (!hidden.rows)
      return DECANT_OK;
    float *to = add("encoder_last_hidden_state", source, hidden.columns);
    if (!to)
      return outOfMemory();
    scatter(source, Part(), hidden, to);
    return DECANT_OK;
  }

  /// All at once, or in as many steps as the model's caches need.
  decant_status decode(const Packed &target, const Array<int32_t> &slots, Array<decant_rows> &rows) {
    const uint32_t vocab = session->header().vocab;
    float *to = add(vocab ? "logits" : "last_hidden_state", target, vocab ? vocab : session->header().width);
    if (!to)
      return outOfMemory();
    EvalParams params;
    if (decant_status status = params.collect(*session, inputs, message); status != DECANT_OK)
      return status;
    const decant_step_options options{sizeof options, 1, params.masks().data(), params.masks().size()};
    Part part{0, session->model->tables.maxStepTokens()};
    for (; part.begin < target.length; part.begin += part.most) {
      if (!rowsOf(target, part, slots, rows))
        return outOfMemory();
      if (rows.empty())
        break;
      if (rows.size() != target.batch && !params.masks().empty())
        return message.fail(DECANT_INVALID_ARGUMENT,
                            "%s: with it every sequence needs a token in every step (steps of %llu tokens): give the "
                            "sequences apart",
                            params.masks()[0].name, Ull(part.most));
      decant_result result{};
      if (decant_status status = decant_decode(session, rows.data(), rows.size(), &options, &result);
          status != DECANT_OK)
        return fromSession(status);
      scatter(target, part, result, to);
    }
    return DECANT_OK;
  }

  decant_status run() {
    bool encoder = session->header().model_kind == DECANT_MODEL_ENCODER_DECODER;
    Packed target;
    const char *tokens = encoder ? "decoder_input_ids" : takesEmbeds() ? "inputs_embeds" : "input_ids";
    Array<std::string_view> names;
    for (const char *name :
         {takesFeatures() ? "input_features"
          : encoder       ? "input_ids"
                          : tokens,
          takesFeatures() ? "decoder_input_ids" : "attention_mask", "decoder_input_ids", "decoder_attention_mask"})
      if ((encoder || names.size() < 2) && !names.push(name))
        return outOfMemory();
    for (const decant_param &param : session->model->tables.params())
      if (!names.push(session->model->tables.text(param.name)))
        return outOfMemory();
    decant_status status = checkNames(inputs, {names.data(), names.size()}, message);
    if (status != DECANT_OK)
      return status;
    status = pack(tokens, encoder ? "decoder_attention_mask" : "attention_mask", target);
    if (status != DECANT_OK)
      return status;
    const uint64_t batch = session->cache.slots.size(); // of the encoder's input
    if (target.batch != batch)
      return message.fail(DECANT_INVALID_ARGUMENT, "decoder_input_ids: %llu sequences, %s has %llu", Ull(target.batch),
                          takesFeatures() ? "input_features" : "input_ids", Ull(batch));
    Array<int32_t> slots;
    Array<decant_rows> rows;
    for (uint64_t b = 0; b < target.batch; ++b) {
      int32_t slot = 0;
      if (status = decant_slot_open(session, &slot); status != DECANT_OK)
        return fromSession(status);
      if (!slots.push(slot))
        return outOfMemory();
    }
    if (encoder)
      if (status = encode(slots, rows); status != DECANT_OK)
        return status;
    return decode(target, slots, rows);
  }
};

/// The input that says how many sequences there are.
const char *namingInput(const decant_model &model) {
  if (model.header().model_kind == DECANT_MODEL_TORCH_DECODER)
    return "tgt";
  if (model.header().source_width)
    return "input_features";
  return model.header().model_kind == DECANT_MODEL_DECODER_ONLY && !model.uses(DECANT_ENTRY_DECODE, DECANT_INPUT_IDS)
             ? "inputs_embeds"
             : "input_ids";
}

/// Sequences in the batch, for the number of slots; 0 if the naming tensor is missing.
uint64_t batchOf(const decant_model &model, std::span<const RawTensor> inputs) {
  bool torch = model.header().model_kind == DECANT_MODEL_TORCH_DECODER;
  const RawTensor *tensor = findTensor(inputs, namingInput(model));
  if (!tensor)
    return 0;
  return torch ? (tensor->rank == 3 ? tensor->dims[!model.header().batch_first] : 1) : tensor->dims[0];
}

} // namespace

float *EvalResult::add(std::string_view name, std::span<const uint64_t> dims) {
  RawTensor tensor{name, RawF32, static_cast<uint32_t>(dims.size()), {1, 1, 1, 1}, nullptr};
  std::copy(dims.begin(), dims.end(), tensor.dims);
  if (!data[count].resize(std::max<uint64_t>(tensor.elements(), 1)))
    return nullptr;
  tensor.data = reinterpret_cast<const uint8_t *>(data[count].data());
  tensors[count] = tensor;
  return data[count++].data();
}

const RawTensor *findTensor(std::span<const RawTensor> inputs, std::string_view name) {
  for (const RawTensor &tensor : inputs)
    if (tensor.name == name)
      return &tensor;
  return nullptr;
}

decant_status checkNames(std::span<const RawTensor> inputs, std::span<const std::string_view> known,
                         const Message &message) {
  char list[512] = "";
  for (size_t used = 0; std::string_view name : known) {
    if (used + 8 >= sizeof list) // longer names stay out of the sentence
      break;
    used += static_cast<size_t>(std::snprintf(list + used, sizeof list - used, "%s%.*s", used ? ", " : "",
                                              static_cast<int>(name.size()), name.data()));
  }
  for (const RawTensor &tensor : inputs)
    if (std::find(known.begin(), known.end(), tensor.name) == known.end())
      return message.fail(DECANT_INVALID_ARGUMENT, "%.*s: unknown input; this model takes %s",
                          static_cast<int>(std::min<size_t>(tensor.name.size(), 100)), tensor.name.data(), list);
  return DECANT_OK;
}

decant_status checkFlags(const RawTensor &mask, const Message &message) {
  const int length = static_cast<int>(mask.name.size());
  if (mask.type == RawBool)
    return DECANT_OK;
  if (mask.type != RawI32 && mask.type != RawI64)
    return message.fail(DECANT_INVALID_ARGUMENT, "%.*s: wrong type, expected BOOL, I32 or I64", length,
                        mask.name.data());
  for (uint64_t i = 0; i < mask.elements(); ++i)
    if (double value = elementAt(mask, i); value != 0 && value != 1)
      return message.fail(DECANT_INVALID_ARGUMENT, "%.*s: element %llu is %.0f, expected 0 or 1", length,
                          mask.name.data(), Ull(i), value);
  return DECANT_OK;
}

double elementAt(const RawTensor &tensor, uint64_t i) {
  auto load = [&]<class T>(T value) {
    std::memcpy(&value, tensor.data + i * sizeof(T), sizeof(T));
    return static_cast<double>(value);
  };
  switch (tensor.type) {
  case RawF32:
    return load(float());
  case RawI32:
    return load(int32_t());
  case RawI64:
    return load(int64_t());
  case RawF64:
    return load(double());
  default:
    return load(uint8_t());
  }
}

decant_status evaluate(decant_model *model, int32_t threads, std::span<const RawTensor> inputs, const Message &message,
                       EvalResult &out) {
  uint64_t batch = batchOf(*model, inputs);
  bool torch = model->header().model_kind == DECANT_MODEL_TORCH_DECODER;
  if (batch == 0 || batch > 1u << 16)
    return message.fail(DECANT_INVALID_ARGUMENT, "%s: missing, or its batch is not 1 to 65536", namingInput(*model));
  decant_session_options options{sizeof options, threads, static_cast<int32_t>(batch)};
  decant_session *session = nullptr;
  if (decant_status status = decant_session_create(model, &options, &session); status != DECANT_OK)
    return message.fail(status, "no session for %llu sequences: %s", Ull(batch), decant_session_message(nullptr));
  decant_status status =
      torch ? evaluateTorch(session, inputs, message, out) : Evaluator{session, inputs, message, out}.run();
  decant_session_release(session);
  return status;
}

decant_status evalFile(decant_model *model, int32_t threads, const char *in, const char *out, const Message &message) {
  MappedFile file;
  if (decant_status status = mapFile(in, message, file); status != DECANT_OK)
    return status;
  Array<RawTensor> inputs;
  EvalResult result;
  decant_status status = readRawTensors(file.data, file.bytes, in, message, inputs);
  if (status == DECANT_OK)
    status = evaluate(model, threads, {inputs.data(), inputs.size()}, message, result);
  unmap(file);
  if (status != DECANT_OK)
    return status;
  FILE *to = std::fopen(out, "wb");
  bool ok = to && writeRawTensors(to, {result.tensors, result.count});
  int error = errno;
  if (to && std::fclose(to) != 0)
    ok = false;
  return ok ? DECANT_OK
            : message.fail(DECANT_RESOURCE_EXHAUSTED, "%s: cannot be written: %s", out, std::strerror(error));
}

} // namespace decant::rt

// Padded ids and masks -> packed rows -> padded logits and encoder states. See Eval.h.
#include "compiler/config/Errors.h"
#include "compiler/reference/EvalInputs.h"

#include <fmt/format.h>

namespace decant {
namespace {

constexpr int64_t kFrames = 2; // of a signal, side by side in a row of features

/// A padded batch [B, S] without its masked tokens.
template <class T> struct Packed {
  int64_t batch = 0, length = 0;
  Rows rows;
  Tensor<int32_t> ids;
  Tensor<T> features;         ///< of a model that takes those instead of ids
  std::vector<int64_t> slots; ///< b * S + s of each row
};

template <class T>
llvm::Expected<Packed<T>> pack(const EvalInputs &inputs, llvm::StringRef idsName, llvm::StringRef maskName,
                               int64_t vocab, int64_t limit) {
  auto shape = inputs.find(idsName)->shape;
  if (shape.size() != 2)
    return EvalInputs::error(idsName, fmt::format("has shape {}, expected [batch, positions]", printShape(shape)));
  if (shape[0] < 1 || shape[0] > dec::kMaxBatch)
    return EvalInputs::error(idsName, fmt::format("has shape {}: the batch is {}, expected 1..{}", printShape(shape),
                                                  shape[0], dec::kMaxBatch));
  auto ids = inputs.integers(idsName);
  if (!ids)
    return ids.takeError();
  std::vector<uint8_t> real(ids->size(), 1);
  if (inputs.find(maskName)) {
    if (llvm::Error error = inputs.checkShape(maskName, shape))
      return error;
    auto flags = inputs.flags(maskName);
    if (!flags)
      return flags.takeError();
    real = std::move(*flags);
  }
  Packed<T> result{shape[0], shape[1], {}, {}, {}, {}};
  for (int64_t b = 0; b < result.batch; ++b) {
    int64_t count = 0;
    for (int64_t slot = b * result.length; slot < (b + 1) * result.length; ++slot) {
      if (!real[slot])
        continue;
      int64_t id = (*ids)[slot];
      if (id < 0 || id >= vocab)
        return EvalInputs::error(idsName, fmt::format("holds the id {} at [{}, {}], the vocabulary has {}", id, b,
                                                      slot - b * result.length, vocab));
      result.ids.data.push_back(static_cast<int32_t>(id));
      result.slots.push_back(slot);
      ++count;
    }
    if (count > limit)
      return EvalInputs::tooLong(idsName, count, limit);
    result.rows.add(count, 0);
  }
  result.ids.shape = {result.rows.total()};
  return result;
}

/// input_features [B, channels, frames]: rows of kFrames frames, all of max_source.
template <class T> llvm::Expected<Packed<T>> packFeatures(const EvalInputs &inputs, dec::ModelOp model) {
  int64_t width = *model.getSourceWidth(), channels = width / kFrames, frames = model.getMaxSource() * kFrames;
  auto shape = inputs.find("input_features")->shape;
  if (shape.size() != 3 || shape[0] < 1 || shape[0] > dec::kMaxBatch || shape[1] != channels || shape[2] != frames)
    return EvalInputs::error(
        "input_features", fmt::format("has shape {}, expected [batch, {}, {}]", printShape(shape), channels, frames));
  auto data = inputs.reals("input_features");
  if (!data)
    return data.takeError();
  Packed<T> result{shape[0], model.getMaxSource(), {}, {}, {}, {}};
  result.features = matrix<T>(result.batch * result.length, width);
  for (int64_t row = 0; row < result.batch * result.length; ++row) {
    int64_t b = row / result.length, first = row % result.length * kFrames;
    result.slots.push_back(row);
    for (int64_t i = 0; i < width; ++i)
      result.features.row(row)[i] =
          static_cast<T>((*data)[(b * channels + i % channels) * frames + first + i / channels]);
  }
  for (int64_t b = 0; b < result.batch; ++b)
    result.rows.add(result.length, 0);
  return result;
}

/// Rows back to their places, zeros elsewhere.
template <class T> NamedTensor unpack(std::string name, const Packed<T> &packed, const Tensor<T> &rows) {
  int64_t n = rows.shape[1];
  std::vector<T> data(packed.batch * packed.length * n);
  for (size_t r = 0; r < packed.slots.size(); ++r)
    std::copy_n(rows.row(r), n, data.begin() + packed.slots[r] * n);
  return makeOutput(std::move(name), {packed.batch, packed.length, n}, data);
}

} // namespace

template <class T>
llvm::Expected<std::vector<NamedTensor>> evalEncoderDecoder(dec::ModelOp model, const WeightSet &weights,
                                                            const EvalInputs &inputs) {
  const char *sourceName = model.getSourceWidth() ? "input_features" : "input_ids";
  llvm::SmallVector<llvm::StringRef> names{sourceName, "decoder_input_ids", "decoder_attention_mask"};
  if (!model.getSourceWidth())
    names.push_back("attention_mask");
  if (llvm::Error error = inputs.checkNames(names, {sourceName, "decoder_input_ids"}))
    return error;
  auto source = model.getSourceWidth()
                    ? packFeatures<T>(inputs, model)
                    : pack<T>(inputs, "input_ids", "attention_mask", model.getVocab(), model.getMaxSource());
  if (!source)
    return source.takeError();
  auto target = pack<T>(inputs, "decoder_input_ids", "decoder_attention_mask", model.getVocab(), model.getMaxContext());
  if (!target)
    return target.takeError();
  if (source->batch != target->batch)
    return EvalInputs::error("decoder_input_ids",
                             fmt::format("has {} sequences, \"{}\" {}", target->batch, sourceName, source->batch));

  Interpreter<T> interpreter(model, weights);
  llvm::StringMap<Value<T>> arguments;
  arguments["input_ids"] = source->ids;
  arguments["input_features"] = source->features;
  arguments["rows"] = source->rows;
  auto encoded = runEntry(model, interpreter, "encode", arguments);
  if (!encoded)
    return encoded.takeError();
  arguments["memory"] = encoded->front();
  arguments["memory_rows"] = source->rows;
  arguments["input_ids"] = target->ids;
  arguments["rows"] = target->rows;
  auto decoded = runEntry(model, interpreter, "decode", arguments);
  if (!decoded)
    return decoded.takeError();
  std::vector<NamedTensor> outputs;
  outputs.push_back(unpack("logits", *target, std::get<Tensor<T>>(decoded->front())));
  outputs.push_back(unpack("encoder_last_hidden_state", *source, std::get<Tensor<T>>(encoded->front())));
  return outputs;
}

template llvm::Expected<std::vector<NamedTensor>> evalEncoderDecoder<float>(dec::ModelOp, const WeightSet &,
                                                                            const EvalInputs &);
template llvm::Expected<std::vector<NamedTensor>> evalEncoderDecoder<double>(dec::ModelOp, const WeightSet &,
                                                                             const EvalInputs &);

} // namespace decant

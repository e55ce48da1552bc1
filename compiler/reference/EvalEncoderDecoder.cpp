// Padded ids and masks -> packed rows -> padded logits and encoder states. See Eval.h.
#include "compiler/config/Errors.h"
#include "compiler/reference/EvalInputs.h"

#include <fmt/format.h>

namespace decant {
namespace {

/// A padded batch [B, S] without its masked tokens.
struct Packed {
  int64_t batch = 0, length = 0;
  Rows rows;
  Tensor<int32_t> ids;
  std::vector<int64_t> slots; ///< b * S + s of each row
};

llvm::Expected<Packed> pack(const EvalInputs &inputs, llvm::StringRef idsName, llvm::StringRef maskName, int64_t vocab,
                            int64_t limit) {
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
  Packed result{shape[0], shape[1], {}, {}, {}};
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

/// Rows back to their places, zeros elsewhere.
template <class T> NamedTensor unpack(std::string name, const Packed &packed, const Tensor<T> &rows) {
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
  if (llvm::Error error =
          inputs.checkNames({"input_ids", "attention_mask", "decoder_input_ids", "decoder_attention_mask"},
                            {"input_ids", "decoder_input_ids"}))
    return error;
  auto source = pack(inputs, "input_ids", "attention_mask", model.getVocab(), model.getMaxSource());
  if (!source)
    return source.takeError();
  auto target = pack(inputs, "decoder_input_ids", "decoder_attention_mask", model.getVocab(), model.getMaxContext());
  if (!target)
    return target.takeError();
  if (source->batch != target->batch)
    return EvalInputs::error("decoder_input_ids",
                             fmt::format("has {} sequences, \"input_ids\" {}", target->batch, source->batch));

  Interpreter<T> interpreter(model, weights);
  llvm::StringMap<Value<T>> arguments;
  arguments["input_ids"] = source->ids;
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

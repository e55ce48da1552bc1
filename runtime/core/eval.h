// Teacher forcing: `decant eval` on an artifact. One forward pass; in steps of a model's kWindowStep tokens where its
// caches keep the newest positions alone (the same for masks that look back; a torch decoder refuses longer ones).
// Tensor names and shapes are those of the Hugging Face forward arguments, or of torch.nn.TransformerDecoder.forward.
// Tested in tests/runtime and tests/e2e.
#pragma once

#include "runtime/core/model.h"
#include "runtime/core/raw_tensors.h"

namespace decant::rt {

/// Output tensors; they own their data.
struct EvalResult {
  Array<float> data[2];
  RawTensor tensors[2]; ///< names are static
  size_t count = 0;

  /// Adds a zeroed tensor; nullptr = out of memory.
  float *add(std::string_view name, std::span<const uint64_t> dims);
};

/// Encoder-decoder: input_ids [B,S], attention_mask (or input_features [B, channels, frames]), decoder_input_ids [B,T],
/// decoder_attention_mask -> logits [B,T,V], encoder_last_hidden_state [B,S,E]. Decoder-only: input_ids, attention_mask
/// -> logits. Tokens whose mask is 0 take no part, their rows are zero. Torch decoder: tgt, memory, [tgt_mask,
/// memory_mask, tgt_key_padding_mask, memory_key_padding_mask] -> output. Integers I32 or I64, masks BOOL, I32 or I64;
/// those of a torch decoder also F32 or F64. An input with an unknown name is an error.
decant_status evaluate(decant_model *model, int32_t threads, std::span<const RawTensor> inputs, const Message &message,
                       EvalResult &out);

/// Reads the raw tensors of `in`, evaluates, writes `out`.
decant_status evalFile(decant_model *model, int32_t threads, const char *in, const char *out, const Message &message);

/// evaluate() for model kind 2 (eval_torch.cpp).
decant_status evaluateTorch(decant_session *session, std::span<const RawTensor> inputs, const Message &message,
                            EvalResult &out);

/// INVALID_ARGUMENT: an input with another name than those.
decant_status checkNames(std::span<const RawTensor> inputs, std::span<const std::string_view> known,
                         const Message &message);
/// INVALID_ARGUMENT: a mask that is not BOOL, or I32 or I64 of 0 and 1.
decant_status checkFlags(const RawTensor &mask, const Message &message);

/// The tensor of that name, or nullptr.
const RawTensor *findTensor(std::span<const RawTensor> inputs, std::string_view name);
/// Element i as a double (exact for every type but large I64).
double elementAt(const RawTensor &tensor, uint64_t i);

} // namespace decant::rt

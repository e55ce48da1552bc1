// `decant eval MODEL --reference`: teacher forcing with the interpreter, tensors by name in and out.
//
// Encoder-decoder (names of transformers): input_ids, attention_mask, decoder_input_ids, decoder_attention_mask ->
// logits, encoder_last_hidden_state; tokens whose mask is 0 are left out, their rows come back as zeros.
// Torch decoder (names of PyTorch): tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask
// -> output.
// Decoder-only: input_ids or inputs_embeds [batch, tokens, width], attention_mask, and the model's mask parameters by
// their dec.name (absent: neutral; indices count real tokens, padding left out) -> logits, or last_hidden_state of a
// model without a vocabulary. Tested in tests/reference and tests/e2e.
#pragma once

#include "compiler/weights/WeightSet.h"

#include "mlir/IR/BuiltinOps.h"

#include <map>
#include <string>
#include <vector>

namespace decant {

using InputTensors = std::map<std::string, TensorView>;

/// `module` holds one dec.model in a phase before select. Outputs are F64 if `f64`, else F32. Errors name the input
/// tensor: unknown, missing, of another type or shape, ids outside the vocabulary (BadInput), too long (Resource).
llvm::Expected<std::vector<NamedTensor>> evalReference(mlir::ModuleOp module, const WeightSet &weights,
                                                       const InputTensors &inputs, bool f64);

} // namespace decant

// "qwen3": Llama with an RMS norm of each head of queries and keys (Yang et al. 2025, arXiv:2505.09388).
//
// Keys: Qwen3Config of transformers 4 and 5. Tested as LlamaLike.
#include "compiler/config/Limits.h"
#include "compiler/import/DecoderOnly.h"
#include "compiler/import/Families.h"
#include "compiler/import/LlamaLike.h"

namespace decant {

llvm::Expected<DecoderConfig> readQwen3(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  LlamaStyle style;
  readLlamaKeys(keys, result, style, {.vocab = 151936, .ffn = 22016, .headDim = 128, .maxPositions = 32768});
  style.headNorms = true;
  style.qkvBias = style.outputBias = keys.boolean("attention_bias", false);
  bool slides = keys.boolean("use_sliding_window", false);
  int64_t window = keys.integerOrNull("sliding_window", 4096, 1, limits::context);
  int64_t full = keys.integerOrNull("max_window_layers", 28, 0, limits::layers); // layers before it see everything
  style.windows = readWindows(keys, result.decoder.layers, slides ? window : 0, [](int64_t) { return true; });
  for (int64_t i = 0; i < std::min(full, result.decoder.layers) && !keys.has("layer_types"); ++i)
    style.windows[i] = 0;
  GenerationConfig generation;
  return finishLlama(input, keys, std::move(result), std::move(style), generation);
}

} // namespace decant

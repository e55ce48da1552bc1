// "qwen2": Llama with biases on queries, keys and values (Yang et al. 2024, arXiv:2407.10671).
//
// Keys: Qwen2Config of transformers 4 and 5. Tested as LlamaLike.
#include "compiler/config/Limits.h"
#include "compiler/import/DecoderOnly.h"
#include "compiler/import/Families.h"
#include "compiler/import/LlamaLike.h"

namespace decant {

llvm::Expected<DecoderConfig> readQwen2(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  LlamaStyle style;
  readLlamaKeys(keys, result, style, {.vocab = 151936, .ffn = 22016, .maxPositions = 32768});
  style.qkvBias = true;
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

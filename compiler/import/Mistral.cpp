// "mistral": Llama with a window, whose absence means 4096 and whose null means none (Jiang et al. 2023,
// arXiv:2310.06825).
//
// Keys: MistralConfig of transformers 4 and 5. Tested as LlamaLike.
#include "compiler/config/Limits.h"
#include "compiler/import/Families.h"
#include "compiler/import/LlamaLike.h"

namespace decant {

llvm::Expected<DecoderConfig> readMistral(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  LlamaStyle style;
  readLlamaKeys(keys, result, style, {.ffn = 14336, .kvHeads = 8, .maxPositions = 131072});
  int64_t window = keys.has("sliding_window") ? keys.integerOrNull("sliding_window", 0, 1, limits::context) : 4096;
  keys.take("sliding_window");
  style.windows.assign(style.windows.size(), window);
  GenerationConfig generation;
  generation.bosTokenId = 1;
  generation.eosTokenIds = {2};
  return finishLlama(input, keys, std::move(result), std::move(style), generation);
}

} // namespace decant

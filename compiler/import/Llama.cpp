// "llama": Touvron et al. 2023, arXiv:2302.13971; 2 and 3 with grouped queries and scaled rotary positions.
//
// Keys: LlamaConfig of transformers 4 and 5. Tested as LlamaLike.
#include "compiler/config/Limits.h"
#include "compiler/import/Families.h"
#include "compiler/import/LlamaLike.h"

namespace decant {

llvm::Expected<DecoderConfig> readLlama(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  LlamaStyle style;
  readLlamaKeys(keys, result, style, {});
  style.qkvBias = style.outputBias = keys.boolean("attention_bias", false);
  style.mlpBias = keys.boolean("mlp_bias", false);
  GenerationConfig generation;
  generation.bosTokenId = 1;
  generation.eosTokenIds = {2};
  return finishLlama(input, keys, std::move(result), std::move(style), generation);
}

} // namespace decant

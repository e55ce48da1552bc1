// "phi3": Llama with fused tensors (Abdin et al. 2024, arXiv:2404.14219).
//
// Keys: Phi3Config of transformers 4 and 5. Tested as LlamaLike.
#include "compiler/config/Limits.h"
#include "compiler/import/Families.h"
#include "compiler/import/LlamaLike.h"

namespace decant {

llvm::Expected<DecoderConfig> readPhi3(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  LlamaStyle style;
  readLlamaKeys(keys, result, style,
                {.vocab = 32064, .width = 3072, .ffn = 8192, .maxPositions = 4096, .normEps = 1e-5});
  style.fused = true;
  style.windows.assign(style.windows.size(), keys.integerOrNull("sliding_window", 0, 1, limits::context));
  keys.neutral("attention_bias", false);
  keys.harmless({"resid_pdrop", "embd_pdrop"});
  GenerationConfig generation;
  generation.bosTokenId = 1;
  generation.eosTokenIds = {32000};
  generation.padTokenId = 32000;
  return finishLlama(input, keys, std::move(result), std::move(style), generation);
}

} // namespace decant

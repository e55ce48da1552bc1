// "gemma": Llama with heads of their own size, norms of weight + 1, scaled embeddings, a gelu gate (Gemma Team 2024,
// arXiv:2403.08295).
//
// Keys: GemmaConfig of transformers 4 and 5. Tested as LlamaLike.
#include "compiler/config/Limits.h"
#include "compiler/import/Families.h"
#include "compiler/import/LlamaLike.h"

#include <cmath>

namespace decant {

llvm::Expected<DecoderConfig> readGemma(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  LlamaStyle style;
  // Old files say "gelu" in hidden_act and mean the tanh form; hidden_activation, if it is there, says so.
  const char *key = keys.has("hidden_activation") ? "hidden_activation" : "hidden_act";
  const json::Value *activation = keys.take(key);
  bool isNull = activation && activation->is(json::Kind::Null);
  readLlamaKeys(keys, result, style,
                {.vocab = 256000,
                 .width = 3072,
                 .ffn = 24576,
                 .layers = 28,
                 .heads = 16,
                 .kvHeads = 16,
                 .headDim = 256,
                 .maxPositions = 8192,
                 .tied = true,
                 .activationKey = isNull ? "hidden_act" : key,
                 .activation = "gelu_pytorch_tanh"});
  keys.harmless({"hidden_act", "hidden_activation"});
  style.qkvBias = style.outputBias = keys.boolean("attention_bias", false);
  style.plusOne = true;
  result.embedScale = std::sqrt(static_cast<double>(result.width));
  keys.neutral("use_bidirectional_attention", false);
  GenerationConfig generation;
  generation.padTokenId = 0;
  generation.eosTokenIds = {1};
  generation.bosTokenId = 2;
  return finishLlama(input, keys, std::move(result), std::move(style), generation);
}

} // namespace decant

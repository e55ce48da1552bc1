// "gemma2": Gemma with norms behind the sublayers, capped scores and logits, a window in every other layer (Gemma Team
// 2024, arXiv:2408.00118).
//
// Keys: Gemma2Config of transformers 4 and 5. Tested as LlamaLike.
#include "compiler/config/Limits.h"
#include "compiler/import/DecoderOnly.h"
#include "compiler/import/Families.h"
#include "compiler/import/LlamaLike.h"

#include <cmath>

namespace decant {

llvm::Expected<DecoderConfig> readGemma2(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  LlamaStyle style;
  readLlamaKeys(keys, result, style,
                {.vocab = 256000,
                 .width = 2304,
                 .ffn = 9216,
                 .layers = 26,
                 .heads = 8,
                 .kvHeads = 4,
                 .headDim = 256,
                 .maxPositions = 8192,
                 .tied = true,
                 .activationKey = "hidden_activation",
                 .activation = "gelu_pytorch_tanh"});
  keys.neutral("hidden_act", "gelu_pytorch_tanh");
  style.qkvBias = style.outputBias = keys.boolean("attention_bias", false);
  style.plusOne = style.fourNorms = true;
  style.scale = 1 / std::sqrt(keys.real("query_pre_attn_scalar", 256, 1e-6, 1e12));
  auto softcap = [&](const char *key, double fallback) {
    const json::Value *value = keys.take(key);
    bool off = value && value->is(json::Kind::Null);
    return off ? 0 : keys.real(key, fallback, 1e-6, 1e12);
  };
  style.scoreSoftcap = softcap("attn_logit_softcapping", 50);
  style.logitsSoftcap = softcap("final_logit_softcapping", 30);
  int64_t window = keys.integerOrNull("sliding_window", 4096, 1, limits::context);
  style.windows = readWindows(keys, result.decoder.layers, window, [](int64_t layer) { return layer % 2 == 0; });
  result.embedScale = std::sqrt(static_cast<double>(result.width));
  keys.neutral("use_bidirectional_attention", false);
  keys.neutral("cache_implementation", "hybrid");
  GenerationConfig generation;
  generation.padTokenId = 0;
  generation.eosTokenIds = {1};
  generation.bosTokenId = 2;
  return finishLlama(input, keys, std::move(result), std::move(style), generation);
}

} // namespace decant

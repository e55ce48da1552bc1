// "mbart": BART with pre-norm and a norm behind each stack (Liu et al. 2020, arXiv:2001.08210).
//
// Keys: MBartConfig of transformers 4 and 5. mBART-50 names the target language by forced_bos_token_id. Tested as
// BartLike.
#include "compiler/config/Limits.h"
#include "compiler/import/BartLike.h"
#include "compiler/import/Families.h"

namespace decant {

static GenerationConfig defaults() {
  GenerationConfig result;
  result.bosTokenId = 0;
  result.padTokenId = 1;
  result.eosTokenIds = {2};
  result.forcedEosTokenId = 2;
  return result;
}

llvm::Expected<DecoderConfig> readMBart(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  readBartKeys(keys, result);
  result.vocab = keys.integer("vocab_size", 50265, 1, limits::vocabulary);
  result.maxPositions = keys.integer("max_position_embeddings", 1024, 1, limits::context);
  for (const char *key : {"normalize_before", "normalize_embedding", "add_final_layer_norm"})
    keys.neutral(key, true); // of older files
  keys.neutral("static_position_embeddings", false);
  if (llvm::Error error = finishFamily(input, keys, defaults(), result))
    return error;
  BartStyle style;
  style.preNorm = style.embeddingNorm = true;
  style.positionOffset = 2;
  result.build = [style](ModelBuilder &builder) { buildBartLike(builder, style); };
  return result;
}

} // namespace decant

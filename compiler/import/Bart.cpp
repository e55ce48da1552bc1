// "bart": learned positions with offset 2, post-norm, layernorm_embedding (Lewis et al. 2019, arXiv:1910.13461).
//
// Keys: BartConfig of transformers 4 and 5; legacy keys that would make it another model are accepted at their neutral
// value only. Tensor names: BartForConditionalGeneration. Tested in tests/import/BartTest.cpp and as BartLike.
#include "compiler/config/Limits.h"
#include "compiler/import/BartLike.h"
#include "compiler/import/Families.h"
#include "compiler/import/ModelBuilder.h"

namespace decant {

static GenerationConfig defaults() {
  GenerationConfig result;
  result.bosTokenId = 0;
  result.padTokenId = 1;
  result.eosTokenIds = {2};
  result.decoderStartTokenId = 2;
  result.forcedEosTokenId = 2;
  return result;
}

llvm::Expected<DecoderConfig> readBart(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  readBartKeys(keys, result);
  result.vocab = keys.integer("vocab_size", 50265, 1, limits::vocabulary);
  result.maxPositions = keys.integer("max_position_embeddings", 1024, 1, limits::context);
  keys.neutral("normalize_embedding", true);
  keys.neutral("extra_pos_embeddings", 2.0);
  for (const char *key : {"normalize_before", "add_final_layer_norm", "static_position_embeddings"})
    keys.neutral(key, false);
  // Copies of the character tables; g2p_vocab.json decides.
  keys.harmless({"grapheme_chars", "phoneme_chars"});
  bool forceBos = keys.boolean("force_bos_token_to_be_generated", false); // how old files ask for a forced first token
  if (llvm::Error error = finishFamily(input, keys, defaults(), result))
    return error;
  if (forceBos && !input.generation && result.generation.forcedBosTokenId < 0)
    result.generation.forcedBosTokenId = result.generation.bosTokenId;
  result.build = [](ModelBuilder &builder) {
    // Version stamps of files converted from fairseq.
    builder.weights.ignore("model.encoder.version");
    builder.weights.ignore("model.decoder.version");
    BartStyle style;
    style.embeddingNorm = true;
    style.positionOffset = 2; // the first two rows of the table stand for the padding index of fairseq
    buildBartLike(builder, style);
  };
  return result;
}

} // namespace decant

// "marian": post-norm, sinusoidal positions [sin | cos] that are not stored (Junczys-Dowmunt et al. 2018,
// arXiv:1804.00344).
//
// Keys: MarianConfig of transformers 4 and 5. Tested as BartLike.
#include "compiler/config/Limits.h"
#include "compiler/import/BartLike.h"
#include "compiler/import/Families.h"

#include <cmath>

namespace decant {

static GenerationConfig defaults() {
  GenerationConfig result;
  result.padTokenId = result.decoderStartTokenId = 58100;
  result.eosTokenIds = {0};
  result.forcedEosTokenId = 0;
  return result;
}

llvm::Expected<DecoderConfig> readMarian(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  readBartKeys(keys, result);
  result.vocab = keys.integer("vocab_size", 58101, 1, limits::vocabulary);
  result.maxPositions = keys.integer("max_position_embeddings", 1024, 1, limits::context);
  keys.agrees("decoder_vocab_size", result.vocab, "vocab_size");
  bool shared = keys.boolean("share_encoder_decoder_embeddings", true);
  for (const char *key : {"normalize_before", "normalize_embedding", "add_final_layer_norm"})
    keys.neutral(key, false); // of older files
  keys.neutral("static_position_embeddings", true);
  if (result.width % 2 != 0)
    keys.refuse(ExitCode::Unsupported, "d_model", "the sinusoidal positions want an even width");
  if (llvm::Error error = finishFamily(input, keys, defaults(), result))
    return error;
  BartStyle style;
  style.sharedTables = shared;
  style.positions = BartPositions::StoredSinusoid;
  style.sinusoidStep = std::log(10000.0) * 2 / static_cast<double>(result.width);
  result.build = [style](ModelBuilder &builder) { buildBartLike(builder, style); };
  return result;
}

} // namespace decant

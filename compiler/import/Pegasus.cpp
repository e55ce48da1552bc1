// "pegasus": pre-norm with a norm behind each stack, sinusoidal positions, stored or not (Zhang et al. 2019,
// arXiv:1912.08777).
//
// Keys: PegasusConfig of transformers 4 and 5. Tested as BartLike.
#include "compiler/config/Limits.h"
#include "compiler/import/BartLike.h"
#include "compiler/import/Families.h"

#include <cmath>

namespace decant {

static GenerationConfig defaults() {
  GenerationConfig result;
  result.padTokenId = result.decoderStartTokenId = 0;
  result.eosTokenIds = {1};
  result.forcedEosTokenId = 1;
  return result;
}

llvm::Expected<DecoderConfig> readPegasus(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  readBartKeys(keys, result);
  result.vocab = keys.integer("vocab_size", 50265, 1, limits::vocabulary);
  result.maxPositions = keys.integer("max_position_embeddings", 1024, 1, limits::context);
  for (const char *key : {"normalize_before", "add_final_layer_norm", "static_position_embeddings"})
    keys.neutral(key, true); // of older files
  keys.neutral("normalize_embedding", false);
  keys.neutral("extra_pos_embeddings", 1.0);
  if (result.width % 2 != 0)
    keys.refuse(ExitCode::Unsupported, "d_model", "the sinusoidal positions want an even width");
  if (llvm::Error error = finishFamily(input, keys, defaults(), result))
    return error;
  BartStyle style;
  style.preNorm = true;
  style.positions = BartPositions::StoredSinusoid;
  style.sinusoidStep = std::log(10000.0) * 2 / static_cast<double>(result.width);
  result.build = [style](ModelBuilder &builder) { buildBartLike(builder, style); };
  return result;
}

} // namespace decant

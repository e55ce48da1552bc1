// "m2m_100", NLLB too: pre-norm, sinusoidal positions that count from behind the padding's (Fan et al. 2020,
// arXiv:2010.11125).
//
// Keys: M2M100Config of transformers 4 and 5. Tested as BartLike.
#include "compiler/config/Limits.h"
#include "compiler/import/BartLike.h"
#include "compiler/import/Families.h"

#include <cmath>

namespace decant {

static GenerationConfig defaults() {
  GenerationConfig result;
  result.bosTokenId = 0;
  result.padTokenId = 1;
  result.eosTokenIds = {2};
  result.decoderStartTokenId = 2;
  return result;
}

llvm::Expected<DecoderConfig> readM2M100(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  readBartKeys(keys, result, {.activation = "relu", .scaleEmbedding = true});
  result.vocab = keys.integer("vocab_size", 128112, 1, limits::vocabulary);
  result.maxPositions = keys.integer("max_position_embeddings", 1024, 1, limits::context);
  if (result.width % 2 != 0 || result.width < 4)
    keys.refuse(ExitCode::Unsupported, "d_model", "the sinusoidal positions want an even width of at least 4");
  int64_t padding = keys.tokenId("pad_token_id", 1, result.vocab);
  if (padding < 0)
    keys.refuse(ExitCode::BadInput, "pad_token_id", "null; the positions count from it");
  if (llvm::Error error = finishFamily(input, keys, defaults(), result))
    return error;
  BartStyle style;
  style.preNorm = true;
  style.logitsBias = false;
  style.positions = BartPositions::Sinusoid;
  style.positionOffset = padding + 1;
  style.sinusoidStep = std::log(10000.0) / static_cast<double>(result.width / 2 - 1);
  result.build = [style](ModelBuilder &builder) { buildBartLike(builder, style); };
  return result;
}

} // namespace decant

// The encoder-decoders whose files have BART's tensor names: bart, mbart, marian, m2m_100, pegasus, whisper.
//
// Their layers are the same (self-attention, cross-attention, feed-forward, biases, scale 1 / sqrt(head size)); they
// differ in what BartStyle says. Tested, against transformers, in tests/reference and tests/e2e.
#pragma once

#include "compiler/config/FamilyKeys.h"

namespace decant {

enum class BartPositions {
  Learned,        ///< embed_positions.weight [max + offset, E], row position + offset
  Sinusoid,       ///< (sin | cos) of (position + offset) * exp(-j step)
  StoredSinusoid, ///< the same without offset, read from embed_positions.weight [max, E] where the file has it
};

struct BartStyle {
  bool preNorm = false;       ///< norms before the sublayers, and one behind each stack
  bool embeddingNorm = false; ///< layernorm_embedding
  bool keyBias = true;
  bool logitsBias = true;   ///< final_logits_bias [1, V]
  bool sharedTables = true; ///< encoder and decoder embed with one matrix
  BartPositions positions = BartPositions::Learned;
  int64_t positionOffset = 0;
  double sinusoidStep = 0; ///< Sinusoid
  bool audio = false;      ///< the encoder takes log-mel frames, through two convolutions (Whisper)
};

/// What a family's config class takes for absent keys.
struct BartDefaults {
  const char *activation = "gelu";
  int64_t width = 1024, layers = 12, heads = 16, ffn = 4096;
  bool scaleEmbedding = false;
};

/// Sizes of both stacks, activation, scale_embedding, tie_word_embeddings and the keys of older files that change the
/// maths. `result.vocab` and what a family has beside them are its reader's.
void readBartKeys(KeyReader &keys, DecoderConfig &result, const BartDefaults &defaults = {});

/// DecoderConfig::build of these families.
void buildBartLike(ModelBuilder &builder, const BartStyle &style);

} // namespace decant

// What every family's config.json + generation_config.json says of a model. No MLIR.
//
// Every key of the files is used, known to be harmless, or refused by name (exit 4). Bad JSON or a value of the wrong
// type or range is exit 3. Keys and defaults: one file a family in import/, which reads the files and builds the IR.
#pragma once

#include "llvm/Support/Error.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace decant {

enum class ModelKind { EncoderDecoder, DecoderOnly, TorchDecoder };
/// Gelu = erf form, GeluTanh = gelu_new, gelu_pytorch_tanh.
enum class ConfigActivation { Gelu, Relu, GeluTanh, Silu, QuickGelu };
class ModelBuilder;

/// One stack of layers (encoder or decoder).
struct StackConfig {
  int64_t layers = 0, heads = 0, kvHeads = 0, headDim = 0, ffn = 0;
};

/// Defaults as in transformers' GenerationConfig; -1 / empty = none.
struct GenerationConfig {
  int32_t bosTokenId = -1, padTokenId = -1, decoderStartTokenId = -1;
  int32_t forcedBosTokenId = -1, forcedEosTokenId = -1;
  int32_t maxLength = -1, minLength = 0, maxNewTokens = -1, minNewTokens = -1;
  int32_t numBeams = 1;
  int32_t earlyStopping = 0; ///< 0 false, 1 true, 2 "never"
  double lengthPenalty = 1.0;
  bool doSample = false;
  double temperature = 1.0, topP = 1.0, minP = 0.0, repetitionPenalty = 1.0;
  int32_t topK = 50, noRepeatNgramSize = 0;
  std::vector<int32_t> eosTokenIds, suppressTokens, beginSuppressTokens;
  std::vector<int32_t> badWordsIds;   ///< sequences, each ended by -1
  std::vector<int32_t> decoderPrompt; ///< what the decoder starts with; empty = the start token
};

struct DecoderConfig {
  std::string family; ///< model_type: "bart", "llama", "torch_transformer_decoder" ...
  ModelKind kind = ModelKind::EncoderDecoder;
  int64_t width = 0;          ///< E
  int64_t vocab = 0;          ///< V; 0 for a torch decoder
  int64_t maxPositions = 0;   ///< longest sequence; torch decoder: 4096 unless the config says max_position_embeddings
  int64_t defaultContext = 0; ///< context to compile for if nobody asks for another; 0 = min(maxPositions, 4096)
  int64_t maxSource = 0;      ///< rows that @encode takes at most, if the config fixes them; 0 = as the context
  int64_t sourceWidth = 0;    ///< columns of the features that @encode takes instead of ids; 0 = it takes ids, or width
  StackConfig encoder, decoder; ///< encoder.layers 0 = none
  ConfigActivation activation = ConfigActivation::Gelu;
  double normEps = 1e-5;
  bool normFirst = false;  ///< pre-norm
  bool bias = true;        ///< torch: bias=False drops every bias, LayerNorm's too
  bool batchFirst = false; ///< torch: order of the first two axes of tgt / memory / output
  double embedScale = 1.0; ///< sqrt(E) with scale_embedding
  bool tiedHead = true;
  GenerationConfig generation;
  /// Builds the model's entries; holds whatever else the family's file has read.
  std::function<void(ModelBuilder &)> build;
};

} // namespace decant

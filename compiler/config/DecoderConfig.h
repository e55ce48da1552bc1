// config.json + generation_config.json -> DecoderConfig: what import/ needs to know of a model. Plain data, no MLIR.
//
// Every key of the files is used, known to be harmless, or refused by name (exit 4). Bad JSON or a value of the wrong
// type or range is exit 3. Keys and defaults: one file a family here. Tested in tests/config.
#pragma once

#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace decant {

enum class ModelKind { EncoderDecoder, DecoderOnly, TorchDecoder };
enum class ConfigActivation { Gelu, Relu }; ///< gelu = erf form

/// One stack of layers (encoder or decoder).
struct StackConfig {
  int64_t layers = 0, heads = 0, kvHeads = 0, ffn = 0;
};

/// Defaults as in transformers' GenerationConfig; -1 / empty = none.
struct GenerationConfig {
  int32_t bosTokenId = -1, padTokenId = -1, decoderStartTokenId = -1;
  int32_t forcedBosTokenId = -1, forcedEosTokenId = -1;
  int32_t maxLength = 20, minLength = 0, maxNewTokens = -1, minNewTokens = -1;
  int32_t numBeams = 1;
  int32_t earlyStopping = 0; ///< 0 false, 1 true, 2 "never"
  double lengthPenalty = 1.0;
  std::vector<int32_t> eosTokenIds, suppressTokens, beginSuppressTokens;
};

struct DecoderConfig {
  std::string family; ///< model_type: "bart", "torch_transformer_decoder"
  ModelKind kind = ModelKind::EncoderDecoder;
  int64_t width = 0;        ///< E
  int64_t vocab = 0;        ///< V; 0 for a torch decoder
  int64_t maxPositions = 0; ///< longest sequence; torch decoder: 4096 unless the config says max_position_embeddings
  StackConfig encoder, decoder; ///< encoder.layers 0 = none
  ConfigActivation activation = ConfigActivation::Gelu;
  double normEps = 1e-5;
  bool normFirst = false;  ///< pre-norm
  bool bias = true;        ///< torch: bias=False drops every bias, LayerNorm's too
  bool batchFirst = false; ///< torch: order of the first two axes of tgt / memory / output
  double embedScale = 1.0; ///< sqrt(E) with scale_embedding
  bool tiedHead = true;
  GenerationConfig generation;
};

/// Reads `folder`/config.json and, if there, `folder`/generation_config.json.
llvm::Expected<DecoderConfig> readConfig(const std::string &folder);

} // namespace decant

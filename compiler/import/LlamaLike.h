// The decoders whose files have Llama's tensor names: llama, mistral, qwen2, qwen3, phi3, gemma, gemma2.
//
// Pre-norm with RMS norms, rotary positions, grouped queries, a gated feed-forward (Touvron et al. 2023,
// arXiv:2302.13971); they differ in what LlamaStyle says. Tested, against transformers, in tests/reference and
// tests/e2e.
#pragma once

#include "compiler/config/FamilyKeys.h"
#include "compiler/config/Rope.h"

#include <vector>

namespace decant {

struct LlamaStyle {
  RopeConfig rope;
  std::vector<int64_t> windows; ///< one a layer, 0 = none
  bool qkvBias = false, outputBias = false, mlpBias = false;
  bool headNorms = false;                     ///< q_norm, k_norm of each head, before the rotation (Qwen3)
  bool fused = false;                         ///< qkv_proj, gate_up_proj in one tensor each (Phi-3)
  bool plusOne = false;                       ///< norms multiply by weight + 1 (Gemma)
  bool fourNorms = false;                     ///< norms behind attention and feed-forward too (Gemma 2)
  double scale = 0;                           ///< of the scores; 0 = 1 / sqrt(head size)
  double scoreSoftcap = 0, logitsSoftcap = 0; ///< 0 = none
};

/// What a family's config class takes for absent keys.
struct LlamaDefaults {
  int64_t vocab = 32000, width = 4096, ffn = 11008, layers = 32, heads = 32;
  int64_t kvHeads = 0; ///< 0 = heads
  int64_t headDim = 0; ///< 0 = width / heads
  int64_t maxPositions = 2048;
  double normEps = 1e-6;
  bool tied = false;
  const char *activationKey = "hidden_act", *activation = "silu";
};

/// Sizes, activation, eps, head, rotary positions: result and style.rope.
void readLlamaKeys(KeyReader &keys, DecoderConfig &result, LlamaStyle &style, const LlamaDefaults &defaults);

/// The end of a reader: generation, leftover keys, build.
llvm::Expected<DecoderConfig> finishLlama(const FamilyInput &input, KeyReader &keys, DecoderConfig result,
                                          LlamaStyle style, const GenerationConfig &defaults);

} // namespace decant

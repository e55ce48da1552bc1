// "gpt_neox": parallel branches, rotary positions on a part of each head (Black et al. 2022, arXiv:2204.06745).
//
// Keys: GPTNeoXConfig of transformers 4 and 5. Tensor names: GPTNeoXForCausalLM. Tested in
// tests/import/DecoderOnlyTest.cpp and, against transformers, tests/e2e.
#include "compiler/config/Limits.h"
#include "compiler/config/Rope.h"
#include "compiler/import/DecoderOnly.h"
#include "compiler/import/Families.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant {
namespace {

struct GptNeoX {
  ModelBuilder &b;
  const RopeConfig &rope;
  bool parallel, attentionBias;
  DecoderOnly model;

  Value norm(Value x, const std::string &name) {
    b.at("decoder." + name);
    return b.norm(x, "gpt_neox." + name);
  }

  Value attention(Value x, const std::string &layer, Value angles) {
    const StackConfig &s = b.config.decoder;
    std::string prefix = "gpt_neox." + layer + "attention.";
    b.at("decoder." + layer + "attention");
    auto qkv = model.projectFused(x, prefix + "query_key_value", s.heads, 1, s.headDim, attentionBias);
    Value q = b.rope(qkv[0], angles, s.heads), k = b.rope(qkv[1], angles, s.heads);
    Value mixed = b.attention(q, k, qkv[2], model.rows, model.rows, s.heads, model.mask(0));
    return b.linear(mixed, prefix + "dense", b.config.width, attentionBias);
  }

  Value feedForward(Value x, const std::string &layer) {
    std::string prefix = "gpt_neox." + layer + "mlp.";
    b.at("decoder." + layer + "mlp");
    Value inner = b.activation(b.linear(x, prefix + "dense_h_to_4h", b.config.decoder.ffn));
    return b.linear(inner, prefix + "dense_4h_to_h", b.config.width);
  }

  void build() {
    auto n = static_cast<int64_t>(rope.freqs.size());
    Value x = model.embed();
    b.at("decoder.rotary_emb");
    Value angles =
        b.sinusoid(model.rows, b.values("rotary_freqs", rope.freqsFor(b.maxContext()), {n}), n, 0, rope.factor);
    for (int64_t i = 0; i < b.config.decoder.layers; ++i) {
      std::string layer = fmt::format("layers.{}.", i);
      Value sum = b.residual(x, attention(norm(x, layer + "input_layernorm"), layer, angles));
      Value input = parallel ? x : sum; // of the feed-forward
      x = b.residual(sum, feedForward(norm(input, layer + "post_attention_layernorm"), layer));
    }
    model.finish(norm(x, "final_layer_norm"));
  }
};

} // namespace

llvm::Expected<DecoderConfig> readGptNeoX(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::DecoderOnly;
  result.vocab = keys.integer("vocab_size", 50432, 1, limits::vocabulary);
  result.width = keys.integer("hidden_size", 6144, 1, limits::hidden);
  result.maxPositions = keys.integer("max_position_embeddings", 2048, 1, limits::context);
  StackConfig &s = result.decoder;
  s.layers = keys.integer("num_hidden_layers", 44, 1, limits::layers);
  s.heads = s.kvHeads = keys.integer("num_attention_heads", 64, 1, limits::heads);
  s.ffn = keys.integer("intermediate_size", 24576, 1, limits::ffn);
  s.headDim = std::max<int64_t>(result.width / s.heads, 1);
  if (result.width % s.heads != 0)
    keys.refuse(ExitCode::BadInput, "num_attention_heads",
                fmt::format("{} heads do not divide \"hidden_size\" = {}", s.heads, result.width));
  result.activation = readActivation(keys, "hidden_act", "gelu");
  result.normEps = keys.real("layer_norm_eps", 1e-5, 1.1754943508222875e-38, 1.0);
  bool parallel = keys.boolean("use_parallel_residual", true), attentionBias = keys.boolean("attention_bias", true);
  result.tiedHead = keys.boolean("tie_word_embeddings", false);
  // The names of transformers 4.
  RopeDefaults defaults{keys.real("rotary_emb_base", 10000, 1e-3, 1e12), keys.real("rotary_pct", 0.25, 0, 1)};
  RopeConfig rope = readRope(keys, s.headDim, result.maxPositions, defaults);
  for (const char *key : {"is_encoder_decoder", "is_decoder", "add_cross_attention", "tie_encoder_decoder"})
    keys.neutral(key, false);
  GenerationConfig generation;
  generation.bosTokenId = 0;
  generation.eosTokenIds = {2};
  if (llvm::Error error = finishFamily(input, keys, generation, result))
    return error;
  result.build = [rope, parallel, attentionBias](ModelBuilder &b) {
    for (const char *stored : {"bias", "masked_bias", "rotary_emb.inv_freq"}) // by old files
      b.weights.ignore(fmt::format("gpt_neox.layers.*.attention.{}", stored));
    GptNeoX{b, rope, parallel, attentionBias, DecoderOnly(b, "gpt_neox.embed_in.weight", "embed_out.weight")}.build();
  };
  return result;
}

} // namespace decant

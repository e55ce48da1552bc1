// "bloom": ALiBi and no other position, a norm behind the embeddings (BigScience Workshop 2022, arXiv:2211.05100).
//
// Keys: BloomConfig of transformers 4 and 5. Tensor names: BloomForCausalLM. Tested in tests/import/DecoderOnlyTest.cpp
// and, against transformers, tests/e2e.
#include "compiler/config/Limits.h"
#include "compiler/import/DecoderOnly.h"
#include "compiler/import/Families.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant {
namespace {

constexpr char kScore[] = R"mlir(
dec.score @alibi_heads(%b: index, %h: index, %q: index, %k: index) {{
  %heads = arith.constant {} : index
  %value = dec.apply_score @alibi(%b, %h, %q, %k) params(%heads : index)
  dec.yield %value : f32
}}
)mlir";

struct Bloom {
  ModelBuilder &b;
  std::string prefix; // of the tensors: "transformer." or ""
  DecoderOnly model;

  Value norm(Value x, const std::string &name) {
    b.at("decoder." + name);
    return b.norm(x, prefix + name);
  }

  void build() {
    const StackConfig &s = b.config.decoder;
    b.addFunctions(fmt::format(kScore, s.heads), {"alibi_heads"});
    Value x = norm(model.embed(), "word_embeddings_layernorm");
    for (int64_t i = 0; i < s.layers; ++i) {
      std::string layer = fmt::format("h.{}.", i);
      Value y = norm(x, layer + "input_layernorm");
      b.at("decoder." + layer + "self_attention");
      std::string attention = prefix + layer + "self_attention.";
      auto qkv = model.projectFused(y, attention + "query_key_value", s.heads, 1, s.headDim, true);
      Value mixed =
          b.attention(qkv[0], qkv[1], qkv[2], model.rows, model.rows, s.heads, model.mask(0), {"alibi_heads", {}});
      x = b.residual(x, b.linear(mixed, attention + "dense", b.config.width));
      y = norm(x, layer + "post_attention_layernorm");
      b.at("decoder." + layer + "mlp");
      y = b.activation(b.linear(y, prefix + layer + "mlp.dense_h_to_4h", s.ffn));
      x = b.residual(x, b.linear(y, prefix + layer + "mlp.dense_4h_to_h", b.config.width));
    }
    model.finish(norm(x, "ln_f"));
  }
};

} // namespace

llvm::Expected<DecoderConfig> readBloom(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::DecoderOnly;
  result.vocab = keys.integer("vocab_size", 250880, 1, limits::vocabulary);
  // Old files say n_embed, num_attention_heads for what newer ones call hidden_size, n_head.
  const char *width = keys.has("n_embed") && !keys.has("hidden_size") ? "n_embed" : "hidden_size";
  result.width = keys.integer(width, 64, 1, limits::hidden);
  keys.agrees("n_embed", result.width, width);
  StackConfig &s = result.decoder;
  const char *layers = keys.has("num_hidden_layers") && !keys.has("n_layer") ? "num_hidden_layers" : "n_layer";
  s.layers = keys.integer(layers, 2, 1, limits::layers);
  keys.agrees("num_hidden_layers", s.layers, layers);
  const char *heads = keys.has("num_attention_heads") && !keys.has("n_head") ? "num_attention_heads" : "n_head";
  s.heads = s.kvHeads = keys.integer(heads, 8, 1, limits::heads);
  keys.agrees("num_attention_heads", s.heads, heads);
  s.ffn = 4 * result.width;
  keys.agrees("n_inner", s.ffn, "4 * hidden_size");
  s.headDim = std::max<int64_t>(result.width / s.heads, 1);
  if (result.width % s.heads != 0)
    keys.refuse(ExitCode::BadInput, heads,
                fmt::format("{} heads do not divide \"{}\" = {}", s.heads, width, result.width));
  result.maxPositions = limits::context; // positions are relative
  result.activation = ConfigActivation::GeluTanh;
  result.normEps = keys.real("layer_norm_epsilon", 1e-5, 1.1754943508222875e-38, 1.0);
  result.tiedHead = keys.boolean("tie_word_embeddings", true);
  keys.neutral("apply_residual_connection_post_layernorm", false);
  for (const char *key : {"is_encoder_decoder", "is_decoder", "add_cross_attention", "tie_encoder_decoder"})
    keys.neutral(key, false);
  // Notes on the training, and the slices of a sum that only rounding tells apart.
  keys.harmless({"seq_length", "pretraining_tp", "slow_but_exact", "offset_alibi", "skip_bias_add", "skip_bias_add_qkv",
                 "attention_softmax_in_fp32", "masked_softmax_fusion", "bias_dropout_fusion", "unk_token_id"});
  GenerationConfig generation;
  generation.bosTokenId = 1;
  generation.eosTokenIds = {2};
  if (llvm::Error error = finishFamily(input, keys, generation, result))
    return error;
  result.build = [](ModelBuilder &b) {
    std::string prefix = b.weights.has("word_embeddings.weight") ? "" : "transformer.";
    Bloom{b, prefix, DecoderOnly(b, prefix + "word_embeddings.weight", "lm_head.weight")}.build();
  };
  return result;
}

} // namespace decant

// "opt": learned positions with offset 2, pre- or post-norm, embeddings that may be narrower than the layers (Zhang et
// al. 2022, arXiv:2205.01068).
//
// Keys: OPTConfig of transformers 4 and 5. Tensor names: OPTForCausalLM. Tested in tests/import/DecoderOnlyTest.cpp
// and, against transformers, tests/e2e.
#include "compiler/config/Limits.h"
#include "compiler/import/DecoderOnly.h"
#include "compiler/import/Families.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant {
namespace {

constexpr int64_t kPositionOffset = 2; // rows of the table that stand for the padding of fairseq

struct Opt {
  ModelBuilder &b;
  int64_t narrow; // columns of the embeddings
  bool finalNorm;
  DecoderOnly model;

  template <class Branch> Value sublayer(Value x, const std::string &layer, const std::string &name, Branch branch) {
    auto norm = [&](Value y) {
      b.at("decoder." + layer + name);
      return b.norm(y, "model.decoder." + layer + name);
    };
    return b.config.normFirst ? b.residual(x, branch(norm(x))) : norm(b.residual(x, branch(x)));
  }

  Value embed() {
    int64_t width = b.config.width, positions = b.config.maxPositions + kPositionOffset;
    std::string table = "model.decoder.embed_positions.weight";
    Value x = model.embed();
    if (narrow == width)
      return b.position(x, model.rows, b.weight(table, {positions, width}), kPositionOffset);
    x = b.linear(x, "model.decoder.project_in", width, false);
    return b.position(x, model.rows,
                      b.weightRows(table + ".rows", table, {positions, width}, kPositionOffset, positions), 0);
  }

  void build() {
    const StackConfig &s = b.config.decoder;
    Value x = embed();
    for (int64_t i = 0; i < s.layers; ++i) {
      std::string layer = fmt::format("layers.{}.", i), prefix = "model.decoder." + layer;
      x = sublayer(x, layer, "self_attn_layer_norm", [&](Value y) {
        b.at("decoder." + layer + "self_attn");
        std::string attention = prefix + "self_attn.";
        Value q = b.linear(y, attention + "q_proj", b.config.width),
              k = b.linear(y, attention + "k_proj", b.config.width),
              v = b.linear(y, attention + "v_proj", b.config.width);
        Value mixed = b.attention(q, k, v, model.rows, model.rows, s.heads, model.mask(0));
        return b.linear(mixed, attention + "out_proj", b.config.width);
      });
      x = sublayer(x, layer, "final_layer_norm", [&](Value y) {
        b.at("decoder." + layer + "fc1");
        return b.linear(b.activation(b.linear(y, prefix + "fc1", s.ffn)), prefix + "fc2", b.config.width);
      });
    }
    b.at("decoder.final_layer_norm");
    if (finalNorm)
      x = b.norm(x, "model.decoder.final_layer_norm");
    if (narrow != b.config.width)
      x = b.linear(x, "model.decoder.project_out", narrow, false);
    model.finish(x);
  }
};

} // namespace

llvm::Expected<DecoderConfig> readOpt(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::DecoderOnly;
  result.vocab = keys.integer("vocab_size", 50272, 1, limits::vocabulary);
  result.width = keys.integer("hidden_size", 768, 1, limits::hidden);
  result.maxPositions = keys.integer("max_position_embeddings", 2048, 1, limits::context);
  StackConfig &s = result.decoder;
  s.layers = keys.integer("num_hidden_layers", 12, 1, limits::layers);
  s.heads = s.kvHeads = keys.integer("num_attention_heads", 12, 1, limits::heads);
  s.ffn = keys.integer("ffn_dim", 3072, 1, limits::ffn);
  s.headDim = result.width / s.heads;
  if (result.width % s.heads != 0)
    keys.refuse(ExitCode::BadInput, "num_attention_heads",
                fmt::format("{} heads do not divide \"hidden_size\" = {}", s.heads, result.width));
  int64_t narrow = keys.integerOrNull("word_embed_proj_dim", result.width, 1, limits::hidden);
  result.activation = readActivation(keys, "activation_function", "relu");
  result.normFirst = keys.boolean("do_layer_norm_before", true);
  bool removed = keys.boolean("_remove_final_layer_norm", false), finalNorm = result.normFirst && !removed;
  result.bias = keys.boolean("enable_bias", true);
  keys.neutral("layer_norm_elementwise_affine", true);
  result.tiedHead = keys.boolean("tie_word_embeddings", true);
  for (const char *key : {"is_encoder_decoder", "is_decoder", "add_cross_attention", "tie_encoder_decoder"})
    keys.neutral(key, false);
  GenerationConfig generation;
  generation.bosTokenId = 2;
  generation.padTokenId = 1;
  generation.eosTokenIds = {2};
  if (llvm::Error error = finishFamily(input, keys, generation, result))
    return error;
  result.build = [narrow, finalNorm](ModelBuilder &b) {
    b.normStyle.bias = true; // enable_bias is of the linears alone
    Opt{b, narrow, finalNorm, DecoderOnly(b, "model.decoder.embed_tokens.weight", "lm_head.weight", narrow)}.build();
  };
  return result;
}

} // namespace decant

// "gpt2": learned positions, pre-norm, biases everywhere, matrices stored [in, out] (Radford et al. 2019).
//
// Keys: GPT2Config of transformers 4 and 5. Tensor names: GPT2LMHeadModel; the oldest files lack the prefix
// "transformer.". Tested in tests/import/DecoderOnlyTest.cpp and, against transformers, tests/e2e.
#include "compiler/config/Limits.h"
#include "compiler/import/DecoderOnly.h"
#include "compiler/import/Families.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;

namespace decant {
namespace {

struct Gpt2 {
  ModelBuilder &b;
  std::string prefix; // of the tensors: "transformer." or ""
  bool scaled, inverseLayer;
  DecoderOnly model;

  /// Columns [begin, end) of the Conv1D `name`, which has `all` columns.
  Value project(Value x, const std::string &name, int64_t all, int64_t begin, int64_t end, const char *part = "") {
    std::string tensor = prefix + name;
    std::string weight = b.weightColumns(tensor + part + ".weight", tensor + ".weight", dec::width(x), all, begin, end);
    std::string bias = b.weightRows(tensor + part + ".bias", tensor + ".bias", {all}, begin, end);
    return b.linear(x, weight, bias, end - begin);
  }

  Value norm(Value x, const std::string &name) {
    b.at("decoder." + name);
    return b.norm(x, prefix + name);
  }

  void build() {
    const StackConfig &s = b.config.decoder;
    int64_t width = b.config.width;
    Value x = model.embed();
    x = b.position(x, model.rows, b.weight(prefix + "wpe.weight", {b.config.maxPositions, width}), 0);
    for (int64_t i = 0; i < s.layers; ++i) {
      std::string layer = fmt::format("h.{}.", i), attention = layer + "attn.c_attn";
      Value y = norm(x, layer + "ln_1");
      b.at("decoder." + layer + "attn");
      Value q = project(y, attention, 3 * width, 0, width, ".q"),
            k = project(y, attention, 3 * width, width, 2 * width, ".k"),
            v = project(y, attention, 3 * width, 2 * width, 3 * width, ".v");
      double scale = scaled ? 1 / std::sqrt(static_cast<double>(s.headDim)) : 1;
      AttentionShape shape{s.heads, s.heads, inverseLayer ? scale / static_cast<double>(i + 1) : scale};
      Value mixed = b.attention(q, k, v, model.rows, model.rows, shape, model.mask(0));
      x = b.residual(x, project(mixed, layer + "attn.c_proj", width, 0, width));
      y = norm(x, layer + "ln_2");
      b.at("decoder." + layer + "mlp");
      y = b.activation(project(y, layer + "mlp.c_fc", s.ffn, 0, s.ffn));
      x = b.residual(x, project(y, layer + "mlp.c_proj", width, 0, width));
    }
    model.finish(norm(x, "ln_f"));
  }
};

} // namespace

llvm::Expected<DecoderConfig> readGpt2(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::DecoderOnly;
  result.vocab = keys.integer("vocab_size", 50257, 1, limits::vocabulary);
  result.width = keys.integer("n_embd", 768, 1, limits::hidden);
  result.maxPositions = keys.integer("n_positions", 1024, 1, limits::context);
  StackConfig &s = result.decoder;
  s.layers = keys.integer("n_layer", 12, 1, limits::layers);
  s.heads = s.kvHeads = keys.integer("n_head", 12, 1, limits::heads);
  s.ffn = keys.integerOrNull("n_inner", 4 * result.width, 1, limits::ffn);
  s.headDim = result.width / s.heads;
  if (result.width % s.heads != 0)
    keys.refuse(ExitCode::BadInput, "n_head",
                fmt::format("{} heads do not divide \"n_embd\" = {}", s.heads, result.width));
  keys.agrees("n_ctx", result.maxPositions, "n_positions");
  keys.agrees("hidden_size", result.width, "n_embd");
  keys.agrees("num_hidden_layers", s.layers, "n_layer");
  keys.agrees("num_attention_heads", s.heads, "n_head");
  keys.agrees("max_position_embeddings", result.maxPositions, "n_positions");
  result.activation = readActivation(keys, "activation_function", "gelu_new");
  result.normEps = keys.real("layer_norm_epsilon", 1e-5, 1.1754943508222875e-38, 1.0);
  bool scaled = keys.boolean("scale_attn_weights", true);
  bool inverseLayer = keys.boolean("scale_attn_by_inverse_layer_idx", false);
  result.tiedHead = keys.boolean("tie_word_embeddings", true);
  for (const char *key : {"add_cross_attention", "is_encoder_decoder", "is_decoder", "tie_encoder_decoder"})
    keys.neutral(key, false);
  keys.neutral("pruned_heads", {});
  keys.neutral("cross_attention_hidden_size", {});
  // Of the sums' order alone: f32 is what decant computes in anyway.
  keys.harmless({"reorder_and_upcast_attn", "resid_pdrop", "embd_pdrop", "attn_pdrop", "summary_*"});
  GenerationConfig generation;
  generation.bosTokenId = 50256;
  generation.eosTokenIds = {50256};
  if (llvm::Error error = finishFamily(input, keys, generation, result))
    return error;
  result.build = [scaled, inverseLayer](ModelBuilder &b) {
    std::string prefix = b.weights.has("transformer.wte.weight") || !b.weights.has("wte.weight") ? "transformer." : "";
    b.weights.ignore(prefix + "h.*.attn.bias"); // causal masks that old files store
    b.weights.ignore(prefix + "h.*.attn.masked_bias");
    Gpt2{b, prefix, scaled, inverseLayer, DecoderOnly(b, prefix + "wte.weight", "lm_head.weight")}.build();
  };
  return result;
}

} // namespace decant

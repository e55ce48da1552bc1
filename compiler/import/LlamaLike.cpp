// See LlamaLike.h.
#include "compiler/import/LlamaLike.h"
#include "compiler/config/Limits.h"
#include "compiler/import/DecoderOnly.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;

namespace decant {
namespace {

struct LlamaLike {
  DecoderOnly model;
  ModelBuilder &b;
  const LlamaStyle &style;
  Value angles;

  Value norm(Value x, const std::string &layer, const char *name) {
    b.at("decoder." + layer + name);
    return b.norm(x, "model." + layer + name);
  }

  /// Rows [first, first + n) of the fused tensor `name`, or the tensor of that part alone.
  Value project(Value x, const std::string &prefix, const char *part, const char *fused, int64_t first, int64_t n,
                int64_t total, bool bias) {
    if (!style.fused)
      return b.linear(x, prefix + part, n, bias);
    std::string tensor = prefix + fused;
    return b.linear(
        x, b.weightRows(prefix + part + ".weight", tensor + ".weight", {total, dec::width(x)}, first, first + n),
        bias ? b.weightRows(prefix + part + ".bias", tensor + ".bias", {total}, first, first + n) : "", n);
  }

  Value attention(Value x, int64_t layer, const std::string &name) {
    const StackConfig &s = b.config.decoder;
    std::string prefix = "model." + name + "self_attn.";
    int64_t queries = s.heads * s.headDim, keys = s.kvHeads * s.headDim, all = queries + 2 * keys;
    b.at("decoder." + name + "self_attn");
    Value q = project(x, prefix, "q_proj", "qkv_proj", 0, queries, all, style.qkvBias),
          k = project(x, prefix, "k_proj", "qkv_proj", queries, keys, all, style.qkvBias),
          v = project(x, prefix, "v_proj", "qkv_proj", queries + keys, keys, all, style.qkvBias);
    if (style.headNorms)
      q = b.norm(q, prefix + "q_norm", s.headDim), k = b.norm(k, prefix + "k_norm", s.headDim);
    q = b.rope(q, angles, s.heads), k = b.rope(k, angles, s.kvHeads);
    double scale = style.scale > 0 ? style.scale : 1 / std::sqrt(static_cast<double>(s.headDim));
    AttentionShape shape{s.heads, s.kvHeads, scale, style.scoreSoftcap};
    Value mixed = b.attention(q, k, v, model.rows, model.rows, shape, model.mask(style.windows[layer]));
    return b.linear(mixed, prefix + "o_proj", b.config.width, style.outputBias);
  }

  Value feedForward(Value x, const std::string &name) {
    std::string prefix = "model." + name + "mlp.";
    int64_t n = b.config.decoder.ffn;
    b.at("decoder." + name + "mlp");
    Value gate = project(x, prefix, "gate_proj", "gate_up_proj", 0, n, 2 * n, style.mlpBias),
          up = project(x, prefix, "up_proj", "gate_up_proj", n, n, 2 * n, style.mlpBias);
    return b.linear(b.gate(gate, up), prefix + "down_proj", b.config.width, style.mlpBias);
  }

  void build() {
    int64_t n = static_cast<int64_t>(style.rope.freqs.size());
    Value x = model.embed();
    b.at("decoder.rotary_emb");
    angles = b.sinusoid(model.rows, b.values("rotary_freqs", style.rope.freqsFor(b.maxContext()), {n}), n, 0,
                        style.rope.factor);
    for (int64_t i = 0; i < b.config.decoder.layers; ++i) {
      std::string name = fmt::format("layers.{}.", i);
      Value branch = attention(norm(x, name, "input_layernorm"), i, name);
      // Gemma 2 calls the norm behind the attention what Llama calls the one before the feed-forward.
      if (style.fourNorms)
        branch = norm(branch, name, "post_attention_layernorm");
      x = b.residual(x, branch);
      branch =
          feedForward(norm(x, name, style.fourNorms ? "pre_feedforward_layernorm" : "post_attention_layernorm"), name);
      if (style.fourNorms)
        branch = norm(branch, name, "post_feedforward_layernorm");
      x = b.residual(x, branch);
    }
    model.finish(norm(x, "", "norm"), "", 1, style.logitsSoftcap);
  }
};

} // namespace

void readLlamaKeys(KeyReader &keys, DecoderConfig &result, LlamaStyle &style, const LlamaDefaults &defaults) {
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::DecoderOnly;
  result.bias = false;
  result.vocab = keys.integer("vocab_size", defaults.vocab, 1, limits::vocabulary);
  result.width = keys.integer("hidden_size", defaults.width, 1, limits::hidden);
  result.maxPositions = keys.integer("max_position_embeddings", defaults.maxPositions, 1, limits::context);
  StackConfig &s = result.decoder;
  s.layers = keys.integer("num_hidden_layers", defaults.layers, 1, limits::layers);
  s.heads = keys.integer("num_attention_heads", defaults.heads, 1, limits::heads);
  bool given = keys.has("num_key_value_heads");
  s.kvHeads = keys.integerOrNull("num_key_value_heads", given || !defaults.kvHeads ? s.heads : defaults.kvHeads, 1,
                                 limits::heads);
  s.headDim =
      keys.integerOrNull("head_dim", defaults.headDim ? defaults.headDim : std::max<int64_t>(result.width / s.heads, 1),
                         1, limits::hidden);
  s.ffn = keys.integer("intermediate_size", defaults.ffn, 1, limits::ffn);
  if (s.heads % s.kvHeads != 0)
    keys.refuse(ExitCode::BadInput, "num_key_value_heads",
                fmt::format("{} do not divide the {} heads of the queries", s.kvHeads, s.heads));
  if (!keys.has("head_dim") && !defaults.headDim && result.width % s.heads != 0)
    keys.refuse(
        ExitCode::BadInput, "num_attention_heads",
        fmt::format("{} heads do not divide \"hidden_size\" = {}, and there is no head_dim", s.heads, result.width));
  result.activation = readActivation(keys, defaults.activationKey, defaults.activation);
  result.normEps = keys.real("rms_norm_eps", defaults.normEps, 1.1754943508222875e-38, 1.0);
  result.tiedHead = keys.boolean("tie_word_embeddings", defaults.tied);
  style.rope = readRope(keys, s.headDim, result.maxPositions);
  if (!style.rope.longFreqs.empty()) // the table for short texts is the one that transformers takes for them
    result.defaultContext = std::min<int64_t>(style.rope.original, 4096);
  style.windows.assign(static_cast<size_t>(s.layers), 0);
  keys.neutral("pretraining_tp", 1.0);
  for (const char *key : {"is_encoder_decoder", "is_decoder", "add_cross_attention", "tie_encoder_decoder"})
    keys.neutral(key, false);
  keys.neutral("pruned_heads", {});
  keys.neutral("cross_attention_hidden_size", {});
}

llvm::Expected<DecoderConfig> finishLlama(const FamilyInput &input, KeyReader &keys, DecoderConfig result,
                                          LlamaStyle style, const GenerationConfig &defaults) {
  if (llvm::Error error = finishFamily(input, keys, defaults, result))
    return error;
  result.build = [style = std::move(style)](ModelBuilder &b) {
    b.normStyle = {b.config.normEps, /*bias=*/false, /*rms=*/true, style.plusOne};
    b.weights.ignore("model.layers.*.self_attn.rotary_emb.inv_freq"); // stored by old files
    LlamaLike{DecoderOnly(b, "model.embed_tokens.weight", "lm_head.weight"), b, style, {}}.build();
  };
  return result;
}

} // namespace decant

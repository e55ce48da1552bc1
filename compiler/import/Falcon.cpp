// "falcon": one head of keys and values or one a group, parallel branches, rotary positions or ALiBi (Almazrouei et al.
// 2023, arXiv:2311.16867).
//
// Keys: FalconConfig of transformers 4 and 5. Tensor names: FalconForCausalLM. Tested in tests/import and, against
// transformers, tests/e2e.
#include "compiler/config/Limits.h"
#include "compiler/config/Rope.h"
#include "compiler/import/DecoderOnly.h"
#include "compiler/import/Families.h"

#include "llvm/ADT/bit.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;

namespace decant {
namespace {

constexpr int64_t kMostValues = 1 << 18; // of a dec.weight that no file holds: SPEC.md 2

constexpr char kScore[] = R"mlir(
dec.score @alibi_table(%b: index, %h: index, %q: index, %k: index) params(%values: tensor<{0}x{1}xf32>) {{
  %value = dec.param %values[%h, %k] : tensor<{0}x{1}xf32>
  dec.yield %value : f32
}}
)mlir";

struct FalconStyle {
  bool alibi = false; ///< else rotary
  RopeConfig rope;
  bool parallel = true;  ///< attention and feed-forward read the same input
  bool twoNorms = false; ///< of the parallel branches: ln_attn, ln_mlp
};

float toBfloat(float value) { // to nearest, ties to even; finite
  auto bits = llvm::bit_cast<uint32_t>(value);
  return llvm::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
}

/// What transformers' build_alibi_tensor adds to the scores of each head's keys: slope * position, each of the three
/// rounded to bfloat16, behind the scale. [heads, positions]
std::vector<float> alibiValues(int64_t heads, int64_t positions, double scale) {
  auto power = static_cast<int64_t>(llvm::bit_floor(static_cast<uint64_t>(heads))); // Press et al. 2022
  std::vector<float> values;
  for (int64_t h = 0; h < heads; ++h) {
    bool extra = h >= power;
    auto base =
        static_cast<float>(std::exp2(-std::exp2(3 - std::log2(static_cast<double>(extra ? 2 * power : power)))));
    float slope = toBfloat(std::pow(base, static_cast<float>(extra ? 2 * (h - power) + 1 : h + 1)));
    for (int64_t p = 0; p < positions; ++p)
      values.push_back(static_cast<float>(toBfloat(slope * toBfloat(static_cast<float>(p))) * scale));
  }
  return values;
}

struct Falcon {
  ModelBuilder &b;
  const FalconStyle &style;
  DecoderOnly model;

  Value norm(Value x, const std::string &name) {
    b.at("decoder." + name);
    return b.norm(x, "transformer." + name);
  }

  /// Positions: the angles of rotary ones, or the table of ALiBi's.
  Value attention(Value x, const std::string &layer, Value positions) {
    const StackConfig &s = b.config.decoder;
    std::string prefix = "transformer." + layer + "self_attention.";
    b.at("decoder." + layer + "self_attention");
    auto qkv =
        model.projectFused(x, prefix + "query_key_value", s.kvHeads, s.heads / s.kvHeads, s.headDim, b.config.bias);
    Value q = qkv[0], k = qkv[1];
    FunctionUse score;
    if (style.alibi)
      score = {"alibi_table", {positions}};
    else
      q = b.rope(q, positions, s.heads), k = b.rope(k, positions, s.kvHeads);
    AttentionShape shape{s.heads, s.kvHeads, scale()};
    Value mixed = b.attention(q, k, qkv[2], model.rows, model.rows, shape, model.mask(0), score);
    return b.linear(mixed, prefix + "dense", b.config.width);
  }

  Value feedForward(Value x, const std::string &layer) {
    std::string prefix = "transformer." + layer + "mlp.";
    b.at("decoder." + layer + "mlp");
    Value inner = b.activation(b.linear(x, prefix + "dense_h_to_4h", b.config.decoder.ffn));
    return b.linear(inner, prefix + "dense_4h_to_h", b.config.width);
  }

  double scale() const { return 1 / std::sqrt(static_cast<double>(b.config.decoder.headDim)); }

  Value positions() {
    if (style.alibi) {
      SmallVector<int64_t> shape{b.config.decoder.heads, b.maxContext()};
      b.at("decoder.alibi");
      b.addFunctions(fmt::format(kScore, shape[0], shape[1]), {"alibi_table"});
      return b.table(b.values("alibi", alibiValues(shape[0], shape[1], scale()), shape), shape);
    }
    auto n = static_cast<int64_t>(style.rope.freqs.size());
    b.at("decoder.rotary_emb");
    return b.sinusoid(model.rows, b.values("rotary_freqs", style.rope.freqsFor(b.maxContext()), {n}), n, 0,
                      style.rope.factor);
  }

  void build() {
    Value x = model.embed(), shared = positions();
    for (int64_t i = 0; i < b.config.decoder.layers; ++i) {
      std::string layer = fmt::format("h.{}.", i);
      Value y = norm(x, layer + (style.twoNorms ? "ln_attn" : "input_layernorm"));
      Value sum = b.residual(x, attention(y, layer, shared));
      Value input = !style.parallel  ? norm(sum, layer + "post_attention_layernorm")
                    : style.twoNorms ? norm(x, layer + "ln_mlp")
                                     : y;
      x = b.residual(sum, feedForward(input, layer));
    }
    model.finish(norm(x, "ln_f"));
  }
};

/// Heads of keys and values, and the norms, by the three generations of the family.
void readArchitecture(KeyReader &keys, StackConfig &s, FalconStyle &style) {
  bool newer = keys.boolean("new_decoder_architecture", false), single = keys.boolean("multi_query", true);
  int64_t groups = keys.integerOrNull("num_kv_heads", s.heads, 1, limits::heads);
  for (const char *old : {"n_head_kv", "num_key_value_heads"})
    groups = keys.integerOrNull(old, groups, 1, limits::heads);
  s.kvHeads = newer ? groups : single ? 1 : s.heads;
  if (s.heads % s.kvHeads != 0)
    keys.refuse(ExitCode::BadInput, "num_kv_heads",
                fmt::format("{} do not divide the {} heads of the queries", s.kvHeads, s.heads));
  bool parallel = keys.boolean("parallel_attn", true);
  style.parallel = newer || parallel;
  style.twoNorms = newer && keys.integerOrNull("num_ln_in_parallel_attn", 2, 1, 2) == 2;
  keys.harmless({"num_ln_in_parallel_attn"}); // of the new architecture alone
}

} // namespace

llvm::Expected<DecoderConfig> readFalcon(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  FalconStyle style;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::DecoderOnly;
  result.vocab = keys.integer("vocab_size", 65024, 1, limits::vocabulary);
  result.width = keys.integer("hidden_size", 4544, 1, limits::hidden);
  result.maxPositions = keys.integer("max_position_embeddings", 2048, 1, limits::context);
  StackConfig &s = result.decoder;
  s.layers = keys.integer("num_hidden_layers", 32, 1, limits::layers);
  s.heads = keys.integer("num_attention_heads", 71, 1, limits::heads);
  s.ffn = keys.integerOrNull("ffn_hidden_size", 4 * result.width, 1, limits::ffn);
  s.headDim = std::max<int64_t>(result.width / s.heads, 1);
  if (result.width % s.heads != 0)
    keys.refuse(ExitCode::BadInput, "num_attention_heads",
                fmt::format("{} heads do not divide \"hidden_size\" = {}", s.heads, result.width));
  readArchitecture(keys, s, style);
  result.activation = readActivation(keys, "activation", "gelu");
  result.normEps = keys.real("layer_norm_epsilon", 1e-5, 1.1754943508222875e-38, 1.0);
  result.bias = keys.boolean("bias", false);
  result.tiedHead = keys.boolean("tie_word_embeddings", true);
  style.alibi = keys.boolean("alibi", false);
  if (style.alibi)
    result.maxPositions = std::min(result.maxPositions, kMostValues / s.heads);
  style.rope = readRope(keys, s.headDim, result.maxPositions);
  for (const char *key : {"is_encoder_decoder", "is_decoder", "add_cross_attention", "tie_encoder_decoder",
                          "apply_residual_connection_post_layernorm"})
    keys.neutral(key, false);
  GenerationConfig generation;
  generation.bosTokenId = 11;
  generation.eosTokenIds = {11};
  if (llvm::Error error = finishFamily(input, keys, generation, result))
    return error;
  result.build = [style](ModelBuilder &b) {
    b.normStyle.bias = true;                                                // "bias" is of the linears alone
    b.weights.ignore("transformer.h.*.self_attention.rotary_emb.inv_freq"); // stored by old files
    Falcon{b, style, DecoderOnly(b, "transformer.word_embeddings.weight", "lm_head.weight")}.build();
  };
  return result;
}

} // namespace decant

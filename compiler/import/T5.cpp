// "t5", "mt5": RMS norms before the sublayers, no biases, scores without a scale, relative positions in buckets, relu
// or gated feed-forward (Raffel et al. 2020, arXiv:1910.10683; Xue et al. 2021, arXiv:2010.11934).
//
// Keys: T5Config, MT5Config of transformers 4 and 5. Tensor names: T5ForConditionalGeneration. Tested in
// tests/import/T5Test.cpp and, against transformers, tests/e2e.
#include "compiler/config/Limits.h"
#include "compiler/import/Families.h"
#include "compiler/import/TiedMatrix.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;

namespace decant {
namespace {

struct T5Config {
  bool gated = false;
  double logitsScale = 1;
  int64_t buckets = 32, maxDistance = 128;
};

constexpr char kMasks[] = R"mlir(
dec.mask @decoder_self(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
  %past = dec.apply @causal(%b, %h, %q, %k)
  %real = dec.apply @padding(%b, %h, %q, %k) params(%len : tensor<?xindex>)
  %keep = arith.andi %past, %real : i1
  dec.yield %keep : i1
}
)mlir";

/// T5's _relative_position_bucket of a distance >= 0, with torch's f32 arithmetic.
int64_t bucketOf(int64_t distance, int64_t buckets, int64_t maxDistance) {
  int64_t exact = buckets / 2;
  if (distance < exact)
    return distance;
  float part = std::log(static_cast<float>(distance) / static_cast<float>(exact)) /
               static_cast<float>(std::log(static_cast<double>(maxDistance) / static_cast<double>(exact)));
  return std::min(exact + static_cast<int64_t>(part * static_cast<float>(buckets - exact)), buckets - 1);
}

/// A dec.score that reads table[bucket, head]: the bucket is the number of bounds that the distance has reached.
std::string scoreText(const T5Config &config, int64_t heads, bool bidirectional) {
  int64_t buckets = bidirectional ? config.buckets / 2 : config.buckets;
  std::string text = fmt::format("dec.score @relative_{}(%b: index, %h: index, %q: index, %k: index) "
                                 "params(%bias: tensor<{}x{}xf32>) {{\n",
                                 bidirectional ? "bidirectional" : "causal", config.buckets, heads);
  auto add = [&](const std::string &line) { text += "  " + line + "\n"; };
  add("%back = arith.subi %q, %k : index");
  add("%ahead = arith.subi %k, %q : index");
  add("%zero = arith.constant 0 : index");
  add("%one = arith.constant 1 : index");
  add(fmt::format("%exact = arith.constant {} : index", buckets / 2));
  add(bidirectional ? "%distance = arith.maxsi %ahead, %back : index" : "%distance = arith.maxsi %back, %zero : index");
  std::vector<std::string> terms{"%exact"};
  for (int64_t bucket = buckets / 2 + 1, distance = buckets / 2; bucket < buckets; ++bucket) {
    while (bucketOf(distance, buckets, config.maxDistance) < bucket)
      ++distance; // ends: at maxDistance at the latest the last bucket is reached
    std::string n = std::to_string(bucket);
    add(fmt::format("%t{} = arith.constant {} : index", n, distance));
    add(fmt::format("%far{0} = arith.cmpi sge, %distance, %t{0} : index", n));
    add(fmt::format("%more{0} = arith.select %far{0}, %one, %zero : index", n));
    terms.push_back("%more" + n);
  }
  for (int64_t level = 0; terms.size() > 1; ++level) { // a tree: kernels know expressions of limited depth
    std::vector<std::string> sums;
    for (size_t i = 0; i + 1 < terms.size(); i += 2) {
      sums.push_back(fmt::format("%sum{}_{}", level, i));
      add(fmt::format("{} = arith.addi {}, {} : index", sums.back(), terms[i], terms[i + 1]));
    }
    if (terms.size() % 2)
      sums.push_back(terms.back());
    terms = sums;
  }
  add("%near = arith.cmpi slt, %distance, %exact : index");
  add(fmt::format("%within = arith.select %near, %distance, {} : index", terms.front()));
  add(fmt::format("%half = arith.constant {} : index", bidirectional ? buckets : 0));
  add("%later = arith.cmpi sgt, %k, %q : index");
  add("%side = arith.select %later, %half, %zero : index");
  add("%bucket = arith.addi %within, %side : index");
  add(fmt::format("%value = dec.param %bias[%bucket, %h] : tensor<{}x{}xf32>", config.buckets, heads));
  add("dec.yield %value : f32");
  return text + "}\n";
}

struct T5 {
  ModelBuilder &b;
  const T5Config &config;
  TiedMatrix tied;

  Value norm(Value x, const std::string &prefix) {
    b.at(prefix);
    return b.norm(x, prefix);
  }

  /// Queries from x, keys and values from `memory`, or without one from x too.
  Value attention(Value x, Value memory, Value rows, Value memoryRows, const StackConfig &stack,
                  const std::string &layer, const char *name, const FunctionUse &mask, const FunctionUse &score) {
    Value y = norm(x, layer + ".layer_norm"), keys = memory ? memory : y;
    std::string prefix = layer + "." + name;
    int64_t inner = stack.heads * stack.headDim;
    b.at(prefix);
    Value query = b.linear(y, prefix + ".q", inner), key = b.linear(keys, prefix + ".k", inner),
          value = b.linear(keys, prefix + ".v", inner);
    Value mixed =
        b.attention(query, key, value, rows, memoryRows, AttentionShape{stack.heads, stack.heads, 1.0}, mask, score);
    return b.residual(x, b.linear(mixed, prefix + ".o", b.config.width));
  }

  Value feedForward(Value x, int64_t ffn, const std::string &layer) {
    Value y = norm(x, layer + ".layer_norm");
    std::string prefix = layer + ".DenseReluDense";
    b.at(prefix);
    Value inner = config.gated ? b.gate(b.linear(y, prefix + ".wi_0", ffn), b.linear(y, prefix + ".wi_1", ffn))
                               : b.activation(b.linear(y, prefix + ".wi", ffn));
    return b.residual(x, b.linear(inner, prefix + ".wo", b.config.width));
  }

  /// The table of the first block, which all blocks of the stack read.
  Value buckets(const std::string &stack, int64_t heads) {
    SmallVector<int64_t> shape{config.buckets, heads};
    std::string name = stack + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight";
    Value table = b.table(b.weight(name, shape), shape);
    return table;
  }

  Value embed(const std::string &stack, Value ids) {
    b.at(stack + ".embed_tokens");
    return b.embed(ids, tied.use(stack + ".embed_tokens.weight"));
  }

  void encode() {
    const StackConfig &stack = b.config.encoder;
    auto arguments = b.beginEntry("encode", {{b.tensor(1, b.ops().getI32Type()), "input_ids"}, {b.rowsType(), "rows"}},
                                  b.rows(b.config.width));
    Value rows = arguments[1], length = b.lengths(rows), table = buckets("encoder", stack.heads);
    Value x = embed("encoder", arguments[0]);
    for (int64_t i = 0; i < stack.layers; ++i) {
      std::string block = fmt::format("encoder.block.{}.layer.", i);
      x = attention(x, {}, rows, rows, stack, block + "0", "SelfAttention", {"padding", {length}},
                    {"relative_bidirectional", {table}});
      x = feedForward(x, stack.ffn, block + "1");
    }
    b.endEntry(norm(x, "encoder.final_layer_norm"));
  }

  void decode() {
    const StackConfig &stack = b.config.decoder;
    auto arguments = b.beginEntry("decode",
                                  {{b.tensor(1, b.ops().getI32Type()), "input_ids"},
                                   {b.rowsType(), "rows"},
                                   {b.rows(b.config.width), "memory"},
                                   {b.rowsType(), "memory_rows"}},
                                  b.rows(b.config.vocab));
    Value rows = arguments[1], memory = arguments[2], memoryRows = arguments[3];
    Value length = b.lengths(rows), memoryLength = b.lengths(memoryRows), table = buckets("decoder", stack.heads);
    Value x = embed("decoder", arguments[0]);
    for (int64_t i = 0; i < stack.layers; ++i) {
      std::string block = fmt::format("decoder.block.{}.layer.", i);
      x = attention(x, {}, rows, rows, stack, block + "0", "SelfAttention", {"decoder_self", {length}},
                    {"relative_causal", {table}});
      x = attention(x, memory, rows, memoryRows, stack, block + "1", "EncDecAttention", {"padding", {memoryLength}},
                    {});
      x = feedForward(x, stack.ffn, block + "2");
    }
    x = norm(x, "decoder.final_layer_norm");
    b.at("lm_head");
    // Files that were saved tied may lack lm_head.weight or hold a copy.
    std::string head =
        b.config.tiedHead ? tied.use("lm_head.weight") : b.weight("lm_head.weight", {b.config.vocab, b.config.width});
    b.endEntry(b.logits(x, head, "", config.logitsScale));
  }
};

void buildT5(ModelBuilder &builder, const T5Config &config) {
  builder.normStyle = {builder.config.normEps, /*bias=*/false, /*rms=*/true};
  builder.addFunctions(kMasks, {"decoder_self", "padding"});
  builder.addFunctions(scoreText(config, builder.config.encoder.heads, true), {"relative_bidirectional"});
  builder.addFunctions(scoreText(config, builder.config.decoder.heads, false), {"relative_causal"});
  // Old files hold a table for cross-attention that nothing reads.
  builder.weights.ignore("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight");
  llvm::StringRef names[] = {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"};
  T5 t5{builder, config, TiedMatrix(builder, names, builder.config.width)};
  t5.encode();
  t5.decode();
}

GenerationConfig defaults() {
  GenerationConfig result;
  result.padTokenId = result.decoderStartTokenId = 0;
  result.eosTokenIds = {1};
  return result;
}

/// "relu", "gated-gelu" (which means gelu_new), "gated-silu"; newer files repeat it as dense_act_fn and is_gated_act.
bool readFeedForward(KeyReader &keys, const char *defaultName, DecoderConfig &result) {
  std::string name = keys.text("feed_forward_proj", defaultName);
  bool gated = llvm::StringRef(name).starts_with("gated-");
  static constexpr std::pair<const char *, ConfigActivation> kKnown[] = {
      {"relu", ConfigActivation::Relu},         {"gelu", ConfigActivation::Gelu},
      {"gelu_new", ConfigActivation::GeluTanh}, {"silu", ConfigActivation::Silu},
      {"gated-relu", ConfigActivation::Relu},   {"gated-gelu", ConfigActivation::GeluTanh},
      {"gated-silu", ConfigActivation::Silu}};
  const auto *found = llvm::find_if(kKnown, [&](const auto &known) { return name == known.first; });
  if (found == std::end(kKnown)) {
    keys.refuse(
        ExitCode::Unsupported, "feed_forward_proj",
        fmt::format("{} is not supported; known: relu, gelu, gelu_new, silu, gated-relu, gated-gelu, gated-silu",
                    json::quote(name)));
    return gated;
  }
  result.activation = found->second;
  static constexpr const char *kNames[] = {"gelu", "relu", "gelu_new", "silu", "quick_gelu"};
  keys.neutral("dense_act_fn", kNames[static_cast<int>(result.activation)]);
  keys.neutral("is_gated_act", gated);
  return gated;
}

} // namespace

llvm::Expected<DecoderConfig> readT5(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  T5Config config;
  result.family = keys.text("model_type", std::nullopt);
  bool mt5 = result.family == "mt5";
  result.kind = ModelKind::EncoderDecoder;
  result.bias = false;
  result.vocab = keys.integer("vocab_size", mt5 ? 250112 : 32128, 1, limits::vocabulary);
  result.width = keys.integer("d_model", 512, 1, limits::hidden);
  StackConfig &stack = result.encoder;
  stack.headDim = keys.integer("d_kv", 64, 1, limits::hidden);
  stack.ffn = keys.integer("d_ff", mt5 ? 1024 : 2048, 1, limits::ffn);
  stack.heads = stack.kvHeads = keys.integer("num_heads", mt5 ? 6 : 8, 1, limits::heads);
  stack.layers = keys.integer("num_layers", mt5 ? 8 : 6, 1, limits::layers);
  result.decoder = stack;
  result.decoder.layers = keys.integerOrNull("num_decoder_layers", stack.layers, 1, limits::layers);
  result.maxPositions = limits::context; // positions are relative
  result.normEps = keys.real("layer_norm_epsilon", 1e-6, 1.1754943508222875e-38, 1.0);
  config.gated = readFeedForward(keys, mt5 ? "gated-gelu" : "relu", result);
  config.buckets = keys.integer("relative_attention_num_buckets", 32, 4, 128);
  config.maxDistance = keys.integer("relative_attention_max_distance", 128, 2, limits::context);
  if (config.buckets % 4 != 0 || config.maxDistance <= config.buckets / 2)
    keys.refuse(ExitCode::Unsupported, "relative_attention_num_buckets",
                fmt::format("{} buckets with relative_attention_max_distance = {}; expected a multiple of 4, less than "
                            "twice the distance",
                            config.buckets, config.maxDistance));
  result.tiedHead = keys.boolean("tie_word_embeddings", true);
  // mt5 of transformers has no such key and never scales.
  bool scales = mt5 ? false : keys.boolean("scale_decoder_outputs", result.tiedHead);
  config.logitsScale = scales ? 1 / std::sqrt(static_cast<double>(result.width)) : 1;
  keys.neutral("is_encoder_decoder", true);
  for (const char *key : {"is_decoder", "add_cross_attention", "tie_encoder_decoder"})
    keys.neutral(key, false);
  keys.neutral("pruned_heads", {});
  keys.agrees("hidden_size", result.width, "d_model");
  keys.agrees("num_hidden_layers", stack.layers, "num_layers");
  keys.agrees("num_attention_heads", stack.heads, "num_heads");
  keys.agrees("head_dim", stack.headDim, "d_kv");
  keys.harmless({"n_positions", "dropout_rate"});
  if (llvm::Error error = finishFamily(input, keys, defaults(), result))
    return error;
  result.build = [config](ModelBuilder &builder) { buildT5(builder, config); };
  return result;
}

} // namespace decant

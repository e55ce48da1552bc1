// See BartLike.h. Lewis et al. 2019, arXiv:1910.13461; Whisper's encoder: Radford et al. 2022, arXiv:2212.04356.
#include "compiler/import/BartLike.h"
#include "compiler/config/Limits.h"
#include "compiler/import/TiedMatrix.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;

namespace decant {
namespace {

constexpr char kMasks[] = R"mlir(
dec.mask @decoder_self(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
  %past = dec.apply @causal(%b, %h, %q, %k)
  %real = dec.apply @padding(%b, %h, %q, %k) params(%len : tensor<?xindex>)
  %keep = arith.andi %past, %real : i1
  dec.yield %keep : i1
}
)mlir";

struct BartLike {
  ModelBuilder &b;
  const BartStyle &style;
  TiedMatrix tied;

  std::string embedding(const std::string &stack) {
    std::string name = "model." + stack + ".embed_tokens.weight";
    return style.sharedTables ? tied.use(name) : b.weight(name, {b.config.vocab, b.config.width});
  }

  Value positions(Value x, Value rows, const std::string &stack) {
    b.at(stack + ".embed_positions");
    std::string table = "model." + stack + ".embed_positions.weight";
    if (style.positions == BartPositions::Learned) {
      int64_t length = stack == "encoder" && b.config.maxSource ? b.config.maxSource : b.config.maxPositions;
      return b.position(x, rows, b.weight(table, {length + style.positionOffset, b.config.width}),
                        style.positionOffset);
    }
    if (style.positions == BartPositions::StoredSinusoid && b.weights.has(table)) // rounded to the file's type
      return b.position(x, rows, b.weight(table, {b.config.maxPositions, b.config.width}), 0);
    b.weights.ignore("model." + stack + ".embed_positions.weights");
    int64_t n = b.config.width / 2;
    std::vector<float> freqs;
    for (int64_t j = 0; j < n; ++j)
      freqs.push_back(static_cast<float>(std::exp(-static_cast<double>(j) * style.sinusoidStep)));
    return b.residual(x, b.sinusoid(rows, b.values("position_freqs", freqs, {n}), n, style.positionOffset));
  }

  Value embed(const std::string &stack, Value ids, Value rows) {
    b.at(stack + ".embed_tokens");
    Value x = positions(b.embed(ids, embedding(stack)), rows, stack);
    b.at(stack + ".layernorm_embedding");
    return style.embeddingNorm ? b.norm(x, "model." + stack + ".layernorm_embedding") : x;
  }

  /// x + branch with the norm `name` of `layer` before the branch or behind the sum.
  template <class Branch> Value sublayer(Value x, const std::string &layer, const std::string &name, Branch branch) {
    auto norm = [&](Value y) {
      b.at(layer + "." + name);
      return b.norm(y, "model." + layer + "." + name);
    };
    if (style.preNorm)
      return b.residual(x, branch(norm(x)));
    return norm(b.residual(x, branch(x)));
  }

  /// Queries from x, keys and values from `memory`, or without one from x too.
  Value attention(Value x, Value memory, Value rows, Value memoryRows, int64_t heads, const std::string &layer,
                  const std::string &name, const FunctionUse &mask) {
    return sublayer(x, layer, name + "_layer_norm", [&](Value y) {
      std::string prefix = "model." + layer + "." + name;
      int64_t width = b.config.width;
      Value keys = memory ? memory : y;
      b.at(layer + "." + name);
      Value query = b.linear(y, prefix + ".q_proj", width);
      Value key = b.linear(keys, prefix + ".k_proj", width, style.keyBias);
      Value value = b.linear(keys, prefix + ".v_proj", width);
      Value mixed = b.attention(query, key, value, rows, memoryRows, heads, mask);
      return b.linear(mixed, prefix + ".out_proj", width);
    });
  }

  Value feedForward(Value x, int64_t ffn, const std::string &layer) {
    return sublayer(x, layer, "final_layer_norm", [&](Value y) {
      b.at(layer + ".fc1");
      Value inner = b.activation(b.linear(y, "model." + layer + ".fc1", ffn));
      b.at(layer + ".fc2");
      return b.linear(inner, "model." + layer + ".fc2", b.config.width);
    });
  }

  Value stackNorm(Value x, const std::string &stack) {
    b.at(stack + ".layer_norm");
    return style.preNorm ? b.norm(x, "model." + stack + ".layer_norm") : x;
  }

  /// Kernel 3, padding 1, over two frames a row; conv2 has stride 2: one frame a row is left.
  Value convolutions(Value features, Value rows) {
    int64_t mels = b.config.sourceWidth / 2, width = b.config.width;
    auto convolve = [&](ArrayRef<Value> inputs, ArrayRef<int64_t> shifts, const std::string &name) {
      int64_t channels = dec::width(inputs.front());
      std::string prefix = "model.encoder." + name;
      std::string weight = b.flatRows(prefix + ".weight", {width, channels, 3});
      return b.activation(b.linear(b.frames(inputs, rows, shifts), weight, b.weight(prefix + ".bias", {width}), width));
    };
    b.at("encoder.conv1");
    auto frame = b.split(features, {mels, mels});
    Value even = convolve({frame[1], frame[0], frame[1]}, {-1, 0, 0}, "conv1");
    Value odd = convolve({frame[0], frame[1], frame[0]}, {0, 0, 1}, "conv1");
    b.at("encoder.conv2");
    return convolve({odd, even, odd}, {-1, 0, 0}, "conv2");
  }

  void encode() {
    const StackConfig &stack = b.config.encoder;
    EntryArgument source = style.audio ? EntryArgument{b.rows(b.config.sourceWidth), "input_features"}
                                       : EntryArgument{b.tensor(1, b.ops().getI32Type()), "input_ids"};
    auto arguments = b.beginEntry("encode", {source, {b.rowsType(), "rows"}}, b.rows(b.config.width));
    Value rows = arguments[1], length = b.lengths(rows);
    Value x = style.audio ? positions(convolutions(arguments[0], rows), rows, "encoder")
                          : embed("encoder", arguments[0], rows);
    for (int64_t i = 0; i < stack.layers; ++i) {
      std::string layer = fmt::format("encoder.layers.{}", i);
      x = attention(x, {}, rows, rows, stack.heads, layer, "self_attn", {"padding", {length}});
      x = feedForward(x, stack.ffn, layer);
    }
    b.endEntry(stackNorm(x, "encoder"));
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
    Value length = b.lengths(rows), memoryLength = b.lengths(memoryRows);
    Value x = embed("decoder", arguments[0], rows);
    for (int64_t i = 0; i < stack.layers; ++i) {
      std::string layer = fmt::format("decoder.layers.{}", i);
      x = attention(x, {}, rows, rows, stack.heads, layer, "self_attn", {"decoder_self", {length}});
      x = attention(x, memory, rows, memoryRows, stack.heads, layer, "encoder_attn", {"padding", {memoryLength}});
      x = feedForward(x, stack.ffn, layer);
    }
    x = stackNorm(x, "decoder");
    b.at("lm_head");
    b.endEntry(b.logits(x, head(), style.logitsBias ? b.flatWeight("final_logits_bias", b.config.vocab) : ""));
  }

  std::string head() {
    std::string name = style.audio ? "proj_out.weight" : "lm_head.weight";
    if (!b.config.tiedHead)
      return b.weight(name, {b.config.vocab, b.config.width});
    if (style.sharedTables || b.weights.has(name))
      return tied.use(name);
    return embedding("decoder");
  }
};

StackConfig readStack(KeyReader &keys, const std::string &stack, int64_t width, const BartDefaults &defaults) {
  StackConfig result;
  std::string headsKey = stack + "_attention_heads";
  result.layers = keys.integer(stack + "_layers", defaults.layers, 1, limits::layers);
  result.heads = keys.integer(headsKey, defaults.heads, 1, limits::heads);
  result.ffn = keys.integer(stack + "_ffn_dim", defaults.ffn, 1, limits::ffn);
  result.kvHeads = result.heads;
  if (width % result.heads != 0)
    keys.refuse(ExitCode::BadInput, headsKey,
                fmt::format("{} heads do not divide \"d_model\" = {}", result.heads, width));
  result.headDim = width / result.heads;
  return result;
}

} // namespace

void readBartKeys(KeyReader &keys, DecoderConfig &result, const BartDefaults &defaults) {
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::EncoderDecoder;
  result.width = keys.integer("d_model", defaults.width, 1, limits::hidden);
  result.encoder = readStack(keys, "encoder", result.width, defaults);
  result.decoder = readStack(keys, "decoder", result.width, defaults);
  result.activation = readActivation(keys, "activation_function", defaults.activation);
  result.embedScale =
      keys.boolean("scale_embedding", defaults.scaleEmbedding) ? std::sqrt(static_cast<double>(result.width)) : 1.0;
  result.tiedHead = keys.boolean("tie_word_embeddings", true);
  keys.agrees("num_hidden_layers", result.encoder.layers, "encoder_layers");
  keys.agrees("num_attention_heads", result.encoder.heads, "encoder_attention_heads");
  keys.agrees("hidden_size", result.width, "d_model");
  keys.neutral("is_encoder_decoder", true);
  for (const char *key : {"is_decoder", "add_cross_attention", "add_bias_logits", "tie_encoder_decoder"})
    keys.neutral(key, false);
  keys.neutral("pruned_heads", {});
  keys.neutral("cross_attention_hidden_size", {});
}

void buildBartLike(ModelBuilder &builder, const BartStyle &style) {
  builder.addFunctions(kMasks, {"decoder_self", "padding"});
  const char *decoderTable = "model.decoder.embed_tokens.weight";
  llvm::SmallVector<StringRef> names{"model.shared.weight", "model.encoder.embed_tokens.weight", decoderTable,
                                     "lm_head.weight"};
  if (style.audio)
    names = {decoderTable, "proj_out.weight"};
  else if (!style.sharedTables)
    names = {decoderTable, "lm_head.weight"};
  BartLike bart{builder, style, TiedMatrix(builder, names, builder.config.width)};
  bart.encode();
  bart.decode();
}

} // namespace decant

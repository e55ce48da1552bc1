// "bart": encoder-decoder, learned positions with offset 2, post-norm, tied matrices (Lewis et al. 2019,
// arXiv:1910.13461).
//
// Tensor names: transformers' BartForConditionalGeneration. Tested in tests/import and, against transformers,
// tests/reference.
#include "compiler/config/Limits.h"
#include "compiler/import/Families.h"
#include "compiler/import/ModelBuilder.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;

namespace decant {
namespace {

constexpr int64_t kPositionOffset = 2; // the first two rows of the table stand for the padding index of fairseq

constexpr char kMasks[] = R"mlir(
dec.mask @decoder_self(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
  %past = dec.apply @causal(%b, %h, %q, %k)
  %real = dec.apply @padding(%b, %h, %q, %k) params(%len : tensor<?xindex>)
  %keep = arith.andi %past, %real : i1
  dec.yield %keep : i1
}
)mlir";

/// The names under which a file may hold the one matrix of embeddings and head.
struct TiedMatrix {
  explicit TiedMatrix(ModelBuilder &b) : b(b) {
    for (const char *name : {"model.shared.weight", "model.encoder.embed_tokens.weight",
                             "model.decoder.embed_tokens.weight", "lm_head.weight"})
      if (canonical.empty() && b.weights.has(name))
        canonical = name;
    if (canonical.empty())
      canonical = "model.shared.weight"; // reported as missing
  }

  /// The matrix for `name`: its own tensor if the file has one with other data, else the shared one.
  std::string use(const std::string &name) {
    SmallVector<int64_t> shape{b.config.vocab, b.config.width};
    if (!b.weights.has(name) || name == canonical)
      return b.weight(canonical, shape);
    if (b.weights.sameData(name, canonical)) {
      b.weights.ignore(name);
      return b.weight(canonical, shape);
    }
    if (b.config.tiedHead)
      emitRemark(NameLoc::get(b.ops().getStringAttr(name)),
                 fmt::format("differs from \"{}\", its twin; it is used", canonical));
    return b.weight(name, shape);
  }

  ModelBuilder &b;
  std::string canonical;
};

struct Bart {
  ModelBuilder &b;
  TiedMatrix tied;

  Value embed(const std::string &stack, Value ids, Value rows) {
    std::string prefix = "model." + stack;
    b.at(stack + ".embed_tokens");
    Value x = b.embed(ids, tied.use(prefix + ".embed_tokens.weight"));
    b.at(stack + ".embed_positions");
    int64_t positions = b.config.maxPositions + kPositionOffset;
    x = b.position(x, rows, b.weight(prefix + ".embed_positions.weight", {positions, b.config.width}), kPositionOffset);
    b.at(stack + ".layernorm_embedding");
    return b.norm(x, prefix + ".layernorm_embedding");
  }

  /// norm(x + out_proj(attention)); queries from x, keys and values from `memory`.
  Value attention(Value x, Value memory, Value rows, Value memoryRows, int64_t heads, const std::string &layer,
                  const std::string &name, const FunctionUse &mask) {
    std::string prefix = "model." + layer + "." + name;
    int64_t width = b.config.width;
    b.at(layer + "." + name);
    Value query = b.linear(x, prefix + ".q_proj", width);
    Value key = b.linear(memory, prefix + ".k_proj", width);
    Value value = b.linear(memory, prefix + ".v_proj", width);
    Value mixed = b.attention(query, key, value, rows, memoryRows, heads, mask);
    Value out = b.residual(x, b.linear(mixed, prefix + ".out_proj", width));
    b.at(layer + "." + name + "_layer_norm");
    return b.norm(out, prefix + "_layer_norm");
  }

  Value feedForward(Value x, int64_t ffn, const std::string &layer) {
    std::string prefix = "model." + layer;
    b.at(layer + ".fc1");
    Value inner = b.activation(b.linear(x, prefix + ".fc1", ffn));
    b.at(layer + ".fc2");
    Value out = b.residual(x, b.linear(inner, prefix + ".fc2", b.config.width));
    b.at(layer + ".final_layer_norm");
    return b.norm(out, prefix + ".final_layer_norm");
  }

  void encode() {
    const StackConfig &stack = b.config.encoder;
    auto arguments = b.beginEntry("encode", {{b.tensor(1, b.ops().getI32Type()), "input_ids"}, {b.rowsType(), "rows"}},
                                  b.rows(b.config.width));
    Value rows = arguments[1], length = b.lengths(rows);
    Value x = embed("encoder", arguments[0], rows);
    for (int64_t i = 0; i < stack.layers; ++i) {
      std::string layer = fmt::format("encoder.layers.{}", i);
      x = attention(x, x, rows, rows, stack.heads, layer, "self_attn", {"padding", {length}});
      x = feedForward(x, stack.ffn, layer);
    }
    b.endEntry(x);
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
      x = attention(x, x, rows, rows, stack.heads, layer, "self_attn", {"decoder_self", {length}});
      x = attention(x, memory, rows, memoryRows, stack.heads, layer, "encoder_attn", {"padding", {memoryLength}});
      x = feedForward(x, stack.ffn, layer);
    }
    b.at("lm_head");
    SmallVector<int64_t> shape{b.config.vocab, b.config.width};
    std::string head = b.config.tiedHead ? tied.use("lm_head.weight") : b.weight("lm_head.weight", shape);
    b.endEntry(b.logits(x, head, b.flatWeight("final_logits_bias", b.config.vocab)));
  }
};

void buildBart(ModelBuilder &builder) {
  // Version stamps of files converted from fairseq.
  builder.weights.ignore("model.encoder.version");
  builder.weights.ignore("model.decoder.version");
  builder.addFunctions(kMasks, {"decoder_self", "padding"});
  Bart bart{builder, TiedMatrix(builder)};
  bart.encode();
  bart.decode();
}

StackConfig readStack(KeyReader &keys, const std::string &stack, int64_t width) {
  StackConfig result;
  std::string headsKey = stack + "_attention_heads";
  result.layers = keys.integer(stack + "_layers", 12, 1, limits::layers);
  result.heads = keys.integer(headsKey, 16, 1, limits::heads);
  result.ffn = keys.integer(stack + "_ffn_dim", 4096, 1, limits::ffn);
  result.kvHeads = result.heads;
  if (width % result.heads != 0)
    keys.refuse(ExitCode::BadInput, headsKey,
                fmt::format("{} heads do not divide \"d_model\" = {}", result.heads, width));
  return result;
}

/// Keys of older files that change the maths.
void readLegacyKeys(KeyReader &keys) {
  keys.neutral("is_encoder_decoder", true);
  keys.neutral("normalize_embedding", true);
  keys.neutral("extra_pos_embeddings", 2.0);
  for (const char *key : {"is_decoder", "add_cross_attention", "normalize_before", "add_final_layer_norm",
                          "static_position_embeddings", "add_bias_logits", "tie_encoder_decoder"})
    keys.neutral(key, false);
  keys.neutral("pruned_heads", {});
  keys.neutral("cross_attention_hidden_size", {});
}

GenerationConfig bartDefaults() {
  GenerationConfig result;
  result.bosTokenId = 0;
  result.padTokenId = 1;
  result.eosTokenIds = {2};
  result.decoderStartTokenId = 2;
  result.forcedEosTokenId = 2;
  return result;
}

} // namespace

llvm::Expected<DecoderConfig> readBart(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::EncoderDecoder;
  result.vocab = keys.integer("vocab_size", 50265, 1, limits::vocabulary);
  result.width = keys.integer("d_model", 1024, 1, limits::hidden);
  result.maxPositions = keys.integer("max_position_embeddings", 1024, 1, limits::context);
  result.encoder = readStack(keys, "encoder", result.width);
  result.decoder = readStack(keys, "decoder", result.width);
  result.activation = readActivation(keys, "activation_function", "gelu");
  result.embedScale = keys.boolean("scale_embedding", false) ? std::sqrt(static_cast<double>(result.width)) : 1.0;
  result.tiedHead = keys.boolean("tie_word_embeddings", true);
  keys.agrees("num_hidden_layers", result.encoder.layers, "encoder_layers");
  keys.agrees("num_attention_heads", result.encoder.heads, "encoder_attention_heads");
  keys.agrees("hidden_size", result.width, "d_model");
  readLegacyKeys(keys);

  // Copies of the character tables; g2p_vocab.json decides.
  keys.harmless({"grapheme_chars", "phoneme_chars"});
  bool forceBos = keys.boolean("force_bos_token_to_be_generated", false); // how old files ask for a forced first token
  if (llvm::Error error = finishFamily(input, keys, bartDefaults(), result))
    return error;
  if (forceBos && !input.generation && result.generation.forcedBosTokenId < 0)
    result.generation.forcedBosTokenId = result.generation.bosTokenId;
  result.build = buildBart;
  return result;
}

} // namespace decant

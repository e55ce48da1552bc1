// "bart": encoder-decoder, learned positions with offset 2, post-norm, tied matrices (Lewis et al. 2019,
// arXiv:1910.13461).
//
// Tensor names: transformers' BartForConditionalGeneration. Tested in tests/import and, against transformers,
// tests/reference.
#include "compiler/import/Families.h"
#include "compiler/import/ModelBuilder.h"

#include <fmt/format.h>

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

} // namespace

void buildBart(ModelBuilder &builder) {
  // Version stamps of files converted from fairseq.
  builder.weights.ignore("model.encoder.version");
  builder.weights.ignore("model.decoder.version");
  builder.addFunctions(kMasks, {"decoder_self", "padding"});
  Bart bart{builder, TiedMatrix(builder)};
  bart.encode();
  bart.decode();
}

} // namespace decant

// "torch_transformer_decoder": the state of a torch.nn.TransformerDecoder, TransformerDecoderLayer (keys without
// "layers.0.") or of the decoder in a torch.nn.Transformer (keys "decoder.*"; its encoder is left out).
//
// Input and output are states: no embedding, no head. Vaswani et al. 2017, arXiv:1706.03762; pre-norm: Xiong et al.
// 2020, arXiv:2002.04745. Tested in tests/import and, against PyTorch, tests/reference.
#include "compiler/config/Limits.h"
#include "compiler/import/Families.h"
#include "compiler/import/ModelBuilder.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant {
namespace {

// A caller may give any keep, bias and the causal flag; 0, all true and 0 are neutral.
constexpr char kMasks[] = R"mlir(
dec.mask @decoder_self(%b: index, %h: index, %q: index, %k: index)
    params(%self_causal: tensor<1xindex>, %self_keep: tensor<?x?x?x?xi1>) {
  %zero = arith.constant 0 : index
  %flag = dec.param %self_causal[%zero] : tensor<1xindex>
  %any = arith.cmpi eq, %flag, %zero : index
  %past = dec.apply @causal(%b, %h, %q, %k)
  %ordered = arith.ori %any, %past : i1
  %given = dec.apply @explicit(%b, %h, %q, %k) params(%self_keep : tensor<?x?x?x?xi1>)
  %keep = arith.andi %ordered, %given : i1
  dec.yield %keep : i1
}
)mlir";

struct TorchDecoder {
  ModelBuilder &b;
  std::string stack; // "" or "decoder."
  bool single;       // keys of one TransformerDecoderLayer
  FunctionUse selfMask, selfScore, crossMask, crossScore;
  Value rows, memory, memoryRows;

  explicit TorchDecoder(ModelBuilder &b) : b(b) {
    const std::string probe = "self_attn.in_proj_weight";
    bool nested = !b.weights.has("layers.0." + probe) && b.weights.has("decoder.layers.0." + probe);
    stack = nested ? "decoder." : "";
    single = !nested && b.config.decoder.layers == 1 && b.weights.has(probe);
    if (nested)
      b.weights.ignore("encoder.*");
  }

  /// `part` 0, 1, 2 = q, k, v: its third of in_proj's rows.
  Value project(Value x, const std::string &prefix, int part) {
    int64_t width = b.config.width, begin = part * width;
    std::string letter(1, "qkv"[part]);
    std::string matrix = prefix + ".in_proj_weight", offset = prefix + ".in_proj_bias";
    std::string symbol = b.weightRows(matrix + "." + letter, matrix, {3 * width, width}, begin, begin + width);
    std::string biasSymbol =
        b.config.bias ? b.weightRows(offset + "." + letter, offset, {3 * width}, begin, begin + width) : "";
    return b.linear(x, symbol, biasSymbol, width);
  }

  Value attention(Value x, Value keys, Value keyRows, const std::string &prefix, const FunctionUse &mask,
                  const FunctionUse &score) {
    Value query = project(x, prefix, 0), key = project(keys, prefix, 1), value = project(keys, prefix, 2);
    Value mixed = b.attention(query, key, value, rows, keyRows, b.config.decoder.heads, mask, score);
    return b.linear(mixed, prefix + ".out_proj", b.config.width);
  }

  Value feedForward(Value x, const std::string &prefix) {
    Value inner = b.activation(b.linear(x, prefix + "linear1", b.config.decoder.ffn));
    return b.linear(inner, prefix + "linear2", b.config.width);
  }

  /// Post-norm: norm(x + branch(x)); pre-norm: x + branch(norm(x)).
  template <class Branch> Value sublayer(Value x, const std::string &where, const std::string &norm, Branch branch) {
    Value input = x;
    if (b.config.normFirst) {
      b.at(where + norm);
      input = b.norm(x, prefix + norm);
    }
    b.at(where + branchName);
    Value sum = b.residual(x, branch(input));
    if (b.config.normFirst)
      return sum;
    b.at(where + norm);
    return b.norm(sum, prefix + norm);
  }

  std::string prefix;          // of the layer's tensors
  const char *branchName = ""; // "self_attn" ...

  Value layer(Value x, int64_t i) {
    prefix = single ? "" : fmt::format("{}layers.{}.", stack, i);
    std::string where = fmt::format("decoder.layers.{}.", i);
    branchName = "self_attn";
    x = sublayer(x, where, "norm1",
                 [&](Value y) { return attention(y, y, rows, prefix + "self_attn", selfMask, selfScore); });
    branchName = "multihead_attn";
    x = sublayer(x, where, "norm2", [&](Value y) {
      return attention(y, memory, memoryRows, prefix + "multihead_attn", crossMask, crossScore);
    });
    branchName = "linear";
    return sublayer(x, where, "norm3", [&](Value y) { return feedForward(y, prefix); });
  }

  void encode() {
    auto arguments =
        b.beginEntry("encode", {{b.rows(b.config.width), "memory"}, {b.rowsType(), "rows"}}, b.rows(b.config.width));
    b.endEntry(arguments[0]);
  }

  void decode() {
    Type keep = b.tensor(4, b.ops().getI1Type()), bias = b.tensor(4, b.ops().getF32Type());
    Type flag = RankedTensorType::get({1}, b.ops().getIndexType());
    RankedTensorType states = b.rows(b.config.width);
    auto a = b.beginEntry("decode",
                          {{states, "tgt"},
                           {b.rowsType(), "rows"},
                           {states, "memory"},
                           {b.rowsType(), "memory_rows"},
                           {flag, "self_causal", 0.0},
                           {keep, "self_keep", 1.0},
                           {bias, "self_bias", 0.0},
                           {keep, "cross_keep", 1.0},
                           {bias, "cross_bias", 0.0}},
                          states);
    rows = a[1], memory = a[2], memoryRows = a[3];
    selfMask = {"decoder_self", {a[4], a[5]}}, selfScore = {"explicit_bias", {a[6]}};
    crossMask = {"explicit", {a[7]}}, crossScore = {"explicit_bias", {a[8]}};
    Value x = a[0];
    for (int64_t i = 0; i < b.config.decoder.layers; ++i)
      x = layer(x, i);
    if (!single && b.weights.has(stack + "norm.weight")) {
      b.at("decoder.norm");
      x = b.norm(x, stack + "norm");
    }
    b.endEntry(x);
  }
};

void buildTorchDecoder(ModelBuilder &builder) {
  builder.addFunctions(kMasks, {"decoder_self", "explicit", "explicit_bias"});
  TorchDecoder decoder(builder);
  decoder.encode();
  decoder.decode();
}

ConfigActivation readTorchActivation(KeyReader &keys) {
  std::string name = keys.text("activation", "relu");
  if (name != "relu" && name != "gelu")
    keys.refuse(ExitCode::Unsupported, "activation",
                fmt::format("the activation {} is not supported; known: \"relu\", \"gelu\" (erf)", json::quote(name)));
  return name == "gelu" ? ConfigActivation::Gelu : ConfigActivation::Relu;
}

} // namespace

llvm::Expected<DecoderConfig> readTorchDecoder(const FamilyInput &input) {
  if (input.generation)
    return unsupported(
        fmt::format("{}: a model of type torch_transformer_decoder generates no text, so this file would "
                    "be ignored; remove it",
                    input.generationPath));
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::TorchDecoder;
  result.tiedHead = false;
  result.width = keys.integer("d_model", std::nullopt, 1, limits::hidden);
  result.decoder.heads = keys.integer("nhead", std::nullopt, 1, limits::heads);
  result.decoder.kvHeads = result.decoder.heads;
  result.decoder.layers = keys.integer("num_layers", std::nullopt, 1, limits::layers);
  result.decoder.ffn = keys.integer("dim_feedforward", 2048, 1, limits::ffn);
  result.maxPositions = keys.integer("max_position_embeddings", 4096, 1, limits::context);
  result.activation = readTorchActivation(keys);
  // A smallest normal float keeps x / sqrt(eps) finite for a constant row.
  result.normEps = keys.real("layer_norm_eps", 1e-5, 1.1754943508222875e-38, 1.0);
  result.normFirst = keys.boolean("norm_first", false);
  result.batchFirst = keys.boolean("batch_first", false);
  result.bias = keys.boolean("bias", true);
  if (result.width % result.decoder.heads != 0)
    keys.refuse(ExitCode::BadInput, "nhead",
                fmt::format("{} heads do not divide \"d_model\" = {}", result.decoder.heads, result.width));
  keys.harmless({"dropout", "architectures", "dtype", "torch_dtype", "torch_version", "transformers_version"});
  if (llvm::Error error = keys.finish())
    return error;
  result.build = buildTorchDecoder;
  return result;
}

} // namespace decant

// See DecoderOnly.h.
#include "compiler/import/DecoderOnly.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant {

static constexpr char kWindowMask[] = R"mlir(
dec.mask @causal_window_{0}(%b: index, %h: index, %q: index, %k: index) {{
  %window = arith.constant {0} : index
  %past = dec.apply @causal(%b, %h, %q, %k)
  %near = dec.apply @sliding_window(%b, %h, %q, %k) params(%window : index)
  %keep = arith.andi %past, %near : i1
  dec.yield %keep : i1
}}
)mlir";

DecoderOnly::DecoderOnly(ModelBuilder &builder, const std::string &table, const std::string &head, int64_t width)
    : b(builder), table(table), head(head), width(width ? width : builder.config.width),
      tied(builder, {llvm::StringRef(table), llvm::StringRef(head)}, this->width) {
  b.addFunctions("", {"causal"});
  auto arguments = b.beginEntry("decode", {{b.tensor(1, b.ops().getI32Type()), "input_ids"}, {b.rowsType(), "rows"}},
                                b.rows(b.config.vocab));
  ids = arguments[0], rows = arguments[1];
}

Value DecoderOnly::embed() {
  b.at("decoder.embed_tokens");
  return b.embed(ids, b.config.tiedHead ? tied.use(table) : b.weight(table, {b.config.vocab, width}), width);
}

FunctionUse DecoderOnly::mask(int64_t window) {
  if (window == 0)
    return {"causal", {}};
  std::string name = fmt::format("causal_window_{}", window);
  auto symbol = b.ops().getStringAttr(name); // lives as long as the context
  if (windows.insert(window).second)
    b.addFunctions(fmt::format(kWindowMask, window), {name});
  return {symbol.getValue(), {}};
}

SmallVector<Value> DecoderOnly::projectFused(Value x, const std::string &prefix, int64_t groups, int64_t queries,
                                             int64_t dim, bool bias) {
  int64_t group = (queries + 2) * dim;
  SmallVector<Value> parts;
  for (auto [part, first, heads] : {std::tuple("q", int64_t(0), queries), {"k", queries, 1}, {"v", queries + 1, 1}}) {
    SmallVector<RowRange> rows;
    for (int64_t g = 0; g < groups; ++g)
      rows.push_back({g * group + first * dim, g * group + (first + heads) * dim});
    auto slice = [&](const char *kind, ArrayRef<int64_t> shape) {
      return b.weightRows(prefix + "." + part + kind, prefix + kind, shape, rows);
    };
    std::string weight = slice(".weight", {groups * group, dec::width(x)});
    parts.push_back(b.linear(x, weight, bias ? slice(".bias", {groups * group}) : "", groups * heads * dim));
  }
  return parts;
}

void DecoderOnly::finish(Value x, const std::string &bias, double scale, double softcap) {
  b.at("decoder.lm_head");
  std::string matrix = b.config.tiedHead ? tied.use(head) : b.weight(head, {b.config.vocab, width});
  b.endEntry(b.logits(x, matrix, bias, scale, softcap));
}

std::vector<int64_t> readWindows(KeyReader &keys, int64_t layers, int64_t window, bool (*slides)(int64_t layer)) {
  std::vector<int64_t> result;
  for (int64_t i = 0; i < layers; ++i)
    result.push_back(window > 0 && slides(i) ? window : 0);
  const json::Value *types = keys.take("layer_types");
  if (!types || types->is(json::Kind::Null))
    return result;
  if (!types->is(json::Kind::Array) || static_cast<int64_t>(types->items().size()) != layers) {
    keys.refuse(ExitCode::BadInput, "layer_types", fmt::format("expected a list of {} types, one a layer", layers));
    return result;
  }
  for (int64_t i = 0; i < layers; ++i) {
    const json::Value &type = types->items()[i];
    bool sliding = type.is(json::Kind::String) && type.text() == "sliding_attention";
    if (!sliding && !(type.is(json::Kind::String) && type.text() == "full_attention"))
      keys.refuse(
          ExitCode::Unsupported, "layer_types",
          fmt::format("layer {} is {}; known: \"full_attention\", \"sliding_attention\"", i, json::excerpt(type)));
    if (sliding && window == 0)
      keys.refuse(ExitCode::BadInput, "layer_types", fmt::format("layer {} slides, but there is no sliding_window", i));
    result[i] = sliding ? window : 0;
  }
  return result;
}

} // namespace decant

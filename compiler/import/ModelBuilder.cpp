// See ModelBuilder.h.
#include "compiler/import/ModelBuilder.h"
#include "compiler/import/LinkPrelude.h"

#include <cmath>

using namespace mlir;

namespace decant {

static StringRef kindName(ModelKind kind) {
  switch (kind) {
  case ModelKind::EncoderDecoder:
    return "encoder_decoder";
  case ModelKind::DecoderOnly:
    return "decoder_only";
  case ModelKind::TorchDecoder:
    return "torch_decoder";
  }
  llvm_unreachable("unknown kind");
}

ModelBuilder::ModelBuilder(MLIRContext &context, const DecoderConfig &config, const WeightSet &weights,
                           const ImportOptions &options, int64_t maxContext)
    : config(config), weights(weights), context(&context), module(ModuleOp::create(UnknownLoc::get(&context))),
      builder(&context), loc(UnknownLoc::get(&context)) {
  (*module)->setAttr("dec.phase", builder.getStringAttr("import"));
  at(options.name.empty() ? config.family : options.name);
  builder.setInsertionPointToStart(module->getBody());
  bool batchFirst = config.kind != ModelKind::TorchDecoder || config.batchFirst;
  int64_t maxSource = config.kind == ModelKind::DecoderOnly ? 0 : config.maxSource ? config.maxSource : maxContext;
  model = dec::ModelOp::create(builder, loc, options.name.empty() ? config.family : options.name, kindName(config.kind),
                               config.width, config.vocab, options.maxBatch, maxContext, maxSource, batchFirst,
                               config.sourceWidth ? builder.getI64IntegerAttr(config.sourceWidth) : IntegerAttr());
  normStyle = {config.normEps, config.bias};
  builder.createBlock(&model.getBody());
}

void ModelBuilder::at(const std::string &where) { loc = NameLoc::get(builder.getStringAttr(where)); }

// ---- top level

void ModelBuilder::addFunctions(StringRef text, ArrayRef<StringRef> names) {
  auto parsed = parsePrelude(*context, text);
  OpBuilder top = weightBuilder();
  for (StringRef name : names)
    copyFunction(top, model, *parsed, name);
}

void ModelBuilder::addGeneration() {
  const GenerationConfig &g = config.generation;
  dec::GenerationOp::create(builder, loc, g.bosTokenId, g.padTokenId, g.decoderStartTokenId, g.forcedBosTokenId,
                            g.forcedEosTokenId, g.maxLength, g.minLength, g.maxNewTokens, g.minNewTokens, g.numBeams,
                            g.earlyStopping, llvm::APFloat(g.lengthPenalty), g.eosTokenIds, g.suppressTokens,
                            g.beginSuppressTokens, g.doSample, llvm::APFloat(g.temperature), g.topK,
                            llvm::APFloat(g.topP), llvm::APFloat(g.minP), llvm::APFloat(g.repetitionPenalty),
                            g.noRepeatNgramSize, g.badWordsIds, g.decoderPrompt);
}

void ModelBuilder::addText(const CharacterTables &tables) {
  SmallVector<int32_t> characters, ids;
  for (auto [character, id] : tables.chars) {
    characters.push_back(static_cast<int32_t>(character));
    ids.push_back(id);
  }
  SmallVector<StringRef> pieces(tables.pieces.begin(), tables.pieces.end());
  dec::TextOp::create(builder, loc, characters, ids, tables.unknownId, tables.prefix, tables.suffix, tables.specials,
                      builder.getStrArrayAttr(pieces));
}

void ModelBuilder::addTokenizer(ArrayRef<uint8_t> tables) {
  auto type = RankedTensorType::get({static_cast<int64_t>(tables.size())}, builder.getI8Type());
  ArrayRef<char> bytes(reinterpret_cast<const char *>(tables.data()), tables.size());
  dec::TokenizerOp::create(builder, loc, DenseElementsAttr::getFromRawBuffer(type, bytes));
}

SmallVector<Value> ModelBuilder::beginEntry(StringRef name, ArrayRef<EntryArgument> arguments, Type result) {
  at(name.str());
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  for (const EntryArgument &argument : arguments) {
    SmallVector<NamedAttribute> list{builder.getNamedAttr("dec.name", builder.getStringAttr(argument.name))};
    if (argument.neutral)
      list.push_back(builder.getNamedAttr("dec.neutral", builder.getF64FloatAttr(*argument.neutral)));
    types.push_back(argument.type);
    attributes.push_back(builder.getDictionaryAttr(list));
  }
  builder.setInsertionPointToEnd(&model.getBody().front());
  entry = func::FuncOp::create(builder, loc, name, builder.getFunctionType(types, result));
  entry.setAllArgAttrs(attributes);
  builder.setInsertionPointToStart(entry.addEntryBlock());
  return SmallVector<Value>(entry.getArguments());
}

void ModelBuilder::endEntry(Value result) {
  func::ReturnOp::create(builder, loc, result);
  builder.setInsertionPointToEnd(&model.getBody().front());
  entry = nullptr;
}

// ---- weights

/// Weights stand before the entry that uses them first.
OpBuilder ModelBuilder::weightBuilder() {
  OpBuilder result(context);
  if (entry)
    result.setInsertionPoint(entry);
  else
    result.setInsertionPointToEnd(&model.getBody().front());
  return result;
}

std::string ModelBuilder::weight(const std::string &tensor, ArrayRef<int64_t> shape) {
  OpBuilder top = weightBuilder();
  return weights.declare(top, tensor, tensor, shape, shape, RowRange{0, shape[0]});
}

std::string ModelBuilder::weightRows(const std::string &symbol, const std::string &tensor, ArrayRef<int64_t> fileShape,
                                     int64_t begin, int64_t end) {
  return weightRows(symbol, tensor, fileShape, RowRange{begin, end});
}

std::string ModelBuilder::weightRows(const std::string &symbol, const std::string &tensor, ArrayRef<int64_t> fileShape,
                                     ArrayRef<RowRange> rows) {
  SmallVector<int64_t> shape(fileShape);
  shape[0] = 0;
  for (RowRange range : rows)
    shape[0] += range.end - range.begin;
  OpBuilder top = weightBuilder();
  return weights.declare(top, symbol, tensor, fileShape, shape, rows);
}

std::string ModelBuilder::weightColumns(const std::string &symbol, const std::string &tensor, int64_t k, int64_t n,
                                        int64_t begin, int64_t end) {
  OpBuilder top = weightBuilder();
  return weights.declare(top, symbol, tensor, {k, n}, {end - begin, k}, RowRange{begin, end}, /*transposed=*/true);
}

std::string ModelBuilder::flatWeight(const std::string &tensor, int64_t n) {
  OpBuilder top = weightBuilder();
  return weights.declare(top, tensor, tensor, {1, n}, {n}, RowRange{0, n});
}

std::string ModelBuilder::flatRows(const std::string &tensor, ArrayRef<int64_t> fileShape) {
  int64_t columns = 1;
  for (int64_t extent : fileShape.drop_front())
    columns *= extent;
  OpBuilder top = weightBuilder();
  return weights.declare(top, tensor, tensor, fileShape, {fileShape[0], columns}, RowRange{0, fileShape[0]});
}

std::string ModelBuilder::values(const std::string &symbol, ArrayRef<float> values, ArrayRef<int64_t> shape) {
  OpBuilder top = weightBuilder();
  return weights.declareValues(top, symbol, values, shape);
}

// ---- ops

RankedTensorType ModelBuilder::rows(int64_t width) {
  return RankedTensorType::get({ShapedType::kDynamic, width}, builder.getF32Type());
}

RankedTensorType ModelBuilder::tensor(int64_t rank, Type element) {
  return RankedTensorType::get(SmallVector<int64_t>(rank, ShapedType::kDynamic), element);
}

/// The optional symbol of a bias or score.
static FlatSymbolRefAttr symbolOrNull(MLIRContext *context, StringRef name) {
  return name.empty() ? FlatSymbolRefAttr() : FlatSymbolRefAttr::get(context, name);
}

Value ModelBuilder::embed(Value ids, const std::string &table, int64_t width) {
  return dec::EmbedOp::create(builder, loc, rows(width ? width : config.width), ids, table,
                              llvm::APFloat(config.embedScale));
}

Value ModelBuilder::position(Value x, Value rows, const std::string &table, int64_t offset) {
  return dec::PositionOp::create(builder, loc, x.getType(), x, rows, table, offset);
}

Value ModelBuilder::sinusoid(Value rowsOf, const std::string &freqs, int64_t n, int64_t offset, double factor) {
  return dec::SinusoidOp::create(builder, loc, rows(2 * n), rowsOf, freqs, offset, llvm::APFloat(factor));
}

Value ModelBuilder::rope(Value x, Value angles, int64_t heads) {
  return dec::RopeOp::create(builder, loc, x.getType(), x, angles, heads);
}

Value ModelBuilder::lengths(Value rows) {
  return dec::LengthsOp::create(builder, loc, tensor(1, builder.getIndexType()), rows);
}

Value ModelBuilder::table(const std::string &weight, ArrayRef<int64_t> shape) {
  return dec::TableOp::create(builder, loc, RankedTensorType::get(shape, builder.getF32Type()), weight);
}

Value ModelBuilder::norm(Value x, const std::string &prefix, int64_t n) {
  n = n ? n : dec::width(x);
  std::string scale = weight(prefix + ".weight", {n});
  std::string bias = normStyle.bias ? weight(prefix + ".bias", {n}) : "";
  auto flag = [&](bool value) { return value ? builder.getUnitAttr() : UnitAttr(); };
  return dec::NormOp::create(builder, loc, x.getType(), x, flag(normStyle.rms), FlatSymbolRefAttr::get(context, scale),
                             flag(normStyle.plusOne), symbolOrNull(context, bias),
                             builder.getF64FloatAttr(normStyle.eps));
}

Value ModelBuilder::linear(Value x, const std::string &prefix, int64_t outputs) {
  return linear(x, prefix, outputs, config.bias);
}

Value ModelBuilder::linear(Value x, const std::string &prefix, int64_t outputs, bool bias) {
  std::string matrix = weight(prefix + ".weight", {outputs, dec::width(x)});
  return linear(x, matrix, bias ? weight(prefix + ".bias", {outputs}) : "", outputs);
}

Value ModelBuilder::linear(Value x, const std::string &weight, const std::string &bias, int64_t outputs) {
  return dec::LinearOp::create(builder, loc, rows(outputs), x, FlatSymbolRefAttr::get(context, weight),
                               symbolOrNull(context, bias), dec::ActivationAttr::get(context, dec::Activation::None),
                               Value());
}

static dec::Activation toDec(ConfigActivation activation) {
  switch (activation) {
  case ConfigActivation::Gelu:
    return dec::Activation::Gelu;
  case ConfigActivation::Relu:
    return dec::Activation::Relu;
  case ConfigActivation::GeluTanh:
    return dec::Activation::GeluTanh;
  case ConfigActivation::Silu:
    return dec::Activation::Silu;
  case ConfigActivation::QuickGelu:
    return dec::Activation::QuickGelu;
  }
  llvm_unreachable("unknown activation");
}

Value ModelBuilder::activation(Value x) {
  return dec::ActivationOp::create(builder, loc, x.getType(), x, toDec(config.activation));
}

Value ModelBuilder::gate(Value x, Value y) {
  return dec::GateOp::create(builder, loc, x.getType(), x, y, toDec(config.activation));
}

SmallVector<Value> ModelBuilder::split(Value x, ArrayRef<int64_t> widths) {
  SmallVector<Type> types;
  for (int64_t width : widths)
    types.push_back(rows(width));
  auto op = dec::SplitOp::create(builder, loc, types, x);
  return SmallVector<Value>(op.getParts());
}

Value ModelBuilder::frames(ArrayRef<Value> inputs, Value rowsOf, ArrayRef<int64_t> shifts) {
  int64_t width = 0;
  for (Value input : inputs)
    width += dec::width(input);
  return dec::FramesOp::create(builder, loc, rows(width), inputs, rowsOf, shifts);
}

Value ModelBuilder::residual(Value x, Value branch) {
  return dec::ResidualOp::create(builder, loc, x.getType(), x, branch);
}

Value ModelBuilder::attention(Value query, Value key, Value value, Value queryRows, Value keyRows, int64_t heads,
                              const FunctionUse &mask, const FunctionUse &score) {
  double scale = 1.0 / std::sqrt(static_cast<double>(dec::width(query) / heads));
  return attention(query, key, value, queryRows, keyRows, AttentionShape{heads, heads, scale}, mask, score);
}

Value ModelBuilder::attention(Value query, Value key, Value value, Value queryRows, Value keyRows,
                              const AttentionShape &shape, const FunctionUse &mask, const FunctionUse &score) {
  return dec::AttentionOp::create(
      builder, loc, query.getType(), query, key, value, queryRows, keyRows, builder.getI64IntegerAttr(shape.heads),
      builder.getI64IntegerAttr(shape.kvHeads), builder.getF64FloatAttr(shape.scale),
      shape.softcap > 0 ? builder.getF64FloatAttr(shape.softcap) : FloatAttr(),
      FlatSymbolRefAttr::get(context, mask.name), mask.params, symbolOrNull(context, score.name), score.params);
}

Value ModelBuilder::logits(Value x, const std::string &weight, const std::string &bias, double scale, double softcap) {
  return dec::LogitsOp::create(builder, loc, rows(config.vocab), x, FlatSymbolRefAttr::get(context, weight),
                               symbolOrNull(context, bias), scale != 1 ? builder.getF64FloatAttr(scale) : FloatAttr(),
                               softcap > 0 ? builder.getF64FloatAttr(softcap) : FloatAttr());
}

} // namespace decant

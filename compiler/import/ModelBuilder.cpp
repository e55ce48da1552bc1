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
  int64_t maxSource = config.kind == ModelKind::DecoderOnly ? 0 : maxContext;
  model = dec::ModelOp::create(builder, loc, options.name.empty() ? config.family : options.name, kindName(config.kind),
                               config.width, config.vocab, options.maxBatch, maxContext, maxSource, batchFirst);
  builder.createBlock(&model.getBody());
}

void ModelBuilder::at(const std::string &where) { loc = NameLoc::get(builder.getStringAttr(where)); }

// ---- top level

void ModelBuilder::addFunctions(StringRef text, ArrayRef<StringRef> names) {
  auto parsed = parsePrelude(*context, text);
  for (StringRef name : names)
    copyFunction(builder, model, *parsed, name);
}

void ModelBuilder::addGeneration() {
  const GenerationConfig &g = config.generation;
  dec::GenerationOp::create(builder, loc, g.bosTokenId, g.padTokenId, g.decoderStartTokenId, g.forcedBosTokenId,
                            g.forcedEosTokenId, g.maxLength, g.minLength, g.maxNewTokens, g.minNewTokens, g.numBeams,
                            g.earlyStopping, llvm::APFloat(g.lengthPenalty), g.eosTokenIds, g.suppressTokens,
                            g.beginSuppressTokens);
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
  return weights.declare(top, tensor, tensor, shape, shape, 0, shape[0]);
}

std::string ModelBuilder::weightRows(const std::string &symbol, const std::string &tensor, ArrayRef<int64_t> fileShape,
                                     int64_t begin, int64_t end) {
  SmallVector<int64_t> shape(fileShape);
  shape[0] = end - begin;
  OpBuilder top = weightBuilder();
  return weights.declare(top, symbol, tensor, fileShape, shape, begin, end);
}

std::string ModelBuilder::flatWeight(const std::string &tensor, int64_t n) {
  OpBuilder top = weightBuilder();
  return weights.declare(top, tensor, tensor, {1, n}, {n}, 0, n);
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

Value ModelBuilder::embed(Value ids, const std::string &table) {
  return dec::EmbedOp::create(builder, loc, rows(config.width), ids, table, llvm::APFloat(config.embedScale));
}

Value ModelBuilder::position(Value x, Value rows, const std::string &table, int64_t offset) {
  return dec::PositionOp::create(builder, loc, x.getType(), x, rows, table, offset);
}

Value ModelBuilder::lengths(Value rows) {
  return dec::LengthsOp::create(builder, loc, tensor(1, builder.getIndexType()), rows);
}

Value ModelBuilder::norm(Value x, const std::string &prefix) {
  int64_t n = dec::width(x);
  std::string scale = weight(prefix + ".weight", {n});
  std::string bias = config.bias ? weight(prefix + ".bias", {n}) : "";
  return dec::NormOp::create(builder, loc, x.getType(), x, FlatSymbolRefAttr::get(context, scale),
                             symbolOrNull(context, bias), builder.getF64FloatAttr(config.normEps));
}

Value ModelBuilder::linear(Value x, const std::string &prefix, int64_t outputs) {
  std::string matrix = weight(prefix + ".weight", {outputs, dec::width(x)});
  return linear(x, matrix, config.bias ? weight(prefix + ".bias", {outputs}) : "", outputs);
}

Value ModelBuilder::linear(Value x, const std::string &weight, const std::string &bias, int64_t outputs) {
  return dec::LinearOp::create(builder, loc, rows(outputs), x, FlatSymbolRefAttr::get(context, weight),
                               symbolOrNull(context, bias), dec::ActivationAttr::get(context, dec::Activation::None),
                               Value());
}

Value ModelBuilder::activation(Value x) {
  auto act = config.activation == ConfigActivation::Gelu ? dec::Activation::Gelu : dec::Activation::Relu;
  return dec::ActivationOp::create(builder, loc, x.getType(), x, act);
}

Value ModelBuilder::residual(Value x, Value branch) {
  return dec::ResidualOp::create(builder, loc, x.getType(), x, branch);
}

Value ModelBuilder::attention(Value query, Value key, Value value, Value queryRows, Value keyRows, int64_t heads,
                              const FunctionUse &mask, const FunctionUse &score) {
  double scale = 1.0 / std::sqrt(static_cast<double>(dec::width(query) / heads));
  return dec::AttentionOp::create(
      builder, loc, query.getType(), query, key, value, queryRows, keyRows, builder.getI64IntegerAttr(heads),
      builder.getI64IntegerAttr(heads), builder.getF64FloatAttr(scale), /*softcap=*/FloatAttr(),
      FlatSymbolRefAttr::get(context, mask.name), mask.params, symbolOrNull(context, score.name), score.params);
}

Value ModelBuilder::logits(Value x, const std::string &weight, const std::string &bias) {
  return dec::LogitsOp::create(builder, loc, rows(config.vocab), x, FlatSymbolRefAttr::get(context, weight),
                               symbolOrNull(context, bias));
}

} // namespace decant

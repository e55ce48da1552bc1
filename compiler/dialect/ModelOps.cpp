// Verifiers of dec.model and its top-level declarations. Tested in tests/dialect/model-errors.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cmath>

using namespace mlir;

namespace decant::dec {

static bool hasEntry(ModelOp model, StringRef name) {
  Operation *entry = SymbolTable::lookupSymbolIn(model, name);
  return isa_and_nonnull<func::FuncOp, plan::EntryOp>(entry);
}

/// (C5): the caller's tensors have `width` columns; @decode of a model with a vocabulary gives `vocab`. Models of kind
/// decoder_only are checked when the artifact's tables are written.
static LogicalResult verifyColumns(ModelOp model, func::FuncOp function) {
  auto check = [&](Type type, const Twine &what, StringRef name, int64_t expected) -> LogicalResult {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getRank() != 2 || !tensor.getElementType().isF32() || tensor.getDimSize(1) == expected)
      return success();
    return function.emitOpError("(C5) ") << what << " is " << type << ", but " << name << " of the model is "
                                         << expected;
  };
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (!function.getArgAttr(i, "dec.neutral") &&
        failed(function.getSymName() == "encode" && model.getSourceWidth()
                   ? check(type, "argument " + Twine(i), "source_width", *model.getSourceWidth())
                   : check(type, "argument " + Twine(i), "width", model.getWidth())))
      return failure();
  bool givesLogits = function.getSymName() == "decode" && model.getVocab() > 0;
  return check(function.getResultTypes().front(), "the result", givesLogits ? "vocab" : "width",
               givesLogits ? model.getVocab() : model.getWidth());
}

/// (C3) to (C5): what stands at the top level.
LogicalResult ModelOp::verifyRegions() {
  for (auto function : getBody().getOps<func::FuncOp>()) {
    if ((function.getSymName() != "encode" && function.getSymName() != "decode") || !function.getBody().hasOneBlock() ||
        function.getNumResults() != 1)
      return function.emitOpError("(C3) expected @encode or @decode, with one block and one result");
    if (getKind() != "decoder_only" && failed(verifyColumns(*this, function)))
      return failure();
  }
  CacheOp first;
  for (auto cache : getBody().getOps<CacheOp>()) {
    first = first ? first : cache;
    if (cache.getBlock() != first.getBlock())
      return cache.emitOpError("(C4) block is ")
             << cache.getBlock() << ", that of @" << first.getSymName() << " " << first.getBlock();
  }
  return success();
}

LogicalResult ModelOp::verify() {
  bool decoderOnly = getKind() == "decoder_only";
  if (!decoderOnly && getKind() != "encoder_decoder" && getKind() != "torch_decoder") // (C1)
    return emitOpError("(C1) kind is \"") << getKind() << "\", expected encoder_decoder, decoder_only or torch_decoder";
  if (!hasEntry(*this, "decode") || hasEntry(*this, "encode") == decoderOnly)
    return emitOpError("(C1) a model of kind ")
           << getKind() << (decoderOnly ? " has @decode alone" : " has @encode and @decode");
  auto check = [&](StringRef name, int64_t value, int64_t min, int64_t max) -> LogicalResult { // (C2)
    if (value >= min && value <= max)
      return success();
    return emitOpError("(C2) ") << name << " is " << value << ", expected " << min << ".." << max;
  };
  return success(succeeded(check("width", getWidth(), 1, kMaxWidth)) &&
                 succeeded(check("vocab", getVocab(), 0, kMaxVocab)) &&
                 succeeded(check("max_batch", getMaxBatch(), 1, kMaxBatch)) &&
                 succeeded(check("max_context", getMaxContext(), 1, kMaxContext)) &&
                 succeeded(check("max_source", getMaxSource(), 0, kMaxContext)) &&
                 succeeded(check("source_width", getSourceWidth().value_or(1), 1, kMaxWidth)));
}

LogicalResult WeightOp::verify() {
  if (getSources().empty() == !getValues())
    return emitOpError("(C1) has ") << (getValues() ? "sources and values" : "neither a source nor values");
  auto type = dyn_cast<RankedTensorType>(getType());
  if (!type || !llvm::all_of(type.getShape(), isWidth) || !type.getElementType().isF32() || type.getRank() < 1 ||
      type.getRank() > 2)
    return emitOpError("(C3) type is ") << getType() << ", expected an f32 tensor of rank 1 or 2 with extents 1..2^24";
  int64_t rows = 0;
  for (auto source : getSources().getAsRange<SourceAttr>()) {
    if (source.getBegin() < 0 || source.getEnd() <= source.getBegin() || source.getEnd() > kMaxVocab)
      return emitOpError("(C1) source ") << source << " is empty, negative or beyond row 2^24";
    rows += source.getEnd() - source.getBegin();
  }
  if (getValues()) {
    constexpr size_t kMaxValues = 1 << 18;
    if (getValues()->size() > kMaxValues || static_cast<int64_t>(getValues()->size()) != type.getNumElements() ||
        !llvm::all_of(*getValues(), [](float value) { return std::isfinite(value); }))
      return emitOpError("(C2) has ") << getValues()->size() << " values, expected one finite number for each of "
                                      << type.getNumElements() << " elements, at most 2^18";
  } else if (rows != type.getDimSize(0))
    return emitOpError("(C2) the sources have ") << rows << " rows, the type " << type.getDimSize(0);
  int64_t rank = getLayout() == Layout::Panel16 ? 2 : getLayout() == Layout::Padded16 ? 1 : type.getRank();
  if (type.getRank() != rank)
    return emitOpError("(C4) layout ") << stringifyLayout(getLayout()) << " wants rank " << rank << ", found "
                                       << type.getRank();
  return success();
}

LogicalResult CacheOp::verify() {
  if (getKvHeads() <= 0 || getKvHeads() > kMaxWidth || getHeadDim() <= 0 || getHeadDim() > kMaxWidth)
    return emitOpError("(C1) heads ") << getKvHeads() << " and dim " << getHeadDim() << " must be 1.." << kMaxWidth;
  if (getBlock() != 16 && getBlock() != 32 && getBlock() != 64)
    return emitOpError("(C1) block is ") << getBlock() << ", expected 16, 32 or 64";
  if (getWindow() && (getKind() != CacheKind::Self || *getWindow() < 1 || *getWindow() > kMaxContext))
    return emitOpError("(C2) window ") << *getWindow() << " must be 1.." << kMaxContext << ", of a self cache";
  return success();
}

LogicalResult GenerationOp::verify() {
  int64_t vocab = (*this)->getParentOfType<ModelOp>().getVocab();
  auto check = [&](StringRef name, int64_t id) -> LogicalResult { // (C1)
    if (id >= -1 && id < vocab)
      return success();
    return emitOpError("(C1) ") << name << " is " << id << ", expected -1 or less than the vocabulary, " << vocab;
  };
  if (failed(check("bos_token_id", getBosTokenId())) || failed(check("pad_token_id", getPadTokenId())) ||
      failed(check("decoder_start_token_id", getDecoderStartTokenId())) ||
      failed(check("forced_bos_token_id", getForcedBosTokenId())) ||
      failed(check("forced_eos_token_id", getForcedEosTokenId())))
    return failure();
  for (auto [name, ids] : {std::pair("eos_token_ids", getEosTokenIds()),
                           {"suppress_tokens", getSuppressTokens()},
                           {"begin_suppress_tokens", getBeginSuppressTokens()},
                           {"bad_words_ids", getBadWordsIds()},
                           {"decoder_prompt", getDecoderPrompt()}})
    for (int32_t id : ids)
      if (failed(check(name, id)))
        return failure();
  auto range = [&](StringRef name, const APFloat &value, double low, double high,
                   bool lowToo) -> LogicalResult { // (C2)
    auto x = static_cast<double>(static_cast<float>(value.convertToDouble()));
    if ((lowToo ? x >= low : x > low) && x <= high)
      return success();
    return emitOpError("(C2) ") << name << " is " << x << ", expected " << (lowToo ? "" : "above ") << low << " to "
                                << high;
  };
  constexpr double kLargest = 3e38;
  if (failed(range("temperature", getTemperature(), 0, kLargest, false)) ||
      failed(range("repetition_penalty", getRepetitionPenalty(), 0, kLargest, false)) ||
      failed(range("top_p", getTopP(), 0, 1, false)) || failed(range("min_p", getMinP(), 0, 1, true)))
    return failure();
  if (getTopK() < 0 || getNoRepeatNgramSize() < 0)
    return emitOpError("(C2) top_k is ") << getTopK() << ", no_repeat_ngram_size " << getNoRepeatNgramSize()
                                         << ", expected no negative number";
  int32_t last = -1; // (C3)
  for (int32_t id : getBadWordsIds()) {
    if (id == -1 && last == -1)
      return emitOpError("(C3) bad_words_ids has an empty sequence");
    last = id;
  }
  if (last != -1)
    return emitOpError("(C3) bad_words_ids: the last sequence does not end with -1");
  return success();
}

LogicalResult TokenizerOp::verify() {
  auto tables = dyn_cast<DenseElementsAttr>(getTables());
  constexpr int64_t kMaxBytes = int64_t(1) << 28;
  if (!tables || tables.getType().getRank() != 1 || !tables.getElementType().isInteger(8) ||
      tables.getNumElements() < 1 || tables.getNumElements() > kMaxBytes)
    return emitOpError("(C1) tables is ") << getTables().getType() << ", expected a dense vector of 1..2^28 i8";
  if (!(*this)->getParentOfType<ModelOp>().getBody().getOps<TextOp>().empty())
    return emitOpError("(C1) the model has a dec.text too");
  return success();
}

LogicalResult TextOp::verify() {
  auto characters = getCharacters(), ids = getIds();
  if (characters.size() != ids.size())
    return emitOpError("(C1) has ") << characters.size() << " characters and " << ids.size() << " ids";
  for (size_t i = 1; i < characters.size(); ++i)
    if (characters[i - 1] >= characters[i])
      return emitOpError("(C1) characters do not ascend at number ") << i;
  int64_t pieces = getPieces().size();
  if (getUnknown() < -1 || getUnknown() >= pieces)
    return emitOpError("(C2) unknown is ") << getUnknown() << ", expected -1 or less than " << pieces;
  for (ArrayRef<int32_t> list : {ids, getPrefix(), getSuffix(), getSpecials()})
    for (int32_t id : list)
      if (id < 0 || id >= pieces)
        return emitOpError("(C2) id ") << id << " is not within the " << pieces << " pieces";
  return success();
}

} // namespace decant::dec

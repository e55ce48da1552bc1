// Verifiers of attention and the KV cache ops. Tested in tests/dialect/attention-errors.mlir.
#include "compiler/dialect/Dec.h"

#include <cmath>

using namespace mlir;

namespace decant::dec {

/// (C3): `symbol` names a `Function` whose parameters have the types of `params`.
template <class Function> static LogicalResult expectFunction(Operation *op, StringRef symbol, ValueRange params) {
  auto function = SymbolTable::lookupNearestSymbolFrom<Function>(op, StringAttr::get(op->getContext(), symbol));
  if (!function)
    return op->emitOpError("(C3) @") << symbol << " is not a " << Function::getOperationName();
  auto expected = function.getParamTypes();
  if (!llvm::all_of(expected, llvm::IsaPred<RankedTensorType>))
    return op->emitOpError("(C3) @") << symbol << " has scalar parameters, an attention gives tensors: apply it in a "
                                     << Function::getOperationName() << " that names the values";
  if (llvm::equal(expected, params.getTypes()))
    return success();
  auto error = op->emitOpError("(C3) @") << symbol << " takes (";
  llvm::interleaveComma(expected, error);
  error << "), found (";
  llvm::interleaveComma(params.getTypes(), error);
  return error << ")";
}

/// (C3) and (C4), shared by both attentions.
template <class Attention> static LogicalResult verifyFunctions(Attention op) {
  if (failed(expectFunction<MaskOp>(op, op.getMask(), op.getMaskParams())))
    return failure();
  if (op.getScore() && failed(expectFunction<ScoreOp>(op, *op.getScore(), op.getScoreParams())))
    return failure();
  if (!std::isfinite(op.getScale().convertToDouble()))
    return op.emitOpError("(C4) scale is not finite");
  if (auto cap = op.getSoftcap(); cap && !(cap->convertToDouble() > 0 && std::isfinite(cap->convertToDouble())))
    return op.emitOpError("(C4) softcap is not positive and finite");
  return success();
}

static LogicalResult expectHeads(Operation *op, StringRef constraint, int64_t heads, int64_t kvHeads) {
  if (heads <= 0 || heads > kMaxWidth || kvHeads <= 0 || heads % kvHeads != 0)
    return op->emitOpError() << constraint << " heads " << heads << " is not a multiple of kv_heads " << kvHeads;
  return success();
}

LogicalResult AttentionOp::verify() {
  if (failed(expectHeads(*this, "(C1)", getHeads(), getKvHeads())))
    return failure();
  int64_t query = width(getQuery()), key = width(getKey());
  if (query % getHeads() != 0 || key % getKvHeads() != 0 || query / getHeads() != key / getKvHeads())
    return emitOpError("(C2) query has ") << query << " columns in " << getHeads() << " heads, key " << key << " in "
                                          << getKvHeads() << ": the head sizes differ";
  return verifyFunctions(*this);
}

static FailureOr<CacheOp> expectCache(Operation *op, StringRef symbol) {
  if (CacheOp cache = lookupCache(op, symbol))
    return cache;
  return op->emitOpError("(C1) @") << symbol << " is not a dec.cache";
}

LogicalResult CacheLengthsOp::verify() { return success(succeeded(expectCache(*this, getCache()))); }

LogicalResult KvAppendOp::verify() {
  auto cache = expectCache(*this, getCache());
  if (failed(cache))
    return failure();
  int64_t columns = cache->getKvHeads() * cache->getHeadDim();
  if (width(getKey()) != columns)
    return emitOpError("(C2) key has ") << width(getKey()) << " columns, cache @" << getCache() << " " << columns;
  return success();
}

LogicalResult CachedAttentionOp::verify() {
  auto cache = expectCache(*this, getCache());
  if (failed(cache) || failed(expectHeads(*this, "(C2)", getHeads(), cache->getKvHeads())))
    return failure();
  if (width(getQuery()) != getHeads() * cache->getHeadDim())
    return emitOpError("(C2) query has ")
           << width(getQuery()) << " columns, expected heads * dim = " << getHeads() * cache->getHeadDim();
  return verifyFunctions(*this);
}

} // namespace decant::dec

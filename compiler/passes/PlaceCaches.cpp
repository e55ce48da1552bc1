// PlaceCaches: in: attention over values. Out: attention over caches; @decode no longer sees the memory, because the
// keys and values of cross-attention are computed once, in @encode. A self cache whose mask shows the newest positions
// alone has a window. Tested in tests/passes/place-caches.mlir, place-caches-window.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/passes/MaskBounds.h"
#include "compiler/passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace decant {
#define GEN_PASS_DEF_PLACECACHES
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

/// Small blocks waste little on short sequences; large ones keep more keys in flight a pass over D.
int64_t chooseBlock(int64_t context) { return context <= 128 ? 16 : context <= 1024 ? 32 : 64; }

struct Placer {
  dec::ModelOp model;
  func::FuncOp encode, decode;
  int64_t block;
  int numCaches[3] = {0, 0, 0};

  /// How many positions back from a query, itself included, the attention reads at most; none: nothing is known, or
  /// no sequence is longer.
  IntegerAttr windowOf(dec::AttentionOp attention) {
    auto mask = cast<dec::MaskOp>(SymbolTable::lookupSymbolIn(model, attention.getMask()));
    std::string error;
    auto visit = parseKeyRanges(mask.getVisit().value_or("-"), dec::maskParams(mask.getBody()), error);
    auto window = visit ? visibleWindow(*visit) : std::nullopt;
    if (!window || *window >= model.getMaxContext())
      return {};
    return Builder(model.getContext()).getI64IntegerAttr(*window);
  }

  dec::CacheOp addCache(dec::CacheKind kind, dec::AttentionOp attention) {
    OpBuilder builder(model.getContext());
    builder.setInsertionPoint(decode);
    std::string name = ((kind == dec::CacheKind::Local ? "encode." : "decode.") + stringifyCacheKind(kind) + "." +
                        Twine(numCaches[static_cast<int>(kind)]++))
                           .str();
    int64_t dim = dec::width(attention.getKey()) / attention.getKvHeads();
    return dec::CacheOp::create(
        builder, attention.getLoc(), builder.getStringAttr(name), dec::CacheKindAttr::get(model.getContext(), kind),
        builder.getI64IntegerAttr(attention.getKvHeads()), builder.getI64IntegerAttr(dim),
        builder.getI64IntegerAttr(block), kind == dec::CacheKind::Self ? windowOf(attention) : IntegerAttr());
  }

  void useCache(dec::AttentionOp attention, dec::CacheOp cache) {
    OpBuilder builder(attention);
    auto cached = dec::CachedAttentionOp::create(
        builder, attention.getLoc(), attention.getType(), attention.getQuery(), FlatSymbolRefAttr::get(cache),
        attention.getQueryRows(), attention.getHeadsAttr(), attention.getScaleAttr(), attention.getSoftcapAttr(),
        attention.getMaskAttr(), attention.getMaskParams(), attention.getScoreAttr(), attention.getScoreParams());
    attention.replaceAllUsesWith(cached.getResult());
    attention.erase();
  }

  /// Keys and values are made in the same function: append them just before.
  void placeHere(dec::AttentionOp attention, dec::CacheKind kind) {
    dec::CacheOp cache = addCache(kind, attention);
    OpBuilder builder(attention);
    dec::KvAppendOp::create(builder, attention.getLoc(), cache.getSymName(), attention.getKey(), attention.getValue(),
                            attention.getKeyRows());
    useCache(attention, cache);
  }

  /// Copies what computes `value` from @decode's memory into @encode. Fails if it depends on anything else of @decode.
  FailureOr<Value> moveToEncode(Value value, IRMapping &mapping, OpBuilder &builder) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    Operation *op = value.getDefiningOp();
    if (!op || !isMemoryEffectFree(op))
      return failure();
    if (llvm::any_of(op->getOperands(), [&](Value operand) { return failed(moveToEncode(operand, mapping, builder)); }))
      return failure();
    builder.clone(*op, mapping);
    return mapping.lookup(value);
  }

  LogicalResult placeCross(dec::AttentionOp attention, IRMapping &mapping) {
    Value rows = mapping.lookupOrNull(attention.getKeyRows());
    if (!rows)
      return attention.emitOpError(
          "the rows of its keys are neither those of its queries nor @decode's argument \"memory_rows\"");
    OpBuilder builder(encode.getBody().front().getTerminator());
    auto key = moveToEncode(attention.getKey(), mapping, builder),
         value = moveToEncode(attention.getValue(), mapping, builder);
    if (failed(key) || failed(value))
      return attention.emitOpError(
          "keys and values depend on more than the memory: they cannot be computed in @encode");
    dec::CacheOp cache = addCache(dec::CacheKind::Cross, attention);
    dec::KvAppendOp::create(builder, attention.getLoc(), cache.getSymName(), *key, *value, rows);
    useCache(attention, cache);
    return success();
  }

  /// Removes memory and memory rows from @decode; lengths of the memory are those of any cross cache.
  LogicalResult dropMemory(BlockArgument memory, BlockArgument rows) {
    OpBuilder builder(model.getContext());
    for (Operation *user : llvm::make_early_inc_range(rows.getUsers())) {
      auto lengths = dyn_cast<dec::LengthsOp>(user);
      if (!lengths || numCaches[static_cast<int>(dec::CacheKind::Cross)] == 0)
        return user->emitOpError("uses the memory's rows in a way that has no cached form");
      builder.setInsertionPoint(lengths);
      lengths.replaceAllUsesWith(
          dec::CacheLengthsOp::create(builder, lengths.getLoc(), lengths.getType(), "decode.cross.0").getResult());
      lengths.erase();
    }
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(decode.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
    if (!memory.use_empty())
      return (*memory.user_begin())->emitOpError("uses the memory outside of cross-attention: not supported");
    BitVector dead(decode.getNumArguments());
    dead.set(memory.getArgNumber());
    dead.set(rows.getArgNumber());
    return decode.eraseArguments(dead);
  }
};

std::optional<BlockArgument> findArgument(func::FuncOp function, StringRef name) {
  for (BlockArgument argument : function.getArguments())
    if (auto attr = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "dec.name");
        attr && attr.getValue() == name)
      return argument;
  return std::nullopt;
}

struct PlaceCaches : impl::PlaceCachesBase<PlaceCaches> {
  using PlaceCachesBase::PlaceCachesBase;

  void runOnOperation() override {
    for (auto model : getOperation().getOps<dec::ModelOp>())
      if (failed(runOnModel(model)))
        return signalPassFailure();
  }

  LogicalResult runOnModel(dec::ModelOp model) {
    auto function = [&](StringRef name) {
      return dyn_cast_or_null<func::FuncOp>(SymbolTable::lookupSymbolIn(model, name));
    };
    Placer placer{model, function("encode"), function("decode"), block ? block : chooseBlock(model.getMaxContext())};
    if (!placer.decode)
      return model.emitOpError("has no func.func @decode: phase select ran already");
    if (placer.encode)
      for (auto attention : llvm::make_early_inc_range(placer.encode.getBody().getOps<dec::AttentionOp>()))
        placer.placeHere(attention, dec::CacheKind::Local);
    auto memory = findArgument(placer.decode, "memory"), memoryRows = findArgument(placer.decode, "memory_rows");
    IRMapping mapping;
    if (placer.encode && memory && memoryRows) {
      Value states = placer.encode.getBody().front().getTerminator()->getOperand(0);
      if (states.getType() != memory->getType())
        return placer.decode.emitOpError("its memory is ")
               << memory->getType() << ", @encode returns " << states.getType();
      mapping.map(*memory, states);
      auto rows = findArgument(placer.encode, "rows");
      if (!rows)
        return placer.encode.emitOpError("has no argument with dec.name \"rows\"");
      mapping.map(*memoryRows, *rows);
    }
    for (auto attention : llvm::make_early_inc_range(placer.decode.getBody().getOps<dec::AttentionOp>())) {
      if (attention.getKeyRows() == attention.getQueryRows())
        placer.placeHere(attention, dec::CacheKind::Self);
      else if (failed(placer.placeCross(attention, mapping)))
        return failure();
    }
    return memory && memoryRows ? placer.dropMemory(*memory, *memoryRows) : success();
  }
};

} // namespace
} // namespace decant

// Registration and verifiers of `plan`; plan.call: PlanCall.cpp. Tested in tests/dialect/plan.mlir, plan-errors.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"

#include "mlir/IR/DialectImplementation.h"

#include "compiler/dialect/PlanDialect.cpp.inc"
#include "compiler/dialect/PlanEnums.cpp.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/PlanOps.cpp.inc"

using namespace mlir;

namespace decant::plan {

void PlanDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/PlanOps.cpp.inc"
      >();
}

std::optional<uint32_t> inputIndex(StringRef name) {
  static constexpr StringRef kNames[] = {
      "ids",        "positions",   "features",    "out_rows",     "tiles",       "self_table",   "self_len",
      "self_block", "self_token",  "cross_table", "cross_len",    "cross_block", "cross_token",  "local_table",
      "local_len",  "local_block", "local_token", "window_table", "window_len",  "window_block", "window_token"};
  const auto *found = llvm::find(kNames, name);
  return found == std::end(kNames) ? std::nullopt : std::optional<uint32_t>(found - std::begin(kNames));
}

LogicalResult EntryOp::verify() {
  if (getSymName() != "encode" && getSymName() != "decode")
    return emitOpError("(C1) the name is @") << getSymName() << ", expected @encode or @decode";
  if (!isa<ReturnOp>(getBody().front().getTerminator()))
    return emitOpError("(C2) the body does not end in plan.return");
  return success();
}

LogicalResult InputOp::verify() {
  return inputIndex(getName()) ? success() : emitOpError("(C1) \"") << getName() << "\" is not an input of the runtime";
}

/// Symbols live in the dec.model around the plan.entry.
static bool isInModel(Operation *op) { return op->getParentOfType<dec::ModelOp>() != nullptr; }

static int64_t roundUp(int64_t n) { return static_cast<int64_t>((static_cast<uint64_t>(n) + 15) / 16 * 16); }

/// (C2) of plan.weight and plan.pool: what the declaration's layout makes of it, dense.
static LogicalResult expectType(Operation *op, Value value, ArrayRef<int64_t> shape) {
  auto expected = MemRefType::get(shape, Float32Type::get(op->getContext()));
  if (value.getType() == expected)
    return success();
  return op->emitOpError("(C2) is ") << value.getType() << ", the declaration makes it " << expected;
}

LogicalResult WeightOp::verify() {
  auto weight = isInModel(*this) ? dec::lookupWeight(*this, getWeight()) : dec::WeightOp();
  if (!weight)
    return emitOpError("(C1) @") << getWeight() << " is not a dec.weight";
  auto tensor = dyn_cast<RankedTensorType>(weight.getType());
  if (!tensor || tensor.getRank() < 1 || tensor.getRank() > 2)
    return emitOpError("(C1) @") << getWeight() << " is no matrix or vector";
  SmallVector<int64_t> shape(tensor.getShape());
  if (weight.getLayout() == dec::Layout::Padded16)
    shape = {roundUp(shape[0])};
  if (weight.getLayout() == dec::Layout::Panel16)
    shape = {roundUp(shape[0]) / 16, shape.back(), 16, 1};
  return expectType(*this, getResult(), shape);
}

LogicalResult PoolOp::verify() {
  auto cache = isInModel(*this) ? dec::lookupCache(*this, getCache()) : dec::CacheOp();
  if (!cache)
    return emitOpError("(C1) @") << getCache() << " is not a dec.cache";
  int64_t heads = cache.getKvHeads(), dim = cache.getHeadDim(), block = cache.getBlock();
  if (getValues())
    return expectType(*this, getResult(), {ShapedType::kDynamic, heads, roundUp(dim) / 16 * block, 16});
  return expectType(*this, getResult(), {ShapedType::kDynamic, heads, block / 16 * dim, 16});
}

/// Of a f32 [?, n] buffer with contiguous columns: row stride and offset, in elements; nothing if it is not one.
struct RowLayout {
  int64_t stride, offset;
};
static std::optional<RowLayout> rowLayout(MemRefType type) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (type.getRank() != 2 || !type.isDynamicDim(0) || type.isDynamicDim(1) || !type.getElementType().isF32() ||
      failed(type.getStridesAndOffset(strides, offset)) || strides[1] != 1 || ShapedType::isDynamic(strides[0]) ||
      ShapedType::isDynamic(offset))
    return std::nullopt;
  return RowLayout{strides[0], offset};
}

int64_t AllocOp::getRowBytes() { return rowLayout(cast<MemRefType>(getResult().getType()))->stride * 4; }

LogicalResult AllocOp::verify() {
  if (getRegion() == Size::Tiles)
    return emitOpError("(C1) region is tiles, expected rows or out_rows");
  auto type = cast<MemRefType>(getResult().getType());
  auto layout = rowLayout(type);
  if (!layout || layout->offset != 0 || layout->stride % 16 != 0 ||
      layout->stride < std::max<int64_t>(type.getDimSize(1), 1))
    return emitOpError("(C2) ") << type
                                << " is not f32 [?, n] with a row stride that is a multiple of 16 and at least n";
  return success();
}

LogicalResult ViewOp::verify() {
  auto source = cast<MemRefType>(getSource().getType()), result = cast<MemRefType>(getResult().getType());
  auto from = rowLayout(source), to = rowLayout(result);
  if (!getSource().getDefiningOp<AllocOp>() || !from || !to || from->stride != to->stride || getColumn() < 0 ||
      getColumn() > source.getDimSize(1) - result.getDimSize(1) || to->offset != getColumn())
    return emitOpError("(C1) ") << result << " is not what begins at column " << getColumn() << " of a plan.alloc "
                                << source;
  return success();
}

} // namespace decant::plan

// See PlanBuffers.h.
#include "compiler/passes/PlanBuffers.h"

namespace decant {

constexpr int64_t kLanes = 16; // columns of a packed panel
static int64_t roundUp(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

MemRefType PlanBuffers::rowsType(int64_t n, int64_t stride, int64_t offset) {
  auto layout = StridedLayoutAttr::get(builder.getContext(), offset, {stride, 1});
  return MemRefType::get({ShapedType::kDynamic, n}, builder.getF32Type(), layout);
}

Value PlanBuffers::alloc(Location loc, int64_t n, plan::Size region) {
  return plan::AllocOp::create(builder, loc, rowsType(n, roundUp(n)), plan::SizeAttr::get(builder.getContext(), region),
                               IntegerAttr());
}

StringRef PlanBuffers::inputsOf(dec::CacheOp cache) {
  return cache.getWindow() ? StringRef("window") : stringifyCacheKind(cache.getKind());
}

Value PlanBuffers::input(StringRef name, Type element, int64_t rank) {
  Value &value = inputs[name];
  if (!value) {
    SmallVector<int64_t> shape(rank, ShapedType::kDynamic);
    if (name == "tiles")
      shape.back() = 4;
    value = plan::InputOp::create(builder, function.getLoc(), MemRefType::get(shape, element), name);
  }
  return value;
}

Value PlanBuffers::indexInput(const Twine &name, int64_t rank) { return input(name.str(), builder.getI32Type(), rank); }

bool PlanBuffers::isCopy(Operation *symbol, dec::WeightOp op, dec::Layout layout) {
  auto weight = dyn_cast_or_null<dec::WeightOp>(symbol);
  return !symbol || (weight && weight.getLayout() == layout && weight.getSources() == op.getSources() &&
                     weight.getType() == op.getType() && weight.getValues() == op.getValues());
}

Value PlanBuffers::weight(Location loc, StringRef symbol, dec::Layout layout) {
  auto op = cast<dec::WeightOp>(SymbolTable::lookupSymbolIn(model, symbol));
  std::string name = symbol.str();
  if (layout != dec::Layout::Raw) {
    name += layout == dec::Layout::Panel16 ? ".panel16" : ".padded16";
    while (!isCopy(SymbolTable::lookupSymbolIn(model, name), op, layout))
      name += '+';
    if (!SymbolTable::lookupSymbolIn(model, name)) {
      OpBuilder here(op);
      dec::WeightOp::create(here, op.getLoc(), here.getStringAttr(name), op.getSourcesAttr(),
                            dec::LayoutAttr::get(here.getContext(), layout), op.getTypeAttr(), op.getValuesAttr());
    }
  }
  auto shape = op.getTensorType().getShape();
  SmallVector<int64_t> packed(shape);
  if (layout == dec::Layout::Padded16)
    packed = {roundUp(shape[0])};
  if (layout == dec::Layout::Panel16)
    packed = {roundUp(shape[0]) / kLanes, shape[1], kLanes, 1};
  return plan::WeightOp::create(builder, loc, MemRefType::get(packed, builder.getF32Type()), name);
}

Value PlanBuffers::pool(Location loc, dec::CacheOp cache, bool values) {
  int64_t heads = cache.getKvHeads(), dim = cache.getHeadDim(), block = cache.getBlock();
  SmallVector<int64_t> keyShape{ShapedType::kDynamic, heads, block / kLanes * dim, kLanes},
      valueShape{ShapedType::kDynamic, heads, roundUp(dim) / kLanes * block, kLanes};
  auto type = MemRefType::get(values ? valueShape : keyShape, builder.getF32Type());
  return plan::PoolOp::create(builder, loc, type, values ? builder.getUnitAttr() : UnitAttr(),
                              FlatSymbolRefAttr::get(cache.getSymNameAttr()));
}

LogicalResult PlanBuffers::mapArguments() {
  unsigned numRows = 0, numInputs = 0;
  for (BlockArgument argument : function.getArguments()) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "dec.name");
    auto neutral = function.getArgAttrOfType<FloatAttr>(argument.getArgNumber(), "dec.neutral");
    if (isa<dec::RowsType>(argument.getType())) {
      ++numRows;
      continue;
    }
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    bool isParam = type && neutral && name && isParamType(type);
    bool isIds = type && !neutral && type.getRank() == 1 && type.getElementType().isInteger(32);
    bool isStates =
        type && !neutral && type.getRank() == 2 && type.getElementType().isF32() && dec::isWidth(type.getDimSize(1));
    if (isParam && !type.getElementType().isF32() && !isSmallInteger(neutral.getValueAsDouble()))
      return function.emitOpError("argument ")
             << argument.getArgNumber() << ": dec.neutral is " << neutral.getValueAsDouble()
             << ", expected a whole number of at most 2^24 in size";
    if (isParam)
      buffers[argument] = param(name.getValue(), type, neutral, isSorted(argument));
    else if (isIds)
      buffers[argument] = indexInput("ids");
    else if (isStates)
      buffers[argument] = plan::InputOp::create(builder, function.getLoc(),
                                                rowsType(type.getDimSize(1), type.getDimSize(1)), "features");
    else
      return function.emitOpError("argument ")
             << argument.getArgNumber() << " is " << argument.getType()
             << ", expected !dec.rows, ids, packed rows, or a mask parameter with dec.name and dec.neutral";
    numInputs += !isParam;
  }
  if (numRows != 1 || numInputs != 1)
    return function.emitOpError("has ") << numRows << " arguments of !dec.rows and " << numInputs
                                        << " of ids or packed rows, expected one of each";
  return success();
}

bool PlanBuffers::isParamType(RankedTensorType type) {
  Type element = type.getElementType();
  return type.getRank() >= 1 && type.getRank() <= dec::kMaxParamRank &&
         (element.isIndex() || element.isInteger(1) || element.isF32());
}

bool PlanBuffers::isSmallInteger(double value) {
  return std::abs(value) <= 1 << 24 && value == static_cast<double>(static_cast<int64_t>(value));
}

Value PlanBuffers::param(StringRef name, RankedTensorType type, FloatAttr neutral, bool sorted) {
  Type element = type.getElementType();
  element = element.isInteger(1) ? builder.getI8Type() : element.isIndex() ? builder.getI32Type() : element;
  SmallVector<int64_t> dynamic(type.getRank(), ShapedType::kDynamic);
  auto layout = StridedLayoutAttr::get(builder.getContext(), 0, dynamic);
  return plan::ParamOp::create(builder, function.getLoc(), MemRefType::get(dynamic, element, layout),
                               builder.getStringAttr(name), neutral, sorted ? builder.getUnitAttr() : UnitAttr());
}

bool PlanBuffers::isSorted(BlockArgument argument) {
  auto relies = [&](FlatSymbolRefAttr symbol, ValueRange params) {
    if (!symbol)
      return false;
    Operation *callee = SymbolTable::lookupSymbolIn(model, symbol.getValue());
    std::vector<MaskParam> known = dec::maskParams(callee->getRegion(0));
    for (auto [param, value] : llvm::zip(known, params))
      if (param.sorted && value == argument)
        return true;
    return false;
  };
  return llvm::any_of(function.getBody().getOps<dec::CachedAttentionOp>(), [&](dec::CachedAttentionOp op) {
    return relies(op.getMaskAttr(), op.getMaskParams()) || relies(op.getScoreAttr(), op.getScoreParams());
  });
}

} // namespace decant

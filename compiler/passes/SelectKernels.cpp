// SelectKernels: in: func.funcs of dec ops over values. Out: plan.entries of kernel calls over buffers; each weight has
// the layout that its kernel reads. One rule an op; a residual or activation that found no linear has its own kernel.
// Tested in tests/passes/select-kernels.mlir, select-kernels-masks.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"
#include "compiler/passes/MaskToText.h"
#include "compiler/passes/Passes.h"
#include "schedules/spec/KernelSpec.h"
#include "schedules/spec/MaskExpr.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

namespace decant {
#define GEN_PASS_DEF_SELECTKERNELS
#include "compiler/passes/Passes.h.inc"

using namespace mlir;

namespace {

constexpr int64_t kLanes = 16;                         // columns of a packed panel
constexpr int64_t kMaxHeadDim = 256, kMaxHeads = 4096; // an attention kernel keeps a head in registers and on the stack
constexpr int64_t kMaxWeightBytes = (int64_t(1) << 31) - 1; // Halide's buffers have 32-bit strides
int64_t roundUp(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

/// The spec's text without its row class, which the run time picks.
std::string specText(const KernelSpec &spec) {
  std::string text = toText(spec);
  return text.substr(0, text.rfind(" rows="));
}

Activation toSpec(dec::Activation act) {
  return act == dec::Activation::Gelu   ? Activation::Gelu
         : act == dec::Activation::Relu ? Activation::Relu
                                        : Activation::None;
}

class EntryBuilder {
public:
  EntryBuilder(dec::ModelOp model, func::FuncOp function)
      : model(model), function(function), builder(model.getContext()) {
    builder.setInsertionPoint(function);
  }

  LogicalResult run() {
    auto entry = plan::EntryOp::create(builder, function.getLoc(), function.getSymName(), IntegerAttr(), IntegerAttr());
    builder.setInsertionPointToStart(&entry.getBody().emplaceBlock());
    if (failed(mapArguments()))
      return failure();
    for (Operation &op : function.getBody().front())
      if (failed(select(&op)))
        return failure();
    function.erase();
    return success();
  }

private:
  // ---- buffers

  MemRefType rowsType(int64_t n, int64_t stride, int64_t offset = 0) {
    auto layout = StridedLayoutAttr::get(builder.getContext(), offset, {stride, 1});
    return MemRefType::get({ShapedType::kDynamic, n}, builder.getF32Type(), layout);
  }

  Value alloc(Location loc, int64_t n, plan::Size region = plan::Size::Rows) {
    return plan::AllocOp::create(builder, loc, rowsType(n, roundUp(n)),
                                 plan::SizeAttr::get(builder.getContext(), region), IntegerAttr());
  }

  /// What the inputs of a cache's kind begin with: caches with a window have a block table of their own.
  static StringRef inputsOf(dec::CacheOp cache) {
    return cache.getWindow() ? StringRef("window") : stringifyCacheKind(cache.getKind());
  }

  /// One op an input of an entry, made at its first use.
  Value input(StringRef name, Type element, int64_t rank = 1) {
    Value &value = inputs[name];
    if (!value) {
      SmallVector<int64_t> shape(rank, ShapedType::kDynamic);
      if (name == "tiles")
        shape.back() = 4;
      value = plan::InputOp::create(builder, function.getLoc(), MemRefType::get(shape, element), name);
    }
    return value;
  }
  Value indexInput(const Twine &name, int64_t rank = 1) { return input(name.str(), builder.getI32Type(), rank); }

  /// True if `symbol` is free, or is `op` in `layout`.
  static bool isCopy(Operation *symbol, dec::WeightOp op, dec::Layout layout) {
    auto weight = dyn_cast_or_null<dec::WeightOp>(symbol);
    return !symbol || (weight && weight.getLayout() == layout && weight.getSources() == op.getSources() &&
                       weight.getType() == op.getType());
  }

  /// The weight in `layout`: itself, if no other layout is asked of it, else a copy of its declaration.
  Value weight(Location loc, StringRef symbol, dec::Layout layout) {
    auto op = cast<dec::WeightOp>(SymbolTable::lookupSymbolIn(model, symbol));
    std::string name = symbol.str();
    if (layout != dec::Layout::Raw) {
      name += layout == dec::Layout::Panel16 ? ".panel16" : ".padded16";
      while (!isCopy(SymbolTable::lookupSymbolIn(model, name), op, layout))
        name += '+';
      if (!SymbolTable::lookupSymbolIn(model, name)) {
        OpBuilder here(op);
        dec::WeightOp::create(here, op.getLoc(), here.getStringAttr(name), op.getSourcesAttr(),
                              dec::LayoutAttr::get(here.getContext(), layout), op.getTypeAttr());
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

  Value pool(Location loc, dec::CacheOp cache, bool values) {
    int64_t heads = cache.getKvHeads(), dim = cache.getHeadDim(), block = cache.getBlock();
    SmallVector<int64_t> keyShape{ShapedType::kDynamic, heads, block / kLanes * dim, kLanes},
        valueShape{ShapedType::kDynamic, heads, roundUp(dim) / kLanes * block, kLanes};
    auto type = MemRefType::get(values ? valueShape : keyShape, builder.getF32Type());
    return plan::PoolOp::create(builder, loc, type, values ? builder.getUnitAttr() : UnitAttr(),
                                FlatSymbolRefAttr::get(cache.getSymNameAttr()));
  }

  LogicalResult mapArguments() {
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

  static bool isParamType(RankedTensorType type) {
    Type element = type.getElementType();
    return type.getRank() >= 1 && type.getRank() <= dec::kMaxParamRank &&
           (element.isIndex() || element.isInteger(1) || element.isF32());
  }

  /// The tables hold neutral elements as f32.
  static bool isSmallInteger(double value) {
    return std::abs(value) <= 1 << 24 && value == static_cast<double>(static_cast<int64_t>(value));
  }

  /// Mask parameters come with whatever strides the caller's tensors have: 0 broadcasts.
  Value param(StringRef name, RankedTensorType type, FloatAttr neutral, bool sorted) {
    Type element = type.getElementType();
    element = element.isInteger(1) ? builder.getI8Type() : element.isIndex() ? builder.getI32Type() : element;
    SmallVector<int64_t> dynamic(type.getRank(), ShapedType::kDynamic);
    auto layout = StridedLayoutAttr::get(builder.getContext(), 0, dynamic);
    return plan::ParamOp::create(builder, function.getLoc(), MemRefType::get(dynamic, element, layout),
                                 builder.getStringAttr(name), neutral, sorted ? builder.getUnitAttr() : UnitAttr());
  }

  /// Does a mask or score that gets `argument` rely on its rows to ascend?
  bool isSorted(BlockArgument argument) {
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

  // ---- calls

  void call(Operation *op, const Twine &name, const KernelSpec &spec, ArrayRef<Value> ins, ArrayRef<Value> outs,
            plan::Size rows = plan::Size::Rows) {
    auto size = plan::SizeAttr::get(builder.getContext(), rows);
    plan::CallOp::create(builder, op->getLoc(), builder.getStringAttr(specText(spec)), size,
                         builder.getStringAttr(name), ins, outs, IntegerAttr());
  }

  LogicalResult select(Operation *op) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<dec::EmbedOp, dec::PositionOp, dec::NormOp, dec::LinearOp, dec::ActivationOp, dec::ResidualOp,
              dec::SplitOp, dec::LogitsOp, dec::KvAppendOp, dec::CachedAttentionOp, dec::LengthsOp, dec::CacheLengthsOp,
              dec::TableOp, func::ReturnOp>([&](auto typed) { return lower(typed); })
        .Default([](Operation *other) { return other->emitOpError("has no kernel: phase cache has to run first"); });
  }

  LogicalResult lower(dec::EmbedOp op) {
    if (op->hasOneUse() && isa<dec::PositionOp>(*op->user_begin()))
      return success(); // taken by the dec.position
    return lowerEmbed(op, op, nullptr);
  }

  LogicalResult lower(dec::PositionOp op) {
    auto embed = op.getX().getDefiningOp<dec::EmbedOp>();
    if (!embed || !embed->hasOneUse())
      return op.emitOpError("has no kernel unless its input is a dec.embed of its own");
    return lowerEmbed(op, embed, op);
  }

  LogicalResult lowerEmbed(Operation *result, dec::EmbedOp embed, dec::PositionOp position) {
    Location loc = result->getLoc();
    EmbedSpec spec;
    spec.n = dec::width(result->getResult(0));
    spec.scale = embed.getScale().convertToDouble();
    SmallVector<Value> ins{buffers.lookup(embed.getIds()), weight(loc, embed.getTable(), dec::Layout::Raw)};
    if (position) {
      spec.positions = true;
      spec.offset = position.getOffset();
      ins.append({indexInput("positions"), weight(loc, position.getTable(), dec::Layout::Raw)});
    }
    Value out = buffers[result->getResult(0)] = alloc(loc, spec.n);
    call(result, "embed " + embed.getTable(), spec, ins, out);
    return success();
  }

  LogicalResult lower(dec::NormOp op) {
    NormSpec spec;
    spec.n = dec::width(op.getX());
    spec.eps = op.getEps().convertToDouble();
    spec.bias = op.getBias().has_value();
    SmallVector<Value> ins{buffers.lookup(op.getX()), weight(op.getLoc(), op.getWeight(), dec::Layout::Padded16)};
    if (spec.bias)
      ins.push_back(weight(op.getLoc(), *op.getBias(), dec::Layout::Padded16));
    Value out = buffers[op.getResult()] = alloc(op.getLoc(), spec.n);
    call(op, "norm " + op.getWeight(), spec, ins, out);
    return success();
  }

  LogicalResult lower(dec::LinearOp op) {
    LinearSpec spec;
    spec.act = toSpec(op.getAct());
    spec.residual = op.getResidual() != nullptr;
    return lowerLinear(op, spec, op.getBias(), op.getResidual(), plan::Size::Rows);
  }

  LogicalResult lower(dec::LogitsOp op) {
    LinearSpec spec;
    spec.gather = true;
    return lowerLinear(op, spec, op.getBias(), Value(), plan::Size::OutRows);
  }

  template <class Op>
  LogicalResult lowerLinear(Op op, LinearSpec spec, std::optional<StringRef> bias, Value residual, plan::Size region) {
    Location loc = op.getLoc();
    spec.k = dec::width(op.getX());
    spec.n = dec::width(op.getResult());
    spec.bias = bias.has_value();
    SmallVector<Value> ins{buffers.lookup(op.getX())};
    if (spec.gather)
      ins.push_back(indexInput("out_rows"));
    ins.push_back(weight(loc, op.getWeight(), dec::Layout::Panel16));
    if (bias)
      ins.push_back(weight(loc, *bias, dec::Layout::Padded16));
    if (residual)
      ins.push_back(buffers.lookup(residual));
    Value out = buffers[op.getResult()] = alloc(loc, spec.n, region);
    call(op, "linear " + op.getWeight(), spec, ins, out, region);
    return success();
  }

  LogicalResult lower(dec::ActivationOp op) { return lowerElementwise(op, op.getX(), toSpec(op.getAct()), Value()); }
  LogicalResult lower(dec::ResidualOp op) { return lowerElementwise(op, op.getBranch(), Activation::None, op.getX()); }

  LogicalResult lowerElementwise(Operation *op, Value x, Activation act, Value residual) {
    ElementwiseSpec spec;
    spec.n = dec::width(x);
    spec.act = act;
    spec.residual = residual != nullptr;
    SmallVector<Value> ins{buffers.lookup(x)};
    if (residual)
      ins.push_back(buffers.lookup(residual));
    Value out = buffers[op->getResult(0)] = alloc(op->getLoc(), spec.n);
    call(op, op->getName().stripDialect(), spec, ins, out);
    return success();
  }

  LogicalResult lower(dec::SplitOp op) {
    Value source = buffers.lookup(op.getX());
    int64_t column = 0;
    if (auto view = source.getDefiningOp<plan::ViewOp>()) // a split of a split
      source = view.getSource(), column = view.getColumn();
    auto whole = source.getDefiningOp<plan::AllocOp>();
    if (!whole)
      return op.emitOpError("has no kernel: x is what the caller gives");
    int64_t stride = whole.getRowBytes() / 4;
    for (Value part : op.getParts()) {
      int64_t n = dec::width(part);
      buffers[part] = plan::ViewOp::create(builder, op.getLoc(), rowsType(n, stride, column), source, column);
      column += n;
    }
    return success();
  }

  LogicalResult lower(dec::KvAppendOp op) {
    dec::CacheOp cache = dec::lookupCache(op, op.getCache());
    StringRef kind = inputsOf(cache);
    KvAppendSpec spec;
    spec.heads = cache.getKvHeads();
    spec.d = cache.getHeadDim();
    spec.block = cache.getBlock();
    call(op, "kv_append " + op.getCache(), spec,
         {buffers.lookup(op.getKey()), buffers.lookup(op.getValue()), indexInput(kind + "_block"),
          indexInput(kind + "_token")},
         {pool(op.getLoc(), cache, false), pool(op.getLoc(), cache, true)});
    return success();
  }

  /// Appends the parameters of one function and returns its expression.
  FailureOr<std::string> functionText(Region &body, ValueRange params, std::string &paramText, unsigned &numParams,
                                      SmallVectorImpl<Value> &ins) {
    auto text = maskToText(body, numParams);
    if (failed(text))
      return failure();
    std::string more = maskParamsToText(body, numParams);
    if (!more.empty())
      paramText += (paramText.empty() ? "" : ",") + more;
    for (Value param : params)
      ins.push_back(buffers.lookup(param));
    numParams += params.size();
    std::string error;
    auto parsed = parseMaskParams(paramText.empty() ? "-" : paramText, error);
    if (!parsed || !parseMaskExpr(*text, *parsed, error))
      return body.getParentOp()->emitOpError("cannot be evaluated in a kernel: ") << error;
    return text;
  }

  LogicalResult lower(dec::CachedAttentionOp op) {
    Location loc = op.getLoc();
    dec::CacheOp cache = dec::lookupCache(op, op.getCache());
    StringRef kind = inputsOf(cache);
    AttentionSpec spec;
    spec.heads = op.getHeads();
    spec.kv_heads = cache.getKvHeads();
    spec.d = cache.getHeadDim();
    spec.block = cache.getBlock();
    spec.scale = op.getScale().convertToDouble();
    spec.softcap = op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0;
    if (spec.d > kMaxHeadDim || spec.heads > kMaxHeads)
      return op.emitOpError("is not supported by kernels: ")
             << spec.heads << " heads of " << spec.d << ", at most " << kMaxHeads << " of " << kMaxHeadDim << " (width "
             << dec::width(op.getQuery()) << ")";
    SmallVector<Value> ins{buffers.lookup(op.getQuery()),  pool(loc, cache, false),   pool(loc, cache, true),
                           indexInput(kind + "_table", 2), indexInput(kind + "_len"), indexInput("tiles", 2)};
    std::string params;
    unsigned numParams = 0;
    auto mask = cast<dec::MaskOp>(SymbolTable::lookupSymbolIn(model, op.getMask()));
    auto maskText = functionText(mask.getBody(), op.getMaskParams(), params, numParams, ins);
    if (failed(maskText))
      return failure();
    spec.mask = *maskText;
    spec.visit = mask.getVisit().value_or("-").str();
    spec.full = mask.getFull().value_or("()").str();
    if (op.getScore()) {
      auto score = cast<dec::ScoreOp>(SymbolTable::lookupSymbolIn(model, *op.getScore()));
      auto scoreText = functionText(score.getBody(), op.getScoreParams(), params, numParams, ins);
      if (failed(scoreText))
        return failure();
      spec.score = *scoreText;
    }
    spec.params = params.empty() ? "-" : params;
    Value out = buffers[op.getResult()] = alloc(loc, dec::width(op.getQuery()));
    call(op, "attention " + op.getCache(), spec, ins, out, plan::Size::Tiles);
    return success();
  }

  /// Kernels read a table as they read a parameter: element by element.
  LogicalResult lower(dec::TableOp op) {
    buffers[op.getResult()] = weight(op.getLoc(), op.getWeight(), dec::Layout::Raw);
    return success();
  }

  /// Rows of @decode extend the self cache, those of @encode live in local ones.
  LogicalResult lower(dec::LengthsOp op) {
    buffers[op.getResult()] = indexInput(function.getSymName() == "decode" ? "self_len" : "local_len");
    return success();
  }

  LogicalResult lower(dec::CacheLengthsOp op) {
    buffers[op.getResult()] = indexInput(inputsOf(dec::lookupCache(op, op.getCache())) + "_len");
    return success();
  }

  LogicalResult lower(func::ReturnOp op) {
    if (op.getNumOperands() != 1)
      return op.emitOpError("returns ") << op.getNumOperands() << " values, expected 1";
    Value output = buffers.lookup(op.getOperand(0));
    // An @encode that returns what the caller gave has no result of its own.
    if (isa_and_nonnull<plan::InputOp>(output.getDefiningOp())) {
      if (function.getSymName() != "encode")
        return op.emitOpError("has no kernel: @decode returns what the caller gives");
      output = Value();
    }
    plan::ReturnOp::create(builder, op.getLoc(), output);
    return success();
  }

  dec::ModelOp model;
  func::FuncOp function;
  OpBuilder builder;
  llvm::DenseMap<Value, Value> buffers;
  llvm::StringMap<Value> inputs;
};

struct SelectKernels : impl::SelectKernelsBase<SelectKernels> {
  void runOnOperation() override {
    for (auto model : getOperation().getOps<dec::ModelOp>()) {
      bool ran = model.getBody().getOps<func::FuncOp>().empty();
      for (auto weight : model.getBody().getOps<dec::WeightOp>())
        if (!ran && weight.getLayout() != dec::Layout::Raw) {
          weight.emitOpError("layouts are chosen here: expected raw, found ") << stringifyLayout(weight.getLayout());
          return signalPassFailure();
        }
      for (auto function : llvm::make_early_inc_range(model.getBody().getOps<func::FuncOp>()))
        if (failed(EntryBuilder(model, function).run()))
          return signalPassFailure();
      dropUnused(model);
      if (failed(checkSizes(model)))
        return signalPassFailure();
    }
  }

  LogicalResult checkSizes(dec::ModelOp model) {
    auto check = [](plan::WeightOp op) -> WalkResult {
      int64_t bytes = cast<MemRefType>(op.getType()).getNumElements() * 4;
      if (bytes > kMaxWeightBytes)
        return op.emitOpError("is not supported by kernels: @")
               << op.getWeight() << " takes " << bytes << " bytes, expected less than 2 GiB";
      return WalkResult::advance();
    };
    return failure(model.walk(check).wasInterrupted());
  }

  /// Weights whose raw layout nobody reads, masks that are now part of the specs.
  void dropUnused(dec::ModelOp model) {
    llvm::StringSet<> used;
    model.walk([&](plan::WeightOp op) { used.insert(op.getWeight()); });
    for (Operation &op : llvm::make_early_inc_range(model.getBody().front()))
      if (isa<dec::MaskOp, dec::ScoreOp>(op) ||
          (isa<dec::WeightOp>(op) && !used.contains(SymbolTable::getSymbolName(&op).getValue())))
        op.erase();
  }
};

} // namespace
} // namespace decant

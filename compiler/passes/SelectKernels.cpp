// SelectKernels: in: func.funcs of dec ops over values. Out: plan.entries of kernel calls over buffers; each weight has
// the layout that its kernel reads. One rule an op; a residual or activation that found no linear has its own kernel.
// Tested in tests/passes/select-kernels.mlir, select-kernels-masks.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"
#include "compiler/passes/MaskToText.h"
#include "compiler/passes/Passes.h"
#include "compiler/passes/PlanBuffers.h"
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

constexpr int64_t kMaxHeadDim = 256, kMaxHeads = 4096; // an attention kernel keeps a head in registers and on the stack
constexpr int64_t kMaxWeightBytes = (int64_t(1) << 31) - 1; // Halide's buffers have 32-bit strides

/// The spec's text without its row class, which the run time picks.
std::string specText(const KernelSpec &spec) {
  std::string text = toText(spec);
  return text.substr(0, text.rfind(" rows="));
}

Activation toSpec(dec::Activation act) {
  switch (act) {
  case dec::Activation::None:
    return Activation::None;
  case dec::Activation::Gelu:
    return Activation::Gelu;
  case dec::Activation::Relu:
    return Activation::Relu;
  case dec::Activation::GeluTanh:
    return Activation::GeluTanh;
  case dec::Activation::Silu:
    return Activation::Silu;
  case dec::Activation::QuickGelu:
    return Activation::QuickGelu;
  }
  llvm_unreachable("unknown activation");
}

class EntryBuilder : PlanBuffers {
public:
  EntryBuilder(dec::ModelOp model, func::FuncOp function) : PlanBuffers(model, function) {}

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
  // ---- calls

  void call(Operation *op, const Twine &name, const KernelSpec &spec, ArrayRef<Value> ins, ArrayRef<Value> outs,
            plan::Size rows = plan::Size::Rows) {
    auto size = plan::SizeAttr::get(builder.getContext(), rows);
    plan::CallOp::create(builder, op->getLoc(), builder.getStringAttr(specText(spec)), size,
                         builder.getStringAttr(name), ins, outs, IntegerAttr());
  }

  LogicalResult select(Operation *op) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<dec::EmbedOp, dec::PositionOp, dec::NormOp, dec::LinearOp, dec::ActivationOp, dec::GateOp,
              dec::ResidualOp, dec::SinusoidOp, dec::RopeOp, dec::FramesOp, dec::SplitOp, dec::LogitsOp,
              dec::KvAppendOp, dec::CachedAttentionOp, dec::LengthsOp, dec::CacheLengthsOp, dec::TableOp,
              func::ReturnOp>([&](auto typed) { return lower(typed); })
        .Default([](Operation *other) { return other->emitOpError("has no kernel: phase cache has to run first"); });
  }

  LogicalResult lower(dec::EmbedOp op) {
    if (op->hasOneUse() && isa<dec::PositionOp>(*op->user_begin()))
      return success(); // taken by the dec.position
    return lowerEmbed(op, op, nullptr);
  }

  LogicalResult lower(dec::PositionOp op) {
    auto embed = op.getX().getDefiningOp<dec::EmbedOp>();
    if (embed && embed->hasOneUse())
      return lowerEmbed(op, embed, op);
    if (op.getOffset() != 0)
      return op.emitOpError("has no kernel with an offset unless its input is a dec.embed of its own");
    EmbedSpec spec; // the table's rows, then a sum
    spec.n = dec::width(op.getX());
    Value rows = alloc(op.getLoc(), spec.n), table = weight(op.getLoc(), op.getTable(), dec::Layout::Raw);
    call(op, "position " + op.getTable(), spec, {indexInput("positions"), table}, rows);
    buffers[op.getResult()] = alloc(op.getLoc(), spec.n);
    ElementwiseSpec sum;
    sum.n = spec.n;
    sum.residual = true;
    call(op, "position", sum, {rows, buffers.lookup(op.getX())}, buffers[op.getResult()]);
    return success();
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
    spec.n = dec::lookupWeight(op, op.getWeight()).getTensorType().getDimSize(0);
    spec.groups = dec::width(op.getX()) / spec.n;
    spec.rms = op.getRms();
    spec.plus_one = op.getPlusOne();
    spec.eps = op.getEps().convertToDouble();
    spec.bias = op.getBias().has_value();
    SmallVector<Value> ins{buffers.lookup(op.getX()), weight(op.getLoc(), op.getWeight(), dec::Layout::Padded16)};
    if (spec.bias)
      ins.push_back(weight(op.getLoc(), *op.getBias(), dec::Layout::Padded16));
    Value out = buffers[op.getResult()] = alloc(op.getLoc(), dec::width(op.getX()));
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
    spec.scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
    spec.softcap = op.getSoftcap() ? op.getSoftcap()->convertToDouble() : 0;
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

  LogicalResult lower(dec::ActivationOp op) { return lowerElementwise(op, op.getX(), toSpec(op.getAct()), {}, {}); }
  LogicalResult lower(dec::GateOp op) { return lowerElementwise(op, op.getX(), toSpec(op.getAct()), op.getY(), {}); }
  LogicalResult lower(dec::ResidualOp op) {
    return lowerElementwise(op, op.getBranch(), Activation::None, {}, op.getX());
  }

  LogicalResult lowerElementwise(Operation *op, Value x, Activation act, Value gate, Value residual) {
    ElementwiseSpec spec;
    spec.n = dec::width(x);
    spec.act = act;
    spec.gate = gate != nullptr;
    spec.residual = residual != nullptr;
    SmallVector<Value> ins{buffers.lookup(x)};
    for (Value more : {gate, residual})
      if (more)
        ins.push_back(buffers.lookup(more));
    Value out = buffers[op->getResult(0)] = alloc(op->getLoc(), spec.n);
    call(op, op->getName().stripDialect(), spec, ins, out);
    return success();
  }

  LogicalResult lower(dec::SinusoidOp op) {
    SinusoidSpec spec;
    spec.n = dec::width(op.getResult()) / 2;
    spec.offset = op.getOffset();
    spec.factor = op.getFactor().convertToDouble();
    Value freqs = weight(op.getLoc(), op.getFreqs(), dec::Layout::Padded16);
    Value out = buffers[op.getResult()] = alloc(op.getLoc(), 2 * spec.n);
    call(op, "sinusoid " + op.getFreqs(), spec, {indexInput("positions"), freqs}, out);
    return success();
  }

  LogicalResult lower(dec::RopeOp op) {
    RopeSpec spec;
    spec.heads = op.getHeads();
    spec.d = dec::width(op.getX()) / spec.heads;
    spec.n = dec::width(op.getAngles()) / 2;
    Value out = buffers[op.getResult()] = alloc(op.getLoc(), dec::width(op.getX()));
    call(op, "rope", spec, {buffers.lookup(op.getX()), buffers.lookup(op.getAngles())}, out);
    return success();
  }

  LogicalResult lower(dec::FramesOp op) {
    FramesSpec spec;
    spec.n = dec::width(op.getInputs().front());
    spec.shifts.clear();
    SmallVector<Value> ins{indexInput("positions")};
    for (auto [input, shift] : llvm::zip(op.getInputs(), op.getShifts())) {
      ins.push_back(buffers.lookup(input));
      spec.shifts += (spec.shifts.empty() ? "(" : " ") + std::to_string(shift);
    }
    spec.shifts += ")";
    Value out = buffers[op.getResult()] = alloc(op.getLoc(), dec::width(op.getResult()));
    call(op, "frames", spec, ins, out);
    return success();
  }

  LogicalResult lower(dec::SplitOp op) {
    Value source = buffers.lookup(op.getX());
    int64_t column = 0;
    if (auto view = source.getDefiningOp<plan::ViewOp>()) // a split of a split
      source = view.getSource(), column = view.getColumn();
    if (source.getDefiningOp<plan::InputOp>()) { // what the caller gives; views are of what the plan has allocated
      ElementwiseSpec copy;
      copy.n = dec::width(op.getX());
      Value given = source;
      source = alloc(op.getLoc(), copy.n);
      call(op, "copy", copy, given, source);
    }
    auto whole = source.getDefiningOp<plan::AllocOp>();
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

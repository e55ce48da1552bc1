// Registration and verifiers of `plan`. Tested in tests/dialect/plan.mlir, plan-errors.mlir.
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"
#include "schedules/spec/KernelSpec.h"
#include "schedules/spec/MaskExpr.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include <fmt/format.h>

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
  static constexpr StringRef kNames[] = {"ids",         "positions",   "features",    "out_rows",    "tiles",
                                         "self_table",  "self_len",    "self_block",  "self_token",  "cross_table",
                                         "cross_len",   "cross_block", "cross_token", "local_table", "local_len",
                                         "local_block", "local_token"};
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
static Operation *modelOf(Operation *op) { return op->getParentOfType<dec::ModelOp>(); }

LogicalResult WeightOp::verify() {
  Operation *model = modelOf(*this);
  auto weight =
      model ? dyn_cast_or_null<dec::WeightOp>(SymbolTable::lookupSymbolIn(model, getWeightAttr())) : dec::WeightOp();
  return weight ? success() : emitOpError("(C1) @") << getWeight() << " is not a dec.weight";
}

LogicalResult PoolOp::verify() {
  Operation *model = modelOf(*this);
  auto cache =
      model ? dyn_cast_or_null<dec::CacheOp>(SymbolTable::lookupSymbolIn(model, getCacheAttr())) : dec::CacheOp();
  return cache ? success() : emitOpError("(C1) @") << getCache() << " is not a dec.cache";
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

/// Number of inputs and outputs of a kernel: schedules/README.md.
static std::pair<size_t, size_t> argumentCounts(const KernelSpec &spec) {
  return std::visit(
      llvm::makeVisitor(
          [](const LinearSpec &s) { return std::pair<size_t, size_t>(2 + s.gather + s.bias + s.residual, 1); },
          [](const AttentionSpec &s) {
            std::string error;
            auto params = parseMaskParams(s.params, error);
            return std::pair<size_t, size_t>(6 + (params ? params->size() : 0), 1);
          },
          [](const NormSpec &s) { return std::pair<size_t, size_t>(2 + s.bias, 1); },
          [](const EmbedSpec &s) { return std::pair<size_t, size_t>(s.positions ? 4 : 2, 1); },
          [](const KvAppendSpec &) { return std::pair<size_t, size_t>(4, 2); },
          [](const ElementwiseSpec &s) { return std::pair<size_t, size_t>(1 + s.residual, 1); }),
      spec);
}

/// Mask and score of an attention; true for the other kernels.
static bool functionsParse(const KernelSpec &spec, std::string &error) {
  const auto *attention = std::get_if<AttentionSpec>(&spec);
  if (!attention)
    return true;
  auto params = parseMaskParams(attention->params, error);
  if (!params)
    return false;
  auto parses = [&](const std::string &text, MaskExpr::Type type) {
    auto expr = parseMaskExpr(text, *params, error);
    if (expr && expr->type != type)
      error = fmt::format("\"{}\" is not {}", text, type == MaskExpr::Type::Bool ? "a truth value" : "an f32");
    return expr && expr->type == type;
  };
  return parses(attention->mask, MaskExpr::Type::Bool) &&
         (attention->score == "-" || parses(attention->score, MaskExpr::Type::F32));
}

/// The run-time size that the kernel's row class depends on.
static Size rowsOf(const KernelSpec &spec) {
  if (std::holds_alternative<AttentionSpec>(spec))
    return Size::Tiles;
  const auto *linear = std::get_if<LinearSpec>(&spec);
  return linear && linear->gather ? Size::OutRows : Size::Rows;
}

LogicalResult CallOp::verify() {
  std::string error;
  auto spec = parseKernelSpec((getSpec() + " rows=many").str(), error);
  if (!spec || !functionsParse(*spec, error))
    return emitOpError("(C1) spec \"") << getSpec() << "\": " << error;
  if (getRows() != rowsOf(*spec))
    return emitOpError("(C1) rows is ") << stringifySize(getRows()) << ", its kernel goes by "
                                        << stringifySize(rowsOf(*spec));
  auto [ins, outs] = argumentCounts(*spec);
  if (getIns().size() != ins || getOuts().size() != outs)
    return emitOpError("(C2) has ") << getIns().size() << " inputs and " << getOuts().size() << " outputs, the spec "
                                    << ins << " and " << outs;
  return success();
}

} // namespace decant::plan

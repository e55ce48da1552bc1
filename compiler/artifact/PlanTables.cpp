// In: plan entries with offsets and kernel numbers. Out: the tables that the runtime's loop walks. Tested in
// tests/artifact.
#include "compiler/artifact/PlanTables.h"
#include "schedules/spec/KernelSpec.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace decant {

namespace {

constexpr size_t kMaxKernels = 65536; // distinct specs: far above any model

// The tiles that the runtime makes are those that kernels are built for.
static_assert(attentionTileRows(RowClass::One) == DECANT_TILE_ROWS_ONE &&
              attentionTileRows(RowClass::Few) == DECANT_TILE_ROWS_FEW &&
              attentionTileRows(RowClass::Many) == DECANT_TILE_ROWS_MANY);

decant_dim fixed(int64_t extent, int64_t stride) {
  return {static_cast<int32_t>(extent), 0, DECANT_SIZE_ONE, static_cast<int32_t>(stride)};
}
decant_dim growing(uint32_t size, int64_t stride) { return {0, 1, size, static_cast<int32_t>(stride)}; }

/// Row-major dims of a static shape, innermost first.
void setDenseDims(ArrayRef<int64_t> shape, decant_buffer &buffer) {
  int64_t stride = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t extent = shape[shape.size() - 1 - i];
    buffer.dims[i] = fixed(ShapedType::isDynamic(extent) ? 1 : extent, stride);
    stride *= extent;
  }
}

uint8_t typeCode(Type type) { return type.isF32() ? DECANT_F32 : type.isInteger(8) ? DECANT_U8 : DECANT_I32; }

} // namespace

PlanTables::PlanTables(dec::ModelOp model, Blob &blob) : model(model), blob(blob) {
  for (auto cache : model.getBody().getOps<dec::CacheOp>()) {
    cacheIndex[cache.getSymName()] = caches.size();
    auto cacheWindow = static_cast<uint32_t>(cache.getWindow().value_or(0));
    auto kind = cacheWindow ? uint32_t(DECANT_CACHE_WINDOW) : static_cast<uint32_t>(cache.getKind());
    caches.push_back(
        {kind, static_cast<uint32_t>(cache.getKvHeads()), static_cast<uint32_t>(cache.getHeadDim()), cacheWindow});
    window = std::max(window, cacheWindow);
    blockTokens = cache.getBlock();
  }
  for (auto weight : model.getBody().getOps<dec::WeightOp>()) {
    weightIndex[weight.getSymName()] = weightSymbols.size();
    weightSymbols.push_back(weight.getSymName().str());
  }
}

uint32_t PlanTables::paramIndex(plan::ParamOp op) {
  auto [it, isNew] = paramIndices.try_emplace(op.getName(), params.size());
  auto type = cast<MemRefType>(op.getType());
  if (isNew)
    params.push_back({blob.text(op.getName()), typeCode(type.getElementType()), static_cast<uint32_t>(type.getRank()),
                      static_cast<float>(op.getNeutral().convertToDouble()), 0});
  if (op.getSorted()) // in one entry is enough
    params[it->second].flags |= DECANT_PARAM_SORTED;
  return it->second;
}

/// Columns of the rows that a caller gives the op's entry instead of ids.
int64_t PlanTables::featureWidth(plan::InputOp op) {
  bool encode = op->getParentOfType<plan::EntryOp>().getSymName() == "encode";
  return encode ? model.getSourceWidth().value_or(model.getWidth()) : model.getWidth();
}

LogicalResult PlanTables::describeInput(plan::InputOp op, decant_buffer &buffer) {
  auto index = plan::inputIndex(op.getName());
  if (!index)
    return op.emitOpError("is not an input of the runtime");
  buffer.storage = DECANT_STORE_INPUT;
  buffer.index = *index;
  auto blocks = [&](int64_t tokens) { return (tokens + blockTokens - 1) / blockTokens; };
  int64_t columns = 0; // 0: rank 1
  uint32_t size = DECANT_SIZE_ROWS;
  switch (*index) {
  case DECANT_INPUT_FEATURES:
    columns = cast<MemRefType>(op.getType()).getShape().back();
    if (int64_t expected = featureWidth(op); columns != expected)
      return op.emitOpError("has ") << columns << " columns, but the model's rows have " << expected;
    break;
  case DECANT_INPUT_OUT_ROWS:
    size = DECANT_SIZE_OUT_ROWS;
    break;
  case DECANT_INPUT_TILES:
    columns = 4;
    size = DECANT_SIZE_TILES;
    break;
  case DECANT_INPUT_SELF_TABLE:
  case DECANT_INPUT_WINDOW_TABLE:
    columns = blocks(model.getMaxContext());
    size = DECANT_SIZE_SEQS;
    break;
  case DECANT_INPUT_CROSS_TABLE:
  case DECANT_INPUT_LOCAL_TABLE:
    columns = blocks(model.getMaxSource());
    size = DECANT_SIZE_SEQS;
    break;
  case DECANT_INPUT_SELF_LEN:
  case DECANT_INPUT_WINDOW_LEN:
  case DECANT_INPUT_CROSS_LEN:
  case DECANT_INPUT_LOCAL_LEN:
    size = DECANT_SIZE_SEQS;
    break;
  }
  if (columns)
    buffer.dims[0] = fixed(columns, 1);
  buffer.dims[columns ? 1 : 0] = growing(size, columns ? columns : 1);
  return success(buffer.rank == (columns ? 2 : 1) || (op.emitOpError("has the wrong rank"), false));
}

LogicalResult PlanTables::describe(Value value, decant_buffer &buffer) {
  auto type = cast<MemRefType>(value.getType());
  buffer.type = typeCode(type.getElementType());
  buffer.rank = type.getRank();
  auto activation = [&](plan::AllocOp alloc) {
    if (!alloc.getOffset())
      return alloc.emitOpError("has no offset: phase memory has to run first");
    int64_t stride = alloc.getRowBytes() / 4, columns = type.getDimSize(1);
    buffer.storage = DECANT_STORE_ARENA;
    buffer.region = static_cast<uint8_t>(alloc.getRegion());
    buffer.offset = *alloc.getOffset();
    // A whole buffer shows its padding: kernels write it.
    bool isView = value.getDefiningOp() != alloc;
    buffer.dims[0] = fixed(isView ? columns : stride, 1);
    buffer.dims[1] = growing(buffer.region, stride);
    return InFlightDiagnostic();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(value.getDefiningOp())
      .Case([&](plan::InputOp op) { return describeInput(op, buffer); })
      .Case([&](plan::AllocOp op) { return LogicalResult(activation(op)); })
      .Case([&](plan::ViewOp op) {
        auto alloc = op.getSource().getDefiningOp<plan::AllocOp>();
        buffer.view_offset = op.getColumn() * 4;
        return alloc ? LogicalResult(activation(alloc)) : op.emitOpError("is not a view of a plan.alloc");
      })
      .Case([&](plan::WeightOp op) {
        buffer.storage = DECANT_STORE_WEIGHT;
        buffer.index = weightIndex.lookup(op.getWeight());
        setDenseDims(type.getShape(), buffer);
        return success();
      })
      .Case([&](plan::PoolOp op) {
        buffer.storage = op.getValues() ? DECANT_STORE_VPOOL : DECANT_STORE_KPOOL;
        buffer.index = cacheIndex.lookup(op.getCache());
        setDenseDims(type.getShape(), buffer);
        return success();
      })
      .Case([&](plan::ParamOp op) {
        buffer.storage = DECANT_STORE_PARAM;
        buffer.index = paramIndex(op);
        return success();
      })
      .Default([](Operation *op) { return op->emitOpError("makes a buffer that the tables cannot describe"); });
}

FailureOr<uint32_t> PlanTables::bufferOf(Value value) {
  auto [it, isNew] = bufferIndex.try_emplace(value, buffers.size());
  if (!isNew)
    return it->second;
  decant_buffer buffer = {};
  uint32_t index = it->second;
  if (failed(describe(value, buffer)))
    return failure();
  buffers.push_back(buffer);
  return index;
}

LogicalResult PlanTables::numberKernels() {
  std::vector<std::string> specs;
  auto visit = [&](plan::CallOp call) -> WalkResult {
    auto number = call.getKernel();
    if (!number)
      return call.emitOpError("has no kernel number: phase emit has to run first");
    if (*number < 0 || *number >= static_cast<int64_t>(kMaxKernels))
      return call.emitOpError("has the kernel number ") << *number << ", expected 0.." << kMaxKernels - 1;
    if (specs.size() <= static_cast<size_t>(*number))
      specs.resize(*number + 1);
    std::string &spec = specs[*number];
    if (!spec.empty() && spec != call.getSpec())
      return call.emitOpError("has the kernel number ") << *number << ", which another spec has too: \"" << spec << '"';
    spec = call.getSpec().str();
    return WalkResult::advance();
  };
  if (model.walk(visit).wasInterrupted())
    return failure();
  llvm::StringMap<size_t> numbers;
  for (auto [number, spec] : llvm::enumerate(specs)) {
    if (spec.empty())
      return model.emitOpError("has no call with the kernel number ") << number << ", but one of " << specs.size() - 1;
    auto [it, isNew] = numbers.try_emplace(spec, number);
    if (!isNew)
      return model.emitOpError("gives \"") << spec << "\" the kernel numbers " << it->second << " and " << number;
    addKernels(spec);
  }
  return success();
}

uint32_t PlanTables::kernelIndex(std::string spec) {
  auto [it, isNew] = kernelIndices.try_emplace(spec, kernelSpecs.size());
  if (isNew)
    kernelSpecs.push_back(std::move(spec));
  return it->second;
}

/// Only a linear has a register tile of its own for few rows; the others use that for many.
static bool hasFew(StringRef spec) { return spec.starts_with("linear "); }

void PlanTables::addKernels(const std::string &spec) {
  kernelIndex(spec + " rows=one");
  kernelIndex(spec + " rows=many");
  if (hasFew(spec))
    kernelIndex(spec + " rows=few");
}

void PlanTables::setKernels(plan::CallOp call, decant_step &step) {
  std::string spec = call.getSpec().str();
  step.kernel[DECANT_ROWS_ONE] = kernelIndex(spec + " rows=one");
  step.kernel[DECANT_ROWS_MANY] = kernelIndex(spec + " rows=many");
  step.kernel[DECANT_ROWS_FEW] = hasFew(spec) ? kernelIndex(spec + " rows=few") : step.kernel[DECANT_ROWS_MANY];
}

LogicalResult PlanTables::addEntry(plan::EntryOp entry) {
  uint32_t kind = entry.getSymName() == "encode" ? DECANT_ENTRY_ENCODE : DECANT_ENTRY_DECODE;
  if (!entry.getRowBytes() || !entry.getOutRowBytes())
    return entry.emitOpError("has no arena sizes: phase memory has to run first");
  std::vector<decant_step> steps;
  for (auto call : entry.getBody().getOps<plan::CallOp>()) {
    std::vector<uint32_t> args;
    for (Value operand : call.getOperands()) {
      auto buffer = bufferOf(operand);
      if (failed(buffer))
        return failure();
      args.push_back(*buffer);
    }
    decant_step step = {};
    setKernels(call, step);
    step.rows = static_cast<uint32_t>(call.getRows());
    step.args = blob.append(args);
    step.name = blob.text(call.getName());
    steps.push_back(step);
  }
  decant_entry &out = entries[kind];
  out.present = 1;
  out.output = out.hidden = UINT32_MAX;
  if (Value output = cast<plan::ReturnOp>(entry.getBody().front().getTerminator()).getOutput()) {
    auto buffer = bufferOf(output);
    if (failed(buffer))
      return failure();
    int64_t columns = cast<MemRefType>(output.getType()).getShape().back();
    bool isLogits = kind == DECANT_ENTRY_DECODE && model.getVocab() > 0;
    if (int64_t expected = isLogits ? model.getVocab() : model.getWidth(); columns != expected)
      return entry.emitOpError("gives ") << columns << " columns, but " << (isLogits ? "vocab" : "width")
                                         << " of the model is " << expected;
    (kind == DECANT_ENTRY_ENCODE ? out.hidden : out.output) = *buffer;
  }
  out.row_bytes = *entry.getRowBytes();
  out.out_row_bytes = *entry.getOutRowBytes();
  out.steps = blob.append(steps);
  return success();
}

} // namespace decant

#include "tools/decant/ExplainModel.h"

#include "compiler/config/Errors.h"
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"
#include "compiler/passes/MaskToText.h"
#include "compiler/reference/ReadWeight.h"
#include "tools/decant/LoadModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant::cli {
namespace {

constexpr int64_t kFloatBytes = 4;

/// "model.decoder.layers.3.fc1.weight" -> "model.decoder.layers.3"; "" without a number.
std::string layerOf(llvm::StringRef weight) {
  size_t begin = 0;
  while (begin < weight.size()) {
    const size_t end = std::min(weight.find('.', begin), weight.size());
    const llvm::StringRef part = weight.slice(begin, end);
    if (begin > 0 && !part.empty() && llvm::all_of(part, [](char c) { return llvm::isDigit(c); }))
      return weight.take_front(end).str();
    begin = end + 1;
  }
  return "";
}

llvm::Expected<MaskTensor> readTable(dec::WeightOp weight, const WeightSet &weights) {
  auto values = readWeight(weight, weights);
  if (!values)
    return values.takeError();
  MaskTensor table;
  llvm::append_range(table.extents, weight.getTensorType().getShape());
  table.data.assign(values->begin(), values->end());
  return table;
}

class Collector {
public:
  Collector(dec::ModelOp model, const WeightSet &weights, ExplainedModel &out)
      : model(model), weights(weights), out(out) {}

  llvm::Error run() {
    figures();
    for (auto function : model.getBody().getOps<func::FuncOp>())
      if (llvm::Error error = entry(function))
        return error;
    return llvm::Error::success();
  }

private:
  void figures() {
    out.name = model.getSymName().str(), out.kind = model.getKind().str();
    out.width = model.getWidth(), out.vocab = model.getVocab();
    out.maxBatch = model.getMaxBatch(), out.maxContext = model.getMaxContext(), out.maxSource = model.getMaxSource();
    for (auto weight : model.getBody().getOps<dec::WeightOp>())
      out.parameters += weight.getTensorType().getNumElements();
    out.weightBytes = out.parameters * kFloatBytes;
    for (auto cache : model.getBody().getOps<dec::CacheOp>())
      out.caches.push_back({cache.getSymName().str(), dec::stringifyCacheKind(cache.getKind()).str(),
                            cache.getKvHeads(), cache.getHeadDim(), cache.getBlock(), cache.getWindow().value_or(0)});
  }

  llvm::Error entry(func::FuncOp function) {
    ExplainedEntry &entry = out.entries.emplace_back();
    entry.name = function.getSymName().str();
    llvm::DenseMap<Value, int> producers;
    std::string group;
    for (Operation &op : function.front()) {
      if (isa<func::ReturnOp, dec::LengthsOp, dec::CacheLengthsOp, dec::TableOp>(op))
        continue;
      ExplainedOp told = describe(&op);
      if (llvm::StringRef weight = weightOf(&op); !weight.empty())
        group = layerOf(weight);
      told.group = group;
      if (auto residual = dyn_cast<dec::ResidualOp>(op))
        if (auto found = producers.find(residual.getX()); found != producers.end())
          told.skip = found->second;
      for (Value result : op.getResults())
        producers[result] = int(entry.ops.size());
      entry.ops.push_back(std::move(told));
      if (auto attention = dyn_cast<dec::CachedAttentionOp>(op))
        if (llvm::Error error = attend(attention))
          return error;
    }
    return llvm::Error::success();
  }

  static llvm::StringRef weightOf(Operation *op) {
    return llvm::TypeSwitch<Operation *, llvm::StringRef>(op)
        .Case<dec::LinearOp, dec::LogitsOp, dec::NormOp>([](auto linear) { return linear.getWeight(); })
        .Case<dec::EmbedOp, dec::PositionOp>([](auto table) { return table.getTable(); })
        .Default([](Operation *) { return llvm::StringRef(); });
  }

  int64_t bytesOf(Operation *op, llvm::StringRef symbol) {
    dec::WeightOp weight = dec::lookupWeight(op, symbol);
    return weight ? weight.getTensorType().getNumElements() * kFloatBytes : 0;
  }

  template <class Op> ExplainedOp linear(Op op) {
    ExplainedOp told;
    told.detail = fmt::format("{} \u2192 {}", dec::width(op.getX()), dec::width(op.getResult()));
    told.name = op.getWeight().str();
    told.input = op.getX().getAsOpaquePointer();
    told.macs = dec::width(op.getX()) * dec::width(op.getResult());
    told.weightBytes = bytesOf(op, op.getWeight()) + (op.getBias() ? bytesOf(op, *op.getBias()) : 0);
    return told;
  }

  ExplainedOp describe(Operation *op) {
    ExplainedOp told =
        llvm::TypeSwitch<Operation *, ExplainedOp>(op)
            .Case<dec::LinearOp, dec::LogitsOp>([&](auto linearOp) { return linear(linearOp); })
            .Case([&](dec::NormOp norm) {
              ExplainedOp told{.detail = fmt::format("{}", dec::width(norm.getX())), .name = norm.getWeight().str()};
              told.weightBytes =
                  bytesOf(norm, norm.getWeight()) + (norm.getBias() ? bytesOf(norm, *norm.getBias()) : 0);
              return told;
            })
            .Case<dec::EmbedOp, dec::PositionOp>([&](auto table) {
              const int64_t width = dec::width(table.getResult());
              ExplainedOp told{.detail = fmt::format("{}", width), .name = table.getTable().str()};
              told.weightBytes = width * kFloatBytes; // a row of the table
              return told;
            })
            .Case([&](dec::ActivationOp activation) {
              return ExplainedOp{.detail = dec::stringifyActivation(activation.getAct()).str()};
            })
            .Case([&](dec::KvAppendOp append) {
              return ExplainedOp{.detail = "keys, values", .cache = append.getCache().str()};
            })
            .Case([&](dec::CachedAttentionOp attention) { return attentionOp(attention); })
            .Default([](Operation *) { return ExplainedOp(); });
    told.kind = op->getName().stripDialect().str();
    return told;
  }

  ExplainedOp attentionOp(dec::CachedAttentionOp attention) {
    ExplainedOp told;
    told.heads = attention.getHeads();
    told.detail = fmt::format("{} \u00d7 {}", told.heads, dec::width(attention.getQuery()) / told.heads);
    told.mask = attention.getMask().str();
    told.score = attention.getScore().value_or("").str();
    told.cache = attention.getCache().str();
    return told;
  }

  /// The functions of an attention; parameters are named by the first that uses them.
  llvm::Error attend(dec::CachedAttentionOp attention) {
    if (llvm::Error error = function(attention, attention.getMask(), attention.getMaskParams()))
      return error;
    return attention.getScore() ? function(attention, *attention.getScore(), attention.getScoreParams())
                                : llvm::Error::success();
  }

  llvm::Error function(dec::CachedAttentionOp attention, llvm::StringRef name, ValueRange arguments) {
    const std::string cache = attention.getCache().str();
    for (ExplainedFunction &known : out.functions)
      if (known.name == name) {
        if (!llvm::is_contained(known.caches, cache))
          known.caches.push_back(cache);
        return llvm::Error::success();
      }
    ExplainedFunction told;
    told.name = name.str(), told.caches = {cache}, told.block = out.cache(cache)->block;
    Operation *op = SymbolTable::lookupSymbolIn(model, name);
    Region &body = op->getRegion(0);
    const std::vector<MaskParam> params = dec::maskParams(body);
    auto text = maskToText(body, 0);
    if (failed(text))
      return llvm::Error::success(); // phase select refuses the model, and says why
    std::string error;
    auto expr = parseMaskExpr(*text, params, error);
    if (!expr)
      return userError(ExitCode::Internal, error);
    told.expr = std::move(*expr);
    if (llvm::Error failure = bounds(op, params, told))
      return failure;
    for (auto [param, value] : llvm::zip(params, arguments)) {
      auto described = parameter(param, value);
      if (!described)
        return described.takeError();
      told.params.push_back(std::move(*described));
    }
    out.functions.push_back(std::move(told));
    return llvm::Error::success();
  }

  static llvm::Error bounds(Operation *op, const std::vector<MaskParam> &params, ExplainedFunction &told) {
    auto mask = dyn_cast<dec::MaskOp>(op);
    told.isMask = bool(mask);
    if (!mask)
      return llvm::Error::success();
    std::string error;
    auto visit = parseKeyRanges(mask.getVisit().value_or("-"), params, error);
    auto full = parseKeyRanges(mask.getFull().value_or("()"), params, error);
    if (!visit || !full)
      return userError(ExitCode::Internal, error); // the verifier has parsed them
    told.visit = std::move(*visit), told.full = std::move(*full);
    return llvm::Error::success();
  }

  llvm::Expected<ExplainedParam> parameter(const MaskParam &param, Value value) {
    ExplainedParam told{.param = param, .name = param.name};
    if (value.getDefiningOp<dec::LengthsOp>()) {
      told.name = "length", told.isLength = true;
    } else if (value.getDefiningOp<dec::CacheLengthsOp>()) {
      told.name = "source_length", told.isLength = true;
    } else if (auto table = value.getDefiningOp<dec::TableOp>()) {
      told.name = table.getWeight().str();
      auto data = readTable(dec::lookupWeight(table, table.getWeight()), weights);
      if (!data)
        return data.takeError();
      told.weight = std::move(*data);
    } else if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
      if (auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "dec.name"))
        told.name = name.getValue().str();
      if (auto neutral = function.getArgAttrOfType<FloatAttr>(argument.getArgNumber(), "dec.neutral"))
        told.neutral = neutral.getValueAsDouble();
    }
    return told;
  }

  dec::ModelOp model;
  const WeightSet &weights;
  ExplainedModel &out;
};

void collectKernels(dec::ModelOp model, ExplainedModel &out) {
  model.walk([&](plan::CallOp call) {
    const size_t number = size_t(call.getKernel().value_or(0));
    if (number > UINT16_MAX) // an edited dump; compiling it is refused
      return;
    out.kernels.resize(std::max(out.kernels.size(), number + 1));
    ExplainedKernel &kernel = out.kernels[number];
    kernel.spec = call.getSpec().str();
    const bool encode = call->getParentOfType<plan::EntryOp>().getSymName() == "encode";
    ++(encode ? kernel.encodeSteps : kernel.decodeSteps);
  });
}

} // namespace

const ExplainedFunction *ExplainedModel::find(const std::string &function) const {
  auto found = llvm::find_if(functions, [&](const ExplainedFunction &f) { return f.name == function; });
  return found == functions.end() ? nullptr : &*found;
}

const ExplainedCache *ExplainedModel::cache(const std::string &cacheName) const {
  auto found = llvm::find_if(caches, [&](const ExplainedCache &c) { return c.name == cacheName; });
  return found == caches.end() ? nullptr : &*found;
}

llvm::Expected<ExplainedModel> explainModel(const ExplainOptions &options) {
  ModelContext context;
  auto loaded = loadModel(context, {options.model, options.weights, options.maxBatch, options.maxContext});
  if (!loaded)
    return loaded.takeError();
  ExplainedModel model;
  llvm::Error failure = llvm::Error::success();
  bool seen = false;
  auto callback = [&](unsigned, llvm::StringRef phase) {
    dec::ModelOp op = dec::findModel(*loaded->module);
    if (phase == "cache") {
      seen = true;
      failure = llvm::joinErrors(std::move(failure), Collector(op, loaded->weights, model).run());
    } else if (phase == "emit") {
      collectKernels(op, model);
    }
    return !failure;
  };
  llvm::Error error = runPhasesOf(*loaded->module, isFolder(options.model), callback);
  if (failure) {
    llvm::consumeError(std::move(error));
    return failure;
  }
  if (error) {
    llvm::consumeError(std::move(failure));
    return error;
  }
  if (!seen)
    return userError(ExitCode::Usage, fmt::format("{}: this IR is past phase cache; explain the model folder, or a "
                                                  "dump of import, simplify, masks or cache",
                                                  options.model));
  return model;
}

} // namespace decant::cli

// Padded ids or embeddings, masks and mask parameters -> packed rows -> padded logits or hidden states. See Eval.h.
#include "compiler/config/Errors.h"
#include "compiler/reference/EvalInputs.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <fmt/format.h>

namespace decant {
namespace {

/// A mask parameter of @decode.
struct Param {
  llvm::StringRef name;
  mlir::RankedTensorType type;
  double neutral;
  bool sorted;
};

/// Parameters of a mask or score whose rows must ascend, what it applies included (the verifier rules out cycles).
using SortedParams = llvm::DenseMap<mlir::Operation *, std::vector<bool>>;
std::vector<bool> sortedParams(mlir::Operation *function, SortedParams &known) {
  if (auto found = known.find(function); found != known.end())
    return found->second;
  std::vector<bool> sorted;
  for (const MaskParam &param : dec::maskParams(function->getRegion(0)))
    sorted.push_back(param.sorted);
  auto follow = [&](auto apply) {
    mlir::Operation *callee =
        mlir::SymbolTable::lookupNearestSymbolFrom(function->getParentOp(), apply.getCalleeAttr());
    for (auto [relies, value] : llvm::zip(sortedParams(callee, known), apply.getParams()))
      if (auto argument = llvm::dyn_cast<mlir::BlockArgument>(value); relies && argument)
        sorted[argument.getArgNumber() - dec::MaskOp::kNumIndices] = true;
  };
  function->walk([&](dec::ApplyOp apply) { follow(apply); });
  function->walk([&](dec::ApplyScoreOp apply) { follow(apply); });
  return known[function] = sorted;
}

bool reliesOnOrder(dec::ModelOp model, mlir::BlockArgument argument) {
  SortedParams known;
  auto relies = [&](mlir::FlatSymbolRefAttr symbol, mlir::ValueRange params) {
    if (symbol)
      for (auto [sorted, value] :
           llvm::zip(sortedParams(mlir::SymbolTable::lookupSymbolIn(model, symbol.getValue()), known), params))
        if (sorted && value == argument)
          return true;
    return false;
  };
  return llvm::any_of(argument.getUsers(), [&](mlir::Operation *user) {
    auto op = llvm::dyn_cast<dec::AttentionOp>(user);
    return op && (relies(op.getMaskAttr(), op.getMaskParams()) || relies(op.getScoreAttr(), op.getScoreParams()));
  });
}

/// What @decode takes besides rows and ids or embeddings.
std::vector<Param> paramsOf(dec::ModelOp model, mlir::func::FuncOp decode) {
  std::vector<Param> params;
  for (mlir::BlockArgument argument : decode.getArguments()) {
    auto name = decode.getArgAttrOfType<mlir::StringAttr>(argument.getArgNumber(), "dec.name");
    auto neutral = decode.getArgAttrOfType<mlir::FloatAttr>(argument.getArgNumber(), "dec.neutral");
    if (name && neutral)
      params.push_back({name.getValue(), llvm::cast<mlir::RankedTensorType>(argument.getType()),
                        neutral.getValueAsDouble(), reliesOnOrder(model, argument)});
  }
  return params;
}

llvm::Error checkSorted(llvm::StringRef name, const Tensor<int64_t> &tensor) {
  int64_t columns = tensor.shape.back();
  for (size_t i = 1; i < tensor.data.size(); ++i)
    if (i % columns && tensor.data[i] < tensor.data[i - 1])
      return EvalInputs::error(name, fmt::format("has {} at {} of its last dimension behind {}: the rows of this "
                                                 "parameter must ascend",
                                                 tensor.data[i], i % columns, tensor.data[i - 1]));
  return llvm::Error::success();
}

/// The caller's tensor, or the neutral element, which an extent of 1 broadcasts.
template <class T> llvm::Expected<Value<T>> paramValue(const EvalInputs &inputs, const Param &param) {
  const mlir::Type element = param.type.getElementType();
  const TensorView *view = inputs.find(param.name);
  std::vector<int64_t> shape(param.type.getRank(), 1);
  if (view && static_cast<int64_t>(view->shape.size()) != param.type.getRank())
    return EvalInputs::error(
        param.name, fmt::format("has shape {}, expected rank {}", printShape(view->shape), param.type.getRank()));
  if (view)
    shape.assign(view->shape.begin(), view->shape.end());
  if (view && llvm::is_contained(shape, 0))
    return EvalInputs::error(param.name, "is empty");
  if (element.isF32()) {
    auto data = view ? inputs.reals(param.name) : std::vector<double>{param.neutral};
    if (!data)
      return data.takeError();
    return Tensor<T>{shape, {data->begin(), data->end()}};
  }
  if (element.isInteger(1)) {
    auto data = view ? inputs.flags(param.name) : std::vector<uint8_t>{param.neutral != 0};
    if (!data)
      return data.takeError();
    return Tensor<uint8_t>{shape, std::move(*data)};
  }
  auto data = view ? inputs.integers(param.name) : std::vector<int64_t>{static_cast<int64_t>(param.neutral)};
  if (!data)
    return data.takeError();
  Tensor<int64_t> tensor{shape, std::move(*data)};
  if (param.sorted)
    if (llvm::Error error = checkSorted(param.name, tensor))
      return error;
  return tensor;
}

/// A padded batch [B, S(, E)] without its masked tokens.
template <class T> struct Packed {
  int64_t batch = 0, length = 0;
  Rows rows;
  Tensor<int32_t> ids;
  Tensor<T> embeds;
  std::vector<int64_t> slots; ///< b * S + s of each row
};

template <class T>
llvm::Error pack(dec::ModelOp model, const EvalInputs &inputs, llvm::StringRef name, bool hasIds, Packed<T> &out) {
  auto shape = inputs.find(name)->shape;
  const int64_t width = model.getWidth();
  if (shape.size() != (hasIds ? 2 : 3) || (!hasIds && static_cast<int64_t>(shape[2]) != width) || shape[0] < 1)
    return EvalInputs::error(name, fmt::format("has shape {}, expected [batch, tokens{}]", printShape(shape),
                                               hasIds ? "" : fmt::format(", {}", width)));
  std::vector<int64_t> ids;
  std::vector<double> values;
  if (hasIds) {
    auto read = inputs.integers(name);
    if (!read)
      return read.takeError();
    ids = std::move(*read);
  } else {
    auto read = inputs.reals(name);
    if (!read)
      return read.takeError();
    values = std::move(*read);
  }
  out.batch = shape[0], out.length = shape[1];
  std::vector<uint8_t> real(out.batch * out.length, 1);
  if (inputs.find("attention_mask")) {
    if (llvm::Error error = inputs.checkShape("attention_mask", {out.batch, out.length}))
      return error;
    auto flags = inputs.flags("attention_mask");
    if (!flags)
      return flags.takeError();
    real = std::move(*flags);
  }
  for (int64_t b = 0; b < out.batch; ++b) {
    const size_t before = out.slots.size();
    for (int64_t slot = b * out.length; slot < (b + 1) * out.length; ++slot) {
      if (!real[slot])
        continue;
      out.slots.push_back(slot);
      if (!hasIds) {
        out.embeds.data.insert(out.embeds.data.end(), values.begin() + slot * width,
                               values.begin() + (slot + 1) * width);
        continue;
      }
      if (ids[slot] < 0 || ids[slot] >= model.getVocab())
        return EvalInputs::error(name, fmt::format("holds the id {} at [{}, {}], the vocabulary has {}", ids[slot], b,
                                                   slot - b * out.length, model.getVocab()));
      out.ids.data.push_back(static_cast<int32_t>(ids[slot]));
    }
    const auto count = static_cast<int64_t>(out.slots.size() - before);
    if (count > model.getMaxContext())
      return EvalInputs::tooLong(name, count, model.getMaxContext());
    out.rows.add(count, 0);
  }
  out.ids.shape = {out.rows.total()};
  out.embeds.shape = {out.rows.total(), width};
  return llvm::Error::success();
}

/// The argument that is neither rows nor a parameter.
bool takesIds(mlir::func::FuncOp decode) {
  return llvm::any_of(decode.getArgumentTypes(), [](mlir::Type type) {
    auto tensor = llvm::dyn_cast<mlir::RankedTensorType>(type);
    return tensor && tensor.getElementType().isInteger(32);
  });
}

} // namespace

template <class T>
llvm::Expected<std::vector<NamedTensor>> evalDecoderOnly(dec::ModelOp model, const WeightSet &weights,
                                                         const EvalInputs &inputs) {
  auto decode = llvm::dyn_cast_or_null<mlir::func::FuncOp>(mlir::SymbolTable::lookupSymbolIn(model, "decode"));
  if (!decode)
    return badInput("@decode is a plan already: evaluate a dump of an earlier phase");
  const bool hasIds = takesIds(decode);
  const llvm::StringRef tokens = hasIds ? "input_ids" : "inputs_embeds";
  std::vector<Param> params = paramsOf(model, decode);
  llvm::SmallVector<llvm::StringRef> names{tokens, "attention_mask"};
  for (const Param &param : params)
    names.push_back(param.name);
  if (llvm::Error error = inputs.checkNames(names, {tokens}))
    return error;
  Packed<T> packed;
  if (llvm::Error error = pack(model, inputs, tokens, hasIds, packed))
    return error;
  std::vector<Value<T>> arguments;
  auto next = params.begin();
  for (mlir::BlockArgument argument : decode.getArguments()) {
    if (llvm::isa<dec::RowsType>(argument.getType())) {
      arguments.push_back(packed.rows);
    } else if (next != params.end() && argument.getType() == next->type &&
               decode.getArgAttr(argument.getArgNumber(), "dec.neutral")) {
      auto value = paramValue<T>(inputs, *next++);
      if (!value)
        return value.takeError();
      arguments.push_back(std::move(*value));
    } else {
      arguments.push_back(hasIds ? Value<T>(packed.ids) : Value<T>(packed.embeds));
    }
  }
  auto results = Interpreter<T>(model, weights).run("decode", std::move(arguments));
  if (!results)
    return results.takeError();
  const auto &rows = std::get<Tensor<T>>(results->front());
  const int64_t n = rows.shape[1];
  std::vector<T> data(packed.batch * packed.length * n);
  for (size_t r = 0; r < packed.slots.size(); ++r)
    std::copy_n(rows.row(r), n, data.begin() + packed.slots[r] * n);
  std::vector<NamedTensor> outputs;
  outputs.push_back(
      makeOutput(model.getVocab() ? "logits" : "last_hidden_state", {packed.batch, packed.length, n}, data));
  return outputs;
}

template llvm::Expected<std::vector<NamedTensor>> evalDecoderOnly<float>(dec::ModelOp, const WeightSet &,
                                                                         const EvalInputs &);
template llvm::Expected<std::vector<NamedTensor>> evalDecoderOnly<double>(dec::ModelOp, const WeightSet &,
                                                                          const EvalInputs &);

} // namespace decant

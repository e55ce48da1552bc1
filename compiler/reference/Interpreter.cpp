// Entries, arguments and the ops of a layer but attention. See Interpreter.h.
#include "compiler/config/Errors.h"
#include "compiler/reference/InterpreterState.h"
#include "compiler/reference/ReadWeight.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <fmt/format.h>
#include <numbers>

using namespace mlir;

namespace decant {

template <class T> Interpreter<T>::Interpreter(dec::ModelOp model, const WeightSet &weights) {
  state = std::make_unique<State>(model, weights);
}
template <class T> Interpreter<T>::~Interpreter() = default;
template <class T> void Interpreter<T>::clearCaches() { state->caches.clear(); }

template <class T>
llvm::Expected<std::vector<Value<T>>> Interpreter<T>::run(StringRef entry, std::vector<Value<T>> arguments) {
  auto function = dyn_cast_or_null<func::FuncOp>(SymbolTable::lookupSymbolIn(state->model, entry));
  if (!function || function.isExternal())
    return badInput(fmt::format("the model has no func.func @{} for the interpreter: it knows the phases before select",
                                entry.str()));
  if (function.getNumArguments() != arguments.size())
    return badInput(
        fmt::format("@{} takes {} arguments, found {}", entry.str(), function.getNumArguments(), arguments.size()));
  state->values.clear();
  state->clearLocalCaches();
  for (auto [argument, value] : llvm::zip_equal(function.getArguments(), arguments))
    if (llvm::Error error = state->bind(argument, std::move(value)))
      return error;
  Block &body = function.getBody().front();
  for (Operation &op : body.without_terminator())
    if (llvm::Error error = state->dispatch(&op))
      return error;
  std::vector<Value<T>> results;
  for (mlir::Value result : body.getTerminator()->getOperands())
    results.push_back(state->values.find(result)->second);
  return results;
}

template <class T> llvm::Error Interpreter<T>::State::error(Operation *op, const std::string &text) {
  auto name = dyn_cast<NameLoc>(op->getLoc());
  return badInput(
      fmt::format("{}{}: {}", name ? name.getName().str() + ": " : "", op->getName().getStringRef().str(), text));
}

/// Extents of a tensor against those of the type; dynamic ones are free.
template <class Element> static bool matches(const Tensor<Element> &tensor, RankedTensorType type) {
  int64_t size = 1;
  for (int64_t extent : tensor.shape)
    size *= extent;
  if (static_cast<int64_t>(tensor.shape.size()) != type.getRank() || size != static_cast<int64_t>(tensor.data.size()))
    return false;
  for (auto [extent, wanted] : llvm::zip_equal(tensor.shape, type.getShape()))
    if (!ShapedType::isDynamic(wanted) && extent != wanted)
      return false;
  return true;
}

static bool isDivision(const Rows &rows) {
  return rows.offsets.size() == rows.positions.size() + 1 && rows.offsets[0] == 0 && llvm::is_sorted(rows.offsets) &&
         llvm::all_of(rows.positions, [](int64_t position) { return position >= 0; });
}

template <class T> llvm::Error Interpreter<T>::State::bind(BlockArgument argument, Value<T> value) {
  bool fits = false;
  if (auto *rows = std::get_if<Rows>(&value)) {
    fits = isa<dec::RowsType>(argument.getType()) && isDivision(*rows);
  } else if (auto type = dyn_cast<RankedTensorType>(argument.getType())) {
    Type element = type.getElementType();
    auto check = [&](auto *tensor, bool sameElement) { fits |= tensor && sameElement && matches(*tensor, type); };
    check(std::get_if<Tensor<int32_t>>(&value), element.isInteger(32));
    check(std::get_if<Tensor<int64_t>>(&value), element.isIndex());
    check(std::get_if<Tensor<uint8_t>>(&value), element.isInteger(1));
    check(std::get_if<Real>(&value), element.isF32());
  }
  if (!fits)
    return error(argument.getOwner()->getParentOp(),
                 fmt::format("argument {} has another kind or shape than its type", argument.getArgNumber()));
  values[argument] = std::move(value);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::dispatch(Operation *op) {
  return TypeSwitch<Operation *, llvm::Error>(op)
      .template Case<dec::EmbedOp, dec::PositionOp, dec::NormOp, dec::LinearOp, dec::ActivationOp, dec::GateOp,
                     dec::ResidualOp, dec::SinusoidOp, dec::RopeOp, dec::FramesOp, dec::SplitOp, dec::LogitsOp,
                     dec::LengthsOp, dec::CacheLengthsOp, dec::KvAppendOp, dec::AttentionOp, dec::CachedAttentionOp,
                     dec::TableOp>([&](auto known) { return eval(known); })
      .Default([&](Operation *other) { return error(other, "the interpreter does not know this op"); });
}

template <class T>
llvm::Expected<const T *> Interpreter<T>::State::weight(Operation *user, std::optional<StringRef> symbol) {
  if (!symbol)
    return nullptr;
  auto [entry, isNew] = weightData.try_emplace(*symbol);
  if (isNew) {
    auto read = readWeight(dec::lookupWeight(user, *symbol), weights);
    if (!read) {
      weightData.erase(entry);
      return read.takeError();
    }
    entry->second.assign(read->begin(), read->end());
  }
  return entry->second.data();
}

template <class T> llvm::Error Interpreter<T>::State::checkRows(Operation *op, const Real &x, const Rows &division) {
  if (x.shape[0] == division.total())
    return llvm::Error::success();
  return error(op, fmt::format("the operand has {} rows, its division {}", x.shape[0], division.total()));
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::EmbedOp op) {
  auto table = weight(op, op.getTable());
  if (!table)
    return table.takeError();
  const auto &ids = std::get<Tensor<int32_t>>(values.find(op.getIds())->second);
  int64_t vocab = dec::lookupWeight(op, op.getTable()).getTensorType().getDimSize(0), n = dec::width(op.getResult());
  T scale = static_cast<T>(op.getScale().convertToDouble());
  Real result = matrix<T>(ids.shape[0], n);
  for (int64_t r = 0; r < ids.shape[0]; ++r) {
    int64_t id = ids.data[r];
    if (id < 0 || id >= vocab)
      return error(op, fmt::format("id {} of row {} is outside the vocabulary of {}", id, r, vocab));
    for (int64_t i = 0; i < n; ++i)
      result.row(r)[i] = (*table)[id * n + i] * scale;
  }
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::PositionOp op) {
  auto table = weight(op, op.getTable());
  if (!table)
    return table.takeError();
  Real result = real(op.getX());
  const Rows &division = rows(op.getRows());
  if (llvm::Error error = checkRows(op, result, division))
    return error;
  int64_t length = dec::lookupWeight(op, op.getTable()).getTensorType().getDimSize(0), n = result.shape[1];
  for (int64_t b = 0; b < division.sequences(); ++b)
    for (int64_t i = 0; i < division.count(b); ++i) {
      int64_t at = division.positions[b] + i + op.getOffset();
      if (at >= length)
        return error(op, fmt::format("position {} of sequence {} is outside the table of {} rows, offset {}",
                                     at - op.getOffset(), b, length, op.getOffset()));
      for (int64_t c = 0; c < n; ++c)
        result.row(division.offsets[b] + i)[c] += (*table)[at * n + c];
    }
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::NormOp op) {
  auto scale = weight(op, op.getWeight()), bias = weight(op, op.getBias());
  if (!scale || !bias)
    return llvm::joinErrors(scale.takeError(), bias.takeError());
  Real result = real(op.getX());
  int64_t n = dec::lookupWeight(op, op.getWeight()).getTensorType().getDimSize(0);
  T eps = static_cast<T>(op.getEps().convertToDouble());
  for (size_t first = 0; first < result.data.size(); first += n) {
    T *x = result.data.data() + first, mean = 0, variance = 0;
    for (int64_t i = 0; i < n && !op.getRms(); ++i)
      mean += x[i] / n;
    for (int64_t i = 0; i < n; ++i)
      variance += (x[i] - mean) * (x[i] - mean);
    T deviation = std::sqrt(variance / n + eps);
    for (int64_t i = 0; i < n; ++i)
      x[i] = (x[i] - mean) / deviation * ((*scale)[i] + (op.getPlusOne() ? 1 : 0)) + (*bias ? (*bias)[i] : T(0));
  }
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

/// x W^T + bias.
template <class T>
llvm::Expected<Tensor<T>> Interpreter<T>::State::matmul(Operation *op, const Real &x, StringRef weightName,
                                                        std::optional<StringRef> biasName, int64_t outputs) {
  auto w = weight(op, weightName), bias = weight(op, biasName);
  if (!w || !bias)
    return llvm::joinErrors(w.takeError(), bias.takeError());
  Real result = matrix<T>(x.shape[0], outputs);
  int64_t inputs = x.shape[1];
  for (int64_t r = 0; r < x.shape[0]; ++r)
    for (int64_t n = 0; n < outputs; ++n) {
      T sum = 0;
      for (int64_t k = 0; k < inputs; ++k)
        sum += x.row(r)[k] * (*w)[n * inputs + k];
      result.row(r)[n] = sum + (*bias ? (*bias)[n] : T(0));
    }
  return result;
}

template <class T> static T activate(dec::Activation act, T x) {
  switch (act) {
  case dec::Activation::None:
    return x;
  case dec::Activation::Relu:
    return x < 0 ? T(0) : x; // keeps NaN
  case dec::Activation::Gelu:
    return x * (1 + std::erf(x / std::sqrt(T(2)))) / 2;
  case dec::Activation::GeluTanh:
    return x * (1 + std::tanh(std::sqrt(2 / T(std::numbers::pi)) * (x + T(0.044715) * x * x * x))) / 2;
  case dec::Activation::Silu:
    return x / (1 + std::exp(-x));
  case dec::Activation::QuickGelu:
    return x / (1 + std::exp(T(-1.702) * x));
  }
  llvm_unreachable("unknown activation");
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::LinearOp op) {
  auto result = matmul(op, real(op.getX()), op.getWeight(), op.getBias(), dec::width(op.getResult()));
  if (!result)
    return result.takeError();
  const Real *residual = op.getResidual() ? &real(op.getResidual()) : nullptr;
  if (residual && residual->shape != result->shape)
    return error(op, "the residual has another number of rows");
  for (size_t i = 0; i < result->data.size(); ++i)
    result->data[i] = activate(op.getAct(), result->data[i]) + (residual ? residual->data[i] : T(0));
  values[op.getResult()] = std::move(*result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::LogitsOp op) {
  auto result = matmul(op, real(op.getX()), op.getWeight(), {}, dec::width(op.getResult()));
  auto bias = weight(op, op.getBias());
  if (!result || !bias)
    return llvm::joinErrors(result.takeError(), bias.takeError());
  T scale = op.getScale() ? static_cast<T>(op.getScale()->convertToDouble()) : T(1);
  T cap = op.getSoftcap() ? static_cast<T>(op.getSoftcap()->convertToDouble()) : T(0);
  int64_t vocab = result->shape[1];
  for (size_t i = 0; i < result->data.size(); ++i) {
    T x = result->data[i] * scale + (*bias ? (*bias)[i % vocab] : T(0));
    result->data[i] = cap > 0 ? cap * std::tanh(x / cap) : x;
  }
  values[op.getResult()] = std::move(*result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::ActivationOp op) {
  Real result = real(op.getX());
  for (T &x : result.data)
    x = activate(op.getAct(), x);
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::GateOp op) {
  Real result = real(op.getX());
  const Real &y = real(op.getY());
  if (y.shape != result.shape)
    return error(op, "the operands have different numbers of rows");
  for (size_t i = 0; i < result.data.size(); ++i)
    result.data[i] = activate(op.getAct(), result.data[i]) * y.data[i];
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::ResidualOp op) {
  Real result = real(op.getX());
  const Real &branch = real(op.getBranch());
  if (branch.shape != result.shape)
    return error(op, "the operands have different numbers of rows");
  for (size_t i = 0; i < result.data.size(); ++i)
    result.data[i] += branch.data[i];
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::SplitOp op) {
  const Real x = real(op.getX());
  int64_t first = 0;
  for (mlir::Value part : op.getParts()) {
    Real result = matrix<T>(x.shape[0], dec::width(part));
    for (int64_t r = 0; r < x.shape[0]; ++r)
      std::copy_n(x.row(r) + first, result.shape[1], result.row(r));
    first += result.shape[1];
    values[part] = std::move(result);
  }
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::TableOp op) {
  auto data = weight(op, op.getWeight());
  if (!data)
    return data.takeError();
  auto type = dec::lookupWeight(op, op.getWeight()).getTensorType();
  values[op.getResult()] = Real{type.getShape().vec(), {*data, *data + type.getNumElements()}};
  return llvm::Error::success();
}

template class Interpreter<float>;
template class Interpreter<double>;

} // namespace decant

// See EvalInputs.h.
#include "compiler/reference/EvalInputs.h"
#include "compiler/config/Errors.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"

#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace decant {

std::string printShape(llvm::ArrayRef<int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape.begin(), shape.end(), ", "));
}

llvm::Error EvalInputs::error(llvm::StringRef name, const std::string &text) {
  return badInput(fmt::format("input tensor \"{}\" {}", name.str(), text));
}

llvm::Error EvalInputs::tooLong(llvm::StringRef name, int64_t length, int64_t limit) {
  return userError(
      ExitCode::Resource,
      fmt::format("input tensor \"{}\" has a sequence of {} positions, the model's maximum is {}; shorten it",
                  name.str(), length, limit));
}

llvm::Error EvalInputs::checkNames(llvm::ArrayRef<llvm::StringRef> known,
                                   llvm::ArrayRef<llvm::StringRef> required) const {
  for (const auto &[name, view] : tensors)
    if (!llvm::is_contained(known, name))
      return error(name, fmt::format("is unknown; this model takes {}", llvm::join(known, ", ")));
  for (llvm::StringRef name : required)
    if (!find(name))
      return error(name, fmt::format("is missing; this model takes {}", llvm::join(known, ", ")));
  return llvm::Error::success();
}

const TensorView *EvalInputs::find(llvm::StringRef name) const {
  auto found = tensors.find(name.str());
  return found == tensors.end() ? nullptr : &found->second;
}

llvm::Error EvalInputs::checkShape(llvm::StringRef name, llvm::ArrayRef<int64_t> shape) const {
  llvm::ArrayRef<int64_t> found = find(name)->shape;
  if (found == shape)
    return llvm::Error::success();
  return error(name, fmt::format("has shape {}, expected {}", printShape(found), printShape(shape)));
}

/// The elements as Element, stored as Stored.
template <class Element, class Stored> static std::vector<Element> convert(const TensorView &view) {
  std::vector<Element> result(view.bytes / sizeof(Stored));
  for (size_t i = 0; i < result.size(); ++i) {
    Stored value;
    std::memcpy(&value, view.data + i * sizeof(Stored), sizeof(Stored));
    result[i] = static_cast<Element>(value);
  }
  return result;
}

llvm::Expected<std::vector<int64_t>> EvalInputs::integers(llvm::StringRef name) const {
  const TensorView &view = *find(name);
  if (view.dtype == DType::I32)
    return convert<int64_t, int32_t>(view);
  if (view.dtype == DType::I64)
    return convert<int64_t, int64_t>(view);
  return error(name, fmt::format("has type {}, expected I32 or I64", view.dtypeName));
}

llvm::Expected<std::vector<uint8_t>> EvalInputs::flags(llvm::StringRef name) const {
  const TensorView &view = *find(name);
  if (view.dtype == DType::BOOL)
    return convert<uint8_t, uint8_t>(view);
  if (view.dtype != DType::I32 && view.dtype != DType::I64)
    return error(name, fmt::format("has type {}, expected BOOL, I32 or I64", view.dtypeName));
  auto numbers = integers(name);
  if (!numbers)
    return numbers.takeError();
  for (int64_t number : *numbers)
    if (number != 0 && number != 1)
      return error(name, fmt::format("holds {}, expected 0 or 1", number));
  return std::vector<uint8_t>(numbers->begin(), numbers->end());
}

bool EvalInputs::isReal(llvm::StringRef name) const {
  return find(name)->dtype == DType::F32 || find(name)->dtype == DType::F64;
}

llvm::Expected<std::vector<double>> EvalInputs::reals(llvm::StringRef name) const {
  const TensorView &view = *find(name);
  if (view.dtype == DType::F32)
    return convert<double, float>(view);
  if (view.dtype == DType::F64)
    return convert<double, double>(view);
  return error(name, fmt::format("has type {}, expected F32 or F64", view.dtypeName));
}

template <class T>
llvm::Expected<std::vector<Value<T>>> runEntry(dec::ModelOp model, Interpreter<T> &interpreter, llvm::StringRef entry,
                                               const llvm::StringMap<Value<T>> &byName) {
  std::vector<Value<T>> arguments;
  if (auto function = llvm::dyn_cast_or_null<mlir::func::FuncOp>(mlir::SymbolTable::lookupSymbolIn(model, entry)))
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      auto name = function.getArgAttrOfType<mlir::StringAttr>(i, "dec.name");
      auto found = name ? byName.find(name.getValue()) : byName.end();
      if (found == byName.end())
        return badInput(fmt::format("@{}: argument {} has no dec.name that decant eval can fill", entry.str(), i));
      arguments.push_back(found->second);
    }
  return interpreter.run(entry, std::move(arguments));
}

template <class T> NamedTensor makeOutput(std::string name, std::vector<int64_t> shape, const std::vector<T> &data) {
  NamedTensor result{std::move(name), sizeof(T) == 8 ? DType::F64 : DType::F32, std::move(shape), {}};
  result.data.resize(data.size() * sizeof(T));
  if (!data.empty())
    std::memcpy(result.data.data(), data.data(), result.data.size());
  return result;
}

template <class T>
static llvm::Expected<std::vector<NamedTensor>> evalModel(dec::ModelOp model, const WeightSet &weights,
                                                          const EvalInputs &inputs) {
  if (model.getKind() == "encoder_decoder")
    return evalEncoderDecoder<T>(model, weights, inputs);
  if (model.getKind() == "torch_decoder")
    return evalTorchDecoder<T>(model, weights, inputs);
  return evalDecoderOnly<T>(model, weights, inputs);
}

llvm::Expected<std::vector<NamedTensor>> evalReference(mlir::ModuleOp module, const WeightSet &weights,
                                                       const InputTensors &inputs, bool f64) {
  dec::ModelOp model = dec::findModel(module);
  if (!model)
    return badInput("the module must hold exactly one dec.model");
  return f64 ? evalModel<double>(model, weights, inputs) : evalModel<float>(model, weights, inputs);
}

#define DECANT_INSTANTIATE(T)                                                                                          \
  template llvm::Expected<std::vector<Value<T>>> runEntry(dec::ModelOp, Interpreter<T> &, llvm::StringRef,             \
                                                          const llvm::StringMap<Value<T>> &);                          \
  template NamedTensor makeOutput(std::string, std::vector<int64_t>, const std::vector<T> &);
DECANT_INSTANTIATE(float)
DECANT_INSTANTIATE(double)
#undef DECANT_INSTANTIATE

} // namespace decant

// Checked reading of named input tensors, and what both kinds of models share. Private to reference/.
#pragma once

#include "compiler/reference/Eval.h"
#include "compiler/reference/Interpreter.h"

#include "llvm/ADT/StringMap.h"

namespace decant {

class EvalInputs {
public:
  /*implicit*/ EvalInputs(const InputTensors &tensors) : tensors(tensors) {}

  /// BadInput for a tensor whose name is not in `known`, or a required one that is missing.
  llvm::Error checkNames(llvm::ArrayRef<llvm::StringRef> known, llvm::ArrayRef<llvm::StringRef> required) const;
  const TensorView *find(llvm::StringRef name) const;

  llvm::Error checkShape(llvm::StringRef name, llvm::ArrayRef<int64_t> shape) const;
  /// I32 or I64.
  llvm::Expected<std::vector<int64_t>> integers(llvm::StringRef name) const;
  /// BOOL, or I32 / I64 that are 0 or 1.
  llvm::Expected<std::vector<uint8_t>> flags(llvm::StringRef name) const;
  /// F32 or F64.
  llvm::Expected<std::vector<double>> reals(llvm::StringRef name) const;
  bool isReal(llvm::StringRef name) const;

  /// BadInput: input tensor "name" `text`.
  static llvm::Error error(llvm::StringRef name, const std::string &text);
  static llvm::Error tooLong(llvm::StringRef name, int64_t length, int64_t limit);

private:
  const InputTensors &tensors;
};

std::string printShape(llvm::ArrayRef<int64_t> shape);

/// Runs an entry with arguments found by their dec.name.
template <class T>
llvm::Expected<std::vector<Value<T>>> runEntry(dec::ModelOp model, Interpreter<T> &interpreter, llvm::StringRef entry,
                                               const llvm::StringMap<Value<T>> &byName);

/// T's own dtype.
template <class T> NamedTensor makeOutput(std::string name, std::vector<int64_t> shape, const std::vector<T> &data);

template <class T>
llvm::Expected<std::vector<NamedTensor>> evalEncoderDecoder(dec::ModelOp model, const WeightSet &weights,
                                                            const EvalInputs &inputs);
template <class T>
llvm::Expected<std::vector<NamedTensor>> evalDecoderOnly(dec::ModelOp model, const WeightSet &weights,
                                                         const EvalInputs &inputs);
template <class T>
llvm::Expected<std::vector<NamedTensor>> evalTorchDecoder(dec::ModelOp model, const WeightSet &weights,
                                                          const EvalInputs &inputs);

} // namespace decant

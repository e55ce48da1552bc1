// A model folder of tests/, its weights as tensors that a test may change, and errors as values.
#pragma once

#include "compiler/config/Errors.h"
#include "compiler/import/Families.h"
#include "compiler/import/Import.h"

#include "mlir/IR/MLIRContext.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace decant::test {

inline const std::string kTests = DECANT_TESTS;
inline const std::string kBundled = kTests + "/models/g2p-bart-en-us";

/// The value, or a failure of the test and a default one.
template <class T> T value(llvm::Expected<T> expected) {
  if (expected)
    return std::move(*expected);
  ADD_FAILURE() << llvm::toString(expected.takeError());
  return T();
}

struct Failure {
  ExitCode code = ExitCode::Ok;
  std::string message;
};
inline Failure failure(llvm::Error error) {
  Failure result;
  llvm::handleAllErrors(std::move(error), [&](const UserError &user) { result = {user.code, user.message}; });
  return result;
}
template <class T> Failure failure(llvm::Expected<T> expected) {
  return expected ? Failure() : failure(expected.takeError());
}

/// A file that is removed with the object.
struct TempFile {
  std::string path;
  explicit TempFile(const std::string &name)
      : path(std::filesystem::temp_directory_path() / (name + "." + std::to_string(::getpid()) + ".safetensors")) {}
  ~TempFile() { std::filesystem::remove(path); }
};

struct TestModel {
  DecoderConfig config;
  std::vector<NamedTensor> tensors;

  explicit TestModel(const std::string &folder) : config(value(readConfig(folder))) {
    WeightSet weights = value(WeightSet::openFolder(folder));
    for (const auto &[name, view] : weights.tensors())
      tensors.push_back({name, view.dtype, view.shape, {view.data, view.data + view.bytes}});
  }

  NamedTensor &tensor(const std::string &name) {
    for (NamedTensor &tensor : tensors)
      if (tensor.name == name)
        return tensor;
    ADD_FAILURE() << name << " is not in the model";
    return tensors.front();
  }
  void remove(const std::string &name) {
    std::erase_if(tensors, [&](const NamedTensor &tensor) { return tensor.name == name; });
  }

  /// The tensors as a WeightSet, through a file.
  WeightSet weights() const {
    TempFile file("decant-test-model"); // the mapping outlives the name
    EXPECT_FALSE(failure(writeSafetensors(file.path, tensors)).message.size());
    return value(WeightSet::openFile(file.path));
  }

  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> import(mlir::MLIRContext &context,
                                                           const ImportOptions &options = {}) const {
    WeightSet set = weights();
    return importModel(context, config, set, std::nullopt, options);
  }
};

} // namespace decant::test

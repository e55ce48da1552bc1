// Tensors of a weight file -> checked dec.weights, with an account of which tensors were used.
//
// Problems are collected, not thrown: a family's file declares everything it needs, then problems() names all that is
// wrong. Private to import/. Tested in tests/import.
#pragma once

#include "compiler/dialect/Dec.h"
#include "compiler/weights/WeightSet.h"

#include "llvm/ADT/StringSet.h"

#include <string>
#include <vector>

namespace decant {

/// Rows [begin, end) of a tensor; of a transposed one: of its transpose.
struct RowRange {
  int64_t begin, end;
};

class WeightTable {
public:
  explicit WeightTable(const WeightSet &weights) : weights(weights) {}

  const std::string &path() const { return weights.path(); }
  bool has(llvm::StringRef tensor) const { return weights.find(tensor) != nullptr; }
  /// Both are in the file with equal type, shape and bytes.
  bool sameData(llvm::StringRef a, llvm::StringRef b) const;

  /// Declares rows of `tensor`, whose shape in the file must be `fileShape`, as the dec.weight `symbol` of shape
  /// `shape`, once. Returns `symbol`.
  std::string declare(mlir::OpBuilder &builder, llvm::StringRef symbol, llvm::StringRef tensor,
                      llvm::ArrayRef<int64_t> fileShape, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<RowRange> rows,
                      bool transposed = false);
  /// Declares literal values, row-major, once. Returns `symbol`.
  std::string declareValues(mlir::OpBuilder &builder, llvm::StringRef symbol, llvm::ArrayRef<float> values,
                            llvm::ArrayRef<int64_t> shape);

  /// The tensor may be present without being used; `pattern` is a glob.
  void ignore(llvm::StringRef pattern);
  /// All problems, the tensors nobody used included, as one BadInput; success if there is none.
  llvm::Error problems(llvm::StringRef family);

private:
  void check(llvm::StringRef tensor, llvm::ArrayRef<int64_t> fileShape);
  bool isIgnored(llvm::StringRef tensor) const;

  const WeightSet &weights;
  llvm::StringSet<> declared, used;
  std::vector<std::string> ignored, messages;
};

} // namespace decant

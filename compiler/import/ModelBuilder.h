// What the families share: an OpBuilder for one dec.model that knows the ops' common forms and where it is
// ("decoder.layers.0").
//
// A weight is named by its tensor in the file; norm and linear take the tensors' common prefix. Private to import/.
#pragma once

#include "compiler/config/DecoderConfig.h"
#include "compiler/import/Import.h"
#include "compiler/import/WeightTable.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <string>

namespace decant {

/// An argument of an entry. `neutral` marks a mask parameter that a caller may leave out.
struct EntryArgument {
  mlir::Type type;
  llvm::StringRef name;
  std::optional<double> neutral = std::nullopt;
};

/// A mask or score function and what it gets behind its four indices.
struct FunctionUse {
  llvm::StringRef name; ///< empty: none
  llvm::SmallVector<mlir::Value> params;
};

class ModelBuilder {
public:
  /// `maxContext` is the checked one of ImportOptions.
  ModelBuilder(mlir::MLIRContext &context, const DecoderConfig &config, const WeightSet &weights,
               const ImportOptions &options, int64_t maxContext);

  const DecoderConfig &config;
  WeightTable weights;

  /// Copies the dec.mask and dec.score of `text` (MLIR) and those of the prelude that they apply or `names` lists.
  void addFunctions(llvm::StringRef text, llvm::ArrayRef<llvm::StringRef> names);
  void addGeneration();
  void addText(const CharacterTables &tables);

  /// Starts an entry; ops go into it until endEntry. Returns its arguments.
  llvm::SmallVector<mlir::Value> beginEntry(llvm::StringRef name, llvm::ArrayRef<EntryArgument> arguments,
                                            mlir::Type result);
  void endEntry(mlir::Value result);
  /// The location of the ops to come.
  void at(const std::string &where);

  mlir::RankedTensorType rows(int64_t width);                      ///< tensor<?x{width}xf32>
  mlir::RankedTensorType tensor(int64_t rank, mlir::Type element); ///< all extents dynamic
  mlir::Type rowsType() { return dec::RowsType::get(context); }
  mlir::OpBuilder &ops() { return builder; }

  /// The whole tensor as a dec.weight of its name.
  std::string weight(const std::string &tensor, llvm::ArrayRef<int64_t> shape);
  /// Rows [begin, end) of a tensor of shape `fileShape`, named `symbol`.
  std::string weightRows(const std::string &symbol, const std::string &tensor, llvm::ArrayRef<int64_t> fileShape,
                         int64_t begin, int64_t end);
  /// A tensor [1, n] read as a vector.
  std::string flatWeight(const std::string &tensor, int64_t n);

  mlir::Value embed(mlir::Value ids, const std::string &table);
  mlir::Value position(mlir::Value x, mlir::Value rows, const std::string &table, int64_t offset);
  mlir::Value lengths(mlir::Value rows);
  /// `{prefix}.weight`, and `{prefix}.bias` if config.bias.
  mlir::Value norm(mlir::Value x, const std::string &prefix);
  mlir::Value linear(mlir::Value x, const std::string &prefix, int64_t outputs);
  /// `bias` may be empty.
  mlir::Value linear(mlir::Value x, const std::string &weight, const std::string &bias, int64_t outputs);
  mlir::Value activation(mlir::Value x);
  mlir::Value residual(mlir::Value x, mlir::Value branch);
  /// Scale 1 / sqrt(head size).
  mlir::Value attention(mlir::Value query, mlir::Value key, mlir::Value value, mlir::Value queryRows,
                        mlir::Value keyRows, int64_t heads, const FunctionUse &mask, const FunctionUse &score = {});
  mlir::Value logits(mlir::Value x, const std::string &weight, const std::string &bias);

  mlir::OwningOpRef<mlir::ModuleOp> take() { return std::move(module); }

private:
  mlir::OpBuilder weightBuilder();

  mlir::MLIRContext *context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::OpBuilder builder;
  mlir::Location loc;
  dec::ModelOp model;
  mlir::func::FuncOp entry; ///< null between entries
};

} // namespace decant

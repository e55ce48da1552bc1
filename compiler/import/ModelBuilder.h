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

/// Which norm a family has: layer norm, or with rms root mean square norm; plusOne: the factor is weight + 1.
struct NormStyle {
  double eps = 1e-5;
  bool bias = true, rms = false, plusOne = false;
};

struct AttentionShape {
  int64_t heads, kvHeads;
  double scale;       ///< of the scores; usually 1 / sqrt(head size)
  double softcap = 0; ///< 0 = none
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
  void addTokenizer(llvm::ArrayRef<uint8_t> tables);

  /// Starts an entry; ops go into it until endEntry. Returns its arguments.
  llvm::SmallVector<mlir::Value> beginEntry(llvm::StringRef name, llvm::ArrayRef<EntryArgument> arguments,
                                            mlir::Type result);
  void endEntry(mlir::Value result);
  /// The location of the ops to come.
  void at(const std::string &where);

  mlir::RankedTensorType rows(int64_t width);                      ///< tensor<?x{width}xf32>
  mlir::RankedTensorType tensor(int64_t rank, mlir::Type element); ///< all extents dynamic
  mlir::Type rowsType() { return dec::RowsType::get(context); }
  int64_t maxContext() { return model.getMaxContext(); }
  mlir::OpBuilder &ops() { return builder; }

  NormStyle normStyle; ///< of norm(); at first layer norm with config.normEps, config.bias

  /// The whole tensor as a dec.weight of its name.
  std::string weight(const std::string &tensor, llvm::ArrayRef<int64_t> shape);
  /// Rows [begin, end) of a tensor of shape `fileShape`, named `symbol`.
  std::string weightRows(const std::string &symbol, const std::string &tensor, llvm::ArrayRef<int64_t> fileShape,
                         int64_t begin, int64_t end);
  /// Those rows one below the other: [their sum, ...].
  std::string weightRows(const std::string &symbol, const std::string &tensor, llvm::ArrayRef<int64_t> fileShape,
                         llvm::ArrayRef<RowRange> rows);
  /// Columns [begin, end) of a tensor [k, n], as rows: [end - begin, k] (GPT-2's Conv1D).
  std::string weightColumns(const std::string &symbol, const std::string &tensor, int64_t k, int64_t n, int64_t begin,
                            int64_t end);
  /// A tensor [1, n] read as a vector.
  std::string flatWeight(const std::string &tensor, int64_t n);
  /// A tensor [n, a, b] read as [n, a * b] (the weight of a convolution).
  std::string flatRows(const std::string &tensor, llvm::ArrayRef<int64_t> fileShape);
  /// A weight that no file holds.
  std::string values(const std::string &symbol, llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> shape);

  /// width: of the table; 0 = config.width. Scale: config.embedScale.
  mlir::Value embed(mlir::Value ids, const std::string &table, int64_t width = 0);
  mlir::Value position(mlir::Value x, mlir::Value rows, const std::string &table, int64_t offset);
  /// (sin | cos) of (position + offset) * freqs, times factor; `freqs` a weight of n: [R, 2 n].
  mlir::Value sinusoid(mlir::Value rows, const std::string &freqs, int64_t n, int64_t offset = 0, double factor = 1);
  mlir::Value rope(mlir::Value x, mlir::Value angles, int64_t heads);
  mlir::Value lengths(mlir::Value rows);
  /// A weight as a parameter of masks and scores.
  mlir::Value table(const std::string &weight, llvm::ArrayRef<int64_t> shape);
  /// normStyle, with `{prefix}.weight`, and `{prefix}.bias` if it has one. n: columns normalized on their own, 0 = all.
  mlir::Value norm(mlir::Value x, const std::string &prefix, int64_t n = 0);
  /// `{prefix}.weight`, and `{prefix}.bias` if config.bias, or `bias`.
  mlir::Value linear(mlir::Value x, const std::string &prefix, int64_t outputs);
  mlir::Value linear(mlir::Value x, const std::string &prefix, int64_t outputs, bool bias);
  /// `bias` may be empty.
  mlir::Value linear(mlir::Value x, const std::string &weight, const std::string &bias, int64_t outputs);
  /// config.activation.
  mlir::Value activation(mlir::Value x);
  /// config.activation(x) * y.
  mlir::Value gate(mlir::Value x, mlir::Value y);
  llvm::SmallVector<mlir::Value> split(mlir::Value x, llvm::ArrayRef<int64_t> widths);
  mlir::Value frames(llvm::ArrayRef<mlir::Value> inputs, mlir::Value rows, llvm::ArrayRef<int64_t> shifts);
  mlir::Value residual(mlir::Value x, mlir::Value branch);
  /// As many kv heads as heads, scale 1 / sqrt(head size).
  mlir::Value attention(mlir::Value query, mlir::Value key, mlir::Value value, mlir::Value queryRows,
                        mlir::Value keyRows, int64_t heads, const FunctionUse &mask, const FunctionUse &score = {});
  mlir::Value attention(mlir::Value query, mlir::Value key, mlir::Value value, mlir::Value queryRows,
                        mlir::Value keyRows, const AttentionShape &shape, const FunctionUse &mask,
                        const FunctionUse &score = {});
  /// softcap 0: none.
  mlir::Value logits(mlir::Value x, const std::string &weight, const std::string &bias, double scale = 1,
                     double softcap = 0);

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

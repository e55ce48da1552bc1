// What the decoder-only families share: the entry @decode, causal masks with windows, the head.
#pragma once

#include "compiler/config/FamilyKeys.h"
#include "compiler/import/TiedMatrix.h"

#include <set>
#include <vector>

namespace decant {

/// The entry of a decoder-only model; ops go into it until finish().
class DecoderOnly {
public:
  /// `table`: the tensor of the embeddings, [vocab, width]; `head`: that of the logits, which may be tied to it.
  DecoderOnly(ModelBuilder &builder, const std::string &table, const std::string &head, int64_t width = 0);

  /// ids -> rows of embeddings.
  mlir::Value embed();
  /// Causal; with a window W the newest W positions alone, the query's own included.
  FunctionUse mask(int64_t window);
  /// Query, key and value of x by one tensor `prefix`.weight [groups * (queries + 2) * dim, ..] (and .bias): in each
  /// group its heads of queries, then one of keys and one of values.
  llvm::SmallVector<mlir::Value> projectFused(mlir::Value x, const std::string &prefix, int64_t groups, int64_t queries,
                                              int64_t dim, bool bias);
  /// x -> logits; ends the entry. `bias` is a dec.weight or "".
  void finish(mlir::Value x, const std::string &bias = "", double scale = 1, double softcap = 0);

  ModelBuilder &b;
  mlir::Value ids, rows;

private:
  std::string table, head;
  int64_t width;
  TiedMatrix tied;
  std::set<int64_t> windows; ///< whose masks are in the model
};

/// num_hidden_layers windows, 0 = the whole context, from layer_types if the config has it ("full_attention",
/// "sliding_attention"), else `slides(layer)`. Other types are refused.
std::vector<int64_t> readWindows(KeyReader &keys, int64_t layers, int64_t window, bool (*slides)(int64_t layer));

} // namespace decant

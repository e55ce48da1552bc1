// What a mask shows, counted and drawn: elements from its expression, tiles from its derived bounds.
//
// A tile is kQueryRows queries by one block of a cache. Everything here is of sequence 0 and head 0. Parameters have
// example values (exampleValues), said beside every drawing. Tested in tests/tools/ExplainTest.cpp.
#pragma once

#include "schedules/spec/KernelSpec.h"
#include "schedules/spec/MaskEval.h"

#include <optional>
#include <string>
#include <vector>

namespace decant::cli {

inline constexpr int64_t kQueryRows = attentionTileRows(RowClass::Many); ///< queries of a tile of a long prompt

/// A parameter of a mask or score, and where its values come from.
struct ExplainedParam {
  MaskParam param;                    ///< p0, p1, ..
  std::string name = {};              ///< what the caller, or the model, calls it
  bool isLength = false;              ///< tokens of each sequence
  std::optional<double> neutral = {}; ///< of an argument that a caller may leave out
  std::optional<MaskTensor> weight = {};
};

struct ExplainedFunction {
  std::string name;
  bool isMask = true; ///< else a score: no bounds
  MaskExpr expr;
  KeyRanges visit, full;
  std::vector<ExplainedParam> params;
  std::vector<std::string> caches; ///< of the attentions that use it
  int64_t block = 0;               ///< tokens a block of those
};

struct Example {
  MaskTensors tensors;
  std::vector<std::string> texts; ///< "length = 16", one a parameter
};
/// For `size` queries and keys: lengths = size, booleans true, sorted ids = 8 equal documents, a prefix = size / 4, a
/// weight its own values, others their neutral value or 0.
Example exampleValues(const ExplainedFunction &function, int64_t size);

enum class Tile : uint8_t { Empty, Partial, Full };

struct TileRun {
  int64_t begin, end; ///< key blocks
  Tile tile;
};

struct TileCensus {
  int64_t size = 0; ///< queries, and keys
  int64_t block = 0;
  std::vector<std::vector<TileRun>> rows; ///< one a tile of queries; empty tiles are left out
  int64_t empty = 0, partial = 0, full = 0;
  int64_t visitedPairs = 0; ///< (query, key) of the visited tiles: what a kernel multiplies
  int64_t visitedKeys = 0;  ///< keys of the visited tiles: what a kernel reads, for one head
  double visiblePairs = 0;
  int64_t sampledRows = 0; ///< queries whose visible keys were counted: all, or every n-th of an expensive mask

  int64_t tiles() const { return empty + partial + full; }
};
/// Tiles that the bounds leave, and visible pairs by the expression within them.
TileCensus countTiles(const ExplainedFunction &mask, int64_t size);

/// Keys that the kernel visits for the one query `position` when there are `keys` of them.
int64_t visitedKeysOfRow(const ExplainedFunction &mask, int64_t position, int64_t keys);

/// The expression with what is known put in and every constant part computed; no q: of any query.
MaskExpr specialise(const MaskExpr &expr, std::optional<int64_t> q, const MaskTensors &tensors);

/// One string a query, '#' visible, '.' hidden.
std::vector<std::string> drawElements(const ExplainedFunction &mask, int64_t size);

} // namespace decant::cli

// What attention reads, with the bounds that make loops constant, and what follows for one (tile, block). Shared by the
// files of its algorithm alone. Buffers and shapes: schedules/README.md.
#pragma once

#include "schedules/algorithms/algorithms.h"
#include "schedules/algorithms/mask.h"

#include <stdexcept>

namespace decant {

/// Every input of the kernel and what follows from them for one (tile, block).
struct AttentionInputs {
  Halide::ImageParam q{Halide::Float(32), 2, "q"}, kpool{Halide::Float(32), 4, "kpool"},
      vpool{Halide::Float(32), 4, "vpool"}, table{Halide::Int(32), 2, "table"}, kvLen{Halide::Int(32), 1, "kv_len"},
      tiles{Halide::Int(32), 2, "tiles"};
  std::vector<MaskParam> params;
  std::vector<Halide::ImageParam> images;
  MaskExpr mask, score;
  KeyRanges visit, full;
  bool hasScore = false;
  int blockSize = 0, d = 0, group = 1, heads = 0, kvHeads = 0;

  explicit AttentionInputs(const AttentionSpec &spec) {
    std::string error;
    auto parsedParams = parseMaskParams(spec.params, error);
    if (!parsedParams)
      throw std::invalid_argument(error);
    params = *parsedParams;
    images = maskParamImages(params);
    mask = parse(spec.mask, MaskExpr::Type::Bool);
    hasScore = spec.score != "-";
    if (hasScore)
      score = parse(spec.score, MaskExpr::Type::F32);
    visit = parseRanges(spec.visit), full = parseRanges(spec.full);
    blockSize = int(spec.block), d = int(spec.d), heads = int(spec.heads), kvHeads = int(spec.kv_heads);
    group = heads / kvHeads;
    constrain();
  }

  MaskExpr parse(const std::string &text, MaskExpr::Type type) const {
    std::string error;
    auto expr = parseMaskExpr(text, params, error);
    if (!expr)
      throw std::invalid_argument(error);
    if (expr->type != type)
      throw std::invalid_argument("mask expression '" + text + "' has the wrong type");
    return *expr;
  }

  KeyRanges parseRanges(const std::string &text) const {
    std::string error;
    auto ranges = parseKeyRanges(text, params, error);
    if (!ranges)
      throw std::invalid_argument(error);
    return *ranges;
  }

  void constrain() {
    const int wide = roundUp16(d);
    q.dim(0).set_bounds(0, heads * d);
    q.dim(1).set_min(0);
    constrainPool(kpool, blockSize / 16 * d, kvHeads);
    constrainPool(vpool, wide / 16 * blockSize, kvHeads);
    table.dim(0).set_min(0);
    table.dim(1).set_min(0);
    kvLen.dim(0).set_min(0);
    tiles.dim(0).set_bounds(0, 4);
    tiles.dim(1).set_min(0).set_stride(4);
  }

  // A real clamp: an unsafe promise inside a length keeps Halide from making it a loop's bound.
  Halide::Expr sequence(Halide::Expr tile) const { return Halide::clamp(tiles(0, tile), 0, kvLen.dim(0).extent() - 1); }
  /// Rows that a tile does not have read its last one: behind it there may be no memory.
  Halide::Expr queryRow(Halide::Expr tile, Halide::Expr row) const {
    return Halide::unsafe_promise_clamped(tiles(1, tile) + Halide::min(row, tiles(2, tile) - 1), 0,
                                          q.dim(1).extent() - 1);
  }
  Halide::Expr length(Halide::Expr tile) const { return kvLen(sequence(tile)); }
  Halide::Expr blockCount(Halide::Expr tile) const { return (length(tile) + (blockSize - 1)) / blockSize; }
  /// Keys of this block that exist, at most blockSize.
  Halide::Expr present(Halide::Expr block, Halide::Expr tile) const {
    return Halide::min(length(tile) - block * blockSize, blockSize);
  }
};

/// Defines k.visit, k.full, k.searches and k.keep; returns the added score (undefined without one).
Halide::Func defineMask(AttentionKernel &k, const AttentionInputs &in);

/// Is the block within one of the ranges to visit, if it exists?
Halide::Expr isVisited(AttentionKernel &k, const AttentionInputs &in, Halide::Expr block);

/// Is every key of the block there and visible to every row, by the spec's bounds? A score may hide any key.
Halide::Expr isFull(AttentionKernel &k, const AttentionInputs &in, Halide::Expr block);

} // namespace decant

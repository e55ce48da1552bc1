// Which keys a tile of attention visits and which of them each of its rows sees. In: the spec's ranges and mask. Out:
// ranges of blocks once a (head, tile), and per block the visibility of every (key, row), evaluated only where the
// ranges do not say it all. Tested in tests/schedules/AttentionTest.cpp.
#include "schedules/algorithms/attention_inputs.h"

using namespace Halide;

namespace decant {
namespace {

/// The spec's ranges for each (head, tile): their keys, and for `visit` the blocks that they touch.
void defineRanges(AttentionKernel &k, const AttentionInputs &in) {
  Var head = k.head, tile = k.tile;
  MaskTile at{
      in.sequence(tile), head, in.tiles(3, tile), in.tiles(3, tile) + in.tiles(2, tile), in.length(tile), head, tile};
  auto bound = [&](const MaskExpr &expr) { return maskBoundToHalide(expr, at, in.params, in.images, k.searches); };
  std::vector<Expr> visit, full;
  for (const KeyRange &range : in.visit.ranges) {
    // within the keys first: a parameter may be any number, and rounding up must not overflow
    visit.push_back(clamp(bound(range.begin), 0, in.length(tile)) / in.blockSize);
    visit.push_back((clamp(bound(range.end), 0, in.length(tile)) + (in.blockSize - 1)) / in.blockSize);
  }
  for (const KeyRange &range : in.full.ranges) {
    full.push_back(bound(range.begin));
    full.push_back(bound(range.end));
  }
  for (auto [func, values] : {std::pair{&k.visit, &visit}, std::pair{&k.full, &full}})
    if (!values->empty())
      (*func)(head, tile) = Tuple(*values);
}

} // namespace

Expr isVisited(AttentionKernel &k, const AttentionInputs &in, Expr block) {
  Expr visited = in.visit.every ? Internal::const_true() : Internal::const_false();
  for (int i = 0; i < int(in.visit.ranges.size()); ++i) {
    FuncRef range = k.visit(k.head, k.tile);
    visited = visited || (block >= range[2 * i] && block < range[2 * i + 1]);
  }
  return visited;
}

Expr isFull(AttentionKernel &k, const AttentionInputs &in, Expr block) {
  if (in.hasScore)
    return Internal::const_false();
  Expr first = block * in.blockSize, full = in.full.every ? Internal::const_true() : Internal::const_false();
  for (int i = 0; i < int(in.full.ranges.size()); ++i) {
    FuncRef range = k.full(k.head, k.tile);
    full = full || (range[2 * i] <= first && first + in.blockSize <= range[2 * i + 1]);
  }
  return full && first + in.blockSize <= in.length(k.tile);
}

Func defineMask(AttentionKernel &k, const AttentionInputs &in) {
  Var key = k.key, row = k.row, block = k.block, head = k.head, tile = k.tile;
  RVar someKey = k.maskKey.x, someRow = k.maskKey.y;
  MaskIndices at{in.sequence(tile), head, in.tiles(3, tile) + someRow, block * in.blockSize + someKey};
  defineRanges(k, in);
  Func added;
  Expr exists = someKey < in.present(block, tile);
  Expr visible = Internal::And::make(exists, maskToHalide(in.mask, at, in.params, in.images));
  if (in.hasScore) {
    MaskIndices pure{in.sequence(tile), head, in.tiles(3, tile) + row, block * in.blockSize + key};
    added = Func("added");
    added(key, row, block, head, tile) = maskToHalide(in.score, pure, in.params, in.images);
    // -1e30 and below, -inf too, hides a key: compared as bits, since float arithmetic here may assume no infinity
    Expr bits = reinterpret<uint32_t>(added(someKey, someRow, block, head, tile));
    visible = Internal::And::make(visible, bits < Internal::make_const(UInt(32), int64_t(0xf149f2ca)));
  }
  k.maskKey.where(k.maskKey.z < select(isFull(k, in, block), 0, 1));
  k.keep(key, row, block, head, tile) = -1;
  k.keep(someKey, someRow, block, head, tile) = -cast<int>(visible);
  for (const ImageParam &image : in.images)
    if (image.dimensions() > 1) // rank 1 has no key
      k.dense = k.dense.defined() ? k.dense && image.dim(0).stride() == 1 : image.dim(0).stride() == 1;
  return added;
}

} // namespace decant

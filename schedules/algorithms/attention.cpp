// Scaled dot-product attention over a blocked KV cache, softmax merged online over key blocks (Milakov & Gimelshein
// 2018; Dao et al. 2022). In: query rows in tiles, K blocks (key innermost), V blocks (column innermost), block table,
// lengths, mask and score functions. Out: the rows of each tile. Invariants: sums run in an order fixed by absolute key
// and column numbers, so a row's bits do not depend on its tile; the running maximum is an integer (held as a float:
// scores may be huge), so merging scales exactly; a key that a row must not see reaches none of its bits, NaN or not
// (integer AND, no 0 * NaN); a row without a visible key gives exactly 0. Tested in tests/schedules/AttentionTest.cpp.
#include "schedules/algorithms/attention_inputs.h"
#include "schedules/algorithms/math.h"

#include <cstring>

using namespace Halide;

namespace decant {
namespace {

// All finite, and so are their differences to the exponent of a score up to 2e38: see Halide's float flags.
constexpr float kHidden = -1e36f;     // score of a hidden key: below any real one
constexpr float kNoExponent = -2e36f; // before the first block: below any block's
constexpr float kLog2e = 1.44269504f;

/// Where the block lies in the pools. A Func of its own: the products' addresses stay simple enough to share loads.
Expr poolBlock(AttentionKernel &k, const AttentionInputs &in) {
  return unsafe_promise_clamped(k.place(k.block, k.head, k.tile), 0, in.kpool.dim(3).extent() - 1);
}

/// The bits of `value` where `mask` is -1, all zero where it is 0.
Expr andBits(Expr value, Expr mask) { return reinterpret<float>(reinterpret<int>(value) & mask); }

void defineScores(AttentionKernel &k, const AttentionInputs &in, const AttentionSpec &spec, Func added) {
  Var key = k.key, row = k.row, block = k.block, head = k.head, tile = k.tile, chunk = k.chunk;
  Expr column = chunk * (in.d / k.chunks) + k.d;
  k.place(block, head, tile) = in.table(block, in.sequence(tile));
  k.partial(key, chunk, row, block, head, tile) = 0.0f;
  k.partial(key, chunk, row, block, head, tile) +=
      in.q(head * in.d + column, in.queryRow(tile, row)) *
      in.kpool(key % 16, key / 16 * in.d + column, head / in.group, poolBlock(k, in));
  Expr dot = k.partial(key, 0, row, block, head, tile);
  for (int c = 1; c < k.chunks; ++c)
    dot = strictAdd(dot, k.partial(key, c, row, block, head, tile));
  k.scaled(key, row, block, head, tile) = dot * float(spec.scale);
  Expr score = k.scaled(key, row, block, head, tile);
  if (spec.softcap > 0)
    score = tanhPoly(score * float(1 / spec.softcap)) * float(spec.softcap);
  if (in.hasScore)
    score = score + added(key, row, block, head, tile);
  Expr keep = k.keep(key, row, block, head, tile);
  int hidden = 0;
  std::memcpy(&hidden, &kHidden, sizeof(hidden));
  k.score(key, row, block, head, tile) = reinterpret<float>((reinterpret<int>(score) & keep) | (~keep & hidden));
}

void defineWeights(AttentionKernel &k, const AttentionInputs &in) {
  Var key = k.key, row = k.row, block = k.block, head = k.head, tile = k.tile, lane = k.lane, column = k.column;
  k.laneTop(lane, row, block, head, tile) = kHidden;
  k.laneTop(lane, row, block, head, tile) =
      max(k.laneTop(lane, row, block, head, tile), k.score(k.topKey * 16 + lane, row, block, head, tile));
  std::vector<Expr> tops;
  for (int i = 0; i < 16; ++i)
    tops.push_back(k.laneTop(i, row, block, head, tile));
  for (size_t half = 8; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i)
      tops[i] = max(tops[i], tops[i + half]);
  k.top(row, block, head, tile) = tops[0];
  Expr top = k.top(row, block, head, tile);
  k.exponent(row, block, head, tile) = ceil(top * kLog2e);
  // The difference first: of two huge scores it is exact, of their multiples of log2 e it is not. Bounded, so finite.
  Expr below = max(strict_float(k.score(key, row, block, head, tile) - top), -100.0f);
  Expr power = exp2Poly(below * kLog2e + strict_float(top * kLog2e - k.exponent(row, block, head, tile)));
  k.weight(key, row, block, head, tile) = andBits(power, k.keep(key, row, block, head, tile));
  k.laneSum(lane, row, block, head, tile) = 0.0f;
  k.laneSum(lane, row, block, head, tile) =
      strictAdd(k.laneSum(lane, row, block, head, tile), k.weight(k.sumKey * 16 + lane, row, block, head, tile));

  // Where a row of the tile must not see some key, V passes through that row's mask: 0 * NaN is NaN.
  auto value = [&](Expr at) { return in.vpool(lane, column * in.blockSize + at, head / in.group, poolBlock(k, in)); };
  k.fullKey.where(k.fullKey.y < select(isFull(k, in, block), 1, 0));
  k.weighted(lane, column, row, block, head, tile) = 0.0f;
  k.weighted(lane, column, row, block, head, tile) +=
      k.weight(k.fullKey.x, row, block, head, tile) * value(k.fullKey.x);
  k.partialKey.where(k.partialKey.y < select(isFull(k, in, block), 0, 1));
  k.weighted(lane, column, row, block, head, tile) +=
      k.weight(k.partialKey.x, row, block, head, tile) *
      andBits(value(k.partialKey.x), k.keep(k.partialKey.x, row, block, head, tile));
}

Expr laneTree(const std::vector<Expr> &lanes, size_t first, size_t count) {
  if (count == 1)
    return lanes[first];
  return strictAdd(laneTree(lanes, first, count / 2), laneTree(lanes, first + count / 2, count / 2));
}

/// Merges the blocks: all sums relative to 2^exponent, rescaled by exact powers of two.
void defineMerge(AttentionKernel &k, const AttentionInputs &in) {
  Var row = k.row, head = k.head, tile = k.tile, lane = k.lane, column = k.column;
  std::vector<Expr> start = {kNoExponent, 0.0f};
  start.resize(size_t(2 + k.columns), 0.0f);
  k.running(lane, row, head, tile) = Tuple(start);
  RVar b = k.blocks.x;
  k.blocks.where(b < in.blockCount(tile) && isVisited(k, in, b)); // becomes the loop's bounds
  FuncRef now = k.running(lane, row, head, tile);
  Expr before = now[0], here = k.exponent(row, b, head, tile), most = max(before, here);
  Expr scaleBefore = pow2Int(before - most), scaleHere = pow2Int(here - most);
  std::vector<Expr> next = {most, now[1] * scaleBefore + k.laneSum(lane, row, b, head, tile) * scaleHere};
  for (int c = 0; c < k.columns; ++c)
    next.push_back(now[2 + c] * scaleBefore + k.weighted(lane, c, row, b, head, tile) * scaleHere);
  k.running(lane, row, head, tile) = Tuple(next);

  std::vector<Expr> lanes, columns;
  for (int i = 0; i < 16; ++i)
    lanes.push_back(k.running(i, row, head, tile)[1]);
  for (int c = 0; c < k.columns; ++c)
    columns.push_back(k.running(lane, row, head, tile)[2 + c]);
  Expr total = laneTree(lanes, 0, 16);
  k.inverse(row, head, tile) = 1.0f / select(total > 0.0f, total, 1.0f);
  Expr value = columns.size() == 1 ? columns[0] : mux(column, columns);
  k.result(lane, column, row, head, tile) = value * k.inverse(row, head, tile);
}

} // namespace

AttentionKernel attentionAlgorithm(const AttentionSpec &spec) {
  AttentionInputs in(spec);
  AttentionKernel k;
  k.tileRows = attentionTileRows(spec.rows);
  // Independent sums over d: a single row of few keys has no other chains.
  k.chunks = in.d % 4 == 0 && in.d >= 32 ? std::max(1, 64 / in.blockSize) : 1;
  k.columns = roundUp16(in.d) / 16;
  k.d = RDom(0, in.d / k.chunks, "d");
  k.topKey = RDom(0, in.blockSize / 16, "topKey");
  k.maskKey = RDom(0, in.blockSize, 0, k.tileRows, 0, 1, "maskKey");
  k.sumKey = RDom(0, in.blockSize / 16, "sumKey");
  k.fullKey = RDom(0, in.blockSize, 0, 1, "fullKey");
  k.partialKey = RDom(0, in.blockSize, 0, 1, "partialKey");
  k.blocks = RDom(0, in.table.dim(0).extent(), "blocks");
  k.scatter = RDom(0, in.d, 0, k.tileRows, 0, in.heads, 0, in.tiles.dim(1).extent(), "scatter");

  Func added = defineMask(k, in);
  defineScores(k, in, spec, added);
  defineWeights(k, in);
  defineMerge(k, in);

  Var j("j"), m("m");
  RVar column = k.scatter.x, row = k.scatter.y, head = k.scatter.z, tile = k.scatter.w;
  k.scatter.where(row < in.tiles(2, tile));
  k.out(j, m) = undef<float>();
  Expr target = unsafe_promise_clamped(in.tiles(1, tile) + row, 0, k.out.output_buffer().dim(1).extent() - 1);
  k.out(head * in.d + column, target) = k.result(column % 16, column / 16, row, head, tile);
  k.out.output_buffer().dim(1).set_min(0);

  k.inputs = {in.q, in.kpool, in.vpool, in.table, in.kvLen, in.tiles};
  k.inputs.insert(k.inputs.end(), in.images.begin(), in.images.end());
  k.outputs = {k.out};
  return k;
}

} // namespace decant

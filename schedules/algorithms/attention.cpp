// Scaled dot-product attention over a blocked KV cache, softmax merged online over key blocks (Milakov & Gimelshein
// 2018; Dao et al. 2022). In: query rows in tiles, K blocks (key innermost), V blocks (column innermost), block table,
// lengths, mask and score functions. Out: the rows of each tile. Invariants: sums run in an order fixed by absolute key
// and column numbers, so a row's bits do not depend on its tile; the running maximum is an integer (held as a float:
// scores may be huge), so merging scales exactly; a key that a row must not see reaches none of its bits, NaN or not
// (integer AND, no 0 * NaN); a row without a visible key gives exactly 0. Tested in tests/schedules/AttentionTest.cpp.
#include "schedules/algorithms/algorithms.h"
#include "schedules/algorithms/mask.h"
#include "schedules/algorithms/math.h"

#include <cmath>
#include <stdexcept>

using namespace Halide;

namespace decant {
namespace {

// All finite, and so are their differences to the exponent of a score up to 2e38: see Halide's float flags.
constexpr float kHidden = -1e36f;     // score of a hidden key: below any real one
constexpr float kNoExponent = -2e36f; // before the first block: below any block's
constexpr float kLog2e = 1.44269504f;

/// The bits of `value` where `mask` is -1, all zero where it is 0.
Expr andBits(Expr value, Expr mask) { return reinterpret<float>(reinterpret<int>(value) & mask); }

/// Every input of the kernel and what follows from them for one (tile, block).
struct Inputs {
  ImageParam q{Float(32), 2, "q"}, kpool{Float(32), 4, "kpool"}, vpool{Float(32), 4, "vpool"},
      table{Int(32), 2, "table"}, kvLen{Int(32), 1, "kv_len"}, tiles{Int(32), 2, "tiles"};
  std::vector<MaskParam> params;
  std::vector<ImageParam> images;
  MaskExpr mask, score;
  bool hasScore = false;
  int blockSize = 0, d = 0, group = 1, heads = 0, kvHeads = 0;

  explicit Inputs(const AttentionSpec &spec) {
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

  void constrain() {
    const int wide = roundUp16(d);
    q.dim(0).set_bounds(0, heads * d);
    q.dim(1).set_min(0);
    kpool.dim(0).set_bounds(0, blockSize);
    kpool.dim(1).set_bounds(0, d).set_stride(blockSize);
    kpool.dim(2).set_bounds(0, kvHeads).set_stride(blockSize * d);
    kpool.dim(3).set_min(0).set_stride(blockSize * d * kvHeads);
    vpool.dim(0).set_bounds(0, wide);
    vpool.dim(1).set_bounds(0, blockSize).set_stride(wide);
    vpool.dim(2).set_bounds(0, kvHeads).set_stride(wide * blockSize);
    vpool.dim(3).set_min(0).set_stride(wide * blockSize * kvHeads);
    table.dim(0).set_min(0);
    table.dim(1).set_min(0);
    kvLen.dim(0).set_min(0);
    tiles.dim(0).set_bounds(0, 4);
    tiles.dim(1).set_min(0).set_stride(4);
  }

  // A real clamp: an unsafe promise inside a length keeps Halide from making it a loop's bound.
  Expr sequence(Expr tile) const { return clamp(tiles(0, tile), 0, kvLen.dim(0).extent() - 1); }
  Expr queryRow(Expr tile, Expr row) const {
    return unsafe_promise_clamped(tiles(1, tile) + row, 0, q.dim(1).extent() - 1);
  }
  Expr length(Expr tile) const { return kvLen(sequence(tile)); }
  Expr blockCount(Expr tile) const { return (length(tile) + (blockSize - 1)) / blockSize; }
  /// Keys of this block that exist, at most blockSize.
  Expr present(Expr block, Expr tile) const { return min(length(tile) - block * blockSize, blockSize); }
  Expr poolBlock(Expr block, Expr tile) const {
    return unsafe_promise_clamped(table(block, sequence(tile)), 0, kpool.dim(3).extent() - 1);
  }
};

/// keep, full and the optional added score.
Func defineMask(AttentionKernel &k, const Inputs &in) {
  Var key = k.key, row = k.row, block = k.block, head = k.head, tile = k.tile;
  MaskIndices at{in.sequence(tile), head, in.tiles(3, tile) + row, block * in.blockSize + key};
  Func added("added");
  Expr exists = key < in.present(block, tile);
  Expr visible = Internal::And::make(exists, maskToHalide(in.mask, at, in.params, in.images));
  if (in.hasScore) {
    added(key, row, block, head, tile) = maskToHalide(in.score, at, in.params, in.images);
    // -1e30 and below, -inf too, hides a key: compared as bits, since float arithmetic here may assume no infinity
    Expr bits = reinterpret<uint32_t>(added(key, row, block, head, tile));
    visible = Internal::And::make(visible, bits < Internal::make_const(UInt(32), int64_t(0xf149f2ca)));
  }
  k.masked = in.hasScore || !(in.mask.op == "bool" && in.mask.intValue);
  k.keep(key, row, block, head, tile) = -cast<int>(visible);
  k.full(block, head, tile) = -1;
  RVar fullKey = k.fullKey.x, fullRow = k.fullKey.y;
  Expr irrelevant = Internal::Or::make(fullKey >= in.present(block, tile), fullRow >= in.tiles(2, tile));
  k.full(block, head, tile) =
      max(k.full(block, head, tile), k.keep(fullKey, fullRow, block, head, tile) | -cast<int>(irrelevant));
  return added;
}

void defineScores(AttentionKernel &k, const Inputs &in, double scale, Func added) {
  Var key = k.key, row = k.row, block = k.block, head = k.head, tile = k.tile, chunk = k.chunk;
  Expr column = chunk * (in.d / k.chunks) + k.d;
  k.partial(key, chunk, row, block, head, tile) = 0.0f;
  k.partial(key, chunk, row, block, head, tile) += in.q(head * in.d + column, in.queryRow(tile, row)) *
                                                   in.kpool(key, column, head / in.group, in.poolBlock(block, tile));
  Expr dot = k.partial(key, 0, row, block, head, tile);
  for (int c = 1; c < k.chunks; ++c)
    dot = strictAdd(dot, k.partial(key, c, row, block, head, tile));
  Expr score = dot * float(scale);
  if (in.hasScore)
    score = score + added(key, row, block, head, tile);
  Expr keep = k.keep(key, row, block, head, tile);
  int hidden = 0;
  std::memcpy(&hidden, &kHidden, sizeof(hidden));
  k.score(key, row, block, head, tile) = reinterpret<float>((reinterpret<int>(score) & keep) | (~keep & hidden));
}

void defineWeights(AttentionKernel &k, const Inputs &in) {
  Var key = k.key, row = k.row, block = k.block, head = k.head, tile = k.tile, lane = k.lane, column = k.column;
  k.top(row, block, head, tile) = kHidden;
  k.top(row, block, head, tile) = max(k.top(row, block, head, tile), k.score(k.topKey, row, block, head, tile));
  Expr top = k.top(row, block, head, tile);
  k.exponent(row, block, head, tile) = ceil(top * kLog2e);
  // The difference first: of two huge scores it is exact, of their multiples of log2 e it is not. Bounded, so finite.
  Expr below = max(strict_float(k.score(key, row, block, head, tile) - top), -100.0f);
  Expr power = exp2Poly(below * kLog2e + strict_float(top * kLog2e - k.exponent(row, block, head, tile)));
  k.weight(key, row, block, head, tile) = andBits(power, k.keep(key, row, block, head, tile));
  k.laneSum(lane, row, block, head, tile) = 0.0f;
  k.laneSum(lane, row, block, head, tile) =
      strictAdd(k.laneSum(lane, row, block, head, tile), k.weight(k.sumKey * 16 + lane, row, block, head, tile));

  // Keys that do not exist are not visited. Where some key is hidden from some row, V passes through that row's mask.
  Expr present = in.present(block, tile), full = k.full(block, head, tile);
  auto value = [&](Expr at) { return in.vpool(column * 16 + lane, at, head / in.group, in.poolBlock(block, tile)); };
  auto count = [&](Expr keys) { return clamp(keys, 0, in.blockSize); }; // so that it becomes the loop's bound
  k.fastKey.where(k.fastKey < count(k.masked ? present & full : present));
  k.weighted(lane, column, row, block, head, tile) = 0.0f;
  k.weighted(lane, column, row, block, head, tile) += k.weight(k.fastKey, row, block, head, tile) * value(k.fastKey);
  if (!k.masked)
    return;
  k.maskedKey.where(k.maskedKey < count(present & ~full));
  k.weighted(lane, column, row, block, head, tile) +=
      k.weight(k.maskedKey, row, block, head, tile) *
      andBits(value(k.maskedKey), k.keep(k.maskedKey, row, block, head, tile));
}

Expr laneTree(const std::vector<Expr> &lanes, size_t first, size_t count) {
  if (count == 1)
    return lanes[first];
  return strictAdd(laneTree(lanes, first, count / 2), laneTree(lanes, first + count / 2, count / 2));
}

/// Merges the blocks: all sums relative to 2^exponent, rescaled by exact powers of two.
void defineMerge(AttentionKernel &k, const Inputs &in) {
  Var row = k.row, head = k.head, tile = k.tile, lane = k.lane, column = k.column;
  std::vector<Expr> start = {kNoExponent, 0.0f};
  start.resize(size_t(2 + k.columns), 0.0f);
  k.running(lane, row, head, tile) = Tuple(start);
  RVar b = k.blocks.x;
  k.blocks.where(b < in.blockCount(tile));
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
  Inputs in(spec);
  AttentionKernel k;
  k.tileRows = spec.rows == RowClass::One ? 1 : 8;
  k.chunks = in.d % 4 == 0 && in.d >= 32 ? 4 : 1; // independent sums over d: a single row has few other chains
  k.columns = roundUp16(in.d) / 16;
  k.d = RDom(0, in.d / k.chunks, "d");
  k.topKey = RDom(0, in.blockSize, "topKey");
  k.fullKey = RDom(0, in.blockSize, 0, k.tileRows, "fullKey");
  k.sumKey = RDom(0, in.blockSize / 16, "sumKey");
  k.fastKey = RDom(0, in.blockSize, "fastKey");
  k.maskedKey = RDom(0, in.blockSize, "maskedKey");
  k.blocks = RDom(0, in.table.dim(0).extent(), "blocks");
  k.scatter = RDom(0, in.d, 0, k.tileRows, 0, in.heads, 0, in.tiles.dim(1).extent(), "scatter");

  Func added = defineMask(k, in);
  defineScores(k, in, spec.scale, added);
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

// Schedule of attention: tasks of (tile, head) pairs, a head's tiles one after another, so that its keys and values
// stay near. Every stage of a key block lives in the first-level cache inside the loop over blocks. Scores run with
// lanes over keys, values with lanes over columns; register tiles of 8 sums (v3) or 16 (v4). No condition may name a
// Func that is computed for each block: Halide 21 would then compute every block instead of those to visit.
#include "schedules/cpu/schedules.h"

#include <algorithm>

using namespace Halide;

namespace decant {
namespace {

/// Rows x 16-wide vectors of one register tile.
struct Tile {
  int rows, vectors;
};

Tile ruleTile(int tileRows, int vectors, CpuLevel level, int queryRows) {
  const int sums = level == CpuLevel::V4 ? 16 : 4; // 16-wide sums that fit with operands
  const int rows = std::min(tileRows, queryRows ? queryRows : level == CpuLevel::V4 ? 8 : 4);
  int wide = std::max(1, sums / rows);
  while (vectors % wide != 0)
    --wide;
  return {rows, wide};
}

void schedulePartial(AttentionKernel &k, LoopLevel at, int blockSize, Tile tile) {
  Var inner("inner"), vector("vector"), inRow("inRow");
  k.partial.compute_at(at).bound(k.key, 0, blockSize).bound(k.chunk, 0, k.chunks).bound(k.row, 0, k.tileRows);
  // one row: all chunks at once give the independent sums; several rows: chunk after chunk
  const bool together = k.tileRows == 1;
  auto arrange = [&](Stage stage, bool update) {
    stage.split(k.key, k.key, inner, 16)
        .split(k.key, k.key, vector, tile.vectors)
        .split(k.row, k.row, inRow, tile.rows);
    std::vector<VarOrRVar> order = {inner, vector, inRow};
    if (together)
      order.push_back(k.chunk);
    if (update)
      order.push_back(k.d.x);
    order.push_back(k.row); // a panel of keys serves every row while it is near
    order.push_back(k.key);
    if (!together)
      order.push_back(k.chunk);
    stage.reorder(order).vectorize(inner).unroll(vector).unroll(inRow);
    if (together)
      stage.unroll(k.chunk);
  };
  arrange(k.partial, false);
  arrange(k.partial.update(), true);
}

void scheduleWeighted(AttentionKernel &k, LoopLevel at, Tile tile) {
  Var vector("vector"), inRow("inRow");
  k.weighted.compute_at(at).bound(k.lane, 0, 16).bound(k.column, 0, k.columns).bound(k.row, 0, k.tileRows);
  auto arrange = [&](Stage stage, const RDom *key) {
    stage.split(k.column, k.column, vector, tile.vectors).split(k.row, k.row, inRow, tile.rows);
    std::vector<VarOrRVar> order = {k.lane, vector, inRow};
    if (key)
      order.push_back(key->x);
    order.push_back(k.row);
    order.push_back(k.column);
    if (key)
      order.push_back(key->y);
    stage.reorder(order).vectorize(k.lane).unroll(vector).unroll(inRow);
  };
  arrange(k.weighted, nullptr);
  arrange(k.weighted.update(0), &k.fullKey);
  arrange(k.weighted.update(1), &k.partialKey);
}

void scheduleSoftmax(AttentionKernel &k, LoopLevel at, const AttentionSpec &spec) {
  const int blockSize = int(spec.block);
  const Var key = k.key, row = k.row;
  k.keep.compute_at(at).bound(key, 0, blockSize).bound(row, 0, k.tileRows).vectorize(key, 16);
  k.keep.update().vectorize(k.maskKey.x, 16);
  if (k.dense.defined())
    k.keep.update().specialize(k.dense);
  if (spec.softcap > 0) // else it stays part of score
    k.scaled.compute_at(at).bound(key, 0, blockSize).bound(row, 0, k.tileRows).vectorize(key, 16);
  k.score.compute_at(at).bound(key, 0, blockSize).bound(row, 0, k.tileRows).vectorize(key, 16);
  k.laneTop.compute_at(at).bound(k.lane, 0, 16).bound(row, 0, k.tileRows).vectorize(k.lane);
  k.laneTop.update().reorder(k.lane, k.topKey.x, row).vectorize(k.lane);
  k.top.compute_at(at).bound(row, 0, k.tileRows);
  k.exponent.compute_at(at).bound(row, 0, k.tileRows);
  k.weight.compute_at(at).bound(key, 0, blockSize).bound(row, 0, k.tileRows).vectorize(key, 16);
  k.laneSum.compute_at(at).bound(k.lane, 0, 16).bound(row, 0, k.tileRows).vectorize(k.lane);
  k.laneSum.update().reorder(k.lane, k.sumKey.x, row).vectorize(k.lane);
}

} // namespace

void scheduleAttention(AttentionKernel &k, const AttentionSpec &spec, CpuLevel level, const ScheduleParams &params) {
  const int blockSize = int(spec.block);
  const int grain = params.grain ? params.grain : std::clamp(256 / int(spec.d), 1, 8);
  RVar pair("pair"), task("task"), unit("unit"), inner("inner"), outer("outer");
  Stage write = k.out.update();
  write.allow_race_conditions(); // no two rows share a place
  write.fuse(k.scatter.w, k.scatter.z, pair).split(pair, task, unit, grain, TailStrategy::GuardWithIf);
  if (spec.d % 16 == 0)
    write.split(k.scatter.x, outer, inner, 16)
        .reorder(inner, outer, k.scatter.y, unit, task)
        .vectorize(inner)
        .unroll(outer);
  else
    write.reorder(k.scatter.x, k.scatter.y, unit, task);
  write.parallel(task);

  LoopLevel pairLevel(k.out, unit), blockLevel(k.running, k.blocks.x);
  const Var lane = k.lane, row = k.row, column = k.column;
  k.result.compute_at(pairLevel).bound(lane, 0, 16).bound(column, 0, k.columns).bound(row, 0, k.tileRows);
  k.result.reorder(lane, column, row).vectorize(lane).unroll(column);
  k.inverse.compute_at(pairLevel).bound(row, 0, k.tileRows);
  for (Func *range : {&k.visit, &k.full})
    if (range->defined())
      range->compute_at(pairLevel);
  for (Func &search : k.searches)
    search.compute_at(pairLevel);
  k.running.compute_at(pairLevel).bound(lane, 0, 16).bound(row, 0, k.tileRows).vectorize(lane);
  k.running.update().reorder(lane, row, k.blocks.x).vectorize(lane);

  for (Func *func : {&k.keep, &k.partial, &k.score, &k.weight, &k.weighted})
    func->store_in(MemoryType::Stack); // at most 32 KiB each; a larger one would be allocated anew for every block

  schedulePartial(k, blockLevel, blockSize, ruleTile(k.tileRows, blockSize / 16, level, params.queryRows));
  k.place.compute_at(blockLevel);
  scheduleSoftmax(k, blockLevel, spec);
  scheduleWeighted(k, blockLevel, ruleTile(k.tileRows, k.columns, level, params.queryRows));
}

} // namespace decant

// Schedule of linear: a register tile of rows x panels holds its sums over the whole of k; a task takes a range of
// panels small enough for the second-level cache and runs it over a block of rows. Tile rules: v3 has 16 registers of
// 8 floats: 4 x 16 columns = 8 sums hide the latency of FMA (4 cycles x 2 units) as well as 6 rows do, and pad fewer
// rows; v4 has 32 of 16: 8 x 48 or 6 x 64 = 24 (32 would spill). Figures: tests/bench/RESULTS.md.
#include "schedules/cpu/schedules.h"

#include <algorithm>
#include <stdexcept>

using namespace Halide;

namespace decant {
namespace {

struct Tile {
  int rows, panels;
};

/// The first tile of the list whose panels divide the weight's: no tail over columns.
Tile firstThatDivides(std::initializer_list<Tile> tiles, int panels) {
  return *std::find_if(tiles.begin(), tiles.end(), [&](Tile t) { return panels % t.panels == 0; });
}

Tile ruleTile(RowClass rows, CpuLevel level, int panels) {
  const bool v4 = level == CpuLevel::V4;
  switch (rows) {
  case RowClass::One: // enough independent sums to hide the latency of FMA: 4 cycles x 2 units
    return v4 ? firstThatDivides({{1, 8}, {1, 6}, {1, 7}, {1, 5}, {1, 4}, {1, 3}, {1, 2}, {1, 1}}, panels)
              : firstThatDivides({{1, 4}, {1, 5}, {1, 6}, {1, 3}, {1, 7}, {1, 2}, {1, 1}}, panels);
  case RowClass::Few:
    return v4 ? firstThatDivides({{3, 4}, {4, 3}, {4, 2}, {8, 1}}, panels) : firstThatDivides({{3, 2}, {4, 1}}, panels);
  case RowClass::Many:
    break;
  }
  return v4 ? firstThatDivides({{8, 3}, {6, 4}, {4, 5}, {3, 7}, {8, 2}, {8, 1}}, panels) : Tile{4, 1};
}

/// The largest divisor of n that is at most `limit` (at least 1).
int divisorUpTo(int64_t n, int64_t limit) {
  int best = 1;
  for (int64_t d = 1; d <= std::min(n, limit); ++d)
    if (n % d == 0)
      best = int(d);
  return best;
}

} // namespace

void scheduleLinear(LinearKernel &kernel, const LinearSpec &spec, CpuLevel level, const ScheduleParams &params) {
  const int panels = roundUp16(spec.n) / 16;
  Tile tile = ruleTile(spec.rows, level, panels);
  if (params.rows)
    tile.rows = params.rows;
  if (params.panels)
    tile.panels = params.panels;
  if (panels % tile.panels != 0 || tile.rows > 8)
    throw std::invalid_argument("linear tile of " + std::to_string(tile.rows) + " rows x " +
                                std::to_string(tile.panels) + " panels does not fit a weight of " +
                                std::to_string(panels) + " panels");
  const int64_t panelBytes = spec.k * 16 * 4, weightBytes = panelBytes * panels;
  // many: 192 KiB stays in a second-level cache of 512 KiB while rows pass; one and few read each weight about once
  const int64_t rangeBytes = int64_t(params.rangeKib ? params.rangeKib : 192) * 1024;
  // and at least four ranges, so that a small batch has work for several threads
  const int64_t cached = rangeBytes / (panelBytes * tile.panels), shared = (panels / tile.panels + 3) / 4;
  const int range = divisorUpTo(panels / tile.panels, std::max<int64_t>(1, std::min(cached, shared)));
  // A task of at least 2 million multiply-adds, some 50 microseconds; few rows: only where the weights leave the cache
  const int64_t rowBlock = std::max<int64_t>(1, (2 << 20) / (spec.k * 16 * tile.panels * range * tile.rows));
  const bool parallel = spec.rows == RowClass::Many || weightBytes >= 1 << 20;

  Var group("group"), rangeIdx("range"), inRange("inRange"), inTile("inTile"), column("column"), tileIdx("tile"),
      row("row"), blockIdx("block"), inBlock("inBlock"), task("task");
  kernel.out.split(kernel.j, group, column, 16)
      .split(group, group, inTile, tile.panels)
      .split(group, rangeIdx, inRange, range)
      .split(kernel.m, tileIdx, row, tile.rows, TailStrategy::RoundUp)
      .split(tileIdx, blockIdx, inBlock, int(rowBlock), TailStrategy::GuardWithIf)
      .reorder(column, inTile, row, inRange, inBlock, rangeIdx, blockIdx)
      .vectorize(column)
      .unroll(inTile);
  if (kernel.steps.empty()) // steps work row by row
    kernel.out.unroll(row);
  for (Func &stage : kernel.steps)
    stage.compute_at(kernel.out, row).bound_extent(kernel.j, tile.panels * 16).vectorize(kernel.j, 16);
  kernel.out.fuse(rangeIdx, blockIdx, task);
  if (parallel)
    kernel.out.parallel(task);

  RVar outer("outer"), inner("inner");
  const int unrollK = params.unrollK ? params.unrollK : spec.k % 4 == 0 ? 4 : 1;
  kernel.product.compute_at(kernel.out, inRange)
      .bound_extent(kernel.n, 16)
      .bound_extent(kernel.panel, tile.panels)
      .bound_extent(kernel.m, tile.rows)
      .vectorize(kernel.n)
      .unroll(kernel.panel)
      .unroll(kernel.m);
  kernel.product.update()
      .split(kernel.k.x, outer, inner, unrollK)
      .reorder(kernel.n, kernel.panel, kernel.m, inner, outer)
      .vectorize(kernel.n)
      .unroll(kernel.panel)
      .unroll(kernel.m)
      .unroll(inner);
}

} // namespace decant

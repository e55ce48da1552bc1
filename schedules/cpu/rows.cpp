// Schedules of the kernels that work row by row: all but linear and attention. Many rows: tasks of some 64 Ki
// elements; one and few: a plain loop.
#include "schedules/cpu/schedules.h"

#include <algorithm>

using namespace Halide;

namespace decant {
namespace {

int rowsPerTask(int64_t width) { return int(std::max<int64_t>(8, (64 << 10) / std::max<int64_t>(width, 1))); }

constexpr int kMostStack = 4096; ///< floats of one Func that Halide keeps on the stack: wider ones would be allocated

/// Columns of a block of a row that is too wide: a divisor if there is one, so that no tail is guarded.
int blockOf(int64_t columns) {
  int64_t block = 2048;
  for (int64_t smaller = block; smaller >= 256 && columns % block != 0; smaller -= 16)
    block = columns % smaller == 0 ? smaller : block;
  return int(block);
}

/// 16, where few columns would be left over for a guarded tail.
int lanesFor(int64_t columns) { return columns >= 16 && (columns % 16 == 0 || columns >= 64) ? 16 : 8; }

/// A task is a block of rows. Returns the loop over single rows.
template <class Loops> Var scheduleTasks(Loops &&loops, Var m, int64_t width, RowClass rows) {
  Var task("task"), row("row");
  loops.split(m, task, row, rowsPerTask(width), TailStrategy::GuardWithIf);
  if (rows == RowClass::Many)
    loops.parallel(task);
  return row;
}

/// Lanes over columns. Returns the loop over single rows.
Var scheduleRows(RowKernel &kernel, int64_t width, RowClass rows) {
  Var vector("vector"), lane("lane");
  kernel.out.split(kernel.j, vector, lane, lanesFor(width), TailStrategy::GuardWithIf).vectorize(lane);
  return scheduleTasks(kernel.out, kernel.m, width, rows);
}

/// An update that writes places, no two of which are one: lanes over `column`.
void schedulePlaces(Stage &update, RVar column) {
  RVar vector("vector"), lane("lane");
  const int64_t columns = *Internal::as_const_int(column.extent());
  update.allow_race_conditions()
      .split(column, vector, lane, lanesFor(columns), TailStrategy::GuardWithIf)
      .vectorize(lane);
}

} // namespace

void scheduleNorm(NormKernel &kernel, const NormSpec &spec) {
  Stage out = kernel.out.update();
  schedulePlaces(out, kernel.place.x);
  scheduleTasks(out, kernel.m, spec.n * spec.groups, spec.rows);
  std::vector<Func *> totals = {&kernel.laneSquares};
  if (!spec.rms) {
    totals.push_back(&kernel.laneTotal);
    kernel.mean.compute_at(kernel.out, kernel.place.y);
  }
  kernel.scale.compute_at(kernel.out, kernel.place.y);
  for (Func *total : totals) {
    Func &stage = *total;
    stage.compute_at(kernel.out, kernel.place.y)
        .bound(kernel.lane, 0, kernel.lanes)
        .vectorize(kernel.lane, 16)
        .unroll(kernel.lane);
    stage.update(0).reorder(kernel.lane, kernel.whole.x).vectorize(kernel.lane, 16).unroll(kernel.lane);
    if (kernel.hasRest)
      stage.update(1).unscheduled();
  }
}

void scheduleEmbed(RowKernel &kernel, const EmbedSpec &spec) { scheduleRows(kernel, spec.n, spec.rows); }

void scheduleElementwise(RowKernel &kernel, const ElementwiseSpec &spec) {
  if (kernel.steps.empty() || spec.n <= kMostStack) {
    Var row = scheduleRows(kernel, spec.n, spec.rows);
    for (Func &step : kernel.steps)
      step.compute_at(kernel.out, row).vectorize(kernel.j, 8, TailStrategy::GuardWithIf);
    return;
  }
  Var block("block"), inBlock("inBlock"), vector("vector"), lane("lane");
  kernel.out.split(kernel.j, block, inBlock, blockOf(spec.n), TailStrategy::GuardWithIf)
      .split(inBlock, vector, lane, 16)
      .vectorize(lane);
  scheduleTasks(kernel.out, kernel.m, spec.n, spec.rows);
  for (Func &step : kernel.steps)
    step.compute_at(kernel.out, block).vectorize(kernel.j, 8, TailStrategy::GuardWithIf);
}

void schedulePlaced(PlacedKernel &kernel, int64_t width, RowClass rows) {
  Stage out = kernel.out.update();
  schedulePlaces(out, kernel.place.y);
  out.unroll(kernel.place.x); // innermost: parts share what they load
  scheduleTasks(out, kernel.m, width, rows);
  if (!kernel.rest.defined())
    return;
  Stage rest = kernel.out.update(1);
  schedulePlaces(rest, kernel.rest.x);
  scheduleTasks(rest, kernel.m, width, rows);
}

void scheduleKvAppend(KvAppendKernel &kernel, const KvAppendSpec &spec) {
  RVar column = kernel.place.x, head = kernel.place.y, row = kernel.place.z;
  kernel.keys.update().allow_race_conditions().reorder(column, head, row); // no two rows share a place
  Stage values = kernel.values.update();
  values.allow_race_conditions().reorder(column, head, row);
  if (spec.d % 8 == 0)
    values.vectorize(column, 8);
}

} // namespace decant

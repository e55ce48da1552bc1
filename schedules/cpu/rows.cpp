// Schedules of the kernels that work row by row: all but linear and attention. Many rows: tasks of some 64 Ki
// elements; one and few: a plain loop.
#include "schedules/cpu/schedules.h"

#include <algorithm>

using namespace Halide;

namespace decant {
namespace {

int rowsPerTask(int64_t width) { return int(std::max<int64_t>(8, (64 << 10) / std::max<int64_t>(width, 1))); }

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

/// Lanes over columns. Returns the loop over vectors and that over single rows.
std::pair<Var, Var> scheduleRows(RowKernel &kernel, int64_t width, RowClass rows) {
  Var vector("vector"), lane("lane");
  kernel.out.split(kernel.j, vector, lane, lanesFor(width), TailStrategy::GuardWithIf).vectorize(lane);
  return {vector, scheduleTasks(kernel.out, kernel.m, width, rows)};
}

/// Lanes over the columns of each part; no two places are one.
RVar schedulePlaces(Stage &update, RVar column, int64_t columns) {
  RVar vector("vector"), lane("lane");
  update.allow_race_conditions()
      .split(column, vector, lane, lanesFor(columns), TailStrategy::GuardWithIf)
      .vectorize(lane);
  return vector;
}

} // namespace

void scheduleNorm(NormKernel &kernel, const NormSpec &spec) {
  Stage out = kernel.out.update();
  schedulePlaces(out, kernel.place.x, spec.n);
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
  auto [vector, row] = scheduleRows(kernel, spec.n, spec.rows);
  for (Func &stage : kernel.steps)
    stage.compute_at(kernel.out, vector).vectorize(kernel.j, lanesFor(spec.n), TailStrategy::GuardWithIf);
}

void schedulePlaced(PlacedKernel &kernel, int64_t columns, int64_t width, RowClass rows) {
  RVar column = kernel.place.x, part = kernel.place.y, head = kernel.place.z;
  Stage out = kernel.out.update();
  RVar vector = schedulePlaces(out, column, columns);
  out.unroll(part);
  scheduleTasks(out, kernel.m, width, rows);
  (void)vector, (void)head;
  if (!kernel.rest.defined())
    return;
  Stage rest = kernel.out.update(1);
  schedulePlaces(rest, kernel.rest.x, width);
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

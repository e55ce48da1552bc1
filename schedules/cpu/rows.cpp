// Schedules of the kernels that work row by row: norm, embed, elementwise, kv_append. Many rows: tasks of some 64 Ki
// elements; one and few: a plain loop.
#include "schedules/cpu/schedules.h"

#include <algorithm>

using namespace Halide;

namespace decant {
namespace {

int rowsPerTask(int64_t width) { return int(std::max<int64_t>(8, (64 << 10) / std::max<int64_t>(width, 1))); }

/// Lanes over columns; a task is a block of rows. Returns the loop over single rows.
Var scheduleRows(Func &out, Var j, Var m, int64_t width, RowClass rows) {
  Var task("task"), row("row");
  const int lanes = width >= 16 ? 16 : 8;
  out.vectorize(j, lanes, TailStrategy::GuardWithIf);
  out.split(m, task, row, rowsPerTask(width), TailStrategy::GuardWithIf);
  if (rows == RowClass::Many)
    out.parallel(task);
  return row;
}

} // namespace

void scheduleNorm(NormKernel &kernel, const NormSpec &spec) {
  Var row = scheduleRows(kernel.out, kernel.j, kernel.m, spec.n, spec.rows);
  kernel.mean.compute_at(kernel.out, row);
  kernel.scale.compute_at(kernel.out, row);
  for (Func *total : {&kernel.laneTotal, &kernel.laneSquares}) {
    Func &stage = *total;
    stage.compute_at(kernel.out, row)
        .bound(kernel.lane, 0, kernel.lanes)
        .vectorize(kernel.lane, 16)
        .unroll(kernel.lane);
    stage.update(0).reorder(kernel.lane, kernel.whole.x).vectorize(kernel.lane, 16).unroll(kernel.lane);
    if (kernel.hasRest)
      stage.update(1).unscheduled();
  }
}

void scheduleEmbed(RowKernel &kernel, const EmbedSpec &spec) {
  scheduleRows(kernel.out, kernel.j, kernel.m, spec.n, spec.rows);
}

void scheduleElementwise(RowKernel &kernel, const ElementwiseSpec &spec) {
  Var row = scheduleRows(kernel.out, kernel.j, kernel.m, spec.n, spec.rows);
  for (Func &stage : kernel.activation)
    stage.compute_at(kernel.out, row).vectorize(kernel.j, 8, TailStrategy::GuardWithIf);
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

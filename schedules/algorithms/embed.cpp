// Embedding: out[m] = table[ids[m]] * scale (+ positions[position[m] + offset]). In: ids and positions that the
// runtime has checked against the tables. Tested in tests/schedules/RowTest.cpp.
#include "schedules/algorithms/algorithms.h"

using namespace Halide;

namespace decant {

RowKernel embedAlgorithm(const EmbedSpec &spec) {
  ImageParam ids(Int(32), 1, "ids"), table(Float(32), 2, "table"), position(Int(32), 1, "position"),
      positions(Float(32), 2, "positions");
  ids.dim(0).set_min(0);
  position.dim(0).set_min(0);
  for (ImageParam *wide : {&table, &positions}) {
    wide->dim(0).set_bounds(0, int(spec.n));
    wide->dim(1).set_min(0);
  }

  RowKernel kernel;
  Var j = kernel.j, m = kernel.m;
  Expr value = table(j, unsafe_promise_clamped(ids(m), 0, table.dim(1).extent() - 1));
  if (spec.scale != 1)
    value = value * float(spec.scale);
  if (spec.positions) {
    Expr at = position(m) + int(spec.offset);
    value = value + positions(j, unsafe_promise_clamped(at, 0, positions.dim(1).extent() - 1));
  }
  kernel.out(j, m) = strict_float(value);
  kernel.out.bound(j, 0, int(spec.n));
  kernel.out.output_buffer().dim(1).set_min(0);

  kernel.inputs = {ids, table};
  if (spec.positions) {
    kernel.inputs.push_back(position);
    kernel.inputs.push_back(positions);
  }
  kernel.outputs = {kernel.out};
  return kernel;
}

} // namespace decant

// out = act(x) (* gate) (+ residual), row by row. Tested in tests/schedules/RowTest.cpp.
#include "schedules/algorithms/algorithms.h"
#include "schedules/algorithms/math.h"

using namespace Halide;

namespace decant {

RowKernel elementwiseAlgorithm(const ElementwiseSpec &spec) {
  ImageParam x(Float(32), 2, "x"), gate(Float(32), 2, "gate"), residual(Float(32), 2, "residual");
  for (ImageParam *input : {&x, &gate, &residual}) {
    input->dim(0).set_bounds(0, int(spec.n));
    input->dim(1).set_min(0);
  }
  RowKernel kernel;
  Var j = kernel.j, m = kernel.m;
  Expr value = activate(spec.act, x(j, m), {j, m}, kernel.steps);
  if (spec.gate)
    value = value * gate(j, m);
  kernel.out(j, m) = spec.residual ? strictAdd(value, residual(j, m)) : value;
  kernel.out.bound(j, 0, int(spec.n));
  kernel.out.output_buffer().dim(1).set_min(0);

  kernel.inputs = {x};
  if (spec.gate)
    kernel.inputs.push_back(gate);
  if (spec.residual)
    kernel.inputs.push_back(residual);
  kernel.outputs = {kernel.out};
  return kernel;
}

} // namespace decant

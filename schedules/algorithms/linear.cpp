// Linear layer on packed weights: out[m, j] = cap(act(scale sum_k x[m, k] w[j, k] + bias[j])) + residual[m, j].
// In: rows of x, w as 16-column panels (1, 16, k, panels). Invariant: each output adds over k in ascending order, with
// fused multiply-add, whatever the tile: a row's bits depend on that row alone. Tested in
// tests/schedules/LinearTest.cpp.
#include "schedules/algorithms/algorithms.h"
#include "schedules/algorithms/math.h"

using namespace Halide;

namespace decant {

LinearKernel linearAlgorithm(const LinearSpec &spec) {
  const int k = int(spec.k), width = roundUp16(spec.n), panels = width / 16;
  ImageParam x(Float(32), 2, "x"), index(Int(32), 1, "index"), w(Float(32), 4, "w"), bias(Float(32), 1, "bias"),
      residual(Float(32), 2, "residual");
  x.dim(0).set_bounds(0, k);
  x.dim(1).set_min(0);
  index.dim(0).set_min(0);
  w.dim(0).set_bounds(0, 1);
  w.dim(1).set_bounds(0, 16).set_stride(1);
  w.dim(2).set_bounds(0, k).set_stride(16);
  w.dim(3).set_bounds(0, panels).set_stride(16 * k);
  bias.dim(0).set_bounds(0, width);
  residual.dim(0).set_bounds(0, width);
  residual.dim(1).set_min(0);

  LinearKernel kernel;
  Var j = kernel.j, m = kernel.m, n = kernel.n, panel = kernel.panel;
  kernel.k = RDom(0, k, "k");
  Expr row = spec.gather ? unsafe_promise_clamped(index(m), 0, x.dim(1).extent() - 1) : Expr(m);
  kernel.product(n, panel, m) = 0.0f;
  kernel.product(n, panel, m) += x(kernel.k, row) * w(0, n, kernel.k, panel);

  Expr value = kernel.product(j % 16, j / 16, m);
  if (spec.scale != 1)
    value = value * float(spec.scale);
  value = activate(spec.act, spec.bias ? strictAdd(value, bias(j)) : value, {j, m}, kernel.steps);
  if (spec.softcap > 0)
    value = softcap(spec.softcap, value, {j, m}, kernel.steps);
  kernel.out(j, m) = spec.residual ? strictAdd(value, residual(j, m)) : value;
  kernel.out.bound(j, 0, width);
  kernel.out.output_buffer().dim(1).set_min(0);

  kernel.inputs = {x};
  if (spec.gather)
    kernel.inputs.push_back(index);
  kernel.inputs.push_back(w);
  if (spec.bias)
    kernel.inputs.push_back(bias);
  if (spec.residual)
    kernel.inputs.push_back(residual);
  kernel.outputs = {kernel.out};
  return kernel;
}

} // namespace decant

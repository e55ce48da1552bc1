// Norms of each group of columns: (x - mean) / sqrt(variance + eps) * weight + bias, the variance from centred values
// (two passes); rms: x / sqrt(mean of x^2 + eps) * weight. Invariant: the sums run over 16 (n >= 256: 64) lanes by
// column number, then over the lanes in a fixed tree, so that the bits do not depend on the schedule. Tested in
// tests/schedules/NormTest.cpp.
#include "schedules/algorithms/algorithms.h"
#include "schedules/algorithms/math.h"

using namespace Halide;

namespace decant {
namespace {

Expr laneTree(Func lanes, Var group, Var m, int first, int count) {
  if (count == 1)
    return lanes(first, group, m);
  return strictAdd(laneTree(lanes, group, m, first, count / 2),
                   laneTree(lanes, group, m, first + count / 2, count / 2));
}

} // namespace

NormKernel normAlgorithm(const NormSpec &spec) {
  const int n = int(spec.n), groups = int(spec.groups);
  ImageParam x(Float(32), 2, "x"), weight(Float(32), 1, "weight"), bias(Float(32), 1, "bias");
  x.dim(0).set_bounds(0, n * groups);
  x.dim(1).set_min(0);
  weight.dim(0).set_bounds(0, n);
  bias.dim(0).set_bounds(0, n);

  NormKernel kernel;
  Var m = kernel.m, lane = kernel.lane, group = kernel.group;
  const int lanes = kernel.lanes = n >= 256 ? 64 : 16, chunks = n / lanes, behind = n % lanes;
  kernel.hasRest = behind > 0;
  kernel.whole = RDom(0, chunks, "whole");
  kernel.rest = RDom(0, std::max(behind, 1), "rest");
  kernel.place = RDom(0, n, 0, groups, "place");
  RVar c = kernel.whole.x, r = kernel.rest.x;
  auto sum = [&](Func &total, auto &&term) {
    total(lane, group, m) = 0.0f;
    total(lane, group, m) = strictAdd(total(lane, group, m), term(lanes * c + lane));
    if (kernel.hasRest)
      total(r, group, m) = strictAdd(total(r, group, m), term(lanes * chunks + r));
  };
  auto centred = [&](Expr column, Expr part) -> Expr {
    Expr value = x(part * n + column, m);
    return spec.rms ? value : value - kernel.mean(part, m);
  };
  auto square = [&](Expr column) { return centred(column, group) * centred(column, group); };
  if (!spec.rms) {
    sum(kernel.laneTotal, [&](Expr column) -> Expr { return x(group * n + column, m); });
    kernel.mean(group, m) = laneTree(kernel.laneTotal, group, m, 0, lanes) * float(1.0 / n);
  }
  sum(kernel.laneSquares, square);
  kernel.scale(group, m) =
      1.0f / sqrt(laneTree(kernel.laneSquares, group, m, 0, lanes) * float(1.0 / n) + float(spec.eps));
  RVar column = kernel.place.x, part = kernel.place.y;
  Expr factor = spec.plus_one ? weight(column) + 1.0f : Expr(weight(column));
  Expr value = centred(column, part) * kernel.scale(part, m) * factor;
  kernel.out(kernel.j, m) = undef<float>();
  kernel.out(part * n + column, m) = strict_float(spec.bias ? value + bias(column) : value);
  kernel.out.output_buffer().dim(0).set_min(0);
  kernel.out.output_buffer().dim(1).set_min(0);

  kernel.inputs = {x, weight};
  if (spec.bias)
    kernel.inputs.push_back(bias);
  kernel.outputs = {kernel.out};
  return kernel;
}

} // namespace decant

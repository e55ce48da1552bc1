// Layer norm of each row: (x - mean) / sqrt(variance + eps) * weight + bias, the variance from centred values (two
// passes). Invariant: both sums run over 16 (n >= 256: 64) lanes by column number, then over the lanes in a fixed tree,
// so that the bits do not depend on the schedule. Tested in tests/schedules/RowTest.cpp.
#include "schedules/algorithms/algorithms.h"
#include "schedules/algorithms/math.h"

using namespace Halide;

namespace decant {
namespace {

Expr laneTree(Func lanes, Var m, int first, int count) {
  if (count == 1)
    return lanes(first, m);
  return strictAdd(laneTree(lanes, m, first, count / 2), laneTree(lanes, m, first + count / 2, count / 2));
}

} // namespace

NormKernel normAlgorithm(const NormSpec &spec) {
  const int n = int(spec.n);
  ImageParam x(Float(32), 2, "x"), weight(Float(32), 1, "weight"), bias(Float(32), 1, "bias");
  x.dim(0).set_bounds(0, n);
  x.dim(1).set_min(0);
  weight.dim(0).set_bounds(0, n);
  bias.dim(0).set_bounds(0, n);

  NormKernel kernel;
  Var j = kernel.j, m = kernel.m, lane = kernel.lane;
  const int lanes = kernel.lanes = n >= 256 ? 64 : 16, chunks = n / lanes, behind = n % lanes;
  kernel.hasRest = behind > 0;
  kernel.whole = RDom(0, chunks, "whole");
  kernel.rest = RDom(0, std::max(behind, 1), "rest");
  RVar c = kernel.whole.x, r = kernel.rest.x;
  auto sum = [&](Func &total, auto &&term) {
    total(lane, m) = 0.0f;
    total(lane, m) = strictAdd(total(lane, m), term(lanes * c + lane));
    if (kernel.hasRest)
      total(r, m) = strictAdd(total(r, m), term(lanes * chunks + r));
  };
  auto square = [&](Expr column) {
    Expr centred = x(column, m) - kernel.mean(m);
    return centred * centred;
  };
  sum(kernel.laneTotal, [&](Expr column) -> Expr { return x(column, m); });
  kernel.mean(m) = laneTree(kernel.laneTotal, m, 0, lanes) * float(1.0 / n);
  sum(kernel.laneSquares, square);
  kernel.scale(m) = 1.0f / sqrt(laneTree(kernel.laneSquares, m, 0, lanes) * float(1.0 / n) + float(spec.eps));
  Expr value = (x(j, m) - kernel.mean(m)) * kernel.scale(m) * weight(j);
  kernel.out(j, m) = strict_float(spec.bias ? value + bias(j) : value);
  kernel.out.bound(j, 0, n);
  kernel.out.output_buffer().dim(1).set_min(0);

  kernel.inputs = {x, weight};
  if (spec.bias)
    kernel.inputs.push_back(bias);
  kernel.outputs = {kernel.out};
  return kernel;
}

} // namespace decant

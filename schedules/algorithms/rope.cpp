// Rotary positions: each pair (x1, x2) = (x[j], x[j + n]) of a head becomes (x1 cos - x2 sin, x2 cos + x1 sin) of angle
// j; columns from 2 n on are copied. In: rows of heads * d, and per row n sines, n cosines. Tested in
// tests/schedules/AngleTest.cpp.
#include "schedules/algorithms/algorithms.h"

using namespace Halide;

namespace decant {

PlacedKernel ropeAlgorithm(const RopeSpec &spec) {
  const int n = int(spec.n), d = int(spec.d), heads = int(spec.heads);
  ImageParam x(Float(32), 2, "x"), angles(Float(32), 2, "angles");
  x.dim(0).set_bounds(0, heads * d);
  angles.dim(0).set_bounds(0, 2 * n);
  x.dim(1).set_min(0);
  angles.dim(1).set_min(0);

  PlacedKernel kernel;
  Var j = kernel.j, m = kernel.m;
  kernel.place = RDom(0, 2, 0, n, 0, heads, "place");
  RVar half = kernel.place.x, column = kernel.place.y, head = kernel.place.z;
  Expr first = x(head * d + column, m), second = x(head * d + n + column, m);
  Expr sine = angles(column, m), cosine = angles(n + column, m);
  kernel.out(j, m) = undef<float>();
  kernel.out(head * d + half * n + column, m) =
      strict_float(select(half == 0, first * cosine - second * sine, second * cosine + first * sine));
  if (2 * n < d) {
    kernel.rest = RDom(2 * n, d - 2 * n, 0, heads, "rest");
    Expr at = kernel.rest.y * d + kernel.rest.x;
    kernel.out(at, m) = x(at, m);
  }
  kernel.finish({x, angles});
  return kernel;
}

} // namespace decant

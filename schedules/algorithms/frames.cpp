// Neighbourhoods of rows: out[r, c * t + i] = x_i[r + shift_i, c], or 0 where row r + shift_i is not the neighbour of r
// in its sequence: outside of the rows, or at another position. In: positions, t inputs of n columns. What lies in a
// row that is not taken never counts, NaN or not. Tested in tests/schedules/RowTest.cpp.
#include "schedules/algorithms/algorithms.h"

using namespace Halide;

namespace decant {

PlacedKernel framesAlgorithm(const FramesSpec &spec, const std::vector<int> &shifts) {
  const int n = int(spec.n), t = int(shifts.size());
  ImageParam position(Int(32), 1, "position");
  position.dim(0).set_min(0);

  PlacedKernel kernel;
  Var j = kernel.j, m = kernel.m;
  kernel.place = RDom(0, t, 0, n, 0, 1, "place");
  RVar tap = kernel.place.x, column = kernel.place.y;
  std::vector<Argument> inputs = {position};
  std::vector<Expr> taps;
  for (int i = 0; i < t; ++i) {
    ImageParam x(Float(32), 2, "x" + std::to_string(i));
    x.dim(0).set_bounds(0, n);
    x.dim(1).set_min(0);
    inputs.push_back(x);
    if (shifts[size_t(i)] == 0) {
      taps.push_back(x(column, m));
      continue;
    }
    Expr row = clamp(m + shifts[size_t(i)], 0, position.dim(0).extent() - 1);
    taps.push_back(select(position(row) - position(m) == shifts[size_t(i)], x(column, row), 0.0f));
  }
  kernel.out(j, m) = undef<float>();
  kernel.out(column * t + tap, m) = t == 1 ? taps[0] : mux(tap, taps);
  kernel.finish(inputs);
  return kernel;
}

} // namespace decant

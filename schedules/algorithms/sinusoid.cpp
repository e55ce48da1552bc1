// Sines and cosines of positions: out[r] = factor * (sin(a_0), .., cos(a_0), ..), a_j = (position[r] + offset) *
// freqs[j], rounded to f32 as Hugging Face's tables do. In: positions and one frequency an angle. Invariant: |error| <
// 2e-7 for |a| up to 2^24: quadrants are cut off in f64. Tested in tests/schedules/AngleTest.cpp.
#include "schedules/algorithms/algorithms.h"
#include "schedules/algorithms/math.h"

using namespace Halide;

namespace decant {

PlacedKernel sinusoidAlgorithm(const SinusoidSpec &spec) {
  const int n = int(spec.n);
  ImageParam position(Int(32), 1, "position"), freqs(Float(32), 1, "freqs");
  position.dim(0).set_min(0);
  freqs.dim(0).set_bounds(0, n);

  PlacedKernel kernel;
  Var j = kernel.j, m = kernel.m;
  kernel.place = RDom(0, 2, 0, n, 0, 1, "place");
  RVar half = kernel.place.x, column = kernel.place.y;
  Expr angle = cast<float>(position(m) + int(spec.offset)) * freqs(column);
  kernel.out(j, m) = undef<float>();
  kernel.out(half * n + column, m) = strict_float(sineOfQuarter(angle, half) * float(spec.factor));
  kernel.finish({position, freqs});
  return kernel;
}

} // namespace decant

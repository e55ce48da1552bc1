// Writes each row's K and V into its block of the cache: panels of 16 tokens for K, of 16 columns for V.
// In: rows of k and v and, per row, block and token (checked by the runtime; no two rows share a place). Every other
// element of the pools is left as it is. Tested in tests/schedules/RowTest.cpp.
#include "schedules/algorithms/algorithms.h"

using namespace Halide;

namespace decant {

KvAppendKernel kvAppendAlgorithm(const KvAppendSpec &spec) {
  const int d = int(spec.d), heads = int(spec.heads), block = int(spec.block), wide = roundUp16(spec.d);
  ImageParam k(Float(32), 2, "k"), v(Float(32), 2, "v"), rowBlock(Int(32), 1, "row_block"),
      rowToken(Int(32), 1, "row_token");
  for (ImageParam *input : {&k, &v}) {
    input->dim(0).set_bounds(0, d * heads);
    input->dim(1).set_min(0);
  }
  rowBlock.dim(0).set_min(0);
  rowToken.dim(0).set_min(0);

  KvAppendKernel kernel;
  Var x("x"), y("y"), z("z"), w("w");
  kernel.place = RDom(0, d, 0, heads, 0, k.dim(1).extent(), "place");
  RVar column = kernel.place.x, head = kernel.place.y, row = kernel.place.z;
  kernel.keys(x, y, z, w) = undef<float>();
  kernel.values(x, y, z, w) = undef<float>();
  OutputImageParam keyPool = kernel.keys.output_buffer(), valuePool = kernel.values.output_buffer();
  auto place = [&](const OutputImageParam &pool) {
    return unsafe_promise_clamped(rowBlock(row), 0, pool.dim(3).extent() - 1);
  };
  Expr token = unsafe_promise_clamped(rowToken(row), 0, block - 1);
  constrainPool(keyPool, block / 16 * d, heads);
  constrainPool(valuePool, wide / 16 * block, heads);
  kernel.keys(token % 16, token / 16 * d + column, head, place(keyPool)) = k(head * d + column, row);
  kernel.values(column % 16, column / 16 * block + token, head, place(valuePool)) = v(head * d + column, row);

  kernel.inputs = {k, v, rowBlock, rowToken};
  kernel.outputs = {kernel.keys, kernel.values};
  return kernel;
}

} // namespace decant

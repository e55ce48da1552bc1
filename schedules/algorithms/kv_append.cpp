// Writes each row's K and V into its block of the cache: K with the token innermost, V with the column innermost.
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
  keyPool.dim(0).set_bounds(0, block);
  keyPool.dim(1).set_bounds(0, d).set_stride(block);
  keyPool.dim(2).set_bounds(0, heads).set_stride(block * d);
  keyPool.dim(3).set_min(0).set_stride(block * d * heads);
  valuePool.dim(0).set_bounds(0, wide);
  valuePool.dim(1).set_bounds(0, block).set_stride(wide);
  valuePool.dim(2).set_bounds(0, heads).set_stride(wide * block);
  valuePool.dim(3).set_min(0).set_stride(wide * block * heads);
  kernel.keys(token, column, head, place(keyPool)) = k(head * d + column, row);
  kernel.values(column, token, head, place(valuePool)) = v(head * d + column, row);

  kernel.inputs = {k, v, rowBlock, rowToken};
  kernel.outputs = {kernel.keys, kernel.values};
  return kernel;
}

} // namespace decant

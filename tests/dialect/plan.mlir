// Round trip of the plan ops.
// RUN: decant-opt %s | decant-opt | FileCheck %s

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 64>] panel16 : tensor<64x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  // CHECK: plan.entry @decode attributes {out_row_bytes = 0 : i64, row_bytes = 256 : i64} {
  plan.entry @decode attributes {row_bytes = 256 : i64, out_row_bytes = 0 : i64} {
    // CHECK: plan.input "features" : memref<?x32xf32, strided<[32, 1]>>
    %x = plan.input "features" : memref<?x32xf32, strided<[32, 1]>>
    // CHECK: plan.input "self_block" : memref<?xi32>
    %block = plan.input "self_block" : memref<?xi32>
    %token = plan.input "self_token" : memref<?xi32>
    // CHECK: plan.param "keep" neutral 1.000000e+00 : memref<?x?x?x?xi8, strided<[?, ?, ?, ?]>>
    %keep = plan.param "keep" neutral 1.0 : memref<?x?x?x?xi8, strided<[?, ?, ?, ?]>>
    // CHECK: plan.weight @w : memref<4x32x16x1xf32>
    %w = plan.weight @w : memref<4x32x16x1xf32>
    // CHECK: plan.pool keys @c : memref<?x2x16x16xf32>
    %kpool = plan.pool keys @c : memref<?x2x16x16xf32>
    // CHECK: plan.pool values @c : memref<?x2x16x16xf32>
    %vpool = plan.pool values @c : memref<?x2x16x16xf32>
    // CHECK: plan.alloc rows {offset = 0 : i64} : memref<?x64xf32, strided<[64, 1]>>
    %kv = plan.alloc rows {offset = 0 : i64} : memref<?x64xf32, strided<[64, 1]>>
    // CHECK: plan.call "project" "linear k=32 n=64 bias=0 act=none residual=0 gather=0 scale=1 softcap=0" rows ins({{.*}}) outs({{.*}}) {kernel = 0 : i64}
    plan.call "project" "linear k=32 n=64 bias=0 act=none residual=0 gather=0 scale=1 softcap=0" rows
      ins(%x, %w : memref<?x32xf32, strided<[32, 1]>>, memref<4x32x16x1xf32>) outs(%kv : memref<?x64xf32, strided<[64, 1]>>) {kernel = 0 : i64}
    %k = plan.view %kv[0] : memref<?x64xf32, strided<[64, 1]>> -> memref<?x32xf32, strided<[64, 1]>>
    // CHECK: plan.view %{{.*}}[32] : memref<?x64xf32, strided<[64, 1]>> -> memref<?x32xf32, strided<[64, 1], offset: 32>>
    %v = plan.view %kv[32] : memref<?x64xf32, strided<[64, 1]>> -> memref<?x32xf32, strided<[64, 1], offset: 32>>
    plan.call "append" "kv_append heads=2 d=16 block=16" rows
      ins(%k, %v, %block, %token : memref<?x32xf32, strided<[64, 1]>>, memref<?x32xf32, strided<[64, 1], offset: 32>>, memref<?xi32>, memref<?xi32>)
      outs(%kpool, %vpool : memref<?x2x16x16xf32>, memref<?x2x16x16xf32>)
    // CHECK: plan.return output %{{.*}} : memref<?x32xf32, strided<[32, 1]>>
    plan.return output %x : memref<?x32xf32, strided<[32, 1]>>
  }
}

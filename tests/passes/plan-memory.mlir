// Buffers alive at once get distinct bytes, dead ones are used again. Sizes are bytes a row.
// RUN: decant-opt %s --dec-plan-memory | FileCheck %s

dec.model @toy attributes {kind = "encoder_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  // A call's output never lies on its input; the third buffer takes the place of the first, dead by then.
  // CHECK: plan.entry @encode attributes {out_row_bytes = 0 : i64, row_bytes = 256 : i64}
  plan.entry @encode {
    %x = plan.input "features" : memref<?x32xf32, strided<[32, 1]>>
    // CHECK: plan.alloc rows {offset = 0 : i64}
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    plan.call "a" "elementwise n=32 act=relu gate=0 residual=0" rows ins(%x : memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    // CHECK: plan.alloc rows {offset = 128 : i64}
    %b = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    plan.call "b" "elementwise n=32 act=relu gate=0 residual=0" rows ins(%a : memref<?x32xf32, strided<[32, 1]>>) outs(%b : memref<?x32xf32, strided<[32, 1]>>)
    // CHECK: plan.alloc rows {offset = 0 : i64}
    %c = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    plan.call "c" "elementwise n=32 act=relu gate=0 residual=0" rows ins(%b : memref<?x32xf32, strided<[32, 1]>>) outs(%c : memref<?x32xf32, strided<[32, 1]>>)
    plan.return output %c : memref<?x32xf32, strided<[32, 1]>>
  }
  // A use of a view is a use of the buffer: %a lives to the last call, so nothing lies on it. Regions are apart.
  // CHECK: plan.entry @decode attributes {out_row_bytes = 128 : i64, row_bytes = 512 : i64}
  plan.entry @decode {
    %x = plan.input "features" : memref<?x32xf32, strided<[32, 1]>>
    %rows = plan.input "out_rows" : memref<?xi32>
    %w = plan.weight @w : memref<2x32x16x1xf32>
    // CHECK: plan.alloc rows {offset = 0 : i64} : memref<?x64xf32, strided<[64, 1]>>
    %a = plan.alloc rows : memref<?x64xf32, strided<[64, 1]>>
    %v = plan.view %a[32] : memref<?x64xf32, strided<[64, 1]>> -> memref<?x32xf32, strided<[64, 1], offset: 32>>
    plan.call "v" "elementwise n=32 act=relu gate=0 residual=0" rows ins(%x : memref<?x32xf32, strided<[32, 1]>>) outs(%v : memref<?x32xf32, strided<[64, 1], offset: 32>>)
    // CHECK: plan.alloc rows {offset = 256 : i64}
    %b = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    plan.call "b" "elementwise n=32 act=relu gate=0 residual=0" rows ins(%x : memref<?x32xf32, strided<[32, 1]>>) outs(%b : memref<?x32xf32, strided<[32, 1]>>)
    // CHECK: plan.alloc rows {offset = 384 : i64}
    %c = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    plan.call "c" "elementwise n=32 act=relu gate=0 residual=0" rows ins(%b : memref<?x32xf32, strided<[32, 1]>>) outs(%c : memref<?x32xf32, strided<[32, 1]>>)
    // CHECK: plan.alloc rows {offset = 256 : i64}
    %d = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    plan.call "d" "elementwise n=32 act=relu gate=0 residual=1" rows ins(%v, %c : memref<?x32xf32, strided<[64, 1], offset: 32>>, memref<?x32xf32, strided<[32, 1]>>) outs(%d : memref<?x32xf32, strided<[32, 1]>>)
    // CHECK: plan.alloc out_rows {offset = 0 : i64}
    %o = plan.alloc out_rows : memref<?x32xf32, strided<[32, 1]>>
    plan.call "o" "linear k=32 n=32 bias=0 act=none residual=0 gather=1 scale=1 softcap=0" out_rows ins(%d, %rows, %w : memref<?x32xf32, strided<[32, 1]>>, memref<?xi32>, memref<2x32x16x1xf32>) outs(%o : memref<?x32xf32, strided<[32, 1]>>)
    plan.return output %o : memref<?x32xf32, strided<[32, 1]>>
  }
}

// Equal specs share a number, in the order of first use and across entries.
// RUN: decant-opt %s --dec-assign-kernels | FileCheck %s

dec.model @toy attributes {kind = "encoder_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  // CHECK: plan.call "a" {{.*}} {kernel = 0 : i64}
  // CHECK: plan.call "b" {{.*}} {kernel = 1 : i64}
  // CHECK: plan.call "c" {{.*}} {kernel = 0 : i64}
  plan.entry @encode {
    %x = plan.input "features" : memref<?x32xf32, strided<[32, 1]>>
    %y = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    plan.call "a" "elementwise n=32 act=relu gate=0 residual=0" rows ins(%x : memref<?x32xf32, strided<[32, 1]>>) outs(%y : memref<?x32xf32, strided<[32, 1]>>)
    plan.call "b" "elementwise n=32 act=gelu gate=0 residual=0" rows ins(%x : memref<?x32xf32, strided<[32, 1]>>) outs(%y : memref<?x32xf32, strided<[32, 1]>>)
    plan.call "c" "elementwise n=32 act=relu gate=0 residual=0" rows ins(%y : memref<?x32xf32, strided<[32, 1]>>) outs(%y : memref<?x32xf32, strided<[32, 1]>>)
    plan.return output %y : memref<?x32xf32, strided<[32, 1]>>
  }
  // CHECK: plan.call "d" {{.*}} {kernel = 2 : i64}
  // CHECK: plan.call "e" {{.*}} {kernel = 1 : i64}
  plan.entry @decode {
    %x = plan.input "features" : memref<?x32xf32, strided<[32, 1]>>
    %y = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    %half = plan.view %y[0] : memref<?x32xf32, strided<[32, 1]>> -> memref<?x16xf32, strided<[32, 1]>>
    plan.call "d" "elementwise n=16 act=relu gate=0 residual=0" rows ins(%half : memref<?x16xf32, strided<[32, 1]>>) outs(%half : memref<?x16xf32, strided<[32, 1]>>)
    plan.call "e" "elementwise n=32 act=gelu gate=0 residual=0" rows ins(%x : memref<?x32xf32, strided<[32, 1]>>) outs(%y : memref<?x32xf32, strided<[32, 1]>>)
    plan.return output %y : memref<?x32xf32, strided<[32, 1]>>
  }
}

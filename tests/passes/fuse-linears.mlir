// Linears of one input and one kind of bias become one, weights one below the other; others stay.
// RUN: decant-opt %s --dec-fuse-linears | FileCheck %s

dec.model @toy attributes {kind = "encoder_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @q from [#dec.source<"q", 0, 32>] raw : tensor<32x32xf32>
  dec.weight @k from [#dec.source<"kv", 0, 16>] raw : tensor<16x32xf32>
  dec.weight @v from [#dec.source<"kv", 16, 32>] raw : tensor<16x32xf32>
  dec.weight @qb from [#dec.source<"qb", 0, 32>] raw : tensor<32xf32>
  dec.weight @kb from [#dec.source<"kb", 0, 16>] raw : tensor<16xf32>
  // A name that is taken by something else is passed over.
  dec.weight @"q+1" from [#dec.source<"other", 0, 48>] raw : tensor<48x32xf32>
  // CHECK-DAG: dec.weight @"q+1+" from [#dec.source<"q", 0, 32>, #dec.source<"kv", 0, 16>] raw : tensor<48x32xf32>
  // CHECK-DAG: dec.weight @"qb+1" from [#dec.source<"qb", 0, 32>, #dec.source<"kb", 0, 16>] raw : tensor<48xf32>
  // CHECK-LABEL: func.func @encode
  // CHECK: %[[Y:.*]] = dec.linear %[[X:.*]] weight @"q+1+" bias @"qb+1" : tensor<?x32xf32> -> tensor<?x48xf32>
  // CHECK: %[[P:.*]]:2 = dec.split %[[Y]] : tensor<?x48xf32> -> tensor<?x32xf32>, tensor<?x16xf32>
  // CHECK-NEXT: %[[V:.*]] = dec.linear %[[X]] weight @v : tensor<?x32xf32> -> tensor<?x16xf32>
  // CHECK-NEXT: %[[G:.*]] = dec.linear %[[X]] weight @q bias @qb act gelu
  // CHECK-NEXT: dec.residual %[[P]]#0, %[[G]]
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    %q = dec.linear %x weight @q bias @qb : tensor<?x32xf32> -> tensor<?x32xf32>
    %k = dec.linear %x weight @k bias @kb : tensor<?x32xf32> -> tensor<?x16xf32>
    %v = dec.linear %x weight @v : tensor<?x32xf32> -> tensor<?x16xf32>
    %g = dec.linear %x weight @q bias @qb act gelu : tensor<?x32xf32> -> tensor<?x32xf32>
    %r = dec.residual %q, %g : tensor<?x32xf32>
    return %r : tensor<?x32xf32>
  }
  // The same parts again: the same fused weight.
  // CHECK-LABEL: func.func @decode
  // CHECK: dec.linear %{{.*}} weight @"q+1+" bias @"qb+1"
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    %q = dec.linear %x weight @q bias @qb : tensor<?x32xf32> -> tensor<?x32xf32>
    %k = dec.linear %x weight @k bias @kb : tensor<?x32xf32> -> tensor<?x16xf32>
    return %q : tensor<?x32xf32>
  }
}

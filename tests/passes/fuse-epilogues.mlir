// Activation and residual move into the linear that feeds them alone, and in this order only: act(x W^T) + residual.
// RUN: decant-opt %s --dec-fuse-epilogues | FileCheck %s

dec.model @toy attributes {kind = "encoder_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @q from [#dec.source<"q", 0, 32>] raw : tensor<32x32xf32>
  dec.weight @k from [#dec.source<"kv", 0, 16>] raw : tensor<16x32xf32>
  dec.weight @v from [#dec.source<"kv", 16, 32>] raw : tensor<16x32xf32>
  dec.weight @qb from [#dec.source<"qb", 0, 32>] raw : tensor<32xf32>
  dec.weight @kb from [#dec.source<"kb", 0, 16>] raw : tensor<16xf32>
  // CHECK-LABEL: func.func @encode
  // CHECK-SAME: %[[X:.*]]: tensor<?x32xf32> {
  // CHECK: %[[Y:.*]] = dec.linear %[[X]] weight @q bias @qb act gelu residual %[[X]]
  // CHECK-NEXT: return %[[Y]]
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    %l = dec.linear %x weight @q bias @qb : tensor<?x32xf32> -> tensor<?x32xf32>
    %a = dec.activation %l gelu : tensor<?x32xf32>
    %r = dec.residual %x, %a : tensor<?x32xf32>
    return %r : tensor<?x32xf32>
  }
  // The first linear has two uses; the second is activated after its residual.
  // CHECK-LABEL: func.func @decode
  // CHECK-SAME: %[[X:.*]]: tensor<?x32xf32> {
  // CHECK: %[[L:.*]] = dec.linear %[[X]] weight @q :
  // CHECK: %[[A:.*]] = dec.activation %[[L]] relu
  // CHECK: %[[R:.*]] = dec.linear %[[A]] weight @q residual %[[L]]
  // CHECK: dec.activation %[[R]] relu
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    %l = dec.linear %x weight @q : tensor<?x32xf32> -> tensor<?x32xf32>
    %a = dec.activation %l relu : tensor<?x32xf32>
    %m = dec.linear %a weight @q : tensor<?x32xf32> -> tensor<?x32xf32>
    %r = dec.residual %l, %m : tensor<?x32xf32>
    %b = dec.activation %r relu : tensor<?x32xf32>
    return %b : tensor<?x32xf32>
  }
}

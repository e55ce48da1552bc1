// A table is a raw weight that stands where the kernel takes a parameter; softcap and exp stand in the spec.
// RUN: decant-opt %s --dec-phase-select | FileCheck %s

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // CHECK: dec.weight @bias from
  // CHECK-SAME: raw : tensor<4x2xf32>
  dec.weight @bias from [#dec.source<"bias", 0, 4>] raw : tensor<4x2xf32>
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) attributes {full = "-", visit = "-"} {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.score @s(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?x?xf32>) {
    %v = dec.param %p[%k, %h] : tensor<?x?xf32>
    %e = math.exp %v : f32
    dec.yield %e : f32
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "inputs_embeds"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    // CHECK: %[[TABLE:.*]] = plan.weight @bias : memref<4x2xf32>
    %t = dec.table @bias : tensor<?x?xf32>
    %y = dec.linear %x weight @w : tensor<?x32xf32> -> tensor<?x32xf32>
    dec.kv_append @c keys %y values %y rows %rows : tensor<?x32xf32>
    // CHECK: plan.call {{.*}}softcap=30 mask=true visit=- full=- score=(exp (load p0 k h)) params=p0:f32:2{{.*}}%[[TABLE]]
    %a = dec.cached_attention %y cache @c rows %rows heads 2 scale 0.25 softcap 30.0 mask @all() score @s(%t : tensor<?x?xf32>) : tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// Round trip of the layer ops.
// RUN: decant-opt %s | decant-opt | FileCheck %s

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @shared from [#dec.source<"shared", 0, 20>] raw : tensor<20x32xf32>
  dec.weight @pos from [#dec.source<"pos", 0, 66>] raw : tensor<66x32xf32>
  dec.weight @n.w from [#dec.source<"n.w", 0, 32>] raw : tensor<32xf32>
  dec.weight @n.b from [#dec.source<"n.b", 0, 32>] raw : tensor<32xf32>
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.weight @lb from [#dec.source<"lb", 0, 20>] raw : tensor<20xf32>
  dec.weight @f from [] raw values [1.0, 0.5] : tensor<2xf32>
  dec.weight @t from [#dec.source<"t", 0, 32, transposed true>] raw : tensor<32x32xf32>
  func.func @decode(%ids: tensor<?xi32> {dec.name = "input_ids"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x20xf32> {
    // CHECK: dec.embed %{{.*}} table @shared scale 5.000000e-01 : tensor<?xi32> -> tensor<?x32xf32>
    %e = dec.embed %ids table @shared scale 0.5 : tensor<?xi32> -> tensor<?x32xf32>
    // CHECK: dec.position %{{.*}} rows %{{.*}} table @pos offset 2 : tensor<?x32xf32>
    %x = dec.position %e rows %rows table @pos offset 2 : tensor<?x32xf32>
    // CHECK: dec.norm %{{.*}} weight @n.w eps 1.000000e-05 : tensor<?x32xf32>
    %m = dec.norm %x weight @n.w eps 1.0e-5 : tensor<?x32xf32>
    // CHECK: dec.norm %{{.*}} weight @n.w bias @n.b eps 1.000000e-05 : tensor<?x32xf32>
    %n = dec.norm %m weight @n.w bias @n.b eps 1.0e-5 : tensor<?x32xf32>
    // CHECK: dec.linear %{{.*}} weight @w : tensor<?x32xf32> -> tensor<?x32xf32>
    %l = dec.linear %n weight @w : tensor<?x32xf32> -> tensor<?x32xf32>
    // CHECK: dec.linear %{{.*}} weight @w bias @n.b act relu residual %{{.*}} : tensor<?x32xf32> : tensor<?x32xf32> -> tensor<?x32xf32>
    %k = dec.linear %l weight @w bias @n.b act relu residual %n : tensor<?x32xf32> : tensor<?x32xf32> -> tensor<?x32xf32>
    // CHECK: dec.activation %{{.*}} gelu : tensor<?x32xf32>
    %a = dec.activation %k gelu : tensor<?x32xf32>
    // CHECK: dec.residual %{{.*}}, %{{.*}} : tensor<?x32xf32>
    %r = dec.residual %n, %a : tensor<?x32xf32>
    // CHECK: dec.norm %{{.*}} rms weight @n.w plus_one eps 1.000000e-05 : tensor<?x32xf32>
    %s = dec.norm %r rms weight @n.w plus_one eps 1.0e-5 : tensor<?x32xf32>
    // CHECK: dec.gate %{{.*}}, %{{.*}} act silu : tensor<?x32xf32>
    %g = dec.gate %s, %r act silu : tensor<?x32xf32>
    // CHECK: dec.sinusoid %{{.*}} freqs @f offset 2 factor 1.000000e+00 : tensor<?x4xf32>
    %angles = dec.sinusoid %rows freqs @f offset 2 factor 1.0 : tensor<?x4xf32>
    // CHECK: dec.rope %{{.*}} angles %{{.*}} heads 4 : tensor<?x32xf32>, tensor<?x4xf32>
    %turned = dec.rope %g angles %angles heads 4 : tensor<?x32xf32>, tensor<?x4xf32>
    // CHECK: dec.linear %{{.*}} weight @t act quick_gelu : tensor<?x32xf32> -> tensor<?x32xf32>
    %quick = dec.linear %turned weight @t act quick_gelu : tensor<?x32xf32> -> tensor<?x32xf32>
    // CHECK: dec.logits %{{.*}} weight @shared scale 2.000000e+00 softcap 3.000000e+01 : tensor<?x32xf32> -> tensor<?x20xf32>
    %capped = dec.logits %quick weight @shared scale 2.0 softcap 30.0 : tensor<?x32xf32> -> tensor<?x20xf32>
    // CHECK: dec.split %{{.*}} : tensor<?x32xf32> -> tensor<?x24xf32>, tensor<?x8xf32>
    %p:2 = dec.split %r : tensor<?x32xf32> -> tensor<?x24xf32>, tensor<?x8xf32>
    // CHECK: dec.logits %{{.*}} weight @shared bias @lb : tensor<?x32xf32> -> tensor<?x20xf32>
    %o = dec.logits %r weight @shared bias @lb : tensor<?x32xf32> -> tensor<?x20xf32>
    return %o : tensor<?x20xf32>
  }
}

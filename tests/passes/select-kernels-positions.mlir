// Rotary positions, gates, frames over rows of features, positions that no embed feeds.
// RUN: decant-opt %s --dec-select-kernels | FileCheck %s

dec.model @m attributes {kind = "encoder_decoder", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64,
                         max_source = 64 : i64, source_width = 16 : i64} {
  dec.weight @conv from [#dec.source<"conv", 0, 32>] raw : tensor<32x24xf32>
  dec.weight @pos from [#dec.source<"pos", 0, 64>] raw : tensor<64x32xf32>
  dec.weight @tab from [#dec.source<"tab", 0, 20>] raw : tensor<20x32xf32>
  // CHECK: dec.weight @f.padded16 from [] padded16 values [1.000000e+00, 5.000000e-01] : tensor<2xf32>
  dec.weight @f from [] raw values [1.0, 0.5] : tensor<2xf32>
  dec.weight @n from [#dec.source<"n", 0, 8>] raw : tensor<8xf32>
  // CHECK-LABEL: plan.entry @encode
  func.func @encode(%x: tensor<?x16xf32> {dec.name = "input_features"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    // CHECK: %[[X:.*]] = plan.input "features" : memref<?x16xf32
    // CHECK: plan.call "copy" "elementwise n=16 act=none gate=0 residual=0" rows ins(%[[X]] : {{.*}}) outs(%[[C:.*]] :
    // CHECK: %[[A:.*]] = plan.view %[[C]][0]
    // CHECK: %[[B:.*]] = plan.view %[[C]][8]
    %a, %b = dec.split %x : tensor<?x16xf32> -> tensor<?x8xf32>, tensor<?x8xf32>
    // CHECK: plan.call "frames" "frames n=8 shifts=(-1 0 0)" rows ins(%{{.*}}, %[[B]], %[[A]], %[[B]] :
    %y = dec.frames %b, %a, %b rows %rows shifts [-1, 0, 0] : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32> -> tensor<?x24xf32>
    %z = dec.linear %y weight @conv : tensor<?x24xf32> -> tensor<?x32xf32>
    // CHECK: plan.call "position pos" "embed n=32 scale=1 positions=0 offset=0" rows
    // CHECK: plan.call "position" "elementwise n=32 act=none gate=0 residual=1" rows
    %p = dec.position %z rows %rows table @pos offset 0 : tensor<?x32xf32>
    return %p : tensor<?x32xf32>
  }
  // CHECK-LABEL: plan.entry @decode
  func.func @decode(%ids: tensor<?xi32> {dec.name = "input_ids"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x20xf32> {
    %x = dec.embed %ids table @tab scale 1.0 : tensor<?xi32> -> tensor<?x32xf32>
    // CHECK: plan.call "sinusoid f" "sinusoid n=2 offset=1 factor=1" rows
    %angles = dec.sinusoid %rows freqs @f offset 1 factor 1.0 : tensor<?x4xf32>
    // CHECK: plan.call "norm n" "norm n=8 groups=4 eps=1e-06 rms=1 plus_one=1 bias=0" rows
    %q = dec.norm %x rms weight @n plus_one eps 1.0e-6 : tensor<?x32xf32>
    // CHECK: plan.call "rope" "rope heads=4 d=8 n=2" rows
    %r = dec.rope %q angles %angles heads 4 : tensor<?x32xf32>, tensor<?x4xf32>
    // CHECK: plan.call "gate" "elementwise n=32 act=silu gate=1 residual=0" rows
    %g = dec.gate %r, %x act silu : tensor<?x32xf32>
    // CHECK: "linear k=32 n=20 bias=0 act=none residual=0 gather=1 scale=0.5 softcap=30" out_rows
    %l = dec.logits %g weight @tab scale 0.5 softcap 30.0 : tensor<?x32xf32> -> tensor<?x20xf32>
    return %l : tensor<?x20xf32>
  }
}

// Every op becomes a call; arguments stand in the order of schedules/README.md, weights get the layouts that kernels read.
// RUN: decant-opt %s --dec-select-kernels | FileCheck %s

dec.model @toy attributes {kind = "encoder_decoder", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  // CHECK-DAG: dec.weight @shared from [#dec.source<"shared", 0, 20>] raw
  // CHECK-DAG: dec.weight @shared.panel16 from [#dec.source<"shared", 0, 20>] panel16
  // CHECK-DAG: dec.weight @n.w.padded16 from [#dec.source<"n.w", 0, 32>] padded16
  // CHECK-NOT: dec.weight @n.w from
  dec.weight @shared from [#dec.source<"shared", 0, 20>] raw : tensor<20x32xf32>
  dec.weight @pos from [#dec.source<"pos", 0, 66>] raw : tensor<66x32xf32>
  dec.weight @n.w from [#dec.source<"n.w", 0, 32>] raw : tensor<32xf32>
  dec.weight @n.b from [#dec.source<"n.b", 0, 32>] raw : tensor<32xf32>
  dec.weight @qkv from [#dec.source<"qkv", 0, 72>] raw : tensor<72x32xf32>
  dec.weight @o from [#dec.source<"o", 0, 32>] raw : tensor<32x24xf32>
  dec.weight @lb from [#dec.source<"lb", 0, 20>] raw : tensor<20xf32>
  dec.cache @self kind self heads 2 dim 12 block 16
  // CHECK-NOT: dec.mask
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  // An encoder that gives back what the caller gave has no output of its own.
  // CHECK-LABEL: plan.entry @encode
  // CHECK-NOT: plan.call
  // CHECK: plan.return{{$}}
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  // CHECK-LABEL: plan.entry @decode
  func.func @decode(%ids: tensor<?xi32>, %rows: !dec.rows) -> tensor<?x20xf32> {
    // CHECK-DAG: %[[IDS:.*]] = plan.input "ids" : memref<?xi32>
    // CHECK-DAG: %[[TABLE:.*]] = plan.weight @shared : memref<20x32xf32>
    // CHECK-DAG: %[[AT:.*]] = plan.input "positions" : memref<?xi32>
    // CHECK-DAG: %[[POS:.*]] = plan.weight @pos : memref<66x32xf32>
    // CHECK: plan.call "embed shared" "embed n=32 scale=0.5 positions=1 offset=2" rows ins(%[[IDS]], %[[TABLE]], %[[AT]], %[[POS]] : {{.*}}) outs(%[[X:.*]] :
    %e = dec.embed %ids table @shared scale 0.5 : tensor<?xi32> -> tensor<?x32xf32>
    %x = dec.position %e rows %rows table @pos offset 2 : tensor<?x32xf32>
    // CHECK-DAG: %[[NW:.*]] = plan.weight @n.w.padded16 : memref<32xf32>
    // CHECK-DAG: %[[NB:.*]] = plan.weight @n.b.padded16 : memref<32xf32>
    // CHECK: plan.call "norm n.w" "norm n=32 groups=1 eps=1e-05 rms=0 plus_one=0 bias=1" rows ins(%[[X]], %[[NW]], %[[NB]] : {{.*}}) outs(%[[N:.*]] :
    %n = dec.norm %x weight @n.w bias @n.b eps 1.0e-5 : tensor<?x32xf32>
    // 72 columns: 5 panels, row stride 80.
    // CHECK-DAG: %[[QKV:.*]] = plan.weight @qkv.panel16 : memref<5x32x16x1xf32>
    // CHECK-DAG: %[[Y:.*]] = plan.alloc rows : memref<?x72xf32, strided<[80, 1]>>
    // CHECK: plan.call "linear qkv" "linear k=32 n=72 bias=0 act=none residual=0 gather=0 scale=1 softcap=0" rows ins(%[[N]], %[[QKV]] : {{.*}}) outs(%[[Y]] :
    %y = dec.linear %n weight @qkv : tensor<?x32xf32> -> tensor<?x72xf32>
    // CHECK-DAG: %[[Q:.*]] = plan.view %[[Y]][0] : {{.*}} -> memref<?x24xf32, strided<[80, 1]>>
    // CHECK-DAG: %[[K:.*]] = plan.view %[[Y]][24] : {{.*}} -> memref<?x24xf32, strided<[80, 1], offset: 24>>
    // CHECK-DAG: %[[V:.*]] = plan.view %[[Y]][48] : {{.*}} -> memref<?x24xf32, strided<[80, 1], offset: 48>>
    %q, %kv = dec.split %y : tensor<?x72xf32> -> tensor<?x24xf32>, tensor<?x48xf32>
    %k, %v = dec.split %kv : tensor<?x48xf32> -> tensor<?x24xf32>, tensor<?x24xf32>
    // CHECK-DAG: %[[BLOCK:.*]] = plan.input "self_block"
    // CHECK-DAG: %[[TOKEN:.*]] = plan.input "self_token"
    // CHECK-DAG: %[[KP:.*]] = plan.pool keys @self : memref<?x2x12x16xf32>
    // CHECK-DAG: %[[VP:.*]] = plan.pool values @self : memref<?x2x16x16xf32>
    // CHECK: plan.call "kv_append self" "kv_append heads=2 d=12 block=16" rows ins(%[[K]], %[[V]], %[[BLOCK]], %[[TOKEN]] : {{.*}}) outs(%[[KP]], %[[VP]] :
    dec.kv_append @self keys %k values %v rows %rows : tensor<?x24xf32>
    // CHECK-DAG: %[[KP2:.*]] = plan.pool keys @self
    // CHECK-DAG: %[[VP2:.*]] = plan.pool values @self
    // CHECK-DAG: %[[T:.*]] = plan.input "self_table" : memref<?x?xi32>
    // CHECK-DAG: %[[LEN:.*]] = plan.input "self_len" : memref<?xi32>
    // CHECK-DAG: %[[TILES:.*]] = plan.input "tiles" : memref<?x4xi32>
    // CHECK: plan.call "attention self" "attention heads=2 kv_heads=2 d=12 block=16 scale=0.25 softcap=0 mask=true visit=- full=() score=- params=-" tiles ins(%[[Q]], %[[KP2]], %[[VP2]], %[[T]], %[[LEN]], %[[TILES]] : {{.*}}) outs(%[[A:.*]] :
    %a = dec.cached_attention %q cache @self rows %rows heads 2 scale 0.25 mask @all() : tensor<?x24xf32>
    // CHECK: %[[OW:.*]] = plan.weight @o.panel16 : memref<2x24x16x1xf32>
    // CHECK: plan.call "linear o" "linear k=24 n=32 bias=1 act=relu residual=1 gather=0 scale=1 softcap=0" rows ins(%[[A]], %[[OW]], %{{.*}}, %[[N]] : {{.*}}) outs(%[[R:.*]] :
    %r = dec.linear %a weight @o bias @n.b act relu residual %n : tensor<?x32xf32> : tensor<?x24xf32> -> tensor<?x32xf32>
    // CHECK: plan.call "activation" "elementwise n=32 act=gelu gate=0 residual=0" rows ins(%[[R]] : {{.*}}) outs(%[[G:.*]] :
    %g = dec.activation %r gelu : tensor<?x32xf32>
    // CHECK: plan.call "residual" "elementwise n=32 act=none gate=0 residual=1" rows ins(%[[G]], %[[R]] : {{.*}}) outs(%[[S:.*]] :
    %s = dec.residual %r, %g : tensor<?x32xf32>
    // CHECK-DAG: %[[WANTED:.*]] = plan.input "out_rows"
    // CHECK-DAG: %[[HEAD:.*]] = plan.weight @shared.panel16 : memref<2x32x16x1xf32>
    // CHECK-DAG: %[[LB:.*]] = plan.weight @lb.padded16 : memref<32xf32>
    // CHECK-DAG: %[[L:.*]] = plan.alloc out_rows : memref<?x20xf32, strided<[32, 1]>>
    // CHECK: plan.call "linear shared" "linear k=32 n=20 bias=1 act=none residual=0 gather=1 scale=1 softcap=0" out_rows ins(%[[S]], %[[WANTED]], %[[HEAD]], %[[LB]] : {{.*}}) outs(%[[L]] :
    %l = dec.logits %s weight @shared bias @lb : tensor<?x32xf32> -> tensor<?x20xf32>
    // CHECK: plan.return output %[[L]]
    return %l : tensor<?x20xf32>
  }
}

// Round trip of attention, caches, masks and scores.
// RUN: decant-opt %s | decant-opt | FileCheck %s

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.cache @c kind self heads 1 dim 16 block 16
  // CHECK: dec.mask @causal(%[[B:.*]]: index, %[[H:.*]]: index, %[[Q:.*]]: index, %[[K:.*]]: index) {
  // CHECK-NEXT: %[[KEEP:.*]] = arith.cmpi sle, %[[K]], %[[Q]] : index
  // CHECK-NEXT: dec.yield %[[KEEP]] : i1
  dec.mask @causal(%b: index, %h: index, %q: index, %k: index) {
    %keep = arith.cmpi sle, %k, %q : index
    dec.yield %keep : i1
  }
  // CHECK: dec.mask @both({{.*}}) params(%[[LEN:.*]]: tensor<?xindex>, %[[GIVEN:.*]]: tensor<?x?x?x?xi1>)
  dec.mask @both(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>, %given: tensor<?x?x?x?xi1>) {
    // CHECK: dec.apply @causal(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}){{$}}
    %past = dec.apply @causal(%b, %h, %q, %k)
    // CHECK: dec.apply @real({{.*}}) params(%[[LEN]] : tensor<?xindex>)
    %real = dec.apply @real(%b, %h, %q, %k) params(%len : tensor<?xindex>)
    // CHECK: dec.param %[[GIVEN]][%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}] : tensor<?x?x?x?xi1>
    %g = dec.param %given[%b, %h, %q, %k] : tensor<?x?x?x?xi1>
    %x = arith.andi %past, %real : i1
    %y = arith.andi %x, %g : i1
    dec.yield %y : i1
  }
  dec.mask @real(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  // CHECK: dec.score @bias({{.*}}) params(%{{.*}}: tensor<?x?xf32>)
  dec.score @bias(%b: index, %h: index, %q: index, %k: index) params(%t: tensor<?x?xf32>) {
    %v = dec.param %t[%h, %k] : tensor<?x?xf32>
    dec.yield %v : f32
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %kv: tensor<?x16xf32>, %rows: !dec.rows, %keep: tensor<?x?x?x?xi1>,
                    %t: tensor<?x?xf32>) -> tensor<?x32xf32> {
    // CHECK: dec.lengths %{{.*}} : tensor<?xindex>
    %len = dec.lengths %rows : tensor<?xindex>
    // CHECK: dec.attention %{{.*}}, %{{.*}}, %{{.*}} rows %{{.*}}, %{{.*}} heads 2 kv_heads 1 scale 2.500000e-01 mask @causal() : tensor<?x32xf32>, tensor<?x16xf32>
    %a = dec.attention %x, %kv, %kv rows %rows, %rows heads 2 kv_heads 1 scale 0.25 mask @causal() : tensor<?x32xf32>, tensor<?x16xf32>
    // CHECK: dec.kv_append @c keys %{{.*}} values %{{.*}} rows %{{.*}} : tensor<?x16xf32>
    dec.kv_append @c keys %kv values %kv rows %rows : tensor<?x16xf32>
    // CHECK: dec.cache_lengths @c : tensor<?xindex>
    %n = dec.cache_lengths @c : tensor<?xindex>
    // CHECK: dec.cached_attention %{{.*}} cache @c rows %{{.*}} heads 2 scale 2.500000e-01 mask @both(%{{.*}}, %{{.*}} : tensor<?xindex>, tensor<?x?x?x?xi1>) score @bias(%{{.*}} : tensor<?x?xf32>) : tensor<?x32xf32>
    %o = dec.cached_attention %a cache @c rows %rows heads 2 scale 0.25 mask @both(%n, %keep : tensor<?xindex>, tensor<?x?x?x?xi1>) score @bias(%t : tensor<?x?xf32>) : tensor<?x32xf32>
    return %o : tensor<?x32xf32>
  }
}

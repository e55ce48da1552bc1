// Applied masks become part of the mask that applies them; functions that no attention names go.
// RUN: decant-opt %s --dec-inline-masks | FileCheck %s

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // CHECK-NOT: @causal
  dec.mask @causal(%b: index, %h: index, %q: index, %k: index) {
    %keep = arith.cmpi sle, %k, %q : index
    dec.yield %keep : i1
  }
  // CHECK-NOT: @padding
  dec.mask @padding(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  // CHECK: dec.mask @self(%[[B:.*]]: index, %[[H:.*]]: index, %[[Q:.*]]: index, %[[K:.*]]: index) params(%[[LEN:.*]]: tensor<?xindex>) {
  // CHECK-NEXT: %[[PAST:.*]] = arith.cmpi sle, %[[K]], %[[Q]] : index
  // CHECK-NEXT: %[[N:.*]] = dec.param %[[LEN]][%[[B]]] : tensor<?xindex>
  // CHECK-NEXT: %[[REAL:.*]] = arith.cmpi slt, %[[K]], %[[N]] : index
  // CHECK-NEXT: %[[KEEP:.*]] = arith.andi %[[PAST]], %[[REAL]] : i1
  // CHECK-NEXT: dec.yield %[[KEEP]] : i1
  dec.mask @self(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %keep = dec.apply @both(%b, %h, %q, %k) params(%len : tensor<?xindex>)
    dec.yield %keep : i1
  }
  dec.mask @both(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %past = dec.apply @causal(%b, %h, %q, %k)
    %real = dec.apply @padding(%b, %h, %q, %k) params(%len : tensor<?xindex>)
    %keep = arith.andi %past, %real : i1
    dec.yield %keep : i1
  }
  // The order of the indices is the caller's: here key and query change places.
  // CHECK: dec.score @future(%{{.*}}: index, %{{.*}}: index, %[[Q2:.*]]: index, %[[K2:.*]]: index) {
  // CHECK: arith.cmpi sle, %[[Q2]], %[[K2]] : index
  dec.score @future(%b: index, %h: index, %q: index, %k: index) {
    %ahead = dec.apply @causal(%b, %h, %k, %q)
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    %s = arith.select %ahead, %one, %zero : f32
    dec.yield %s : f32
  }
  // CHECK: func.func @decode
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    %len = dec.lengths %rows : tensor<?xindex>
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @self(%len : tensor<?xindex>) score @future() : tensor<?x32xf32>, tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// Scalars become the constants that the caller names; scores are applied too. Nothing with scalar parameters stays.
dec.model @scalars attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // CHECK-LABEL: dec.model @scalars
  // CHECK-NOT: @window
  dec.mask @window(%b: index, %h: index, %q: index, %k: index) params(%w: index) {
    %oldest = arith.subi %q, %w : index
    %keep = arith.cmpi sgt, %k, %oldest : index
    dec.yield %keep : i1
  }
  dec.score @scaled(%b: index, %h: index, %q: index, %k: index) params(%by: f32) {
    %e = math.exp %by : f32
    dec.yield %e : f32
  }
  // CHECK: dec.mask @near(%{{.*}}: index, %{{.*}}: index, %[[Q:.*]]: index, %[[K:.*]]: index) {
  // CHECK-NEXT: %[[W:.*]] = arith.constant 5 : index
  // CHECK-NEXT: %[[OLD:.*]] = arith.subi %[[Q]], %[[W]] : index
  // CHECK-NEXT: arith.cmpi sgt, %[[K]], %[[OLD]] : index
  dec.mask @near(%b: index, %h: index, %q: index, %k: index) {
    %w = arith.constant 5 : index
    %keep = dec.apply @window(%b, %h, %q, %k) params(%w : index)
    dec.yield %keep : i1
  }
  // CHECK: dec.score @half
  // CHECK-NEXT: %[[HALF:.*]] = arith.constant 5.000000e-01 : f32
  // CHECK-NEXT: %[[E:.*]] = math.exp %[[HALF]] : f32
  // CHECK-NEXT: dec.yield %[[E]] : f32
  dec.score @half(%b: index, %h: index, %q: index, %k: index) {
    %by = arith.constant 0.5 : f32
    %s = dec.apply_score @scaled(%b, %h, %q, %k) params(%by : f32)
    dec.yield %s : f32
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 softcap 30.0 mask @near() score @half() : tensor<?x32xf32>, tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

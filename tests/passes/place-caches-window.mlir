// A self cache keeps the newest positions alone where the mask's bounds prove that no query sees older ones.
// RUN: decant-opt %s --dec-inline-masks --canonicalize --dec-derive-mask-bounds --dec-place-caches | FileCheck %s

// CHECK: dec.cache @decode.self.0 kind self heads 2 dim 16 block 16{{$}}
// CHECK: dec.cache @decode.self.1 kind self heads 2 dim 16 block 16 window 5{{$}}
// CHECK: dec.cache @decode.self.2 kind self heads 2 dim 16 block 16 window 8{{$}}
// CHECK: dec.cache @decode.self.3 kind self heads 2 dim 16 block 16 window 7{{$}}
// CHECK: dec.cache @decode.self.4 kind self heads 2 dim 16 block 16 window 5{{$}}
// Sink: key 0 is seen by all. Explicit and prefix: parameters decide. Wide: no sequence is as long as its window.
// CHECK: dec.cache @decode.self.5 kind self heads 2 dim 16 block 16{{$}}
// CHECK: dec.cache @decode.self.6 kind self heads 2 dim 16 block 16{{$}}
// CHECK: dec.cache @decode.self.7 kind self heads 2 dim 16 block 16{{$}}
// CHECK: dec.cache @decode.self.8 kind self heads 2 dim 16 block 16{{$}}
// CHECK: dec.cache @decode.self.9 kind self heads 2 dim 16 block 16 window 1{{$}}
dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @causal(%b: index, %h: index, %q: index, %k: index) {
    %keep = arith.cmpi sle, %k, %q : index
    dec.yield %keep : i1
  }
  dec.mask @sliding(%b: index, %h: index, %q: index, %k: index) { // k > q - 5
    %w = arith.constant 5 : index
    %first = arith.subi %q, %w : index
    %new = arith.cmpi sgt, %k, %first : index
    %past = dec.apply @causal(%b, %h, %q, %k)
    %keep = arith.andi %new, %past : i1
    dec.yield %keep : i1
  }
  dec.mask @chunked(%b: index, %h: index, %q: index, %k: index) { // k / 8 == q / 8
    %c = arith.constant 8 : index
    %of_q = arith.floordivsi %q, %c : index
    %of_k = arith.floordivsi %k, %c : index
    %same = arith.cmpi eq, %of_q, %of_k : index
    %past = dec.apply @causal(%b, %h, %q, %k)
    %keep = arith.andi %same, %past : i1
    dec.yield %keep : i1
  }
  dec.mask @either(%b: index, %h: index, %q: index, %k: index) { // sliding, or causal and k > q - 7
    %w = arith.constant 7 : index
    %first = arith.subi %q, %w : index
    %new = arith.cmpi sgt, %k, %first : index
    %past = dec.apply @causal(%b, %h, %q, %k)
    %other = arith.andi %new, %past : i1
    %sliding = dec.apply @sliding(%b, %h, %q, %k)
    %keep = arith.ori %sliding, %other : i1
    dec.yield %keep : i1
  }
  dec.mask @given(%b: index, %h: index, %q: index, %k: index) params(%keep: tensor<?x?x?x?xi1>) {
    %given = dec.param %keep[%b, %h, %q, %k] : tensor<?x?x?x?xi1>
    dec.yield %given : i1
  }
  dec.mask @sliding_given(%b: index, %h: index, %q: index, %k: index) params(%keep: tensor<?x?x?x?xi1>) {
    %given = dec.apply @given(%b, %h, %q, %k) params(%keep : tensor<?x?x?x?xi1>)
    %sliding = dec.apply @sliding(%b, %h, %q, %k)
    %both = arith.andi %sliding, %given : i1
    dec.yield %both : i1
  }
  dec.mask @sink(%b: index, %h: index, %q: index, %k: index) {
    %one = arith.constant 1 : index
    %first = arith.cmpi slt, %k, %one : index
    %sliding = dec.apply @sliding(%b, %h, %q, %k)
    %keep = arith.ori %sliding, %first : i1
    dec.yield %keep : i1
  }
  dec.mask @prefix(%b: index, %h: index, %q: index, %k: index) params(%n: tensor<?xindex>) {
    %end = dec.param %n[%b] : tensor<?xindex>
    %within = arith.cmpi slt, %k, %end : index
    %sliding = dec.apply @sliding(%b, %h, %q, %k)
    %keep = arith.ori %sliding, %within : i1
    dec.yield %keep : i1
  }
  dec.mask @wide(%b: index, %h: index, %q: index, %k: index) {
    %w = arith.constant 64 : index
    %first = arith.subi %q, %w : index
    %new = arith.cmpi sgt, %k, %first : index
    dec.yield %new : i1
  }
  dec.mask @self(%b: index, %h: index, %q: index, %k: index) {
    %keep = arith.cmpi eq, %k, %q : index
    dec.yield %keep : i1
  }
  func.func @decode(%x0: tensor<?x32xf32> {dec.name = "tgt"}, %r: !dec.rows {dec.name = "rows"}, %keep: tensor<?x?x?x?xi1> {dec.name = "keep", dec.neutral = 1.0}, %n: tensor<?xindex> {dec.name = "n", dec.neutral = 0.0}) -> tensor<?x32xf32> {
    %x1 = dec.attention %x0, %x0, %x0 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @causal() : tensor<?x32xf32>, tensor<?x32xf32>
    %x2 = dec.attention %x1, %x1, %x1 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @sliding() : tensor<?x32xf32>, tensor<?x32xf32>
    %x3 = dec.attention %x2, %x2, %x2 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @chunked() : tensor<?x32xf32>, tensor<?x32xf32>
    %x4 = dec.attention %x3, %x3, %x3 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @either() : tensor<?x32xf32>, tensor<?x32xf32>
    %x5 = dec.attention %x4, %x4, %x4 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @sliding_given(%keep : tensor<?x?x?x?xi1>) : tensor<?x32xf32>, tensor<?x32xf32>
    %x6 = dec.attention %x5, %x5, %x5 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @sink() : tensor<?x32xf32>, tensor<?x32xf32>
    %x7 = dec.attention %x6, %x6, %x6 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @given(%keep : tensor<?x?x?x?xi1>) : tensor<?x32xf32>, tensor<?x32xf32>
    %x8 = dec.attention %x7, %x7, %x7 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @prefix(%n : tensor<?xindex>) : tensor<?x32xf32>, tensor<?x32xf32>
    %x9 = dec.attention %x8, %x8, %x8 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @wide() : tensor<?x32xf32>, tensor<?x32xf32>
    %y = dec.attention %x9, %x9, %x9 rows %r, %r heads 2 kv_heads 2 scale 0.25 mask @self() : tensor<?x32xf32>, tensor<?x32xf32>
    return %y : tensor<?x32xf32>
  }
}

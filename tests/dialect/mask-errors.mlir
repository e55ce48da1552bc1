// Mask and score functions: every constraint has a case that breaks it.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) expected four index arguments: sequence, head, query, key}}
  dec.mask @f(%b: index, %h: index, %q: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) argument 3 is 'i1', expected index}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: i1) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) argument 4 is 'tensor<?xf64>', expected a tensor of index, i1 or f32, rank 1 to 4, or a scalar of them}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?xf64>) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) argument 4 is 'tensor<i1>', expected a tensor of index, i1 or f32, rank 1 to 4, or a scalar of them}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<i1>) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) must yield one value of type i1}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    dec.yield %q : index
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{block with no terminator}}
    %t = arith.constant true
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) must yield one value of type f32}}
  dec.score @f(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C3) is not allowed in a mask or score: only arith ops, math.exp, dec.param, dec.apply and dec.apply_score}}
    %r = builtin.unrealized_conversion_cast %q : index to i1
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C3) gives 'f64', expected index, i1, i32, i64 or f32}}
    %r = arith.constant 1.0 : f64
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C3) gives 'i8', expected index, i1, i32, i64 or f32}}
    %r = arith.index_cast %q : index to i8
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?x?xi1>) {
    // expected-error@+1 {{(C1) has 1 indices for a parameter of rank 2}}
    %r = dec.param %p[%b] : tensor<?x?xi1>
    dec.yield %r : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    %c = arith.constant 0 : index
    // expected-error@+1 {{(C2) the parameter is not an argument of the mask or score}}
    %r = dec.param %len[%c] : tensor<?xindex>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C1) @none is not a dec.mask}}
    %r = dec.apply @none(%b, %h, %q, %k)
    dec.yield %r : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C2) the parameters of @pad have other types or another number}}
    %r = dec.apply @pad(%b, %h, %q, %k)
    dec.yield %r : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C3) @f applies itself}}
    %r = dec.apply @f(%b, %h, %q, %k)
    dec.yield %r : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C3) @f applies itself}}
    %r = dec.apply @g(%b, %h, %q, %k)
    dec.yield %r : i1
  }
  dec.mask @g(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C3) @g applies itself}}
    %r = dec.apply @f(%b, %h, %q, %k)
    dec.yield %r : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    %c = arith.constant 0 : index
    // expected-error@+1 {{expects parent op to be one of 'dec.mask, dec.score'}}
    %r = dec.apply @all(%c, %c, %c, %c)
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @m1(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{op requires a single operand}}
    "dec.yield"() : () -> ()
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @a(%b: index, %h: index, %q: index, %k: index) {
    %0 = dec.apply @b2(%b, %h, %q, %k)
    dec.yield %0 : i1
  }
  dec.mask @b2(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{requires attribute 'callee'}}
    %0 = "dec.apply"(%b, %h, %q, %k) : (index, index, index, index) -> i1
    dec.yield %0 : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) expected four index arguments}}
  "dec.mask"() <{sym_name = "f"}> ({
  ^bb0(%b: index):
    %t = arith.constant true
    dec.yield %t : i1
  }) : () -> ()
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) argument 4 is 'tensor<*xf32>', expected a tensor of index, i1 or f32, rank 1 to 4, or a scalar of them}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<*xf32>) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) argument 4 is 'tensor<?x?x?x?x?xf32>', expected a tensor of index, i1 or f32, rank 1 to 4, or a scalar of them}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?x?x?x?x?xf32>) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) argument 4 is 'tensor<f32>', expected a tensor of index, i1 or f32, rank 1 to 4, or a scalar of them}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<f32>) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) argument 4 is 'memref<?xf32>', expected a tensor of index, i1 or f32, rank 1 to 4, or a scalar of them}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: memref<?xf32>) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) argument 4 is 'i32', expected a tensor of index, i1 or f32, rank 1 to 4, or a scalar of them}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: i32) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C3) is not allowed in a mask or score}}
    %n = dec.cache_lengths @c : tensor<?xindex>
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %x = arith.constant 1.0 : f32
    // expected-error@+1 {{(C3) is not allowed in a mask or score}}
    %r = math.log %x : f32
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?xf32>) {
    // expected-error@+1 {{(C3) a sorted parameter holds indices, found 'f32'}}
    %r = dec.param %p[%b] sorted : tensor<?xf32>
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?xi1>) {
    // expected-error@+1 {{(C3) a sorted parameter holds indices, found 'i1'}}
    %r = dec.param %p[%b] sorted : tensor<?xi1>
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @window(%b: index, %h: index, %q: index, %k: index) params(%n: index) {
    %t = arith.cmpi sgt, %k, %n : index
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) @window has scalar parameters, an attention gives tensors: apply it in a dec.mask that names the values}}
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @window() : tensor<?x32xf32>, tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @window(%b: index, %h: index, %q: index, %k: index) params(%n: index) {
    %t = arith.cmpi sgt, %k, %n : index
    dec.yield %t : i1
  }
  dec.score @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C1) @window is not a dec.score}}
    %r = dec.apply_score @window(%b, %h, %q, %k) params(%q : index)
    dec.yield %r : f32
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.score @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{(C3) @f applies itself}}
    %r = dec.apply_score @f(%b, %h, %q, %k)
    dec.yield %r : f32
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 4>] raw : tensor<4x2xf32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) @w is not a dec.weight of type 'tensor<?x3xf32>'}}
    %t = dec.table @w : tensor<?x3xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) @none is not a dec.weight of type 'tensor<?xf32>'}}
    %t = dec.table @none : tensor<?xf32>
    return %x : tensor<?x32xf32>
  }
}

// Attention and caches: every constraint has a case that breaks it.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) heads 3 is not a multiple of kv_heads 2}}
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 3 kv_heads 2 scale 0.25 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) heads 0 is not a multiple of kv_heads 0}}
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 0 kv_heads 0 scale 0.25 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) query has 48 columns in 2 heads, key 32 in 2: the head sizes differ}}
    %a = dec.attention %y, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @all() : tensor<?x48xf32>, tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) @zero is not a dec.mask}}
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @zero() : tensor<?x32xf32>, tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) @pad takes ('tensor<?xindex>'), found ()}}
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @pad() : tensor<?x32xf32>, tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) @all is not a dec.score}}
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @all() score @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C4) scale is not finite}}
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0x7FF8000000000000 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) @all is not a dec.cache}}
    %n = dec.cache_lengths @all : tensor<?xindex>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) @d is not a dec.cache}}
    dec.kv_append @d keys %x values %x rows %rows : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) key has 48 columns, cache @c 32}}
    dec.kv_append @c keys %y values %y rows %rows : tensor<?x48xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) @d is not a dec.cache}}
    %a = dec.cached_attention %x cache @d rows %rows heads 2 scale 0.25 mask @all() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) heads 3 is not a multiple of kv_heads 2}}
    %a = dec.cached_attention %x cache @c rows %rows heads 3 scale 0.25 mask @all() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) query has 48 columns, expected heads * dim = 32}}
    %a = dec.cached_attention %y cache @c rows %rows heads 2 scale 0.25 mask @all() : tensor<?x48xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) @none is not a dec.mask}}
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @none() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) @zero takes (), found (}}
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @all() score @zero(%len : tensor<?xindex>) : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  dec.score @zero(%b: index, %h: index, %q: index, %k: index) {
    %z = arith.constant 0.0 : f32
    dec.yield %z : f32
  }
  dec.cache @c kind self heads 2 dim 16 block 16
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C4) scale is not finite}}
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0x7FF0000000000000 mask @all() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

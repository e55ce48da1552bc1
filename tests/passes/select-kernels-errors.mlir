// What has no kernel is refused.
// RUN: decant-opt %s --dec-select-kernels -verify-diagnostics -split-input-file

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{has no kernel: phase cache has to run first}}
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @t from [#dec.source<"t", 0, 20>] raw : tensor<20x32xf32>
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{has no kernel with an offset unless its input is a dec.embed of its own}}
    %a = dec.position %x rows %rows table @t offset 2 : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  // expected-error@+1 {{layouts are chosen here: expected raw, found panel16}}
  dec.weight @t from [#dec.source<"t", 0, 20>] panel16 : tensor<20x32xf32>
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  // expected-error@+1 {{argument 2 is 'tensor<?x?xindex>', expected !dec.rows, ids, packed rows, or a mask parameter with dec.name and dec.neutral}}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows, %p: tensor<?x?xindex>) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  // expected-error@+1 {{argument 2 is 'f32', expected}}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows, %p: f32) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  // expected-error@+1 {{argument 2 is 'tensor<?xi1>', expected}}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows, %p: tensor<?xi1> {dec.neutral = 1.0}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  // expected-error@+1 {{has 2 arguments of !dec.rows and 1 of ids or packed rows, expected one of each}}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows, %p: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  // expected-error@+1 {{has 1 arguments of !dec.rows and 2 of ids or packed rows, expected one of each}}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows, %p: tensor<?xi32>) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %c3 = arith.constant 3 : index
    // expected-error@+1 {{cannot be evaluated in a kernel's mask}}
    %r = arith.remsi %q, %c3 : index
    %t = arith.cmpi eq, %r, %q : index
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @f() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{cannot be evaluated in a kernel's mask}}
    %t = arith.cmpi ult, %k, %q : index
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @f() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    // expected-error@+1 {{cannot be evaluated in a kernel's mask}}
    %i = arith.index_cast %t : i1 to index
    %o = arith.cmpi eq, %i, %q : index
    dec.yield %o : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @f() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{does not fit 32 bits: positions are 32-bit in kernels}}
    %c = arith.constant 4294967296 : index
    %o = arith.cmpi slt, %c, %q : index
    dec.yield %o : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @f() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  // expected-error@+1 {{cannot be evaluated in a kernel: mask expression: operand 1 of 'and' must be bool, found i32}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %a = arith.andi %q, %k : index
    %o = arith.cmpi slt, %a, %q : index
    dec.yield %o : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @f() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.score @f(%b: index, %h: index, %q: index, %k: index) {
    // expected-error@+1 {{is not finite: a kernel's mask has finite numbers only}}
    %n = arith.constant 0x7FC00000 : f32
    dec.yield %n : f32
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @all() score @f() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  // expected-error@+1 {{is larger than 4096 operations as a tree}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %s0 = arith.addi %q, %k : index
    %s1 = arith.addi %s0, %s0 : index
    %s2 = arith.addi %s1, %s1 : index
    %s3 = arith.addi %s2, %s2 : index
    %s4 = arith.addi %s3, %s3 : index
    %s5 = arith.addi %s4, %s4 : index
    %s6 = arith.addi %s5, %s5 : index
    %s7 = arith.addi %s6, %s6 : index
    %s8 = arith.addi %s7, %s7 : index
    %s9 = arith.addi %s8, %s8 : index
    %s10 = arith.addi %s9, %s9 : index
    %s11 = arith.addi %s10, %s10 : index
    %s12 = arith.addi %s11, %s11 : index
    %s13 = arith.addi %s12, %s12 : index
    %o = arith.cmpi slt, %s13, %q : index
    dec.yield %o : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @f() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  // expected-error@+1 {{cannot be evaluated in a kernel: mask expression: deeper than 64 levels}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %s0 = arith.addi %q, %k : index
    %s1 = arith.addi %s0, %k : index
    %s2 = arith.addi %s1, %k : index
    %s3 = arith.addi %s2, %k : index
    %s4 = arith.addi %s3, %k : index
    %s5 = arith.addi %s4, %k : index
    %s6 = arith.addi %s5, %k : index
    %s7 = arith.addi %s6, %k : index
    %s8 = arith.addi %s7, %k : index
    %s9 = arith.addi %s8, %k : index
    %s10 = arith.addi %s9, %k : index
    %s11 = arith.addi %s10, %k : index
    %s12 = arith.addi %s11, %k : index
    %s13 = arith.addi %s12, %k : index
    %s14 = arith.addi %s13, %k : index
    %s15 = arith.addi %s14, %k : index
    %s16 = arith.addi %s15, %k : index
    %s17 = arith.addi %s16, %k : index
    %s18 = arith.addi %s17, %k : index
    %s19 = arith.addi %s18, %k : index
    %s20 = arith.addi %s19, %k : index
    %s21 = arith.addi %s20, %k : index
    %s22 = arith.addi %s21, %k : index
    %s23 = arith.addi %s22, %k : index
    %s24 = arith.addi %s23, %k : index
    %s25 = arith.addi %s24, %k : index
    %s26 = arith.addi %s25, %k : index
    %s27 = arith.addi %s26, %k : index
    %s28 = arith.addi %s27, %k : index
    %s29 = arith.addi %s28, %k : index
    %s30 = arith.addi %s29, %k : index
    %s31 = arith.addi %s30, %k : index
    %s32 = arith.addi %s31, %k : index
    %s33 = arith.addi %s32, %k : index
    %s34 = arith.addi %s33, %k : index
    %s35 = arith.addi %s34, %k : index
    %s36 = arith.addi %s35, %k : index
    %s37 = arith.addi %s36, %k : index
    %s38 = arith.addi %s37, %k : index
    %s39 = arith.addi %s38, %k : index
    %s40 = arith.addi %s39, %k : index
    %s41 = arith.addi %s40, %k : index
    %s42 = arith.addi %s41, %k : index
    %s43 = arith.addi %s42, %k : index
    %s44 = arith.addi %s43, %k : index
    %s45 = arith.addi %s44, %k : index
    %s46 = arith.addi %s45, %k : index
    %s47 = arith.addi %s46, %k : index
    %s48 = arith.addi %s47, %k : index
    %s49 = arith.addi %s48, %k : index
    %s50 = arith.addi %s49, %k : index
    %s51 = arith.addi %s50, %k : index
    %s52 = arith.addi %s51, %k : index
    %s53 = arith.addi %s52, %k : index
    %s54 = arith.addi %s53, %k : index
    %s55 = arith.addi %s54, %k : index
    %s56 = arith.addi %s55, %k : index
    %s57 = arith.addi %s56, %k : index
    %s58 = arith.addi %s57, %k : index
    %s59 = arith.addi %s58, %k : index
    %s60 = arith.addi %s59, %k : index
    %s61 = arith.addi %s60, %k : index
    %s62 = arith.addi %s61, %k : index
    %s63 = arith.addi %s62, %k : index
    %s64 = arith.addi %s63, %k : index
    %s65 = arith.addi %s64, %k : index
    %s66 = arith.addi %s65, %k : index
    %s67 = arith.addi %s66, %k : index
    %s68 = arith.addi %s67, %k : index
    %s69 = arith.addi %s68, %k : index
    %s70 = arith.addi %s69, %k : index
    %o = arith.cmpi slt, %s70, %q : index
    dec.yield %o : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @f() : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  // expected-error@+1 {{is larger than 4096 operations as a tree}}
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %x0 = arith.cmpi slt, %k, %q : index
    %x1 = arith.xori %x0, %x0 : i1
    %x2 = arith.xori %x1, %x0 : i1
    %x3 = arith.xori %x2, %x0 : i1
    %x4 = arith.xori %x3, %x0 : i1
    %x5 = arith.xori %x4, %x0 : i1
    %x6 = arith.xori %x5, %x0 : i1
    %x7 = arith.xori %x6, %x0 : i1
    %x8 = arith.xori %x7, %x0 : i1
    %x9 = arith.xori %x8, %x0 : i1
    %x10 = arith.xori %x9, %x0 : i1
    %x11 = arith.xori %x10, %x0 : i1
    %x12 = arith.xori %x11, %x0 : i1
    %x13 = arith.xori %x12, %x0 : i1
    %x14 = arith.xori %x13, %x0 : i1
    %x15 = arith.xori %x14, %x0 : i1
    %x16 = arith.xori %x15, %x0 : i1
    %x17 = arith.xori %x16, %x0 : i1
    %x18 = arith.xori %x17, %x0 : i1
    %x19 = arith.xori %x18, %x0 : i1
    %x20 = arith.xori %x19, %x0 : i1
    %x21 = arith.xori %x20, %x0 : i1
    %x22 = arith.xori %x21, %x0 : i1
    %x23 = arith.xori %x22, %x0 : i1
    %x24 = arith.xori %x23, %x0 : i1
    %x25 = arith.xori %x24, %x0 : i1
    %x26 = arith.xori %x25, %x0 : i1
    %x27 = arith.xori %x26, %x0 : i1
    %x28 = arith.xori %x27, %x0 : i1
    %x29 = arith.xori %x28, %x0 : i1
    %x30 = arith.xori %x29, %x0 : i1
    dec.yield %x30 : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @f() : tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{has no kernel: @decode returns what the caller gives}}
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 512 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.cache @c kind self heads 1 dim 512 block 16
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.cmpi sle, %k, %q : index
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x512xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x512xf32> {
    // expected-error@+1 {{is not supported by kernels: 1 heads of 512, at most 4096 of 256 (width 512)}}
    %a = dec.cached_attention %x cache @c rows %rows heads 1 scale 0.25 mask @f() : tensor<?x512xf32>
    return %a : tensor<?x512xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 65536 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 8192>] raw : tensor<8192x65536xf32>
  func.func @decode(%x: tensor<?x65536xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x8192xf32> {
    // expected-error@+1 {{is not supported by kernels: @w.panel16 takes 2147483648 bytes, expected less than 2 GiB}}
    %a = dec.linear %x weight @w : tensor<?x65536xf32> -> tensor<?x8192xf32>
    return %a : tensor<?x8192xf32>
  }
}

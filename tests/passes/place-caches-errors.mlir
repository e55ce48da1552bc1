// What place-caches cannot place.
// RUN: decant-opt %s --dec-place-caches -verify-diagnostics -split-input-file

dec.model @toy attributes {kind = "torch_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}, %memory: tensor<?x32xf32> {dec.name = "memory"}, %memory_rows: !dec.rows {dec.name = "memory_rows"}) -> tensor<?x32xf32> {
    %s = dec.residual %x, %memory : tensor<?x32xf32>
    // expected-error@+1 {{keys and values depend on more than the memory: they cannot be computed in @encode}}
    %a = dec.attention %x, %s, %s rows %rows, %memory_rows heads 2 kv_heads 2 scale 0.25 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "torch_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}, %memory: tensor<?x32xf32> {dec.name = "memory"}, %memory_rows: !dec.rows {dec.name = "memory_rows"}) -> tensor<?x32xf32> {
    // expected-error@+1 {{the rows of its keys are neither those of its queries nor @decode's argument "memory_rows"}}
    %a = dec.attention %x, %memory, %memory rows %memory_rows, %rows heads 2 kv_heads 2 scale 0.25 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}, %memory: tensor<?x32xf32> {dec.name = "memory"}, %memory_rows: !dec.rows {dec.name = "memory_rows"}) -> tensor<?x32xf32> {
    // expected-error@+1 {{the rows of its keys are neither those of its queries nor @decode's argument "memory_rows"}}
    %a = dec.attention %x, %memory, %memory rows %rows, %memory_rows heads 2 kv_heads 2 scale 0.25 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "torch_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}, %memory: tensor<?x32xf32> {dec.name = "memory"}, %memory_rows: !dec.rows {dec.name = "memory_rows"}) -> tensor<?x32xf32> {
    // expected-error@+1 {{uses the memory outside of cross-attention: not supported}}
    %a = dec.residual %x, %memory : tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "torch_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}, %memory: tensor<?x32xf32> {dec.name = "memory"}, %memory_rows: !dec.rows {dec.name = "memory_rows"}) -> tensor<?x32xf32> {
    // expected-error@+1 {{uses the memory's rows in a way that has no cached form}}
    %n = dec.lengths %memory_rows : tensor<?xindex>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "torch_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  // expected-error@+1 {{(C5) argument 2 is 'tensor<?x48xf32>', but width of the model is 32}}
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}, %memory: tensor<?x48xf32> {dec.name = "memory"}, %memory_rows: !dec.rows {dec.name = "memory_rows"}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @toy attributes {kind = "torch_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  // expected-error@+1 {{has no argument with dec.name "rows"}}
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}, %memory: tensor<?x32xf32> {dec.name = "memory"}, %memory_rows: !dec.rows {dec.name = "memory_rows"}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

// expected-error@+1 {{has no func.func @decode: phase select ran already}}
dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  plan.entry @decode {
    plan.return
  }
}

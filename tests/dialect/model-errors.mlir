// dec.model and its declarations: every constraint has a case that breaks it.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

// expected-error@+1 {{(C1) kind is "gpt", expected encoder_decoder, decoder_only or torch_decoder}}
dec.model @m attributes {kind = "gpt", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

// expected-error@+1 {{(C1) a model of kind encoder_decoder has @encode and @decode}}
dec.model @m attributes {kind = "encoder_decoder", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

// expected-error@+1 {{(C1) a model of kind decoder_only has @decode alone}}
dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  func.func @encode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

// expected-error@+1 {{(C2) width is 0, expected 1..1048576}}
dec.model @m attributes {kind = "decoder_only", width = 0 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

// expected-error@+1 {{(C2) vocab is -1, expected 0..16777216}}
dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = -1 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

// expected-error@+1 {{(C2) max_batch is 65537, expected 1..65536}}
dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 65537 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

// expected-error@+1 {{(C2) max_context is 0, expected 1..16777216}}
dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 0 : i64, max_source = 0 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

// expected-error@+1 {{(C2) max_source is -1, expected 0..16777216}}
dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = -1 : i64} {
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C3) expected @encode or @decode, with one block and one result}}
  func.func @helper(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C3) expected @encode or @decode, with one block and one result}}
  func.func private @decode(tensor<?x32xf32>, !dec.rows) -> tensor<?x32xf32>
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C3) expected @encode or @decode, with one block and one result}}
  func.func @decode(%rows: !dec.rows) {
    return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.cache @a kind self heads 1 dim 8 block 16
  // expected-error@+1 {{(C4) block is 32, that of @a 16}}
  dec.cache @b kind cross heads 1 dim 8 block 32
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) has neither a source nor values}}
  dec.weight @w from [] raw : tensor<4xf32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) source #dec.source<"t", 4, 4> is empty, negative or beyond row 2^24}}
  dec.weight @w from [#dec.source<"t", 4, 4>] raw : tensor<4xf32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) the sources have 7 rows, the type 8}}
  dec.weight @w from [#dec.source<"t", 0, 4>, #dec.source<"u", 1, 4>] raw : tensor<8x2xf32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C3) type is 'tensor<4xf64>', expected an f32 tensor of rank 1 or 2 with extents 1..2^24}}
  dec.weight @w from [#dec.source<"t", 0, 4>] raw : tensor<4xf64>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C3) type is 'tensor<4x2x2xf32>', expected}}
  dec.weight @w from [#dec.source<"t", 0, 4>] raw : tensor<4x2x2xf32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C3) type is 'tensor<4x?xf32>', expected}}
  dec.weight @w from [#dec.source<"t", 0, 4>] raw : tensor<4x?xf32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C4) layout panel16 wants rank 2, found 1}}
  dec.weight @w from [#dec.source<"t", 0, 4>] panel16 : tensor<4xf32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C4) layout padded16 wants rank 1, found 2}}
  dec.weight @w from [#dec.source<"t", 0, 4>] padded16 : tensor<4x4xf32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) heads 0 and dim 8 must be 1..1048576}}
  dec.cache @c kind self heads 0 dim 8 block 16
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) block is 24, expected 16, 32 or 64}}
  dec.cache @c kind self heads 1 dim 8 block 24
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) bos_token_id is 20, expected -1 or less than the vocabulary, 20}}
  dec.generation {bos_token_id = 20 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) eos_token_ids is -2, expected -1 or less than the vocabulary, 20}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2, -2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) has 2 characters and 1 ids}}
  dec.text {characters = array<i32: 97, 98>, ids = array<i32: 0>, unknown = -1 : i32, prefix = array<i32>, suffix = array<i32>, specials = array<i32: 0>, pieces = ["a", "b"]}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) characters do not ascend at number 1}}
  dec.text {characters = array<i32: 98, 98>, ids = array<i32: 0, 1>, unknown = -1 : i32, prefix = array<i32>, suffix = array<i32>, specials = array<i32: 0>, pieces = ["a", "b"]}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) unknown is 2, expected -1 or less than 2}}
  dec.text {characters = array<i32: 97>, ids = array<i32: 0>, unknown = 2 : i32, prefix = array<i32>, suffix = array<i32>, specials = array<i32: 0>, pieces = ["a", "b"]}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) id 2 is not within the 2 pieces}}
  dec.text {characters = array<i32: 97>, ids = array<i32: 0>, unknown = -1 : i32, prefix = array<i32>, suffix = array<i32>, specials = array<i32: 2>, pieces = ["a", "b"]}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{requires attribute}}
  "dec.cache"() <{sym_name = "a"}> : () -> ()
  "dec.cache"() <{sym_name = "b"}> : () -> ()
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "torch_decoder", width = 16 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C5) argument 0 is 'tensor<?x32xf32>', but width of the model is 16}}
  func.func @encode(%memory: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    return %memory : tensor<?x32xf32>
  }
  func.func @decode(%x: tensor<?x20xf32>, %rows: !dec.rows) -> tensor<?x20xf32> {
    return %x : tensor<?x20xf32>
  }
}

// -----

dec.model @m attributes {kind = "torch_decoder", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @encode(%memory: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    return %memory : tensor<?x32xf32>
  }
  // expected-error@+1 {{(C5) the result is 'tensor<?x32xf32>', but vocab of the model is 20}}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{requires attribute}}
  "dec.weight"() <{sym_name = "w"}> : () -> ()
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

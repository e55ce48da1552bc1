// Every verifier message of dec.generation's samplers and word lists, and of dec.tokenizer.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) bad_words_ids is 20, expected -1 or less than the vocabulary, 20}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, bad_words_ids = array<i32: 20, -1>}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) decoder_prompt is 20, expected}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, decoder_prompt = array<i32: 1, 20>}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) temperature is 0.000000e+00, expected above 0.000000e+00}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, temperature = 0.0 : f64}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) temperature is INF}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, temperature = 0x7FF0000000000000 : f64}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) repetition_penalty is -1.000000e+00}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, repetition_penalty = -1.0 : f64}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) top_p is 0.000000e+00, expected above}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, top_p = 0.0 : f64}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) top_p is 1.500000e+00}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, top_p = 1.5 : f64}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) min_p is -5.000000e-01, expected 0.000000e+00 to 1.000000e+00}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, min_p = -0.5 : f64}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) top_k is -1, no_repeat_ngram_size 0, expected no negative number}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, top_k = -1 : i32}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) top_k is 50, no_repeat_ngram_size -2}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, no_repeat_ngram_size = -2 : i32}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C3) bad_words_ids has an empty sequence}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, bad_words_ids = array<i32: 3, -1, -1>}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C3) bad_words_ids: the last sequence does not end with -1}}
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32, forced_eos_token_id = -1 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32, num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>, suppress_tokens = array<i32>, begin_suppress_tokens = array<i32>, bad_words_ids = array<i32: 3, -1, 4>}
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) tables is}}
  dec.tokenizer dense<1> : tensor<2x2xi8>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) tables is}}
  dec.tokenizer dense<1> : tensor<4xi32>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.text {characters = array<i32: 97>, ids = array<i32: 0>, unknown = -1 : i32, prefix = array<i32>, suffix = array<i32>, specials = array<i32>, pieces = ["a"]}
  // expected-error@+1 {{(C1) the model has a dec.text too}}
  dec.tokenizer dense<1> : tensor<4xi8>
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// Weights with literal values, tokenizers: every constraint has a case that breaks it.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) has sources and values}}
  dec.weight @w from [#dec.source<"w", 0, 2>] raw values [1.0, 2.0] : tensor<2xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) has 2 values, expected one finite number for each of 3 elements, at most 2^18}}
  dec.weight @w from [] raw values [1.0, 2.0] : tensor<3xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) has 2 values, expected one finite number for each of 2 elements}}
  dec.weight @w from [] raw values [1.0, 1.0e39] : tensor<2xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) tables is 'tensor<2xi16>', expected a dense vector of 1..2^28 i8}}
  dec.tokenizer dense<1> : tensor<2xi16>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

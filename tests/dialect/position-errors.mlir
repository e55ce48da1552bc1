// Gates, positions, frames, norms of groups, capped logits: every constraint has a case that breaks it.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) act is none}}
    %e = dec.gate %x, %x act none : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @f from [] raw values [1.0, 2.0, 3.0, 4.0, 5.0] : tensor<5xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) the result has 9 columns, expected an even number}}
    %e = dec.sinusoid %rows freqs @f offset 0 factor 1.0 : tensor<?x9xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @f from [] raw values [1.0, 2.0, 3.0, 4.0, 5.0] : tensor<5xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) weight @f is 'tensor<5xf32>', expected [4]}}
    %e = dec.sinusoid %rows freqs @f offset 0 factor 1.0 : tensor<?x8xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @f from [] raw values [1.0, 2.0, 3.0, 4.0, 5.0] : tensor<5xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) offset is -1, expected 0..2^24}}
    %e = dec.sinusoid %rows freqs @f offset -1 factor 1.0 : tensor<?x10xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @f from [] raw values [1.0, 2.0, 3.0, 4.0, 5.0] : tensor<5xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) factor is not finite}}
    %e = dec.sinusoid %rows freqs @f offset 0 factor 0x7FF0000000000000 : tensor<?x10xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) 5 heads do not divide the width 32}}
    %e = dec.rope %x angles %y heads 5 : tensor<?x32xf32>, tensor<?x48xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) angles has 48 columns, expected an even number of at most 16}}
    %e = dec.rope %x angles %y heads 2 : tensor<?x32xf32>, tensor<?x48xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) has 1 shifts for 2 inputs, expected one each, 1..8}}
    %e = dec.frames %x, %x rows %rows shifts [0] : tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x64xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) a shift is 2, expected -1, 0 or 1}}
    %e = dec.frames %x rows %rows shifts [2] : tensor<?x32xf32> -> tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) the inputs have different types}}
    %e = dec.frames %x, %y rows %rows shifts [0, 1] : tensor<?x32xf32>, tensor<?x48xf32> -> tensor<?x80xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) the inputs have 64 columns, the result 32}}
    %e = dec.frames %x, %x rows %rows shifts [0, 1] : tensor<?x32xf32>, tensor<?x32xf32> -> tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) stands in @decode: steps of a decoder do not see whole sequences}}
    %e = dec.frames %x rows %rows shifts [0] : tensor<?x32xf32> -> tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @f from [] raw values [1.0, 2.0, 3.0, 4.0, 5.0] : tensor<5xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) weight @f has 5 elements, which do not divide the width 32}}
    %e = dec.norm %x rms weight @f eps 1.0e-5 : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @tab from [#dec.source<"tab", 0, 20>] raw : tensor<20x32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) softcap is 0.000000e+00, expected a positive number}}
    %e = dec.logits %x weight @tab softcap 0.0 : tensor<?x32xf32> -> tensor<?x20xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @tab from [#dec.source<"tab", 0, 20>] raw : tensor<20x32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) scale is not finite}}
    %e = dec.logits %x weight @tab scale 0x7FF0000000000000 : tensor<?x32xf32> -> tensor<?x20xf32>
    return %x : tensor<?x32xf32>
  }
}

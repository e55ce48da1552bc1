// The layer ops: every constraint has a case that breaks it.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) @x is not a dec.weight}}
    %e = dec.embed %ids table @x scale 1.0 : tensor<?xi32> -> tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @tab from [#dec.source<"tab", 0, 20>] raw : tensor<20x32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) weight @tab is 'tensor<20x32xf32>', expected [any, 48]}}
    %e = dec.embed %ids table @tab scale 1.0 : tensor<?xi32> -> tensor<?x48xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @tab from [#dec.source<"tab", 0, 20>] raw : tensor<20x32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) scale is not finite}}
    %e = dec.embed %ids table @tab scale 0x7FF0000000000000 : tensor<?xi32> -> tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @vec from [#dec.source<"vec", 0, 32>] raw : tensor<32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) weight @vec is 'tensor<32xf32>', expected [any, 32]}}
    %e = dec.position %x rows %rows table @vec offset 0 : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @tab from [#dec.source<"tab", 0, 20>] raw : tensor<20x32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) offset is 20, expected 0..19}}
    %e = dec.position %x rows %rows table @tab offset 20 : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @vec from [#dec.source<"vec", 0, 32>] raw : tensor<32xf32>
  dec.weight @vec20 from [#dec.source<"vec20", 0, 20>] raw : tensor<20xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) weight @vec20 is 'tensor<20xf32>', expected [32]}}
    %e = dec.norm %x weight @vec bias @vec20 eps 1.0e-5 : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @vec from [#dec.source<"vec", 0, 32>] raw : tensor<32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) eps is 0.000000e+00, expected a positive number}}
    %e = dec.norm %x weight @vec eps 0.0 : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 48>] raw : tensor<48x32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) weight @w is 'tensor<48x32xf32>', expected [32, 48]}}
    %e = dec.linear %y weight @w : tensor<?x48xf32> -> tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 48>] raw : tensor<48x32xf32>
  dec.weight @vec from [#dec.source<"vec", 0, 32>] raw : tensor<32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) weight @vec is 'tensor<32xf32>', expected [48]}}
    %e = dec.linear %x weight @w bias @vec : tensor<?x32xf32> -> tensor<?x48xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 48>] raw : tensor<48x32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C3) residual is 'tensor<?x32xf32>', the result 'tensor<?x48xf32>'}}
    %e = dec.linear %x weight @w residual %x : tensor<?x32xf32> : tensor<?x32xf32> -> tensor<?x48xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) act is none}}
    %e = dec.activation %x none : tensor<?x32xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) the results have 40 columns, x 32}}
    %e:2 = dec.split %x : tensor<?x32xf32> -> tensor<?x32xf32>, tensor<?x8xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @tab from [#dec.source<"tab", 0, 20>] raw : tensor<20x32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C1) weight @tab is 'tensor<20x32xf32>', expected [20, 48]}}
    %e = dec.logits %y weight @tab : tensor<?x48xf32> -> tensor<?x20xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @tab from [#dec.source<"tab", 0, 20>] raw : tensor<20x32xf32>
  dec.weight @vec from [#dec.source<"vec", 0, 32>] raw : tensor<32xf32>
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{(C2) weight @vec is 'tensor<32xf32>', expected [20]}}
    %e = dec.logits %x weight @tab bias @vec : tensor<?x32xf32> -> tensor<?x20xf32>
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  func.func @decode(%ids: tensor<?xi32>, %x: tensor<?x32xf32>, %y: tensor<?x48xf32>, %rows: !dec.rows, %len: tensor<?xindex>) -> tensor<?x32xf32> {
    // expected-error@+1 {{must be packed rows tensor<?xNxf32> with N in 1..16777216}}
    %e = "dec.split"(%len) : (tensor<?xindex>) -> tensor<?x8xf32>
    return %x : tensor<?x32xf32>
  }
}

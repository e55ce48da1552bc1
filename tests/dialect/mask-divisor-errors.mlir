// (C5) of dec.mask and dec.score: a divisor that may be 0 is refused, at the operation.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) {
    %c = arith.constant 0 : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.floordivsi %k, %c : index
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
    %c = arith.constant 0 : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.divsi %k, %c : index
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
    %c = arith.constant 0 : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.ceildivsi %k, %c : index
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
    %c = arith.constant 0 : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.remsi %k, %c : index
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
    %c = arith.constant 0 : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.divui %k, %c : index
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
    %c = arith.constant 0 : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.ceildivui %k, %c : index
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
    %c = arith.constant 0 : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.remui %k, %c : index
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?xindex>) {
    %c = dec.param %p[%b] : tensor<?xindex>
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.floordivsi %k, %c : index
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.mask @f(%b: index, %h: index, %q: index, %k: index) params(%n: index) {
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.floordivsi %k, %n : index
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
    %c = arith.constant 0 : index
    %m = arith.maxsi %q, %c : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.floordivsi %k, %m : index
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
    %c = arith.constant 1 : index
    %m = arith.minsi %q, %c : index
    // expected-error@+1 {{(C5) may divide by zero: the divisor must be a constant other than 0 or arith.maxsi with a positive constant}}
    %r = arith.floordivsi %k, %m : index
    %t = arith.constant true
    dec.yield %t : i1
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

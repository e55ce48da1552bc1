// Masks that double with each application are refused, not followed.
// RUN: decant-opt %s --dec-inline-masks -verify-diagnostics -split-input-file

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.mask @m0(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.cmpi sle, %k, %q : index
    dec.yield %t : i1
  }
  dec.mask @m1(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m0(%b, %h, %q, %k)
    %y = dec.apply @m0(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m2(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m1(%b, %h, %q, %k)
    %y = dec.apply @m1(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m3(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m2(%b, %h, %q, %k)
    %y = dec.apply @m2(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m4(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m3(%b, %h, %q, %k)
    %y = dec.apply @m3(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m5(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m4(%b, %h, %q, %k)
    %y = dec.apply @m4(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m6(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m5(%b, %h, %q, %k)
    %y = dec.apply @m5(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m7(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m6(%b, %h, %q, %k)
    %y = dec.apply @m6(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m8(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m7(%b, %h, %q, %k)
    %y = dec.apply @m7(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m9(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m8(%b, %h, %q, %k)
    %y = dec.apply @m8(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m10(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m9(%b, %h, %q, %k)
    %y = dec.apply @m9(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  dec.mask @m11(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m10(%b, %h, %q, %k)
    %y = dec.apply @m10(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  // expected-error@+1 {{has more than 4096 ops with the masks that it applies}}
  dec.mask @m12(%b: index, %h: index, %q: index, %k: index) {
    %x = dec.apply @m11(%b, %h, %q, %k)
    %y = dec.apply @m11(%b, %h, %k, %q)
    %z = arith.ori %x, %y : i1
    dec.yield %z : i1
  }
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// A mask or score becomes the text of an expression; parameters of both are numbered through and passed in order.
// RUN: decant-opt %s --dec-select-kernels | FileCheck %s

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  dec.mask @ints(%b: index, %h: index, %q: index, %k: index) {
    %c3 = arith.constant 3 : index
    %neg = arith.constant -1 : index
    %a = arith.addi %q, %c3 : index
    %m = arith.muli %h, %neg : index
    %s = arith.subi %a, %m : index
    %f = arith.floordivsi %s, %c3 : index
    %lo = arith.minsi %f, %k : index
    %hi = arith.maxsi %lo, %b : index
    %p = arith.cmpi sgt, %hi, %q : index
    %r = arith.cmpi ne, %k, %q : index
    %true = arith.constant true
    %n = arith.xori %p, %true : i1
    %x = arith.xori %n, %r : i1
    %o = arith.ori %x, %r : i1
    dec.yield %o : i1
  }
  dec.mask @given(%b: index, %h: index, %q: index, %k: index) params(%keep: tensor<?x?x?x?xi1>, %flag: tensor<1xindex>) {
    %zero = arith.constant 0 : index
    %f = dec.param %flag[%zero] : tensor<1xindex>
    %any = arith.cmpi eq, %f, %zero : index
    %g = dec.param %keep[%b, %h, %q, %k] : tensor<?x?x?x?xi1>
    %o = arith.andi %any, %g : i1
    dec.yield %o : i1
  }
  dec.score @slope(%b: index, %h: index, %q: index, %k: index) params(%bias: tensor<?xf32>) {
    %d = arith.subi %k, %q : index
    %i = arith.index_cast %d : index to i32
    %f = arith.sitofp %i : i32 to f32
    %s = dec.param %bias[%h] : tensor<?xf32>
    %m = arith.mulf %f, %s : f32
    %one = arith.constant 1.0 : f32
    %small = arith.constant 1.0e-20 : f32
    %l = arith.cmpf olt, %m, %small : f32
    %r = arith.select %l, %m, %one : f32
    dec.yield %r : f32
  }
  // CHECK: %[[KEEP:.*]] = plan.param "keep" neutral 1.000000e+00 : memref<?x?x?x?xi8, strided<[?, ?, ?, ?]>>
  // CHECK: %[[FLAG:.*]] = plan.param "flag" neutral 0.000000e+00 : memref<?xi32, strided<[?]>>
  // CHECK: %[[BIAS:.*]] = plan.param "bias" neutral 0.000000e+00 : memref<?xf32, strided<[?]>>
  // CHECK: mask=(or (and (or (not (gt (max (min (floordiv (sub (add q 3) (mul h -1)) 3) k) b) q)) (ne k q)) (not (and (not (gt (max (min (floordiv (sub (add q 3) (mul h -1)) 3) k) b) q)) (ne k q)))) (ne k q)) visit=- full=() score=- params=-" tiles
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows, %keep: tensor<?x?x?x?xi1> {dec.name = "keep", dec.neutral = 1.0}, %flag: tensor<1xindex> {dec.name = "flag", dec.neutral = 0.0}, %bias: tensor<?xf32> {dec.name = "bias", dec.neutral = 0.0}) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 mask @ints() : tensor<?x32xf32>
    // CHECK: mask=(and (eq (load p1 0) 0) (load p0 b h q k)) visit=- full=() score=(select (lt (mul (itof (sub k q)) (load p2 h)) 1e-20) (mul (itof (sub k q)) (load p2 h)) 1.0) params=p0:u8:4,p1:i32:1,p2:f32:1" tiles
    // CHECK-SAME: %[[KEEP]], %[[FLAG]], %[[BIAS]] :
    %b = dec.cached_attention %a cache @c rows %rows heads 2 scale 0.25 mask @given(%keep, %flag : tensor<?x?x?x?xi1>, tensor<1xindex>) score @slope(%bias : tensor<?xf32>) : tensor<?x32xf32>
    return %b : tensor<?x32xf32>
  }
}

// What a tile of queries q0 .. q1 - 1 visits, and what it sees whole, from the mask's own text: names play no part. The
// dump parses back, and a second run gives the same. Conditions and sorted parameters: MaskBoundsTest.cpp.
// RUN: decant-opt %s --dec-derive-mask-bounds | FileCheck %s
// RUN: decant-opt %s --dec-derive-mask-bounds | decant-opt --dec-derive-mask-bounds | FileCheck %s
// RUN: sed 's/@causal/@banana/' %s | decant-opt --dec-derive-mask-bounds > %t.renamed
// RUN: decant-opt %s --dec-derive-mask-bounds | sed 's/@causal/@banana/' | diff - %t.renamed
// RUN: decant-opt %s --dec-derive-mask-bounds --dec-select-kernels | FileCheck %s --check-prefix=SPEC

dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.cache @c kind self heads 2 dim 16 block 16
  // CHECK: dec.mask @causal{{.*}}full = "((0 (add q0 1)))", visit = "((0 q1))"
  dec.mask @causal(%b: index, %h: index, %q: index, %k: index) {
    %keep = arith.cmpi sle, %k, %q : index
    dec.yield %keep : i1
  }
  // CHECK: dec.mask @window{{.*}}full = "(((sub q1 512) (add q0 1)))", visit = "(((sub q0 511) q1))"
  dec.mask @window(%b: index, %h: index, %q: index, %k: index) {
    %c512 = arith.constant 512 : index
    %past = arith.cmpi sle, %k, %q : index
    %first = arith.subi %q, %c512 : index
    %near = arith.cmpi sgt, %k, %first : index
    %keep = arith.andi %past, %near : i1
    dec.yield %keep : i1
  }
  // Flags of import: a mask that may be switched off.
  // CHECK: dec.mask @flag{{.*}}full = "((0 (select (eq (load p0 b) 0) n (add q0 1))))", visit = "((0 (select (eq (load p0 b) 0) n q1)))"
  dec.mask @flag(%b: index, %h: index, %q: index, %k: index) params(%on: tensor<?xindex>) {
    %c0 = arith.constant 0 : index
    %true = arith.constant true
    %f = dec.param %on[%b] : tensor<?xindex>
    %is = arith.cmpi ne, %f, %c0 : index
    %off = arith.xori %is, %true : i1
    %past = arith.cmpi sle, %k, %q : index
    %keep = arith.ori %off, %past : i1
    dec.yield %keep : i1
  }
  // CHECK: dec.mask @document{{.*}}visit = "(((search p0 b (load p0 b q0)) (select (le (load p0 b (sub n 1)) (load p0 b (sub q1 1))) n (search p0 b (add (load p0 b (sub q1 1)) 1)))))"
  dec.mask @document(%b: index, %h: index, %q: index, %k: index) params(%seg: tensor<?x?xindex>) {
    %x = dec.param %seg[%b, %q] sorted : tensor<?x?xindex>
    %y = dec.param %seg[%b, %k] sorted : tensor<?x?xindex>
    %keep = arith.cmpi eq, %x, %y : index
    dec.yield %keep : i1
  }
  // Not sorted: nothing is known.
  // CHECK: dec.mask @unsorted{{.*}}full = "()", visit = "-"
  dec.mask @unsorted(%b: index, %h: index, %q: index, %k: index) params(%seg: tensor<?x?xindex>) {
    %x = dec.param %seg[%b, %q] sorted : tensor<?x?xindex>
    %y = dec.param %seg[%b, %k] : tensor<?x?xindex>
    %keep = arith.cmpi eq, %x, %y : index
    dec.yield %keep : i1
  }
  // A mask that still applies another is left alone.
  // CHECK: dec.mask @composed(%{{[^)]*}}) {
  dec.mask @composed(%b: index, %h: index, %q: index, %k: index) {
    %keep = dec.apply @causal(%b, %h, %q, %k)
    dec.yield %keep : i1
  }
  // SPEC: softcap=30{{.*}} mask=(le k q) visit=((0 q1)) full=((0 (add q0 1))) score=-
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows) -> tensor<?x32xf32> {
    %a = dec.cached_attention %x cache @c rows %rows heads 2 scale 0.25 softcap 30.0 mask @causal() : tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
}

// Caches for encoder and decoder self-attention; cross keys and values, of @decode's memory alone, move to @encode.
// RUN: decant-opt %s --dec-place-caches | FileCheck %s
// RUN: decant-opt %s --dec-place-caches=block=64 | FileCheck %s --check-prefix=BLOCK

dec.model @toy attributes {kind = "torch_decoder", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 64 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] raw : tensor<32x32xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.mask @pad(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
    %n = dec.param %len[%b] : tensor<?xindex>
    %keep = arith.cmpi slt, %k, %n : index
    dec.yield %keep : i1
  }
  // CHECK: func.func @encode(%[[M:.*]]: tensor<?x32xf32> {{.*}}, %[[R:.*]]: !dec.rows
  // CHECK: dec.kv_append @encode.local.0 keys %[[M]] values %[[M]] rows %[[R]]
  // CHECK: %[[A:.*]] = dec.cached_attention %[[M]] cache @encode.local.0 rows %[[R]] heads 2 {{.*}} mask @all()
  // CHECK: %[[KEY:.*]] = dec.linear %[[A]] weight @w
  // CHECK: dec.kv_append @decode.cross.0 keys %[[KEY]] values %[[A]] rows %[[R]]
  // CHECK: return %[[A]]
  func.func @encode(%x: tensor<?x32xf32> {dec.name = "memory"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?x32xf32> {
    %a = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    return %a : tensor<?x32xf32>
  }
  // CHECK: dec.cache @encode.local.0 kind local heads 2 dim 16 block 16
  // CHECK: dec.cache @decode.self.0 kind self heads 2 dim 16 block 16
  // CHECK: dec.cache @decode.cross.0 kind cross heads 2 dim 16 block 16
  // BLOCK-COUNT-3: dec.cache {{.*}} block 64
  // CHECK: func.func @decode(%[[X:[^:]*]]: tensor<?x32xf32> {dec.name = "tgt"}, %[[R2:.*]]: !dec.rows {dec.name = "rows"}) ->
  // CHECK: dec.kv_append @decode.self.0 keys %[[X]] values %[[X]] rows %[[R2]]
  // CHECK: %[[S:.*]] = dec.cached_attention %[[X]] cache @decode.self.0 rows %[[R2]]
  // CHECK-NOT: dec.linear
  // CHECK: %[[N:.*]] = dec.cache_lengths @decode.cross.0
  // CHECK: dec.cached_attention %[[S]] cache @decode.cross.0 rows %[[R2]] heads 2 {{.*}} mask @pad(%[[N]] : tensor<?xindex>)
  func.func @decode(%x: tensor<?x32xf32> {dec.name = "tgt"}, %rows: !dec.rows {dec.name = "rows"}, %memory: tensor<?x32xf32> {dec.name = "memory"}, %memory_rows: !dec.rows {dec.name = "memory_rows"}) -> tensor<?x32xf32> {
    %s = dec.attention %x, %x, %x rows %rows, %rows heads 2 kv_heads 2 scale 0.25 mask @all() : tensor<?x32xf32>, tensor<?x32xf32>
    %k = dec.linear %memory weight @w : tensor<?x32xf32> -> tensor<?x32xf32>
    %n = dec.lengths %memory_rows : tensor<?xindex>
    %c = dec.attention %s, %k, %memory rows %rows, %memory_rows heads 2 kv_heads 2 scale 0.25 mask @pad(%n : tensor<?xindex>) : tensor<?x32xf32>, tensor<?x32xf32>
    return %c : tensor<?x32xf32>
  }
}

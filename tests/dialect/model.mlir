// Round trip of dec.model and its declarations: what is printed parses back and prints alike.
// RUN: decant-opt %s | decant-opt | FileCheck %s

// CHECK-LABEL: dec.model @toy
// CHECK-SAME: batch_first = false
dec.model @toy attributes {kind = "decoder_only", width = 32 : i64, vocab = 4 : i64, max_batch = 4 : i64, max_context = 64 : i64,
                           max_source = 0 : i64, batch_first = false} {
  // CHECK: dec.weight @qk from [#dec.source<"in_proj", 32, 64>, #dec.source<"in_proj", 0, 32>] raw : tensor<64x32xf32>
  dec.weight @qk from [#dec.source<"in_proj", 32, 64>, #dec.source<"in_proj", 0, 32>] raw : tensor<64x32xf32>
  // CHECK: dec.weight @panels from {{.*}} panel16 : tensor<48x32xf32>
  dec.weight @panels from [#dec.source<"fc1", 0, 48>] panel16 : tensor<48x32xf32>
  // CHECK: dec.weight @vector from {{.*}} padded16 : tensor<20xf32>
  dec.weight @vector from [#dec.source<"bias", 0, 20>] padded16 : tensor<20xf32>
  // CHECK: dec.cache @self kind self heads 2 dim 16 block 32
  dec.cache @self kind self heads 2 dim 16 block 32
  // CHECK: dec.cache @cross kind cross heads 1 dim 16 block 32
  dec.cache @cross kind cross heads 1 dim 16 block 32
  // CHECK: dec.cache @local kind local heads 2 dim 8 block 32
  dec.cache @local kind local heads 2 dim 8 block 32
  // CHECK: dec.generation {
  // CHECK-SAME: eos_token_ids = array<i32: 2>
  dec.generation {bos_token_id = 1 : i32, pad_token_id = 0 : i32, decoder_start_token_id = 1 : i32, forced_bos_token_id = -1 : i32,
    forced_eos_token_id = 2 : i32, max_length = 20 : i32, min_length = 0 : i32, max_new_tokens = -1 : i32, min_new_tokens = -1 : i32,
    num_beams = 1 : i32, early_stopping = 0 : i32, length_penalty = 1.0 : f64, eos_token_ids = array<i32: 2>,
    suppress_tokens = array<i32>, begin_suppress_tokens = array<i32: 3>}
  // CHECK: dec.text {
  // CHECK-SAME: pieces = ["<s>", "</s>", "a", "\C3\A9"]
  dec.text {characters = array<i32: 97, 233>, ids = array<i32: 2, 3>, unknown = -1 : i32, prefix = array<i32: 0>,
    suffix = array<i32: 1>, specials = array<i32: 0, 1>, pieces = ["<s>", "</s>", "a", "é"]}
  // CHECK: func.func @decode(%{{.*}}: tensor<?xi32> {dec.name = "input_ids"}, %{{.*}}: !dec.rows {dec.name = "rows"})
  func.func @decode(%ids: tensor<?xi32> {dec.name = "input_ids"}, %rows: !dec.rows {dec.name = "rows"}) -> tensor<?xindex> {
    %len = dec.lengths %rows : tensor<?xindex>
    return %len : tensor<?xindex>
  }
}

// The masks that import/ composes models from. Built into the compiler as text; only what a model uses is copied into it.
//
// keep(b, h, q, k) = true where query position q of sequence b, head h may see key position k. Drawings: rows are
// queries, columns keys, x = visible. In quotes: the name in transformers' masking_utils.py. Tested in tests/import.

// k <= q, "causal_mask_function"; the look-ahead mask.      x . . .
// Vaswani et al. 2017, arXiv:1706.03762, section 3.2.3.     x x . .
//                                                           x x x .
//                                                           x x x x
dec.mask @causal(%b: index, %h: index, %q: index, %k: index) {
  %keep = arith.cmpi sle, %k, %q : index
  dec.yield %keep : i1
}

// true, "bidirectional_mask_function".                      x x x x
//                                                           x x x x
dec.mask @bidirectional(%b: index, %h: index, %q: index, %k: index) {
  %keep = arith.constant true
  dec.yield %keep : i1
}

// k < len[b], "padding_mask_function" for len[b] = 3.       x x x .
// Rows are packed, so padding is a length.                  x x x .
dec.mask @padding(%b: index, %h: index, %q: index, %k: index) params(%len: tensor<?xindex>) {
  %n = dec.param %len[%b] : tensor<?xindex>
  %keep = arith.cmpi slt, %k, %n : index
  dec.yield %keep : i1
}

// keep[b, h, q, k], a boolean tensor of the caller;         x . x .
// transformers: a 4-d attention_mask.                       . x x x
dec.mask @explicit(%b: index, %h: index, %q: index, %k: index) params(%keep: tensor<?x?x?x?xi1>) {
  %visible = dec.param %keep[%b, %h, %q, %k] : tensor<?x?x?x?xi1>
  dec.yield %visible : i1
}

// bias[b, h, q, k], added to the scaled score before the mask: a float attn_mask of PyTorch.
dec.score @explicit_bias(%b: index, %h: index, %q: index, %k: index) params(%bias: tensor<?x?x?x?xf32>) {
  %value = dec.param %bias[%b, %h, %q, %k] : tensor<?x?x?x?xf32>
  dec.yield %value : f32
}

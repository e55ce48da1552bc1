// The named masks and scores that models are composed from. Built into the compiler as text; only what a model uses is
// copied into it: import/ by need, a hand-written model by naming what it does not define.
//
// keep(b, h, q, k) = true where query position q of sequence b, head h may see key position k. Drawings: rows are
// queries, columns keys, x = visible. In quotes: the name in transformers' masking_utils.py. Functions with scalar
// parameters are applied with constants, e.g. params(%w : index). Tested in tests/reference/PreludeTest.cpp.

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

// k > q - window, "sliding_window_overlay", window = 2:     x x x x
// W keys up to the query's own, and those behind it.        x x x x
// And causal: "sliding_window_causal_mask_function".        . x x x
//                                                           . . x x
dec.mask @sliding_window(%b: index, %h: index, %q: index, %k: index) params(%window: index) {
  %oldest = arith.subi %q, %window : index
  %keep = arith.cmpi sgt, %k, %oldest : index
  dec.yield %keep : i1
}

// |q - k| <= window, window = 1,                            x x . .
// "sliding_window_bidirectional_overlay".                   x x x .
// Inclusive: 2 W + 1 keys.                                  . x x x
//                                                           . . x x
dec.mask @sliding_window_bidirectional(%b: index, %h: index, %q: index, %k: index) params(%window: index) {
  %back = arith.subi %q, %k : index
  %ahead = arith.subi %k, %q : index
  %distance = arith.maxsi %back, %ahead : index
  %keep = arith.cmpi sle, %distance, %window : index
  dec.yield %keep : i1
}

// floor(k / chunk) = floor(q / chunk), chunk = 2 (at        x x . .
// least 1), "chunked_overlay" without left padding.         x x . .
// And causal: "chunked_causal_mask_function".               . . x x
//                                                           . . x x
dec.mask @chunked(%b: index, %h: index, %q: index, %k: index) params(%chunk: index) {
  %one = arith.constant 1 : index
  %size = arith.maxsi %chunk, %one : index
  %of_query = arith.floordivsi %q, %size : index
  %of_key = arith.floordivsi %k, %size : index
  %keep = arith.cmpi eq, %of_query, %of_key : index
  dec.yield %keep : i1
}

// k < prefix[b], prefix[b] = 2: keys that all queries       x x . .
// see. Or causal: the prefix LM of Raffel et al. 2020,      x x . .
// arXiv:1910.10683, section 3.2.1.                          x x . .
dec.mask @prefix(%b: index, %h: index, %q: index, %k: index) params(%prefix: tensor<?xindex>) {
  %n = dec.param %prefix[%b] : tensor<?xindex>
  %keep = arith.cmpi slt, %k, %n : index
  dec.yield %keep : i1
}

// segment[b, q] = segment[b, k], segment = 0 0 1 1,         x x . .
// "packed_sequence_mask_function": documents packed         x x . .
// into one sequence. Their numbers ascend.                  . . x x
//                                                           . . x x
dec.mask @document(%b: index, %h: index, %q: index, %k: index) params(%segment: tensor<?x?xindex>) {
  %of_query = dec.param %segment[%b, %q] sorted : tensor<?x?xindex>
  %of_key = dec.param %segment[%b, %k] sorted : tensor<?x?xindex>
  %keep = arith.cmpi eq, %of_query, %of_key : index
  dec.yield %keep : i1
}

// table[h, floor(q / block), floor(k / block)], block = 2   x x . .
// (at least 1), table = 1 0, 1 1: a pattern a head.         x x . .
// Child et al. 2019, arXiv:1904.10509, section 5.           x x x x
//                                                           x x x x
dec.mask @block_sparse(%b: index, %h: index, %q: index, %k: index) params(%table: tensor<?x?x?xi1>, %block: index) {
  %one = arith.constant 1 : index
  %size = arith.maxsi %block, %one : index
  %of_query = arith.floordivsi %q, %size : index
  %of_key = arith.floordivsi %k, %size : index
  %keep = dec.param %table[%h, %of_query, %of_key] : tensor<?x?x?xi1>
  dec.yield %keep : i1
}

// (q - k) mod step = 0, step = 2 (at least 1).              x . x .
// x mod s is x - floor(x / s) * s.                          . x . x
//                                                           x . x .
dec.mask @dilated(%b: index, %h: index, %q: index, %k: index) params(%step: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %size = arith.maxsi %step, %one : index
  %distance = arith.subi %q, %k : index
  %times = arith.floordivsi %distance, %size : index
  %whole = arith.muli %times, %size : index
  %rest = arith.subi %distance, %whole : index
  %keep = arith.cmpi eq, %rest, %zero : index
  dec.yield %keep : i1
}

// bias[b, h, q, k], added to the scaled score before the mask: a float attn_mask of PyTorch.
dec.score @explicit_bias(%b: index, %h: index, %q: index, %k: index) params(%bias: tensor<?x?x?x?xf32>) {
  %value = dec.param %bias[%b, %h, %q, %k] : tensor<?x?x?x?xf32>
  dec.yield %value : f32
}

// slope(h) * (k - q); n = the largest power of two up to heads (1 to 4096): slope(h) = 2^(-8 (h + 1) / n) for h < n,
// then 2^(-4 (2 (h - n) + 1) / n), every other slope of 2 n heads. Press et al. 2022, arXiv:2108.12409, section 3 and
// get_slopes of its code.
dec.score @alibi(%b: index, %h: index, %q: index, %k: index) params(%heads: index) {
  %c1 = arith.constant 1 : index
  %r1 = arith.constant 1.0 : f32
  %c2 = arith.constant 2 : index
  %r2 = arith.constant 0.5 : f32
  %is2 = arith.cmpi sge, %heads, %c2 : index
  %n2 = arith.select %is2, %c2, %c1 : index
  %inverse2 = arith.select %is2, %r2, %r1 : f32
  %c4 = arith.constant 4 : index
  %r4 = arith.constant 0.25 : f32
  %is4 = arith.cmpi sge, %heads, %c4 : index
  %n4 = arith.select %is4, %c4, %n2 : index
  %inverse4 = arith.select %is4, %r4, %inverse2 : f32
  %c8 = arith.constant 8 : index
  %r8 = arith.constant 0.125 : f32
  %is8 = arith.cmpi sge, %heads, %c8 : index
  %n8 = arith.select %is8, %c8, %n4 : index
  %inverse8 = arith.select %is8, %r8, %inverse4 : f32
  %c16 = arith.constant 16 : index
  %r16 = arith.constant 0.0625 : f32
  %is16 = arith.cmpi sge, %heads, %c16 : index
  %n16 = arith.select %is16, %c16, %n8 : index
  %inverse16 = arith.select %is16, %r16, %inverse8 : f32
  %c32 = arith.constant 32 : index
  %r32 = arith.constant 0.03125 : f32
  %is32 = arith.cmpi sge, %heads, %c32 : index
  %n32 = arith.select %is32, %c32, %n16 : index
  %inverse32 = arith.select %is32, %r32, %inverse16 : f32
  %c64 = arith.constant 64 : index
  %r64 = arith.constant 0.015625 : f32
  %is64 = arith.cmpi sge, %heads, %c64 : index
  %n64 = arith.select %is64, %c64, %n32 : index
  %inverse64 = arith.select %is64, %r64, %inverse32 : f32
  %c128 = arith.constant 128 : index
  %r128 = arith.constant 0.0078125 : f32
  %is128 = arith.cmpi sge, %heads, %c128 : index
  %n128 = arith.select %is128, %c128, %n64 : index
  %inverse128 = arith.select %is128, %r128, %inverse64 : f32
  %c256 = arith.constant 256 : index
  %r256 = arith.constant 0.00390625 : f32
  %is256 = arith.cmpi sge, %heads, %c256 : index
  %n256 = arith.select %is256, %c256, %n128 : index
  %inverse256 = arith.select %is256, %r256, %inverse128 : f32
  %c512 = arith.constant 512 : index
  %r512 = arith.constant 0.001953125 : f32
  %is512 = arith.cmpi sge, %heads, %c512 : index
  %n512 = arith.select %is512, %c512, %n256 : index
  %inverse512 = arith.select %is512, %r512, %inverse256 : f32
  %c1024 = arith.constant 1024 : index
  %r1024 = arith.constant 0.0009765625 : f32
  %is1024 = arith.cmpi sge, %heads, %c1024 : index
  %n1024 = arith.select %is1024, %c1024, %n512 : index
  %inverse1024 = arith.select %is1024, %r1024, %inverse512 : f32
  %c2048 = arith.constant 2048 : index
  %r2048 = arith.constant 0.00048828125 : f32
  %is2048 = arith.cmpi sge, %heads, %c2048 : index
  %n2048 = arith.select %is2048, %c2048, %n1024 : index
  %inverse2048 = arith.select %is2048, %r2048, %inverse1024 : f32
  %c4096 = arith.constant 4096 : index
  %r4096 = arith.constant 0.000244140625 : f32
  %is4096 = arith.cmpi sge, %heads, %c4096 : index
  %n4096 = arith.select %is4096, %c4096, %n2048 : index
  %inverse4096 = arith.select %is4096, %r4096, %inverse2048 : f32
  %first = arith.cmpi slt, %h, %n4096 : index
  %twice = arith.muli %h, %c2 : index
  %even = arith.addi %twice, %c2 : index
  %twice_n = arith.muli %n4096, %c2 : index
  %behind = arith.subi %twice, %twice_n : index
  %odd = arith.addi %behind, %c1 : index
  %steps = arith.select %first, %even, %odd : index
  %steps32 = arith.index_cast %steps : index to i32
  %steps_real = arith.sitofp %steps32 : i32 to f32
  %part = arith.mulf %steps_real, %inverse4096 : f32
  %minus_4_ln_2 = arith.constant -2.7725887222397811 : f32
  %exponent = arith.mulf %part, %minus_4_ln_2 : f32
  %slope = math.exp %exponent : f32
  %distance = arith.subi %k, %q : index
  %distance32 = arith.index_cast %distance : index to i32
  %distance_real = arith.sitofp %distance32 : i32 to f32
  %value = arith.mulf %slope, %distance_real : f32
  dec.yield %value : f32
}

// bias[bucket(k - q), h]: relative_attention_bias of T5's encoder, 32 buckets, max_distance 128. d = |k - q| < 8 is a
// bucket of its own; 8 + j begins at d = ceil(8 * 2^(j / 2)), as 8 log(d / 8) / log 16 >= j; later keys add 16.
// Raffel et al. 2020, section 2.1; transformers: T5Attention._relative_position_bucket.
dec.score @t5_bias_bidirectional(%b: index, %h: index, %q: index, %k: index) params(%bias: tensor<?x?xf32>) {
  %ahead = arith.subi %k, %q : index
  %back = arith.subi %q, %k : index
  %distance = arith.maxsi %ahead, %back : index
  %exact = arith.constant 8 : index
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %near = arith.cmpi slt, %distance, %exact : index
  %t12 = arith.constant 12 : index
  %far12 = arith.cmpi sge, %distance, %t12 : index
  %more12 = arith.select %far12, %one, %zero : index
  %up12 = arith.addi %exact, %more12 : index
  %t16 = arith.constant 16 : index
  %far16 = arith.cmpi sge, %distance, %t16 : index
  %more16 = arith.select %far16, %one, %zero : index
  %up16 = arith.addi %up12, %more16 : index
  %t23 = arith.constant 23 : index
  %far23 = arith.cmpi sge, %distance, %t23 : index
  %more23 = arith.select %far23, %one, %zero : index
  %up23 = arith.addi %up16, %more23 : index
  %t32 = arith.constant 32 : index
  %far32 = arith.cmpi sge, %distance, %t32 : index
  %more32 = arith.select %far32, %one, %zero : index
  %up32 = arith.addi %up23, %more32 : index
  %t46 = arith.constant 46 : index
  %far46 = arith.cmpi sge, %distance, %t46 : index
  %more46 = arith.select %far46, %one, %zero : index
  %up46 = arith.addi %up32, %more46 : index
  %t64 = arith.constant 64 : index
  %far64 = arith.cmpi sge, %distance, %t64 : index
  %more64 = arith.select %far64, %one, %zero : index
  %up64 = arith.addi %up46, %more64 : index
  %t91 = arith.constant 91 : index
  %far91 = arith.cmpi sge, %distance, %t91 : index
  %more91 = arith.select %far91, %one, %zero : index
  %up91 = arith.addi %up64, %more91 : index
  %within = arith.select %near, %distance, %up91 : index
  %half = arith.constant 16 : index
  %later = arith.cmpi sgt, %k, %q : index
  %side = arith.select %later, %half, %zero : index
  %bucket = arith.addi %within, %side : index
  %value = dec.param %bias[%bucket, %h] : tensor<?x?xf32>
  dec.yield %value : f32
}

// The same of T5's decoder: later keys are as near as the query's own, d < 16 is a bucket of its own, 16 + j begins at
// d = ceil(16 * 2^(3 j / 16)).
dec.score @t5_bias_causal(%b: index, %h: index, %q: index, %k: index) params(%bias: tensor<?x?xf32>) {
  %back = arith.subi %q, %k : index
  %c0 = arith.constant 0 : index
  %distance = arith.maxsi %back, %c0 : index
  %exact = arith.constant 16 : index
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %near = arith.cmpi slt, %distance, %exact : index
  %t19 = arith.constant 19 : index
  %far19 = arith.cmpi sge, %distance, %t19 : index
  %more19 = arith.select %far19, %one, %zero : index
  %up19 = arith.addi %exact, %more19 : index
  %t21 = arith.constant 21 : index
  %far21 = arith.cmpi sge, %distance, %t21 : index
  %more21 = arith.select %far21, %one, %zero : index
  %up21 = arith.addi %up19, %more21 : index
  %t24 = arith.constant 24 : index
  %far24 = arith.cmpi sge, %distance, %t24 : index
  %more24 = arith.select %far24, %one, %zero : index
  %up24 = arith.addi %up21, %more24 : index
  %t27 = arith.constant 27 : index
  %far27 = arith.cmpi sge, %distance, %t27 : index
  %more27 = arith.select %far27, %one, %zero : index
  %up27 = arith.addi %up24, %more27 : index
  %t31 = arith.constant 31 : index
  %far31 = arith.cmpi sge, %distance, %t31 : index
  %more31 = arith.select %far31, %one, %zero : index
  %up31 = arith.addi %up27, %more31 : index
  %t35 = arith.constant 35 : index
  %far35 = arith.cmpi sge, %distance, %t35 : index
  %more35 = arith.select %far35, %one, %zero : index
  %up35 = arith.addi %up31, %more35 : index
  %t40 = arith.constant 40 : index
  %far40 = arith.cmpi sge, %distance, %t40 : index
  %more40 = arith.select %far40, %one, %zero : index
  %up40 = arith.addi %up35, %more40 : index
  %t46 = arith.constant 46 : index
  %far46 = arith.cmpi sge, %distance, %t46 : index
  %more46 = arith.select %far46, %one, %zero : index
  %up46 = arith.addi %up40, %more46 : index
  %t52 = arith.constant 52 : index
  %far52 = arith.cmpi sge, %distance, %t52 : index
  %more52 = arith.select %far52, %one, %zero : index
  %up52 = arith.addi %up46, %more52 : index
  %t59 = arith.constant 59 : index
  %far59 = arith.cmpi sge, %distance, %t59 : index
  %more59 = arith.select %far59, %one, %zero : index
  %up59 = arith.addi %up52, %more59 : index
  %t67 = arith.constant 67 : index
  %far67 = arith.cmpi sge, %distance, %t67 : index
  %more67 = arith.select %far67, %one, %zero : index
  %up67 = arith.addi %up59, %more67 : index
  %t77 = arith.constant 77 : index
  %far77 = arith.cmpi sge, %distance, %t77 : index
  %more77 = arith.select %far77, %one, %zero : index
  %up77 = arith.addi %up67, %more77 : index
  %t87 = arith.constant 87 : index
  %far87 = arith.cmpi sge, %distance, %t87 : index
  %more87 = arith.select %far87, %one, %zero : index
  %up87 = arith.addi %up77, %more87 : index
  %t99 = arith.constant 99 : index
  %far99 = arith.cmpi sge, %distance, %t99 : index
  %more99 = arith.select %far99, %one, %zero : index
  %up99 = arith.addi %up87, %more99 : index
  %t113 = arith.constant 113 : index
  %far113 = arith.cmpi sge, %distance, %t113 : index
  %more113 = arith.select %far113, %one, %zero : index
  %up113 = arith.addi %up99, %more113 : index
  %within = arith.select %near, %distance, %up113 : index
  %value = dec.param %bias[%within, %h] : tensor<?x?xf32>
  dec.yield %value : f32
}

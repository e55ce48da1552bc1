// The plan ops: every constraint has a case that breaks it.
// RUN: decant-opt %s -verify-diagnostics -split-input-file

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C1) the name is @prefill, expected @encode or @decode}}
  plan.entry @prefill {
    plan.return
  }
  func.func @decode(%x: tensor<?x32xf32>, %rows: !dec.rows) -> tensor<?x32xf32> {
    return %x : tensor<?x32xf32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  // expected-error@+1 {{(C2) the body does not end in plan.return}}
  plan.entry @decode {
    %i = plan.input "ids" : memref<?xi32>
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C1) "tokens" is not an input of the runtime}}
    %i = plan.input "tokens" : memref<?xi32>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C1) @c is not a dec.weight}}
    %i = plan.weight @c : memref<2x32x16x1xf32>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C1) @w is not a dec.cache}}
    %i = plan.pool keys @w : memref<?x2x16x16xf32>
    plan.return
  }
}

// -----

// expected-error@+1 {{(C1) @w is not a dec.weight}}
%i = plan.weight @w : memref<2x32x16x1xf32>

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C1) region is tiles, expected rows or out_rows}}
    %i = plan.alloc tiles : memref<?x32xf32, strided<[32, 1]>>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C2) }}
    %i = plan.alloc rows : memref<?x20xf32, strided<[20, 1]>>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C2) }}
    %i = plan.alloc rows : memref<?x32xf32, strided<[16, 1]>>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C2) }}
    %i = plan.alloc rows : memref<?x?xf32, strided<[16, 1]>>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C2) }}
    %i = plan.alloc rows : memref<?x16xi32>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) }}
    %v = plan.view %a[16] : memref<?x32xf32, strided<[32, 1]>> -> memref<?x32xf32, strided<[32, 1], offset: 16>>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) }}
    %v = plan.view %a[16] : memref<?x32xf32, strided<[32, 1]>> -> memref<?x16xf32, strided<[16, 1], offset: 16>>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) }}
    %v = plan.view %a[16] : memref<?x32xf32, strided<[32, 1]>> -> memref<?x16xf32, strided<[32, 1]>>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) }}
    %v = plan.view %a[16] : memref<?x32xf32, strided<[32, 1]>> -> memref<?xf32>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.input "features" : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) }}
    %v = plan.view %a[0] : memref<?x32xf32, strided<[32, 1]>> -> memref<?x16xf32, strided<[32, 1]>>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) spec "norm n=32": key 'groups' is missing}}
    plan.call "x" "norm n=32" rows ins(%a, %a : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) spec}}
    plan.call "x" "attention heads=2 kv_heads=2 d=16 block=16 scale=1 softcap=0 mask=(lt q) visit=- full=() score=- params=-" tiles ins(%a, %a, %a, %a, %a, %a : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{"(add q k)" is not a truth value}}
    plan.call "x" "attention heads=2 kv_heads=2 d=16 block=16 scale=1 softcap=0 mask=(add q k) visit=- full=() score=- params=-" tiles ins(%a, %a, %a, %a, %a, %a : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{"true" is not an f32}}
    plan.call "x" "attention heads=2 kv_heads=2 d=16 block=16 scale=1 softcap=0 mask=true visit=- full=() score=true params=-" tiles ins(%a, %a, %a, %a, %a, %a : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) rows is rows, its kernel goes by tiles}}
    plan.call "x" "attention heads=2 kv_heads=2 d=16 block=16 scale=1 softcap=0 mask=true visit=- full=() score=- params=-" rows ins(%a, %a, %a, %a, %a, %a : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C1) rows is rows, its kernel goes by out_rows}}
    plan.call "x" "linear k=32 n=32 bias=0 act=none residual=0 gather=1 scale=1 softcap=0" rows ins(%a, %a, %a : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C2) has 2 inputs and 1 outputs, the spec 3 and 1}}
    plan.call "x" "norm n=32 groups=1 eps=1e-05 rms=0 plus_one=0 bias=1" rows ins(%a, %a : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 20 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{(C2) has 6 inputs and 1 outputs, the spec 7 and 1}}
    plan.call "x" "attention heads=2 kv_heads=2 d=16 block=16 scale=1 softcap=0 mask=(lt k (load p0 b)) visit=- full=() score=- params=p0:i32:1" tiles ins(%a, %a, %a, %a, %a, %a : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    %n = plan.weight @n : memref<32xf32>
    // expected-error-re@+1 {{(C3) input 0 is {{.*}}, the spec wants memref<?x6000xf32>}}
    plan.call "x" "norm n=6000 groups=1 eps=1e-05 rms=0 plus_one=0 bias=0" rows ins(%a, %n : memref<?x32xf32, strided<[32, 1]>>, memref<32xf32>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    %w = plan.weight @w : memref<2x32x16x1xf32>
    // expected-error-re@+1 {{(C3) input 1 is {{.*}}, the spec wants memref<1x32x16x1xf32>}}
    plan.call "x" "linear k=32 n=16 bias=0 act=none residual=0 gather=0 scale=1 softcap=0" rows ins(%a, %w : memref<?x32xf32, strided<[32, 1]>>, memref<2x32x16x1xf32>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    %w = plan.weight @w : memref<2x32x16x1xf32>
    %v = plan.view %a[0] : memref<?x32xf32, strided<[32, 1]>> -> memref<?x16xf32, strided<[32, 1]>>
    // expected-error-re@+1 {{(C3) output 0 is {{.*}}, the spec wants memref<?x32xf32>}}
    plan.call "x" "linear k=32 n=32 bias=0 act=none residual=0 gather=0 scale=1 softcap=0" rows ins(%a, %w : memref<?x32xf32, strided<[32, 1]>>, memref<2x32x16x1xf32>) outs(%v : memref<?x16xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    %i = plan.input "self_block" : memref<?xi32>
    %k = plan.pool keys @c : memref<?x2x16x16xf32>
    %v = plan.pool values @c : memref<?x2x16x16xf32>
    // expected-error-re@+1 {{(C3) output 0 is {{.*}}, the spec wants memref<?x1x32x16xf32>}}
    plan.call "x" "kv_append heads=1 d=32 block=16" rows ins(%a, %a, %i, %i : memref<?x32xf32, strided<[32, 1]>>, memref<?x32xf32, strided<[32, 1]>>, memref<?xi32>, memref<?xi32>) outs(%k, %v : memref<?x2x16x16xf32>, memref<?x2x16x16xf32>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    %ids = plan.input "ids" : memref<?xi32>
    %n = plan.weight @n : memref<32xf32>
    // expected-error-re@+1 {{(C3) input 1 is {{.*}}, the spec wants memref<nx32xf32>}}
    plan.call "x" "embed n=32 scale=1 positions=0 offset=0" rows ins(%ids, %n : memref<?xi32>, memref<32xf32>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    %k = plan.pool keys @c : memref<?x2x16x16xf32>
    %v = plan.pool values @c : memref<?x2x16x16xf32>
    %t = plan.input "self_table" : memref<?x?xi32>
    %l = plan.input "self_len" : memref<?xi32>
    %tiles = plan.input "tiles" : memref<?x4xi32>
    %p = plan.param "p" neutral 1.0 : memref<?xi32, strided<[?]>>
    // expected-error-re@+1 {{(C3) input 6 is {{.*}}, the spec wants memref<?xi8>}}
    plan.call "x" "attention heads=2 kv_heads=2 d=16 block=16 scale=1 softcap=0 mask=(load p0 b) visit=- full=() score=- params=p0:u8:1" tiles ins(%a, %k, %v, %t, %l, %tiles, %p : memref<?x32xf32, strided<[32, 1]>>, memref<?x2x16x16xf32>, memref<?x2x16x16xf32>, memref<?x?xi32>, memref<?xi32>, memref<?x4xi32>, memref<?xi32, strided<[?]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    %a = plan.alloc rows : memref<?x32xf32, strided<[32, 1]>>
    // expected-error@+1 {{a size is beyond 2^24}}
    plan.call "x" "elementwise n=9000000000000000000 act=relu gate=0 residual=0" rows ins(%a : memref<?x32xf32, strided<[32, 1]>>) outs(%a : memref<?x32xf32, strided<[32, 1]>>)
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C2) is 'memref<32x32xf32>', the declaration makes it 'memref<2x32x16x1xf32>'}}
    %w = plan.weight @w : memref<32x32xf32>
    plan.return
  }
}

// -----

dec.model @m attributes {kind = "decoder_only", width = 32 : i64, vocab = 0 : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {
  dec.weight @w from [#dec.source<"w", 0, 32>] panel16 : tensor<32x32xf32>
  dec.weight @n from [#dec.source<"n", 0, 32>] padded16 : tensor<32xf32>
  dec.cache @c kind self heads 2 dim 16 block 16
  plan.entry @decode {
    // expected-error@+1 {{(C2) is 'memref<?x2x16x32xf32>', the declaration makes it 'memref<?x2x16x16xf32>'}}
    %v = plan.pool values @c : memref<?x2x16x32xf32>
    plan.return
  }
}

// A decoder layer with a mask of its own: within its document, a query sees the prefix and the 20 newest positions.
// Pre-norm, 3 heads of 16, relu. @document, @prefix, @causal and @sliding_window come from the prelude.
dec.model @layer attributes {kind = "decoder_only", width = 48 : i64, vocab = 0 : i64, max_batch = 8 : i64,
                             max_context = 512 : i64, max_source = 0 : i64, batch_first = true} {
  dec.weight @norm1 from [#dec.source<"norm1.weight", 0, 48>] raw : tensor<48xf32>
  dec.weight @norm1_bias from [#dec.source<"norm1.bias", 0, 48>] raw : tensor<48xf32>
  dec.weight @qkv from [#dec.source<"qkv.weight", 0, 144>] raw : tensor<144x48xf32>
  dec.weight @qkv_bias from [#dec.source<"qkv.bias", 0, 144>] raw : tensor<144xf32>
  dec.weight @out from [#dec.source<"out.weight", 0, 48>] raw : tensor<48x48xf32>
  dec.weight @out_bias from [#dec.source<"out.bias", 0, 48>] raw : tensor<48xf32>
  dec.weight @norm2 from [#dec.source<"norm2.weight", 0, 48>] raw : tensor<48xf32>
  dec.weight @norm2_bias from [#dec.source<"norm2.bias", 0, 48>] raw : tensor<48xf32>
  dec.weight @up from [#dec.source<"up.weight", 0, 100>] raw : tensor<100x48xf32>
  dec.weight @up_bias from [#dec.source<"up.bias", 0, 100>] raw : tensor<100xf32>
  dec.weight @down from [#dec.source<"down.weight", 0, 48>] raw : tensor<48x100xf32>
  dec.weight @down_bias from [#dec.source<"down.bias", 0, 48>] raw : tensor<48xf32>

  // document and (prefix or (causal and sliding_window))
  dec.mask @mine(%b: index, %h: index, %q: index, %k: index)
      params(%segment: tensor<?x?xindex>, %prefix: tensor<?xindex>) {
    %window = arith.constant 20 : index
    %same = dec.apply @document(%b, %h, %q, %k) params(%segment : tensor<?x?xindex>)
    %early = dec.apply @prefix(%b, %h, %q, %k) params(%prefix : tensor<?xindex>)
    %past = dec.apply @causal(%b, %h, %q, %k)
    %near = dec.apply @sliding_window(%b, %h, %q, %k) params(%window : index)
    %recent = arith.andi %past, %near : i1
    %seen = arith.ori %early, %recent : i1
    %keep = arith.andi %same, %seen : i1
    dec.yield %keep : i1
  }

  func.func @decode(%x: tensor<?x48xf32> {dec.name = "inputs_embeds"}, %rows: !dec.rows {dec.name = "rows"},
                    %segment: tensor<?x?xindex> {dec.name = "segment", dec.neutral = 0.0 : f64},
                    %prefix: tensor<?xindex> {dec.name = "prefix", dec.neutral = 0.0 : f64}) -> tensor<?x48xf32> {
    %a = dec.norm %x weight @norm1 bias @norm1_bias eps 1.0e-5 : tensor<?x48xf32>
    %qkv = dec.linear %a weight @qkv bias @qkv_bias : tensor<?x48xf32> -> tensor<?x144xf32>
    %q, %k, %v = dec.split %qkv : tensor<?x144xf32> -> tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>
    %o = dec.attention %q, %k, %v rows %rows, %rows heads 3 kv_heads 3 scale 0.25
         mask @mine(%segment, %prefix : tensor<?x?xindex>, tensor<?xindex>) : tensor<?x48xf32>, tensor<?x48xf32>
    %p = dec.linear %o weight @out bias @out_bias : tensor<?x48xf32> -> tensor<?x48xf32>
    %y = dec.residual %x, %p : tensor<?x48xf32>
    %n = dec.norm %y weight @norm2 bias @norm2_bias eps 1.0e-5 : tensor<?x48xf32>
    %u = dec.linear %n weight @up bias @up_bias : tensor<?x48xf32> -> tensor<?x100xf32>
    %r = dec.activation %u relu : tensor<?x100xf32>
    %d = dec.linear %r weight @down bias @down_bias : tensor<?x100xf32> -> tensor<?x48xf32>
    %z = dec.residual %y, %d : tensor<?x48xf32>
    func.return %z : tensor<?x48xf32>
  }
}

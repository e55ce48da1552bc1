// Scaled dot-product attention with a mask function, over values (import) or over a KV cache (phase cache on).
#ifndef DECANT_ATTENTION_OPS_TD
#define DECANT_ATTENTION_OPS_TD
include "DecBase.td"

def LengthsOp : DecOp<"lengths", [Pure]> {
  let summary = "Length of each sequence, its earlier tokens included: positions + new rows";
  let description = [{ Example: %len = dec.lengths %rows : tensor<?xindex> }];
  let arguments = (ins DecRowsType:$rows);
  let results = (outs DecLengthTensor:$result);
  let assemblyFormat = "$rows attr-dict `:` type($result)";
}

def CacheLengthsOp : DecOp<"cache_lengths"> {
  let summary = "Tokens of each sequence in a cache";
  let description = [{
    Reads the state that kv_append of the same step leaves.   (C1) cache is a dec.cache.
    Example: %len = dec.cache_lengths @decoder.0.cross : tensor<?xindex>
  }];
  let arguments = (ins FlatSymbolRefAttr:$cache);
  let results = (outs DecLengthTensor:$result);
  let assemblyFormat = "$cache attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def KvAppendOp : DecOp<"kv_append", [AllTypesMatch<["key", "value"]>]> {
  let summary = "Appends each row's key and value to its sequence in the cache";
  let description = [{
    (C1) cache is a dec.cache.   (C2) key and value are [R, kv_heads * head_dim] of the cache.
    Example: dec.kv_append @decoder.0.self keys %k values %v rows %rows : tensor<?x128xf32>
  }];
  let arguments = (ins FlatSymbolRefAttr:$cache, DecRowTensor:$key, DecRowTensor:$value, DecRowsType:$rows);
  let assemblyFormat = "$cache `keys` $key `values` $value `rows` $rows attr-dict `:` type($key)";
  let hasVerifier = 1;
}

def AttentionOp : DecOp<"attention", [Pure, AttrSizedOperandSegments, AllTypesMatch<["query", "result"]>, AllTypesMatch<["key", "value"]>]> {
  let summary = "softmax(scale * Q K^T + score, over the keys that the mask shows) V";
  let description = [{
    For query row r of sequence b at position q, head h, over the keys k (positions) of the same sequence b:
      s(k) = cap(scale * dot(query[r, h], key[k, h / (heads / kv_heads)])) + score(b, h, q, k); with softcap c, cap(x) = c tanh(x / c)
      w = softmax of s over the k with mask(b, h, q, k); result[r, h] = sum_k w(k) * value[k, h / (heads / kv_heads)]
    No visible key: exactly 0. A masked key or value does not reach the result. (Vaswani et al. 2017, arXiv:1706.03762)
    (C1) heads is a multiple of kv_heads.   (C2) the widths of query and key are heads * D and kv_heads * D.
    (C3) mask is a dec.mask and its parameters have the types of mask_params; the same for score (a dec.score).
    (C4) scale is finite; softcap is positive and finite.
    Example:
      %o = dec.attention %q, %k, %v rows %rows, %rows heads 2 kv_heads 1 scale 0.125 mask @causal()
           : tensor<?x128xf32>, tensor<?x64xf32>
  }];
  let arguments = (ins DecRowTensor:$query, DecRowTensor:$key, DecRowTensor:$value, DecRowsType:$query_rows, DecRowsType:$key_rows,
    SignedI64Attr:$heads, SignedI64Attr:$kv_heads, F64Attr:$scale, OptionalAttr<F64Attr>:$softcap, FlatSymbolRefAttr:$mask, Variadic<DecParamTensor>:$mask_params,
    OptionalAttr<FlatSymbolRefAttr>:$score, Variadic<DecParamTensor>:$score_params);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = [{ $query `,` $key `,` $value `rows` $query_rows `,` $key_rows `heads` $heads `kv_heads` $kv_heads `scale` $scale
    (`softcap` $softcap^)? `mask` $mask `(` ($mask_params^ `:` type($mask_params))? `)` (`score` $score^ `(` ($score_params^ `:` type($score_params))? `)`)?
    attr-dict `:` type($query) `,` type($key) }];
  let hasVerifier = 1;
}

def CachedAttentionOp : DecOp<"cached_attention", [AttrSizedOperandSegments, AllTypesMatch<["query", "result"]>]> {
  let summary = "dec.attention over the keys and values of a cache";
  let description = [{
    (C1) cache is a dec.cache.   (C2) the width of query is heads * head_dim, heads a multiple of the cache's kv_heads.
    (C3), (C4) as dec.attention.
    Example:
      %o = dec.cached_attention %q cache @decoder.0.self rows %rows heads 2 scale 0.125 mask @causal() : tensor<?x128xf32>
  }];
  let arguments = (ins DecRowTensor:$query, FlatSymbolRefAttr:$cache, DecRowsType:$query_rows, SignedI64Attr:$heads, F64Attr:$scale,
    OptionalAttr<F64Attr>:$softcap, FlatSymbolRefAttr:$mask, Variadic<DecParamTensor>:$mask_params, OptionalAttr<FlatSymbolRefAttr>:$score,
    Variadic<DecParamTensor>:$score_params);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = [{ $query `cache` $cache `rows` $query_rows `heads` $heads `scale` $scale
    (`softcap` $softcap^)? `mask` $mask `(` ($mask_params^ `:` type($mask_params))? `)` (`score` $score^ `(` ($score_params^ `:` type($score_params))? `)`)?
    attr-dict `:` type($query) }];
  let hasVerifier = 1;
}
#endif

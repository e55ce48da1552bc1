// dec.model and what stands at its top level: weights, caches, generation defaults, text tables.
#ifndef DECANT_MODEL_OPS_TD
#define DECANT_MODEL_OPS_TD
include "DecBase.td"

def ModelOp : DecOp<"model", [SymbolTable, Symbol, IsolatedFromAbove, NoTerminator, SingleBlock, NoRegionArguments]> {
  let summary = "A model: weights, masks, caches and its entry functions";
  let description = [{
    Entries are `func.func`s named @encode and @decode. kind says which exist:
    (C1) "encoder_decoder" and "torch_decoder" have both, "decoder_only" has @decode alone.
    (C2) width, vocab (0 = no head), max_batch, max_context, max_source are within the limits of SPEC.md.
    (C3) no func.func but the entries; each has one block and one result.   (C4) all caches have the same block.
    (C5) packed rows that an entry takes, and those that it returns, have `width` columns, those that @encode takes
    `source_width` if it is given; logits of @decode have `vocab` (decoder_only: checked when the artifact's tables are written).
    Example:
      dec.model @g2p {kind = "encoder_decoder", width = 128 : i64, vocab = 63 : i64, max_batch = 32 : i64,
                      max_context = 64 : i64, max_source = 64 : i64, batch_first = true} { ... }
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$kind, SignedI64Attr:$width, SignedI64Attr:$vocab, SignedI64Attr:$max_batch,
    SignedI64Attr:$max_context, SignedI64Attr:$max_source, DefaultValuedAttr<BoolAttr, "true">:$batch_first,
    OptionalAttr<SignedI64Attr>:$source_width);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1; // reads the ops of the body: they are verified by then
}

def WeightOp : DecOp<"weight", [Symbol, HasParent<"ModelOp">]> {
  let summary = "A weight: rows of raw tensors, one below the other, or literal values";
  let description = [{
    The data stays in the weight file. sources are concatenated along dimension 0 (a weight of rank 1 may name a raw tensor
    [1, n], read as a vector of n; one of rank 2 a raw tensor [n, a, b, ..], read as [n, a * b * ..]; transposed: a raw
    [k, n], read as [n, k]). A small weight that no file holds (frequencies, slopes) has values instead, row-major, and no source.
    layout says how emit lays the result
    out: raw (row-major), padded16 (a vector, zeros up to a multiple of 16), panel16 (`W(1, 16, K, N/16)`, zero columns
    up to a multiple of 16; the weight is [N, K]).
    (C1) there are sources or values, not both; each source has 0 <= begin < end <= 2^24.
    (C2) the rows of the sources add up to dimension 0, or there is one finite value an element, at most 2^18.
    (C3) type: rank 1 or 2, f32, extents 1..2^24.   (C4) panel16 wants rank 2, padded16 rank 1.
    Example:
      dec.weight @decoder.0.self.k from [#dec.source<"layers.0.self_attn.in_proj_weight", 24, 48>] raw : tensor<24x24xf32>
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypedArrayAttrBase<DecRowsAttr, "sources">:$sources,
    DecLayout:$layout, TypeAttrOf<AnyRankedTensor>:$type, OptionalAttr<DenseF32ArrayAttr>:$values);
  let builders = [OpBuilder<(ins "::llvm::StringRef":$sym_name, "::mlir::ArrayAttr":$sources, "::decant::dec::Layout":$layout, "::mlir::Type":$type),
    [{ build($_builder, $_state, $_builder.getStringAttr(sym_name), sources, LayoutAttr::get($_builder.getContext(), layout), ::mlir::TypeAttr::get(type), ::mlir::DenseF32ArrayAttr()); }]>];
  let assemblyFormat = "$sym_name `from` $sources $layout (`values` $values^)? attr-dict `:` $type";
  let hasVerifier = 1;
  let extraClassDeclaration = [{ ::mlir::RankedTensorType getTensorType() { return ::llvm::cast<::mlir::RankedTensorType>(getType()); } }];
}

def CacheOp : DecOp<"cache", [Symbol, HasParent<"ModelOp">]> {
  let summary = "A KV cache of one layer, in blocks of a fixed number of tokens";
  let description = [{
    kind self: grows with every step; cross: written by @encode, read by @decode; local: lives for one call.
    window W: no query sees further back than its W newest positions, itself included; older blocks are given back. Absent: all stay.
    (C1) kv_heads and head_dim are 1..2^20; block is 16, 32 or 64.   (C2) window is of a self cache, 1..2^24.
    Example: dec.cache @decoder.0.self kind self heads 2 dim 64 block 16 window 512
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DecCacheKind:$kind, SignedI64Attr:$kv_heads, SignedI64Attr:$head_dim, SignedI64Attr:$block,
    OptionalAttr<SignedI64Attr>:$window);
  let assemblyFormat = "$sym_name `kind` $kind `heads` $kv_heads `dim` $head_dim `block` $block (`window` $window^)? attr-dict";
  let hasVerifier = 1;
}

def GenerationOp : DecOp<"generation", [HasParent<"ModelOp">]> {
  let summary = "Defaults of generation_config.json: Hugging Face's names and meanings; -1 = none";
  let description = [{
    decoder_prompt: what the decoder starts with, if that is more than the start token. bad_words_ids: each sequence ends with -1.
    (C1) token ids are -1 or within the vocabulary.   (C2) temperature and repetition_penalty are positive and finite, top_p in (0, 1],
    min_p in [0, 1], top_k and no_repeat_ngram_size not negative.   (C3) no sequence of bad_words_ids is empty, the last ends.
    Example: dec.generation {bos_token_id = 1 : i32, ...}
  }];
  let arguments = (ins SignedI32Attr:$bos_token_id, SignedI32Attr:$pad_token_id, SignedI32Attr:$decoder_start_token_id,
    SignedI32Attr:$forced_bos_token_id, SignedI32Attr:$forced_eos_token_id, SignedI32Attr:$max_length, SignedI32Attr:$min_length,
    SignedI32Attr:$max_new_tokens, SignedI32Attr:$min_new_tokens, SignedI32Attr:$num_beams, SignedI32Attr:$early_stopping, F64Attr:$length_penalty,
    DenseI32ArrayAttr:$eos_token_ids, DenseI32ArrayAttr:$suppress_tokens, DenseI32ArrayAttr:$begin_suppress_tokens,
    DefaultValuedAttr<BoolAttr, "false">:$do_sample, DefaultValuedAttr<F64Attr, "1.0">:$temperature, DefaultValuedAttr<SignedI32Attr, "50">:$top_k,
    DefaultValuedAttr<F64Attr, "1.0">:$top_p, DefaultValuedAttr<F64Attr, "0.0">:$min_p, DefaultValuedAttr<F64Attr, "1.0">:$repetition_penalty,
    DefaultValuedAttr<SignedI32Attr, "0">:$no_repeat_ngram_size, DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$bad_words_ids,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$decoder_prompt);
  let assemblyFormat = "attr-dict";
  let hasVerifier = 1;
}

def TextOp : DecOp<"text", [HasParent<"ModelOp">]> {
  let summary = "Character map: text <-> ids";
  let description = [{
    text = prefix + one id a character + suffix; ids to text = pieces without specials, joined.
    (C1) characters (code points) ascend strictly; as many ids.   (C2) all ids are within pieces; unknown too, or -1: such a character is an error.
  }];
  let arguments = (ins DenseI32ArrayAttr:$characters, DenseI32ArrayAttr:$ids, SignedI32Attr:$unknown, DenseI32ArrayAttr:$prefix,
    DenseI32ArrayAttr:$suffix, DenseI32ArrayAttr:$specials, StrArrayAttr:$pieces);
  let assemblyFormat = "attr-dict";
  let hasVerifier = 1;
}

def TokenizerOp : DecOp<"tokenizer", [HasParent<"ModelOp">]> {
  let summary = "A tokenizer: text <-> ids";
  let description = [{
    tables is laid out as runtime/include/decant_tokenizer.h says; the runtime checks it when it opens the artifact.
    (C1) tables has rank 1, 1..2^28 bytes; there is no dec.text beside it.
    Example: dec.tokenizer dense<"0x4445..."> : tensor<81920xi8>
  }];
  let arguments = (ins ElementsAttr:$tables);
  let assemblyFormat = "$tables attr-dict";
  let hasVerifier = 1;
}
#endif

// Masks and scores as pure functions of (sequence, head, query position, key position) and parameters.
#ifndef DECANT_MASK_OPS_TD
#define DECANT_MASK_OPS_TD
include "DecBase.td"

class MaskFunctionOp<string mnemonic> : DecOp<mnemonic, [Symbol, IsolatedFromAbove, SingleBlock]> {
  let arguments = (ins SymbolNameAttr:$sym_name);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1; // reads ops of the body: they are verified by then
  let extraClassDeclaration = [{
    /// Types of the parameters behind the four indices.
    ::llvm::SmallVector<::mlir::Type> getParamTypes();
    static constexpr unsigned kNumIndices = 4; // sequence, head, query, key
  }];
}

def MaskOp : MaskFunctionOp<"mask"> {
  let summary = "true = query position q of sequence b, head h may see key position k";
  let description = [{
    (C1) four arguments of type index, then parameters: tensors of index, i1 or f32, rank 1 to 4, or scalars of them.
    (C2) the body yields one i1.   (C3) the body holds only arith ops, math.exp, dec.param, dec.apply and dec.apply_score; their
    results are index, i1, i32, i64 or f32.   (C5) a divisor is a constant other than 0 or arith.maxsi with a positive constant.
    A function with scalar parameters can only be applied: an attention gives tensors.
    Example:
      dec.mask @causal(%b: index, %h: index, %q: index, %k: index) {
        %keep = arith.cmpi sle, %k, %q : index
        dec.yield %keep : i1
      }
    visit, full: what derive-mask-bounds found for a tile of queries, in the text of KeyRanges (schedules/spec/MaskExpr.h); the
    parameters are p0, p1, .. there. (C4) they parse.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<StrAttr>:$visit, OptionalAttr<StrAttr>:$full);
}

def ScoreOp : MaskFunctionOp<"score"> {
  let summary = "A bias added to the scaled score: f32 of (b, h, q, k)";
  let description = [{ (C1), (C3), (C5) as dec.mask.   (C2) the body yields one f32. }];
}

def YieldOp : DecOp<"yield", [Pure, Terminator, ParentOneOf<["MaskOp", "ScoreOp"]>]> {
  let summary = "The value of a mask or score function";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def ParamOp : DecOp<"param", [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "An element of a parameter";
  let description = [{
    sorted: every row of the parameter (its last dimension) ascends; who calls the model promises it.
    (C1) as many indices as the parameter's rank.   (C2) the parameter is an argument of the mask or score.
    (C3) a sorted parameter holds indices.
    Example: %n = dec.param %len[%b] : tensor<?xindex>
  }];
  let arguments = (ins DecParamTensor:$param, Variadic<Index>:$indices, UnitAttr:$sorted);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$param `[` $indices `]` (`sorted` $sorted^)? attr-dict `:` type($param)";
  let hasVerifier = 1;
}

def TableOp : DecOp<"table", [Pure]> {
  let summary = "A weight as a parameter of masks and scores";
  let description = [{
    (C1) weight is a dec.weight of the result's element type, rank and static extents.
    Example: %bias = dec.table @relative_attention_bias : tensor<?x?xf32>
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs DecParamTensor:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
  let hasVerifier = 1;
}

class ApplyFunctionOp<string mnemonic, Type result> : DecOp<mnemonic, [Pure, ParentOneOf<["MaskOp", "ScoreOp"]>]> {
  let arguments = (ins FlatSymbolRefAttr:$callee, Index:$sequence, Index:$head, Index:$query, Index:$key, Variadic<DecFunctionParam>:$params);
  let results = (outs result:$result);
  let assemblyFormat = [{ $callee `(` $sequence `,` $head `,` $query `,` $key `)` (`params` `(` $params^ `:` type($params) `)`)? attr-dict }];
  let hasVerifier = 1;
}

def ApplyOp : ApplyFunctionOp<"apply", I1> {
  let summary = "The value of another mask at (b, h, q, k): and, or, not of arith compose masks";
  let description = [{
    Phase masks inlines it.   (C1) callee is a dec.mask.   (C2) params have the types of its parameters.   (C3) no function applies itself, directly or not.
    Example: %real = dec.apply @padding(%b, %h, %q, %k) params(%len : tensor<?xindex>)
  }];
}

def ApplyScoreOp : ApplyFunctionOp<"apply_score", F32> {
  let summary = "The value of another score at (b, h, q, k)";
  let description = [{
    (C1) callee is a dec.score.   (C2), (C3) as dec.apply.
    Example: %bias = dec.apply_score @alibi(%b, %h, %q, %k) params(%heads : index)
  }];
}
#endif

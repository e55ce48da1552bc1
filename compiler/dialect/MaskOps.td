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
    (C1) four arguments of type index, then parameters: tensors of index, i1 or f32, rank 1 to 4.   (C2) the body yields one i1.
    (C3) the body holds only arith ops, dec.param and dec.apply; their results are index, i1, i32, i64 or f32.
    Example:
      dec.mask @causal(%b: index, %h: index, %q: index, %k: index) {
        %keep = arith.cmpi sle, %k, %q : index
        dec.yield %keep : i1
      }
  }];
}

def ScoreOp : MaskFunctionOp<"score"> {
  let summary = "A bias added to the scaled score: f32 of (b, h, q, k)";
  let description = [{ (C1), (C3) as dec.mask.   (C2) the body yields one f32. }];
}

def YieldOp : DecOp<"yield", [Pure, Terminator, ParentOneOf<["MaskOp", "ScoreOp"]>]> {
  let summary = "The value of a mask or score function";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def ParamOp : DecOp<"param", [Pure, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "An element of a parameter";
  let description = [{
    (C1) as many indices as the parameter's rank.   (C2) the parameter is an argument of the mask or score.
    Example: %n = dec.param %len[%b] : tensor<?xindex>
  }];
  let arguments = (ins DecParamTensor:$param, Variadic<Index>:$indices);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$param `[` $indices `]` attr-dict `:` type($param)";
  let hasVerifier = 1;
}

def ApplyOp : DecOp<"apply", [Pure, ParentOneOf<["MaskOp", "ScoreOp"]>]> {
  let summary = "The value of another mask at (b, h, q, k): and, or, not of arith compose masks";
  let description = [{
    Phase masks inlines it.   (C1) callee is a dec.mask.   (C2) params have the types of its parameters.   (C3) no mask applies itself, directly or not.
    Example: %real = dec.apply @padding(%b, %h, %q, %k) params(%len : tensor<?xindex>)
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Index:$sequence, Index:$head, Index:$query, Index:$key, Variadic<DecParamTensor>:$params);
  let results = (outs I1:$result);
  let assemblyFormat = [{ $callee `(` $sequence `,` $head `,` $query `,` $key `)` (`params` `(` $params^ `:` type($params) `)`)? attr-dict }];
  let hasVerifier = 1;
}
#endif

// The arithmetic of a layer except attention. Rows are packed: x is [R, n], R dynamic.
#ifndef DECANT_LAYER_OPS_TD
#define DECANT_LAYER_OPS_TD
include "DecBase.td"

def EmbedOp : DecOp<"embed", [Pure]> {
  let summary = "result[r, :] = table[ids[r], :] * scale";
  let description = [{
    (C1) table is a dec.weight [V, E]; the result is [R, E].   (C2) scale is finite.
    Example: %x = dec.embed %ids table @shared scale 1.0 : tensor<?xi32> -> tensor<?x128xf32>
  }];
  let arguments = (ins DecIdTensor:$ids, FlatSymbolRefAttr:$table, F64Attr:$scale);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$ids `table` $table `scale` $scale attr-dict `:` type($ids) `->` type($result)";
  let hasVerifier = 1;
}

def PositionOp : DecOp<"position", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "result[r, :] = x[r, :] + table[position(r) + offset, :]";
  let description = [{
    (C1) table is a dec.weight [P, E], E the width of x.   (C2) 0 <= offset < P.
    Example: %y = dec.position %x rows %rows table @positions offset 2 : tensor<?x128xf32>
  }];
  let arguments = (ins DecRowTensor:$x, DecRowsType:$rows, FlatSymbolRefAttr:$table, SignedI64Attr:$offset);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x `rows` $rows `table` $table `offset` $offset attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def NormOp : DecOp<"norm", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "Layer norm: (x - mean) / sqrt(var + eps) * weight + bias, per row";
  let description = [{
    var is the mean of squared deviations (Ba et al. 2016, arXiv:1607.06450).
    (C1) weight, and bias if given, are dec.weights [n], n the width of x.   (C2) eps > 0 and finite.
    Example: %y = dec.norm %x weight @n.weight bias @n.bias eps 1.0e-5 : tensor<?x128xf32>
  }];
  let arguments = (ins DecRowTensor:$x, FlatSymbolRefAttr:$weight, OptionalAttr<FlatSymbolRefAttr>:$bias, F64Attr:$eps);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x `weight` $weight (`bias` $bias^)? `eps` $eps attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def LinearOp : DecOp<"linear", [Pure]> {
  let summary = "result = act(x W^T + bias) + residual";
  let description = [{
    result[r, n] = act(sum_k x[r, k] * W[n, k] + bias[n]) + residual[r, n]. act and residual appear in phase fuse.
    (C1) W is a dec.weight [N, K], K the width of x, N that of the result.   (C2) bias is a dec.weight [N].
    (C3) residual has the type of the result.
    Example: %y = dec.linear %x weight @fc1 bias @fc1.bias act gelu : tensor<?x128xf32> -> tensor<?x1024xf32>
  }];
  let arguments = (ins DecRowTensor:$x, FlatSymbolRefAttr:$weight, OptionalAttr<FlatSymbolRefAttr>:$bias,
    DefaultValuedAttr<DecActivation, "::decant::dec::Activation::None">:$act, Optional<DecRowTensor>:$residual);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = [{ $x `weight` $weight (`bias` $bias^)? (`act` $act^)? (`residual` $residual^ `:` type($residual))? attr-dict
    `:` type($x) `->` type($result) }];
  let hasVerifier = 1;
}

def ActivationOp : DecOp<"activation", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "result = act(x), element by element";
  let description = [{
    gelu is the erf form x * (1 + erf(x / sqrt 2)) / 2 (Hendrycks and Gimpel 2016, arXiv:1606.08415).
    (C1) act is not none.   Example: %y = dec.activation %x gelu : tensor<?x1024xf32>
  }];
  let arguments = (ins DecRowTensor:$x, DecActivation:$act);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x $act attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def ResidualOp : DecOp<"residual", [Pure, AllTypesMatch<["x", "branch", "result"]>]> {
  let summary = "result = x + branch";
  let description = [{ Example: %y = dec.residual %x, %branch : tensor<?x128xf32> }];
  let arguments = (ins DecRowTensor:$x, DecRowTensor:$branch);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x `,` $branch attr-dict `:` type($x)";
}

def SplitOp : DecOp<"split", [Pure]> {
  let summary = "The columns of x, divided among the results from left to right";
  let description = [{
    (C1) the widths of the results add up to that of x.
    Example: %q, %k, %v = dec.split %x : tensor<?x384xf32> -> tensor<?x128xf32>, tensor<?x128xf32>, tensor<?x128xf32>
  }];
  let arguments = (ins DecRowTensor:$x);
  let results = (outs Variadic<DecRowTensor>:$parts);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($parts)";
  let hasVerifier = 1;
}

def LogitsOp : DecOp<"logits", [Pure]> {
  let summary = "result = x[wanted rows] W^T + bias: one row of scores over the vocabulary for each row the caller wants";
  let description = [{
    The wanted rows are chosen at run time, in ascending order; the interpreter wants all.
    (C1) W is a dec.weight [V, E], E the width of x, V that of the result.   (C2) bias is a dec.weight [V].
    Example: %l = dec.logits %x weight @shared bias @final_logits_bias : tensor<?x128xf32> -> tensor<?x63xf32>
  }];
  let arguments = (ins DecRowTensor:$x, FlatSymbolRefAttr:$weight, OptionalAttr<FlatSymbolRefAttr>:$bias);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x `weight` $weight (`bias` $bias^)? attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}
#endif

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
  let summary = "Layer norm: (x - mean) / sqrt(var + eps) * weight + bias, per row; rms: x / sqrt(mean of x^2 + eps) * weight";
  let description = [{
    var is the mean of squared deviations (Ba et al. 2016, arXiv:1607.06450; rms: Zhang and Sennrich 2019, arXiv:1910.07467).
    A weight of n normalizes each n columns of a row on their own (heads); plus_one: the factor is weight + 1.
    (C1) weight, and bias if given, are dec.weights [n], n divides the width of x.   (C2) eps > 0 and finite.
    Example: %y = dec.norm %x weight @n.weight bias @n.bias eps 1.0e-5 : tensor<?x128xf32>
  }];
  let arguments = (ins DecRowTensor:$x, UnitAttr:$rms, FlatSymbolRefAttr:$weight, UnitAttr:$plus_one, OptionalAttr<FlatSymbolRefAttr>:$bias, F64Attr:$eps);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x (`rms` $rms^)? `weight` $weight (`plus_one` $plus_one^)? (`bias` $bias^)? `eps` $eps attr-dict `:` type($x)";
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
    gelu is the erf form x * (1 + erf(x / sqrt 2)) / 2 (Hendrycks and Gimpel 2016, arXiv:1606.08415); gelu_tanh its form
    x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2; silu x * sigmoid(x); quick_gelu x * sigmoid(1.702 x); relu max(x, 0).
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

def GateOp : DecOp<"gate", [Pure, AllTypesMatch<["x", "y", "result"]>]> {
  let summary = "result = act(x) * y, element by element: the gated linear units (Shazeer 2020, arXiv:2002.05202)";
  let description = [{ (C1) act is not none.   Example: %z = dec.gate %x, %y act silu : tensor<?x1536xf32> }];
  let arguments = (ins DecRowTensor:$x, DecRowTensor:$y, DecActivation:$act);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x `,` $y `act` $act attr-dict `:` type($x)";
  let hasVerifier = 1;
}

def SinusoidOp : DecOp<"sinusoid", [Pure]> {
  let summary = "factor * (sin of the row's angles | their cosines), angle j = (position(r) + offset) * freqs[j]";
  let description = [{
    Angles are products in f32. Rotary positions read it, sinusoidal ones are added to the embedding.
    (C1) freqs is a dec.weight [n], the result [R, 2 n].   (C2) 0 <= offset <= 2^24; factor is finite.
    Example: %a = dec.sinusoid %rows freqs @inv_freq offset 0 factor 1.0 : tensor<?x64xf32>
  }];
  let arguments = (ins DecRowsType:$rows, FlatSymbolRefAttr:$freqs, SignedI64Attr:$offset, F64Attr:$factor);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$rows `freqs` $freqs `offset` $offset `factor` $factor attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def RopeOp : DecOp<"rope", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "Rotary positions: in each head the pair (j, j + n) turns by the row's angle j (Su et al. 2021, arXiv:2104.09864)";
  let description = [{
    angles [R, 2 n] is (sin | cos), as dec.sinusoid gives it; with s, c of j:
      result[j] = x[j] * c - x[j + n] * s;   result[j + n] = x[j + n] * c + x[j] * s;   columns of a head from 2 n on stay.
    (C1) heads divides the width of x.   (C2) angles has an even width, at most that of a head.
    Example: %y = dec.rope %x angles %a heads 9 : tensor<?x576xf32>, tensor<?x64xf32>
  }];
  let arguments = (ins DecRowTensor:$x, DecRowTensor:$angles, SignedI64Attr:$heads);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x `angles` $angles `heads` $heads attr-dict `:` type($x) `,` type($angles)";
  let hasVerifier = 1;
}

def FramesOp : DecOp<"frames", [Pure]> {
  let summary = "result[r, c * t + i] = x_i[r + shift_i, c], 0 beyond the sequence: what a convolution over rows multiplies";
  let description = [{
    t inputs of C columns each give t * C; a dec.linear with the convolution's weight [out, C, t], read as [out, C * t], follows.
    A row may hold several frames of a signal, split before: kernel 3, padding 1 over frames (a, b) of a row is
    frames(b, a, b) shifts [-1, 0, 0] for the frame a and frames(a, b, a) shifts [0, 0, 1] for b.
    (C1) one shift an input, -1, 0 or 1; at most 8; all inputs have one width.   (C2) the result has t times that.
    (C3) only in @encode.
    Example: %y = dec.frames %b, %a, %b rows %rows shifts [-1, 0, 0]
                  : tensor<?x80xf32>, tensor<?x80xf32>, tensor<?x80xf32> -> tensor<?x240xf32>
  }];
  let arguments = (ins Variadic<DecRowTensor>:$inputs, DecRowsType:$rows, DenseI64ArrayAttr:$shifts);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$inputs `rows` $rows `shifts` $shifts attr-dict `:` type($inputs) `->` type($result)";
  let hasVerifier = 1;
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
  let summary = "result = cap(scale * x[wanted rows] W^T + bias): scores over the vocabulary for each row the caller wants";
  let description = [{
    The wanted rows are chosen at run time, in ascending order; the interpreter wants all. With softcap c, cap(x) = c * tanh(x / c).
    (C1) W is a dec.weight [V, E], E the width of x, V that of the result.   (C2) bias is a dec.weight [V].
    (C3) scale is finite; softcap is positive and finite.
    Example: %l = dec.logits %x weight @shared bias @final_logits_bias : tensor<?x128xf32> -> tensor<?x63xf32>
  }];
  let arguments = (ins DecRowTensor:$x, FlatSymbolRefAttr:$weight, OptionalAttr<FlatSymbolRefAttr>:$bias,
    OptionalAttr<F64Attr>:$scale, OptionalAttr<F64Attr>:$softcap);
  let results = (outs DecRowTensor:$result);
  let assemblyFormat = "$x `weight` $weight (`bias` $bias^)? (`scale` $scale^)? (`softcap` $softcap^)? attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
}
#endif

// Every pass of decant: pass = file = flag = test, one kebab name.
#ifndef DECANT_PASSES_TD
#define DECANT_PASSES_TD
include "mlir/Pass/PassBase.td"

def InlineMasks : Pass<"dec-inline-masks", "::mlir::ModuleOp"> {
  let summary = "Replace dec.apply by the body of the mask it names; drop functions that no attention uses";
  let description = [{
    `%a = dec.apply @causal(%b, %h, %q, %k)` ==> `%a = arith.cmpi sle, %k, %q : index`
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def DeriveMaskBounds : Pass<"dec-derive-mask-bounds", "::mlir::ModuleOp"> {
  let summary = "Every mask gets the keys that a tile of queries visits and those that it sees whole";
  let description = [{
    `dec.mask @causal(...)` ==> `dec.mask @causal(...) attributes {full = "((0 (add q0 1)))", visit = "((0 q1))"}`
    What the analysis does not understand makes visit larger and full smaller. Masks that still apply others are left.
  }];
}

def PlaceCaches : Pass<"dec-place-caches", "::mlir::ModuleOp"> {
  let summary = "Give every attention a KV cache; compute cross-attention's keys and values in @encode";
  let description = [{
    Attention of @encode gets a local cache, self-attention of @decode a self cache; keys and values that depend on
    @decode's memory alone move into @encode, behind a cross cache, and the memory arguments of @decode go.
    `%o = dec.attention %q, %k, %v rows %r, %r ...` ==>
    `dec.kv_append @decode.self.0 keys %k values %v rows %r` and `%o = dec.cached_attention %q cache @decode.self.0 ...`
    A self cache gets `window W` if the mask's visit proves that no query reads a key at or before its position - W.
  }];
  let options = [Option<"block", "block", "int64_t", "0", "Tokens a block: 16, 32 or 64; 0 = by the model's context">];
}

def FuseLinears : Pass<"dec-fuse-linears", "::mlir::ModuleOp"> {
  let summary = "One linear for all linears of the same input (q|k|v)";
  let description = [{
    `%q = linear %x @wq`, `%k = linear %x @wk` ==> `%y = linear %x @"wq+1"`, `%q, %k = dec.split %y`
  }];
}

def FuseEpilogues : Pass<"dec-fuse-epilogues", "::mlir::ModuleOp"> {
  let summary = "Activation and residual become epilogues of the linear that feeds them";
  let description = [{
    `%a = linear %x @w`, `%b = dec.activation %a gelu` ==> `%b = linear %x @w act gelu`
    `%a = linear %x @w`, `%b = dec.residual %r, %a` ==> `%b = linear %x @w residual %r`
  }];
}

def SelectKernels : Pass<"dec-select-kernels", "::mlir::ModuleOp"> {
  let summary = "dec functions become plan entries: every op a kernel call with a KernelSpec";
  let description = [{
    `%y = dec.norm %x ...` ==> `plan.call "norm" "norm n=128 ..." rows ins(%x, %w, %b) outs(%y)`. Weights get their layouts.
  }];
  let dependentDialects = ["::decant::plan::PlanDialect"];
}

def PlanMemory : Pass<"dec-plan-memory", "::mlir::ModuleOp"> {
  let summary = "An offset in the arena for every plan.alloc, by liveness";
  let description = [{ `plan.alloc rows` ==> `plan.alloc rows {offset = 512 : i64}` }];
}

def AssignKernels : Pass<"dec-assign-kernels", "::mlir::ModuleOp"> {
  let summary = "Number the distinct kernels; every call names its own";
  let description = [{ `plan.call ...` ==> `plan.call ... {kernel = 3 : i64}`; equal specs share a number }];
}
#endif

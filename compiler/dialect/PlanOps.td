// The `plan` dialect: what the runtime executes. Static buffers, kernel calls in order; dec.model keeps weights and caches.
#ifndef DECANT_PLAN_OPS_TD
#define DECANT_PLAN_OPS_TD
include "IntAttrs.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def PlanDialect : Dialect {
  let name = "plan";
  let cppNamespace = "::decant::plan";
  let summary = "Static execution plan: buffers and kernel calls";
}
class PlanOp<string mnemonic, list<Trait> traits = []> : Op<PlanDialect, mnemonic, traits>;

def PlanSize : I32EnumAttr<"Size", "run-time size that a buffer or call scales with", [
    I32EnumAttrCase<"Rows", 1, "rows">, I32EnumAttrCase<"OutRows", 2, "out_rows">, I32EnumAttrCase<"Tiles", 4, "tiles">]> {
  let cppNamespace = "::decant::plan";
}
def PlanBuffer : Type<MemRefRankOf<[F32, I32, I8], [1, 2, 3, 4]>.predicate, "buffer memref of rank 1 to 4", "::mlir::MemRefType">;

def EntryOp : PlanOp<"entry", [Symbol, IsolatedFromAbove, SingleBlock, NoRegionArguments]> {
  let summary = "The steps of @encode or @decode";
  let description = [{
    row_bytes and out_row_bytes: arena bytes per row of capacity; set by phase memory.
    (C1) the name is encode or decode.   (C2) the body ends in plan.return.
    Example: plan.entry @decode { ... plan.return output %logits : memref<?x63xf32, strided<[64, 1]>> }
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<SignedI64Attr>:$row_bytes, OptionalAttr<SignedI64Attr>:$out_row_bytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def ReturnOp : PlanOp<"return", [Terminator, ParentOneOf<["EntryOp"]>]> {
  let summary = "output: what the caller gets; none for an @encode that only fills caches";
  let arguments = (ins Optional<PlanBuffer>:$output);
  let assemblyFormat = "(`output` $output^ `:` type($output))? attr-dict";
}

def InputOp : PlanOp<"input", [Pure]> {
  let summary = "A tensor that the runtime fills before the steps (decant_module.h, decant_input)";
  let description = [{ (C1) the name is one of decant_input, in lower case.   Example: %ids = plan.input "ids" : memref<?xi32> }];
  let arguments = (ins StrAttr:$name);
  let results = (outs PlanBuffer:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def ParamOp : PlanOp<"param", [Pure]> {
  let summary = "A mask parameter given by the caller, or its neutral element";
  let description = [{ sorted: its rows ascend; the runtime refuses others.   Example: %keep = plan.param "self_keep" neutral 1.0 : memref<?x?x?x?xi8> }];
  let arguments = (ins StrAttr:$name, F64Attr:$neutral, UnitAttr:$sorted);
  let results = (outs PlanBuffer:$result);
  let assemblyFormat = "$name `neutral` $neutral (`sorted` $sorted^)? attr-dict `:` type($result)";
}

def WeightOp : PlanOp<"weight", [Pure]> {
  let summary = "A packed weight";
  let description = [{ (C1) weight is a dec.weight.   (C2) the type is that of its layout.   Example: %w = plan.weight @fc1 : memref<8x128x16x1xf32> }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs PlanBuffer:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def PoolOp : PlanOp<"pool", [Pure]> {
  let summary = "The blocks of a cache: keys or values";
  let description = [{ (C1) cache is a dec.cache.   (C2) the type is the cache's.   Example: %k = plan.pool keys @decoder.0.self : memref<?x1x128x16xf32> }];
  let arguments = (ins UnitAttr:$values, FlatSymbolRefAttr:$cache);
  let results = (outs PlanBuffer:$result);
  let assemblyFormat = "(`values` $values^):(`keys`)? $cache attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def AllocOp : PlanOp<"alloc", [MemoryEffects<[MemAlloc]>]> {
  let summary = "An activation in the arena";
  let description = [{
    Address at run time = base of the region + offset * capacity of the region; offset (bytes a row) is set by phase memory.
    (C1) region is rows or out_rows.   (C2) f32 [?, n], columns contiguous, offset 0, row stride a multiple of 16 and at least n.
    Example: %x = plan.alloc rows {offset = 512 : i64} : memref<?x128xf32, strided<[128, 1]>>
  }];
  let arguments = (ins PlanSize:$region, OptionalAttr<SignedI64Attr>:$offset);
  let results = (outs PlanBuffer:$result);
  let assemblyFormat = "$region attr-dict `:` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{ int64_t getRowBytes(); }];
}

def ViewOp : PlanOp<"view", [Pure]> {
  let summary = "Columns [column, column + n) of an activation";
  let description = [{ (C1) the source is a plan.alloc; the result is f32 [?, n] within it, with its row stride and offset column.   Example: %k = plan.view %qkv[128] : memref<..> -> memref<?x128xf32, strided<[384, 1], offset: 128>> }];
  let arguments = (ins PlanBuffer:$source, SignedI64Attr:$column);
  let results = (outs PlanBuffer:$result);
  let assemblyFormat = "$source `[` $column `]` attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def CallOp : PlanOp<"call", [AttrSizedOperandSegments]> {
  let summary = "One kernel";
  let description = [{
    spec is the text of a KernelSpec without its row class, which the run time picks by the size named in `rows`; arguments in the
    kernel's order (schedules/README.md). kernel, the number of its distinct spec, is set by phase emit.
    (C1) the spec parses, its mask and score too; rows is tiles for attention, out_rows for a linear that gathers, else rows.   (C2) the number of arguments is the spec's.   (C3) so are their types.
    Example: plan.call "norm @n.weight" "norm n=128 groups=1 eps=1e-05 rms=0 plus_one=0 bias=1" rows ins(%x, %w, %b : ...) outs(%y : ...)
  }];
  let arguments = (ins StrAttr:$spec, PlanSize:$rows, StrAttr:$name, Variadic<PlanBuffer>:$ins, Variadic<PlanBuffer>:$outs,
    OptionalAttr<SignedI64Attr>:$kernel);
  let assemblyFormat = [{ $name $spec $rows `ins` `(` $ins `:` type($ins) `)` `outs` `(` $outs `:` type($outs) `)` attr-dict }];
  let hasVerifier = 1;
}
#endif

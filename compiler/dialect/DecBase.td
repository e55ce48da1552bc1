// The `dec` dialect: a transformer decoder at tensor level, rows packed, masks as functions. Semantics: SPEC.md.
#ifndef DECANT_DEC_BASE_TD
#define DECANT_DEC_BASE_TD

include "IntAttrs.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def DecDialect : Dialect {
  let name = "dec";
  let cppNamespace = "::decant::dec";
  let summary = "Transformer decoder layers and attention with mask functions";
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"]; // bodies of masks and scores
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
}

class DecOp<string mnemonic, list<Trait> traits = []> : Op<DecDialect, mnemonic, traits>;

def DecRowsType : TypeDef<DecDialect, "Rows"> {
  let mnemonic = "rows";
  let summary = "How R packed rows divide into B sequences";
  let description = [{
    For each of the B sequences: its first row, its number of rows, and the absolute position of its first row. Rows of a
    sequence have consecutive positions.
  }];
}

def DecRowsAttr : AttrDef<DecDialect, "Source"> {
  let mnemonic = "source";
  let summary = "Rows [begin, end) of a raw tensor of the model's weight file, or of its transpose";
  let parameters = (ins StringRefParameter<"tensor name in the weight file">:$tensor, "int64_t":$begin, "int64_t":$end,
    DefaultValuedParameter<"bool", "false">:$transposed);
  let assemblyFormat = "`<` $tensor `,` $begin `,` $end (`,` `transposed` $transposed^)? `>`";
}

def DecActivation : I32EnumAttr<"Activation", "element-wise function", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Gelu", 1, "gelu">, I32EnumAttrCase<"Relu", 2, "relu">,
    I32EnumAttrCase<"GeluTanh", 3, "gelu_tanh">, I32EnumAttrCase<"Silu", 4, "silu">, I32EnumAttrCase<"QuickGelu", 5, "quick_gelu">]> {
  let cppNamespace = "::decant::dec";
}

def DecCacheKind : I32EnumAttr<"CacheKind", "how long a KV cache lives", [
    I32EnumAttrCase<"Self", 0, "self">, I32EnumAttrCase<"Cross", 1, "cross">, I32EnumAttrCase<"Local", 2, "local">]> {
  let cppNamespace = "::decant::dec";
}

def DecLayout : I32EnumAttr<"Layout", "how a weight lies in the artifact", [
    I32EnumAttrCase<"Raw", 0, "raw">, I32EnumAttrCase<"Panel16", 1, "panel16">, I32EnumAttrCase<"Padded16", 2, "padded16">]> {
  let cppNamespace = "::decant::dec";
}

// [R, n]: packed rows, static width
def DecRowTensor : Type<And<[RankedTensorOf<[F32]>.predicate, CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getRank() == 2">,
    CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).isDynamicDim(0)">, CPred<"::decant::dec::isWidth(::llvm::cast<::mlir::RankedTensorType>($_self).getDimSize(1))">]>,
    "packed rows tensor<?xNxf32> with N in 1..16777216", "::mlir::RankedTensorType">;
def DecIdTensor : Type<And<[RankedTensorOf<[I32]>.predicate, CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getRank() == 1">]>,
    "token ids tensor<?xi32>", "::mlir::RankedTensorType">;
def DecParamTensor : Type<RankedTensorOf<[Index, I1, F32]>.predicate, "mask parameter tensor of index, i1 or f32", "::mlir::RankedTensorType">;
def DecFunctionParam : AnyTypeOf<[DecParamTensor, Index, I1, F32], "mask parameter tensor, or a scalar of index, i1 or f32">;
def DecLengthTensor : Type<And<[RankedTensorOf<[Index]>.predicate, CPred<"::llvm::cast<::mlir::RankedTensorType>($_self).getRank() == 1">]>,
    "lengths tensor<?xindex>", "::mlir::RankedTensorType">;

#endif

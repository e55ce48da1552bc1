// Integer attributes whose C++ getters are signed: sizes and ids are checked, so negative ones must be seen.
#ifndef DECANT_INT_ATTRS_TD
#define DECANT_INT_ATTRS_TD
include "mlir/IR/OpBase.td"
def SignedI64Attr : TypedSignlessIntegerAttrBase<I64, "int64_t", "64-bit signless integer attribute"> {
  let convertFromStorage = "$_self.getValue().getSExtValue()";
}
def SignedI32Attr : TypedSignlessIntegerAttrBase<I32, "int32_t", "32-bit signless integer attribute"> {
  let convertFromStorage = "static_cast<int32_t>($_self.getValue().getSExtValue())";
}
#endif

// Registration of `dec` and the look-ups that several verifiers share.
#include "compiler/dialect/Dec.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "compiler/dialect/DecDialect.cpp.inc"
#include "compiler/dialect/DecEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "compiler/dialect/DecTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "compiler/dialect/DecAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/DecOps.cpp.inc"

using namespace mlir;

namespace decant::dec {

void DecDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "compiler/dialect/DecTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "compiler/dialect/DecAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/DecOps.cpp.inc"
      >();
}

ModelOp findModel(ModuleOp module) {
  auto models = module.getOps<ModelOp>();
  if (models.empty() || std::next(models.begin()) != models.end())
    return nullptr;
  return *models.begin();
}

/// Verifiers ask for ops that may not be verified yet: one that lacks an attribute counts as none. A cache's window and
/// a weight's values are optional.
template <class Declaration> static Declaration lookup(Operation *op, llvm::StringRef symbol) {
  auto found = SymbolTable::lookupNearestSymbolFrom<Declaration>(op, StringAttr::get(op->getContext(), symbol));
  if (!found)
    return found;
  bool complete = llvm::all_of(Declaration::getAttributeNames(), [&](StringRef name) {
    return name == "window" || name == "values" || found->getAttr(name);
  });
  return complete ? found : Declaration();
}

WeightOp lookupWeight(Operation *op, llvm::StringRef symbol) { return lookup<WeightOp>(op, symbol); }
CacheOp lookupCache(Operation *op, llvm::StringRef symbol) { return lookup<CacheOp>(op, symbol); }

} // namespace decant::dec

// The `plan` dialect in C++: include this, not the generated files.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "compiler/dialect/PlanDialect.h.inc"
#include "compiler/dialect/PlanEnums.h.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/PlanOps.h.inc"

namespace decant::plan {

/// Number of a runtime input in decant_module.h's decant_input; nothing if `name` is none.
std::optional<uint32_t> inputIndex(llvm::StringRef name);

} // namespace decant::plan

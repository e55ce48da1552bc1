// The `dec` dialect in C++: include this, not the generated files.
#pragma once

#include "schedules/spec/MaskExpr.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace decant::dec {

/// Limits of SPEC.md: larger values are refused, not computed with.
constexpr int64_t kMaxParamRank = 4; ///< as in schedules/spec/MaskExpr.h
constexpr int64_t kMaxWidth = int64_t(1) << 20, kMaxVocab = int64_t(1) << 24, kMaxContext = int64_t(1) << 24,
                  kMaxBatch = 1 << 16;

/// Extents of weights and widths of rows. Dynamic extents are negative, hence not one.
inline bool isWidth(int64_t n) { return n >= 1 && n <= kMaxVocab; }

} // namespace decant::dec

#include "compiler/dialect/DecDialect.h.inc"
#include "compiler/dialect/DecEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "compiler/dialect/DecTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "compiler/dialect/DecAttrs.h.inc"
#define GET_OP_CLASSES
#include "compiler/dialect/DecOps.h.inc"

namespace decant::dec {

/// The model of a file; nothing if there is none or more than one.
ModelOp findModel(mlir::ModuleOp module);

/// The weight that `symbol` names, seen from `op`; null if there is none.
WeightOp lookupWeight(mlir::Operation *op, llvm::StringRef symbol);
CacheOp lookupCache(mlir::Operation *op, llvm::StringRef symbol);

/// The parameters of a mask's or score's region as its kernel form names them: p<first>, p<first + 1>, ..; scalars of
/// functions that are only applied have rank 0.
std::vector<MaskParam> maskParams(mlir::Region &body, unsigned first = 0);

/// Width (static columns) of a packed-rows tensor.
inline int64_t width(mlir::Value rows) { return llvm::cast<mlir::RankedTensorType>(rows.getType()).getDimSize(1); }

} // namespace decant::dec

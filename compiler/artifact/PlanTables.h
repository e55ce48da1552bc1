// Plan entries -> buffers, steps, kernels and mask parameters of the module tables.
#pragma once

#include "compiler/artifact/Blob.h"
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace decant {

class PlanTables {
public:
  PlanTables(dec::ModelOp model, Blob &blob);

  /// First: fills kernelSpecs in the order of the calls' kernel numbers, the row classes of a spec in a row. Numbers
  /// have to be 0 .. n-1, one for each distinct spec.
  mlir::LogicalResult numberKernels();

  /// Fails with a diagnostic on IR that phase emit cannot have made.
  mlir::LogicalResult addEntry(plan::EntryOp entry);

  std::vector<decant_buffer> buffers;
  std::vector<decant_param> params;
  std::vector<decant_cache> caches;
  std::vector<std::string> weightSymbols, kernelSpecs;
  decant_entry entries[DECANT_ENTRY_KINDS] = {};
  uint32_t blockTokens = 16;
  uint32_t window = 0; ///< the largest of a cache

private:
  mlir::FailureOr<uint32_t> bufferOf(mlir::Value value);
  mlir::LogicalResult describe(mlir::Value value, decant_buffer &buffer);
  int64_t featureWidth(plan::InputOp op);
  mlir::LogicalResult describeInput(plan::InputOp op, decant_buffer &buffer);
  uint32_t paramIndex(plan::ParamOp op);
  uint32_t kernelIndex(std::string spec);
  void addKernels(const std::string &spec);
  void setKernels(plan::CallOp call, decant_step &step);

  dec::ModelOp model;
  Blob &blob;
  llvm::StringMap<uint32_t> weightIndex, cacheIndex, paramIndices, kernelIndices;
  llvm::DenseMap<mlir::Value, uint32_t> bufferIndex;
};

} // namespace decant

// The emitted module as the tables of runtime/include/decant_module.h: one block of bytes, free of pointers.
// The same IR gives the same bytes. Tested in tests/artifact.
#pragma once

#include "runtime/include/decant_module.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace decant {

/// One kernel to build for each target, in the order of the module's kernel table.
struct ModuleTables {
  std::vector<uint8_t> bytes;             ///< starts with a decant_tables_header; hashes and sizes are filled in
  std::vector<std::string> kernelSpecs;   ///< text of each kernel's spec, row class included
  std::vector<std::string> weightSymbols; ///< dec.weights in the order of the weight table
  bool takesFeatures = false;             ///< the artifact needs the audio library
  uint32_t textKind = DECANT_TEXT_NONE;   ///< which text library the artifact needs
};

struct TablesInput {
  std::vector<std::string> targets;  ///< best last
  std::vector<uint64_t> weightBytes; ///< size of each packed weight, as packedSizes() says
  uint64_t weightsHash = 0;          ///< XXH3-64 of all packed weights
};

/// CPU features of a target, as in /proc/cpuinfo, comma-separated; "" if decant does not know it.
llvm::StringRef targetFeatures(llvm::StringRef target);

/// `module` has passed phase emit.
llvm::Expected<ModuleTables> buildTables(mlir::ModuleOp module, const TablesInput &input);

} // namespace decant

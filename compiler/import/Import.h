// DecoderConfig + WeightSet -> a module of phase "import": one dec.model with weights, masks, @encode and @decode.
//
// Every tensor of the weight file is used, known to be harmless, or named in an error. Data stays in the file: a
// dec.weight names rows of its tensors. Families: Families.h. Tested in tests/import.
#pragma once

#include "compiler/config/DecoderConfig.h"
#include "compiler/text/TextTables.h"
#include "compiler/weights/WeightSet.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>

namespace decant {

struct ImportOptions {
  int64_t maxBatch = 32;             ///< sequences a call
  std::optional<int64_t> maxContext; ///< tokens a sequence; absent: min(the config's, 4096)
  std::string name;                  ///< symbol of the dec.model; empty: the family's name
  std::vector<uint8_t> tokenizer;    ///< tables of readTokenizer; empty: none
};

/// Loads the dialects it needs into `context`. Errors: BadInput (tensors missing, unused, of another shape or type: all
/// of them in one message), Unsupported (family), Resource (maxContext beyond the model's positions).
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> importModel(mlir::MLIRContext &context, const DecoderConfig &config,
                                                              const WeightSet &weights,
                                                              const std::optional<CharacterTables> &text,
                                                              const ImportOptions &options = {});

} // namespace decant

// A model folder's family: the function that reads its config.json. One file a family here: keys, tensor names, layers.
//
// A reader gives the DecoderConfig with `build` set: what import/ calls to build the model's entries. Tested in
// tests/import and, against transformers and PyTorch, tests/e2e.
#pragma once

#include "compiler/config/FamilyKeys.h"

namespace decant {

llvm::Expected<DecoderConfig> readBart(const FamilyInput &input);
llvm::Expected<DecoderConfig> readBloom(const FamilyInput &input);
llvm::Expected<DecoderConfig> readFalcon(const FamilyInput &input);
llvm::Expected<DecoderConfig> readGemma(const FamilyInput &input);
llvm::Expected<DecoderConfig> readGemma2(const FamilyInput &input);
llvm::Expected<DecoderConfig> readGpt2(const FamilyInput &input);
llvm::Expected<DecoderConfig> readGptNeoX(const FamilyInput &input);
llvm::Expected<DecoderConfig> readLlama(const FamilyInput &input);
llvm::Expected<DecoderConfig> readM2M100(const FamilyInput &input);
llvm::Expected<DecoderConfig> readMBart(const FamilyInput &input);
llvm::Expected<DecoderConfig> readMarian(const FamilyInput &input);
llvm::Expected<DecoderConfig> readMistral(const FamilyInput &input);
llvm::Expected<DecoderConfig> readOpt(const FamilyInput &input);
llvm::Expected<DecoderConfig> readPegasus(const FamilyInput &input);
llvm::Expected<DecoderConfig> readPhi3(const FamilyInput &input);
llvm::Expected<DecoderConfig> readQwen2(const FamilyInput &input);
llvm::Expected<DecoderConfig> readQwen3(const FamilyInput &input);
llvm::Expected<DecoderConfig> readT5(const FamilyInput &input); ///< t5, mt5
llvm::Expected<DecoderConfig> readTorchDecoder(const FamilyInput &input);
llvm::Expected<DecoderConfig> readWhisper(const FamilyInput &input);

/// Reads `folder`/config.json and, if there, `folder`/generation_config.json. Errors as KeyReader's; an unknown
/// model_type is Unsupported.
llvm::Expected<DecoderConfig> readConfig(const std::string &folder);

} // namespace decant

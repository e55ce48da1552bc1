// The functions that read one family's config.json each, and the generation keys they share. Private to config/.
#pragma once

#include "compiler/config/DecoderConfig.h"
#include "compiler/config/KeyReader.h"

namespace decant {

/// What a family's reader may need beside config.json.
struct FamilyInput {
  const json::Value &config;
  std::string configPath;
  const json::Value *generation = nullptr; ///< generation_config.json, if the folder has one
  std::string generationPath;
};

llvm::Expected<DecoderConfig> readBart(const FamilyInput &input);
llvm::Expected<DecoderConfig> readTorchDecoder(const FamilyInput &input);

/// Marks the keys that every transformers config may carry and that cannot change results.
void acceptCommonKeys(KeyReader &keys);

/// Reads and takes every generation key; `result` comes with the defaults. Refuses what decant would have to act on and
/// cannot. Used for generation_config.json and, in old folders, for config.json itself.
void readGenerationKeys(KeyReader &keys, GenerationConfig &result, int64_t vocab);
/// The same for a whole generation_config.json.
llvm::Expected<GenerationConfig> readGenerationFile(const json::Value &object, const std::string &path, int64_t vocab);

} // namespace decant

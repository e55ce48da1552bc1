// What the readers of the families' config.json share: the common keys, activations, generation. For import/.
#pragma once

#include "compiler/config/DecoderConfig.h"
#include "compiler/config/KeyReader.h"

#include "llvm/ADT/ArrayRef.h"

namespace decant {

/// What a family's reader may need beside config.json.
struct FamilyInput {
  const json::Value &config;
  std::string configPath;
  const json::Value *generation = nullptr; ///< generation_config.json, if the folder has one
  std::string generationPath;
};

/// Marks the keys that every transformers config may carry and that cannot change results.
void acceptCommonKeys(KeyReader &keys);

/// The activation that `key` names ("gelu" = erf form, "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "silu", "swish",
/// "relu", "quick_gelu"); refuses others.
ConfigActivation readActivation(KeyReader &keys, llvm::StringRef key, llvm::StringRef defaultName);

/// What every reader of a Hugging Face family ends with: takes the common and the generation keys, refuses the keys
/// that are left, and sets config.generation (generation_config.json, if there is one, replaces the keys of config.json
/// as a whole, as in transformers). `defaults`: those of the family's config class. kind and vocab of `config` are set.
/// `own`: generation keys that the family reads itself (from input.generation too).
llvm::Error finishFamily(const FamilyInput &input, KeyReader &keys, const GenerationConfig &defaults,
                         DecoderConfig &config, llvm::ArrayRef<llvm::StringRef> own = {});

/// Reads and takes every generation key; `result` comes with the defaults. Refuses what decant would have to act on and
/// cannot. Used for generation_config.json and, in old folders, for config.json itself.
void readGenerationKeys(KeyReader &keys, GenerationConfig &result, int64_t vocab,
                        llvm::ArrayRef<llvm::StringRef> own = {});
/// The same for a whole generation_config.json.
llvm::Expected<GenerationConfig> readGenerationFile(const json::Value &object, const std::string &path, int64_t vocab,
                                                    llvm::ArrayRef<llvm::StringRef> own = {});

} // namespace decant

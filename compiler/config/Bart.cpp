// config.json of the family "bart" (BartConfig of transformers 4 and 5) -> DecoderConfig.
//
// Learned positions with offset 2, post-norm, layernorm_embedding, eps 1e-5, biases everywhere. Legacy keys that would
// make it another model are accepted at their neutral value only. Tested in tests/config/BartTest.cpp.
#include "compiler/config/Families.h"
#include "compiler/config/Limits.h"

#include <fmt/format.h>

#include <cmath>

using namespace decant;

namespace {

StackConfig readStack(KeyReader &keys, const std::string &stack, int64_t width) {
  StackConfig result;
  std::string headsKey = stack + "_attention_heads";
  result.layers = keys.integer(stack + "_layers", 12, 1, limits::layers);
  result.heads = keys.integer(headsKey, 16, 1, limits::heads);
  result.ffn = keys.integer(stack + "_ffn_dim", 4096, 1, limits::ffn);
  result.kvHeads = result.heads;
  if (width % result.heads != 0)
    keys.refuse(ExitCode::BadInput, headsKey,
                fmt::format("{} heads do not divide \"d_model\" = {}", result.heads, width));
  return result;
}

ConfigActivation readActivation(KeyReader &keys) {
  std::string name = keys.text("activation_function", "gelu");
  if (name != "gelu" && name != "relu")
    keys.refuse(ExitCode::Unsupported, "activation_function",
                fmt::format("the activation {} is not supported; known: \"gelu\" (erf), \"relu\"", json::quote(name)));
  return name == "relu" ? ConfigActivation::Relu : ConfigActivation::Gelu;
}

/// Keys of older files that change the maths.
void readLegacyKeys(KeyReader &keys) {
  keys.neutral("is_encoder_decoder", true);
  keys.neutral("normalize_embedding", true);
  keys.neutral("extra_pos_embeddings", 2.0);
  for (const char *key : {"is_decoder", "add_cross_attention", "normalize_before", "add_final_layer_norm",
                          "static_position_embeddings", "add_bias_logits", "tie_encoder_decoder"})
    keys.neutral(key, false);
  keys.neutral("pruned_heads", {});
  keys.neutral("cross_attention_hidden_size", {});
}

GenerationConfig bartDefaults() {
  GenerationConfig result;
  result.bosTokenId = 0;
  result.padTokenId = 1;
  result.eosTokenIds = {2};
  result.decoderStartTokenId = 2;
  result.forcedEosTokenId = 2;
  return result;
}

/// The class's default ids are far below any real vocabulary, but a config may name a tiny one.
void checkDefaultIds(KeyReader &keys, const GenerationConfig &g, int64_t vocab) {
  auto check = [&](llvm::StringRef key, int64_t id) {
    if (id >= vocab)
      keys.refuse(ExitCode::BadInput, key,
                  fmt::format("missing, and its default {} is outside the vocabulary of {}", id, vocab));
  };
  check("bos_token_id", g.bosTokenId);
  check("pad_token_id", g.padTokenId);
  check("decoder_start_token_id", g.decoderStartTokenId);
  check("forced_eos_token_id", g.forcedEosTokenId);
  for (int32_t id : g.eosTokenIds)
    check("eos_token_id", id);
}

/// Old BART files ask for a forced first token by a flag.
void readForcedBos(KeyReader &keys, GenerationConfig &g) {
  if (keys.boolean("force_bos_token_to_be_generated", false) && g.forcedBosTokenId < 0)
    g.forcedBosTokenId = g.bosTokenId;
}

} // namespace

llvm::Expected<DecoderConfig> decant::readBart(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::EncoderDecoder;
  result.vocab = keys.integer("vocab_size", 50265, 1, limits::vocabulary);
  result.width = keys.integer("d_model", 1024, 1, limits::hidden);
  result.maxPositions = keys.integer("max_position_embeddings", 1024, 1, limits::context);
  result.encoder = readStack(keys, "encoder", result.width);
  result.decoder = readStack(keys, "decoder", result.width);
  result.activation = readActivation(keys);
  result.embedScale = keys.boolean("scale_embedding", false) ? std::sqrt(static_cast<double>(result.width)) : 1.0;
  result.tiedHead = keys.boolean("tie_word_embeddings", true);
  keys.agrees("num_hidden_layers", result.encoder.layers, "encoder_layers");
  keys.agrees("num_attention_heads", result.encoder.heads, "encoder_attention_heads");
  keys.agrees("hidden_size", result.width, "d_model");
  readLegacyKeys(keys);

  result.generation = bartDefaults();
  readGenerationKeys(keys, result.generation, result.vocab);
  readForcedBos(keys, result.generation);
  if (!input.generation)
    checkDefaultIds(keys, result.generation, result.vocab);
  acceptCommonKeys(keys);
  // Copies of the character tables; g2p_vocab.json decides.
  keys.harmless({"grapheme_chars", "phoneme_chars"});
  if (llvm::Error error = keys.finish())
    return error;

  if (input.generation) {
    // As in transformers: the file replaces the generation keys of config.json as a whole.
    llvm::Expected<GenerationConfig> file = readGenerationFile(*input.generation, input.generationPath, result.vocab);
    if (!file)
      return file.takeError();
    result.generation = *file;
  }
  GenerationConfig &g = result.generation;
  if (g.decoderStartTokenId < 0)
    g.decoderStartTokenId = g.bosTokenId;
  if (g.decoderStartTokenId < 0)
    return badInput(fmt::format("{}: no decoder_start_token_id and no bos_token_id; generation cannot start; add one",
                                input.generation ? input.generationPath : input.configPath));
  return result;
}

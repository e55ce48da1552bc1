// "whisper": log-mel frames in, text out; pre-norm, keys without bias, learned positions (Radford et al. 2022,
// arXiv:2212.04356).
//
// Keys: WhisperConfig of transformers 4 and 5, and those that its generation_config.json adds. The decoder starts with
// the start token, language and task (multilingual models: English or generation_config's, transcribe) and the token
// that asks for no timestamps. Tested as BartLike.
#include "compiler/config/Limits.h"
#include "compiler/import/BartLike.h"
#include "compiler/import/Families.h"

#include <fmt/format.h>

namespace decant {
namespace {

constexpr llvm::StringRef kOwnKeys[] = {"alignment_heads",
                                        "is_multilingual",
                                        "lang_to_id",
                                        "language",
                                        "task",
                                        "task_to_id",
                                        "max_initial_timestamp_index",
                                        "no_timestamps_token_id",
                                        "prev_sot_token_id",
                                        "return_timestamps",
                                        "forced_decoder_ids"};

GenerationConfig defaults() {
  GenerationConfig result;
  result.bosTokenId = result.padTokenId = 50256;
  result.eosTokenIds = {50256};
  result.decoderStartTokenId = 50257;
  return result;
}

/// An id below `vocab` that `object` holds under `name`; -1 if there is none.
int32_t idIn(const json::Value *object, llvm::StringRef name, int64_t vocab) {
  const json::Value *id = object && object->is(json::Kind::Object) ? object->find(name) : nullptr;
  bool valid = id && id->is(json::Kind::Integer) && id->integer() >= 0 && id->integer() < vocab;
  return valid ? static_cast<int32_t>(id->integer()) : -1;
}

std::string textIn(const json::Value &object, llvm::StringRef name, const std::string &fallback) {
  const json::Value *text = object.find(name);
  return text && text->is(json::Kind::String) ? text->text() : fallback;
}

/// transformers' _retrieve_init_tokens without timestamps.
llvm::Error readPrompt(const FamilyInput &input, DecoderConfig &config) {
  const json::Value &keys = input.generation ? *input.generation : input.config;
  const std::string &path = input.generation ? input.generationPath : input.configPath;
  GenerationConfig &g = config.generation;
  g.decoderPrompt = {g.decoderStartTokenId};
  const json::Value *multilingual = keys.find("is_multilingual");
  if (multilingual && multilingual->is(json::Kind::Bool) && multilingual->boolean()) {
    std::string language = textIn(keys, "language", "<|en|>"), task = textIn(keys, "task", "transcribe");
    if (!llvm::StringRef(language).starts_with("<|"))
      language = "<|" + language + "|>";
    for (auto [table, name] : {std::pair("lang_to_id", language), std::pair("task_to_id", task)}) {
      int32_t id = idIn(keys.find(table), name, config.vocab);
      if (id < 0)
        return badInput(fmt::format("{}: key \"{}\": no token id for {} in it", path, table, json::quote(name)));
      g.decoderPrompt.push_back(id);
    }
  }
  if (int32_t id = idIn(&keys, "no_timestamps_token_id", config.vocab); id >= 0) {
    g.decoderPrompt.push_back(id);
    return llvm::Error::success();
  }
  // Older files: pairs of a position in the decoder's ids and the id that is forced there.
  const json::Value *forced = keys.find("forced_decoder_ids");
  if (!forced || !forced->is(json::Kind::Array))
    return llvm::Error::success();
  g.decoderPrompt.resize(1);
  for (const json::Value &pair : forced->items()) {
    bool valid = pair.is(json::Kind::Array) && pair.items().size() == 2 && pair.items()[0].is(json::Kind::Integer) &&
                 pair.items()[0].integer() == static_cast<int64_t>(g.decoderPrompt.size()) &&
                 pair.items()[1].is(json::Kind::Integer) && pair.items()[1].integer() >= 0 &&
                 pair.items()[1].integer() < config.vocab;
    if (!valid)
      return badInput(
          fmt::format("{}: key \"forced_decoder_ids\": expected [position, token id] for the positions from "
                      "1 on, found {}",
                      path, json::excerpt(pair)));
    g.decoderPrompt.push_back(static_cast<int32_t>(pair.items()[1].integer()));
  }
  return llvm::Error::success();
}

} // namespace

llvm::Expected<DecoderConfig> readWhisper(const FamilyInput &input) {
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  readBartKeys(keys, result, {.width = 384, .layers = 4, .heads = 6, .ffn = 1536});
  result.vocab = keys.integer("vocab_size", 51865, 1, limits::vocabulary);
  result.maxPositions = keys.integer("max_target_positions", 448, 1, limits::context);
  result.maxSource = keys.integer("max_source_positions", 1500, 1, limits::context);
  result.sourceWidth = 2 * keys.integer("num_mel_bins", 80, 1, 1024);
  keys.harmless({"classifier_proj_size", "median_filter_width", "use_weighted_layer_sum"});
  if (llvm::Error error = finishFamily(input, keys, defaults(), result, kOwnKeys))
    return error;
  if (llvm::Error error = readPrompt(input, result))
    return error;
  BartStyle style;
  style.preNorm = style.audio = true;
  style.keyBias = style.logitsBias = false;
  result.build = [style](ModelBuilder &builder) { buildBartLike(builder, style); };
  return result;
}

} // namespace decant

// generation_config.json -> GenerationConfig. Old folders keep the same keys in config.json.
//
// Absent or null means the default of transformers' GenerationConfig. Rules that decant does not carry out are accepted
// at their neutral value only. Tested in tests/config.
#include "compiler/config/FamilyKeys.h"
#include "compiler/config/Limits.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

using namespace decant;

namespace {

/// A key decant has no code for, and the value at which it does nothing.
struct NeutralKey {
  const char *key;
  Neutral value = {};
};

const NeutralKey neutralKeys[] = {
    {"encoder_repetition_penalty", 1.0},
    {"encoder_no_repeat_ngram_size", 0.0},
    {"num_return_sequences", 1.0},
    {"sequence_bias"},
    {"exponential_decay_length_penalty"},
    {"stop_strings"},
    {"forced_decoder_ids"},
    {"max_time"},
    {"renormalize_logits", false},
    {"remove_invalid_values", false},
    {"num_beam_groups", 1.0},
    {"diversity_penalty", 0.0},
    {"penalty_alpha", 0.0},
    {"dola_layers"},
    {"constraints"},
    {"force_words_ids"},
    {"guidance_scale", 1.0},
    {"prompt_lookup_num_tokens"},
    {"max_matching_ngram_size"},
    {"assistant_early_exit"},
    {"is_assistant", false},
    {"watermarking_config"},
    {"token_healing", false},
    {"cache_implementation", "dynamic"},
    {"low_memory", false},
    {"generation_kwargs"},
};

int32_t narrow(int64_t checked) { return static_cast<int32_t>(checked); } // within a cap below 2^31

void readEarlyStopping(KeyReader &keys, GenerationConfig &result) {
  const json::Value *value = keys.take("early_stopping");
  if (!value || value->is(json::Kind::Null))
    return;
  if (value->is(json::Kind::Bool))
    result.earlyStopping = value->boolean() ? 1 : 0;
  else if (value->is(json::Kind::String) && value->text() == "never")
    result.earlyStopping = 2;
  else
    keys.refuse(ExitCode::BadInput, "early_stopping",
                fmt::format("expected true, false or \"never\", found {}", json::excerpt(*value)));
}

/// Lists of ids, each ended by -1 in the result.
void readBadWords(KeyReader &keys, GenerationConfig &result, int64_t vocab) {
  const json::Value *value = keys.take("bad_words_ids");
  if (!value || value->is(json::Kind::Null))
    return;
  bool valid = value->is(json::Kind::Array);
  for (size_t i = 0; valid && i < value->items().size(); ++i) {
    const json::Value &words = value->items()[i];
    valid = words.is(json::Kind::Array) && !words.items().empty();
    for (size_t j = 0; valid && j < words.items().size(); ++j) {
      const json::Value &id = words.items()[j];
      valid = id.is(json::Kind::Integer) && id.integer() >= 0 && id.integer() < vocab;
      result.badWordsIds.push_back(valid ? static_cast<int32_t>(id.integer()) : 0);
    }
    result.badWordsIds.push_back(-1);
  }
  if (!valid)
    keys.refuse(
        ExitCode::BadInput, "bad_words_ids",
        fmt::format("expected a list of lists of token ids from 0 to {}, found {}", vocab - 1, json::excerpt(*value)));
}

/// temperature, top_k, top_p and min_p act only when sampling, but then they are there: the command line may ask for
/// it.
void readSampling(KeyReader &keys, GenerationConfig &g, int64_t vocab) {
  const json::Value *sample = keys.take("do_sample");
  if (sample && !sample->is(json::Kind::Null))
    g.doSample = keys.boolean("do_sample", false);
  constexpr double kSmallest = 1e-6, kLargest = 1e6;
  g.temperature = keys.real("temperature", g.temperature, g.doSample ? kSmallest : 0, kLargest);
  g.temperature = g.temperature > 0 ? g.temperature : 1; // 0 stands for "not sampled" in some files
  g.topK = narrow(keys.integerOrNull("top_k", g.topK, 0, limits::vocabulary));
  g.topP = keys.real("top_p", g.topP, kSmallest, 1);
  g.minP = keys.real("min_p", g.minP, 0, 1);
  g.repetitionPenalty = keys.real("repetition_penalty", g.repetitionPenalty, kSmallest, kLargest);
  g.noRepeatNgramSize = narrow(keys.integerOrNull("no_repeat_ngram_size", g.noRepeatNgramSize, 0, limits::context));
  for (auto [key, value] :
       {std::pair("top_h", 1.0), {"typical_p", 1.0}, {"epsilon_cutoff", 0.0}, {"eta_cutoff", 0.0}}) {
    if (g.doSample)
      keys.neutral(key, value);
    else // without effect, but a number must still be one
      keys.real(key, value, 0, kLargest);
  }
  readBadWords(keys, g, vocab);
}

} // namespace

void decant::readGenerationKeys(KeyReader &keys, GenerationConfig &result, int64_t vocab,
                                llvm::ArrayRef<llvm::StringRef> own) {
  for (llvm::StringRef key : own)
    keys.take(key);
  GenerationConfig &g = result;
  g.bosTokenId = keys.tokenId("bos_token_id", g.bosTokenId, vocab);
  g.padTokenId = keys.tokenId("pad_token_id", g.padTokenId, vocab);
  g.decoderStartTokenId = keys.tokenId("decoder_start_token_id", g.decoderStartTokenId, vocab);
  g.forcedBosTokenId = keys.tokenId("forced_bos_token_id", g.forcedBosTokenId, vocab);
  g.forcedEosTokenId = keys.tokenId("forced_eos_token_id", g.forcedEosTokenId, vocab);
  g.eosTokenIds = keys.tokenIds("eos_token_id", g.eosTokenIds, vocab);
  g.suppressTokens = keys.tokenIds("suppress_tokens", g.suppressTokens, vocab);
  g.beginSuppressTokens = keys.tokenIds("begin_suppress_tokens", g.beginSuppressTokens, vocab);
  g.maxLength = narrow(keys.integerOrNull("max_length", g.maxLength, 1, limits::context));
  g.minLength = narrow(keys.integerOrNull("min_length", g.minLength, 0, limits::context));
  g.maxNewTokens = narrow(keys.integerOrNull("max_new_tokens", g.maxNewTokens, 1, limits::context));
  g.minNewTokens = narrow(keys.integerOrNull("min_new_tokens", g.minNewTokens, 0, limits::context));
  g.numBeams = narrow(keys.integerOrNull("num_beams", g.numBeams, 1, limits::beams));
  g.lengthPenalty = keys.real("length_penalty", g.lengthPenalty, -1e6, 1e6);
  readEarlyStopping(keys, g);
  for (const NeutralKey &entry : neutralKeys)
    if (!llvm::is_contained(own, entry.key))
      keys.neutral(entry.key, entry.value);

  readSampling(keys, g, vocab);
  keys.harmless({"num_assistant_tokens*", "assistant_confidence_threshold", "assistant_lookbehind", "target_lookbehind",
                 "output_attentions", "output_hidden_states", "output_scores", "output_logits",
                 "return_dict_in_generate", "return_legacy_cache", "cache_config", "compile_config", "disable_compile",
                 "prefill_chunk_size", "use_cache", "transformers_version", "_from_model_config"});
}

llvm::Expected<GenerationConfig> decant::readGenerationFile(const json::Value &object, const std::string &path,
                                                            int64_t vocab, llvm::ArrayRef<llvm::StringRef> own) {
  KeyReader keys(object, path);
  GenerationConfig result;
  readGenerationKeys(keys, result, vocab, own);
  if (llvm::Error error = keys.finish())
    return error;
  return result;
}

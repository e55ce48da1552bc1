// generation_config.json: values, neutral values, refusals.
#include "compiler/config/FamilyKeys.h"
#include "tests/config/TestSupport.h"

using namespace decant;
using namespace decant::test;

namespace {

llvm::Expected<GenerationConfig> read(const std::string &members) {
  json::Value object = accepted(json::parse("{" + members + "}", "generation_config.json"));
  return readGenerationFile(object, "generation_config.json", 100);
}

TEST(Generation, Defaults) {
  GenerationConfig g = accepted(read(""));
  EXPECT_EQ(g.maxLength, -1); // 20 new tokens
  EXPECT_EQ(g.minLength, 0);
  EXPECT_EQ(g.maxNewTokens, -1);
  EXPECT_EQ(g.minNewTokens, -1);
  EXPECT_EQ(g.numBeams, 1);
  EXPECT_EQ(g.earlyStopping, 0);
  EXPECT_EQ(g.lengthPenalty, 1.0);
  EXPECT_EQ(g.bosTokenId, -1);
  EXPECT_TRUE(g.eosTokenIds.empty() && g.suppressTokens.empty() && g.beginSuppressTokens.empty());
}

TEST(Generation, Values) {
  GenerationConfig g = accepted(read(R"("bos_token_id": 1, "pad_token_id": 0, "decoder_start_token_id": 3,
    "forced_bos_token_id": 4, "forced_eos_token_id": [2], "eos_token_id": [2, 5], "max_length": 64, "min_length": 3,
    "max_new_tokens": 10, "min_new_tokens": 2, "num_beams": 4, "early_stopping": "never", "length_penalty": -0.5,
    "suppress_tokens": [7, 8], "begin_suppress_tokens": [9])"));
  EXPECT_EQ(g.bosTokenId, 1);
  EXPECT_EQ(g.padTokenId, 0);
  EXPECT_EQ(g.decoderStartTokenId, 3);
  EXPECT_EQ(g.forcedBosTokenId, 4);
  EXPECT_EQ(g.forcedEosTokenId, 2);
  EXPECT_EQ(g.eosTokenIds, (std::vector<int32_t>{2, 5}));
  EXPECT_EQ(g.maxLength, 64);
  EXPECT_EQ(g.minLength, 3);
  EXPECT_EQ(g.maxNewTokens, 10);
  EXPECT_EQ(g.minNewTokens, 2);
  EXPECT_EQ(g.numBeams, 4);
  EXPECT_EQ(g.earlyStopping, 2);
  EXPECT_EQ(g.lengthPenalty, -0.5);
  EXPECT_EQ(g.suppressTokens, (std::vector<int32_t>{7, 8}));
  EXPECT_EQ(g.beginSuppressTokens, std::vector<int32_t>{9});
  EXPECT_EQ(accepted(read("\"early_stopping\": true")).earlyStopping, 1);
  EXPECT_EQ(accepted(read("\"early_stopping\": false, \"num_beams\": null, \"max_length\": null")).maxLength, -1);
}

TEST(Generation, NeutralAndHarmlessKeys) {
  accepted(read(R"("do_sample": false, "temperature": 0.6, "top_k": 50, "top_p": 0.9, "min_p": null, "typical_p": 1.0,
    "epsilon_cutoff": 0, "eta_cutoff": 0.0, "repetition_penalty": 1, "encoder_repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0, "encoder_no_repeat_ngram_size": 0, "num_return_sequences": 1, "bad_words_ids": null,
    "sequence_bias": null, "exponential_decay_length_penalty": null, "stop_strings": null, "constraints": null,
    "renormalize_logits": false, "remove_invalid_values": false, "num_beam_groups": 1, "diversity_penalty": 0.0,
    "penalty_alpha": null, "dola_layers": null, "force_words_ids": null, "guidance_scale": null,
    "prompt_lookup_num_tokens": null, "assistant_early_exit": null, "watermarking_config": null,
    "token_healing": false, "cache_implementation": null, "num_assistant_tokens": 20, "use_cache": true,
    "num_assistant_tokens_schedule": "constant", "assistant_confidence_threshold": 0.4, "output_scores": false,
    "return_dict_in_generate": false, "transformers_version": "4.51.3", "_from_model_config": true)"));
}

struct Refusal {
  const char *members;
  ExitCode code;
  const char *message;
};

TEST(Generation, Sampling) {
  GenerationConfig g =
      accepted(read("\"do_sample\": true, \"temperature\": 0.6, \"top_k\": 20, \"top_p\": 0.9, \"min_p\": 0.1, "
                    "\"repetition_penalty\": 1.1, \"no_repeat_ngram_size\": 3, "
                    "\"bad_words_ids\": [[7], [8, 9]]"));
  EXPECT_TRUE(g.doSample);
  EXPECT_EQ(g.temperature, 0.6);
  EXPECT_EQ(g.topK, 20);
  EXPECT_EQ(g.topP, 0.9);
  EXPECT_EQ(g.minP, 0.1);
  EXPECT_EQ(g.repetitionPenalty, 1.1);
  EXPECT_EQ(g.noRepeatNgramSize, 3);
  EXPECT_EQ(g.badWordsIds, (std::vector<int32_t>{7, -1, 8, 9, -1}));
  GenerationConfig none = accepted(read("\"temperature\": 0.0, \"typical_p\": 0.5")); // not sampled: without effect
  EXPECT_FALSE(none.doSample);
  EXPECT_EQ(none.temperature, 1);
  EXPECT_EQ(none.topK, 50) << "transformers' default";
}

TEST(Generation, Refusals) {
  const Refusal cases[] = {
      {"\"do_sample\": true, \"typical_p\": 0.9", ExitCode::Unsupported,
       "\"typical_p\": the value 0.9 is not supported"},
      {"\"do_sample\": true, \"eta_cutoff\": 0.1", ExitCode::Unsupported, "\"eta_cutoff\""},
      {"\"do_sample\": 1", ExitCode::BadInput, "\"do_sample\": expected true or false, found 1"},
      {"\"repetition_penalty\": 0", ExitCode::BadInput, "\"repetition_penalty\": expected a number"},
      {"\"top_p\": 1.5", ExitCode::BadInput, "\"top_p\": expected a number"},
      {"\"encoder_repetition_penalty\": 2", ExitCode::Unsupported, "\"encoder_repetition_penalty\""},
      {"\"no_repeat_ngram_size\": -3", ExitCode::BadInput, "\"no_repeat_ngram_size\""},
      {"\"encoder_no_repeat_ngram_size\": 3", ExitCode::Unsupported, "\"encoder_no_repeat_ngram_size\""},
      {"\"num_return_sequences\": 2", ExitCode::Unsupported, "\"num_return_sequences\""},
      {"\"bad_words_ids\": [[100]]", ExitCode::BadInput, "\"bad_words_ids\": expected a list of lists of token ids"},
      {"\"bad_words_ids\": [[]]", ExitCode::BadInput, "\"bad_words_ids\""},
      {"\"sequence_bias\": [[[1], 2.0]]", ExitCode::Unsupported, "\"sequence_bias\""},
      {"\"exponential_decay_length_penalty\": [1, 2]", ExitCode::Unsupported, "\"exponential_decay_length_penalty\""},
      {"\"stop_strings\": \"x\"", ExitCode::Unsupported, "\"stop_strings\""},
      {"\"forced_decoder_ids\": [[1, 2]]", ExitCode::Unsupported, "\"forced_decoder_ids\""},
      {"\"renormalize_logits\": true", ExitCode::Unsupported, "\"renormalize_logits\""},
      {"\"remove_invalid_values\": true", ExitCode::Unsupported, "\"remove_invalid_values\""},
      {"\"num_beam_groups\": 2", ExitCode::Unsupported, "\"num_beam_groups\""},
      {"\"diversity_penalty\": 0.5", ExitCode::Unsupported, "\"diversity_penalty\""},
      {"\"penalty_alpha\": 0.6", ExitCode::Unsupported, "\"penalty_alpha\""},
      {"\"dola_layers\": \"low\"", ExitCode::Unsupported, "\"dola_layers\""},
      {"\"constraints\": [1]", ExitCode::Unsupported, "\"constraints\""},
      {"\"force_words_ids\": [[1]]", ExitCode::Unsupported, "\"force_words_ids\""},
      {"\"guidance_scale\": 1.5", ExitCode::Unsupported, "\"guidance_scale\""},
      {"\"prompt_lookup_num_tokens\": 2", ExitCode::Unsupported, "\"prompt_lookup_num_tokens\""},
      {"\"assistant_early_exit\": 4", ExitCode::Unsupported, "\"assistant_early_exit\""},
      {"\"watermarking_config\": {\"bias\": 2}", ExitCode::Unsupported, "\"watermarking_config\""},
      {"\"token_healing\": true", ExitCode::Unsupported, "\"token_healing\""},
      {"\"cache_implementation\": \"static\"", ExitCode::Unsupported, "only \"dynamic\""},
      {"\"max_time\": 3.0", ExitCode::Unsupported, "\"max_time\""},
      {"\"lang_to_id\": {\"<|en|>\": 5}", ExitCode::Unsupported, "unknown key \"lang_to_id\""},
      {"\"num_beams\": 0", ExitCode::BadInput, "an integer from 1 to 1024, found 0"},
      {"\"num_beams\": 1025", ExitCode::BadInput, "found 1025"},
      {"\"max_length\": 0", ExitCode::BadInput, "\"max_length\""},
      {"\"max_length\": 1e2", ExitCode::BadInput, "found 1e2"},
      {"\"min_length\": -1", ExitCode::BadInput, "\"min_length\""},
      {"\"max_new_tokens\": 0", ExitCode::BadInput, "\"max_new_tokens\""},
      {"\"early_stopping\": \"always\"", ExitCode::BadInput, "expected true, false or \"never\", found \"always\""},
      {"\"early_stopping\": 1", ExitCode::BadInput, "\"early_stopping\""},
      {"\"length_penalty\": \"1\"", ExitCode::BadInput, "\"length_penalty\": expected a number"},
      {"\"temperature\": \"hot\"", ExitCode::BadInput, "\"temperature\": expected a number"},
      {"\"top_k\": 1.5", ExitCode::BadInput, "\"top_k\""},
      {"\"eos_token_id\": 100", ExitCode::BadInput, "a token id from 0 to 99 (the vocabulary has 100), found 100"},
      {"\"suppress_tokens\": [1, 100]", ExitCode::BadInput, "\"suppress_tokens\""},
      {"\"begin_suppress_tokens\": [-1]", ExitCode::BadInput, "\"begin_suppress_tokens\""},
      {"\"forced_eos_token_id\": [1, 2]", ExitCode::Unsupported, "a list of 2 token ids"},
  };
  for (const Refusal &bad : cases)
    EXPECT_TRUE(refused(read(bad.members), bad.code, {"generation_config.json: ", bad.message})) << bad.members;
}

} // namespace

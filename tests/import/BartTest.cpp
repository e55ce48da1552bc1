// config.json of BART: the bundled model, class defaults, every refusal.
#include "compiler/import/Families.h"
#include "tests/config/TestSupport.h"

#include <cmath>
#include <unistd.h>

using namespace decant;
using namespace decant::test;

namespace {

/// readConfig of a folder with a BART config.json that has `extra` members, and perhaps a generation_config.json.
llvm::Expected<DecoderConfig> read(const std::string &extra, const char *generation = nullptr) {
  TempFolder folder;
  folder.write("config.json", "{\"model_type\": \"bart\"" + (extra.empty() ? "" : ", " + extra) + "}");
  if (generation)
    folder.write("generation_config.json", generation);
  return readConfig(folder.path);
}

TEST(Bart, ReadsTheBundledModel) {
  DecoderConfig c = accepted(readConfig(DECANT_MODELS "/g2p-bart-en-us"));
  EXPECT_EQ(c.family, "bart");
  EXPECT_EQ(c.kind, ModelKind::EncoderDecoder);
  EXPECT_EQ(c.width, 128);
  EXPECT_EQ(c.vocab, 63);
  EXPECT_EQ(c.maxPositions, 64);
  for (const StackConfig &stack : {c.encoder, c.decoder}) {
    EXPECT_EQ(stack.layers, 1);
    EXPECT_EQ(stack.heads, 1);
    EXPECT_EQ(stack.kvHeads, 1);
    EXPECT_EQ(stack.ffn, 1024);
  }
  EXPECT_EQ(c.activation, ConfigActivation::Gelu);
  EXPECT_EQ(c.embedScale, 1.0);
  EXPECT_TRUE(c.tiedHead && c.bias && !c.normFirst);
  EXPECT_EQ(c.generation.bosTokenId, 1);
  EXPECT_EQ(c.generation.padTokenId, 0);
  EXPECT_EQ(c.generation.decoderStartTokenId, 1);
  EXPECT_EQ(c.generation.forcedEosTokenId, 2);
  EXPECT_EQ(c.generation.forcedBosTokenId, -1);
  EXPECT_EQ(c.generation.eosTokenIds, std::vector<int32_t>{2});
  EXPECT_EQ(c.generation.maxLength, 64);
  EXPECT_EQ(c.generation.numBeams, 1);
}

TEST(Bart, AbsentKeysTakeTheClassDefaults) {
  DecoderConfig c = accepted(read(""));
  EXPECT_EQ(c.vocab, 50265);
  EXPECT_EQ(c.width, 1024);
  EXPECT_EQ(c.maxPositions, 1024);
  EXPECT_EQ(c.encoder.layers, 12);
  EXPECT_EQ(c.decoder.heads, 16);
  EXPECT_EQ(c.decoder.ffn, 4096);
  EXPECT_EQ(c.normEps, 1e-5);
  EXPECT_TRUE(c.tiedHead);
  EXPECT_EQ(c.generation.decoderStartTokenId, 2);
  EXPECT_EQ(c.generation.forcedEosTokenId, 2);
  EXPECT_EQ(c.generation.padTokenId, 1);
  EXPECT_EQ(c.generation.bosTokenId, 0);
  EXPECT_EQ(c.generation.maxLength, -1);
}

TEST(Bart, AcceptedSpellings) {
  EXPECT_EQ(accepted(read("\"scale_embedding\": true, \"d_model\": 64")).embedScale, 8.0);
  EXPECT_EQ(accepted(read("\"activation_function\": \"relu\"")).activation, ConfigActivation::Relu);
  EXPECT_FALSE(accepted(read("\"tie_word_embeddings\": false")).tiedHead);
  EXPECT_EQ(accepted(read("\"decoder_layers\": 6, \"encoder_layers\": 3, \"num_hidden_layers\": 3")).decoder.layers, 6);
  EXPECT_EQ(accepted(read("\"force_bos_token_to_be_generated\": true")).generation.forcedBosTokenId, 0);
  EXPECT_EQ(accepted(read("\"forced_eos_token_id\": null")).generation.forcedEosTokenId, -1);
  accepted(read(R"("is_decoder": false, "is_encoder_decoder": true, "normalize_before": false, "dtype": "float32",
    "add_final_layer_norm": false, "static_position_embeddings": false, "normalize_embedding": true, "dropout": 0.1,
    "attention_dropout": 0.0, "encoder_layerdrop": 0.0, "classifier_dropout": null, "init_std": 0.02,
    "id2label": {"0": "A"}, "label2id": {"A": 0}, "torch_dtype": "float16", "use_cache": true, "_name_or_path": "x",
    "task_specific_params": {"summarization": {"num_beams": 4}}, "add_bias_logits": false, "pruned_heads": {},
    "hidden_size": 1024, "num_attention_heads": 16, "early_stopping": true, "num_beams": 4, "length_penalty": 2.0)"));
}

TEST(Bart, GenerationKeysInConfigActOnlyWithoutTheOtherFile) {
  EXPECT_EQ(accepted(read("\"num_beams\": 4, \"max_length\": 62")).generation.numBeams, 4);
  DecoderConfig c = accepted(read("\"num_beams\": 4", R"({"eos_token_id": [2, 7], "bos_token_id": 5})"));
  EXPECT_EQ(c.generation.numBeams, 1);
  EXPECT_EQ(c.generation.eosTokenIds, (std::vector<int32_t>{2, 7}));
  EXPECT_EQ(c.generation.decoderStartTokenId, 5) << "falls back to bos";
  EXPECT_EQ(c.generation.forcedEosTokenId, -1) << "no class default in this file";
}

struct Refusal {
  const char *members;
  ExitCode code;
  const char *message;
};

TEST(Bart, Refusals) {
  const Refusal cases[] = {
      {"\"d_model\": 0", ExitCode::BadInput, "\"d_model\": expected an integer from 1 to 1048576, found 0"},
      {"\"d_model\": -16", ExitCode::BadInput, "found -16"},
      {"\"d_model\": 1048577", ExitCode::BadInput, "found 1048577"},
      {"\"d_model\": 1024.0", ExitCode::BadInput, "found 1024.0"},
      {"\"d_model\": null", ExitCode::BadInput, "found null"},
      {"\"d_model\": \"1024\"", ExitCode::BadInput, "found \"1024\""},
      {"\"d_model\": 1025", ExitCode::BadInput, "16 heads do not divide \"d_model\" = 1025"},
      {"\"encoder_layers\": 0", ExitCode::BadInput, "\"encoder_layers\": expected an integer from 1 to 4096"},
      {"\"decoder_layers\": 4097", ExitCode::BadInput, "\"decoder_layers\": expected an integer from 1 to 4096"},
      {"\"decoder_attention_heads\": 0", ExitCode::BadInput, "from 1 to 1024"},
      {"\"decoder_attention_heads\": 3", ExitCode::BadInput, "\"decoder_attention_heads\": 3 heads do not divide"},
      {"\"encoder_ffn_dim\": 5000000", ExitCode::BadInput, "\"encoder_ffn_dim\""},
      {"\"vocab_size\": 16777217", ExitCode::BadInput, "\"vocab_size\""},
      {"\"max_position_embeddings\": 99999999999", ExitCode::BadInput, "\"max_position_embeddings\""},
      {"\"scale_embedding\": 1", ExitCode::BadInput, "expected true or false, found 1"},
      {"\"pad_token_id\": 50265", ExitCode::BadInput, "a token id from 0 to 50264 (the vocabulary has 50265)"},
      {"\"eos_token_id\": -1", ExitCode::BadInput, "\"eos_token_id\""},
      {"\"vocab_size\": 2", ExitCode::BadInput, "its default 2 is outside the vocabulary of 2"},
      {"\"num_hidden_layers\": 6", ExitCode::BadInput, "found 6, but \"encoder_layers\" is 12; they must agree"},
      {"\"hidden_size\": 6", ExitCode::BadInput, "\"d_model\" is 1024"},
      {"\"bos_token_id\": null, \"decoder_start_token_id\": null", ExitCode::BadInput, "generation cannot start"},
      {"\"activation_function\": \"mish\"", ExitCode::Unsupported, "the activation \"mish\" is not supported"},
      {"\"is_decoder\": true", ExitCode::Unsupported, "\"is_decoder\": the value true is not supported, only false"},
      {"\"is_encoder_decoder\": false", ExitCode::Unsupported, "\"is_encoder_decoder\""},
      {"\"add_cross_attention\": true", ExitCode::Unsupported, "\"add_cross_attention\""},
      {"\"normalize_before\": true", ExitCode::Unsupported, "\"normalize_before\""},
      {"\"add_final_layer_norm\": true", ExitCode::Unsupported, "\"add_final_layer_norm\""},
      {"\"static_position_embeddings\": true", ExitCode::Unsupported, "\"static_position_embeddings\""},
      {"\"normalize_embedding\": false", ExitCode::Unsupported, "\"normalize_embedding\""},
      {"\"extra_pos_embeddings\": 0", ExitCode::Unsupported, "the value 0 is not supported, only 2"},
      {"\"add_bias_logits\": true", ExitCode::Unsupported, "\"add_bias_logits\""},
      {"\"tie_encoder_decoder\": true", ExitCode::Unsupported, "\"tie_encoder_decoder\""},
      {"\"pruned_heads\": {\"0\": [1]}", ExitCode::Unsupported, "\"pruned_heads\""},
      {"\"sliding_window\": 4096", ExitCode::Unsupported, "unknown key \"sliding_window\" with the value 4096"},
      {"\"quantization_config\": {}", ExitCode::Unsupported, "unknown key \"quantization_config\""},
  };
  for (const Refusal &bad : cases)
    EXPECT_TRUE(refused(read(bad.members), bad.code, {"config.json", bad.message})) << bad.members;
}

TEST(Config, Folders) {
  TempFolder folder;
  EXPECT_TRUE(refused(readConfig(folder.file("gone")), ExitCode::BadInput, {"gone: no such folder"}));
  EXPECT_TRUE(refused(readConfig(folder.path), ExitCode::BadInput, {"config.json: no such file"}));
  folder.write("config.json", "{\"model_type\": ");
  EXPECT_TRUE(refused(readConfig(folder.path), ExitCode::BadInput, {"config.json: byte", "not valid JSON"}));
  EXPECT_TRUE(refused(readConfig(folder.file("config.json")), ExitCode::BadInput, {"not a folder"}));
  folder.write("config.json", "[]");
  EXPECT_TRUE(refused(readConfig(folder.path), ExitCode::BadInput, {"\"model_type\": missing"}));
  folder.write("config.json", "{\"model_type\": 5}");
  EXPECT_TRUE(refused(readConfig(folder.path), ExitCode::BadInput, {"\"model_type\": found 5; expected a string"}));
  folder.write("config.json", "{\"model_type\": \"barty\"}");
  EXPECT_TRUE(refused(readConfig(folder.path), ExitCode::Unsupported,
                      {"the model_type \"barty\" is not supported", "known: bart, ", "the nearest is bart"}));
  folder.write("config.json", "{\"model_type\": \"transformer_decoder\"}");
  EXPECT_TRUE(refused(readConfig(folder.path), ExitCode::Unsupported, {"the nearest is torch_transformer_decoder"}));
  folder.write("config.json", "{\"model_type\": \"bart\"}");
  folder.write("generation_config.json", "{");
  EXPECT_TRUE(refused(readConfig(folder.path), ExitCode::BadInput, {"generation_config.json: byte"}));
}

} // namespace

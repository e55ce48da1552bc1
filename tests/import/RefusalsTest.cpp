// What a family's config can say and decant does not do: refused by key and value, exit 4; nonsense: exit 3.
#include "compiler/import/Families.h"
#include "tests/config/TestSupport.h"

using namespace decant;
using namespace decant::test;

namespace {

struct Refusal {
  const char *family, *members;
  ExitCode code;
  const char *message;
};

TEST(Families, Refusals) {
  constexpr ExitCode kNo = ExitCode::Unsupported, kBad = ExitCode::BadInput;
  const Refusal cases[] = {
      {"llama", R"("rope_scaling": {"type": "dynamic", "factor": 2.0})", kNo, "\"dynamic\" is not supported"},
      {"llama", R"("num_local_experts": 8)", kNo, "unknown key \"num_local_experts\" with the value 8"},
      {"llama", R"("quantization_config": {"bits": 4})", kNo, "unknown key \"quantization_config\""},
      {"llama", R"("pretraining_tp": 2)", kNo, "\"pretraining_tp\": the value 2 is not supported, only 1"},
      {"llama", R"("hidden_act": "mish")", kNo, "the activation \"mish\" is not supported"},
      {"llama", R"("cross_attention_layers": [3])", kNo, "unknown key \"cross_attention_layers\""},
      {"llama", R"("num_key_value_heads": 5)", kBad, "5 do not divide the 32 heads"},
      {"llama", R"("hidden_size": 100)", kBad, "32 heads do not divide \"hidden_size\" = 100"},
      {"mistral", R"("sliding_window": "all")", kBad, "\"sliding_window\": expected an integer"},
      {"mistral", R"("num_experts_per_tok": 2)", kNo, "unknown key \"num_experts_per_tok\""},
      {"qwen2", R"("use_mrope": true)", kNo, "unknown key \"use_mrope\""},
      {"qwen2", R"("num_hidden_layers": 2, "layer_types": ["full_attention", "linear_attention"])", kNo,
       "layer 1 is \"linear_attention\""},
      {"qwen2", R"("num_hidden_layers": 2, "layer_types": ["full_attention"])", kBad, "a list of 2 types"},
      {"qwen3", R"("num_experts": 128)", kNo, "unknown key \"num_experts\""},
      {"phi3", R"("attention_bias": true)", kNo, "\"attention_bias\": the value true is not supported"},
      {"gemma", R"("use_bidirectional_attention": true)", kNo, "\"use_bidirectional_attention\""},
      {"gemma2", R"("attn_logit_softcapping": -1)", kBad, "\"attn_logit_softcapping\""},
      {"gpt2", R"("add_cross_attention": true)", kNo, "\"add_cross_attention\": the value true"},
      {"gpt2", R"("n_head": 7)", kBad, "7 heads do not divide \"n_embd\" = 768"},
      {"gpt2", R"("n_ctx": 512)", kBad, "found 512, but \"n_positions\" is 1024"},
      {"opt", R"("layer_norm_elementwise_affine": false)", kNo, "\"layer_norm_elementwise_affine\""},
      {"gpt_neox", R"("rope_scaling": {"type": "su-scaled", "factor": 2.0})", kNo, "\"su-scaled\" is not supported"},
      {"bloom", R"("apply_residual_connection_post_layernorm": true)", kNo,
       "\"apply_residual_connection_post_layernorm\""},
      {"falcon", R"("new_decoder_architecture": true, "num_kv_heads": 8)", kBad, "8 do not divide the 71 heads"},
      {"t5", R"("feed_forward_proj": "gated-swish-2")", kNo, "\"gated-swish-2\" is not supported"},
      {"t5", R"("relative_attention_num_buckets": 30)", kNo, "30 buckets"},
      {"t5", R"("num_experts": 4)", kNo, "unknown key \"num_experts\""},
      {"mt5", R"("is_decoder": true)", kNo, "\"is_decoder\""},
      {"marian", R"("decoder_vocab_size": 100)", kBad, "found 100, but \"vocab_size\" is 58101"},
      {"marian", R"("normalize_before": true)", kNo, "\"normalize_before\""},
      {"mbart", R"("normalize_before": false)", kNo,
       "\"normalize_before\": the value false is not supported, only true"},
      {"m2m_100", R"("d_model": 17, "encoder_attention_heads": 1, "decoder_attention_heads": 1)", kNo, "an even width"},
      {"pegasus", R"("static_position_embeddings": false)", kNo, "\"static_position_embeddings\""},
      {"whisper", R"("forced_decoder_ids": [[2, 50259]])", kBad,
       "\"forced_decoder_ids\": expected [position, token id]"},
      {"whisper", R"("is_multilingual": true)", kBad, "\"lang_to_id\": no token id for \"<|en|>\""},
  };
  for (const Refusal &bad : cases) {
    TempFolder folder;
    folder.write("config.json", std::string("{\"model_type\": \"") + bad.family + "\", " + bad.members + "}");
    EXPECT_TRUE(refused(readConfig(folder.path), bad.code, {"config.json", bad.message}))
        << bad.family << " " << bad.members;
  }
}

TEST(Families, ClassDefaultsAreAccepted) {
  for (const char *family :
       {"bart",  "bloom",   "falcon", "gemma", "gemma2",  "gpt2", "gpt_neox", "llama", "m2m_100", "marian",
        "mbart", "mistral", "mt5",    "opt",   "pegasus", "phi3", "qwen2",    "qwen3", "t5",      "whisper"}) {
    TempFolder folder;
    std::string start = std::string(family) == "mbart" ? ", \"decoder_start_token_id\": 2" : "";
    folder.write("config.json", std::string("{\"model_type\": \"") + family + "\"" + start + "}");
    DecoderConfig config = accepted(readConfig(folder.path));
    EXPECT_EQ(config.family, family);
    EXPECT_TRUE(config.build != nullptr) << family;
  }
}

TEST(Families, AbsentIsNotNull) {
  TempFolder folder;
  auto read = [&](const std::string &members) {
    folder.write("config.json", "{\"model_type\": \"mistral\"" + members + "}");
    return accepted(readConfig(folder.path));
  };
  EXPECT_EQ(read("").decoder.kvHeads, 8) << "the class default";
  EXPECT_EQ(read(", \"num_key_value_heads\": null").decoder.kvHeads, 32) << "as many as heads";
}

} // namespace

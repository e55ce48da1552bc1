// config.json of torch.nn.TransformerDecoder: PyTorch's defaults and every refusal.
#include "compiler/import/Families.h"
#include "tests/config/TestSupport.h"

using namespace decant;
using namespace decant::test;

namespace {

llvm::Expected<DecoderConfig> readText(const std::string &text) {
  TempFolder folder;
  folder.write("config.json", text);
  return readConfig(folder.path);
}

llvm::Expected<DecoderConfig> read(const std::string &extra) {
  return readText("{\"model_type\": \"torch_transformer_decoder\", \"d_model\": 24, \"nhead\": 3, \"num_layers\": 2" +
                  (extra.empty() ? "" : ", " + extra) + "}");
}

TEST(TorchDecoder, Defaults) {
  DecoderConfig c = accepted(read(""));
  EXPECT_EQ(c.family, "torch_transformer_decoder");
  EXPECT_EQ(c.kind, ModelKind::TorchDecoder);
  EXPECT_EQ(c.width, 24);
  EXPECT_EQ(c.vocab, 0);
  EXPECT_EQ(c.maxPositions, 4096);
  EXPECT_EQ(c.encoder.layers, 0);
  EXPECT_EQ(c.decoder.layers, 2);
  EXPECT_EQ(c.decoder.heads, 3);
  EXPECT_EQ(c.decoder.kvHeads, 3);
  EXPECT_EQ(c.decoder.ffn, 2048);
  EXPECT_EQ(c.activation, ConfigActivation::Relu);
  EXPECT_EQ(c.normEps, 1e-5);
  EXPECT_FALSE(c.normFirst || c.batchFirst || c.tiedHead);
  EXPECT_TRUE(c.bias);
  EXPECT_EQ(c.embedScale, 1.0);
}

TEST(TorchDecoder, Values) {
  DecoderConfig c = accepted(read(R"("dim_feedforward": 40, "activation": "gelu", "norm_first": true, "dropout": 0.1,
    "layer_norm_eps": 1e-6, "batch_first": true, "bias": false, "max_position_embeddings": 32, "dtype": "float32")"));
  EXPECT_EQ(c.decoder.ffn, 40);
  EXPECT_EQ(c.activation, ConfigActivation::Gelu);
  EXPECT_TRUE(c.normFirst && c.batchFirst);
  EXPECT_FALSE(c.bias);
  EXPECT_EQ(c.normEps, 1e-6);
  EXPECT_EQ(c.maxPositions, 32);
}

struct Refusal {
  const char *members;
  ExitCode code;
  const char *message;
};

TEST(TorchDecoder, Refusals) {
  const Refusal cases[] = {
      {"\"dim_feedforward\": 0", ExitCode::BadInput, "\"dim_feedforward\": expected an integer from 1"},
      {"\"layer_norm_eps\": 0", ExitCode::BadInput, "\"layer_norm_eps\": expected a number"},
      {"\"layer_norm_eps\": -1e-5", ExitCode::BadInput, "found -1e-5"},
      {"\"layer_norm_eps\": 1e-50", ExitCode::BadInput, "found 1e-50"},
      {"\"layer_norm_eps\": NaN", ExitCode::BadInput, "NaN and Infinity"},
      {"\"layer_norm_eps\": 1e999", ExitCode::BadInput, "overflow"},
      {"\"layer_norm_eps\": \"1e-5\"", ExitCode::BadInput, "found \"1e-5\""},
      {"\"norm_first\": 1", ExitCode::BadInput, "\"norm_first\": expected true or false, found 1"},
      {"\"batch_first\": null", ExitCode::BadInput, "\"batch_first\""},
      {"\"max_position_embeddings\": 0", ExitCode::BadInput, "\"max_position_embeddings\""},
      {"\"activation\": \"silu\"", ExitCode::Unsupported, "the activation \"silu\" is not supported"},
      {"\"activation\": 3", ExitCode::BadInput, "\"activation\": expected a string"},
      {"\"norm\": true", ExitCode::Unsupported, "unknown key \"norm\" with the value true"},
      {"\"nhead\": 3", ExitCode::BadInput, "the key \"nhead\" appears twice"},
  };
  for (const Refusal &bad : cases)
    EXPECT_TRUE(refused(read(bad.members), bad.code, {"config.json: ", bad.message})) << bad.members;
}

TEST(TorchDecoder, AGenerationConfigIsRefusedNotIgnored) {
  TempFolder folder;
  folder.write("config.json", "{\"model_type\": \"torch_transformer_decoder\", \"d_model\": 24, \"nhead\": 3, "
                              "\"num_layers\": 2}");
  accepted(readConfig(folder.path));
  folder.write("generation_config.json", "{\"num_beams\": 4}");
  EXPECT_TRUE(
      refused(readConfig(folder.path), ExitCode::Unsupported,
              {"generation_config.json: a model of type torch_transformer_decoder generates no text", "remove"}));
}

TEST(TorchDecoder, RequiredKeysAndHeads) {
  const std::string head = "{\"model_type\": \"torch_transformer_decoder\"";
  EXPECT_TRUE(refused(readText(head + "}"), ExitCode::BadInput, {"\"d_model\": missing"}));
  EXPECT_TRUE(refused(readText(head + ", \"d_model\": 24}"), ExitCode::BadInput, {"\"nhead\": missing"}));
  EXPECT_TRUE(
      refused(readText(head + ", \"d_model\": 24, \"nhead\": 3}"), ExitCode::BadInput, {"\"num_layers\": mis"}));
  EXPECT_TRUE(refused(readText(head + ", \"d_model\": 24, \"nhead\": 5, \"num_layers\": 1}"), ExitCode::BadInput,
                      {"5 heads do not divide \"d_model\" = 24"}));
}

} // namespace

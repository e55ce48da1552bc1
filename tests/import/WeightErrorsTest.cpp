// Every tensor is accounted for: each way to be wrong is an error that names the tensor.
#include "compiler/dialect/Dec.h"
#include "tests/import/TestModel.h"

using namespace decant;
using namespace decant::test;
using testing::Test;

namespace {

constexpr const char *kFc1 = "model.encoder.layers.0.fc1.weight";

struct WeightErrors : Test {
  TestModel model{kBundled};
  mlir::MLIRContext context;

  void expectError(const std::vector<std::string> &parts) {
    Failure found = failure(model.import(context));
    EXPECT_EQ(found.code, ExitCode::BadInput);
    for (const std::string &part : parts)
      EXPECT_NE(found.message.find(part), std::string::npos) << part << "\nnot in: " << found.message;
  }
  NamedTensor copyOf(const std::string &from, const std::string &name) {
    NamedTensor copy = model.tensor(from);
    copy.name = name;
    return copy;
  }
};

TEST_F(WeightErrors, Missing) {
  model.remove(kFc1);
  expectError({".safetensors: tensor \"model.encoder.layers.0.fc1.weight\" is missing", "F32 [1024, 128]"});
}

TEST_F(WeightErrors, MissingTiedMatrix) {
  model.remove("model.shared.weight");
  expectError({"tensor \"model.shared.weight\" is missing"});
}

TEST_F(WeightErrors, Unused) {
  model.tensors.push_back(copyOf(kFc1, "model.encoder.layers.1.fc1.weight"));
  expectError({"tensor \"model.encoder.layers.1.fc1.weight\" [1024, 128] is not used by the family \"bart\""});
}

TEST_F(WeightErrors, WrongShape) {
  model.tensor(kFc1).shape = {128, 1024};
  expectError({"\"model.encoder.layers.0.fc1.weight\" has shape [128, 1024]", "wants [1024, 128]"});
}

TEST_F(WeightErrors, WrongShapeOfABiasRow) {
  model.tensor("final_logits_bias").shape = {63};
  expectError({"\"final_logits_bias\" has shape [63]", "wants [1, 63]"});
}

TEST_F(WeightErrors, WrongType) {
  model.tensor(kFc1).dtype = DType::I32;
  expectError({"\"model.encoder.layers.0.fc1.weight\" has type I32", "F32, F16 or BF16"});
}

TEST_F(WeightErrors, AllAreNamedUpToTen) {
  model.remove(kFc1);
  model.tensors.push_back(copyOf("final_logits_bias", "surplus"));
  expectError({"\"model.encoder.layers.0.fc1.weight\" is missing", "\"surplus\""});
  for (int i = 0; i < 12; ++i)
    model.tensors.push_back(copyOf("final_logits_bias", "surplus" + std::to_string(i)));
  expectError({"and 4 more"});
}

TEST_F(WeightErrors, HarmlessTensorsMayStay) {
  model.tensors.push_back(copyOf("final_logits_bias", "model.encoder.version"));
  EXPECT_EQ(failure(model.import(context)).message, "");
}

TEST_F(WeightErrors, AnEqualTiedCopyIsFine) {
  model.tensors.push_back(copyOf("model.shared.weight", "lm_head.weight"));
  auto module = value(model.import(context));
  module->walk([](dec::LogitsOp op) { EXPECT_EQ(op.getWeight(), "model.shared.weight"); });
}

TEST_F(WeightErrors, ADifferentTiedCopyIsUsedAndTold) {
  model.tensors.push_back(copyOf("model.shared.weight", "lm_head.weight"));
  model.tensors.back().data[0] ^= 1;
  std::string told;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) { told += diagnostic.str(); });
  auto module = value(model.import(context));
  module->walk([](dec::LogitsOp op) { EXPECT_EQ(op.getWeight(), "lm_head.weight"); });
  module->walk([](dec::EmbedOp op) { EXPECT_EQ(op.getTable(), "model.shared.weight"); });
  EXPECT_NE(told.find("differs from \"model.shared.weight\""), std::string::npos) << told;
}

TEST_F(WeightErrors, AnUntiedHeadIsRequired) {
  model.config.tiedHead = false;
  expectError({"tensor \"lm_head.weight\" is missing"});
}

TEST(TorchWeightErrors, BiasesAndProjections) {
  mlir::MLIRContext context;
  TestModel model(kTests + "/golden/torch_decoder/post_relu_causal_bool");
  model.config.bias = false;
  std::string message = failure(model.import(context)).message;
  EXPECT_NE(message.find("\"layers.0.linear1.bias\" [37] is not used"), std::string::npos) << message;
  model.config.bias = true;
  model.tensor("layers.0.multihead_attn.in_proj_weight").shape = {24, 72};
  message = failure(model.import(context)).message;
  EXPECT_NE(message.find("\"layers.0.multihead_attn.in_proj_weight\" has shape [24, 72], the config wants [72, 24]"),
            std::string::npos)
      << message;
}

TEST(TorchWeightErrors, ASecondLayerMustBeThere) {
  mlir::MLIRContext context;
  TestModel model(kTests + "/golden/torch_decoder/layer_post_gelu");
  model.config.decoder.layers = 2;
  Failure found = failure(model.import(context));
  EXPECT_EQ(found.code, ExitCode::BadInput);
  EXPECT_NE(found.message.find("\"layers.0.self_attn.in_proj_weight\" is missing"), std::string::npos) << found.message;
}

} // namespace

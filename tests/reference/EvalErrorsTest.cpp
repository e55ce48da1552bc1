// `decant eval --reference` refuses inputs by the name of the tensor.
#include "compiler/reference/Eval.h"
#include "compiler/reference/Interpreter.h"
#include "tests/import/TestModel.h"

#include <cmath>
#include <cstring>

using namespace decant;
using namespace decant::test;

namespace {

/// Tensors written out, alive as long as the object.
struct Inputs {
  std::map<std::string, std::vector<uint8_t>> bytes;
  InputTensors tensors;

  template <class T> void set(const std::string &name, DType dtype, std::vector<int64_t> shape, std::vector<T> data) {
    auto &store = bytes[name];
    store.resize(data.size() * sizeof(T));
    if (!data.empty())
      std::memcpy(store.data(), data.data(), store.size());
    tensors[name] = {dtype, std::string(decant::name(dtype)), shape, store.data(), store.size()};
  }
  void ids(const std::string &name, std::vector<int64_t> shape, std::vector<int64_t> data) {
    set(name, DType::I64, shape, data);
  }
  void floats(const std::string &name, std::vector<int64_t> shape, std::vector<float> data) {
    set(name, DType::F32, shape, data);
  }
};

struct EvalTest : testing::Test {
  explicit EvalTest(const std::string &folder) : model(folder), weights(model.weights()) {
    module = value(importModel(context, model.config, weights, std::nullopt));
  }
  void expectError(ExitCode code, const std::string &part) {
    Failure found = failure(evalReference(*module, weights, inputs.tensors, true));
    EXPECT_EQ(found.code, code) << found.message;
    EXPECT_NE(found.message.find(part), std::string::npos) << part << "\nnot in: " << found.message;
  }
  std::vector<NamedTensor> outputs() { return value(evalReference(*module, weights, inputs.tensors, true)); }

  TestModel model;
  WeightSet weights;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  Inputs inputs;
};

struct EvalBart : EvalTest {
  EvalBart() : EvalTest(kBundled) {
    inputs.ids("input_ids", {1, 3}, {1, 5, 2});
    inputs.ids("decoder_input_ids", {1, 2}, {1, 7});
  }
};

TEST_F(EvalBart, BatchIsLimited) {
  inputs.ids("input_ids", {int64_t(1) << 40, 0}, {});
  expectError(ExitCode::BadInput, "\"input_ids\" has shape [1099511627776, 0]: the batch is 1099511627776");
}

TEST_F(EvalBart, NamesAreKnownAndThere) {
  inputs.ids("labels", {1, 1}, {1});
  expectError(ExitCode::BadInput, "input tensor \"labels\" is unknown; this model takes input_ids");
  inputs.tensors.erase("labels");
  inputs.tensors.erase("decoder_input_ids");
  expectError(ExitCode::BadInput, "input tensor \"decoder_input_ids\" is missing");
}

TEST_F(EvalBart, ShapesAndTypes) {
  inputs.ids("input_ids", {3}, {1, 5, 2});
  expectError(ExitCode::BadInput, "\"input_ids\" has shape [3], expected [batch, positions]");
  inputs.floats("input_ids", {1, 3}, {1, 5, 2});
  expectError(ExitCode::BadInput, "\"input_ids\" has type F32, expected I32 or I64");
  inputs.ids("input_ids", {2, 1}, {1, 5});
  expectError(ExitCode::BadInput, "\"decoder_input_ids\" has 1 sequences, \"input_ids\" 2");
  inputs.ids("input_ids", {1, 3}, {1, 5, 2});
  inputs.ids("attention_mask", {1, 2}, {1, 1});
  expectError(ExitCode::BadInput, "\"attention_mask\" has shape [1, 2], expected [1, 3]");
  inputs.ids("attention_mask", {1, 3}, {1, 1, 2});
  expectError(ExitCode::BadInput, "\"attention_mask\" holds 2, expected 0 or 1");
  inputs.floats("attention_mask", {1, 3}, {1, 1, 1});
  expectError(ExitCode::BadInput, "\"attention_mask\" has type F32");
}

TEST_F(EvalBart, IdsLieWithinTheVocabularyUnlessMasked) {
  inputs.ids("input_ids", {1, 3}, {1, 63, 2});
  expectError(ExitCode::BadInput, "\"input_ids\" holds the id 63 at [0, 1], the vocabulary has 63");
  inputs.ids("input_ids", {1, 3}, {1, 2, -100});
  expectError(ExitCode::BadInput, "holds the id -100");
  inputs.ids("attention_mask", {1, 3}, {1, 1, 0});
  EXPECT_EQ(outputs().size(), 2u);
}

TEST_F(EvalBart, LengthIsLimited) {
  inputs.ids("input_ids", {1, 64}, std::vector<int64_t>(64, 5));
  EXPECT_EQ(outputs().size(), 2u);
  inputs.ids("input_ids", {1, 65}, std::vector<int64_t>(65, 5));
  expectError(ExitCode::Resource, "\"input_ids\" has a sequence of 65 positions, the model's maximum is 64");
}

TEST_F(EvalBart, IntegerAndBooleanSpellingsAgree) {
  inputs.ids("attention_mask", {1, 3}, {0, 1, 1});
  auto wide = outputs();
  inputs.set<int32_t>("input_ids", DType::I32, {1, 3}, {1, 5, 2});
  inputs.set<uint8_t>("attention_mask", DType::BOOL, {1, 3}, {0, 1, 1});
  auto narrow = outputs();
  for (size_t i = 0; i < wide.size(); ++i)
    EXPECT_EQ(wide[i].data, narrow[i].data);
}

TEST_F(EvalBart, AnotherWeightFileIsAnError) {
  model.remove("model.shared.weight");
  weights = model.weights();
  expectError(ExitCode::BadInput, "tensor \"model.shared.weight\": missing");
}

struct EvalTorch : EvalTest {
  EvalTorch() : EvalTest(kTests + "/golden/torch_decoder/post_relu_causal_bool") { // d_model 24, 3 heads, batch_first
    inputs.floats("tgt", {2, 3, 24}, ramp(2 * 3 * 24));
    inputs.floats("memory", {2, 2, 24}, ramp(2 * 2 * 24));
  }
  static std::vector<float> ramp(int count) {
    std::vector<float> result;
    for (int i = 0; i < count; ++i)
      result.push_back(std::sin(0.7f * i));
    return result;
  }
};

TEST_F(EvalTorch, ShapesAndTypes) {
  inputs.floats("memory", {2, 2, 12}, ramp(48));
  expectError(ExitCode::BadInput,
              "\"memory\" has shape [2, 2, 12], expected [batch, positions, 24] or [positions, 24]");
  inputs.floats("memory", {2, 24}, ramp(48));
  expectError(ExitCode::BadInput, "\"memory\" has shape [2, 24], \"tgt\" [2, 3, 24]: the batches differ");
  inputs.ids("memory", {2, 1, 24}, std::vector<int64_t>(48));
  expectError(ExitCode::BadInput, "\"memory\" has type I64, expected F32 or F64");
}

TEST_F(EvalTorch, Masks) {
  inputs.floats("tgt_mask", {3, 2}, std::vector<float>(6));
  expectError(ExitCode::BadInput, "\"tgt_mask\" has shape [3, 2], expected [3, 3]");
  inputs.floats("tgt_mask", {2, 3, 3}, std::vector<float>(18));
  expectError(ExitCode::BadInput, "\"tgt_mask\" has shape [2, 3, 3], expected [6, 3, 3]");
  inputs.floats("tgt_mask", {3, 3}, std::vector<float>(9, NAN));
  expectError(ExitCode::BadInput, "\"tgt_mask\" holds nan, expected finite numbers or -inf");
  inputs.tensors.erase("tgt_mask");
  inputs.set<uint8_t>("memory_key_padding_mask", DType::BOOL, {2}, {0, 1});
  expectError(ExitCode::BadInput, "\"memory_key_padding_mask\" has shape [2], expected [2, 2]");
  inputs.tensors.erase("memory_key_padding_mask");
  inputs.ids("attention_mask", {2, 3}, std::vector<int64_t>(6, 1));
  expectError(ExitCode::BadInput, "\"attention_mask\" is unknown; this model takes tgt, memory");
}

TEST_F(EvalTorch, LengthIsLimited) {
  inputs.floats("tgt", {2, 4097, 24}, std::vector<float>(2 * 4097 * 24));
  expectError(ExitCode::Resource, "\"tgt\" has a sequence of 4097 positions, the model's maximum is 4096");
}

TEST_F(EvalTorch, BatchIsLimited) {
  inputs.floats("tgt", {int64_t(1) << 40, 0, 24}, {});
  inputs.floats("memory", {int64_t(1) << 40, 0, 24}, {});
  expectError(ExitCode::BadInput,
              "\"tgt\" has shape [1099511627776, 0, 24]: the batch is 1099511627776, expected 1..65536");
  inputs.floats("tgt", {0, 3, 24}, {});
  expectError(ExitCode::BadInput, "\"tgt\" has shape [0, 3, 24]: the batch is 0, expected 1..65536");
}

TEST_F(EvalTorch, BooleanAndFloatMasksAgreeWithTheCausalFlag) {
  const float hidden = -INFINITY;
  inputs.set<uint8_t>("tgt_mask", DType::BOOL, {3, 3}, {0, 1, 1, 0, 0, 1, 0, 0, 0});
  auto boolean = outputs();
  inputs.floats("tgt_mask", {3, 3}, {0, hidden, hidden, 0, 0, hidden, 0, 0, 0});
  EXPECT_EQ(outputs()[0].data, boolean[0].data);

  Interpreter<double> interpreter(dec::findModel(*module), weights);
  auto states = [](int64_t rows) {
    Tensor<double> result = matrix<double>(rows, 24);
    auto single = ramp(rows * 24);
    result.data.assign(single.begin(), single.end());
    return result;
  };
  Rows target, memory;
  target.add(3, 0), target.add(3, 0), memory.add(2, 0), memory.add(2, 0);
  Tensor<uint8_t> keep{{1, 1, 1, 1}, {1}};
  Tensor<double> bias{{1, 1, 1, 1}, {0}};
  auto run = [&](int64_t causal) {
    auto results = value(interpreter.run(
        "decode", {states(6), target, states(4), memory, Tensor<int64_t>{{1}, {causal}}, keep, bias, keep, bias}));
    const auto &data = std::get<Tensor<double>>(results[0]).data;
    auto *bytes = reinterpret_cast<const uint8_t *>(data.data());
    return std::vector<uint8_t>(bytes, bytes + data.size() * sizeof(double));
  };
  EXPECT_EQ(run(1), boolean[0].data);
  EXPECT_NE(run(0), boolean[0].data);
}

} // namespace

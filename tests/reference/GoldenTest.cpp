// The interpreter against PyTorch and transformers, phase by phase: 1e-10 in f64. In f32: 1e-5 for torch decoders; for
// BART relative to a tensor's largest number, 1e-5 for the bundled model and 5e-5 for the random ones, which are that
// touchy: one ulp on every weight, computed in f64, moves their logits by up to 2e-5 of the largest.
#include "compiler/passes/Pipeline.h"
#include "compiler/reference/Eval.h"
#include "tests/import/TestModel.h"

#include <cmath>
#include <cstring>

using namespace decant;
using namespace decant::test;

namespace {

std::vector<double> numbersOf(DType dtype, const uint8_t *data, size_t bytes) {
  std::vector<double> result;
  if (dtype == DType::F64) {
    result.resize(bytes / sizeof(double));
    std::memcpy(result.data(), data, bytes);
  } else {
    std::vector<float> single(bytes / sizeof(float));
    std::memcpy(single.data(), data, bytes);
    result.assign(single.begin(), single.end());
  }
  return result;
}

/// An imported model with its weights and golden tensors.
struct Golden {
  mlir::MLIRContext context;
  WeightSet weights, inputs, expected;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  Golden(const std::string &model, const std::string &golden)
      : weights(value(WeightSet::openFolder(model))),
        inputs(value(WeightSet::openFile(golden + "/inputs.safetensors"))),
        expected(value(WeightSet::openFile(golden + "/expected.safetensors"))),
        module(value(importModel(context, value(readConfig(model)), weights, std::nullopt))) {}

  std::vector<NamedTensor> eval(bool f64) { return value(evalReference(*module, weights, inputs.tensors(), f64)); }

  /// The largest error over all outputs, each tensor's divided by the larger of 1 and, if `relative`, its largest
  /// number. Every expected tensor must be there.
  double error(bool f64, bool relative) {
    double worst = 0;
    auto outputs = eval(f64);
    EXPECT_EQ(outputs.size(), expected.tensors().size());
    for (const NamedTensor &output : outputs) {
      const TensorView *view = expected.find(output.name);
      EXPECT_TRUE(view) << output.name;
      if (!view)
        continue;
      EXPECT_EQ(output.shape, view->shape) << output.name;
      EXPECT_EQ(output.dtype, f64 ? DType::F64 : DType::F32);
      double found = errorOf(numbersOf(output.dtype, output.data.data(), output.data.size()),
                             numbersOf(view->dtype, view->data, view->bytes), relative);
      worst = found <= worst ? worst : found; // a NaN stays
    }
    return worst;
  }

  static double errorOf(const std::vector<double> &found, const std::vector<double> &wanted, bool relative) {
    EXPECT_EQ(found.size(), wanted.size());
    double worst = 0, largest = 1;
    for (size_t i = 0; i < std::min(found.size(), wanted.size()); ++i) {
      double difference = std::abs(found[i] - wanted[i]);
      worst = difference <= worst ? worst : difference;
      largest = relative ? std::max(largest, std::abs(wanted[i])) : 1;
    }
    return worst / largest;
  }
};

struct Case {
  std::string model, golden;
  std::string name() const { return std::filesystem::path(golden).filename(); }
  bool isTorch() const { return golden.find("torch_decoder") != std::string::npos; }
  /// The oracle itself computed in f64 all through: transformers keeps RMS norms, sinusoids and rotary angles in f32.
  bool isExact() const {
    return isTorch() || model == kBundled || golden.find("/bart/") != std::string::npos ||
           golden.find("mbart") != std::string::npos || golden.find("gpt2") != std::string::npos;
  }
  friend void PrintTo(const Case &value, std::ostream *os) { *os << value.golden; }
};

std::vector<Case> allCases() {
  std::vector<Case> cases{{kBundled, kTests + "/golden/g2p"}};
  for (const char *family :
       {"/golden/bart", "/golden/decoder_only", "/golden/encoder_decoder", "/golden/torch_decoder"})
    for (const auto &entry : std::filesystem::directory_iterator(kTests + family))
      cases.push_back({entry.path().string(), entry.path().string()});
  return cases;
}

struct GoldenTest : testing::TestWithParam<Case> {
  Golden golden{GetParam().model, GetParam().golden};
};

TEST_P(GoldenTest, F64) {
  bool isExact = GetParam().isExact();
  EXPECT_LE(golden.error(true, /*relative=*/!isExact), isExact ? 1e-10 : 5e-6);
}

TEST_P(GoldenTest, F32) {
  bool isTorch = GetParam().isTorch(), isBundled = GetParam().model == kBundled;
  EXPECT_LE(golden.error(false, /*relative=*/!isTorch), isTorch || isBundled ? 1e-5 : 5e-5);
}

TEST_P(GoldenTest, PhasesKeepEveryBit) {
  auto before = golden.eval(true);
  llvm::StringRef last = *std::prev(llvm::find(phaseNames(), "select")); // from select on it is a plan
  size_t phases = 0;
  auto check = [&](unsigned, llvm::StringRef phase) {
    ++phases;
    auto after = golden.eval(true);
    EXPECT_EQ(after.size(), before.size());
    for (size_t i = 0; i < std::min(before.size(), after.size()); ++i)
      EXPECT_EQ(after[i].data, before[i].data) << after[i].name << " after phase " << phase.str();
    return phase != last;
  };
  EXPECT_TRUE(mlir::succeeded(runPhases(*golden.module, check)));
  EXPECT_GE(phases, 4u);
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTest, testing::ValuesIn(allCases()),
                         [](const auto &info) { return info.param.name(); });

TEST(Goldens, AreAllThere) { EXPECT_GE(allCases().size(), 20u); }

/// A copy of inputs that a test may change.
struct Inputs {
  std::map<std::string, std::vector<uint8_t>> data;
  InputTensors tensors;
  explicit Inputs(const WeightSet &from) : tensors(from.tensors()) {
    for (auto &[name, view] : tensors) {
      data[name].assign(view.data, view.data + view.bytes);
      view.data = data[name].data();
    }
  }
};

TEST(Goldens, AFullyPaddedSequenceIsZeroAndLeavesOthersAlone) {
  Golden golden(kBundled, kTests + "/golden/g2p");
  Inputs inputs(golden.inputs);
  for (const char *name : {"attention_mask", "decoder_attention_mask"}) // sequence 1 of 6
    std::memset(inputs.data[name].data() + inputs.data[name].size() / 6, 0, inputs.data[name].size() / 6);
  auto before = golden.eval(true), after = value(evalReference(*golden.module, golden.weights, inputs.tensors, true));
  for (size_t i = 0; i < before.size(); ++i) {
    size_t part = before[i].data.size() / 6;
    std::memset(before[i].data.data() + part, 0, part);
    EXPECT_EQ(after[i].data, before[i].data) << after[i].name;
  }
}

TEST(Goldens, ATargetWithoutSourceIsFinite) {
  Golden golden(kBundled, kTests + "/golden/g2p");
  Inputs inputs(golden.inputs);
  std::memset(inputs.data["attention_mask"].data(), 0, inputs.data["attention_mask"].size() / 6);
  for (const NamedTensor &output : value(evalReference(*golden.module, golden.weights, inputs.tensors, true)))
    for (double number : numbersOf(output.dtype, output.data.data(), output.data.size()))
      ASSERT_TRUE(std::isfinite(number)) << output.name;
}

} // namespace

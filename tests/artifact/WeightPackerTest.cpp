// Packed layouts, element by element: panel16 = W(1, 16, K, N/16), padded16, rows of several tensors, [1, n] as [n].
#include "compiler/artifact/WeightPacker.h"
#include "tests/artifact/CompiledModel.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace decant;

namespace {

NamedTensor tensor(std::string name, std::vector<int64_t> shape, float first) {
  int64_t elements = 1;
  for (int64_t extent : shape)
    elements *= extent;
  NamedTensor result{std::move(name), DType::F32, std::move(shape), std::vector<uint8_t>(size_t(elements) * 4)};
  for (int64_t i = 0; i < elements; ++i) {
    float value = first + float(i);
    std::memcpy(result.data.data() + i * 4, &value, 4);
  }
  return result;
}

class WeightPackerTest : public testing::Test {
protected:
  void SetUp() override {
    std::string path = test::scratchFolder() + "/weights.safetensors";
    ASSERT_FALSE(
        bool(writeSafetensors(path, {tensor("a", {20, 3}, 0), tensor("b", {5, 3}, 1000), tensor("v", {1, 18}, 500)})));
    auto opened = WeightSet::openFile(path);
    ASSERT_TRUE(bool(opened));
    weights.emplace(std::move(*opened));
  }

  /// Packs one dec.weight; on failure the error's text is in `error`.
  std::vector<float> pack(const std::string &weight) {
    mlir::MLIRContext context;
    context.loadDialect<dec::DecDialect>();
    mlir::ParserConfig config(&context, /*verifyAfterParse=*/false);
    auto module =
        mlir::parseSourceString<mlir::ModuleOp>("dec.model @m attributes {kind = \"decoder_only\", width = 1 : i64, "
                                                "vocab = 1 : i64, max_batch = 1 : i64, max_context = 1 : "
                                                "i64, max_source = 0 : i64} { dec.weight @w from " +
                                                    weight + " }",
                                                config);
    EXPECT_TRUE(module);
    std::vector<uint8_t> bytes;
    llvm::Error failure = packWeights(dec::findModel(*module), *weights, [&](const void *data, size_t count) {
      const auto *from = static_cast<const uint8_t *>(data);
      bytes.insert(bytes.end(), from, from + count);
      return llvm::Error::success();
    });
    if (failure) {
      error = llvm::toString(std::move(failure));
      return {};
    }
    EXPECT_EQ(bytes.size() % 64, 0u);
    const uint64_t size = packedSizes(dec::findModel(*module)).at(0);
    EXPECT_LE(size, bytes.size());
    std::vector<float> result(size / 4);
    std::memcpy(result.data(), bytes.data(), size);
    return result;
  }

  std::optional<WeightSet> weights;
  std::string error;
};

TEST_F(WeightPackerTest, Panel16) {
  auto packed = pack("[#dec.source<\"a\", 0, 20>] panel16 : tensor<20x3xf32>");
  ASSERT_EQ(packed.size(), 2u * 3 * 16);
  for (int n = 0; n < 32; ++n)
    for (int k = 0; k < 3; ++k)
      EXPECT_EQ(packed[size_t((n / 16 * 3 + k) * 16 + n % 16)], n < 20 ? float(n * 3 + k) : 0.0f) << n << " " << k;
}

TEST_F(WeightPackerTest, RowsOfTwoTensors) {
  auto packed = pack("[#dec.source<\"b\", 1, 3>, #dec.source<\"a\", 18, 20>] raw : tensor<4x3xf32>");
  EXPECT_EQ(packed, (std::vector<float>{1003, 1004, 1005, 1006, 1007, 1008, 54, 55, 56, 57, 58, 59}));
}

TEST_F(WeightPackerTest, RowTensorAsPaddedVector) {
  auto packed = pack("[#dec.source<\"v\", 0, 18>] padded16 : tensor<18xf32>");
  ASSERT_EQ(packed.size(), 32u);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(packed[size_t(i)], i < 18 ? 500.0f + float(i) : 0.0f);
}

TEST_F(WeightPackerTest, NamesWhatDoesNotFit) {
  pack("[#dec.source<\"missing\", 0, 20>] raw : tensor<20x3xf32>");
  EXPECT_NE(error.find("tensor \"missing\": missing"), std::string::npos) << error;
  pack("[#dec.source<\"b\", 0, 6>] raw : tensor<6x3xf32>");
  EXPECT_NE(error.find("tensor \"b\": shape [5, 3] does not hold rows 0 to 6 of [.., 3]"), std::string::npos) << error;
  pack("[#dec.source<\"a\", 0, 20>] raw : tensor<20x4xf32>");
  EXPECT_NE(error.find("tensor \"a\": shape [20, 3] does not hold rows"), std::string::npos) << error;
}

} // namespace

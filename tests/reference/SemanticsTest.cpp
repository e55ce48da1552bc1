// What a decoder means, with small numbers written out.
#include "compiler/import/Prelude.h"
#include "compiler/reference/FunctionEvaluator.h"
#include "tests/reference/Ir.h"

#include <cmath>
#include <limits>

using namespace decant;
using namespace decant::test;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
/// The mask as lines of x and . : rows are queries, columns keys.
std::string draw(FunctionEvaluator<double> mask, int64_t b, int64_t queries, int64_t keys) {
  std::string picture;
  for (int64_t q = 0; q < queries; ++q) {
    for (int64_t k = 0; k < keys; ++k)
      picture += mask.visible(b, 0, q, k) ? 'x' : '.';
    picture += '\n';
  }
  EXPECT_EQ(mask.problem(), "");
  return picture;
}

/// One head of width 3, queries and keys of one or more sequences, the mask a keep tensor.
const char *const kAttention = R"(
  dec.mask @given(%b: index, %h: index, %q: index, %k: index) params(%keep: tensor<?x?x?x?xi1>) {
    %v = dec.param %keep[%b, %h, %q, %k] : tensor<?x?x?x?xi1>
    dec.yield %v : i1
  }
  func.func @decode(%q: tensor<?x3xf32>, %k: tensor<?x3xf32>, %v: tensor<?x3xf32>, %qr: !dec.rows, %kr: !dec.rows,
                    %keep: tensor<?x?x?x?xi1>) -> tensor<?x3xf32> {
    %o = dec.attention %q, %k, %v rows %qr, %kr heads 1 kv_heads 1 scale 0.57735026918962573
         mask @given(%keep : tensor<?x?x?x?xi1>) : tensor<?x3xf32>, tensor<?x3xf32>
    func.return %o : tensor<?x3xf32>
  }
)";
const Tensor<uint8_t> kAll{{1, 1, 1, 1}, {1}};

TEST(Semantics, LookAheadMatrixOfLength4) {
  Ir ir(std::string(kPrelude) + kAnyDecode);
  EXPECT_EQ(draw({ir.find("causal"), {}}, 0, 4, 4), "x...\n"
                                                    "xx..\n"
                                                    "xxx.\n"
                                                    "xxxx\n");
}

TEST(Semantics, BidirectionalSeesAll) {
  Ir ir(std::string(kPrelude) + kAnyDecode);
  EXPECT_EQ(draw({ir.find("bidirectional"), {}}, 0, 2, 3), "xxx\nxxx\n");
}

TEST(Semantics, PaddingMask) {
  Ir ir(std::string(kPrelude) + kAnyDecode);
  Value<double> lengths = indices({3, 0, 4});
  FunctionEvaluator<double> mask(ir.find("padding"), {&lengths});
  EXPECT_EQ(draw(mask, 0, 2, 4), "xxx.\nxxx.\n");
  EXPECT_EQ(draw(mask, 1, 2, 4), "....\n....\n");
  EXPECT_EQ(draw(mask, 2, 2, 4), "xxxx\nxxxx\n");
}

TEST(Semantics, ExplicitMaskIsReadAtItsPoint) {
  Ir ir(std::string(kPrelude) + kAnyDecode);
  Value<double> keep = Tensor<uint8_t>{{2, 1, 2, 3}, {1, 0, 1, 0, 1, 1, /*b = 1*/ 0, 0, 0, 1, 1, 0}};
  FunctionEvaluator<double> mask(ir.find("explicit"), {&keep});
  EXPECT_EQ(draw(mask, 0, 2, 3), "x.x\n.xx\n");
  EXPECT_EQ(draw(mask, 1, 2, 3), "...\nxx.\n");
}

TEST(Semantics, ScaledDotProduct) {
  Ir ir(kAttention);
  Interpreter<double> interpreter(ir.model, ir.weights);
  auto keys = real(3, {10, 0, 0, 0, 10, 0, 0, 0, 10, 0, 0, 10});
  auto values = real(3, {1, 0, 0, 10, 0, 0, 100, 5, 0, 1000, 6, 0});
  auto queries = real(3, {0, 10, 0, 0, 0, 10, 10, 10, 0, 0, 0, 0});
  // One key matches; two match equally; two others; none differs from another.
  expectNear(run(interpreter, {queries, keys, values, rowsOf({4}), rowsOf({4}), kAll}),
             {10, 0, 0, 550, 5.5, 0, 5.5, 0, 0, 277.75, 2.75, 0});
}

TEST(Semantics, ScaledDotProductDividesByTheRootOfTheHeadSize) {
  Ir ir(kAttention);
  Interpreter<double> interpreter(ir.model, ir.weights);
  // Scores 3 / sqrt 3 and 0: weights e^1.732 / (e^1.732 + 1) = 0.8496807... and the rest.
  double first = std::exp(std::sqrt(3.0)) / (std::exp(std::sqrt(3.0)) + 1);
  expectNear(run(interpreter, {real(3, {1, 1, 1}), real(3, {1, 1, 1, 0, 0, 0}), real(3, {1, 0, 2, 0, 1, 4}),
                               rowsOf({1}), rowsOf({2}), kAll}),
             {first, 1 - first, 4 - 2 * first});
}

TEST(Semantics, DecoderInput) {
  Ir ir(R"(
    dec.weight @table from [#dec.source<"table", 0, 3>] raw : tensor<3x2xf32>
    dec.weight @positions from [#dec.source<"positions", 0, 4>] raw : tensor<4x2xf32>
    func.func @decode(%ids: tensor<?xi32>, %rows: !dec.rows) -> tensor<?x2xf32> {
      %x = dec.embed %ids table @table scale 2.0 : tensor<?xi32> -> tensor<?x2xf32>
      %y = dec.position %x rows %rows table @positions offset 2 : tensor<?x2xf32>
      func.return %y : tensor<?x2xf32>
    })");
  auto floats = [](std::vector<float> data) {
    auto *bytes = reinterpret_cast<const uint8_t *>(data.data());
    return std::vector<uint8_t>(bytes, bytes + data.size() * sizeof(float));
  };
  TempFile file("decant-decoder-input");
  ASSERT_EQ(
      failure(writeSafetensors(file.path, {{"table", DType::F32, {3, 2}, floats({1, 2, 3, 4, 5, 6})},
                                           {"positions", DType::F32, {4, 2}, floats({9, 9, 9, 9, 0.5, 0.25, -1, 1})}}))
          .message,
      "");
  ir.weights = value(WeightSet::openFile(file.path));
  Interpreter<double> interpreter(ir.model, ir.weights);
  // Sequence 0: ids 2, 0 at positions 0, 1. Sequence 1: id 1 at position 1. Token x 2 + position.
  expectNear(run(interpreter, {Tensor<int32_t>{{3}, {2, 0, 1}}, rowsOf({2, 1}, {0, 1})}), {10.5, 12.25, 1, 5, 5, 9}, 0);

  Failure beyond = failure(interpreter.run("decode", {Tensor<int32_t>{{1}, {0}}, rowsOf({1}, {2})}));
  EXPECT_NE(beyond.message.find("position 2 of sequence 0"), std::string::npos) << beyond.message;
  Failure unknown = failure(interpreter.run("decode", {Tensor<int32_t>{{1}, {3}}, rowsOf({1})}));
  EXPECT_NE(unknown.message.find("id 3 of row 0"), std::string::npos) << unknown.message;
}

TEST(Semantics, CrossAttention) {
  Ir ir(kAttention);
  Interpreter<double> interpreter(ir.model, ir.weights);
  // Each sequence sees its own memory only: 2 and 1 tokens; the queries are 0, so every visible token counts alike.
  auto memory = real(3, {1, 2, 3, 3, 6, 9, 10, 20, 30});
  expectNear(run(interpreter, {real(3, std::vector<double>(9)), memory, memory, rowsOf({1, 2}), rowsOf({2, 1}), kAll}),
             {2, 4, 6, 10, 20, 30, 10, 20, 30});
}

TEST(Semantics, HeadsShareKeysInGroups) {
  Ir ir(R"(
    dec.mask @all(%b: index, %h: index, %q: index, %k: index) { %t = arith.constant true
      dec.yield %t : i1 }
    func.func @decode(%q: tensor<?x4xf32>, %k: tensor<?x2xf32>, %v: tensor<?x2xf32>, %r: !dec.rows) -> tensor<?x4xf32> {
      %o = dec.attention %q, %k, %v rows %r, %r heads 4 kv_heads 2 scale 1.0 mask @all() : tensor<?x4xf32>, tensor<?x2xf32>
      func.return %o : tensor<?x4xf32>
    })");
  Interpreter<double> interpreter(ir.model, ir.weights);
  auto keys = real(2, {40, 0, 0, 40}), values = real(2, {1, 10, 2, 20});
  // Heads 0, 1 read column 0, heads 2, 3 column 1; sign of the query picks the key.
  expectNear(run(interpreter, {real(4, {1, -1, 1, -1, 0, 0, 0, 0}), keys, values, rowsOf({2})}),
             {1, 2, 20, 10, 1.5, 1.5, 15, 15});
}

TEST(Semantics, HiddenKeysNeverReachTheResult) {
  Ir ir(kAttention);
  Interpreter<double> interpreter(ir.model, ir.weights);
  Tensor<uint8_t> keep{{1, 1, 1, 4}, {1, 0, 1, 0}};
  auto clean = real(3, {1, 2, 3, 0, 0, 0, 4, 5, 6, 0, 0, 0});
  auto dirty = real(3, {1, 2, 3, kNaN, kInf, -kInf, 4, 5, 6, -kInf, kNaN, kNaN});
  auto query = real(3, {0.5, -1, 0.25});
  auto expected = run(interpreter, {query, clean, clean, rowsOf({1}), rowsOf({4}), keep});
  EXPECT_EQ(run(interpreter, {query, dirty, dirty, rowsOf({1}), rowsOf({4}), keep}), expected);
  EXPECT_TRUE(std::isfinite(expected[0]));
}

TEST(Semantics, ARowWithoutVisibleKeysIsExactlyZero) {
  Ir ir(kAttention);
  Interpreter<double> interpreter(ir.model, ir.weights);
  Tensor<uint8_t> keep{{1, 1, 2, 2}, {0, 0, 0, 1}};
  auto x = real(3, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(run(interpreter, {x, x, x, rowsOf({2}), rowsOf({2}), keep}), (std::vector<double>{0, 0, 0, 4, 5, 6}));
  // No keys at all, and no queries at all.
  EXPECT_EQ(run(interpreter, {x, real(3, {}), real(3, {}), rowsOf({2}), rowsOf({0}), kAll}), std::vector<double>(6));
  EXPECT_EQ(run(interpreter, {real(3, {}), x, x, rowsOf({0}), rowsOf({2}), kAll}), std::vector<double>());
}

TEST(Semantics, ArgumentsAreChecked) {
  Ir ir(kAttention);
  Interpreter<double> interpreter(ir.model, ir.weights);
  auto x = real(3, {1, 2, 3});
  EXPECT_NE(failure(interpreter.run("decode", {x, x})).message.find("takes 6 arguments, found 2"), std::string::npos);
  EXPECT_NE(failure(interpreter.run("decode", {x, x, real(1, {1}), rowsOf({1}), rowsOf({1}), kAll}))
                .message.find("argument 2"),
            std::string::npos);
  EXPECT_NE(failure(interpreter.run("decode", {x, x, x, rowsOf({2}), rowsOf({1}), kAll}))
                .message.find("1 rows, its division 2"),
            std::string::npos);
  EXPECT_NE(failure(interpreter.run("encode", {})).message.find("@encode"), std::string::npos);
}

} // namespace

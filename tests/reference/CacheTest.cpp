// Attention over a cache equals attention over values, at once or token by token.
#include "tests/reference/Ir.h"

using namespace decant;
using namespace decant::test;

namespace {

const char *const kCausal = R"(
  dec.mask @causal(%b: index, %h: index, %q: index, %k: index) { %t = arith.cmpi sle, %k, %q : index
    dec.yield %t : i1 })";
const char *const kSignature = "func.func @decode(%q: tensor<?x4xf32>, %k: tensor<?x2xf32>, %v: tensor<?x2xf32>, %r: "
                               "!dec.rows) -> tensor<?x4xf32> {";
const std::string kPlain = std::string(kCausal) + kSignature + R"(
    %o = dec.attention %q, %k, %v rows %r, %r heads 2 kv_heads 1 scale 0.7 mask @causal() : tensor<?x4xf32>, tensor<?x2xf32>
    func.return %o : tensor<?x4xf32>
  })";
std::string cached(const std::string &kind) {
  return std::string(kCausal) + "dec.cache @c kind " + kind + " heads 1 dim 2 block 16\n" + kSignature + R"(
    dec.kv_append @c keys %k values %v rows %r : tensor<?x2xf32>
    %o = dec.cached_attention %q cache @c rows %r heads 2 scale 0.7 mask @causal() : tensor<?x4xf32>
    func.return %o : tensor<?x4xf32>
  })";
}

/// Rows [begin, end) of two sequences of 5 tokens.
struct Tokens {
  std::vector<double> q = numbers(40, 1), k = numbers(20, 2), v = numbers(20, 3);

  std::vector<Value<double>> slice(int64_t begin, int64_t end) const {
    auto cut = [&](const std::vector<double> &all, int64_t n) {
      std::vector<double> part;
      for (int64_t b = 0; b < 2; ++b)
        part.insert(part.end(), all.begin() + (b * 5 + begin) * n, all.begin() + (b * 5 + end) * n);
      return real(n, part);
    };
    return {cut(q, 4), cut(k, 2), cut(v, 2), rowsOf({end - begin, end - begin}, {begin, begin})};
  }
};

TEST(Cache, EqualsAttentionOverValues) {
  Ir plain(kPlain), self(cached("self")), local(cached("local"));
  Tokens tokens;
  Interpreter<double> reference(plain.model, plain.weights);
  auto expected = run(reference, tokens.slice(0, 5));
  for (Ir *ir : {&self, &local}) {
    Interpreter<double> interpreter(ir->model, ir->weights);
    EXPECT_EQ(run(interpreter, tokens.slice(0, 5)), expected);
    EXPECT_EQ(run(interpreter, tokens.slice(0, 5)), expected); // position 0 starts anew
  }
}

TEST(Cache, TokenByTokenEqualsAtOnce) {
  Ir plain(kPlain), self(cached("self"));
  Tokens tokens;
  Interpreter<double> reference(plain.model, plain.weights), interpreter(self.model, self.weights);
  auto expected = run(reference, tokens.slice(0, 5));
  for (int64_t t = 0; t < 5; ++t) {
    auto found = run(interpreter, tokens.slice(t, t + 1));
    for (int64_t b = 0; b < 2; ++b)
      EXPECT_EQ(std::vector<double>(found.begin() + b * 4, found.begin() + b * 4 + 4),
                std::vector<double>(expected.begin() + (b * 5 + t) * 4, expected.begin() + (b * 5 + t) * 4 + 4))
          << "token " << t << " of sequence " << b;
  }
}

TEST(Cache, RowsReplaceWhatStoodAtTheirPositions) {
  Ir self(cached("self"));
  Tokens tokens, others;
  others.k = numbers(20, 7);
  Interpreter<double> interpreter(self.model, self.weights), again(self.model, self.weights);
  run(interpreter, tokens.slice(0, 2));
  run(interpreter, others.slice(2, 5)); // a wrong branch
  auto found = run(interpreter, tokens.slice(2, 5));
  run(again, tokens.slice(0, 2));
  EXPECT_EQ(found, run(again, tokens.slice(2, 5)));
}

TEST(Cache, AGapIsAnError) {
  Ir self(cached("self"));
  Interpreter<double> interpreter(self.model, self.weights);
  run(interpreter, Tokens().slice(0, 2));
  Failure found = failure(interpreter.run("decode", Tokens().slice(3, 4)));
  EXPECT_NE(found.message.find("goes on at position 3, its cache holds 2 tokens"), std::string::npos) << found.message;
  interpreter.clearCaches();
  EXPECT_NE(failure(interpreter.run("decode", Tokens().slice(1, 2))).message.find("holds 0 tokens"), std::string::npos);
}

TEST(Cache, LengthsCountEarlierTokens) {
  for (const char *lengths : {"dec.cache_lengths @c", "dec.lengths %r"}) {
    Ir ir(std::string(R"(
      dec.cache @c kind self heads 1 dim 2 block 16
      func.func @decode(%k: tensor<?x2xf32>, %r: !dec.rows) -> tensor<?xindex> {
        dec.kv_append @c keys %k values %k rows %r : tensor<?x2xf32>
        %n = )") +
          lengths + R"( : tensor<?xindex>
        func.return %n : tensor<?xindex>
      })");
    Interpreter<double> interpreter(ir.model, ir.weights);
    value(interpreter.run("decode", {real(2, numbers(6, 1)), rowsOf({2, 1})}));
    auto results = value(interpreter.run("decode", {real(2, numbers(6, 1)), rowsOf({1, 2}, {2, 1})}));
    ASSERT_EQ(results.size(), 1u);
    EXPECT_EQ(std::get<Tensor<int64_t>>(results[0]).data, (std::vector<int64_t>{3, 3})) << lengths;
  }
}

TEST(Fused, SplitAndEpilogues) {
  Ir ir(R"(
    dec.weight @w from [#dec.source<"w", 0, 2>, #dec.source<"w", 0, 1>] raw : tensor<3x2xf32>
    dec.weight @b from [#dec.source<"b", 0, 3>] raw : tensor<3xf32>
    func.func @decode(%x: tensor<?x2xf32>) -> tensor<?x1xf32> {
      %zero, %y = dec.split %x : tensor<?x2xf32> -> tensor<?x1xf32>, tensor<?x1xf32>
      %z = dec.linear %x weight @w bias @b act relu : tensor<?x2xf32> -> tensor<?x3xf32>
      %p, %q, %r = dec.split %z : tensor<?x3xf32> -> tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>
      %s = dec.residual %p, %q : tensor<?x1xf32>
      %t = dec.residual %s, %r : tensor<?x1xf32>
      %u = dec.residual %t, %y : tensor<?x1xf32>
      func.return %u : tensor<?x1xf32>
    })");
  float data[] = {1, 2, 3, -4, 0.5f, 0.25f, -100};
  auto *bytes = reinterpret_cast<const uint8_t *>(data);
  TempFile file("decant-fused");
  ASSERT_EQ(failure(writeSafetensors(file.path, {{"w", DType::F32, {2, 2}, {bytes, bytes + 16}},
                                                 {"b", DType::F32, {1, 3}, {bytes + 16, bytes + 28}}}))
                .message,
            "");
  ir.weights = value(WeightSet::openFile(file.path));
  Interpreter<double> interpreter(ir.model, ir.weights);
  // x = (10, 1): rows 1,2 -> 12.5; 3,-4 -> 26.25; 1,2 again -> -88, relu 0; plus y = 1.
  expectNear(run(interpreter, {real(2, {10, 1})}), {12.5 + 26.25 + 0 + 1}, 0);
}

} // namespace

// The named masks and scores as the interpreter evaluates them, against drawings and formulas written out here.
#include "compiler/import/Prelude.h"
#include "compiler/reference/FunctionEvaluator.h"
#include "tests/reference/Ir.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>

using namespace decant;
using namespace decant::test;

namespace {

/// Applies a mask of the prelude with a scalar, as models do; `more`: tensor parameters.
std::string applied(const std::string &name, int64_t scalar, const std::string &declared = "",
                    const std::string &given = "", const std::string &types = "") {
  return fmt::format(R"(
  dec.mask @given(%b: index, %h: index, %q: index, %k: index) {1} {{
    %s = arith.constant {2} : index
    %v = dec.apply @{0}(%b, %h, %q, %k) params({3}%s : {4}index)
    dec.yield %v : i1
  }}
)",
                     name, declared, scalar, given, types);
}

/// Lines of x and . : rows are queries, columns keys.
std::string draw(const std::string &name, const std::string &functions, int64_t size,
                 llvm::ArrayRef<const Value<double> *> params = {}, int64_t b = 0, int64_t h = 0) {
  Ir ir(std::string(kPrelude) + functions + kAnyDecode);
  FunctionEvaluator<double> mask(ir.find(name), {params.begin(), params.end()});
  std::string picture;
  for (int64_t q = 0; q < size; ++q, picture += ' ')
    for (int64_t k = 0; k < size; ++k)
      picture += mask.visible(b, h, q, k) ? 'x' : '.';
  EXPECT_EQ(mask.problem(), "");
  return picture;
}
std::string drawScalar(const std::string &name, int64_t scalar, int64_t size) {
  return draw("given", applied(name, scalar), size);
}

TEST(Prelude, SlidingWindowHidesWhatIsWindowOrMoreBack) {
  EXPECT_EQ(drawScalar("sliding_window", 2, 4), "xxxx xxxx .xxx ..xx ");
  EXPECT_EQ(drawScalar("sliding_window", 1, 3), "xxx .xx ..x ");
}

TEST(Prelude, SlidingWindowBidirectionalIsInclusive) {
  EXPECT_EQ(drawScalar("sliding_window_bidirectional", 1, 4), "xx.. xxx. .xxx ..xx ");
  EXPECT_EQ(drawScalar("sliding_window_bidirectional", 0, 3), "x.. .x. ..x ");
}

TEST(Prelude, ChunkedSeesItsChunk) {
  EXPECT_EQ(drawScalar("chunked", 2, 5), "xx... xx... ..xx. ..xx. ....x ");
  EXPECT_EQ(drawScalar("chunked", 0, 2), "x. .x ") << "a chunk below 1 is 1";
}

TEST(Prelude, PrefixIsPerSequence) {
  Value<double> prefix = indices({2, 0});
  EXPECT_EQ(draw("prefix", "", 3, {&prefix}), "xx. xx. xx. ");
  EXPECT_EQ(draw("prefix", "", 3, {&prefix}, 1), "... ... ... ");
}

TEST(Prelude, DocumentSeesItsSegment) {
  Value<double> segment = Tensor<int64_t>{{2, 4}, {0, 0, 1, 1, /*b = 1*/ 3, 7, 7, 7}};
  EXPECT_EQ(draw("document", "", 4, {&segment}), "xx.. xx.. ..xx ..xx ");
  EXPECT_EQ(draw("document", "", 4, {&segment}, 1), "x... .xxx .xxx .xxx ");
}

TEST(Prelude, BlockSparseReadsTheTableOfTheHead) {
  Value<double> table = Tensor<uint8_t>{{2, 2, 2}, {1, 0, 1, 1, /*h = 1*/ 0, 1, 0, 0}};
  std::string functions = applied("block_sparse", 2, "params(%t: tensor<?x?x?xi1>)", "%t, ", "tensor<?x?x?xi1>, ");
  EXPECT_EQ(draw("given", functions, 4, {&table}), "xx.. xx.. xxxx xxxx ");
  EXPECT_EQ(draw("given", functions, 4, {&table}, 0, 1), "..xx ..xx .... .... ");
}

TEST(Prelude, DilatedSeesEveryStepBothWays) {
  EXPECT_EQ(drawScalar("dilated", 2, 4), "x.x. .x.x x.x. .x.x ");
  EXPECT_EQ(drawScalar("dilated", 3, 5), "x..x. .x..x ..x.. x..x. .x..x ");
}

/// get_slopes of the paper's code, with powers in place of its repeated products.
std::vector<double> paperSlopes(int heads) {
  auto ofPowerOf2 = [](int n) {
    std::vector<double> slopes;
    double start = std::pow(2.0, -std::pow(2.0, -(std::log2(n) - 3)));
    for (int i = 0; i < n; ++i)
      slopes.push_back(start * std::pow(start, i));
    return slopes;
  };
  if (std::has_single_bit(static_cast<unsigned>(heads)))
    return ofPowerOf2(heads);
  int closest = static_cast<int>(std::bit_floor(static_cast<unsigned>(heads)));
  std::vector<double> slopes = ofPowerOf2(closest), more = paperSlopes(2 * closest);
  for (int i = 0; static_cast<int>(slopes.size()) < heads; i += 2)
    slopes.push_back(more[i]);
  return slopes;
}

TEST(Prelude, AlibiHasTheSlopesOfThePaper) {
  for (int heads = 1; heads <= 20; ++heads) {
    Ir ir(std::string(kPrelude) +
          fmt::format(R"(
  dec.score @given(%b: index, %h: index, %q: index, %k: index) {{
    %n = arith.constant {} : index
    %v = dec.apply_score @alibi(%b, %h, %q, %k) params(%n : index)
    dec.yield %v : f32
  }}
)",
                      heads) +
          kAnyDecode);
    FunctionEvaluator<double> score(ir.find("given"), {});
    std::vector<double> slopes = paperSlopes(heads);
    for (int h = 0; h < heads; ++h) {
      EXPECT_NEAR(score.score(0, h, 9, 8) / -slopes[h], 1, 1e-6) << heads << " heads, head " << h;
      EXPECT_EQ(score.score(0, h, 7, 7), 0);
      EXPECT_NEAR(score.score(0, h, 100, 3) / -slopes[h], 97, 1e-4);
    }
    EXPECT_EQ(score.problem(), "");
  }
}

/// T5Attention._relative_position_bucket for 32 buckets and distances up to 128, in double. 1e-9: where the logarithm
/// is a whole number, rounding must not pull it below.
int64_t bucketOf(int64_t relative, bool bidirectional) {
  int64_t buckets = bidirectional ? 16 : 32, first = 0;
  if (bidirectional) {
    first = relative > 0 ? buckets : 0;
    relative = std::abs(relative);
  } else {
    relative = -std::min<int64_t>(relative, 0);
  }
  int64_t exact = buckets / 2;
  if (relative < exact)
    return first + relative;
  double share = std::log(static_cast<double>(relative) / exact) / std::log(128.0 / exact) * (buckets - exact);
  return first + std::min(exact + static_cast<int64_t>(share + 1e-9), buckets - 1);
}

void expectBuckets(const char *name, bool bidirectional) {
  Ir ir(std::string(kPrelude) + kAnyDecode);
  Tensor<double> table{{32, 2}, {}};
  for (int i = 0; i < 32; ++i)
    table.data.insert(table.data.end(), {double(i), 100.0 + i});
  Value<double> bias = table;
  FunctionEvaluator<double> score(ir.find(name), {&bias});
  for (int64_t relative = -1000; relative <= 1000; ++relative) {
    EXPECT_EQ(score.score(0, 0, 1000, 1000 + relative), bucketOf(relative, bidirectional)) << relative;
    EXPECT_EQ(score.score(0, 1, 1000, 1000 + relative), 100 + bucketOf(relative, bidirectional)) << relative;
  }
  EXPECT_EQ(score.problem(), "");
}
TEST(Prelude, T5BucketsBidirectional) { expectBuckets("t5_bias_bidirectional", true); }
TEST(Prelude, T5BucketsCausal) { expectBuckets("t5_bias_causal", false); }

/// One head of width 2: the table is read from the weight file, the softcap stands before the score.
TEST(Prelude, SoftcapAndTableInAttention) {
  TempFile file("decant-prelude-table");
  NamedTensor bias{"bias", DType::F32, {2, 1}, std::vector<uint8_t>(8)};
  const float numbers[] = {0.25f, -0.5f};
  std::memcpy(bias.data.data(), numbers, sizeof numbers);
  ASSERT_EQ(failure(writeSafetensors(file.path, {bias})).message, "");
  Ir ir(R"(
  dec.weight @bias from [#dec.source<"bias", 0, 2>] raw : tensor<2x1xf32>
  dec.mask @all(%b: index, %h: index, %q: index, %k: index) {
    %t = arith.constant true
    dec.yield %t : i1
  }
  dec.score @row(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?x?xf32>) {
    %v = dec.param %p[%k, %h] : tensor<?x?xf32>
    dec.yield %v : f32
  }
  func.func @decode(%q: tensor<?x2xf32>, %r: !dec.rows) -> tensor<?x2xf32> {
    %t = dec.table @bias : tensor<?x?xf32>
    %o = dec.attention %q, %q, %q rows %r, %r heads 1 kv_heads 1 scale 0.5 softcap 2.0 mask @all() score @row(%t : tensor<?x?xf32>)
         : tensor<?x2xf32>, tensor<?x2xf32>
    func.return %o : tensor<?x2xf32>
  }
)");
  ir.weights = value(WeightSet::openFile(file.path));
  Interpreter<double> interpreter(ir.model, ir.weights);
  auto found = run(interpreter, {real(2, {3, 0, 0, 4}), rowsOf({2})});
  // Row 0: scores cap(4.5) + 0.25 and cap(0) - 0.5; row 1: cap(0) + 0.25 and cap(8) - 0.5.
  auto cap = [](double x) { return 2 * std::tanh(x / 2); };
  double a = std::exp(cap(4.5) + 0.25), b = std::exp(-0.5), c = std::exp(0.25), d = std::exp(cap(8) - 0.5);
  expectNear(found, {3 * a / (a + b), 4 * b / (a + b), 3 * c / (c + d), 4 * d / (c + d)});
}

} // namespace

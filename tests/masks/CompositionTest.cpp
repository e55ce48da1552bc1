// Compiled kernels against the f64 interpreter, mask by mask: compositions of the named masks, and every 4 x 4 table.
// DECANT_MASKS=0-9999 tries the compositions of depth 3 or less with these numbers (all: about half an hour, 3192 of
// them); without it a seeded sample.
#include "tests/masks/CompiledMask.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>

namespace decant::test {
namespace {

/// A mask as SSA text: `code` computes %v<value>.
struct Composition {
  std::string name, code;
  int depth = 1;
};

struct Leaf {
  const char *name, *code; ///< $ = the number of the value, made of %$a, %$b, ..
};
const Leaf kLeaves[] = {
    {"causal", "%$ = arith.cmpi sle, %k, %q : index"},
    {"sliding", "%$c = arith.constant 5 : index\n%$a = arith.subi %q, %$c : index\n"
                "%$ = arith.cmpi sgt, %k, %$a : index"},
    {"chunked", "%$c = arith.constant 12 : index\n%$a = arith.floordivsi %q, %$c : index\n"
                "%$b = arith.floordivsi %k, %$c : index\n%$ = arith.cmpi eq, %$a, %$b : index"},
    {"prefix", "%$a = dec.param %prefix[%b] : tensor<?xindex>\n%$ = arith.cmpi slt, %k, %$a : index"},
    {"padding", "%$a = dec.param %len[%b] : tensor<?xindex>\n%$ = arith.cmpi slt, %k, %$a : index"},
    {"document", "%$a = dec.param %segment[%b, %q] sorted : tensor<?x?xindex>\n"
                 "%$b = dec.param %segment[%b, %k] sorted : tensor<?x?xindex>\n%$ = arith.cmpi eq, %$a, %$b : index"},
    {"full", "%$ = arith.constant true"}};

std::string numbered(std::string text, int number) {
  for (size_t at = 0; (at = text.find('$', at)) != std::string::npos;)
    text.replace(at, 1, "v" + std::to_string(number) + "_");
  return text;
}

/// Writes trees as SSA; every node gets the next number.
class Tree {
public:
  explicit Tree(int leaf) : leaf(leaf) {}
  Tree(char op, std::vector<Tree> args) : op(op), args(std::move(args)) {}

  std::string name() const {
    if (!op)
      return kLeaves[leaf].name;
    return op == '!' ? "not " + args[0].name()
                     : "(" + args[0].name() + (op == '&' ? " and " : " or ") + args[1].name() + ")";
  }
  std::string body() const {
    int next = 0;
    std::string code;
    int value = write(code, next);
    return code + numbered("dec.yield %$ : i1\n", value);
  }

private:
  int write(std::string &code, int &next) const {
    std::vector<int> in;
    for (const Tree &arg : args)
      in.push_back(arg.write(code, next));
    const int self = next++;
    if (!op)
      code += numbered(kLeaves[leaf].code, self);
    else if (op == '!')
      code += numbered("%$t = arith.constant true\n%$ = arith.xori ", self) + numbered("%$", in[0]) +
              numbered(", %$t : i1", self);
    else
      code += numbered(op == '&' ? "%$ = arith.andi " : "%$ = arith.ori ", self) + numbered("%$, ", in[0]) +
              numbered("%$ : i1", in[1]);
    code += "\n";
    return self;
  }

  int leaf = 0;
  char op = 0;
  std::vector<Tree> args;
};

/// All trees of depth 1, then 2, then 3; and / or commute and of a mask with itself nothing new comes.
std::vector<Tree> compositions() {
  std::vector<Tree> all;
  for (int leaf = 0; leaf < int(std::size(kLeaves)); ++leaf)
    all.emplace_back(leaf);
  for (int depth = 2; depth <= 3; ++depth) {
    const std::vector<Tree> below = all;
    for (size_t i = 0; i < below.size(); ++i) {
      all.emplace_back('!', std::vector{below[i]});
      for (size_t j = i + 1; j < below.size(); ++j)
        for (char op : {'&', '|'})
          all.emplace_back(op, std::vector{below[i], below[j]});
    }
  }
  return all;
}

void expectNear(const std::vector<float> &found, const std::vector<double> &expected, const std::string &what) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i], 1e-5) << what << ": element " << i;
    if (expected[i] == 0) { // no visible key
      ASSERT_EQ(found[i], 0.0f) << what << ": element " << i;
    }
  }
}

void expectSameBits(const std::vector<float> &found, const std::vector<float> &expected, const std::string &what) {
  ASSERT_EQ(found.size(), expected.size());
  ASSERT_EQ(std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)), 0) << what;
}

/// The last `last` rows of each sequence.
std::vector<float> lastRows(const AttentionData &data, const std::vector<float> &all, int last) {
  std::vector<float> kept(all.size(), 0);
  const int columns = data.heads * data.d;
  int row = 0;
  for (int length : data.lengths) {
    const int first = std::max(0, length - last);
    std::copy(all.begin() + (row + first) * columns, all.begin() + (row + length) * columns,
              kept.begin() + (row + first) * columns);
    row += length;
  }
  return kept;
}

const std::vector<int> kLengths = {8, 63, 64, 65, 127, 129};

/// Ranges on and off, tiles of every size, garbage where no key exists: the same bits, near the interpreter's numbers.
void check(MaskContext &context, const Tree &tree, int groups, bool thorough) {
  SCOPED_TRACE(tree.name());
  CompiledMask mask(context, tree.body());
  const AttentionData data = makeData(kLengths, groups, 1, 16, 7);
  const AttentionRunner many(mask.spec(data), "many");
  const std::vector<float> found = many.run(data, 32);
  expectNear(found, mask.reference(context, data), mask.mask + " visit " + mask.visit + " full " + mask.full);
  expectSameBits(many.run(data, 7, 0, NAN), found, "tiles of 7 rows, NaN behind the lengths");
  if (!thorough)
    return;
  const AttentionRunner dense(mask.spec(data, false), "many"), one(mask.spec(data), "one"), few(mask.spec(data), "few");
  expectSameBits(dense.run(data, 32), found, "without ranges");
  expectSameBits(few.run(data, 8), found, "few");
  expectSameBits(one.run(data, 1, 5, INFINITY), lastRows(data, found, 5), "one row at a time, as cached decoding");
}

TEST(Compositions, EqualTheInterpreter) {
  MaskContext context;
  std::vector<Tree> all = compositions();
  const char *range = std::getenv("DECANT_MASKS");
  if (range) {
    const size_t first = std::min(size_t(std::atoi(range)), all.size()), dash = std::string(range).find('-') + 1;
    all.erase(all.begin() + std::clamp(std::atoi(range + dash) + 1, int(first), int(all.size())), all.end());
    all.erase(all.begin(), all.begin() + first);
  } else {
    const unsigned seed = std::random_device()();
    std::mt19937 random(seed);
    printf("seed %u, %zu compositions\n", seed, all.size());
    std::shuffle(all.begin(), all.end(), random);
    all.erase(all.begin() + 12, all.end());
  }
  std::set<std::string> seen; // equal expressions make one kernel
  for (size_t i = 0; i < all.size() && !HasFatalFailure(); ++i) {
    if (!seen.insert(CompiledMask(context, all[i].body()).mask).second)
      continue;
    check(context, all[i], 1 + int(i % 3), !range || i % 50 == 0);
    if (range && seen.size() % 100 == 0)
      fprintf(stderr, "%zu of %zu, %zu kernels\n", i, all.size(), seen.size());
  }
  printf("%zu masks compiled and compared\n", seen.size());
}

TEST(Compositions, NamedMasksOfEveryGroupSize) {
  MaskContext context;
  for (int leaf = 0; leaf < int(std::size(kLeaves)); ++leaf)
    check(context, Tree(leaf), 1 + leaf % 3, true);
}

TEST(Compositions, ANameChangesNothing) {
  MaskContext context;
  const Tree tree('&', {Tree(0), Tree(1)});
  const AttentionData data = makeData({8}, 1, 1, 16, 7);
  EXPECT_EQ(CompiledMask(context, tree.body(), "mask").spec(data),
            CompiledMask(context, tree.body(), "other").spec(data));
}

/// Sequence b has table `first + b` as its explicit boolean tensor: bit 4 q + k.
TEST(Explicit, AllTablesOfFourByFour) {
  MaskContext context;
  CompiledMask mask(context, "%v = dec.param %keep[%b, %h, %q, %k] : tensor<?x?x?x?xi1>\ndec.yield %v : i1\n");
  AttentionData data = makeData(std::vector<int>(4096, 4), 1, 1, 16, 3);
  const AttentionRunner many(mask.spec(data), "many"), one(mask.spec(data), "one");
  for (int first = 0; first < 65536; first += 4096) {
    for (int b = 0; b < 4096; ++b)
      for (int bit = 0; bit < 16; ++bit)
        data.params[3].data[size_t(b * 16 + bit)] = (first + b) >> bit & 1;
    const std::vector<float> found = many.run(data, 4);
    expectNear(found, mask.reference(context, data), "tables from " + std::to_string(first));
    expectSameBits(one.run(data, 1, 4, NAN), found, "one row at a time");
    if (HasFatalFailure())
      return;
  }
}

} // namespace
} // namespace decant::test

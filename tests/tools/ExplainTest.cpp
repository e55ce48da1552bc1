// What `decant explain` counts and prints: formulas, tiles, visible elements, example values.
#include "tools/decant/ExplainInfix.h"
#include "tools/decant/ExplainMask.h"
#include "tools/decant/ExplainRow.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace decant::cli {
namespace {

const std::vector<MaskParam> kParams{{"p0", "i32", 1}, {"p1", "i32", 2, true}, {"p2", "u8", 2}, {"p3", "f32", 1}};
const ParamNames kNames{{"p0", "length"}, {"p1", "segment"}, {"p2", "keep"}};

MaskExpr parse(const std::string &text) {
  std::string error;
  auto expr = parseMaskExpr(text, kParams, error);
  EXPECT_TRUE(expr) << text << ": " << error;
  return expr.value_or(MaskExpr());
}

KeyRanges ranges(const std::string &text) {
  std::string error;
  auto parsed = parseKeyRanges(text, kParams, error);
  EXPECT_TRUE(parsed) << text << ": " << error;
  return parsed.value_or(KeyRanges());
}

ExplainedFunction mask(const std::string &expr, const std::string &visit, const std::string &full, int64_t block = 16) {
  ExplainedFunction result;
  result.expr = parse(expr), result.visit = ranges(visit), result.full = ranges(full), result.block = block;
  result.params = {{.param = kParams[0], .name = "length"},
                   {.param = kParams[1], .name = "segment"},
                   {.param = kParams[2], .name = "keep"},
                   {.param = kParams[3], .name = "slope", .neutral = 0.5}};
  return result;
}

ExplainedFunction causal() { return mask("(le k q)", "((0 q1))", "((0 (add q0 1)))"); }

TEST(Infix, PrecedenceOfPython) {
  const std::pair<const char *, const char *> cases[] = {
      {"(le k q)", "k <= q"},
      {"(and (le k q) (gt k (sub q 512)))", "k <= q and k > q - 512"},
      {"(and (or (le k q) (lt k 4)) true)", "(k <= q or k < 4) and true"},
      {"(or (and (le k q) true) false)", "k <= q and true or false"},
      {"(not (le k q))", "not (k <= q)"},
      {"(gt k (add q -512))", "k > q - 512"},
      {"(lt (sub q (sub k 1)) 4)", "q - (k - 1) < 4"},
      {"(lt (add (sub q k) 1) 4)", "q - k + 1 < 4"},
      {"(eq (floordiv k 8) (floordiv q 8))", "k // 8 == q // 8"},
      {"(eq (mod (sub q k) 4) 0)", "(q - k) % 4 == 0"},
      {"(eq (mul q (floordiv k 2)) 0)", "q * (k // 2) == 0"},
      {"(lt k (load p0 b))", "k < length[b]"},
      {"(load p2 q k)", "keep[q, k]"},
      {"(lt (load p3 h) 0.5)", "p3[h] < 0.5"},
      {"(lt (mul (itof q) -2.0) 1.0)", "float(q) * (-2.0) < 1.0"},
      {"(lt k (min (min q (max 1 k)) 9))", "k < min(q, max(1, k), 9)"},
      {"(lt (select (le k q) 1 2) (max q k))", "(1 if k <= q else 2) < max(q, k)"},
  };
  for (auto [text, expected] : cases)
    EXPECT_EQ(infix(parse(text), kNames), expected) << text;
}

TEST(Infix, Ranges) {
  EXPECT_EQ(infix(ranges("-"), kNames), "every key");
  EXPECT_EQ(infix(ranges("()"), kNames), "no key");
  EXPECT_EQ(infix(ranges("(((max 0 (sub q0 511)) (min q1 n)))"), kNames), "[max(0, q0 - 511), min(q1, n))");
  EXPECT_EQ(infix(ranges("((0 4) ((search p1 b (load p1 b q0)) n))"), kNames),
            "[0, 4) or [below(segment[b], segment[b, q0]), n)");
}

TEST(Tiles, CausalAgainstCounting) {
  for (int64_t size : {1, 7, 8, 9, 16, 63, 64, 65, 129}) {
    const TileCensus census = countTiles(causal(), size);
    int64_t empty = 0, partial = 0, full = 0, visible = 0;
    for (int64_t q0 = 0; q0 < size; q0 += kQueryRows)
      for (int64_t k0 = 0; k0 < size; k0 += 16) {
        int64_t seen = 0, all = 0;
        for (int64_t q = q0; q < std::min(q0 + kQueryRows, size); ++q)
          for (int64_t k = k0; k < std::min(k0 + 16, size); ++k)
            seen += k <= q, ++all;
        ++(seen == 0 ? empty : seen == all ? full : partial), visible += seen;
      }
    EXPECT_EQ(census.empty, empty) << size;
    EXPECT_EQ(census.partial, partial) << size;
    EXPECT_EQ(census.full, full) << size;
    EXPECT_EQ(census.visiblePairs, double(visible)) << size;
    EXPECT_EQ(census.sampledRows, size);
  }
}

TEST(Tiles, VisitedWork) {
  const TileCensus census = countTiles(causal(), 96); // rows of tiles visit 32, 64 and 96 keys
  EXPECT_EQ(census.visitedKeys, 192);
  EXPECT_EQ(census.visitedPairs, 192 * kQueryRows);
  EXPECT_EQ(visitedKeysOfRow(causal(), 15, 32), 16);
  EXPECT_EQ(visitedKeysOfRow(causal(), 16, 32), 32);
}

TEST(Tiles, NothingKnownIsAllPartial) {
  const TileCensus census = countTiles(mask("(le k q)", "-", "()"), 64);
  EXPECT_EQ(census.partial, census.tiles());
  EXPECT_EQ(census.visiblePairs, 64. * 65 / 2);
}

TEST(Tiles, RangesThatTouchAreOne) {
  const TileCensus census = countTiles(mask("true", "((0 n))", "((0 8) (8 n))"), 32);
  EXPECT_EQ(census.full, census.tiles());
}

TEST(Tiles, AnExpensiveMaskIsSampled) {
  std::string text = "(le (mod k 3) (mod q 5))";
  for (int i = 0; i < 7; ++i)
    text = "(and " + text + " " + text + ")";
  const TileCensus census = countTiles(mask(text, "-", "()"), 4096);
  EXPECT_LT(census.sampledRows, 4096);
  EXPECT_NEAR(census.visiblePairs / (4096. * 4096), 12. / 15, 0.01); // of 15 (k mod 3, q mod 5), 12 hold
}

TEST(Example, Values) {
  const Example example = exampleValues(mask("true", "-", "()"), 64);
  EXPECT_EQ(example.texts, (std::vector<std::string>{"length = 64", "segment: 8 equal documents", "keep: all true",
                                                     "slope = 0.5 (neutral)"}));
  EXPECT_EQ(evaluate(parse("(eq (load p1 b 7) 0)"), {}, example.tensors), 1);
  EXPECT_EQ(evaluate(parse("(eq (load p1 b 8) 1)"), {}, example.tensors), 1);
  EXPECT_EQ(evaluate(parse("(eq (load p1 b 63) 7)"), {}, example.tensors), 1);
  ExplainedFunction prefix = mask("true", "-", "()");
  prefix.params[0].name = "prefix";
  EXPECT_EQ(exampleValues(prefix, 64).texts[0], "prefix = 16");
}

TEST(Elements, Drawing) {
  EXPECT_EQ(drawElements(causal(), 3), (std::vector<std::string>{"#..", "##.", "###"}));
  EXPECT_EQ(drawElements(mask("(eq (load p1 b q) (load p1 b k))", "-", "()"), 16)[2],
            "..##............"); // documents of 2
}

TEST(Row, EqualsEvaluate) {
  const MaskTensors tensors = exampleValues(mask("true", "-", "()"), 40).tensors;
  const char *texts[] = {"(le k q)",
                         "(and (or (lt k 3) (gt k (sub q 5))) (not (eq (mod k 3) 1)))",
                         "(eq (floordiv (sub k 9) 4) (floordiv q 4))",
                         "(eq (mod (sub k 9) 4) (floordiv k 0))",
                         "(eq (load p1 b q) (load p1 b (sub k 3)))",
                         "(ge (min k (mul q 2)) (max 3 (add k -4)))",
                         "(ne (select (load p2 q k) k 7) q)",
                         "(lt (exp (mul (itof (sub k q)) (load p3 h))) 0.25)"};
  for (const char *text : texts) {
    const MaskExpr expr = parse(text);
    for (MaskPoint at; at.q < 40; ++at.q) {
      const std::vector<double> row = evaluateRow(expr, at.q, 2, 39, tensors);
      const MaskExpr known = specialise(expr, at.q, tensors);
      ASSERT_EQ(row.size(), 37u);
      for (at.k = 2; at.k < 39; ++at.k) {
        EXPECT_EQ(row[size_t(at.k - 2)], evaluate(expr, at, tensors)) << text << " q " << at.q << " k " << at.k;
        EXPECT_EQ(evaluate(known, at, tensors), evaluate(expr, at, tensors)) << text << " q " << at.q;
      }
    }
  }
}

TEST(Specialise, PutsInWhatIsKnown) {
  const MaskTensors tensors = exampleValues(mask("true", "-", "()"), 16).tensors;
  EXPECT_EQ(toText(specialise(parse("(and (le k q) (lt q (load p0 b)))"), 3, tensors)), "(le k 3)");
  EXPECT_EQ(toText(specialise(parse("(or (le k q) (load p2 q k))"), std::nullopt, tensors)), "true");
  EXPECT_EQ(toText(specialise(parse("(and (le k q) (lt q 2))"), 3, tensors)), "false");
}

} // namespace
} // namespace decant::cli

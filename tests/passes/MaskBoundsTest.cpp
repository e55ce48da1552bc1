// deriveMaskBounds against brute force: no visible key outside `visit`, no masked key inside `full`, whatever the mask;
// and few needless blocks for the masks that people compose.
#include "compiler/passes/MaskBounds.h"
#include "schedules/spec/MaskEval.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

namespace decant {
namespace {

const char *const kParams = "len:i32:1,pre:i32:1,seg:i32:2,on:i32:1,keep:u8:2,chunk:i32:0,bias:f32:1";

std::vector<MaskParam> params() {
  std::string error;
  auto result = *parseMaskParams(kParams, error);
  result[2].sorted = true;
  return result;
}

MaskExpr parse(const std::string &text) {
  std::string error;
  auto expr = parseMaskExpr(text, params(), error);
  EXPECT_TRUE(expr) << error << ": " << text;
  return expr ? *expr : MaskExpr();
}

MaskTensor vectorOf(std::vector<double> data) { return {{int64_t(data.size())}, std::move(data)}; }

/// Values of all parameters, of one sequence.
MaskTensors tensors(double len, double pre, std::vector<double> seg, double on = 1, double chunk = 3) {
  MaskTensors result{
      {"len", vectorOf({len})}, {"pre", vectorOf({pre})}, {"on", vectorOf({on})}, {"bias", vectorOf({on - 0.5, 0.25})}};
  result["seg"] = {{1, int64_t(seg.size())}, seg};
  result["chunk"] = {{}, {chunk}};
  result["keep"] = {{3, 5}, {1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0}};
  return result;
}

struct Tile {
  MaskPoint at; // q0, q1, n, b, h
  std::vector<bool> some, all;
};

/// Which keys some and every query of the tile sees.
Tile bruteForce(const MaskExpr &mask, MaskPoint at, const MaskTensors &values) {
  Tile tile{at, std::vector<bool>(size_t(at.n), false), std::vector<bool>(size_t(at.n), true)};
  for (at.k = 0; at.k < at.n; ++at.k)
    for (at.q = at.q0; at.q < at.q1; ++at.q) {
      bool visible = evaluate(mask, at, values) != 0;
      tile.some[size_t(at.k)] = tile.some[size_t(at.k)] || visible;
      tile.all[size_t(at.k)] = tile.all[size_t(at.k)] && visible;
    }
  return tile;
}

std::vector<bool> keysOf(const KeyRanges &ranges, const MaskPoint &at, const MaskTensors &values) {
  std::vector<bool> keys(size_t(at.n), ranges.every);
  for (const KeyRange &range : ranges.ranges) {
    double begin = evaluate(range.begin, at, values), end = evaluate(range.end, at, values);
    for (int64_t k = std::max<int64_t>(0, int64_t(begin)); k < std::min<int64_t>(at.n, int64_t(end)); ++k)
      keys[size_t(k)] = true;
  }
  return keys;
}

/// "" if the bounds are right for the tile, else what is wrong.
std::string wrong(const Tile &tile, const MaskBounds &bounds, const MaskTensors &values) {
  auto visit = keysOf(bounds.visit, tile.at, values), full = keysOf(bounds.full, tile.at, values);
  for (size_t k = 0; k < visit.size(); ++k) {
    std::string where = " (q0 " + std::to_string(tile.at.q0) + ", q1 " + std::to_string(tile.at.q1) + ", n " +
                        std::to_string(tile.at.n) + ", h " + std::to_string(tile.at.h) + ")";
    if (tile.some[k] && !visit[k])
      return "key " + std::to_string(k) + " is visible outside visit " + toText(bounds.visit) + where;
    if (!tile.all[k] && full[k])
      return "key " + std::to_string(k) + " is masked inside full " + toText(bounds.full) + where;
  }
  return "";
}

MaskBounds boundsOf(const std::string &text) {
  auto p = params();
  MaskBounds bounds = deriveMaskBounds(parse(text), p);
  std::string error; // kernels read the bounds from their text
  EXPECT_TRUE(parseKeyRanges(toText(bounds.visit), p, error)) << error << ": " << text;
  EXPECT_TRUE(parseKeyRanges(toText(bounds.full), p, error)) << error << ": " << text;
  return bounds;
}

/// All tiles of 1, 2, 3 and 8 rows that begin before `last`.
std::string wrongAnywhere(const MaskExpr &mask, const MaskBounds &bounds, const MaskTensors &values, int64_t n,
                          int64_t last, int64_t numHeads = 1) {
  MaskPoint at;
  at.n = n;
  for (at.h = 0; at.h < numHeads; ++at.h)
    for (int64_t rows : {1, 2, 3, 8})
      for (at.q0 = 0; at.q0 < last; ++at.q0) {
        at.q1 = at.q0 + rows;
        std::string error = wrong(bruteForce(mask, at, values), bounds, values);
        if (!error.empty())
          return error;
      }
  return "";
}

// ---- what the bounds look like

void expectBounds(const std::string &mask, const std::string &visit, const std::string &full) {
  MaskBounds bounds = boundsOf(mask);
  EXPECT_EQ(toText(bounds.visit), visit) << mask;
  EXPECT_EQ(toText(bounds.full), full) << mask;
}

TEST(MaskBounds, NamedMasks) {
  expectBounds("true", "-", "-");
  expectBounds("false", "()", "()");
  expectBounds("(le k q)", "((0 q1))", "((0 (add q0 1)))");
  expectBounds("(and (gt k (sub q 512)) (le k q))", "(((sub q0 511) q1))", "(((sub q1 512) (add q0 1)))");
  expectBounds("(lt k (load len b))", "((0 (load len b)))", "((0 (load len b)))");
  expectBounds("(or (le k q) (lt k (load pre b)))", "((0 q1) (0 (load pre b)))", "((0 (add q0 1)) (0 (load pre b)))");
}

// ---- compositions of the named masks

/// A leaf, `not` of one or and / or of two earlier compositions.
struct Composition {
  std::string text, op;
  size_t a = 0, b = 0;
};

/// Every composition of depth <= 3, no pair twice in another order; the first `shallow` ones have depth <= 2.
struct Compositions {
  Compositions(int window, int chunk) {
    const std::string w = std::to_string(window), c = std::to_string(chunk);
    for (std::string text :
         {std::string("(le k q)"), "(gt k (sub q " + w + "))", "(eq (floordiv q " + c + ") (floordiv k " + c + "))",
          std::string("(lt k (load pre b))"), std::string("(lt k (load len b))"),
          std::string("(eq (load seg b q) (load seg b k))"), std::string("true")})
      all.push_back({text, "", 0, 0});
    leaves = all.size();
    compose(0, leaves);
    shallow = all.size();
    compose(leaves, shallow);
  }

  size_t leaves, shallow;
  std::vector<Composition> all;

private:
  /// not of those from `first`, and / or of all pairs below `last` that hold one of them.
  void compose(size_t first, size_t last) {
    for (size_t i = first; i < last; ++i)
      all.push_back({"(not " + all[i].text + ")", "not", i, i});
    for (size_t i = 0; i < last; ++i)
      for (size_t j = std::max(i + 1, first); j < last; ++j)
        for (const char *op : {"and", "or"})
          all.push_back({std::string("(") + op + " " + all[i].text + " " + all[j].text + ")", op, i, j});
  }
};

using Table = std::vector<char>; // [rows, n]: does query row see key k?

/// The leaves by evaluate(), what is composed of them by the meaning of and, or, not.
std::vector<Table> tablesOf(const Compositions &compositions, int64_t rows, int64_t n, const MaskTensors &values) {
  std::vector<Table> tables;
  for (const Composition &c : compositions.all) {
    Table table(size_t(rows * n));
    MaskExpr leaf = c.op.empty() ? parse(c.text) : MaskExpr();
    for (size_t i = 0; i < table.size(); ++i) {
      MaskPoint at;
      at.n = n, at.q = int64_t(i) / n, at.k = int64_t(i) % n;
      table[i] = c.op.empty()    ? evaluate(leaf, at, values) != 0
                 : c.op == "not" ? !tables[c.a][i]
                 : c.op == "and" ? tables[c.a][i] && tables[c.b][i]
                                 : tables[c.a][i] || tables[c.b][i];
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

Tile tileOf(const Table &table, MaskPoint at) {
  Tile tile{at, std::vector<bool>(size_t(at.n), false), std::vector<bool>(size_t(at.n), true)};
  for (int64_t q = at.q0; q < at.q1; ++q)
    for (int64_t k = 0; k < at.n; ++k) {
      bool visible = table[size_t(q * at.n + k)];
      tile.some[size_t(k)] = tile.some[size_t(k)] || visible;
      tile.all[size_t(k)] = tile.all[size_t(k)] && visible;
    }
  return tile;
}

MaskPoint tileAt(int64_t q0, int64_t q1, int64_t n) {
  MaskPoint at;
  at.q0 = q0, at.q1 = q1, at.n = n;
  return at;
}

TEST(MaskBounds, CompositionsAreNeverWrong) {
  constexpr int64_t kKeys = 8, kRows = 16; // queries reach beyond the keys and the row of segments
  const Compositions compositions(3, 4);
  EXPECT_GT(compositions.all.size(), 3000u);
  std::vector<MaskBounds> bounds;
  for (const Composition &c : compositions.all)
    bounds.push_back(boundsOf(c.text));
  const MaskTensors settings[] = {tensors(5, 2, {0, 0, 0, 1, 1, 3, 3, 3}), tensors(8, 0, {2, 2, 2, 2, 2, 2, 2, 2}),
                                  tensors(0, 9, {0, 1, 2, 3, 4, 5, 6, 7}), tensors(7, 4, {-1, 0, 0, 0, 7})};
  for (const MaskTensors &values : settings) {
    std::vector<Table> tables = tablesOf(compositions, kRows, kKeys, values);
    for (size_t i = 0; i < tables.size(); ++i)
      for (int64_t rows : {1, 2, 3, 8})
        for (int64_t q0 = 0; q0 < kKeys; ++q0) {
          std::string error = wrong(tileOf(tables[i], tileAt(q0, q0 + rows, kKeys)), bounds[i], values);
          ASSERT_EQ(error, "") << compositions.all[i].text;
        }
  }
}

/// Blocks of `size` keys with a key of the set.
int64_t blocksWith(const std::vector<bool> &keys, size_t size) {
  int64_t blocks = 0;
  for (size_t k = 0; k < keys.size(); k += size)
    blocks += std::find(keys.begin() + long(k), keys.begin() + long(std::min(k + size, keys.size())), true) <
              keys.begin() + long(std::min(k + size, keys.size()));
  return blocks;
}

/// The share of compositions that visit at most 1.1 x the needed blocks in every size; prints the others.
double tightShare(const Compositions &compositions) {
  std::vector<MaskBounds> bounds;
  for (const Composition &c : compositions.all)
    bounds.push_back(boundsOf(c.text));
  std::vector<double> worst(bounds.size(), 1);
  for (int64_t n : {63, 64, 65, 127, 129}) {
    std::vector<double> segments;
    for (int64_t k = 0; k < n; ++k)
      segments.push_back(double((k >= 11) + (k >= 12) + (k >= 48) + (k >= 70)));
    const MaskTensors values = tensors(double(n - 5), 20, segments);
    std::vector<Table> tables = tablesOf(compositions, n, n, values);
    for (size_t i = 0; i < tables.size(); ++i) {
      int64_t visited = 0, needed = 0;
      for (int64_t q0 = 0; q0 < n; q0 += 8) {
        Tile tile = tileOf(tables[i], tileAt(q0, std::min(q0 + 8, n), n));
        std::string error = wrong(tile, bounds[i], values);
        EXPECT_EQ(error, "") << compositions.all[i].text;
        visited += blocksWith(keysOf(bounds[i].visit, tile.at, values), 16);
        needed += blocksWith(tile.some, 16);
      }
      worst[i] = std::max(worst[i], needed == 0 ? double(1 + visited) : double(visited) / double(needed));
    }
  }
  size_t tight = 0;
  for (size_t i = 0; i < worst.size(); ++i)
    if (worst[i] <= 1.1)
      ++tight;
    else
      std::cout << "visits " << worst[i] << " x the blocks: " << compositions.all[i].text << "\n";
  double share = double(tight) / double(worst.size());
  std::cout << "at most 1.1 x the blocks: " << tight << " of " << worst.size() << "\n";
  return share;
}

TEST(MaskBounds, CompositionsVisitFewNeedlessBlocks) {
  EXPECT_GE(tightShare(Compositions(3, 4)), 0.95);
  EXPECT_GE(tightShare(Compositions(20, 24)), 0.95);
}

// ---- masks that are not made of the named ones

TEST(MaskBounds, CachedDecoding) { // queries behind a cache: the tile ends at the last key
  std::vector<double> segments;
  for (int k = 0; k < 48; ++k)
    segments.push_back(k / 7 + k / 20);
  const MaskTensors values = tensors(30, 5, segments);
  for (std::string text :
       {"(le k q)", "(and (gt k (sub q 4)) (le k q))", "(and (eq (floordiv q 4) (floordiv k 4)) (le k q))",
        "(and (eq (load seg b q) (load seg b k)) (le k q))", "(and (lt k (load len b)) (le k q))"}) {
    const MaskExpr mask = parse(text);
    const MaskBounds bounds = boundsOf(text);
    for (int64_t q0 = 1; q0 < 40; ++q0)
      for (int64_t rows : {1, 3, 8}) {
        Tile tile = bruteForce(mask, tileAt(q0, q0 + rows, q0 + rows), values);
        EXPECT_EQ(wrong(tile, bounds, values), "") << text;
        if (rows == 1) { // one query: nothing needless
          EXPECT_EQ(keysOf(bounds.visit, tile.at, values), tile.some) << text << toText(bounds.visit);
          EXPECT_EQ(keysOf(bounds.full, tile.at, values), tile.all) << text << toText(bounds.full);
        }
      }
  }
}

TEST(MaskBounds, OtherMasks) {
  const MaskTensors settings[] = {tensors(6, 3, {0, 0, 1, 1, 4}), tensors(12, 20, {5}, 0, 0),
                                  tensors(0, 0, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 2, -2)};
  for (std::string text : {"(and (lt (sub q k) 3) (lt (sub k q) 3))",
                           "(lt (max (sub q k) (sub k q)) 3)",
                           "(gt (min (sub q k) (sub k q)) -3)",
                           "(and (eq (mod (sub q k) 2) 0) (le k q))",
                           "(eq (sub (sub q k) (mul (floordiv (sub q k) 3) 3)) 0)",
                           "(and (or (lt k 4) (gt k (sub q 3))) (le k q))",
                           "(load keep q k)",
                           "(and (load keep q k) (le k q))",
                           "(not (load keep h k))",
                           "(or (load keep h b) (le k q))",
                           "(eq (floordiv q (max 1 chunk)) (floordiv k (max 1 chunk)))",
                           "(eq (floordiv q chunk) (floordiv k chunk))",
                           "(le (mul 2 k) q)",
                           "(ge (mul -3 k) (sub -14 q))",
                           "(ne (mul 2 k) q)",
                           "(eq (load seg b (sub k 2)) 1)",
                           "(ge (load seg b (add k 3)) (load seg b q))",
                           "(ne (load seg b (sub k h)) (load seg b (sub q 1)))",
                           "(le (load len k) q)",
                           "(le k (load pre q))",
                           "(gt (load bias h) 0.0)",
                           "(not (lt (load bias h) 0.0))",
                           "(lt (itof k) (load bias h))",
                           "(select (lt h 1) (le k q) (gt k (load pre b)))",
                           "(le k (select (load keep b q) (add q 2) 1))",
                           "(le (select (lt k 4) k (add k 3)) q)",
                           "(le q 3)",
                           "(eq q (load pre b))",
                           "(select (lt q 4) (lt k 3) (ge k 3))",
                           "(le (floordiv (add (mul 2 k) 1) 3) (floordiv q 2))",
                           "(lt (mul k q) 9)",
                           "(le (add k (floordiv k 2)) q)",
                           "(and (eq (load on b) 0) (le k q))",
                           "(or (not (ne (load on b) 0)) (le k q))",
                           "(le k (max q (load pre b)))"}) {
    const MaskExpr mask = parse(text);
    const MaskBounds bounds = boundsOf(text);
    for (const MaskTensors &values : settings)
      EXPECT_EQ(wrongAnywhere(mask, bounds, values, 12, 14, 2), "") << text;
  }
}

TEST(MaskBounds, OtherMasksLook) {
  expectBounds("(lt (max (sub q k) (sub k q)) 3)", "(((sub q0 2) (add q1 2)))", "(((sub q1 3) (add q0 3)))");
  expectBounds("(and (lt (sub q k) 3) (lt (sub k q) 3))", "(((sub q0 2) (add q1 2)))", "(((sub q1 3) (add q0 3)))");
  expectBounds("(and (or (lt k 4) (gt k (sub q 100))) (le k q))", "((0 (min 4 q1)) ((sub q0 99) q1))",
               "((0 (min 4 (add q0 1))) ((sub q1 100) (add q0 1)))");
  expectBounds("(and (le k q) (eq (floordiv q 4) (floordiv k 4)))", "(((mul (floordiv q0 4) 4) q1))",
               "(((mul (floordiv (sub q1 1) 4) 4) (add q0 1)))");
  expectBounds("(or (not (ne (load on b) 0)) (le k q))", "((0 (select (eq (load on b) 0) n q1)))",
               "((0 (select (eq (load on b) 0) n (add q0 1))))");
  expectBounds("(load keep q k)", "-", "()");
  expectBounds("(and (load keep q k) (le k q))", "((0 q1))", "()");
  expectBounds("(and (le k q) (gt k q))", "()", "()");
}

TEST(MaskBounds, NoOverflowIn32Bits) {
  expectBounds("(le k (add q 2147483647))", "-", "()");
  expectBounds("(le k (mul q 1073741825))", "-", "()");
  // A parameter of any size is cut to the keys before 1 is added.
  expectBounds("(le k (load len b))", "((0 (add (min (load len b) n) 1)))", "((0 (add (min (load len b) n) 1)))");
  expectBounds("(le k (max q (load pre b)))", "((0 (max q1 (add (min (load pre b) n) 1))))",
               "((0 (max (add q0 1) (add (min (load pre b) n) 1))))");
}

// ---- random nested masks

class RandomMask {
public:
  explicit RandomMask(unsigned seed) : random(seed) {}

  std::string boolean(int depth) {
    switch (depth > 0 ? pick(7) : pick(3)) {
    case 0:
      return pick(4) ? comparison(2) : "(load keep " + integer(0) + " " + integer(0) + ")";
    case 1:
    case 2:
      return comparison(depth > 0 ? depth : 1);
    case 3:
      return "(not " + boolean(depth - 1) + ")";
    case 4:
      return "(select " + boolean(depth - 2) + " " + boolean(depth - 1) + " " + boolean(depth - 1) + ")";
    default:
      return (pick(2) ? "(and " : "(or ") + boolean(depth - 1) + " " + boolean(depth - 1) + ")";
    }
  }

private:
  int pick(int n) { return int(random() % unsigned(n)); }

  std::string comparison(int depth) {
    static const char *const kOps[] = {"lt", "le", "gt", "ge", "eq", "ne"};
    if (pick(3) == 0) // of sorted segments
      return std::string("(") + kOps[pick(6)] + " (load seg b (add k " + constant() + ")) " +
             (pick(2) ? "(load seg b " + integer(1) + "))" : integer(1) + ")");
    return std::string("(") + kOps[pick(6)] + " " + integer(depth) + " " + integer(depth) + ")";
  }

  std::string constant() { return std::to_string(pick(12) - 4); }

  std::string integer(int depth) {
    static const char *const kAtoms[] = {"q", "k", "k", "q", "h", "(load pre b)", "(load len b)", "(load seg b q)"};
    if (depth <= 0)
      return pick(3) ? kAtoms[pick(8)] : constant();
    switch (pick(8)) {
    case 0:
      return "(mul " + integer(depth - 1) + " " + std::to_string(pick(7) - 3) + ")";
    case 1:
      return "(floordiv " + integer(depth - 1) + (pick(4) ? " " + std::to_string(1 + pick(5)) : " (max 1 chunk)") + ")";
    case 2:
      return (pick(2) ? "(min " : "(max ") + integer(depth - 1) + " " + integer(depth - 1) + ")";
    case 3:
      return "(select " + boolean(depth - 2) + " " + integer(depth - 1) + " " + integer(depth - 1) + ")";
    case 4:
    case 5:
      return (pick(2) ? "(add " : "(sub ") + integer(depth - 1) + " " + integer(depth - 1) + ")";
    default:
      return integer(0);
    }
  }

  std::mt19937 random;
};

TEST(MaskBounds, RandomMasksAreNeverWrong) {
  const char *given = std::getenv("DECANT_SEED");
  const unsigned seed = given ? unsigned(std::strtoul(given, nullptr, 10)) : std::random_device()();
  std::cout << "seed " << seed << " (DECANT_SEED)\n";
  RandomMask masks(seed);
  const MaskTensors settings[] = {tensors(5, 2, {0, 0, 1, 1, 1, 3, 6}), tensors(-1, 9, {-2, 0, 4, 4}, 1, 1)};
  int known = 0;
  for (int i = 0; i < 300; ++i) {
    const std::string text = masks.boolean(1 + i % 6);
    std::string error;
    if (!parseMaskExpr(text, params(), error)) // beyond the parser's limits
      continue;
    const MaskExpr mask = parse(text);
    const MaskBounds bounds = boundsOf(text);
    known += !bounds.visit.every || !bounds.full.ranges.empty();
    for (const MaskTensors &values : settings)
      for (int64_t q0 : {0, 1, 3, 6}) {
        MaskPoint at = tileAt(q0, q0 + 1 + (i + q0) % 4, 7);
        at.h = i % 2;
        ASSERT_EQ(wrong(bruteForce(mask, at, values), bounds, values), "") << text;
      }
  }
  EXPECT_GT(known, 100); // not by knowing nothing
}

// ---- windows

TEST(MaskBounds, VisibleWindow) {
  auto window = [](const std::string &text) { return visibleWindow(boundsOf(text).visit); };
  const std::string causal = " (le k q))";
  EXPECT_EQ(window("(and (gt k (sub q 512))" + causal), 512);
  EXPECT_EQ(window("(and (lt (max (sub q k) (sub k q)) 3)" + causal), 3);
  EXPECT_EQ(window("(and (eq (floordiv q 4) (floordiv k 4))" + causal), 4);
  EXPECT_EQ(window("(and (gt k (max (sub q 512) (load pre b)))" + causal), 512);
  EXPECT_EQ(window("(and (or (gt k (sub q 5)) (and (gt k (sub q 9)) (lt h 2)))" + causal), 9);
  EXPECT_EQ(window("(and (and (eq (load on b) 0) (gt k (sub q 7)))" + causal), 7);
  EXPECT_EQ(window("(and (le k q) (select (lt h 2) (gt k (sub q 8)) (gt k (sub q 6))))"), 8);
  for (std::string text : {"true", "(le k q)", "(gt k (load pre b))", "(load keep q k)", "(gt k (floordiv q 2))",
                           "(and (or (lt k 4) (gt k (sub q 8))) (le k q))",
                           // these see keys behind the query too
                           "(gt k (sub q 5))", "(lt (max (sub q k) (sub k q)) 3)", "(eq (floordiv q 4) (floordiv k 4))",
                           "(and (le k q) (select (lt h 2) (gt k (sub q 8)) true))"})
    EXPECT_EQ(window(text), std::nullopt) << text;
}

} // namespace
} // namespace decant

// The analysis: the mask as a tree of and / or with `not` pushed to its leaves; a comparison is solved for k, and over
// the queries of the tile its bound takes the extreme that Outer or Inner asks for. Both sides are computed by the same
// walk. Bounds of a product of conditions: see MaskRanges. Tested in tests/passes/MaskBoundsTest.cpp.
#include "compiler/passes/MaskBounds.h"

#include "compiler/passes/MaskRanges.h"

#include <algorithm>

namespace decant {
namespace {

using Type = MaskExpr::Type;

bool isFixed(const MaskExpr &e) { return !mentions(e, "q") && !mentions(e, "k"); }

MaskExpr plus(const MaskExpr &e, int64_t constant) { return callExpr("add", {e, integerExpr(constant)}); }

class Analysis {
public:
  Analysis(const std::vector<MaskParam> &params, Side side) : prover(params), builder(prover), side(side) {}

  KeyRanges run(const MaskExpr &mask) { return builder.finish(spans(mask, false), side); }

private:
  // ---- the tree

  KeySpans spans(const MaskExpr &e, bool negate) {
    if (++steps > kMaxSteps)
      return unknown();
    if (e.op == "bool")
      return (e.intValue != 0) != negate ? builder.every() : KeySpans();
    if (e.op == "not")
      return spans(e.args[0], !negate);
    if (e.op == "and" || e.op == "or")
      return combine((e.op == "and") != negate, e.args, negate);
    if (e.op == "select") // (c and x) or (not c and y)
      return builder.unite(both(e.args[0], false, e.args[1], negate), both(e.args[0], true, e.args[2], negate), side);
    const bool integers = e.args.size() == 2 && e.args[0].type == Type::I32 && e.op != "load";
    if (isFixed(e) && !(integers && provable(e)))
      return {KeySpan{{}, {}, {negate ? negated(e) : e}, {}}};
    return integers ? comparison(negate ? negated(e).op : e.op, e.args[0], e.args[1]) : unknown();
  }

  KeySpans unknown() const { return side == Side::Outer ? builder.every() : KeySpans(); }

  KeySpans combine(bool conjunction, const std::vector<MaskExpr> &args, bool negate) {
    KeySpans result = conjunction ? builder.every() : KeySpans();
    for (const MaskExpr &arg : args)
      result = conjunction ? builder.intersect(result, spans(arg, negate), side)
                           : builder.unite(result, spans(arg, negate), side);
    return result;
  }

  KeySpans both(const MaskExpr &condition, bool opposite, const MaskExpr &value, bool negate) {
    return builder.intersect(spans(condition, opposite), spans(value, negate), side);
  }

  /// A comparison of i32 that is true or false whatever the parameters.
  bool provable(const MaskExpr &e) {
    Affine difference = prover.affine(e.args[0]) - prover.affine(e.args[1]);
    return !difference.tooLarge && difference.isConstant();
  }

  // ---- comparisons

  KeySpans comparison(const std::string &op, const MaskExpr &lhs, const MaskExpr &rhs) {
    Affine d = prover.affine(lhs) - prover.affine(rhs);
    if (op == "le" || op == "lt")
      return notPositive(d + (op == "lt"));
    if (op == "ge" || op == "gt")
      return notPositive(d * -1 + (op == "gt"));
    if (op == "eq")
      return builder.intersect(notPositive(d), notPositive(d * -1), side);
    return builder.unite(notPositive(d + 1), notPositive(d * -1 + 1), side);
  }

  /// The keys with d <= 0.
  KeySpans notPositive(const Affine &d) {
    if (++steps > kMaxSteps || d.tooLarge)
      return unknown();
    KeySpans result = solved(d);
    if (side == Side::Outer && !d.isConstant())
      for (KeySpan &span : result)
        span.conditions.emplace(toText(toExpr(d)), d);
    return result;
  }

  KeySpans solved(const Affine &d) {
    std::string key;
    int numKeyTerms = 0;
    for (const auto &[text, term] : d.terms) {
      if (!mentions(term.first, "k"))
        continue;
      if (term.first.op == "min" || term.first.op == "max" || term.first.op == "select")
        return split(d, text);
      key = text;
      ++numKeyTerms;
    }
    if (numKeyTerms == 0)
      return guard(d);
    if (numKeyTerms > 1)
      return unknown();
    const MaskExpr atom = d.terms.at(key).first;
    const int64_t factor = d.terms.at(key).second;
    // factor * atom + rest <= 0: atom <= floor(-rest / factor), or atom >= ceil(rest / -factor).
    Affine rest = d.replaced(key, Affine());
    if (factor > 0)
      return atomWithin(atom, divided(rest * -1, factor), true);
    return atomWithin(atom, divided(rest + (-factor - 1), -factor), false);
  }

  /// min, max and select: cases.
  KeySpans split(const Affine &d, const std::string &key) {
    auto [atom, factor] = d.terms.at(key);
    const std::vector<MaskExpr> &args = atom.args;
    auto with = [&](const MaskExpr &value) { return notPositive(d.replaced(key, prover.affine(value))); };
    if (atom.op == "select")
      return builder.unite(builder.intersect(spans(args[0], false), with(args[1]), side),
                           builder.intersect(spans(args[0], true), with(args[2]), side), side);
    return (atom.op == "max") == (factor > 0) ? builder.intersect(with(args[0]), with(args[1]), side)
                                              : builder.unite(with(args[0]), with(args[1]), side);
  }

  Affine divided(const Affine &x, int64_t by) {
    return prover.affine(callExpr("floordiv", {toExpr(x), integerExpr(by)}));
  }

  /// The keys with atom <= bound (`upper`) or atom >= bound; bound has no k.
  KeySpans atomWithin(const MaskExpr &atom, const Affine &bound, bool upper) {
    if (bound.tooLarge)
      return unknown();
    // Outer takes the largest of the queries' upper bounds and the smallest of the lower ones.
    const bool largest = (side == Side::Outer) == upper;
    if (atom.op == "index")
      return bounded(extreme(upper ? bound + 1 : bound, largest), upper);
    const MaskExpr &divisor = atom.args.back();
    if (atom.op == "floordiv" && isFixed(divisor) && prover.positive(divisor)) {
      const bool ofKey = atom.args[0].op == "index";
      if (!ofKey && hasLoad(bound))
        return unknown();
      // Block (bound + 1) begins behind the last key, block `bound` at the first.
      MaskExpr block = blockNumber(bound), first = callExpr("mul", {upper ? plus(block, 1) : block, divisor});
      Affine d = prover.affine(atom.args[0]) - prover.affine(first);
      return notPositive(upper ? d + 1 : d * -1);
    }
    if (atom.op == "load" && prover.isSorted(atom.name))
      return searched(atom, bound, upper, largest);
    return unknown();
  }

  static bool hasLoad(const Affine &sum) {
    return std::any_of(sum.terms.begin(), sum.terms.end(), [](const auto &term) { return hasLoad(term.second.first); });
  }
  static bool hasLoad(const MaskExpr &e) {
    return e.op == "load" ||
           std::any_of(e.args.begin(), e.args.end(), [](const MaskExpr &arg) { return hasLoad(arg); });
  }

  /// A block's number from a parameter can be any. Those of keys are in 0 .. n: within -1 .. n, its product with the
  /// block's size does not overflow.
  static MaskExpr blockNumber(const Affine &block) {
    MaskExpr e = toExpr(block);
    return hasLoad(block) ? callExpr("max", {integerExpr(-1), callExpr("min", {e, indexExpr("n")})}) : e;
  }

  /// load(.., k + c) <= or >= bound, in a row that ascends. Indices outside read the nearest element.
  KeySpans searched(const MaskExpr &load, const Affine &bound, bool upper, bool largest) {
    for (size_t i = 0; i + 1 < load.args.size(); ++i)
      if (!isFixed(load.args[i]))
        return unknown();
    Affine place = prover.affine(load.args.back());
    auto ofKey = place.terms.find("k");
    if (place.tooLarge || ofKey == place.terms.end() || ofKey->second.second != 1)
      return unknown();
    Affine offset = place.replaced("k", Affine());
    auto limit = extreme(bound, largest);
    if (!limit || sizeOf(*limit) > kMaxBound || !isFixed(toExpr(offset)))
      return unknown();
    MaskExpr search = load, first = load, last = load;
    search.op = "search";
    search.args.back() = upper ? prover.simplified(plus(*limit, 1)) : *limit;
    first.args.back() = toExpr(offset);
    last.args.back() = toExpr(offset + prover.affine(plus(indexExpr("n"), -1)));
    MaskExpr found = prover.simplified(callExpr("sub", {search, toExpr(offset)}));
    auto when = [&](const char *op, const MaskExpr &value, const MaskExpr &then) {
      found = callExpr("select", {callExpr(op, {value, *limit}, Type::Bool), then, found});
    };
    // A row that ends before key n goes on with its last element, one that begins behind key 0 with its first.
    if (upper == (side == Side::Outer))
      when(upper ? "le" : "lt", last, indexExpr("n"));
    if (!offset.isConstant() || offset.constant != 0)
      when(upper ? "gt" : "ge", first, integerExpr(0));
    return {upper ? KeySpan{{}, {found}, {}, {}} : KeySpan{{found}, {}, {}, {}}};
  }

  KeySpans bounded(std::optional<MaskExpr> bound, bool upper) {
    if (!bound || sizeOf(*bound) > kMaxBound)
      return unknown();
    KeySpans result = {upper ? KeySpan{{}, {guarded(*bound)}, {}, {}} : KeySpan{{guarded(*bound)}, {}, {}, {}}};
    return builder.intersect(builder.every(), result, side);
  }

  /// A parameter of any size plus a constant must not overflow; beyond 0 .. n its value does not matter.
  MaskExpr guarded(const MaskExpr &bound) {
    Affine sum = prover.affine(bound);
    if (sum.constant == 0 || sum.terms.size() != 1 || sum.terms.begin()->second.second != 1)
      return bound;
    const MaskExpr &atom = sum.terms.begin()->second.first;
    return shifted(atom, sum.constant);
  }

  MaskExpr shifted(const MaskExpr &e, int64_t by) {
    MaskExpr result = e;
    if (e.op == "load")
      return by > 0 ? plus(callExpr("min", {e, indexExpr("n")}), by)
                    : callExpr("sub", {callExpr("max", {e, integerExpr(0)}), integerExpr(-by)});
    if (e.op != "min" && e.op != "max" && e.op != "select")
      return toExpr(prover.affine(e) + by);
    for (size_t i = e.args.size() - 2; i < e.args.size(); ++i)
      result.args[i] = shifted(e.args[i], by);
    return result;
  }

  /// d <= 0 without k: all keys or none. Outer asks for some query, Inner for every one.
  KeySpans guard(const Affine &d) {
    auto value = extreme(d, side == Side::Inner);
    if (!value)
      return unknown();
    Affine limit = prover.affine(*value);
    if (sizeOf(*value) > kMaxBound)
      return unknown();
    if (prover.nonNegative(limit * -1))
      return builder.every();
    if (limit.tooLarge || prover.nonNegative(limit + -1))
      return limit.tooLarge ? unknown() : KeySpans();
    Affine lhs, rhs;
    for (const auto &[key, term] : limit.terms)
      (term.second > 0 ? lhs : rhs).addTerm(term.first, std::abs(term.second));
    (limit.constant > 0 ? lhs : rhs).constant = std::abs(limit.constant);
    return {KeySpan{{}, {}, {callExpr("le", {toExpr(lhs), toExpr(rhs)}, Type::Bool)}, {}}};
  }

  // ---- extremes over the queries q0 .. q1 - 1

  std::optional<MaskExpr> extreme(const Affine &sum, bool largest) {
    if (sum.tooLarge || ++steps > kMaxSteps)
      return std::nullopt;
    Affine result;
    result.constant = sum.constant;
    for (const auto &[key, term] : sum.terms) {
      auto value = extremeOf(term.first, largest == (term.second > 0));
      if (!value)
        return std::nullopt;
      result = result + prover.affine(*value) * term.second;
    }
    if (result.tooLarge)
      return std::nullopt;
    return toExpr(result);
  }

  std::optional<MaskExpr> extremeOf(const MaskExpr &e, bool largest) {
    if (mentions(e, "k"))
      return std::nullopt;
    if (!mentions(e, "q"))
      return e;
    if (e.op == "index")
      return largest ? plus(indexExpr("q1"), -1) : indexExpr("q0");
    MaskExpr result = e;
    auto moveArg = [&](size_t i) {
      auto value = extreme(prover.affine(e.args[i]), largest);
      if (value)
        result.args[i] = *value;
      return value.has_value();
    };
    if (e.op == "select" && e.type == Type::I32) {
      if (!moveArg(1) || !moveArg(2))
        return std::nullopt;
      return isFixed(e.args[0]) ? result : callExpr(largest ? "max" : "min", {result.args[1], result.args[2]});
    }
    bool known = false;
    if (e.op == "min" || e.op == "max")
      known = moveArg(0) && moveArg(1);
    else if (e.op == "floordiv" || e.op == "mul") {
      size_t fixed = isFixed(e.args[1]) || e.op == "floordiv" ? 1 : 0;
      known = isFixed(e.args[fixed]) && prover.positive(e.args[fixed]) && moveArg(1 - fixed);
    } else if (e.op == "load" && prover.isSorted(e.name))
      known = std::all_of(e.args.begin(), e.args.end() - 1, isFixed) && moveArg(e.args.size() - 1);
    return known ? std::optional(result) : std::nullopt;
  }

  static constexpr int kMaxSteps = 2'000; // nested cases double at each level; the rest of a larger mask is unknown
  static constexpr size_t kMaxBound = 32; // nodes; what is longer costs more than it skips
  AffineProver prover;
  KeySpanBuilder builder;
  Side side;
  int steps = 0;
};

/// Whether kernels read it back: the parser's limits, with room.
bool isReadable(const MaskExpr &e, int depth, int &nodes) {
  return depth < 60 && ++nodes < 4000 && std::all_of(e.args.begin(), e.args.end(), [&](const MaskExpr &arg) {
           return isReadable(arg, depth + 1, nodes);
         });
}

bool isReadable(const KeyRanges &ranges) {
  int nodes = 0;
  return std::all_of(ranges.ranges.begin(), ranges.ranges.end(), [&](const KeyRange &range) {
    return isReadable(range.begin, 0, nodes) && isReadable(range.end, 0, nodes);
  });
}

} // namespace

MaskBounds deriveMaskBounds(const MaskExpr &mask, const std::vector<MaskParam> &params) {
  MaskBounds result{Analysis(params, Side::Outer).run(mask), Analysis(params, Side::Inner).run(mask)};
  if (!isReadable(result.visit))
    result.visit = {true, {}};
  if (!isReadable(result.full))
    result.full = {};
  return result;
}

// ---- windows

namespace {

constexpr int64_t kNever = INT64_MIN; ///< the range holds no key

/// The smallest c known with sum >= q0 - c.
std::optional<int64_t> slackOf(AffineProver &prover, const Affine &sum, int depth) {
  if (sum.tooLarge || depth > 16)
    return std::nullopt;
  for (const auto &[key, term] : sum.terms) {
    const auto &[atom, factor] = term;
    if (atom.op == "index")
      continue;
    auto with = [&](size_t i) { return slackOf(prover, sum.replaced(key, prover.affine(atom.args[i])), depth + 1); };
    if (atom.op == "min" || atom.op == "max" || atom.op == "select") {
      auto a = with(atom.args.size() - 2), b = with(atom.args.size() - 1);
      if (atom.op != "select" && (atom.op == "max") == (factor > 0))
        return a && b ? std::min(*a, *b) : a ? a : b;
      return a && b ? std::optional(std::max(*a, *b)) : std::nullopt;
    }
    if (atom.op != "floordiv")
      return std::nullopt;
    Affine divisor = prover.affine(atom.args[1]);
    if (!divisor.isConstant() || divisor.constant <= 0 || factor % divisor.constant != 0)
      return std::nullopt;
    Affine least = sum.replaced(key, Affine()), x = prover.affine(atom.args[0]);
    least.add(factor > 0 ? x + (1 - divisor.constant) : x, factor / divisor.constant);
    return slackOf(prover, least, depth + 1);
  }
  if (prover.nonNegative(sum - prover.affine(indexExpr("n"))))
    return kNever;
  Affine rest = sum - prover.affine(indexExpr("q0"));
  int64_t ofQ1 = rest.terms.count("q1") ? rest.terms.at("q1").second : 0;
  int64_t slack = -(rest.constant + ofQ1); // q1 = q0 + 1 + t
  return prover.nonNegative(rest + slack) ? std::optional(slack) : std::nullopt;
}

} // namespace

std::optional<int64_t> visibleWindow(const KeyRanges &visit) {
  if (visit.every)
    return std::nullopt;
  AffineProver prover({});
  int64_t most = 0;
  for (const KeyRange &range : visit.ranges) {
    auto slack = slackOf(prover, prover.affine(range.begin), 0);
    if (!slack || !prover.atMost(range.end, indexExpr("q1")))
      return std::nullopt;
    most = std::max(most, *slack);
  }
  return most + 1;
}

} // namespace decant

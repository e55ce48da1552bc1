// Sets of keys as unions of spans. Spans that are provably empty or inside another go at once, so that the distribution
// of `and` over `or` stays small. Tested in tests/passes/MaskBoundsTest.cpp.
#include "compiler/passes/MaskRanges.h"

#include <algorithm>

namespace decant {
namespace {

bool contains(const std::vector<MaskExpr> &list, const MaskExpr &expr) {
  return std::any_of(list.begin(), list.end(), [&](const MaskExpr &e) { return toText(e) == toText(expr); });
}

bool sameList(const std::vector<MaskExpr> &a, const std::vector<MaskExpr> &b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const MaskExpr &e) { return contains(b, e); });
}

MaskExpr conjunction(const std::vector<MaskExpr> &guards) {
  return guards.size() == 1 ? guards[0] : callExpr("and", guards, MaskExpr::Type::Bool);
}

MaskExpr select(const MaskExpr &condition, const MaskExpr &yes, const MaskExpr &no) {
  return toText(yes) == toText(no) ? yes : callExpr("select", {condition, yes, no});
}

bool areOpposite(const std::vector<MaskExpr> &a, const std::vector<MaskExpr> &b) {
  return a.size() == 1 && b.size() == 1 && toText(negated(a[0])) == toText(b[0]);
}

size_t sizeOf(const KeyRange &range) { return decant::sizeOf(range.begin) + decant::sizeOf(range.end); }

} // namespace

size_t sizeOf(const MaskExpr &expr) {
  size_t nodes = 1;
  for (const MaskExpr &arg : expr.args)
    nodes += sizeOf(arg);
  return nodes;
}

MaskExpr negated(const MaskExpr &condition) {
  static const std::map<std::string, std::string> kFlip = {{"lt", "ge"}, {"ge", "lt"}, {"le", "gt"},
                                                           {"gt", "le"}, {"eq", "ne"}, {"ne", "eq"}};
  MaskExpr result = condition;
  auto flip = kFlip.find(condition.op);
  if (condition.op == "not")
    return condition.args[0];
  if (condition.op == "bool")
    result.intValue = !condition.intValue;
  else if (flip != kFlip.end() && condition.args[0].type == MaskExpr::Type::I32) // NaN is on neither side
    result.op = flip->second;
  else
    return callExpr("not", {condition}, MaskExpr::Type::Bool);
  return result;
}

/// Keeps only bounds that no other bound makes needless.
void KeySpanBuilder::addBound(std::vector<MaskExpr> &bounds, const MaskExpr &bound, bool isBegin) {
  auto weaker = [&](const MaskExpr &a, const MaskExpr &b) {
    return isBegin ? prover.atMost(a, b) : prover.atMost(b, a);
  };
  if (weaker(bound, isBegin ? integerExpr(0) : indexExpr("n")) ||
      std::any_of(bounds.begin(), bounds.end(), [&](const MaskExpr &other) { return weaker(bound, other); }))
    return;
  bounds.erase(
      std::remove_if(bounds.begin(), bounds.end(), [&](const MaskExpr &other) { return weaker(other, bound); }),
      bounds.end());
  bounds.push_back(bound);
}

bool KeySpanBuilder::isEmpty(const KeySpan &span) {
  for (const MaskExpr &guard : span.guards)
    if ((guard.op == "bool" && !guard.intValue) || contains(span.guards, negated(guard)))
      return true;
  std::vector<MaskExpr> begins = span.begins, ends = span.ends;
  begins.push_back(integerExpr(0)), ends.push_back(indexExpr("n"));
  for (const MaskExpr &begin : begins)
    for (const MaskExpr &end : ends)
      if (prover.atMost(end, begin))
        return true;
  return false;
}

/// False if nothing is left.
bool KeySpanBuilder::narrow(KeySpan &span, const KeySpan &by) {
  for (const MaskExpr &begin : by.begins)
    addBound(span.begins, begin, true);
  for (const MaskExpr &end : by.ends)
    addBound(span.ends, end, false);
  for (const MaskExpr &guard : by.guards)
    if (!(guard.op == "bool" && guard.intValue) && !contains(span.guards, guard))
      span.guards.push_back(guard);
  for (const auto &[text, condition] : by.conditions) {
    for (const auto &[otherText, other] : span.conditions) {
      Affine sum = condition + other;
      if (!sum.tooLarge && sum.isConstant() && sum.constant > 0)
        return false;
    }
    span.conditions.emplace(text, condition);
  }
  return !isEmpty(span);
}

/// Begins: is every bound at or below one of the others? Ends: at or above?
bool KeySpanBuilder::reaches(const std::vector<MaskExpr> &bounds, const std::vector<MaskExpr> &others, bool isBegin) {
  return std::all_of(bounds.begin(), bounds.end(), [&](const MaskExpr &bound) {
    return std::any_of(others.begin(), others.end(), [&](const MaskExpr &other) {
      return isBegin ? prover.atMost(bound, other) : prover.atMost(other, bound);
    });
  });
}

bool KeySpanBuilder::holds(const KeySpan &outer, const KeySpan &inner, bool compareGuards) {
  bool guarded = std::all_of(outer.guards.begin(), outer.guards.end(),
                             [&](const MaskExpr &guard) { return contains(inner.guards, guard); });
  return (guarded || !compareGuards) && reaches(outer.begins, inner.begins, true) &&
         reaches(outer.ends, inner.ends, false);
}

/// A span that holds another stands for both from then on: only what both promise stays.
void KeySpanBuilder::insert(KeySpans &spans, KeySpan span) {
  for (size_t i = spans.size(); i-- > 0;) {
    const bool within = holds(spans[i], span, true);
    if (!within && !holds(span, spans[i], true))
      continue;
    KeySpan outer = within ? spans[i] : span;
    const KeySpan &inner = within ? span : spans[i];
    for (auto it = outer.conditions.begin(); it != outer.conditions.end();)
      it = inner.conditions.count(it->first) ? std::next(it) : outer.conditions.erase(it);
    spans.erase(spans.begin() + long(i));
    span = outer;
  }
  spans.push_back(span);
}

KeySpans KeySpanBuilder::unite(KeySpans a, const KeySpans &b, Side side) {
  for (const KeySpan &span : b) {
    insert(a, span);
    if (a.size() > kMost)
      return side == Side::Outer ? every() : KeySpans(a.begin(), a.begin() + kMost);
  }
  return a;
}

KeySpans KeySpanBuilder::intersect(const KeySpans &a, const KeySpans &b, Side side) {
  KeySpans result;
  for (const KeySpan &x : a)
    for (const KeySpan &y : b) {
      KeySpan both = x;
      if (narrow(both, y))
        insert(result, both);
      if (result.size() > kMost) // one operand alone holds the intersection
        return side == Side::Outer ? (a.size() <= b.size() ? a : b) : result;
    }
  return result;
}

/// Two spans as one, if that neither adds nor loses a key.
bool KeySpanBuilder::join(KeySpan &a, const KeySpan &b) {
  if (sameList(a.guards, b.guards) && a.begins.size() <= 1 && b.begins.size() <= 1 && a.ends.size() <= 1 &&
      b.ends.size() <= 1) {
    // a begins before b ends and the reverse: no key lies between them.
    KeySpan cross{a.begins, b.ends, {}, {}}, other{b.begins, a.ends, {}, {}};
    auto ordered = [&](const KeySpan &span) {
      MaskExpr begin = span.begins.empty() ? integerExpr(0) : span.begins[0];
      return prover.atMost(begin, span.ends.empty() ? indexExpr("n") : span.ends[0]);
    };
    if (!ordered(cross) || !ordered(other))
      return false;
    std::vector<MaskExpr> begins, ends;
    if (!a.begins.empty() && !b.begins.empty())
      addBound(begins, prover.extremum(false, a.begins[0], b.begins[0]), true);
    if (!a.ends.empty() && !b.ends.empty())
      addBound(ends, prover.extremum(true, a.ends[0], b.ends[0]), false);
    a.begins = begins, a.ends = ends;
    return true;
  }
  // One under a condition, the other under its opposite; or the larger under a condition, the smaller always.
  const bool opposite = areOpposite(a.guards, b.guards);
  if (a.guards.empty() || !(opposite || (b.guards.empty() && holds(a, b, false))))
    return false;
  KeySpan bare = a;
  bare.guards.clear();
  KeySpan otherBare = b;
  otherBare.guards.clear();
  KeyRange yes = toRange(bare), no = toRange(otherBare);
  MaskExpr condition = conjunction(a.guards);
  KeySpan joined;
  addBound(joined.begins, select(condition, yes.begin, no.begin), true);
  addBound(joined.ends, select(condition, yes.end, no.end), false);
  a = joined;
  return true;
}

KeyRange KeySpanBuilder::toRange(const KeySpan &span) {
  KeyRange range{integerExpr(0), indexExpr("n")};
  for (size_t i = 0; i < span.begins.size(); ++i)
    range.begin = i == 0 ? span.begins[i] : prover.extremum(true, range.begin, span.begins[i]);
  for (size_t i = 0; i < span.ends.size(); ++i)
    range.end = i == 0 ? span.ends[i] : prover.extremum(false, range.end, span.ends[i]);
  if (!span.guards.empty()) {
    MaskExpr condition = conjunction(span.guards);
    if (span.ends.empty())
      range.begin = select(condition, range.begin, indexExpr("n"));
    else
      range.end = select(condition, range.end, integerExpr(0));
  }
  return range;
}

KeyRange KeySpanBuilder::hull(const KeyRange &a, const KeyRange &b) {
  return {prover.extremum(false, a.begin, b.begin), prover.extremum(true, a.end, b.end)};
}

KeyRanges KeySpanBuilder::finish(KeySpans spans, Side side) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < spans.size() && !changed; ++i)
      for (size_t j = 0; j < spans.size() && !changed; ++j)
        if (i != j && join(spans[i], spans[j])) {
          spans.erase(spans.begin() + long(j));
          changed = true;
        }
  }
  KeyRanges result;
  for (const KeySpan &span : spans) {
    if (span.isEvery())
      return {true, {}};
    result.ranges.push_back(toRange(span));
  }
  while (result.ranges.size() > KeyRanges::kMost && side == Side::Inner) { // the most involved is the least likely
    auto largest = std::max_element(result.ranges.begin(), result.ranges.end(),
                                    [](const KeyRange &a, const KeyRange &b) { return sizeOf(a) < sizeOf(b); });
    result.ranges.erase(largest);
  }
  while (result.ranges.size() > KeyRanges::kMost) { // the pair whose hull is the simplest has most in common
    size_t first = 0, second = 1, best = SIZE_MAX;
    for (size_t i = 0; i < result.ranges.size(); ++i)
      for (size_t j = i + 1; j < result.ranges.size(); ++j) {
        const KeyRange &a = result.ranges[i], &b = result.ranges[j];
        KeyRange both = hull(a, b);
        size_t cost =
            sizeOf(both) + 16 - 8 * (toText(a.begin) == toText(b.begin)) - 8 * (toText(a.end) == toText(b.end));
        if (cost < best)
          best = cost, first = i, second = j;
      }
    result.ranges[first] = hull(result.ranges[first], result.ranges[second]);
    result.ranges.erase(result.ranges.begin() + long(second));
  }
  return result;
}

} // namespace decant

// Unions of key ranges while masks are analysed: and, or, and what they are as KeyRanges in the end.
// Tested in tests/passes/MaskBoundsTest.cpp.
#pragma once

#include "compiler/passes/MaskAffine.h"

namespace decant {

/// The keys max(begins) <= k < min(ends), 0 <= k < n, if all guards hold: conditions without a position.
struct KeySpan {
  std::vector<MaskExpr> begins, ends, guards;
  /// Sums over q and k that are <= 0 for every visible pair in here, by text: two that exclude each other for every
  /// query leave nothing, though their extremes over a tile overlap. Outer only.
  std::map<std::string, Affine> conditions;

  bool isEvery() const { return begins.empty() && ends.empty() && guards.empty(); }
};
using KeySpans = std::vector<KeySpan>; ///< union; none = no key

/// What a set may lose: Outer may hold keys that it should not, Inner may lack keys.
enum class Side { Outer, Inner };

class KeySpanBuilder {
public:
  explicit KeySpanBuilder(AffineProver &prover) : prover(prover) {}

  static KeySpans every() { return {KeySpan()}; }
  KeySpans intersect(const KeySpans &a, const KeySpans &b, Side side);
  KeySpans unite(KeySpans a, const KeySpans &b, Side side);
  KeyRanges finish(KeySpans spans, Side side);

private:
  static constexpr size_t kMost = 16; ///< spans of a set on the way

  bool narrow(KeySpan &span, const KeySpan &by);
  void addBound(std::vector<MaskExpr> &bounds, const MaskExpr &bound, bool isBegin);
  bool isEmpty(const KeySpan &span);
  bool reaches(const std::vector<MaskExpr> &bounds, const std::vector<MaskExpr> &others, bool isBegin);
  bool holds(const KeySpan &outer, const KeySpan &inner, bool compareGuards);
  void insert(KeySpans &spans, KeySpan span);
  bool join(KeySpan &a, const KeySpan &b);
  KeyRange toRange(const KeySpan &span);
  KeyRange hull(const KeyRange &a, const KeyRange &b);

  AffineProver &prover;
};

/// Nodes of the tree.
size_t sizeOf(const MaskExpr &expr);

/// The opposite of a condition; comparisons flip.
MaskExpr negated(const MaskExpr &condition);

} // namespace decant

// Integer expressions of masks as sums: coefficient x atom + constant, an atom being an index or what is not affine.
//
// In: i32 MaskExprs over b, h, q, k or b, h, q0, q1, n. Out: one form for equal sums, and proofs that one expression
// never exceeds another. Proofs know q1 >= q0 + 1, q0 >= 0, n >= 0, floor division and the order of sorted parameters;
// what they do not find is not false, only unknown. Tested in tests/passes/MaskBoundsTest.cpp.
#pragma once

#include "schedules/spec/MaskExpr.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace decant {

MaskExpr integerExpr(int64_t value);
MaskExpr indexExpr(std::string name);
/// An op of the grammar of i32 or bool operands.
MaskExpr callExpr(std::string op, std::vector<MaskExpr> args, MaskExpr::Type type = MaskExpr::Type::I32);
/// True if the index `name` stands anywhere in `expr`.
bool mentions(const MaskExpr &expr, std::string_view name);

struct Affine {
  /// Kernels compute in 32 bits: sums with a larger coefficient or constant are not used.
  static constexpr int64_t kLimit = int64_t(1) << 30;
  std::map<std::string, std::pair<MaskExpr, int64_t>> terms; ///< by the atom's text; coefficients are not 0
  int64_t constant = 0;
  bool tooLarge = false; ///< passed kLimit: the value means nothing

  bool isConstant() const { return terms.empty(); }
  void add(const Affine &other, int64_t factor);
  void addTerm(const MaskExpr &atom, int64_t factor);
  /// This sum with `with` in the place of the atom.
  Affine replaced(const std::string &atom, const Affine &with) const;
};
Affine operator+(Affine a, const Affine &b);
Affine operator-(Affine a, const Affine &b);
Affine operator*(Affine a, int64_t factor);
Affine operator+(Affine a, int64_t constant);

/// Positive terms first: (sub q0 511), (add (mul (floordiv q0 4) 4) 4).
MaskExpr toExpr(const Affine &sum);

class AffineProver {
public:
  explicit AffineProver(const std::vector<MaskParam> &params);

  /// The normal form; min and max of comparable operands are gone.
  Affine affine(const MaskExpr &expr);
  MaskExpr simplified(const MaskExpr &expr) { return toExpr(affine(expr)); }

  /// True only if `sum` >= 0 for every tile and all parameters.
  bool nonNegative(const Affine &sum);
  bool atMost(const MaskExpr &a, const MaskExpr &b);
  bool positive(const MaskExpr &expr) { return nonNegative(affine(expr) + -1); }
  bool isSorted(const std::string &param) const { return sorted.count(param) != 0; }

  /// min or max of two, if one is provably the result that one.
  MaskExpr extremum(bool max, const MaskExpr &a, const MaskExpr &b);

private:
  Affine computeAffine(const MaskExpr &expr);
  bool prove(Affine sum, int depth);
  bool proveAtom(const Affine &sum, const std::string &key, const MaskExpr &atom, int64_t factor, int depth);
  bool provePair(const Affine &sum, const std::string &key, const MaskExpr &atom, int64_t factor, int depth);
  bool monotone(const MaskExpr &less, const MaskExpr &greater, int depth);

  std::set<std::string> sorted;
  std::map<std::string, Affine> known;  ///< normal forms by text
  std::map<std::string, bool> compared; ///< answers of atMost
  bool proving = false;
  int steps = 0;    ///< left to the proof under way
  int64_t work = 0; ///< of all proofs: large masks get short proofs
};

} // namespace decant

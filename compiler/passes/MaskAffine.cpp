// Sums and proofs about them. A proof substitutes bounds for atoms until only q0, q1 - q0 - 1 and n are left, each
// of which is at least 0; a budget of steps ends it. Tested in tests/passes/MaskBoundsTest.cpp.
#include "compiler/passes/MaskAffine.h"

#include <algorithm>
#include <cstdlib>

namespace decant {

MaskExpr integerExpr(int64_t value) {
  MaskExpr e;
  e.op = "int", e.type = MaskExpr::Type::I32, e.intValue = value;
  return e;
}

MaskExpr indexExpr(std::string name) {
  MaskExpr e;
  e.op = "index", e.type = MaskExpr::Type::I32, e.name = std::move(name);
  return e;
}

MaskExpr callExpr(std::string op, std::vector<MaskExpr> args, MaskExpr::Type type) {
  MaskExpr e;
  e.op = std::move(op), e.type = type, e.args = std::move(args);
  return e;
}

bool mentions(const MaskExpr &expr, std::string_view name) {
  return (expr.op == "index" && expr.name == name) ||
         std::any_of(expr.args.begin(), expr.args.end(), [&](const MaskExpr &arg) { return mentions(arg, name); });
}

// ---- sums

void Affine::add(const Affine &other, int64_t factor) {
  tooLarge |= other.tooLarge || std::abs(factor) > kLimit;
  if (tooLarge)
    return;
  constant += other.constant * factor;
  tooLarge |= std::abs(constant) > kLimit;
  for (const auto &[key, term] : other.terms) {
    auto &[atom, coefficient] = terms.try_emplace(key, term.first, 0).first->second;
    coefficient += term.second * factor;
    tooLarge |= std::abs(coefficient) > kLimit;
    if (coefficient == 0)
      terms.erase(key);
  }
}

void Affine::addTerm(const MaskExpr &atom, int64_t factor) {
  Affine one;
  one.terms.try_emplace(toText(atom), atom, 1);
  add(one, factor);
}

Affine Affine::replaced(const std::string &atom, const Affine &with) const {
  Affine result = *this;
  auto found = result.terms.find(atom);
  int64_t factor = found->second.second;
  result.terms.erase(found);
  result.add(with, factor);
  return result;
}

Affine operator+(Affine a, const Affine &b) { return a.add(b, 1), a; }
Affine operator-(Affine a, const Affine &b) { return a.add(b, -1), a; }
Affine operator*(Affine a, int64_t factor) {
  Affine result;
  result.add(a, factor);
  return result;
}
Affine operator+(Affine a, int64_t constant) {
  Affine one;
  one.constant = constant;
  return a.add(one, 1), a;
}

MaskExpr toExpr(const Affine &sum) {
  if (sum.isConstant())
    return integerExpr(sum.constant);
  MaskExpr result;
  auto append = [&](const MaskExpr &value, bool minus) {
    if (result.op.empty())
      result = minus ? callExpr("sub", {integerExpr(0), value}) : value;
    else
      result = callExpr(minus ? "sub" : "add", {result, value});
  };
  for (bool minus : {false, true}) {
    for (const auto &[key, term] : sum.terms)
      if (int64_t size = std::abs(term.second); (term.second < 0) == minus)
        append(size == 1 ? term.first : callExpr("mul", {term.first, integerExpr(size)}), minus);
    if (sum.constant != 0 && (sum.constant < 0) == minus)
      append(integerExpr(std::abs(sum.constant)), minus);
  }
  return result;
}

// ---- the normal form

AffineProver::AffineProver(const std::vector<MaskParam> &params) {
  for (const MaskParam &param : params)
    if (param.sorted)
      sorted.insert(param.name);
}

MaskExpr AffineProver::extremum(bool max, const MaskExpr &a, const MaskExpr &b) {
  if (atMost(a, b))
    return max ? b : a;
  if (atMost(b, a))
    return max ? a : b;
  return callExpr(max ? "max" : "min", {a, b});
}

Affine AffineProver::affine(const MaskExpr &e) {
  if (e.args.empty())
    return computeAffine(e);
  std::string text = toText(e);
  if (auto found = known.find(text); found != known.end())
    return found->second;
  Affine result = computeAffine(e);
  known.emplace(std::move(text), result);
  return result;
}

Affine AffineProver::computeAffine(const MaskExpr &e) {
  Affine result;
  if (e.type != MaskExpr::Type::I32) {
    result.tooLarge = true;
    return result;
  }
  if (e.op == "int")
    return result + e.intValue;
  if (e.op == "add" || e.op == "sub")
    return e.op == "add" ? affine(e.args[0]) + affine(e.args[1]) : affine(e.args[0]) - affine(e.args[1]);
  MaskExpr atom = e;
  std::vector<Affine> args;
  for (MaskExpr &arg : atom.args)
    if (arg.type == MaskExpr::Type::I32) { // the condition of a select stays as it is
      args.push_back(affine(arg));
      result.tooLarge |= args.back().tooLarge;
      arg = toExpr(args.back());
    }
  if (result.tooLarge)
    return result;
  if (e.op == "mul" && (args[0].isConstant() || args[1].isConstant()))
    return args[1].isConstant() ? args[0] * args[1].constant : args[1] * args[0].constant;
  if (e.op == "mul" && (args[0].terms.size() > 1 || args[0].constant != 0)) { // (x + 1) * y = x * y + y
    result = args[1] * args[0].constant;
    for (const auto &[key, term] : args[0].terms)
      result.addTerm(callExpr("mul", {term.first, atom.args[1]}), term.second);
    return result;
  }
  if (e.op == "floordiv" && args[1].isConstant() && args[1].constant == 1)
    return args[0];
  if (e.op == "floordiv" && args[0].isConstant() && args[1].isConstant() && args[1].constant > 0) {
    int64_t a = args[0].constant, b = args[1].constant;
    return result + (a >= 0 ? a / b : -((b - 1 - a) / b));
  }
  if (e.op == "min" || e.op == "max") {
    MaskExpr chosen = extremum(e.op == "max", atom.args[0], atom.args[1]);
    if (chosen.op != e.op || chosen.args.size() != 2 || toText(chosen) != toText(atom))
      return affine(chosen);
  }
  if (e.op == "select" && toText(atom.args[1]) == toText(atom.args[2]))
    return args[0];
  if (e.op == "select" && atom.args[0].op == "bool")
    return args[atom.args[0].intValue ? 0 : 1];
  result.addTerm(atom, 1);
  return result;
}

// ---- proofs

bool AffineProver::nonNegative(const Affine &sum) {
  constexpr int kSteps = 200;
  constexpr int64_t kWork = 20'000;
  if (proving) // the normal form of an operand on the way of another proof: on its budget
    return prove(sum, 6);
  proving = true;
  steps = work < kWork ? kSteps : 10;
  const int budget = steps;
  bool proven = prove(sum, 0);
  work += budget - steps;
  proving = false;
  return proven;
}

bool AffineProver::atMost(const MaskExpr &a, const MaskExpr &b) {
  if (proving)
    return nonNegative(affine(b) - affine(a));
  auto [found, isNew] = compared.try_emplace(toText(a) + " " + toText(b), false);
  if (isNew)
    found->second = nonNegative(affine(b) - affine(a));
  return found->second;
}

/// Are the atoms f(x), f(y) of one growing function with x <= y?
bool AffineProver::monotone(const MaskExpr &less, const MaskExpr &greater, int depth) {
  if (less.op != greater.op || less.name != greater.name || less.args.size() != greater.args.size())
    return false;
  size_t moving = less.args.size() - 1; // the argument that may differ
  if (less.op == "floordiv" || less.op == "mul")
    moving = 0;
  else if (less.op != "search" && !(less.op == "load" && isSorted(less.name)))
    return false;
  for (size_t i = 0; i < less.args.size(); ++i)
    if (i != moving && toText(less.args[i]) != toText(greater.args[i]))
      return false;
  if ((less.op == "floordiv" || less.op == "mul") && !prove(affine(less.args[1]) + -1, depth + 1))
    return false;
  return prove(affine(greater.args[moving]) - affine(less.args[moving]), depth + 1);
}

/// Takes f(y) - f(x) with x <= y out of the sum.
bool AffineProver::provePair(const Affine &sum, const std::string &key, const MaskExpr &atom, int64_t factor,
                             int depth) {
  for (const auto &[otherKey, other] : sum.terms) {
    if (other.second <= 0 || factor >= 0 || otherKey == key || !monotone(atom, other.first, depth))
      continue;
    int64_t pairs = std::min(-factor, other.second);
    Affine rest = sum;
    rest.addTerm(atom, pairs);
    rest.addTerm(other.first, -pairs);
    if (prove(rest, depth + 1))
      return true;
  }
  return false;
}

bool AffineProver::proveAtom(const Affine &sum, const std::string &key, const MaskExpr &atom, int64_t factor,
                             int depth) {
  auto with = [&](const Affine &value) { return prove(sum.replaced(key, value), depth + 1); };
  const bool isMin = atom.op == "min", isMax = atom.op == "max";
  if (isMin || isMax || atom.op == "select") {
    Affine a = affine(atom.args[atom.args.size() - 2]), b = affine(atom.args.back());
    return (isMin && factor < 0) || (isMax && factor > 0) ? with(a) || with(b) : with(a) && with(b);
  }
  if (provePair(sum, key, atom, factor, depth))
    return true;
  if (atom.op == "floordiv") {
    Affine x = affine(atom.args[0]), divisor = affine(atom.args[1]);
    int64_t c = divisor.isConstant() ? divisor.constant : 0;
    if (c > 0 && factor % c == 0) { // x - c + 1 <= c * floordiv(x, c) <= x
      Affine rest = sum.replaced(key, Affine());
      rest.add(factor > 0 ? x + (1 - c) : x, factor / c);
      if (prove(rest, depth + 1))
        return true;
    }
    return factor > 0 && prove(divisor + -1, depth + 1) && prove(x, depth + 1) && with(Affine());
  }
  if (atom.op == "mul" && atom.args[0].op == "floordiv" && toText(atom.args[0].args[1]) == toText(atom.args[1]) &&
      prove(affine(atom.args[1]) + -1, depth + 1)) { // floordiv(x, y) * y in (x - y, x]
    Affine x = affine(atom.args[0].args[0]);
    return with(factor > 0 ? x - affine(atom.args[1]) + 1 : x);
  }
  if (atom.op == "mul" && factor > 0)
    return prove(affine(atom.args[0]), depth + 1) && prove(affine(atom.args[1]), depth + 1) && with(Affine());
  return atom.op == "search" && factor > 0 && with(Affine());
}

bool AffineProver::prove(Affine sum, int depth) {
  if (sum.tooLarge || depth > 12 || --steps < 0)
    return false;
  auto q1 = sum.terms.find("q1"), q0 = sum.terms.find("q0");
  int64_t ofQ1 = q1 == sum.terms.end() ? 0 : q1->second.second, ofQ0 = q0 == sum.terms.end() ? 0 : q0->second.second;
  const bool tileHolds = ofQ1 >= 0 && ofQ0 + ofQ1 >= 0; // q1 = q0 + 1 + t with q0, t >= 0
  bool plain = tileHolds && sum.constant + ofQ1 >= 0;
  for (const auto &[key, term] : sum.terms)
    plain &= key == "q0" || key == "q1" || ((key == "n" || key == "b" || key == "h") && term.second > 0);
  if (plain)
    return true;
  for (const auto &[key, term] : sum.terms)
    if (term.first.op != "index" && proveAtom(sum, key, term.first, term.second, depth))
      return true;
  return false;
}

} // namespace decant

// Walks the tree. Integers below 2^53 are exact in a double; larger ones are clamped where they index. Tested in
// tests/schedules.
#include "schedules/spec/MaskEval.h"

#include <algorithm>
#include <cmath>

namespace decant {
namespace {

double apply(const std::string &op, double a, double b) {
  if (op == "and")
    return a != 0 && b != 0;
  if (op == "or")
    return a != 0 || b != 0;
  if (op == "lt")
    return a < b;
  if (op == "le")
    return a <= b;
  if (op == "gt")
    return a > b;
  if (op == "ge")
    return a >= b;
  if (op == "eq")
    return a == b;
  if (op == "ne")
    return a != b;
  if (op == "add")
    return a + b;
  if (op == "sub")
    return a - b;
  if (op == "mul")
    return a * b;
  if (op == "min")
    return std::min(a, b);
  if (op == "max")
    return std::max(a, b);
  const double quotient = b == 0 ? 0 : std::floor(a / b);
  return op == "floordiv" ? quotient : b == 0 ? 0 : a - quotient * b; // mod
}

struct Evaluator {
  const MaskPoint &at;
  const MaskTensors &tensors;

  double operator()(const MaskExpr &e) const {
    if (e.op == "int" || e.op == "bool")
      return double(e.intValue);
    if (e.op == "float")
      return e.floatValue;
    if (e.op == "index")
      return double(index(e.name));
    if (e.op == "select")
      return (*this)(e.args[(*this)(e.args[0]) != 0 ? 1 : 2]);
    std::vector<double> a;
    for (const MaskExpr &arg : e.args)
      a.push_back((*this)(arg));
    if (e.op == "load")
      return load(e.name, a);
    if (e.op == "search")
      return search(e.name, a);
    if (a.size() == 1)
      return e.op == "not" ? a[0] == 0 : e.op == "exp" ? std::exp(a[0]) : a[0]; // itof
    double result = a[0];
    for (size_t i = 1; i < a.size(); ++i)
      result = apply(e.op, result, a[i]);
    return result;
  }

private:
  int64_t index(const std::string &name) const {
    const std::pair<const char *, int64_t> values[] = {{"b", at.b},   {"h", at.h},   {"q", at.q}, {"k", at.k},
                                                       {"q0", at.q0}, {"q1", at.q1}, {"n", at.n}};
    for (auto [known, value] : values)
      if (name == known)
        return value;
    return 0;
  }

  double load(const std::string &name, const std::vector<double> &indices) const {
    auto found = tensors.find(name);
    if (found == tensors.end())
      return 0;
    size_t place = 0;
    for (size_t i = 0; i < indices.size(); ++i) {
      const int64_t extent = found->second.extents[i];
      place = place * size_t(extent) + size_t(indices[i] > 0 ? std::min(indices[i], double(extent - 1)) : 0);
    }
    return found->second.data[place];
  }

  /// Elements below the last argument in the row that the others name.
  double search(const std::string &name, std::vector<double> a) const {
    auto found = tensors.find(name);
    const int64_t extent = found == tensors.end() ? 0 : found->second.extents.back();
    const double limit = a.back();
    int64_t count = 0;
    for (a.back() = 0; count < extent && load(name, a) < limit; ++count)
      a.back() = double(count + 1);
    return double(count);
  }
};

} // namespace

double evaluate(const MaskExpr &expr, const MaskPoint &at, const MaskTensors &tensors) {
  return Evaluator{at, tensors}(expr);
}

} // namespace decant

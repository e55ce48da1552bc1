// Walks the tree once; every node is a column of values, one a key.
#include "tools/decant/ExplainRow.h"

#include <algorithm>
#include <cmath>

namespace decant::cli {
namespace {

using Column = std::vector<double>;

/// a[i] = f(a[i], b[i])
template <class Function> void each(Column &a, const Column &b, Function f) {
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = f(a[i], b[i]);
}

double quotient(double a, double b) { return b == 0 ? 0 : std::floor(a / b); }
double remainder(double a, double b) { return b == 0 ? 0 : a - quotient(a, b) * b; }

void combine(const std::string &op, Column &a, const Column &b) {
  if (op == "and")
    each(a, b, [](double x, double y) { return double(x != 0 && y != 0); });
  else if (op == "or")
    each(a, b, [](double x, double y) { return double(x != 0 || y != 0); });
  else if (op == "lt")
    each(a, b, [](double x, double y) { return double(x < y); });
  else if (op == "le")
    each(a, b, [](double x, double y) { return double(x <= y); });
  else if (op == "gt")
    each(a, b, [](double x, double y) { return double(x > y); });
  else if (op == "ge")
    each(a, b, [](double x, double y) { return double(x >= y); });
  else if (op == "eq")
    each(a, b, [](double x, double y) { return double(x == y); });
  else if (op == "ne")
    each(a, b, [](double x, double y) { return double(x != y); });
  else if (op == "add")
    each(a, b, [](double x, double y) { return x + y; });
  else if (op == "sub")
    each(a, b, [](double x, double y) { return x - y; });
  else if (op == "mul")
    each(a, b, [](double x, double y) { return x * y; });
  else if (op == "min")
    each(a, b, [](double x, double y) { return std::min(x, y); });
  else if (op == "max")
    each(a, b, [](double x, double y) { return std::max(x, y); });
  else if (op == "floordiv")
    each(a, b, quotient);
  else
    each(a, b, remainder); // mod
}

struct RowEvaluator {
  int64_t q, begin, end;
  const MaskTensors &tensors;

  Column operator()(const MaskExpr &e) const {
    if (e.op == "index")
      return index(e.name);
    if (e.args.empty() || e.op == "load")
      return e.op == "load" ? load(e) : same(evaluate(e, {}, tensors));
    Column result = (*this)(e.args[0]);
    if (e.op == "select")
      return select(result, (*this)(e.args[1]), (*this)(e.args[2]));
    if (e.op == "not" || e.op == "exp")
      for (double &value : result)
        value = e.op == "not" ? value == 0 : std::exp(value);
    for (size_t i = 1; i < e.args.size(); ++i)
      combine(e.op, result, (*this)(e.args[i]));
    return result;
  }

private:
  Column same(double value) const { return Column(size_t(end - begin), value); }

  Column index(const std::string &name) const {
    Column result = same(name == "q" ? double(q) : 0);
    for (size_t i = 0; name == "k" && i < result.size(); ++i)
      result[i] = double(begin) + double(i);
    return result;
  }

  static Column select(Column condition, const Column &yes, const Column &no) {
    for (size_t i = 0; i < condition.size(); ++i)
      condition[i] = condition[i] != 0 ? yes[i] : no[i];
    return condition;
  }

  /// An index outside reads the nearest element.
  Column load(const MaskExpr &e) const {
    auto found = tensors.find(e.name);
    if (found == tensors.end())
      return same(0);
    Column place = same(0);
    for (size_t i = 0; i < e.args.size(); ++i) {
      const double extent = double(found->second.extents[i]);
      each(place, (*this)(e.args[i]),
           [extent](double p, double x) { return p * extent + (x > 0 ? std::min(x, extent - 1) : 0); });
    }
    for (double &value : place)
      value = found->second.data[size_t(value)];
    return place;
  }
};

} // namespace

std::vector<double> evaluateRow(const MaskExpr &expr, int64_t q, int64_t begin, int64_t end,
                                const MaskTensors &tensors) {
  return RowEvaluator{q, begin, end, tensors}(expr);
}

} // namespace decant::cli

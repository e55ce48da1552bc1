// Parentheses stand only where Python's precedence needs them.
#include "tools/decant/ExplainInfix.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace decant::cli {
namespace {

enum Level { Condition, Or, And, Not, Comparison, Sum, Product, Atom };

struct Operator {
  std::string_view op, sign;
  Level level;
};
constexpr std::array kOperators{
    Operator{"or", "or", Or},         Operator{"and", "and", And},      Operator{"lt", "<", Comparison},
    Operator{"le", "<=", Comparison}, Operator{"gt", ">", Comparison},  Operator{"ge", ">=", Comparison},
    Operator{"eq", "==", Comparison}, Operator{"ne", "!=", Comparison}, Operator{"add", "+", Sum},
    Operator{"sub", "-", Sum},        Operator{"mul", "*", Product},    Operator{"floordiv", "//", Product},
    Operator{"mod", "%", Product}};

const Operator *findOperator(std::string_view op) {
  for (const Operator &candidate : kOperators)
    if (candidate.op == op)
      return &candidate;
  return nullptr;
}

struct Printer {
  const ParamNames &names;

  /// In parentheses if the expression binds looser than `level`.
  std::string operator()(const MaskExpr &e, Level level) const {
    auto [text, own] = print(e);
    return own < level ? "(" + text + ")" : text;
  }

private:
  struct Printed {
    std::string text;
    Level level;
  };

  Printed print(const MaskExpr &e) const {
    if (const Operator *found = findOperator(e.op))
      return {chain(e, *found), found->level};
    if (e.op == "not") // `not k <= q` is right, and reads badly
      return {"not " + (*this)(e.args[0], Atom), Not};
    if (e.op == "select")
      return {fmt::format("{} if {} else {}", (*this)(e.args[1], Or), (*this)(e.args[0], Or), (*this)(e.args[2], Or)),
              Condition};
    if (e.op == "load")
      return {name(e.name) + indices(e, e.args.size()), Atom};
    if (e.op == "search")
      return {fmt::format("below({}{}, {})", name(e.name), indices(e, e.args.size() - 1),
                          (*this)(e.args.back(), Condition)),
              Atom};
    if (e.op == "min" || e.op == "max")
      return {e.op + "(" + operands(e, e.op) + ")", Atom};
    if (e.op == "itof" || e.op == "exp")
      return {(e.op == "itof" ? "float" : e.op) + "(" + list(e, e.args.size()) + ")", Atom};
    return {toText(e), isNegative(e) ? Sum : Atom};
  }

  static bool isNegative(const MaskExpr &e) {
    return (e.op == "int" && e.intValue < 0) || (e.op == "float" && e.floatValue < 0);
  }

  /// `a - 5` for a + -5. The left operand may be of the same level, the right ones bind tighter (but for and, or).
  std::string chain(const MaskExpr &e, const Operator &by) const {
    const bool free = by.level == Or || by.level == And;
    std::string text = (*this)(e.args[0], by.level == Comparison ? Sum : by.level);
    for (size_t i = 1; i < e.args.size(); ++i) {
      std::string right = (*this)(e.args[i], free ? by.level : Level(by.level + 1));
      std::string sign(by.sign);
      if (by.level == Sum && isNegative(e.args[i]))
        right = toText(e.args[i]).substr(1), sign = sign == "+" ? "-" : "+";
      text += fmt::format(" {} {}", sign, right);
    }
    return text;
  }

  std::string name(const std::string &param) const {
    auto found = names.find(param);
    return found == names.end() ? param : found->second;
  }

  std::string list(const MaskExpr &e, size_t count) const {
    std::string text;
    for (size_t i = 0; i < count; ++i)
      text += (i ? ", " : "") + (*this)(e.args[i], Condition);
    return text;
  }

  /// min(min(a, b), c) is min(a, b, c).
  std::string operands(const MaskExpr &e, const std::string &op) const {
    std::string text;
    for (const MaskExpr &arg : e.args)
      text += (text.empty() ? "" : ", ") + (arg.op == op ? operands(arg, op) : (*this)(arg, Condition));
    return text;
  }

  std::string indices(const MaskExpr &e, size_t count) const { return count ? "[" + list(e, count) + "]" : ""; }
};

} // namespace

std::string infix(const MaskExpr &expr, const ParamNames &names) { return Printer{names}(expr, Condition); }

std::string infix(const KeyRanges &ranges, const ParamNames &names) {
  if (ranges.every)
    return "every key";
  std::string text;
  for (const KeyRange &range : ranges.ranges)
    text += fmt::format("{}[{}, {})", text.empty() ? "" : " or ", infix(range.begin, names), infix(range.end, names));
  return text.empty() ? "no key" : text;
}

} // namespace decant::cli

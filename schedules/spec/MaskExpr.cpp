// Reads and prints mask and score expressions. In: the S-expression text and the parameters it may load from. Out: a
// tree in which every node has a type. Invariant: toText(parse(t)) parses to an equal tree; a tree that parse() gave
// is well-typed, so schedules/ does not check again. Tested in tests/schedules/MaskExprTest.cpp.
#include "schedules/spec/MaskExpr.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace decant {
namespace {

using Type = MaskExpr::Type;
constexpr int kMaxDepth = 64, kMaxNodes = 4096, kMaxRank = 4;

std::string_view typeName(Type type) { return type == Type::Bool ? "bool" : type == Type::I32 ? "i32" : "f32"; }

bool isName(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && letter(text[0]) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || digit(c); });
}

bool isPointIndex(std::string_view text) { return text == "b" || text == "h" || text == "q" || text == "k"; }
bool isTileIndex(std::string_view text) {
  return text == "b" || text == "h" || text == "q0" || text == "q1" || text == "n";
}
bool isReserved(std::string_view text) {
  return text == "true" || text == "false" || isPointIndex(text) || isTileIndex(text);
}

class Parser {
public:
  /// bounds: of a tile's keys, where q0, q1, n and search stand for q and k.
  Parser(std::string_view text, const std::vector<MaskParam> &params, bool bounds = false)
      : rest(text), params(params), bounds(bounds) {}

  bool parse(MaskExpr &out, std::string &error) {
    bool ok = expr(out, 0);
    skipSpace();
    if (ok && !rest.empty())
      ok = fail("nothing expected behind the expression, found '" + std::string(rest.substr(0, 20)) + "'");
    error = message;
    return ok;
  }

  bool parse(KeyRanges &out, std::string &error) {
    bool ok = list(out);
    error = message;
    return ok;
  }

private:
  bool take(char c) {
    skipSpace();
    if (rest.empty() || rest[0] != c)
      return false;
    rest.remove_prefix(1);
    return true;
  }

  bool list(KeyRanges &out) {
    if (!take('('))
      return fail("expected '-' or a list of ranges ((begin end) ...)");
    while (take('(')) {
      KeyRange &range = out.ranges.emplace_back();
      if (!expr(range.begin, 0) || !expr(range.end, 0))
        return false;
      if (range.begin.type != Type::I32 || range.end.type != Type::I32)
        return fail("the bounds of a range must be i32");
      if (!take(')'))
        return fail("')' is missing behind the bounds of a range");
    }
    if (!take(')') || !(skipSpace(), rest.empty()))
      return fail("')' is missing behind the ranges, or more follows");
    return out.ranges.size() <= KeyRanges::kMost || fail("more than 4 ranges");
  }

  bool fail(std::string text) {
    if (message.empty())
      message = "mask expression: " + std::move(text);
    return false;
  }

  void skipSpace() {
    while (!rest.empty() && rest[0] == ' ')
      rest.remove_prefix(1);
  }

  std::string_view word() {
    size_t end = std::min(rest.find_first_of(" ()"), rest.size());
    std::string_view result = rest.substr(0, end);
    rest.remove_prefix(end);
    return result;
  }

  bool expr(MaskExpr &out, int depth) {
    if (depth >= kMaxDepth)
      return fail("deeper than 64 levels");
    if (++nodes > kMaxNodes)
      return fail("more than 4096 nodes");
    skipSpace();
    if (rest.empty())
      return fail("ends where an operand is expected");
    if (rest[0] != '(')
      return atom(out);
    rest.remove_prefix(1);
    skipSpace();
    out.op = std::string(word());
    if ((out.op == "load" || out.op == "search") && !loadTarget(out))
      return false;
    for (skipSpace(); !rest.empty() && rest[0] != ')'; skipSpace())
      if (!expr(out.args.emplace_back(), depth + 1))
        return false;
    if (rest.empty())
      return fail("')' is missing behind the operands of '" + out.op + "'");
    rest.remove_prefix(1);
    return check(out);
  }

  bool atom(MaskExpr &out) {
    std::string_view text = word();
    if (text == "true" || text == "false") {
      out.op = "bool", out.type = Type::Bool, out.intValue = text == "true";
      return true;
    }
    if (bounds ? isTileIndex(text) : isPointIndex(text)) {
      out.op = "index", out.type = Type::I32, out.name = std::string(text);
      return true;
    }
    const char *first = text.data(), *last = first + text.size();
    if (text.find_first_of(".e") == std::string_view::npos) {
      auto [end, status] = std::from_chars(first, last, out.intValue);
      if (status != std::errc() || end != last || out.intValue != int32_t(out.intValue))
        return atomOfParam(text, out);
      out.op = "int", out.type = Type::I32;
      return true;
    }
    auto [end, status] = std::from_chars(first, last, out.floatValue);
    if (status != std::errc() || end != last || !std::isfinite(float(out.floatValue)))
      return atomOfParam(text, out);
    out.op = "float", out.type = Type::F32;
    return true;
  }

  /// A parameter of rank 0 may stand alone: `p` means `(load p)`.
  bool atomOfParam(std::string_view text, MaskExpr &out) {
    const MaskParam *param = find(text);
    if (!param)
      return fail(std::string(1, '\'').append(text) + "' is no i32 or f32 number, index or parameter");
    if (param->rank != 0)
      return fail("parameter '" + param->name + "' needs " + std::to_string(param->rank) + " indices: (load " +
                  param->name + " ...)");
    out.op = "load", out.name = param->name, out.intValue = 0;
    out.type = paramType(*param);
    return true;
  }

  const MaskParam *find(std::string_view name) const {
    auto found = std::find_if(params.begin(), params.end(), [&](const MaskParam &p) { return p.name == name; });
    return found == params.end() ? nullptr : &*found;
  }

  static Type paramType(const MaskParam &param) {
    return param.type == "u8" ? Type::Bool : param.type == "i32" ? Type::I32 : Type::F32;
  }

  bool loadTarget(MaskExpr &out) {
    skipSpace();
    out.name = std::string(word());
    const MaskParam *param = find(out.name);
    if (!param)
      return fail("load of unknown parameter '" + out.name + "'");
    out.type = paramType(*param);
    return true;
  }

  bool count(const MaskExpr &e, size_t n) {
    return e.args.size() == n ||
           fail("'" + e.op + "' takes " + std::to_string(n) + " operands, found " + std::to_string(e.args.size()));
  }

  bool expect(const MaskExpr &e, size_t i, Type type) {
    return e.args[i].type == type ||
           fail("operand " + std::to_string(i + 1) + " of '" + e.op + "' must be " + std::string(typeName(type)) +
                ", found " + std::string(typeName(e.args[i].type)));
  }

  bool sameNumbers(const MaskExpr &e) {
    if (!count(e, 2))
      return false;
    if (e.args[0].type == Type::Bool)
      return fail("operand 1 of '" + e.op + "' must be i32 or f32, found bool");
    return expect(e, 1, e.args[0].type);
  }

  /// Checks the operands of a node and sets its type.
  bool check(MaskExpr &e) {
    const std::string &op = e.op;
    if (op == "and" || op == "or") {
      e.type = Type::Bool;
      if (e.args.size() < 2)
        return count(e, 2);
      for (size_t i = 0; i < e.args.size(); ++i)
        if (!expect(e, i, Type::Bool))
          return false;
      return true;
    }
    if (op == "not") {
      e.type = Type::Bool;
      return count(e, 1) && expect(e, 0, Type::Bool);
    }
    if (op == "lt" || op == "le" || op == "gt" || op == "ge" || op == "eq" || op == "ne") {
      e.type = Type::Bool;
      return sameNumbers(e);
    }
    if (op == "add" || op == "sub" || op == "mul" || op == "min" || op == "max") {
      if (!sameNumbers(e))
        return false;
      e.type = e.args[0].type;
      return true;
    }
    if (op == "floordiv" || op == "mod") {
      e.type = Type::I32;
      return count(e, 2) && expect(e, 0, Type::I32) && expect(e, 1, Type::I32);
    }
    if (op == "select") {
      if (!count(e, 3) || !expect(e, 0, Type::Bool) || !expect(e, 2, e.args[1].type))
        return false;
      e.type = e.args[1].type;
      return true;
    }
    if (op == "itof" || op == "exp") {
      e.type = Type::F32;
      return count(e, 1) && expect(e, 0, op == "itof" ? Type::I32 : Type::F32);
    }
    if (op == "load")
      return checkLoad(e);
    if (op == "search" && bounds) {
      if (e.type != Type::I32)
        return fail("'search' wants a parameter of i32, '" + e.name + "' is none");
      return checkLoad(e);
    }
    return fail("unknown operation '" + op + "'");
  }

  bool checkLoad(const MaskExpr &e) {
    const MaskParam &param = *find(e.name);
    if (e.args.size() != size_t(param.rank))
      return fail("parameter '" + e.name + "' has rank " + std::to_string(param.rank) + ", found " +
                  std::to_string(e.args.size()) + " indices");
    for (size_t i = 0; i < e.args.size(); ++i)
      if (!expect(e, i, Type::I32))
        return false;
    return true;
  }

  std::string_view rest;
  const std::vector<MaskParam> &params;
  bool bounds;
  std::string message;
  int nodes = 0;
};

std::string floatText(double value) {
  char buffer[40];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

} // namespace

std::optional<std::vector<MaskParam>> parseMaskParams(std::string_view text, std::string &error) {
  std::vector<MaskParam> params;
  if (text == "-")
    return params;
  for (bool more = true; more;) {
    size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    std::string item(text.substr(0, comma));
    text.remove_prefix(more ? comma + 1 : text.size());
    size_t first = item.find(':'), second = item.find(':', first + 1);
    bool whole = first != std::string::npos && second != std::string::npos;
    MaskParam param{item.substr(0, first), whole ? item.substr(first + 1, second - first - 1) : "", 0, false};
    std::string rank = whole ? item.substr(second + 1) : "";
    bool typed = param.type == "i32" || param.type == "u8" || param.type == "f32";
    if (!typed || rank.size() != 1 || rank[0] < '0' || rank[0] > '0' + kMaxRank || !isName(param.name) ||
        isReserved(param.name)) {
      error = "mask parameter '" + item + "': expected name:type:rank with type i32, u8 or f32 and rank 0 to 4";
      return std::nullopt;
    }
    param.rank = rank[0] - '0';
    if (std::any_of(params.begin(), params.end(), [&](const MaskParam &p) { return p.name == param.name; })) {
      error = "mask parameter '" + param.name + "' is given twice";
      return std::nullopt;
    }
    params.push_back(std::move(param));
  }
  return params;
}

std::optional<MaskExpr> parseMaskExpr(std::string_view text, const std::vector<MaskParam> &params, std::string &error) {
  MaskExpr expr;
  if (!Parser(text, params).parse(expr, error))
    return std::nullopt;
  return expr;
}

std::string toText(const MaskExpr &expr) {
  if (expr.op == "int")
    return std::to_string(expr.intValue);
  if (expr.op == "float")
    return floatText(expr.floatValue);
  if (expr.op == "bool")
    return expr.intValue ? "true" : "false";
  if (expr.op == "index")
    return expr.name;
  std::string text = "(";
  text += expr.op;
  if (expr.op == "load" || expr.op == "search")
    text.append(1, ' ').append(expr.name);
  for (const MaskExpr &arg : expr.args)
    text.append(1, ' ').append(toText(arg));
  return text.append(1, ')');
}

std::optional<KeyRanges> parseKeyRanges(std::string_view text, const std::vector<MaskParam> &params,
                                        std::string &error) {
  KeyRanges ranges;
  ranges.every = text == "-";
  if (!ranges.every && !Parser(text, params, /*bounds=*/true).parse(ranges, error))
    return std::nullopt;
  return ranges;
}

std::string toText(const KeyRanges &ranges) {
  if (ranges.every)
    return "-";
  std::string text = "(";
  for (const KeyRange &range : ranges.ranges)
    text += (text.size() > 1 ? " (" : "(") + toText(range.begin) + " " + toText(range.end) + ")";
  return text + ")";
}

} // namespace decant

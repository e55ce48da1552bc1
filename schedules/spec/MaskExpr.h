// MaskExpr: a mask or score function as a small tree, without MLIR.
//
// compiler/passes writes the text form from a dec.mask region; schedules/ turns it into a Halide Expr.
// Grammar (S-expressions):
//   expr  := atom | '(' op expr... ')'
//   atom  := integer | float (with '.' or exponent) | 'true' | 'false' | 'b' | 'h' | 'q' | 'k' | parameter name
//   op    := and or not | lt le gt ge eq ne | add sub mul floordiv mod min max | select | itof | exp
//          | load NAME index...          element of a parameter tensor; indices outermost first
//          | search NAME index... x      elements below x in a row (last dimension) that ascends; bounds only
// b = sequence index in the call, h = query head, q / k = absolute query / key position: all i32.
// Bounds are expressions of a query tile instead: b, h, q0 = its first position, q1 = one past its last, n = keys.
// Types: bool, i32, f32; and/or/not take bool; comparisons take two i32 or two f32; parse() checks types.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace decant {

struct MaskParam {
  std::string name;
  std::string type; ///< "i32", "u8" (boolean) or "f32"
  int rank = 0;
  bool sorted = false; ///< every row (last dimension) ascends; known to the compiler, not part of the text
};

struct MaskExpr {
  enum class Type { Bool, I32, F32 };
  std::string op; ///< an op of the grammar, or "int", "float", "bool", "index" (b h q k)
  Type type = Type::Bool;
  int64_t intValue = 0;  ///< op int, bool
  double floatValue = 0; ///< op float
  std::string name;      ///< op index: one of b h q k q0 q1 n; op load, search: the parameter
  std::vector<MaskExpr> args;
};

/// Parses `name:type:rank,...` ("-" = none).
std::optional<std::vector<MaskParam>> parseMaskParams(std::string_view text, std::string &error);

/// Parses and type-checks; at most 4,096 nodes and depth 64. On failure says what is wrong in `error`.
std::optional<MaskExpr> parseMaskExpr(std::string_view text, const std::vector<MaskParam> &params, std::string &error);

std::string toText(const MaskExpr &expr);

/// Keys begin <= k < end, empty if begin >= end: bounds of type i32.
struct KeyRange {
  MaskExpr begin, end;
};

/// Ranges of keys for one query tile. Text: "((begin end) (begin end))", "()" = no key, "-" = every key.
struct KeyRanges {
  static constexpr size_t kMost = 4;
  bool every = false;           ///< nothing is known: every key; `ranges` is empty then
  std::vector<KeyRange> ranges; ///< at most kMost, in any order; may overlap
};

/// As parseMaskExpr, for each bound.
std::optional<KeyRanges> parseKeyRanges(std::string_view text, const std::vector<MaskParam> &params,
                                        std::string &error);
std::string toText(const KeyRanges &ranges);

} // namespace decant

// Mask expressions: round trip, types, limits, messages.
#include "schedules/spec/MaskExpr.h"

#include "gtest/gtest.h"

namespace decant {
namespace {

std::vector<MaskParam> params() {
  std::string error;
  return *parseMaskParams("p0:i32:1,hole:u8:2,slope:f32:3,len:i32:0", error);
}

TEST(MaskExpr, PrintsWhatItParses) {
  for (const char *text :
       {"true", "(and (le k q) (gt k (sub q 512)))", "(or (not (load hole b k)) (eq (mod k 4) -1) false)",
        "(mul (itof (floordiv k 3)) (exp (load slope h q k)))", "(select (ne b 0) 1.5 -2e-07)",
        "(lt (min k (load len)) (max q (load p0 b)))", "(add 1.0 2.0)"}) {
    std::string error;
    auto expr = parseMaskExpr(text, params(), error);
    ASSERT_TRUE(expr) << error;
    EXPECT_EQ(toText(*expr), text);
  }
}

TEST(MaskExpr, HasTypes) {
  std::string error;
  EXPECT_EQ(parseMaskExpr("(le k q)", {}, error)->type, MaskExpr::Type::Bool);
  EXPECT_EQ(parseMaskExpr("(add k q)", {}, error)->type, MaskExpr::Type::I32);
  EXPECT_EQ(parseMaskExpr("(itof k)", {}, error)->type, MaskExpr::Type::F32);
}

TEST(MaskExpr, NamesWhatIsWrong) {
  auto errorOf = [](const std::string &text) {
    std::string error;
    EXPECT_FALSE(parseMaskExpr(text, params(), error)) << text;
    return error;
  };
  EXPECT_EQ(errorOf("(le k 1.0)"), "mask expression: operand 2 of 'le' must be i32, found f32");
  EXPECT_EQ(errorOf("(and (le k q) 1)"), "mask expression: operand 2 of 'and' must be bool, found i32");
  EXPECT_EQ(errorOf("(not true false)"), "mask expression: 'not' takes 1 operands, found 2");
  EXPECT_EQ(errorOf("(pow k q)"), "mask expression: unknown operation 'pow'");
  EXPECT_EQ(errorOf("(le k z)"), "mask expression: 'z' is no i32 or f32 number, index or parameter");
  EXPECT_EQ(errorOf("(le k 2147483648)"), "mask expression: '2147483648' is no i32 or f32 number, index or parameter");
  EXPECT_EQ(errorOf("(load hole b)"), "mask expression: parameter 'hole' has rank 2, found 1 indices");
  EXPECT_EQ(errorOf("(load gone b)"), "mask expression: load of unknown parameter 'gone'");
  EXPECT_EQ(errorOf("p0"), "mask expression: parameter 'p0' needs 1 indices: (load p0 ...)");
  EXPECT_EQ(errorOf("(le k q"), "mask expression: ')' is missing behind the operands of 'le'");
  EXPECT_EQ(errorOf("true true"), "mask expression: nothing expected behind the expression, found 'true'");
  EXPECT_EQ(errorOf(""), "mask expression: ends where an operand is expected");
  std::string deep = "true", wide = "(and true";
  for (int i = 0; i < 64; ++i)
    deep = "(not " + deep + ")";
  for (int i = 0; i < 4096; ++i)
    wide += " true";
  EXPECT_EQ(errorOf(deep), "mask expression: deeper than 64 levels");
  EXPECT_EQ(errorOf(wide + ")"), "mask expression: more than 4096 nodes");
}

TEST(MaskParams, AreChecked) {
  std::string error;
  EXPECT_TRUE(parseMaskParams("-", error)->empty());
  for (const char *text : {"p:f64:1", "p:i32:5", "q:i32:1", "p:i32", "1p:i32:1", ""}) {
    EXPECT_FALSE(parseMaskParams(text, error)) << text;
    EXPECT_EQ(error, "mask parameter '" + std::string(text) +
                         "': expected name:type:rank with type i32, u8 or f32 and rank 0 to 4");
  }
  EXPECT_FALSE(parseMaskParams("p:i32:1,p:u8:2", error));
  EXPECT_EQ(error, "mask parameter 'p' is given twice");
}

} // namespace
} // namespace decant

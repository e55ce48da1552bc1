// Masks and scores op by op.
#include "compiler/reference/FunctionEvaluator.h"
#include "tests/reference/Ir.h"

#include <limits>

using namespace decant;
using namespace decant::test;

namespace {

/// A score of q and k: `ops` end in %r : f32.
double score(const std::string &ops, int64_t q, int64_t k, std::string *problem = nullptr) {
  Ir ir("dec.score @s(%b: index, %h: index, %q: index, %k: index) {\n" + ops + "\n dec.yield %r : f32 }\n" +
        kAnyDecode);
  FunctionEvaluator<double> evaluator(ir.find("s"), {});
  double result = evaluator.score(0, 0, q, k);
  if (problem)
    *problem = evaluator.problem();
  else
    EXPECT_EQ(evaluator.problem(), "");
  return result;
}

/// The integer op `name` of q and the constant k, as a number.
double integer(const std::string &name, int64_t q, int64_t k, std::string *problem = nullptr) {
  return score("%c = arith.constant " + std::to_string(k) + " : index\n %x = arith." + name +
                   " %q, %c : index\n %i = arith.index_cast %x : index to i64\n %r = arith.sitofp %i : i64 to f32",
               q, k, problem);
}
double comparison(const std::string &op, int64_t q, int64_t k) {
  return score(
      "%x = " + op +
          "\n %one = arith.constant 1.0 : f32\n %no = arith.constant 0.0 : f32\n %r = arith.select %x, %one, %no : f32",
      q, k);
}

TEST(FunctionEvaluator, Integers) {
  EXPECT_EQ(integer("addi", 7, -3), 4);
  EXPECT_EQ(integer("subi", 7, -3), 10);
  EXPECT_EQ(integer("muli", 7, -3), -21);
  EXPECT_EQ(integer("divsi", -7, 3), -2);
  EXPECT_EQ(integer("floordivsi", -7, 3), -3);
  EXPECT_EQ(integer("floordivsi", -6, 3), -2);
  EXPECT_EQ(integer("remsi", -7, 3), -1);
  EXPECT_EQ(integer("minsi", -7, 3), -7);
  EXPECT_EQ(integer("maxsi", -7, 3), 3);
  EXPECT_EQ(integer("andi", 12, 10), 8);
  EXPECT_EQ(integer("ori", 12, 10), 14);
  EXPECT_EQ(integer("xori", 12, 10), 6);
}

TEST(FunctionEvaluator, Comparisons) {
  for (auto [name, low, same, high] : {std::tuple("slt", 1, 0, 0),
                                       {"sle", 1, 1, 0},
                                       {"sgt", 0, 0, 1},
                                       {"sge", 0, 1, 1},
                                       {"eq", 0, 1, 0},
                                       {"ne", 1, 0, 1},
                                       {"ult", 0, 0, 1}}) {
    std::string op = std::string("arith.cmpi ") + name + ", %q, %k : index";
    EXPECT_EQ(comparison(op, -1, 2), low) << name; // -1 is the largest unsigned number
    EXPECT_EQ(comparison(op, 2, 2), same) << name;
    EXPECT_EQ(comparison(op, 2, -1), high) << name;
  }
}

TEST(FunctionEvaluator, Floats) {
  auto real = [](const std::string &op) {
    return score("%i = arith.index_cast %q : index to i64\n %j = arith.index_cast %k : index to i64\n %x = "
                 "arith.sitofp %i : i64 to f32\n"
                 " %y = arith.sitofp %j : i64 to f32\n %r = arith." +
                     op + " %x, %y : f32",
                 7, -2);
  };
  EXPECT_EQ(real("addf"), 5);
  EXPECT_EQ(real("subf"), 9);
  EXPECT_EQ(real("mulf"), -14);
  EXPECT_EQ(real("divf"), -3.5);
  EXPECT_EQ(real("maximumf"), 7);
  EXPECT_EQ(real("minimumf"), -2);
}

TEST(FunctionEvaluator, NotOfABoolean) {
  EXPECT_EQ(comparison("arith.cmpi sle, %k, %q : index\n %true = arith.constant true\n %not = arith.xori %x, %true : "
                       "i1\n %y = arith.ori %not, %not : i1",
                       1, 2),
            0);
  Ir ir("dec.mask @future(%b: index, %h: index, %q: index, %k: index) {\n %p = arith.cmpi sle, %k, %q : index\n"
        " %t = arith.constant true\n %f = arith.xori %p, %t : i1\n dec.yield %f : i1 }\n" +
        kAnyDecode);
  FunctionEvaluator<double> mask(ir.find("future"), {});
  EXPECT_TRUE(mask.visible(0, 0, 1, 2));
  EXPECT_FALSE(mask.visible(0, 0, 2, 2));
}

TEST(FunctionEvaluator, ParametersBroadcastAndClamp) {
  Ir ir("dec.score @s(%b: index, %h: index, %q: index, %k: index) params(%p: tensor<?x?xf32>) {\n"
        " %r = dec.param %p[%q, %k] : tensor<?x?xf32>\n dec.yield %r : f32 }\n" +
        kAnyDecode);
  Value<double> row = Tensor<double>{{1, 3}, {1, 2, 3}};
  FunctionEvaluator<double> evaluator(ir.find("s"), {&row});
  EXPECT_EQ(evaluator.score(0, 0, 5, 2), 3);
  EXPECT_EQ(evaluator.problem(), "");
  EXPECT_EQ(evaluator.score(0, 0, 0, 3), 3); // outside: the nearest element
  EXPECT_EQ(evaluator.score(0, 0, 0, -2), 1);
  EXPECT_EQ(evaluator.problem(), "");
}

TEST(FunctionEvaluator, MasksThatApplyEachOtherTwiceEnd) {
  std::string masks = "dec.mask @m0(%b: index, %h: index, %q: index, %k: index) {\n"
                      " %r = arith.cmpi sle, %k, %q : index\n dec.yield %r : i1 }\n";
  for (int i = 1; i <= 60; ++i) {
    std::string below = "dec.apply @m" + std::to_string(i - 1) + "(%b, %h, %q, %k)\n";
    masks += "dec.mask @m" + std::to_string(i) + "(%b: index, %h: index, %q: index, %k: index) {\n %x = " + below +
             " %y = " + below + " %r = arith.andi %x, %y : i1\n dec.yield %r : i1 }\n";
  }
  Ir ir(masks + kAnyDecode);
  FunctionEvaluator<double> small(ir.find("m8"), {}), large(ir.find("m60"), {});
  EXPECT_TRUE(small.visible(0, 0, 1, 1));
  EXPECT_TRUE(small.visible(0, 0, 1, 1)); // the bound is one evaluation's
  EXPECT_EQ(small.problem(), "");
  EXPECT_FALSE(large.visible(0, 0, 1, 1));
  EXPECT_EQ(large.problem(), "dec.mask: applies masks more than 4096 times at one point");
}

TEST(FunctionEvaluator, WhatCannotBeComputedIsTold) {
  std::string problem;
  integer("divsi", std::numeric_limits<int64_t>::min(), -1, &problem);
  EXPECT_EQ(problem, "arith.divsi: -9223372036854775808 divided by -1");
  integer("shli", 1, 1, &problem);
  EXPECT_EQ(problem.rfind("arith.shli: ", 0), 0u) << problem;
}

} // namespace

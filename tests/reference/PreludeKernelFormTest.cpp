// The named masks and scores behind phase masks: the expression that kernels get equals the interpreter at every point,
// and the bounds are those that the pattern has.
#include "compiler/import/Prelude.h"
#include "compiler/passes/MaskToText.h"
#include "compiler/passes/Passes.h"
#include "compiler/reference/FunctionEvaluator.h"
#include "schedules/spec/MaskEval.h"
#include "tests/reference/Ir.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include <fmt/format.h>

using namespace decant;
using namespace decant::test;

namespace {

struct Named {
  std::string name, scalars; ///< of the prelude; its scalars' constants
  std::string params;        ///< types of its tensors
  std::vector<Value<double>> values;
};

/// A model whose attention names @given, which applies the function.
std::string modelOf(const Named &named, bool score) {
  std::string declared, given, types, constants, arguments, passed;
  for (size_t i = 0; i < named.values.size(); ++i) {
    declared += fmt::format("{}%p{}: {}", i ? ", " : "", i, named.params);
    given += fmt::format("{}%p{}", given.empty() ? "" : ", ", i);
    types += (types.empty() ? "" : ", ") + named.params;
    arguments += fmt::format(", %p{}: {}", i, named.params);
    passed += fmt::format("%p{} : {}", i, named.params);
  }
  if (!named.scalars.empty()) {
    constants = "%s = arith.constant " + named.scalars + " : index\n";
    given += given.empty() ? "%s" : ", %s";
    types += types.empty() ? "index" : ", index";
  }
  std::string function = fmt::format(
      "dec.{0} @given(%b: index, %h: index, %q: index, %k: index) {1} {{\n{2} %v = dec.{3} @{4}(%b, %h, %q, %k) {5}\n"
      " dec.yield %v : {6} }}\n",
      score ? "score" : "mask", declared.empty() ? "" : "params(" + declared + ")", constants,
      score ? "apply_score" : "apply", named.name, given.empty() ? "" : fmt::format("params({} : {})", given, types),
      score ? "f32" : "i1");
  return fmt::format("{0}\n{1}\nfunc.func @decode(%x: tensor<?x2xf32>, %r: !dec.rows{2}) -> tensor<?x2xf32> {{\n"
                     "%o = dec.attention %x, %x, %x rows %r, %r heads 2 kv_heads 2 scale 1.0 {3} : tensor<?x2xf32>, "
                     "tensor<?x2xf32>\nfunc.return %o : tensor<?x2xf32> }}\n",
                     kPrelude, function, arguments,
                     score ? fmt::format("mask @bidirectional() score @given({})", passed)
                           : fmt::format("mask @given({})", passed));
}

MaskTensor tensorOf(const Value<double> &value) {
  MaskTensor result;
  auto fill = [&](const auto &tensor) {
    result.extents = tensor.shape;
    result.data.assign(tensor.data.begin(), tensor.data.end());
  };
  if (auto *indices = std::get_if<Tensor<int64_t>>(&value))
    fill(*indices);
  else if (auto *flags = std::get_if<Tensor<uint8_t>>(&value))
    fill(*flags);
  else
    fill(std::get<Tensor<double>>(value));
  return result;
}

/// Returns visit and full of a mask, "" of a score.
std::pair<std::string, std::string> check(const Named &named, bool score = false) {
  SCOPED_TRACE(named.name);
  std::string text = modelOf(named, score);
  Ir before(text), after(text);
  mlir::PassManager phase(&after.context);
  phase.addPass(createInlineMasks());
  phase.addPass(mlir::createCanonicalizerPass());
  phase.addPass(createDeriveMaskBounds());
  EXPECT_TRUE(mlir::succeeded(phase.run(*after.module)));
  mlir::Region &body = after.find("given")->getRegion(0);
  auto written = maskToText(body, 0);
  EXPECT_TRUE(mlir::succeeded(written));
  std::string params = maskParamsToText(body, 0), error;
  auto parsed = parseMaskParams(params.empty() ? "-" : params, error);
  auto expr = parseMaskExpr(*written, *parsed, error);
  EXPECT_TRUE(expr) << error;
  if (!expr)
    return {};

  FunctionEvaluator<double>::Params pointers;
  MaskTensors tensors;
  for (size_t i = 0; i < named.values.size(); ++i) {
    pointers.push_back(&named.values[i]);
    tensors["p" + std::to_string(i)] = tensorOf(named.values[i]);
  }
  FunctionEvaluator<double> oracle(before.find("given"), pointers);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 2; ++h)
      for (int64_t q = 0; q < 150; q += q < 12 ? 1 : 23)
        for (int64_t k = 0; k < 150; k += k < 12 ? 1 : 19) {
          double found = evaluate(*expr, {b, h, q, k}, tensors);
          double expected = score ? oracle.score(b, h, q, k) : oracle.visible(b, h, q, k);
          EXPECT_NEAR(found, expected, 1e-5 * std::abs(expected)) << b << ' ' << h << ' ' << q << ' ' << k;
        }
  EXPECT_EQ(oracle.problem(), "");
  auto mask = llvm::dyn_cast<dec::MaskOp>(after.find("given"));
  return mask ? std::pair(mask.getVisit().value_or("none").str(), mask.getFull().value_or("none").str())
              : std::pair<std::string, std::string>();
}

Value<double> segments() {
  Tensor<int64_t> tensor{{2, 150}, {}};
  for (int64_t i = 0; i < 300; ++i)
    tensor.data.push_back(i % 150 / (i < 150 ? 5 : 40));
  return tensor;
}
Tensor<double> buckets() {
  Tensor<double> table{{32, 2}, {}};
  for (int i = 0; i < 64; ++i)
    table.data.push_back(i * 0.25 - 3);
  return table;
}

TEST(PreludeKernelForm, Masks) {
  EXPECT_EQ(check({"causal", "", "", {}}).first, "((0 q1))");
  EXPECT_EQ(check({"sliding_window", "7", "", {}}).first, "(((sub q0 6) n))");
  EXPECT_NE(check({"sliding_window_bidirectional", "7", "", {}}).first, "-");
  EXPECT_NE(check({"chunked", "12", "", {}}).first, "-");
  EXPECT_EQ(check({"prefix", "", "tensor<?xindex>", {indices({9, 0})}}).first, "((0 (load p0 b)))");
  EXPECT_NE(check({"document", "", "tensor<?x?xindex>", {segments()}}).first, "-");
  EXPECT_EQ(check({"padding", "", "tensor<?xindex>", {indices({3, 120})}}).first, "((0 (load p0 b)))");
  EXPECT_EQ(check({"dilated", "5", "", {}}).first, "-") << "every tile holds keys that some query sees";
  check({"block_sparse", "4", "tensor<?x?x?xi1>", {Tensor<uint8_t>{{2, 2, 2}, {1, 0, 1, 1, 0, 1, 0, 0}}}});
}

TEST(PreludeKernelForm, Scores) {
  for (int heads : {1, 2, 3, 12, 20})
    check({"alibi", std::to_string(heads), "", {}}, true);
  check({"t5_bias_bidirectional", "", "tensor<?x?xf32>", {buckets()}}, true);
  check({"t5_bias_causal", "", "tensor<?x?xf32>", {buckets()}}, true);
}

} // namespace

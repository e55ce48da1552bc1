// A small hand-written model to interpret, and tensors written out.
#pragma once

#include "compiler/reference/Interpreter.h"
#include "tests/import/TestModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

namespace decant::test {

/// An entry for models that are there for their masks.
inline const std::string kAnyDecode =
    "func.func @decode(%x: tensor<?x2xf32>) -> tensor<?x2xf32> { func.return %x : tensor<?x2xf32> }";

/// A decoder_only dec.model around `body`.
struct Ir {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  dec::ModelOp model;
  WeightSet weights;

  explicit Ir(const std::string &body) {
    context.loadDialect<dec::DecDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect>();
    std::string text =
        "dec.model @m attributes {kind = \"decoder_only\", width = 2 : i64, vocab = 8 : i64, max_batch = 4 : i64, "
        "max_context = 16 : i64, max_source = 0 : i64} {\n" +
        body + "\n}";
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    model = module ? dec::findModel(*module) : nullptr;
  }
  mlir::Operation *find(llvm::StringRef name) { return mlir::SymbolTable::lookupSymbolIn(model, name); }
};

inline Tensor<double> real(int64_t columns, std::vector<double> data) {
  return {{static_cast<int64_t>(data.size()) / columns, columns}, std::move(data)};
}
inline Tensor<int64_t> indices(std::vector<int64_t> data) {
  return {{static_cast<int64_t>(data.size())}, std::move(data)};
}
inline Rows rowsOf(std::vector<int64_t> counts, std::vector<int64_t> positions = {}) {
  Rows rows;
  for (size_t b = 0; b < counts.size(); ++b)
    rows.add(counts[b], positions.empty() ? 0 : positions[b]);
  return rows;
}

/// The data of @decode's single result.
inline std::vector<double> run(Interpreter<double> &interpreter, std::vector<Value<double>> arguments) {
  auto results = value(interpreter.run("decode", std::move(arguments)));
  return results.empty() ? std::vector<double>() : std::get<Tensor<double>>(results[0]).data;
}

inline void expectNear(const std::vector<double> &found, const std::vector<double> &expected,
                       double tolerance = 1e-12) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], tolerance) << "element " << i;
}

/// (16 bits of) a repeatable sequence in [-1, 1).
inline std::vector<double> numbers(size_t count, uint64_t seed) {
  std::vector<double> result;
  for (uint64_t x = seed; result.size() < count; result.push_back(static_cast<double>(x >> 48) / 32768 - 1))
    x = x * 6364136223846793005u + 1442695040888963407u;
  return result;
}

} // namespace decant::test

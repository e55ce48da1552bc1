// Plans that phase emit cannot have made are refused: kernel numbers, columns of what the caller gives and gets.
#include "compiler/artifact/PlanTables.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace decant;

namespace {

/// A plan of two calls with the kernel numbers and the second spec given; rows of 32 columns.
struct Plan {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string diagnostics;

  Plan(int first, int second, const std::string &act = "gelu", int width = 32, int vocab = 0) {
    context.loadDialect<dec::DecDialect, plan::PlanDialect>();
    std::string rows = "memref<?x32xf32, strided<[32, 1]>>";
    auto call = [&](const std::string &in, const std::string &out, const std::string &act, int number) {
      return "plan.call \"x\" \"elementwise n=32 act=" + act + " gate=0 residual=0\" rows ins(" + in + " : " + rows +
             ") outs(" + out + " : " + rows + ") {kernel = " + std::to_string(number) + " : i64}\n";
    };
    module = mlir::parseSourceString<mlir::ModuleOp>(
        "dec.model @m attributes {kind = \"decoder_only\", width = " + std::to_string(width) +
            " : i64, vocab = " + std::to_string(vocab) +
            " : i64, max_batch = 4 : i64, max_context = 64 : i64, max_source = 0 : i64} {\n"
            "plan.entry @decode attributes {row_bytes = 256 : i64, out_row_bytes = 0 : i64} {\n"
            "%x = plan.input \"features\" : " +
            rows + "\n%y = plan.alloc rows {offset = 0 : i64} : " + rows +
            "\n%z = plan.alloc rows {offset = 128 : i64} : " + rows + "\n" + call("%x", "%y", "relu", first) +
            call("%y", "%z", act, second) + "plan.return output %z : " + rows + "\n}\n}",
        &context);
  }

  /// The specs in the artifact's order; empty after a diagnostic.
  std::vector<std::string> specs() {
    mlir::ScopedDiagnosticHandler handler(&context,
                                          [&](mlir::Diagnostic &diagnostic) { diagnostics += diagnostic.str(); });
    dec::ModelOp model = dec::findModel(*module);
    Blob blob(8);
    PlanTables tables(model, blob);
    if (failed(tables.numberKernels()))
      return {};
    for (auto entry : model.getBody().getOps<plan::EntryOp>())
      if (failed(tables.addEntry(entry)))
        return {};
    return tables.kernelSpecs;
  }
  void expectError(const std::string &part) {
    EXPECT_TRUE(specs().empty());
    EXPECT_NE(diagnostics.find(part), std::string::npos) << diagnostics;
  }
};

TEST(PlanTables, KernelsHaveTheOrderOfTheirNumbers) {
  std::string relu = "elementwise n=32 act=relu gate=0 residual=0",
              gelu = "elementwise n=32 act=gelu gate=0 residual=0";
  EXPECT_EQ(Plan(0, 1).specs(),
            (std::vector{relu + " rows=one", relu + " rows=many", gelu + " rows=one", gelu + " rows=many"}));
  EXPECT_EQ(Plan(1, 0).specs(),
            (std::vector{gelu + " rows=one", gelu + " rows=many", relu + " rows=one", relu + " rows=many"}));
}

TEST(PlanTables, NumbersAreOneADistinctSpec) {
  Plan(0, 0).expectError("has the kernel number 0, which another spec has too");
  Plan(0, 2).expectError("has no call with the kernel number 1");
  Plan(0, 1, "relu").expectError("the kernel numbers 0 and 1");
  Plan(0, -1).expectError("has the kernel number -1, expected 0..65535");
}

TEST(PlanTables, ColumnsAreThoseOfTheModel) {
  Plan(0, 1, "gelu", 16).expectError("has 32 columns, but the model's rows have 16");
  Plan(0, 1, "gelu", 32, 20).expectError("gives 32 columns, but vocab of the model is 20");
}

} // namespace

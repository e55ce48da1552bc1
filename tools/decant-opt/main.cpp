// decant-opt: runs decant's passes on textual IR, for tests and for looking at what a pass does.
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"
#include "compiler/passes/Pipeline.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry
      .insert<decant::dec::DecDialect, decant::plan::PlanDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect>();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  decant::registerDecantPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "decant's pass tester\n", registry));
}

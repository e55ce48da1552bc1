#include "tests/artifact/CompiledModel.h"

#include "compiler/artifact/Artifact.h"
#include "compiler/dialect/Dec.h"
#include "compiler/import/Families.h"
#include "compiler/import/Import.h"
#include "compiler/passes/Pipeline.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/TargetParser/Host.h"

namespace decant::test {

using Change = std::function<void(mlir::ModuleOp, llvm::StringRef)>;

static llvm::Error write(mlir::ModuleOp module, const WeightSet &weights, const std::string &output,
                         const Change &change) {
  auto phaseEnds = [&](unsigned, llvm::StringRef phase) {
    if (change)
      change(module, phase);
    return true;
  };
  if (mlir::failed(runPhases(module, phaseEnds)))
    return llvm::createStringError("a phase failed");
  ArtifactOptions options;
  options.output = output;
  options.kind = llvm::StringRef(output).ends_with(".so") ? EmitKind::Library : EmitKind::Executable;
  options.targets = {llvm::sys::getHostCPUFeatures().lookup("avx512bw") ? "x86-64-v4" : "x86-64-v3"};
  options.kernels.worker = DECANT_KERNEL_WORKER;
  options.kernels.cacheDir = DECANT_KERNEL_CACHE;
  options.runtimeDir = DECANT_RUNTIME_DIR;
  auto report = writeArtifact(module, weights, options);
  return report ? llvm::Error::success() : report.takeError();
}

static llvm::Error compile(const std::string &folder, const std::string &output) {
  mlir::MLIRContext context;
  auto config = readConfig(folder);
  if (!config)
    return config.takeError();
  auto weights = WeightSet::openFolder(folder);
  if (!weights)
    return weights.takeError();
  auto text = readTextTables(folder, config->vocab);
  if (!text)
    return text.takeError();
  auto module = importModel(context, *config, *weights, *text);
  return module ? write(**module, *weights, output, {}) : module.takeError();
}

std::string compileModel(const std::string &folder, const std::string &output) {
  llvm::Error error = compile(folder, output);
  return error ? llvm::toString(std::move(error)) : "";
}

std::string compileIr(const std::string &text, const std::string &weights, const std::string &output,
                      const Change &change) {
  mlir::MLIRContext context;
  context.loadDialect<dec::DecDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return "the IR does not parse";
  auto set = WeightSet::openFile(weights);
  llvm::Error error = set ? write(*module, *set, output, change) : set.takeError();
  return error ? llvm::toString(std::move(error)) : "";
}

std::string scratchFolder() {
  struct Folder {
    llvm::SmallString<128> path;
    Folder() { (void)llvm::sys::fs::createUniqueDirectory("decant-test", path); }
    ~Folder() { llvm::sys::fs::remove_directories(path); }
  };
  static Folder folder;
  return folder.path.str().str();
}

} // namespace decant::test

#include "tests/artifact/CompiledModel.h"

#include "compiler/artifact/Artifact.h"
#include "compiler/import/Import.h"
#include "compiler/passes/Pipeline.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/TargetParser/Host.h"

namespace decant::test {

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
  if (!module)
    return module.takeError();
  if (mlir::failed(runPhases(**module, [](unsigned, llvm::StringRef) { return true; })))
    return llvm::createStringError("a phase failed");
  ArtifactOptions options;
  options.output = output;
  options.kind = llvm::StringRef(output).ends_with(".so") ? EmitKind::Library : EmitKind::Executable;
  options.targets = {llvm::sys::getHostCPUFeatures().lookup("avx512bw") ? "x86-64-v4" : "x86-64-v3"};
  options.kernels.worker = DECANT_KERNEL_WORKER;
  options.kernels.cacheDir = DECANT_KERNEL_CACHE;
  options.runtimeDir = DECANT_RUNTIME_DIR;
  auto report = writeArtifact(**module, *weights, options);
  return report ? llvm::Error::success() : report.takeError();
}

std::string compileModel(const std::string &folder, const std::string &output) {
  llvm::Error error = compile(folder, output);
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

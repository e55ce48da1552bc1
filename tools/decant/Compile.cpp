// decant compile: model -> phases (dumped or printed on the way) -> artifact. Reads as the list of its steps.
#include "compiler/artifact/Artifact.h"
#include "compiler/config/Errors.h"
#include "compiler/weights/AtomicFile.h"
#include "tools/decant/Commands.h"
#include "tools/decant/CompileReport.h"
#include "tools/decant/Interrupt.h"
#include "tools/decant/LoadModel.h"
#include "tools/decant/Targets.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

#include <unistd.h>

namespace fs = llvm::sys::fs;

namespace decant::cli {
namespace {

llvm::Error checkDType(const std::string &dtype) {
  if (dtype == "f32")
    return llvm::Error::success();
  const std::vector<std::string> later{"bf16", "int8", "int4"};
  if (llvm::is_contained(later, dtype))
    return unsupported(fmt::format("--dtype {}: not in this version; known is f32", dtype));
  return userError(ExitCode::Usage, fmt::format("--dtype {}: no such type; did you mean {}? (known is f32)", dtype,
                                                nearest(dtype, {"f32", "bf16", "int8", "int4"})));
}

llvm::Expected<EmitKind> emitKind(const CompileOptions &options) {
  if (options.emit.empty())
    return llvm::StringRef(options.output).ends_with(".so") ? EmitKind::Library : EmitKind::Executable;
  if (options.emit == "exe")
    return EmitKind::Executable;
  if (options.emit == "lib")
    return EmitKind::Library;
  return userError(ExitCode::Usage, fmt::format("--emit {}: expected exe or lib", options.emit));
}

llvm::Error checkPhase(const std::string &phase) {
  std::vector<std::string> names;
  for (llvm::StringRef name : phaseNames())
    names.push_back(name.str());
  if (phase.empty() || llvm::is_contained(names, phase))
    return llvm::Error::success();
  return userError(ExitCode::Usage, fmt::format("--emit-ir={}: no such phase; did you mean {}? (phases: {})", phase,
                                                nearest(phase, names), fmt::join(names, ", ")));
}

/// Locations stay: layers and tensors have their names from them after a dump is read back.
std::string textOf(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out, mlir::OpPrintingFlags().enableDebugInfo(true, /*prettyForm=*/false));
  return text;
}

llvm::Error writeText(const std::string &path, const std::string &text) {
  removeOnInterrupt(fmt::format("{}.tmp-{}-", path, getpid()));
  auto file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (llvm::Error error = file->write(text.data(), text.size()))
    return error;
  return file->commit();
}

llvm::Error printText(const std::string &text) {
  if (fwrite(text.data(), 1, text.size(), stdout) == text.size() && fflush(stdout) == 0)
    return llvm::Error::success();
  if (errno == EPIPE)
    return llvm::Error::success(); // the reader has seen enough
  return userError(ExitCode::Resource, "cannot write to standard output");
}

/// Runs the phases; true if the pipeline went to its end, false if --emit-ir stopped it.
llvm::Expected<bool> runAllPhases(mlir::ModuleOp module, const CompileOptions &options, CompileReport &report) {
  if (!options.dumpPhases.empty())
    if (std::error_code error = fs::create_directories(options.dumpPhases))
      return userError(exitCodeOfErrno(error.value()),
                       fmt::format("--dump-phases={}: {}", options.dumpPhases, error.message()));
  llvm::Error failure = llvm::Error::success();
  bool printed = false;
  auto callback = [&](unsigned number, llvm::StringRef name) {
    report.endPhase(name);
    bool print = options.emitIr == name;
    if (!print && options.dumpPhases.empty())
      return true;
    std::string text = textOf(module);
    if (!options.dumpPhases.empty())
      failure = llvm::joinErrors(std::move(failure),
                                 writeText(fmt::format("{}/{}.{}.mlir", options.dumpPhases, number, name.str()), text));
    if (print)
      failure = llvm::joinErrors(std::move(failure), printText(text));
    printed |= print;
    report.startPhase();
    return !failure && !print;
  };
  llvm::Error error = runPhasesOf(module, isFolder(options.model), callback);
  if (failure) {
    llvm::consumeError(std::move(error));
    return failure;
  }
  if (error)
    return error;
  if (!options.emitIr.empty() && !printed)
    return userError(ExitCode::Usage,
                     fmt::format("--emit-ir={}: {} is past that phase", options.emitIr, options.model));
  return !printed;
}

ArtifactOptions artifactOptions(const CompileOptions &options, EmitKind kind, const std::vector<std::string> &targets) {
  ArtifactOptions artifact;
  artifact.output = options.output;
  artifact.kind = kind;
  artifact.targets = targets;
  artifact.kernels.jobs = options.jobs;
  artifact.kernels.useCache = !options.noCache;
  artifact.kernels.cacheDir = options.cacheDir;
  artifact.kernels.warn = [](const std::string &text) { fmt::print(stderr, "warning: {}\n", text); };
  if (isatty(STDERR_FILENO))
    artifact.packingProgress = [](uint64_t done, uint64_t total) {
      fmt::print(stderr, "\rweights {}%{}", 100 * done / std::max<uint64_t>(total, 1), done == total ? "\r\033[K" : "");
    };
  if (isatty(STDERR_FILENO))
    artifact.kernels.progress = [](size_t done, size_t total) {
      fmt::print(stderr, "\rkernels {}/{}{}", done, total, done == total ? "\r\033[K" : "");
    };
  return artifact;
}

void sayNext(const CompileOptions &options, EmitKind kind) {
  if (!isatty(STDERR_FILENO))
    return;
  bool isPath = options.output.find('/') != std::string::npos;
  std::string program = (isPath ? "" : "./") + options.output;
  fmt::print(stderr, "{}: next, {}\n", options.output,
             kind == EmitKind::Library ? "decant inspect " + options.output : program + " --help");
}

} // namespace

llvm::Error runCompile(const CompileOptions &options) {
  catchInterrupts();
  if (llvm::Error error = checkDType(options.dtype))
    return error;
  if (llvm::Error error = checkPhase(options.emitIr))
    return error;
  auto kind = emitKind(options);
  if (!kind)
    return kind.takeError();
  auto targets = resolveTargets(options.targets);
  if (!targets)
    return targets.takeError();
  if (!options.output.empty())
    if (llvm::Error error = checkOutput(options.output, options.model, options.weights))
      return error;
  auto scratch = ScratchFolder::create();
  if (!scratch)
    return scratch.takeError();

  CompileReport report;
  ModelContext context;
  auto model = loadModel(context, {options.model, options.weights, options.maxBatch, options.maxContext});
  if (!model)
    return model.takeError();
  auto complete = runAllPhases(*model->module, options, report);
  if (!complete)
    return complete.takeError();
  if (!*complete)
    return llvm::Error::success();

  removeOnInterrupt(fmt::format("{}.tmp-{}-", options.output, getpid()));
  auto artifact = writeArtifact(*model->module, model->weights, artifactOptions(options, *kind, *targets));
  if (!artifact)
    return artifact.takeError();
  if (options.report)
    report.print(*artifact, *targets);
  sayNext(options, *kind);
  return llvm::Error::success();
}

} // namespace decant::cli

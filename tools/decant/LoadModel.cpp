#include "tools/decant/LoadModel.h"

#include "compiler/config/Errors.h"
#include "compiler/dialect/Dec.h"
#include "compiler/dialect/Plan.h"
#include "compiler/import/LinkPrelude.h"
#include "compiler/text/TextTables.h"
#include "compiler/text/Tokenizer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>

using namespace mlir;
namespace fs = llvm::sys::fs;

namespace decant::cli {
namespace {

/// "FILE:LINE:COLUMN: text", notes on lines of their own.
void addDiagnostic(std::string &text, const Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() != DiagnosticSeverity::Error && diagnostic.getSeverity() != DiagnosticSeverity::Note)
    return;
  llvm::raw_string_ostream out(text);
  if (!text.empty())
    out << "\n";
  if (auto place = diagnostic.getLocation()->findInstanceOf<FileLineColLoc>())
    out << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn() << ": ";
  else if (auto name = diagnostic.getLocation()->findInstanceOf<NameLoc>())
    out << name.getName().getValue() << ": ";
  out << diagnostic.str();
  for (const Diagnostic &note : diagnostic.getNotes()) {
    std::string inner;
    addDiagnostic(inner, note);
    out << "\n  note: " << inner;
  }
}

/// Collects the diagnostics of a scope.
struct DiagnosticText {
  explicit DiagnosticText(MLIRContext *context)
      : handler(context, [this](Diagnostic &diagnostic) {
          addDiagnostic(text, diagnostic);
          return success();
        }) {}
  std::string text;
  ScopedDiagnosticHandler handler;
};

llvm::Expected<LoadedModel> loadFolder(MLIRContext &context, const ModelSource &source) {
  if (!source.weights.empty())
    return userError(
        ExitCode::Usage,
        fmt::format("--weights goes with a .mlir file; {} is a folder with weights of its own", source.path));
  auto config = readConfig(source.path);
  if (!config)
    return config.takeError();
  auto weights = WeightSet::openFolder(source.path);
  if (!weights)
    return weights.takeError();
  auto text = readTextTables(source.path, config->vocab);
  if (!text)
    return text.takeError();
  ImportOptions options;
  if (!*text) {
    auto tokenizer = readTokenizer(source.path, config->family, config->vocab);
    if (!tokenizer)
      return tokenizer.takeError();
    options.tokenizer = std::move(*tokenizer);
  }
  options.maxBatch = source.maxBatch.value_or(options.maxBatch);
  options.maxContext = source.maxContext;
  auto module = importModel(context, *config, *weights, *text, options);
  if (!module)
    return module.takeError();
  return LoadedModel{std::move(*module), std::move(*weights)};
}

llvm::Expected<LoadedModel> loadFile(MLIRContext &context, const ModelSource &source) {
  if (source.weights.empty())
    return userError(
        ExitCode::Usage,
        fmt::format("{}: a .mlir file names tensors but holds none; add --weights W.safetensors", source.path));
  if (source.maxBatch || source.maxContext)
    return userError(ExitCode::Usage, fmt::format("{}: the limits of a .mlir file stand in its dec.model; leave out "
                                                  "--max-batch and --max-context, or compile from the model folder",
                                                  source.path));
  auto weights = WeightSet::openFile(source.weights);
  if (!weights)
    return weights.takeError();
  DiagnosticText diagnostics(&context);
  // Unverified at first: masks that the file takes from the prelude are missing until they are linked.
  auto module = parseSourceFile<ModuleOp>(source.path, ParserConfig(&context, /*verifyAfterParse=*/false));
  if (!module)
    return badInput(diagnostics.text);
  dec::ModelOp model = dec::findModel(*module);
  if (model && failed(linkPrelude(model)))
    return badInput(diagnostics.text);
  if (failed(verify(*module)))
    return badInput(diagnostics.text);
  if (!model)
    return badInput(source.path + ": expected one dec.model, found none or several");
  return LoadedModel{std::move(module), std::move(*weights)};
}

DialectRegistry dialects() {
  DialectRegistry registry;
  registry.insert<dec::DecDialect, plan::PlanDialect, arith::ArithDialect, func::FuncDialect>();
  return registry;
}

} // namespace

ModelContext::ModelContext() : MLIRContext(dialects(), Threading::DISABLED) {
  loadAllAvailableDialects();
  printOpOnDiagnostic(false); // a message is a sentence, not a page of IR
}

bool isFolder(const std::string &path) { return llvm::sys::fs::is_directory(path); }

llvm::Error checkOutput(const std::string &output, const std::string &model, const std::string &weights) {
  std::vector<std::string> inputs{model, weights};
  if (isFolder(model)) {
    std::error_code error;
    for (fs::directory_iterator it(model, error), end; !error && it != end; it.increment(error))
      inputs.push_back(it->path());
  }
  for (const std::string &input : inputs)
    if (!input.empty() && fs::equivalent(input, output))
      return userError(ExitCode::Usage, fmt::format("-o {}: this is an input; choose another file", output));
  if (isFolder(output))
    return userError(ExitCode::Usage, fmt::format("-o {}: this is a folder; name a file", output));
  llvm::StringRef parent = llvm::sys::path::parent_path(output);
  if (!parent.empty() && !isFolder(parent.str()))
    return userError(ExitCode::Usage, fmt::format("-o {}: there is no folder {}; make it first", output, parent.str()));
  return llvm::Error::success();
}

llvm::Expected<LoadedModel> loadModel(MLIRContext &context, const ModelSource &source) {
  if (isFolder(source.path))
    return loadFolder(context, source);
  if (!llvm::sys::fs::exists(source.path))
    return badInput(source.path +
                    ": no such folder or file; expected a model folder (config.json, model.safetensors) or a "
                    ".mlir file");
  if (llvm::sys::path::extension(source.path) != ".mlir")
    return badInput(source.path + ": expected a model folder or a file that ends in .mlir");
  return loadFile(context, source);
}

llvm::Error runPhasesOf(ModuleOp module, bool importedByDecant, const PhaseCallback &callback) {
  DiagnosticText diagnostics(module.getContext());
  if (succeeded(runPhases(module, callback)))
    return llvm::Error::success();
  return userError(importedByDecant ? ExitCode::Internal : ExitCode::BadInput, diagnostics.text);
}

} // namespace decant::cli

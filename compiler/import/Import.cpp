// The checks around a family's build. See Import.h.
#include "compiler/import/Import.h"
#include "compiler/config/Errors.h"
#include "compiler/import/ModelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant {
namespace {

constexpr int64_t kDefaultContext = 4096;

llvm::Expected<int64_t> chooseContext(const DecoderConfig &config, const ImportOptions &options) {
  int64_t context = options.maxContext.value_or(
      std::min(config.maxPositions, config.defaultContext ? config.defaultContext : kDefaultContext));
  if (context < 1)
    return userError(ExitCode::Usage, fmt::format("the maximal context is {}, expected at least 1", context));
  if (context > config.maxPositions)
    return userError(ExitCode::Resource,
                     fmt::format("the maximal context is {}, but the model has {} positions; ask for at most that many",
                                 context, config.maxPositions));
  return context;
}

/// Whatever the verifier finds is an error of the importer, with its text.
llvm::Error verifyModule(ModuleOp module) {
  std::string text;
  ScopedDiagnosticHandler handler(module.getContext(), [&](Diagnostic &diagnostic) {
    text += (text.empty() ? "" : "\n") + diagnostic.str();
    return success();
  });
  if (succeeded(verify(module)))
    return llvm::Error::success();
  return userError(ExitCode::Internal, "the imported model does not verify: " + text);
}

} // namespace

llvm::Expected<OwningOpRef<ModuleOp>> importModel(MLIRContext &context, const DecoderConfig &config,
                                                  const WeightSet &weights, const std::optional<CharacterTables> &text,
                                                  const ImportOptions &options) {
  llvm::Expected<int64_t> maxContext = chooseContext(config, options);
  if (!maxContext)
    return maxContext.takeError();
  if (options.maxBatch < 1 || options.maxBatch > dec::kMaxBatch)
    return userError(ExitCode::Usage,
                     fmt::format("the maximal batch is {}, expected 1..{}", options.maxBatch, dec::kMaxBatch));
  context.loadDialect<dec::DecDialect, func::FuncDialect, arith::ArithDialect>();

  ModelBuilder builder(context, config, weights, options, *maxContext);
  if (config.vocab > 0)
    builder.addGeneration();
  if (text)
    builder.addText(*text);
  else if (!options.tokenizer.empty())
    builder.addTokenizer(options.tokenizer);
  config.build(builder);
  if (llvm::Error error = builder.weights.problems(config.family))
    return error;
  OwningOpRef<ModuleOp> module = builder.take();
  if (llvm::Error error = verifyModule(*module))
    return error;
  return module;
}

} // namespace decant

// decant inspect: an artifact (InspectArtifact.cpp), or a model and what would be compiled from it.
#include "compiler/config/Errors.h"
#include "compiler/dialect/Dec.h"
#include "tools/decant/Artifact.h"
#include "tools/decant/Commands.h"
#include "tools/decant/InspectArtifact.h"
#include "tools/decant/LoadModel.h"
#include "tools/decant/Outline.h"

#include "llvm/Support/FileSystem.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace decant::cli {
namespace {

Outline stack(const StackConfig &config) {
  Outline out;
  out.add("layers", config.layers);
  out.add("heads", config.heads);
  out.add("kv_heads", config.kvHeads);
  out.add("ffn", config.ffn);
  return out;
}

Outline describeConfig(const DecoderConfig &config) {
  Outline out;
  out.add("model_type", config.family);
  out.add("width", config.width);
  out.add("vocab", config.vocab);
  out.add("max_positions", config.maxPositions);
  if (config.encoder.layers)
    out.add("encoder", stack(config.encoder));
  out.add("decoder", stack(config.decoder));
  out.add("activation", config.activation == ConfigActivation::Gelu ? "gelu" : "relu");
  out.add("norm_eps", config.normEps);
  out.add("norm_first", config.normFirst);
  out.add("bias", config.bias);
  if (config.kind == ModelKind::TorchDecoder)
    out.add("batch_first", config.batchFirst);
  return out;
}

void addTensors(const WeightSet &weights, Outline &out) {
  Outline::List list;
  int64_t elements = 0;
  for (const auto &[name, view] : weights.tensors()) {
    Outline entry;
    int64_t count = 1;
    for (int64_t extent : view.shape)
      count *= extent;
    elements += count;
    entry.add("name", name);
    entry.add("shape", Outline::List(view.shape.begin(), view.shape.end()));
    entry.add("type", view.dtypeName);
    list.push_back(std::move(entry));
  }
  out.add("parameters", elements);
  out.add("tensors", std::move(list));
}

/// Masks, scores and caches as the phases up to "cache" make them.
llvm::Error addCompiled(LoadedModel &model, bool importedByDecant, Outline &out) {
  auto untilCache = [](unsigned, llvm::StringRef name) { return name != "cache"; };
  if (llvm::Error error = runPhasesOf(*model.module, importedByDecant, untilCache))
    return error;
  Outline::List masks, caches;
  model.module->walk([&](mlir::Operation *op) {
    if (mlir::isa<dec::MaskOp, dec::ScoreOp>(op)) {
      std::string text;
      llvm::raw_string_ostream stream(text);
      op->print(stream, mlir::OpPrintingFlags().useLocalScope());
      masks.push_back(std::move(text));
    } else if (auto cache = mlir::dyn_cast<dec::CacheOp>(op)) {
      Outline entry;
      entry.add("name", cache.getSymName().str());
      entry.add("kind", dec::stringifyCacheKind(cache.getKind()).str());
      entry.add("kv_heads", cache.getKvHeads());
      entry.add("head_dim", cache.getHeadDim());
      entry.add("block_tokens", cache.getBlock());
      if (cache.getWindow())
        entry.add("window", *cache.getWindow());
      caches.push_back(std::move(entry));
    }
  });
  dec::ModelOp op = dec::findModel(*model.module);
  out.add("max_batch", op.getMaxBatch());
  out.add("max_context", op.getMaxContext());
  out.add("max_source", op.getMaxSource());
  out.add("masks", std::move(masks));
  out.add("caches", std::move(caches));
  return llvm::Error::success();
}

llvm::Expected<Outline> describeModel(const InspectOptions &options) {
  Outline out;
  ModelContext context;
  auto model = loadModel(context, {options.model, options.weights, std::nullopt, std::nullopt});
  if (!model)
    return model.takeError();
  if (isFolder(options.model)) {
    auto config = readConfig(options.model);
    if (!config)
      return config.takeError();
    out.add("config", describeConfig(*config));
  }
  addTensors(model->weights, out);
  if (llvm::Error error = addCompiled(*model, isFolder(options.model), out))
    return error;
  return out;
}

} // namespace

llvm::Error runInspect(const InspectOptions &options) {
  bool isModel = isFolder(options.model) || llvm::StringRef(options.model).ends_with(".mlir");
  auto outline = isModel ? describeModel(options) : describeArtifact(options.model);
  if (!outline)
    return outline.takeError();
  std::string text;
  llvm::raw_string_ostream out(text);
  options.json ? printJson(out, *outline) : printText(out, *outline);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    if (errno != EPIPE)
      return userError(ExitCode::Resource, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  return llvm::Error::success();
}

} // namespace decant::cli

// config.json of a torch.nn.TransformerDecoder / TransformerDecoderLayer -> DecoderConfig.
//
// A state dict does not hold these values, so the folder's config names them by the constructor's arguments; defaults
// are PyTorch's. No vocabulary, no generation:
// a generation_config.json is refused. Tested in tests/config/TorchDecoderTest.cpp.
#include "compiler/config/Families.h"
#include "compiler/config/Limits.h"

#include <fmt/format.h>

using namespace decant;

namespace {

ConfigActivation readActivation(KeyReader &keys) {
  std::string name = keys.text("activation", "relu");
  if (name != "relu" && name != "gelu")
    keys.refuse(ExitCode::Unsupported, "activation",
                fmt::format("the activation {} is not supported; known: \"relu\", \"gelu\" (erf)", json::quote(name)));
  return name == "gelu" ? ConfigActivation::Gelu : ConfigActivation::Relu;
}

} // namespace

llvm::Expected<DecoderConfig> decant::readTorchDecoder(const FamilyInput &input) {
  if (input.generation)
    return unsupported(
        fmt::format("{}: a model of type torch_transformer_decoder generates no text, so this file would "
                    "be ignored; remove it",
                    input.generationPath));
  KeyReader keys(input.config, input.configPath);
  DecoderConfig result;
  result.family = keys.text("model_type", std::nullopt);
  result.kind = ModelKind::TorchDecoder;
  result.tiedHead = false;
  result.width = keys.integer("d_model", std::nullopt, 1, limits::hidden);
  result.decoder.heads = keys.integer("nhead", std::nullopt, 1, limits::heads);
  result.decoder.kvHeads = result.decoder.heads;
  result.decoder.layers = keys.integer("num_layers", std::nullopt, 1, limits::layers);
  result.decoder.ffn = keys.integer("dim_feedforward", 2048, 1, limits::ffn);
  result.maxPositions = keys.integer("max_position_embeddings", 4096, 1, limits::context);
  result.activation = readActivation(keys);
  // A smallest normal float keeps x / sqrt(eps) finite for a constant row.
  result.normEps = keys.real("layer_norm_eps", 1e-5, 1.1754943508222875e-38, 1.0);
  result.normFirst = keys.boolean("norm_first", false);
  result.batchFirst = keys.boolean("batch_first", false);
  result.bias = keys.boolean("bias", true);
  if (result.width % result.decoder.heads != 0)
    keys.refuse(ExitCode::BadInput, "nhead",
                fmt::format("{} heads do not divide \"d_model\" = {}", result.decoder.heads, result.width));
  keys.harmless({"dropout", "architectures", "dtype", "torch_dtype", "torch_version", "transformers_version"});
  if (llvm::Error error = keys.finish())
    return error;
  return result;
}

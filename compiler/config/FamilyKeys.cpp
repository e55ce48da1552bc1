// See FamilyKeys.h. Tested in tests/config and, through the families, tests/import.
#include "compiler/config/FamilyKeys.h"

#include <fmt/format.h>

using namespace decant;

void decant::acceptCommonKeys(KeyReader &keys) {
  // Training, bookkeeping, output options, the dtype of the file (the tensors name theirs), pipelines' presets.
  keys.harmless({"*dropout*",
                 "*layerdrop",
                 "init_std",
                 "initializer_*",
                 "summary_*",
                 "id2label",
                 "label2id",
                 "num_labels",
                 "problem_type",
                 "finetuning_task",
                 "mask_time_*",
                 "mask_feature_*",
                 "apply_spec_augment",
                 "architectures",
                 "_name_or_path",
                 "name_or_path",
                 "transformers_version",
                 "torch_dtype",
                 "dtype",
                 "gradient_checkpointing",
                 "use_cache",
                 "output_past",
                 "output_attentions",
                 "output_hidden_states",
                 "return_dict",
                 "torchscript",
                 "use_bfloat16",
                 "chunk_size_feed_forward",
                 "tokenizer_class",
                 "sep_token_id",
                 "task_specific_params",
                 "prefix",
                 "_attn_implementation*",
                 "attn_implementation",
                 "save_step"});
}

ConfigActivation decant::readActivation(KeyReader &keys, llvm::StringRef key, llvm::StringRef defaultName) {
  static constexpr std::pair<llvm::StringLiteral, ConfigActivation> kKnown[] = {
      {"gelu", ConfigActivation::Gelu},          {"relu", ConfigActivation::Relu},
      {"gelu_new", ConfigActivation::GeluTanh},  {"gelu_pytorch_tanh", ConfigActivation::GeluTanh},
      {"gelu_fast", ConfigActivation::GeluTanh}, {"silu", ConfigActivation::Silu},
      {"swish", ConfigActivation::Silu},         {"quick_gelu", ConfigActivation::QuickGelu},
  };
  std::string name = keys.text(key, defaultName.str()), known;
  for (auto [text, activation] : kKnown) {
    if (text == name)
      return activation;
    known += (known.empty() ? "\"" : ", \"") + text.str() + "\"";
  }
  keys.refuse(ExitCode::Unsupported, key,
              fmt::format("the activation {} is not supported; known: {}", json::quote(name), known));
  return ConfigActivation::Gelu;
}

/// A class's default ids are far below any real vocabulary, but a config may name a tiny one.
static void checkDefaultIds(KeyReader &keys, const GenerationConfig &g, int64_t vocab) {
  auto check = [&](llvm::StringRef key, int64_t id) {
    if (id >= vocab)
      keys.refuse(ExitCode::BadInput, key,
                  fmt::format("missing, and its default {} is outside the vocabulary of {}", id, vocab));
  };
  check("bos_token_id", g.bosTokenId);
  check("pad_token_id", g.padTokenId);
  check("decoder_start_token_id", g.decoderStartTokenId);
  check("forced_eos_token_id", g.forcedEosTokenId);
  for (int32_t id : g.eosTokenIds)
    check("eos_token_id", id);
}

llvm::Error decant::finishFamily(const FamilyInput &input, KeyReader &keys, const GenerationConfig &defaults,
                                 DecoderConfig &config, llvm::ArrayRef<llvm::StringRef> own) {
  acceptCommonKeys(keys);
  GenerationConfig &g = config.generation = defaults;
  readGenerationKeys(keys, g, config.vocab, own);
  if (!input.generation)
    checkDefaultIds(keys, g, config.vocab);
  if (llvm::Error error = keys.finish())
    return error;
  if (input.generation) {
    // As in transformers: the file replaces the generation keys of config.json as a whole.
    llvm::Expected<GenerationConfig> file =
        readGenerationFile(*input.generation, input.generationPath, config.vocab, own);
    if (!file)
      return file.takeError();
    g = *file;
  }
  if (config.kind != ModelKind::EncoderDecoder)
    return llvm::Error::success();
  if (g.decoderStartTokenId < 0)
    g.decoderStartTokenId = g.bosTokenId;
  if (g.decoderStartTokenId < 0)
    return badInput(fmt::format("{}: no decoder_start_token_id and no bos_token_id; generation cannot start; add one",
                                input.generation ? input.generationPath : input.configPath));
  return llvm::Error::success();
}

// A model folder -> DecoderConfig: finds the family by model_type and hands the files to its reader.
#include "compiler/import/Families.h"

#include "compiler/config/RegularFile.h"

#include <fmt/format.h>

#include <optional>
#include <sys/stat.h>

using namespace decant;

namespace {

struct Family {
  llvm::StringRef modelType;
  llvm::Expected<DecoderConfig> (*read)(const FamilyInput &);
};

// clang-format off: one row a family
const Family families[] = {
    {"bart", readBart},
    {"bloom", readBloom},
    {"falcon", readFalcon},
    {"gemma", readGemma},
    {"gemma2", readGemma2},
    {"gpt2", readGpt2},
    {"gpt_neox", readGptNeoX},
    {"llama", readLlama},
    {"m2m_100", readM2M100},
    {"marian", readMarian},
    {"mbart", readMBart},
    {"mistral", readMistral},
    {"mt5", readT5},
    {"opt", readOpt},
    {"pegasus", readPegasus},
    {"phi3", readPhi3},
    {"qwen2", readQwen2},
    {"qwen3", readQwen3},
    {"t5", readT5},
    {"torch_transformer_decoder", readTorchDecoder},
    {"whisper", readWhisper},
};
// clang-format on

llvm::Error unknownFamily(const std::string &path, llvm::StringRef modelType) {
  std::string known;
  const Family *nearest = &families[0];
  for (const Family &family : families) {
    known += (known.empty() ? "" : ", ") + family.modelType.str();
    if (modelType.edit_distance(family.modelType) < modelType.edit_distance(nearest->modelType))
      nearest = &family;
  }
  return unsupported(fmt::format("{}: the model_type {} is not supported; known: {}; the nearest is {}", path,
                                 json::quote(modelType), known, nearest->modelType.str()));
}

llvm::Expected<const Family *> findFamily(const json::Value &config, const std::string &path) {
  const json::Value *type = config.find("model_type");
  if (!type || !type->is(json::Kind::String))
    return badInput(fmt::format("{}: key \"model_type\": {}; expected a string such as \"bart\" or "
                                "\"torch_transformer_decoder\"",
                                path, type ? "found " + json::excerpt(*type) : "missing"));
  llvm::StringRef name(type->text());
  for (const Family &family : families)
    if (family.modelType == name)
      return &family;
  return unknownFamily(path, name.take_front(64));
}

llvm::Error checkFolder(const std::string &folder) {
  struct stat info;
  if (::stat(folder.c_str(), &info) != 0)
    return badInput(fmt::format("{}: no such folder; give a folder with config.json and model.safetensors", folder));
  if (!S_ISDIR(info.st_mode))
    return badInput(fmt::format("{}: not a folder; give a folder with config.json and model.safetensors", folder));
  return llvm::Error::success();
}

} // namespace

llvm::Expected<DecoderConfig> decant::readConfig(const std::string &folder) {
  if (llvm::Error error = checkFolder(folder))
    return error;
  std::string configPath = folder + "/config.json", generationPath = folder + "/generation_config.json";
  if (!pathExists(configPath))
    return badInput(fmt::format("{}: no such file; a model folder has config.json and model.safetensors", configPath));
  llvm::Expected<json::Value> config = json::parseFile(configPath);
  if (!config)
    return config.takeError();
  llvm::Expected<const Family *> family = findFamily(*config, configPath);
  if (!family)
    return family.takeError();

  std::optional<json::Value> generation;
  if (pathExists(generationPath)) {
    llvm::Expected<json::Value> file = json::parseFile(generationPath);
    if (!file)
      return file.takeError();
    generation = std::move(*file);
  }
  FamilyInput input{*config, configPath, generation ? &*generation : nullptr, generationPath};
  return (*family)->read(input);
}

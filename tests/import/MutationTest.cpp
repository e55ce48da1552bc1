// Damaged config.json and generation_config.json of every family: refused with their name, or imported; never a crash.
#include "compiler/import/Families.h"
#include "compiler/import/Import.h"
#include "tests/config/TestSupport.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <random>
#include <regex>

using namespace decant;
using namespace decant::test;

namespace {

/// Flipped bits, or one of the numbers, words and lists replaced by a value at an edge.
std::string damage(const std::string &text, std::mt19937 &random) {
  static const char *const kValues[] = {"0",    "-1",   "1",     "3",     "2147483648", "9223372036854775807",
                                        "1e38", "null", "true",  "false", "0.5",        "-0.0",
                                        "\"\"", "[]",   "[1,2]", "{}",    "1e999",      "\"relu\""};
  std::string result = text;
  if (random() % 4 == 0) {
    for (int i = 0; i < 3; ++i)
      result[random() % result.size()] ^= static_cast<char>(1u << random() % 7);
    return result;
  }
  static const std::regex kValue(R"(: *(-?[0-9.e+-]+|true|false|null|"[^"]*"))");
  std::vector<std::pair<size_t, size_t>> places;
  for (std::sregex_iterator it(text.begin(), text.end(), kValue), end; it != end; ++it)
    places.emplace_back(it->position(1), it->length(1));
  if (places.empty())
    return result;
  auto [at, length] = places[random() % places.size()];
  return result.replace(at, length, kValues[random() % std::size(kValues)]);
}

std::vector<std::string> goldenFolders() {
  std::vector<std::string> folders;
  for (const char *kind : {"decoder_only", "encoder_decoder", "bart"})
    for (const auto &entry : std::filesystem::directory_iterator(std::string(DECANT_TESTS "/golden/") + kind))
      folders.push_back(entry.path().string());
  std::sort(folders.begin(), folders.end());
  return folders;
}

struct Damaged : testing::TestWithParam<std::string> {};

TEST_P(Damaged, ConfigsAreRefusedOrImported) {
  constexpr uint32_t kSeed = 29;
  std::mt19937 random(kSeed);
  int refusals = 0, imports = 0;
  for (const char *name : {"config.json", "generation_config.json"}) {
    if (!std::filesystem::exists(GetParam() + "/" + name))
      continue;
    const std::string whole = readBytes(GetParam() + "/" + name);
    for (int round = 0; round < 80; ++round) {
      TempFolder copy;
      for (const char *other : {"config.json", "generation_config.json"})
        if (std::filesystem::exists(GetParam() + "/" + other))
          copy.write(other, readBytes(GetParam() + "/" + other));
      copy.write(name, damage(whole, random));
      SCOPED_TRACE(testing::Message() << "seed " << kSeed << ", " << name << ", round " << round);
      auto config = readConfig(copy.path);
      if (!config) {
        EXPECT_NE(outcomeOf(config.takeError()).message.find(".json"), std::string::npos);
        ++refusals;
        continue;
      }
      auto weights = WeightSet::openFolder(GetParam());
      ASSERT_TRUE(bool(weights));
      mlir::MLIRContext context;
      auto module = importModel(context, *config, *weights, std::nullopt);
      if (module)
        ++imports;
      else
        EXPECT_NE(outcomeOf(module.takeError()).message, "");
    }
  }
  EXPECT_GT(refusals, 10);
  EXPECT_GT(imports, 2);
}

INSTANTIATE_TEST_SUITE_P(All, Damaged, testing::ValuesIn(goldenFolders()), [](const auto &info) {
  std::string name = std::filesystem::path(info.param).parent_path().filename().string() + "_" +
                     std::filesystem::path(info.param).filename().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

} // namespace

// Typed reads and the account of keys; checked arithmetic.
#include "compiler/config/KeyReader.h"
#include "compiler/config/Checked.h"
#include "tests/config/TestSupport.h"

using namespace decant;
using namespace decant::test;

namespace {

/// Runs `read` on an object and gives the outcome of finish().
template <typename Read> Outcome outcome(const std::string &text, Read read) {
  json::Value object = accepted(json::parse(text, "f"));
  KeyReader keys(object, "f");
  read(keys);
  return outcomeOf(keys.finish());
}

TEST(KeyReader, IntegersAreRangeChecked) {
  auto read = [](KeyReader &keys) { keys.integer("n", 7, 1, 100); };
  for (const char *good : {"{}", "{\"n\": 1}", "{\"n\": 100}"})
    EXPECT_EQ(outcome(good, read).code, ExitCode::Ok) << good;
  for (const char *bad : {"0", "-1", "101", "1.0", "1e1", "\"5\"", "null", "true", "[5]", "18446744073709551617"}) {
    Outcome result = outcome(std::string("{\"n\": ") + bad + "}", read);
    EXPECT_EQ(result.code, ExitCode::BadInput) << bad;
    EXPECT_EQ(result.message, std::string("f: key \"n\": expected an integer from 1 to 100, found ") + bad);
  }
}

TEST(KeyReader, RequiredKeysAreNamed) {
  EXPECT_EQ(outcome("{}", [](KeyReader &k) { k.integer("n", std::nullopt, 1, 9); }).message,
            "f: key \"n\": missing; expected an integer from 1 to 9");
  EXPECT_EQ(outcome("{}", [](KeyReader &k) { k.boolean("b", std::nullopt); }).message,
            "f: key \"b\": missing; expected true or false");
  EXPECT_EQ(outcome("{}", [](KeyReader &k) { k.text("t", std::nullopt); }).message,
            "f: key \"t\": missing; expected a string");
}

TEST(KeyReader, WrongTypesAreNamed) {
  EXPECT_EQ(outcome("{\"b\": 1}", [](KeyReader &k) { k.boolean("b", true); }).message,
            "f: key \"b\": expected true or false, found 1");
  EXPECT_EQ(outcome("{\"t\": null}", [](KeyReader &k) { k.text("t", ""); }).message,
            "f: key \"t\": expected a string, found null");
  EXPECT_EQ(outcome("{\"x\": \"1\"}", [](KeyReader &k) { k.real("x", 0, 0, 1); }).message,
            "f: key \"x\": expected a number from 0 to 1, found \"1\"");
  EXPECT_EQ(outcome("{\"x\": 1.5}", [](KeyReader &k) { k.real("x", 0, 0, 1); }).code, ExitCode::BadInput);
  EXPECT_EQ(outcome("[1]", [](KeyReader &) {}).message, "f: expected an object {...}, found [1]");
}

TEST(KeyReader, TokenIds) {
  std::vector<int32_t> ids;
  auto read = [&](KeyReader &k) { ids = k.tokenIds("t", {9}, 10); };
  outcome("{}", read);
  EXPECT_EQ(ids, std::vector<int32_t>{9});
  outcome("{\"t\": 3}", read);
  EXPECT_EQ(ids, std::vector<int32_t>{3});
  outcome("{\"t\": [0, 9]}", read);
  EXPECT_EQ(ids, (std::vector<int32_t>{0, 9}));
  outcome("{\"t\": null}", read);
  EXPECT_TRUE(ids.empty());
  for (const char *bad : {"10", "-1", "[1, 10]", "1.0", "\"1\"", "[[1]]"})
    EXPECT_EQ(outcome(std::string("{\"t\": ") + bad + "}", read).code, ExitCode::BadInput) << bad;
  Outcome two = outcome("{\"t\": [1, 2]}", [](KeyReader &k) { k.tokenId("t", -1, 10); });
  EXPECT_EQ(two.code, ExitCode::Unsupported);
  EXPECT_EQ(two.message, "f: key \"t\": a list of 2 token ids; only one is supported here");
}

TEST(KeyReader, NeutralValues) {
  auto flag = [](KeyReader &k) { k.neutral("k", false); };
  auto number = [](KeyReader &k) { k.neutral("k", 1.0); };
  auto word = [](KeyReader &k) { k.neutral("k", "dynamic"); };
  auto nothing = [](KeyReader &k) { k.neutral("k", {}); };
  for (const char *good : {"{}", "{\"k\": null}", "{\"k\": []}", "{\"k\": {}}"})
    EXPECT_EQ(outcome(good, nothing).code, ExitCode::Ok) << good;
  EXPECT_EQ(outcome("{\"k\": false}", flag).code, ExitCode::Ok);
  EXPECT_EQ(outcome("{\"k\": 1}", number).code, ExitCode::Ok);
  EXPECT_EQ(outcome("{\"k\": 1.0}", number).code, ExitCode::Ok);
  EXPECT_EQ(outcome("{\"k\": \"dynamic\"}", word).code, ExitCode::Ok);
  EXPECT_EQ(outcome("{\"k\": true}", flag).message, "f: key \"k\": the value true is not supported, only false");
  EXPECT_EQ(outcome("{\"k\": 1.2}", number).message, "f: key \"k\": the value 1.2 is not supported, only 1");
  EXPECT_EQ(outcome("{\"k\": \"static\"}", word).code, ExitCode::Unsupported);
  EXPECT_EQ(outcome("{\"k\": [[1]]}", nothing).message, "f: key \"k\": the value [[1]] is not supported, only null");
  EXPECT_EQ(outcome("{\"k\": 0}", flag).code, ExitCode::Unsupported);
}

TEST(KeyReader, UnknownKeysAreRefusedByName) {
  Outcome result = outcome("{\"a\": 1, \"rope_scaling\": {\"factor\": 2}}", [](KeyReader &k) { k.harmless({"a"}); });
  EXPECT_EQ(result.code, ExitCode::Unsupported);
  EXPECT_NE(result.message.find("unknown key \"rope_scaling\" with the value {\"factor\": 2}"), std::string::npos);
}

TEST(KeyReader, HarmlessPatterns) {
  auto read = [](KeyReader &k) { k.harmless({"*dropout*", "init_*", "*_drop", "id"}); };
  for (const char *good : {"dropout", "attention_dropout", "dropout_rate", "init_std", "layer_drop", "id"})
    EXPECT_EQ(outcome(std::string("{\"") + good + "\": 1}", read).code, ExitCode::Ok) << good;
  for (const char *bad : {"drop", "reinit_std", "layer_dropped", "id2", "xid"})
    EXPECT_EQ(outcome(std::string("{\"") + bad + "\": 1}", read).code, ExitCode::Unsupported) << bad;
}

TEST(KeyReader, TheFirstErrorSticks) {
  Outcome result = outcome("{\"a\": 0, \"b\": 0, \"unknown\": 1}", [](KeyReader &k) {
    k.integer("a", 1, 1, 2);
    k.integer("b", 1, 1, 2);
  });
  EXPECT_NE(result.message.find("\"a\""), std::string::npos);
}

TEST(Checked, NothingWraps) {
  EXPECT_EQ(checkedMul<uint64_t>(1ull << 32, 1ull << 31), 1ull << 63);
  EXPECT_EQ(checkedMul<uint64_t>(1ull << 32, 1ull << 32), std::nullopt);
  EXPECT_EQ(checkedMul<uint64_t>(0, UINT64_MAX), 0u);
  EXPECT_EQ(checkedAdd<uint64_t>(UINT64_MAX, 0), UINT64_MAX);
  EXPECT_EQ(checkedAdd<uint64_t>(UINT64_MAX, 1), std::nullopt);
  EXPECT_EQ(checkedAdd<int64_t>(INT64_MIN, -1), std::nullopt);
  EXPECT_EQ(checkedAlign(65, 64), 128u);
  EXPECT_EQ(checkedAlign(UINT64_MAX - 62, 64), std::nullopt);
  EXPECT_EQ(checkedNarrow<int32_t>(int64_t(INT32_MAX)), INT32_MAX);
  EXPECT_EQ(checkedNarrow<int32_t>(int64_t(INT32_MAX) + 1), std::nullopt);
  EXPECT_EQ(checkedNarrow<uint32_t>(int64_t(-1)), std::nullopt);
  EXPECT_EQ(checkedNarrow<int64_t>(UINT64_MAX), std::nullopt);
}

} // namespace

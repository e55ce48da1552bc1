// g2p_vocab.json: the bundled model's tables and every refusal.
#include "compiler/text/TextTables.h"
#include "tests/config/TestSupport.h"

#include <algorithm>

using namespace decant;
using namespace decant::test;

namespace {

llvm::Expected<std::optional<CharacterTables>> read(const std::string &text, int64_t vocab = 10) {
  TempFolder folder;
  folder.write("g2p_vocab.json", text);
  return readTextTables(folder.path, vocab);
}

const std::string specials = R"("special_tokens": {"<s>": 1, "</s>": 2})";

int32_t idOf(const CharacterTables &tables, uint32_t codePoint) {
  for (auto &[character, id] : tables.chars)
    if (character == codePoint)
      return id;
  return -1;
}

TEST(TextTables, ReadsTheBundledModel) {
  CharacterTables t = *accepted(readTextTables(DECANT_MODELS "/g2p-bart-en-us", 63));
  EXPECT_EQ(t.chars.size(), 55u);
  EXPECT_TRUE(std::is_sorted(t.chars.begin(), t.chars.end()));
  EXPECT_EQ(t.prefix, std::vector<int32_t>{1});
  EXPECT_EQ(t.suffix, std::vector<int32_t>{2});
  EXPECT_EQ(t.specials, (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(t.unknownId, 3);
  ASSERT_EQ(t.pieces.size(), 63u);
  EXPECT_EQ(t.pieces[35], "ɪ");
  EXPECT_EQ(t.pieces[62], "");
  // A row of reference.jsonl: "cabal".
  std::vector<int32_t> ids = t.prefix;
  for (char c : std::string("cabal"))
    ids.push_back(idOf(t, static_cast<uint32_t>(c)));
  ids.push_back(t.suffix[0]);
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 51, 50, 9, 50, 16, 2}));
  std::string text;
  for (int32_t id : {15, 45, 26, 9, 48, 16})
    text += t.pieces[static_cast<size_t>(id)];
  EXPECT_EQ(text, "kˈæbᵊl");
}

TEST(TextTables, NoFileIsNoTable) {
  TempFolder folder;
  EXPECT_FALSE(accepted(readTextTables(folder.path, 10)).has_value());
}

TEST(TextTables, CodePoints) {
  CharacterTables t =
      *accepted(read("{" + specials + R"(, "source": {"\ud83d\ude00": 3, "é": 4, "a": 5}, "target": {"9": "ab"}})"));
  EXPECT_EQ(t.chars, (std::vector<std::pair<uint32_t, int32_t>>{{'a', 5}, {0xe9, 4}, {0x1f600, 3}}));
  EXPECT_EQ(t.pieces[9], "ab");
  EXPECT_EQ(t.unknownId, -1);
}

struct Refusal {
  std::string text;
  ExitCode code;
  const char *message;
};

TEST(TextTables, Refusals) {
  const std::string a = R"("source": {"a": 3})", none = R"("target": {})";
  const Refusal cases[] = {
      {"{", ExitCode::BadInput, "not valid JSON"},
      {"[]", ExitCode::BadInput, "expected an object {...}, found []"},
      {"{" + a + "," + none + "}", ExitCode::BadInput, "\"special_tokens\": missing"},
      {"{" + specials + "," + none + "}", ExitCode::BadInput, "\"source\": missing"},
      {"{" + specials + "," + a + "}", ExitCode::BadInput, "\"target\": missing"},
      {"{" + specials + "," + a + R"(, "target": []})", ExitCode::BadInput, "\"target\": expected an object"},
      {R"({"special_tokens": {"<s>": 1}, )" + a + "," + none + "}", ExitCode::BadInput,
       "\"<s>\" and \"</s>\" are needed"},
      {R"({"special_tokens": {"<s>": 10, "</s>": 2}, )" + a + "," + none + "}", ExitCode::BadInput,
       "\"<s>\": expected an id from 0 to 9, found 10"},
      {"{" + specials + R"(, "source": {"a": -1}, )" + none + "}", ExitCode::BadInput, "\"a\": expected an id from 0"},
      {"{" + specials + R"(, "source": {"a": 3.0}, )" + none + "}", ExitCode::BadInput, "found 3.0"},
      {"{" + specials + R"(, "source": {"a": 10}, )" + none + "}", ExitCode::BadInput, "found 10"},
      {"{" + specials + R"(, "source": {"ab": 3}, )" + none + "}", ExitCode::BadInput,
       "\"ab\" is not exactly one Unicode character"},
      {"{" + specials + R"(, "source": {"": 3}, )" + none + "}", ExitCode::BadInput, "\"\" is not exactly one"},
      {"{" + specials + R"(, "source": {"a": 3, "\u0061": 4}, )" + none + "}", ExitCode::BadInput, "appears twice"},
      {"{" + specials + R"(, "source": {}, )" + none + "}", ExitCode::BadInput, "\"source\": empty"},
      {"{" + specials + "," + a + R"(, "target": {"10": "x"}})", ExitCode::BadInput, "found \"10\""},
      {"{" + specials + "," + a + R"(, "target": {"-1": "x"}})", ExitCode::BadInput, "found \"-1\""},
      {"{" + specials + "," + a + R"(, "target": {"03": "x"}})", ExitCode::BadInput, "found \"03\""},
      {"{" + specials + "," + a + R"(, "target": {"x": "x"}})", ExitCode::BadInput, "found \"x\""},
      {"{" + specials + "," + a + R"(, "target": {"3": 3}})", ExitCode::BadInput, "\"3\": expected a string, found 3"},
      {"{" + specials + "," + a + "," + none + R"(, "lowercase": true})", ExitCode::Unsupported,
       "unknown key \"lowercase\" with the value true"},
  };
  for (const Refusal &bad : cases)
    EXPECT_TRUE(refused(read(bad.text), bad.code, {"g2p_vocab.json: ", bad.message})) << bad.text;
  EXPECT_TRUE(refused(read("{}", 0), ExitCode::BadInput, {"g2p_vocab.json", "this one has 0"}));
}

} // namespace

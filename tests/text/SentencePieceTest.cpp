// What stands beside SentencePiece's files: added tokens, classes of tokenizers, sentinels; damaged and foreign models.
#include "compiler/text/SentencePiece.h"
#include "tests/config/TestSupport.h"

using namespace decant;
using namespace decant::test;

namespace {

std::string golden(const std::string &kind) { return DECANT_TESTS "/golden/tokenizers/" + kind; }

/// A copy of a golden folder's tokenizer files.
struct Copy : TempFolder {
  explicit Copy(const std::string &kind) {
    for (const auto &file : std::filesystem::directory_iterator(golden(kind)))
      if (file.path().extension() != ".jsonl")
        std::filesystem::copy(file.path(), path);
  }
};

/// Field `number` of protobuf's wire format, length-delimited.
std::string field(int number, const std::string &bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

TEST(SentencePiece, Files) {
  TempFolder folder;
  auto read = [&](const std::string &bytes) {
    folder.write("x.model", bytes);
    return readSentencePiece(folder.file("x.model"));
  };
  const std::string piece = field(1, field(1, "a"));
  EXPECT_EQ(accepted(read(piece)).pieces.at(0).text, "a");
  EXPECT_TRUE(refused(read(""), ExitCode::BadInput, {"x.model", "it has no pieces"}));
  EXPECT_TRUE(refused(read(piece + piece), ExitCode::BadInput, {"x.model", "the piece \"a\" is there twice"}));
  EXPECT_TRUE(refused(read(piece + field(1, "")), ExitCode::BadInput, {"x.model", "piece 1"}));
  EXPECT_TRUE(refused(read(piece + "\x0a\x7f"), ExitCode::BadInput, {"x.model", "goes over the end"}));
  EXPECT_TRUE(refused(read(piece + field(2, "\x18\x03")), ExitCode::Unsupported, {"x.model", "model_type 3"}));
  EXPECT_TRUE(refused(read(piece + field(3, field(2, "\xff\xff\xff\x7f"))), ExitCode::BadInput,
                      {"x.model", "normalizer_spec"}));
  EXPECT_TRUE(refused(read(piece + field(5, field(2, "map"))), ExitCode::Unsupported, {"denormalizer_spec"}));
}

TEST(SentencePiece, AddedTokens) {
  Copy folder("marian");
  const int64_t vocab = 1000;
  folder.write("added_tokens.json", R"({"<brand>": 990})");
  folder.write("tokenizer_config.json",
               R"({"added_tokens_decoder": {"991": {"content": "<mark>", "special": true, "lstrip": true}}})");
  Tokenizer tokenizer = *accepted(readSentencePieceFolder(folder.path, "marian", vocab));
  EXPECT_EQ(tokenizer.pieces[990], "<brand>");
  EXPECT_EQ(tokenizer.bits[990], 0);
  EXPECT_EQ(tokenizer.bits[991], DECANT_PIECE_SPECIAL);
  auto added = std::find_if(tokenizer.added.begin(), tokenizer.added.end(), [](auto &t) { return t.id == 991; });
  ASSERT_NE(added, tokenizer.added.end());
  EXPECT_EQ(added->bits, uint32_t(DECANT_ADDED_LSTRIP));
  folder.write("added_tokens.json", R"({"<brand>": 1000})");
  EXPECT_TRUE(refused(readSentencePieceFolder(folder.path, "marian", vocab), ExitCode::BadInput,
                      {"added_tokens.json", "\"<brand>\" is 1000, expected 0 to 999"}));
}

TEST(SentencePiece, ClassesOfTokenizers) {
  Copy folder("mbart");
  auto read = [&](const std::string &name) {
    folder.write("tokenizer_config.json", "{\"tokenizer_class\": \"" + name + "\"}");
    return accepted(readSentencePieceFolder(folder.path, "mbart", 1000));
  };
  EXPECT_EQ(read("MBart50TokenizerFast")->prefix.size(), 1u) << "the language comes first";
  EXPECT_EQ(read("MBartTokenizer")->prefix.size(), 0u);
  EXPECT_EQ(read("MBartTokenizer")->suffix.size(), 2u);
  EXPECT_FALSE(read("BartphoTokenizer")) << "not known: token ids alone";
  folder.write("config.json", R"({"tokenizer_class": "MBart50Tokenizer"})");
  std::filesystem::remove(folder.file("tokenizer_config.json"));
  EXPECT_EQ(accepted(readSentencePieceFolder(folder.path, "mbart", 1000))->prefix.size(), 1u);
  EXPECT_FALSE(accepted(readSentencePieceFolder(folder.path, "llama", 1000)));
}

TEST(SentencePiece, SentinelsAsManyAsFit) {
  Copy folder("mt5");
  folder.write("tokenizer_config.json", "{}"); // 100 by default
  auto pieces = static_cast<int64_t>(accepted(readSentencePiece(folder.file("spiece.model"))).pieces.size());
  Tokenizer tokenizer = *accepted(readSentencePieceFolder(folder.path, "mt5", pieces + 2));
  EXPECT_EQ(tokenizer.pieces.back(), "<extra_id_98>");
}

TEST(SentencePiece, OfEqualPiecesTheLastIsFoundAndBothAreDecoded) {
  TempFolder folder;
  folder.write("tokenizer.json", R"({"model": {"type": "Unigram", "vocab": [["x", -1], ["y", -1], ["x", -2]]}})");
  Tokenizer tokenizer = accepted(readTokenizerJson(folder.file("tokenizer.json"), 3));
  EXPECT_EQ(tokenizer.keys, (std::vector<std::string>{"", "y", "x"}));
  EXPECT_EQ(tokenizer.pieces, (std::vector<std::string>{"x", "y", "x"}));
}

} // namespace

// tokenizer.json -> tables -> ids and text, against Hugging Face's tokenizers: tests/golden/tokenizers, or the folder
// that DECANT_TOKENIZERS names. Damaged tables are refused or read, never beyond their end.
#include "compiler/text/Tokenizer.h"
#include "compiler/config/Json.h"
#include "runtime/text/codec.h"
#include "tests/config/TestSupport.h"

#include <cstring>
#include <random>

using namespace decant;
using namespace decant::test;

namespace {

std::string samplesFolder() {
  const char *other = std::getenv("DECANT_TOKENIZERS");
  return other ? other : DECANT_TESTS "/golden/tokenizers";
}

/// Tables of a model that has a tokenizer and nothing else.
struct Model {
  std::vector<uint64_t> words;
  rt::Tables tables;

  explicit Model(const std::vector<uint8_t> &block) {
    size_t header = (sizeof(decant_tables_header) + 7) / 8;
    words.resize(header + (block.size() + 7) / 8);
    auto *base = reinterpret_cast<uint8_t *>(words.data());
    std::memcpy(base + header * 8, block.data(), block.size());
    auto *h = reinterpret_cast<decant_tables_header *>(base);
    h->text.kind = DECANT_TEXT_TOKENIZER;
    h->text.blob = {static_cast<uint32_t>(header * 8), static_cast<uint32_t>(block.size())};
    tables.base = base;
  }

  decant_status check() const { return decant_text_tokenizer.check(tables, {}); }

  std::vector<int32_t> encode(const std::string &text) const {
    size_t count = 0;
    if (decant_text_tokenizer.encode(tables, text.c_str(), nullptr, 0, {}, &count) != DECANT_OK)
      return {-1};
    std::vector<int32_t> ids(count);
    EXPECT_EQ(decant_text_tokenizer.encode(tables, text.c_str(), ids.data(), count, {}, &count), DECANT_OK);
    return ids;
  }

  std::string decode(const std::vector<int32_t> &ids) const {
    size_t bytes = 0;
    EXPECT_EQ(decant_text_tokenizer.decode(tables, ids.data(), ids.size(), nullptr, 0, &bytes), DECANT_OK);
    std::string text(bytes + 1, '\0');
    EXPECT_EQ(decant_text_tokenizer.decode(tables, ids.data(), ids.size(), text.data(), bytes + 1, &bytes), DECANT_OK);
    text.resize(bytes);
    return text;
  }
};

constexpr int64_t kVocab = 1000; // more than any of them: a model may have ids without a piece

struct Samples : testing::TestWithParam<std::string> {
  std::string folder = samplesFolder() + "/" + GetParam();
  std::vector<uint8_t> block = accepted(readTokenizer(folder, GetParam(), kVocab)); // of SentencePiece: kind = family
};

TEST_P(Samples, IdsAndTextsAreHuggingFaces) {
  Model model(block);
  ASSERT_EQ(model.check(), DECANT_OK);
  std::ifstream file(folder + "/samples.jsonl");
  int texts = 0, wrong = 0;
  for (std::string line; std::getline(file, line); ++texts) {
    json::Value sample = accepted(json::parse(line, folder));
    const std::string &text = sample.items()[0].text();
    std::vector<int32_t> ids;
    for (const json::Value &id : sample.items()[1].items())
      ids.push_back(static_cast<int32_t>(id.integer()));
    bool equal = model.encode(text) == ids && model.decode(ids) == sample.items()[2].text();
    wrong += !equal;
    if (!equal && wrong <= 5)
      ADD_FAILURE() << line << "\nfound " << testing::PrintToString(model.encode(text)) << "\n      "
                    << testing::PrintToString(model.decode(ids));
  }
  EXPECT_GE(texts, 500);
  EXPECT_EQ(wrong, 0) << "of " << texts;
}

struct Chats : Samples {};

TEST_P(Chats, IdsAreTransformers) {
  Model model(block);
  std::ifstream file(folder + "/chats.jsonl");
  int chats = 0;
  for (std::string line; std::getline(file, line); ++chats) {
    json::Value sample = accepted(json::parse(line, folder));
    std::vector<decant_chat_message> messages;
    for (const json::Value &turn : sample.items()[0].items())
      messages.push_back({turn.items()[0].text().c_str(), turn.items()[1].text().c_str()});
    std::vector<int32_t> wanted, ids(1000);
    for (const json::Value &id : sample.items()[1].items())
      wanted.push_back(static_cast<int32_t>(id.integer()));
    size_t count = 0;
    ASSERT_EQ(
        decant_text_tokenizer.chat(model.tables, messages.data(), messages.size(), ids.data(), ids.size(), {}, &count),
        DECANT_OK);
    ids.resize(count);
    EXPECT_EQ(ids, wanted) << line;
  }
  EXPECT_GE(chats, 5);
}

INSTANTIATE_TEST_SUITE_P(All, Chats, testing::Values("llama2", "llama3", "qwen2", "smollm"),
                         [](const auto &info) { return info.param; });

TEST_P(Samples, DamagedTablesAreRefusedOrRead) {
  std::mt19937 random(7);
  int refusals = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<uint8_t> damaged = block;
    // The header and the last tables have most of what can lead astray.
    size_t region = round % 2 ? sizeof(decant_tokenizer) : damaged.size();
    for (int i = 0; i < 4; ++i)
      damaged[random() % region] ^= static_cast<uint8_t>(1u << random() % 8);
    Model model(damaged);
    if (model.check() != DECANT_OK) {
      ++refusals;
      continue;
    }
    (void)model.encode("It's 1234 <s>  \u00e9e\u0301 \u4eca dogs<|im_end|> \U0001f600");
    (void)model.decode({0, 5, 300, 999});
  }
  EXPECT_GT(refusals, 20) << "seed 7";
}

TEST_P(Samples, DamagedFilesAreRefusedOrRead) {
  std::mt19937 random(11);
  int refusals = 0;
  for (const char *name : {"tokenizer.json", "spiece.model", "sentencepiece.bpe.model", "source.spm", "vocab.json"}) {
    if (!std::filesystem::exists(folder + "/" + name))
      continue;
    TempFolder copy;
    for (const auto &file : std::filesystem::directory_iterator(folder))
      if (file.path().extension() != ".jsonl")
        std::filesystem::copy(file.path(), copy.path);
    const std::string whole = readBytes(folder + "/" + name);
    for (int round = 0; round < 60; ++round) {
      std::string damaged = whole;
      for (int i = 0; i < 3; ++i)
        damaged[random() % damaged.size()] ^= static_cast<char>(1u << random() % 8);
      damaged.resize(round % 3 ? damaged.size() : random() % damaged.size());
      copy.write(name, damaged);
      auto read = readTokenizer(copy.path, GetParam(), kVocab);
      if (!read) {
        std::string message = outcomeOf(read.takeError()).message;
        EXPECT_NE(message.find(name), std::string::npos) << message << ", seed 11, round " << round;
        ++refusals;
        continue;
      }
      Model model(*read);
      ASSERT_EQ(model.check(), DECANT_OK) << name << ", seed 11, round " << round;
      (void)model.encode("It's 1234 <s> >>fra<< \u00e9e\u0301 \u4eca \u00bd\u0301 dogs<|im_end|> \U0001f600");
      (void)model.decode({0, 5, 300, 999});
    }
  }
  EXPECT_GT(refusals, 20) << "seed 11";
}

INSTANTIATE_TEST_SUITE_P(All, Samples,
                         testing::Values("gpt2", "llama3", "qwen2", "smollm", "bart", "llama2", "mistral", "gemma",
                                         "unigram", "nllb", "t5", "mt5", "pegasus", "mbart", "marian", "m2m_100"),
                         [](const auto &info) { return info.param; });

/// A code of a kind of tokenizer, its token, and where the source's stands (from the end if negative).
struct LanguageCase {
  const char *kind, *code, *token;
  int place;
};
struct Languages : testing::TestWithParam<LanguageCase> {};

TEST_P(Languages, TheSourcesIsReplaced) {
  const LanguageCase &wanted = GetParam();
  Model model(accepted(readTokenizer(samplesFolder() + "/" + wanted.kind, wanted.kind, kVocab)));
  int32_t id = -1;
  char text[200] = "";
  ASSERT_EQ(decant_text_tokenizer.language(model.tables, wanted.code, {text, sizeof text}, &id), DECANT_OK) << text;
  std::vector<int32_t> ids = model.encode("a dog"), before = ids;
  ASSERT_EQ(decant_text_tokenizer.set_source(model.tables, id, ids.data(), ids.size()), DECANT_OK);
  size_t place = wanted.place < 0 ? ids.size() - static_cast<size_t>(-wanted.place) : static_cast<size_t>(wanted.place);
  EXPECT_NE(before[place], id);
  before[place] = id;
  EXPECT_EQ(ids, before);
  // The token in a text is the same id: the first behind the prefix.
  EXPECT_EQ(model.encode(wanted.token)[wanted.place < 0 ? 0 : 1], id);
  EXPECT_EQ(decant_text_tokenizer.language(model.tables, "xx", {text, sizeof text}, &id), DECANT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(text).find("\"xx\""), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(All, Languages,
                         testing::Values(LanguageCase{"m2m_100", "de", "__de__", 0},
                                         LanguageCase{"mbart", "fr_XX", "fr_XX", 0},
                                         LanguageCase{"nllb", "fra_Latn", "fra_Latn", 0}),
                         [](const auto &info) { return std::string(info.param.kind); });

TEST(Tokenizer, NoLanguages) {
  Model model(accepted(readTokenizer(samplesFolder() + "/t5", "t5", kVocab)));
  int32_t id = -1;
  EXPECT_EQ(decant_text_tokenizer.language(model.tables, "fr", {}, &id), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(decant_text_tokenizer.set_source(model.tables, 5, &id, 1), DECANT_INVALID_ARGUMENT);
}

TEST(Tokenizer, Refusals) {
  struct {
    const char *text;
    ExitCode code;
    const char *message;
  } const cases[] = {
      {R"({"model": {"type": "WordPiece", "vocab": {}}})", ExitCode::Unsupported, "model.type \"WordPiece\""},
      {R"({"added_tokens": []})", ExitCode::BadInput, "key \"model\": missing"},
      {R"({"model": {"type": "BPE", "vocab": {"a": 9}, "merges": []}})", ExitCode::BadInput, "the id of \"a\" is 9"},
      {R"({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}})", ExitCode::BadInput, "the id of \"a\" is -1"},
      {R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}})", ExitCode::BadInput,
       "model.merges: number 0"},
      {R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [7]}})", ExitCode::BadInput,
       "model.merges: number 0, 7"},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": [], "dropout": 0.1}})", ExitCode::Unsupported,
       "\"dropout\""},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": [], "end_of_word_suffix": "</w>"}})", ExitCode::Unsupported,
       "\"end_of_word_suffix\""},
      {R"({"model": {"type": "Unigram", "vocab": [["a"]]}})", ExitCode::BadInput, "model.vocab: number 0"},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": []}, "normalizer": {"type": "BertNormalizer"}})",
       ExitCode::Unsupported, "normalizer: \"BertNormalizer\" is not supported"},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": []}, "pre_tokenizer": {"type": "Whitespace"}})",
       ExitCode::Unsupported, "pre_tokenizer: \"Whitespace\" is not supported"},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": []}, "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a+"},
          "behavior": "Isolated", "invert": false}})",
       ExitCode::Unsupported, "Split with the pattern \"a+\""},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": []}, "decoder": {"type": "CTC"}})", ExitCode::Unsupported,
       "decoder: \"CTC\" is not supported"},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": []}, "post_processor": {"type": "Magic"}})",
       ExitCode::Unsupported, "post_processor: \"Magic\" is not supported"},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": []}, "added_tokens": [{"id": 8, "content": "x"}]})",
       ExitCode::BadInput, "\"id\": expected an integer from 0 to 7"},
      {R"({"model": {"type": "BPE", "vocab": {}, "merges": []}, "mystery": 1})", ExitCode::Unsupported, "\"mystery\""},
  };
  for (const auto &bad : cases) {
    TempFolder folder;
    folder.write("tokenizer.json", bad.text);
    EXPECT_TRUE(refused(readTokenizer(folder.path, "llama", 8), bad.code, {"tokenizer.json", bad.message})) << bad.text;
  }
}

/// The template that conversations are rendered with, by its text.
ChatTemplate chatOf(const std::string &jinja) {
  TempFolder folder;
  folder.write("chat_template.jinja", jinja);
  folder.write("tokenizer_config.json", R"({"bos_token": {"content": "<|begin_of_text|>"}})");
  return accepted(readChatTemplate(folder.path));
}

TEST(Chat, ChatMl) {
  ChatTemplate chat =
      chatOf("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
             "'<|im_start|>system\\nBe kind.<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + "
             "'\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt "
             "%}{{ '<|im_start|>assistant\\n' }}{% endif %}");
  EXPECT_EQ(chat.kind, uint32_t(DECANT_CHAT_TURNS));
  EXPECT_EQ(chat.defaultSystem, "Be kind.");
  EXPECT_EQ(chat.before[1], "<|im_start|>user\n");
  EXPECT_EQ(chat.generation, "<|im_start|>assistant\n");
}

TEST(Chat, Llama3) {
  ChatTemplate chat =
      chatOf("{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
             "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + "
             "'<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ "
             "content }}{% endfor %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}");
  EXPECT_EQ(chat.kind, uint32_t(DECANT_CHAT_TURNS));
  EXPECT_EQ(chat.bos, "<|begin_of_text|>");
  EXPECT_TRUE(chat.trims);
  EXPECT_EQ(chat.before[0], "<|start_header_id|>system<|end_header_id|>\n\n");
}

TEST(Chat, OthersAreUnknown) {
  EXPECT_EQ(chatOf("{{ '<|user|>' + messages[0]['content'] }}").kind, uint32_t(DECANT_CHAT_UNKNOWN));
  TempFolder empty;
  EXPECT_EQ(accepted(readChatTemplate(empty.path)).kind, uint32_t(DECANT_CHAT_NONE));
}

} // namespace

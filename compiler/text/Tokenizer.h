// A tokenizer as its files describe it, and the block of tables that the runtime reads. No MLIR.
//
// Steps, flags and bits are those of runtime/include/decant_tokenizer.h. Tested in tests/text and tests/runtime.
#pragma once

#include "runtime/include/decant_tokenizer.h"

#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace decant {

struct TextStep {
  uint32_t op = 0, value = 0;
  std::string a, b;
};

struct AddedToken {
  std::string text;
  int32_t id = 0;
  uint32_t bits = 0;
};

struct ChatTemplate {
  uint32_t kind = DECANT_CHAT_NONE;
  bool trims = false;
  std::string bos, before[3], after[3], generation, defaultSystem;
};

struct Tokenizer {
  struct Merge {
    int32_t left, right, id;
    uint32_t rank;
  };

  uint32_t model = DECANT_TOKENIZER_BPE, flags = 0;
  int32_t unknownId = -1;
  std::vector<std::string> keys, pieces; ///< of each id; key "": not of the model. More keys: pieces without an id
  std::vector<std::string> names;        ///< of each id that an unknown text may name, else ""; or empty
  std::vector<uint8_t> bits;
  std::vector<double> scores; ///< unigram, of each key
  double unknownScore = 0;
  std::vector<Merge> merges;
  std::vector<int32_t> bytes; ///< 256 or none
  std::vector<AddedToken> added;
  std::vector<TextStep> steps;
  std::vector<int32_t> prefix, suffix;
  ChatTemplate chat;
};

/// Reads `folder`/tokenizer.json, or the SentencePiece files that come with the `family` (model_type), and the chat
/// template of tokenizer_config.json or chat_template.jinja, into tables for a model of `vocab` token ids; empty if the
/// folder has neither. BadInput: damaged, ids outside the vocabulary; Unsupported: a kind of step, pattern or model
/// that decant does not have, by name.
llvm::Expected<std::vector<uint8_t>> readTokenizer(const std::string &folder, const std::string &family, int64_t vocab);

/// The parts of it. `where`: the file's path.
llvm::Expected<Tokenizer> readTokenizerJson(const std::string &path, int64_t vocab);
llvm::Expected<ChatTemplate> readChatTemplate(const std::string &folder);
std::vector<uint8_t> packTokenizer(const Tokenizer &tokenizer);

/// Classes of characters and canonical compositions, for tokenizers that need them (Unicode.cpp). `breaks`: with where
/// grapheme clusters break.
std::vector<decant_class> characterClasses(bool breaks);
struct CanonicalForms {
  std::vector<decant_decomposition> decompositions;
  std::vector<decant_composition> compositions;
  std::vector<decant_combining> combining;
  std::vector<uint32_t> decomposed;
};
CanonicalForms canonicalForms();

} // namespace decant

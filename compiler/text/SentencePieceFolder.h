// A folder with SentencePiece files in place of a tokenizer.json: its configuration, vocabulary and tokens, which the
// families (SentencePieceFamilies.cpp) make a Tokenizer of. Private to text/.
#pragma once

#include "compiler/config/Json.h"
#include "compiler/text/SentencePiece.h"

#include "llvm/ADT/StringMap.h"

namespace decant {

constexpr const char *kMark = "\u2581"; ///< a space within a piece

struct SentencePieceFolder {
  std::string folder;
  int64_t vocab;
  Tokenizer t = {};
  json::Value config = json::Value::container(json::Kind::Object); ///< tokenizer_config.json
  std::string tokenizerClass = "";                                 ///< without "Fast"; "": not said
  llvm::StringMap<int32_t> ids = {};                               ///< of texts: vocab.json and special tokens

  std::string path(const char *name) const;

  /// A file's object; an empty one if the folder does not have it.
  llvm::Expected<json::Value> readObject(const char *file) const;
  llvm::Error readConfig();

  /// Tokens that were added to the tokenizer: added_tokens.json {text: id}, added_tokens_decoder {id: {"content": text,
  /// ...}}.
  llvm::Error readAddedTokens();

  llvm::Error addToken(const std::string &text, int64_t id, bool isSpecial, uint32_t bits, const char *file);

  /// A token of the configuration: its text, or an object with it.
  std::string setting(const char *key, const std::string &otherwise) const;
  int64_t number(const char *key, int64_t otherwise) const;

  /// `text` has the id `id`.
  llvm::Error name(const std::string &text, int64_t id, const char *file);

  /// A token that is cut out of texts before anything else, and left out of them in decoding. Unknown ones are passed
  /// over: the model has no id for them.
  void special(const std::string &text, uint32_t bits = 0);

  /// Tokens by their settings and what they are without them, and the lists of further ones.
  void specials(std::initializer_list<std::pair<const char *, const char *>> settings);

  /// The id of `text`, or BadInput about `key` of `file`.
  llvm::Error required(const char *file, const char *key, const std::string &text, int32_t &id);

  /// {text: id}; `isAdded`: as tokens that are cut out of texts.
  llvm::Error readVocabulary(const char *file, bool isAdded = false);

  /// Pieces that vocab.json numbers, SentencePiece's own normalizer and sums. Texts of ids are not final yet.
  llvm::Error lookUpPieces(const SentencePieceModel &model);

  /// The marks of pieces become spaces; `all`: also those of pieces that SentencePiece does not know.
  void markSpaces(bool all);

  /// The end token behind every text.
  llvm::Error suffix(const char *file);
};

} // namespace decant

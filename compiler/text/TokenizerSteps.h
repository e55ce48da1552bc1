// Normalizer, pre-tokenizer, decoder and post-processor of a tokenizer.json. Private to text/.
#pragma once

#include "compiler/config/KeyReader.h"
#include "compiler/text/Tokenizer.h"

#include <optional>

namespace decant {

struct TokenizerSteps {
  std::vector<TextStep> steps; ///< normalizers, then pre-tokenizers
  uint32_t flags = 0;
  std::string space;         ///< what decoding replaces by a space; empty: nothing
  bool decodesBytes = false; ///< pieces like <0x0A> become bytes
};

/// Takes "normalizer", "pre_tokenizer" and "decoder".
llvm::Expected<TokenizerSteps> readTokenizerSteps(KeyReader &keys, const std::string &path);

/// Ids around a text; null: none.
llvm::Error readPostProcessor(const json::Value *value, const std::string &path, int64_t vocab,
                              std::vector<int32_t> &prefix, std::vector<int32_t> &suffix);

/// A token of tokenizer_config.json: a text, or an object with it as "content".
std::optional<std::string> tokenText(const json::Value *value);

void replaceAll(std::string &text, llvm::StringRef from, llvm::StringRef to);

/// Unigram: how far an unknown character's score is below the worst piece's.
constexpr double kUnknownPenalty = 10;

/// Whether a precompiled map has the parts that its first number promises.
bool isCharsMap(llvm::StringRef map);

/// GPT-2 spells bytes as characters, each byte one: the bytes of a text in that alphabet; nothing if a character is not
/// of it.
std::optional<std::string> bytesOfAlphabet(llvm::StringRef text);
/// The byte of "<0x0A>".
std::optional<uint8_t> byteOfFallback(llvm::StringRef text);

} // namespace decant

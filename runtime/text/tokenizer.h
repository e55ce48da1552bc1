// A tokenizer's tables (runtime/include/decant_tokenizer.h) as spans, and what its steps work with. Private to text/.
//
// Text -> ids: added tokens are cut out, the rest is normalized, cut into words, and each word becomes ids. All texts
// are valid UTF-8 by then. Source: the behaviour of Hugging Face's tokenizers 0.2x. Tested in
// tests/runtime/TokenizerTest.cpp.
#pragma once

#include "runtime/core/array.h"
#include "runtime/core/message.h"
#include "runtime/include/decant_tokenizer.h"

#include <string_view>

namespace decant::rt {

struct Tokenizer {
  const uint8_t *block = nullptr;

  const decant_tokenizer &header() const { return *reinterpret_cast<const decant_tokenizer *>(block); }
  template <class T> std::span<const T> list(decant_range range) const {
    return {reinterpret_cast<const T *>(block + range.offset), range.count};
  }
  std::string_view text(decant_range range) const {
    return {reinterpret_cast<const char *>(block + range.offset), range.count};
  }
  bool has(uint32_t flag) const { return header().flags & flag; }
  size_t vocab() const { return header().pieces.count; }
  std::string_view key(uint32_t id) const { return text(list<decant_range>(header().keys)[id]); }
  std::string_view piece(uint32_t id) const { return text(list<decant_range>(header().pieces)[id]); }
  uint8_t bits(uint32_t id) const { return list<uint8_t>(header().bits)[id]; }
  /// The id of a whole key of the model, or of a name that is not the model's; -1: none.
  int32_t find(std::string_view key) const { return search(header().order, key); }
  int32_t findName(std::string_view key) const { return search(header().names, key); }
  int32_t search(decant_range sorted, std::string_view key) const;
  /// decant_class_bits of a character.
  uint32_t classOf(uint32_t character) const;
};

/// Everything in `bytes` bytes of tables. DATA_LOSS says what is wrong.
decant_status checkTokenizer(const uint8_t *block, uint64_t bytes, const Message &message);

/// What a step of encoding can fail with.
enum class Outcome { Ok, NoMemory, UnknownCharacter };

/// The next character at `at` < text.size(); moves `at` behind it.
uint32_t nextCharacter(std::string_view text, size_t &at);
bool appendCharacter(Array<char> &out, uint32_t character);
/// text.substr without its exception: `from` is at most text.size().
inline std::string_view partOf(std::string_view text, size_t from, size_t count = SIZE_MAX) {
  return {text.data() + from, count < text.size() - from ? count : text.size() - from};
}
inline std::string_view viewOf(const Array<char> &text) { return {text.data(), text.size()}; }

/// Appends the ids of one word (bpe.cpp, unigram.cpp).
Outcome encodeBpe(const Tokenizer &tokenizer, std::string_view word, Array<int32_t> &ids);
Outcome encodeUnigram(const Tokenizer &tokenizer, std::string_view word, Array<int32_t> &ids);

/// Applies the normalizers among the steps, in order (normalize.cpp). `first`: of all texts between added tokens.
bool normalize(const Tokenizer &tokenizer, std::string_view text, Array<char> &out);
/// `text` without `mark`s, or where that is empty without white space, at its ends: bit 0 the left, bit 1 the right.
std::string_view strip(const Tokenizer &tokenizer, std::string_view text, std::string_view mark, uint32_t ends);
/// Step DECANT_TEXT_CHARSMAP (charsmap.cpp).
bool mapCharacters(const Tokenizer &tokenizer, const decant_text_step &step, std::string_view text, Array<char> &out);
bool composeCanonically(const Tokenizer &tokenizer, std::string_view text, Array<char> &out);

/// INVALID_ARGUMENT, saying where, unless `text` is UTF-8 (chat.cpp).
decant_status checkUtf8(const char *text, const char *what, const Message &message);
/// The text of a conversation, special tokens in it (chat.cpp). INVALID_ARGUMENT: an unknown role or order of turns.
decant_status renderChat(const Tokenizer &tokenizer, const decant_chat_message *messages, size_t count,
                         Array<char> &out, const Message &message);

/// Applies the pre-tokenizers from `step` on and hands each word on (split.cpp). `first`: the text begins the input.
Outcome splitWords(const Tokenizer &tokenizer, size_t step, std::string_view text, bool first, Array<int32_t> &ids);

} // namespace decant::rt

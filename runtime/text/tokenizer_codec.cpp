// Tokenizers: text -> ids, ids -> text, conversations -> ids. See tokenizer.h.
#include "runtime/text/codec.h"
#include "runtime/text/tokenizer.h"

#include <algorithm>

namespace decant::rt {
namespace {

Tokenizer tokenizerOf(const Tables &tables) {
  return Tokenizer{reinterpret_cast<const uint8_t *>(tables.list<char>(tables.header().text.blob).data())};
}

/// Cuts added tokens out of a text, and hands on what stands between them.
struct Encoder {
  const Tokenizer &tokenizer;
  Array<int32_t> &ids;
  bool starts[2][256] = {}; ///< bytes that tokens begin with: before and behind the normalizer

  Encoder(const Tokenizer &t, Array<int32_t> &ids) : tokenizer(t), ids(ids) {
    for (const decant_added &token : t.list<decant_added>(t.header().added))
      starts[token.bits & DECANT_ADDED_NORMALIZED][static_cast<uint8_t>(t.text(token.text)[0])] = true;
  }

  uint32_t classBefore(std::string_view text, size_t at) const {
    if (at == 0)
      return 0;
    do
      --at;
    while (at && (text[at] & 0xc0) == 0x80);
    return tokenizer.classOf(nextCharacter(text, at));
  }
  uint32_t classBehind(std::string_view text, size_t at) const {
    return at == text.size() ? 0 : tokenizer.classOf(nextCharacter(text, at));
  }

  /// The added token at `at`, or nullptr.
  const decant_added *match(std::string_view text, size_t at, bool normalized) const {
    if (!starts[normalized][static_cast<uint8_t>(text[at])])
      return nullptr;
    for (const decant_added &token : tokenizer.list<decant_added>(tokenizer.header().added)) {
      if (bool(token.bits & DECANT_ADDED_NORMALIZED) != normalized ||
          !partOf(text, at).starts_with(tokenizer.text(token.text)))
        continue;
      const bool within = (classBefore(text, at) | classBehind(text, at + token.text.count)) & DECANT_CLASS_WORD;
      return token.bits & DECANT_ADDED_SINGLE_WORD && within ? nullptr : &token;
    }
    return nullptr;
  }

  size_t skipSpaces(std::string_view text, size_t at) const {
    while (at < text.size() && classBehind(text, at) & DECANT_CLASS_SPACE)
      nextCharacter(text, at);
    return at;
  }

  template <class Between> Outcome cut(std::string_view text, bool normalized, Between between) {
    size_t from = 0;
    for (size_t at = 0; at < text.size();) {
      const decant_added *token = match(text, at, normalized);
      if (!token) {
        nextCharacter(text, at);
        continue;
      }
      size_t end = at + token->text.count, begin = at;
      while (token->bits & DECANT_ADDED_LSTRIP && begin > from && classBefore(text, begin) & DECANT_CLASS_SPACE)
        do
          --begin;
        while (begin > from && (text[begin] & 0xc0) == 0x80);
      if (token->bits & DECANT_ADDED_RSTRIP)
        end = skipSpaces(text, end);
      if (Outcome outcome = between(partOf(text, from, begin - from), from == 0); outcome != Outcome::Ok)
        return outcome;
      if (!ids.push(token->id))
        return Outcome::NoMemory;
      at = from = end;
    }
    return between(partOf(text, from), from == 0);
  }

  /// Takes the language token that `text` begins with, such as ">>de<<".
  bool language(std::string_view &text) {
    const size_t close = text.starts_with(">>") ? text.find("<<") : text.npos;
    if (close == text.npos)
      return true;
    const std::string_view code = partOf(text, 0, close + 2);
    text.remove_prefix(code.size());
    const int32_t id = tokenizer.findName(code);
    return ids.push(id >= 0 ? id : tokenizer.header().unknown_id);
  }

  Outcome run(std::string_view text) {
    return cut(text, false, [&](std::string_view part, bool first) {
      Array<char> normal;
      if (tokenizer.has(DECANT_TOKENIZER_LANGUAGE) && !language(part))
        return Outcome::NoMemory;
      if (part.empty())
        return Outcome::Ok;
      if (!normalize(tokenizer, part, normal))
        return Outcome::NoMemory;
      return cut(viewOf(normal), true, [&](std::string_view words, bool begins) {
        return splitWords(tokenizer, 0, words, first && begins, ids);
      });
    });
  }
};

decant_status encodeText(const Tokenizer &tokenizer, std::string_view text, Array<int32_t> &ids,
                         const Message &message) {
  switch (Encoder(tokenizer, ids).run(text)) {
  case Outcome::Ok:
    return DECANT_OK;
  case Outcome::UnknownCharacter:
    return message.fail(DECANT_INVALID_ARGUMENT, "the text has a character that the model does not know, and it has no "
                                                 "token for unknown ones");
  default:
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory");
  }
}

decant_status give(const Array<int32_t> &from, int32_t *ids, size_t capacity, size_t *out_count) {
  std::copy_n(from.data(), std::min(capacity, from.size()), ids);
  *out_count = from.size();
  return DECANT_OK;
}

decant_status encode(const Tables &tables, const char *text, int32_t *ids, size_t capacity, const Message &message,
                     size_t *out_count) {
  const Tokenizer tokenizer = tokenizerOf(tables);
  if (decant_status status = checkUtf8(text, "the text", message); status != DECANT_OK)
    return status;
  Array<int32_t> all;
  const auto prefix = tokenizer.list<int32_t>(tokenizer.header().prefix),
             suffix = tokenizer.list<int32_t>(tokenizer.header().suffix);
  if (!all.append(prefix.data(), prefix.size()))
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory");
  if (decant_status status = encodeText(tokenizer, text, all, message); status != DECANT_OK)
    return status;
  if (!all.append(suffix.data(), suffix.size()))
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory");
  return give(all, ids, capacity, out_count);
}

/// Length of the UTF-8 sequence at `at`; of a broken one the part that could have begun a character, `valid` false.
size_t sequence(std::string_view bytes, size_t at, bool &valid) {
  auto byte = [&](size_t i) -> uint8_t { return at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0; };
  const uint8_t lead = byte(0);
  const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  valid = false;
  if (length == 0)
    return 1;
  const uint8_t low = lead == 0xe0   ? 0xa0
                      : lead == 0xf0 ? 0x90
                                     : 0x80,
                high = lead == 0xed   ? 0x9f
                       : lead == 0xf4 ? 0x8f
                                      : 0xbf;
  for (size_t i = 1; i < length; ++i)
    if (byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xbf))
      return i;
  valid = true;
  return length;
}

constexpr std::string_view kReplacement = "\xef\xbf\xbd"; // U+FFFD

/// Valid UTF-8 as it is; U+FFFD for each broken sequence, or with `each_byte` for each byte of text that is not valid.
bool appendText(std::string_view bytes, bool each_byte, Array<char> &out) {
  bool all_valid = true, valid = true;
  for (size_t at = 0; at < bytes.size(); at += sequence(bytes, at, valid))
    all_valid = all_valid && (sequence(bytes, at, valid), valid);
  for (size_t at = 0; at < bytes.size();) {
    size_t length = sequence(bytes, at, valid);
    if (each_byte && !all_valid)
      length = 1, valid = false;
    if (!(valid ? out.append(bytes.data() + at, length) : out.append(kReplacement.data(), kReplacement.size())))
      return false;
    at += length;
  }
  return true;
}

bool decodeAll(const Tokenizer &tokenizer, const int32_t *ids, size_t count, Array<char> &out) {
  const bool by_bytes = tokenizer.has(DECANT_TOKENIZER_BYTES);
  Array<char> run; // bytes that become characters together
  bool first = true;
  auto flush = [&] {
    const bool ok = appendText(viewOf(run), !by_bytes, out);
    run.clear();
    return ok;
  };
  for (size_t i = 0; i < count; ++i) {
    const auto id = static_cast<uint32_t>(ids[i]);
    if (tokenizer.bits(id) & DECANT_PIECE_SPECIAL)
      continue;
    std::string_view piece = tokenizer.piece(id);
    if (first && tokenizer.has(DECANT_TOKENIZER_STRIP_FIRST) && piece.starts_with(' '))
      piece.remove_prefix(1);
    first = false;
    const bool is_byte = by_bytes || tokenizer.bits(id) & DECANT_PIECE_BYTE;
    if (!is_byte && !flush())
      return false;
    if (!(is_byte ? run : out).append(piece.data(), piece.size()))
      return false;
  }
  return flush();
}

decant_status decode(const Tables &tables, const int32_t *ids, size_t count, char *text, size_t capacity,
                     size_t *out_bytes) {
  const Tokenizer tokenizer = tokenizerOf(tables);
  for (size_t i = 0; i < count; ++i)
    if (ids[i] < 0 || static_cast<size_t>(ids[i]) >= tokenizer.vocab())
      return DECANT_INVALID_ARGUMENT;
  Array<char> all;
  if (!decodeAll(tokenizer, ids, count, all))
    return DECANT_RESOURCE_EXHAUSTED;
  std::string_view result = viewOf(all);
  if (tokenizer.has(DECANT_TOKENIZER_STRIP) && result.starts_with(' '))
    result.remove_prefix(1);
  if (tokenizer.has(DECANT_TOKENIZER_STRIP_ENDS))
    result = strip(tokenizer, result, "", 3);
  if (capacity) {
    const size_t kept = std::min(result.size(), capacity - 1);
    std::copy_n(result.data(), kept, text);
    text[kept] = 0;
  }
  *out_bytes = result.size();
  return DECANT_OK;
}

decant_status chat(const Tables &tables, const decant_chat_message *messages, size_t count, int32_t *ids,
                   size_t capacity, const Message &message, size_t *out_count) {
  const Tokenizer tokenizer = tokenizerOf(tables);
  if (tokenizer.header().chat.kind == DECANT_CHAT_NONE)
    return message.fail(DECANT_UNIMPLEMENTED, "this model has no chat template: give the text as it is");
  if (tokenizer.header().chat.kind == DECANT_CHAT_UNKNOWN)
    return message.fail(DECANT_UNIMPLEMENTED,
                        "the model's chat_template is not of the ChatML, Llama 2 or Llama 3 kind, the ones "
                        "that decant knows: give the text as it is");
  Array<char> text;
  if (decant_status status = renderChat(tokenizer, messages, count, text, message); status != DECANT_OK)
    return status;
  Array<int32_t> all; // the template has the special tokens: none are added around it
  if (decant_status status = encodeText(tokenizer, viewOf(text), all, message); status != DECANT_OK)
    return status;
  return give(all, ids, capacity, out_count);
}

decant_status language(const Tables &tables, const char *code, const Message &message, int32_t *out_id) {
  const Tokenizer tokenizer = tokenizerOf(tables);
  const auto languages = tokenizer.list<decant_language>(tokenizer.header().languages);
  for (const decant_language &known : languages)
    if (tokenizer.text(known.code) == code) {
      *out_id = known.id;
      return DECANT_OK;
    }
  if (languages.empty())
    return message.fail(DECANT_INVALID_ARGUMENT, "the model's tokenizer has no languages");
  const std::string_view example = tokenizer.text(languages[0].code);
  return message.fail(DECANT_INVALID_ARGUMENT,
                      "the model does not know the language \"%.40s\": expected one of %zu codes, such as \"%.*s\"",
                      code, languages.size(), static_cast<int>(example.size()), example.data());
}

decant_status setSource(const Tables &tables, int32_t language, int32_t *ids, size_t count) {
  const decant_tokenizer &h = tokenizerOf(tables).header();
  if (h.source_language == 0 || count < size_t{h.prefix.count} + h.suffix.count)
    return DECANT_INVALID_ARGUMENT;
  const size_t place = h.source_language - 1;
  ids[place < h.prefix.count ? place : count - h.suffix.count + (place - h.prefix.count)] = language;
  return DECANT_OK;
}

decant_status check(const Tables &tables, const Message &message) {
  const auto blob = tables.list<char>(tables.header().text.blob);
  return checkTokenizer(reinterpret_cast<const uint8_t *>(blob.data()), blob.size(), message);
}

} // namespace
} // namespace decant::rt

extern "C" const decant::rt::TextCodec decant_text_tokenizer = {decant::rt::encode,    decant::rt::decode,
                                                                decant::rt::chat,      decant::rt::language,
                                                                decant::rt::setSource, decant::rt::check};

// Character maps: text = prefix ids + one id a Unicode character + suffix ids; ids -> their pieces, joined.
//
// UTF-8 is checked in full (RFC 3629: no overlong forms, surrogates or code points above U+10FFFF). Tested in
// tests/runtime.
#include "runtime/text/codec.h"
#include "runtime/text/utf8.h"

#include <algorithm>

namespace decant::rt {
namespace {

int32_t idOf(const Tables &tables, int32_t codepoint) {
  std::span<const decant_char> chars = tables.list<decant_char>(tables.header().text.chars);
  auto found = std::lower_bound(chars.begin(), chars.end(), static_cast<uint32_t>(codepoint),
                                [](const decant_char &c, uint32_t value) { return c.codepoint < value; });
  bool known = found != chars.end() && found->codepoint == static_cast<uint32_t>(codepoint);
  return known ? found->id : tables.header().text.unknown_id;
}

/// Writes what fits, counts everything.
struct IdSink {
  int32_t *ids;
  size_t capacity, count;
  void put(int32_t id) {
    if (count < capacity)
      ids[count] = id;
    ++count;
  }
  void put(std::span<const int32_t> all) {
    for (int32_t id : all)
      put(id);
  }
};

decant_status encode(const Tables &tables, const char *text, int32_t *ids, size_t capacity, const Message &message,
                     size_t *out_count) {
  const decant_text &t = tables.header().text;
  IdSink sink{ids, capacity, 0};
  sink.put(tables.list<int32_t>(t.prefix));
  int bytes = 0;
  for (const char *at = text; *at; at += bytes) {
    int32_t codepoint = nextCodepoint(at, &bytes);
    if (codepoint < 0)
      return message.fail(DECANT_INVALID_ARGUMENT, "the text is not UTF-8 at byte %zu (0x%02x)",
                          static_cast<size_t>(at - text), static_cast<unsigned>(static_cast<uint8_t>(*at)));
    int32_t id = idOf(tables, codepoint);
    if (id < 0)
      return message.fail(DECANT_INVALID_ARGUMENT, "the model does not know the character '%.*s' (U+%04X) at byte %zu",
                          codepoint < 0x20 ? 0 : bytes, at, static_cast<unsigned>(codepoint),
                          static_cast<size_t>(at - text));
    sink.put(id);
  }
  sink.put(tables.list<int32_t>(t.suffix));
  *out_count = sink.count;
  return DECANT_OK;
}

decant_status decode(const Tables &tables, const int32_t *ids, size_t count, char *text, size_t capacity,
                     size_t *out_bytes) {
  const decant_text &t = tables.header().text;
  std::span<const decant_range> pieces = tables.list<decant_range>(t.pieces);
  std::span<const int32_t> specials = tables.list<int32_t>(t.specials);
  size_t needed = 0;
  for (size_t i = 0; i < count; ++i) {
    if (ids[i] < 0 || static_cast<size_t>(ids[i]) >= pieces.size())
      return DECANT_INVALID_ARGUMENT;
    if (std::find(specials.begin(), specials.end(), ids[i]) != specials.end())
      continue;
    std::string_view piece = tables.text(pieces[static_cast<size_t>(ids[i])]);
    if (needed < capacity)
      std::copy_n(piece.data(), std::min(piece.size(), capacity - needed), text + needed);
    needed += piece.size();
  }
  if (capacity)
    text[std::min(needed, capacity - 1)] = 0;
  *out_bytes = needed;
  return DECANT_OK;
}

} // namespace
} // namespace decant::rt

extern "C" const decant::rt::TextCodec decant_text_chars = {
    decant::rt::encode, decant::rt::decode, nullptr, nullptr, nullptr, nullptr};

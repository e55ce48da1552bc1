// Lookups in a tokenizer's tables, and the check of everything in them. See tokenizer.h.
#include "runtime/text/tokenizer.h"

#include <algorithm>

namespace decant::rt {

int32_t Tokenizer::search(decant_range sorted, std::string_view wanted) const {
  const auto order = list<uint32_t>(sorted);
  auto found = std::lower_bound(order.begin(), order.end(), wanted,
                                [this](uint32_t id, std::string_view value) { return key(id) < value; });
  return found != order.end() && key(*found) == wanted ? static_cast<int32_t>(*found) : -1;
}

uint32_t Tokenizer::classOf(uint32_t character) const {
  const auto classes = list<decant_class>(header().classes);
  auto after = std::upper_bound(classes.begin(), classes.end(), character,
                                [](uint32_t value, const decant_class &entry) { return value < entry.first; });
  return after == classes.begin() ? 0 : (after - 1)->bits;
}

uint32_t nextCharacter(std::string_view text, size_t &at) {
  const auto byte = static_cast<uint8_t>(text[at]);
  const size_t length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
  uint32_t value = length == 1 ? byte : byte & (0xffu >> (length + 1));
  for (size_t i = 1; i < length && at + i < text.size(); ++i)
    value = value << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3f);
  at = std::min(at + length, text.size());
  return value;
}

bool appendCharacter(Array<char> &out, uint32_t c) {
  char bytes[4];
  size_t length = 0;
  auto put = [&](uint32_t byte) { bytes[length++] = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  }
  return out.append(bytes, length);
}

namespace {

struct Checker {
  const Tokenizer &t;
  uint64_t bytes;
  const Message &message;

  decant_status damaged(const char *what) const {
    return message.fail(DECANT_DATA_LOSS, "damaged: the tokenizer's %s are out of range", what);
  }
  template <class T> bool fits(decant_range range) const {
    return range.offset % alignof(T) == 0 && range.offset <= bytes && range.count <= (bytes - range.offset) / sizeof(T);
  }
  bool isId(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < t.vocab(); }
  bool isKey(int32_t id) const { return id >= 0 && static_cast<size_t>(id) < t.header().keys.count; }
  bool isIdOrNone(int32_t id) const { return id == -1 || isId(id); }

  bool texts(decant_range range) const {
    if (!fits<decant_range>(range))
      return false;
    const auto list = t.list<decant_range>(range);
    return std::all_of(list.begin(), list.end(), [this](decant_range text) { return fits<char>(text); });
  }

  bool sorted(decant_range range) const {
    if (!fits<uint32_t>(range))
      return false;
    const auto order = t.list<uint32_t>(range);
    for (size_t i = 0; i < order.size(); ++i)
      if (order[i] >= t.header().keys.count || (i && !(t.key(order[i - 1]) < t.key(order[i]))))
        return false;
    return true;
  }

  bool pieces() const {
    const decant_tokenizer &h = t.header();
    const size_t vocab = h.pieces.count;
    const bool all_known = h.keys.count == vocab;
    if (vocab < 1 || h.keys.count > 1u << 24 || h.keys.count < vocab || h.bits.count != vocab || !texts(h.pieces) ||
        !texts(h.keys) || !fits<uint8_t>(h.bits) || !sorted(h.order) || !sorted(h.names) || !isIdOrNone(h.unknown_id) ||
        ((!all_known || t.has(DECANT_TOKENIZER_LANGUAGE)) && h.unknown_id < 0))
      return false;
    const auto names = t.list<uint32_t>(h.names);
    if (std::any_of(names.begin(), names.end(), [vocab](uint32_t id) { return id >= vocab; }))
      return false;
    if (!fits<int32_t>(h.bytes) || (h.bytes.count != 0 && h.bytes.count != 256))
      return false;
    const auto ids = t.list<int32_t>(h.bytes);
    return std::all_of(ids.begin(), ids.end(), [this](int32_t id) { return isIdOrNone(id); });
  }

  bool model() const {
    const decant_tokenizer &h = t.header();
    if (h.model == DECANT_TOKENIZER_UNIGRAM)
      return fits<double>(h.scores) && h.scores.count == h.keys.count;
    if (h.model != DECANT_TOKENIZER_BPE || !fits<uint32_t>(h.starts) || !fits<decant_merge>(h.merges) ||
        h.starts.count != h.keys.count + 1 || ((h.flags & DECANT_TOKENIZER_BYTES) && h.bytes.count != 256))
      return false;
    const auto starts = t.list<uint32_t>(h.starts);
    if (starts.front() != 0 || starts.back() != h.merges.count || !std::is_sorted(starts.begin(), starts.end()))
      return false;
    const auto merges = t.list<decant_merge>(h.merges);
    return std::all_of(merges.begin(), merges.end(),
                       [this](const decant_merge &m) { return isKey(m.right) && isKey(m.id); });
  }

  bool added() const {
    const decant_tokenizer &h = t.header();
    if (!fits<decant_added>(h.added) || !fits<int32_t>(h.prefix) || !fits<int32_t>(h.suffix))
      return false;
    for (const decant_added &entry : t.list<decant_added>(h.added))
      if (!fits<char>(entry.text) || entry.text.count == 0 || !isId(entry.id))
        return false;
    if (!fits<decant_language>(h.languages) || h.source_language > uint64_t{h.prefix.count} + h.suffix.count)
      return false;
    for (const decant_language &entry : t.list<decant_language>(h.languages))
      if (!fits<char>(entry.code) || !isId(entry.id))
        return false;
    for (decant_range range : {h.prefix, h.suffix})
      for (int32_t id : t.list<int32_t>(range))
        if (!isId(id))
          return false;
    return true;
  }

  bool isMap(decant_range range) const {
    uint32_t bytes = 0;
    if (range.count < sizeof(bytes))
      return false;
    std::memcpy(&bytes, t.text(range).data(), sizeof(bytes));
    return bytes <= range.count - sizeof(bytes);
  }

  bool steps() const {
    const decant_tokenizer &h = t.header();
    if (!fits<decant_text_step>(h.steps) || h.steps.count > 16)
      return false;
    bool words = false; // pre-tokenizers come last
    for (const decant_text_step &step : t.list<decant_text_step>(h.steps)) {
      const bool known =
          step.op <= DECANT_TEXT_CHARSMAP || (step.op >= DECANT_TEXT_PATTERN && step.op <= DECANT_TEXT_WHITESPACE);
      const bool marks = step.op == DECANT_TEXT_METASPACE || step.op == DECANT_TEXT_SPACES;
      if (!known || !fits<char>(step.a) || !fits<char>(step.b) || (marks && step.a.count == 0) ||
          (step.op == DECANT_TEXT_CHARSMAP && !isMap(step.a)) || (words && step.op < DECANT_TEXT_PATTERN))
        return false;
      words = words || step.op >= DECANT_TEXT_PATTERN;
    }
    return true;
  }

  bool unicode() const {
    const decant_tokenizer &h = t.header();
    if (!fits<decant_class>(h.classes) || !fits<decant_decomposition>(h.decompositions) ||
        !fits<decant_composition>(h.compositions) || !fits<decant_combining>(h.combining) ||
        !fits<uint32_t>(h.decomposed))
      return false;
    const auto list = t.list<decant_decomposition>(h.decompositions);
    return std::all_of(list.begin(), list.end(), [&](const decant_decomposition &entry) {
      return entry.first <= h.decomposed.count && entry.count <= h.decomposed.count - entry.first;
    });
  }

  bool chat() const {
    const decant_chat &c = t.header().chat;
    bool ok =
        c.kind <= DECANT_CHAT_LLAMA2 && fits<char>(c.bos) && fits<char>(c.generation) && fits<char>(c.default_system);
    for (int role = 0; role < 3; ++role)
      ok = ok && fits<char>(c.before[role]) && fits<char>(c.after[role]);
    return ok;
  }
};

} // namespace

decant_status checkTokenizer(const uint8_t *block, uint64_t bytes, const Message &message) {
  const Tokenizer tokenizer{block};
  const Checker check{tokenizer, bytes, message};
  if (bytes < sizeof(decant_tokenizer) || std::memcmp(block, DECANT_TOKENIZER_MAGIC, 8) != 0)
    return message.fail(DECANT_DATA_LOSS, "damaged: the tokenizer's tables do not begin as they should");
  if (!check.pieces())
    return check.damaged("pieces");
  if (!check.model())
    return check.damaged("merges or scores");
  if (!check.added())
    return check.damaged("added tokens");
  if (!check.steps())
    return check.damaged("steps");
  if (!check.unicode())
    return check.damaged("characters");
  return check.chat() ? DECANT_OK : check.damaged("chat texts");
}

} // namespace decant::rt

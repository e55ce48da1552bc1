// SentencePiece's precompiled map of characters (decant_tokenizer.h has its layout), as two implementations read it:
// SentencePiece takes the longest key at each place; Hugging Face's tokenizers look at one grapheme cluster after
// another, those under six bytes as a whole first, and let the shortest key that a part begins with replace all of it.
#include "runtime/text/tokenizer.h"

#include <algorithm>

namespace decant::rt {
namespace {

constexpr size_t kWholeBytes = 6;
constexpr size_t kLongestKey = 256; // bytes: real ones have a few; a damaged trie can be endless

struct CharacterMap {
  std::string_view units, texts;

  explicit CharacterMap(std::string_view map) {
    uint32_t bytes = 0;
    std::memcpy(&bytes, map.data(), sizeof(bytes)); // checkTokenizer: it fits
    units = partOf(map, sizeof(bytes), bytes);
    texts = partOf(map, sizeof(bytes) + bytes);
  }

  /// 0 behind the end, which is a unit without a label and a leaf.
  uint32_t unit(size_t at) const {
    uint32_t value = 0;
    if (at < units.size() / sizeof(value))
      std::memcpy(&value, units.data() + at * sizeof(value), sizeof(value));
    return value;
  }

  /// Bytes of the shortest or longest key that `text` begins with, 0: none; `becomes` its value.
  size_t match(std::string_view text, bool longest, std::string_view &becomes) const {
    auto offset = [](uint32_t unit) -> size_t { return size_t{unit >> 10} << ((unit & 1u << 9) >> 6); };
    size_t found = 0, place = 0, node = offset(unit(0));
    for (size_t i = 0; i < std::min(text.size(), kLongestKey) && (longest || !found); ++i) {
      const auto byte = static_cast<uint8_t>(text[i]);
      node ^= byte;
      const uint32_t value = unit(node);
      if ((value & (1u << 31 | 0xff)) != byte)
        break;
      node ^= offset(value);
      const size_t at = unit(node) & ~(1u << 31);
      if (value >> 8 & 1 && at < texts.size())
        found = i + 1, place = at;
    }
    if (found) {
      becomes = partOf(texts, place);
      becomes = partOf(becomes, 0, becomes.find('\0'));
    }
    return found;
  }
};

struct Clusters {
  const Tokenizer &tokenizer;
  std::string_view text;

  uint32_t next(size_t &at) const { return tokenizer.classOf(nextCharacter(text, at)) >> DECANT_CLASS_BREAK_SHIFT; }

  /// End of the extended grapheme cluster at `at` (UAX #29, rules GB3 to GB13 without 9c: what that joins is longer
  /// than kWholeBytes either way).
  size_t end(size_t at) const {
    uint32_t before = next(at);
    bool pictograph = before == DECANT_BREAK_PICTOGRAPH; // then marks alone
    bool pair = false;                                   // of regional indicators, complete
    while (at < text.size()) {
      size_t behind = at;
      const uint32_t after = next(behind);
      const bool joins = before == DECANT_BREAK_JOINER && after == DECANT_BREAK_PICTOGRAPH
                             ? pictograph
                             : joined(before, after) && !(after == DECANT_BREAK_REGIONAL && pair);
      if (!joins)
        break;
      pictograph = after == DECANT_BREAK_PICTOGRAPH ||
                   (pictograph && (after == DECANT_BREAK_EXTEND || after == DECANT_BREAK_JOINER));
      pair = before == DECANT_BREAK_REGIONAL && after == DECANT_BREAK_REGIONAL;
      before = after;
      at = behind;
    }
    return at;
  }

  static bool joined(uint32_t before, uint32_t after) {
    if (before == DECANT_BREAK_CR || before == DECANT_BREAK_LF || before == DECANT_BREAK_CONTROL)
      return before == DECANT_BREAK_CR && after == DECANT_BREAK_LF;
    const bool vowel = after == DECANT_BREAK_V, tail = after == DECANT_BREAK_T;
    switch (after) {
    case DECANT_BREAK_CR:
    case DECANT_BREAK_LF:
    case DECANT_BREAK_CONTROL:
      return false;
    case DECANT_BREAK_EXTEND:
    case DECANT_BREAK_JOINER:
    case DECANT_BREAK_SPACING:
      return true;
    default:
      break;
    }
    switch (before) {
    case DECANT_BREAK_PREPEND:
      return true;
    case DECANT_BREAK_L:
      return vowel || after == DECANT_BREAK_L || after == DECANT_BREAK_LV || after == DECANT_BREAK_LVT;
    case DECANT_BREAK_LV:
    case DECANT_BREAK_V:
      return vowel || tail;
    case DECANT_BREAK_LVT:
    case DECANT_BREAK_T:
      return tail;
    case DECANT_BREAK_REGIONAL:
      return after == DECANT_BREAK_REGIONAL;
    default:
      return false;
    }
  }
};

bool mapLongest(const CharacterMap &map, std::string_view text, Array<char> &out) {
  for (size_t at = 0; at < text.size();) {
    size_t to = at;
    nextCharacter(text, to);
    std::string_view becomes = partOf(text, at, to - at);
    if (const size_t length = map.match(partOf(text, at), true, becomes))
      to = at + length;
    if (!out.append(becomes.data(), becomes.size()))
      return false;
    at = to;
  }
  return true;
}

bool mapClusters(const Tokenizer &tokenizer, const CharacterMap &map, std::string_view text, Array<char> &out) {
  const Clusters clusters{tokenizer, text};
  for (size_t at = 0; at < text.size();) {
    const size_t end = clusters.end(at);
    std::string_view becomes;
    if (end - at < kWholeBytes && map.match(partOf(text, at, end - at), false, becomes)) {
      if (!out.append(becomes.data(), becomes.size()))
        return false;
      at = end;
    }
    while (at < end) {
      size_t to = at;
      nextCharacter(text, to);
      becomes = partOf(text, at, to - at);
      map.match(becomes, false, becomes);
      if (!out.append(becomes.data(), becomes.size()))
        return false;
      at = to;
    }
  }
  return true;
}

} // namespace

bool mapCharacters(const Tokenizer &tokenizer, const decant_text_step &step, std::string_view text, Array<char> &out) {
  const CharacterMap map(tokenizer.text(step.a));
  return step.value ? mapClusters(tokenizer, map, text, out) : mapLongest(map, text, out);
}

} // namespace decant::rt

// Normalizers: text -> text. Canonical composition (NFC) as of Unicode's UAX #15, over tables that the compiler has
// made.
#include "runtime/text/tokenizer.h"

#include <algorithm>

namespace decant::rt {
namespace {

constexpr uint32_t kHangul = 0xac00, kLead = 0x1100, kVowel = 0x1161, kTail = 0x11a7; // UAX #15: Hangul is arithmetic
constexpr uint32_t kVowels = 21, kTails = 28, kSyllables = 11172, kLeads = 19;

struct Composer {
  const Tokenizer &tokenizer;
  Array<uint32_t> characters;

  template <class Entry> const Entry *find(std::span<const Entry> list, uint32_t character) const {
    auto found = std::lower_bound(list.begin(), list.end(), character,
                                  [](const Entry &entry, uint32_t value) { return entry.character < value; });
    return found != list.end() && found->character == character ? &*found : nullptr;
  }

  uint32_t combining(uint32_t character) const {
    const auto *entry = find(tokenizer.list<decant_combining>(tokenizer.header().combining), character);
    return entry ? entry->combining_class : 0;
  }

  bool decompose(uint32_t character) {
    if (character - kHangul < kSyllables) {
      const uint32_t index = character - kHangul, tail = index % kTails;
      return characters.push(kLead + index / (kVowels * kTails)) &&
             characters.push(kVowel + index % (kVowels * kTails) / kTails) &&
             (tail == 0 || characters.push(kTail + tail));
    }
    const auto *entry = find(tokenizer.list<decant_decomposition>(tokenizer.header().decompositions), character);
    if (!entry)
      return characters.push(character);
    return characters.append(tokenizer.list<uint32_t>(tokenizer.header().decomposed).data() + entry->first,
                             entry->count);
  }

  /// Marks in the order of their classes, those of one class in the order of the text.
  void sort() {
    for (size_t i = 0; i < characters.size();) {
      size_t end = i + 1;
      if (combining(characters[i]) != 0) {
        while (end < characters.size() && combining(characters[end]) != 0)
          ++end;
        for (size_t j = i + 1; j < end; ++j) // stable, short runs
          for (size_t k = j; k > i && combining(characters[k - 1]) > combining(characters[k]); --k)
            std::swap(characters[k - 1], characters[k]);
      }
      i = end;
    }
  }

  uint32_t pair(uint32_t a, uint32_t b) const {
    if (a - kLead < kLeads && b - kVowel < kVowels)
      return kHangul + ((a - kLead) * kVowels + (b - kVowel)) * kTails;
    if (a - kHangul < kSyllables && (a - kHangul) % kTails == 0 && b - kTail - 1 < kTails - 1)
      return a + (b - kTail);
    const auto list = tokenizer.list<decant_composition>(tokenizer.header().compositions);
    auto found = std::lower_bound(list.begin(), list.end(), std::pair(a, b),
                                  [](const decant_composition &c, auto value) { return std::pair(c.a, c.b) < value; });
    return found != list.end() && found->a == a && found->b == b ? found->character : 0;
  }

  void compose() {
    size_t kept = 0, starter = SIZE_MAX;
    uint32_t last_class = 0;
    for (size_t i = 0; i < characters.size(); ++i) {
      const uint32_t character = characters[i], its_class = combining(character);
      const bool blocked = starter != SIZE_MAX && kept > starter + 1 && (last_class == 0 || last_class >= its_class);
      if (const uint32_t joined = starter == SIZE_MAX || blocked ? 0 : pair(characters[starter], character)) {
        characters[starter] = joined;
        continue;
      }
      if (its_class == 0)
        starter = kept;
      last_class = its_class;
      characters[kept++] = character;
    }
    characters.truncate(kept);
  }
};

bool replaceAll(std::string_view text, std::string_view from, std::string_view to, Array<char> &out) {
  for (size_t at = 0; at < text.size();) {
    const size_t found = from.empty() ? text.npos : text.find(from, at);
    const size_t end = found == text.npos ? text.size() : found;
    if (!out.append(text.data() + at, end - at) || (found != text.npos && !out.append(to.data(), to.size())))
      return false;
    at = found == text.npos ? text.size() : found + from.size();
  }
  return true;
}

/// Bytes of `mark`, or of a white space character where that is empty, at an end of the text; 0: it does not stand
/// there.
size_t markAt(const Tokenizer &tokenizer, std::string_view text, std::string_view mark, bool right) {
  if (!mark.empty())
    return (right ? text.ends_with(mark) : text.starts_with(mark)) ? mark.size() : 0;
  if (text.empty())
    return 0;
  size_t from = right ? text.size() - 1 : 0;
  while (right && from && (text[from] & 0xc0) == 0x80)
    --from;
  size_t to = from;
  return tokenizer.classOf(nextCharacter(text, to)) & DECANT_CLASS_SPACE ? to - from : 0;
}

/// Runs of two spaces or more become `to`.
bool collapse(std::string_view text, std::string_view to, Array<char> &out) {
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size() && text[end] == ' ')
      ++end;
    const bool run = end - at >= 2;
    end = run ? end : at + 1;
    const std::string_view part = run ? to : partOf(text, at, 1);
    if (!out.append(part.data(), part.size()))
      return false;
    at = end;
  }
  return true;
}

bool apply(const Tokenizer &tokenizer, const decant_text_step &step, std::string_view text, Array<char> &out) {
  const std::string_view a = tokenizer.text(step.a), b = tokenizer.text(step.b);
  switch (step.op) {
  case DECANT_TEXT_NFC:
    return composeCanonically(tokenizer, text, out);
  case DECANT_TEXT_PREPEND:
    return (text.empty() || out.append(a.data(), a.size())) && out.append(text.data(), text.size());
  case DECANT_TEXT_STRIP: {
    const std::string_view kept = strip(tokenizer, text, a, step.value);
    return out.append(kept.data(), kept.size());
  }
  case DECANT_TEXT_COLLAPSE:
    return collapse(text, b, out);
  case DECANT_TEXT_CHARSMAP:
    return mapCharacters(tokenizer, step, text, out);
  default: // REPLACE: checkTokenizer lets no other through
    return replaceAll(text, a, b, out);
  }
}

} // namespace

std::string_view strip(const Tokenizer &tokenizer, std::string_view text, std::string_view mark, uint32_t ends) {
  while (const size_t bytes = ends & 1 ? markAt(tokenizer, text, mark, false) : 0)
    text.remove_prefix(bytes);
  while (const size_t bytes = ends & 2 ? markAt(tokenizer, text, mark, true) : 0)
    text.remove_suffix(bytes);
  return text;
}

bool composeCanonically(const Tokenizer &tokenizer, std::string_view text, Array<char> &out) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; }))
    return out.append(text.data(), text.size());
  Composer composer{tokenizer, {}};
  for (size_t at = 0; at < text.size();)
    if (!composer.decompose(nextCharacter(text, at)))
      return false;
  composer.sort();
  composer.compose();
  for (uint32_t character : composer.characters)
    if (!appendCharacter(out, character))
      return false;
  return true;
}

bool normalize(const Tokenizer &tokenizer, std::string_view text, Array<char> &out) {
  Array<char> other;
  out.clear();
  if (!out.append(text.data(), text.size()))
    return false;
  for (const decant_text_step &step : tokenizer.list<decant_text_step>(tokenizer.header().steps)) {
    if (step.op >= DECANT_TEXT_PATTERN)
      break;
    other.clear();
    if (!apply(tokenizer, step, viewOf(out), other))
      return false;
    out.clear();
    if (!out.append(other.data(), other.size()))
      return false;
  }
  return true;
}

} // namespace decant::rt

// Pre-tokenizers: text -> words, one step after another. The patterns of GPT-2 and its heirs are alternatives that are
// tried in order at each place; here each is a few lines over the classes of characters.
#include "runtime/text/tokenizer.h"

namespace decant::rt {
namespace {

struct Matcher {
  const Tokenizer &tokenizer;
  std::string_view text;
  uint32_t value; ///< decant_pattern_bits

  uint32_t classAt(size_t at) const { return at < text.size() ? tokenizer.classOf(nextCharacter(text, at)) : 0; }
  size_t behind(size_t at) const {
    nextCharacter(text, at);
    return at;
  }
  bool isLine(size_t at) const { return at < text.size() && (text[at] == '\r' || text[at] == '\n'); }
  bool isOther(size_t at) const {
    return at < text.size() && !(classAt(at) & (DECANT_CLASS_LETTER | DECANT_CLASS_NUMBER | DECANT_CLASS_SPACE));
  }
  size_t run(size_t at, uint32_t bits, size_t most = SIZE_MAX) const {
    for (; most && at < text.size() && classAt(at) & bits; --most)
      at = behind(at);
    return at;
  }

  /// 's 't 're 've 'm 'll 'd; in any case also with the long s, which folds to s.
  size_t contraction(size_t at) const {
    if (text[at] != '\'')
      return at;
    const bool any = value & DECANT_PATTERN_ANY_CASE;
    for (std::string_view tail : {"s", "t", "re", "ve", "m", "ll", "d"}) {
      size_t i = 0;
      for (; i < tail.size() && at + 1 + i < text.size(); ++i) {
        const char c = text[at + 1 + i];
        if (c != tail[i] && !(any && c >= 'A' && c <= 'Z' && c + ('a' - 'A') == tail[i]))
          break;
      }
      if (i == tail.size())
        return at + 1 + i;
    }
    return any && partOf(text, at + 1).starts_with("\u017f") ? at + 3 : at;
  }

  size_t letters(size_t at) const {
    size_t from = at;
    const bool lead = value & DECANT_PATTERN_LEAD;
    if (lead ? !isLine(at) && !(classAt(at) & (DECANT_CLASS_LETTER | DECANT_CLASS_NUMBER)) : text[at] == ' ')
      from = behind(at);
    const size_t to = run(from, DECANT_CLASS_LETTER);
    return to > from ? to : at;
  }

  size_t digits(size_t at) const {
    const uint32_t most = value >> DECANT_PATTERN_DIGITS_SHIFT & 3;
    const size_t from = !most && text[at] == ' ' ? at + 1 : at;
    const size_t to = run(from, DECANT_CLASS_NUMBER, most ? most : SIZE_MAX);
    return to > from ? to : at;
  }

  size_t others(size_t at) const {
    size_t to = text[at] == ' ' ? at + 1 : at;
    if (!isOther(to))
      return at;
    while (isOther(to))
      to = behind(to);
    while (value & DECANT_PATTERN_LINES && isLine(to))
      ++to;
    return to;
  }

  /// \s*[\r\n]+ | \s+(?!\S) | \s+
  size_t spaces(size_t at) const {
    const size_t to = run(at, DECANT_CLASS_SPACE);
    size_t line = at, last = at;
    for (size_t i = at; i < to; i = behind(i)) {
      line = isLine(i) ? i + 1 : line;
      last = i;
    }
    if (value & DECANT_PATTERN_LINES && line > at)
      return line;
    return to == text.size() || last == at ? to : last;
  }

  /// End of the word that begins at `at`.
  size_t match(size_t at) const {
    for (auto attempt :
         {&Matcher::contraction, &Matcher::letters, &Matcher::digits, &Matcher::others, &Matcher::spaces})
      if (size_t to = (this->*attempt)(at); to > at)
        return to;
    return behind(at); // no alternative: what a pattern does not match is a word of its own
  }
};

struct Splitter {
  const Tokenizer &tokenizer;
  size_t step;
  bool first;
  Array<int32_t> &ids;

  Outcome next(std::string_view text) const {
    return text.empty() ? Outcome::Ok : splitWords(tokenizer, step + 1, text, first, ids);
  }

  /// Words end where `ends(at)` says, given where the word began.
  template <class Ends> Outcome cut(std::string_view text, Ends ends) const {
    for (size_t at = 0; at < text.size();) {
      const size_t to = ends(at);
      if (Outcome outcome = next(partOf(text, at, to - at)); outcome != Outcome::Ok)
        return outcome;
      at = to;
    }
    return Outcome::Ok;
  }

  Outcome digits(std::string_view text, bool single) const {
    const Matcher matcher{tokenizer, text, 0};
    return cut(text, [&](size_t at) {
      if (matcher.classAt(at) & DECANT_CLASS_NUMBER)
        return matcher.run(at, DECANT_CLASS_NUMBER, single ? 1 : SIZE_MAX);
      while (at < text.size() && !(matcher.classAt(at) & DECANT_CLASS_NUMBER))
        at = matcher.behind(at);
      return at;
    });
  }

  /// Words that begin at `mark`, or end behind it.
  Outcome marks(std::string_view text, std::string_view mark, bool begin) const {
    return cut(text, [&](size_t at) {
      size_t found = text.find(mark, begin && partOf(text, at).starts_with(mark) ? at + mark.size() : at);
      return found == text.npos ? text.size() : begin ? found : found + mark.size();
    });
  }

  Outcome metaspace(std::string_view text, const decant_text_step &s) const {
    const std::string_view mark = tokenizer.text(s.a);
    Array<char> changed;
    const uint32_t scheme = s.value & 3;
    bool ok = true;
    if ((scheme == 1 || (scheme == 2 && first)) && !text.starts_with(' ') && !text.starts_with(mark))
      ok = changed.append(mark.data(), mark.size());
    for (char c : text)
      ok = ok && (c == ' ' ? changed.append(mark.data(), mark.size()) : changed.push(c));
    if (!ok)
      return Outcome::NoMemory;
    return s.value & 4 ? marks(viewOf(changed), mark, true) : next(viewOf(changed));
  }

  Outcome words(std::string_view text) const {
    const Matcher matcher{tokenizer, text, 0};
    for (size_t at = 0; at < text.size();) {
      size_t to = at;
      while (to < text.size() && !(matcher.classAt(to) & DECANT_CLASS_SPACE))
        to = matcher.behind(to);
      if (Outcome outcome = next(partOf(text, at, to - at)); outcome != Outcome::Ok)
        return outcome;
      at = matcher.run(to, DECANT_CLASS_SPACE);
    }
    return Outcome::Ok;
  }
};

} // namespace

Outcome splitWords(const Tokenizer &tokenizer, size_t step, std::string_view text, bool first, Array<int32_t> &ids) {
  const auto steps = tokenizer.list<decant_text_step>(tokenizer.header().steps);
  while (step < steps.size() && steps[step].op < DECANT_TEXT_PATTERN)
    ++step; // normalizers
  if (text.empty())
    return Outcome::Ok;
  if (step == steps.size())
    return tokenizer.header().model == DECANT_TOKENIZER_BPE ? encodeBpe(tokenizer, text, ids)
                                                            : encodeUnigram(tokenizer, text, ids);
  const decant_text_step &s = steps[step];
  const Splitter splitter{tokenizer, step, first, ids};
  switch (s.op) {
  case DECANT_TEXT_PATTERN: {
    const Matcher matcher{tokenizer, text, s.value};
    return splitter.cut(text, [&](size_t at) { return matcher.match(at); });
  }
  case DECANT_TEXT_DIGITS:
    return splitter.digits(text, s.value);
  case DECANT_TEXT_BYTE_SPACE: {
    Array<char> spaced;
    if (text.starts_with(' '))
      return splitter.next(text);
    if (!spaced.push(' ') || !spaced.append(text.data(), text.size()))
      return Outcome::NoMemory;
    return splitter.next(viewOf(spaced));
  }
  case DECANT_TEXT_METASPACE:
    return splitter.metaspace(text, s);
  case DECANT_TEXT_SPACES:
    return splitter.marks(text, tokenizer.text(s.a), false);
  default:
    return splitter.words(text);
  }
}

} // namespace decant::rt

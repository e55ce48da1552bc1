// Byte pair encoding: a word's symbols are joined pair by pair, the pair of the lowest rank first, of equal ones the
// leftmost (Sennrich et al. 2016, arXiv:1508.07909). A heap of pairs: n log n for a word of n symbols.
#include "runtime/text/tokenizer.h"

#include <algorithm>

namespace decant::rt {
namespace {

struct Symbol {
  int32_t id, previous, next; ///< neighbours by index, -1 = none; id -1: joined to another
};

struct Candidate {
  uint32_t rank;
  int32_t left, id;          ///< index of the left symbol, id of the joined one
  int32_t left_id, right_id; ///< the pair as it was: stale if it changed
  bool operator<(const Candidate &o) const {
    return rank != o.rank ? rank > o.rank : left > o.left;
  } // heap: least on top
};

struct Word {
  const Tokenizer &tokenizer;
  Array<Symbol> symbols;
  Array<Candidate> heap;

  bool push(int32_t left) {
    const int32_t right = left < 0 ? -1 : symbols[static_cast<size_t>(left)].next;
    if (right < 0)
      return true;
    const int32_t a = symbols[static_cast<size_t>(left)].id, b = symbols[static_cast<size_t>(right)].id;
    const auto starts = tokenizer.list<uint32_t>(tokenizer.header().starts);
    const auto merges = tokenizer.list<decant_merge>(tokenizer.header().merges);
    const auto first = merges.begin() + starts[static_cast<size_t>(a)],
               last = merges.begin() + starts[static_cast<size_t>(a) + 1];
    const auto found = std::lower_bound(first, last, b, [](const decant_merge &m, int32_t id) { return m.right < id; });
    if (found == last || found->right != b)
      return true;
    if (!heap.push({found->rank, left, found->id, a, b}))
      return false;
    std::push_heap(heap.begin(), heap.end());
    return true;
  }

  bool merge() {
    for (size_t i = 0; i + 1 < symbols.size(); ++i)
      if (!push(static_cast<int32_t>(i)))
        return false;
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const Candidate best = heap[heap.size() - 1];
      heap.pop();
      Symbol &left = symbols[static_cast<size_t>(best.left)];
      if (left.id != best.left_id || left.next < 0)
        continue;
      Symbol &right = symbols[static_cast<size_t>(left.next)];
      if (right.id != best.right_id)
        continue;
      left.id = best.id;
      left.next = right.next;
      right.id = -1;
      if (left.next >= 0)
        symbols[static_cast<size_t>(left.next)].previous = best.left;
      if (!push(left.previous) || !push(best.left))
        return false;
    }
    return true;
  }

  bool add(int32_t id) {
    const auto at = static_cast<int32_t>(symbols.size());
    if (at > 0)
      symbols[static_cast<size_t>(at - 1)].next = at;
    return symbols.push({id, at - 1, -1});
  }
};

/// Ids of the bytes of `character`, if all have one.
bool addBytes(Word &word, std::string_view character, bool &known) {
  const auto bytes = word.tokenizer.list<int32_t>(word.tokenizer.header().bytes);
  known = !bytes.empty();
  for (char byte : character)
    known = known && bytes[static_cast<uint8_t>(byte)] >= 0;
  for (size_t i = 0; known && i < character.size(); ++i)
    if (!word.add(bytes[static_cast<uint8_t>(character[i])]))
      return false;
  return true;
}

Outcome addCharacters(Word &word, std::string_view text) {
  const Tokenizer &tokenizer = word.tokenizer;
  bool after_unknown = false;
  size_t unknown_from = 0; // of a run of them
  for (size_t at = 0; at < text.size();) {
    const size_t from = at;
    nextCharacter(text, at);
    const std::string_view character = partOf(text, from, at - from);
    const int32_t id = tokenizer.find(character);
    bool known = id >= 0;
    if (known && !word.add(id))
      return Outcome::NoMemory;
    if (!known && tokenizer.has(DECANT_TOKENIZER_BYTE_FALLBACK) && !addBytes(word, character, known))
      return Outcome::NoMemory;
    if (!known && tokenizer.header().unknown_id < 0)
      return Outcome::UnknownCharacter;
    const bool fused = after_unknown && tokenizer.has(DECANT_TOKENIZER_FUSE_UNKNOWN);
    unknown_from = fused ? unknown_from : from;
    if (!known && !fused && !word.add(tokenizer.header().unknown_id))
      return Outcome::NoMemory;
    if (!known) {
      const int32_t name = tokenizer.findName(partOf(text, unknown_from, at - unknown_from));
      word.symbols[word.symbols.size() - 1].id = name >= 0 ? name : tokenizer.header().unknown_id;
    }
    after_unknown = !known;
  }
  return Outcome::Ok;
}

} // namespace

Outcome encodeBpe(const Tokenizer &tokenizer, std::string_view text, Array<int32_t> &ids) {
  if (tokenizer.has(DECANT_TOKENIZER_WHOLE_WORDS))
    if (const int32_t id = tokenizer.find(text); id >= 0 && static_cast<size_t>(id) < tokenizer.vocab())
      return ids.push(id) ? Outcome::Ok : Outcome::NoMemory;
  Word word{tokenizer, {}, {}};
  if (tokenizer.has(DECANT_TOKENIZER_BYTES)) {
    bool known = true;
    for (size_t i = 0; i < text.size(); ++i) {
      if (!addBytes(word, partOf(text, i, 1), known))
        return Outcome::NoMemory;
      if (!known && tokenizer.header().unknown_id >= 0 && !word.add(tokenizer.header().unknown_id))
        return Outcome::NoMemory; // without an unknown token the byte is left out, as Hugging Face does
    }
  } else if (Outcome outcome = addCharacters(word, text); outcome != Outcome::Ok) {
    return outcome;
  }
  if (!word.merge())
    return Outcome::NoMemory;
  for (const Symbol &symbol : word.symbols) {
    const bool known = static_cast<size_t>(symbol.id) < tokenizer.vocab();
    if (symbol.id >= 0 && !ids.push(known ? symbol.id : tokenizer.header().unknown_id))
      return Outcome::NoMemory;
  }
  return Outcome::Ok;
}

} // namespace decant::rt

// Unigram model: the cut of a word into pieces whose scores have the largest sum (Kudo 2018, arXiv:1804.10959), by
// Viterbi over the byte positions; of equal sums the one found first, as Hugging Face's encode_optimized.
#include "runtime/text/tokenizer.h"

#include <algorithm>

namespace decant::rt {
namespace {

struct Node {
  double score;
  int32_t id;
  int32_t from; ///< where the best last piece begins, -1 = unreached
};

struct Lattice {
  const Tokenizer &tokenizer;
  std::string_view text;
  Array<Node> nodes; ///< (text.size() + 1) best ways to each byte position

  void reach(size_t from, size_t to, int32_t id, double score) {
    const double sum = nodes[from].score + score;
    if (nodes[to].from < 0 || sum > nodes[to].score)
      nodes[to] = {tokenizer.has(DECANT_TOKENIZER_FLOAT_SUMS) ? static_cast<float>(sum) : sum, id,
                   static_cast<int32_t>(from)};
  }

  /// All pieces that begin at `from`; whether one of them is a single character, which ends at `single`.
  bool pieces(size_t from, size_t single) {
    const auto order = tokenizer.list<uint32_t>(tokenizer.header().order);
    const auto scores = tokenizer.list<double>(tokenizer.header().scores);
    auto low = order.begin(), high = order.end();
    bool found_single = false;
    for (size_t length = 1; from + length <= text.size(); ++length) {
      // Those whose byte `length - 1` is the text's: all in the range share the bytes before it, shorter ones come
      // first.
      const auto byte = static_cast<uint8_t>(text[from + length - 1]);
      auto at = [&](uint32_t id) {
        const std::string_view key = tokenizer.key(id);
        return key.size() < length ? -1 : int32_t(static_cast<uint8_t>(key[length - 1]));
      };
      low = std::lower_bound(low, high, byte, [&](uint32_t id, int32_t value) { return at(id) < value; });
      high = std::upper_bound(low, high, byte, [&](int32_t value, uint32_t id) { return value < at(id); });
      if (low == high)
        break;
      if (tokenizer.key(*low).size() == length) {
        reach(from, from + length, static_cast<int32_t>(*low), scores[*low]);
        found_single = found_single || from + length == single;
      }
    }
    return found_single;
  }
};

/// The id of a piece that may be several unknown characters, fused.
bool emit(const Tokenizer &tokenizer, std::string_view piece, int32_t id, Array<int32_t> &ids) {
  const auto bytes = tokenizer.list<int32_t>(tokenizer.header().bytes);
  if (static_cast<size_t>(id) >= tokenizer.vocab())
    return ids.push(tokenizer.header().unknown_id);
  if (id != tokenizer.header().unknown_id)
    return ids.push(id);
  if (const int32_t name = tokenizer.findName(piece); name >= 0)
    return ids.push(name);
  if (!tokenizer.has(DECANT_TOKENIZER_BYTE_FALLBACK) || bytes.empty())
    return ids.push(id);
  for (char byte : piece)
    if (bytes[static_cast<uint8_t>(byte)] < 0)
      return ids.push(id);
  for (char byte : piece)
    if (!ids.push(bytes[static_cast<uint8_t>(byte)]))
      return false;
  return true;
}

} // namespace

Outcome encodeUnigram(const Tokenizer &tokenizer, std::string_view word, Array<int32_t> &ids) {
  const decant_tokenizer &h = tokenizer.header();
  Lattice lattice{tokenizer, word, {}};
  if (!lattice.nodes.resize(word.size() + 1))
    return Outcome::NoMemory;
  for (Node &node : lattice.nodes)
    node.from = -1;
  lattice.nodes[0].from = 0;
  for (size_t at = 0; at < word.size();) {
    size_t to = at;
    nextCharacter(word, to);
    if (!lattice.pieces(at, to)) {
      if (h.unknown_id < 0)
        return Outcome::UnknownCharacter;
      lattice.reach(at, to, h.unknown_id, h.unknown_score);
    }
    at = to;
  }
  Array<int32_t> ends; // of the pieces, last first
  for (int32_t at = static_cast<int32_t>(word.size()); at > 0; at = lattice.nodes[static_cast<size_t>(at)].from)
    if (!ends.push(at))
      return Outcome::NoMemory;
  for (size_t i = ends.size(); i-- > 0;) {
    const int32_t id = lattice.nodes[static_cast<size_t>(ends[i])].id;
    const auto from = static_cast<size_t>(lattice.nodes[static_cast<size_t>(ends[i])].from);
    while (id == h.unknown_id && tokenizer.has(DECANT_TOKENIZER_FUSE_UNKNOWN) && i > 0 &&
           lattice.nodes[static_cast<size_t>(ends[i - 1])].id == id)
      --i;
    if (!emit(tokenizer, partOf(word, from, static_cast<size_t>(ends[i]) - from), id, ids))
      return Outcome::NoMemory;
  }
  return Outcome::Ok;
}

} // namespace decant::rt

// Tokenizer -> the block of runtime/include/decant_tokenizer.h.
#include "compiler/text/Tokenizer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cstring>
#include <numeric>

using namespace decant;

namespace {

struct Block {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(sizeof(decant_tokenizer));
  std::map<std::string, decant_range> texts;

  template <class T> decant_range put(const std::vector<T> &list) {
    bytes.resize((bytes.size() + 7) / 8 * 8);
    decant_range range{static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(list.size())};
    const auto *data = reinterpret_cast<const uint8_t *>(list.data());
    bytes.insert(bytes.end(), data, data + list.size() * sizeof(T));
    return range;
  }

  /// Equal texts share their bytes.
  decant_range text(const std::string &value) {
    auto [it, isNew] = texts.try_emplace(value);
    if (isNew) {
      it->second = {static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(value.size())};
      bytes.insert(bytes.end(), value.begin(), value.end());
    }
    return it->second;
  }

  decant_range textList(const std::vector<std::string> &values) {
    std::vector<decant_range> ranges;
    for (const std::string &value : values)
      ranges.push_back(text(value));
    return put(ranges);
  }
};

void packMerges(const Tokenizer &t, Block &block, decant_tokenizer &header) {
  std::vector<Tokenizer::Merge> sorted = t.merges;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto &x, const auto &y) { return std::pair(x.left, x.right) < std::pair(y.left, y.right); });
  std::vector<uint32_t> starts(t.keys.size() + 1, 0);
  std::vector<decant_merge> merges;
  for (const Tokenizer::Merge &merge : sorted) {
    merges.push_back({merge.right, merge.id, merge.rank});
    ++starts[static_cast<size_t>(merge.left) + 1];
  }
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  header.starts = block.put(starts);
  header.merges = block.put(merges);
}

/// Ids of the texts that are not empty, sorted as unsigned bytes, like the runtime's std::string_view.
std::vector<uint32_t> sortedIds(const std::vector<std::string> &texts) {
  std::vector<uint32_t> order;
  for (size_t id = 0; id < texts.size(); ++id)
    if (!texts[id].empty())
      order.push_back(static_cast<uint32_t>(id));
  std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) { return texts[x] < texts[y]; });
  return order;
}

void packSteps(const Tokenizer &t, Block &block, decant_tokenizer &header) {
  std::vector<decant_text_step> steps;
  bool forms = false, breaks = false;
  for (const TextStep &step : t.steps) {
    steps.push_back({step.op, step.value, block.text(step.a), block.text(step.b)});
    forms = forms || step.op == DECANT_TEXT_NFC;
    breaks = breaks || (step.op == DECANT_TEXT_CHARSMAP && step.value);
  }
  header.steps = block.put(steps);
  header.classes = block.put(characterClasses(breaks));
  if (!forms)
    return;
  CanonicalForms canonical = canonicalForms();
  header.decompositions = block.put(canonical.decompositions);
  header.compositions = block.put(canonical.compositions);
  header.combining = block.put(canonical.combining);
  header.decomposed = block.put(canonical.decomposed);
}

/// The code that a language's token says: __fr__ (M2M-100), fra_Latn (NLLB), fr_XX (mBART); "": it is no such token.
std::string languageOf(llvm::StringRef token) {
  llvm::StringRef code = token;
  if (code.consume_front("__") && code.consume_back("__") && code.size() >= 2 && code.size() <= 3)
    return code.str();
  auto [name, region] = token.split('_');
  bool isLower = name.size() >= 2 && name.size() <= 3 && llvm::all_of(name, llvm::isLower);
  bool isRegion = region.size() == 2 && llvm::all_of(region, llvm::isUpper);
  bool isScript = region.size() == 4 && llvm::isUpper(region[0]) && llvm::all_of(region.drop_front(), llvm::isLower);
  return isLower && (isRegion || isScript) ? token.str() : "";
}

void packLanguages(const Tokenizer &t, Block &block, decant_tokenizer &header) {
  std::vector<decant_language> languages;
  std::vector<int32_t> around = t.prefix;
  around.insert(around.end(), t.suffix.begin(), t.suffix.end());
  for (const AddedToken &token : t.added) {
    std::string code = languageOf(token.text);
    if (code.empty())
      continue;
    languages.push_back({block.text(code), token.id, 0});
    auto place = std::find(around.begin(), around.end(), token.id);
    if (place != around.end() && header.source_language == 0)
      header.source_language = static_cast<uint32_t>(place - around.begin()) + 1;
  }
  header.languages = block.put(languages);
}

void packChat(const ChatTemplate &chat, Block &block, decant_chat &out) {
  out.kind = chat.kind;
  out.trims = chat.trims;
  out.bos = block.text(chat.bos);
  for (int role = 0; role < 3; ++role) {
    out.before[role] = block.text(chat.before[role]);
    out.after[role] = block.text(chat.after[role]);
  }
  out.generation = block.text(chat.generation);
  out.default_system = block.text(chat.defaultSystem);
}

} // namespace

std::vector<uint8_t> decant::packTokenizer(const Tokenizer &t) {
  Block block;
  decant_tokenizer header = {};
  std::memcpy(header.magic, DECANT_TOKENIZER_MAGIC, sizeof(header.magic));
  header.model = t.model;
  header.flags = t.flags;
  header.unknown_id = t.unknownId;
  header.pieces = block.textList(t.pieces);
  std::vector<std::string> keys = t.keys;
  for (size_t id = 0; id < t.names.size(); ++id)
    keys[id] = keys[id].empty() ? t.names[id] : keys[id];
  header.keys = block.textList(keys);
  header.bits = block.put(t.bits);
  header.bytes = block.put(t.bytes);
  header.order = block.put(sortedIds(t.keys));
  header.names = block.put(sortedIds(t.names));
  if (t.model == DECANT_TOKENIZER_BPE)
    packMerges(t, block, header);
  else if (!t.scores.empty()) {
    header.unknown_score = t.unknownScore;
    header.scores = block.put(t.scores);
  }
  std::vector<AddedToken> byLength = t.added;
  std::stable_sort(byLength.begin(), byLength.end(),
                   [](const AddedToken &x, const AddedToken &y) { return x.text.size() > y.text.size(); });
  std::vector<decant_added> added;
  for (const AddedToken &token : byLength)
    added.push_back({block.text(token.text), token.id, token.bits});
  header.added = block.put(added);
  packSteps(t, block, header);
  header.prefix = block.put(t.prefix);
  header.suffix = block.put(t.suffix);
  packLanguages(t, block, header);
  packChat(t.chat, block, header.chat);
  block.bytes.resize((block.bytes.size() + 7) / 8 * 8);
  std::memcpy(block.bytes.data(), &header, sizeof(header));
  return std::move(block.bytes);
}

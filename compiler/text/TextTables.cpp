// g2p_vocab.json -> CharacterTables.
//
// {"special_tokens": {"<s>": id, "</s>": id, "<unk>": id, ...}, "source": {one character: id}, "target": {"id": text},
//  "description": anything}. Without "<unk>" an unknown character is an error at run time.
#include "compiler/text/TextTables.h"

#include "compiler/config/KeyReader.h"
#include "compiler/config/Limits.h"
#include "compiler/config/RegularFile.h"

#include "llvm/Support/ConvertUTF.h"

#include <fmt/format.h>

#include <algorithm>

using namespace decant;
using json::Kind;
using json::Value;

namespace {

/// The code point of a string that is exactly one Unicode character.
std::optional<uint32_t> singleCodePoint(llvm::StringRef text) {
  auto *next = reinterpret_cast<const llvm::UTF8 *>(text.bytes_begin());
  auto *end = reinterpret_cast<const llvm::UTF8 *>(text.bytes_end());
  llvm::UTF32 codePoint = 0;
  bool good =
      next != end && llvm::convertUTF8Sequence(&next, end, &codePoint, llvm::strictConversion) == llvm::conversionOK;
  return good && next == end ? std::optional<uint32_t>(codePoint) : std::nullopt;
}

class VocabReader {
public:
  VocabReader(const Value &root, const std::string &path, int64_t vocab) : keys(root, path), vocab(vocab) {}

  llvm::Expected<std::optional<CharacterTables>> read() {
    tables.pieces.resize(static_cast<size_t>(vocab));
    readSpecials(object("special_tokens"));
    readSource(object("source"));
    readTarget(object("target"));
    keys.harmless({"description"});
    if (llvm::Error error = keys.finish())
      return error;
    return std::optional<CharacterTables>(std::move(tables));
  }

private:
  void fail(llvm::StringRef key, const std::string &message) { keys.refuse(ExitCode::BadInput, key, message); }

  const Value &object(llvm::StringRef key) {
    static const Value empty = Value::container(Kind::Object);
    const Value *value = keys.take(key);
    if (value && value->is(Kind::Object))
      return *value;
    fail(key, value ? "expected an object {...}, found " + json::excerpt(*value) : "missing; expected an object {...}");
    return empty;
  }

  int32_t checkId(llvm::StringRef key, const std::string &name, const Value &id) {
    if (id.is(Kind::Integer) && id.integer() >= 0 && id.integer() < vocab)
      return static_cast<int32_t>(id.integer());
    fail(key,
         fmt::format("{}: expected an id from 0 to {}, found {}", json::quote(name), vocab - 1, json::excerpt(id)));
    return 0;
  }

  void readSpecials(const Value &specials) {
    for (size_t i = 0; i < specials.items().size(); ++i) {
      const std::string &name = specials.keys()[i];
      int32_t id = checkId("special_tokens", name, specials.items()[i]);
      tables.specials.push_back(id);
      if (name == "<s>")
        tables.prefix = {id};
      else if (name == "</s>")
        tables.suffix = {id};
      else if (name == "<unk>")
        tables.unknownId = id;
    }
    if (tables.prefix.empty() || tables.suffix.empty())
      fail("special_tokens", "\"<s>\" and \"</s>\" are needed: they frame every word");
    std::sort(tables.specials.begin(), tables.specials.end());
    tables.specials.erase(std::unique(tables.specials.begin(), tables.specials.end()), tables.specials.end());
  }

  void readSource(const Value &source) {
    for (size_t i = 0; i < source.items().size(); ++i) {
      const std::string &character = source.keys()[i];
      int32_t id = checkId("source", character, source.items()[i]);
      if (std::optional<uint32_t> codePoint = singleCodePoint(character))
        tables.chars.emplace_back(*codePoint, id);
      else
        fail("source", fmt::format("{} is not exactly one Unicode character", json::quote(character)));
    }
    if (tables.chars.empty())
      fail("source", "empty: no text could be encoded");
    std::sort(tables.chars.begin(), tables.chars.end());
  }

  void readTarget(const Value &target) {
    for (size_t i = 0; i < target.items().size(); ++i) {
      const std::string &key = target.keys()[i];
      int64_t id = -1;
      bool plain = !llvm::StringRef(key).getAsInteger(10, id) && std::to_string(id) == key;
      if (!plain || id < 0 || id >= vocab)
        fail("target", fmt::format("expected ids from 0 to {} as keys, found {}", vocab - 1, json::quote(key)));
      else if (!target.items()[i].is(Kind::String))
        fail("target",
             fmt::format("{}: expected a string, found {}", json::quote(key), json::excerpt(target.items()[i])));
      else
        tables.pieces[static_cast<size_t>(id)] = target.items()[i].text();
    }
  }

  KeyReader keys;
  int64_t vocab;
  CharacterTables tables;
};

} // namespace

llvm::Expected<std::optional<CharacterTables>> decant::readTextTables(const std::string &folder, int64_t vocab) {
  std::string path = folder + "/g2p_vocab.json";
  if (!pathExists(path))
    return std::optional<CharacterTables>();
  if (vocab < 1 || vocab > limits::vocabulary)
    return badInput(fmt::format("{}: a text vocabulary needs a model with 1 to {} token ids, this one has {}", path,
                                limits::vocabulary, vocab));
  llvm::Expected<Value> root = json::parseFile(path);
  if (!root)
    return root.takeError();
  return VocabReader(*root, path, vocab).read();
}

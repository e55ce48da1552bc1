// tokenizer.json of Hugging Face's tokenizers -> Tokenizer: BPE over bytes (GPT-2, Llama 3, Qwen), BPE with byte
// fallback (Llama 2, Gemma), Unigram.
//
// Steps become those of the runtime; whatever it does not have is refused by name (exit 4). Tested in tests/text.
#include "compiler/text/Tokenizer.h"

#include "compiler/config/KeyReader.h"
#include "compiler/config/Limits.h"
#include "compiler/config/RegularFile.h"
#include "compiler/text/SentencePiece.h"
#include "compiler/text/TokenizerSteps.h"

#include "llvm/ADT/StringMap.h"

#include <fmt/format.h>

using namespace decant;
using json::Kind;
using json::Value;

namespace {

struct Reader {
  std::string path;
  int64_t vocab;
  Tokenizer result = {};
  llvm::StringMap<int32_t> ids = {}; ///< of the model's pieces, as the file spells them
  std::vector<size_t> hidden = {};   ///< ids behind an equal piece: never found, but decoded

  llvm::Error bad(const std::string &text) { return badInput(path + ": " + text); }

  llvm::Error readPiece(const std::string &piece, const Value &id) {
    if (!id.is(Kind::Integer) || id.integer() < 0 || id.integer() >= vocab)
      return bad(fmt::format("model.vocab: the id of {} is {}, expected 0 to {}: the model has {} token ids",
                             json::quote(piece), json::excerpt(id), vocab - 1, vocab));
    auto number = static_cast<int32_t>(id.integer());
    auto [known, isNew] = ids.try_emplace(piece, number);
    if (!isNew) { // of equal pieces the last is found
      hidden.push_back(static_cast<size_t>(known->second));
      known->second = number;
    }
    result.keys[static_cast<size_t>(number)] = piece;
    return llvm::Error::success();
  }

  llvm::Error readMerge(const Value &merge, uint32_t rank) {
    llvm::StringRef left, right;
    if (merge.is(Kind::String))
      std::tie(left, right) = llvm::StringRef(merge.text()).split(' ');
    else if (merge.is(Kind::Array) && merge.items().size() == 2 && merge.items()[0].is(Kind::String) &&
             merge.items()[1].is(Kind::String))
      left = merge.items()[0].text(), right = merge.items()[1].text();
    auto a = ids.find(left), b = ids.find(right), joined = ids.find((left + right).str());
    if (left.empty() || a == ids.end() || b == ids.end() || joined == ids.end())
      return bad(
          fmt::format("model.merges: number {}, {}, does not name two pieces of the vocabulary that join to a third",
                      rank, json::excerpt(merge)));
    result.merges.push_back({a->second, b->second, joined->second, rank});
    return llvm::Error::success();
  }

  llvm::Error readBpe(KeyReader &keys) {
    const Value *pieces = keys.take("vocab"), *merges = keys.take("merges");
    if (!pieces || !pieces->is(Kind::Object) || !merges || !merges->is(Kind::Array))
      return bad("model: expected \"vocab\", an object, and \"merges\", a list");
    for (size_t i = 0; i < pieces->items().size(); ++i)
      if (llvm::Error error = readPiece(pieces->keys()[i], pieces->items()[i]))
        return error;
    for (size_t i = 0; i < merges->items().size(); ++i)
      if (llvm::Error error = readMerge(merges->items()[i], static_cast<uint32_t>(i)))
        return error;
    keys.neutral("dropout", 0.0);
    keys.neutral("continuing_subword_prefix", "");
    keys.neutral("end_of_word_suffix", "");
    flag(keys, "fuse_unk", DECANT_TOKENIZER_FUSE_UNKNOWN);
    flag(keys, "byte_fallback", DECANT_TOKENIZER_BYTE_FALLBACK);
    flag(keys, "ignore_merges", DECANT_TOKENIZER_WHOLE_WORDS);
    const Value *unknown = keys.take("unk_token");
    if (unknown && unknown->is(Kind::String)) {
      auto found = ids.find(unknown->text());
      result.unknownId = found == ids.end() ? -1 : found->second;
    }
    return keys.finish();
  }

  void flag(KeyReader &keys, const char *name, uint32_t bit) { result.flags |= keys.boolean(name, false) ? bit : 0; }

  llvm::Error readUnigram(KeyReader &keys) {
    const Value *pieces = keys.take("vocab");
    if (!pieces || !pieces->is(Kind::Array))
      return bad("model: expected \"vocab\", a list of pieces and scores");
    result.model = DECANT_TOKENIZER_UNIGRAM;
    result.flags |= DECANT_TOKENIZER_FUSE_UNKNOWN;
    result.scores.resize(static_cast<size_t>(vocab));
    for (size_t i = 0; i < pieces->items().size(); ++i) {
      const Value &entry = pieces->items()[i];
      if (!entry.is(Kind::Array) || entry.items().size() != 2 || !entry.items()[0].is(Kind::String) ||
          !entry.items()[1].isNumber())
        return bad(
            fmt::format("model.vocab: number {} is {}, expected a piece and its score", i, json::excerpt(entry)));
      if (llvm::Error error = readPiece(entry.items()[0].text(), Value(static_cast<int64_t>(i))))
        return error;
      result.scores[i] = entry.items()[1].real();
      result.unknownScore = std::min(result.unknownScore, result.scores[i]);
    }
    result.unknownScore -= kUnknownPenalty;
    result.unknownId = static_cast<int32_t>(keys.integerOrNull("unk_id", -1, -1, vocab - 1));
    flag(keys, "byte_fallback", DECANT_TOKENIZER_BYTE_FALLBACK);
    return keys.finish();
  }

  llvm::Error readModel(const Value &model) {
    KeyReader keys(model, path + ": model");
    // Files of old versions name no type for BPE.
    std::string type = keys.text("type", keys.has("merges") ? "BPE" : "");
    if (type == "BPE")
      return readBpe(keys);
    if (type == "Unigram")
      return readUnigram(keys);
    return unsupported(
        fmt::format("{}: model.type {} is not supported; known: \"BPE\", \"Unigram\"", path, json::quote(type)));
  }

  llvm::Error readAdded(const Value &list) {
    if (!list.is(Kind::Array))
      return bad("added_tokens: expected a list");
    for (const Value &entry : list.items()) {
      KeyReader keys(entry, path + ": added_tokens");
      AddedToken token;
      token.text = keys.text("content", std::nullopt);
      token.id = static_cast<int32_t>(keys.integer("id", std::nullopt, 0, vocab - 1));
      bool special = keys.boolean("special", false);
      for (auto [name, bit] : {std::pair("normalized", DECANT_ADDED_NORMALIZED),
                               {"lstrip", DECANT_ADDED_LSTRIP},
                               {"rstrip", DECANT_ADDED_RSTRIP},
                               {"single_word", DECANT_ADDED_SINGLE_WORD}})
        token.bits |= keys.boolean(name, false) ? bit : 0;
      if (llvm::Error error = keys.finish())
        return error;
      if (token.text.empty())
        continue; // matches nothing
      result.bits[static_cast<size_t>(token.id)] |= special ? DECANT_PIECE_SPECIAL : 0;
      result.pieces[static_cast<size_t>(token.id)] = token.text;
      result.added.push_back(std::move(token));
    }
    return llvm::Error::success();
  }

  /// The bytes that decoding an id gives, and for BPE over bytes the bytes that it matches.
  llvm::Error decodePieces(const TokenizerSteps &steps) {
    result.flags |= steps.flags;
    result.steps = steps.steps;
    bool byBytes = result.flags & DECANT_TOKENIZER_BYTES;
    if (byBytes || (result.flags & DECANT_TOKENIZER_BYTE_FALLBACK))
      result.bytes.assign(256, -1);
    for (size_t id = 0; id < result.keys.size(); ++id) {
      std::string &key = result.keys[id], &piece = result.pieces[id];
      bool isAdded = !piece.empty();
      const std::string text = isAdded ? piece : key;
      std::optional<std::string> bytes = byBytes ? bytesOfAlphabet(text) : std::nullopt;
      std::optional<uint8_t> byte = byBytes ? std::nullopt : byteOfFallback(key);
      if (byte && (result.flags & DECANT_TOKENIZER_BYTE_FALLBACK)) {
        result.bytes[*byte] = static_cast<int32_t>(id);
        if (steps.decodesBytes) {
          piece = std::string(1, static_cast<char>(*byte));
          result.bits[id] |= DECANT_PIECE_BYTE;
          continue;
        }
      }
      piece = bytes ? *bytes : text;
      if (!steps.space.empty())
        replaceAll(piece, steps.space, " ");
      if (!byBytes)
        continue;
      std::optional<std::string> matched = bytesOfAlphabet(key);
      key = matched ? *matched : ""; // a piece with other characters is never a part of a word
      if (key.size() == 1)
        result.bytes[static_cast<uint8_t>(key[0])] = static_cast<int32_t>(id);
    }
    return llvm::Error::success();
  }

  llvm::Expected<Tokenizer> read(const Value &root) {
    KeyReader keys(root, path);
    const Value *model = keys.take("model"), *added = keys.take("added_tokens");
    if (!model)
      return bad("key \"model\": missing");
    auto count = static_cast<size_t>(vocab);
    result.keys.resize(count), result.pieces.resize(count), result.bits.resize(count);
    if (llvm::Error error = readModel(*model))
      return error;
    if (added)
      if (llvm::Error error = readAdded(*added))
        return error;
    auto steps = readTokenizerSteps(keys, path);
    if (!steps)
      return steps.takeError();
    if (llvm::Error error = decodePieces(*steps))
      return error;
    for (size_t id : hidden)
      result.keys[id].clear();
    if (llvm::Error error = readPostProcessor(keys.take("post_processor"), path, vocab, result.prefix, result.suffix))
      return error;
    keys.harmless({"version", "truncation", "padding"});
    if (llvm::Error error = keys.finish())
      return error;
    return std::move(result);
  }
};

} // namespace

llvm::Expected<Tokenizer> decant::readTokenizerJson(const std::string &path, int64_t vocab) {
  auto root = json::parseFile(path, {limits::tokenizerValues, limits::jsonDepth}, limits::tokenizerBytes);
  if (!root)
    return root.takeError();
  return Reader{path, vocab}.read(*root);
}

llvm::Expected<std::vector<uint8_t>> decant::readTokenizer(const std::string &folder, const std::string &family,
                                                           int64_t vocab) {
  if (vocab < 1)
    return std::vector<uint8_t>();
  std::optional<Tokenizer> tokenizer;
  std::string path = folder + "/tokenizer.json";
  if (pathExists(path)) {
    llvm::Expected<Tokenizer> read = readTokenizerJson(path, vocab);
    if (!read)
      return read.takeError();
    tokenizer = std::move(*read);
  } else {
    auto read = readSentencePieceFolder(folder, family, vocab);
    if (!read)
      return read.takeError();
    tokenizer = std::move(*read);
  }
  if (!tokenizer)
    return std::vector<uint8_t>();
  llvm::Expected<ChatTemplate> chat = readChatTemplate(folder);
  if (!chat)
    return chat.takeError();
  tokenizer->chat = *chat;
  return packTokenizer(*tokenizer);
}

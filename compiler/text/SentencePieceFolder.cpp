// See SentencePieceFolder.h.
#include "compiler/text/SentencePieceFolder.h"

#include "compiler/config/Errors.h"
#include "compiler/config/RegularFile.h"
#include "compiler/text/TokenizerSteps.h"

#include <fmt/format.h>

using namespace decant;
using json::Kind;
using json::Value;

std::string SentencePieceFolder::path(const char *name) const { return folder + "/" + name; }

llvm::Expected<Value> SentencePieceFolder::readObject(const char *file) const {
  if (!pathExists(path(file)))
    return Value::container(Kind::Object);
  auto root = json::parseFile(path(file));
  if (root && !root->is(Kind::Object))
    return badInput(path(file) + ": expected an object {...}");
  return root;
}

llvm::Error SentencePieceFolder::readConfig() {
  t.keys.resize(static_cast<size_t>(vocab)), t.pieces.resize(static_cast<size_t>(vocab));
  t.bits.resize(static_cast<size_t>(vocab));
  auto model = readObject("config.json");
  if (!model)
    return model.takeError();
  auto own = readObject("tokenizer_config.json");
  if (!own)
    return own.takeError();
  config = std::move(*own);
  tokenizerClass = setting("tokenizer_class", tokenText(model->find("tokenizer_class")).value_or(""));
  llvm::StringRef name = tokenizerClass;
  name.consume_back("Fast");
  tokenizerClass = name.str();
  return llvm::Error::success();
}

llvm::Error SentencePieceFolder::readAddedTokens() {
  const char *file = "added_tokens.json";
  if (pathExists(path(file)))
    if (llvm::Error error = readVocabulary(file, true))
      return error;
  const Value *decoder = config.find("added_tokens_decoder");
  for (size_t i = 0; decoder && decoder->is(Kind::Object) && i < decoder->items().size(); ++i) {
    const Value &token = decoder->items()[i];
    const Value *content = token.is(Kind::Object) ? token.find("content") : nullptr;
    int64_t id = -1;
    if (!content || !content->is(Kind::String) || llvm::StringRef(decoder->keys()[i]).getAsInteger(10, id))
      return badInput(fmt::format("{}: added_tokens_decoder: {}: expected an id and an object with \"content\"",
                                  path("tokenizer_config.json"), json::quote(decoder->keys()[i])));
    uint32_t bits = 0;
    auto says = [&](const char *key) {
      const Value *flag = token.find(key);
      return flag && flag->is(Kind::Bool) && flag->boolean();
    };
    for (auto [key, bit] : {std::pair("lstrip", DECANT_ADDED_LSTRIP),
                            {"rstrip", DECANT_ADDED_RSTRIP},
                            {"single_word", DECANT_ADDED_SINGLE_WORD}})
      bits |= says(key) ? bit : 0;
    if (llvm::Error error = addToken(content->text(), id, says("special"), bits, "tokenizer_config.json"))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error SentencePieceFolder::addToken(const std::string &text, int64_t id, bool isSpecial, uint32_t bits,
                                          const char *file) {
  if (llvm::Error error = name(text, id, file))
    return error;
  if (isSpecial)
    special(text, bits);
  else if (!text.empty())
    t.added.push_back({text, static_cast<int32_t>(id), bits});
  return llvm::Error::success();
}

std::string SentencePieceFolder::setting(const char *key, const std::string &otherwise) const {
  return tokenText(config.find(key)).value_or(otherwise);
}

int64_t SentencePieceFolder::number(const char *key, int64_t otherwise) const {
  const Value *value = config.find(key);
  return value && value->is(Kind::Integer) ? value->integer() : otherwise;
}

llvm::Error SentencePieceFolder::name(const std::string &text, int64_t id, const char *file) {
  if (id < 0 || id >= vocab)
    return badInput(fmt::format("{}: the id of {} is {}, expected 0 to {}: the model has {} token ids", path(file),
                                json::quote(text), id, vocab - 1, vocab));
  ids[text] = static_cast<int32_t>(id);
  t.pieces[static_cast<size_t>(id)] = text;
  return llvm::Error::success();
}

void SentencePieceFolder::special(const std::string &text, uint32_t bits) {
  auto found = ids.find(text);
  if (text.empty() || found == ids.end() || t.bits[static_cast<size_t>(found->second)] & DECANT_PIECE_SPECIAL)
    return;
  t.bits[static_cast<size_t>(found->second)] |= DECANT_PIECE_SPECIAL;
  t.added.push_back({text, found->second, bits});
}

void SentencePieceFolder::specials(std::initializer_list<std::pair<const char *, const char *>> settings) {
  for (auto [key, otherwise] : settings)
    special(setting(key, otherwise));
  for (const char *key : {"additional_special_tokens", "extra_special_tokens"})
    if (const Value *list = config.find(key); list && list->is(Kind::Array))
      for (const Value &token : list->items())
        special(tokenText(&token).value_or(""));
}

llvm::Error SentencePieceFolder::required(const char *file, const char *key, const std::string &text, int32_t &id) {
  auto found = ids.find(text);
  if (found == ids.end())
    return badInput(fmt::format("{}: {} {} has no id", path(file), key, json::quote(text)));
  id = found->second;
  return llvm::Error::success();
}

llvm::Error SentencePieceFolder::readVocabulary(const char *file, bool isAdded) {
  auto root = json::parseFile(path(file), {limits::tokenizerValues, limits::jsonDepth}, limits::tokenizerBytes);
  if (!root)
    return root.takeError();
  if (!root->is(Kind::Object))
    return badInput(path(file) + ": expected an object of pieces and their ids");
  for (size_t i = 0; i < root->items().size(); ++i) {
    if (!root->items()[i].is(Kind::Integer))
      return badInput(fmt::format("{}: the id of {} is {}, expected an integer", path(file),
                                  json::quote(root->keys()[i]), json::excerpt(root->items()[i])));
    const std::string &text = root->keys()[i];
    int64_t id = root->items()[i].integer();
    if (llvm::Error error = isAdded ? addToken(text, id, false, 0, file) : name(text, id, file))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error SentencePieceFolder::lookUpPieces(const SentencePieceModel &model) {
  std::vector<int32_t> pieceIds;
  t.names = t.pieces;
  for (const SentencePieceModel::Piece &piece : model.pieces) {
    auto found = ids.find(piece.text);
    pieceIds.push_back(found == ids.end() ? -1 : found->second);
  }
  addPieces(model, pieceIds, t);
  for (size_t id = 0; id < t.names.size(); ++id)
    if (!t.keys[id].empty())
      t.names[id].clear(); // the model finds it
  t.unknownScore = static_cast<float>(t.unknownScore);
  t.flags |= DECANT_TOKENIZER_FLOAT_SUMS | DECANT_TOKENIZER_STRIP_ENDS;
  t.steps = normalizerOf(model);
  if (model.hasByteFallback) {
    t.bytes.assign(256, -1);
    for (size_t id = 0; id < t.pieces.size(); ++id)
      if (auto byte = byteOfFallback(t.pieces[id])) {
        t.bytes[*byte] = static_cast<int32_t>(id);
        t.bits[id] |= DECANT_PIECE_BYTE;
        t.pieces[id] = std::string(1, static_cast<char>(*byte));
      }
  }
  return required("vocab.json", "unk_token", setting("unk_token", "<unk>"), t.unknownId);
}

void SentencePieceFolder::markSpaces(bool all) {
  for (size_t id = 0; id < t.pieces.size(); ++id)
    if (all || !t.keys[id].empty())
      replaceAll(t.pieces[id], kMark, " ");
}

llvm::Error SentencePieceFolder::suffix(const char *file) {
  int32_t end = 0;
  if (llvm::Error error = required(file, "eos_token", setting("eos_token", "</s>"), end))
    return error;
  t.suffix.push_back(end);
  return llvm::Error::success();
}

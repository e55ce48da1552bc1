// Folders with SentencePiece files in place of a tokenizer.json -> Tokenizer, one function a family.
//
// Marian and M2M-100 look SentencePiece's pieces up in vocab.json; T5, Pegasus and mBART number them, from an offset
// on, and cut and normalize as their tokenizer.json would. Source: the tokenizers of transformers 5.
#include "compiler/text/SentencePiece.h"

#include "compiler/config/Errors.h"
#include "compiler/config/Json.h"
#include "compiler/config/RegularFile.h"
#include "compiler/text/TokenizerSteps.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

#include <fmt/format.h>

using namespace decant;
using json::Kind;
using json::Value;

namespace {

constexpr const char *kMark = "\u2581";

constexpr const char *kM2M100Languages =
    "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht hu hy "
    "id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru "
    "sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu";
constexpr const char *kWmt21Languages = "en ha is ja cs ru zh de";
constexpr const char *kMBartLanguages =
    "ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR lt_LT lv_LV my_MM ne_NP nl_XX "
    "ro_RO ru_RU si_LK tr_TR vi_VN zh_CN";
constexpr const char *kMBart50Languages = // behind those
    "af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN pl_PL ps_AF pt_XX sv_SE sw_KE ta_IN "
    "te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES sl_SI";

struct Folder {
  std::string folder;
  int64_t vocab;
  Tokenizer t = {};
  Value config = Value::container(Kind::Object); ///< tokenizer_config.json
  llvm::StringMap<int32_t> ids = {};             ///< of texts: vocab.json and special tokens

  std::string path(const char *name) const { return folder + "/" + name; }

  llvm::Error readConfig() {
    t.keys.resize(static_cast<size_t>(vocab)), t.pieces.resize(static_cast<size_t>(vocab));
    t.bits.resize(static_cast<size_t>(vocab));
    if (!pathExists(path("tokenizer_config.json")))
      return llvm::Error::success();
    auto root = json::parseFile(path("tokenizer_config.json"));
    if (!root)
      return root.takeError();
    if (!root->is(Kind::Object))
      return badInput(path("tokenizer_config.json") + ": expected an object {...}");
    config = std::move(*root);
    return llvm::Error::success();
  }

  /// A token of the configuration: its text, or an object with it.
  std::string setting(const char *key, const std::string &otherwise) const {
    const Value *value = config.find(key);
    if (value && value->is(Kind::Object))
      value = value->find("content");
    return value && value->is(Kind::String) ? value->text() : otherwise;
  }
  int64_t number(const char *key, int64_t otherwise) const {
    const Value *value = config.find(key);
    return value && value->is(Kind::Integer) ? value->integer() : otherwise;
  }

  /// `text` has the id `id`.
  llvm::Error name(const std::string &text, int64_t id, const char *file) {
    if (id < 0 || id >= vocab)
      return badInput(fmt::format("{}: the id of {} is {}, expected 0 to {}: the model has {} token ids", path(file),
                                  json::quote(text), id, vocab - 1, vocab));
    ids[text] = static_cast<int32_t>(id);
    t.pieces[static_cast<size_t>(id)] = text;
    return llvm::Error::success();
  }

  /// A token that is cut out of texts before anything else, and left out of them in decoding. Unknown ones are passed
  /// over: the model has no id for them.
  void special(const std::string &text, uint32_t bits = 0) {
    auto found = ids.find(text);
    if (text.empty() || found == ids.end() || t.bits[static_cast<size_t>(found->second)] & DECANT_PIECE_SPECIAL)
      return;
    t.bits[static_cast<size_t>(found->second)] |= DECANT_PIECE_SPECIAL;
    t.added.push_back({text, found->second, bits});
  }

  void specials(std::initializer_list<std::pair<const char *, const char *>> settings) {
    for (auto [key, otherwise] : settings)
      special(setting(key, otherwise));
    for (const char *key : {"additional_special_tokens", "extra_special_tokens"})
      if (const Value *list = config.find(key); list && list->is(Kind::Array))
        for (const Value &token : list->items()) {
          const Value *content = token.is(Kind::Object) ? token.find("content") : &token;
          special(content && content->is(Kind::String) ? content->text() : "");
        }
  }

  llvm::Error required(const char *file, const char *key, const std::string &text, int32_t &id) {
    auto found = ids.find(text);
    if (found == ids.end())
      return badInput(fmt::format("{}: {} {} has no id", path(file), key, json::quote(text)));
    id = found->second;
    return llvm::Error::success();
  }

  llvm::Error readVocabulary(const char *file) {
    auto root = json::parseFile(path(file), {limits::tokenizerValues, limits::jsonDepth}, limits::tokenizerBytes);
    if (!root)
      return root.takeError();
    if (!root->is(Kind::Object))
      return badInput(path(file) + ": expected an object of pieces and their ids");
    for (size_t i = 0; i < root->items().size(); ++i) {
      if (!root->items()[i].is(Kind::Integer))
        return badInput(fmt::format("{}: the id of {} is {}, expected an integer", path(file),
                                    json::quote(root->keys()[i]), json::excerpt(root->items()[i])));
      if (llvm::Error error = name(root->keys()[i], root->items()[i].integer(), file))
        return error;
    }
    return llvm::Error::success();
  }

  /// Pieces that vocab.json numbers, SentencePiece's own normalizer and sums. Texts of ids are not final yet.
  llvm::Error lookUpPieces(const SentencePieceModel &model) {
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

  /// The marks of pieces become spaces; `all`: also those of pieces that SentencePiece does not know.
  void markSpaces(bool all) {
    for (size_t id = 0; id < t.pieces.size(); ++id)
      if (all || !t.keys[id].empty())
        for (size_t at = t.pieces[id].find(kMark); at != std::string::npos; at = t.pieces[id].find(kMark, at + 1))
          t.pieces[id].replace(at, 3, " ");
  }

  llvm::Error suffix(const char *file) {
    int32_t end = 0;
    if (llvm::Error error = required(file, "eos_token", setting("eos_token", "</s>"), end))
      return error;
    t.suffix.push_back(end);
    return llvm::Error::success();
  }

  llvm::Error readMarian() {
    if (const Value *value = config.find("separate_vocabs"); value && value->is(Kind::Bool) && value->boolean())
      return unsupported(path("tokenizer_config.json") + ": key \"separate_vocabs\": true is not supported");
    if (llvm::Error error = readVocabulary("vocab.json"))
      return error;
    auto source = readSentencePiece(path("source.spm"));
    if (!source)
      return source.takeError();
    if (llvm::Error error = lookUpPieces(*source))
      return error;
    t.flags |= DECANT_TOKENIZER_LANGUAGE;
    specials({{"unk_token", "<unk>"}, {"eos_token", "</s>"}, {"pad_token", "<pad>"}});
    markSpaces(true);
    return suffix("vocab.json");
  }

  /// Words of `list`, one id after the other from `first` on.
  llvm::Error nameLanguages(llvm::StringRef list, const char *around, int64_t first, const char *file) {
    llvm::SmallVector<llvm::StringRef> codes;
    list.split(codes, ' ');
    for (llvm::StringRef code : codes) {
      std::string token = around + code.str() + around;
      if (llvm::Error error = name(token, first++, file))
        return error;
      special(token);
    }
    return llvm::Error::success();
  }

  llvm::Error readM2M100() {
    std::string codes = setting("language_codes", "m2m100");
    if (codes != "m2m100" && codes != "wmt21")
      return unsupported(fmt::format("{}: key \"language_codes\": {} is not supported; known: \"m2m100\", \"wmt21\"",
                                     path("tokenizer_config.json"), json::quote(codes)));
    if (llvm::Error error = readVocabulary("vocab.json"))
      return error;
    auto size = static_cast<int64_t>(ids.size());
    auto model = readSentencePiece(path("sentencepiece.bpe.model"));
    if (!model)
      return model.takeError();
    if (llvm::Error error = lookUpPieces(*model))
      return error;
    markSpaces(false);
    specials({{"bos_token", "<s>"},
              {"eos_token", "</s>"},
              {"sep_token", "</s>"},
              {"pad_token", "<pad>"},
              {"unk_token", "<unk>"}});
    if (llvm::Error error =
            nameLanguages(codes == "wmt21" ? kWmt21Languages : kM2M100Languages, "__", size, "vocab.json"))
      return error;
    int32_t language = 0;
    if (llvm::Error error =
            required("tokenizer_config.json", "src_lang", "__" + setting("src_lang", "en") + "__", language))
      return error;
    t.prefix = {language};
    return suffix("vocab.json");
  }

  /// Pieces from number `first` on have the id number + `offset`; cut and normalized as tokenizer.json would say.
  llvm::Error numberPieces(const SentencePieceModel &model, size_t first, int64_t offset, const char *file) {
    if (model.isBpe)
      return unsupported(path(file) + ": model_type 2 (bpe) is not supported in this family");
    std::vector<int32_t> pieceIds(model.pieces.size(), -1);
    SentencePieceModel matched = model;
    for (size_t i = 0; i < model.pieces.size(); ++i) {
      SentencePieceModel::Piece &piece = matched.pieces[i];
      if (i < first) {
        piece.type = SentencePieceModel::Control;
        continue;
      }
      pieceIds[i] = static_cast<int32_t>(std::min(static_cast<int64_t>(i) + offset, vocab));
      if (llvm::Error error = name(piece.text, static_cast<int64_t>(i) + offset, file))
        return error;
      if (piece.type == SentencePieceModel::Unknown)
        t.unknownId = pieceIds[i];
      if (piece.type == SentencePieceModel::UserDefined) {
        t.added.push_back({piece.text, pieceIds[i], 0});
        piece.type = SentencePieceModel::Control;
      }
    }
    addPieces(matched, pieceIds, t);
    if (!model.charsMap.empty())
      t.steps.push_back({DECANT_TEXT_CHARSMAP, 1, model.charsMap, ""});
    t.flags |= DECANT_TOKENIZER_STRIP_FIRST;
    markSpaces(true);
    return llvm::Error::success();
  }

  /// Words begin with a mark; `spaces`: they are what stands between white space, else between marks.
  void cutWords(bool spaces) {
    if (spaces)
      t.steps.push_back({DECANT_TEXT_WHITESPACE, 0, "", ""});
    else
      t.steps.push_back({DECANT_TEXT_COLLAPSE, 0, "", " "});
    t.steps.push_back({DECANT_TEXT_METASPACE, 1 | 4, kMark, ""});
  }

  llvm::Error readT5(const SentencePieceModel &model, const char *file) {
    if (llvm::Error error = numberPieces(model, 0, 0, file))
      return error;
    int64_t extra = number("extra_ids", 100), next = static_cast<int64_t>(model.pieces.size());
    if (extra < 0 || extra > vocab)
      return badInput(fmt::format("{}: key \"extra_ids\": expected 0 to {}, found {}", path("tokenizer_config.json"),
                                  vocab, extra));
    for (int64_t i = extra - 1; i >= 0; --i) {
      std::string token = fmt::format("<extra_id_{}>", i);
      if (llvm::Error error = name(token, next++, file))
        return error;
      special(token);
    }
    specials({{"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}});
    cutWords(true);
    return suffix(file);
  }

  llvm::Error readPegasus(const SentencePieceModel &model, const char *file) {
    int64_t offset = number("offset", 103);
    if (offset < 2 || offset > vocab)
      return badInput(
          fmt::format("{}: key \"offset\": expected 2 to {}, found {}", path("tokenizer_config.json"), vocab, offset));
    int64_t next = 0;
    std::vector<std::string> head = {setting("pad_token", "<pad>"), setting("eos_token", "</s>"),
                                     setting("mask_token_sent", "<mask_1>"), setting("mask_token", "<mask_2>")};
    for (int64_t i = 2; i < offset; ++i)
      head.push_back(fmt::format("<unk_{}>", i));
    for (const std::string &token : head) {
      if (llvm::Error error = name(token, next++, file))
        return error;
      special(token);
    }
    if (llvm::Error error = numberPieces(model, 2, offset, file))
      return error;
    specials({{"unk_token", "<unk>"}});
    cutWords(false);
    return suffix(file);
  }

  llvm::Error readMBart(const SentencePieceModel &model, const char *file) {
    constexpr const char *kHead[] = {"<s>", "<pad>", "</s>", "<unk>"};
    bool is50 = setting("tokenizer_class", "") == "MBart50Tokenizer";
    for (int64_t id = 0; id < 4; ++id) {
      if (llvm::Error error = name(kHead[id], id, file))
        return error;
      special(kHead[id]);
    }
    if (llvm::Error error = numberPieces(model, 3, 1, file))
      return error;
    t.unknownId = 3;
    std::string languages = kMBartLanguages;
    if (is50)
      languages += std::string(" ") + kMBart50Languages;
    int64_t first = static_cast<int64_t>(model.pieces.size()) + 1;
    if (llvm::Error error = nameLanguages(languages, "", first, file))
      return error;
    if (llvm::Error error =
            name("<mask>", first + static_cast<int64_t>(llvm::StringRef(languages).count(' ')) + 1, file))
      return error;
    special("<mask>", DECANT_ADDED_LSTRIP);
    int32_t language = 0;
    if (llvm::Error error = required("tokenizer_config.json", "src_lang", setting("src_lang", "en_XX"), language))
      return error;
    cutWords(false);
    if (llvm::Error error = suffix(file))
      return error;
    (is50 ? t.prefix : t.suffix).push_back(language);
    return llvm::Error::success();
  }

  llvm::Error read(llvm::Error (Folder::*family)(const SentencePieceModel &, const char *), const char *file) {
    auto model = readSentencePiece(path(file));
    return model ? (this->*family)(*model, file) : model.takeError();
  }
};

} // namespace

llvm::Expected<std::optional<Tokenizer>> decant::readSentencePieceFolder(const std::string &folder,
                                                                         const std::string &family, int64_t vocab) {
  Folder reader{folder, vocab};
  auto has = [&](const char *file) { return pathExists(reader.path(file)); };
  auto finish = [&](llvm::Error error) -> llvm::Expected<std::optional<Tokenizer>> {
    if (error)
      return error;
    return std::optional<Tokenizer>(std::move(reader.t));
  };
  if (llvm::Error error = reader.readConfig())
    return error;
  if (family == "marian" && has("source.spm"))
    return finish(reader.readMarian());
  if (family == "m2m_100" && has("sentencepiece.bpe.model") && has("vocab.json"))
    return finish(reader.readM2M100());
  if ((family == "t5" || family == "mt5") && has("spiece.model"))
    return finish(reader.read(&Folder::readT5, "spiece.model"));
  if (family == "pegasus" && has("spiece.model"))
    return finish(reader.read(&Folder::readPegasus, "spiece.model"));
  if (family == "mbart" && has("sentencepiece.bpe.model"))
    return finish(reader.read(&Folder::readMBart, "sentencepiece.bpe.model"));
  return std::optional<Tokenizer>();
}

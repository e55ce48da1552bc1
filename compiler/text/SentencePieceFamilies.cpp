// The families that come with SentencePiece files, one function each: Folder -> Tokenizer.
//
// Marian and M2M-100 look SentencePiece's pieces up in vocab.json; T5, Pegasus and mBART number them, from an offset
// on, and cut and normalize as their tokenizer.json would. Source: the tokenizers of transformers 5.
#include "compiler/text/SentencePieceFolder.h"
#include "compiler/text/TokenizerSteps.h"

#include "compiler/config/Errors.h"
#include "compiler/config/RegularFile.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

#include <algorithm>

using namespace decant;
using json::Kind;
using json::Value;

namespace {

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

struct Families : SentencePieceFolder {
  llvm::Error readMarian(const SentencePieceModel &model, const char *) {
    if (const Value *value = config.find("separate_vocabs"); value && value->is(Kind::Bool) && value->boolean())
      return unsupported(path("tokenizer_config.json") + ": key \"separate_vocabs\": true is not supported");
    if (llvm::Error error = readVocabulary("vocab.json"))
      return error;
    if (llvm::Error error = lookUpPieces(model))
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

  llvm::Error readM2M100(const SentencePieceModel &model, const char *) {
    std::string codes = setting("language_codes", "m2m100");
    if (codes != "m2m100" && codes != "wmt21")
      return unsupported(fmt::format("{}: key \"language_codes\": {} is not supported; known: \"m2m100\", \"wmt21\"",
                                     path("tokenizer_config.json"), json::quote(codes)));
    if (llvm::Error error = readVocabulary("vocab.json"))
      return error;
    auto size = static_cast<int64_t>(ids.size());
    if (llvm::Error error = lookUpPieces(model))
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
      const int64_t id = static_cast<int64_t>(i) + offset;
      if (llvm::Error error = name(piece.text, id, file))
        return error;
      pieceIds[i] = static_cast<int32_t>(id);
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
    for (int64_t i = extra - 1; i >= 0 && next < vocab; --i) { // the model may have fewer
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
    constexpr double kSpareScore = -100; // of <unk_i>, which are pieces to transformers
    t.unknownScore = std::min(t.unknownScore, kSpareScore - kUnknownPenalty);
    specials({{"unk_token", "<unk>"}});
    cutWords(false);
    return suffix(file);
  }

  llvm::Error readMBart(const SentencePieceModel &model, const char *file) {
    constexpr const char *kHead[] = {"<s>", "<pad>", "</s>", "<unk>"};
    bool is50 = tokenizerClass == "MBart50Tokenizer";
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
    cutWords(!is50);
    if (llvm::Error error = suffix(file))
      return error;
    (is50 ? t.prefix : t.suffix).push_back(language);
    return llvm::Error::success();
  }
};

} // namespace

llvm::Expected<std::optional<Tokenizer>> decant::readSentencePieceFolder(const std::string &folder,
                                                                         const std::string &family, int64_t vocab) {
  Families reader{{folder, vocab}};
  auto has = [&](const char *file) { return pathExists(reader.path(file)); };
  if (llvm::Error error = reader.readConfig())
    return error;
  struct Family {
    const char *name, *file;
    std::initializer_list<const char *> classes; ///< of tokenizers
    llvm::Error (Families::*read)(const SentencePieceModel &, const char *);
  };
  const Family families[] = {
      {"marian", "source.spm", {"MarianTokenizer"}, &Families::readMarian},
      {"m2m_100", "sentencepiece.bpe.model", {"M2M100Tokenizer"}, &Families::readM2M100},
      {"t5", "spiece.model", {"T5Tokenizer", "MT5Tokenizer"}, &Families::readT5},
      {"mt5", "spiece.model", {"T5Tokenizer", "MT5Tokenizer"}, &Families::readT5},
      {"pegasus", "spiece.model", {"PegasusTokenizer"}, &Families::readPegasus},
      {"mbart", "sentencepiece.bpe.model", {"MBartTokenizer", "MBart50Tokenizer"}, &Families::readMBart},
  };
  const auto *known = llvm::find_if(families, [&](const Family &one) { return one.name == family; });
  const std::string &name = reader.tokenizerClass;
  if (known == std::end(families) || !has(known->file) ||
      (!name.empty() && !llvm::is_contained(known->classes, name)) ||
      (family == "m2m_100" && !has("vocab.json"))) // NLLB's folders have none
    return std::optional<Tokenizer>();
  auto model = readSentencePiece(reader.path(known->file));
  if (!model)
    return model.takeError();
  if (llvm::Error error = (reader.*known->read)(*model, known->file))
    return error;
  if (llvm::Error error = reader.readAddedTokens())
    return error;
  return std::optional<Tokenizer>(std::move(reader.t));
}

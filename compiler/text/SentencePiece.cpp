// See SentencePiece.h. Reads protobuf's wire format itself: three messages, a dozen fields.
#include "compiler/text/SentencePiece.h"

#include "compiler/config/Errors.h"
#include "compiler/config/Json.h"
#include "compiler/config/RegularFile.h"
#include "compiler/text/TokenizerSteps.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

using namespace decant;

namespace {

/// Field after field of one message.
struct WireReader {
  llvm::StringRef rest;
  bool damaged = false;
  uint64_t field = 0, number = 0; ///< of a varint, or the bits of a fixed one
  llvm::StringRef bytes = {};     ///< of a length-delimited one

  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      auto byte = static_cast<uint8_t>(rest.front());
      rest = rest.drop_front();
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80)
        return value;
    }
    damaged = true;
    return std::nullopt;
  }

  bool take(uint64_t count) {
    damaged = damaged || count > rest.size();
    if (damaged)
      return false;
    bytes = rest.take_front(count);
    rest = rest.drop_front(count);
    return true;
  }

  /// False at the end, or where the message is damaged.
  bool next() {
    if (rest.empty() || damaged)
      return false;
    std::optional<uint64_t> key = varint();
    if (!key)
      return false;
    field = *key >> 3;
    std::optional<uint64_t> value;
    switch (*key & 7) {
    case 0:
      value = varint();
      number = value.value_or(0);
      return value.has_value();
    case 1:
      number = take(8) ? llvm::support::endian::read64le(bytes.data()) : 0;
      return !damaged;
    case 2:
      value = varint();
      return value && take(*value);
    case 5:
      number = take(4) ? llvm::support::endian::read32le(bytes.data()) : 0;
      return !damaged;
    default: // groups are of a time before SentencePiece
      damaged = true;
      return false;
    }
  }
};

struct ModelReader {
  std::string path;
  SentencePieceModel model = {};

  llvm::Error damaged(const char *what) {
    return badInput(fmt::format("{}: not a model of SentencePiece, or damaged: {}", path, what));
  }
  llvm::Error refuse(const std::string &what) { return unsupported(fmt::format("{}: {}", path, what)); }

  llvm::Error readPiece(llvm::StringRef bytes) {
    SentencePieceModel::Piece piece;
    WireReader wire{bytes};
    while (wire.next()) {
      if (wire.field == 1)
        piece.text = wire.bytes.str();
      else if (wire.field == 2)
        piece.score = llvm::bit_cast<float>(static_cast<uint32_t>(wire.number));
      else if (wire.field == 3)
        piece.type = wire.number;
    }
    if (wire.damaged || piece.text.empty() || piece.text.size() > 1024 || !std::isfinite(piece.score) ||
        piece.type < SentencePieceModel::Normal || piece.type > SentencePieceModel::Byte)
      return damaged(
          fmt::format("piece {}: expected a text of 1 to 1024 bytes, a finite score and a type", model.pieces.size())
              .c_str());
    model.pieces.push_back(std::move(piece));
    return llvm::Error::success();
  }

  llvm::Error readTrainer(llvm::StringRef bytes) {
    WireReader wire{bytes};
    while (wire.next()) {
      if (wire.field == 3 && wire.number != 1 && wire.number != 2)
        return refuse(fmt::format("model_type {} is not supported; known: 1 (unigram), 2 (bpe)", wire.number));
      if (wire.field == 3)
        model.isBpe = wire.number == 2;
      else if (wire.field == 24 && wire.number)
        return refuse("treat_whitespace_as_suffix is not supported");
      else if (wire.field == 35)
        model.hasByteFallback = wire.number;
    }
    return wire.damaged ? damaged("trainer_spec") : llvm::Error::success();
  }

  llvm::Error readNormalizer(llvm::StringRef bytes) {
    WireReader wire{bytes};
    while (wire.next()) {
      if (wire.field == 2)
        model.charsMap = wire.bytes.str();
      else if (wire.field == 3)
        model.addsPrefix = wire.number;
      else if (wire.field == 4)
        model.removesSpaces = wire.number;
      else if (wire.field == 5)
        model.escapesSpaces = wire.number;
    }
    if (wire.damaged || (!model.charsMap.empty() && !isCharsMap(model.charsMap)))
      return damaged("normalizer_spec");
    return llvm::Error::success();
  }

  llvm::Error readDenormalizer(llvm::StringRef bytes) {
    WireReader wire{bytes};
    while (wire.next())
      if (wire.field == 2 && !wire.bytes.empty())
        return refuse("a denormalizer_spec with a map is not supported");
    return wire.damaged ? damaged("denormalizer_spec") : llvm::Error::success();
  }

  llvm::Error readField(const WireReader &wire) {
    switch (wire.field) {
    case 1:
      if (model.pieces.size() >= static_cast<size_t>(limits::vocabulary))
        return damaged("too many pieces");
      return readPiece(wire.bytes);
    case 2:
      return readTrainer(wire.bytes);
    case 3:
      return readNormalizer(wire.bytes);
    case 5:
      return readDenormalizer(wire.bytes);
    default:
      return llvm::Error::success(); // self tests and extensions
    }
  }

  llvm::Expected<SentencePieceModel> read(llvm::StringRef bytes) {
    WireReader wire{bytes};
    while (wire.next()) {
      if (llvm::Error error = readField(wire))
        return error;
      wire.bytes = {}; // a field of another wire type has none
    }
    if (wire.damaged || model.pieces.empty())
      return damaged(wire.damaged ? "a field goes over the end" : "it has no pieces");
    llvm::StringSet<> texts;
    for (const SentencePieceModel::Piece &piece : model.pieces) {
      if (!texts.insert(piece.text).second)
        return damaged(fmt::format("the piece {} is there twice", json::quote(piece.text)).c_str());
      bool special = piece.type == SentencePieceModel::UserDefined || piece.type == SentencePieceModel::Unused;
      if (model.isBpe && special)
        return refuse(fmt::format("piece {}: user-defined and unused pieces are not supported with bpe",
                                  json::quote(piece.text)));
    }
    return std::move(model);
  }
};

/// Pairs of pieces that join to a piece, the better score first.
void addMerges(const SentencePieceModel &model, const std::vector<int32_t> &keys, Tokenizer &tokenizer) {
  llvm::StringMap<size_t> index;
  std::vector<size_t> byScore;
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    if (!model.pieces[i].isMatched())
      continue;
    index[model.pieces[i].text] = i;
    byScore.push_back(i);
  }
  std::stable_sort(byScore.begin(), byScore.end(),
                   [&](size_t x, size_t y) { return model.pieces[x].score > model.pieces[y].score; });
  uint32_t rank = 0;
  for (size_t i = 0; i < byScore.size(); ++i) {
    const SentencePieceModel::Piece &piece = model.pieces[byScore[i]];
    if (i > 0 && piece.score != model.pieces[byScore[i - 1]].score)
      rank = static_cast<uint32_t>(i); // equal scores: the leftmost pair first
    llvm::StringRef text = piece.text;
    for (size_t cut = 1; cut < text.size(); ++cut) {
      auto left = index.find(text.take_front(cut)), right = index.find(text.drop_front(cut));
      if (left != index.end() && right != index.end())
        tokenizer.merges.push_back({keys[left->second], keys[right->second], keys[byScore[i]], rank});
    }
  }
}

} // namespace

llvm::Expected<SentencePieceModel> decant::readSentencePiece(const std::string &path) {
  auto file = RegularFile::open(path);
  if (!file)
    return file.takeError();
  auto bytes = file->readAll(limits::tokenizerBytes);
  if (!bytes)
    return bytes.takeError();
  return ModelReader{path}.read(*bytes);
}

std::vector<TextStep> decant::normalizerOf(const SentencePieceModel &model) {
  const std::string mark = model.escapesSpaces ? "\u2581" : " ";
  std::vector<TextStep> steps;
  if (!model.charsMap.empty())
    steps.push_back({DECANT_TEXT_CHARSMAP, 0, model.charsMap, ""});
  if (model.removesSpaces) {
    steps.push_back({DECANT_TEXT_STRIP, 1, " ", ""});
    steps.push_back({DECANT_TEXT_COLLAPSE, 0, "", " "});
  }
  if (model.escapesSpaces)
    steps.push_back({DECANT_TEXT_REPLACE, 0, " ", mark});
  if (model.removesSpaces)
    steps.push_back({DECANT_TEXT_STRIP, 2, mark, ""});
  if (model.addsPrefix)
    steps.push_back({DECANT_TEXT_PREPEND, 0, mark, ""});
  return steps;
}

void decant::addPieces(const SentencePieceModel &model, const std::vector<int32_t> &ids, Tokenizer &tokenizer) {
  std::vector<int32_t> keys = ids;
  double least = 0, most = 0;
  bool isFirst = true;
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const SentencePieceModel::Piece &piece = model.pieces[i];
    if (!piece.isMatched())
      continue;
    if (keys[i] < 0) {
      keys[i] = static_cast<int32_t>(tokenizer.keys.size());
      tokenizer.keys.emplace_back();
    }
    tokenizer.keys[static_cast<size_t>(keys[i])] = piece.text;
    if (piece.type != SentencePieceModel::Normal)
      continue;
    least = isFirst ? piece.score : std::min<double>(least, piece.score);
    most = std::max<double>(most, piece.score); // from 0 on, as SentencePiece has it
    isFirst = false;
  }
  tokenizer.flags |= DECANT_TOKENIZER_FUSE_UNKNOWN | (model.hasByteFallback ? DECANT_TOKENIZER_BYTE_FALLBACK : 0);
  if (model.isBpe) {
    tokenizer.model = DECANT_TOKENIZER_BPE;
    return addMerges(model, keys, tokenizer);
  }
  constexpr double kUserDefinedPenalty = 0.1; // unigram_model.cc
  tokenizer.model = DECANT_TOKENIZER_UNIGRAM;
  tokenizer.unknownScore = least - kUnknownPenalty;
  tokenizer.scores.resize(tokenizer.keys.size());
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const SentencePieceModel::Piece &piece = model.pieces[i];
    if (piece.isMatched())
      tokenizer.scores[static_cast<size_t>(keys[i])] = piece.type == SentencePieceModel::Normal
                                                           ? piece.score
                                                           : double(piece.text.size()) * most - kUserDefinedPenalty;
  }
}

// A model file of SentencePiece (.spm, .model): its pieces and how it normalizes. Private to text/.
//
// Source: sentencepiece_model.proto of SentencePiece 0.2. Tested in tests/text/SentencePieceTest.cpp.
#pragma once

#include "compiler/text/Tokenizer.h"

#include <optional>

namespace decant {

struct SentencePieceModel {
  enum Type { Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6 };
  struct Piece {
    std::string text;
    float score = 0;
    uint64_t type = Normal;
    bool isMatched() const { return type == Normal || type == UserDefined; }
  };
  std::vector<Piece> pieces;
  bool isBpe = false, hasByteFallback = false;
  std::string charsMap; ///< as decant_tokenizer.h describes it; empty: none
  bool addsPrefix = true, removesSpaces = true, escapesSpaces = true;
};

/// BadInput: damaged or too large; Unsupported: a kind of model or rule that decant does not have, by name.
llvm::Expected<SentencePieceModel> readSentencePiece(const std::string &path);

/// SentencePiece's normalizer as steps.
std::vector<TextStep> normalizerOf(const SentencePieceModel &model);

/// Pieces, scores or merges of `model` in `tokenizer`, given the id of each piece (-1: it has none and becomes a key
/// behind the vocabulary's).
void addPieces(const SentencePieceModel &model, const std::vector<int32_t> &ids, Tokenizer &tokenizer);

/// A folder without tokenizer.json whose family (model_type) comes with SentencePiece files: Marian, M2M-100, T5, mT5,
/// Pegasus, mBART. Nothing: there are no such files, or the family is another.
llvm::Expected<std::optional<Tokenizer>> readSentencePieceFolder(const std::string &folder, const std::string &family,
                                                                 int64_t vocab);

} // namespace decant

// Tokenizer files of a model folder -> TextTables, the compact form that goes into the artifact. No MLIR.
//
// This version knows character maps (g2p_vocab.json). Tested in tests/text.
#pragma once

#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace decant {

/// Text = prefix ids + one id a Unicode character + suffix ids; text of ids = pieces without the specials, joined.
struct CharacterTables {
  std::vector<std::pair<uint32_t, int32_t>> chars; ///< (code point, id), sorted by code point
  int32_t unknownId = -1;                          ///< -1: an unknown character is an error
  std::vector<int32_t> prefix, suffix, specials;
  std::vector<std::string> pieces; ///< UTF-8 text of id i; vocab entries
};

/// Reads `folder`/g2p_vocab.json; nothing if the folder has none. Ids are checked against `vocab`.
llvm::Expected<std::optional<CharacterTables>> readTextTables(const std::string &folder, int64_t vocab);

} // namespace decant

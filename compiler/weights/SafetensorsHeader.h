// The bytes of a *.safetensors file -> its table of tensors. Every rule of the format is a check here; the bytes of the
// tensors themselves are not touched. Rules and messages: README.md. Private to weights/. Tested in
// tests/weights.
#pragma once

#include "compiler/weights/WeightSet.h"

#include "llvm/ADT/StringRef.h"

namespace decant {

/// `file`: the whole file. `where`: its path, for messages. The views point into `file`. Errors: BadInput.
llvm::Expected<std::map<std::string, TensorView>> parseSafetensors(llvm::StringRef file, const std::string &where);

} // namespace decant

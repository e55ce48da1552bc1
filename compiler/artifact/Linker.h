// Object files + the runtime's archives -> an ELF image, by ld.lld. Tested in tests/e2e.
#pragma once

#include "compiler/artifact/Artifact.h"
#include "runtime/include/decant_module.h"

namespace decant {

struct LinkInput {
  EmitKind kind = EmitKind::Executable;
  bool hasAudio = false;            ///< link libdecant_audio.a
  uint32_t textKind = 0;            ///< decant_text_kind: which text library to link
  std::vector<std::string> objects; ///< paths
  std::string runtimeDir;           ///< folder of the archives; "" = beside this program
  std::string output;
};

/// Errors: no linker, no C runtime objects, no archives (Environment, with what to install); the linker's own text
/// (Internal).
llvm::Error link(const LinkInput &input);

} // namespace decant

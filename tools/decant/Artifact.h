// An artifact as a file: what it is, without running anything of it. Checked as the runtime checks it before it opens
// one (runtime/core/module_file.h), so that both refuse the same files with the same sentence. Tested in tests/e2e.
#pragma once

#include "runtime/core/module_file.h"

#include "llvm/Support/Error.h"

#include <string>

namespace decant::cli {

/// A status of the runtime and its sentence as an error with the artifact's own exit code.
llvm::Error runtimeError(decant_status status, const std::string &message);

class ArtifactFile {
public:
  /// Errors: no such file, not a decant module, truncated, damaged (BadInput), another ABI or machine (Environment).
  static llvm::Expected<ArtifactFile> open(const std::string &path);
  ArtifactFile(ArtifactFile &&other) noexcept;
  ArtifactFile &operator=(ArtifactFile &&) = delete;
  ~ArtifactFile() { rt::unmap(file); }

  const rt::Tables &tables() const { return checked; }
  uint64_t weightsOffset() const { return trailer.weights_offset; }
  uint64_t fileBytes() const { return file.bytes; }
  /// The whole file.
  llvm::StringRef bytes() const { return {reinterpret_cast<const char *>(file.data), file.bytes}; }
  /// A program, as opposed to a library: the ELF image names a dynamic linker.
  bool isExecutable() const;

private:
  ArtifactFile() = default;
  rt::MappedFile file;
  rt::Tables checked;
  decant_trailer trailer = {};
};

/// True if the file begins like an ELF file: an artifact rather than a model.
bool looksLikeArtifact(const std::string &path);

} // namespace decant::cli

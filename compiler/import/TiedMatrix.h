// One matrix that a model uses under several names, as embeddings and as head: a file holds it once, or in copies.
#pragma once

#include "compiler/import/ModelBuilder.h"

namespace decant {

class TiedMatrix {
public:
  /// `names`: under which a file may hold the matrix, best first; [config.vocab, width].
  TiedMatrix(ModelBuilder &builder, llvm::ArrayRef<llvm::StringRef> names, int64_t width);

  /// The dec.weight for `name`: its own tensor if the file has one with other data (with a remark if config.tiedHead),
  /// else the shared one.
  std::string use(const std::string &name);

private:
  ModelBuilder &b;
  int64_t width;
  std::string canonical;
};

} // namespace decant

// See TiedMatrix.h. Tested in tests/import.
#include "compiler/import/TiedMatrix.h"

#include <fmt/format.h>

using namespace mlir;

namespace decant {

TiedMatrix::TiedMatrix(ModelBuilder &builder, ArrayRef<StringRef> names, int64_t width)
    : b(builder), width(width), canonical(names.front()) { // reported as missing if none is there
  const auto *found = llvm::find_if(names, [&](StringRef name) { return b.weights.has(name); });
  if (found != names.end())
    canonical = found->str();
}

std::string TiedMatrix::use(const std::string &name) {
  SmallVector<int64_t> shape{b.config.vocab, width};
  if (!b.weights.has(name) || name == canonical)
    return b.weight(canonical, shape);
  if (b.weights.sameData(name, canonical)) {
    b.weights.ignore(name);
    return b.weight(canonical, shape);
  }
  if (b.config.tiedHead)
    emitRemark(NameLoc::get(b.ops().getStringAttr(name)),
               fmt::format("differs from \"{}\", its twin; it is used", canonical));
  return b.weight(name, shape);
}

} // namespace decant

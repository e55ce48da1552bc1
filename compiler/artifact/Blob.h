// A growing block of bytes whose parts are named by byte ranges: the tables of a module.
#pragma once

#include "runtime/include/decant_module.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstring>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

namespace decant {

class Blob {
public:
  explicit Blob(size_t headerBytes) : bytes(headerBytes, 0) {}

  /// Appends the elements, 8-byte aligned.
  template <class T> decant_range append(llvm::ArrayRef<T> elements) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.resize((bytes.size() + 7) / 8 * 8, 0);
    decant_range range{static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(elements.size())};
    const auto *data = reinterpret_cast<const uint8_t *>(elements.data());
    bytes.insert(bytes.end(), data, data + elements.size() * sizeof(T));
    return range;
  }
  template <class T> decant_range append(const std::vector<T> &elements) { return append(llvm::ArrayRef<T>(elements)); }

  /// A text; equal texts share their bytes.
  decant_range text(llvm::StringRef value) {
    auto [it, isNew] = texts.try_emplace(value.str());
    if (isNew)
      it->second = append(llvm::ArrayRef<char>(value.data(), value.size()));
    return it->second;
  }

  std::vector<uint8_t> bytes;

private:
  std::map<std::string, decant_range> texts;
};

} // namespace decant

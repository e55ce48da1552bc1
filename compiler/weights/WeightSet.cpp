// Opening, mapping and reading of tensors. The rules of the format: SafetensorsHeader.cpp.
#include "compiler/weights/WeightSet.h"

#include "compiler/config/Checked.h"
#include "compiler/config/Errors.h"
#include "compiler/config/Json.h"
#include "compiler/config/RegularFile.h"
#include "compiler/weights/SafetensorsHeader.h"

#include "llvm/ADT/bit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <sys/mman.h>

using namespace decant;

static_assert(llvm::endianness::native == llvm::endianness::little, "tensors are read in place");

/// A private, read-only mapping of a whole file.
struct WeightSet::Mapping {
  void *data = nullptr;
  size_t bytes = 0;

  Mapping() = default;
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;
  ~Mapping() {
    if (data)
      ::munmap(data, bytes);
  }
  llvm::StringRef text() const { return llvm::StringRef(static_cast<const char *>(data), bytes); }
};

llvm::Expected<WeightSet> WeightSet::openFile(const std::string &path) {
  llvm::Expected<RegularFile> file = RegularFile::open(path);
  if (!file)
    return file.takeError();
  std::optional<size_t> bytes = checkedNarrow<size_t>(file->size());
  if (!bytes)
    return userError(ExitCode::Resource,
                     fmt::format("{}: {} bytes do not fit this machine's memory", path, file->size()));
  auto mapping = std::make_shared<Mapping>();
  if (*bytes > 0) {
    void *data = ::mmap(nullptr, *bytes, PROT_READ, MAP_PRIVATE, file->descriptor(), 0);
    if (data == MAP_FAILED)
      return userError(errno == ENOMEM ? ExitCode::Resource : ExitCode::BadInput,
                       fmt::format("{}: mapping {} bytes failed: {}", path, *bytes, std::strerror(errno)));
    mapping->data = data;
    mapping->bytes = *bytes;
  }
  llvm::Expected<std::map<std::string, TensorView>> tensors = parseSafetensors(mapping->text(), path);
  if (!tensors)
    return tensors.takeError();
  WeightSet result;
  result.mapping = std::move(mapping);
  result.filePath = path;
  result.byName = std::move(*tensors);
  return result;
}

llvm::Expected<WeightSet> WeightSet::openFolder(const std::string &folder) {
  std::string path = folder + "/model.safetensors";
  if (pathExists(path))
    return openFile(path);
  if (pathExists(path + ".index.json"))
    return unsupported(fmt::format("{}.index.json: weights split over several files are not supported; merge them into "
                                   "{}",
                                   path, path));
  return badInput(fmt::format(
      "{}: no such file; looked for model.safetensors and model.safetensors.index.json{}", path,
      pathExists(folder + "/pytorch_model.bin") ? "; found pytorch_model.bin: save the model as safetensors" : ""));
}

const TensorView *WeightSet::find(std::string_view name) const {
  auto found = byName.find(std::string(name));
  return found == byName.end() ? nullptr : &found->second;
}

namespace {

float halfToFloat(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, exponent = (half >> 10) & 31, fraction = half & 1023;
  if (exponent == 0) // zero and subnormals: fraction x 2^-24, exact in f32
    return llvm::bit_cast<float>(sign | llvm::bit_cast<uint32_t>(static_cast<float>(fraction) * 0x1p-24f));
  uint32_t bits = exponent == 31 ? 0xff : exponent + 112; // 112 = 127 - 15, the biases
  return llvm::bit_cast<float>(sign | bits << 23 | fraction << 13);
}

template <typename Convert> std::vector<float> convert16(const TensorView &view, Convert convert) {
  std::vector<float> result(view.bytes / 2);
  for (size_t i = 0; i < result.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, view.data + 2 * i, 2);
    result[i] = convert(bits);
  }
  return result;
}

} // namespace

llvm::Expected<std::vector<float>> WeightSet::readF32(std::string_view name, const std::vector<int64_t> &shape) const {
  const TensorView *view = find(name);
  auto fail = [&](const std::string &message) {
    return badInput(fmt::format("{}: tensor {}: {}", filePath, json::quote(llvm::StringRef(name)), message));
  };
  if (!view)
    return fail(fmt::format("missing; expected shape [{}]", fmt::join(shape, ", ")));
  if (view->shape != shape)
    return fail(fmt::format("expected shape [{}], found [{}]", fmt::join(shape, ", "), fmt::join(view->shape, ", ")));
  switch (view->dtype) {
  case DType::F32: {
    std::vector<float> result(view->bytes / 4);
    if (!result.empty())
      std::memcpy(result.data(), view->data, view->bytes);
    return result;
  }
  case DType::F16:
    return convert16(*view, halfToFloat);
  case DType::BF16:
    return convert16(*view, [](uint16_t bits) { return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16); });
  default:
    return fail(fmt::format("expected F32, F16 or BF16, found {}", view->dtypeName));
  }
}

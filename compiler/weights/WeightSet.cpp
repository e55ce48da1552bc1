// Opening, mapping and reading of tensors. The rules of the format: SafetensorsHeader.cpp.
#include "compiler/weights/WeightSet.h"

#include "compiler/config/Checked.h"
#include "compiler/config/Errors.h"
#include "compiler/config/Json.h"
#include "compiler/config/Limits.h"
#include "compiler/config/RegularFile.h"
#include "compiler/weights/SafetensorsHeader.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

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
  result.mappings.push_back(std::move(mapping));
  result.filePath = path;
  result.byName = std::move(*tensors);
  return result;
}

/// The index's "weight_map": tensor -> file. Every name is a plain one.
static llvm::Expected<std::map<std::string, std::string>> readIndex(const std::string &path) {
  auto root = json::parseFile(path);
  if (!root)
    return root.takeError();
  const json::Value *map = root->is(json::Kind::Object) ? root->find("weight_map") : nullptr;
  if (!map || !map->is(json::Kind::Object))
    return badInput(path + ": key \"weight_map\": expected an object from tensors to files");
  std::map<std::string, std::string> files;
  for (size_t i = 0; i < map->items().size(); ++i) {
    const json::Value &file = map->items()[i];
    llvm::StringRef name = file.is(json::Kind::String) ? llvm::StringRef(file.text()) : "";
    if (!name.ends_with(".safetensors") || name.starts_with(".") || name.contains('/') || name.contains('\0'))
      return badInput(fmt::format("{}: tensor {} is in {}, expected the name of a .safetensors file in the folder",
                                  path, json::quote(map->keys()[i]), json::excerpt(file)));
    files[map->keys()[i]] = name.str();
  }
  return files;
}

/// A shard may be a link within the folder, or into the blobs of a hub's cache, which lie at ../../blobs of its
/// folders.
static llvm::Error checkInside(const std::string &folder, const std::string &file) {
  namespace path = llvm::sys::path;
  llvm::SmallString<256> home, real;
  if (llvm::sys::fs::real_path(folder, home) || llvm::sys::fs::real_path(folder + "/" + file, real))
    return llvm::Error::success(); // opening it says what is wrong
  llvm::StringRef place = path::parent_path(real);
  llvm::SmallString<256> blobs(path::parent_path(path::parent_path(home)));
  path::append(blobs, "blobs");
  if (place == home || place == blobs)
    return llvm::Error::success();
  return badInput(fmt::format("{}/{}: a link that leaves the folder, to {}; put the file itself there", folder, file,
                              json::quote(real)));
}

llvm::Expected<WeightSet> WeightSet::openFolder(const std::string &folder) {
  std::string path = folder + "/model.safetensors", index = path + ".index.json";
  if (pathExists(path)) // as transformers: the single file comes first
    return openFile(path);
  if (!pathExists(index))
    return badInput(fmt::format(
        "{}: no such file; looked for model.safetensors and model.safetensors.index.json{}", path,
        pathExists(folder + "/pytorch_model.bin") ? "; found pytorch_model.bin: save the model as safetensors" : ""));
  auto files = readIndex(index);
  if (!files)
    return files.takeError();
  WeightSet result;
  result.filePath = index;
  std::set<std::string> opened;
  for (const auto &[tensor, file] : *files) {
    if (!opened.insert(file).second)
      continue;
    if (opened.size() > limits::shards)
      return badInput(fmt::format("{}: names more than {} files", index, limits::shards));
    if (llvm::Error error = checkInside(folder, file))
      return error;
    auto part = openFile(folder + "/" + file);
    if (!part)
      return part.takeError();
    for (auto &[name, view] : part->byName) {
      auto entry = files->find(name);
      if (entry == files->end() || entry->second != file)
        return badInput(fmt::format("{}/{}: tensor {} is {}", folder, file, json::quote(name),
                                    entry == files->end() ? "not in the index" : "in the index of " + entry->second));
      result.byName.emplace(name, view);
    }
    result.mappings.push_back(part->mappings.front());
  }
  for (const auto &[tensor, file] : *files)
    if (!result.byName.count(tensor))
      return badInput(fmt::format("{}: tensor {} is not in {}", index, json::quote(tensor), file));
  return result;
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

float bfloatToFloat(uint16_t bits) { return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// `count` numbers of `view` from element `first` on, `stride` elements apart. The type has been checked.
void convert(const TensorView &view, size_t first, size_t count, size_t stride, float *out) {
  auto each = [&]<class Bits>(Bits bits, auto toFloat) {
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(&bits, view.data + (first + i * stride) * sizeof(Bits), sizeof(Bits));
      out[i] = toFloat(bits);
    }
  };
  if (view.dtype == DType::F32 && stride == 1)
    std::memcpy(out, view.data + first * sizeof(float), count * sizeof(float));
  else if (view.dtype == DType::F32)
    each(float(), [](float value) { return value; });
  else if (view.dtype == DType::F16)
    each(uint16_t(), halfToFloat);
  else
    each(uint16_t(), bfloatToFloat);
}

bool isReal(DType type) { return type == DType::F32 || type == DType::F16 || type == DType::BF16; }

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
  if (!isReal(view->dtype))
    return fail(fmt::format("expected F32, F16 or BF16, found {}", view->dtypeName));
  std::vector<float> result(view->bytes / static_cast<uint64_t>(elementBytes(view->dtype)));
  if (!result.empty())
    convert(*view, 0, result.size(), 1, result.data());
  return result;
}

llvm::Error WeightSet::readRows(std::string_view name, int64_t begin, int64_t end, int64_t width, bool transposed,
                                float *out) const {
  const TensorView *view = find(name);
  auto fail = [&](const std::string &message) {
    return badInput(fmt::format("{}: tensor {}: {}; give the model's weight file", filePath,
                                json::quote(llvm::StringRef(name)), message));
  };
  if (!view)
    return fail("missing");
  if (!isReal(view->dtype))
    return fail(fmt::format("expected F32, F16 or BF16, found {}", view->dtypeName));
  llvm::ArrayRef<int64_t> shape = view->shape;
  bool isVector = width == 0;
  if (isVector && shape.size() == 2 && shape[0] == 1)
    shape = shape.drop_front();
  bool rankFits = isVector ? shape.size() == 1 : transposed ? shape.size() == 2 : shape.size() >= 2;
  int64_t rows = rankFits ? shape[0] : 0, columns = 1; // the reader of the file has checked the product
  for (int64_t extent : shape.drop_front(rankFits))
    columns *= extent;
  if (transposed)
    std::swap(rows, columns);
  if (!rankFits || begin < 0 || begin > end || end > rows || columns != (isVector ? 1 : width))
    return fail(fmt::format("shape [{}] does not hold rows {} to {} of [.., {}]{}", fmt::join(view->shape, ", "), begin,
                            end, width, transposed ? ", transposed" : ""));
  auto first = static_cast<size_t>(begin), count = static_cast<size_t>(end - begin), n = static_cast<size_t>(columns);
  if (!transposed)
    convert(*view, first * n, count * n, 1, out);
  for (size_t row = 0; transposed && row < count; ++row)
    convert(*view, first + row, n, static_cast<size_t>(rows), out + row * n);
  return llvm::Error::success();
}

void WeightSet::release(std::string_view name) const {
  const TensorView *view = find(name);
  if (!view)
    return;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE)), at = reinterpret_cast<uintptr_t>(view->data);
  const uintptr_t begin = (at + page - 1) / page * page, end = (at + view->bytes) / page * page;
  if (begin < end) // advice: a failure changes nothing
    (void)::madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

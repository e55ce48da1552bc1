// NamedTensors -> a *.safetensors file. Order as the reference writer's: wide elements first, then by name, so that
// every tensor is aligned; the header is padded to 8 bytes with spaces. Tested in tests/weights.
#include "compiler/config/Checked.h"
#include "compiler/config/Errors.h"
#include "compiler/config/Json.h"
#include "compiler/config/Limits.h"
#include "compiler/weights/AtomicFile.h"
#include "compiler/weights/WeightSet.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

using namespace decant;

namespace {

using Order = std::vector<const NamedTensor *>;

Order ordered(const std::vector<NamedTensor> &tensors) {
  Order order;
  for (const NamedTensor &tensor : tensors)
    order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const NamedTensor *a, const NamedTensor *b) {
    int64_t wideA = elementBytes(a->dtype), wideB = elementBytes(b->dtype);
    return wideA != wideB ? wideA > wideB : a->name < b->name;
  });
  return order;
}

/// The caller's tensors must make a file that our own reader accepts.
llvm::Error checkTensor(const std::string &path, const NamedTensor &tensor) {
  auto fail = [&](const std::string &message) {
    return badInput(fmt::format("{}: tensor {}: {}", path, json::quote(tensor.name), message));
  };
  if (tensor.name == "__metadata__" || !llvm::json::isUTF8(tensor.name) || tensor.name.size() > limits::stringBytes)
    return fail("not a legal name for a tensor");
  if (tensor.shape.size() > static_cast<size_t>(limits::rank))
    return fail(fmt::format("{} dimensions; at most {} are allowed", tensor.shape.size(), limits::rank));
  std::optional<uint64_t> bytes = static_cast<uint64_t>(elementBytes(tensor.dtype));
  for (int64_t extent : tensor.shape)
    bytes = bytes && extent >= 0 ? checkedMul(*bytes, static_cast<uint64_t>(extent)) : std::nullopt;
  if (elementBytes(tensor.dtype) == 0 || bytes != tensor.data.size())
    return fail(fmt::format("shape [{}] of {} does not match {} bytes of data", fmt::join(tensor.shape, ", "),
                            name(tensor.dtype), tensor.data.size()));
  return llvm::Error::success();
}

std::string headerOf(const Order &order) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream out(os);
  int64_t position = 0;
  out.object([&] {
    for (const NamedTensor *tensor : order)
      out.attributeObject(tensor->name, [&] {
        int64_t end = position + static_cast<int64_t>(tensor->data.size());
        out.attribute("dtype", llvm::StringRef(name(tensor->dtype)));
        out.attributeArray("shape", [&] {
          for (int64_t extent : tensor->shape)
            out.value(extent);
        });
        out.attributeArray("data_offsets", [&] {
          out.value(position);
          out.value(end);
        });
        position = end;
      });
  });
  os.flush();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

} // namespace

llvm::Error decant::writeSafetensors(const std::string &path, const std::vector<NamedTensor> &tensors) {
  Order order = ordered(tensors);
  std::vector<std::string_view> names;
  for (const NamedTensor &tensor : tensors) {
    if (llvm::Error error = checkTensor(path, tensor))
      return error;
    names.push_back(tensor.name);
  }
  std::sort(names.begin(), names.end());
  auto twin = std::adjacent_find(names.begin(), names.end());
  if (twin != names.end())
    return badInput(fmt::format("{}: tensor {}: given twice", path, json::quote(llvm::StringRef(*twin))));

  llvm::Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  std::string header = headerOf(order);
  uint8_t length[8];
  llvm::support::endian::write64le(length, header.size());
  if (llvm::Error error = file->write(length, sizeof(length)))
    return error;
  if (llvm::Error error = file->write(header.data(), header.size()))
    return error;
  for (const NamedTensor *tensor : order)
    if (llvm::Error error = file->write(tensor->data.data(), tensor->data.size()))
      return error;
  return file->commit();
}

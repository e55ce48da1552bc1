#include "compiler/weights/SafetensorsHeader.h"

#include "compiler/config/Checked.h"
#include "compiler/config/Errors.h"
#include "compiler/config/Json.h"
#include "compiler/config/Limits.h"
#include "compiler/weights/DTypes.h"

#include "llvm/Support/Endian.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

using namespace decant;
using json::Kind;
using json::Value;

namespace {

/// A tensor as the header names it.
struct Entry {
  const std::string *name;
  const DTypeInfo *dtype;
  std::vector<int64_t> shape;
  uint64_t begin, end; ///< bytes, counted from the end of the header
};

/// Checks one file, rule by rule.
class HeaderReader {
public:
  HeaderReader(llvm::StringRef file, const std::string &where) : file(file), where(where) {}

  llvm::Expected<std::map<std::string, TensorView>> read() {
    if (llvm::Error error = findHeader())
      return error;
    llvm::Expected<Value> root = json::parse(header, where + ": header", {limits::headerValues, limits::headerDepth});
    if (!root)
      return root.takeError();
    if (llvm::Error error = readEntries(*root))
      return error;
    if (llvm::Error error = checkLayout())
      return error;
    return views();
  }

private:
  llvm::Error fail(const std::string &message) const { return badInput(fmt::format("{}: {}", where, message)); }
  llvm::Error fail(const std::string &tensor, const std::string &message) const {
    return badInput(fmt::format("{}: tensor {}: {}", where, json::quote(tensor), message));
  }

  llvm::Error findHeader() {
    if (file.size() < 8)
      return fail(fmt::format("the file has {} bytes; a safetensors file has at least 8", file.size()));
    uint64_t length = llvm::support::endian::read64le(file.data());
    if (length > static_cast<uint64_t>(limits::headerBytes))
      return fail(fmt::format("the header's length is {}; at most {} are allowed; is this a safetensors file?", length,
                              limits::headerBytes));
    if (length > file.size() - 8)
      return fail(fmt::format("the header needs {} bytes, but the file ends after {} of them; it is truncated", length,
                              file.size() - 8));
    header = file.substr(8, length);
    data = file.substr(8 + length);
    if (!header.starts_with("{"))
      return fail("the header does not begin with '{'; is this a safetensors file?");
    return llvm::Error::success();
  }

  llvm::Error readEntries(const Value &root) {
    if (root.items().size() > static_cast<size_t>(limits::tensors))
      return fail(fmt::format("{} tensors; at most {} are allowed", root.items().size(), limits::tensors));
    for (size_t i = 0; i < root.items().size(); ++i) {
      const std::string &name = root.keys()[i];
      llvm::Error error = name == "__metadata__" ? checkMetadata(root.items()[i]) : readEntry(name, root.items()[i]);
      if (error)
        return error;
    }
    return llvm::Error::success();
  }

  llvm::Error checkMetadata(const Value &value) const {
    if (!value.is(Kind::Object))
      return fail(fmt::format("\"__metadata__\": expected an object of strings, found {}", json::excerpt(value)));
    for (size_t i = 0; i < value.items().size(); ++i)
      if (!value.items()[i].is(Kind::String))
        return fail(fmt::format("\"__metadata__\": key {}: expected a string, found {}", json::quote(value.keys()[i]),
                                json::excerpt(value.items()[i])));
    return llvm::Error::success();
  }

  llvm::Error readEntry(const std::string &name, const Value &value) {
    if (!value.is(Kind::Object))
      return fail(name, fmt::format("expected an object, found {}", json::excerpt(value)));
    for (const std::string &key : value.keys())
      if (key != "dtype" && key != "shape" && key != "data_offsets")
        return fail(name, fmt::format("unknown key {}; known: dtype, shape, data_offsets", json::quote(key)));
    Entry entry{&name, nullptr, {}, 0, 0};
    if (llvm::Error error = readDType(value.find("dtype"), entry))
      return error;
    if (llvm::Error error = readShape(value.find("shape"), entry))
      return error;
    if (llvm::Error error = readOffsets(value.find("data_offsets"), entry))
      return error;
    if (llvm::Error error = checkSize(entry))
      return error;
    entries.push_back(std::move(entry));
    return llvm::Error::success();
  }

  llvm::Error readDType(const Value *value, Entry &entry) const {
    if (!value || !value->is(Kind::String))
      return fail(*entry.name, fmt::format("dtype: expected a string, {}", found(value)));
    entry.dtype = findDType(value->text());
    if (!entry.dtype)
      return fail(*entry.name, fmt::format("dtype: {} is no type of the format", json::quote(value->text())));
    return llvm::Error::success();
  }

  llvm::Error readShape(const Value *value, Entry &entry) const {
    if (!value || !value->is(Kind::Array))
      return fail(*entry.name, fmt::format("shape: expected an array, {}", found(value)));
    if (value->items().size() > static_cast<size_t>(limits::rank))
      return fail(*entry.name,
                  fmt::format("shape: {} dimensions; at most {} are allowed", value->items().size(), limits::rank));
    for (const Value &extent : value->items()) {
      if (!extent.is(Kind::Integer) || extent.integer() < 0)
        return fail(*entry.name, fmt::format("shape: expected integers from 0, found {}", json::excerpt(extent)));
      entry.shape.push_back(extent.integer());
    }
    return llvm::Error::success();
  }

  llvm::Error readOffsets(const Value *value, Entry &entry) const {
    if (!value || !value->is(Kind::Array) || value->items().size() != 2)
      return fail(*entry.name, fmt::format("data_offsets: expected [begin, end], {}", found(value)));
    for (const Value &offset : value->items())
      if (!offset.is(Kind::Integer) || offset.integer() < 0)
        return fail(*entry.name,
                    fmt::format("data_offsets: expected integers from 0, found {}", json::excerpt(offset)));
    entry.begin = static_cast<uint64_t>(value->items()[0].integer());
    entry.end = static_cast<uint64_t>(value->items()[1].integer());
    if (entry.end < entry.begin)
      return fail(*entry.name, fmt::format("data_offsets: the end {} is before the begin {}", entry.end, entry.begin));
    if (entry.end > data.size())
      return fail(*entry.name, fmt::format("data_offsets: [{}, {}] is outside the {} bytes of data; the file is "
                                           "truncated or its header is wrong",
                                           entry.begin, entry.end, data.size()));
    return llvm::Error::success();
  }

  llvm::Error checkSize(const Entry &entry) const {
    std::optional<uint64_t> bits = entry.dtype->bits;
    for (int64_t extent : entry.shape)
      bits = bits ? checkedMul(*bits, static_cast<uint64_t>(extent)) : bits;
    if (!bits)
      return fail(*entry.name,
                  fmt::format("shape [{}]: the number of bits does not fit 64 bits", fmt::join(entry.shape, ", ")));
    if (*bits % 8 != 0)
      return fail(*entry.name, fmt::format("shape [{}] of {}: {} bits are no whole number of bytes",
                                           fmt::join(entry.shape, ", "), entry.dtype->name, *bits));
    if (*bits / 8 != entry.end - entry.begin)
      return fail(*entry.name, fmt::format("shape [{}] of {} needs {} bytes, but data_offsets [{}, {}] hold {}",
                                           fmt::join(entry.shape, ", "), entry.dtype->name, *bits / 8, entry.begin,
                                           entry.end, entry.end - entry.begin));
    return llvm::Error::success();
  }

  /// In order of offsets each tensor begins where the one before ends, and the last one ends with the file.
  llvm::Error checkLayout() {
    std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) {
      return std::tie(a.begin, a.end, *a.name) < std::tie(b.begin, b.end, *b.name);
    });
    uint64_t position = 0;
    for (const Entry &entry : entries) {
      if (entry.begin != position)
        return fail(*entry.name,
                    fmt::format("data_offsets: begins at {}, {} the tensor before, which ends at {}", entry.begin,
                                entry.begin < position ? "inside" : "with a hole behind", position));
      position = entry.end;
    }
    if (position != data.size())
      return fail(
          fmt::format("the tensors end at byte {} of the data, but {} bytes follow the header", position, data.size()));
    return llvm::Error::success();
  }

  std::map<std::string, TensorView> views() const {
    std::map<std::string, TensorView> result;
    for (const Entry &entry : entries) {
      TensorView view;
      view.dtype = entry.dtype->type;
      view.dtypeName = std::string(entry.dtype->name);
      view.shape = entry.shape;
      view.data = reinterpret_cast<const uint8_t *>(data.data()) + entry.begin;
      view.bytes = entry.end - entry.begin;
      result.emplace(*entry.name, std::move(view));
    }
    return result;
  }

  static std::string found(const Value *value) { return value ? "found " + json::excerpt(*value) : "found nothing"; }

  llvm::StringRef file, header, data;
  const std::string &where;
  std::vector<Entry> entries;
};

} // namespace

llvm::Expected<std::map<std::string, TensorView>> decant::parseSafetensors(llvm::StringRef file,
                                                                           const std::string &where) {
  return HeaderReader(file, where).read();
}

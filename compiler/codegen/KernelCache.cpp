// An entry is a header (magic, length, XXH3 of the object) and the object. Tested in tests/codegen.
#include "compiler/codegen/KernelCache.h"
#include "compiler/weights/AtomicFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

namespace decant {

namespace {

struct EntryHeader {
  char magic[8];
  uint64_t bytes;
  uint64_t hash;
};
constexpr char kMagic[8] = "DECANTK";

} // namespace

std::optional<std::string> KernelCache::load(const std::string &key) const {
  if (dir.empty())
    return std::nullopt;
  auto file = llvm::MemoryBuffer::getFile(path(key), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file || (*file)->getBufferSize() < sizeof(EntryHeader))
    return std::nullopt;
  EntryHeader header;
  std::memcpy(&header, (*file)->getBufferStart(), sizeof(header));
  llvm::StringRef object = (*file)->getBuffer().drop_front(sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0 || header.bytes != object.size() ||
      header.hash != XXH3_64bits(object.data(), object.size()))
    return std::nullopt;
  return object.str();
}

llvm::Error KernelCache::store(const std::string &key, const std::string &object) const {
  if (dir.empty())
    return llvm::Error::success();
  if (std::error_code error = llvm::sys::fs::create_directories(dir, true, llvm::sys::fs::owner_all))
    return userError(ExitCode::Resource,
                     dir + ": cannot make the kernel cache: " + error.message() + "; use --cache-dir or --no-cache");
  auto file = AtomicFile::create(path(key));
  if (!file)
    return file.takeError();
  EntryHeader header;
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.bytes = object.size();
  header.hash = XXH3_64bits(object.data(), object.size());
  if (llvm::Error error = file->write(&header, sizeof(header)))
    return error;
  if (llvm::Error error = file->write(object.data(), object.size()))
    return error;
  return file->commit();
}

} // namespace decant

// ELF file -> checked tables and trailer, by bounds-checked reads (System V ABI, chapter 4). Tested in tests/runtime.
#define XXH_INLINE_ALL
#include "runtime/core/module_file.h"

#include "runtime/core/cpu_features.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

namespace decant::rt {
namespace {

using Ull = unsigned long long;

struct Reader {
  MappedFile file;
  const char *path;
  const Message &message;

  /// nullptr if [offset, offset + count * sizeof(T)) is not inside the file, or is not aligned.
  template <class T> const T *at(uint64_t offset, uint64_t count = 1) const {
    if (offset > file.bytes || count > (file.bytes - offset) / sizeof(T) || offset % alignof(T))
      return nullptr;
    return reinterpret_cast<const T *>(file.data + offset);
  }

  decant_status notModule() const { return message.fail(DECANT_DATA_LOSS, "%s: not a decant module", path); }
  decant_status truncated(uint64_t expected) const {
    return message.fail(DECANT_DATA_LOSS, "%s: truncated: %llu bytes, expected %llu", path, Ull(file.bytes),
                        Ull(expected));
  }

  decant_status elfHeader(const Elf64_Ehdr *&out) const {
    const auto *elf = at<Elf64_Ehdr>(0);
    if (file.bytes < EI_NIDENT || std::memcmp(file.data, ELFMAG, SELFMAG) != 0)
      return notModule();
    if (!elf)
      return truncated(sizeof(Elf64_Ehdr));
    if (elf->e_ident[EI_CLASS] != ELFCLASS64 || elf->e_ident[EI_DATA] != ELFDATA2LSB)
      return notModule();
    if (elf->e_machine != thisMachine())
      return message.fail(DECANT_FAILED_PRECONDITION, "%s: made for %s, this machine is %s", path,
                          machineName(elf->e_machine), machineName(thisMachine()));
    out = elf;
    return DECANT_OK;
  }

  /// Finds the section of the tables; *out_end = where the ELF image ends.
  decant_status tablesSection(const Elf64_Ehdr *elf, const Elf64_Shdr **out_section, uint64_t *out_end) const {
    if (elf->e_shoff == 0 || elf->e_shentsize != sizeof(Elf64_Shdr) || elf->e_shstrndx >= elf->e_shnum)
      return notModule();
    uint64_t end = elf->e_shoff + uint64_t(elf->e_shnum) * sizeof(Elf64_Shdr);
    const auto *sections = at<Elf64_Shdr>(elf->e_shoff, elf->e_shnum);
    if (!sections)
      return elf->e_shoff % alignof(Elf64_Shdr) || end < elf->e_shoff ? notModule() : truncated(end);
    const Elf64_Shdr &names = sections[elf->e_shstrndx];
    if (!at<char>(names.sh_offset, names.sh_size))
      return notModule();
    *out_section = nullptr;
    for (uint32_t i = 0; i < elf->e_shnum; ++i) {
      const Elf64_Shdr &section = sections[i];
      if (section.sh_type != SHT_NOBITS && section.sh_offset < UINT64_MAX - section.sh_size &&
          section.sh_offset + section.sh_size > end)
        end = section.sh_offset + section.sh_size;
      constexpr size_t length = sizeof(DECANT_TABLES_SECTION);
      if (section.sh_name < names.sh_size && names.sh_size - section.sh_name >= length &&
          std::memcmp(file.data + names.sh_offset + section.sh_name, DECANT_TABLES_SECTION, length) == 0)
        *out_section = &section;
    }
    *out_end = end;
    return *out_section ? DECANT_OK : notModule();
  }
};

decant_status checkTrailer(const decant_trailer &trailer, const Reader &reader, const Tables &tables) {
  auto damaged = [&](const char *what) {
    return reader.message.fail(DECANT_DATA_LOSS, "%s: damaged: %s", reader.path, what);
  };
  if (XXH3_64bits(&trailer, offsetof(decant_trailer, trailer_hash)) != trailer.trailer_hash)
    return damaged("checksum of the trailer does not match");
  if (trailer.file_bytes > reader.file.bytes)
    return reader.truncated(trailer.file_bytes);
  if (trailer.abi != tables.header().abi || trailer.file_bytes != reader.file.bytes)
    return damaged("the trailer does not describe this file");
  uint64_t room = reader.file.bytes - sizeof(decant_trailer);
  if (trailer.weights_bytes != tables.header().weights_bytes || trailer.weights_offset % 4096 ||
      trailer.weights_offset > room || trailer.weights_bytes > room - trailer.weights_offset)
    return damaged("the weights lie outside the file");
  if (trailer.tables_hash != tables.header().tables_hash)
    return damaged("tables and weights are not of one module");
  return DECANT_OK;
}

/// The trailer at the file's end; `expected` = length of a whole file, for the message.
decant_status findTrailer(const Reader &reader, const Tables &tables, uint64_t expected, decant_trailer *out) {
  if (reader.file.bytes < sizeof(decant_trailer))
    return reader.notModule();
  std::memcpy(out, reader.file.data + reader.file.bytes - sizeof(decant_trailer), sizeof(decant_trailer));
  if (std::memcmp(out->magic, DECANT_TRAILER_MAGIC, 8) == 0)
    return checkTrailer(*out, reader, tables);
  if (reader.file.bytes < expected)
    return reader.truncated(expected);
  return reader.message.fail(DECANT_DATA_LOSS, "%s: damaged: no trailer at its end", reader.path);
}

} // namespace

decant_status mapFile(const char *path, const Message &message, MappedFile &out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO is refused below, not waited for
  if (fd < 0)
    return message.fail(errno == ENOENT || errno == ENOTDIR ? DECANT_NOT_FOUND : DECANT_INVALID_ARGUMENT, "%s: %s",
                        path, std::strerror(errno));
  struct stat info;
  decant_status status = DECANT_OK;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0)
    status = message.fail(DECANT_DATA_LOSS, "%s: not a decant module", path);
  void *data = MAP_FAILED;
  if (status == DECANT_OK) {
    data = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
      status = message.fail(DECANT_RESOURCE_EXHAUSTED, "%s: cannot map %llu bytes: %s", path, Ull(info.st_size),
                            std::strerror(errno));
  }
  close(fd);
  if (status == DECANT_OK)
    out = {static_cast<const uint8_t *>(data), static_cast<uint64_t>(info.st_size)};
  return status;
}

void unmap(MappedFile file) {
  if (file.data)
    munmap(const_cast<uint8_t *>(file.data), file.bytes);
}

decant_status readModuleFile(MappedFile file, const char *path, const Message &message, Tables *out_tables,
                             decant_trailer *out_trailer) {
  Reader reader{file, path, message};
  const Elf64_Ehdr *elf = nullptr;
  if (decant_status status = reader.elfHeader(elf); status != DECANT_OK)
    return status;
  const Elf64_Shdr *section = nullptr;
  uint64_t end = 0;
  if (decant_status status = reader.tablesSection(elf, &section, &end); status != DECANT_OK)
    return status;
  if (section->sh_offset % 8 || section->sh_type == SHT_NOBITS)
    return reader.notModule();
  const uint8_t *block = reader.at<uint8_t>(section->sh_offset, section->sh_size);
  if (!block)
    return reader.truncated(end);
  if (decant_status status = checkHeader(block, section->sh_size, path, message); status != DECANT_OK)
    return status;
  Tables tables{block};
  uint64_t weights = tables.header().weights_bytes;
  uint64_t expected = weights < UINT64_MAX / 2 ? roundUp(roundUp(end, 4096) + weights, 64) + sizeof(decant_trailer) : 0;
  if (decant_status status = findTrailer(reader, tables, expected, out_trailer); status != DECANT_OK)
    return status;
  *out_tables = tables;
  return DECANT_OK;
}

decant_status readTrailer(MappedFile file, const char *path, const Tables &tables, const Message &message,
                          decant_trailer *out_trailer) {
  Reader reader{file, path, message};
  return findTrailer(reader, tables, 0, out_trailer);
}

} // namespace decant::rt

// The file of a module, read as bytes: nothing of it runs here.
#pragma once

#include "runtime/core/tables.h"

namespace decant::rt {

/// A file mapped read-only. Closed by the owner with unmap().
struct MappedFile {
  const uint8_t *data = nullptr;
  uint64_t bytes = 0;
};

decant_status mapFile(const char *path, const Message &message, MappedFile &out);
void unmap(MappedFile file);

/// Checks ELF header, sections, tables and trailer of the mapped module. On success *out_tables points into the file
/// and *out_trailer is a copy of the trailer.
decant_status readModuleFile(MappedFile file, const char *path, const Message &message, Tables *out_tables,
                             decant_trailer *out_trailer);

/// Reads the trailer alone (a program whose tables are in memory already).
decant_status readTrailer(MappedFile file, const char *path, const Tables &tables, const Message &message,
                          decant_trailer *out_trailer);

} // namespace decant::rt

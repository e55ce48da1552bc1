// What a module is, for people and for scripts: `OUT --info`, `decant inspect`. Reads tables only, never weights.
#pragma once

#include "runtime/core/tables.h"

#include <cstdio>

namespace decant::rt {

/// Writes `text` as a JSON string, quotes included.
void writeJsonString(FILE *out, std::string_view text);

/// `target` = index of the target that this machine would run, or -1 (not asked).
void writeInfo(FILE *out, const Tables &tables, uint64_t file_bytes, int64_t target, bool json);

/// The same for the module file at `path`, of which nothing is executed.
decant_status inspectFile(FILE *out, const char *path, bool json, const Message &message);

} // namespace decant::rt

#include "runtime/core/info.h"

#include "runtime/core/module_file.h"

#include <algorithm>

namespace decant::rt {
namespace {

using Ull = unsigned long long;

constexpr const char *kKinds[] = {"encoder-decoder", "decoder-only", "torch-decoder"};
constexpr const char *kEntries[] = {"encode", "decode"};
constexpr const char *kCaches[DECANT_CACHE_KINDS] = {"self", "cross", "local", "window"};

/// "key: value" lines, or the members of one JSON object.
struct Writer {
  FILE *out;
  bool json;
  bool first = true;

  void key(const char *name) {
    std::fprintf(out, json ? "%s\"%s\": " : "%s%s: ", json && !first ? ", " : "", name);
    first = false;
  }
  void end() {
    if (!json)
      std::fputc('\n', out);
  }
  void value(std::string_view text) {
    if (json)
      writeJsonString(out, text);
    else
      std::fwrite(text.data(), 1, text.size(), out);
  }
  void text(const char *name, std::string_view text) {
    key(name);
    value(text);
    end();
  }
  void number(const char *name, uint64_t number) {
    key(name);
    std::fprintf(out, "%llu", Ull(number));
    end();
  }
  template <class Each> void list(const char *name, size_t count, Each each) {
    key(name);
    if (json)
      std::fputc('[', out);
    for (size_t i = 0; i < count; ++i) {
      std::fputs(i ? ", " : "", out);
      value(each(i));
    }
    if (json)
      std::fputc(']', out);
    end();
  }
};

/// One line on a cache, in `line`.
std::string_view describe(const Tables &tables, const decant_cache &cache, std::span<char> line) {
  const uint64_t block = blockBytes(tables, cache), most = block * tables.mostBlocks(cache.kind);
  char window[16] = "";
  if (cache.window)
    std::snprintf(window, sizeof window, " %u", cache.window);
  std::snprintf(line.data(), line.size(), "%s%s: %llu bytes a token and %llu a %s at most", kCaches[cache.kind], window,
                Ull(block / tables.header().block_tokens), Ull(most),
                cache.kind == DECANT_CACHE_LOCAL ? "sequence" : "slot");
  return line.data();
}

} // namespace

void writeJsonString(FILE *out, std::string_view text) {
  std::fputc('"', out);
  for (char c : text) {
    if (c == '"' || c == '\\')
      std::fprintf(out, "\\%c", c);
    else if (static_cast<unsigned char>(c) < 0x20)
      std::fprintf(out, "\\u%04x", static_cast<unsigned>(c));
    else
      std::fputc(c, out);
  }
  std::fputc('"', out);
}

void writeInfo(FILE *out, const Tables &tables, uint64_t file_bytes, int64_t target, bool json) {
  const decant_tables_header &h = tables.header();
  Writer writer{out, json};
  if (json)
    std::fputc('{', out);
  writer.text("name", tables.text(h.model_name));
  writer.text("kind", kKinds[h.model_kind]);
  writer.text("dtype", tables.text(h.dtype));
  writer.text("compiler_version", tables.text(h.compiler_version));
  writer.number("abi", h.abi);
  writer.list("targets", tables.targets().size(), [&](size_t i) { return tables.text(tables.targets()[i].name); });
  if (target >= 0)
    writer.text("target", tables.text(tables.targets()[static_cast<size_t>(target)].name));
  writer.number("vocab", h.vocab);
  writer.number("width", h.width);
  writer.number("max_batch", h.max_batch);
  writer.number("max_context", h.max_context);
  writer.number("max_source", h.max_source);
  writer.number("block_tokens", h.block_tokens);
  writer.number("artifact_bytes", file_bytes);
  writer.number("weight_bytes", h.weights_bytes);
  writer.number("tables_bytes", h.tables_bytes);
  writer.number("weights", h.weights.count);
  static constexpr const char *kText[] = {"none", "characters", "tokenizer"};
  writer.text("text", kText[std::min<uint32_t>(h.text.kind, DECANT_TEXT_TOKENIZER)]);
  if (h.source_width)
    writer.text("source", "audio features, from WAV files");
  if (h.generation.do_sample)
    writer.text("generation", "samples by default");
  writer.list("mask_parameters", tables.params().size(),
              [&](size_t i) { return tables.text(tables.params()[i].name); });
  char line[128];
  writer.list("caches", tables.caches().size(), [&](size_t i) { return describe(tables, tables.caches()[i], line); });
  for (uint32_t kind = 0; kind < DECANT_ENTRY_KINDS; ++kind) {
    const decant_entry &entry = h.entries[kind];
    if (!entry.present)
      continue;
    char name[32];
    std::snprintf(name, sizeof name, "%s_steps", kEntries[kind]);
    std::span<const decant_step> steps = tables.list<decant_step>(entry.steps);
    writer.list(name, steps.size(), [&](size_t i) { return tables.text(steps[i].name); });
    std::snprintf(name, sizeof name, "%s_row_bytes", kEntries[kind]);
    writer.number(name, entry.row_bytes + entry.out_row_bytes);
  }
  std::span<const decant_kernel_info> kernels = tables.list<decant_kernel_info>(h.kernels);
  writer.list("kernels", kernels.size(), [&](size_t i) { return tables.text(kernels[i].symbol); });
  writer.list("specs", tables.kernelsPerTarget(), [&](size_t i) { return tables.text(kernels[i].spec); });
  if (json)
    std::fputs("}\n", out);
}

decant_status inspectFile(FILE *out, const char *path, bool json, const Message &message) {
  MappedFile file;
  if (decant_status status = mapFile(path, message, file); status != DECANT_OK)
    return status;
  Tables tables;
  decant_trailer trailer;
  decant_status status = readModuleFile(file, path, message, &tables, &trailer);
  if (status == DECANT_OK)
    status = checkTables(tables, path, message);
  if (status == DECANT_OK)
    writeInfo(out, tables, file.bytes, -1, json);
  unmap(file);
  return status;
}

} // namespace decant::rt

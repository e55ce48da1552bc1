#include "tools/decant/InspectArtifact.h"

#include "tools/decant/Artifact.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <array>

namespace decant::cli {
namespace {

constexpr std::array kKinds{"encoder-decoder", "decoder-only", "torch-decoder"};
constexpr std::array kCaches{"self", "cross", "local", "window"};
constexpr std::array kTypes{"f32", "i32", "u8"};
constexpr std::array kEntries{"encode", "decode"};

/// Sizes in the ELF image. Symbols may be stripped: then kernels are 0 bytes and are not shown.
struct ImageSizes {
  llvm::StringMap<uint64_t> functions;
  uint64_t readOnly = 0, writable = 0;

  /// A kernel and its parallel bodies, whose names begin with its own.
  uint64_t ofKernel(llvm::StringRef symbol) const {
    uint64_t bytes = 0;
    for (const auto &function : functions)
      if (function.getKey().starts_with(symbol))
        bytes += function.getValue();
    return bytes;
  }
};

ImageSizes imageSizes(const ArtifactFile &artifact) {
  ImageSizes sizes;
  auto file =
      llvm::object::ELFObjectFile<llvm::object::ELF64LE>::create(llvm::MemoryBufferRef(artifact.bytes(), "artifact"));
  if (!file)
    return llvm::consumeError(file.takeError()), sizes;
  for (const llvm::object::ELFSectionRef section : file->sections())
    if (section.getFlags() & llvm::ELF::SHF_ALLOC)
      (section.getFlags() & llvm::ELF::SHF_WRITE ? sizes.writable : sizes.readOnly) += section.getSize();
  for (const llvm::object::ELFSymbolRef symbol : file->symbols()) {
    auto name = symbol.getName();
    if (!name)
      llvm::consumeError(name.takeError());
    else
      sizes.functions[*name] = symbol.getSize();
  }
  return sizes;
}

struct Describer {
  const ArtifactFile &artifact;
  const rt::Tables &tables = artifact.tables();
  const decant_tables_header &h = tables.header();
  ImageSizes sizes = imageSizes(artifact);
  Outline out = {};

  void limits() {
    out.add("max_batch", h.max_batch);
    out.add("max_context", h.max_context);
    out.add("max_source", h.max_source);
    out.add("vocab", h.vocab);
    out.add("width", h.width);
    out.add("block_tokens", h.block_tokens);
  }

  void targets() {
    Outline::List list;
    for (const decant_target &target : tables.targets()) {
      Outline entry;
      entry.add("name", tables.text(target.name));
      entry.add("features", tables.text(target.features));
      list.push_back(std::move(entry));
    }
    out.add("targets", std::move(list));
  }

  void weights() {
    Outline::List list;
    for (const decant_weight &weight : tables.weights()) {
      Outline entry;
      entry.add("name", tables.text(weight.name));
      entry.add("bytes", weight.bytes);
      list.push_back(std::move(entry));
    }
    out.add("weights", std::move(list));
  }

  void caches() {
    Outline::List list;
    for (const decant_cache &cache : tables.caches()) {
      Outline entry;
      entry.add("kind", kCaches[cache.kind]);
      entry.add("kv_heads", cache.kv_heads);
      entry.add("head_dim", cache.head_dim);
      if (cache.window)
        entry.add("window", cache.window);
      entry.add("bytes_per_token", rt::blockBytes(tables, cache) / h.block_tokens);
      if (cache.kind != DECANT_CACHE_LOCAL)
        entry.add("bytes_per_slot_at_most", rt::blockBytes(tables, cache) * tables.mostBlocks(cache.kind));
      list.push_back(std::move(entry));
    }
    out.add("caches", std::move(list));
  }

  /// Bytes that a session takes for its work, a row of a step and a token of a sequence.
  void memory() {
    Outline plan;
    for (uint32_t kind = 0; kind < DECANT_ENTRY_KINDS; ++kind)
      if (const decant_entry &entry = h.entries[kind]; entry.present) {
        plan.add(std::string(kEntries[kind]) + "_bytes_per_row", entry.row_bytes);
        plan.add(std::string(kEntries[kind]) + "_bytes_per_output_row", entry.out_row_bytes);
        plan.add(std::string(kEntries[kind]) + "_steps", entry.steps.count);
      }
    uint64_t bytes[DECANT_CACHE_KINDS] = {};
    for (const decant_cache &cache : tables.caches())
      bytes[cache.kind] += rt::blockBytes(tables, cache) / h.block_tokens;
    for (uint32_t kind = 0; kind < DECANT_CACHE_KINDS; ++kind)
      plan.add(std::string(kCaches[kind]) + "_cache_bytes_per_token", bytes[kind]);
    out.add("memory", std::move(plan));
  }

  /// Each mask once, as the kernels evaluate it: over b, h, q, k and parameters.
  void masks() {
    std::vector<std::string> found;
    for (const decant_kernel_info &kernel : tables.list<decant_kernel_info>(h.kernels)) {
      llvm::StringRef spec(tables.text(kernel.spec));
      if (!spec.consume_front("attention "))
        continue;
      size_t begin = spec.find("mask="), end = spec.find(" params=");
      std::string text = begin < end ? spec.slice(begin, end).str() : spec.str();
      if (!llvm::is_contained(found, text))
        found.push_back(text);
    }
    out.add("masks", Outline::List(found.begin(), found.end()));
    Outline::List params;
    for (const decant_param &param : tables.params()) {
      Outline entry;
      entry.add("name", tables.text(param.name));
      entry.add("type", kTypes[param.type]);
      entry.add("rank", param.rank);
      entry.add("neutral", double(param.neutral));
      params.push_back(std::move(entry));
    }
    out.add("mask_parameters", std::move(params));
  }

  /// Returns the bytes of all kernels.
  uint64_t kernels() {
    Outline::List list;
    uint64_t total = 0;
    for (const decant_kernel_info &kernel : tables.list<decant_kernel_info>(h.kernels)) {
      std::string symbol(tables.text(kernel.symbol));
      uint64_t bytes = sizes.ofKernel(symbol);
      total += bytes;
      Outline entry;
      if (bytes)
        entry.add("bytes", bytes);
      entry.add("spec", tables.text(kernel.spec));
      entry.add("symbol", std::move(symbol));
      list.push_back(std::move(entry));
    }
    out.add("kernels", std::move(list));
    return total;
  }

  void text() {
    Outline entry;
    entry.add("kind", h.text.kind == DECANT_TEXT_CHARS       ? "characters"
                      : h.text.kind == DECANT_TEXT_TOKENIZER ? "tokenizer"
                                                             : "none");
    if (h.text.kind == DECANT_TEXT_TOKENIZER)
      entry.add("bytes", h.text.blob.count);
    if (h.text.kind == DECANT_TEXT_CHARS) {
      entry.add("characters", h.text.chars.count);
      entry.add("pieces", h.text.pieces.count);
      entry.add("unknown_id", h.text.unknown_id);
    }
    out.add("text", std::move(entry));
  }

  Outline run() {
    out.add("name", tables.text(h.model_name));
    out.add("file", artifact.isExecutable() ? "executable" : "library");
    out.add("kind", kKinds[h.model_kind]);
    out.add("dtype", tables.text(h.dtype));
    out.add("compiler_version", tables.text(h.compiler_version));
    out.add("abi", h.abi);
    targets();
    limits();
    text();
    masks();
    caches();
    memory();
    weights();
    uint64_t kernelBytes = kernels();
    Outline bytes;
    bytes.add("artifact_bytes", artifact.fileBytes());
    bytes.add("weight_bytes", h.weights_bytes);
    bytes.add("tables_bytes", h.tables_bytes);
    bytes.add("image_read_only_bytes", sizes.readOnly);
    bytes.add("image_writable_bytes", sizes.writable);
    bytes.add("kernel_bytes", kernelBytes);
    out.add("sizes", std::move(bytes));
    return std::move(out);
  }
};

} // namespace

llvm::Expected<Outline> describeArtifact(const std::string &path) {
  auto artifact = ArtifactFile::open(path);
  if (!artifact)
    return artifact.takeError();
  return Describer{*artifact}.run();
}

} // namespace decant::cli

// A module's tables as typed lists, and the one check that makes every later access safe.
//
// Takes the block of section .decant.tables; gives spans into it. Invariant: after checkTables() said DECANT_OK, every
// range lies inside the block, every index names an existing entry, and every buffer that a step can see lies inside
// the memory that the runtime reserves for it (for any sizes within the limits). Tested in tests/runtime.
#pragma once

#include "runtime/core/message.h"
#include "runtime/include/decant_module.h"

#include <span>
#include <string_view>

namespace decant::rt {

constexpr uint64_t kRowPadding = 8;    ///< rows of memory behind the last row: kernels write whole register tiles
constexpr uint32_t kWindowStep = 4096; ///< most new tokens of a sequence in one step, if the window bounds its cache

struct Tables {
  const uint8_t *base = nullptr;

  const decant_tables_header &header() const { return *reinterpret_cast<const decant_tables_header *>(base); }
  template <class T> std::span<const T> list(decant_range range) const {
    return {reinterpret_cast<const T *>(base + range.offset), range.count};
  }
  std::string_view text(decant_range range) const {
    return {reinterpret_cast<const char *>(base + range.offset), range.count};
  }

  std::span<const decant_buffer> buffers() const { return list<decant_buffer>(header().buffers); }
  std::span<const decant_cache> caches() const { return list<decant_cache>(header().caches); }
  std::span<const decant_weight> weights() const { return list<decant_weight>(header().weights); }
  std::span<const decant_param> params() const { return list<decant_param>(header().params); }
  std::span<const decant_target> targets() const { return list<decant_target>(header().targets); }
  uint32_t kernelsPerTarget() const { return header().kernels.count / header().targets.count; }
  /// Blocks of the longest sequence of a cache kind: the inner extent of its block table.
  uint32_t maxBlocks(uint32_t kind) const {
    bool grows = kind == DECANT_CACHE_SELF || kind == DECANT_CACHE_WINDOW;
    return blocksFor(grows ? header().max_context : header().max_source);
  }
  uint32_t blocksFor(uint32_t tokens) const { return (tokens + header().block_tokens - 1) / header().block_tokens; }

  /// Columns of the rows that a caller gives an entry instead of ids.
  uint32_t featureWidth(uint32_t entry) const {
    return entry == DECANT_ENTRY_ENCODE && header().source_width ? header().source_width : header().width;
  }

  bool hasCache(uint32_t kind) const {
    for (const decant_cache &cache : caches())
      if (cache.kind == kind)
        return true;
    return false;
  }
  /// Positions that a window cache holds at most, those of a step included.
  uint32_t windowTokens() const {
    uint32_t most = header().window + kWindowStep;
    return most < header().max_context ? most : header().max_context;
  }
  /// Blocks that a slot holds at most: a window need not begin with a block.
  uint32_t mostBlocks(uint32_t kind) const {
    uint32_t all = maxBlocks(kind), window = blocksFor(windowTokens()) + 1;
    return kind == DECANT_CACHE_WINDOW && window < all ? window : all;
  }
  /// New tokens of one sequence in a step of decode at most.
  uint32_t maxStepTokens() const {
    return header().window && windowTokens() < header().max_context ? kWindowStep : header().max_context;
  }
};

inline uint64_t roundUp(uint64_t value, uint64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Elements of one block of a cache's K and V pools: panels of 16 tokens and of 16 columns.
inline uint64_t blockElemsK(const Tables &tables, const decant_cache &cache) {
  return uint64_t(tables.header().block_tokens) * cache.head_dim * cache.kv_heads;
}
inline uint64_t blockElemsV(const Tables &tables, const decant_cache &cache) {
  return tables.header().block_tokens * roundUp(cache.head_dim, 16) * cache.kv_heads;
}
inline uint64_t blockBytes(const Tables &tables, const decant_cache &cache) {
  return (blockElemsK(tables, cache) + blockElemsV(tables, cache)) * sizeof(float);
}

inline size_t typeBytes(uint32_t type) { return type == DECANT_U8 ? 1 : 4; }

/// What the runtime provides an entry for a decant_input: `per` elements for each unit of `size`.
struct InputShape {
  uint32_t size; ///< decant_size
  uint64_t per;
  bool matrix; ///< rank 2 (per, size), else rank 1 (size)
  uint32_t type;
};
InputShape inputShape(const Tables &tables, uint32_t input, uint32_t entry);
const char *inputName(uint32_t input);

/// Magic, ABI, machine, length and checksum of the block of `bytes` bytes; `file` starts every sentence.
decant_status checkHeader(const uint8_t *block, uint64_t bytes, const char *file, const Message &message);

/// Everything else. Needs checkHeader to have passed.
decant_status checkTables(const Tables &tables, const char *file, const Message &message);

} // namespace decant::rt

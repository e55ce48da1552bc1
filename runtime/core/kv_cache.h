// The blocked KV cache of a session: memory pools, reference-counted blocks, block tables of the slots.
//
// One block id of a kind covers that kind's pools of all layers. Self, window and cross blocks belong to slots and are
// shared by forks; local blocks live for one call. Pools are reserved address space that costs memory when it is
// touched. Invariant: a slot of n tokens holds blocks number 0 .. ceil(n / block_tokens), of the window kind those
// alone that a query at position n or later may read; table entries outside are 0. A block that is written to has one
// owner. A block is zero when it is taken. Tested in tests/runtime.
#pragma once

#include "runtime/core/array.h"
#include "runtime/core/tables.h"

namespace decant::rt {

/// K and V of one cache (layer): (elements of a block) x blocks, f32. Owned by KvCache.
struct PoolMemory {
  float *k = nullptr, *v = nullptr;
  uint64_t k_block = 0, v_block = 0; ///< elements of one block
  uint64_t k_bytes = 0, v_bytes = 0;
};

/// Entries of a slot's table that hold blocks: begin <= number < end.
struct BlockRange {
  uint32_t begin, end;
};

struct Slot {
  bool open;
  int32_t tokens, source;                ///< in the self (and window) and in the cross cache
  BlockRange blocks[DECANT_CACHE_KINDS]; ///< of local: none
};

class KvCache {
public:
  KvCache() = default;
  KvCache(const KvCache &) = delete;
  KvCache &operator=(const KvCache &) = delete;
  ~KvCache();

  decant_status create(const Tables &tables, uint32_t num_slots, const Message &message);

  Array<Slot> slots;
  const PoolMemory &pool(uint32_t cache) const { return pools[cache]; }
  uint32_t blocks(uint32_t kind) const { return kinds[kind].total; }
  uint32_t blocksInUse(uint32_t kind) const;
  int32_t *table(uint32_t kind, uint32_t slot) {
    return kinds[kind].tables.data() + uint64_t(slot) * kinds[kind].per_slot;
  }
  uint32_t blockTokens() const { return block_tokens; }

  /// Gives the slot blocks for `tokens` in all. False = the pool is exhausted (nothing changed).
  bool grow(uint32_t kind, uint32_t slot, int32_t tokens);
  /// Gives back the blocks behind `tokens`.
  void trim(uint32_t kind, uint32_t slot, int32_t tokens);
  /// Gives back the blocks of the window kind that no query at position `tokens` or later reads.
  void slide(uint32_t slot, int32_t tokens);
  /// `to` becomes a copy of `from`: full blocks shared, a partial one copied. `to` must be empty. False as above.
  bool share(uint32_t from, uint32_t to);
  void clear(uint32_t slot);
  /// Slot slots[i] takes over the sequence that source[i] (one of the same slots) had before. False as above.
  bool permute(const int32_t *slots, const int32_t *source, size_t count);
  /// Local block number i of this call, zeroed behind `used` tokens if partial.
  void prepareLocal(uint32_t block, uint32_t used);

private:
  struct Kind {
    uint32_t per_slot = 0, total = 0, untouched = 0;
    Array<int32_t> tables; ///< (per_slot, slots)
    Array<uint32_t> refs;  ///< (total)
    Array<int32_t> free;   ///< stack of used blocks that are free again
  };

  bool take(uint32_t kind, int32_t &out_block);
  void drop(uint32_t kind, int32_t block);
  void zero(uint32_t kind, uint32_t block);
  bool copyBlock(uint32_t kind, int32_t from, int32_t &out_to);
  bool shareInto(const Slot &from, const int32_t *const *tables, uint32_t to);
  void release(uint32_t kind, BlockRange blocks, const int32_t *table);

  Tables tables;
  Array<PoolMemory> pools;
  Kind kinds[DECANT_CACHE_KINDS];
  uint32_t block_tokens = 1;
  Array<int32_t> saved;    ///< scratch of permute
  Array<Slot> saved_slots; ///< scratch of permute
};

} // namespace decant::rt

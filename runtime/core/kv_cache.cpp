#include "runtime/core/kv_cache.h"

#include <algorithm>
#include <sys/mman.h>

namespace decant::rt {
namespace {

uint32_t blocksFor(int32_t tokens, uint32_t block_tokens) {
  return (static_cast<uint32_t>(tokens) + block_tokens - 1) / block_tokens;
}

float *reserveMemory(uint64_t bytes) {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<float *>(memory);
}

/// The kinds whose blocks belong to slots.
constexpr uint32_t kOwned[] = {DECANT_CACHE_SELF, DECANT_CACHE_CROSS, DECANT_CACHE_WINDOW};

} // namespace

KvCache::~KvCache() {
  for (PoolMemory &pool : pools) {
    if (pool.k)
      munmap(pool.k, pool.k_bytes);
    if (pool.v)
      munmap(pool.v, pool.v_bytes);
  }
}

decant_status KvCache::create(const Tables &of, uint32_t num_slots, const Message &message) {
  tables = of;
  block_tokens = tables.header().block_tokens;
  auto outOfMemory = [&] {
    return message.fail(DECANT_RESOURCE_EXHAUSTED, "out of memory for a KV cache of %u slots", num_slots);
  };
  if (!slots.resize(num_slots) || !pools.resize(tables.caches().size()))
    return outOfMemory();
  for (uint32_t kind = 0; kind < DECANT_CACHE_KINDS; ++kind) {
    Kind &k = kinds[kind];
    k.per_slot = tables.maxBlocks(kind);
    uint64_t total =
        uint64_t(num_slots) * (tables.mostBlocks(kind) + 1); // one more a slot: permute copies before it gives back
    if (total > 1u << 30)
      return outOfMemory();
    k.total = tables.hasCache(kind) ? static_cast<uint32_t>(total) : 0;
    bool owned = kind != DECANT_CACHE_LOCAL;
    if (owned &&
        (!k.tables.resize(uint64_t(num_slots) * k.per_slot) || !k.refs.resize(k.total) || !k.free.reserve(k.total)))
      return outOfMemory();
  }
  uint64_t entries = 0;
  for (uint32_t kind : kOwned)
    entries += kinds[kind].per_slot;
  if (!saved.reserve(num_slots * entries) || !saved_slots.reserve(num_slots))
    return outOfMemory();
  for (size_t i = 0; i < pools.size(); ++i) {
    const decant_cache &cache = tables.caches()[i];
    PoolMemory &pool = pools[i];
    pool.k_block = blockElemsK(tables, cache);
    pool.v_block = blockElemsV(tables, cache);
    uint64_t blocks = kinds[cache.kind].total;
    // Kernels index with 32 bits.
    if (pool.v_block * blocks >= 1u << 31 || pool.k_block * blocks >= 1u << 31)
      return message.fail(
          DECANT_RESOURCE_EXHAUSTED,
          "a KV cache of %u slots needs more than 2^31 elements a layer: use fewer slots or a smaller context",
          num_slots);
    pool.k_bytes = pool.k_block * blocks * sizeof(float);
    pool.v_bytes = pool.v_block * blocks * sizeof(float);
    pool.k = pool.k_bytes ? reserveMemory(pool.k_bytes) : nullptr;
    pool.v = pool.v_bytes ? reserveMemory(pool.v_bytes) : nullptr;
    if ((pool.k_bytes && !pool.k) || (pool.v_bytes && !pool.v))
      return outOfMemory();
  }
  return DECANT_OK;
}

uint32_t KvCache::blocksInUse(uint32_t kind) const {
  return kinds[kind].untouched - static_cast<uint32_t>(kinds[kind].free.size());
}

void KvCache::zero(uint32_t kind, uint32_t block) {
  for (size_t i = 0; i < pools.size(); ++i) {
    if (tables.caches()[i].kind != kind)
      continue;
    std::memset(pools[i].k + block * pools[i].k_block, 0, pools[i].k_block * sizeof(float));
    std::memset(pools[i].v + block * pools[i].v_block, 0, pools[i].v_block * sizeof(float));
  }
}

bool KvCache::take(uint32_t kind, int32_t &out_block) {
  Kind &k = kinds[kind];
  if (!k.free.empty()) {
    out_block = k.free[k.free.size() - 1];
    k.free.pop();
    zero(kind, static_cast<uint32_t>(out_block));
  } else if (k.untouched < k.total) {
    out_block = static_cast<int32_t>(k.untouched++); // fresh from mmap: zero already
  } else {
    return false;
  }
  k.refs[static_cast<size_t>(out_block)] = 1;
  return true;
}

void KvCache::drop(uint32_t kind, int32_t block) {
  Kind &k = kinds[kind];
  if (--k.refs[static_cast<size_t>(block)] == 0)
    (void)k.free.push(block); // has room for all blocks
}

bool KvCache::grow(uint32_t kind, uint32_t slot, int32_t tokens) {
  if (!kinds[kind].total) // the model has no cache of this kind
    return true;
  uint32_t &end = slots[slot].blocks[kind].end;
  const uint32_t before = end, wanted = blocksFor(tokens, block_tokens);
  for (; end < wanted; ++end)
    if (!take(kind, table(kind, slot)[end])) {
      trim(kind, slot, static_cast<int32_t>(before * block_tokens));
      return false;
    }
  return true;
}

void KvCache::trim(uint32_t kind, uint32_t slot, int32_t tokens) {
  auto &[begin, end] = slots[slot].blocks[kind];
  for (uint32_t wanted = std::max(blocksFor(tokens, block_tokens), begin); end > wanted; --end) {
    int32_t &entry = table(kind, slot)[end - 1];
    drop(kind, entry);
    entry = 0;
  }
}

void KvCache::slide(uint32_t slot, int32_t tokens) {
  auto &[begin, end] = slots[slot].blocks[DECANT_CACHE_WINDOW];
  const int64_t oldest = int64_t(tokens) + 1 - tables.header().window; // position that the next query still reads
  for (; begin < end && int64_t(begin + 1) * block_tokens <= oldest; ++begin) {
    int32_t &entry = table(DECANT_CACHE_WINDOW, slot)[begin];
    drop(DECANT_CACHE_WINDOW, entry);
    entry = 0;
  }
}

void KvCache::release(uint32_t kind, BlockRange blocks, const int32_t *table) {
  for (uint32_t i = blocks.begin; i < blocks.end; ++i)
    drop(kind, table[i]);
}

bool KvCache::copyBlock(uint32_t kind, int32_t from, int32_t &out_to) {
  if (!take(kind, out_to))
    return false;
  for (size_t i = 0; i < pools.size(); ++i) {
    if (tables.caches()[i].kind != kind)
      continue;
    const PoolMemory &p = pools[i];
    std::memcpy(p.k + uint64_t(out_to) * p.k_block, p.k + uint64_t(from) * p.k_block, p.k_block * sizeof(float));
    std::memcpy(p.v + uint64_t(out_to) * p.v_block, p.v + uint64_t(from) * p.v_block, p.v_block * sizeof(float));
  }
  return true;
}

/// Fills the empty slot `to` from a sequence whose block tables are given, one a kind (of local: any).
bool KvCache::shareInto(const Slot &from, const int32_t *const *from_tables, uint32_t to) {
  Slot &slot = slots[to];
  const bool partial = from.tokens % static_cast<int32_t>(block_tokens) != 0;
  slot = {true, from.tokens, from.source, {}};
  for (uint32_t kind : kOwned) {
    const auto [begin, end] = from.blocks[kind];
    const bool grows = kind != DECANT_CACHE_CROSS;
    slot.blocks[kind] = {begin, begin};
    std::fill_n(table(kind, to), begin, 0);
    for (uint32_t i = begin; i < end; ++i) {
      int32_t &entry = table(kind, to)[i];
      bool last = grows && partial && i + 1 == end; // the only block that is still written to
      if (last && !copyBlock(kind, from_tables[kind][i], entry))
        return false;
      if (!last) {
        entry = from_tables[kind][i];
        ++kinds[kind].refs[static_cast<size_t>(entry)];
      }
      ++slot.blocks[kind].end;
    }
  }
  return true;
}

bool KvCache::share(uint32_t from, uint32_t to) {
  const int32_t *from_tables[DECANT_CACHE_KINDS] = {};
  for (uint32_t kind : kOwned)
    from_tables[kind] = table(kind, from);
  if (shareInto(slots[from], from_tables, to))
    return true;
  clear(to);
  return false;
}

void KvCache::clear(uint32_t slot) {
  for (uint32_t kind : kOwned)
    release(kind, slots[slot].blocks[kind], table(kind, slot));
  slots[slot] = {};
}

bool KvCache::permute(const int32_t *ids, const int32_t *source, size_t n) {
  // A sequence that stays where it is keeps its blocks; the others' old tables are set aside, then shared from.
  uint64_t offsets[DECANT_CACHE_KINDS] = {}, stride = 0; // of a kind's table in what is saved of a slot
  for (uint32_t kind : kOwned) {
    offsets[kind] = stride;
    stride += kinds[kind].per_slot;
  }
  if (!saved.resize(n * stride) || !saved_slots.resize(n))
    return false;
  auto savedTable = [&](size_t i, uint32_t kind) { return saved.data() + i * stride + offsets[kind]; };
  auto position = [&](int32_t slot) {
    size_t i = 0;
    while (ids[i] != slot)
      ++i;
    return i;
  };
  for (size_t i = 0; i < n; ++i) {
    auto slot = static_cast<uint32_t>(ids[i]);
    saved_slots[i] = slots[slot];
    for (uint32_t kind : kOwned)
      std::copy_n(table(kind, slot), kinds[kind].per_slot, savedTable(i, kind));
    if (source[i] != ids[i])
      slots[slot] = {};
  }
  bool ok = true;
  for (size_t i = 0; i < n && ok; ++i) {
    if (source[i] == ids[i])
      continue;
    const size_t from = position(source[i]);
    const int32_t *from_tables[DECANT_CACHE_KINDS] = {};
    for (uint32_t kind : kOwned)
      from_tables[kind] = savedTable(from, kind);
    ok = shareInto(saved_slots[from], from_tables, static_cast<uint32_t>(ids[i]));
  }
  for (size_t i = 0; i < n; ++i)
    for (uint32_t kind : kOwned)
      if (source[i] != ids[i])
        release(kind, saved_slots[i].blocks[kind], savedTable(i, kind));
  return ok;
}

void KvCache::prepareLocal(uint32_t block, uint32_t used) {
  if (used < block_tokens)
    zero(DECANT_CACHE_LOCAL, block);
}

} // namespace decant::rt

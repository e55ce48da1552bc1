#include "runtime/device/scratch.h"

#include <cstdlib>
#include <new>

namespace decant::rt {

constexpr uint64_t kAlign = 64; ///< a cache line and an AVX-512 register
constexpr uint64_t kHeader = 64;

Scratch::~Scratch() {
  for (Block *block = blocks; block;) {
    Block *next = block->next;
    std::free(block->origin);
    block = next;
  }
}

void *Scratch::allocate(uint64_t bytes) {
  static_assert(sizeof(Block) <= kHeader);
  for (Block *block = blocks; block; block = block->next)
    if (block->bytes >= bytes && !block->taken.load(std::memory_order_acquire)) {
      block->taken.store(true, std::memory_order_relaxed);
      return reinterpret_cast<uint8_t *>(block) + kHeader;
    }
  if (bytes > UINT64_MAX / 2)
    return nullptr;
  void *origin = std::malloc(bytes + kHeader + kAlign);
  if (!origin)
    return nullptr;
  uint64_t address = (reinterpret_cast<uint64_t>(origin) + kAlign - 1) / kAlign * kAlign;
  auto *block = new (reinterpret_cast<void *>(address)) Block{blocks, origin, bytes, true};
  blocks = block;
  return reinterpret_cast<uint8_t *>(block) + kHeader;
}

void Scratch::release(void *memory) {
  if (memory)
    reinterpret_cast<Block *>(static_cast<uint8_t *>(memory) - kHeader)->taken.store(false, std::memory_order_release);
}

} // namespace decant::rt

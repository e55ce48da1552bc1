// Scratch memory of kernels: blocks are kept and reused, so that after warm-up a step calls malloc no more.
//
// Each thread of a session has its own list; a block may be given back by any thread. Tested in tests/runtime.
#pragma once

#include <atomic>
#include <cstdint>

namespace decant::rt {

class Scratch {
public:
  Scratch() = default;
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  ~Scratch();

  /// 64-byte aligned; nullptr = out of memory. Called by the owning thread only.
  void *allocate(uint64_t bytes);
  /// Any thread. nullptr is a no-op.
  static void release(void *memory);

private:
  struct Block {
    Block *next;
    void *origin; ///< what malloc returned
    uint64_t bytes;
    std::atomic<bool> taken;
  };
  Block *blocks = nullptr;
};

} // namespace decant::rt

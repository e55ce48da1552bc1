#include "runtime/device/scratch.h"

#include <gtest/gtest.h>

using decant::rt::Scratch;

TEST(ScratchTest, BlocksAreAlignedAndReused) {
  Scratch scratch;
  void *a = scratch.allocate(1000), *b = scratch.allocate(1000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b) % 64, 0u);
  EXPECT_NE(a, b);
  Scratch::release(a);
  EXPECT_EQ(scratch.allocate(900), a);
  EXPECT_NE(scratch.allocate(900), a);
  Scratch::release(nullptr);
  EXPECT_EQ(scratch.allocate(UINT64_MAX), nullptr);
}

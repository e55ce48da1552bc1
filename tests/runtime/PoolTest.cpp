#include "runtime/device/pool.h"

#include <gtest/gtest.h>
#include <numeric>
#include <vector>

using decant::rt::ThreadPool;

namespace {

struct Counts {
  std::vector<std::atomic<int>> hits;
  ThreadPool *pool = nullptr;
  int fail_at = -1;
};

int count(void *context, int i, uint8_t *closure) {
  auto *counts = static_cast<Counts *>(context);
  EXPECT_EQ(closure, reinterpret_cast<uint8_t *>(counts));
  ++counts->hits[size_t(i)];
  return i == counts->fail_at ? 42 : 0;
}

int countNested(void *context, int, uint8_t *closure) {
  auto *counts = static_cast<Counts *>(context);
  return counts->pool->parallelFor(context, count, 0, 8, closure);
}

class PoolTest : public testing::TestWithParam<int> {};

TEST_P(PoolTest, EachIterationRunsOnce) {
  ThreadPool pool;
  pool.start(GetParam());
  EXPECT_EQ(pool.threads(), GetParam());
  for (int size : {0, 1, 2, 3, 7, 64, 1000})
    for (int round = 0; round < 20; ++round) {
      Counts counts{std::vector<std::atomic<int>>(1005)};
      EXPECT_EQ(pool.parallelFor(&counts, count, 5, size, reinterpret_cast<uint8_t *>(&counts)), 0);
      for (int i = 0; i < 1005; ++i)
        ASSERT_EQ(counts.hits[size_t(i)], i >= 5 && i < 5 + size) << i << " of " << size;
    }
}

TEST_P(PoolTest, NestedLoopsRunInline) {
  ThreadPool pool;
  pool.start(GetParam());
  Counts counts{std::vector<std::atomic<int>>(8), &pool};
  EXPECT_EQ(pool.parallelFor(&counts, countNested, 0, 16, reinterpret_cast<uint8_t *>(&counts)), 0);
  for (const std::atomic<int> &hits : counts.hits)
    EXPECT_EQ(hits, 16);
}

TEST_P(PoolTest, AnErrorIsReturnedAndTheNextLoopRuns) {
  ThreadPool pool;
  pool.start(GetParam());
  Counts counts{std::vector<std::atomic<int>>(100), nullptr, 37};
  EXPECT_EQ(pool.parallelFor(&counts, count, 0, 100, reinterpret_cast<uint8_t *>(&counts)), 42);
  counts.fail_at = -1;
  EXPECT_EQ(pool.parallelFor(&counts, count, 0, 100, reinterpret_cast<uint8_t *>(&counts)), 0);
}

INSTANTIATE_TEST_SUITE_P(Threads, PoolTest, testing::Values(1, 2, 3, 4));

} // namespace

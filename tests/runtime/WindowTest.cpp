// Caches that keep the newest positions alone: which blocks a slot holds, and that no row sees it. The toy decoder sees
// the newest kWindow keys, of which the session may keep no more than it needs.
#include "NaiveSearch.h"
#include "runtime/core/session.h"

#include <gtest/gtest.h>

namespace {

using Ids = std::vector<int32_t>;
const Ids kSourceIds = {3, 4, 5};

/// ceil(kWindow / kBlock) blocks, one more where a window does not begin with one.
constexpr uint32_t kMostBlocks = (toy::kWindow + toy::kBlock - 1) / toy::kBlock + 1;

int32_t idAt(size_t i) { return static_cast<int32_t>((i * 7 + i / 5) % toy::kVocab); }
Ids someIds(size_t count, size_t first = 0) {
  Ids ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back(idAt(first + i));
  return ids;
}

struct WindowTest : testing::Test {
  std::unique_ptr<toy::Model> toy;
  decant_session *session = nullptr;

  void SetUp() override { create(toy::Keys::Window); }
  void TearDown() override {
    toy::kernel_fails = false;
    decant_session_release(session);
  }
  void create(toy::Keys keys, uint32_t context = toy::kContext, int32_t slots = 4) {
    decant_session_release(session);
    session = nullptr;
    toy::Options options;
    options.keys = keys;
    options.context = context;
    toy = std::make_unique<toy::Model>(options);
    decant_session_options sizes{sizeof sizes, 1, slots};
    ASSERT_EQ(decant_session_create(&toy->model, &sizes, &session), DECANT_OK) << decant_session_message(nullptr);
  }
  int32_t open() {
    int32_t slot = -1;
    EXPECT_EQ(decant_slot_open(session, &slot), DECANT_OK) << decant_session_message(session);
    decant_rows rows{slot, int32_t(kSourceIds.size()), kSourceIds.data(), nullptr};
    EXPECT_EQ(decant_encode(session, &rows, 1, nullptr, nullptr), DECANT_OK) << decant_session_message(session);
    return slot;
  }
  decant_status decode(int32_t slot, const Ids &ids) {
    decant_rows rows{slot, int32_t(ids.size()), ids.data(), nullptr};
    decant_result result{};
    decant_status status = decant_decode(session, &rows, 1, nullptr, &result);
    last.clear();
    if (status == DECANT_OK)
      last.assign(result.data, result.data + result.columns);
    return status;
  }
  /// The row behind `ids`, of which a window model sees the newest.
  std::vector<float> expected(Ids ids) const {
    if (toy->model.header().caches.count == 2 && ids.size() > toy::kWindow)
      ids.erase(ids.begin(), ids.end() - toy::kWindow);
    std::vector<float> row;
    for (int32_t v = 0; v < int32_t(toy::kVocab); ++v)
      row.push_back(toy::logit(kSourceIds, ids, v));
    return row;
  }
  uint32_t inUse(uint32_t kind) const { return session->cache.blocksInUse(kind); }
  int32_t length(int32_t slot) const {
    int32_t tokens = -1;
    EXPECT_EQ(decant_slot_length(session, slot, &tokens), DECANT_OK);
    return tokens;
  }

  std::vector<float> last; ///< of the last decode()
};

TEST_F(WindowTest, RowsAreThoseOfAllKeysAndBlocksStayFew) {
  create(toy::Keys::Window, 5000);
  int32_t slot = open();
  for (size_t n = 1; n <= 400; ++n) {
    ASSERT_EQ(decode(slot, {idAt(n - 1)}), DECANT_OK) << decant_session_message(session);
    ASSERT_EQ(last, expected(someIds(n))) << "after " << n;
    ASSERT_EQ(length(slot), int32_t(n));
    // Held: the blocks of the positions that the next query still reads.
    const size_t oldest = n + 1 > toy::kWindow ? n + 1 - toy::kWindow : 0;
    const size_t blocks = (n + toy::kBlock - 1) / toy::kBlock;
    ASSERT_EQ(inUse(DECANT_CACHE_WINDOW), blocks - std::min(oldest / toy::kBlock, blocks)) << "after " << n;
    ASSERT_LE(inUse(DECANT_CACHE_WINDOW), kMostBlocks);
    ASSERT_EQ(inUse(DECANT_CACHE_SELF), 0u);
  }
}

TEST_F(WindowTest, AStepOfManyTokensReadsWhatItStillNeeds) {
  create(toy::Keys::Window, 200);
  for (size_t chunk : {2, 3, 4, 5, 7, 12, 31}) {
    int32_t slot = open();
    for (size_t n = 0; n + chunk <= 124; n += chunk) {
      ASSERT_EQ(decode(slot, someIds(chunk, n)), DECANT_OK) << decant_session_message(session);
      ASSERT_EQ(last, expected(someIds(n + chunk))) << "chunks of " << chunk;
      ASSERT_LE(inUse(DECANT_CACHE_WINDOW), kMostBlocks);
    }
    ASSERT_EQ(decant_slot_close(session, slot), DECANT_OK);
    EXPECT_EQ(inUse(DECANT_CACHE_WINDOW), 0u);
  }
}

TEST_F(WindowTest, AFullCacheBesideAWindow) {
  create(toy::Keys::Both, 200);
  int32_t slot = open(), fork = -1;
  for (size_t n = 1; n <= 90; ++n) {
    ASSERT_EQ(decode(slot, {idAt(n - 1)}), DECANT_OK);
    ASSERT_EQ(last, expected(someIds(n)));
    ASSERT_EQ(inUse(DECANT_CACHE_SELF), (n + toy::kBlock - 1) / toy::kBlock);
    ASSERT_LE(inUse(DECANT_CACHE_WINDOW), kMostBlocks);
  }
  ASSERT_EQ(decant_slot_fork(session, slot, &fork), DECANT_OK);
  const int32_t slots[] = {slot, fork}, from[] = {fork, slot};
  ASSERT_EQ(decant::rt::permuteSlots(*session, slots, from, 2), DECANT_OK);
  for (size_t n = 91; n <= 120; ++n)
    for (int32_t each : slots) {
      ASSERT_EQ(decode(each, {idAt(n - 1)}), DECANT_OK);
      ASSERT_EQ(last, expected(someIds(n)));
    }
}

TEST_F(WindowTest, AForkSharesLiveBlocksAlone) {
  int32_t slot = open(), fork = -1;
  Ids ids = someIds(14); // positions 9 .. 13 are still read: blocks 2 and 3 (partial)
  ASSERT_EQ(decode(slot, ids), DECANT_OK);
  ASSERT_EQ(inUse(DECANT_CACHE_WINDOW), 2u);
  ASSERT_EQ(decant_slot_fork(session, slot, &fork), DECANT_OK);
  EXPECT_EQ(inUse(DECANT_CACHE_WINDOW), 3u);
  EXPECT_EQ(length(fork), 14);
  for (int32_t id : {5, 6, 7, 8, 9}) {
    Ids mine = ids, other = ids;
    for (int32_t i = 5; i <= id; ++i)
      mine.push_back(i), other.push_back(10 - i);
    ASSERT_EQ(decode(slot, {id}), DECANT_OK);
    EXPECT_EQ(last, expected(mine));
    ASSERT_EQ(decode(fork, {10 - id}), DECANT_OK);
    EXPECT_EQ(last, expected(other));
  }
  ASSERT_EQ(decant_slot_close(session, slot), DECANT_OK);
  EXPECT_LE(inUse(DECANT_CACHE_WINDOW), kMostBlocks);
  ASSERT_EQ(decant_slot_close(session, fork), DECANT_OK);
  EXPECT_EQ(inUse(DECANT_CACHE_WINDOW), 0u);
}

TEST_F(WindowTest, PermutedSlotsTakeOverSequencesOfAnyAge) {
  int32_t a = open(), b = open(), c = open();
  const Ids old = someIds(17), young = {6, 7, 8}, middle = someIds(9, 40);
  ASSERT_EQ(decode(a, old), DECANT_OK);
  ASSERT_EQ(decode(b, young), DECANT_OK);
  ASSERT_EQ(decode(c, middle), DECANT_OK);
  const int32_t slots[] = {a, b, c}, from[] = {b, a, a};
  ASSERT_EQ(decant::rt::permuteSlots(*session, slots, from, 3), DECANT_OK);
  const Ids *sequences[] = {&young, &old, &old};
  for (int32_t i = 0; i < 3; ++i) {
    Ids ids = *sequences[i];
    for (int32_t next = 0; next < 6; ++next) {
      ids.push_back(next + i);
      ASSERT_EQ(decode(slots[i], {next + i}), DECANT_OK);
      EXPECT_EQ(last, expected(ids)) << "slot " << i;
    }
  }
  for (int32_t slot : slots)
    ASSERT_EQ(decant_slot_close(session, slot), DECANT_OK);
  EXPECT_EQ(inUse(DECANT_CACHE_WINDOW), 0u);
}

TEST_F(WindowTest, AFailedStepLeavesEverySlotAsItWas) {
  int32_t slot = open();
  Ids ids = someIds(9);
  ASSERT_EQ(decode(slot, ids), DECANT_OK);
  const uint32_t before = inUse(DECANT_CACHE_WINDOW);
  toy::kernel_fails = true;
  EXPECT_EQ(decode(slot, someIds(11, 50)), DECANT_INTERNAL); // would have let every block of before go
  toy::kernel_fails = false;
  EXPECT_EQ(inUse(DECANT_CACHE_WINDOW), before);
  EXPECT_EQ(length(slot), 9);
  ids.push_back(3);
  ASSERT_EQ(decode(slot, {3}), DECANT_OK);
  EXPECT_EQ(last, expected(ids));
}

TEST_F(WindowTest, AStepBeyondThePoolIsRefusedAndChangesNothing) {
  const auto most = static_cast<size_t>(decant::rt::kWindowStep);
  create(toy::Keys::Window, 20000, 1);
  EXPECT_LE(session->cache.blocks(DECANT_CACHE_WINDOW), (toy::kWindow + most) / toy::kBlock + 3);
  int32_t slot = open();
  Ids ids = someIds(5);
  ASSERT_EQ(decode(slot, ids), DECANT_OK);
  EXPECT_EQ(decode(slot, someIds(most + 1)), DECANT_OUT_OF_RANGE);
  EXPECT_STREQ(
      decant_session_message(session),
      "slot 0: 4097 new tokens, a step takes 4096 of a sequence at most (the model's caches keep the newest 6): "
      "feed them in several steps");
  EXPECT_EQ(length(slot), 5);
  for (size_t step = 0; step < 4; ++step) { // the longest step, wherever the window begins in its block
    const Ids more = someIds(most - step, step);
    ids.insert(ids.end(), more.begin(), more.end());
    ASSERT_EQ(decode(slot, more), DECANT_OK) << decant_session_message(session);
    EXPECT_EQ(last, expected(ids));
  }
}

TEST_F(WindowTest, BeamsAndGreedyEqualTheNaiveSearch) {
  for (toy::Keys keys : {toy::Keys::Window, toy::Keys::Both})
    for (int32_t beams : {1, 2, 4}) {
      toy::NaiveOptions naive;
      naive.model.keys = keys;
      naive.model.max_length = 22;
      naive.model.min_length = 18; // long enough that blocks go
      naive.num_beams = beams;
      toy::Model model(naive.model);
      decant_generate_options options;
      decant_generate_options_init(&options);
      options.num_beams = beams;
      for (const Ids &source : {Ids{3, 4}, Ids{5}, Ids{9, 8, 7, 6}}) {
        decant_session_options sizes{sizeof sizes, 1, 5};
        decant_session *search = nullptr;
        ASSERT_EQ(decant_session_create(&model.model, &sizes, &search), DECANT_OK);
        Ids found;
        auto keep = [](void *user, const decant_generated *result) {
          static_cast<Ids *>(user)->assign(result->ids, result->ids + result->count);
          return 0;
        };
        const decant_source input{source.data(), source.size(), nullptr};
        ASSERT_EQ(decant_generate(search, &input, 1, &options, nullptr, keep, &found), DECANT_OK);
        EXPECT_EQ(found, naiveSearch(source, naive).ids) << beams << " beams";
        EXPECT_GE(found.size(), 15u);
        EXPECT_EQ(search->cache.blocksInUse(DECANT_CACHE_WINDOW), 0u);
        decant_session_release(search);
      }
    }
}

} // namespace

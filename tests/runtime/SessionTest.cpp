// Slots, blocks and steps on the toy model, whose logits show exactly which keys a row saw.
#include "runtime/core/session.h"
#include "ToyModel.h"

#include <cstring>
#include <gtest/gtest.h>

namespace {

using Ids = std::vector<int32_t>;

struct SessionTest : testing::Test {
  toy::Model toy;
  decant_session *session = nullptr;

  void SetUp() override { create(2, 5); }
  void TearDown() override {
    toy::kernel_fails = false;
    toy::scratch_bytes = 0;
    decant_session_release(session);
  }
  void create(int32_t threads, int32_t slots) {
    decant_session_release(session);
    decant_session_options options{sizeof options, threads, slots};
    ASSERT_EQ(decant_session_create(&toy.model, &options, &session), DECANT_OK);
  }
  int32_t open(const Ids &source) {
    int32_t slot = -1;
    EXPECT_EQ(decant_slot_open(session, &slot), DECANT_OK) << decant_session_message(session);
    decant_rows rows{slot, int32_t(source.size()), source.data(), nullptr};
    EXPECT_EQ(decant_encode(session, &rows, 1, nullptr, nullptr), DECANT_OK) << decant_session_message(session);
    return slot;
  }
  decant_status decode(int32_t slot, const Ids &ids, std::vector<float> *out = nullptr, bool all = false) {
    decant_rows rows{slot, int32_t(ids.size()), ids.data(), nullptr};
    decant_step_options options{sizeof options, all, nullptr, 0};
    decant_result result{};
    decant_status status = decant_decode(session, &rows, 1, &options, &result);
    if (status == DECANT_OK && out)
      for (size_t r = 0; r < result.rows; ++r)
        out->insert(out->end(), result.data + r * result.stride, result.data + r * result.stride + result.columns);
    return status;
  }
  static std::vector<float> expected(const Ids &source, const Ids &prefix) {
    std::vector<float> row;
    for (int32_t v = 0; v < int32_t(toy::kVocab); ++v)
      row.push_back(toy::logit(source, prefix, v));
    return row;
  }
  uint32_t inUse(uint32_t kind) { return session->cache.blocksInUse(kind); }
};

TEST_F(SessionTest, ChunksAndSingleTokensGiveTheSameRows) {
  const Ids source = {3, 4, 5, 6, 7}, ids = {1, 3, 5, 7, 9, 10, 0, 4, 6, 8};
  std::vector<float> at_once, one_by_one, in_chunks;
  ASSERT_EQ(decode(open(source), ids, &at_once, true), DECANT_OK);
  int32_t slot = open(source);
  for (int32_t id : ids)
    ASSERT_EQ(decode(slot, {id}, &one_by_one), DECANT_OK);
  slot = open(source);
  ASSERT_EQ(decode(slot, {ids.begin(), ids.begin() + 3}, &in_chunks, true), DECANT_OK);
  ASSERT_EQ(decode(slot, {ids.begin() + 3, ids.end()}, &in_chunks, true), DECANT_OK);
  EXPECT_EQ(at_once, one_by_one);
  EXPECT_EQ(at_once, in_chunks);
  std::vector<float> last(at_once.end() - toy::kVocab, at_once.end());
  EXPECT_EQ(last, expected(source, ids));
}

TEST_F(SessionTest, ABatchOfUnequalItemsGivesEachItsOwnRows) {
  const Ids sources[] = {{3}, {4, 5, 6, 7, 8, 9}, {5, 6}}, ids[] = {{1, 2, 3}, {4}, {5, 6, 7, 8, 9}};
  std::vector<decant_rows> rows;
  for (int i = 0; i < 3; ++i)
    rows.push_back({open(sources[i]), int32_t(ids[i].size()), ids[i].data(), nullptr});
  decant_result result{};
  ASSERT_EQ(decant_decode(session, rows.data(), 3, nullptr, &result), DECANT_OK);
  ASSERT_EQ(result.rows, 3u);
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(std::vector<float>(result.data + i * result.stride, result.data + i * result.stride + toy::kVocab),
              expected(sources[i], ids[i]));
}

/// Tiles cover each sequence's rows in order and do not reach over its end; their kernel is the class's.
TEST_F(SessionTest, TilesAreLargeWhereTheyAreHalfFullAtLeast) {
  toy::Options long_context;
  long_context.context = 300;
  toy::Model model(long_context);
  struct Case {
    std::vector<int32_t> counts;
    uint32_t tile_class;
    int32_t tiles;
  };
  const Case cases[] = {
      {{1}, DECANT_ROWS_ONE, 1},      {{1, 1, 1}, DECANT_ROWS_ONE, 3}, {{2}, DECANT_ROWS_FEW, 1},
      {{1, 2}, DECANT_ROWS_FEW, 2},   {{9}, DECANT_ROWS_FEW, 2},       {{15}, DECANT_ROWS_FEW, 2},
      {{16}, DECANT_ROWS_MANY, 1},    {{33}, DECANT_ROWS_MANY, 2},     {{32, 1, 1}, DECANT_ROWS_FEW, 6},
      {{96, 1}, DECANT_ROWS_MANY, 4}, {{20, 12}, DECANT_ROWS_MANY, 2}, {{20, 11}, DECANT_ROWS_FEW, 5}};
  for (const Case &c : cases) {
    decant_session_release(session);
    decant_session_options options{sizeof options, 1, 4};
    ASSERT_EQ(decant_session_create(&model.model, &options, &session), DECANT_OK);
    const Ids ids(300, 5);
    std::vector<decant_rows> rows;
    for (int32_t count : c.counts)
      rows.push_back({open({3}), count, ids.data(), nullptr});
    decant_result result{};
    ASSERT_EQ(decant_decode(session, rows.data(), rows.size(), nullptr, &result), DECANT_OK);
    EXPECT_EQ(toy::tile_class, c.tile_class) << c.counts[0] << " rows and more";
    ASSERT_EQ(session->sizes[DECANT_SIZE_TILES], c.tiles);
    const int32_t *tile = session->inputs[DECANT_INPUT_TILES].as<int32_t>(), *end = tile + 4 * c.tiles;
    int32_t row = 0;
    for (int32_t b = 0; b < int32_t(c.counts.size()); ++b)
      for (int32_t at = 0; at < c.counts[size_t(b)]; at += tile[2], row += tile[2], tile += 4) {
        ASSERT_LT(tile, end);
        ASSERT_EQ(std::vector<int32_t>(tile, tile + 2), (std::vector<int32_t>{b, row}));
        ASSERT_EQ(tile[3], at);
        ASSERT_GE(tile[2], 1);
        ASSERT_LE(at + tile[2], c.counts[size_t(b)]);
      }
    EXPECT_EQ(tile, end);
  }
}

TEST_F(SessionTest, EncodeGivesTheHiddenState) {
  int32_t slot = -1;
  ASSERT_EQ(decant_slot_open(session, &slot), DECANT_OK);
  const Ids source = {3, 9};
  decant_rows rows{slot, 2, source.data(), nullptr};
  decant_result hidden{};
  ASSERT_EQ(decant_encode(session, &rows, 1, nullptr, &hidden), DECANT_OK);
  ASSERT_EQ(hidden.rows, 2u);
  ASSERT_EQ(hidden.columns, size_t(toy::kWidth));
  EXPECT_EQ(hidden.data[hidden.stride + 1], 91);
}

TEST_F(SessionTest, AForkSharesFullBlocksAndCopiesThePartialOne) {
  int32_t slot = open({3, 4, 5});
  ASSERT_EQ(decode(slot, {1, 2, 3, 4, 5, 6}), DECANT_OK); // one full block, one partial
  EXPECT_EQ(inUse(DECANT_CACHE_SELF), 2u);
  int32_t fork = -1;
  ASSERT_EQ(decant_slot_fork(session, slot, &fork), DECANT_OK);
  EXPECT_EQ(inUse(DECANT_CACHE_SELF), 3u);
  EXPECT_EQ(inUse(DECANT_CACHE_CROSS), 1u);
  std::vector<float> parent, child;
  ASSERT_EQ(decode(slot, {7}, &parent), DECANT_OK);
  ASSERT_EQ(decode(fork, {8}, &child), DECANT_OK);
  EXPECT_EQ(parent, expected({3, 4, 5}, {1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(child, expected({3, 4, 5}, {1, 2, 3, 4, 5, 6, 8}));
  ASSERT_EQ(decant_slot_close(session, slot), DECANT_OK);
  child.clear();
  ASSERT_EQ(decode(fork, {9}, &child), DECANT_OK);
  EXPECT_EQ(child, expected({3, 4, 5}, {1, 2, 3, 4, 5, 6, 8, 9}));
  ASSERT_EQ(decant_slot_close(session, fork), DECANT_OK);
  EXPECT_EQ(inUse(DECANT_CACHE_SELF), 0u);
  EXPECT_EQ(inUse(DECANT_CACHE_CROSS), 0u);
}

TEST_F(SessionTest, PermutedSlotsTakeOverSequences) {
  const Ids source = {3};
  int32_t a = open(source), b = open(source), c = open(source);
  ASSERT_EQ(decode(a, {1, 2, 3, 4, 5}), DECANT_OK);
  ASSERT_EQ(decode(b, {6, 7, 8, 9}), DECANT_OK);
  ASSERT_EQ(decode(c, {10, 9, 8}), DECANT_OK);
  const int32_t slots[] = {a, b, c}, from[] = {b, a, b};
  ASSERT_EQ(decant::rt::permuteSlots(*session, slots, from, 3), DECANT_OK);
  std::vector<float> rows[3];
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(decode(slots[i], {i}, &rows[i]), DECANT_OK);
  EXPECT_EQ(rows[0], expected(source, {6, 7, 8, 9, 0}));
  EXPECT_EQ(rows[1], expected(source, {1, 2, 3, 4, 5, 1}));
  EXPECT_EQ(rows[2], expected(source, {6, 7, 8, 9, 2}));
  for (int32_t slot : slots)
    ASSERT_EQ(decant_slot_close(session, slot), DECANT_OK);
  EXPECT_EQ(inUse(DECANT_CACHE_SELF), 0u);
  EXPECT_EQ(inUse(DECANT_CACHE_CROSS), 0u);
}

TEST_F(SessionTest, AFullContextIsOutOfRangeAndChangesNothing) {
  int32_t slot = open({3});
  Ids ids(toy::kContext - 1, 5);
  ASSERT_EQ(decode(slot, ids), DECANT_OK);
  EXPECT_EQ(decode(slot, {1, 2}), DECANT_OUT_OF_RANGE);
  EXPECT_STREQ(decant_session_message(session), "a context of 25 tokens is longer than the maximum of 24");
  int32_t tokens = 0;
  ASSERT_EQ(decant_slot_length(session, slot, &tokens), DECANT_OK);
  EXPECT_EQ(tokens, 23);
  ids.push_back(7);
  std::vector<float> row;
  ASSERT_EQ(decode(slot, {7}, &row), DECANT_OK);
  EXPECT_EQ(row, expected({3}, ids));
}

TEST_F(SessionTest, SlotsRunOutAndComeBack) {
  int32_t slot = -1;
  for (int i = 0; i < 5; ++i)
    ASSERT_EQ(decant_slot_open(session, &slot), DECANT_OK);
  EXPECT_EQ(decant_slot_open(session, &slot), DECANT_OUT_OF_RANGE);
  EXPECT_STREQ(decant_session_message(session),
               "all 5 slots of the session are open: close one or create it with more");
  ASSERT_EQ(decant_slot_close(session, 2), DECANT_OK);
  ASSERT_EQ(decant_slot_open(session, &slot), DECANT_OK);
  EXPECT_EQ(slot, 2);
}

TEST_F(SessionTest, WrongArgumentsAreNamed) {
  auto message = [&] { return std::string(decant_session_message(session)); };
  int32_t slot = -1;
  ASSERT_EQ(decant_slot_open(session, &slot), DECANT_OK);
  EXPECT_EQ(decode(slot, {1}), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "slot 0 has no encoder input yet: call decant_encode first");
  slot = open({3, 4});
  EXPECT_EQ(decode(slot, {1, 11}), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "slot 1: token id 11 at 1 is outside the vocabulary of 11");
  EXPECT_EQ(decode(slot, {-1}), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(decode(4, {1}), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "slot 4 is not open");
  EXPECT_EQ(decode(slot, {}), DECANT_INVALID_ARGUMENT);
  const int32_t one = 1;
  decant_rows twice[] = {{slot, 1, &one, nullptr}, {slot, 1, &one, nullptr}};
  decant_result result{};
  EXPECT_EQ(decant_decode(session, twice, 2, nullptr, &result), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "slot 1 occurs twice in one step");
  EXPECT_EQ(decant_encode(session, twice, 1, nullptr, nullptr), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "slot 1 is not fresh: encode needs a newly opened slot");
  const Ids long_source(toy::kSource + 1, 3);
  decant_rows longer{0, int32_t(long_source.size()), long_source.data(), nullptr};
  EXPECT_EQ(decant_encode(session, &longer, 1, nullptr, nullptr), DECANT_OUT_OF_RANGE);
  EXPECT_EQ(message(), "an input of 11 tokens is longer than the maximum of 10");
  const decant_mask mask{"no_such", &one, {1}, {0}, 1};
  decant_step_options options{sizeof options, 0, &mask, 1};
  EXPECT_EQ(decant_decode(session, twice, 1, &options, &result), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message(), "the model has no mask parameter \"no_such\"");
}

TEST_F(SessionTest, AStepBeyond32BitIndicesIsRefused) {
  EXPECT_EQ(session->widest[DECANT_ENTRY_ENCODE][DECANT_SIZE_ROWS], int64_t(toy::kWidth));
  EXPECT_EQ(session->widest[DECANT_ENTRY_DECODE][DECANT_SIZE_OUT_ROWS], int64_t(toy::kVocab));
  int32_t slot = open({3, 4});
  auto message = [&] { return std::string(decant_session_message(session)); };
  for (uint32_t size : {DECANT_SIZE_ROWS, DECANT_SIZE_OUT_ROWS}) {
    int64_t &widest = session->widest[DECANT_ENTRY_DECODE][size];
    const int64_t before = widest;
    widest = INT32_MAX / 20;
    const int64_t most = decant::rt::stepLimit(*session, DECANT_ENTRY_DECODE, size);
    ASSERT_TRUE(most > 0 && most < 20);
    const std::string what = size == DECANT_SIZE_ROWS ? " rows" : " result rows";
    EXPECT_EQ(decode(slot, Ids(size_t(most) + 1, 5), nullptr, true), DECANT_OUT_OF_RANGE);
    EXPECT_TRUE(message().starts_with(std::to_string(most + 1) + what)) << message();
    EXPECT_EQ(inUse(DECANT_CACHE_SELF), 0u);
    EXPECT_EQ(decode(slot, Ids(size_t(most), 5), nullptr, true), DECANT_OK) << message();
    widest = before;
    ASSERT_EQ(decant_slot_close(session, slot), DECANT_OK);
    slot = open({3, 4});
  }
}

TEST_F(SessionTest, AMaskBeyond32BitIndicesIsRefused) {
  toy::Options with_mask;
  with_mask.mask = true;
  toy::Model masked(with_mask);
  const decant_session_options sizes{sizeof sizes, 1, 2};
  decant_session *one = nullptr;
  ASSERT_EQ(decant_session_create(&masked.model, &sizes, &one), DECANT_OK);
  const Ids ids = {1, 2, 3};
  decant_rows rows{0, 3, ids.data(), nullptr};
  ASSERT_EQ(decant_slot_open(one, &rows.slot), DECANT_OK);
  ASSERT_EQ(decant_encode(one, &rows, 1, nullptr, nullptr), DECANT_OK);
  const float zero = 0;
  decant_mask mask{"self_bias", &zero, {1, 1, 3, 3}, {0, 0, INT32_MAX / 2, 1}, 4}; // last element: 2 * 2^30 + 2 - 2
  decant_step_options options{sizeof options, 1, &mask, 1};
  decant_result result{};
  EXPECT_EQ(decant_decode(one, &rows, 1, &options, &result), DECANT_OUT_OF_RANGE);
  EXPECT_TRUE(std::string(decant_session_message(one)).starts_with("mask self_bias: dimension 3 with stride 1 and 3 "))
      << decant_session_message(one);
  mask.strides[2] -= 1;
  EXPECT_EQ(decant_decode(one, &rows, 1, &options, &result), DECANT_OK) << decant_session_message(one);
  // One value a head: as many as the attention has, whatever the model's width is.
  const float three[toy::kHeads] = {};
  mask = {"self_bias", three, {1, toy::kHeads - 1, 1, 1}, {0, 1, 0, 0}, 4};
  EXPECT_EQ(decant_decode(one, &rows, 1, &options, &result), DECANT_INVALID_ARGUMENT);
  EXPECT_STREQ(decant_session_message(one),
               "mask self_bias: dimension 1 has extent 2 and stride 1, this step needs an extent of 3");
  mask.extents[1] = toy::kHeads;
  EXPECT_EQ(decant_decode(one, &rows, 1, &options, &result), DECANT_OK) << decant_session_message(one);
  decant_session_release(one);
}

TEST_F(SessionTest, WhyASessionCouldNotBeCreated) {
  const decant_session_options options{sizeof options, 1, 1 << 20};
  decant_session *none = nullptr;
  EXPECT_EQ(decant_session_create(&toy.model, &options, &none), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(decant_session_message(nullptr)).substr(0, 42), "a session of 1 threads and 1048576 slots: ");
  create(1, 2);
  EXPECT_STREQ(decant_session_message(nullptr), "");
}

TEST_F(SessionTest, AFailingKernelIsInternalAndGivesItsBlocksBack) {
  int32_t slot = open({3, 4});
  ASSERT_EQ(decode(slot, {1, 2, 3, 4}), DECANT_OK);
  toy::kernel_fails = true;
  EXPECT_EQ(decode(slot, {5}), DECANT_INTERNAL);
  EXPECT_STREQ(decant_session_message(session), "step \"decoder: logits\" failed with -1: toy failure");
  toy::kernel_fails = false;
  EXPECT_EQ(inUse(DECANT_CACHE_SELF), 1u);
  std::vector<float> row;
  ASSERT_EQ(decode(slot, {6}, &row), DECANT_OK);
  EXPECT_EQ(row, expected({3, 4}, {1, 2, 3, 4, 6}));
}

TEST_F(SessionTest, InfoFillsWhatTheCallerKnows) {
  decant_model_info info;
  std::memset(&info, 0x55, sizeof info);
  info.struct_size = offsetof(decant_model_info, width);
  ASSERT_EQ(decant_model_get_info(&toy.model, &info), DECANT_OK);
  EXPECT_EQ(info.vocab, int32_t(toy::kVocab));
  EXPECT_EQ(info.width, 0x55555555);
}

} // namespace

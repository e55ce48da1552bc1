// The promise: a sequence's logits are the same bits alone, in any batch, with any number of threads, with its tokens
// fed at once or one by one, in whatever slots. Proven on the bundled model through the C API.
#include "runtime/include/decant.h"
#include "tests/artifact/CompiledModel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>

namespace {

struct Sequence {
  std::vector<int32_t> source, target;
};
using Logits = std::vector<float>; // all rows of one sequence, one after another

class BitIdentityTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    std::string path = decant::test::scratchFolder() + "/g2p.so";
    ASSERT_EQ(decant::test::compileModel(DECANT_TEST_MODELS "/g2p-bart-en-us", path), "");
    char message[256] = "";
    ASSERT_EQ(decant_model_open(path.c_str(), nullptr, message, sizeof(message), &model), DECANT_OK) << message;
    std::mt19937 random(7);
    for (int i = 0; i < 33; ++i) {
      Sequence sequence{{1}, {1, 1}};
      for (int length = 1 + int(random() % 40); length > 0; --length)
        sequence.source.push_back(4 + int(random() % 55));
      sequence.source.push_back(2);
      for (int length = int(random() % 40); length > 0; --length)
        sequence.target.push_back(4 + int(random() % 46));
      sequences.push_back(sequence);
    }
  }
  static void TearDownTestSuite() { decant_model_release(model); }

  /// Runs the sequences together, each step feeding each of them as many tokens as `chunk` says.
  static std::vector<Logits> run(std::vector<size_t> which, int threads,
                                 const std::function<size_t(size_t, size_t)> &chunk) {
    decant_session_options options{sizeof(options), threads, 48};
    decant_session *session = nullptr;
    EXPECT_EQ(decant_session_create(model, &options, &session), DECANT_OK);
    std::vector<decant_rows> encode;
    std::vector<int32_t> slots;
    for (size_t index : which) {
      slots.push_back(-1);
      EXPECT_EQ(decant_slot_open(session, &slots.back()), DECANT_OK) << decant_session_message(session);
      encode.push_back(
          {slots.back(), int32_t(sequences[index].source.size()), sequences[index].source.data(), nullptr});
    }
    decant_result result{};
    EXPECT_EQ(decant_encode(session, encode.data(), encode.size(), nullptr, &result), DECANT_OK)
        << decant_session_message(session);
    std::vector<Logits> logits(which.size());
    std::vector<size_t> fed(which.size(), 0);
    for (;;) {
      std::vector<decant_rows> items;
      std::vector<size_t> owners;
      for (size_t i = 0; i < which.size(); ++i) {
        const auto &target = sequences[which[i]].target;
        size_t count = std::min(chunk(i, fed[i]), target.size() - fed[i]);
        if (count == 0)
          continue;
        items.push_back({slots[i], int32_t(count), target.data() + fed[i], nullptr});
        owners.push_back(i);
        fed[i] += count;
      }
      if (items.empty())
        break;
      decant_step_options step{};
      step.struct_size = sizeof(step);
      step.all_rows = 1;
      EXPECT_EQ(decant_decode(session, items.data(), items.size(), &step, &result), DECANT_OK)
          << decant_session_message(session);
      const float *row = result.data;
      for (size_t k = 0; k < items.size(); ++k)
        for (int32_t n = 0; n < items[k].count; ++n, row += result.stride)
          logits[owners[k]].insert(logits[owners[k]].end(), row, row + result.columns);
    }
    decant_session_release(session);
    return logits;
  }

  static size_t whole(size_t, size_t) { return 1000; }
  static size_t single(size_t, size_t) { return 1; }

  static const std::vector<Logits> &alone() {
    static const std::vector<Logits> logits = [] {
      std::vector<Logits> all;
      for (size_t i = 0; i < sequences.size(); ++i)
        all.push_back(run({i}, 1, whole)[0]);
      return all;
    }();
    return logits;
  }

  static void expectSame(const std::vector<size_t> &which, const std::vector<Logits> &logits) {
    for (size_t i = 0; i < which.size(); ++i) {
      const Logits &expected = alone()[which[i]];
      ASSERT_EQ(logits[i].size(), expected.size());
      EXPECT_EQ(std::memcmp(logits[i].data(), expected.data(), expected.size() * sizeof(float)), 0)
          << "sequence " << which[i];
    }
  }

  static std::vector<size_t> all() {
    std::vector<size_t> which(sequences.size());
    for (size_t i = 0; i < which.size(); ++i)
      which[i] = i;
    return which;
  }

  static decant_model *model;
  static std::vector<Sequence> sequences;
};
decant_model *BitIdentityTest::model = nullptr;
std::vector<Sequence> BitIdentityTest::sequences;

TEST_F(BitIdentityTest, LogitsAreNoConstants) {
  std::map<float, int> seen;
  for (const Logits &logits : alone())
    for (float value : logits)
      ++seen[value];
  EXPECT_GT(seen.size(), 10000u);
}

TEST_F(BitIdentityTest, InOneBatch) { expectSame(all(), run(all(), 1, whole)); }
TEST_F(BitIdentityTest, TwoThreads) { expectSame(all(), run(all(), 2, whole)); }
TEST_F(BitIdentityTest, ThreeThreads) { expectSame(all(), run(all(), 3, single)); }

TEST_F(BitIdentityTest, AloneTokenByToken) {
  for (size_t i = 0; i < sequences.size(); ++i)
    expectSame({i}, run({i}, 1, single));
}

TEST_F(BitIdentityTest, BatchTokenByToken) { expectSame(all(), run(all(), 2, single)); }

TEST_F(BitIdentityTest, SmallBatchesOfEverySize) {
  for (size_t size = 2; size <= 9; ++size)
    for (size_t first = 0; first + size <= sequences.size(); first += size) {
      std::vector<size_t> which(size);
      for (size_t i = 0; i < size; ++i)
        which[i] = first + i;
      expectSame(which, run(which, 1, single));
    }
}

TEST_F(BitIdentityTest, RandomChunksAndCompany) {
  unsigned seed = 20241;
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 8; ++round) {
    auto which = all();
    std::shuffle(which.begin(), which.end(), random);
    which.resize(1 + random() % which.size());
    std::mt19937 chunks(random());
    expectSame(which, run(which, 1 + int(round % 2), [&](size_t, size_t) { return 1 + chunks() % 11; }));
  }
}

} // namespace

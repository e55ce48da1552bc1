// Greedy and beam search against a naive computation on whole sequences, over seeds, beams, penalties and rules.
#include "NaiveSearch.h"
#include "runtime/core/session.h"

#include <gtest/gtest.h>
#include <map>

namespace {

using Ids = std::vector<int32_t>;

struct Results {
  std::map<size_t, toy::NaiveResult> all;
  std::map<size_t, Ids> tokens;
  int stop_after = -1;
};

int keep(void *user, const decant_generated *result) {
  auto *results = static_cast<Results *>(user);
  results->all[result->input_index] = {Ids(result->ids, result->ids + result->count), result->score};
  return results->stop_after-- == 0;
}

int keepToken(void *user, size_t input, int32_t id) {
  static_cast<Results *>(user)->tokens[input].push_back(id);
  return 0;
}

std::vector<Ids> someSources(int count) {
  std::vector<Ids> sources;
  for (int32_t i = 0; i < count; ++i) {
    Ids ids;
    for (int32_t j = 0; j <= i % 7; ++j)
      ids.push_back((i * 5 + j * 3 + 1) % int32_t(toy::kVocab));
    ids.push_back(i / int32_t(toy::kVocab));
    sources.push_back(ids);
  }
  return sources;
}

decant_status generate(toy::Model &toy, int32_t slots, const std::vector<Ids> &sources,
                       const decant_generate_options &options, Results &results, std::string *message = nullptr,
                       void (*prepare)(decant_session &) = nullptr) {
  decant_session_options session_options{sizeof session_options, 2, slots};
  decant_session *session = nullptr;
  EXPECT_EQ(decant_session_create(&toy.model, &session_options, &session), DECANT_OK);
  if (prepare)
    prepare(*session);
  std::vector<decant_source> inputs;
  for (const Ids &ids : sources)
    inputs.push_back({ids.data(), ids.size(), nullptr});
  decant_status status = decant_generate(session, inputs.data(), inputs.size(), &options, keepToken, keep, &results);
  if (message)
    *message = decant_session_message(session);
  int32_t slot = -1; // every slot has been given back
  for (int32_t i = 0; i < slots; ++i)
    EXPECT_EQ(decant_slot_open(session, &slot), DECANT_OK);
  decant_session_release(session);
  return status;
}

void compare(const toy::NaiveOptions &naive, int32_t slots, int inputs) {
  toy::Model toy(naive.model);
  decant_generate_options options;
  decant_generate_options_init(&options);
  options.num_beams = naive.num_beams;
  options.early_stopping = naive.early_stopping;
  options.length_penalty = naive.length_penalty;
  std::vector<Ids> sources = someSources(inputs);
  Results results;
  ASSERT_EQ(generate(toy, slots, sources, options, results), DECANT_OK);
  ASSERT_EQ(results.all.size(), sources.size());
  for (size_t i = 0; i < sources.size(); ++i) {
    toy::NaiveResult expected = naiveSearch(sources[i], naive);
    EXPECT_EQ(results.all[i].ids, expected.ids) << "input " << i;
    EXPECT_NEAR(results.all[i].score, expected.score, 1e-4f) << "input " << i;
    if (naive.num_beams == 1) {
      EXPECT_EQ(results.tokens[i], expected.ids);
    }
  }
}

TEST(GenerateTest, AdmitsFewerInputsThanSlotsWhereAStepCannotIndexMore) {
  toy::Model toy;
  decant_generate_options options;
  decant_generate_options_init(&options);
  const std::vector<Ids> sources = someSources(12);
  Results wide, narrow, none;
  ASSERT_EQ(generate(toy, 6, sources, options, wide), DECANT_OK);
  auto nineRows = [](decant_session &session) {
    session.widest[DECANT_ENTRY_ENCODE][DECANT_SIZE_ROWS] = INT32_MAX / 17;
  };
  std::string message;
  ASSERT_EQ(generate(toy, 6, sources, options, narrow, &message, nineRows), DECANT_OK) << message;
  for (size_t i = 0; i < sources.size(); ++i)
    EXPECT_EQ(narrow.all[i].ids, wide.all[i].ids);
  auto oneRow = [](decant_session &session) { session.widest[DECANT_ENTRY_ENCODE][DECANT_SIZE_ROWS] = INT32_MAX / 9; };
  EXPECT_EQ(generate(toy, 6, sources, options, none, &message, oneRow), DECANT_OUT_OF_RANGE);
  EXPECT_TRUE(message.starts_with("2 rows in one step are more than the maximum of 1 ")) << message;
}

TEST(GenerateTest, GreedyEqualsTheNaiveSearchWhateverTheBatch) {
  for (int32_t slots : {1, 3, 6})
    compare({}, slots, 20);
}

TEST(GenerateTest, GreedyKeepsTheRules) {
  toy::NaiveOptions o;
  o.model.min_length = 9, o.model.max_length = 12, o.model.forced_eos = toy::kEnd, o.model.forced_bos = 4;
  o.model.suppress = {5, 7}, o.model.begin_suppress = {3, 6}, o.model.eos = {2, 8};
  compare(o, 4, 20);
  o.model.forced_bos = -1;
  compare(o, 4, 20);
}

TEST(GenerateTest, BeamsEqualTheNaiveSearch) {
  for (int32_t beams : {2, 3, 4})
    for (int32_t early : {0, 1, 2})
      for (float penalty : {1.0f, 0.0f, 2.0f, -1.0f}) {
        SCOPED_TRACE(testing::Message() << beams << " beams, early_stopping " << early << ", length_penalty "
                                        << penalty);
        toy::NaiveOptions o;
        o.num_beams = beams, o.early_stopping = early, o.length_penalty = penalty;
        compare(o, 8, 12);
      }
}

TEST(GenerateTest, BeamsKeepTheRules) {
  toy::NaiveOptions o;
  o.num_beams = 3;
  o.model.min_length = 5, o.model.max_length = 9, o.model.forced_eos = toy::kEnd, o.model.suppress = {5, 7};
  o.model.begin_suppress = {3, 6}, o.model.eos = {2, 8};
  compare(o, 7, 12);
}

/// A step whose scores are known by hand: the end token is likely at once, so early_stopping decides about the length.
TEST(GenerateTest, EarlyStoppingTrueStopsWhenAllBeamsAreFilled) {
  toy::NaiveOptions stop, go_on;
  stop.num_beams = go_on.num_beams = 2;
  stop.early_stopping = 1, go_on.early_stopping = 2;
  stop.length_penalty = go_on.length_penalty = 3; // long sequences win if they may go on
  stop.model.eos = go_on.model.eos = {0, 1, 2, 3, 4, 5};
  size_t longer = 0, shorter = 0;
  for (const Ids &source : someSources(20)) {
    size_t a = naiveSearch(source, stop).ids.size(), b = naiveSearch(source, go_on).ids.size();
    longer += b > a;
    shorter += b < a;
  }
  EXPECT_GT(longer, 5u);
  EXPECT_EQ(shorter, 0u);
  compare(stop, 4, 20);
  compare(go_on, 4, 20);
}

TEST(GenerateTest, LengthsAreTheCallersOrTheModels) {
  toy::Options model;
  model.eos = {};
  toy::Model toy(model);
  decant_generate_options options;
  decant_generate_options_init(&options);
  Results results;
  ASSERT_EQ(generate(toy, 2, {{3}}, options, results), DECANT_OK);
  EXPECT_EQ(results.all[0].ids.size(), 15u); // max_length 16 counts the start token
  options.max_new_tokens = 24;               // the last token is never fed back
  ASSERT_EQ(generate(toy, 2, {{3}}, options, results), DECANT_OK);
  EXPECT_EQ(results.all[0].ids.size(), 24u);
  options.max_new_tokens = 25;
  std::string message;
  EXPECT_EQ(generate(toy, 2, {{3}}, options, results, &message), DECANT_OUT_OF_RANGE);
  EXPECT_EQ(message, "a context of 26 tokens (1 + 25 new) is longer than the maximum of 24");
}

TEST(GenerateTest, IgnoreEosGoesOnToTheEnd) {
  toy::Options model;
  model.eos = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  model.forced_eos = 2;
  toy::Model toy(model);
  decant_generate_options options;
  decant_generate_options_init(&options);
  options.max_new_tokens = 7;
  Results results;
  ASSERT_EQ(generate(toy, 2, {{3}}, options, results), DECANT_OK);
  EXPECT_EQ(results.all[0].ids.size(), 1u);
  options.ignore_eos = 1;
  ASSERT_EQ(generate(toy, 2, {{3}}, options, results), DECANT_OK);
  EXPECT_EQ(results.all[0].ids.size(), 7u);
}

TEST(GenerateTest, RefusalsNameTheReason) {
  toy::Model toy;
  decant_generate_options options;
  decant_generate_options_init(&options);
  Results results;
  std::string message;
  EXPECT_EQ(generate(toy, 2, {{3}, {}}, options, results, &message), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message, "input 1 has no token ids");
  EXPECT_EQ(generate(toy, 2, {{3, 99}}, options, results, &message), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message, "input 0: token id 99 at 1 is outside the vocabulary of 11");
  EXPECT_EQ(generate(toy, 2, {Ids(11, 3)}, options, results, &message), DECANT_OUT_OF_RANGE);
  EXPECT_EQ(message, "input 0: 11 tokens are more than the maximum of 10");
  options.num_beams = 3;
  EXPECT_EQ(generate(toy, 2, {{3}}, options, results, &message), DECANT_OUT_OF_RANGE);
  EXPECT_EQ(message, "generation with 3 beams needs 3 free slots, the session has 2");
  options.num_beams = -1;
  EXPECT_EQ(generate(toy, 2, {{3}}, options, results, &message), DECANT_INVALID_ARGUMENT);
  EXPECT_EQ(message, "generation: num_beams must be 1 to 1024, found -1");
}

TEST(GenerateTest, ACallbackMayStop) {
  toy::Model toy;
  decant_generate_options options;
  decant_generate_options_init(&options);
  Results results;
  results.stop_after = 2;
  EXPECT_EQ(generate(toy, 2, someSources(9), options, results), DECANT_CANCELLED);
  EXPECT_EQ(results.all.size(), 3u);
}

TEST(GenerateTest, PromptsLongerThanAStepGoInSeveral) {
  toy::Options model;
  model.kind = DECANT_MODEL_DECODER_ONLY;
  model.keys = toy::Keys::Window;
  model.context = 20000;
  model.eos = {};
  toy::Model toy(model);
  const size_t step = decant::rt::kWindowStep;
  decant_generate_options options;
  decant_generate_options_init(&options);
  options.max_new_tokens = 5;
  std::vector<Ids> prompts;
  for (size_t length : {size_t(3), step, step + 1, 2 * step + 700, 2 * step}) {
    prompts.emplace_back();
    for (size_t i = 0; i < length; ++i)
      prompts.back().push_back(int32_t((i * i + length) % toy::kVocab));
  }
  Results results;
  std::string message;
  ASSERT_EQ(generate(toy, 2, prompts, options, results, &message), DECANT_OK) << message;
  for (size_t p = 0; p < prompts.size(); ++p) {
    Ids prefix = prompts[p], found;
    for (int next = 0; next < 5; ++next) {
      const Ids seen(prefix.end() - std::min<ptrdiff_t>(toy::kWindow, ptrdiff_t(prefix.size())), prefix.end());
      int32_t best = 0;
      for (int32_t v = 1; v < int32_t(toy::kVocab); ++v)
        if (toy::logit({}, seen, v) > toy::logit({}, seen, best))
          best = v;
      prefix.push_back(best);
      found.push_back(best);
    }
    EXPECT_EQ(results.all[p].ids, found) << "prompt of " << prompts[p].size();
  }
}

TEST(GenerateTest, DecoderOnlyModelsContinueTheirPrompt) {
  toy::Options model;
  model.kind = DECANT_MODEL_DECODER_ONLY;
  model.eos = {};
  toy::Model toy(model);
  decant_generate_options options;
  decant_generate_options_init(&options);
  options.max_new_tokens = 5;
  Results results;
  ASSERT_EQ(generate(toy, 2, {{3, 4, 5}, {6}}, options, results), DECANT_OK);
  Ids prefix = {3, 4, 5};
  for (int step = 0; step < 5; ++step) {
    int32_t best = 0;
    for (int32_t v = 1; v < int32_t(toy::kVocab); ++v)
      if (toy::logit({}, prefix, v) > toy::logit({}, prefix, best))
        best = v;
    prefix.push_back(best);
  }
  EXPECT_EQ(results.all[0].ids, Ids(prefix.begin() + 3, prefix.end()));
}

} // namespace

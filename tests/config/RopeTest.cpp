// Rotary frequencies against transformers, both spellings, and what is refused.
#include "compiler/config/Rope.h"
#include "tests/config/TestSupport.h"

#include <cmath>

using namespace decant;
using namespace decant::test;

namespace {

struct Read {
  RopeConfig rope;
  Outcome outcome;
};

Read read(const std::string &members, int64_t dim = 16, int64_t positions = 8192, RopeDefaults defaults = {}) {
  json::Value object = accepted(json::parse("{" + members + "}", "config.json"));
  KeyReader keys(object, "config.json");
  Read result{readRope(keys, dim, positions, defaults), {}};
  result.outcome = outcomeOf(keys.finish());
  return result;
}

void expectNear(const std::vector<float> &found, const json::Value &wanted, const std::string &line) {
  ASSERT_EQ(found.size(), wanted.items().size()) << line;
  for (size_t i = 0; i < found.size(); ++i) {
    double value = wanted.items()[i].real();
    EXPECT_NEAR(static_cast<double>(found[i]), value, 3e-7 * value) << i << " of " << line; // some f32 roundings
  }
}

TEST(Rope, FrequenciesAreTransformers) {
  std::ifstream file(DECANT_MODELS "/../golden/rope.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    json::Value sample = accepted(json::parse(line, "rope.jsonl"));
    std::string keys = line.substr(1, line.find('}')); // the first element, as it stands
    Read found = read("\"rope_parameters\": " + keys);
    ASSERT_EQ(found.outcome.message, "") << keys;
    expectNear(found.rope.freqs, sample.items()[3], keys);
    EXPECT_NEAR(found.rope.factor, sample.items()[4].real(), 1e-12) << keys;
    if (sample.items().size() > 5)
      expectNear(found.rope.freqsFor(5000), sample.items()[5], keys);
  }
  EXPECT_GE(cases, 9);
}

TEST(Rope, BothSpellingsAndDefaults) {
  std::vector<float> plain = read("").rope.freqs;
  ASSERT_EQ(plain.size(), 8u);
  EXPECT_EQ(plain[0], 1);
  EXPECT_FLOAT_EQ(plain[4], 0.01f);
  EXPECT_EQ(read("\"rope_theta\": 500.0").rope.freqs, read("\"rope_parameters\": {\"rope_theta\": 500.0}").rope.freqs);
  EXPECT_EQ(read("\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}").rope.freqs,
            read("\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2.0}").rope.freqs);
  EXPECT_EQ(read("\"rope_scaling\": null").rope.freqs, plain);
  EXPECT_EQ(read("", 16, 100, {10000, 0.25}).rope.freqs.size(), 2u);
  EXPECT_EQ(read("\"partial_rotary_factor\": 0.5").rope.freqs.size(), 4u);
}

TEST(Rope, Refusals) {
  struct {
    const char *members;
    ExitCode code;
    const char *message;
  } const cases[] = {
      {"\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}", ExitCode::Unsupported,
       "rope_scaling: key \"rope_type\": \"dynamic\" is not supported (its angles change with the length"},
      {"\"rope_parameters\": {\"rope_type\": \"spiral\"}", ExitCode::Unsupported,
       "\"spiral\" is not supported; known: default, linear, llama3, longrope, yarn"},
      {"\"rope_parameters\": {\"rope_type\": \"default\", \"twist\": 3}", ExitCode::Unsupported,
       "unknown key \"twist\""},
      {"\"rope_theta\": 10.0, \"rope_parameters\": {\"rope_theta\": 20.0}", ExitCode::BadInput, "contradicts"},
      {"\"rope_scaling\": {\"type\": \"linear\"}, \"rope_parameters\": {\"rope_theta\": 20.0}", ExitCode::BadInput,
       "stands beside rope_parameters"},
      {"\"rope_scaling\": {\"type\": \"linear\", \"rope_type\": \"yarn\"}", ExitCode::BadInput,
       "contradicts rope_type"},
      {"\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0}", ExitCode::BadInput, "\"factor\""},
      {"\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1.0]}", ExitCode::BadInput,
       "a list of 8 positive numbers"},
      {"\"rope_scaling\": {\"rope_type\": \"llama3\", \"low_freq_factor\": 4, \"high_freq_factor\": 1}",
       ExitCode::BadInput, "is not below high_freq_factor"},
      {"\"rope_theta\": -1.0", ExitCode::BadInput, "\"rope_theta\""},
      {"\"partial_rotary_factor\": 0.06", ExitCode::Unsupported, "0 of 16 columns turn"},
  };
  for (const auto &bad : cases) {
    Outcome found = read(bad.members).outcome;
    EXPECT_EQ(found.code, bad.code) << bad.members << ": " << found.message;
    EXPECT_NE(found.message.find(bad.message), std::string::npos) << found.message;
  }
}

} // namespace

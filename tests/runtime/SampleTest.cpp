// What sampling draws from, against transformers' warpers, and the draw itself.
#include "runtime/generate/search.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <vector>

using namespace decant::rt;

namespace {

SearchOptions neutral() {
  SearchOptions options{};
  options.temperature = options.top_p = options.repetition_penalty = 1;
  return options;
}

TEST(Sample, ProbabilitiesAreTransformers) {
  std::ifstream file(DECANT_TESTS "/golden/sampling.jsonl");
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    auto sample = nlohmann::json::parse(line);
    SearchOptions options = neutral();
    options.temperature = sample[0].value("temperature", 1.0f);
    options.top_k = sample[0].value("top_k", 0);
    options.top_p = sample[0].value("top_p", 1.0f);
    options.min_p = sample[0].value("min_p", 0.0f);
    std::vector<float> row;
    for (const auto &logit : sample[1])
      row.push_back(logit.is_null() ? -INFINITY : logit.get<float>());
    std::vector<int32_t> order(row.size());
    warpForSampling(options, row.data(), row.size(), order.data());
    double sum = 0;
    for (float x : row)
      sum += std::exp(double(x));
    for (size_t i = 0; i < row.size(); ++i)
      EXPECT_NEAR(std::exp(double(row[i])) / sum, sample[2][i].get<double>(), 1e-6)
          << "token " << i << " of " << sample[0];
  }
  EXPECT_GE(cases, 28);
}

TEST(Sample, TokenOfTheCumulativeDistribution) {
  const float inf = INFINITY;
  const float row[] = {std::log(0.5f), -inf, std::log(0.25f), std::log(0.25f), -inf};
  const std::pair<double, int32_t> draws[] = {{0, 0}, {0.499, 0}, {0.501, 2}, {0.749, 2}, {0.751, 3}, {0.9999999, 3}};
  for (auto [uniform, token] : draws)
    EXPECT_EQ(drawToken(row, 5, uniform), token) << uniform;
}

TEST(Sample, DrawsAreUniformAndDependOnEverything) {
  constexpr int kDraws = 20000;
  double sum = 0;
  int low = 0;
  for (int i = 0; i < kDraws; ++i) {
    double u = uniformDraw(1, static_cast<uint64_t>(i % 7), static_cast<uint64_t>(i / 7));
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    low += u < 0.1;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.01); // 5 standard deviations
  EXPECT_NEAR(low, kDraws / 10, 215);
  EXPECT_EQ(uniformDraw(3, 1, 2), uniformDraw(3, 1, 2));
  EXPECT_NE(uniformDraw(3, 1, 2), uniformDraw(4, 1, 2));
  EXPECT_NE(uniformDraw(3, 1, 2), uniformDraw(3, 2, 1));
}

} // namespace

// frames: neighbours within a sequence, zeros at its ends, whatever lies in the rows of others.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <cmath>

namespace decant::test {
namespace {

struct Case {
  int n;
  std::vector<int> shifts;
};

class Frames : public testing::TestWithParam<Case> {};

TEST_P(Frames, GathersNeighboursOfTheSequence) {
  const auto &[n, shifts] = GetParam();
  const int t = int(shifts.size());
  std::string text = "frames n=" + std::to_string(n) + " shifts=(";
  for (int i = 0; i < t; ++i)
    text += (i ? " " : "") + std::to_string(shifts[size_t(i)]);
  for (const char *rowClass : {"one", "few", "many"}) {
    const LoadedKernel kernel(text + ") rows=" + rowClass);
    for (int rows : {1, 2, 7, 16, 33}) {
      Ints position({rows}); // of sequences of 1, 2, 3, .. rows
      for (int r = 0, next = 0, length = 1; r < rows; ++r) {
        position(r) = next++;
        if (next == length)
          next = 0, ++length;
      }
      std::mt19937 random{unsigned(n + rows)};
      std::vector<View> inputs;
      for (int i = 0; i < t; ++i)
        fill(inputs.emplace_back(n, rows), random);
      View out(n * t, rows);
      std::vector<halide_buffer_t *> args = {position};
      for (View &input : inputs)
        args.push_back(input);
      args.push_back(out);
      kernel(args);
      EXPECT_EQ(out.written(), size_t(n * t * rows));
      for (int r = 0; r < rows; ++r)
        for (int i = 0; i < t; ++i) {
          const int from = r + shifts[size_t(i)];
          const bool inside = from >= 0 && from < rows && position(from) == position(r) + shifts[size_t(i)];
          for (int c = 0; c < n; ++c)
            ASSERT_EQ(bits(out(c * t + i, r)), inside ? bits(inputs[size_t(i)](c, from)) : 0u)
                << rowClass << " rows " << rows << " row " << r << " input " << i << " column " << c;
        }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Shapes, Frames,
                         testing::Values(Case{1, {0}}, Case{7, {-1, 0, 1}}, Case{80, {-1, 0, 1}}, Case{100, {-1, 0, 0}},
                                         Case{17, {1, -1}}, Case{16, {0, 0, 1, -1, 0, 1, 1, 0}},
                                         Case{576, {-1, 0, 1}}));

TEST(Frames, ANeighbourOfAnotherSequenceIsNotRead) {
  Floats x({20, 4}), out({60, 4});
  Ints position({4});
  position(0) = 0, position(1) = 1, position(2) = 0, position(3) = 1;
  std::fill(x.data.begin(), x.data.end(), 2.0f);
  for (int c = 0; c < 20; ++c)
    x(c, 2) = NAN;
  LoadedKernel("frames n=20 shifts=(-1 0 1) rows=few")({position, x, x, x, out});
  for (int c = 0; c < 20; ++c) {
    ASSERT_EQ(out(c * 3, 1), 2.0f);
    ASSERT_EQ(out(c * 3 + 1, 1), 2.0f);
    ASSERT_EQ(bits(out(c * 3 + 2, 1)), 0u);
    ASSERT_TRUE(std::isnan(out(c * 3, 3)));
  }
}

} // namespace
} // namespace decant::test

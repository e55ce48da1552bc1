// linear: values against a double reference, and the promise that a row's bits depend on that row alone.
#include "tests/schedules/Harness.h"

#include "gtest/gtest.h"

#include <cmath>
#include <memory>

namespace decant::test {
namespace {

struct Case {
  int k, n;
  const char *act;
  bool bias, residual, gather;
  double scale = 1, softcap = 0;
};

std::string specText(const Case &c, const char *rows) {
  return "linear k=" + std::to_string(c.k) + " n=" + std::to_string(c.n) + " bias=" + std::to_string(c.bias) +
         " act=" + c.act + " residual=" + std::to_string(c.residual) + " gather=" + std::to_string(c.gather) +
         " scale=" + std::to_string(c.scale) + " softcap=" + std::to_string(c.softcap) + " rows=" + rows;
}

double activation(const std::string &act, double x) {
  if (act == "relu")
    return std::max(x, 0.0);
  if (act == "gelu_tanh")
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  if (act == "silu" || act == "quick_gelu")
    return x / (1 + std::exp(act == "silu" ? -x : -1.702 * x));
  return act == "gelu" ? 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))) : x;
}

/// Inputs of one case for up to 65 rows.
struct Data {
  static constexpr int kRows = 65;
  const Case &c;
  int width;
  Floats x, w, bias, residual;
  Ints index;

  explicit Data(const Case &c)
      : c(c), width(roundUp16(c.n)), x({c.k, kRows}), w({1, 16, c.k, width / 16}, 0), bias({width}, 0),
        residual({width, kRows}), index({kRows}) {
    std::mt19937 random(unsigned(c.k * 1000 + c.n));
    fill(x, random), fill(w, random), fill(bias, random), fill(residual, random);
    for (int j = c.n; j < width; ++j) { // padding as the packer writes it
      bias(j) = 0;
      for (int k = 0; k < c.k; ++k)
        w(0, j % 16, k, j / 16) = 0;
    }
    for (int r = 0; r < kRows; ++r)
      index(r) = c.gather ? (r * 7 + 3) % kRows : r;
  }

  Floats run(const LoadedKernel &kernel, int rows, bool inPlace = false) {
    Floats out({width, rows}), input = x, added = residual;
    std::fill(out.data.begin(), out.data.end(), NAN);
    if (inPlace)
      out.data.assign(residual.data.begin(), residual.data.begin() + long(out.data.size()));
    input.buffer.crop(1, 0, c.gather ? kRows : rows), added.buffer.crop(1, 0, rows);
    std::vector<halide_buffer_t *> args = {input};
    index.buffer = Halide::Runtime::Buffer<int32_t>(index.data.data(), rows);
    if (c.gather)
      args.push_back(index);
    args.push_back(w);
    if (c.bias)
      args.push_back(bias);
    if (c.residual)
      args.push_back(inPlace ? out : added);
    args.push_back(out);
    kernel(args);
    return out;
  }

  void compare(const Floats &out) {
    int large = 0;
    for (int r = 0; r < out.extents[1]; ++r)
      for (int j = 0; j < width; ++j) {
        double sum = 0, size = 0;
        for (int k = 0; k < c.k; ++k) {
          const double term =
              double(x.data[size_t(index.data[size_t(r)]) * size_t(c.k) + size_t(k)]) * w(0, j % 16, k, j / 16);
          sum += term, size += std::fabs(term);
        }
        const double unit = activation(c.act, c.scale * sum + (c.bias ? bias(j) : 0));
        const double added = c.residual ? residual(j, r) : 0;
        const double want = (c.softcap > 0 ? c.softcap * std::tanh(unit / c.softcap) : unit) + added;
        const double tolerance = 1.2e-7 * (2 * std::ceil(std::log2(c.k + 1)) * (size + 1) + std::fabs(want));
        ASSERT_NEAR(out.at(j, r), want, tolerance) << "row " << r << " column " << j;
        if (j >= c.n) {
          ASSERT_EQ(out.at(j, r), float(added)) << "padding, row " << r << " column " << j;
        }
        large += std::fabs(want) > 0.1;
      }
    EXPECT_GT(large, out.extents[1] * c.n / 4) << "mostly zero output proves nothing";
  }
};

class Linear : public testing::TestWithParam<Case> {};

TEST_P(Linear, MatchesReferenceAndRowsDoNotDependOnTheirBatch) {
  const Case &c = GetParam();
  Data data(c);
  const LoadedKernel many(specText(c, "many"));
  const Floats all = data.run(many, Data::kRows);
  data.compare(all);
  for (const char *rowClass : {"one", "few", "many"}) {
    const LoadedKernel kernel(specText(c, rowClass));
    for (int rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 63, 64, 65}) {
      const Floats out = data.run(kernel, rows);
      for (int r = 0; r < rows; ++r)
        for (int j = 0; j < data.width; ++j)
          ASSERT_EQ(bits(out.at(j, r)), bits(all.at(j, r)))
              << rowClass << " rows " << rows << " row " << r << " column " << j;
    }
    if (c.residual) {
      const Floats out = data.run(kernel, 13, true);
      for (int r = 0; r < 13; ++r)
        for (int j = 0; j < data.width; ++j)
          ASSERT_EQ(bits(out.at(j, r)), bits(all.at(j, r)))
              << "in place, " << rowClass << " row " << r << " column " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Linear,
    testing::Values(Case{5, 16, "none", false, false, false}, Case{9, 27, "relu", true, false, true},
                    Case{128, 384, "none", true, false, false}, Case{128, 60, "gelu", true, true, false},
                    Case{1024, 128, "none", true, true, false}, Case{128, 63, "none", false, false, true},
                    Case{27, 80, "gelu", true, false, false}, Case{100, 17, "silu", true, true, false},
                    Case{64, 112, "gelu_tanh", true, false, false}, Case{33, 100, "quick_gelu", false, true, false},
                    Case{576, 1, "none", false, false, true, 0.25}, Case{48, 250, "none", true, false, true, 1.5, 2},
                    Case{80, 64, "none", false, false, true, 1, 30}, Case{60, 176, "relu", false, true, true}));

TEST(LinearTiles, EveryTileGivesTheSameBits) {
  const Case c{129, 192, "none", true, true, false};
  Data data(c);
  const Floats want = data.run(LoadedKernel(specText(c, "many")), 65);
  for (int rows : {1, 2, 4, 8})
    for (int panels : {1, 2, 3, 4}) {
      ScheduleParams params;
      params.rows = rows, params.panels = panels, params.unrollK = panels == 2 ? 3 : 1, params.rangeKib = 16;
      const Floats out = data.run(LoadedKernel(specText(c, "many"), params), 65);
      for (int r = 0; r < 65; ++r)
        for (int j = 0; j < data.width; ++j)
          ASSERT_EQ(bits(out.at(j, r)), bits(want.at(j, r)))
              << rows << " x " << panels << " row " << r << " column " << j;
    }
}

TEST(LinearActivation, KeepsNaN) {
  for (const char *act : {"relu", "gelu", "gelu_tanh", "silu", "quick_gelu", "none"}) {
    const Case c{24, 48, act, true, false, false, 1, *act == 'n' ? 5.0 : 0.0};
    Data data(c);
    for (float nan : {NAN, -NAN}) {
      data.x(5, 2) = nan;
      for (const char *rowClass : {"one", "few", "many"}) {
        const Floats out = data.run(LoadedKernel(specText(c, rowClass)), 5);
        for (int r = 0; r < 5; ++r)
          for (int j = 0; j < c.n; ++j)
            ASSERT_EQ(std::isnan(out.at(j, r)), r == 2) << act << " " << rowClass << " row " << r << " column " << j;
      }
    }
  }
}

TEST(LinearViews, RowStrideAndUnalignedStartAreFree) {
  const Case c{24, 48, "none", false, false, false};
  Data data(c);
  const LoadedKernel kernel(specText(c, "few"));
  const Floats want = data.run(kernel, 5);
  Floats wide({61, 13});
  for (int r = 0; r < 5; ++r)
    for (int k = 0; k < c.k; ++k)
      wide(k + 3, r) = data.x(k, r);
  Floats out({48, 5});
  Halide::Runtime::Buffer<float> view = wide.buffer;
  view.crop(0, 3, c.k), view.crop(1, 0, 5), view.translate(0, -3);
  kernel({view.raw_buffer(), data.w, out});
  for (int r = 0; r < 5; ++r)
    for (int j = 0; j < 48; ++j)
      ASSERT_EQ(bits(out(j, r)), bits(want.at(j, r)));
}

} // namespace
} // namespace decant::test

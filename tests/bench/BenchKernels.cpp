// Speed of the kernels on one thread against limits measured in the same run. Counters: GFLOP/s and its share of the
// FMA peak (matrix products), GB/s of weights and its share of the read bandwidth of a buffer of that size
// (matrix-vector), time alone for the small kernels.
#include "tests/bench/Peak.h"
#include "tests/schedules/Harness.h"

#include "benchmark/benchmark.h"

namespace decant::bench {
namespace {

using namespace decant::test;

const char *target() { return hasAvx512() ? "x86-64-v4" : "x86-64-v3"; }

double peak() {
  static const double value = peakGflops();
  return value;
}

struct LinearData {
  Floats x, w, bias, out;
  LinearData(int k, int n, int rows)
      : x({k, rows}), w({1, 16, k, (n + 15) / 16}, 0), bias({roundUp16(n)}, 0), out({roundUp16(n), rows}) {
    std::mt19937 random(1);
    fill(x, random), fill(w, random), fill(bias, random);
  }
};

std::string linearSpec(int k, int n, const char *act, const char *rows) {
  return "linear k=" + std::to_string(k) + " n=" + std::to_string(n) + " bias=1 act=" + act +
         " residual=0 gather=0 scale=1 softcap=0 rows=" + rows;
}

void linearMany(benchmark::State &state, const char *act) {
  const int rows = int(state.range(0)), k = int(state.range(1)), n = int(state.range(2));
  LinearData d(k, n, rows);
  const LoadedKernel kernel(linearSpec(k, n, act, "many"), {}, target());
  const std::vector<halide_buffer_t *> args = {d.x, d.w, d.bias, d.out};
  for (auto _ : state)
    kernel(args);
  const double flops = 2.0 * rows * k * n;
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of peak"] = benchmark::Counter(flops * 1e-9 / peak(), benchmark::Counter::kIsIterationInvariantRate);
}

void linearFew(benchmark::State &state) {
  const int rows = int(state.range(0)), k = int(state.range(1)), n = int(state.range(2));
  LinearData d(k, n, rows);
  const LoadedKernel kernel(linearSpec(k, n, "none", "few"), {}, target());
  const std::vector<halide_buffer_t *> args = {d.x, d.w, d.bias, d.out};
  for (auto _ : state)
    kernel(args);
  state.counters["of peak"] =
      benchmark::Counter(2e-9 * rows * k * n / peak(), benchmark::Counter::kIsIterationInvariantRate);
}

void linearOne(benchmark::State &state) {
  const int k = int(state.range(0)), n = int(state.range(1));
  const double bytes = 4.0 * k * n;
  LinearData d(k, n, 1);
  const LoadedKernel kernel(linearSpec(k, n, "none", "one"), {}, target());
  const std::vector<halide_buffer_t *> args = {d.x, d.w, d.bias, d.out};
  for (auto _ : state)
    kernel(args);
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of read"] =
      benchmark::Counter(bytes * 1e-9 / readGbPerSecond(size_t(bytes)), benchmark::Counter::kIsIterationInvariantRate);
}

void norm(benchmark::State &state) {
  const int n = int(state.range(0));
  LinearData d(n, n, 1);
  Floats weight({n}, 0), out({n, 1});
  const LoadedKernel kernel("norm n=" + std::to_string(n) + " groups=1 eps=1e-05 rms=0 plus_one=0 bias=1 rows=one", {},
                            target());
  const std::vector<halide_buffer_t *> args = {d.x, weight, d.bias, out};
  for (auto _ : state)
    kernel(args);
}

/// A kernel of rows: bytes read and written a second.
void rowWise(benchmark::State &state, const std::string &spec, std::vector<int> inputs, int columns) {
  const int rows = int(state.range(0));
  std::mt19937 random(3);
  std::vector<Floats> tensors;
  double bytes = 4.0 * columns * rows;
  for (int width : inputs) {
    fill(tensors.emplace_back(std::vector<int>{width, rows}), random);
    bytes += 4.0 * width * rows;
  }
  tensors.emplace_back(std::vector<int>{columns, rows});
  const std::vector<halide_buffer_t *> args(tensors.begin(), tensors.end());
  const LoadedKernel kernel(spec + (rows == 1 ? " rows=one" : " rows=many"), {}, target());
  for (auto _ : state)
    kernel(args);
  state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void rmsNorm(benchmark::State &state) {
  const int rows = int(state.range(0));
  std::mt19937 random(3);
  Floats x({576, rows}), weight({576}, 0), out({576, rows});
  fill(x, random), fill(weight, random);
  const LoadedKernel kernel(std::string("norm n=576 groups=1 eps=1e-05 rms=1 plus_one=0 bias=0 rows=") +
                                (rows == 1 ? "one" : "many"),
                            {}, target());
  const std::vector<halide_buffer_t *> args = {x, weight, out};
  for (auto _ : state)
    kernel(args);
}

/// `rows` causal query rows at the end of `keys` keys.
void attention(benchmark::State &state) {
  const int heads = int(state.range(0)), width = int(state.range(1)), keys = int(state.range(2)),
            rows = int(state.range(3));
  const int block = 16, blocks = (keys + block - 1) / block, size = rows == 1 ? 1 : 32;
  Floats q({heads * width, rows}), k({16, block / 16 * width, heads, blocks}, 0),
      v({16, width / 16 * block, heads, blocks}, 0), out({heads * width, rows});
  std::mt19937 random(2);
  fill(q, random), fill(k, random), fill(v, random);
  Ints table({blocks, 1}, 0), length({1}, 0), tiles({4, (rows + size - 1) / size}, 0);
  for (int i = 0; i < blocks; ++i)
    table(i, 0) = i;
  length(0) = keys;
  for (int t = 0; t * size < rows; ++t)
    tiles(1, t) = t * size, tiles(2, t) = std::min(size, rows - t * size), tiles(3, t) = keys - rows + t * size;
  const LoadedKernel kernel("attention heads=" + std::to_string(heads) + " kv_heads=" + std::to_string(heads) +
                                " d=" + std::to_string(width) +
                                " block=16 scale=0.1 softcap=0 mask=(le k q) visit=- full=() score=- params=- rows=" +
                                (rows == 1 ? "one" : "many"),
                            {}, target());
  const std::vector<halide_buffer_t *> args = {q, k, v, table, length, tiles, out};
  for (auto _ : state)
    kernel(args);
  state.counters["of peak"] =
      benchmark::Counter(4e-9 * heads * width * keys * rows / peak(), benchmark::Counter::kIsIterationInvariantRate);
}

void kvAppend(benchmark::State &state) {
  Floats k({128, 1}), v({128, 1}), kpool({16, 128, 1, 4}, 0), vpool({128, 16, 1, 4}, 0);
  Ints rowBlock({1}, 0), rowToken({1}, 0);
  const LoadedKernel kernel("kv_append heads=1 d=128 block=16 rows=one", {}, target());
  const std::vector<halide_buffer_t *> args = {k, v, rowBlock, rowToken, kpool, vpool};
  for (auto _ : state)
    kernel(args);
}

void embed(benchmark::State &state) {
  Floats table({128, 64}, 0), positions({128, 64}, 0), out({128, 1});
  Ints ids({1}), position({1});
  const LoadedKernel kernel("embed n=128 scale=1 positions=1 offset=2 rows=one", {}, target());
  const std::vector<halide_buffer_t *> args = {ids, table, position, positions, out};
  for (auto _ : state)
    kernel(args);
}

BENCHMARK_CAPTURE(linearMany, plain, "none")
    ->Args({64, 128, 1024})
    ->Args({64, 1024, 1024})
    ->Args({256, 1024, 1024})
    ->Args({512, 2048, 2048})
    ->Args({320, 1024, 128})
    ->Args({320, 128, 384});
BENCHMARK_CAPTURE(linearMany, gelu, "gelu")->Args({320, 128, 1024});
BENCHMARK(linearFew)->Args({2, 128, 1024})->Args({4, 128, 1024})->Args({4, 2048, 2048})->Args({8, 128, 1024});
BENCHMARK(linearOne)->Args({128, 128})->Args({128, 1024})->Args({1024, 128})->Args({2048, 2048})->Args({4096, 8192});
BENCHMARK(norm)->Arg(128)->Arg(1024);
BENCHMARK(attention)->Args({1, 128, 12, 1})->Args({12, 64, 512, 1})->Args({1, 128, 16, 16})->Args({4, 128, 1024, 256});
BENCHMARK_CAPTURE(rowWise, rope, "rope heads=9 d=64 n=32", {576, 64}, 576)->Arg(1)->Arg(512);
BENCHMARK_CAPTURE(rowWise, gate, "elementwise n=1536 act=silu gate=1 residual=0", {1536, 1536}, 1536)->Arg(1)->Arg(512);
BENCHMARK_CAPTURE(rowWise, residual, "elementwise n=576 act=none gate=0 residual=1", {576, 576}, 576)->Arg(512);
BENCHMARK(rmsNorm)->Arg(1)->Arg(512);
BENCHMARK(kvAppend);
BENCHMARK(embed);

} // namespace
} // namespace decant::bench

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  printf("target %s, FMA peak %.1f GFLOP/s, read bandwidth %.1f GB/s (512 KiB), %.1f GB/s (8 MiB), %.1f GB/s (512 "
         "MiB), one thread\n",
         decant::bench::target(), decant::bench::peak(), decant::bench::readGbPerSecond(512 << 10),
         decant::bench::readGbPerSecond(8 << 20), decant::bench::readGbPerSecond(512 << 20));
  benchmark::RunSpecifiedBenchmarks();
}

// Attention under structured masks against our own dense causal attention, one thread, CPU time, f32, 8 heads.
//   bench-masks D T          rounds of all masks in turn: medians, the share of tiles that the mask's ranges visit, and
//                            how far the time is above that share of causal's
//   bench-masks D T -        serves: reads a mask's name from stdin, answers with the seconds of one run
//   bench-masks D T schedules   dense causal with other register tiles, tiles of rows and grains
// Specs come from the analysis that compiles models, tiles are those of the runtime.
#include "compiler/passes/MaskBounds.h"
#include "schedules/spec/MaskEval.h"
#include "tests/bench/Peak.h"
#include "tests/schedules/Harness.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <map>

namespace decant::bench {
namespace {

using namespace decant::test;

constexpr int kHeads = 8, kBlock = 64;
const char *target() { return hasAvx512() ? "x86-64-v4" : "x86-64-v3"; }

double cpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Eight documents of equal length; the prefix is an eighth of the tokens.
std::vector<std::pair<std::string, std::string>> masks(int keys) {
  const std::string eighth = std::to_string(keys / 8);
  return {{"causal", "(le k q)"},
          {"window", "(and (le k q) (gt k (sub q 512)))"},
          {"document", "(and (le k q) (eq (load segment b k) (load segment b q)))"},
          {"prefix", "(or (le k q) (lt k " + eighth + "))"},
          {"chunked", "(and (le k q) (eq (floordiv k 512) (floordiv q 512)))"}};
}

struct Spec {
  std::string text; ///< without the row class
  MaskBounds bounds;
  bool segments;
};

Spec specOf(const std::string &mask, int width) {
  const bool segments = mask.find("segment") != std::string::npos;
  const std::string paramText = segments ? "segment:i32:2" : "-";
  std::string error;
  auto params = *parseMaskParams(paramText, error);
  for (MaskParam &param : params)
    param.sorted = true;
  MaskBounds bounds = deriveMaskBounds(*parseMaskExpr(mask, params, error), params);
  return {"attention heads=8 kv_heads=8 d=" + std::to_string(width) + " block=" + std::to_string(kBlock) +
              " scale=0.1 softcap=0 mask=" + mask + " visit=" + toText(bounds.visit) + " full=" + toText(bounds.full) +
              " score=- params=" + paramText,
          bounds, segments};
}

/// One sequence of `keys` tokens, every one a query.
struct Data {
  int keys;
  Floats q, k, v, out;
  Ints table, length, segments;

  Data(int width, int keys)
      : keys(keys), q({kHeads * width, keys}), k({16, width * kBlock / 16, kHeads, keys / kBlock}, 0),
        v({16, kBlock * width / 16, kHeads, keys / kBlock}, 0), out({kHeads * width, keys}),
        table({keys / kBlock, 1}, 0), length({1}, 0), segments({keys, 1}, 0) {
    std::mt19937 random(1);
    fill(q, random), fill(k, random), fill(v, random);
    for (int i = 0; i < keys / kBlock; ++i)
      table(i, 0) = i;
    for (int i = 0; i < keys; ++i)
      segments(i, 0) = i / (keys / 8);
    length(0) = keys;
  }

  Ints tiles(int rows) const {
    Ints tiles({4, (keys + rows - 1) / rows}, 0);
    for (int t = 0; t * rows < keys; ++t)
      tiles(0, t) = 0, tiles(1, t) = t * rows, tiles(2, t) = std::min(rows, keys - t * rows), tiles(3, t) = t * rows;
    return tiles;
  }

  double run(const LoadedKernel &kernel, bool withSegments, int rows) {
    Ints tileList = tiles(rows);
    std::vector<halide_buffer_t *> args = {q, k, v, table, length, tileList};
    if (withSegments)
      args.push_back(segments);
    args.push_back(out);
    const double start = cpuSeconds();
    kernel(args);
    return cpuSeconds() - start;
  }
};

/// Blocks of keys that the ranges visit, over all tiles.
double visitedTiles(const MaskBounds &bounds, int keys, int rows) {
  MaskTensors tensors;
  MaskTensor &segment = tensors["segment"] = {{1, keys}, {}};
  for (int i = 0; i < keys; ++i)
    segment.data.push_back(i / (keys / 8));
  double count = 0;
  MaskPoint at;
  at.n = keys;
  for (at.q0 = 0; at.q0 < keys; at.q0 += rows) {
    at.q1 = std::min<int64_t>(at.q0 + rows, keys);
    std::vector<bool> visited(size_t(keys / kBlock), bounds.visit.every);
    for (const KeyRange &range : bounds.visit.ranges) {
      const auto begin = std::max<int64_t>(0, int64_t(evaluate(range.begin, at, tensors)));
      const auto end = std::min<int64_t>(keys, int64_t(evaluate(range.end, at, tensors)));
      for (int64_t block = begin / kBlock; block * kBlock < end; ++block)
        visited[size_t(block)] = true;
    }
    count += double(std::count(visited.begin(), visited.end(), true));
  }
  return count;
}

struct Mask {
  std::string name;
  Spec spec;
  LoadedKernel kernel;
};

std::vector<Mask> compile(int width, int keys) {
  std::vector<Mask> result;
  for (const auto &[name, text] : masks(keys)) {
    Spec spec = specOf(text, width);
    LoadedKernel kernel(spec.text + " rows=many", {}, target());
    result.push_back({name, std::move(spec), kernel});
  }
  return result;
}

void printTable(int width, int keys) {
  Data data(width, keys);
  std::vector<Mask> all = compile(width, keys);
  const int rows = attentionTileRows(RowClass::Many), rounds = keys > 4096 ? 3 : 9;
  std::map<std::string, std::vector<double>> seconds;
  for (int round = 0; round <= rounds; ++round)
    for (const Mask &mask : all)
      if (double time = data.run(mask.kernel, mask.spec.segments, rows); round > 0) // the first warms up
        seconds[mask.name].push_back(time);
  const double causal = median(seconds["causal"]), tiles = visitedTiles(all[0].spec.bounds, keys, rows);
  const double flops = 4.0 * kHeads * width * rows * kBlock;
  printf("D %d, T %d, %s, FMA peak %.1f GFLOP/s\n%-10s %10s %12s %12s %12s %10s\n", width, keys, target(), peakGflops(),
         "mask", "ms", "GFLOP/s", "of causal", "tiles share", "ratio");
  for (const Mask &mask : all) {
    const double time = median(seconds[mask.name]), visited = visitedTiles(mask.spec.bounds, keys, rows);
    printf("%-10s %10.1f %12.1f %12.3f %12.3f %10.3f\n", mask.name.c_str(), time * 1e3, visited * flops / time * 1e-9,
           time / causal, visited / tiles, time / causal / (visited / tiles));
  }
}

void serve(int width, int keys) {
  Data data(width, keys);
  std::vector<Mask> all = compile(width, keys);
  printf("ready\n");
  fflush(stdout);
  for (std::string name; std::getline(std::cin, name);) {
    auto found = std::find_if(all.begin(), all.end(), [&](const Mask &mask) { return mask.name == name; });
    if (found == all.end())
      exit(2);
    printf("%.6f\n", data.run(found->kernel, found->spec.segments, attentionTileRows(RowClass::Many)));
    fflush(stdout);
  }
}

void printSchedules(int width, int keys) {
  Data data(width, keys);
  const Spec spec = specOf("(le k q)", width);
  struct Variant {
    std::string name;
    LoadedKernel kernel;
    int rows;
    std::vector<double> seconds;
  };
  std::vector<Variant> all;
  for (const char *rowClass : {"many", "few"})
    for (int queryRows : {0, 2, 4, 8})
      for (int grain : {0, 1, 8}) {
        ScheduleParams params;
        params.queryRows = queryRows, params.grain = grain;
        const int rows = attentionTileRows(rowClass[0] == 'm' ? RowClass::Many : RowClass::Few);
        all.push_back(
            {std::string(rowClass) + " queryRows " + std::to_string(queryRows) + " grain " + std::to_string(grain),
             LoadedKernel(spec.text + " rows=" + rowClass, params, target()),
             rows,
             {}});
      }
  for (int round = 0; round < 7; ++round)
    for (Variant &variant : all)
      if (double time = data.run(variant.kernel, false, variant.rows); round > 0)
        variant.seconds.push_back(time);
  const double ours = median(all[0].seconds);
  printf("D %d, T %d, causal; the rule's schedule is the first\n", width, keys);
  for (const Variant &variant : all)
    printf("%-28s %8.1f ms %6.3f\n", variant.name.c_str(), median(variant.seconds) * 1e3,
           median(variant.seconds) / ours);
}

} // namespace
} // namespace decant::bench

int main(int argc, char **argv) {
  const int width = argc > 2 ? atoi(argv[1]) : 0, keys = argc > 2 ? atoi(argv[2]) : 0;
  const std::string mode = argc > 3 ? argv[3] : "";
  if (width < 16 || width % 16 || keys < 64 || keys % 64 || (mode != "" && mode != "-" && mode != "schedules")) {
    fprintf(stderr, "usage: bench-masks D T [- | schedules]: D a multiple of 16, T of 64\n");
    return 2;
  }
  if (mode == "-")
    decant::bench::serve(width, keys);
  else if (mode == "schedules")
    decant::bench::printSchedules(width, keys);
  else
    decant::bench::printTable(width, keys);
}

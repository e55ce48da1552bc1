#include "tools/decant/ExplainMask.h"

#include "tools/decant/ExplainRow.h"

#include <fmt/format.h>

#include <algorithm>

namespace decant::cli {
namespace {

constexpr int64_t kDocuments = 8;
constexpr double kBudget = 1e9; ///< nodes evaluated for one count: some seconds

bool contains(const std::string &text, std::string_view part) { return text.find(part) != std::string::npos; }

struct ExampleValue {
  MaskTensor tensor;
  std::string text;
};

ExampleValue same(const ExplainedParam &param, double value, std::string text) {
  return {{std::vector<int64_t>(size_t(param.param.rank), 1), {value}}, std::move(text)};
}

ExampleValue documents(const ExplainedParam &param, int64_t size) {
  MaskTensor tensor{std::vector<int64_t>(size_t(param.param.rank), 1), {}};
  tensor.extents.back() = size;
  for (int64_t k = 0; k < size; ++k)
    tensor.data.push_back(double(k * kDocuments / size));
  return {std::move(tensor), fmt::format("{}: {} equal documents", param.name, kDocuments)};
}

ExampleValue exampleValue(const ExplainedParam &param, int64_t size) {
  const std::string &name = param.name;
  if (param.weight)
    return {*param.weight, name + ": the model's weight"};
  if (param.param.type == "u8")
    return same(param, 1, name + ": all true");
  if (param.param.type == "i32") {
    if (param.param.rank > 0 && (param.param.sorted || contains(name, "segment") || contains(name, "document")))
      return documents(param, size);
    if (contains(name, "prefix"))
      return same(param, double(size / 4), fmt::format("{} = {}", name, size / 4));
    if (param.isLength || contains(name, "len"))
      return same(param, double(size), fmt::format("{} = {}", name, size));
  }
  double value = param.neutral.value_or(0);
  return same(param, value, fmt::format("{} = {:g}{}", name, value, param.neutral ? " (neutral)" : ""));
}

MaskExpr constant(MaskExpr::Type type, double value) {
  MaskExpr e;
  e.type = type;
  e.op = type == MaskExpr::Type::Bool ? "bool" : type == MaskExpr::Type::I32 ? "int" : "float";
  e.floatValue = value;
  e.intValue = type == MaskExpr::Type::F32 ? 0 : int64_t(value);
  return e;
}

bool isConstant(const MaskExpr &e) { return e.op == "int" || e.op == "float" || e.op == "bool"; }

struct Specialiser {
  std::optional<int64_t> q;
  const MaskTensors &tensors;

  MaskExpr operator()(const MaskExpr &e) const {
    if (e.op == "index") {
      if (e.name == "b" || e.name == "h")
        return constant(e.type, 0);
      return e.name == "q" && q ? constant(e.type, double(*q)) : e;
    }
    if (e.op == "load" && isSingle(e.name))
      return constant(e.type, tensors.find(e.name)->second.data[0]);
    if (e.op == "and" || e.op == "or")
      return junction(e);
    MaskExpr result = e;
    for (MaskExpr &arg : result.args)
      arg = (*this)(arg);
    if (isConstant(e) || !std::all_of(result.args.begin(), result.args.end(), isConstant))
      return result;
    return constant(e.type, evaluate(result, {}, tensors));
  }

private:
  bool isSingle(const std::string &name) const {
    auto found = tensors.find(name);
    return found != tensors.end() && found->second.data.size() == 1;
  }

  /// `x and true` is x, `x and false` is false.
  MaskExpr junction(const MaskExpr &e) const {
    const bool neutral = e.op == "and";
    MaskExpr result = e;
    result.args.clear();
    for (const MaskExpr &arg : e.args) {
      MaskExpr known = (*this)(arg);
      if (!isConstant(known))
        result.args.push_back(std::move(known));
      else if ((known.intValue != 0) != neutral)
        return known;
    }
    if (result.args.empty())
      return constant(e.type, neutral);
    return result.args.size() == 1 ? MaskExpr(result.args[0]) : result;
  }
};

double nodes(const MaskExpr &e) {
  double count = 1;
  for (const MaskExpr &arg : e.args)
    count += nodes(arg);
  return count;
}

struct Interval {
  int64_t begin, end;
};

/// Within [0, n], whatever the value.
int64_t position(double value, int64_t n) { return value > 0 ? (value < double(n) ? int64_t(value) : n) : 0; }

/// Ascending, apart, within [0, n).
std::vector<Interval> intervals(const KeyRanges &ranges, const MaskPoint &at, const MaskTensors &tensors) {
  if (ranges.every)
    return {{0, at.n}};
  std::vector<Interval> found;
  for (const KeyRange &range : ranges.ranges) {
    Interval next{position(evaluate(range.begin, at, tensors), at.n), position(evaluate(range.end, at, tensors), at.n)};
    if (next.begin < next.end)
      found.push_back(next);
  }
  std::sort(found.begin(), found.end(), [](Interval a, Interval b) { return a.begin < b.begin; });
  std::vector<Interval> merged;
  for (Interval next : found)
    if (!merged.empty() && next.begin <= merged.back().end)
      merged.back().end = std::max(merged.back().end, next.end);
    else
      merged.push_back(next);
  return merged;
}

bool touches(const std::vector<Interval> &all, int64_t begin, int64_t end) {
  return std::any_of(all.begin(), all.end(), [&](Interval i) { return i.begin < end && begin < i.end; });
}

bool covers(const std::vector<Interval> &all, int64_t begin, int64_t end) {
  return std::any_of(all.begin(), all.end(), [&](Interval i) { return i.begin <= begin && end <= i.end; });
}

std::vector<TileRun> tileRuns(const ExplainedFunction &mask, const MaskPoint &at, const MaskTensors &tensors) {
  const std::vector<Interval> visit = intervals(mask.visit, at, tensors), full = intervals(mask.full, at, tensors);
  std::vector<TileRun> runs;
  for (int64_t block = 0; block * mask.block < at.n; ++block) {
    const int64_t begin = block * mask.block, end = std::min(begin + mask.block, at.n);
    if (!touches(visit, begin, end))
      continue;
    const Tile tile = covers(full, begin, end) ? Tile::Full : Tile::Partial;
    if (!runs.empty() && runs.back().end == block && runs.back().tile == tile)
      runs.back().end = block + 1;
    else
      runs.push_back({block, block + 1, tile});
  }
  return runs;
}

MaskPoint tilePoint(int64_t row, int64_t size) {
  MaskPoint at;
  at.q0 = row * kQueryRows, at.q1 = std::min(at.q0 + kQueryRows, size), at.n = size;
  return at;
}

/// Visible pairs of the partial tiles, from every `step`-th query.
void countVisible(const ExplainedFunction &mask, const MaskTensors &tensors, TileCensus &census) {
  const MaskExpr any = specialise(mask.expr, std::nullopt, tensors);
  double work = 0;
  for (const auto &runs : census.rows)
    for (const TileRun &run : runs)
      work += run.tile == Tile::Partial ? double(run.end - run.begin) * double(mask.block * kQueryRows) : 0;
  const int64_t step = isConstant(any) ? 1 : 1 + int64_t(work * nodes(any) / kBudget);
  int64_t counted = 0;
  for (int64_t q = 0; q < census.size; q += step, ++census.sampledRows) {
    const MaskExpr row = specialise(any, q, tensors);
    for (const TileRun &run : census.rows[size_t(q / kQueryRows)]) {
      const int64_t begin = run.begin * mask.block, end = std::min(run.end * mask.block, census.size);
      if (run.tile == Tile::Full || isConstant(row))
        counted += run.tile == Tile::Full || row.intValue ? end - begin : 0;
      else
        for (double visible : evaluateRow(row, q, begin, end, tensors))
          counted += visible != 0;
    }
  }
  census.visiblePairs = double(counted) * double(census.size) / double(std::max(int64_t(1), census.sampledRows));
}

} // namespace

Example exampleValues(const ExplainedFunction &function, int64_t size) {
  Example example;
  for (const ExplainedParam &param : function.params) {
    ExampleValue value = exampleValue(param, size);
    example.tensors[param.param.name] = std::move(value.tensor);
    example.texts.push_back(std::move(value.text));
  }
  return example;
}

MaskExpr specialise(const MaskExpr &expr, std::optional<int64_t> q, const MaskTensors &tensors) {
  return Specialiser{q, tensors}(expr);
}

TileCensus countTiles(const ExplainedFunction &mask, int64_t size) {
  const MaskTensors tensors = exampleValues(mask, size).tensors;
  TileCensus census;
  census.size = size, census.block = mask.block;
  const int64_t blocks = (size + mask.block - 1) / mask.block;
  for (int64_t row = 0; row * kQueryRows < size; ++row) {
    const MaskPoint at = tilePoint(row, size);
    census.rows.push_back(tileRuns(mask, at, tensors));
    int64_t left = blocks;
    for (const TileRun &run : census.rows.back()) {
      const int64_t keys = std::min(run.end * mask.block, size) - run.begin * mask.block;
      (run.tile == Tile::Full ? census.full : census.partial) += run.end - run.begin;
      left -= run.end - run.begin;
      census.visitedKeys += keys;
      census.visitedPairs += keys * (at.q1 - at.q0);
    }
    census.empty += left;
  }
  countVisible(mask, tensors, census);
  return census;
}

int64_t visitedKeysOfRow(const ExplainedFunction &mask, int64_t position, int64_t keys) {
  const MaskTensors tensors = exampleValues(mask, keys).tensors;
  MaskPoint at;
  at.q0 = position, at.q1 = position + 1, at.n = keys;
  int64_t count = 0;
  for (const TileRun &run : tileRuns(mask, at, tensors))
    count += std::min(run.end * mask.block, keys) - run.begin * mask.block;
  return count;
}

std::vector<std::string> drawElements(const ExplainedFunction &mask, int64_t size) {
  const MaskTensors tensors = exampleValues(mask, size).tensors;
  std::vector<std::string> rows;
  for (int64_t q = 0; q < size; ++q) {
    const MaskExpr row = specialise(mask.expr, q, tensors);
    std::string line;
    for (MaskPoint at{.q = q}; at.k < size; ++at.k)
      line += evaluate(row, at, tensors) != 0 ? '#' : '.';
    rows.push_back(std::move(line));
  }
  return rows;
}

} // namespace decant::cli

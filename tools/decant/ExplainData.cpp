#include "tools/decant/ExplainData.h"

#include "tools/decant/ExplainInfix.h"
#include "tools/decant/ExplainWork.h"

#include "llvm/Support/JSON.h"

#include <fmt/format.h>

#include <algorithm>

namespace decant::cli {
namespace {

constexpr int64_t kSmallSize = 16;

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

Outline describeTiles(const TileCensus &census) {
  Outline out;
  out.add("size", census.size);
  out.add("query_rows", kQueryRows);
  out.add("block_tokens", census.block);
  out.add("tiles", census.tiles());
  out.add("empty", census.empty);
  out.add("partial", census.partial);
  out.add("full", census.full);
  out.add("skipped_percent", percent(double(census.empty), double(census.tiles())));
  out.add("visited_pairs", census.visitedPairs);
  out.add("visible_percent", percent(census.visiblePairs, double(census.size) * double(census.size)));
  out.add("counted_queries", census.sampledRows);
  return out;
}

Outline describeFunction(const ExplainedFunction &function, int64_t size) {
  const ParamNames names = namesOf(function);
  const Example example = exampleValues(function, size);
  Outline out;
  out.add("name", function.name);
  out.add("formula", infix(function.expr, names));
  out.add("expression", toText(function.expr));
  Outline::List params;
  for (size_t i = 0; i < function.params.size(); ++i) {
    const ExplainedParam &param = function.params[i];
    Outline entry;
    entry.add("symbol", param.param.name);
    entry.add("name", param.name);
    entry.add("type", param.param.type);
    entry.add("rank", int64_t(param.param.rank));
    entry.add("sorted", param.param.sorted);
    entry.add("drawn_with", example.texts[i]);
    params.push_back(std::move(entry));
  }
  out.add("parameters", std::move(params));
  out.add("caches", Outline::List(function.caches.begin(), function.caches.end()));
  return out;
}

Outline describeAttention(const AttentionWork &work) {
  Outline out;
  out.add("entry", work.entry);
  out.add("cache", work.cache);
  out.add("mask", work.mask);
  out.add("heads", work.heads);
  out.add("head_dim", work.dim);
  out.add("flops", work.flops);
  out.add("dense_flops", work.denseFlops);
  out.add("bytes", work.bytes);
  out.add("dense_bytes", work.denseBytes);
  return out;
}

Outline describeToken(const TokenWork &work) {
  Outline out;
  out.add("entry", work.entry);
  out.add("keys", work.keys);
  out.add("linear_flops", work.linearFlops);
  out.add("attention_flops", work.attentionFlops);
  out.add("dense_attention_flops", work.denseAttentionFlops);
  out.add("weight_bytes", work.weightBytes);
  out.add("cache_bytes", work.cacheBytes);
  out.add("dense_cache_bytes", work.denseCacheBytes);
  return out;
}

Outline describeOp(const ExplainedOp &op) {
  Outline out;
  out.add("op", op.kind);
  for (const auto &[key, text] :
       {std::pair("layer", &op.group), std::pair("shape", &op.detail), std::pair("weight", &op.name),
        std::pair("mask", &op.mask), std::pair("score", &op.score), std::pair("cache", &op.cache)})
    if (!text->empty())
      out.add(key, *text);
  return out;
}

Outline describeCache(const ExplainedCache &cache) {
  Outline out;
  out.add("name", cache.name);
  out.add("kind", cache.kind);
  out.add("kv_heads", cache.heads);
  out.add("head_dim", cache.dim);
  out.add("block_tokens", cache.block);
  if (cache.window)
    out.add("window", cache.window);
  return out;
}

Outline describeKernel(const ExplainedKernel &kernel) {
  Outline out;
  out.add("spec", kernel.spec);
  out.add("encode_steps", kernel.encodeSteps);
  out.add("decode_steps", kernel.decodeSteps);
  return out;
}

template <class Item, class Describe> Outline::List listOf(const std::vector<Item> &items, Describe describe) {
  Outline::List list;
  for (const Item &item : items)
    list.push_back(describe(item));
  return list;
}

} // namespace

ParamNames namesOf(const ExplainedFunction &function) {
  ParamNames names;
  for (const ExplainedParam &param : function.params)
    names[param.param.name] = param.name;
  return names;
}

int64_t windowOf(const ExplainedModel &model, const ExplainedFunction &mask) {
  int64_t window = 0;
  for (const std::string &name : mask.caches)
    window = std::max(window, model.cache(name)->window);
  return window;
}

Outline describeMask(const ExplainedModel &model, const ExplainedFunction &mask, int64_t size) {
  Outline out = describeFunction(mask, size);
  const ParamNames names = namesOf(mask);
  out.add("visit", toText(mask.visit));
  out.add("visit_formula", infix(mask.visit, names));
  out.add("full", toText(mask.full));
  out.add("full_formula", infix(mask.full, names));
  if (int64_t window = windowOf(model, mask))
    out.add("window", window);
  out.add("size", size);
  const std::vector<std::string> rows = drawElements(mask, size);
  out.add("rows", Outline::List(rows.begin(), rows.end()));
  Outline::List tiles{describeTiles(countTiles(mask, size))};
  if (size != kLargeSize)
    tiles.push_back(describeTiles(countTiles(mask, kLargeSize)));
  out.add("tiles", std::move(tiles));
  return out;
}

Outline describeExplained(const ExplainedModel &model) {
  Outline out;
  out.add("name", model.name);
  out.add("kind", model.kind);
  out.add("width", model.width);
  out.add("vocab", model.vocab);
  out.add("max_batch", model.maxBatch);
  out.add("max_context", model.maxContext);
  out.add("max_source", model.maxSource);
  out.add("parameters", model.parameters);
  out.add("weight_bytes", model.weightBytes);
  Outline::List masks, scores;
  for (const ExplainedFunction &function : model.functions)
    if (function.isMask)
      masks.push_back(describeMask(model, function, kSmallSize));
    else
      scores.push_back(describeFunction(function, kSmallSize));
  out.add("masks", std::move(masks));
  out.add("scores", std::move(scores));
  out.add("caches", listOf(model.caches, describeCache));
  out.add("attention", listOf(attentionWork(model, Censuses(model)), describeAttention));
  out.add("token", listOf(tokenWork(model), describeToken));
  out.add("entries", listOf(model.entries, [](const ExplainedEntry &entry) {
            Outline told;
            told.add("name", entry.name);
            told.add("ops", listOf(entry.ops, describeOp));
            return told;
          }));
  out.add("kernels", listOf(model.kernels, describeKernel));
  return out;
}

} // namespace decant::cli

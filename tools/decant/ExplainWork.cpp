#include "tools/decant/ExplainWork.h"

#include <algorithm>

namespace decant::cli {
namespace {

constexpr int64_t kFlopsPerPair = 4; ///< a column: multiply and add for the score, and again for the sum of values
constexpr int64_t kBytesPerKey = 8;  ///< a column: a key's and a value's f32

void addAttention(const ExplainedModel &model, const ExplainedOp &op, TokenWork &work) {
  const ExplainedCache &cache = *model.cache(op.cache);
  const int64_t keys = cache.kind == "cross" ? model.maxSource : work.keys;
  // A token of @decode stands at the end of its context, whatever the source's length.
  const int64_t visited = visitedKeysOfRow(*model.find(op.mask), work.keys - 1, keys), columns = op.heads * cache.dim;
  work.attentionFlops += kFlopsPerPair * columns * visited;
  work.denseAttentionFlops += kFlopsPerPair * columns * keys;
  work.cacheBytes += kBytesPerKey * columns * visited;
  work.denseCacheBytes += kBytesPerKey * columns * keys;
}

} // namespace

Censuses::Censuses(const ExplainedModel &model, int64_t size) {
  for (const ExplainedFunction &function : model.functions)
    if (function.isMask)
      byMask.emplace(function.name, countTiles(function, size));
}

std::vector<AttentionWork> attentionWork(const ExplainedModel &model, const Censuses &censuses) {
  std::vector<AttentionWork> all;
  for (const ExplainedEntry &entry : model.entries)
    for (const ExplainedOp &op : entry.ops) {
      if (op.mask.empty())
        continue;
      const TileCensus &census = censuses.of(op.mask);
      const int64_t dim = model.cache(op.cache)->dim, columns = op.heads * dim;
      AttentionWork work{entry.name, op.cache, op.mask, op.heads, dim};
      work.flops = kFlopsPerPair * columns * census.visitedPairs;
      work.denseFlops = kFlopsPerPair * columns * census.size * census.size;
      work.bytes = kBytesPerKey * columns * census.visitedKeys;
      work.denseBytes = kBytesPerKey * columns * census.size * int64_t(census.rows.size());
      all.push_back(std::move(work));
    }
  return all;
}

std::vector<TokenWork> tokenWork(const ExplainedModel &model) {
  std::vector<TokenWork> all;
  for (const ExplainedEntry &entry : model.entries) {
    TokenWork work;
    work.entry = entry.name;
    work.keys = std::max(int64_t(1), entry.name == "encode" ? model.maxSource : model.maxContext);
    for (const ExplainedOp &op : entry.ops) {
      work.linearFlops += 2 * op.macs;
      work.weightBytes += op.weightBytes;
      if (!op.mask.empty())
        addAttention(model, op, work);
    }
    all.push_back(std::move(work));
  }
  return all;
}

} // namespace decant::cli

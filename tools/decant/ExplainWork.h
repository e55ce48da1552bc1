// The work of a model: multiplications and bytes, with its masks and without.
//
// A FLOP is a multiplication or an addition. Counted: linears 2 N K a row, attention 4 D a (query, key, head) of the
// tiles that the mask leaves. Bytes: weights once a step; keys and values once a query tile and head. Norms,
// activations and softmax are not counted. Tested in tests/e2e.
#pragma once

#include "tools/decant/ExplainModel.h"

#include <map>

namespace decant::cli {

inline constexpr int64_t kLargeSize = 4096; ///< queries and keys of the drawings by tiles

/// One tile census a mask, each made once.
class Censuses {
public:
  explicit Censuses(const ExplainedModel &model, int64_t size = kLargeSize);
  const TileCensus &of(const std::string &mask) const { return byMask.at(mask); }

private:
  std::map<std::string, TileCensus> byMask;
};

/// Attention of kLargeSize queries to as many keys, from nothing cached; dense: every tile.
struct AttentionWork {
  std::string entry, cache, mask;
  int64_t heads = 0, dim = 0;
  int64_t flops = 0, denseFlops = 0, bytes = 0, denseBytes = 0;
};
std::vector<AttentionWork> attentionWork(const ExplainedModel &model, const Censuses &censuses);

/// One token at the end of a full context (encode: of a full source).
struct TokenWork {
  std::string entry;
  int64_t keys = 0; ///< of a self-attention; cross-attention has max_source
  int64_t linearFlops = 0, attentionFlops = 0, denseAttentionFlops = 0;
  int64_t weightBytes = 0, cacheBytes = 0, denseCacheBytes = 0;
};
std::vector<TokenWork> tokenWork(const ExplainedModel &model);

} // namespace decant::cli

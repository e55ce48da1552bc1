// A model -> what `decant explain` tells about it: figures, ops of the entries, masks and scores, caches, kernels.
//
// Functions, ops and caches are those of phase cache (one op for a step of the paper), kernels those of phase emit.
// Strings of the model are as they stand there: whoever prints them escapes them. Tested in tests/e2e.
#pragma once

#include "tools/decant/ExplainMask.h"
#include "tools/decant/Options.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace decant::cli {

struct ExplainedCache {
  std::string name, kind;
  int64_t heads = 0, dim = 0, block = 0;
  int64_t window = 0; ///< 0: all tokens stay
};

/// An op of an entry. `group`: the layer, by the names of its weights ("decoder.layers.0"); empty: none.
struct ExplainedOp {
  std::string kind = {}, detail = {}, name = {}, group = {};
  const void *input = nullptr; ///< tells which linears share theirs; not for use as a pointer
  int skip = -1;               ///< residual: number of the op whose result it adds; -1: none, or the entry's input
  int64_t macs = 0;            ///< multiplications and additions of a row, as pairs; attention's are apart
  int64_t weightBytes = 0;     ///< read by a step
  std::string mask = {}, score = {}, cache = {};
  int64_t heads = 0;
};

struct ExplainedEntry {
  std::string name;
  std::vector<ExplainedOp> ops;
};

struct ExplainedKernel {
  std::string spec;
  int64_t encodeSteps = 0, decodeSteps = 0;
};

struct ExplainedModel {
  std::string name, kind;
  int64_t width = 0, vocab = 0, maxBatch = 0, maxContext = 0, maxSource = 0;
  int64_t parameters = 0, weightBytes = 0; ///< of the dec.weights, f32, each once
  std::vector<ExplainedFunction> functions;
  std::vector<ExplainedCache> caches;
  std::vector<ExplainedEntry> entries;
  std::vector<ExplainedKernel> kernels;

  const ExplainedFunction *find(const std::string &function) const;
  const ExplainedCache *cache(const std::string &name) const;
};

/// Errors: as loading and compiling; Usage for IR past phase cache, whose masks are gone.
llvm::Expected<ExplainedModel> explainModel(const ExplainOptions &options);

} // namespace decant::cli

// Attention, caches and lengths. Softmax in T, keys in order, only visible ones are read. See Interpreter.h.
#include "compiler/config/Errors.h"
#include "compiler/reference/InterpreterState.h"

#include <cmath>
#include <fmt/format.h>

using namespace mlir;

namespace decant {

template <class T> void Interpreter<T>::State::clearLocalCaches() {
  for (auto cache : model.getBody().getOps<dec::CacheOp>())
    if (cache.getKind() == dec::CacheKind::Local)
      caches.erase(cache.getSymName());
}

static Tensor<int64_t> vectorOf(std::vector<int64_t> data) {
  return {{static_cast<int64_t>(data.size())}, std::move(data)};
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::LengthsOp op) {
  const Rows &division = rows(op.getRows());
  std::vector<int64_t> lengths;
  for (int64_t b = 0; b < division.sequences(); ++b)
    lengths.push_back(division.positions[b] + division.count(b));
  values[op.getResult()] = vectorOf(std::move(lengths));
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::CacheLengthsOp op) {
  int64_t columns = 0;
  if (auto cache = dec::lookupCache(op, op.getCache()))
    columns = cache.getKvHeads() * cache.getHeadDim();
  std::vector<int64_t> lengths;
  for (const CachedSequence &sequence : caches[op.getCache()])
    lengths.push_back(static_cast<int64_t>(sequence.key.size()) / columns);
  values[op.getResult()] = vectorOf(std::move(lengths));
  return llvm::Error::success();
}

/// Rows at position p replace what the cache held from p on: position 0 starts a sequence anew.
template <class T> llvm::Error Interpreter<T>::State::eval(dec::KvAppendOp op) {
  const Real &key = real(op.getKey()), &value = real(op.getValue());
  const Rows &division = rows(op.getRows());
  if (key.shape != value.shape)
    return error(op, "keys and values have different numbers of rows");
  if (llvm::Error error = checkRows(op, key, division))
    return error;
  std::vector<CachedSequence> &cache = caches[op.getCache()];
  if (dec::lookupCache(op, op.getCache()).getKind() != dec::CacheKind::Self)
    cache.clear();
  cache.resize(std::max<size_t>(cache.size(), division.sequences()));
  int64_t n = key.shape[1];
  for (int64_t b = 0; b < division.sequences(); ++b) {
    size_t kept = division.positions[b] * n;
    if (kept > cache[b].key.size())
      return error(op, fmt::format("sequence {} goes on at position {}, its cache holds {} tokens", b,
                                   division.positions[b], cache[b].key.size() / n));
    cache[b].key.resize(kept);
    cache[b].value.resize(kept);
    cache[b].key.insert(cache[b].key.end(), key.row(division.offsets[b]), key.row(division.offsets[b + 1]));
    cache[b].value.insert(cache[b].value.end(), value.row(division.offsets[b]), value.row(division.offsets[b + 1]));
  }
  return llvm::Error::success();
}

template <class T>
FunctionEvaluator<T> Interpreter<T>::State::evaluator(Operation *user, StringRef symbol, ValueRange params) {
  typename FunctionEvaluator<T>::Params list;
  for (mlir::Value param : params)
    list.push_back(&values.find(param)->second);
  return {SymbolTable::lookupNearestSymbolFrom(user, StringAttr::get(user->getContext(), symbol)), std::move(list)};
}

/// softmax over the visible keys, in place: scores -> weights. No key: nothing to do.
template <class T> static void softmax(std::vector<T> &scores) {
  if (scores.empty())
    return;
  T largest = *std::max_element(scores.begin(), scores.end()), sum = 0;
  for (T &score : scores)
    sum += score = std::exp(score - largest);
  for (T &score : scores)
    score /= sum;
}

/// `keys`: one entry a sequence.
template <class T>
template <class Op>
llvm::Error Interpreter<T>::State::attend(Op op, int64_t kvHeads, ArrayRef<Keys<T>> keys) {
  const Real &query = real(op.getQuery());
  const Rows &division = rows(op.getQueryRows());
  if (llvm::Error error = checkRows(op, query, division))
    return error;
  if (division.sequences() > static_cast<int64_t>(keys.size()))
    return error(op, fmt::format("queries of {} sequences, keys of {}", division.sequences(), keys.size()));
  FunctionEvaluator<T> mask = evaluator(op, op.getMask(), op.getMaskParams());
  std::optional<FunctionEvaluator<T>> bias;
  if (op.getScore())
    bias.emplace(evaluator(op, *op.getScore(), op.getScoreParams()));
  int64_t heads = op.getHeads(), dim = query.shape[1] / heads, stride = kvHeads * dim;
  T scale = static_cast<T>(op.getScale().convertToDouble());
  T cap = op.getSoftcap() ? static_cast<T>(op.getSoftcap()->convertToDouble()) : T(0);
  Real result = matrix<T>(query.shape[0], query.shape[1]);
  std::vector<int64_t> seen;
  std::vector<T> weight;

  for (int64_t b = 0; b < division.sequences(); ++b)
    for (int64_t i = 0; i < division.count(b); ++i)
      for (int64_t h = 0; h < heads; ++h) {
        int64_t q = division.positions[b] + i, first = h / (heads / kvHeads) * dim;
        const T *x = query.row(division.offsets[b] + i) + h * dim;
        T *out = result.row(division.offsets[b] + i) + h * dim;
        seen.clear(), weight.clear();
        if (!mask.problem().empty())
          return error(op, mask.problem());
        for (int64_t j = 0; j < keys[b].count; ++j) {
          int64_t k = keys[b].position + j;
          if (!mask.visible(b, h, q, k))
            continue;
          T dot = 0;
          for (int64_t d = 0; d < dim; ++d)
            dot += x[d] * keys[b].key[j * stride + first + d];
          seen.push_back(j);
          T scaled = cap > 0 ? cap * std::tanh(scale * dot / cap) : scale * dot;
          weight.push_back(scaled + (bias ? bias->score(b, h, q, k) : T(0)));
        }
        softmax(weight);
        for (size_t s = 0; s < seen.size(); ++s)
          for (int64_t d = 0; d < dim; ++d)
            out[d] += weight[s] * keys[b].value[seen[s] * stride + first + d];
      }
  std::string problem = !mask.problem().empty() ? mask.problem() : bias ? bias->problem() : "";
  if (!problem.empty())
    return error(op, problem);
  values[op.getResult()] = std::move(result);
  return llvm::Error::success();
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::AttentionOp op) {
  const Real &key = real(op.getKey()), &value = real(op.getValue());
  const Rows &division = rows(op.getKeyRows());
  if (key.shape != value.shape)
    return error(op, "keys and values have different numbers of rows");
  if (llvm::Error error = checkRows(op, key, division))
    return error;
  SmallVector<Keys<T>> keys;
  for (int64_t b = 0; b < division.sequences(); ++b)
    keys.push_back(
        {key.row(division.offsets[b]), value.row(division.offsets[b]), division.count(b), division.positions[b]});
  return attend(op, op.getKvHeads(), keys);
}

template <class T> llvm::Error Interpreter<T>::State::eval(dec::CachedAttentionOp op) {
  dec::CacheOp cache = dec::lookupCache(op, op.getCache());
  int64_t columns = cache.getKvHeads() * cache.getHeadDim();
  SmallVector<Keys<T>> keys;
  for (const CachedSequence &sequence : caches[op.getCache()])
    keys.push_back(
        {sequence.key.data(), sequence.value.data(), static_cast<int64_t>(sequence.key.size()) / columns, 0});
  return attend(op, cache.getKvHeads(), keys);
}

#define DECANT_INSTANTIATE(T)                                                                                          \
  template void Interpreter<T>::State::clearLocalCaches();                                                             \
  template llvm::Error Interpreter<T>::State::eval(dec::LengthsOp);                                                    \
  template llvm::Error Interpreter<T>::State::eval(dec::CacheLengthsOp);                                               \
  template llvm::Error Interpreter<T>::State::eval(dec::KvAppendOp);                                                   \
  template llvm::Error Interpreter<T>::State::eval(dec::AttentionOp);                                                  \
  template llvm::Error Interpreter<T>::State::eval(dec::CachedAttentionOp);
DECANT_INSTANTIATE(float)
DECANT_INSTANTIATE(double)
#undef DECANT_INSTANTIATE

} // namespace decant

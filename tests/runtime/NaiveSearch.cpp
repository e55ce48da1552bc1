#include "NaiveSearch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace toy {
namespace {

struct Sequence {
  std::vector<int32_t> ids; ///< prompt included
  float score;
  bool finished;
};

struct Naive {
  const std::vector<int32_t> &source;
  const NaiveOptions &o;

  bool isEnd(int32_t id) const { return std::count(o.model.eos.begin(), o.model.eos.end(), id) > 0; }

  std::vector<float> rules(std::vector<float> row, int32_t length) const {
    auto forbid = [&](const std::vector<int32_t> &ids) {
      for (int32_t id : ids)
        row[size_t(id)] = -INFINITY;
    };
    auto force = [&](int32_t id) {
      std::fill(row.begin(), row.end(), -INFINITY);
      row[size_t(id)] = 0;
    };
    if (length < o.model.min_length)
      forbid(o.model.eos);
    if (o.model.forced_bos >= 0 && length == 1)
      force(o.model.forced_bos);
    if (o.model.forced_eos >= 0 && length == o.model.max_length - 1)
      force(o.model.forced_eos);
    forbid(o.model.suppress);
    if (length == (o.model.forced_bos >= 0 ? 2 : 1))
      forbid(o.model.begin_suppress);
    return row;
  }

  static std::vector<float> logSoftmax(std::vector<float> row) {
    float top = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (float value : row)
      sum += std::exp(double(value) - double(top));
    for (float &value : row)
      value = value - top - float(std::log(sum));
    return row;
  }

  std::vector<float> logits(const std::vector<int32_t> &ids) const {
    std::vector<float> row;
    const bool window = o.model.keys == Keys::Window && ids.size() > kWindow;
    const std::vector<int32_t> seen(window ? ids.end() - kWindow : ids.begin(), ids.end());
    for (int32_t v = 0; v < int32_t(kVocab); ++v)
      row.push_back(logit(source, seen, v));
    return row;
  }

  static std::vector<size_t> best(const std::vector<float> &scores, size_t count) {
    std::vector<size_t> order(scores.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
    order.resize(std::min(count, order.size()));
    return order;
  }

  NaiveResult greedy() const {
    std::vector<int32_t> ids = {kStart};
    float sum = 0;
    while (int32_t(ids.size()) < o.model.max_length) {
      std::vector<float> row = logSoftmax(rules(logits(ids), int32_t(ids.size())));
      ids.push_back(int32_t(std::max_element(row.begin(), row.end()) - row.begin()));
      sum += row[size_t(ids.back())];
      if (isEnd(ids.back()))
        break;
    }
    ids.erase(ids.begin());
    return {ids, sum / std::pow(float(ids.size()), o.length_penalty)};
  }

  NaiveResult beams() const {
    const size_t n = size_t(o.num_beams), keep = std::max<size_t>(2, 1 + o.model.eos.size()) * n;
    std::vector<Sequence> running(n, {{kStart}, -1e9f, false}), finished(n, {{}, -1e9f, false});
    running[0].score = 0;
    bool can_improve = true;
    auto allFinished = [&] {
      return std::all_of(finished.begin(), finished.end(), [](const Sequence &s) { return s.finished; });
    };
    auto penalty = [&](size_t length) { return float(std::pow(double(length), double(o.length_penalty))); };
    for (;;) {
      size_t length = running[0].ids.size();
      std::vector<float> all;
      for (const Sequence &s : running)
        for (float value : rules(logSoftmax(logits(s.ids)), int32_t(length)))
          all.push_back(value + s.score);
      std::vector<Sequence> candidates;
      std::vector<float> running_scores, merged_scores;
      for (size_t cell : best(all, keep)) {
        candidates.push_back({running[cell / kVocab].ids, all[cell], false});
        candidates.back().ids.push_back(int32_t(cell % kVocab));
        candidates.back().finished = isEnd(candidates.back().ids.back()) || int32_t(length) + 1 >= o.model.max_length;
        running_scores.push_back(all[cell] + (candidates.back().finished ? -1e9f : 0));
      }
      bool all_end = std::all_of(candidates.begin(), candidates.end(), [](const Sequence &s) { return s.finished; });
      for (const Sequence &s : finished)
        merged_scores.push_back(s.score);
      bool full = allFinished() && o.early_stopping == 1;
      for (size_t i = 0; i < candidates.size(); ++i) {
        float score = candidates[i].score / penalty(length);
        score += full ? -1e9f : 0;
        score += can_improve ? 0 : -1e9f;
        score += candidates[i].finished && i < n ? 0 : -1e9f;
        merged_scores.push_back(score);
      }
      std::vector<Sequence> next, merged;
      for (size_t i : best(running_scores, n))
        next.push_back({candidates[i].ids, running_scores[i], false});
      for (size_t i : best(merged_scores, n))
        merged.push_back(
            i < n ? finished[i]
                  : Sequence{candidates[i - n].ids, merged_scores[i], candidates[i - n].finished && i - n < n});
      running = next;
      finished = merged;
      size_t now = length + 1;
      size_t hypothetical = o.early_stopping == 2 && o.length_penalty > 0 ? size_t(o.model.max_length) - 1 : now - 1;
      float possible = running[0].score / penalty(hypothetical), worst = finished[0].score;
      for (const Sequence &s : finished)
        worst = std::min(worst, s.score);
      can_improve = can_improve && std::any_of(finished.begin(), finished.end(), [&](const Sequence &s) {
                      return possible > (s.finished ? worst : -1e9f);
                    });
      if (!can_improve || all_end || (allFinished() && o.early_stopping == 1))
        break;
    }
    return {{finished[0].ids.begin() + 1, finished[0].ids.end()}, finished[0].score};
  }
};

} // namespace

NaiveResult naiveSearch(const std::vector<int32_t> &source, const NaiveOptions &options) {
  Naive naive{source, options};
  return options.num_beams == 1 ? naive.greedy() : naive.beams();
}

} // namespace toy

#include "tools/decant/ExplainPage.h"

#include "tools/decant/ExplainData.h"
#include "tools/decant/ExplainStyle.h"
#include "tools/decant/ExplainWork.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace decant::cli {
namespace {

constexpr int64_t kSmallSize = 16;

std::string bytesText(int64_t bytes) {
  static constexpr std::array units{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = double(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit)
    value /= 1024;
  return unit ? fmt::format("{:.3g} {}", value >= 1000 ? std::round(value) : value, units[unit])
              : fmt::format("{} bytes", bytes);
}

std::string flopsText(int64_t flops) {
  static constexpr std::array units{"", " k", " M", " G", " T", " P"};
  double value = double(flops);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < units.size(); ++unit)
    value /= 1000;
  return fmt::format("{:.3g}{}", value, units[unit]);
}

std::string percentText(double part, double whole) {
  return fmt::format("{:.1f} %", whole > 0 ? 100 * part / whole : 0);
}

std::string code(const std::string &text) { return "<code>" + html(text) + "</code>"; }

std::string fact(std::string_view name, const std::string &value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

int64_t cachesOf(const ExplainedModel &model, std::string_view kind) {
  return std::count_if(model.caches.begin(), model.caches.end(), [&](const auto &cache) { return cache.kind == kind; });
}

std::string header(const ExplainedModel &model) {
  std::string kind = model.kind;
  std::replace(kind.begin(), kind.end(), '_', ' ');
  std::string text = fmt::format("<header><h1>{}</h1><p>{}, as decant compiles it</p></header>\n<dl class=\"facts\">\n",
                                 html(model.name), html(kind));
  int64_t tokenBytes = 0;
  for (const ExplainedCache &cache : model.caches)
    tokenBytes += cache.kind == "self" ? 2 * 4 * cache.heads * cache.dim : 0;
  text += fact("width", fmt::format("{}", model.width));
  if (model.vocab)
    text += fact("vocabulary", fmt::format("{}", model.vocab));
  if (int64_t layers = cachesOf(model, "local"))
    text += fact("encoder layers", fmt::format("{}", layers));
  text += fact("decoder layers", fmt::format("{}", cachesOf(model, "self")));
  text += fact("parameters", flopsText(model.parameters));
  text += fact("weights, f32", bytesText(model.weightBytes));
  text += fact("max context", fmt::format("{}", model.maxContext));
  if (model.maxSource)
    text += fact("max source", fmt::format("{}", model.maxSource));
  text += fact("max batch", fmt::format("{}", model.maxBatch));
  text += fact("cache a token", bytesText(tokenBytes));
  return text + "</dl>\n";
}

std::string graph(const ExplainedModel &model) {
  std::string text = "<section><h2>Graph</h2>\n<div class=\"graphs\">\n";
  for (const ExplainedEntry &entry : model.entries) {
    if (entry.ops.empty())
      text += fmt::format("<figure><figcaption>@{}</figcaption><p>returns what it is given</p></figure>\n",
                          html(entry.name));
    else
      text += fmt::format("<figure><figcaption>@{}</figcaption>\n<div class=\"wide\">{}</div></figure>\n",
                          html(entry.name), drawGraph(entry));
  }
  return text + "</div></section>\n";
}

std::string legend(const TileCensus &census) {
  const double tiles = double(census.tiles());
  const std::array<std::pair<const char *, int64_t>, 3> parts{
      std::pair("empty", census.empty), std::pair("full", census.full), std::pair("partial", census.partial)};
  const std::array words{"skipped", "run without the mask", "run with the mask"};
  std::string bar = "<div class=\"bar\">", text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].second)
      bar += fmt::format("<span class=\"{}\" style=\"flex:{}\"></span>", parts[i].first, parts[i].second);
    text += fmt::format("<li><span class=\"swatch {}\"></span><b>{}</b> {}</li>", parts[i].first,
                        percentText(double(parts[i].second), tiles), words[i]);
  }
  const bool all = census.sampledRows == census.size;
  text += fmt::format("<li><b>{}</b> of the elements visible{}</li>",
                      percentText(census.visiblePairs, double(census.size) * double(census.size)),
                      all ? "" : fmt::format(" (counted in {} of the queries)", census.sampledRows));
  return bar + "</div>\n<ul class=\"legend\">" + text + "</ul>\n";
}

/// Zoom by radio buttons: no script.
std::string zoomable(const std::string &drawing, size_t number) {
  std::string text = "<div class=\"zoom\">";
  for (int zoom : {1, 2, 4, 8})
    text += fmt::format("<input type=\"radio\" name=\"zoom{0}\" id=\"zoom{0}x{1}\" class=\"x{1}\"{2}>"
                        "<label for=\"zoom{0}x{1}\">{1}\u00d7</label>",
                        number, zoom, zoom == 1 ? " checked" : "");
  return text + "<div class=\"scroll\" tabindex=\"0\">" + drawing + "</div></div>";
}

std::string examples(const ExplainedFunction &function, int64_t size) {
  std::string text;
  for (const std::string &value : exampleValues(function, size).texts)
    text += (text.empty() ? ", drawn with " : ", ") + html(value);
  return text;
}

std::string list(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), size_t(4)); ++i)
    text += (i ? ", " : "") + code(names[i]);
  return names.size() > 4 ? text + fmt::format(" and {} more", names.size() - 4) : text;
}

std::string mask(const ExplainedModel &model, const ExplainedFunction &mask, const TileCensus &census, size_t number) {
  const ParamNames names = namesOf(mask);
  std::string text = fmt::format("<article><h3>{}</h3>\n<p class=\"formula\">{}</p>\n<dl class=\"rows\">\n",
                                 html(mask.name), code(infix(mask.expr, names)));
  text += fact("visit", code(infix(mask.visit, names)));
  text += fact("full", code(infix(mask.full, names)));
  text += fact(mask.caches.size() == 1 ? "cache" : "caches", list(mask.caches));
  if (int64_t window = windowOf(model, mask))
    text += fact("window", fmt::format("blocks older than {} positions are given back", window));
  text += "</dl>\n" + legend(census);
  text += fmt::format("<div class=\"drawings\">\n<figure>{0}<figcaption>{1} \u00d7 {1} elements: queries down, keys to "
                      "the right{2}</figcaption></figure>\n",
                      drawCells(drawElements(mask, kSmallSize)), kSmallSize, examples(mask, kSmallSize));
  text += fmt::format("<figure>{0}<figcaption>{1} \u00d7 {1} by tiles of {2} queries \u00d7 {3} keys{4}</figcaption>"
                      "</figure>\n</div></article>\n",
                      zoomable(drawTiles(census), number), census.size, kQueryRows, census.block,
                      examples(mask, census.size));
  return text;
}

std::string masks(const ExplainedModel &model, const Censuses &censuses) {
  std::string text = fmt::format(
      "<section><h2>Masks</h2>\n<p>Query <code>q</code> may see key <code>k</code> where the formula holds. For "
      "queries "
      "<code>q0</code> \u2264 q &lt; <code>q1</code> and <code>n</code> keys, kernels visit the key blocks that "
      "<i>visit</i> touches and do not evaluate the mask in blocks within <i>full</i>. Tiles are counted at {0} \u00d7 "
      "{0}, in the first sequence and head.</p>\n",
      kLargeSize);
  size_t number = 0;
  std::string all;
  for (const ExplainedFunction &function : model.functions)
    if (function.isMask)
      all += mask(model, function, censuses.of(function.name), number++);
  if (all.find("below(") != std::string::npos)
    text += "<p><code>below(row, x)</code> is the number of elements of a sorted row that are less than x.</p>\n";
  return text + all + "</section>\n";
}

std::string score(const ExplainedFunction &score) {
  const MaskTensors tensors = exampleValues(score, kSmallSize).tensors;
  std::vector<std::vector<double>> values(kSmallSize);
  double low = INFINITY, high = -INFINITY;
  for (MaskPoint at; at.q < kSmallSize; ++at.q)
    for (at.k = 0; at.k < kSmallSize; ++at.k) {
      const double value = evaluate(score.expr, at, tensors);
      low = std::min(low, value), high = std::max(high, value);
      values[size_t(at.q)].push_back(value);
    }
  const std::string shades = low < high ? drawScore(values) : ""; // one value is said, not drawn
  return fmt::format("<article><h3>{}</h3>\n<p class=\"formula\">{}</p>\n<div class=\"drawings\"><figure>{}<figcaption>"
                     "{:.4g} to {:.4g}{}</figcaption></figure></div></article>\n",
                     html(score.name), code(infix(score.expr, namesOf(score))), shades, low, high,
                     examples(score, kSmallSize));
}

std::string scores(const ExplainedModel &model) {
  std::string text;
  for (const ExplainedFunction &function : model.functions)
    if (!function.isMask)
      text += score(function);
  return text.empty()
             ? ""
             : "<section><h2>Scores</h2>\n<p>Added to the scaled score before the mask.</p>\n" + text + "</section>\n";
}

std::string table(std::string_view head, const std::string &rows) {
  return fmt::format("<div class=\"wide\"><table><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>\n", head,
                     rows);
}

/// Equal layers in one row.
std::string attentionTable(const ExplainedModel &model, const Censuses &censuses) {
  std::vector<std::pair<AttentionWork, int64_t>> distinct;
  for (const AttentionWork &work : attentionWork(model, censuses)) {
    auto key = [](const AttentionWork &w) { return std::tie(w.entry, w.mask, w.heads, w.dim); };
    auto same = std::find_if(distinct.begin(), distinct.end(),
                             [&](const auto &known) { return key(known.first) == key(work); });
    same == distinct.end() ? void(distinct.emplace_back(work, 1)) : void(++same->second);
  }
  std::string rows;
  for (const auto &[work, layers] : distinct)
    rows += fmt::format("<tr><td>@{}</td><td>{}</td><td>{}</td><td>{} \u00d7 {}</td><td>{}</td><td>{}</td><td>{}</td>"
                        "<td>{}</td><td>{}</td></tr>\n",
                        html(work.entry), code(work.mask), layers, work.heads, work.dim, flopsText(work.flops),
                        flopsText(work.denseFlops), percentText(double(work.flops), double(work.denseFlops)),
                        bytesText(work.bytes), bytesText(work.denseBytes));
  return table("<th>entry<th class=\"text\">mask<th>layers<th>heads<th>FLOPs<th>dense<th>share<th>bytes<th>dense",
               rows);
}

std::string tokenTable(const ExplainedModel &model) {
  std::string rows;
  for (const TokenWork &work : tokenWork(model))
    rows += fmt::format("<tr><td>@{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
                        "</tr>\n",
                        html(work.entry), work.keys, flopsText(work.linearFlops), flopsText(work.attentionFlops),
                        flopsText(work.denseAttentionFlops), bytesText(work.weightBytes), bytesText(work.cacheBytes),
                        bytesText(work.denseCacheBytes));
  return table("<th>entry<th>position<th>linears<th>attention<th>dense<th>weights<th>cache<th>dense", rows);
}

std::string work(const ExplainedModel &model, const Censuses &censuses) {
  return fmt::format("<section><h2>Work</h2>\n<h3>Attention of one layer, {0} queries to {0} keys</h3>\n", kLargeSize) +
         attentionTable(model, censuses) + "<h3>One token at the end of a full context</h3>\n" + tokenTable(model) +
         "<p class=\"note\">A FLOP is a multiplication or an addition: 2\u202fN\u202fK of a linear, 4\u202fD a query, "
         "key "
         "and head in visited tiles. Bytes: weights once a step, keys and values once a tile of queries and head. "
         "Norms, activations and softmax are not counted.</p>\n</section>\n";
}

std::string kernels(const ExplainedModel &model) {
  std::string rows;
  for (const ExplainedKernel &kernel : model.kernels)
    rows += fmt::format("<tr><td class=\"spec\">{}</td><td>{}</td><td>{}</td></tr>\n", code(kernel.spec),
                        kernel.encodeSteps, kernel.decodeSteps);
  return "<section><h2>Kernels</h2>\n<p>Each distinct kernel, and the steps of the plan that call it.</p>\n" +
         table("<th>specification<th>@encode<th>@decode", rows) + "</section>\n";
}

} // namespace

std::string explainPage(const ExplainedModel &model) {
  const Censuses censuses(model);
  return fmt::format("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                     "content=\"width=device-width, initial-scale=1\">\n<title>{}: decant explain</title>\n<style>{}"
                     "</style></head>\n<body><main>\n",
                     html(model.name), kPageStyle) +
         header(model) + masks(model, censuses) + scores(model) + work(model, censuses) + graph(model) +
         kernels(model) + "</main></body></html>\n";
}

} // namespace decant::cli

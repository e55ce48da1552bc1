// The graph: rows of boxes from top to bottom. Linears that share their input stand side by side; a residual's other
// input is a curve on the right.
#include "tools/decant/ExplainPage.h"

#include <fmt/format.h>

#include <algorithm>

namespace decant::cli {
namespace {

constexpr int kLeft = 14, kBoxes = 330, kGap = 6, kCurve = 34, kWidth = kLeft + kBoxes + kCurve + 4;
constexpr int kLine = 15, kCharWidth = 7, kArrow = 12, kTitle = 22, kInset = 8;
constexpr size_t kSideBySide = 3;

struct Layer {
  size_t begin, end;       ///< ops
  std::string first, last; ///< names
  size_t count = 1;        ///< equal layers in a row
  bool named() const { return !first.empty(); }
};

/// Name without the layer in front and the kind of tensor behind: "self_attn.q_proj".
std::string shortName(const ExplainedOp &op) {
  std::string name = op.name;
  if (!op.group.empty() && name.rfind(op.group + ".", 0) == 0)
    name.erase(0, op.group.size() + 1);
  if (size_t end = name.rfind(".weight"); end != std::string::npos && end + 7 == name.size() && end > 0)
    name.erase(end);
  return name;
}

/// What layers must share to be drawn as one. Caches differ by their number alone.
std::string signature(const ExplainedEntry &entry, size_t begin, size_t end) {
  std::string text;
  for (size_t i = begin; i < end; ++i) {
    const ExplainedOp &op = entry.ops[i];
    for (const std::string &part : {op.kind, op.detail, shortName(op), op.mask, op.score})
      text += fmt::format("{}:{}", part.size(), part);
  }
  return text;
}

std::vector<Layer> layersOf(const ExplainedEntry &entry, std::vector<size_t> &drawnAs) {
  std::vector<Layer> layers;
  for (size_t begin = 0, end = 0; begin < entry.ops.size(); begin = end) {
    const std::string &group = entry.ops[begin].group;
    while (end < entry.ops.size() && entry.ops[end].group == group)
      ++end;
    const bool again = !group.empty() && !layers.empty() && layers.back().named() &&
                       signature(entry, begin, end) == signature(entry, layers.back().begin, layers.back().end);
    if (again)
      layers.back().last = group, ++layers.back().count;
    else
      layers.push_back({begin, end, group, group});
    for (size_t i = begin; i < end; ++i)
      drawnAs.push_back(layers.back().begin + i - begin);
  }
  return layers;
}

/// Cut to `width` pixels, by characters of UTF-8.
std::string fit(const std::string &text, int width) {
  size_t left = size_t(std::max(1, width / kCharWidth)), end = 0;
  for (; end < text.size() && left > 0; --left)
    do
      ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
  return end == text.size() ? text : text.substr(0, end > 1 ? end - 1 : end) + "\u2026";
}

std::vector<std::string> lines(const ExplainedOp &op, bool sideBySide) {
  std::vector<std::string> all{sideBySide ? op.kind : op.kind + " " + op.detail};
  if (sideBySide)
    all.push_back(op.detail);
  const std::string name = shortName(op);
  if (!name.empty()) // side by side the last part tells them apart
    all.push_back(sideBySide ? name.substr(name.rfind('.') + 1) : name);
  if (!op.mask.empty())
    all.push_back("mask " + op.mask);
  if (!op.score.empty())
    all.push_back("score " + op.score);
  if (!op.cache.empty())
    all.push_back("cache " + op.cache);
  return all;
}

struct GraphDrawer {
  const ExplainedEntry &entry;
  std::vector<size_t> drawnAs = {};
  std::vector<int> middles = std::vector<int>(entry.ops.size(), 0); ///< y of each drawn op
  std::string body = {};
  int y = 2;

  std::string run() {
    for (const Layer &layer : layersOf(entry, drawnAs))
      draw(layer);
    return fmt::format("<svg class=\"graph\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" "
                       "aria-label=\"operations of {2}\">\n{3}</svg>\n",
                       kWidth, y + 2, html(entry.name), body);
  }

private:
  void draw(const Layer &layer) {
    if (layer.begin > 0)
      arrow();
    const int top = y;
    if (layer.named())
      y += kTitle;
    const int entrance = y;
    for (size_t i = layer.begin, end = i; i < layer.end; i = end) {
      const ExplainedOp &op = entry.ops[i];
      for (end = i + 1; op.kind == "linear" && end < layer.end && end - i < kSideBySide &&
                        entry.ops[end].kind == op.kind && entry.ops[end].input == op.input;)
        ++end;
      if (i > layer.begin)
        arrow();
      drawRow(i, end, entrance);
    }
    if (!layer.named())
      return;
    y += kInset;
    frame(layer, top);
  }

  void frame(const Layer &layer, int top) {
    std::string title = layer.count > 1 ? fmt::format("{} layers: {} to {}", layer.count, layer.first,
                                                      layer.last.substr(layer.last.rfind('.') + 1))
                                        : layer.first;
    body += fmt::format("<rect class=\"layer\" x=\"2\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>"
                        "<text class=\"title\" x=\"{}\" y=\"{}\">{}</text>\n",
                        top, kWidth - 4, y - top, kLeft, top + 15, html(fit(title, kBoxes)));
  }

  void arrow() {
    const int x = kLeft + kBoxes / 2;
    body += fmt::format("<path class=\"flow\" d=\"M{} {}v{}m-3 -4l3 4l3 -4\"/>", x, y, kArrow);
    y += kArrow;
  }

  void drawRow(size_t begin, size_t end, int entrance) {
    const int count = int(end - begin), width = (kBoxes - (count - 1) * kGap) / count;
    int height = 0;
    for (size_t i = begin; i < end; ++i)
      height = std::max(height, 10 + kLine * int(lines(entry.ops[i], count > 1).size()));
    for (size_t i = begin; i < end; ++i) {
      middles[i] = y + height / 2;
      box(entry.ops[i], kLeft + int(i - begin) * (width + kGap), width, height, count > 1);
    }
    if (entry.ops[begin].kind == "residual")
      curve(entry.ops[begin], middles[begin], entrance);
    y += height;
  }

  void box(const ExplainedOp &op, int x, int width, int height, bool sideBySide) {
    body += fmt::format(
        "<g class=\"op {}\"><title>{}</title><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>",
        html(op.kind), html(op.kind + " " + op.detail + (op.name.empty() ? "" : " " + op.name)), x, y, width, height);
    int line = y + kLine + 2;
    for (const std::string &text : lines(op, sideBySide)) {
      body += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>", x + 8, line, html(fit(text, width - 14)));
      line += kLine;
    }
    body += "</g>\n";
  }

  void curve(const ExplainedOp &residual, int to, int entrance) {
    const int from = residual.skip < 0 ? entrance : middles[drawnAs[size_t(residual.skip)]];
    const int x = kLeft + kBoxes;
    body += fmt::format("<path class=\"skip\" d=\"M{0} {1}C{2} {1} {2} {3} {0} {3}\"/>\n", x, from, x + kCurve, to);
  }
};

} // namespace

std::string drawGraph(const ExplainedEntry &entry) { return GraphDrawer{entry}.run(); }

} // namespace decant::cli

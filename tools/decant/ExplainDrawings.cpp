// Masks and scores as SVG: few, large paths, so that 4096 x 4096 stays small.
#include "tools/decant/ExplainPage.h"

#include "llvm/Support/JSON.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace decant::cli {
namespace {

struct Rectangle {
  int64_t x, y, width, height;
};

std::string path(std::string_view name, const std::vector<Rectangle> &rectangles) {
  if (rectangles.empty())
    return "";
  std::string text = fmt::format("<path class=\"{}\" d=\"", name);
  for (const Rectangle &r : rectangles)
    text += fmt::format("M{} {}h{}v{}h-{}z", r.x, r.y, r.width, r.height, r.width);
  return text + "\"/>";
}

std::string drawing(std::string_view name, int64_t size, std::string_view label, const std::string &body) {
  return fmt::format("<svg class=\"{0}\" viewBox=\"0 0 {1} {1}\" role=\"img\" aria-label=\"{2}\">"
                     "<rect class=\"empty\" width=\"{1}\" height=\"{1}\"/>{3}</svg>\n",
                     name, size, label, body);
}

std::string grid(size_t cells) {
  std::string d;
  for (size_t i = 1; i < cells; ++i)
    d += fmt::format("M{0} 0v{1}M0 {0}h{1}", i, cells);
  return "<path class=\"grid\" d=\"" + d + "\"/>";
}

/// Runs of one kind of tile, grown downwards while the next row has the same run.
std::vector<Rectangle> mergeRuns(const TileCensus &census, Tile tile) {
  std::vector<Rectangle> done, open;
  for (size_t row = 0; row < census.rows.size(); ++row) {
    const int64_t y = int64_t(row) * kQueryRows, height = std::min(kQueryRows, census.size - y);
    std::vector<Rectangle> next;
    for (const TileRun &run : census.rows[row]) {
      if (run.tile != tile)
        continue;
      const int64_t x = run.begin * census.block, width = std::min(run.end * census.block, census.size) - x;
      auto same = std::find_if(open.begin(), open.end(), [&](Rectangle r) { return r.x == x && r.width == width; });
      if (same == open.end()) {
        next.push_back({x, y, width, height});
        continue;
      }
      next.push_back({x, same->y, width, same->height + height});
      open.erase(same);
    }
    done.insert(done.end(), open.begin(), open.end());
    open = std::move(next);
  }
  done.insert(done.end(), open.begin(), open.end());
  return done;
}

} // namespace

std::string html(const std::string &text) {
  std::string result;
  for (char c : llvm::json::fixUTF8(text)) {
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default:
      result += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
  }
  return result;
}

std::string drawCells(const std::vector<std::string> &rows) {
  std::vector<Rectangle> runs;
  for (size_t q = 0; q < rows.size(); ++q)
    for (size_t begin = rows[q].find('#'); begin != std::string::npos;) {
      const size_t end = std::min(rows[q].find('.', begin), rows[q].size());
      runs.push_back({int64_t(begin), int64_t(q), int64_t(end - begin), 1});
      begin = rows[q].find('#', end);
    }
  return drawing("cells", int64_t(rows.size()), "elements", path("full", runs) + grid(rows.size()));
}

std::string drawTiles(const TileCensus &census) {
  return drawing("tiles", census.size, "tiles",
                 path("full", mergeRuns(census, Tile::Full)) + path("partial", mergeRuns(census, Tile::Partial)));
}

std::string drawScore(const std::vector<std::vector<double>> &values) {
  double low = values[0][0], high = low;
  for (const auto &row : values)
    for (double value : row)
      low = std::min(low, value), high = std::max(high, value);
  std::string body;
  for (size_t q = 0; q < values.size(); ++q)
    for (size_t k = 0; k < values[q].size(); ++k)
      body += fmt::format("<rect class=\"heat\" x=\"{}\" y=\"{}\" width=\"1\" height=\"1\" fill-opacity=\"{:.2f}\"/>",
                          k, q, std::isfinite(values[q][k]) && high > low ? (values[q][k] - low) / (high - low) : 0);
  return drawing("cells", int64_t(values.size()), "scores", body + grid(values.size()));
}

} // namespace decant::cli

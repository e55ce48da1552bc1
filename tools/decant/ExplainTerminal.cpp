// A mask in block characters. Half blocks show two queries a line.
#include "tools/decant/ExplainData.h"
#include "tools/decant/ExplainWork.h"

#include "llvm/Support/JSON.h"

#include <fmt/format.h>

#include <algorithm>

namespace decant::cli {
namespace {

using Rows = std::vector<std::string>;

std::string wideRow(const std::string &row) {
  std::string line;
  for (char c : row)
    line += c == '#' ? "\u2588\u2588" : c == '+' ? "\u2592\u2592" : "\u00b7 ";
  return line;
}

std::string halfRows(const std::string &upper, const std::string *lower) {
  std::string line;
  for (size_t k = 0; k < upper.size(); ++k) {
    const bool above = upper[k] == '#', below = lower && (*lower)[k] == '#';
    line += above && below ? "\u2588" : above ? "\u2580" : below ? "\u2584" : "\u00b7";
  }
  return line;
}

/// Cells of `step` x `step` elements: '#' all visible, '+' some, '.' none.
Rows coarser(const Rows &rows, size_t step) {
  Rows cells((rows.size() + step - 1) / step);
  for (size_t i = 0; i < cells.size(); ++i)
    for (size_t j = 0; j < rows[0].size(); j += step) {
      bool some = false, all = true;
      for (size_t q = i * step; q < std::min((i + 1) * step, rows.size()); ++q)
        for (size_t k = j; k < std::min(j + step, rows[q].size()); ++k)
          some |= rows[q][k] == '#', all &= rows[q][k] == '#';
      cells[i] += all ? '#' : some ? '+' : '.';
    }
  return cells;
}

std::string drawing(const Rows &rows, int64_t columns) {
  const int64_t size = int64_t(rows.size());
  std::string text;
  if (2 * size <= columns || size > columns) {
    const int64_t cells = std::max(int64_t(1), columns / 2), step = (size + cells - 1) / cells;
    for (const std::string &row : step > 1 ? coarser(rows, size_t(step)) : rows)
      text += wideRow(row) + "\n";
    if (step > 1)
      text += fmt::format("a cell is {0} x {0}: \u2588 all visible, \u2592 some, \u00b7 none\n", step);
    return text;
  }
  for (size_t q = 0; q < rows.size(); q += 2)
    text += halfRows(rows[q], q + 1 < rows.size() ? &rows[q + 1] : nullptr) + "\n";
  return text;
}

std::string tilesLine(const TileCensus &census) {
  const double tiles = double(census.tiles()), pairs = double(census.size) * double(census.size);
  return fmt::format("{0} x {0}: tiles of {1} queries x {2} keys: {3:.1f} % skipped, {4:.1f} % run without the mask, "
                     "{5:.1f} % with it; {6:.1f} % of the elements visible\n",
                     census.size, kQueryRows, census.block, 100 * double(census.empty) / tiles,
                     100 * double(census.full) / tiles, 100 * double(census.partial) / tiles,
                     100 * census.visiblePairs / pairs);
}

} // namespace

std::string printable(const std::string &text) {
  std::string result = llvm::json::fixUTF8(text);
  for (size_t i = 0; i < result.size(); ++i) {
    const auto c = static_cast<unsigned char>(result[i]);
    // U+0080..U+009F are control characters too: 0xC2, then one below 0xA0.
    const bool second = c == 0xC2 && i + 1 < result.size() && static_cast<unsigned char>(result[i + 1]) < 0xA0;
    if (second)
      result.replace(i, 2, "?");
    else if (c < 0x20 || c == 0x7F)
      result[i] = '?';
  }
  return result;
}

std::string maskAsText(const ExplainedModel &model, const ExplainedFunction &mask, int64_t size,
                       const TerminalLook &look) {
  const ParamNames names = namesOf(mask);
  const char *strong = look.color ? "\033[1m" : "", *plain = look.color ? "\033[0m" : "";
  std::string text =
      fmt::format("{}{}{}: {}\n", strong, printable(mask.name), plain, printable(infix(mask.expr, names)));
  text += "visit " + printable(infix(mask.visit, names)) + "\n";
  text += "full  " + printable(infix(mask.full, names)) + "\n";
  if (int64_t window = windowOf(model, mask))
    text += fmt::format("cache keeps the newest {} positions\n", window);
  text += tilesLine(countTiles(mask, size));
  if (size != kLargeSize)
    text += tilesLine(countTiles(mask, kLargeSize));
  for (const std::string &value : exampleValues(mask, size).texts)
    text += "drawn with " + printable(value) + "\n";
  return text + "queries down, keys to the right\n\n" + drawing(drawElements(mask, size), look.columns);
}

} // namespace decant::cli

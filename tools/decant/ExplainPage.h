// The page of `decant explain`: one HTML file that needs nothing else, without scripts. Drawings are inline SVG.
//
// Every string of the model goes through html(). The same model gives the same bytes. Tested in tests/e2e.
#pragma once

#include "tools/decant/ExplainModel.h"

#include <string>

namespace decant::cli {

std::string explainPage(const ExplainedModel &model);

/// Text as HTML: & < > " ' as entities, control characters and bytes that are no UTF-8 replaced.
std::string html(const std::string &text);

/// The ops of an entry as one column, layers framed; equal layers in a row are drawn once.
std::string drawGraph(const ExplainedEntry &entry);
/// Elements, a cell each.
std::string drawCells(const std::vector<std::string> &rows);
/// Tiles as three paths; equal runs of neighbouring rows are one rectangle.
std::string drawTiles(const TileCensus &census);
/// Values as shades, the smallest lightest.
std::string drawScore(const std::vector<std::vector<double>> &values);

} // namespace decant::cli

// What `decant explain` knows, as an Outline (--json), and a mask as text for a terminal. Tested in tests/e2e.
#pragma once

#include "tools/decant/ExplainInfix.h"
#include "tools/decant/ExplainModel.h"
#include "tools/decant/Outline.h"

namespace decant::cli {

ParamNames namesOf(const ExplainedFunction &function);

/// Formula, bounds, parameters, the drawing at `size` and the tiles at `size` and at 4096.
Outline describeMask(const ExplainedModel &model, const ExplainedFunction &mask, int64_t size);
Outline describeExplained(const ExplainedModel &model);

struct TerminalLook {
  int64_t columns = 80;
  bool color = false;
};
/// Header and drawing. A cell is two characters wide; half blocks halve it when the line is too short for that, and
/// when it is too short for half blocks a cell stands for several elements.
std::string maskAsText(const ExplainedModel &model, const ExplainedFunction &mask, int64_t size,
                       const TerminalLook &look);

/// Without control characters and bytes that are no UTF-8: a name of the model cannot command a terminal.
std::string printable(const std::string &text);

/// Largest window of the self caches that an attention reads through this mask; 0: none.
int64_t windowOf(const ExplainedModel &model, const ExplainedFunction &mask);

} // namespace decant::cli

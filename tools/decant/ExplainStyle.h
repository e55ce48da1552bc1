// The page's style sheet: light and dark by the reader's setting, one column on a phone.
#pragma once

namespace decant::cli {

inline constexpr const char *kPageStyle = R"css(
:root { color-scheme: light dark; --paper: #fcfcfb; --card: #fff; --ink: #1c2024; --dim: #60646c; --line: #dcdfe3;
  --empty: #eceef1; --full: #1f6f8b; --partial: #e0a030;
  --linear: #e3eefb; --attention: #fbe6cc; --norm: #ececf4; --embed: #e2f3e6; --other: #f3f3f1; }
@media (prefers-color-scheme: dark) { :root { --paper: #111315; --card: #1a1d20; --ink: #e6e8ea; --dim: #9ba1a8;
  --line: #33383d; --empty: #282c31; --full: #4fb0cf; --partial: #d39a35;
  --linear: #1d3044; --attention: #453018; --norm: #2b2b38; --embed: #1e3626; --other: #26292c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { margin: 0; font-size: 2rem; overflow-wrap: anywhere; }
h2 { margin: 48px 0 8px; font-size: 1.4rem; }
h3 { margin: 0 0 8px; font-size: 1.05rem; overflow-wrap: anywhere; }
section > h3 { margin-top: 24px; }
header p, .note, figcaption { color: var(--dim); }
header p { margin: 0 0 16px; }
.note, figcaption { font-size: .875rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 8px; margin: 0; }
.facts div, article { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
.facts div { padding: 8px 12px; }
dt { color: var(--dim); font-size: .875rem; }
dd { margin: 0; }
.facts dd { font-weight: 600; font-size: 1.1rem; }
article { padding: 16px; margin: 16px 0; }
.formula { margin: 0 0 12px; font-size: 1.05rem; }
.rows { margin: 0 0 16px; }
.rows div { display: flex; gap: 8px; }
.rows dt { flex: 0 0 56px; }
.bar { display: flex; height: 12px; border-radius: 3px; overflow: hidden; }
.bar .empty, .swatch.empty { background: var(--empty); box-shadow: inset 0 0 0 1px var(--line); }
.bar .full, .swatch.full { background: var(--full); }
.bar .partial, .swatch.partial { background: var(--partial); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 24px; list-style: none; margin: 8px 0 16px; padding: 0; }
.swatch { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 8px; }
.drawings { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: 24px; }
.drawings figure { max-width: 480px; }
figure { margin: 0; min-width: 0; }
figcaption { margin-top: 8px; overflow-wrap: anywhere; }
.cells, .tiles { display: block; width: 100%; }
.tiles { shape-rendering: crispEdges; }
.cells, .scroll { border: 1px solid var(--line); }
svg .empty { fill: var(--empty); }
svg .full { fill: var(--full); }
svg .partial { fill: var(--partial); }
svg .heat { fill: var(--full); }
svg .grid { fill: none; stroke: var(--card); stroke-width: .06; }
.scroll { overflow: auto; aspect-ratio: 1; }
.zoom { position: relative; display: flex; flex-wrap: wrap; }
.zoom input { position: absolute; opacity: 0; }
.zoom .scroll { order: -1; flex: 0 0 100%; margin-bottom: 8px; }
.zoom label { padding: 2px 10px; margin-right: 4px; border: 1px solid var(--line);
  border-radius: 12px; font-size: .875rem; cursor: pointer; }
.zoom input:checked + label { background: var(--ink); color: var(--paper); }
.zoom input:focus-visible + label { outline: 2px solid var(--full); }
.x2:checked ~ .scroll svg { width: 200%; }
.x4:checked ~ .scroll svg { width: 400%; }
.x8:checked ~ .scroll svg { width: 800%; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--dim); font-weight: 500; }
th:first-child, td:first-child, td:has(code), th.text { text-align: left; }
td.spec { white-space: normal; min-width: 260px; }
.graphs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 390px), 1fr)); gap: 24px; align-items: start; }
.graphs figcaption { margin: 0 0 8px; font: 600 1rem ui-monospace, monospace; color: var(--ink); }
.graph { display: block; max-width: 100%; height: auto; }
.graph text { font: 12px ui-monospace, monospace; fill: var(--ink); }
.graph .title { fill: var(--dim); }
.graph text + text { fill: var(--dim); }
.graph .layer { fill: none; stroke: var(--dim); stroke-opacity: .5; stroke-dasharray: 4 3; }
.graph .op rect { fill: var(--other); stroke: var(--line); }
.graph .linear rect, .graph .logits rect { fill: var(--linear); }
.graph .cached_attention rect, .graph .kv_append rect { fill: var(--attention); }
.graph .norm rect { fill: var(--norm); }
.graph .embed rect, .graph .position rect { fill: var(--embed); }
.graph .flow, .graph .skip { fill: none; stroke: var(--dim); }
)css";

} // namespace decant::cli

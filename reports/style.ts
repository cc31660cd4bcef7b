// The look of reports: light and dark, on a phone, on paper. Colours of lines are told apart by all common kinds of colour
// vision, and each line is named where it ends.

export const STYLE = `
:root {
  --ground: #fbfbfa; --panel: #fff; --ink: #1b1f24; --soft: #5b6470; --line: #e3e5e8; --grid: #eceef0;
  --a: #1f6fb2; --b: #b4540a; --c: #27815b; --good: #1d7a4f; --warn: #9a5b00; --seen: #1687d9; --truth: #b98b00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --panel: #1b1f23; --ink: #e8eaed; --soft: #9aa4af; --line: #2e343a; --grid: #262b30;
    --a: #6cb2f0; --b: #f0a060; --c: #5cc79a; --good: #63c795; --warn: #e7b058; --seen: #56beff; --truth: #f0e442;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 3rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { margin: 2.6rem 0 .8rem; font-size: 1.1rem; }
h3 { margin: 1.6rem 0 .6rem; font-size: .95rem; }
p { margin: .4rem 0; max-width: 46rem; }
.lead { color: var(--soft); overflow-wrap: anywhere; }
.badge { display: inline-block; margin-top: .6rem; padding: .1rem .6rem; border: 1px solid currentColor; border-radius: 1rem; font-size: .8rem; color: var(--good); }
.badge.open { color: var(--warn); }
.note { color: var(--soft); font-size: .85rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1.4rem 0 0; }
.tile { min-width: 0; overflow-wrap: anywhere; padding: .8rem .9rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); }
.tile b { display: block; font-size: 1.45rem; line-height: 1.2; font-weight: 600; }
.tile span { color: var(--soft); font-size: .8rem; }
.below { margin-top: .9rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr)); gap: .9rem; }
figure { margin: 0; padding: .8rem .9rem .6rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); min-width: 0; }
figcaption { font-size: .85rem; font-weight: 600; }
figcaption small { font-weight: 400; color: var(--soft); font-size: .8rem; }
.names { display: block; margin-top: .15rem; font-size: .8rem; }
.names i { display: inline-block; margin-right: .9rem; font-style: normal; }
.names i::before { content: ""; display: inline-block; width: .9rem; margin-right: .35rem; border-top: 2.5px solid; vertical-align: middle; }
i.a { color: var(--a); } i.b { color: var(--b); } i.c { color: var(--c); }
svg { display: block; width: 100%; height: auto; }
.chart { margin-top: .3rem; font: 11px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
.chart text { fill: var(--soft); }
.chart .name { font-weight: 600; }
.chart .grid { stroke: var(--grid); }
.chart .axis { stroke: var(--line); }
.chart path { fill: none; stroke-linejoin: round; stroke-linecap: round; }
.chart .a { stroke: var(--a); } .chart .b { stroke: var(--b); } .chart .c { stroke: var(--c); }
.chart text.a { fill: var(--a); stroke: none; } .chart text.b { fill: var(--b); stroke: none; } .chart text.c { fill: var(--c); stroke: none; }
.chart .line { stroke-width: 1.8; } .chart .raw { stroke-width: 1; opacity: .28; }
.chart circle { fill: var(--panel); stroke-width: 1.6; } .chart circle.dot { stroke: none; } .chart circle.dot.a { fill: var(--a); } .chart circle.dot.b { fill: var(--b); } .chart circle.dot.c { fill: var(--c); }
.chart circle.faint { opacity: .6; }
.chart rect.bar { fill: var(--a); opacity: .75; }
.chart.strip { width: 10rem; margin: 0; }
.chart .mean { stroke: var(--a); stroke-width: 2; }
.chart .mark { stroke: var(--ink); stroke-dasharray: 3 3; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { padding: .4rem .75rem; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
th.words, td.words { text-align: left; white-space: normal; min-width: 17rem; }
th > code { white-space: nowrap; }
thead th { border-top: 0; white-space: normal; min-width: 5.5rem; color: var(--soft); font-weight: 500; vertical-align: bottom; }
tbody th { font-weight: 500; }
th:first-child, td.text, th.text { text-align: left; }
td.text, tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
tr.best td, tr.best th { font-weight: 650; }
td small { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); gap: .9rem; }
.card { padding: 0; overflow: hidden; }
.card svg.photo { background: #000; }
.card .words { padding: .6rem .8rem .2rem; }
.card .words b { float: right; margin-left: .6rem; }
.card .words q { quotes: "\\201c" "\\201d"; }
.card .words small { display: block; color: var(--soft); font-size: .75rem; overflow-wrap: anywhere; }
.maps { display: grid; grid-template-columns: repeat(3, 1fr); gap: 2px; padding: .4rem .8rem .8rem; }
.maps div { min-width: 0; font-size: .72rem; color: var(--soft); text-align: center; }
.maps svg { background: #000; border-radius: 3px; }
.seen { stroke: #56beff; } .truth { stroke: #f0e442; }
.halo { stroke: #000; stroke-opacity: .6; }
.outline { fill: none; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.key { display: inline-block; width: 1.6rem; height: 0; margin: 0 .35rem .25rem .8rem; border-top: 3px solid var(--seen); vertical-align: middle; }
.key:first-child { margin-left: 0; }
.key.dashed { border-top: 3px dashed var(--truth); }
.scale { display: inline-block; width: 6rem; height: .6rem; border-radius: .2rem; margin: 0 .4rem; vertical-align: baseline; }
.bars { display: grid; gap: .45rem; margin: .8rem 0 0; padding: .8rem .9rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--panel); }
.bar { display: grid; grid-template-columns: minmax(7rem, 16rem) 1fr minmax(6.5rem, auto); gap: .9rem; align-items: center; font-size: .88rem; }
.bar small { color: var(--soft); font-weight: 400; } .bar b { font-weight: 600; text-align: right; }
.bar .name { overflow-wrap: anywhere; line-height: 1.25; }
.track { position: relative; height: 1.05rem; border-radius: .2rem; background: var(--grid); }
.track.head { height: 1rem; background: none; }
.track i { position: absolute; top: 0; bottom: 0; }
.fill.a { background: var(--a); } .fill.b { background: var(--b); } .fill.c { background: var(--c); }
.track .reach { top: calc(50% - 1px); bottom: auto; height: 2px; background: var(--ink); opacity: .55; }
.track .mark { width: 0; border-left: 1.5px dashed var(--ink); opacity: .55; top: -.25rem; bottom: -.25rem; }
.mark-name { position: absolute; transform: translateX(-50%); color: var(--soft); font-size: .75rem; white-space: nowrap; }
.meter { display: inline-block; position: relative; width: 2rem; height: .55rem; margin-right: .35rem; border-radius: .15rem; background: var(--grid); overflow: hidden; vertical-align: baseline; }
.meter .fill { position: absolute; left: 0; top: 0; bottom: 0; }
figure.flush { overflow-x: auto; } figure.flush table { margin-top: .4rem; } figure.flush th, figure.flush td { padding: .25rem .3rem; }
figure.flush thead th { min-width: 0; } figure.flush tbody th { min-width: 0; }
.settings { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 0 2rem; }
dl { margin: 0; display: grid; grid-template-columns: minmax(8rem, auto) 1fr; font-size: .86rem; align-content: start; }
dt, dd { padding: .28rem 0; border-top: 1px solid var(--line); margin: 0; overflow-wrap: anywhere; }
dt { color: var(--soft); padding-right: 1rem; }
dd.set { font-weight: 600; }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
@media (max-width: 30rem) {
  body { padding: 1.2rem .9rem 2rem; font-size: 14.5px; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
  th, td { padding: .35rem .5rem; }
  dl { grid-template-columns: minmax(7rem, 42%) 1fr; }
  .bar { grid-template-columns: 1fr auto; gap: .15rem .6rem; } .bar .track { grid-row: 2; grid-column: 1 / -1; }
}
@media print {
  :root {
    --ground: #fff; --panel: #fff; --ink: #000; --soft: #444; --line: #bbb; --grid: #ddd;
    --a: #1f6fb2; --b: #b4540a; --c: #27815b; --good: #1d7a4f; --warn: #9a5b00; --seen: #1687d9; --truth: #b98b00;
  }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  figure, .tile, tr, dl { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .charts { grid-template-columns: 1fr 1fr; }
  .cards { grid-template-columns: repeat(3, 1fr); }
  .tiles { grid-template-columns: repeat(5, 1fr); }
  .wide { overflow: visible; border: 0; }
  .card svg, .maps svg, .scale, .fill, .track { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;

"""The style sheet of the page: light and dark by the reader's own setting, one column on a telephone.

A table that is wider than its place scrolls, and has a shadow at the edge behind which there is more: telephones show no bar
until somebody scrolls. The shadows stay where they are; two patches of paper, which move with the table, cover them at its ends.
"""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1e21; --faint: #5a6068; --line: #d5d9de; --mount: #f3f4f6; --shade: #aeb5bd;
  --c0: #1f6feb; --c1: #b35900; --c2: #1a7f37; --c3: #8250df; --red: #cf222e; --warn: #9a3412; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e8eaed; --faint: #a5adb6; --line: #3a4047;
  --mount: #1f2428; --shade: #5b646d; --c0: #79b0ff; --c1: #f0a35e; --c2: #5fd07f; --c3: #c3a1ff; --red: #ff7b72; --warn: #ffb28a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p, ul { max-width: 48rem; } .faint, figcaption, caption { color: var(--faint); font-size: .875rem; }
.finding { color: var(--warn); font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: 0; list-style: none; max-width: none; }
a { color: var(--c0); } a:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--c0); outline-offset: 2px; }
.scroll { overflow: auto; max-height: 32rem; background:
  linear-gradient(to right, var(--paper) 40%, transparent) left / 2rem 100% no-repeat local,
  linear-gradient(to left, var(--paper) 40%, transparent) right / 2rem 100% no-repeat local,
  linear-gradient(to right, var(--shade), transparent) left / .8rem 100% no-repeat scroll,
  linear-gradient(to left, var(--shade), transparent) right / .8rem 100% no-repeat scroll; } table { border-collapse: collapse; min-width: 14rem; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th { font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { width: 8rem; height: .7rem; vertical-align: middle; } .chart { width: 100%; max-width: 26rem; height: auto; display: block; overflow: visible; }
.chart text { fill: var(--faint); font-size: 11px; } .axis { stroke: var(--line); fill: none; }
.curve { fill-opacity: .16; stroke-width: 1.5; } .dot { fill: var(--c0); fill-opacity: .45; stroke: var(--c0); }
.curve0 { fill: var(--c0); stroke: var(--c0); } .curve1 { fill: var(--c1); stroke: var(--c1); stroke-dasharray: 5 2; }
.curve2 { fill: var(--c2); stroke: var(--c2); stroke-dasharray: 2 2; } .curve3 { fill: var(--c3); stroke: var(--c3); stroke-dasharray: 8 2 2 2; }
.red { fill: var(--red); stroke: var(--red); } .green { fill: var(--c2); stroke: var(--c2); } .blue { fill: var(--c0); stroke: var(--c0); } .gray { fill: var(--faint); stroke: var(--faint); }
.fill0 { fill: var(--c0); } .fill1 { fill: var(--c1); } .fill2 { fill: var(--c2); } .fill3 { fill: var(--c3); }
.row { display: flex; flex-wrap: wrap; gap: .6rem; margin: .3rem 0 .8rem; } .charts { display: flex; flex-wrap: wrap; gap: 1.5rem; }
.charts > * { flex: 1 1 16rem; max-width: 26rem; margin: 0; }
figure { margin: 0; } .picture { width: 6rem; } .picture img { max-width: 6rem; max-height: 6rem; background: var(--mount); display: block; }
.picture img { min-width: 1.2rem; min-height: 1.2rem; object-fit: contain; } .picture figcaption { font-size: .75rem; line-height: 1.4; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.picture.several { width: auto; max-width: 18.6rem; } .picture.several img { display: inline-block; margin-right: .2rem; } .swatch { width: .8rem; height: .8rem; border: 1px solid var(--line); }
pre { background: var(--mount); padding: .8rem; overflow: auto; } pre code { display: block; } .count { display: inline-block; min-width: 4rem; padding-right: .5rem; text-align: right; font-variant-numeric: tabular-nums; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 1rem; } .legend .bar { width: 1rem; }
td { overflow-wrap: anywhere; } td.number { overflow-wrap: normal; white-space: nowrap; } .names { white-space: normal; overflow-wrap: anywhere; }
@media (max-width: 30rem) { body { padding: .75rem; } .bar { width: 2.4rem; } .count { min-width: 2.6rem; } .picture, .picture img { width: 4.6rem; max-width: 4.6rem; }
  table { min-width: 0; font-size: .85rem; } th, td { padding-right: .5rem; } td.number { white-space: normal; }
  tbody th { overflow-wrap: anywhere; min-width: 5rem; } }
@media print { .scroll { max-height: none; overflow: visible; } }
"""

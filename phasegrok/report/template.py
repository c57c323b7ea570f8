"""How the page of a report looks: its frame and its style, readable in light and dark."""

from string import Template
from typing import Final

__all__ = ["PAGE"]

PAGE: Final = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #fcfcfa; --rule: #d5d5d0;
  --quiet: #5c5c58; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e0; --paper: #1a1b1d;
  --rule: #3c3d40; --quiet: #a3a39d; } }
body { margin: 0 auto; padding: 2rem 1.2rem 5rem; max-width: 46rem; color: var(--ink);
  background: var(--paper); font: 17px/1.6 Georgia, "Times New Roman", serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 1rem 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
.lead { font-size: 1.1rem; color: var(--quiet); margin-top: 0; }
.equation { margin: .8rem 0; padding: .5rem 1rem; border-left: 3px solid var(--rule);
  overflow-x: auto; }
.equation span { white-space: nowrap; margin-right: 1.6em; }
figure { margin: 1rem 0 2rem; }
figure img { display: block; max-width: 100%; margin: 0 auto; padding: .6rem;
  background: white; border: 1px solid var(--rule); border-radius: 4px;
  box-sizing: border-box; }
figcaption { font-size: .9rem; line-height: 1.5; color: var(--quiet); margin-top: .6rem; }
/* A wide table reaches beyond the column of text, as far as the window allows. */
.wide { overflow-x: auto; width: max-content; min-width: 100%; max-width: 94vw;
  position: relative; left: 50%; transform: translateX(-50%); }
table { border-collapse: collapse; font: 13px/1.45 system-ui, sans-serif; width: 100%;
  font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .55rem; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
th:first-child, td:first-child, .words td, .words th { text-align: left; }
.words td { white-space: normal; }
th { font-weight: 600; border-bottom: 2px solid var(--rule); }
code, pre { font: 13px/1.5 ui-monospace, Consolas, monospace; overflow-wrap: anywhere; }
.note { font-size: .9rem; color: var(--quiet); }
</style>
</head>
<body>
<h1>$title</h1>
<p class="lead">$question</p>
$body
</body>
</html>
""")

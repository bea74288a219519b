"""Pages of HTML that need no other file: in light and dark, on paper, and without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from vmwidgets.labs.markup import marked
from vmwidgets.views.scene.text import visible

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The policy for pages written by graders: a browser may load only their own styles and pictures."""

STYLE = """
:root { color-scheme: light dark; --fg: #1b1f24; --dim: #566270; --line: #c9d1d9; --bg: #ffffff; --bar: #0a5cc2 }
@media (prefers-color-scheme: dark) {
  :root { --fg: #e6e9ed; --dim: #a3adb8; --line: #414a54; --bg: #16191d; --bar: #6cb0ff }
}
body { font: 16px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--fg); background: var(--bg);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere }
h1, h2 { line-height: 1.25 } h2 { border-top: 1px solid var(--line); padding-top: 1rem; margin-top: 2rem }
ul { list-style: none; padding: 0 } li { margin: .4rem 0 } .of { color: var(--dim); font-weight: normal }
li.criterion { display: grid; grid-template-columns: 3.8rem 1fr }
dl { grid-column: 2; display: grid; grid-template-columns: max-content 1fr; gap: 0 .8rem; margin: .1rem 0 .4rem }
dt { color: var(--dim) } dd { margin: 0 }
figure { margin: 1rem 0; overflow-x: auto } figure > div:has(img) { min-width: 40rem }
table { border-collapse: collapse; width: 100% } th { text-align: left; color: var(--dim); font-weight: normal }
td, th { padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word }
section { overflow-x: auto }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
svg.bar { width: 8rem; height: .8rem; vertical-align: middle } svg.bar rect { fill: var(--bar) }
svg.bar .all { fill: none; stroke: var(--dim) }
@media (max-width: 40rem) { svg.bar { width: 3.5rem } td, th { padding-right: .5rem } }
@media print { :root { --fg: #000; --bg: #fff; --dim: #444 } section, tr { break-inside: avoid } }
"""


Cell = str | float | tuple[float, float]
"""A table cell: a string, a number, or a bar, filled up to a part of a whole."""


def page(title: str, body: str) -> str:
    """Return a page; `title` is any text, `body` is HTML."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{marked(title, 'title')}<style>{STYLE}</style></head>\n"
        f"<body>\n{marked(title, 'h1')}\n{body}\n</body></html>\n"
    )


def bar(part: float, of: float) -> str:
    """Return a bar, filled up to this part; words next to the bar say how much."""
    width = 0 if of <= 0 else max(0, min(1, part / of)) * 98
    rest = '<rect class="all" x="1" y="1" width="98" height="8"/>'
    return (
        f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{rest}'
        f'<rect x="1" y="1" width="{width:.1f}" height="8"/></svg>'
    )


def table(titles: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table; titles and cells are plain text, not HTML."""
    rows = list(rows)
    numbers = [isinstance(cell, (int, float)) for cell in rows[0]] if rows else [False] * len(titles)
    head = "".join(_element(title, "th", number) for title, number in zip(titles, numbers, strict=True))
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, tuple):
        return f"<td>{bar(*cell)}</td>"
    return _element(cell, "td", False) if isinstance(cell, str) else _element(f"{round(cell, 2):g}", "td", True)


def _element(text: str, tag: str, number: bool) -> str:
    return f"<{tag}{' class=number' * number}>{escape(visible(text))}</{tag}>"

"""The twin of a picture: a static copy for readers without a live view, in words, as an image, or as a page of HTML."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape, unescape
from urllib.parse import quote, unquote

from .model import Scene, Table
from .text import visible

ROWS = 40
"""The most rows of a table in :func:`text_twin`; the others are counted."""

STEPS = 400
"""The most steps in :func:`table_twin`, around the current step; the others are counted."""


def heading(scene: Scene) -> str:
    """Return title and subtitle in one line."""
    return visible(" · ".join(part for part in (scene.title, scene.subtitle) if part))


def caption_words(scene: Scene) -> str:
    """Return the caption in one line."""
    caption = scene.caption
    functions = f"({' → '.join(caption.functions)})" if caption.functions else ""
    return visible(" ".join(part for part in (caption.text, caption.reason, functions) if part))


def alternative_text(scene: Scene) -> str:
    """Return the text that a screen reader reads instead of the picture."""
    parts = (heading(scene), caption_words(scene), *map(visible, scene.notes))
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def text_twin(scene: Scene) -> str:
    """Return heading, caption, notes and table, for terminals and for readers without pictures."""
    tables = [("", scene.table), *scene.table.more]
    lines = [line for title, table in tables for line in (visible(title), *_lines(table))]
    parts = [heading(scene), caption_words(scene), *map(visible, scene.notes), *lines]
    return "\n".join(part for part in parts if part)


def _lines(table: Table) -> list[str]:
    if not table.header:
        return []
    rows = [table.header, *table.rows[:ROWS]]
    widths = [max(len(_cell(row, column)) for row in rows) for column in range(len(table.header))]
    lines = ["  ".join(_cell(row, column).ljust(width) for column, width in enumerate(widths)).rstrip() for row in rows]
    more = len(table.rows) - ROWS
    return [*lines, f"… and {more} more"] if more > 0 else lines


def _cell(row: tuple[str, ...], column: int) -> str:
    return visible(row[column]) if column < len(row) else ""


def table_twin(scene: Scene) -> Table:
    """Return a picture's contents as a table: the drawn things, followed by the events, step by step."""
    caption, steps = scene.caption, scene.steps
    if not caption.text or not steps.said:
        return scene.table  # the caption is on the page already
    here = (f"{caption.text} {caption.reason}".strip(), " → ".join(caption.functions))
    rows = [(str(number), *row) for number, row in enumerate(steps.said, 1)]
    rows[max(steps.index - 1, 0) : steps.index] = [(f"{steps.index}, shown", *here)]
    first = max(0, min(steps.index - STEPS // 2, len(rows) - STEPS))
    before, after = first, max(0, len(rows) - first - STEPS)
    cut = [(f"… {count:,} more", "", "") if count else None for count in (before, after)]
    kept = [row for row in (cut[0], *rows[first : first + STEPS], cut[1]) if row]
    happened = Table(("step", "what happens", "functions"), tuple(kept))
    return replace(scene.table, more=(*scene.table.more, ("what happened", happened)))


# ---- an image ------------------------------------------------------------------------------------


def data_uri(svg: str) -> str:
    """Return an SVG as a data URI, which can stand between double quotes; base64 would be a third longer.

    >>> data_uri('<svg width="9">→ #</svg>')
    "data:image/svg+xml;charset=utf-8,<svg width='9'>→ %23</svg>"
    """
    single = in_tenths(svg).replace("'", "&apos;").replace('"', "'")  # neither HTML nor JSON escapes single quotes
    return "data:image/svg+xml;charset=utf-8," + re.sub(r"[%#&\s]", lambda one: _quoted(one[0]), single)


def drawing_in(uri: str) -> str:
    """Return the SVG in an address from :func:`data_uri`.

    >>> drawing_in(data_uri('<svg width="9">→ #</svg>'))
    '<svg width="9">→ #</svg>'
    """
    return unquote(uri.partition(",")[2]).replace("'", '"').replace("&apos;", "'")


def in_tenths(svg: str) -> str:
    """Return the same SVG with coordinates in tenths of a pixel, which makes a large picture a tenth smaller.

    >>> in_tenths('<text x="13.2043" y="2">13.2043</text>')
    '<text x="13.2" y="2">13.2043</text>'
    """
    return _TAG.sub(lambda tag: _FINE.sub(r"\1", tag[0]), svg)


_TAG = re.compile(r"<[^<>]+>")
_FINE = re.compile(r"(\d\.\d)\d+")


def _quoted(letter: str) -> str:
    return letter if letter == " " else quote(letter)


def image_html(svg: str, alt: str, style: str = "") -> str:
    """Return an `<img>` of an SVG.

    An inline SVG would not do: notebooks remove it from outputs that they do not trust.
    """
    return f'<img alt="{escape(alt)}" src="{data_uri(svg)}" style="max-width: 100%{style}">'


def output_html(scene: Scene, svg: str, wide: float = 0, slim: str = "") -> str:
    """Return the image in a notebook's output, `wide` pixels wide; 0: the SVG's own width.

    A telephone gets the SVG `slim`, if given.

    A browser draws an SVG by the `color-scheme` of its image.  So the image has the theme of its page, not of the
    reader's system, and is light on paper.
    """
    size = f"; width: {wide:g}px" if wide else ""
    image = image_html(svg, alternative_text(scene), f"; color-scheme: light{size}")
    return picture_html(image, data_uri(slim)) if slim else image


def picture_html(image: str, slim: str) -> str:
    """Return an `<img>`, with the address of a version for telephones; a blank would end the address and is escaped.

    >>> picture_html('<img src="walk.svg">', "slim.svg")
    '<picture><source media="(max-width: 520px)" srcset="slim.svg"><img src="walk.svg"></picture>'
    """
    address = slim.replace(" ", "%20")
    return f'<picture><source media="{TELEPHONE}" srcset="{address}">{image}</picture>'


TELEPHONE = "(max-width: 520px)"
"""The media condition of pages that get pictures laid out for a telephone."""


def twin_html(twin_id: str, image: str, note: str = "", again: str = "") -> str:
    """Return a view's static copy: its image, with a note on its origin.  The live view with the same ID hides it.

    `again` says how to get the live view; if a page can say more (:data:`WHY_NOT_LIVE`), its sentence replaces `again`.

    >>> twin_html("t1", "<img>", "cell [3]")
    '<div data-vmwidgets-twin="t1"><img><div style="font-size: 11px; opacity: 0.8">cell [3]</div></div>'
    """
    below = f"<span data-vmwidgets-again><span> · {escape(again)}</span></span>" if again else ""
    return f'<div data-vmwidgets-twin="{escape(twin_id)}">{image}{note_html(note, below)}</div>'


def drawings_in(html: str) -> list[tuple[str, str]]:
    """Return, for each twin in some HTML, its image's text for screen readers, and its SVG.

    >>> drawings_in(twin_html("t1", f'<img alt="a &lt;map&gt;" src="{data_uri("<svg/>")}">'))
    [('a <map>', '<svg/>')]
    """
    return [(unescape(alt), drawing_in(uri)) for alt, uri in _TWIN.findall(html)]


_TWIN = re.compile(r'data-vmwidgets-twin="[^"]*">(?:<picture>.*?)?<img alt="([^"]*)" src="(data:image/svg\+xml[^"]*)"')

_ALIVE = "> .jupyter-widgets > :is(.lm-Widget, script)"
LOST = f".jp-OutputArea-child:has(> .jupyter-widgets):not(:has({_ALIVE}))"
"""JupyterLab's output of a widget whose kernel is gone: only JupyterLab's own line, "model not found".

The selector names the other possible children, because a selector for any child is slow: the browser then computes the
styles of the whole output for each element that a picture adds or removes.
"""

_DARK = ":is([data-jp-theme-light=false], .vscode-dark, html[theme=dark])"
_OURS = "[data-vmwidgets-twin]"
_NARROW = (
    f"{_OURS} {{ overflow-x: auto }} {_OURS} img {{ max-width: none !important }} "
    "[data-vmwidgets-box] div { grid-template-columns: minmax(0, 1fr) !important }"
)
_PLAYS = "[data-vmwidgets-twin].vmw-plays"
_SAVED = (
    f"@media screen {{ {_PLAYS} > :is(img, picture), {_PLAYS} [data-vmwidgets-again] {{ display: none }} }} "
    "@media print { .vmw-saved { display: none } }"
)
RULES = (
    f"<style>{_SAVED} {LOST}:has(+ .jp-OutputArea-child {_OURS}) {{ display: none }} "
    f"@media screen {{ {_DARK} {_OURS} img {{ color-scheme: dark !important }} }} "
    f"@media screen and (max-width: 46em) {{ {_NARROW} }} "
    f"@media screen and {TELEPHONE} {{ {_OURS} picture img {{ width: auto !important; max-width: 100% !important }} }}"
    "</style>"
)
"""Rules for all twins of a page: no empty line above them, and a dark theme if the page has one.

On a narrow page, letters keep their size: pictures scroll, and pictures side by side are placed below each other.
Pictures laid out for a telephone fit on it.
"""

ABSENT = (
    "Not live on this page: run this cell. If you have just run it, another notebook, console or person on the same "
    "Jupyter kernel has the live picture: load this page again, or give this notebook a kernel of its own."
)
STOPPED = (
    "Not live: its script has not started. If it doesn't start soon, this page forbids scripts at blob: addresses; ask "
    "for script-src blob: in the server's Content-Security-Policy."
)
_CHILD, _AGAIN = ".jp-OutputArea-child", "[data-vmwidgets-again]"
_DRAWS = f"{_CHILD}:has(> .jp-OutputArea-output > .lm-Widget):not(:has([data-vmwidgets-view]))"


def _instead(output: str, sentence: str, more: str = "") -> str:
    """Return a rule that replaces the way to get the live view, in the twin after `output`, with `sentence`."""
    twin = f"{output} + {_CHILD} {_AGAIN}"
    return f'{twin} > span {{ display: none }} {twin}::after {{ content: "{sentence}"; display: block{more} }}'


def unless_inside(twin_id: str) -> str:
    """Return a rule that hides a twin if the output above it contains the same twin, as a saved `Output` does."""
    twin = f'[data-vmwidgets-twin="{escape(twin_id)}"]'
    return f"<style>{_CHILD}:has(.jp-OutputArea {twin}) + {_CHILD}:has({twin}) {{ display: none }}</style>"


_LATE_AREA = f".jp-OutputArea:has(> {_CHILD} [data-vmwidgets-late])"
LATE = f"<style>{_LATE_AREA} > {LOST} {{ display: none }}</style>"
"""Rules against empty lines above twins that were added to an output later, and so do not follow their widgets."""

KEPT = (
    "<div data-vmwidgets-kept></div>"
    f"<style>{_CHILD}:has(> .jp-OutputArea-output > [data-vmwidgets-kept]) {{ display: none }}</style>"
)
"""The twin of an `Output` without pictures: it takes no room, and keeps the place for later contents of the
`Output`.
"""

WHY_NOT_LIVE = (
    f"<style>{_instead(LOST, ABSENT)} "
    f"{_instead(_DRAWS, STOPPED, '; animation: vmw-stopped 1ms 3s both')} "
    "@keyframes vmw-stopped { from { visibility: hidden } }</style>"
)
"""The text of a twin in JupyterLab and Notebook if its live view is missing.

Either the page has no model for the view, or no script draws it.  In both cases no script of ours runs, so only rules
can show the text.  A page can't tell a cell that has not been run in this session from a cell that was run on another
page of the same kernel, so the sentence mentions both.
"""


def note_html(note: str, more: str = "") -> str:
    """Return a small line below a picture; `more` is HTML at its end."""
    return f'<div style="font-size: 11px; opacity: 0.8">{escape(note)}{more}</div>' if note or more else ""


# ---- a page --------------------------------------------------------------------------------------

STYLE = (
    ":root{color-scheme:light dark}@media print{:root{color-scheme:light}}"
    "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:1240px}"
    "table{border-collapse:collapse;font:12px ui-monospace,Menlo,Consolas,monospace}"
    "th,td{text-align:left;padding:2px 14px 2px 0;white-space:pre-wrap}th{border-bottom:1px solid}"
    "h1{margin:0}figure{margin:1em 0;overflow-x:auto}figure img{max-width:none!important}.tables{overflow-x:auto}"
)


def html_page(scene: Scene, svg: str) -> str:
    """Return heading, caption, picture and table, with everything that learners wrote escaped."""
    notes = "".join(f"<p>{escape(visible(note))}</p>" for note in scene.notes)
    return (
        "<!doctype html>\n"
        '<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(visible(scene.title))}</title><style>{STYLE}</style>\n"
        f"<h1>{escape(visible(scene.title))}</h1>\n<p>{escape(visible(scene.subtitle))}</p>\n"
        f"<p>{escape(caption_words(scene))}</p>{notes}\n"
        f'<figure tabindex="0" aria-label="picture">{image_html(svg, alternative_text(scene))}</figure>\n'
        '<div class="tables" tabindex="0" role="region" aria-label="tables">'
        f"{table_html(table_twin(scene))}</div></html>\n"
    )


def table_html(table: Table, level: int = 2) -> str:
    """Return a table and the tables below it, which have headings of this level."""
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in table.header)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(visible(word))}</td>" for word in row) + "</tr>" for row in table.rows
    )
    more = "".join(
        f"<h{level}>{escape(visible(title))}</h{level}>\n{table_html(other, level)}" for title, other in table.more
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>\n{more}"

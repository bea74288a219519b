"""A picture as one HTML file."""

from __future__ import annotations

from html import escape

from .image import image_html
from .model import Scene, Table
from .text import visible
from .words import alternative_text, caption_words, heading

STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:2rem;max-width:1240px;color-scheme:light dark}"
    "table{border-collapse:collapse;font:12px ui-monospace,Menlo,Consolas,monospace}"
    "th,td{text-align:left;padding:2px 14px 2px 0;white-space:pre}th{border-bottom:1px solid}"
)


def html_page(scene: Scene, svg: str) -> str:
    """Heading, caption, picture and table; everything that learners wrote is escaped."""
    notes = "".join(f"<p>{escape(visible(note))}</p>" for note in scene.notes)
    return (
        "<!doctype html>\n"
        f'<html lang="en"><meta charset="utf-8"><title>{escape(visible(scene.title))}</title><style>{STYLE}</style>\n'
        f"<h1>{escape(heading(scene))}</h1>\n<p>{escape(caption_words(scene))}</p>{notes}\n"
        f"<figure>{image_html(svg, alternative_text(scene))}</figure>\n{_table(scene.table)}</html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(word)}</th>' for word in table.header)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(visible(word))}</td>" for word in row) + "</tr>" for row in table.rows
    )
    more = "".join(f"<h2>{escape(visible(title))}</h2>\n{_table(other)}" for title, other in table.more)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>\n{more}"

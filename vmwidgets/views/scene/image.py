"""The static twin of a picture: what is shown where no live view can be."""

from __future__ import annotations

import base64
from html import escape


def data_uri(svg: str) -> str:
    """An SVG as an address that needs no server."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def image_html(svg: str, alt: str) -> str:
    """An `<img>` of an SVG.

    Not the SVG itself: notebooks cut inline SVG out of outputs that they do not trust.
    """
    return f'<img alt="{escape(alt)}" src="{data_uri(svg)}" style="max-width: 100%">'


def twin_html(twin_id: str, svg: str, alt: str, note: str = "") -> str:
    """The twin's output, with a note of where it comes from; the live view of the same id hides it on its page.

    >>> twin_html("t1", "<svg/>", 'a "b"')[:60]
    '<div data-vmwidgets-twin="t1"><img alt="a &quot;b&quot;" src'
    """
    return f'<div data-vmwidgets-twin="{escape(twin_id)}">{image_html(svg, alt)}{note_html(note)}</div>'


def note_html(note: str) -> str:
    """A small line below a picture."""
    return f'<div style="font-size: 11px; opacity: 0.8">{escape(note)}</div>' if note else ""

"""Graphviz's drawing of a picture, from a page or from the program `dot`, for a file.

A drawing from a page may be anything, and a saved notebook is opened by others.  So nothing of its text is kept: known
elements with plain values are written again, and everything else is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from xml.etree import ElementTree as ET

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.frozen import frozen

from .text import visible


@frozen
class Laid:
    """A drawing: its SVG elements, its `viewBox`, its size in pixels, and the rules for its letters and a dark page."""

    markup: str
    box: str
    width: float
    height: float
    style: str


_SVG = "{http://www.w3.org/2000/svg}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_ELEMENTS = frozenset(("g", "path", "polygon", "polyline", "ellipse", "text"))
_ATTRIBUTES = frozenset((
    "d", "points", "cx", "cy", "rx", "ry", "x", "y", "transform", "fill", "stroke", "stroke-width", "stroke-dasharray",
    "text-anchor",
))  # fmt: skip
_PLAIN = re.compile(r"[\w#., +-]*", re.ASCII)
"""Values without a bracket, a colon or a quote: no address, and no rule."""

_TRANSFORM = re.compile(r"((scale|rotate|translate)\([\d., -]*\) *)*", re.ASCII)
_NUMBERS = re.compile(r"-?\d{1,7}(\.\d+)?", re.ASCII)
_DEEPEST = 12
"""The most elements around an element: Graphviz has five."""


def read_laid(text: str) -> Laid:
    """Return Graphviz's drawing, with nothing in it but shapes and words.

    Raises :class:`Refused` if the text is no SVG with a size.  Time and space are linear in the text.

    >>> links = '<a href="x:y"><text onclick="z()">2</text></a>'
    >>> read_laid(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{links}</svg>').markup
    '<text>2</text>'
    """
    try:  # from its element on: without what is before it, there are no entities
        root = ET.fromstring(text[max(text.find("<svg"), 0) :])
    except ET.ParseError as error:
        raise Refused(f"Graphviz's drawing can't be read: {error}") from None
    box = root.get("viewBox", "").split()
    if root.tag != f"{_SVG}svg" or len(box) != 4 or not all(map(_NUMBERS.fullmatch, box)):
        raise Refused("Graphviz's drawing has no size")
    width, height = float(box[2]), float(box[3])
    if width <= 0 or height <= 0:
        raise Refused("Graphviz's drawing is empty")
    return Laid("".join(_parts(root, 0)), " ".join(box), width, height, _style())


def _parts(parent: ET.Element, depth: int) -> Iterator[str]:
    """Yield the known elements in an element; a link is replaced by its contents, and the background left out."""
    if depth > _DEEPEST:
        return
    for child in parent:
        name = str(child.tag).removeprefix(_SVG)
        if name == "a":
            yield from _parts(child, depth + 1)
        elif name in _ELEMENTS and not (name == "polygon" and parent.get("class") == "graph"):
            words = escape(visible(child.text or ""), quote=False) if name == "text" else ""
            inner = words or "".join(_parts(child, depth + 1))
            given = "".join(f' {key}="{value}"' for key, value in child.attrib.items() if _is_plain(key, value))
            kept = ' xml:space="preserve"' if child.get(_SPACE) == "preserve" else ""
            yield f"<{name}{given}{kept}>{inner}</{name}>" if inner else f"<{name}{given}/>"


def _is_plain(key: str, value: str) -> bool:
    return key in _ATTRIBUTES and bool((_TRANSFORM if key == "transform" else _PLAIN).fullmatch(value))


def _style() -> str:
    """Return the rules that a page has for a drawing: letters that fit in any font, and a dark theme's colours."""
    from .dot import THEMES  # Graphviz's package: most readers never ask for it

    changed = {old: THEMES["dark"][name] for name, old in THEMES["light"].items() if name != "ground"}
    rules = (f'[{name}="{old}"]{{{name}:{new}}}' for old, new in changed.items() for name in ("fill", "stroke"))
    letters = "text{font:12px system-ui,'DejaVu Sans',sans-serif}"
    return f"{letters}@media screen and (prefers-color-scheme: dark){{{''.join(rules)}}}"

"""A scene's SVG as a PNG, for slides and pages that accept nothing else.

The rasterizer is `resvg <https://pypi.org/project/resvg-py/>`_, the extra ``png``.  It supports neither style-sheet
variables nor ``:not(…)``, so both are resolved first.
"""

from __future__ import annotations

import re

from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.released import install

_STYLE = re.compile(r"(?s)<style>(.*?)</style>")
_MEDIA = re.compile(r"@media ([^{}]*)\{((?:[^{}]*\{[^{}]*\})*)[^{}]*\}")
_VARIABLE = re.compile(r"(--[\w-]+):([^;}]*)")
_NOT = re.compile(r"((?:\.[\w-]+)+):not\(([^)]*)\)")
_CLASSES = re.compile(r'class="([^"]*)"')

THEMES = ("light", "dark")


def to_png(svg: str, *, theme: str = "light", scale: float = 2.0) -> bytes:
    """Return the picture as a PNG with `scale` pixels for each of the drawing's.

    Raises :class:`Refused` if the extra is not installed, for an unknown theme, and for a scale outside 0.25 to 8.
    """
    if theme not in THEMES:
        raise Refused(f"theme={theme!r}, but it must be 'light' or 'dark'")
    if not 0.25 <= scale <= 8:
        raise Refused(f"scale={scale!r}, but it must be a number from 0.25 to 8")
    try:
        import resvg_py
    except ImportError:
        raise Refused(f'a PNG needs the extra "png": {install("png")}; or save an .svg') from None
    return bytes(resvg_py.svg_to_bytes(svg_string=plain_svg(svg, theme=theme), zoom=scale))


def plain_svg(svg: str, *, theme: str = "light") -> str:
    """Return the same SVG in one theme, without variables and ``:not(…)`` in its style sheet.

    >>> plain_svg('<svg><style>.a{--c:red}.a:not(.b){fill:var(--c)}</style><g class="a"/><g class="a b"/></svg>')
    '<svg><style>.a{--c:red}.not0{fill:red}</style><g class="a not0"/><g class="a b"/></svg>'
    """
    found = _STYLE.search(svg)
    if found is None:
        return svg
    style = found[1].replace("&gt;", ">")
    dark = "".join(rules for condition, rules in _MEDIA.findall(style) if "prefers-color-scheme" in condition)
    style = _MEDIA.sub("", style)  # forced colours are not a theme of a file
    values = dict(_VARIABLE.findall(style + dark if theme == "dark" else style))
    style = re.sub(r"var\((--[\w-]+)\)", lambda one: values.get(one[1], "none").strip(), style)
    body = svg[found.end() :]
    for number, (classes, excluded) in enumerate(dict.fromkeys(_NOT.findall(style))):
        name = f"not{number}"
        style = style.replace(f"{classes}:not({excluded})", f".{name}")
        body = _named(body, name, set(classes.split(".")) - {""}, set(re.findall(r"[\w-]+", excluded)))
    return f"{svg[: found.start()]}<style>{style.replace('>', '&gt;')}</style>{body}"


def _named(body: str, name: str, needed: set[str], excluded: set[str]) -> str:
    """Return the markup with the class `name` added to elements with all classes `needed` and none `excluded`."""

    def more(found: re.Match[str]) -> str:
        classes = set(found[1].split())
        return f'class="{found[1]} {name}"' if needed <= classes and not excluded & classes else found[0]

    return _CLASSES.sub(more, body)

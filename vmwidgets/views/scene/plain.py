"""A scene's drawing for programs that are no browsers: an SVG with its style in plain attributes, and a PNG.

The drawings of pages have a style sheet with variables, which follows a page's dark mode.  resvg, librsvg, Inkscape,
LaTeX and slide programs understand parts of such a sheet, and each another part.  So an exported SVG has none:
`tinycss2 <https://pypi.org/project/tinycss2/>`_ parses the drawing's own sheet,
`cssselect2 <https://pypi.org/project/cssselect2/>`_ finds the rules that match, and each element gets what these say,
for one theme.  The rasterizer is `resvg <https://pypi.org/project/resvg-py/>`_, the extra ``png``; a PDF is written by
`Typst <https://pypi.org/project/typst/>`_, the extra ``figures``, with the letters as text and their fonts embedded.

Both read the package's letters, and the system's fonts for all others.  A computer without any, such as a container,
has those of matplotlib, if it is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.released import install

from .static import STATIC

_SVG, _XML = "http://www.w3.org/2000/svg", "http://www.w3.org/XML/1998/namespace"

_ATTRIBUTES = frozenset({
    "fill", "fill-opacity", "font-family", "font-size", "font-weight", "letter-spacing", "opacity", "rx", "stroke",
    "stroke-dasharray", "stroke-opacity", "stroke-width", "text-anchor",
})  # fmt: skip
"""The properties of our sheet that SVG 1.1 has as attributes; what only a page needs is not among them."""

_ONLY_IN_BROWSERS = ("system-ui", "ui-monospace")
"""Families that name no font: a program that reads only the first family of a list would find none."""


def check_theme(theme: str) -> None:
    """Raise :class:`Refused` for an unknown theme."""
    given: object = theme
    if not isinstance(given, str) or given not in ("light", "dark"):
        raise Refused(f"theme={shown(theme)}, but it must be 'light' or 'dark'")


def check_extra(ending: str) -> None:
    """Raise :class:`Refused` if files with this ending, ".png" or ".pdf", need an extra that is not installed."""
    if ending in _NEEDED:
        module, extra, what = _NEEDED[ending]
        try:
            import_module(module)
        except ImportError:
            raise Refused(f'{what} needs the extra "{extra}": {install(extra)}; or save an .svg') from None


_NEEDED = {".png": ("resvg_py", "png", "a PNG"), ".pdf": ("typst", "figures", "a PDF")}


def to_png(svg: str, *, theme: str = "light", scale: float = 2.0) -> bytes:
    """Return the picture as a PNG with `scale` pixels for each of the drawing's.

    Raises :class:`Refused` if the extra is not installed, for an unknown theme, and for a scale outside 0.25 to 8.
    """
    given: object = scale
    if not isinstance(given, (int, float)) or not 0.25 <= given <= 8:
        raise Refused(f"scale={shown(scale)}, but it must be a number from 0.25 to 8")
    check_extra(".png")
    plain = plain_svg(svg, theme=theme)
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=plain, zoom=scale, font_dirs=_fonts()))


_PAGE = """#set document(date: none, title: sys.inputs.title)
#set page(width: auto, height: auto, margin: 0pt)
#image("picture.svg", width: float(sys.inputs.width) * 1pt, alt: sys.inputs.title)
"""
"""A document in Typst's language.  Without a date, the same picture is the same bytes."""


def to_pdf(svg: str, *, theme: str = "light") -> bytes:
    """Return the picture as a PDF of one page, as large as the picture: vectors, and letters with their fonts.

    A pixel of the drawing is 0.75 pt, as in CSS.  It costs some 0.1 s.  Raises :class:`Refused` if the extra is not
    installed, and for an unknown theme.
    """
    check_extra(".pdf")
    plain = plain_svg(svg, theme=theme)
    import typst

    root = ET.fromstring(plain)
    given = {"title": root.findtext(f"{{{_SVG}}}title") or "", "width": str(0.75 * float(root.attrib["width"]))}
    files: Any = {"main.typ": _PAGE.encode(), "picture.svg": plain.encode()}
    return bytes(typst.compile(files, format="pdf", sys_inputs=given, font_paths=_fonts()))


@cache
def _fonts() -> list[str]:
    """Return the folders with the letters of pictures, and with the fonts that matplotlib brings."""
    found = find_spec("matplotlib")
    places = [] if found is None else found.submodule_search_locations or []
    folders = [STATIC / "letters", *(Path(place, "mpl-data", "fonts", "ttf") for place in places)]
    return [str(folder) for folder in folders if folder.is_dir()]


def plain_svg(svg: str, *, theme: str = "light") -> str:
    """Return the same drawing in one theme, with attributes in place of its style sheet.

    It costs some 0.1 s for the largest pictures: elements with the same classes in the same places are resolved once.
    Raises :class:`Refused` for an unknown theme.

    >>> sheet = "<style>.a{--c:red;--d:blue}.a:not(.b){fill:var(--c)}.a.b{fill:var(--d)}</style>"
    >>> plain_svg(f'<svg xmlns="http://www.w3.org/2000/svg">{sheet}<g class="a"/><g class="a b"/></svg>')
    '<svg xmlns="http://www.w3.org/2000/svg"><g fill="red" /><g fill="blue" /></svg>'
    """
    check_theme(theme)
    from cssselect2 import ElementWrapper

    root = ET.fromstring(svg)
    sheets = [(within, one) for within in root.iter() for one in within if one.tag == f"{{{_SVG}}}style"]
    matcher = _matcher("".join(one.text or "" for _, one in sheets), theme == "dark")
    for within, one in sheets:
        within.remove(one)
    known: dict[tuple[int, str, str], _Style] = {}  # by the style above, the element and its classes
    found: dict[Any, _Style] = {}
    for element in ElementWrapper.from_xml_root(root).iter_subtree():
        above = found.get(element.parent, _NO_STYLE)
        place = id(above), element.local_name, element.etree_element.get("class", "")
        if place not in known:
            known[place] = above.below([pair for rule in matcher.match(element) for pair in rule[-1]])
        found[element] = known[place]
    for element, style in found.items():
        node = element.etree_element
        node.tag = element.local_name  # so that no prefix is written, whatever other modules have registered
        node.attrib.pop("class", None)
        node.attrib.update(style.attributes)
    root.set("xmlns", _SVG)
    return ET.tostring(root, encoding="unicode")


class _Style(NamedTuple):
    """What an element gets: its attributes, and what the elements in it inherit (variables, and ``color``)."""

    attributes: dict[str, str]
    inherited: dict[str, str]

    def below(self, declared: list[tuple[str, str]]) -> _Style:
        """Return the style of an element within, by what its rules declare; later ones win."""
        inherited = self.inherited | {name: value for name, value in declared if name[:2] == "--" or name == "color"}
        attributes: dict[str, str] = {}
        for name, value in declared:
            attributes.update(_longhands(name, _substituted(value, inherited)))
        return _Style(attributes, inherited)


_NO_STYLE = _Style({}, {"color": "black"})


@cache
def _matcher(sheet: str, dark: bool) -> Any:
    """Return what finds the declarations for an element, in the order in which later ones win."""
    import tinycss2
    from cssselect2 import Matcher, compile_selector_list

    matcher = Matcher()

    def add(rules: Any) -> None:
        for rule in tinycss2.parse_rule_list(rules, skip_comments=True, skip_whitespace=True):
            if rule.type == "at-rule" and rule.content is not None:  # of all media, a file has the dark theme at most
                if dark and "prefers-color-scheme: dark" in tinycss2.serialize(rule.prelude):
                    add(rule.content)
            elif rule.type == "qualified-rule":
                declared = [
                    (one.name, tinycss2.serialize(one.value).strip())
                    for one in tinycss2.parse_blocks_contents(rule.content)
                    if one.type == "declaration"
                ]
                for selector in compile_selector_list(rule.prelude):
                    matcher.add_selector(selector, declared)

    add(sheet)
    return matcher


def _substituted(value: str, known: dict[str, str]) -> str:
    """Return a value with its variables, and the colour of the text, put in."""
    import tinycss2

    if "var(" not in value and "currentcolor" not in value.lower():
        return value
    parts = [
        _substituted(known.get(part.arguments[0].value, "none"), known)
        if part.type == "function" and part.lower_name == "var"
        else _substituted(known["color"], known)
        if part.type == "ident" and part.lower_value == "currentcolor"
        else part.serialize()
        for part in tinycss2.parse_component_value_list(value)
    ]
    return "".join(parts)


def _longhands(name: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield the attributes that say what a property says."""
    if name == "font":  # a size and families: nothing else is in our sheet
        size, _, family = value.partition(" ")
        yield from (*_longhands("font-size", size), *_longhands("font-family", family))
    elif name == "font-family":
        families = [one.strip() for one in value.split(",")]
        yield name, ", ".join(one for one in families if one not in _ONLY_IN_BROWSERS).replace('"', "'")
    elif name == "white-space":
        yield f"{{{_XML}}}space", "preserve"
    elif name in _ATTRIBUTES:
        yield name, "none" if value == "transparent" else value.removesuffix("px")

"""README's first picture: a fork and the first write after it, in three frames, drawn by vmwidgets itself.

`make pictures` writes docs/pictures/hero.svg and hero-dark.svg, which move, and hero-frames.svg and .png, the same
three frames beside each other, for paper and for the package index.  The moving ones play once, 4 s a frame, and stay
on the third frame; it is also shown on paper, and to readers who asked their computer for less motion.  The light one
is in notebooks/ a second time: the folder of a student has nothing above it.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import vmwidgets as vm
from vmwidgets.pictures.hello import Stop
from vmwidgets.views.scene.plain import plain_svg
from vmwidgets.views.scene.svg import to_svg

CODE = (
    "import vmwidgets as vm",
    'm = vm.boot("x86-64", fork="counted")',
    'parent = m.task("parent")',
    'a = parent.mmap("12 KiB")',
    'parent.write(a, b"hello")',
    'parent.write(a + 4096, b"two")',
    'parent.write(a + 8192, b"three")',
    'child = parent.fork("child")',
    'child.write(a, b"J")',
)
"""The code of README; the last three lines make a frame each."""

SECONDS = 4
"""How long a frame is shown."""


def frames() -> list[Stop]:
    """Return the three frames, which are the stops of `vm.hello()`."""
    return list(vm.hello().stops)


def words(drawn: Stop) -> list[str]:
    """Return all words of a frame."""
    said = [drawn.scene.caption.text, drawn.scene.caption.reason, drawn.code, "1 of 3"]
    return " ".join([*said, *(run.text for node in drawn.scene.nodes for run in node.text)]).split()


def plain(number: int, drawn: Stop, theme: str) -> tuple[str, float]:
    """Return what is inside a frame's SVG in one theme, with its code below, and its height."""
    svg = plain_svg(to_svg(drawn.scene), theme=theme)
    size = re.match(r'<svg width="(\d+)" height="([\d.]+)"', svg)
    assert size is not None, "it has a size"
    inner = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
    inner = re.sub(r"<title>.*?</title>", "", inner, flags=re.DOTALL)
    if drawn.made is not None:
        for name, kind in zip(drawn.made, ("split", "late"), strict=True):
            inner = marked(inner, name, kind)
    inner = re.sub(r' data-id="[^"]*"', "", inner)
    dim, ink = ("#5a6572", "#171b21") if theme == "light" else ("#a3afbb", "#eceff2")
    y = float(size[2]) + 10
    mono = "Menlo, Consolas, 'DejaVu Sans Mono', monospace"
    code = f'<text x="14" y="{y:g}" font-size="14" font-family="{mono}" fill="{ink}">{escape(drawn.code)}</text>'
    small = f'font-size="12" text-anchor="end" font-family="sans-serif" fill="{dim}"'
    place = f'<text x="886" y="{y:g}" {small}>{number} of 3</text>'
    return inner + code + place, y + 20


def marked(inner: str, name: str, kind: str) -> str:
    """Return the drawing with one of its elements in a group of a class."""
    return _wrapped(inner, inner.rindex("<", 0, inner.index(f'data-id="{name}"')), kind)


def _wrapped(inner: str, begin: int, kind: str) -> str:
    """Return the drawing with the element that begins there in a group of a class."""
    depth, at = 0, begin
    for match in re.finditer(r"<(/?)(\w+)[^>]*?(/?)>", inner[begin:]):
        depth += -1 if match[1] else 0 if match[3] else 1
        if not depth:
            at = begin + match.end()
            break
    return f'{inner[:begin]}<g class="{kind}">{inner[begin:at]}</g>{inner[at:]}'


def style() -> str:
    """Return the style sheet of the moving picture: nothing but CSS moves it, once."""
    whole = 3 * SECONDS
    first, second = (100 * SECONDS * number / whole for number in (1, 2))
    still = "g.f,g.split,g.late{animation:none}g.f{opacity:0}g.f3{opacity:1}"
    return (
        f"g.f{{opacity:0;animation:{whole}s ease-out 1 both}}g.f1{{animation-name:a}}g.f2{{animation-name:b}}"
        f"g.f3{{animation-name:c}}g.split{{animation:{whole}s ease-out 1 both s}}"
        f"g.late{{animation:{whole}s ease-out 1 both l}}"
        f"@keyframes a{{0%,{first - 1:.1f}%{{opacity:1}}{first + 1:.1f}%,100%{{opacity:0}}}}"
        f"@keyframes b{{0%,{first - 1:.1f}%{{opacity:0}}{first + 1:.1f}%,{second - 1:.1f}%{{opacity:1}}"
        f"{second + 1:.1f}%,100%{{opacity:0}}}}"
        f"@keyframes c{{0%,{second - 1:.1f}%{{opacity:0}}{second + 1:.1f}%,100%{{opacity:1}}}}"
        f"@keyframes s{{0%,{second + 2:.1f}%{{transform:translateY(66px)}}{second + 7:.1f}%,100%{{transform:none}}}}"
        f"@keyframes l{{0%,{second + 7:.1f}%{{opacity:0}}{second + 10:.1f}%,100%{{opacity:1}}}}"
        f"@media (prefers-reduced-motion:reduce){{{still}}}@media print{{{still}}}"
    )


ALT = ("A fork copies no page: parent and child share three frames, and no page can be written without a fault. "
       "The child's first write copies one page, and only that page.")  # fmt: skip  # for those who see no picture


def moving(some: list[Stop], theme: str) -> str:
    """Return the three frames as one picture that plays once, in ASCII: JupyterLite shows no other SVG of a page."""
    parts = [plain(number, one, theme) for number, one in enumerate(some, 1)]
    high = max(tall for _, tall in parts)
    groups = "".join(f'<g class="f f{number}">{inner}</g>' for number, (inner, _) in enumerate(parts, 1))
    ground = "#ffffff" if theme == "light" else "#14181d"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{high:g}" viewBox="0 0 900 {high:g}" role="img">'
        f"<title>{escape(ALT)}</title><style>{style()}</style>"
        f'<rect width="900" height="{high:g}" fill="{ground}"/>{groups}</svg>\n'
    )
    return svg.encode("ascii", "xmlcharrefreplace").decode()


def beside(some: list[Stop]) -> str:
    """Return the three frames beside each other, still."""
    parts = [plain(number, one, "light") for number, one in enumerate(some, 1)]
    high, wide = max(tall for _, tall in parts), 3 * 900 + 2 * 40
    groups = "".join(
        f'<g transform="translate({940 * number},0)">{inner}</g>' for number, (inner, _) in enumerate(parts)
    )
    size = f'width="{wide}" height="{high:g}" viewBox="0 0 {wide} {high:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        f'<title>{escape(ALT)}</title><rect width="{wide}" height="{high:g}" fill="#ffffff"/>{groups}</svg>\n'
    )


def drawings(folder: Path, labs: Path) -> dict[Path, str]:
    """Return the three files of a folder, and the first of them for that of the labs too."""
    some = frames()
    light = moving(some, "light")
    return {
        folder / "hero.svg": light,
        labs / "hero.svg": light,
        folder / "hero-dark.svg": moving(some, "dark"),
        folder / "hero-frames.svg": beside(some),
    }

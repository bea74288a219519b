"""The landing page: a fork and the first write after it, ways to begin, and what is below."""

from __future__ import annotations

import re
import shutil
from html import escape
from itertools import cycle
from typing import Any

from markdown_it import MarkdownIt

import vmwidgets as vm
from vmwidgets.pictures.slim import slim
from vmwidgets.views.scene.plain import to_png
from vmwidgets.views.scene.svg import to_svg
from vmwidgets.views.scene.twin import TELEPHONE, picture_html

from .chapters import with_links
from .places import OUT, ROOT, SOURCES

EXAMPLES = {
    "A map is a list and a tree": (
        'm = vm.boot("x86-64")',
        'a = m.kernel_map.enter("64 KiB", prot="r")',
        "m.kernel_map",
    ),
    "Which page to evict": (
        'string = "7 0 1 2 0 3 0 4 2 3 0 3"',
        'compared = vm.reference_string(string, 3, ("fifo", "clock"))',
        "compared",
    ),
    "A walk through page tables": (
        't = m.task("init"); a = t.mmap("8 KiB")',
        't.write(a, b"hello")',
        "t.walk(a)",
    ),
    "A page fault, function by function": (
        "child = t.fork()",
        'child.write(a, b"J")',
        "vm.Fault(child)",
    ),
    "A kernel's own memory": (
        'k = vm.boot("x86-64"); k.kmem_malloc("24 KiB")',
        'k.kmem_alloc_wait("900 KiB")',
        "vm.Kmem(k)",
    ),
    "The same memory in other formats": (
        'ranges = [(0x40_0000, "4 MiB"), (0x2000_0000, "64 MiB")]',
        'formats = vm.compare_formats(ranges, ("x86-64", "armv7"))',
        "formats",
    ),
}
"""Pictures with the lines that draw them; each goes on with the names of those before it."""

ACROSS = 560
"""How wide these pictures are, in pixels: as wide as half of the page."""

WIDER = {"A walk through page tables": 900, "The same memory in other formats": 760}
"""Those that would be too high: each has a row of its own, and the narrow form where the row is narrower."""

NARROW = "(max-width: 980px)"
"""Pages in which the wider pictures are laid out as for a telephone."""

UNMEASURED = "No account and no installation. Python runs in the page."


def write(measured: dict[str, float] | None) -> None:
    """Write the page; `measured` is the size of a first visit in bytes, and its seconds to the first picture."""
    template = (SOURCES / "landing.html").read_text(encoding="utf-8")
    parts = {
        "hero": hero(),
        "cost": cost(measured),
        "wait": "" if measured is None else f", in some {measured['seconds']:.0f} s the first time",
        "chapters": chapters(),
        "pictures": pictures(),
        "checked": rendered((SOURCES / "checked.md").read_text(encoding="utf-8")),
    }
    (OUT / "index.html").write_text(re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template), encoding="utf-8")
    for path in (SOURCES / "static").glob("*.*"):
        shutil.copy(path, OUT / "_static")
    icon = (SOURCES / "static" / "icon.svg").read_text(encoding="utf-8")
    (OUT / "favicon.ico").write_bytes(to_png(icon, theme="light", scale=2.0))  # asked for by pages that name no icon


def hero() -> str:
    """The first cell of a notebook, as it shows itself; its name is the same in each build."""
    return re.sub(r"\bvmw-[0-9a-f]{8}", "vmw-hero", vm.hello()._repr_mimebundle_()["text/html"])


def cost(measured: dict[str, float] | None) -> str:
    """Return what a first visit of the lab costs."""
    if measured is None:
        return UNMEASURED
    size, seconds = measured["bytes"] / 1e6, measured["seconds"]
    return (
        f"No account, no installation. {size:.0f} MB the first time; "
        f"{seconds:.0f} s to the first picture on the computer that built this page."
    )


# ---- below the first screen ----------------------------------------------------------------------


def chapters() -> str:
    """The tables of docs/chapters.md, one for each textbook, the first one open."""
    text = (ROOT / "docs" / "chapters.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert tables, "docs/chapters.md has tables"
    parts = []
    for number, table in enumerate(tables):
        book = table.split("|")[1].strip()
        opened = " open" if number == 0 else ""
        inside = labelled(rendered(with_links(table, "")))
        parts.append(f"<details{opened}><summary>{book}</summary>{inside}</details>")
    return "".join(parts)


def labelled(table: str) -> str:
    """A table of HTML whose cells name their column, since a telephone shows each row as a list.

    >>> labelled("<tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr>")
    '<tr><th>a</th><th>b</th></tr><tr><td data-column="a">1</td><td data-column="b">2</td></tr>'
    """
    names = cycle(re.findall("<th>(.*?)</th>", table))
    return re.sub("<td>", lambda _: f'<td data-column="{next(names)}">', table)


def pictures() -> str:
    """The examples, each with the picture that its lines have drawn, and the same laid out for a telephone."""
    folder = OUT / "pictures"
    folder.mkdir(exist_ok=True)
    names: dict[str, Any] = {"vm": vm}
    parts = []
    for number, (title, lines) in enumerate(EXAMPLES.items(), 1):
        exec("\n".join(lines[:-1]), names)
        picture = vm.picture(eval(lines[-1], names))
        picture.width = WIDER.get(title, ACROSS)  # a view that is given to vm.picture stays as it is
        drawn = picture.scene()
        (folder / f"{number}.svg").write_text(to_svg(drawn), encoding="utf-8")
        narrow = slim(picture)
        (folder / f"{number}-slim.svg").write_text(to_svg(narrow), encoding="utf-8")
        words = escape(f"{drawn.title}: {drawn.caption.text}")
        code = escape("\n".join(lines))
        large = f'width="{drawn.width:g}" height="{drawn.height:g}"'  # so that nothing moves when it is there
        image = f'<img src="pictures/{number}.svg" {large} alt="{words}" loading="lazy">'
        image = picture_html(image, f"pictures/{number}-slim.svg")
        if title in WIDER:
            image = image.replace(TELEPHONE, NARROW)
        image = image.replace("<source ", f'<source width="{narrow.width:g}" height="{narrow.height:g}" ')
        shown = f'<pre tabindex="0" aria-label="code">{code}</pre>'
        kind = ' class="wide"' if title in WIDER else ""
        parts.append(f"<figure{kind}><figcaption>{escape(title)}</figcaption>{shown}{image}</figure>")
    return "".join(parts)


def rendered(text: str) -> str:
    """Markdown as HTML, with tables."""
    return str(MarkdownIt("commonmark").enable("table").render(text))

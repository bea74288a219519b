"""The pages as Sphinx reads them: documents, labs, reference and gallery, in the folders of the checkout.

So a link of one document to another needs no change.  A link to a file that is not on the site loses its address.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat

from . import examples, figures, gallery, labs, reference
from .chapters import with_links
from .places import BENCH, ROOT, SOURCES, STAGE

DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "THIRD_PARTY.md",
    "notebooks/README.md",
    "docs/*.md",
    "docs/labs/*.md",
    "docs/dev/*.md",
)
LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")
BADGE = re.compile(r"\[!\[([^\]]+)\]\([^)]+\)\]\(([^)]+)\)")
"""A picture that leads somewhere, and comes from another host: its name is enough."""

READ_ONLY = """This page is the lab as it runs, to read. You can run it in your browser: Python starts in the page, in
up to a minute the first time. {links}
"""
OPEN = '<a class="open" href="../lab/lab/index.html?path={name}.ipynb">Open it in your browser</a>'
STEPS = '<a class="open" href="{name}-steps.html">Step through its pictures</a>'

SPEED = """# How fast

`make bench` wrote these figures, on the computer that built this site.

```text
{figures}```
"""
UNMEASURED = "`make bench` was not run before this site was built.\n"

ASSISTANTS = """# For assistants

Of each lab: questions before it, minutes, where people get stuck, and its rubric.

```{toctree}
:glob:

[0-9]*
beyond
```
"""


def write() -> None:
    """Write the stage anew."""
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    made = labs.made()
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            copy(path)
    for name, shown in made.items():
        put_lab(name, shown)
    (STAGE / "docs" / "labs" / "index.md").write_text(ASSISTANTS)
    (STAGE / "speed.md").write_text(speed(BENCH), encoding="utf-8")
    reference.write(STAGE / "reference", link_of)
    tried = examples.of_gallery()
    gallery.write(STAGE / "gallery", {name: one.link("gallery/index") for name, one in tried.items()})
    figures.write(STAGE / figures.FOLDER)
    shutil.copytree(SOURCES / "static", STAGE / "static")
    for name in ("conf.py", "contents.md"):
        shutil.copy(SOURCES / name, STAGE)


def speed(measured: Path) -> str:
    """The page of what the bench printed, if it ran."""
    if not measured.is_file():
        return f"# How fast\n\n{UNMEASURED}"
    return SPEED.format(figures=measured.read_text(encoding="utf-8"))


def link_of(name: str) -> str:
    """The link to try the examples of a public name, or ""."""
    tried = examples.of_name(name)
    return "" if tried is None else tried.link("reference/index")


def copy(path: Path) -> None:
    """Put a document at its place, with the links that lead somewhere on the site."""
    place = STAGE / path.relative_to(ROOT)
    place.parent.mkdir(parents=True, exist_ok=True)
    text = examples.with_links(path.read_text(encoding="utf-8"), path)
    up = "../" * (len(path.relative_to(ROOT).parts) - 1)
    place.write_text(linked(with_links(text, up), path.parent), encoding="utf-8")
    for picture in re.findall(r'(?:\]\(|srcset="|src=")([^)"]+\.(?:svg|png))', path.read_text(encoding="utf-8")):
        if (path.parent / picture).is_file():
            there = STAGE / (path.parent / picture).resolve().relative_to(ROOT)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path.parent / picture, there)


def linked(text: str, folder: Path) -> str:
    """A document's text: links to what is not on the site are text only.

    >>> linked("[the licence](LICENSE), [more](docs/tour.md#keys), [all](https://example.org)", ROOT)
    'the licence, [more](docs/tour.md#keys), [all](https://example.org)'
    """

    def kept(match: re.Match[str]) -> str:
        words, target = match[1], match[2]
        return match[0] if re.match(r"[a-z]+:", target) or is_page(folder / target) else words

    return LINK.sub(kept, BADGE.sub(r"[\1](\2)", text))


def is_page(path: Path) -> bool:
    """Return whether a file of the checkout is a page of the site."""
    place = path.resolve()
    is_lab = place.parent == ROOT / "notebooks" and place.stem in labs.NAMES
    return is_lab or any(place in ROOT.glob(pattern) for pattern in DOCUMENTS)


def put_lab(name: str, shown: Path) -> None:
    """Put a lab that was run at its place, with the ways to do it below its heading."""
    notebook = nbformat.read(shown, as_version=4)  # type: ignore[no-untyped-call]  # it has no types
    ways = (OPEN,) if name in labs.WITHOUT_STEPS else (OPEN, STEPS)
    links = " ".join(one.format(name=name) for one in ways)
    first = notebook.cells[0]
    heading, _, rest = first.source.partition("\n")
    heading = heading.replace("# ", f"# {name.partition('-')[0]} · ", 1) if name[0].isdigit() else heading
    first.source = f"{heading}\n\n{READ_ONLY.format(links=links)}\n{linked(rest, ROOT / 'notebooks')}"
    for cell in notebook.cells[1:]:
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source, ROOT / "notebooks")
    place = STAGE / "notebooks" / f"{name}.ipynb"
    place.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, place)  # type: ignore[no-untyped-call]

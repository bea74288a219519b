"""A page for each chapter of a textbook: its figures, drawn from the code beside them, to step through and to open.

The tables of docs/chapters.md name the pictures of a chapter; `tools/website/figures.toml` has the question and the
code of each.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import vmwidgets as vm
from vmwidgets.cli.link import LAB, link_to
from vmwidgets.pictures.handing_out import handed_out
from vmwidgets.pictures.picture import Picture
from vmwidgets.pictures.slim import slim
from vmwidgets.views.scene.svg import to_svg

from . import gallery, handouts
from .chapters import page_of, with_links
from .labs import USUAL
from .places import ROOT, SOURCES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = "chapters"
NAMED = re.compile(r"`vm\.([A-Z]\w+)\(")
TABLE = re.compile(r"^\| ([\w:]+) \| about \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)

INDEX = """# By chapter

Each page has the figures of a chapter, alive: step through them, or open their code in your browser and change it.

```{toctree}
:glob:

*
```
"""


@dataclass(frozen=True)
class Figure:
    """A picture of a kind: the question that it answers, and the code that draws it."""

    name: str
    question: str
    code: str
    acts: bool = False
    """Whether its steps begin with what the last operation does first, and not with what there is before it."""

    @property
    def file(self) -> str:
        """Return what its files are called, without an ending."""
        return f"figure-{self.name.lower()}"

    @cached_property
    def steps(self) -> bool:
        """Return whether it is of a machine, whose operations it steps through."""
        return self.picture()[0] is not None

    def picture(self) -> tuple[Any, Picture]:
        """Run the code: the machine, if there is one, and the picture that the code ends with."""
        tree = ast.parse(self.code)
        last = tree.body.pop()
        assert isinstance(last, ast.Expr), f"{self.name}: the code ends with a picture"
        names: dict[str, Any] = {}
        exec(compile(tree, self.name, "exec"), names)
        made = eval(compile(ast.Expression(last.value), self.name, "eval"), names)
        return made.machine, made


@dataclass(frozen=True)
class Chapter:
    """A row of a table: the book, the chapter's number and subject, and its other cells by their titles."""

    book: str
    number: str
    about: str
    cells: dict[str, str]

    @property
    def figures(self) -> list[Figure]:
        """The figures of its pictures, in their order."""
        return [figures()[name] for name in dict.fromkeys(NAMED.findall(self.cells["pictures"]))]


@cache
def figures() -> dict[str, Figure]:
    """All figures by the name of their picture; the code is here or in the gallery."""
    listed: dict[str, Any] = tomllib.loads((SOURCES / "figures.toml").read_text(encoding="utf-8"))
    return {
        name: Figure(name, one["question"], _code(one), acts=one.get("acts", False)) for name, one in listed.items()
    }


def _code(one: dict[str, Any]) -> str:
    if "code" in one:
        return str(one["code"]).strip()
    return f"import vmwidgets as vm\n\n{gallery.code(one['gallery'])}"


def chapters() -> Iterator[Chapter]:
    """The chapters of all books, as the tables list them."""
    for book, rows in TABLE.findall((ROOT / "docs" / "chapters.md").read_text(encoding="utf-8")):
        for row in rows.splitlines():
            number, about, *others = row.strip("| ").split(" | ")
            titles = "lecture", "pictures", "sections", "questions"
            yield Chapter(book, number, about, dict(zip(titles, others, strict=True)))


def write(folder: Path) -> None:
    """Write the pages and their figures into a folder, each figure laid out for a telephone too."""
    folder.mkdir(parents=True)
    for figure in figures().values():
        _machine, view = figure.picture()  # a picture does not keep its machine
        (folder / f"{figure.file}-slim.svg").write_text(to_svg(slim(view)))
        view.width = USUAL
        (folder / f"{figure.file}.svg").write_text(to_svg(view.scene()))
    for chapter in chapters():
        (folder / f"{page_of(chapter.book, chapter.number)}.md").write_text(page(chapter), encoding="utf-8")
    (folder / "index.md").write_text(INDEX, encoding="utf-8")


def write_steps(folder: Path) -> None:
    """Write each figure that steps as a page of its own, with the way back."""
    for figure in figures().values():
        machine, view = figure.picture()
        if machine is not None:
            place = folder / f"{figure.file}.html"
            options = {"title": figure.question, "since": _begins(machine, view)}
            handed_out(machine, place, (view,), options, itself=not figure.acts)
            handouts.put(place, place, {"By chapter": "index.html"})


def _begins(machine: vm.Machine, view: Picture) -> int:
    """Return the number of the first operation after which there is something to draw."""
    for operation in machine.journal:
        view.moment = (operation.serial, None)
        if all(node.id != "absent" for node in view.scene().nodes):
            break
    view.moment = None
    return operation.number


def page(chapter: Chapter) -> str:
    """The text of a chapter's page."""
    parts = [f"# {chapter.book} {chapter.number}: {chapter.about}"]
    for figure in chapter.figures:
        ways = [f'<a class="open" href="../{LAB}{link_to(figure.code).partition(LAB)[2]}">Open it in your browser</a>']
        if figure.steps:
            ways.insert(0, f'<a class="open" href="{figure.file}.html">Step through it</a>')
        parts += [f"## {figure.question}", f"![{figure.question}]({figure.file}.svg)", " ".join(ways)]
        parts.append(f"```python\n{figure.code}\n```")
    titles = ["lecture", "sections", "questions"]
    head = f"| {' | '.join(titles)} |\n|---|---|---|\n"
    parts += ["## Go on", with_links(f"{head}| {' | '.join(chapter.cells[one] for one in titles)} |\n", "../")]
    return "\n\n".join(parts) + "\n"

"""Examples to try, as notebooks: sections of the documents, names of the reference, pictures.

A notebook of a section begins with what the section goes on with: the earlier lines of its page that touched the same
things, in a cell that is folded.
"""

from __future__ import annotations

import ast
import builtins
import doctest
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import vmwidgets as vm
from tools import pictures

from . import gallery, landing, reference
from .places import ROOT

FOLDER = "examples"
DOCUMENTS = ("README.md", "docs/*.md")
HEADING = re.compile(r"^(#{1,4}) (.+)$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

LINK = '<a class="open" href="{up}lab/lab/index.html?path={path}">Try it</a>'

BEFORE = "# From the sections before"
"""The first line of the cell that a notebook begins with."""

NOT_HERE = re.compile(
    r"vm\.(attach|xv6|memory_image|copy_on_write|pager)\(|subprocess|doctest|libc\.(malloc|free)|/proc/|process\(\)\.pages"
)
"""What a browser has not: other programs, files of a computer, its C library and its pages."""

KNOWN = {"vm", *dir(builtins)}


@dataclass(frozen=True)
class Example:
    """One statement, and whether it is to end in an error."""

    source: str
    raises: bool = False

    @property
    def shows(self) -> bool:
        """Return whether it is an expression, so that a cell that ends with it shows something."""
        return isinstance(ast.parse(self.source).body[-1], ast.Expr)


@dataclass
class Tried:
    """A notebook of examples: its heading, what it begins with, and its own cells."""

    path: str
    """Below the folder of the lab's notebooks."""
    heading: str
    before: list[Example] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    def cells(self) -> Iterator[tuple[str, bool]]:
        """The text of each cell, and whether it raises."""
        if self.before:
            yield f"{BEFORE}\n" + "\n".join(one.source for one in self.before), False
        lines: list[str] = []
        for one in self.examples:
            lines.append(one.source)
            if one.shows or one.raises:
                yield "\n".join(lines), one.raises
                lines.clear()
        if lines:
            yield "\n".join(lines), False

    def link(self, page: str) -> str:
        """The link to it from the page at this path."""
        return LINK.format(up="../" * page.count("/"), path=self.path)


IMPORT = Example("import vmwidgets as vm")


def everything() -> list[Tried]:
    """All notebooks of examples."""
    documents = [one for path in pages() for one in of_document(path).values()]
    names = [one for one in map(of_name, named()) if one is not None]
    return [*documents, *names, *of_gallery().values(), of_landing()]


@cache
def pages() -> list[Path]:
    """The documents with examples."""
    paths = [path for pattern in DOCUMENTS for path in sorted(ROOT.glob(pattern))]
    return [path for path in paths if ">>> " in path.read_text(encoding="utf-8")]


# ---- documents -----------------------------------------------------------------------------------


@cache
def of_document(path: Path) -> dict[int, Tried]:
    """The notebooks of a document, by the place of the heading of their section."""
    text = path.read_text(encoding="utf-8")
    earlier: list[Example] = []
    found: dict[int, Tried] = {}
    marks = list(HEADING.finditer(FENCE.sub(lambda match: " " * len(match[0]), text)))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=True):
        own = examples_of(text[mark.end() : end])
        if own and not any(NOT_HERE.search(one.source) for one in own):
            number = len(found) + 1
            place = f"{FOLDER}/{path.stem.lower()}/{number:02}-{slug(mark[2])}.ipynb"
            found[mark.start()] = Tried(place, re.sub(r"`", "", mark[2]), needed(earlier, own), own)
        earlier += own
    return found


def with_links(text: str, path: Path) -> str:
    """A document's text with a link below the heading of each section with examples."""
    if path not in pages():
        return text
    page = path.relative_to(ROOT).as_posix()
    for start, tried in sorted(of_document(path).items(), reverse=True):
        end = text.index("\n", start)
        text = f"{text[:end]}\n\n{tried.link(page)}\n{text[end:]}"
    return text


def slug(heading: str) -> str:
    """A heading as a part of a file's name.

    >>> slug("Fork, `exec` and exit")
    'fork-exec-and-exit'
    """
    return "-".join(re.findall(r"[a-z0-9]+", heading.lower()))[:40].strip("-")


def examples_of(text: str) -> list[Example]:
    """The examples in a text, as doctest reads them."""
    parsed = doctest.DocTestParser().get_examples(text)
    return [Example(re.sub(r"\s*# doctest:.*", "", one.source).rstrip(), one.exc_msg is not None) for one in parsed]


def needed(earlier: Sequence[Example], own: Sequence[Example]) -> list[Example]:
    """The earlier examples that touched what `own` touches, those that touched what they touched, and so on.

    So a notebook shows what its document shows.  A name that is given something else stands for another thing.

    >>> before = [Example("a = 1"), Example("b = 2"), Example("b"), Example("b.sort()"), Example("c = b")]
    >>> [one.source for one in needed([*before, Example("b = 3")], [Example("print(c)")])]
    ['b = 2', 'b', 'b.sort()', 'c = b']
    """
    touched = list(things([*earlier, *own]))
    wanted = set().union(*touched[len(earlier) :])
    kept = {place for place, one in enumerate(earlier) if "import" in one.source}
    while found := {place for place in range(len(earlier)) if place not in kept and touched[place] & wanted}:
        kept |= found
        wanted |= set().union(*(touched[place] for place in found))
    return [earlier[place] for place in sorted(kept)]


def things(examples: Sequence[Example]) -> Iterator[set[tuple[str, int]]]:
    """For each example the things that it touches: a name, and how many times the name had been given something.

    None where it imports, and none where it raises: that changes nothing.
    """
    given: dict[str, int] = {}
    for one in examples:
        if one.raises or "import" in one.source:
            yield set()
            continue
        before = {(name, given[name]) for name in used(one) - passing(one) if name in given}
        for name in bound(one):
            given[name] = given.get(name, 0) + 1
        yield before | {(name, given[name]) for name in bound(one)}


def passing(one: Example) -> set[str]:
    """The names that an example's own loops and functions give something before they are read."""
    parts = list(ast.walk(ast.parse(one.source)))
    targets = [part.target for part in parts if isinstance(part, (ast.For, ast.comprehension))]
    names = {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return names | {part.arg for part in parts if isinstance(part, ast.arg)}


def used(one: Example) -> set[str]:
    """The names that an example reads."""
    nodes = ast.walk(ast.parse(one.source))
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def bound(one: Example) -> set[str]:
    """The names that an example gives something."""
    found = set()
    for node in ast.walk(ast.parse(one.source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.ExceptHandler)) and node.name:
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found


# ---- the reference, the gallery and the start page -----------------------------------------------


def named() -> list[str]:
    """The public names, those of `lab` and `workload` with their module's."""
    inside = [f"{module}.{name}" for module in ("lab", "workload") for name in reference.names_of(getattr(vm, module))]
    return [*vm.__all__, *inside]


def of_name(name: str) -> Tried | None:
    """The examples of a public name and of its methods, or None."""
    thing: Any = vm
    for part in name.split("."):
        thing = getattr(thing, part)
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        return None
    members = [one for key, one in vars(thing).items() if not key.startswith("_")] if inspect.isclass(thing) else []
    texts = [thing.__doc__ or "", *(inspect.getdoc(one) or "" for one in members if inspect.isroutine(one))]
    own = [example for text in texts for example in examples_of(text)]
    if not own or any(NOT_HERE.search(one.source) for one in own):
        return None
    return Tried(f"{FOLDER}/reference/{name}.ipynb", f"vm.{name}", imports_of(own), own)


def imports_of(own: Sequence[Example]) -> list[Example]:
    """Return what a docstring's examples take from its module: there the names need no import."""
    free = missing(own)
    modules = {"vmwidgets": vm, "vmwidgets.lab": vm.lab, "vmwidgets.workload": vm.workload}
    found = [IMPORT]
    for module, offered in modules.items():
        if names := sorted(free & set(reference.names_of(offered))):
            found.append(Example(f"from {module} import {', '.join(names)}"))
            free -= set(names)
    return found


def missing(own: Sequence[Example]) -> set[str]:
    """The names that examples read and nothing gives them."""
    return {name for one in own for name in used(one)} - {name for one in own for name in bound(one)} - KNOWN


@cache
def of_gallery() -> dict[str, Tried]:
    """The pictures of the gallery whose code there needs nothing else, by their names."""
    found = {}
    for name in pictures.views():
        own = Example(gallery.code(name))
        if own.source and not missing([own]) and "return" not in own.source:
            place = f"{FOLDER}/gallery/{name}.ipynb"
            found[name] = Tried(place, gallery.heading(name, name), [IMPORT], [own])
    return found


def of_landing() -> Tried:
    """The six pictures of the start page, each with its three lines."""
    sources = [Example("\n".join(lines)) for lines in landing.EXAMPLES.values()]
    return Tried(f"{FOLDER}/pictures.ipynb", "Three lines, one picture", [IMPORT], sources)

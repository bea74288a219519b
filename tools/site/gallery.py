"""The gallery: each picture of the documents, drawn by the build from the code beside it."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools import pictures
from vmwidgets.pictures.slim import slim
from vmwidgets.views.scene.svg import to_svg

from .labs import USUAL

MADE_BY = {"fault": "forked", "objects": "forked"}
"""Pictures of a machine that another function makes."""

WIDER = {"walk"}
"""Pictures that would be twice as high then; they are scaled down."""


def write(folder: Path, links: Mapping[str, str]) -> None:
    """Write the page and its pictures into a folder, each laid out for a telephone too.

    The documents have the same pictures, which are drawn for wider pages than these.

    `links` are the links to try a picture, by its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# Gallery", "", "Each picture is drawn by the code below it, when these pages are built.", ""]
    for name, view in pictures.views().items():
        (folder / f"{name}-slim.svg").write_text(to_svg(slim(view)))  # the view keeps its machine until it is drawn
        if name not in WIDER:
            view.width = USUAL
        scene = view.scene()
        (folder / f"{name}.svg").write_text(to_svg(scene))
        lines += [f"## {heading(name, scene.title)}", "", f"![{alternative(scene)}]({name}.svg)", ""]
        if source := code(name):
            lines += ["```python", source, "```", "", *([links[name], ""] if name in links else [])]
    for picture in (folder.parent / "docs" / "pictures").glob("*.svg"):  # the documents' copies, for another page
        if (folder / picture.name).is_file():
            shutil.copy(folder / picture.name, picture)
    (folder / "index.md").write_text("\n".join(lines))


def alternative(scene: Any) -> str:
    """Return what a screen reader says of a picture."""
    return str(scene.caption.text or scene.title).replace("[", "(").replace("]", ")").replace("\n", " ")


def maker(name: str) -> Any:
    """The function in tools/pictures.py that makes the scene called `name`, or the machine in it."""
    return getattr(pictures, MADE_BY.get(name, name.replace("-", "_")), None)


def heading(name: str, title: str) -> str:
    """Return what a picture shows: the first sentence of its function."""
    said = (inspect.getdoc(maker(name)) or title).splitlines()[0]
    return f"{name.capitalize()}: {said.rstrip('.')}" if name in MADE_BY else said.rstrip(".")


def code(name: str) -> str:
    """The body of the function in tools/pictures.py that makes the scene called `name`."""
    function = maker(name)
    if not inspect.isfunction(function):
        return ""
    source = textwrap.dedent(inspect.getsource(function))
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.FunctionDef), "a function is one"
    first = body.body[1] if ast.get_docstring(body) else body.body[0]
    lines = textwrap.dedent("\n".join(source.splitlines()[first.lineno - 1 :]))
    lines = re.sub(r"^\w+\.name = .*\n", "", lines, flags=re.MULTILINE)  # it is for the file of the picture
    last = f"\nvm.{name.capitalize()}(m)" if name in MADE_BY else ""
    shown = re.sub(r"^return (.+)$", r"\1", lines.replace("\nreturn m", ""), flags=re.MULTILINE)
    return re.sub(r"\bmachine\(\)", 'vm.boot("x86-64")', untyped(shown)) + last


def untyped(source: str) -> str:
    r"""Return code without its annotations, whose names a reader of the page would have to import.

    >>> untyped("m: Any = one\ndef two(a: str, b: str) -> Iterator[Any]:\n    yield {a: b}")
    'm = one\ndef two(a, b):\n    yield {a: b}'
    """
    return ANNOTATION.sub("", source)


ANNOTATION = re.compile(r"(?<=\w): (?:Any|str)(?= =|[,)])|(?<=\)) -> \S+(?=:$)", re.MULTILINE)

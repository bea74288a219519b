"""The files of the JupyterLite in the site: labs, their first page, and notebooks for pasted text and linked code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nbformat

from vmwidgets.cli.copying import PICTURE, README

from . import examples
from .labs import NAMES
from .places import NOTEBOOKS

INSTALL = "%pip install -q vmwidgets"

HEADING = """# Your kernel's text

Python starts in this page, and then these cells run by themselves; on a first visit that takes up to a minute. If they
don't run, press ▶▶ above. The text that you pasted is read here, in your browser; it is sent nowhere. The last cell
shows which bit refused the access, the walk of the address, and the table. [More](../../docs/read.html).
"""

LINKED = """# Code from a link

Someone sent you this code. **Nothing has run yet.** Read it, then press ▶▶ above to run it. Python starts in this page
meanwhile; on a first visit that takes up to a minute. The code came in the link itself: no server has it.
[More](../../docs/deploy.html#a-link-to-your-code).
"""

FOLDED = "The cell that is folded has the lines of earlier sections that these examples need."

READ = """from js import caches

store = await caches.open("vmwidgets")
kept = await store.match("/vmwidgets/pasted.txt")
text = await kept.text() if kept else ""
print(text or "No text arrived. Write it here: text = '''…'''")"""

SHOW = """import vmwidgets as vm

pasted = vm.load(text)
pasted"""


def write(folder: Path) -> None:
    """Write the files into a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (README, PICTURE):
        shutil.copy(NOTEBOOKS / name, folder)
    for name in NAMES:
        notebook: Any = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
        notebook.cells.insert(1, code(INSTALL, "install"))
        save(notebook, folder / f"{name}.ipynb")
    words = nbformat.v4.new_markdown_cell(HEADING, id="heading")  # type: ignore[no-untyped-call]
    cells = [words, code(INSTALL, "install"), code(READ, "read"), code(SHOW, "show")]
    save(nbformat.v4.new_notebook(cells=cells), folder / "pasted.ipynb")  # type: ignore[no-untyped-call]
    words = nbformat.v4.new_markdown_cell(LINKED, id="heading")  # type: ignore[no-untyped-call]
    cells = [words, code(INSTALL, "install"), code("", "linked")]  # tools/website/lab/starting.js puts the code there
    save(nbformat.v4.new_notebook(cells=cells), folder / "link.ipynb")  # type: ignore[no-untyped-call]
    for tried in examples.everything():
        path = folder / tried.path
        path.parent.mkdir(parents=True, exist_ok=True)
        save(notebook_of(tried), path)


def notebook_of(tried: examples.Tried) -> Any:
    """Examples as a notebook; a cell that is to end in an error does not stop the others."""
    folds = len(tried.before) > 1
    words = f"# {tried.heading}\n\n{FOLDED}" if folds else f"# {tried.heading}"
    heading = nbformat.v4.new_markdown_cell(words, id="heading")  # type: ignore[no-untyped-call]
    cells = [heading, code(INSTALL, "install")]
    for number, (source, raises) in enumerate(tried.cells()):
        cells.append(code(source, f"example-{number}"))
        if folds and not number:
            cells[-1].metadata["jupyter"] = {"source_hidden": True}
        if raises:
            cells[-1].metadata["tags"] = ["raises-exception"]
    return nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]


def code(source: str, name: str) -> Any:
    """A cell of code; its name is the same in each build."""
    return nbformat.v4.new_code_cell(source, id=name)  # type: ignore[no-untyped-call]


def save(notebook: Any, path: Path) -> None:
    """Write a notebook for the kernel of the page."""
    notebook.metadata["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]

"""A kernel's memory drawn by Graphviz in a page: ``picture.graphviz()`` in cells, and operations in later cells.

Each host tries the same, without Graphviz's program `dot`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import expect

from tests.browser.lab import Notebook, Server

BOOT = """
import shutil
import vmwidgets as vm
m = vm.boot("x86-64", layout="tiny")
print(shutil.which("dot"))
"""

PICTURES = {
    "entry list": "vm.picture(vm.EntryList(m.kernel_map)).graphviz()",
    "tree": "vm.picture(vm.Tree(m.kernel_map)).graphviz()",
    "map": "vm.picture(m.kernel_map).graphviz()",
    "kentry": "vm.picture(vm.Kentry(m)).graphviz()",
    "kmem": "vm.picture(vm.Kmem(m)).graphviz()",
    "walk": """
task = m.task("init")
page = task.mmap("8 KiB")
task.write(page, b"x")
vm.picture(task.walk(page)).graphviz()
""",
    "x86": """
x86 = vm.boot("x86").task("init")
there = x86.mmap("8 KiB", at=0x1000_0000)
x86.write(there, b"x")
vm.picture(x86.walk(there)).graphviz()
""",
    "ARM": """
arm = vm.boot("armv7").task("init")
arm.map.enter("4 MiB", at=0x1000_0000, object=arm.machine.object("heap"))
arm.map.superpages(0x1000_0000, size="4 MiB", page="1 MiB")
vm.picture(arm.walk(0x1010_5000)).graphviz()
""",
}
"""A cell for each structure."""

SLOW = 30_000

PLACES = """(all) => all.map((one) => {
    const { x, y } = one.getBoundingClientRect();
    return [one.dataset.id, x, y, one.textContent];
})"""


class WithoutDot(Server):
    """A JupyterLab on an empty PATH, so that its kernels find no program `dot`; perhaps of another environment."""

    def __init__(self, root: Path, home: Path, python: Path | None = None) -> None:
        super().__init__(root, home)
        self.python = python

    def _environment(self) -> dict[str, str]:
        given = {**super()._environment(), "PATH": str(self.home)}
        if self.python is not None:  # it has the package
            del given["PYTHONPATH"]
        return given

    def _command(self) -> list[str]:
        return [sys.executable if self.python is None else str(self.python), *super()._command()[1:]]


@contextmanager
def open_mission(chromium: Any, server: Server) -> Iterator[Notebook]:
    """Open an empty notebook, in which all pictures will be in sight."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(metadata=kernel), server.root / "mission.ipynb")
    page = chromium.new_context(viewport={"width": 1300, "height": 6000}).new_page()
    try:
        notebook = Notebook(page, server, "mission.ipynb")
        yield notebook
        assert notebook.problems == []
    finally:
        page.context.close()


class Mission:
    """The notebook with a live view of each structure."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook = notebook
        (said,) = notebook.outputs(notebook.run(BOOT))
        assert said.get("text", "").strip() == "None", said  # there is no program dot
        self.cells = {name: notebook.run(cell) for name, cell in PICTURES.items()}
        for name in PICTURES:
            self.drawn(name).first.wait_for(timeout=SLOW)

    def drawn(self, name: str) -> Any:
        """The nodes that Graphviz has drawn; our own drawing is hidden."""
        cell = self.notebook.cell(self.cells[name])
        expect(cell.locator("svg.vmw-scene:not(.vmw-graphviz svg)")).to_be_hidden(timeout=SLOW)
        return cell.locator(".vmw-graphviz svg .node")

    def shows(self, name: str, words: str) -> None:
        """Wait until Graphviz's drawing has a node with these words."""
        expect(self.drawn(name).filter(has_text=re.compile(words)).first).to_be_visible(timeout=SLOW)

    def places(self, name: str, kind: str) -> list[tuple[str, float, float, str]]:
        """The nodes whose IDs begin so, from left to right: ID, x, y and words."""
        found = [tuple(one) for one in self.drawn(name).evaluate_all(PLACES) if one[0].startswith(kind)]
        return sorted(found, key=lambda one: one[1])

    def check(self) -> None:
        """Each structure is drawn, and drawn again after an operation."""
        self._check_entries_and_tables()
        self._check_a_section_that_is_split()

    def _check_entries_and_tables(self) -> None:
        """Each structure is drawn again as the operation has left it."""
        notebook, run = self.notebook, self.notebook.run
        run('m.kernel_map.enter("20 KiB", prot="r")\nfrom vmwidgets.pictures.spaces import range_names')
        ask = 'k = m.kernel_map; names = range_names(k.vm_map, k.roles)\nprint(*(names[one.id] for one in k), sep="|")'
        (said,) = notebook.outputs(run(ask))
        names = said["text"].strip().split("|")
        for name in ("entry list", "map"):
            self.shows(name, "20 KiB r--")
            entries = [words for _, _, _, words in self.places(name, "list/") if "header" not in words]
            assert len(entries) == len(names)
            assert all(one in words for words, one in zip(entries, names, strict=True)), "by address"
        for name in ("tree", "map"):
            nodes = self.places(name, "tree/")
            assert len(nodes) == len(names)
            assert all(one in words for (*_, words), one in zip(nodes, names, strict=True)), "left are lower addresses"
            assert 2 ** len({y for _, _, y, _ in nodes}) > len(names), "in rows, each of at most twice as many as above"
        self.shows("kentry", r"20 ?K")  # as wide as the page has room
        run('m.kmem_malloc("12 KiB")')
        self.shows("kmem", r"kmem_map[\s\S]*12 [\s\S]*used")
        run('task.map.protect(page, size="4 KiB", prot="r")')
        self.shows("walk", r"r-- ")
        assert len(self.places("walk", "walk/table/")) == 4, "PML4, PDPT, PD and PT"
        run('x86.map.protect(there, size="4 KiB", prot="r")')
        self.shows("x86", r"r-- ")
        assert len(self.places("x86", "walk/table/")) == 2, "page directory and page table"

    def _check_a_section_that_is_split(self) -> None:
        """A section of 1 MiB needs one table; when one of its pages gets a protection of its own, two and 4 KiB."""
        self.shows("ARM", "page of 1 MiB")
        assert len(self.places("ARM", "walk/table/")) == 1
        self.notebook.run('arm.map.protect(0x1010_5000, size="4 KiB", prot="r")')
        self.shows("ARM", "page of 4 KiB")
        first, second = self.places("ARM", "walk/table/")
        assert ("first-level" in first[3], "second-level" in second[3]) == (True, True), "from left to right"

"""Notebooks as students save them: run from top to bottom, answered in code or by the controls, with their work."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbclient
import nbformat
from nbformat import NotebookNode

from tests.grading.synthetic import COURSE, seed_of
from tests.labs.test_sheets import SOLVED
from tests.notebooks.test_run import BEGIN, HAPPENS
from tests.yesterday.facts import NOTEBOOKS, asked_in
from vmwidgets.labs.answers import UNSURE
from vmwidgets.labs.records import MIME
from vmwidgets.labs.sheet import sheet_of

ASKS = re.compile(r'lab\.predict\(\s*(?:"[^"]*",\s*)?id="([^"]+)",?')
CHECKS = re.compile(r'lab\.check\("([^"]+)"')
OWN = re.compile(
    r"/proc/self|\bown\.map|lookup\(id|vm\.memory|\bMADV|^seen$|^written$|^cost$|\bmeans\b|^print\(found\)"
)
"""In cells that show the computer on which they run, or take half a minute: nobody ran these."""


@dataclass(frozen=True)
class Case:
    """A saved notebook: of a lab, by students, with answers and work of a kind.

    `answers` is "right", "wrong", "unsure", "some" (each second one) or "none"; `how` is "code", "control" or "late":
    after the outcome.  `work` is "right", "spoilt", "untouched" or "none", and `share` is the share of cells that
    were run.  `more` are a student's own cells at the end, and `form` is what another program saves (see `_formed`).
    """

    name: str
    lab: str
    student: str
    answers: str = "right"
    how: str = "code"
    work: str = "right"
    share: float = 1.0
    more: tuple[str, ...] = ()
    form: str = ""


PICTURE = """\
m9 = vm.boot("x86-64")
t9 = m9.task("pressed")
a9 = t9.mmap("16 KiB")
t9.write(a9, b"x")
m9.cpus[0].flush()
t9.read(a9)
picture9 = vm.Dashboard(t9, panes="translation", ask="mine/translation")
picture9"""

PRESSES = """\
for one in "ask/answer/tlb", "ask/answer/table", "ask/answer/fault", "ask/answer/table", "ask/switch/pass":
    picture9.scene()
    picture9.answer({"type": "open", "id": one})"""

PAPER = """\
p9 = vm.paper(va=14, pa=12, page=64).map({0xF: 0xD})
paper9 = vm.OnPaper(p9.access("r 0x3d7"), ask="mine/paper")
paper9"""

PAPER_PRESSES = """\
for one in "ask/answer/tlb", "ask/answer/frame":
    paper9.scene()
    paper9.answer({"type": "open", "id": one})"""

TWO = 'two = lab.predict("One or two?", id="mine/two", options=["one", "two"])'

PRESSED = {TWO: ['two.say("two", "control")', 'two.say("one", "control")'], PICTURE: [PRESSES], PAPER: [PAPER_PRESSES]}
"""By the cell with a picture what is pressed in it."""

QUESTIONS = (
    'gap = lab.predict("Where will it land?", id="mine/gap", options=["first", "smallest"], answer="smallest")',
    'gap.compare("first")',
    'many = lab.predict("How many entries?", id="mine/many", kind="number", answer=3, because="text, heap")',
    'many.compare(len(vm.boot("x86-64").task("t").map))',
    'free = lab.predict("Which word says why?", answer="fragments")',
    'free.compare("Fragments")',
    'size = lab.predict("How large is a page?", id="mine/size", kind="size", answer="4 KiB")',
    "size.compare(4096)",
    'place = lab.predict("Where does it begin?", id="mine/place", kind="address", answer="I don\'t know")',
    "place.compare(0x1000)",
    TWO,
    'two.compare("one")\nlab.predictions["mine/gap"].miss("the order")',
    "lab.predictions",
)

CASES = (
    Case("addresses-right", "00-addresses", "s01", how="control"),
    Case("addresses-some", "00-addresses", "s02", answers="some", work="spoilt", share=0.7),
    Case("maps-right", "01-maps", "s03"),
    Case("maps-wrong", "01-maps", "s04", answers="wrong", how="control", work="spoilt", more=('lab.hint("01/gaps")',)),
    Case("maps-pair", "01-maps", "s05+s06", answers="unsure", work="spoilt", form="text"),
    Case("trees-right", "02-trees", "s07", how="control"),
    Case("cutting-wrong", "03-cutting", "s08", answers="wrong", work="spoilt"),
    Case("bootstrapping-late", "04-bootstrapping", "s09", how="late"),
    Case("kmem-some", "05-kmem-malloc", "s10", answers="some", how="control", work="untouched", form="4.4"),
    Case("sleeping-right", "05b-sleeping", "s11", more=("lab.submit()",)),
    Case("tables-pressed", "06-x86-tables", "s12", more=(PICTURE,)),
    Case("sections-wrong", "07-arm-sections", "s13", answers="wrong", how="late", work="spoilt"),
    Case("paging-right", "08a-demand-paging", "s14", how="control", more=("lab.submit()",)),
    Case("fork-some", "08b-fork", "s15", answers="some", work="untouched", share=0.5),
    Case("self-paging-right", "09-self-paging", "s16"),
    Case("process-wrong", "10-your-own-process", "s17", answers="wrong", how="control", work="spoilt"),
    Case("replacement-right", "11-replacement", "s18", how="control", form="stateless"),
    Case("kernel-unsure", "12-your-own-kernel", "s19", answers="unsure", work="none"),
    Case("beyond-right", "beyond", "s20"),
    Case("own-lab", "", "s21", work="none", more=(*QUESTIONS, PAPER)),
)


def made(case: Case) -> NotebookNode:
    """Run the notebook of a case, and return what its file has."""
    return _Run(case).notebook()


class _Run:
    """One notebook while it runs."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.late: list[str] = []
        self.asked = 0
        self.questions = asked_in(nbformat.read(NOTEBOOKS / f"{case.lab}.ipynb", as_version=4)) if case.lab else {}

    def notebook(self) -> NotebookNode:
        notebook = self._typed()
        client = nbclient.NotebookClient(
            notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(NOTEBOOKS)}}
        )
        client.record_timing = False
        client.store_widget_state = self.case.form != "stateless"
        with client.setup_kernel():
            for number, cell in enumerate([*notebook.cells]):
                if cell.cell_type != "code" or cell.metadata.pop("skipped", False):
                    continue
                client.execute_cell(cell, number)
                for source in self._presses(cell.source):
                    self._press(client, source)
            for source in self.late:
                self._press(client, source)
            client.set_widgets_metadata()
        _formed(notebook, self.case.form)
        return notebook

    def _press(self, client: nbclient.NotebookClient, source: str) -> None:
        """Do what a person's press does, from outside the notebook."""
        pressed = nbformat.v4.new_code_cell(source)
        client.nb.cells.append(pressed)
        client.execute_cell(pressed, len(client.nb.cells) - 1, store_history=False)
        client.nb.cells.pop()
        assert not pressed.outputs, pressed.outputs

    def _presses(self, source: str) -> Iterator[str]:
        """Yield what is pressed once this cell has run."""
        yield from PRESSED.get(source, ())
        if self.case.how == "code":
            return
        for name in ASKS.findall(source):
            if (said := self._answer(name)) is not None:
                line = f'lab.predictions["{name}"].say({said!r}, "control")'
                if self.case.how == "late":
                    self.late.append(line)
                else:
                    yield line

    def _answer(self, name: str) -> str | None:
        """What this student answers to a question of the lab; None if nothing."""
        if self.case.answers in ("none", "unsure"):
            return UNSURE if self.case.answers == "unsure" else None
        self.asked += 1
        one = self.questions[name]
        right = HAPPENS.get(name, next(iter(one.options), "3"))
        if self.case.answers == "some":
            return right if self.asked % 2 == 0 else None
        others = [option for option in one.options if option != right]
        return right if self.case.answers == "right" else next(iter(others), "999999")

    def _typed(self) -> NotebookNode:
        """Return the notebook with what a student types into it."""
        case = self.case
        if not case.lab:
            begin = f'import vmwidgets as vm\nfrom vmwidgets import lab\n\nlab.begin("mine", {self._who()})'
            notebook: NotebookNode = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(begin)])
        else:
            notebook = nbformat.read(NOTEBOOKS / f"{case.lab}.ipynb", as_version=4)
            notebook.cells = [one for cell in notebook.cells for one in (cell, *self._types(cell))]
            for cell in notebook.cells[int(len(notebook.cells) * case.share) :]:
                cell.metadata["skipped"] = True
        notebook.cells += map(nbformat.v4.new_code_cell, case.more)
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{number}"
        return notebook

    def _who(self) -> str:
        first, *others = self.case.student.split("+")
        named = json.dumps([first, *others] if others else first)
        return f'student={named}, course="{COURSE}"'

    def _types(self, cell: NotebookNode) -> Iterator[NotebookNode]:
        """Type an answer or an ID into a cell; yield the cells with the work that this student adds after it."""
        if cell.cell_type != "code":
            return
        case = self.case
        cell.source = cell.source.replace(BEGIN, self._who())
        cell.metadata["skipped"] = bool(OWN.search(cell.source))
        for name in ASKS.findall(cell.source) if case.how == "code" else ():
            if (said := self._answer(name)) is not None:
                cell.source = cell.source.replace(f'id="{name}"', f'id="{name}", answer={json.dumps(said)}')
        for exercise in CHECKS.findall(cell.source):
            for recipe in getattr(SOLVED[exercise], case.work, ())[:1]:
                lines = recipe(sheet_of(exercise, seed_of(case.student, case.lab.partition("-")[0])).given)
                source = f'thing = lab.variant("{exercise}").start()\n{lines}\nlab.check("{exercise}", thing)'
                yield nbformat.v4.new_code_cell(source)


def _formed(notebook: NotebookNode, form: str) -> None:
    """Give a notebook the form in which another program saves it."""
    if form == "4.4":
        notebook.nbformat_minor = 4
        for cell in notebook.cells:
            del cell["id"]
    if form == "text":  # a host that keeps data as the lines of a text
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                for mime, value in output.get("data", {}).items():
                    if mime == MIME:
                        output["data"][mime] = json.dumps(value, indent=1).splitlines(keepends=True)


def save(folder: Path) -> None:
    """Write a file for each case."""
    for case in CASES:
        text = json.dumps(made(case), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (folder / f"{case.name}.ipynb.xz").write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))

"""Every notebook runs from top to bottom in a fresh kernel, without an error or a complaint, and with nobody there.

Each prediction has its outcome then.  Its exercises have results, and are not passed; those of the solutions are.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from vmwidgets.grading.judge import judged
from vmwidgets.labs.records import MIME, TAG

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
INSTRUCTORS = FOLDER.parent / "course" / "instructors"
STUDENTS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
OF_INSTRUCTORS = [f"../course/instructors/{name}" for name in STUDENTS]
NOTEBOOKS = [*STUDENTS, *OF_INSTRUCTORS]
BEGIN = 'student="", course=""'
SEEDS = range(20)
"""Of the sheets that `make sweep` runs all notebooks with; here instructors' notebooks run with one of them."""


LIMIT = 546_000
"""Bytes of a lab that ran with nobody there: its pictures stay with their films; the player and letters come once."""

SOLVED = 10_000
"""Bytes more of an instructors' notebook: its pictures show what the solutions made."""

KEYS = 5_000
"""Bytes that an instructor's copy has beside that: keys, and what goes wrong."""

PICTURE = "data-vmwidgets-twin"

CHECK, ASKED, OUTCOME = "check", "prediction", "outcome"

CLOSED = "Not answered yet. Answer the question"


NOT_GRADED = {"12-your-own-kernel"}
"""Labs without an exercise."""

HAPPENS = {
    "00/bounds": "nothing: a fault", "00/pieces": "no, though enough is free", "00/linear": "4 MiB", "00/tree": "3",
    "00/index": "32", "00/broken": "0", "00/grows": "the size of physical memory",
    "01/between": "the access fails", "01/own": "no", "01/merge": "0", "01/cut": "1",
    "01/first-fit": "in the gap of 3 pages", "01/touched": "0, then 2", "01/broken": "the access fails",
    "02/comparisons": "8", "02/hundred-thousand": "about 20", "02/depth": "5 to 8 levels", "02/uncle": "0",
    "02/cached": "0 each", "02/inner-grandchild": "2",
    "03/who-remains": "neither", "03/cuts": "2", "03/offset": "20 KiB", "03/merge-again": "3",
    "03/fact": "no: the descriptor changed too",
    "03/hole": "nothing, and there is an error",
    "04/task-entry": "1", "04/own-entry": "in the kernel's image", "04/new-slab": "no",
    "04/next-slot": "0xffff_8080_000c_0eb0", "04/exhausted": "a panic: the kernel gives up",
    "04/giving-back": "a panic",
    "05/shortage": "an address outside kmem_map", "05/eight": "1", "05/again": "the secret",
    "05/patience": "after some tries, in a panic", "05/last-pages": "M_NOWAIT",
    "05b/daemon": "more than four", "05b/woken": "both", "05b/served": "cat", "05b/circle": "0", "05b/mutex": "a panic",
    "06/far-away": "3", "06/split": "515", "06/code": "7", "06/above": "512",
    "06/broken": "a page fault, code 5", "06/wp": "a write, and no fault", "06/stale": "the old byte",
    "07/first-page": "17 KiB", "07/split": "259", "07/sixteen": "16", "07/one-of-sixteen": "five",
    "07/manager": "a write, and no fault", "07/order": "7: translation, second level",
    "08/touches": "3", "08/one": "1", "08/seen": "read(), private", "08a/heap": "zero", "08/cut": "zero, SIGBUS",
    "08b/eager": "8", "08b/counted": "5", "08b/shadow": "6", "08b/cause": "15, 15", "08/left": "4",
    "08b/broken": "Jello",
    "09/who": "it reports the fault to the program", "09/slots": "3", "09/second": "5",
    "09/revoked": "this capability alone", "09/refused": "the refill", "09/lost": "neither",
    "10/share": "about 40", "10/libc": "4", "10/unseen": "the program itself", "10/grown": "about 220 MiB",
    "10/programs": "3", "10/limit": "NOMEM, SIGSEGV",
    "11/loops": "about 30 times",
    "11/paper": "7", "11/more": "more", "11/loop": "12", "11/hand": "page 2", "11/slower": "more than 10,000 times",
    "11/knee": "7",
    "12/cause": "a store", "12/steps": "3", "12/bit": "U: the page is the kernel's", "12/lost": "to write",
    "12/panic": "no, it only finds them",
    "beyond/large": "2", "beyond/switch": "6", "beyond/kpti": "protection, not-present", "beyond/nested": "24",
    "beyond/malloc": "mmap", "beyond/find": "30",
}  # fmt: skip
"""What the solutions and the manuals say of each prediction; the cost of searches in a tree of any shape is open."""


LONG = "02-trees.ipynb"
"""Its cell of a hundred thousand operations takes half as long as all other students' notebooks together."""


def test_the_first_notebooks_are_there() -> None:
    assert {f"{number:02}" for number in range(12)} - {"08"} <= {name[:2] for name in NOTEBOOKS}


@pytest.mark.parametrize("name", [name for name in STUDENTS if name != LONG])
def test_it_runs(name: str) -> None:
    runs(name, student="")


@pytest.mark.parametrize("name", [LONG, *OF_INSTRUCTORS])
def test_what_takes_longer_runs(name: str) -> None:
    runs(name, student="s7" if "instructors" in name else "")


@pytest.mark.sweep
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_runs_for_every_student(name: str, seed: int) -> None:
    runs(name, student=f"s{seed}")


def runs(name: str, student: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    if student:
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        assert BEGIN in first.source
        first.source = first.source.replace(BEGIN, f'student="{student}", course="os-2026"')
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()
    complaints = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]
    assert complaints == []
    text = nbformat.writes(notebook)
    assert len(text.encode()) <= LIMIT + (KEYS if student else 0) + (SOLVED if "instructors" in name else 0)
    assert text.count("<img alt=") == text.count(PICTURE) - text.count(f"[{PICTURE}]") > 0
    outcomes = {data["id"]: data["happened"] for data in kept(notebook, ASKED)}
    assert [name for name, happened in outcomes.items() if happened is None] == []
    pages = [one.get("text/html", "") for one in bundles(notebook)]
    shown = {name for name in outcomes if any(f">prediction {name}<" in page and CLOSED in page for page in pages)}
    assert shown == outcomes.keys()
    for data in kept(notebook, ASKED):  # the text above has the question
        cards = [page for page in pages if f">prediction {data['id']}<" in page]
        assert not any(escape(data["question"]) in page for page in cards), data["id"]
    assert kept(notebook, OUTCOME) == []  # nobody answered: all are closed
    choices = {data["id"]: data["options"] for data in kept(notebook, ASKED) if data["kind"] == "choice"}
    assert {name: outcomes[name] for name, options in choices.items() if outcomes[name] not in options} == {}
    assert {name: actual for name, actual in outcomes.items() if HAPPENS.get(name, actual) != actual} == {}
    found = kept(notebook, CHECK)
    assert bool(found) == (Path(name).stem not in NOT_GRADED)
    if "instructors/" in name:
        assert [result["id"] for result in found if not result["passed"]] == []
        again = {data["id"]: judged(data["id"], data["sheet"], data["work"]) for data in found}
        assert [name for name, data in again.items() if data["points"] != data["of"]] == [], "judged from its data"
    else:
        assert [(result["id"], result["points"]) for result in found if result["points"]] == []


def kept(notebook: nbformat.NotebookNode, kind: str) -> list[dict[str, Any]]:
    """The records with this tag in the outputs of a notebook that ran."""
    return [one[MIME] for one in bundles(notebook) if MIME in one and one[MIME][TAG] == kind]


def bundles(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """The outputs of a notebook, each in all its forms."""
    return [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", ())]

"""What a saved notebook holds of checks that were printed, assigned, made in loops, or followed by other lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nbclient
import nbformat
import pytest

from tests.widgets.notebook import PyodideShell, open_notebook
from vmwidgets.labs.records import BEGIN, CHECK, MIME, SUBMISSION, TAG

FIRST = """
import vmwidgets as vm
from vmwidgets import lab
lab.begin("01", student="ada", course="os")
puzzle = lab.variant("01/gaps").start()
"""

RIGHT = """
from itertools import permutations
def solved(order):
    made = lab.variant("01/gaps").start()
    for pages in order:
        made.enter(pages * vm.PAGE)
    return made
requests = lab.variant("01/gaps").given.requests
"""

CELLS = {
    "begin": FIRST,
    "print": 'print(lab.check("01/gaps", puzzle).points)',
    "semicolon": 'lab.check("01/gaps", puzzle);',
    "lines behind": 'lab.check("01/gaps", puzzle)\nx = 3',
    "plain": 'lab.check("01/gaps", puzzle)',
    "named": 'mine = lab.check("01/gaps", puzzle)\nmine',
    "elsewhere": "mine",
    "in a function": 'def check():\n    lab.check("01/gaps", puzzle)\ncheck()',
    "assert": 'assert lab.check("01/gaps", puzzle).passed',
    "none": 'lab.check("01/gaps")',
    "practice": 'for number in range(1, 30):\n    lab.check(lab.practice("01/gaps", number), ...)',
    "loop": RIGHT + 'for order in permutations(requests):\n    lab.check("01/gaps", solved(order))',
    "search": 'for order in permutations(requests):\n    if lab.check("01/gaps", solved(order)).passed:\n        break',
    "two": 'lab.check("01/gaps", puzzle)\nlab.check("01/guard", lab.variant("01/guard").start())',
    "submit": "lab.submit();",
    "cleared": 'from IPython.display import clear_output\nmine = lab.check("01/gaps", puzzle)\nclear_output()\nmine',
    "captured": '%%capture\nlab.check("01/gaps", puzzle)',
    "collected": 'from ipywidgets import Output\nwith Output():\n    display(lab.check("01/gaps", puzzle))',
    "failed": 'lab.check("01/gaps", puzzle)\n1 / 0',
    "begin, cleared": 'lab.begin("01", student="ada", course="os")\nclear_output()',
    "submit, cleared": "lab.submit()\nclear_output()",
    "broken": """
from vmwidgets.pictures.picture import Picture
drawing, guard = Picture.drawing, lab.variant("01/guard").start()
def broken(self, at): raise ValueError("a bug of one drawing")
Picture.drawing = broken
lab.check("01/gaps", puzzle)
lab.check("01/guard", guard)""",
    "interrupted": """
def stop(self, at):
    Picture.drawing = drawing
    raise KeyboardInterrupt
Picture.drawing = stop
lab.check("01/gaps", puzzle)
lab.check("01/guard", guard)""",
    "unshown": """
class Unshown:
    def bundle(self): raise ValueError("one output")
from vmwidgets.labs.publishing import cards
cards.now().publish("unshown", Unshown())
lab.check("01/gaps", puzzle);""",
    "begin again": 'lab.begin("01", student="ADA", course="os")',
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, list[Any]]:
    """The outputs of each cell, as a kernel made them and a client saved them."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, allow_errors=True).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, cells, strict=True)}


def kept(outputs: list[Any], tag: str = CHECK) -> list[Any]:
    bundles = (one.get("data", {}) for one in outputs)
    return [one[MIME] for one in bundles if MIME in one and one[MIME][TAG] == tag]


@pytest.mark.parametrize(
    "cell",
    [
        "print",
        "semicolon",
        "lines behind",
        "plain",
        "named",
        "elsewhere",
        "in a function",
        "assert",
        "none",
        "cleared",
        "captured",
        "collected",
        "failed",
    ],
)
def test_a_check_is_kept_once_however_it_is_used(outputs: dict[str, list[Any]], cell: str) -> None:
    (data,) = kept(outputs[cell])
    assert (data["id"], data["points"], data["of"]) == ("01/gaps", 0, 4)
    cards = [one for one in outputs[cell] if "text/html" in one.get("data", {})]
    assert len(cards) == 1


def test_a_check_in_a_kernel_that_began_no_lab_says_that_it_counts_for_no_one() -> None:
    cell = nbformat.v4.new_code_cell('from vmwidgets import lab\nlab.check("01/gaps", lab.variant("01/gaps").start())')
    nbclient.NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=120).execute()
    (output,) = cell.outputs
    assert output.data["text/plain"].startswith("No lab was begun, so this counts for no one: run the first cell")


def test_a_cell_that_begins_twice_keeps_the_second_beginning_which_has_the_student() -> None:
    cell = nbformat.v4.new_code_cell(
        'from vmwidgets import lab\nlab.begin("01")\nlab.begin("01", student="ada", course="os");'
    )
    nbclient.NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=120).execute()
    (data,) = kept(cell.outputs, BEGIN)
    assert data["student"] == "ada"


def test_what_a_cell_says_besides_is_there_as_well(outputs: dict[str, list[Any]]) -> None:
    assert [one.text for one in outputs["print"] if one.output_type == "stream"] == ["0\n"]
    assert [one.ename for one in outputs["assert"] if one.output_type == "error"] == ["AssertionError"]


def test_a_lab_that_was_begun_is_kept_with_lines_behind_it(outputs: dict[str, list[Any]]) -> None:
    (data,) = kept(outputs["begin"], BEGIN)
    assert data["student"] == "ada"
    (again,) = kept(outputs["begin again"], BEGIN)
    assert again == data


def test_what_a_cell_clears_does_not_take_the_lab_or_the_submission_away(outputs: dict[str, list[Any]]) -> None:
    (data,) = kept(outputs["begin, cleared"], BEGIN)
    assert data["student"] == "ada"
    (data,) = kept(outputs["submit, cleared"], SUBMISSION)
    assert data["works"]["01/gaps"]["points"] == 4


def test_of_many_checks_in_a_loop_the_best_and_the_latest_are_kept(outputs: dict[str, list[Any]]) -> None:
    """Orders of five requests: 120 checks, and the last order leaves a gap."""
    best, latest = kept(outputs["loop"])
    assert (best["points"], latest["points"]) == (4, 0)
    assert kept(outputs["loop"])[0]["work"] != latest["work"]


def test_a_search_that_ends_with_the_right_order_keeps_that_alone(outputs: dict[str, list[Any]]) -> None:
    assert [data["points"] for data in kept(outputs["search"])] == [4]


def test_two_exercises_in_a_cell_are_kept_apart(outputs: dict[str, list[Any]]) -> None:
    assert [data["id"] for data in kept(outputs["two"])] == ["01/gaps", "01/guard"]


@pytest.mark.parametrize(("cell", "pictures"), [("broken", [False, False]), ("interrupted", [False, True])])
def test_a_check_whose_picture_is_not_drawn_is_kept(
    outputs: dict[str, list[Any]], cell: str, pictures: list[bool]
) -> None:
    assert [data["id"] for data in kept(outputs[cell])] == ["01/gaps", "01/guard"]
    pages = [one["data"]["text/html"] for one in outputs[cell] if MIME in one.get("data", {})]
    assert ["<img" in page for page in pages] == pictures


def test_an_output_that_fails_stops_no_other_and_says_so(outputs: dict[str, list[Any]]) -> None:
    assert [data["id"] for data in kept(outputs["unshown"])] == ["01/gaps"]
    said = "".join(one.text for one in outputs["unshown"] if one.output_type == "stream")
    said += "".join(one.evalue for one in outputs["unshown"] if one.output_type == "error")
    assert "one output" in said


def test_practice_is_not_kept_unless_it_is_shown(outputs: dict[str, list[Any]]) -> None:
    assert outputs["practice"] == []


def test_a_submission_has_the_best_and_not_the_latest(outputs: dict[str, list[Any]]) -> None:
    """Cell "two" checked an unsolved puzzle after the solved one."""
    (data,) = kept(outputs["submit"], SUBMISSION)
    assert {name: work["points"] for name, work in data["works"].items()} == {"01/gaps": 4, "01/guard": 0}


@pytest.fixture
def shell() -> Iterator[PyodideShell]:
    """IPython without a kernel: nothing would keep an output."""
    with open_notebook() as opened:
        yield opened


def test_without_a_kernel_nothing_is_published(shell: PyodideShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run(FIRST + 'mine = lab.check("01/gaps", puzzle)\nlab.submit();')
    assert capsys.readouterr().out == ""
    shell.run("mine")
    assert "0 of 4 points" in capsys.readouterr().out

"""Labs as text, question and picture: cells that only ask are folded, and each question is written once."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tools import labs
from vmwidgets import Refused, lab
from vmwidgets.labs.control import Control
from vmwidgets.labs.prediction import Prediction
from vmwidgets.labs.saved import saved_in

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted([*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "course" / "instructors").glob("*.ipynb")])
ALLOWED = re.compile(r"lab\.(predict|begin)|\w+\.compare")

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}-{path.stem}")


def code_of(path: Path) -> list[tuple[str, bool]]:
    """The sources of a notebook's code cells, and whether each is folded."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [
        ("".join(cell["source"]), cell["metadata"] == {"jupyter": {"source_hidden": True}})
        for cell in cells
        if cell["cell_type"] == "code"
    ]


@by_name
def test_a_folded_cell_does_nothing_that_the_lab_needs(path: Path) -> None:
    """Each call asks, compares or begins; no import, no change of a thing, no line that Jupyter runs for itself."""
    for source in (source for source, folded in code_of(path) if folded):
        tree = ast.parse(source)
        assert all(ALLOWED.fullmatch(ast.unparse(one.func)) for one in ast.walk(tree) if isinstance(one, ast.Call))
        assert {type(one) for one in tree.body} <= {ast.Assign, ast.Expr}, source
        stored = [one for one in ast.walk(tree) if isinstance(getattr(one, "ctx", None), (ast.Store, ast.Del))]
        assert all(isinstance(one, ast.Name) for one in stored), source


@by_name
def test_all_cells_that_ask_are_folded_and_no_cell_in_which_a_student_writes(path: Path) -> None:
    for source, folded in code_of(path):
        assert folded or "lab.predict(" not in source, source
        assert not folded or ("lab.begin(" not in source and "your code" not in source), source


@by_name
def test_a_question_is_in_the_text_once_and_not_in_the_code(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    texts = [re.sub(r"[*`]", "", "".join(cell["source"])) for cell in cells if cell["cell_type"] == "markdown"]
    code = [source for source, _ in code_of(path)]
    for identity in re.findall(r'lab\.predict\(\s*id="([^"]+)"', "\n".join(code)):
        question = lab.predict(id=identity, kind="number").question
        assert sum(text.count(question) for text in texts) == 1, identity
        assert not any(question in source for source in code), identity


@pytest.mark.parametrize(
    "source",
    [
        'm = vm.boot("x86-64")', "t.write(0, b'x')", "t.mmap('4 KiB')", "child = t.fork()",
        'gap = lab.predict(id="t/x")\nt.fork()', "gap.compare(t.read(0, 1))", "gap.compare(len(m.tasks))",
        "gap.compare(3)\nm.cpus.shootdown = 'sent'", "m.tasks['t'] = gap.compare(3)", "gap.compare(3)\ndel m",
        "gap.compare(3)\nx += 1", "for x in gap.compare(3): pass", "import os\ngap.compare(3)",
        "%%pages\ngap.compare(3)", "!ls", "m", "", "m.tables.compare(3)", "[x.compare(3) for x in m.steps()]",
        "(lambda: t.fork())",
        "gap.compare(3) if t.fork() else 0", 'lab.predict(id="t/x", options=[t.fork()])', "await gap.compare(3)",
        "@gap.compare\ndef f(): t.fork()", "with gap.compare(3): t.fork()", "gap.compare(3); t.fork()",
        'getattr(t, "fork")()', 'vm.lab.check("01/gaps", t)', "gap.compare(3)\nx: int = t.fork()",
    ],
)  # fmt: skip  # cells that act
def test_a_cell_that_acts_is_never_folded(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert labs.acts(source)
    assert [one for one in notebooks(tmp_path, monkeypatch, f"```python\n{source}\n```") if one["metadata"]] == []


@pytest.mark.parametrize(
    "source",
    [
        'lab.predict(id="00/tree", kind="number")', 'lab.predict(id="00/tree", options={"a": (1, ..., 3), "b": b"x"})',
        "x.compare(1)", 'x.compare(after["eager"].frame_count)', 'y = ["a", "b"]\nlab.predict(id="00/tree", options=y)',
    ],
)  # fmt: skip  # cells that ask
def test_a_cell_that_only_asks_or_compares_is_folded(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,) = notebooks(tmp_path, monkeypatch, f"```python\n{source}\n```")
    assert made["metadata"] == {"jupyter": {"source_hidden": True}}


def notebooks(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> list[dict[str, Any]]:
    """The cells of code in the notebooks that `make course` makes of a source."""
    write_source(folder, monkeypatch, text)
    ((_, made),) = labs.written()
    return [cell for cell in json.loads(made)["cells"] if cell["cell_type"] == "code"]


def write_source(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Write the source of a course with one lab."""
    source = folder / "course" / "00-addresses" / "lab.md"
    source.parent.mkdir(parents=True)
    source.write_text(text)
    monkeypatch.setattr(labs, "ROOT", folder)
    monkeypatch.setattr(labs, "SOURCES", folder / "course")
    monkeypatch.setattr(labs, "LEFT_OUT", {folder / "notebooks": labs.INSTRUCTORS})


FOLDED = '```python jupyter={"source_hidden": true}\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{FOLDED}child = parent.fork("child")\n```', "one calls parent.fork"),
        (f"{FOLDED}x.compare(3)\nm.controls = None\n```", "one assigns to m.controls"),
        (f"{FOLDED}import os\n```", "one has import os"),
        (
            'How many?\n\n```python\nx = lab.predict(id="00/tree", kind="number")\n```',
            "write the question of 00/tree above",
        ),
        (
            '> **Predict.** How?\n\nMore.\n\n```python\nx = lab.predict(id="00/tree")\n```',
            "the question of 00/tree above",
        ),
        (
            '```python\nx = 1\n```\n\n```python\nx = lab.predict(\n    id="00/tree", kind="number"\n)\n```',
            "of 00/tree above",
        ),
    ],
)
@pytest.mark.parametrize("arguments", [["--check"], []])
def test_a_source_that_folds_more_or_asks_without_its_question_is_refused(
    text: str, said: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_source(tmp_path, monkeypatch, text)
    monkeypatch.setattr(sys, "argv", ["labs", *arguments])
    with pytest.raises(SystemExit) as refused:
        labs.main()
    assert said in str(refused.value.code)
    assert "\n" not in str(refused.value.code)
    assert not (tmp_path / "notebooks").exists()


def test_a_question_by_its_name_is_heard_and_not_shown_again() -> None:
    asked = lab.predict(id="00/pieces", options={"yes": 2, "no": 0})
    text = "Pieces of 600, 500 and 400 KiB are free. Can a segment of 1 MiB be placed?"
    assert (asked.question, Control(asked).question) == (text, text)
    bundle = asked.bundle()
    outcome = asked.compare(0)
    asked.say("yes")
    assert "Pieces of" not in bundle["text/html"] + bundle["text/plain"]
    assert "Pieces of" not in asked.compare(0).bundle()["text/html"] + outcome.bundle()["text/html"]
    assert asked.data()["question"] == outcome.data()["question"] == text
    assert text in repr(lab.predictions)


def test_a_question_as_text_is_shown_with_its_options_as_before() -> None:
    asked = lab.predict("Can a segment be placed?", id="00/pieces", options={"yes": 2, "no": 0})
    assert "Can a segment be placed?" in asked.bundle()["text/html"]
    assert "Can a segment be placed?" in asked.compare(0).bundle()["text/html"]


def test_a_name_that_no_lab_has_needs_a_question() -> None:
    with pytest.raises(Refused, match="no lab of vmwidgets has this question"):
        lab.predict(id="h1/after", kind="number")
    with pytest.raises(Refused, match="pass a string"):
        lab.predict(kind="number")


def test_answers_of_a_notebook_that_had_the_question_in_its_code_are_kept() -> None:
    earlier = Prediction("00/tree", "How many tables does this program need, with the root?", "number")
    earlier.say(2)
    outputs = [{"output_type": "display_data", "data": earlier.bundle(), "metadata": {}}]
    asked = Prediction("00/tree", "The question in other words?", "number", in_text=True)
    saved_in({"cells": [{"cell_type": "code", "outputs": outputs}]}).recall(asked)
    assert asked.answer == "2"


def test_a_span_of_numbers_has_both_ends() -> None:
    asked = lab.predict("How many?", id="t/span", options={"few": (0, ..., 9), "some": (10, ..., 19), "pair": (1, 2)})
    found = {value: asked._written(value) for value in (0, 9, 10, 19, 20, (1, 2), True)}
    none = "none of these answers"
    assert found == {0: "few", 9: "few", 10: "some", 19: "some", 20: none, (1, 2): "pair", True: none} | {
        True: found[True]
    }


@by_name
def test_what_is_left_of_a_folded_cell_fits_into_a_small_window(path: Path) -> None:
    """JupyterLab shows its first line, which can't wrap."""
    assert [source for source, folded in code_of(path) if folded and len(source.splitlines()[0]) > 58] == []


@pytest.mark.parametrize("meant", [(1, ..., "x"), (1, ..., 2.5), (..., ..., 1), (5, ..., 1), (1, ...), (1, 2, ...)])
def test_an_option_stands_for_a_span_whose_ends_are_whole_numbers(meant: tuple[object, ...]) -> None:
    with pytest.raises(Refused, match=r"write \(10, \.\.\., 60\)"):
        lab.predict("How many?", id="t/span", options={"few": meant, "many": 7})


@pytest.mark.parametrize(("found", "happened"), [(60, "few"), (61, "many"), (7, "odd")])
def test_a_span_has_both_its_ends_and_may_be_one_of_several(found: int, happened: str) -> None:
    options = {"few": (10, ..., 60), "many": (61, ..., 70), "odd": {(1, ..., 7), 99}}
    asked = lab.predict("How many?", id=f"t/ends-{found}", options=options)
    assert asked.compare(found).actual == happened

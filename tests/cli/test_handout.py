"""``vmwidgets lecture NOTEBOOK|JOURNAL``: both become files; what can't is one sentence and exit code 2."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

import vmwidgets as vm
from tests.widgets.test_handout import read
from vmwidgets.cli import main
from vmwidgets.lectures.listed import LECTURES

CELLS = (
    "# Copy on write\nOne page for two tasks.",
    """import vmwidgets as vm
m = vm.boot("x86-64")
parent = m.task("parent")
a = parent.mmap("8 KiB")
parent.write(a, b"x")
vm.Objects(m)""",
    "## The child writes",
    'asked = vm.lab.predict("How many frames?", id="x/frames", options=["1", "2"])',
    'child = parent.fork("child")\nchild.write(a, b"y")\nvm.Fault(m)',
    'asked.compare("2")',
    "vm.Objects(m)",
)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("notebook") / "cow.ipynb"
    write(file, *CELLS)
    return file


@pytest.fixture(autouse=True)
def kernels_import_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def write(file: Path, *cells: str) -> None:
    make = nbformat.v4
    made = [make.new_markdown_cell(text) if text.startswith("#") else make.new_code_cell(text) for text in cells]
    nbformat.write(make.new_notebook(cells=made), file)


def run(capsys: Any, *arguments: object) -> tuple[int, str, str]:
    status = main(["lecture", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_a_notebook_has_its_pictures_headings_and_questions(notebook: Path, tmp_path: Path, capsys: Any) -> None:
    before = notebook.read_bytes()
    status, out, err = run(capsys, notebook, "-o", tmp_path / "cow.html")
    assert (status, err) == (0, "")
    assert out.startswith(f"{tmp_path / 'cow.html'}: ")
    assert notebook.read_bytes() == before
    steps = read(tmp_path / "cow.html")["steps"]
    assert [step["pictures"][0]["wide"]["view"] for step in steps[:1]] == ["objects"]
    assert {len(step["pictures"]) for step in steps} == {2}, "the same picture is there once"
    write_at = next(step["operation"] for step in steps if "write" in step["code"])
    assert [(step["operation"], step["chapter"]) for step in steps if "chapter" in step] == [
        (1, "Copy on write"), (write_at, "The child writes"),
    ]  # fmt: skip
    (asked,) = [step for step in steps if "question" in step]
    assert (asked["operation"], asked["question"]["answer"]) == (write_at, "2")


def test_pictures_are_chosen_by_name(notebook: Path, tmp_path: Path, capsys: Any) -> None:
    chosen = ("--picture", "Tree of task:parent/map", "--by", "operation", "--title", "Only the tree")
    assert run(capsys, notebook, "-o", tmp_path / "cow.html", *chosen)[0] == 0
    steps = read(tmp_path / "cow.html")["steps"]
    assert {step["pictures"][0]["wide"]["view"] for step in steps} == {"tree"}
    assert "<h1>Only the tree</h1>" in (tmp_path / "cow.html").read_text()


def test_a_notebook_with_a_long_loop_ends_and_says_what_it_has_not(tmp_path: Path, capsys: Any) -> None:
    cells = (
        "import vmwidgets as vm\nspace = vm.boot().task('init').map",
        'asked = vm.lab.predict("How many entries?", id="x/entries", options=["1", "400"])',
        "for _ in range(400):\n    space.enter(vm.PAGE, nomerge=True)",
        'asked.compare("400")\nvm.Map(space)',
    )
    write(tmp_path / "loop.ipynb", *cells)
    status, _, err = run(capsys, tmp_path / "loop.ipynb", "-o", tmp_path / "loop.html")
    sentence = "61 or more calls of one function in a row are one step: 400 operations are not shown one by one."
    assert (status, err) == (0, f"vmwidgets: {sentence}\n")
    assert f"<p>{sentence}</p>" in (tmp_path / "loop.html").read_text()
    steps = read(tmp_path / "loop.html")["steps"]
    assert [(step["operation"], "question" in step) for step in steps] == [(1, True), (401, False)]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    machine = vm.boot()
    machine.kernel_map.enter("16 KiB")
    machine.mark("one")
    machine.kernel_map.enter("8 KiB")
    machine.journal.save(tmp_path / "mine.jsonl.gz")
    return tmp_path / "mine.jsonl.gz"


def test_a_file_that_is_there_is_replaced_only_by_force(journal: Path, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "mine.html"
    file.write_text("mine")
    status, _, err = run(capsys, journal, "-o", file)
    assert (status, err.count("\n")) == (2, 1)
    assert "already exists" in err
    assert file.read_text() == "mine"
    assert run(capsys, journal, "-o", file, "--force")[0] == 0
    assert read(file)["steps"]


def test_a_journal(journal: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(capsys, journal, "--picture", "Map of kernel_map", "--since", "one")
    assert (status, out.split(":")[0]) == (0, "mine.html")
    assert {step["operation"] for step in read(tmp_path / "mine.html")["steps"]} == {1, 2}


def test_without_a_name_the_lectures_are_listed(capsys: Any) -> None:
    status, _, err = run(capsys)
    assert status == 2
    assert all(f"  {name} " in err for name in LECTURES)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("nowhere.ipynb",), "is not a file"),
        (("{journal}", "--picture", "Picture"), "there is no picture called 'Picture'"),
        (("{journal}", "--picture", "Map of nowhere"), "is not a part of machine"),
        (("{journal}", "--since", "nowhere"), "no mark with this name"),
        (("{journal}", "-o", "x.pdf"), "must end in .html"),
        (("{journal}", "-o", "none/x.html"), "No such file"),
        (("{text}",), "is not a notebook (.ipynb), nor a journal that m.journal.save wrote"),
        (("{broken}",), "is not a notebook"),
        (("{empty}",), "shows no picture"),
        (("{failing}",), "cell 2 fails: NameError"),
        (("{unshown}",), "cell 1 fails: OSError: no such picture"),
        (("{dying}",), "cell 1 ends its kernel"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: tuple[str, ...], why: str, journal: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {name: tmp_path / f"{name}.ipynb" for name in ("broken", "empty", "failing", "unshown", "dying")}
    files |= {"journal": journal, "text": tmp_path / "text.jsonl.gz"}
    files["broken"].write_text(json.dumps({"cells": 7}))
    files["text"].write_text("words")
    write(files["empty"], "1 + 1")
    write(files["failing"], "x = 1", "y")
    write(files["unshown"], "class A:\n    def _repr_html_(self): raise OSError('no such picture')\nA()")
    write(files["dying"], "import os; os._exit(1)")
    before = {path.name for path in tmp_path.iterdir()}
    status, out, err = run(capsys, *(word.format(**files) for word in arguments))
    assert (status, out) == (2, "")
    assert err.startswith("vmwidgets: ")
    assert why in err
    assert err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == before

"""The command: three questions of a notebook, the same again, others on demand; one sentence for what is none."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.grading.synthetic import solved, written
from vmwidgets.cli import main
from vmwidgets.labs import result, submitting

BOMB = base64.b64encode(gzip.compress(b"\n" * (200 << 20), 9)).decode()


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handed-in")
    return written(folder / "ada.ipynb", "ada", "01", solved("01/guard", "ada"), solved("01/gaps", "ada"))


def asked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["checkoff", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def test_three_questions_with_answers_the_same_again_and_others(
    notebook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, first, err = asked(capsys, notebook)
    assert (status, err) == (0, "")
    assert first.startswith("Lab 01, ada, course os-2026: 3 questions for the desk\n")
    assert first.count("Answer: ") == first.count("Why: ") == 3
    assert "01/guard ·" in first
    assert "01/gaps ·" in first
    assert "`" not in first
    assert asked(capsys, notebook) == (0, first, "")
    status, others, _ = asked(capsys, notebook, "--again", 1)
    assert status == 0
    assert not set(questions_in(first)) & set(questions_in(others))


def questions_in(text: str) -> list[str]:
    return [part.partition("\n")[2].partition("Answer:")[0] for part in text.strip().split("\n\n")[1:]]


def test_one_exercise_alone_and_an_end_of_the_questions(notebook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = asked(capsys, notebook, "--exercise", "01/guard")
    assert status == 0
    assert "01/gaps" not in out
    status, _, err = asked(capsys, notebook, "--exercise", "01/guard", "--again", 50)
    assert status == 1
    assert err == "vmwidgets: there are only 0 more questions in it\n"


@pytest.mark.parametrize("suffix", [".md", ".html"])
def test_a_file_to_be_printed(notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    file = tmp_path / f"desk{suffix}"
    status, out, _ = asked(capsys, notebook, "-o", file)
    assert (status, out) == (0, f"questions are in {file}\n")
    text = file.read_text(encoding="utf-8")
    assert text.count("Answer:") == 3
    assert ("<code>" in text) == (suffix == ".html")


def changed(output: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {result.MIME: {**output[result.MIME], **members}}


def test_names_in_a_journal_are_text_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A student chose them, and an assistant prints them."""
    name = "<script>\u202e`|\x1b[31m"
    output = solved(
        "01/gaps", "ada", lambda _: f"thing.machine.object({name!r})\nthing.enter(4096, object={name!r})\n" * 2
    )
    notebook = written(tmp_path / "ada.ipynb", "ada", "01", output)
    status, out, err = asked(capsys, notebook)
    assert status in (0, 1), err
    assert "\x1b" not in out
    assert "\u202e" not in out
    asked(capsys, notebook, "-o", tmp_path / "desk.html")
    assert "<script" not in (tmp_path / "desk.html").read_text(encoding="utf-8")


def test_what_can_not_be_asked_of_is_one_sentence_and_exit_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = solved("01/guard", "ada")
    work = guard[result.MIME]["work"]
    broken = {
        "other": changed(guard, sheet="0" * 16),
        "bomb": changed(guard, work={**work, "journal": BOMB}),
        "cut": changed(guard, work={**work, "journal": work["journal"][:400]}),
        "no part": changed(guard, work={**work, "part": "task:nothing"}),
        "kind": changed(guard, work={"kind": ["?"]}),
        "own": changed(guard, id="mine/own"),
    }
    paths = {name: written(tmp_path / f"{name}.ipynb", "ada", "01", output) for name, output in broken.items()}
    paths["nothing"] = written(tmp_path / "nothing.ipynb", "ada", "01")
    paths["missing"] = tmp_path / "missing.ipynb"
    for name, content in {"text": "hello", "list": "[1]", "half": paths["cut"].read_text()[:500]}.items():
        paths[name] = tmp_path / f"{name}.ipynb"
        paths[name].write_text(content)
    for name, path in paths.items():
        status, out, err = asked(capsys, path)
        assert (name, status, out, err.count("\n")) == (name, 2, "", 1), err
        assert err.startswith("vmwidgets: ")


def test_wrong_arguments_are_one_sentence(notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (["--exercise", "01/gard"], "01/guard"),
        (["--exercise", "02/no-rotation"], "was not checked in it"),
        (["--again", "-1"], "0 to 1,000"),
        (["-o", tmp_path / "desk.pdf"], "it must end in .md or .html"),
    ):
        status, out, err = asked(capsys, notebook, *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert says in err


def test_work_of_which_little_can_be_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One call: it can't be exchanged with another, and nothing else can be left out."""
    output = solved("01/gaps", "ada", lambda _: "thing.enter(4096)")
    status, out, err = asked(capsys, written(tmp_path / "ada.ipynb", "ada", "01", output), "--again", 3)
    assert status == 1
    assert out.count("Answer: ") < 3
    assert "there are only" in err


def test_nothing_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = written(tmp_path / "ada.ipynb", "ada", "01", solved("01/gaps", "ada", lambda _: ""))
    status, _, err = asked(capsys, notebook)
    assert (status, "nothing was done in it" in err) == (2, True)


def test_the_output_of_a_submission_will_do(notebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked = solved("01/guard", "ada")[result.MIME]
    works = {"01/guard": {name: checked[name] for name in ("sheet", "points", "of", "work")}}
    path = written(tmp_path / "ada.ipynb", "ada", "01", {submitting.MIME: {"works": json.loads(json.dumps(works))}})
    status, out, _ = asked(capsys, path)
    assert status == 0
    assert out == asked(capsys, notebook, "--exercise", "01/guard")[1]

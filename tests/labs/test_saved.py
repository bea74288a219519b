"""A restarted kernel finds what was said before in the notebook's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from vmwidgets.labs import lab, saved
from vmwidgets.labs.prediction import MIME, Prediction


@pytest.fixture
def asked() -> Prediction:
    return Prediction("t/gap", "Which gap?", "choice", ("low", "high"))


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a notebook whose outputs are the given bundles, and makes it the kernel's own."""

    def write(*bundles: Any) -> None:
        outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in bundles]
        cells = [nbformat.v4.new_code_cell("…", outputs=[output]) for output in outputs]
        path = tmp_path / "own.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        monkeypatch.setenv("JPY_SESSION_NAME", str(path))
        saved._saved.cache_clear()

    yield write
    saved._saved.cache_clear()


def test_answers_come_back(asked: Prediction, notebook: Any) -> None:
    asked.say("low")
    asked.say("high", "control")
    notebook({"text/plain": "something else"}, asked.bundle())
    again = Prediction("t/gap", "Which gap?", "choice", ("low", "high"))
    assert saved.answers_in_the_notebook(again) == asked.answers


def test_a_question_that_is_asked_again_finds_them(notebook: Any) -> None:
    before = Prediction("t/restarted", "Again?", "number")
    before.say(3)
    notebook(before.bundle())
    after = lab.predict("Again?", id="t/restarted", kind="number", answer=4)
    assert [answer.answer for answer in after.answers] == ["3", "4"]


def test_answers_to_another_question_do_not(asked: Prediction, notebook: Any) -> None:
    asked.say("low")
    notebook(asked.bundle())
    assert saved.answers_in_the_notebook(Prediction("t/gap", "Which map?", "choice", ("low", "high"))) == ()
    assert saved.answers_in_the_notebook(Prediction("t/other", "Which gap?", "choice", ("low", "high"))) == ()


@pytest.mark.parametrize(
    "answers",
    [
        None,
        5,
        {"answer": "low"},
        [5],
        [{"answer": 5}],
        [{"answer": "lowest"}],
        [{"how": "code"}],
        [{"answer": ["low"]}],
    ],
)
def test_what_is_no_answer_is_left_out(asked: Prediction, notebook: Any, answers: Any) -> None:
    notebook({MIME: {**asked.data(), "answers": answers}})
    assert saved.answers_in_the_notebook(asked) == ()


@pytest.mark.parametrize("text", ["", "[", "[]", '{"cells": 3}', '{"cells": [{"outputs": [{"data": 1}]}, 2]}'])
def test_a_file_that_is_no_notebook_holds_nothing(asked: Prediction, notebook: Any, tmp_path: Path, text: str) -> None:
    notebook()
    (tmp_path / "own.ipynb").write_text(text)
    saved._saved.cache_clear()
    assert saved.answers_in_the_notebook(asked) == ()


def test_without_a_file_nothing_is_known(asked: Prediction, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "", "/nowhere/at/all.ipynb", "/etc/passwd":
        monkeypatch.setenv("JPY_SESSION_NAME", name)
        assert saved.answers_in_the_notebook(asked) == ()

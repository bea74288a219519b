"""A restarted kernel finds what was said before in the notebook's file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import nbformat
import pytest

from tests.widgets.notebook import PyodideShell, open_notebook
from vmwidgets.labs import lab, saved
from vmwidgets.labs.prediction import Prediction
from vmwidgets.labs.records import MIME, OUTCOME, PREDICTION, TAG
from vmwidgets.labs.session import Session


@pytest.fixture
def asked() -> Prediction:
    return Prediction("t/gap", "Which gap?", "choice", ("low", "high"))


@pytest.fixture
def notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes a notebook whose outputs are the given bundles, and makes it the kernel's own."""

    def write(*bundles: Any) -> None:
        outputs = [nbformat.v4.new_output("display_data", data=bundle) for bundle in bundles]
        cells = [nbformat.v4.new_code_cell("…", outputs=[output]) for output in outputs]
        path = tmp_path / "own.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
        monkeypatch.setenv("JPY_SESSION_NAME", str(path))
        saved._read.now().clear()

    return write


def recalled(asked: Prediction) -> Prediction:
    """The same question, asked by a new kernel."""
    again = Prediction(asked.id, asked.question, asked.kind, asked.options)
    saved._read.now().clear()
    saved.recall(again)
    return again


def test_answers_come_back(asked: Prediction, notebook: Any) -> None:
    asked.say("low")
    asked.say("high", "control")
    notebook({"text/plain": "something else"}, asked.bundle())
    assert recalled(asked).answers == asked.answers


@pytest.mark.parametrize("form", [json.dumps, lambda data: json.dumps(data, indent=1).splitlines(keepends=True)])
def test_data_that_a_host_saved_as_text_or_as_lines_are_read(
    asked: Prediction, notebook: Any, form: Callable[[Any], Any]
) -> None:
    asked.say("low")
    notebook({**asked.bundle(), MIME: form({TAG: PREDICTION, **asked.data()})})
    assert recalled(asked).answers == asked.answers


def test_a_question_that_is_asked_again_finds_them(notebook: Any) -> None:
    before = Prediction("t/restarted", "Again?", "number")
    before.say(3)
    notebook(before.bundle())
    after = lab.predict("Again?", id="t/restarted", kind="number", answer=4)
    assert [answer.answer for answer in after.answers] == ["3", "4"]


def test_a_page_that_was_closed_before_the_reason_asks_for_it_again_and_a_seen_result_for_none(notebook: Any) -> None:
    before = Prediction("t/closed", "Again?", "number", reasons=True)
    before.say(3, "control")
    notebook(before.bundle())
    after = lab.predict("Again?", id="t/closed", kind="number", because=True)
    assert (after.answer, after.asks_why) == ("3", True)
    before.id = "t/closed-2"
    before.compare(4)
    notebook(before.bundle())
    seen = lab.predict("Again?", id="t/closed-2", kind="number", because=True)
    assert (seen.answer, seen.asks_why) == ("3", False)


def test_an_answer_is_found_by_its_questions_id_whatever_the_words(asked: Prediction, notebook: Any) -> None:
    asked.say("low")
    asked.compare("high")
    outcome = asked.outcome
    assert outcome is not None
    for kept in asked.bundle(), outcome.bundle():
        notebook(kept)
        reworded = recalled(Prediction("t/gap", "In which gap will it be?", "choice", ("high", "low")))
        assert (reworded.answers, reworded.happened) == (asked.answers, "high")


def test_answers_to_another_question_do_not(asked: Prediction, notebook: Any) -> None:
    asked.say("low")
    nameless = Prediction("which-gap", "Which gap?", "choice", ("low", "high"))
    nameless.say("low")
    notebook(asked.bundle(), nameless.bundle())
    assert recalled(Prediction("t/other", "Which gap?", "choice", ("low", "high"))).answers == ()
    assert recalled(Prediction("t/gap", "Which gap?", "text")).answers == ()
    assert recalled(Prediction("which-gap", "Which: gap?", "choice", ("low", "high"))).answers == (), "no ID was given"
    assert recalled(nameless).answers == nameless.answers


@pytest.mark.parametrize(("student", "stays"), [("ada", True), ("bert", False)])
def test_in_other_words_it_is_the_same_question_for_the_same_variant(
    asked: Prediction, notebook: Any, student: str, stays: bool
) -> None:
    """Else a notebook that another student goes on with would answer the questions of this one's variant."""
    asked.say("low")
    with Session():
        begun = lab.begin("01", student="ada", course="os")._repr_mimebundle_()
    notebook(begun, asked.bundle())
    lab.begin("01", student=student, course="os")
    assert lab.predict("Which gap?", id="t/gap", options=["low", "high"]).answer == "low"
    lab.predictions._by_id.clear()
    reworded = lab.predict("Which of 2 gaps?", id="t/gap", options=["low", "high"])
    assert reworded.answer == ("low" if stays else None)


@pytest.mark.parametrize("first", ["pages", "entries"])
def test_two_questions_with_the_same_id_find_an_answer_each(notebook: Any, first: str) -> None:
    kept = []
    for things, pages in ("pages", 3), ("entries", 8):
        with Session():
            said = lab.predict(f"How many {things}?", id="t/n", kind="number", answer=pages)
            kept += [said.bundle(), said.compare(pages + 1).bundle()]
    notebook(*kept)
    found = {}
    for things in sorted(("pages", "entries"), key=lambda things: things != first):
        again = lab.predict(f"How many {things}?", id="t/n", kind="number")
        found[things] = again.answer, again.happened
    assert found == {"pages": ("3", "4"), "entries": ("8", "9")}


@pytest.mark.parametrize("words", ["How many pages?", "How many pages are there?"])
def test_a_new_question_does_not_find_the_answer_of_the_question_before_it(notebook: Any, words: str) -> None:
    with Session():
        said = lab.predict("How many pages?", id="t/n", kind="number", answer=3)
    notebook(said.bundle())
    assert lab.predict(words, id="t/n", kind="number").answer == "3"
    assert lab.predict("How many entries?", id="t/n", kind="number").answer is None
    assert lab.predict(words, id="t/n", kind="number").answer == "3"


@pytest.mark.parametrize("tried", ["Pages of 3 stacks?", "Pages of these 4 stacks?"])
def test_an_answer_comes_back_if_the_lab_was_begun_without_the_student_first(notebook: Any, tried: str) -> None:
    """All cells ran without the ID in a new kernel; its author had reworded the question, or its numbers differ."""
    with Session():
        begun = lab.begin("01", student="ada", course="os")._repr_mimebundle_()
        before = lab.predict("Pages of 4 stacks?", id="t/own", kind="number", answer=4)
        shown = before.compare(7).bundle()
    notebook(begun, before.bundle(), shown)
    lab.begin("01")
    lab.predict(tried, id="t/own", kind="number").compare(5)
    lab.begin("01", student="ada", course="os")
    for words in tried, "Pages of 4 stacks?":
        again = lab.predict(words, id="t/own", kind="number", answer=7)
    assert again.outcome is not None
    assert (again.answer, again.happened, again.outcome.late) == ("4", "7", False)
    assert [(one.answer, one.late) for one in again.answers] == [("4", False), ("7", True)]


def test_an_answer_whose_option_is_gone_is_open_again(asked: Prediction, notebook: Any) -> None:
    """docs/dev/release.md says so; what happened first stays, as long as it can be answered."""
    asked.say("low")
    asked.compare("high")
    notebook(asked.bundle())
    reworded = recalled(Prediction(asked.id, asked.question, "choice", ("the low one", "high")))
    assert (reworded.answer, reworded.happened) == (None, "high")
    renamed = recalled(Prediction(asked.id, asked.question, "choice", ("low", "the high one")))
    assert (renamed.answer, renamed.happened) == ("low", None)
    renamed.say("the high one")
    assert [one.late for one in renamed.answers] == [False, True]


def test_a_later_answer_does_not_count_as_the_first_whose_option_is_gone(asked: Prediction, notebook: Any) -> None:
    asked.say("low")
    asked.say("high")
    notebook(asked.bundle())
    assert recalled(Prediction(asked.id, asked.question, "choice", ("the low one", "high"))).answers == ()
    assert (
        recalled(Prediction(asked.id, asked.question, "choice", ("low", "the high one"))).answers == asked.answers[:1]
    )


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
    notebook({MIME: {TAG: PREDICTION, **asked.data(), "answers": answers}})
    assert recalled(asked).answers == ()


@pytest.mark.parametrize("text", ["", "[", "[]", '{"cells": 3}', '{"cells": [{"outputs": [{"data": 1}]}, 2]}'])
def test_a_file_that_is_no_notebook_holds_nothing(asked: Prediction, notebook: Any, tmp_path: Path, text: str) -> None:
    notebook()
    (tmp_path / "own.ipynb").write_text(text)
    assert recalled(asked).answers == ()


def test_without_a_file_nothing_is_known(asked: Prediction, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "", "/nowhere/at/all.ipynb", "/etc/passwd":
        monkeypatch.setenv("JPY_SESSION_NAME", name)
        assert recalled(asked).answers == ()


def test_the_first_answer_and_the_first_outcome_count_after_a_restart(notebook: Any) -> None:
    """Restart and Run All with another answer, and with another outcome."""
    first = lab.predict("How many?", id="t/twice", kind="number", answer=3)
    shown = first.compare(4)
    notebook(first.bundle(), shown._repr_mimebundle_())
    lab.predictions._by_id.clear()
    again = lab.predict("How many?", id="t/twice", kind="number", answer=5)
    outcome = again.compare(5)
    assert (outcome.said, outcome.actual, outcome.late, outcome.again) == ("3", "4", False, "5")
    assert again.data()["happened"] == "4"


def test_an_answer_after_the_outcome_is_late_after_a_restart_too(asked: Prediction, notebook: Any) -> None:
    shown = asked.compare("low").bundle()
    notebook(asked.bundle(), shown)
    again = recalled(asked)
    again.say("low")
    assert again.answers[0].late


def test_of_several_outputs_the_first_that_is_answered_counts(asked: Prediction, notebook: Any) -> None:
    silent = asked.bundle()
    asked.say("high")
    answered = asked.bundle()
    other = Prediction(asked.id, asked.question, asked.kind, asked.options)
    other.say("low")
    notebook(silent, answered, other.bundle())
    assert recalled(asked).answer == "high"


@pytest.mark.parametrize("kept", ["outcome", "predictions"])
def test_an_answer_is_found_in_what_was_shown_of_it(notebook: Any, kept: str) -> None:
    """The cell that asked has lost its output already, as in a page that clears it before the kernel can look."""
    said = lab.predict("Where?", id="t/lost", options=["low", "high"], answer="low")
    shown = said.compare("high")._repr_mimebundle_()
    notebook(shown if kept == "outcome" else lab.predictions._repr_mimebundle_())
    again = recalled(said)
    assert (again.answer, again.happened, again.answers[0].late) == ("low", "high", False)


@pytest.mark.parametrize("data", [{"said": ["low"]}, {"said": None}, {"said": "lowest"}, {"id": 3}, 7])
def test_an_outcome_that_holds_no_answer_gives_none(asked: Prediction, notebook: Any, data: Any) -> None:
    whole = {TAG: OUTCOME, "id": asked.id, "question": asked.question, **data} if isinstance(data, dict) else data
    notebook({MIME: whole})
    assert recalled(asked).answers == ()


# ---- hosts -----------------------------------------------------------------------------------


@pytest.fixture
def shell() -> Iterator[PyodideShell]:
    with open_notebook() as opened:
        yield opened


def content(prediction: Prediction) -> dict[str, Any]:
    """A notebook that holds what was said."""
    output = nbformat.v4.new_output("display_data", data=prediction.bundle())
    found: dict[str, Any] = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("…", outputs=[output])])
    return found


def test_vs_code_names_the_file_in_a_variable(asked: Prediction, shell: PyodideShell, tmp_path: Path) -> None:
    asked.say("high")
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps(content(asked)))
    shell.user_ns["__vsc_ipynb_file__"] = str(path)
    assert recalled(asked).answer == "high"


def colab(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Any]) -> None:
    """The module by which Colab's kernels ask its page."""
    package, module = ModuleType("google"), ModuleType("google.colab")
    module._message = SimpleNamespace(blocking_request=answer)  # type: ignore[attr-defined]  # made here
    monkeypatch.setitem(sys.modules, "google", package)
    monkeypatch.setitem(sys.modules, "google.colab", module)


def test_colab_is_asked_for_the_notebook(asked: Prediction, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.say("high")
    whole = content(asked)
    asks: list[Any] = []

    def answer(what: str, timeout_sec: float) -> Any:
        asks.append((what, timeout_sec))
        return {"ipynb": whole}

    colab(monkeypatch, answer)
    assert recalled(asked).answer == "high"
    assert asks == [("get_ipynb", saved.PATIENCE)]


@pytest.mark.parametrize("gives", [None, {}, {"ipynb": None}, TimeoutError()])
def test_colab_may_say_nothing(asked: Prediction, monkeypatch: pytest.MonkeyPatch, gives: Any) -> None:
    def answer(*_what: Any, **_options: Any) -> Any:
        if isinstance(gives, Exception):
            raise gives
        return gives

    colab(monkeypatch, answer)
    assert recalled(asked).answers == ()


def test_the_notebook_is_read_when_the_lab_begins_and_not_again(
    asked: Prediction, notebook: Any, tmp_path: Path
) -> None:
    """Later cells may have lost their outputs by the time that they ask."""
    asked.say("high")
    notebook(asked.bundle())
    lab.begin("01", student="ada", course="os")
    (tmp_path / "own.ipynb").write_text("{}")
    assert lab.predict("Which gap?", id="t/gap", options=["low", "high"]).answer == "high"

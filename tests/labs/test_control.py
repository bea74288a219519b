"""The control of a prediction, as a page talks to it; the page's half is tested in js/ and in tests/browser."""

from __future__ import annotations

from typing import Any

import pytest

from vmwidgets.labs.control import Control
from vmwidgets.labs.prediction import Prediction


@pytest.fixture
def asked() -> Prediction:
    return Prediction("t/gap", "Which gap?", "choice", ("low", "high"))


def press(control: Control, value: Any) -> None:
    control._handle_custom_msg({"type": "answer", "value": value}, [])


def test_a_press_answers(asked: Prediction) -> None:
    control = Control(asked)
    press(control, "high")
    press(control, "low")
    assert [(answer.answer, answer.how) for answer in asked.answers] == [("high", "control"), ("low", "control")]
    assert control.given == "low"
    assert "shown above" in control.status


@pytest.mark.parametrize("value", ["", "  ", None, 3, ["high"], {"a": 1}])
def test_a_press_with_nothing_chosen_says_so(asked: Prediction, value: Any) -> None:
    control = Control(asked)
    press(control, value)
    assert (asked.answers, control.status) == ((), "choose one first")


def test_what_is_no_answer_is_told_and_not_kept(asked: Prediction) -> None:
    control = Control(asked)
    press(control, "lowest")
    assert asked.answers == ()
    assert "did you mean 'low'" in control.status


@pytest.mark.parametrize("content", [None, "answer", [], {"type": "other", "value": "low"}, {}])
def test_other_messages_are_no_answers(asked: Prediction, content: Any) -> None:
    control = Control(asked)
    control._handle_custom_msg(content, [])
    assert asked.answers == ()


def test_a_page_sets_nothing(asked: Prediction) -> None:
    control = Control(asked)
    control.set_state({"given": "high", "question": "another"})
    assert (control.given, control.question, asked.answers) == ("", "Which gap?", ())


def test_a_later_control_knows_what_was_said(asked: Prediction) -> None:
    asked.say("low")
    asked.say("high")
    assert Control(asked).given == "high"


def test_a_reason_is_asked_for_before_the_answer_counts() -> None:
    asked = Prediction("t/why", "Which gap?", "choice", ("low", "high"), reasons=True)
    control = Control(asked)
    press(control, "high")
    assert (asked.answers, control.status) == ((), "say why first, in one line")
    control._handle_custom_msg({"type": "answer", "value": "high", "because": " it is larger "}, [])
    assert [(one.answer, one.because) for one in asked.answers] == [("high", "it is larger")]
    assert (control.given, control.because) == ("high", "it is larger")


def test_who_does_not_know_needs_no_reason() -> None:
    asked = Prediction("t/why", "Which gap?", "choice", ("low", "high"), reasons=True)
    press(Control(asked), "I don't know")
    assert asked.answer == "I don't know"


@pytest.mark.parametrize(("said", "asks"), [("low", False), ("high", True), ("I don't know", False)])
def test_only_after_a_wrong_answer_one_may_say_what_one_missed(asked: Prediction, said: str, asks: bool) -> None:
    control = Control(asked)
    press(control, said)
    asked.compare("low")
    control._handle_custom_msg({"type": "missed", "value": "the order"}, [])
    assert (control.asks_missed, asked.missed) == (asks, "the order" if asks else "")

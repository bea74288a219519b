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


@pytest.fixture
def why() -> Prediction:
    return Prediction("t/why", "Which gap?", "choice", ("low", "high"), reasons=True)


def send(control: Control, kind: str, **more: Any) -> None:
    control._handle_custom_msg({"type": kind, **more}, [])


def said(prediction: Prediction) -> list[tuple[str, str, bool]]:
    return [(one.answer, one.because, one.late) for one in prediction.answers]


def test_a_reason_may_come_with_the_answer(why: Prediction) -> None:
    control = Control(why)
    send(control, "answer", value="high", because=" it is larger ")
    assert said(why) == [("high", "it is larger", False)]
    assert (control.given, control.because, control.asks_why) == ("high", "it is larger", False)


def test_an_answer_without_its_reason_is_kept_at_once_and_the_reason_is_asked_for(why: Prediction) -> None:
    control = Control(why)
    press(control, "high")
    assert said(why) == [("high", "", False)]
    assert why.data()["answer"] == "high"
    assert control.asks_why
    send(control, "reason", because="it is larger")
    assert said(why) == [("high", "it is larger", False)], "the same answer, not a later one"
    assert not control.asks_why
    assert why.compare("low").is_open


@pytest.mark.parametrize("kind", ["compare", "skip"])
def test_a_reason_that_was_typed_while_the_kernel_was_busy_is_kept(why: Prediction, kind: str) -> None:
    control = Control(why)
    press(control, "high")
    if kind == "skip":
        send(control, "skip")
    why.compare("low")
    send(control, "reason", because="it is larger")
    assert said(why) == [("high", "", False), ("high", "it is larger", True)]
    assert "saved" in control.status
    assert "you said: high, because (later) it is larger" in repr(why)
    assert "and later" not in repr(why)


def test_a_reason_after_a_skip_and_before_the_result_is_the_answers_own(why: Prediction) -> None:
    control = Control(why)
    press(control, "high")
    send(control, "skip")
    send(control, "reason", because="it is larger")
    assert said(why) == [("high", "it is larger", False)]


def test_the_request_for_a_reason_goes_when_the_result_is_shown(why: Prediction) -> None:
    control = Control(why)
    press(control, "high")
    assert "Why?" in control.status
    why.compare("low")
    assert "Why?" not in control.status
    assert "saved" in control.status, "the answer is kept as before"


def test_a_control_of_a_kept_answer_asks_why_from_the_beginning(why: Prediction) -> None:
    why.say("high")
    control = Control(why)
    assert "Why?" in control.status
    send(control, "nothing that is known")
    assert "Why?" in control.status
    why.say("high", because="it is larger")
    assert "Why?" not in control.status


def test_a_reason_may_be_skipped(why: Prediction) -> None:
    control = Control(why)
    press(control, "high")
    send(control, "skip")
    assert (said(why), control.asks_why) == ([("high", "", False)], False)
    assert why.compare("low").right is False


def test_comparing_shows_the_result_without_a_reason_too_and_then_asks_for_none(why: Prediction) -> None:
    control = Control(why)
    press(control, "high")
    outcome = why.compare("low")
    assert (outcome.is_open, outcome.late, control.asks_why, control.asks_missed) == (True, False, False, True)
    press(control, "high")
    send(control, "answer", value="high", because="I see it now")
    assert said(why) == [("high", "", False), ("high", "I see it now", True)], "a reason for a known result is late"
    assert why.outcome is not None
    assert why.outcome.is_open


def test_an_answer_after_the_cell_had_run_gives_its_reason_before_the_result_is_seen(why: Prediction) -> None:
    why.compare("low")
    control = Control(why)
    press(control, "high")
    assert said(why) == [("high", "", True)]
    waiting = why.outcome
    assert waiting is not None
    assert not waiting.is_open
    assert not any(said in str(form) for said in ("What happened", "✗", "✓") for form in waiting.bundle().values())
    assert not control.asks_missed, "it would say that the answer was wrong"
    send(control, "skip")
    assert why.outcome is not None
    assert why.outcome.is_open
    assert control.asks_missed
    press(control, "low")
    assert why.outcome is not None
    assert why.outcome.is_open, "what was seen stays"


def test_running_the_cell_again_shows_a_result_that_waits(why: Prediction) -> None:
    why.compare("low")
    press(Control(why), "high")
    assert why.compare("low").is_open


def test_a_reason_that_is_refused_loses_no_answer(why: Prediction) -> None:
    control = Control(why)
    send(control, "answer", value="high", because="x" * 501)
    assert said(why) == [("high", "", False)]
    assert "501" in control.status
    assert control.asks_why


@pytest.mark.parametrize("kind", ["reason", "skip"])
def test_a_reason_that_nobody_asked_for_is_not_kept(why: Prediction, kind: str) -> None:
    send(Control(why), kind, because="for no answer")
    assert why.answers == ()


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


def test_a_page_hears_of_each_press_though_it_has_the_same_result(asked: Prediction) -> None:
    """A page shows that a press was sent until it hears of the result."""
    control = Control(asked)
    heard: list[str] = []
    control.observe(lambda change: heard.append(change["new"]), "status")
    press(control, "")
    press(control, "")
    assert [one for one in heard if one] == ["choose one first", "choose one first"]

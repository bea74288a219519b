"""Sessions: each keeps what was done in it, and what is registered in one is not known in another."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.exercise import exercises
from vmwidgets.labs.mistakes import Mistake, has_mistakes
from vmwidgets.labs.session import Session, current


def test_what_is_done_in_one_session_is_not_done_in_another(session: Session) -> None:
    lab.begin("01", student="ada", course="os")
    lab.predict("How many?", id="t/many", kind="number", answer=3)
    lab.hint("01/gaps")
    lab.check("01/gaps", lab.variant("01/gaps").start())
    with Session() as other:
        assert current() is other
        assert lab.begin("02", student="bert", course="os").whose == "bert, course os"
        assert not lab.predictions
        assert lab.hint("01/gaps").tier == 1
        with pytest.raises(vm.Refused, match="nothing has been checked"):
            lab.submit()
    assert current() is session
    assert list(lab.predictions) == ["t/many"]
    assert lab.hint("01/gaps").tier == 2
    assert list(lab.submit().works) == ["01/gaps"]


def test_what_is_registered_in_one_session_is_known_in_those_made_in_it_only() -> None:
    with Session():
        lab.author.exercise("t/mine", "Mine", points=1, takes=dict)(lambda _answers: [])
        lab.author.mistakes("t/many", {"3": Mistake("three", "There are four.")})
        lab.author.explain("t/many", "Count **again**.")
        with Session():
            assert "t/mine" in exercises()
            assert has_mistakes("t/many")
    assert "t/mine" not in exercises()
    assert not has_mistakes("t/many")
    assert "Count" not in repr(lab.predict("How many?", id="t/many", kind="number", answer=3).compare(3))

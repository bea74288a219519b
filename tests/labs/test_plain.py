"""Answers are judged as plain copies, so that no class of a learner's own is asked; machines are the package's own."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.exercises.addresses import solved


def spied() -> dict[str, Any]:
    """The variables of all callers, as a class that is asked inside a judge could read them."""
    found: dict[str, Any] = {}
    frame: Any = sys._getframe(1)
    while frame is not None:
        found |= frame.f_locals
        frame = frame.f_back
    return found


class SpyingDict(dict[Any, Any]):
    def get(self, key: Any, default: Any = None) -> Any:
        return spied().get("right_answers", {}).get(key)


class SpyingInt(int):
    """Equal to whatever it is compared with."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return super().__hash__()


class SpyingText(str):
    """Equal to whatever it is compared with."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return super().__hash__()


class SpyingPair(list[Any]):
    """Its items are the right ones, where a judge has them."""

    def __getitem__(self, index: Any) -> Any:
        right = spied().get("right_answers")
        return next(one for one in right.values() if isinstance(one, tuple))[index] if right else list(self)[index]


def test_a_dictionary_that_reads_the_answers_earns_nothing() -> None:
    sheet = lab.practice("00/walk", 1)
    assert lab.check(sheet, SpyingDict(sheet.start())).points == 0


@pytest.mark.parametrize("answer", [SpyingInt(7), (SpyingInt(7), SpyingText("x")), SpyingPair([7, "x"])], ids=repr)
def test_an_answer_that_equals_all_others_earns_nothing(answer: Any) -> None:
    sheet = lab.practice("00/walk", 1)
    assert lab.check(sheet, dict.fromkeys(sheet.start(), answer)).points == 0


def test_a_judge_of_a_course_is_given_exact_types() -> None:
    taken: list[Any] = []

    @lab.author.exercise("t/plain", "Plain", points=1, takes=object)
    def judge(thing: Any) -> Any:
        taken.append(thing)
        yield lab.author.criterion(1, True, "some", "none")

    inner = {SpyingText("a"): SpyingInt(1), SpyingInt(2): SpyingPair([SpyingInt(3), SpyingText("b")])}
    for thing in SpyingDict(inner), [4, (5, "b")]:
        assert lab.check("t/plain", thing).passed
    answers, row = taken
    assert type(answers) is dict
    assert {type(one) for pair in answers.items() for one in pair} == {str, int, list}
    assert {type(one) for one in answers[2]} == {int, str}
    assert row == [4, (5, "b")]
    for own in SpyingPair([4]), SpyingInt(5), SpyingText("c"):
        assert "a class of your own" in lab.check("t/plain", own).problem
    assert len(taken) == 2


class SpyingSegments(vm.Segments):
    """Its segments are what a judge compares them with."""

    def __getattribute__(self, name: str) -> Any:
        if name == "segments" and "asked" in spied():
            return {}
        return super().__getattribute__(name)


def test_segments_are_judged_as_they_are_kept() -> None:
    sheet = lab.practice("00/segments", 1)
    program = sheet.start()
    one = SpyingSegments(
        **{name: (unit.base, unit.bounds, rights) for name, (unit, rights) in program.segments.items()}
    )
    assert lab.check(sheet, one).criteria == lab.check(sheet, program).criteria


def test_a_machine_of_a_class_of_ones_own_is_not_judged() -> None:
    sheet = lab.practice("04/thrifty", 1)
    machine = sheet.start()
    machine.__class__ = type("Mine", (vm.Machine,), {})
    result = lab.check(sheet, machine)
    assert result.points == 0
    assert "is a Mine, a class of your own" in result.problem


def test_what_can_not_be_made_again_is_said() -> None:
    """A run with a function has no name that a grader could run; what is judged is what can be graded."""
    sheet = lab.practice("11/anomaly", 1)
    result = lab.check(sheet, vm.reference_string("1 2 3", 3, lambda pages: pages[0]))
    assert result.points == 0
    assert result.problem.startswith("it can't be judged: ")


def test_the_right_answers_still_earn_all_points() -> None:
    sheet = lab.practice("00/walk", 1)
    given: Any = sheet.given
    assert lab.check(sheet, SpyingDict(solved(given))).passed

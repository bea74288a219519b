"""What the recipes in course/ don't say: policies that know no rule, partial points, what fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.engine.memory.replacement import ResidentPage
from vmwidgets.labs.chosen import Chosen
from vmwidgets.labs.criterion import Criterion
from vmwidgets.labs.draws import Draws
from vmwidgets.labs.exercises import replacement
from vmwidgets.labs.exercises.replacement import AnomalySheet, PolicySheet, anomaly, ask_policy, newest_first, policy

BELADY = "1 2 3 4 1 2 5 1 2 3 4 5"
TWICE = AnomalySheet("fifo", 3, 2, 5, 24)
SHEETS = [PolicySheet.drawn(Draws(str(number))) for number in range(60)]

# ---- 11/anomaly ----------------------------------------------------------------------------------


def points(string: str, frames: int | tuple[int, ...] = (3, 4), name: str = "fifo") -> list[int]:
    return [criterion.points for criterion in anomaly(vm.reference_string(string, frames, name), TWICE)]


def test_the_anomaly_twice_is_all_of_it() -> None:
    assert points(f"{BELADY} {BELADY}") == [3, 1, 1]


def test_the_textbooks_string_is_a_part() -> None:
    assert points(BELADY) == [1, 0, 1]


def test_an_anomaly_that_is_too_large_is_a_part() -> None:
    assert points(" ".join([BELADY] * 3)) == [1, 0, 1]


def test_the_policy_has_to_be_run_with_both_sizes() -> None:
    assert points(f"{BELADY} {BELADY}", 3) == [0, 1, 1]
    assert points(f"{BELADY} {BELADY}", (3, 4), "lru") == [0, 1, 1]


def test_more_memory_and_fewer_faults_has_a_name() -> None:
    difference, *_ = anomaly(vm.reference_string("1 2 3 4 1 2 3 4", (3, 4), "fifo"), TWICE)
    assert difference.mistake is not None
    assert difference.mistake.name == "more memory, fewer faults"


# ---- 11/policy -----------------------------------------------------------------------------------


def oldest_or_newest(age: int) -> Callable[[list[ResidentPage]], ResidentPage]:
    def choose(pages: list[ResidentPage]) -> ResidentPage:
        last, oldest = max(pages, key=lambda page: page.used), min(pages, key=lambda page: page.used)
        return oldest if last.used - oldest.used > age else last

    return choose


def judged(choose: Callable[[list[ResidentPage]], object], asked: PolicySheet) -> list[Criterion]:
    answers, failed = ask_policy(choose, asked, Chosen("def choose(pages): ..."))
    return list(policy(Chosen("def choose(pages): ...", answers, failed), asked))


def passed(choose: Callable[[list[ResidentPage]], object], asked: PolicySheet) -> bool:
    return all(criterion.met for criterion in judged(choose, asked))


@pytest.mark.parametrize("age", [0, 4, 8, 12, 16, 20, 30, 1000])
def test_a_policy_that_knows_no_rule_does_for_none(age: int) -> None:
    assert [asked for asked in SHEETS if passed(oldest_or_newest(age), asked)] == []


def test_dirty_pages_are_no_favourites() -> None:
    def clean(pages: list[ResidentPage]) -> ResidentPage:
        return newest_first([page for page in pages if not page.dirty] or pages)

    assert [asked for asked in SHEETS if passed(clean, asked)] == []


def test_a_function_that_fails_gets_a_sentence() -> None:
    (asked, *_) = SHEETS
    for choose, said in (
        (lambda pages: None, "gave no value: it must give one of"),
        (lambda pages: pages[99], "raised IndexError"),
        (lambda pages: pages[0].page, "it must give one of"),
    ):
        found = judged(choose, asked)
        assert [criterion.points for criterion in found] == [0, 0]
        assert said in found[0].sentence
        assert found[0].expected.endswith(" faults")
        text = repr(lab.check(lab.practice("11/policy", 1), choose))
        assert text.count(said) == 1, "it is said once"


def test_a_mistake_is_named_after_the_string() -> None:
    asked = next(asked for asked in SHEETS if asked.other == "loop")
    _, loop = judged(lambda pages: min(pages, key=lambda page: page.used), asked)
    assert loop.mistake is not None
    assert loop.mistake.name == "oldest first in a loop"


def test_hints_speak_of_the_sheet() -> None:
    hints = {lab.hint(lab.practice("11/policy", number), tier=2).texts[1] for number in range(1, 20)}
    assert len(hints) == 3


TRACE: Any = lab.practice("11/trace")


def test_a_number_that_is_text_is_told_so() -> None:
    right = replacement.solved(TRACE.given)
    said = str(lab.check(TRACE, {"pages": str(right.pages), "lru": right.lru, "enough": right.enough}))
    assert f"found: '{right.pages}', which is text: write the number without quotes" in said


@pytest.mark.parametrize(("given", "told"), [({"Pages": 3}, "'pages', not 'Pages'"), ({"frames": 3}, "'enough'")])
def test_a_key_that_is_none_of_the_sheets_is_told_the_right_ones(given: dict[str, int], told: str) -> None:
    assert told in str(lab.check(TRACE, given))

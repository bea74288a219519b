"""No rule of thumb finds the right answer: not its rank, its length or its likeness to the others, nor a constant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from math import sqrt

import pytest

from vmwidgets.labs.draws import Draws
from vmwidgets.questions import TOPICS, Question
from vmwidgets.questions.exam import kinds_of
from vmwidgets.questions.question import Kind, options_around

MANY, SIGMAS = 1000, 4
MOST_OF_TYPED = 0.2
"""The share of a typed kind's questions that any one answer may be right in."""

KINDS = [kind for topic in TOPICS for kind in kinds_of(topic)]


def number(option: str) -> int | None:
    """The first number in an option."""
    found = re.search(r"0x[\da-f_]+|\d[\d,]*", option)
    return int(found[0].replace(",", ""), 0) if found else None


def by_rank(rank: int) -> Callable[[Question], str | None]:
    def chosen(question: Question) -> str | None:
        numbers = {option: number(option) for option in question.options}
        if None in numbers.values() or len(set(numbers.values())) < len(numbers):
            return None
        return sorted(question.options, key=lambda option: numbers[option] or 0)[rank]

    return chosen


def likenesses(question: Question) -> dict[str, float]:
    """How much each option has in common with the others, word by word at the same place."""
    words = {option: set(enumerate(re.findall(r"\w+", option))) for option in question.options}
    return {
        option: sum(len(words[option] & one) / len(words[option] | one) for one in words.values()) for option in words
    }


RULES: Mapping[str, Callable[[Question], str | None]] = {
    **{f"the option of rank {rank}": by_rank(rank) for rank in (0, 1, 2, 3, -1)},
    "the shortest": lambda question: min(question.options, key=len),
    "the longest": lambda question: max(question.options, key=len),
    "the most like the others": lambda question: max(question.options, key=likenesses(question).__getitem__),
    "the least like the others": lambda question: min(question.options, key=likenesses(question).__getitem__),
}


@pytest.mark.sweep
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_no_rule_of_thumb_is_right_more_often_than_guessing(kind: Kind) -> None:
    asked = [kind.drawn(Draws(f"rule {seed}")) for seed in range(MANY)]
    spread = SIGMAS * sqrt(MANY * 0.2 * 0.8)
    if not asked[0].options:
        answer, often = Counter(one.answer for one in asked).most_common(1)[0]
        assert often <= MANY * MOST_OF_TYPED + spread, f"{answer} is right in {often} of {MANY}"
        return
    guessed = sum(1 / len(one.options) for one in asked)
    right = {name: sum(rule(one) == one.answer for one in asked) for name, rule in RULES.items()}
    assert {name: often for name, often in right.items() if often > guessed + spread} == {}


@pytest.mark.parametrize("right", [3, 8, 12])
def test_numbers_on_both_sides_hide_the_right_one(right: int) -> None:
    places = Counter(
        sorted(map(int, options_around(Draws(str(seed)), right, range(20), str))).index(right) for seed in range(500)
    )
    assert set(places) == set(range(min(5, right + 1)))
    assert max(places.values()) <= 2 * 500 / len(places)

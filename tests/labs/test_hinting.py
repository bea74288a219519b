"""Hints: one more at each call, counted for each exercise; what doesn't exist is a sentence and counts for nothing."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.records import MIME

THREE = ("where", "what", "how")


@pytest.fixture(autouse=True)
def own():
    """An exercise with hints, and one without."""
    for name, hints in (("t/helped", THREE), ("t/alone", ())):

        @lab.author.exercise(name, "One", points=1, takes=int, hints=hints)
        def judge(value):
            yield lab.author.criterion(1, value == 1, "it is one", "it should be one")


def refused(*arguments, **options):
    with pytest.raises(vm.Refused) as error:
        lab.hint(*arguments, **options)
    assert str(error.value).isprintable()
    return str(error.value)


def test_each_call_gives_one_more_and_the_last_stays():
    assert [lab.hint("t/helped").texts for _ in range(4)] == [THREE[:1], THREE[:2], THREE, THREE]


def test_a_tier_gives_those_up_to_it_and_is_counted_if_it_is_new():
    assert lab.hint("t/helped", tier=2).texts == THREE[:2]
    assert lab.hint("t/helped", tier=1).texts == THREE[:1]
    assert lab.hint("t/helped").texts == THREE


@pytest.mark.parametrize(
    "tier", [0, 4, -1, True, 1.0, "1", [1], 10**100, "x" * 10_000], ids=lambda value: type(value).__name__
)
def test_a_tier_that_is_none_is_refused_and_counts_for_nothing(tier):
    assert refused("t/helped", tier=tier).endswith("exercise 't/helped' has hints 1 to 3")
    assert lab.hint("t/helped").tier == 1


def test_an_exercise_without_hints_says_so():
    assert refused("t/alone") == "exercise 't/alone' has no hints"
    assert "lab.hint" not in repr(lab.check("t/alone", 2))


def test_a_check_that_misses_points_names_the_hints():
    assert 'lab.hint("t/helped")' in repr(lab.check("t/helped", 2))
    assert "lab.hint" not in repr(lab.check("t/helped", 1))


@pytest.mark.parametrize(("count", "again"), [(1, ""), (2, "one more"), (3, "two more"), (5, "4 more")])
def test_an_exercise_has_as_many_hints_as_its_author_writes(count, again):
    texts = tuple(f"hint {number}" for number in range(count))
    judge = lab.author.exercise("t/any", "Any", points=1, takes=int, hints=lambda _asked: texts)
    judge(lambda value: [lab.author.criterion(1, value == 1, "it is one", "it should be one")])
    said = f", and {again} when it is called again" if again else ""
    assert repr(lab.check("t/any", 2)).endswith(f'Stuck? lab.hint("t/any") gives a hint{said}.')
    assert [lab.hint("t/any").tier for _ in range(count + 1)] == [*range(1, count + 1), count]


def test_practice_is_counted_apart_and_says_how_to_go_on():
    first = lab.practice("01/gaps")
    told = lab.hint(first)
    assert f"{told.of - 1} more: lab.hint(practice) again." in repr(told)
    assert lab.hint(first).tier == 2
    assert f'{told.of - 1} more: lab.hint("01/gaps") again.' in repr(lab.hint("01/gaps"))
    assert lab.hint(lab.practice("01/gaps", 2)).tier == 1


def test_the_default_sheet_is_helped_without_a_beginning():
    assert lab.hint("01/gaps").of == lab.hint(lab.practice("01/gaps")).of > 1


def test_a_hint_shows_itself_as_text_and_as_data():
    bundle = lab.hint("t/helped", tier=3)._repr_mimebundle_()
    assert bundle[MIME] == {"record": "hint", "schema": 1, "id": "t/helped", "tier": 3, "of": 3}
    assert bundle["text/plain"].splitlines() == [
        "1 of 3: where",
        "2 of 3: what",
        "3 of 3: how",
        "That is the last hint.",
    ]


@pytest.mark.parametrize(
    "hints",
    ["abc", b"abc", ("one", "two", ""), ("one", "two", 3), {"a", "b", "c"}, 5, ("x" * 501,) * 3, ("one",) * 21],
    ids=lambda value: type(value).__name__,
)
def test_hints_that_are_not_texts_are_refused(hints):
    with pytest.raises(vm.Refused, match="hint"):
        lab.author.exercise("t/two", "Two", points=1, takes=int, hints=hints)


@pytest.mark.parametrize("hints", ["abc", ("one", 3), None, 5])
def test_a_function_that_gives_other_hints_is_refused(hints):
    judge = lab.author.exercise("t/two", "Two", points=1, takes=int, hints=lambda _asked: hints)
    judge(lambda value: [lab.author.criterion(1, value == 1, "it is one", "it should be one")])
    assert refused("t/two").startswith("hint")
    assert "Stuck?" not in repr(lab.check("t/two", 2))

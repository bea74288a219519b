"""The words of an exercise in a file: points are summed, sentences have what the judge says, and a gap is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vmwidgets import lab
from vmwidgets.engine.base.errors import Refused
from vmwidgets.labs.criterion import Criterion
from vmwidgets.labs.rubric import Rubric

WORDS = """
[exercises."t/sum"]
title = "A sum"
hints = ["add"]
says.wanted = "the number {sum}"

[exercises."t/sum".criteria.number]
points = 1
yes = "it is a number"
no = "{given} is not a number"

[exercises."t/sum".criteria.sum]
points = 3
yes = "it is the sum"
no = "it is not the sum"
less = "it is less than the sum"

[exercises."t/sum".mistakes]
"one less" = "The last number counts, too."
"""


def rubric(folder: Path, words: str) -> Rubric:
    (folder / "sums.toml").write_text(words)
    return Rubric(f"{folder / 'sums.py'}", "t/sum")


def test_a_judge_with_words_in_a_file(tmp_path: Path) -> None:
    words = rubric(tmp_path, WORDS)

    @words.judge(takes=object)
    def judge(given: object) -> Iterator[Criterion]:
        yield words("number", isinstance(given, int), given=given)
        yield words(
            "sum", given == 5, "less" if given == 4 else "no",
            expected=words.say("wanted", sum=5), mistake="one less" if given == 4 else "",
        )  # fmt: skip  # what is judged, then what is shown

    assert repr(lab.check("t/sum", 4)).splitlines() == [
        "t/sum | A sum: 1 of 4 points",
        "  + 1/1 it is a number",
        "  - 0/3 it is less than the sum",
        "        expected: the number 5",
        "        The last number counts, too.",
        '  Stuck? lab.hint("t/sum") gives a hint.',
    ]
    assert lab.check("t/sum", 5).passed
    assert [one.sentence for one in lab.check("t/sum", "x").criteria] == ["x is not a number", "it is not the sum"]


@pytest.mark.parametrize("key", ["points", "yes", "no"])
def test_a_criterion_without_a_key_is_named(tmp_path: Path, key: str) -> None:
    first = WORDS.index(f"{key} =", WORDS.index("criteria.sum"))
    with pytest.raises(Refused, match=f"^sums.toml: the criterion 'sum' of t/sum has no '{key}': write one$"):
        rubric(tmp_path, WORDS[:first] + WORDS[first:].partition("\n")[2])


def test_points_that_are_none_are_refused(tmp_path: Path) -> None:
    words = rubric(tmp_path, WORDS.replace("points = 3", "points = 0.5"))
    with pytest.raises(Refused, match="points"):
        words.judge(takes=object)

"""The golden record's own comparing: a difference is named, whatever kind it is."""

from __future__ import annotations

import pytest

from .__main__ import main
from .packed import Case, Moment, differences, packed, unpacked

THEN = Case("a life", [Moment("operation 0", ["a\t1", "b\t2", "b\t2"]), Moment("operation 1", ["a\t1", "b\t3"])])


def test_a_case_is_read_as_it_was_written() -> None:
    again = Case("a life", [*THEN.moments, THEN.moments[0], Moment("the end", [])])
    assert unpacked(packed("job", again)) == again


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ([Case("a life", [THEN.moments[0], Moment("operation 1", ["a\t7", "b\t3"])])], ["operation 1", "is  7"]),
        ([Case("a life", [THEN.moments[0], Moment("operation 1", ["a\t1"])])], ["b: was 3, and is gone"]),
        ([Case("a life", [THEN.moments[0]])], ["operation 1", "no such moment now"]),
        ([Case("a life", [Moment("boot", THEN.moments[0].lines), THEN.moments[1]])], ["it was called operation 0"]),
        ([Case("a life", [Moment("operation 0", ["a\t1", "b\t2"]), THEN.moments[1]])], ["b: was 2, and is gone"]),
        ([THEN, Case("another", THEN.moments)], ["another: is new", "a: 1"]),
        ([], ["a life: is gone"]),
    ],
)  # fmt: skip  # a table
def test_a_difference_is_named(now: list[Case], said: list[str]) -> None:
    (found,) = differences([THEN], now)
    assert all(one in found for one in said), found
    assert not list(differences([THEN], [THEN]))


@pytest.mark.parametrize(
    "given",
    [
        ["nothing"],
        ["--jobs", "9"],
        ["--jobs", "x"],
        ["--commit", "HEAD"],
        ["make", "--commit", "0" * 40],
        ["explain", "grading"],
        ["explain", "grading", "no.csv", "written"],
    ],
)
def test_what_can_not_be_done_is_one_sentence(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(given) == 2
    assert capsys.readouterr().err.count("\n") == 1

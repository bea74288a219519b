"""What `lab` offers to students, and what those who write labs find in `lab.author`."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.lab import MOVED, OF_THINGS


@pytest.mark.parametrize("name", MOVED)
def test_a_name_of_authors_still_works_and_says_where_it_is(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"^lab\.{name} is lab\.author\.{name} now$"):
        assert getattr(lab, name) is getattr(lab.author, name)


@pytest.mark.parametrize(
    ("name", "now", "expected"),
    [
        ("levels", "space.levels", 2),
        ("rotations", "operation.rotations", 1),
        ("fault_of", "walk.fault_line", "no fault"),
        ("fault_count", "machine.fault_count", 0),
        ("frame_count", "machine.frame_count", 1),
        ("slots", "domain.slots", {"slots[0]": "Frame"}),
    ],
)
def test_an_instrument_still_works_and_says_what_it_is_asked_of(name: str, now: str, expected: object) -> None:
    m = vm.boot("x86-64")
    space, task = m.task("row").map, m.task("t")
    lab.fill(space, 3)
    turned = m.journal.last
    page = task.mmap("4 KiB", flags="private populate")
    domain = m.domain("d")
    domain.frame()
    things = {"levels": space, "rotations": turned, "fault_of": task.walk(page), "slots": domain}
    thing = things.get(name, m)
    with pytest.warns(DeprecationWarning, match=rf"^lab\.{name}\({now.partition('.')[0]}\) is {now} now$"):
        assert getattr(lab, name)(thing) == expected


def test_a_student_is_offered_no_name_of_authors() -> None:
    assert not {*MOVED, *OF_THINGS, "explain"} & {*dir(lab)}
    assert {*lab.author.__all__} == {*MOVED, "explain"}


def test_another_name_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="no attribute 'prdict'"):
        lab.prdict  # noqa: B018


def test_the_first_name_of_a_variant_still_gives_the_same() -> None:
    """docs/glossary.md promises it for one more version; the labs use it."""
    assert lab.sheet("01/gaps") == lab.variant("01/gaps")
    assert lab.sheet("01/guard") != lab.variant("01/gaps")

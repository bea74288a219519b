"""What `lab` offers to students, and what those who write labs find in `lab.author`."""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets import lab
from vmwidgets.labs.lab import MOVED, OF_THINGS, OF_VM, RENAMED


@pytest.mark.parametrize("name", MOVED)
def test_a_name_of_authors_still_works_and_says_where_it_is(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"^lab\.{name} is lab\.author\.{name} now$"):
        assert getattr(lab, name) is getattr(lab.author, name)


def called(name: str) -> Any:
    """What the first version's function gave for a machine with two tasks, a domain and a walk."""
    m = vm.boot("x86-64")
    space, task, domain = m.task("row").map, m.task("t"), m.domain("d")
    space.fill(3)
    turned = m.journal.last
    page = task.mmap("8 KiB", flags="private")
    domain.frame()
    task.write(page, b"x")
    walk = task.walk(page)
    given: dict[str, tuple[Any, ...]] = {
        "byte_or_signal": (task, page), "comparisons": (space, 2 * vm.PAGE), "descriptors": (task, page),
        "fault_of": (walk,), "fill": (space, 4), "flips": (walk,), "levels": (space,), "outline": (turned,),
        "resident_pages": (task, page, 2), "rights": (task, page), "rotations": (turned,),
        "slots": (domain,), "tables_read": (task, page), "use_pages": (task, page, "0 1"),
        "word": (m, walk.steps[0].pa), "scanned": (space, 2 * vm.PAGE), "copier": (m, "exec_map"), "inverted": (m, 2),
    }  # fmt: skip
    with pytest.warns(DeprecationWarning, match=r"^lab\.") as said:
        found = getattr(lab, name)(*given.get(name, (m,)))
    return [str(one.message) for one in said], found


@pytest.mark.parametrize("name", OF_THINGS)
def test_a_function_that_became_a_method_still_works_and_says_what_it_is_asked_of(name: str) -> None:
    now = OF_THINGS[name]
    (said,), found = called(name)
    assert said == f"lab.{name}({now.partition('.')[0]}) is {now} now"
    expected: dict[str, Any] = {
        "byte_or_signal": "x", "called": ["vm_map_fault"], "comparisons": 2, "fault_count": 1, "fault_of": "no fault",
        "faults": ["not-present"], "frame_count": 1, "levels": 2, "resident_pages": {0}, "rights": ["rw"],
        "rotations": 1, "scanned": 3, "slots": {"slots[0]": "Frame"}, "use_pages": None, "fill": None,
    }  # fmt: skip
    if name == "called":
        assert "vm_map_fault" in found
    elif name in expected:
        assert found == expected[name]
    else:
        assert found


@pytest.mark.parametrize("name", OF_VM)
def test_a_class_that_moved_to_vm_still_works(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"^lab\.{name} is vm\.{name} now$"):
        assert getattr(lab, name) is getattr(vm, name)


def test_a_student_is_offered_no_name_of_authors() -> None:
    assert not {*MOVED, *OF_THINGS, *OF_VM, *RENAMED, "explain"} & {*dir(lab)}
    assert len(dir(lab)) == 14
    assert {*lab.author.__all__} == {*MOVED, "explain"}


def test_another_name_is_refused_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="no attribute 'prdict'"):
        lab.prdict  # noqa: B018


def test_the_first_name_of_a_variant_still_gives_the_same() -> None:
    """docs/glossary.md promises it for one more version."""
    with pytest.warns(DeprecationWarning, match=r"^lab\.sheet is lab\.variant now$"):
        assert lab.sheet is lab.variant


def test_the_first_name_of_what_draws_a_variant_still_works_and_says_the_other() -> None:
    with pytest.warns(DeprecationWarning, match=r"^sheet= of lab\.author\.exercise is variant= now$"):
        marked = lab.author.exercise("t/named", "Named", points=1, takes=int, sheet=lambda _draws: Five())
    marked(lambda number, five: [lab.author.criterion(1, number == five.start(), "right", "wrong")])
    assert (lab.variant("t/named").text, lab.check("t/named", 5).passed) == ("five", True)


class Five:
    """A variant."""

    text = "five"

    def start(self) -> int:
        """What there is to begin with."""
        return 5

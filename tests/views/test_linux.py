"""The picture of a life beside Linux's: rows that are alike are one, letters are explained, an early end is on top."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets.engine.spaces.linux_schema import LinuxComparison, LinuxDifference, Sayings
from vmwidgets.views.scene.model import Scene


def picture_of(*rows: LinuxDifference, stopped: str = "") -> Scene:
    kinds = dict.fromkeys(row.kind for row in rows if row.kind)
    said = tuple((kind, Sayings("nothing", "one thing", "another")) for kind in kinds)
    found = LinuxComparison("machine 1", "Linux 6", False, rows, (("read", 9),), (), (), said, stopped)
    return vm.picture(found).scene()


def words(scene: Scene) -> list[str]:
    return [" ".join(run.text for run in node.text) for node in scene.nodes]


def difference(number: int, kind: str = "", what: str = "pages from 0x1_0000 on") -> LinuxDifference:
    return LinuxDifference(number, "init.read", "init", what, "xx..", "xs..", kind)


def test_rows_that_are_alike_are_one_with_their_operations_in_order() -> None:
    said = words(picture_of(*(difference(number, "zeroes") for number in (7, 4, 7)), difference(2, "zeroes", "bytes")))
    rows = [one for one in said if "init.read" in one]
    assert [row.partition("   ")[0] for row in rows] == ["2", "4, 7 (3 times)"]
    assert "zeroes: 4 differences" in said


def test_kinds_are_in_the_order_of_their_operations() -> None:
    said = words(picture_of(difference(9, "late"), difference(3, "early")))
    assert said.index("early: 1 difference") < said.index("late: 1 difference")


def test_letters_of_pages_are_explained_where_there_are_some() -> None:
    letters = "x is mapped here alone, s is mapped by others too"
    assert any(letters in one for one in words(picture_of(difference(1))))
    assert not any(letters in one for one in words(picture_of(difference(1, what="outcome"))))


def test_a_comparison_that_ended_early_says_so_first() -> None:
    caption = picture_of(difference(1), stopped="in operation 12 a process was ended from outside").caption.text
    assert caption.endswith("The comparison ended early: in operation 12 a process was ended from outside.")
    assert "ended early" not in picture_of(difference(1)).caption.text

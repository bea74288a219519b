"""The picture of a life beside Linux's: rows that are alike are one, pages are cells, an early end is on top."""

from __future__ import annotations

from typing import Literal

import pytest

import vmwidgets as vm
from tests.captions import whole
from vmwidgets.comparisons.linux import LinuxComparison, LinuxDifference, MadeCall, Sayings
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.twin import table_twin


def picture_of(*rows: LinuxDifference, stopped: str = "", width: int = 900) -> Scene:
    kinds = dict.fromkeys(row.kind for row in rows if row.kind)
    said = tuple((kind, Sayings("nothing", "one thing", "another")) for kind in kinds)
    calls = tuple(MadeCall(number, "read", "init", "4 KiB", found_in(rows, number)) for number in range(1, 10))
    found = LinuxComparison("machine 1", "this computer's Linux 6.18.1", False, rows, calls, (), (), said, stopped)
    return vm.BesideLinux(found, width=width).scene()


def found_in(rows: tuple[LinuxDifference, ...], number: int) -> Literal["same", "known", "different"]:
    its = [row for row in rows if row.number == number]
    return "same" if not its else "known" if all(row.is_known for row in its) else "different"


def words(scene: Scene) -> list[str]:
    return [" ".join(run.text for run in node.text) for node in scene.nodes]


def difference(number: int, kind: str = "", what: str = "pages from 0x1_0000 on") -> LinuxDifference:
    return LinuxDifference(number, "init.read", "init", what, "xx..", "xs..", kind)


@pytest.mark.parametrize(
    ("differ", "said"),
    [
        ((2,), "2 calls: 1 differs from Linux 6.18, and nothing explains it."),
        ((4,), "2 calls, 2 agreements with Linux 6.18; the memory at the end differs, and nothing explains it."),
        ((2, 4), "2 calls: 1 differs from Linux 6.18, and nothing explains it."),
    ],
)
def test_what_is_no_call_is_not_counted_among_calls(differ: tuple[int, ...], said: str) -> None:
    names = "start", "mmap", "read", "looked at in the end"
    rows = tuple(difference(number) for number in differ)
    calls = tuple(MadeCall(number, name, "init", "", found_in(rows, number)) for number, name in enumerate(names, 1))
    found = LinuxComparison("machine 1", "Linux 6.18.1", False, rows, calls, (), (), (), "")
    assert found.headline == said


def cards(scene: Scene) -> list[Node]:
    return [node for node in scene.nodes if node.lane == "differences"]


def calls_of(scene: Scene) -> list[Node]:
    return [node for node in scene.nodes if node.lane == "calls"]


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_neighbours_that_agree_are_one_box_and_each_other_call_has_its_own(width: int) -> None:
    scene = picture_of(difference(4, "zeroes"), difference(7), width=width)
    boxes = calls_of(scene)
    assert [node.text[0].text for node in boxes] == [
        "3 calls alike",
        "≠ read",
        "2 calls alike",
        "≠ read",
        "2 calls alike",
    ]
    assert [node.state for node in boxes] == [(), ("differs",), (), ("fault",), ()]
    assert all(node.x + node.w <= width for node in scene.nodes)


@pytest.mark.parametrize(
    ("rows", "title"),
    [((), "9 calls, 9 agreements with Linux 6.18."),
     ((4,), "9 calls: 1 differs from Linux 6.18, for reasons that are known."),
     ((4, 6), "9 calls: 2 differ from Linux 6.18, for reasons that are known.")],
)  # fmt: skip  # a table
def test_the_title_counts_the_calls_and_names_the_linux(rows: tuple[int, ...], title: str) -> None:
    assert picture_of(*(difference(number, "zeroes") for number in rows)).caption.text == title
    wrong = picture_of(*(difference(number, "zeroes") for number in rows), difference(9)).caption.text
    assert wrong == "9 calls: 1 differs from Linux 6.18, and nothing explains it."


def test_of_many_calls_neighbours_that_agree_are_one_box_and_no_difference_is_folded() -> None:
    calls = tuple(
        MadeCall(number, "write" if number % 50 else "mmap", "init", "", "different" if number == 77 else "same")
        for number in range(1, 301)
    )
    found = LinuxComparison("machine 1", "Linux", False, (difference(77),), calls, (), (), ())
    scene = vm.BesideLinux(found).scene()
    assert [node.text[0].text for node in calls_of(scene)] == ["76 calls alike", "≠ write", "223 calls alike"]
    assert len(dict(scene.table.more)["calls"].rows) == 300


def test_rows_that_are_alike_are_one_with_their_operations_in_order() -> None:
    scene = picture_of(*(difference(number, "zeroes") for number in (7, 4, 7)), difference(2, "zeroes", "bytes"))
    assert [node.text[0].text for node in cards(scene)] == ["2", "4, 7 (3 times)"]
    assert "zeroes: 4 differences" in words(scene)


def test_kinds_are_in_the_order_of_their_operations() -> None:
    said = words(picture_of(difference(9, "late"), difference(3, "early")))
    assert said.index("early: 1 difference") < said.index("late: 1 difference")


@pytest.mark.parametrize("width", [420, 900])
def test_pages_are_cells_and_those_that_differ_have_an_outline(width: int) -> None:
    scene = picture_of(difference(1), width=width)
    (card,) = cards(scene)
    assert [bar.style for bar in card.bars if bar.style != "next"] == [
        "used", "used", "free", "free", "used", "inactive", "free", "free",
    ]  # fmt: skip
    outlined = [bar for bar in card.bars if bar.style == "next"]
    second = [bar for bar in card.bars if bar.style != "next"][1::4]
    assert [(bar.x + 1, bar.y + 1) for bar in outlined] == [(bar.x, bar.y) for bar in second]
    keys = [bar.style for node in scene.nodes if "/legend/" in node.id for bar in node.bars]
    assert keys == ["free"], "the others are in words"
    assert {"in memory, mapped here alone", "in memory, mapped by others too"} <= {run.text for run in card.text}


def test_what_is_not_of_pages_is_words_without_a_legend() -> None:
    scene = picture_of(LinuxDifference(9, "cpu:1.load", "init", "outcome", "done", "SIGSEGV"))
    (card,) = cards(scene)
    said = [run.text for run in card.text]
    assert said[said.index("machine") + 1] == "done"
    assert said[said.index("Linux") + 1] == "SIGSEGV"
    assert card.state == ("fault",)
    assert not [node for node in scene.nodes if "/legend/" in node.id]


def test_each_says_its_part_of_a_known_kind_and_the_table_has_all() -> None:
    scene = picture_of(difference(1, "zeroes"))
    assert "POSIX nothing Linux one thing X15 another" in words(scene)
    assert scene.table.rows == (("1", "init.read", "init", "pages from 0x1_0000 on", "xx..", "xs..", "zeroes"),)
    assert ("zeroes", "X15", "another") in dict(scene.table.more)["what is said"].rows


def test_a_long_range_shows_as_many_cells_as_fit() -> None:
    long = LinuxDifference(1, "init.read", "init", "pages from 0x1_0000 on", "x" * 5000, "s" * 5000)
    for width in (420, 900):
        (card,) = cards(picture_of(long, width=width))
        assert 10 <= len([bar for bar in card.bars if bar.style == "used"]) <= 32
        assert max(bar.x + bar.w for bar in card.bars) <= card.w


def test_a_comparison_that_ended_early_says_so_first() -> None:
    caption = picture_of(difference(1), stopped="in operation 12 a process was ended from outside").caption
    assert caption.reason.startswith("The comparison ended early: in operation 12 a process was ended from outside.")
    assert "ended early" not in whole(picture_of(difference(1)).caption)


def test_a_picture_without_steps_has_no_table_of_what_happened() -> None:
    assert "what happened" not in dict(table_twin(picture_of(difference(1))).more)
    machine = vm.boot("x86-64", layout="tiny")
    machine.kernel_map.enter("4 KiB")
    assert "what happened" in dict(table_twin(vm.Map(machine).scene()).more)

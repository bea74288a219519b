"""The picture of a program in C: at each operation the line that made it is marked, and what lines had cost."""

from __future__ import annotations

import re
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.given.played import Played
from vmwidgets.views.scene.model import Scene


def marked(scene: Scene) -> list[str]:
    """The lines that the mark of the current line stands beside."""
    at = [node.y for node in scene.nodes if node.id == "program/at"]
    return [node.id for node in scene.nodes if node.kind == "line" and node.y in at]


@pytest.mark.parametrize("name", ["matrix", "fork", "malloc"])
def test_the_line_of_each_operation_is_marked_at_its_moment(name: str) -> None:
    played = vm.play(name, vm.boot("x86-64", tlb=(1, 4)))
    for one in played.steps[:: max(1, len(played.steps) // 8)]:
        scene = vm.picture(played, moment=(one.serial, None)).scene()
        assert marked(scene) == [f"program/{one.step.line}"]
        assert scene.title == f"{name}.c, line {one.step.line}"


def test_before_the_program_no_line_is_marked_and_no_line_has_cost_anything() -> None:
    m = vm.boot("x86-64")
    played: Played = vm.play("matrix", m)
    scene = vm.picture(played, moment=(m.journal.serial(0), None)).scene()
    assert marked(scene) == []
    assert {row[1] for row in scene.table.rows} == {"", "0"}


def test_the_table_has_the_numbers_of_each_line() -> None:
    scene = vm.picture(vm.play("matrix", vm.boot("x86-64", tlb=(1, 4)))).scene()
    assert scene.table.header == ("line", "accesses", "TLB misses", "faults", "text")  # nothing is copied
    assert [row[:4] for row in scene.table.rows if row[1] not in ("", "0")] == [
        ("8", "8", "8", "8"),
        ("11", "32", "8", "0"),
        ("14", "32", "32", "0"),
    ]


def test_the_title_names_the_line_that_costs_most() -> None:
    m = vm.boot("x86-64", tlb=(1, 4))
    scene = vm.picture(vm.play("matrix", m)).scene()
    misses = {line: int(count) for line, _, count, *_ in scene.table.rows if count}
    line = max(misses, key=misses.__getitem__)
    assert scene.caption.text.startswith(f"Line {line} of matrix.c has {misses[line]} of {sum(misses.values())} ")
    assert m.journal.last.number and scene.caption.reason, "what the last line did is said after it"


def test_lines_that_cost_the_same_are_named_together() -> None:
    played = vm.play("malloc", vm.boot("x86-64", tlb=(1, 4)))
    costs = {line: one.misses for line, one in played.lines.items()}
    top = max(costs.values())
    lines = [line for line, count in costs.items() if count == top]
    assert len(lines) > 1 and sum(one.faults for one in played.lines.values()) <= sum(costs.values())
    title = vm.picture(played).scene().caption.text
    assert title.startswith("Lines ") and title.endswith(f" have {top} of {sum(costs.values())} TLB misses each.")
    assert all(str(line) in title for line in lines)


def test_the_lines_of_the_title_are_the_loudest_and_their_number_is_bold() -> None:
    scene = vm.picture(vm.play("fork", vm.boot("x86-64"))).scene()
    (loud,) = (node for node in scene.nodes if node.kind == "line" and node.shape == "box")
    assert f"line {loud.id.partition('/')[2]} " in scene.caption.text
    assert [run.text for run in loud.text if run.style == "strong"] == [loud.id.partition("/")[2], "1"]


@pytest.mark.parametrize("fork", ["counted", "shadow"])
def test_the_title_names_the_line_that_copies(fork: Any) -> None:
    """With shadows the parent's write copies as well: the child's object is still in front of its own."""
    played = vm.play("fork", vm.boot("x86-64", fork=fork))
    copying = {line: one.copies for line, one in played.lines.items() if one.copies}
    title = vm.picture(played).scene().caption.text
    numbers = [int(one) for one in re.findall(r"[0-9]+", title)]
    assert set(copying) <= {*numbers}
    assert ("Only" in title) == (len(copying) == 1)


@pytest.mark.parametrize("width", [900, 1600])
def test_up_to_eight_events_are_a_mark_each_and_more_a_longer_bar_with_their_number(width: int) -> None:
    """At any one column, more events never take less room."""
    played = vm.play("matrix", vm.boot("x86-64", tlb=(1, 4)))
    scene = vm.picture(played, width=width).scene()
    heads = {node.title: node.x for node in scene.nodes if node.id.startswith("program/head/")}
    first, second, *_ = heads.values()
    wide = second - first
    ends: dict[str, list[tuple[int, float]]] = {}
    for node in (node for node in scene.nodes if node.kind == "line" and node.bars):
        counts = played.lines[int(node.id.partition("/")[2])]
        for name, count in (("accesses", counts.accesses), ("TLB misses", counts.misses), ("faults", counts.faults)):
            begin = heads[name] - node.x
            bars = [bar for bar in node.bars if begin <= bar.x < begin + wide]
            assert len(bars) == (count if count <= 8 else 1)
            numbers = [run.text for run in node.text if begin < run.x < begin + wide]
            assert numbers == ([str(count)] if count > 8 else [])
            ends.setdefault(name, []).append((count, max((bar.x + bar.w - begin for bar in bars), default=0)))
    for some in ends.values():
        assert [end for _, end in sorted(some)] == sorted(end for _, end in some)


@pytest.mark.parametrize("name", ["matrix", "fork", "malloc"])
def test_below_the_lines_is_the_sum_of_each_column(name: str) -> None:
    played = vm.play(name, vm.boot("x86-64"))
    scene = vm.picture(played).scene()
    (sums,) = (node for node in scene.nodes if node.id == "program/sums")
    costs = [[one.accesses, one.misses, one.faults, one.copies] for one in played.lines.values()]
    totals = [sum(column) for column in zip(*costs, strict=True)]
    assert [run.text for run in sums.text[1:]] == [str(one) for one in totals if one]


def test_the_text_is_that_of_the_file_with_its_indents() -> None:
    played = vm.play("fork", vm.boot("x86-64"))
    scene = vm.picture(played, width=1200).scene()
    rows = {node.id: node for node in scene.nodes if node.id.startswith("program/")}
    assert rows["program/16"].text[1].text == "_exit(0);"
    assert rows["program/16"].text[1].x > rows["program/13"].text[1].x > rows["program/8"].text[1].x


def test_what_is_not_shown() -> None:
    with pytest.raises(vm.Refused, match="Program shows a Played"):
        vm.Program(vm.boot("x86-64"))


@pytest.mark.parametrize("name", ["matrix", "fork", "malloc"])
@pytest.mark.parametrize("width", [420, 900, 1600])
def test_all_of_the_code_can_be_read_at_each_width(name: str, width: int) -> None:
    played: Played = vm.play(name, vm.boot("x86-64"))
    nodes = vm.picture(played, width=width).scene().nodes
    rows = [node for node in nodes if node.kind == "line"]
    said = [" ".join(run.text for run in row.text if run.style == "mono") for row in rows]
    assert [one.split() for one in said] == [one.split() for one in played.text]
    heads = [node.title for node in nodes if node.id.startswith("program/head/")]
    legend = [run.text for node in nodes if node.id == "program/legend" for run in node.text]
    assert bool(legend) == (width == 420)
    assert not legend or [one.partition(": ")[2] for one in legend[0].split(" · ")] == heads


def test_beside_a_wide_text_the_panes_have_the_room_that_it_does_not_need() -> None:
    played: Played = vm.play("fork", vm.boot("x86-64"))
    first = {
        width: min(node.x for node in vm.picture(played, width=width).scene().nodes if node.id.startswith("tlb"))
        for width in (1400, 1600)
    }
    assert first[1400] == first[1600] < 900

"""The picture of a real kernel's stops: what changed, and each page of memory with who has it and what it is."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.mmu.pasted import SaidRange
from vmwidgets.engine.mmu.stops import SpaceAtStop, Stop, Stops
from vmwidgets.views.scene.model import Node, Scene

FIRST = 0x87F4_0000


def space(name: str, letter: str, pages: list[int], tables: list[int], *ranges: SaidRange) -> SpaceAtStop:
    frames, held = (tuple(FIRST + 4096 * page for page in some) for some in (pages, tables))
    return SpaceAtStop(name, letter, ranges, frames, held)


INIT = space("init (1)", "I", [0, 1], [2], SaidRange(0, 0x2000, "r--u", FIRST))
SHELL = space("sh (2)", "S", [1, 40], [3], SaidRange(0x1000, 0x1000, "rw-u", FIRST + 40 * 4096))
WRITES = space("init (1)", "I", [0, 1], [2], SaidRange(0, 0x2000, "rw-u", FIRST))


def scene_of(*spaces: tuple[SpaceAtStop, ...], width: int = 900) -> Scene:
    stops = Stops(tuple(Stop(number, "main.c:9", some) for number, some in enumerate(spaces)))
    return vm.Stops(stops, width=width).scene()


def memory(scene: Scene) -> list[Node]:
    return [node for node in scene.nodes if node.lane == "memory"]


@pytest.mark.parametrize(("width", "across"), [(420, 16), (900, 32)])
def test_each_page_has_its_letter_above_the_strip_of_what_it_is(width: int, across: int) -> None:
    rows = memory(scene_of((INIT, SHELL), width=width))
    assert len(rows) == 2, "rows in which no process has anything are left out"
    found = {}
    for row in rows:
        start, *letters = row.text
        assert len(row.bars) == across
        for letter in letters:
            (place,) = [n for n, bar in enumerate(row.bars) if bar.x <= letter.x <= bar.x + bar.w + 2]
            found[(int(start.text, 16) - FIRST) // 4096 + place] = letter.text, row.bars[place].style
        assert sum(bar.style == "rail" for bar in row.bars) == across - len(letters)
    assert found == {
        0: ("I", "used"), 1: ("*", "several"), 2: ("i", "table"), 3: ("s", "table"), 40: ("S", "used"),
    }  # fmt: skip


def test_the_legend_explains_the_strips_that_are_there() -> None:
    def styles(scene: Scene) -> list[str]:
        return [bar.style for node in scene.nodes if "/legend/" in node.id for bar in node.bars]

    assert styles(scene_of((INIT,))) == ["used", "table"]
    assert styles(scene_of((INIT, SHELL))) == ["used", "table", "several"]


def test_changes_are_those_since_the_stop_before() -> None:
    scene = scene_of((INIT,), (WRITES, SHELL))
    cards = {node.title: node.state for node in scene.nodes if node.lane == "changes"}
    assert cards == {
        "0x0, 8 KiB: r-- user → rw- user": ("changed",),
        "0x1000, 4 KiB: not mapped → rw- user": ("new",),
    }
    assert scene.caption.text == "2 processes changed since stop 0."
    assert scene.table.rows[0] == ("init (1)", "0x0", "8 KiB", "r-- user", "rw- user")


def test_a_kernel_that_has_not_stopped_has_a_sentence() -> None:
    scene = vm.Stops(Stops(())).scene()
    assert (scene.caption.text, scene.nodes) == ("The kernel has not stopped yet.", ())

"""The picture of a real kernel's stops: what changed, and each page of memory with who has it and what it is."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.given.pasted import SaidRange
from vmwidgets.given.stops import SpaceAtStop, Stop, Stops
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


# ---- tables that user code can reach -------------------------------------------------------------------

TABLE = FIRST + 50 * 4096


def reaching(rights: str, *, owner: str = "cat (3)", scattered: bool = False) -> Scene:
    """A process that maps a page with a table of another, or its own, with these rights."""
    ranges = (SaidRange(0x5000, 0x1000, rights, None if scattered else TABLE),)
    writable = (TABLE,) if scattered else ()
    name = "sh (2)"
    mine = SpaceAtStop(name, "S", ranges, (TABLE,), (TABLE,) if owner == name else (), writable=writable)
    others = () if owner == name else (SpaceAtStop(owner, "C", (), (), (TABLE,)),)
    return scene_of((mine, *others))


def mark_of(scene: Scene) -> tuple[str, str]:
    """The letter and the strip of the one page that is drawn."""
    (row,) = memory(scene)
    (letter,) = row.text[1:]
    return letter.text, next(bar.style for bar in row.bars if bar.style != "rail")


@pytest.mark.parametrize("owner", ["cat (3)", "sh (2)"])
@pytest.mark.parametrize("scattered", [False, True])
def test_a_table_that_user_code_can_write_is_the_worst_find_and_comes_first(owner: str, scattered: bool) -> None:
    """Of another process or of its own; also where the range's frames do not follow each other."""
    scene = reaching("rw-u", owner=owner, scattered=scattered)
    assert mark_of(scene) == ("!", "error")
    assert scene.caption.tone == "error"
    whose = "its own" if owner == "sh (2)" else "cat (3)'s"
    assert scene.caption.text.startswith(f"User code of sh (2) can write 0x87f7_2000, a page of {whose} page tables")
    assert "a table that user code can write" in scene_words(scene)
    assert "several processes" not in scene_words(scene)


@pytest.mark.parametrize("rights", ["r--u", "rw--", "r-x-"])
def test_a_table_that_user_code_can_only_read_is_a_table(rights: str) -> None:
    """JOS maps its tables for user code to read, at UVPT; and a kernel's own mapping is not user code's."""
    scene = reaching(rights)
    assert mark_of(scene) == ("c", "table")
    assert scene.caption.tone == "plain"
    assert "several processes" not in scene_words(scene)


def test_a_table_of_two_processes_is_a_table_of_both() -> None:
    """As the kernel's half is, where processes share it."""
    both = [SpaceAtStop(name, name[0].upper(), (), (), (TABLE,)) for name in ("sh (2)", "cat (3)")]
    assert mark_of(scene_of(tuple(both))) == ("*", "table")


def scene_words(scene: Scene) -> str:
    return " ".join(run.text for node in scene.nodes for run in node.text)

"""The picture of a real kernel's stops: each page of memory with who has it and as what, and what changed."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.given.pasted import SaidRange
from vmwidgets.given.stops import SpaceAtStop, Stop, Stops
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.text import text_width

FIRST = 0x87F4_0000


def space(name: str, pages: list[int], tables: list[int], *ranges: SaidRange, rights: str = "r--u") -> SpaceAtStop:
    frames, held = (tuple(FIRST + 4096 * page for page in some) for some in (pages, tables))
    return SpaceAtStop(name, ranges, frames, held, rights=dict.fromkeys(frames, rights))


INIT = space("init (1)", [0, 1], [2], SaidRange(0, 0x2000, "r--u", FIRST))
SHELL = space("sh (2)", [1, 40], [3], SaidRange(0x1000, 0x1000, "r--u", FIRST + 40 * 4096))
WRITES = space("init (1)", [0, 1], [2], SaidRange(0, 0x2000, "rw-u", FIRST), rights="rw-u")


def scene_of(*spaces: tuple[SpaceAtStop, ...], width: int = 900) -> Scene:
    stops = Stops(tuple(Stop(number, "main.c:9", some) for number, some in enumerate(spaces)))
    return vm.Stops(stops, width=width).scene()


def memory(scene: Scene) -> list[Node]:
    return [node for node in scene.nodes if node.lane == "memory"]


def found(scene: Scene) -> dict[tuple[int, str], str]:
    """What each process has in each page: by the page's number, and the name in whose row the words are."""
    names = {node.y: node.text[0].text for node in scene.nodes if node.id.startswith("stops/name/")}
    heads = [node for node in scene.nodes if node.id.startswith("stops/page/")]
    has = {}
    for node in memory(scene):
        head = max((one for one in heads if one.x == node.x and one.y < node.y), key=lambda one: one.y)
        page = (int(head.title.rpartition(" ")[2], 16) - FIRST) // 4096
        for run in node.text:
            row = max(y for y in names if y <= node.y + run.y)
            has[page, names[row]] = run.text
    return has


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_each_page_is_in_the_rows_of_those_that_have_it(width: int) -> None:
    assert found(scene_of((INIT, SHELL), width=width)) == {
        (0, "init (1)"): "r", (1, "init (1)"): "r", (1, "sh (2)"): "r", (2, "init (1)"): "table",
        (3, "sh (2)"): "table", (40, "sh (2)"): "r",
    }  # fmt: skip


def test_a_page_of_two_is_one_capsule_and_pages_alike_are_one_column() -> None:
    scene = scene_of((space("init (1)", [4, 5, 6], [7]), space("sh (2)", [4, 5, 6], [8])))
    (pages, one, other) = memory(scene)
    assert len(pages.text) == 2
    assert pages.y <= one.y < one.y + one.h < other.y < other.y + other.h <= pages.y + pages.h, "over both rows"
    assert "3 pages" in scene_words(scene)


def test_a_page_of_the_first_and_the_third_has_a_bridge_across_the_second() -> None:
    scene = scene_of((space("a (1)", [4], []), space("b (2)", [9], []), space("c (3)", [4], [])))
    (bridge,) = (node for node in scene.nodes if node.id.endswith("/bridge"))
    above, below = (node for node in memory(scene) if node.x == bridge.x)
    assert above.y < bridge.y < above.y + above.h <= below.y < bridge.y + bridge.h < below.y + below.h


def test_changes_are_those_since_the_stop_before() -> None:
    scene = scene_of((INIT,), (WRITES, SHELL))
    rows = {node.title for node in scene.nodes if node.lane == "changes"}
    assert rows == {"init (1), 0x0, 8 KiB: r-- user → rw- user", "sh (2), 0x1000, 4 KiB: not mapped → r-- user"}
    assert "Since stop 0, sh (2) got 2 pages and 1 table." in f"{scene.caption.text} {scene.caption.reason}"
    assert scene.table.rows[0] == ("init (1)", "0x0", "8 KiB", "r-- user", "rw- user")
    marked = {node.id.split("/")[2]: {*node.state} & {"new", "changed"} for node in memory(scene)}
    page = "{:x}".format
    assert marked[page(FIRST + 40 * 4096)] == marked[page(FIRST + 3 * 4096)] == {"new"}
    assert marked[page(FIRST + 4096)] == {"changed"}, "init had it before"
    assert not marked[page(FIRST)]


def test_at_the_first_stop_nothing_is_new_and_without_a_change_this_is_said() -> None:
    first = scene_of((INIT,))
    assert first.caption.text == "init (1) has 2 pages and 1 table."
    assert not [node for node in memory(first) if {"new", "changed"} & {*node.state}]
    assert scene_of((INIT,), (INIT,)).caption.text == "Nothing changed since stop 0."


def test_a_kernel_that_has_not_stopped_has_a_sentence() -> None:
    scene = vm.Stops(Stops(())).scene()
    assert (scene.caption.text, scene.nodes) == ("The kernel has not stopped yet.", ())


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_of_many_pages_those_of_two_processes_and_the_new_ones_are_drawn(width: int) -> None:
    """Sixteen pages and a table each, none next to another of its own; the last two then share one new page instead."""
    many = [space(f"p{one} ({one})", [100 + 20 * page + one for page in range(16)], [60 + one]) for one in range(20)]
    shared = [space(one.name, [99], [], rights="r--u") for one in many[-2:]]
    now = [*many[:-2], *shared]
    scene = scene_of(tuple(many), tuple(now), width=width)
    assert {(99, "p18 (18)"), (99, "p19 (19)")} <= {*found(scene)}
    alike = [node for node in memory(scene) if node.title.startswith("16 pages from ")]
    assert len(alike) >= 8, "columns of pages alike"
    assert "processes more, in the table" in scene_words(scene)
    rows = dict(scene.table.more)["memory"].rows
    assert len(rows) == sum(len(one.frames) + len(one.tables) for one in now), "a row a page and process"
    assert all(node.x + node.w <= width for node in scene.nodes)


def test_one_that_may_write_what_another_reads_is_told_before_the_changes() -> None:
    title = scene_of((INIT, space("sh (2)", [1], [3], rights="rw-u"))).caption
    assert title.text == "sh (2) can write a page that init (1) has too."
    assert title.tone == "plain", "they may have asked for it, with MAP_SHARED"


# ---- tables that user code can reach -------------------------------------------------------------------

TABLE = FIRST + 50 * 4096


def reaching(rights: str, *, owner: str = "cat (3)", scattered: bool = False) -> Scene:
    """A process that maps a page with a table of another, or its own, with these rights."""
    ranges = (SaidRange(0x5000, 0x1000, rights, None if scattered else TABLE),)
    known = {TABLE: rights} if scattered else {}
    name = "sh (2)"
    mine = SpaceAtStop(name, ranges, (TABLE,), (TABLE,) if owner == name else (), rights=known)
    others = () if owner == name else (SpaceAtStop(owner, (), (), (TABLE,)),)
    return scene_of((mine, *others))


def rings(scene: Scene) -> list[str]:
    return [link.source for link in scene.links if "fault" in link.state]


@pytest.mark.parametrize("owner", ["cat (3)", "sh (2)"])
@pytest.mark.parametrize("scattered", [False, True])
def test_a_table_that_user_code_can_write_is_the_worst_find_and_comes_first(owner: str, scattered: bool) -> None:
    """Of another process or of its own; also where the range's frames do not follow each other."""
    scene = reaching("rw-u", owner=owner, scattered=scattered)
    assert len(rings(scene)) == 1
    assert scene.caption.tone == "error"
    whose = "its own" if owner == "sh (2)" else "cat (3)'s"
    assert scene.caption.text == f"sh (2) can write {whose} page tables."
    assert "0x87f7_2000" in scene.caption.reason
    assert "Outlined in red" in scene_words(scene)


@pytest.mark.parametrize("rights", ["r--u", "rw--", "r-x-"])
def test_a_table_that_user_code_can_only_read_is_a_table(rights: str) -> None:
    """JOS maps its tables for user code to read, at UVPT; and a kernel's own mapping is not user code's."""
    scene = reaching(rights)
    assert not rings(scene)
    assert scene.caption.tone == "plain"
    words = {"r--u": "r", "rw--": "kernel", "r-x-": "kernel"}[rights]
    assert sorted(run.text for node in memory(scene) for run in node.text) == sorted([words, "table"])


def test_a_page_that_is_mapped_twice_has_the_most_of_its_rights() -> None:
    ranges = SaidRange(0, 4096, "rw-u", TABLE), SaidRange(8192, 4096, "r--u", TABLE)
    twice = SpaceAtStop("sh (2)", ranges, (TABLE,), ())
    assert twice.written() == {TABLE}


def test_a_table_of_two_processes_is_a_table_of_both() -> None:
    """As the kernel's half is, where processes share it."""
    both = [SpaceAtStop(name, (), (), (TABLE,)) for name in ("sh (2)", "cat (3)")]
    (node,) = memory(scene_of(tuple(both)))
    assert [run.text for run in node.text] == ["table", "table"] and "table" in node.state


def test_titles_have_one_line() -> None:
    long = scene_of((INIT, space("a_long_name_here (12345)", [1, 40], [3], rights="rw-u")))
    assert text_width(long.caption.text, "heading") <= 852


def scene_words(scene: Scene) -> str:
    return " ".join(run.text for node in scene.nodes for run in node.text)


def test_a_page_that_more_processes_have_than_are_named_is_drawn_beside_those() -> None:
    many = tuple(space(f"p{at} ({at})", [0], [at + 1]) for at in range(14))
    scene = scene_of(many)
    (shared,) = (node for node in memory(scene) if len(node.text) > 1)
    named = [node for node in scene.nodes if node.id.startswith("stops/name/") and node.y < shared.y + shared.h]
    assert len(shared.text) == len(named) == 12
    assert "2 processes more" in " ".join(run.text for node in scene.nodes for run in node.text)

"""Page tables in levels: in bounds for every format, large pages larger, few nodes however much there is."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, whole
from tests.views.pictures import crossing_text, cut_text, misplaced_text, outside
from vmwidgets.engine.base.units import Address, binary_size, grouped_size
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.engine.mmu.tables import PageTables, Shown
from vmwidgets.engine.mmu.tables_schema import WindowRow
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.tables.boxes import folded_in_words
from vmwidgets.views.tables.picture import draw_tables

EVERY = sorted(FORMATS)
DATA = Path(__file__).parents[1] / "data" / "mmu"
MOST_NODES = 260


def nodes(scene: Scene, kind: str) -> list[Node]:
    return [node for node in scene.nodes if node.kind == kind]


def in_bounds(scene: Scene) -> None:
    assert misplaced_text(scene) == []
    assert outside(scene) == []
    assert crossing_text(scene) == []
    assert [one for one in cut_text(scene) if not one.startswith("tables/descriptor")] == []
    assert len({node.id for node in scene.nodes}) == len(scene.nodes)
    assert len(scene.nodes) <= MOST_NODES
    tables = sorted(nodes(scene, "table"), key=lambda node: (node.x, node.y))
    for above, below in pairwise(tables):
        assert above.x != below.x or above.y + above.h <= below.y, f"{above.id} over {below.id}"
    drawn = {node.id for node in scene.nodes}
    assert all(link.source in drawn and link.target in drawn for link in scene.links)


@pytest.mark.parametrize("name", EVERY)
def test_a_machine_and_its_tasks_are_drawn_in_bounds(name: str) -> None:
    machine = vm.boot(name)
    task = machine.task("a task whose name is long " * 4)
    at = task.map.enter("64 KiB", object=machine.object("heap"))
    task.write(at, b"here")
    for target in (machine, machine.tables, task, task.tables):
        view = vm.Tables(target)
        in_bounds(view.scene())
        for row in nodes(view.scene(), "descriptor"):
            view.opened(row.id)
            in_bounds(view.scene())
        for address in (at, int(machine.kernel_map.start), 2 ** FORMATS[name].word_bits - 1):
            view.show_address(address)
            in_bounds(view.scene())


@pytest.mark.parametrize("name", ["x86_64", "armv7"])
def test_every_table_of_a_linux_process_can_be_reached_by_clicks(name: str) -> None:
    tables = vm.load_tables(DATA / f"linux-{name}.jsonl.gz")
    view = vm.Tables(tables)
    seen: set[str] = set()
    waiting = [view.scene()]
    for _ in range(400):
        scene = waiting.pop()
        in_bounds(scene)
        seen |= {node.id for node in nodes(scene, "table")}
        new = [node for node in scene.nodes if node.kind in ("fold", "descriptor") and node.id not in seen]
        if not new:
            break
        seen.add(new[0].id)
        view.opened(new[0].id)
        waiting.append(view.scene())
    assert sum(one.startswith("tables/table/") for one in seen) >= 20


def test_what_maps_more_is_larger() -> None:
    ranges = [(0, "4 KiB"), (0x20_0000, "2 MiB"), (0x4000_0000, "1 GiB")]
    tables = vm.compare_formats(ranges, ["x86-64"]).tables["x86-64"]
    rows = {node.title.partition(" at ")[0]: node.h for node in nodes(vm.Tables(tables).scene(), "descriptor")}
    assert rows["PTE of a 4 KiB page"] < rows["PDE of a 2 MiB page"] < rows["PDPTE of a 1 GiB page"]
    assert rows["PTE of a 4 KiB page"] == rows["PDE of a PT"]


def test_an_address_is_found_or_the_hole_that_it_is_in() -> None:
    tables = vm.load_tables(DATA / "linux-x86_64.jsonl.gz")
    view = vm.Tables(tables)
    for query in tables.queries[:60]:
        found = tables.walk(query.va)
        view.show_address(query.va)
        scene = view.scene()
        said = scene.caption.text
        assert ("is mapped:" in said) == bool(found.page_size)
        if found.page_size:
            assert str(vm.Address(found.steps[-1].address | found.va & found.page_size - 1)) in said
        shown = [node for node in nodes(scene, "descriptor") if "path" in node.state]
        assert len(shown) == len(found.steps)
        bits = 0 if not found.steps else 64 if found.steps[-1].value else 1  # zeros are a line, with the bit P
        assert sum(node.kind == "bit" for node in scene.nodes) == bits


def test_a_row_tells_kind_size_and_rights_in_words() -> None:
    tables = vm.compare_formats([(0x1000, "8 KiB")], ["x86-64"]).tables["x86-64"]
    view = vm.Tables(tables)
    row = nodes(view.scene(), "descriptor")[-1]
    assert "2 pages of 4 KiB, 8 KiB, from physical 0x1000, rw- user" in row.title
    assert any("2 × 4 KiB" in run.text for run in row.text)
    assert ("PT", "1–2", "0x1000", "leaf", "0x1000", "8 KiB", "2 × 4 KiB", "rw- user") in view.scene().table.rows


@pytest.mark.parametrize("name", EVERY)
def test_rows_and_gaps_of_a_table_cover_what_it_does_and_say_their_size(name: str) -> None:
    fmt = FORMATS[name]
    tables = vm.compare_formats([(0x40_3000, "12 KiB"), (0x41_0000, "64 KiB"), (1 << 30, "1 MiB")], [name]).tables[name]
    view = vm.Tables(tables)
    view.show_address(0x40_3000)
    scene = view.scene()
    in_bounds(scene)
    told = scene.table
    for level in fmt.levels:
        rows = [dict(zip(told.header, row, strict=True)) for row in told.rows if row[0] == level.table_name]
        done = 0
        for row in rows:
            first, _, last = row["slots"].partition("–")
            assert int(first) == done, "no slot is left out"
            done = int(last or first) + 1
            assert row["covers"] == binary_size((done - int(first)) << level.shift)
        assert done == 1 << level.bits
    drawn = {node.id: [run.text for run in node.text] for node in scene.nodes}
    for node in nodes(scene, "descriptor"):
        assert any(re.match(r"(\d+ × )?[\d.]+ [KMGTP]iB( |$)", run) for run in drawn[node.id]), node.title
    for box in nodes(scene, "table"):
        sizes = [run for run in drawn[box.id] if re.fullmatch(r"(gap (of )?)?[\d.]+ [KMGTP]iB", run)]
        slots = [run for run in drawn[box.id] if re.fullmatch(r"\d+(–\d+)?", run)]
        assert slots, "each table has room left here"
        assert len(sizes) == len(slots) + 1, "each with its size, and the table with its own"
        assert any(run.removeprefix("at ") == str(Address(int(box.thing[6:], 16))) for run in drawn[box.id])


def row_says_all(row: Node) -> bool:
    """Whether a row that refers to memory says how much, and whether it is a table or which rights it has."""
    said, title = " ".join(run.text for run in row.text), re.sub(", (new|changed)$", "", row.title)
    if "is-table" in row.state:
        return bool(re.search(r"[KMGTP]iB table", said))
    rights = title.partition(", standing")[0].rpartition(", ")[2]
    pages = re.search(r": ([\d,]+) pages of (\d+ [KMG]iB)", title)
    return rights.split()[0] in said and (pages is None or f"{pages[1]} × {pages[2]}" in said)


@pytest.mark.parametrize("name", EVERY)
def test_every_row_says_what_it_is_in_two_lines_if_need_be(name: str) -> None:
    machine = vm.boot(name)
    task = machine.task("init")
    task.write(task.map.enter("64 KiB", object=machine.object("heap")), bytes(12 * 4096))
    views = [vm.Tables(machine), vm.Tables(task)]
    ranges = [(0x40_0000, "8 MiB"), (0x4000_0000, "96 MiB"), (0x8000_0000, "1 GiB")]
    views.append(vm.Tables(vm.compare_formats(ranges, [name]).tables[name]))
    if name in ("x86-64", "armv7"):
        views.append(vm.Tables(vm.load_tables(DATA / f"linux-{name.replace('-', '_')}.jsonl.gz")))
    for view in views:
        scene = view.scene()
        in_bounds(scene)
        rows = [node for node in nodes(scene, "descriptor") if {"is-table", "is-leaf"} & set(node.state)]
        assert rows
        assert [row.text for row in rows if not row_says_all(row)] == []
        for box in nodes(scene, "table"):
            inside = [row for row in rows if row.x == box.x + 4 and box.y < row.y < box.y + box.h]
            assert len({row.h for row in inside if "is-table" in row.state}) <= 1, "what refers to tables is alike"


def lent_lines(scene: Scene) -> list[str]:
    """The tables that say that rows are the kernel's."""
    return [box.id for box in nodes(scene, "table") if any(run.text == "lent by the kernel:" for run in box.text)]


@pytest.mark.parametrize("name", EVERY)
def test_of_a_tasks_tables_the_kernels_are_told_apart_and_folded_apart(name: str) -> None:
    machine = vm.boot(name)
    assert lent_lines(vm.Tables(machine).scene()) == [], "nobody lends them to the kernel"
    task = machine.task("init")
    for at in range(0, 64 << 20, 4 << 20):
        task.map.enter("4 KiB", at=at, object=machine.object("heap"), fixed=True)
        task.write(at, b"x")
    end = int(machine.system.pmap.layout.user_end)
    view = vm.Tables(task)
    for _ in range(8):
        scene = view.scene()
        in_bounds(scene)
        told = nodes(scene, "descriptor") + nodes(scene, "fold")
        for node in told:
            of_kernel = (
                int(node.id.split("/")[3], 16) >= end if node.kind == "descriptor" else "lent" in table_row(node, scene)
            )
            assert (" of the kernel" in node.title) == (of_kernel and "is-window" not in node.state), node.title
        for row in scene.table.rows:
            first = int(row[2].replace("_", "") or "0", 16)
            if row[3] not in ("gap", "window"):
                assert ("lent" in row[3]) == (first >= end), row
                size = int(row[1].partition("–")[2] or row[1]) - int(row[1].partition("–")[0]) + 1
                level = next(one for one in FORMATS[name].levels if one.table_name == row[0])
                assert first >= end or first + (size << level.shift) <= end, "nothing reaches over the border"
        assert lent_lines(scene)
        folds = [node for node in nodes(scene, "fold") if " of the kernel" in node.title]
        if not folds:
            break
        view.opened(folds[0].id)


def table_row(fold: Node, scene: Scene) -> str:
    """What the table twin says that a fold is."""
    *_, va, first = fold.id.split("/")
    level = int(fold.id.split("/")[2])
    name = next(box.text[0].text for box in nodes(scene, "table") if box.id == f"tables/table/{level}/{va}")
    rows = [row for row in scene.table.rows if row[0] == name and row[1].startswith(f"{first}–")]
    return next(row[3] for row in rows if row[3].startswith("folded"))


def test_a_large_page_that_fills_several_descriptors_is_said_to() -> None:
    machine = vm.boot("armv7", ram="64 MiB")
    machine.device("screen", 0xF000_0000, "16 MiB")
    task = machine.task("init")
    task.map.enter("16 MiB", at=0x1000_0000, fixed=True, object="screen")
    assert task.map.superpages(0x1000_0000, size="16 MiB", page="16 MiB") == 1
    caption = whole(vm.Tables(task).scene().caption)
    assert "1 page of 16 MiB in 16 descriptors" in caption


def test_a_domains_own_sections_are_not_folded_with_the_kernels_tables() -> None:
    machine = vm.boot("armv7")
    domain = machine.domain("hello")
    domain.map(domain.frame("8 KiB"))
    domain.map(domain.frame("4 MiB"), flags="rw large")
    for target in (domain, domain.tables):
        scene = vm.Tables(target).scene()
        in_bounds(scene)
        own = "1 table and 4 pages of 1 MiB of its own, and 27 tables lent by the kernel"
        assert saying("walks: tables/leads", root="root leads", what=own) in whole(scene.caption)
        (fold,) = nodes(scene, "fold")
        assert "27 tables of the kernel" in fold.title
        assert any("4 pages of 1 MiB" in node.title for node in nodes(scene, "descriptor"))
        assert lent_lines(scene) == ["tables/table/2/0"]
        assert not any("physical 0x17_" in node.title for node in nodes(scene, "table")), "the kernel's stay closed"


def test_a_space_with_nothing_of_its_own_shows_what_it_has_lent() -> None:
    scene = vm.Tables(vm.boot("armv7").task("init")).scene()
    assert saying("walks: tables/leads", root="root leads", what="27 tables lent by the kernel") in whole(scene.caption)
    assert len(nodes(scene, "table")) > 1
    scene = vm.Tables(vm.boot("x86-64")).scene()
    assert saying("walks: tables/leads", root="root leads", what="itself and 1 table") in whole(scene.caption)


def test_descriptors_that_lead_nowhere_are_neither_tables_nor_left_out() -> None:
    machine = vm.boot("riscv-sv39")
    task = machine.task("init")
    root = int(task.tables.root)
    machine.set_descriptor(root, 0x10)
    only = saying("walks: tables/leads", root="root leads", what="1 table lent by the kernel")
    assert only in whole(vm.Tables(task).scene().caption)
    machine.set_descriptor(root + 8, 0b101)  # the kernel may write what it may not read: that is reserved
    text = saying(
        "walks: tables/leads",
        root="root leads",
        what="1 reserved descriptor of its own, and 1 table lent by the kernel",
    )
    assert text in whole(vm.Tables(task).scene().caption)
    fold = WindowRow(first=0, count=6, va=0, kind="fold", tables=2, pages=1, reserved=3)
    assert folded_in_words(fold) == "2 tables, 1 page and 3 reserved descriptors"


def test_a_fold_says_how_much_is_behind_it() -> None:
    view = vm.Tables(vm.load_tables(DATA / "linux-x86_64.jsonl.gz"))
    scene = view.scene()
    folds = nodes(scene, "fold")
    assert folds
    for fold in folds:
        *_, level, _, first = fold.id.split("/")
        last = int(fold.title.split()[3].rstrip(","))
        size = binary_size((last - int(first) + 1) << FORMATS["x86-64"].level(int(level)).shift)
        assert [run.text for run in fold.text][-1] == f"in {size}"
        assert fold.title.endswith(f"in {size} with the gaps between")


def test_the_slots_of_the_other_root_are_no_gap() -> None:
    """ARM with TTBCR.N 1: TTBR1's table has 4,096 slots, and the lower 2,048 are never looked at."""
    machine = vm.boot("armv7")
    root = machine.system.pmap.root
    halves = replace(machine.controls, ttbcr_n=1, ttbr1=root)
    window = PageTables("halves", machine.system.ram, machine.system.pmap.fmt, root, halves).window(Shown())
    assert [(table.skipped, table.entries) for table in window.tables] == [(0, 2048), (2048, 4096)]
    scene = draw_tables(window)
    in_bounds(scene)
    upper = nodes(scene, "table")[1]
    assert "2 GiB" in [run.text for run in upper.text]
    assert "2048–3075" in [run.text for run in upper.text]


def test_formats_side_by_side_are_in_bounds() -> None:
    ranges = [(0x40_0000, "4 MiB"), (0x1000_0000, "1 MiB"), (0x7FF0_0000, "64 KiB"), (1 << 45, "3 GiB")]
    for large in (True, False):
        some = ranges if large else ranges[:3]
        for formats in (EVERY, ["armv7"], ["x86-64", "armv7"]):
            scene = vm.Formats(vm.compare_formats(some, formats, large=large)).scene()
            assert misplaced_text(scene) == []
            assert outside(scene) == []
            assert cut_text(scene) == []
            assert crossing_text(scene) == []
            assert scene.table.header == ("", *formats)


@pytest.mark.parametrize(
    "ranges",
    [
        [(0, "16 KiB")],
        [(0x40_3000, "12 KiB"), (0x41_0000, "64 KiB"), (1 << 30, "1 MiB")],
        [(number << 22, "1 MiB") for number in range(100)],
        [(number << 21, "4 KiB") for number in range(2000)],
    ],
)
def test_each_level_has_a_bar_and_its_name_once_below_the_size(ranges: list[tuple[int, str]]) -> None:
    value = vm.compare_formats(ranges, EVERY)
    scene = vm.Formats(value).scene()
    for broken in (misplaced_text, outside, cut_text, crossing_text):
        assert broken(scene) == []
    for cost in value.value.formats:
        bars = [node for node in nodes(scene, "part") if node.lane == cost.format]
        used = [level for level in cost.levels if level.tables]
        assert len(bars) == len(used)
        below = next(node for node in scene.nodes if node.id == f"formats/{cost.format}/tables")
        size, *names = (run.text for run in below.text)
        assert " ".join(names).split(", ") == [
            level.name.removesuffix(" table") + (f" ×{level.tables:,}" if level.tables > 1 else "") for level in used
        ]
        assert size == grouped_size(cost.table_bytes)
    order = [node.y for node in scene.nodes if node.id.endswith("/tables")]
    assert order == sorted(order)
    sizes = [cost.table_bytes for cost in value.value.formats if cost.mapped and not cost.left_out]
    drawn = [node.text[0].text for node in scene.nodes if node.id.endswith("/tables")]
    assert drawn[: len(sizes)] == [grouped_size(one) for one in sorted(sizes)], "the smallest tables come first"
    texts = [node for node in scene.nodes if node.kind == "label"]
    for above, under in pairwise(sorted((node for node in texts if node.x == texts[3].x), key=lambda node: node.y)):
        assert above.y + above.h <= under.y


def test_a_comparison_in_which_one_format_is_out_of_reach_says_who_reaches_all() -> None:
    scene = vm.Formats(vm.compare_formats([(0x40_0000, "64 KiB"), (1 << 46, "68 KiB")], ["x86-64", "armv7"])).scene()
    assert scene.caption.text == saying("comparisons: formats/only", format="x86-64")
    assert scene.subtitle.startswith("2 ranges, 132 KiB ")


def test_who_takes_most_of_tables_is_not_one_of_two_that_take_as_much() -> None:
    parts = [(0x1_0000, "256 KiB"), (0x100_0000, "4 MiB"), (0xBFFF_0000, "64 KiB")]
    caption = vm.Formats(vm.compare_formats(parts, ("x86", "x86-64", "aarch64"))).scene().caption
    assert caption is not None
    assert fields_of("comparisons: formats/tables", caption)["most"].startswith("x86-64 and aarch64 ")


@pytest.mark.parametrize("width", [900, 1600])
def test_a_band_leads_from_each_descriptor_to_all_of_its_table_and_crosses_no_other(width: int) -> None:
    scene = vm.Tables(vm.boot("x86-64"), width=width).scene()
    placed = {node.id: node for node in scene.nodes}
    bands = [link for link in scene.links if link.target.startswith("tables/table/1/")]
    assert len(bands) == 3
    for link in bands:
        row, table = placed[link.source], placed[link.target]
        upper, lower = link.points[: len(link.points) // 2], link.points[len(link.points) // 2 :]
        assert (upper[0][1], lower[-1][1]) == (row.y, row.y + row.h)
        assert (upper[-1], lower[0]) == ((table.x, table.y), (table.x, table.y + table.h))
    rows = sorted(bands, key=lambda link: placed[link.source].y)
    assert rows == sorted(bands, key=lambda link: placed[link.target].y), "in one order at both ends"


def test_in_an_outline_lines_go_beside_the_tables() -> None:
    scene = vm.Tables(vm.boot("x86-64"), width=420).scene()
    tables = {node.id: node for node in scene.nodes if node.kind == "table"}
    lines = [link.points for link in scene.links if link.target.startswith("tables/table/1/")]
    assert len({points[1][0] for points in lines}) == 3, "each goes down at another place"
    for link in scene.links:
        (_, (turn, begin), (_, end), _) = link.points
        crossed = [
            node.id for node in tables.values()
            if node.x < turn < node.x + node.w and node.y < max(begin, end) and node.y + node.h > min(begin, end)
        ]  # fmt: skip
        assert crossed == []


def test_room_for_links_takes_little_of_what_tables_say() -> None:
    scene = vm.Tables(vm.boot("x86-64"), width=1000).scene()
    assert all("from 0x" in node.text[2].text for node in scene.nodes if node.kind == "table")


def states_of(scene: Scene) -> dict[str, str]:
    """What is marked of tables and rows, by their names and first addresses."""
    marked = [node for node in scene.nodes if {"new", "changed"} & {*node.state}]
    return {node.id.removeprefix("tables/"): "new" if "new" in node.state else "changed" for node in marked}


def test_tables_that_an_operation_made_are_marked_and_counted() -> None:
    """On paper: a page 512 GiB above another one shares the root with it alone: three more tables."""
    task = vm.boot("x86-64").task("init")
    low, high = 0x40_3000, 0x80_0040_3000
    for page in (low, high):
        task.mmap("4 KiB", at=page, flags="private fixed")
    task.write(low, b"x")
    task.write(high, b"x")
    scene = vm.Tables(task).scene()
    assert scene.subtitle.endswith(" · 3 new tables")
    assert states_of(scene) == {
        **dict.fromkeys(("table/3/8000000000", "table/2/8000000000", "table/1/8000400000"), "new"),
        **dict.fromkeys(("slot/4/8000000000", "slot/3/8000000000", "slot/2/8000400000", f"slot/1/{high:x}"), "new"),
    }
    task.write(high, b"y")
    assert states_of(vm.Tables(task).scene()) == {}, "that the hardware notes an access is no change"
    assert "new table" not in vm.Tables(task).scene().subtitle


def test_a_large_page_that_is_split_and_the_row_that_differs_are_marked() -> None:
    viewer = vm.boot("x86-64").task("viewer")
    film = int(viewer.map.enter("8 MiB", at="64 MiB", object=viewer.machine.object("film")))
    viewer.map.superpages(film, size="8 MiB", page="2 MiB")
    middle, page = film + 4 * vm.MIB, film + 4 * vm.MIB + 5 * vm.PAGE
    viewer.map.protect(page, size=vm.PAGE, prot="r")
    scene = vm.Tables(viewer).scene()
    assert scene.subtitle.endswith(" · 1 new table")
    assert states_of(scene) == {
        f"table/1/{middle:x}": "new", f"slot/2/{middle:x}": "changed", f"slot/1/{page:x}": "changed",
    }  # fmt: skip  # a row for each kind
    assert scene.caption.reason.endswith(vm.Map(viewer.map).scene().caption.text), "what the operation did"
    viewer.map.remove(film, size="2 MiB")
    assert states_of(vm.Tables(viewer).scene()) == {"table/2/0": "changed"}, "one of its descriptors is a gap now"

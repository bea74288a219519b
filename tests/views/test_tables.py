"""Page tables in levels: in bounds for every format, large pages larger, few nodes however much there is."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import vmwidgets as vm
from tests.views.pictures import misplaced_text, outside
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.views.scene import Node, Scene

EVERY = sorted(FORMATS)
DATA = Path(__file__).parents[1] / "data" / "mmu"
MOST_NODES = 260


def nodes(scene: Scene, kind: str) -> list[Node]:
    return [node for node in scene.nodes if node.kind == kind]


def in_bounds(scene: Scene) -> None:
    assert misplaced_text(scene) == []
    assert outside(scene) == []
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
    ranges = [(0, "64 KiB"), (0x20_0000, "2 MiB"), (0x4000_0000, "1 GiB")]
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
        assert sum(node.kind == "bit" for node in scene.nodes) == (64 if found.steps else 0)


def test_a_row_tells_kind_size_and_rights_in_words() -> None:
    tables = vm.compare_formats([(0x1000, "8 KiB")], ["x86-64"]).tables["x86-64"]
    view = vm.Tables(tables)
    row = nodes(view.scene(), "descriptor")[-1]
    assert "2 pages of 4 KiB, 8 KiB, from physical 0x1000, rw- user" in row.title
    assert any("2 × 4 KiB" in run.text for run in row.text)
    assert ("PT", "1–2", "0x1000", "leaf", "0x1000", "2 × 4 KiB", "rw- user") in view.scene().table.rows


def test_formats_side_by_side_are_in_bounds() -> None:
    ranges = [(0x40_0000, "4 MiB"), (0x1000_0000, "1 MiB"), (0x7FF0_0000, "64 KiB"), (1 << 45, "3 GiB")]
    for large in (True, False):
        some = ranges if large else ranges[:3]
        for formats in (EVERY, ["armv7"], ["x86-64", "armv7"]):
            scene = vm.Formats(vm.compare_formats(some, formats, large=large)).scene()
            assert misplaced_text(scene) == []
            assert outside(scene) == []
            assert scene.table.header == ("", *formats)

"""How the entries of a list are written: addresses whole or not at all, and a size at each if there is room for one."""

from __future__ import annotations

import re

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold
from vmwidgets.views.maps.columns import lay_columns
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.text import cut

SIZE = re.compile(r"\d+(\.\d+)?( [KMG]iB|[KMG])")


def listed(entries: int, width: int, *, top: int = 0x40_0000) -> Scene:
    """The list of a map with so many entries, each larger than the last."""
    space = vm.boot("x86-64").task("init").map
    for number in range(1, entries + 1):
        space.enter(number * vm.PAGE, at=top + number * 0x10_0000, fixed=True, nomerge=True)
    picture = vm.EntryList(space, width=width)
    return picture.scene()


def entries_of(scene: Scene) -> list[Node]:
    return [node for node in scene.nodes if node.kind == "entry" and node.thing.startswith("entry:")]


@pytest.mark.parametrize("width", [420, 640, 900, 1300])
@pytest.mark.parametrize("entries", [3, 6, 9, 12, 14, 18, 24])
@pytest.mark.parametrize("top", [0x40_0000, 0x7F00_0000_0000])
def test_an_address_of_a_list_is_whole_or_is_not_written(entries: int, width: int, top: int) -> None:
    scene = listed(entries, width, top=top)
    starts = [str(Address(top + number * 0x10_0000)) for number in range(1, entries + 1)]
    shown = [cut(run) for node in entries_of(scene) for run in node.text[:1] if "mono" in run.style]
    written = [one for one in shown if one not in ("rw-", "")]
    assert written and {*written} <= {*starts}, written
    assert len({*written}) == len(written)


@pytest.mark.parametrize(("entries", "width"), [(3, 420), (5, 640), (8, 900)])
def test_addresses_that_fit_are_written(entries: int, width: int) -> None:
    nodes = entries_of(listed(entries, width))
    assert [node.text[0].text for node in nodes] == [f"0x{0x40 + 0x10 * n:x}_0000" for n in range(1, entries + 1)]
    assert not [run.text for node in nodes for run in node.text[:2] if run.room]


def test_one_important_entry_more_changes_no_address() -> None:
    """Where all entries are cards beside folds, there is room for their addresses."""
    folds = [Fold(number, 5, number << 12, number + 1 << 12) for number in (8, 9)]
    entries = [EntryValue(number, number << 12, number + 1 << 12, None, 0, 0) for number in range(1, 7)]
    style = AddressStyle.of(0xFFFF_8080_0000_0000, 0xFFFF_8080_0400_0000)
    for important in range(4, 7):
        columns = lay_columns([*entries, *folds], range(1, important + 1), style, 900)
        assert {column.level for column in columns.values()} == {"card", "fold"}


@pytest.mark.parametrize(("entries", "width"), [(9, 900), (12, 900), (14, 900), (9, 640), (14, 1300)])
def test_each_entry_of_a_dozen_says_its_size(entries: int, width: int) -> None:
    nodes = entries_of(listed(entries, width))
    assert len(nodes) == entries
    for number, node in enumerate(nodes, 1):
        sizes = [match[0] for run in node.text if (match := SIZE.fullmatch(run.text))]
        assert [re.sub(r"[^\d]", "", size) for size in sizes] == [str(4 * number)], node.text


def test_nine_addresses_of_the_kernel_are_written_whole() -> None:
    kernel_map = vm.boot("x86-64").kernel_map
    while len(kernel_map.entries()) < 9:
        kernel_map.enter("64 KiB", nomerge=True)
    nodes = entries_of(vm.EntryList(kernel_map, width=900).scene())
    assert [node.text[0].text for node in nodes] == [
        f"…{int(one.start) & 0xFFFF_FFFF:09_x}" for one in kernel_map.entries()
    ]
    assert not [run.text for node in nodes for run in node.text[:2] if run.room]


def test_a_node_without_room_for_its_address_has_it_beside_it_on_the_path() -> None:
    space = vm.boot("x86-64").task("init").map
    space.fill(200)
    wanted = space.entries()[77].start
    scene = vm.Tree(space, find=wanted, width=900).scene().whole()
    asked = {node.id.removesuffix("/asked"): node.text[0].text for node in scene.nodes if node.id.endswith("/asked")}
    bare = [node for node in scene.nodes if node.id in asked and not node.text]
    assert bare
    addressed = [node for node in bare if "0x" in asked[node.id]]
    assert addressed
    for node in addressed:
        entry = next(one for one in space.entries() if f"entry:{one.id}" == node.thing)
        assert str(Address(int(entry.start))) in re.split("[ :]", asked[node.id])

"""How the entries of a list are written: names whole or not at all, and a size at each if there is room for one."""

from __future__ import annotations

import re

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold
from vmwidgets.views.maps.columns import lay_columns
from vmwidgets.views.scene.model import Node, Scene
from vmwidgets.views.scene.text import cut, text_width

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
def test_a_name_of_a_list_is_whole_and_at_each_entry_or_at_none(entries: int, width: int) -> None:
    nodes = entries_of(listed(entries, width))
    said = [cut(node.text[0]) for node in nodes if node.text]
    names = [f"r{number}" for number in range(1, entries + 1)]
    cards = [cut(node.text[0]) for node in nodes if node.h == max(one.h for one in nodes) and len(node.text) > 2]
    assert cards and {*cards} <= {*names}
    assert said == names or not {*said} - {*cards} & {*names}


@pytest.mark.parametrize("width", [420, 640, 900, 1300])
@pytest.mark.parametrize("entries", [3, 24, 200])
@pytest.mark.parametrize("top", [0x40_0000, 0x7F00_0000_0000])
def test_the_foot_says_where_ranges_are(entries: int, width: int, top: int) -> None:
    scene = listed(entries, width, top=top)
    foot = next(node for node in scene.nodes if node.id == "map/places")
    (line,) = foot.text
    said = [one.split(" at ") for one in line.text.split(" · ")]
    assert said == [[f"r{n}", str(Address(top + n * 0x10_0000))] for n in (int(one[1:]) for one, _ in said)]
    assert len(said) == entries or (len(said) > 1 and text_width(line.text, line.style) < width)
    assert (len(said) == entries) == (entries == 3 and (width > 420 or top < 1 << 32))


def test_one_important_entry_more_changes_no_card() -> None:
    """Where all entries are cards beside folds, there is room for their addresses."""
    folds = [Fold(number, 5, number << 12, number + 1 << 12) for number in (8, 9)]
    entries = [EntryValue(number, number << 12, number + 1 << 12, None, 0, 0) for number in range(1, 7)]
    for important in range(4, 7):
        columns = lay_columns([*entries, *folds], range(1, important + 1), 900)
        assert {column.level for column in columns.values()} == {"card", "fold"}


@pytest.mark.parametrize(("entries", "width"), [(9, 900), (12, 900), (14, 900), (9, 640), (14, 1300)])
def test_each_entry_of_a_dozen_says_its_size(entries: int, width: int) -> None:
    nodes = entries_of(listed(entries, width))
    assert len(nodes) == entries
    for number, node in enumerate(nodes, 1):
        sizes = [match[0] for run in node.text if (match := SIZE.fullmatch(run.text))]
        assert [re.sub(r"[^\d]", "", size) for size in sizes] == [str(4 * number)], node.text


def test_nine_names_in_the_kernel_are_written_whole() -> None:
    kernel_map = vm.boot("x86-64").kernel_map
    while len(kernel_map.entries()) < 9:
        kernel_map.enter("64 KiB", nomerge=True)
    nodes = entries_of(vm.EntryList(kernel_map, width=900).scene())
    assert len(nodes) == 9
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

"""A map of a real process: files under brackets, rights as fills, what was removed as a ghost."""

from __future__ import annotations

from itertools import groupby

import pytest

import vmwidgets as vm
from tests.views.pictures import covered_words, misplaced_text, outside
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.views.maps.runs import changes_of
from vmwidgets.views.scene.model import Node, Scene

PAGE = 4096


@pytest.fixture(scope="module")
def recorded() -> Task:
    return vm.load_strace(vm.boot("x86-64"), vm.recording("python").strace).task


def files(task: Task) -> list[tuple[str, int, int, int]]:
    """Where several entries of one file follow each other: its path, the first entry's number, its limits."""
    found = []
    for name, those in groupby(task.map.entries(), lambda one: one.object or ""):
        entries = list(those)
        if name.startswith("/") and len(entries) > 1:
            found.append((name, entries[0].id, int(entries[0].start), int(entries[-1].end)))
    return found


def brackets(scene: Scene, lane: str) -> dict[int, Node]:
    """The brackets of a lane, by the number of the first entry below each."""
    return {int(node.id.rpartition("/")[2]): node for node in scene.nodes if node.id.startswith(f"{lane}/file/")}


_LANES = {"list": vm.EntryList, "ribbon": vm.Ribbon}


@pytest.mark.parametrize("width", [420, 900, 1600])
def test_each_file_has_one_bracket_above_its_entries(recorded: Task, width: int) -> None:
    wanted = files(recorded)
    assert len(wanted) > 12
    for lane, kind in _LANES.items():
        scene = kind(recorded.map, whole=200, width=width).scene()
        assert (outside(scene), misplaced_text(scene), covered_words(scene)) == ([], [], [])
        assert len([node for node in scene.nodes if node.kind == "bracket"]) == len(wanted)
        drawn = brackets(scene, lane)
        places = {node.thing: node for node in scene.whole().nodes if node.id.startswith(f"{lane}/")}
        for path, first, _, end in wanted:
            node = drawn[first]
            assert node.title.startswith(path.rpartition("/")[2])
            lines = [bar for bar in node.bars if bar.h == 1.5]
            assert len(lines) == 1
            left, right = node.x + lines[0].x, node.x + lines[0].x + lines[0].w
            last = next(one for one in recorded.map.entries() if one.end == end)
            ends = places[f"entry:{first}"], places[f"entry:{last.id}"]
            assert left == pytest.approx(ends[0].x, abs=3.5)
            assert right == pytest.approx(ends[1].x + ends[1].w, abs=3.5)


@pytest.mark.parametrize("width", [420, 640, 900, 1600])
def test_heap_and_stack_have_their_names_though_each_is_one_entry(width: int) -> None:
    lines = [("[heap]", 0x60_0000, 900), ("[stack]", 0x7FFE_0000_0000, 33)]
    lines += [(f"/lib/lib{letter}.so", 0x7F00_0000_0000 + at * 0x10_0000, 2) for at, letter in enumerate("abcdef")]
    text = "".join(
        f"{at + part * pages * PAGE:x}-{at + (part + 1) * pages * PAGE:x} r{'-w'[part]}-p 0 08:01 5 {name}\n"
        for name, at, pages in sorted(lines, key=lambda line: line[1])
        for part in range(1 + name.startswith("/"))
    )
    task = vm.load_maps(vm.boot("x86-64"), text).task
    wanted = {entry.object: entry.id for entry in task.map.entries() if entry.object in ("[heap]", "[stack]")}
    assert len(wanted) == 2
    for lane, kind in _LANES.items():
        scene = kind(task.map, width=width).scene()
        drawn = brackets(scene, lane)
        for name, first in wanted.items():
            assert drawn[first].text[0].text.partition("  ")[0] == name
        files = [node.text[0].text for node in drawn.values() if node.text and node.text[0].text.startswith("lib")]
        assert any("  " in words for words in files), "the largest file says its size, though the heap is larger"
        assert (outside(scene), covered_words(scene)) == ([], [])


def test_the_largest_file_says_how_large_it_is(recorded: Task) -> None:
    sizes = {
        first: sum(one.size for one in recorded.map.entries() if start <= one.start < end)
        for _, first, start, end in files(recorded)
    }
    largest = max(sizes, key=lambda first: sizes[first])
    drawn = brackets(vm.Map(recorded.map, whole=200).scene(), "ribbon")
    assert drawn[largest].text[0].text.endswith(binary_size(sizes[largest]))
    assert drawn[largest].text[0].text.startswith("libcrypto ")


def test_fills_are_rights(recorded: Task) -> None:
    scene = vm.Map(recorded.map, whole=200).scene().whole()
    rights = {f"entry:{one.id}": str(one.protection) for one in recorded.map.entries()}
    looks = {"r-x": "executes", "rw-": "writes", "r--": "reads", "---": "nothing", "rwx": "executes"}
    drawn = [node for node in scene.nodes if node.kind == "range" and node.thing in rights]
    plain = [node for node in drawn if not {"new", "changed", "here", "path"} & set(node.state)]
    assert len(plain) == len(rights)
    assert all(looks[rights[node.thing]] in node.state for node in plain)
    assert any(node.id == "map/rights" for node in scene.nodes), "the legend says so"


def test_a_map_without_files_has_neither_brackets_nor_fills() -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter("64 KiB", prot="r")
    scene = vm.Map(machine.kernel_map).scene()
    assert not [node for node in scene.nodes if node.kind == "bracket" or node.id == "map/rights"]
    assert not any({"reads", "writes", "executes"} & set(node.state) for node in scene.nodes)


def test_a_guard_page_does_not_look_like_what_may_be_written() -> None:
    machine = vm.boot("x86-64")
    machine.kernel_map.enter("4 KiB", prot="none")
    machine.kernel_map.enter("64 KiB", prot="rw")
    scene = vm.Map(machine.kernel_map).scene()
    states = [node.state for node in scene.nodes if node.kind == "range"]
    assert {look for state in states for look in state} >= {"nothing", "writes"}
    assert any(node.id == "map/rights" for node in scene.nodes), "the legend says so"


@pytest.mark.parametrize(("at", "beside"), [(0x60_3000, False), (0x90_0000, True)])
def test_the_words_of_a_marker_are_above_the_brackets_that_they_meet_and_else_beside_it(at: int, beside: bool) -> None:
    lines = "400000-402000 r-xp 0 08:01 7 /bin/hello\n601000-603000 rw-p 1000 08:01 7 /bin/hello\n"
    task = vm.load_maps(vm.boot("x86-64"), lines).task
    task.map.enter("4 KiB", at=at)
    scene = vm.Ribbon(task.map).scene()
    drawn = {node.id: node for node in scene.nodes}
    words, marker = drawn["ribbon/label/hint"], drawn["ribbon/marker/hint"]
    assert (words.y + words.h == pytest.approx(marker.y, abs=1)) is beside
    assert covered_words(scene) == []


def ghosts(scene: Scene, lane: str) -> list[str]:
    return [node.title for node in scene.nodes if node.id.startswith(f"{lane}/ghost/") and node.kind == "ghost"]


def three() -> tuple[vm.Machine, Task, list[int]]:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    at = [0x40_0000 + number * 0x10_0000 for number in range(3)]
    for address in at:
        task.map.enter("64 KiB", at=address, fixed=True, object=machine.object(f"heap {address:x}"))
    return machine, task, at


def test_what_was_removed_is_a_ghost_with_its_size_in_list_and_ribbon() -> None:
    _, task, at = three()
    task.map.remove(at[1], size="64 KiB")
    scene = vm.Map(task.map).scene()
    limits = f"removed: {vm.Address(at[1])}–{vm.Address(at[1] + 16 * PAGE)}, 64 KiB"
    assert ghosts(scene, "ribbon") == [limits]
    (card,) = ghosts(scene, "list")
    assert card.startswith(f"heap {at[1]:x} · {limits}")
    words = [run.text for node in scene.nodes for run in node.text]
    assert [one for one in words if "64 KiB" in one and "\N{MINUS SIGN}" in one] == [
        "\N{MINUS SIGN} 64 KiB",
        f"\N{MINUS SIGN} 64 KiB · heap {at[1]:x}",
    ], "on its card, and below the ribbon"
    task.map.enter("4 KiB", at=at[0] + 32 * PAGE, fixed=True)
    assert ghosts(vm.Map(task.map).scene(), "ribbon") == [], "it was another operation"


def test_what_was_cut_out_is_drawn_between_the_parts_that_are_left() -> None:
    task = vm.boot("x86-64").task("init")
    start = task.map.enter(20 * PAGE)
    cut = task.map.entries()[0].id
    task.map.remove(start + 4 * PAGE, size=PAGE)
    low, high = (entry.id for entry in task.map.entries())
    scene = vm.Map(task.map).scene()
    x = {node.id: node.x for node in scene.nodes}
    assert x[f"list/{low}"] < x[f"list/ghost/{cut}"] < x[f"list/{high}"]


def test_of_an_entry_that_was_cut_only_what_is_gone_is_a_ghost() -> None:
    _, task, at = three()
    task.map.remove(at[1] + 4 * PAGE, size="16 KiB")
    scene = vm.Map(task.map).scene()
    start = at[1] + 4 * PAGE
    assert ghosts(scene, "ribbon") == [f"removed: {vm.Address(start)}–{vm.Address(start + 4 * PAGE)}, 16 KiB"]
    assert all(f"{vm.Address(start + 4 * PAGE)}, 16 KiB" in one for one in ghosts(scene, "list"))


def test_an_entry_that_was_cut_away_leaves_a_ghost_of_what_is_gone() -> None:
    machine = vm.boot("x86-64")
    at = machine.kernel_map.enter("16 KiB")
    machine.kernel_map.remove(at + PAGE, size="4 KiB")
    scene = vm.Map(machine.kernel_map).scene()
    (card,) = [node for node in scene.nodes if node.id.startswith("list/ghost/")]
    assert [run.text for run in card.text if run.text.endswith("KiB")] == ["− 4 KiB"]
    assert card.title.endswith(", 4 KiB, anonymous")


def test_a_part_that_is_still_to_be_put_into_the_list_is_no_ghost() -> None:
    task = vm.boot("x86-64").task("init")
    start = task.map.enter(20 * PAGE)
    task.map.remove(start + 4 * PAGE, size=PAGE)
    kept = {f"list/ghost/{entry.id}" for entry in task.map.entries()}
    view = vm.Map(task.map)
    seen = 0
    for step in range(view.steps + 1):
        view.step = step
        scene = view.scene()
        assert not kept & {node.id for node in scene.nodes}
        seen += any(node.id.startswith("ribbon/ghost/") for node in scene.nodes)
    assert seen > 1, "its addresses are in no entry for some steps"


def test_before_it_is_removed_it_is_no_ghost_and_what_replaces_it_leaves_none() -> None:
    machine, task, at = three()
    task.map.remove(at[1], size="64 KiB")
    view = vm.Map(task.map)
    view.step = 0
    assert ghosts(view.scene(), "ribbon") == []
    task.mmap("64 KiB", at=at[0], flags="private fixed")
    assert ghosts(vm.Map(task.map).scene(), "ribbon") == []
    assert machine.tasks["init"] is task


@pytest.mark.parametrize(("second", "said"), [(0x40_2000, "hello  16 KiB"), (0x60_1000, "hello  16 KiB mapped")])
def test_a_bracket_over_a_gap_says_that_its_size_is_what_is_mapped(second: int, said: str) -> None:
    lines = (
        f"{at:x}-{at + 0x2000:x} {rights} 0 08:01 5 /hello\n" for at, rights in ((0x40_0000, "r-xp"), (second, "rw-p"))
    )
    scene = vm.Map(vm.load_maps(vm.boot("x86-64"), "".join(lines)).task.map).scene()
    for lane in ("list", "ribbon"):
        (one,) = brackets(scene, lane).values()
        assert [run.text for run in one.text] == [said]


def test_an_address_of_too_many_digits_is_said_to_have_so_many() -> None:
    machine = vm.boot("x86-64")
    with pytest.raises(vm.Refused, match=r"has 19 digits; an address has at most 16$"):
        vm.Map(machine.kernel_map).search("0xffff800000000000000")


@pytest.mark.parametrize(("added", "told"), [(1, ["+", "\N{MINUS SIGN}"]), (14, [])])
def test_changes_have_labels_if_they_are_few_and_none_is_told_of_many(added: int, told: list[str]) -> None:
    space = vm.boot("x86-64").task("init").map
    space.enter("4 KiB", at=0x10_0000, fixed=True)
    before = space.value()
    space.remove(0x10_0000, 0x10_1000)
    for number in range(added):
        space.enter("4 KiB", at=0x20_0000 + number * 0x2000, fixed=True)
    assert [one.sign for one in changes_of(before, space.value())] == told


@pytest.mark.parametrize("width", [420, 900])
def test_the_name_above_a_narrow_bracket_is_whole(width: int) -> None:
    lines = (
        "400000-402000 r-xp 0 08:01 5 /hello\n",
        "403000-405000 rw-p 2000 08:01 5 /hello\n",
        "7ffff7d00000-7ffff7f00000 r-xp 0 08:01 6 /libc.so\n",
        "7ffffffde000-7ffffffff000 rw-p 0 00:00 0 [stack]\n",
    )
    ribbon = vm.Ribbon(vm.load_maps(vm.boot("x86-64"), "".join(lines)).task.map)
    ribbon.width = width
    said = [run.text.split()[0] for one in brackets(ribbon.scene(), "ribbon").values() for run in one.text]
    assert "hello" in said


@pytest.mark.parametrize(("picture", "has_fills"), [(vm.EntryList, False), (vm.Ribbon, True), (vm.Map, True)])
def test_what_fills_mean_is_said_where_ranges_have_fills(picture: type[vm.Picture], has_fills: bool) -> None:
    task = vm.boot("x86-64").task("init")
    for number, rights in enumerate(("rx", "rw", "r", "none")):
        task.map.enter("8 KiB", at=0x40_0000 + (number << 20), prot=rights)
    scene = picture(task.map).scene()
    looks = {look for node in scene.nodes for look in node.state} & {"executes", "writes", "reads", "nothing"}
    assert (bool(looks), any(node.id == "map/rights" for node in scene.nodes)) == (has_fills, has_fills)

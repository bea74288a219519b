"""The key of colours: a saved map says what its colours mean, as "?" does on a page, and nothing else says it twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vmwidgets as vm
from tests.views.gallery import of_maps, of_memory
from vmwidgets.views.memory.object_rows import REST
from vmwidgets.views.scene.key import ENTRIES, with_key
from vmwidgets.views.scene.model import Scene

LEGEND = Path(__file__).parents[2] / "js" / "src" / "offers.ts"


def key_of(scene: Scene) -> list[str]:
    return [run.text for node in scene.nodes if node.id.startswith("key/") for run in node.text]


@pytest.fixture(scope="module")
def machine() -> vm.Machine:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    task.map.enter("64 KiB")
    task.map.enter("64 KiB", object=machine.object("heap"))
    task.mmap("4 KiB", "r", "private", machine.file("motd", b"hello"))
    return machine


def test_a_saved_map_has_one_line_with_its_own_colours(machine: vm.Machine) -> None:
    picture = vm.Map(machine.tasks["init"].map)
    live, saved = picture.scene(), with_key(picture.scene())
    assert key_of(live) == []
    assert key_of(saved) == [ENTRIES["anonymous"], ENTRIES["file"]]
    assert len({node.y for node in saved.nodes if node.id.startswith("key/")}) == 1
    assert min(node.y for node in saved.nodes if node.id.startswith("key/")) >= live.height
    assert ENTRIES["submap"] not in picture.to_svg()
    for words in key_of(saved):
        assert words in picture.to_svg()
        assert words in picture.to_html()
        assert words in picture.snapshot().to_svg()


def test_a_ribbon_in_which_all_is_new_has_no_colour_to_explain(machine: vm.Machine) -> None:
    task = machine.task("one")
    task.map.enter("64 KiB")
    assert key_of(with_key(vm.Ribbon(task.map).scene())) == []
    assert key_of(with_key(vm.EntryList(task.map).scene())) == [ENTRIES["anonymous"]]  # a card's strip has it


def test_marks_have_the_colours_too() -> None:
    named = dict(of_maps())
    scene = with_key(named["Ribbon of many"].scene())
    assert scene.marks
    assert key_of(scene) == [ENTRIES["anonymous"], ENTRIES["kernel"]]


def test_memory_has_one_colour_in_all_pictures() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    text = task.mmap("4 KiB", "r", "private", machine.file("motd", b"hello"))
    heap = task.mmap("4 KiB")
    fresh = vm.Ribbon(task.map).scene()
    task.read(text, 1)
    task.write(heap, b"x")
    machine.file("other", b"")  # nothing is new any more
    kinds = [node.state[0] for node in vm.Ribbon(task.map).scene().nodes if node.kind == "range"]
    assert [node.state[0] for node in fresh.nodes if node.kind == "range"] == kinds, "also before it has an object"
    frames = [node for node in vm.Sharing(machine).scene().nodes if node.kind == "board-frame"]
    assert sorted(state for node in frames for state in node.state) == sorted(kinds)
    assert len({*kinds}) == 2
    tiles = {state for node in vm.Frames(machine).scene().nodes if node.kind == "run" for state in node.state}
    assert {f"is-{kind}" for kind in kinds} <= tiles
    cards = [node for node in vm.Objects(machine).scene().nodes if node.lane.startswith("objects/")]
    assert {bar.style for node in cards for bar in node.bars} == {*kinds}


def test_objects_of_a_loaded_map_and_a_device_have_the_colours_of_their_ranges() -> None:
    loaded = vm.load(
        "400000-402000 r--p 00000000 08:01 12 /bin/cat\n500000-502000 rw-p 00000000 00:00 0 [heap]\n"
        "600000-602000 rw-p 00000000 00:00 0\n"
    ).task
    device = loaded.machine.device("screen", at="1 GiB", size="64 KiB")
    loaded.map.enter("8 KiB", at=0x70_0000, object=device)
    ranges = [node.state[0] for node in vm.Ribbon(loaded.map).scene().nodes if node.kind == "range"]
    view = vm.Objects(loaded.machine)
    view.opened(REST)
    scene = view.scene()
    kinds = [bar.style for node in scene.nodes if node.id.startswith("object/") for bar in node.bars[:1]]
    assert sorted(kinds) == sorted({*ranges} - {"new"} | {"anonymous"})


def test_descriptors_have_the_colour_of_the_memory_that_they_map() -> None:
    machine = vm.boot("x86-64", layout="small")
    task = machine.task("init")
    task.read(task.mmap("4 KiB", "r", "private", machine.file("motd", b"hello")), 1)
    task.write(task.mmap("4 KiB"), b"x")
    ranges = {state for node in vm.Ribbon(task.map).scene().nodes if node.kind == "range" for state in node.state}
    for part, kinds in ((task, {*ENTRIES} & ranges), (machine, {"kernel"})):
        tables = vm.Tables(part).scene()
        leaves = [node for node in tables.nodes if node.kind == "descriptor" and "is-leaf" in node.state]
        assert kinds <= {state for node in leaves for state in node.state} & {*ENTRIES}
        assert {ENTRIES[kind] for kind in kinds} <= {*key_of(with_key(tables))}
        for leaf in leaves:
            (kind,) = {*leaf.state} & {*ENTRIES}
            assert [bar.style for bar in leaf.bars] == [f"own-{kind}"]


def test_a_descriptor_of_unknown_memory_has_no_kind() -> None:
    pasted = vm.load("page table 0x0000000087f6b000\n..0: pte 0x0000000021fd9c01 pa 0x0000000087f67000\n"
                     ".. ..0: pte 0x0000000021fd9801 pa 0x0000000087f66000\n"
                     ".. .. ..0: pte 0x0000000021fda01b pa 0x0000000087f68000\n")  # fmt: skip  # as xv6 prints it
    scene = vm.picture(pasted).scene()
    assert any("is-leaf" in node.state for node in scene.nodes)
    assert not key_of(with_key(scene))


def test_what_a_picture_explains_itself_is_not_said_again() -> None:
    named = dict(of_memory())
    assert key_of(with_key(named["Kmem of a life"].scene())) == []
    twice = with_key(with_key(dict(of_maps())["Map of few"].scene()))
    assert key_of(twice) == [ENTRIES["anonymous"], ENTRIES["kernel"]]


def test_pages_and_files_use_the_same_words() -> None:
    rows = dict(re.findall(r'\["(\w+)", "([^"]+)"\]', LEGEND.read_text()))
    assert {look: rows[look] for look in ENTRIES} == ENTRIES


def test_the_slots_of_a_tlb_have_no_colour_of_an_entry() -> None:
    machine = vm.boot("x86-64", tlb=(1, 4))
    task = machine.task("init")
    task.write(task.mmap("8 KiB"), b"x")
    assert [bar.style for node in vm.Tlb(machine).scene().nodes if node.kind == "slot" for bar in node.bars]
    assert key_of(with_key(vm.Tlb(machine).scene())) == []

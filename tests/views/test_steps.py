"""Stepping through an operation: the right states in between, and sentences that give the reason."""

from __future__ import annotations

import random

import pytest

import vmwidgets as vm
from tests.captions import fields_of, saying, says
from tests.views.pictures import machine_with
from vmwidgets.engine.base.event import BootStage
from vmwidgets.engine.kernel.map.map_schema import MapValue
from vmwidgets.engine.machine.handles.maps import MachineMap
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.model import Scene
from vmwidgets.views.story.moment import Moment

PAGE = 4096


def at_step(view: vm.Map, step: int) -> Scene:
    view.step = step
    return view.scene()


def picture_at(view: vm.Map, target: MachineMap, step: int) -> MapValue:
    view.step = step
    return view.picture(target, view.at().moment).value


def tree_of(scene: Scene) -> dict[str, str]:
    """Colour of each node, by the address that its label ends with."""
    nodes = [node for node in scene.nodes if node.kind == "tree-node"]
    return {node.text[-1].text: "red" if "red" in node.state else "black" for node in nodes}


def sentences(view: vm.Map) -> list[str]:
    last = view.scene().steps.count
    return [at_step(view, step).caption.text for step in range(1, last + 1)]


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot("x86-64", layout="tiny")


def test_before_the_first_step_stands_the_map_before_the_operation(machine: vm.Machine) -> None:
    before = {node.id for node in vm.Tree(machine.kernel_map).scene().nodes if node.kind == "tree-node"}
    machine.kernel_map.enter(PAGE)
    view = vm.Tree(machine.kernel_map)
    assert {node.id for node in at_step(view, 0).nodes if node.kind == "tree-node"} == before
    assert {node.id for node in at_step(view, -1).nodes if node.kind == "tree-node"} > before


def three_in_a_row(machine: vm.Machine) -> MachineMap:
    """A map that got three entries, the third a red leaf below a red parent, so a rotation follows."""
    target = machine.task("three").map
    for number, prot in enumerate(("r", "rw", "r")):
        target.enter(PAGE, at=0x400000 + number * PAGE, prot=prot)
    return target


def test_the_new_node_is_hung_red_before_colours_are_repaired(machine: vm.Machine) -> None:
    view = vm.Tree(three_in_a_row(machine))
    said = sentences(view)
    hung = next(i for i, text in enumerate(said, 1) if says("map events: TreeLinked/right", text))
    rotated = next(i for i, text in enumerate(said, 1) if says("map events: TreeRotated/left", text))
    assert hung < rotated
    assert list(tree_of(at_step(view, hung)).values()) == ["black", "red", "red"]
    roots = {node.y for node in at_step(view, hung).nodes if node.kind == "tree-node"}
    assert len(roots) == 3  # a chain of three
    assert len({node.y for node in at_step(view, rotated).nodes if node.kind == "tree-node"}) == 2
    assert sorted(tree_of(at_step(view, -1)).values()) == ["black", "red", "red"]


def test_each_comparison_is_a_step_that_says_which_way(machine: vm.Machine) -> None:
    for prot in ("r", "rw", "r", "rw"):
        machine.kernel_map.enter(PAGE, prot=prot)
    wanted = list(machine.kernel_map)[-1]
    machine.kernel_map.lookup(int(machine.kernel_map.start))  # moves the lookup cache away
    machine.kernel_map.lookup(wanted.start)
    view = vm.Tree(machine.kernel_map)
    said = sentences(view)[:-1]
    compared = [text for text in said if says("map events: TreeCompared", text)]
    assert says("map events: TreeCompared/here", compared[-1])
    assert all(says("map events: TreeCompared/right", text) for text in compared[:-1])
    path = [node for node in at_step(view, -1).nodes if node.kind == "tree-node" and "path" in node.state]
    assert len(path) == len(compared)


@pytest.mark.parametrize("entries", [4, 12, 80])
def test_a_comparison_says_on_which_side_of_the_entry_the_address_lies(entries: int) -> None:
    target = machine_with(entries).kernel_map
    picture = vm.Tree(target)
    style = AddressStyle.of(target.start, target.end)
    sought = target.machine.journal.last.result
    entry_of = {one.id: one for one in target.entries()}
    labels = {node.id: node.text[0].text for node in picture.scene().nodes if node.id.endswith("/asked")}
    found = 0
    for name, label in labels.items():
        one = entry_of[int(name.split("/")[1])]
        for side, way, lies in (("lower", "left", sought < one.start), ("higher", "right", sought >= one.end)):
            if any(label.endswith(f" {side}{it}: {way}") for it in ("", f" than {style.long(one.start)}")):
                assert lies
                found += 1
    assert found >= 2, labels


def test_a_merge_says_why_and_grows_the_neighbour(machine: vm.Machine) -> None:
    machine.kernel_map.enter(PAGE)
    machine.kernel_map.enter(PAGE)
    scene = vm.Map(machine.kernel_map).scene()
    assert fields_of("map operations: enter", scene.caption.text)["size"] == "4 KiB"
    assert "same properties" in scene.caption.reason
    changed = [node for node in scene.nodes if node.lane == "list" and "changed" in node.state]
    assert [[run.text for run in node.text if run.text.endswith("KiB")] for node in changed] == [["8 KiB"]]


@pytest.mark.parametrize(("change", "word"), [({"prot": "r"}, "protection"), ({"nomerge": True}, "nomerge")])
def test_a_merge_that_fails_says_why(machine: vm.Machine, change: dict[str, object], word: str) -> None:
    before = len(machine.kernel_map)
    machine.kernel_map.enter(PAGE)
    machine.kernel_map.enter(PAGE, **change)  # type: ignore[arg-type]
    assert word in vm.Map(machine.kernel_map).scene().caption.reason
    assert len(machine.kernel_map) == before + 2


def test_a_cut_shows_both_parts_and_names_the_kernel_function(machine: vm.Machine) -> None:
    start = machine.kernel_map.enter(4 * PAGE)
    machine.kernel_map.remove(start + PAGE, size=PAGE)
    view = vm.Map(machine.kernel_map)
    scene = view.scene()
    assert (gone := fields_of("map operations: remove", scene.caption.text))["size"] == "4 KiB"
    assert gone["count"] == "1"
    assert saying("map operations: remove/cut", 2) in scene.caption.reason
    last = scene.steps.count
    functions = {name for step in range(1, last) for name in at_step(view, step).caption.functions}
    assert {"vm_map_remove", "vm_map_clip_start", "vm_map_clip_end", "vm_map_link", "rbtree_insert"} <= functions


def test_an_error_is_a_caption_too_and_nothing_is_marked_new(machine: vm.Machine) -> None:
    with pytest.raises(vm.KernelError):
        machine.kernel_map.enter("3 MiB", at=int(machine.kernel_map.start), fixed=True)
    scene = vm.Map(machine.kernel_map).scene()
    assert scene.caption.tone == "error"
    assert "NOMEM" in scene.caption.text
    assert not [node for node in scene.nodes if "new" in node.state]


def test_a_panic_is_told_and_the_dead_machine_can_be_looked_at(machine: vm.Machine) -> None:
    with pytest.raises(vm.KernelPanic):
        machine.unchecked.vm_map_enter(machine.kernel_map, 0, 123, 0, 0x277)
    scene = vm.Dashboard(machine).scene()
    assert scene.caption.tone == "panic"
    assert "size_unaligned" in scene.caption.text


def test_a_new_operation_brings_a_picture_from_its_step_to_the_present(machine: vm.Machine) -> None:
    machine.kernel_map.enter(PAGE)
    view = vm.Map(machine.kernel_map)
    view.step = 1
    machine.kernel_map.enter(PAGE, prot="r")
    assert (view.step, view.scene().steps.operation) == (-1, len(machine.journal) - 1)


def test_the_boot_can_be_stepped_from_an_empty_map() -> None:
    machine = vm.boot("x86-64")
    view = vm.Tree(machine.kernel_map)
    assert not [node for node in at_step(view, 0).nodes if node.kind == "tree-node"]
    said = [step.sentence for step in Moment(machine.journal[0]).story.steps]
    assert any(text.startswith("boot range") for text in said)
    assert any(text.startswith("kentry area") for text in said)
    assert any(text.startswith("kmem: ") for text in said)
    for step in range(view.scene().steps.count + 1):
        value = picture_at(view, machine.kernel_map, step)
        assert len(value.entries) == value.nr_entries, "other kernels' maps boot too, and are none of this one's"
        assert set(value.nodes) <= {entry.id for entry in value.entries}
    drawn = {node.thing for node in at_step(view, -1).nodes if node.kind == "tree-node"}
    assert drawn == {f"entry:{entry.id}" for entry in machine.kernel_map}


def test_kentry_and_tables_go_back_with_the_map(machine: vm.Machine) -> None:
    machine.kernel_map.enter(PAGE)
    (entry,) = (one for one in machine.kernel_map if not one.role)
    view = vm.Dashboard(machine)
    slots = [node.thing for node in at_step(view, -1).nodes if node.id.startswith("kentry/slot/")]
    assert f"entry:{entry.id}" in slots
    assert f"entry:{entry.id}" not in [n.thing for n in at_step(view, 0).nodes if n.id.startswith("kentry/slot/")]


def test_a_hint_that_breaks_the_alignment_is_told(machine: vm.Machine) -> None:
    free = int(machine.kernel_map.start) + 200 * PAGE + PAGE
    machine.kernel_map.enter(PAGE, at=free, align=2 * PAGE)
    assert "that does not count for a hint" in vm.Map(machine.kernel_map).scene().caption.reason


def test_a_panic_names_the_functions_that_never_returned() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    while len(machine.kernel_map) < 2 + machine.kentry.room:
        machine.kernel_map.enter(PAGE, prot=("r", "rw")[len(machine.kernel_map) % 2])
    with pytest.raises(vm.KernelPanic):
        machine.kernel_map.enter(PAGE, prot="x")
    functions = vm.Map(machine.kernel_map).scene().caption.functions
    assert functions[-1] == "vm_map_insert"
    assert "vm_map_kentry_alloc" not in functions, "it returned, and gave nothing"


def test_a_removal_counts_all_that_went_however_long_it_was() -> None:
    target = vm.boot("x86-64").kernel_map
    first = target.entries()[-1].end
    for index in range(1000):
        target.enter(PAGE, at=first + index * PAGE, prot=("rw", "r")[index % 2])
    target.remove(first, target.end)
    view = vm.Map(target)
    assert fields_of("map operations: remove", view.scene().caption.text)["count"] == "1,000"
    assert at_step(view, 0).caption.text == saying("moments: left out")


@pytest.mark.parametrize("ram", ["64 MiB", "1 GiB"])
def test_each_boot_stage_is_an_event_however_much_memory_there_is(ram: str) -> None:
    events = vm.boot("x86-64", ram=ram).journal[0].events
    stages = [event.name for event in events if isinstance(event, BootStage)]
    assert stages == ["physical memory", "kernel pmap", "boot range", "kentry area", "kmem", "up"]


@pytest.mark.parametrize("seed", range(8))
def test_a_folded_picture_goes_back_only_as_far_as_it_is_right(seed: int) -> None:
    machine = machine_with(700, seed=seed)
    draws = random.Random(seed)
    for _ in range(12):
        before = machine.kernel_map.value(whole=10**6)
        victim = draws.choice([entry for entry in before.entries if not entry.role])
        if draws.random() < 0.5:
            machine.kernel_map.remove(victim.start, size=victim.size * draws.choice([1, 40]))
        else:
            machine.kernel_map.enter(PAGE, prot=draws.choice(["r", "rw", "rx"]))
        view = vm.Map(machine.kernel_map)
        for step in range(view.scene().steps.count + 1):
            picture = picture_at(view, machine.kernel_map, step)
            ids = [item.id for item in picture.items]
            assert len(ids) == len(set(ids))
            assert len(picture.entries) + sum(fold.count for fold in picture.folds) == picture.nr_entries
            assert {entry.id for entry in picture.entries} >= set(picture.nodes)


def test_what_is_sought_is_told_and_led_to() -> None:
    machine = machine_with(700)
    entries = list(machine.kernel_map)
    machine.kernel_map.lookup(entries[10].start)
    view = vm.Tree(machine.kernel_map, find=entries[600].start + PAGE // 2)
    scene = view.scene()
    assert says("sought addresses: held", scene.caption.text)
    (here,) = [node for node in scene.nodes if "here" in node.state]
    assert here.thing == f"entry:{entries[600].id}"
    assert here.text, "what was found has a label"
    machine.kernel_map.enter(PAGE)
    assert says("map operations: enter", view.scene().caption.reason)


def test_a_search_shows_nothing_of_the_operation_before_it() -> None:
    machine = vm.boot("x86-64")
    space = machine.task("init").map
    starts = [int(space.enter(PAGE, at=0x40_0000 + number * 0x10_0000, fixed=True)) for number in range(7)]
    space.remove(starts[3], size=PAGE)
    assert any("new" in link.state for link in vm.Map(space).scene().links)
    scene = vm.Map(space, find=starts[5]).scene()
    states = {state for one in scene.links for state in one.state} | {each for one in scene.nodes for each in one.state}
    assert not states & {"new", "changed"}
    assert not [node for node in scene.nodes if node.kind == "ghost" or "/change/" in node.id]


def test_a_tree_says_how_long_its_search_was_and_then_what_the_operation_did() -> None:
    machine = machine_with(12)
    scene = vm.Tree(machine.kernel_map).scene()
    asked = [node.text[0].text.split(" ")[0] for node in scene.nodes if node.id.endswith("/asked")]
    assert fields_of("map pictures: tree/place", scene.caption.text)["count"] == str(len(asked)) == asked[-1]
    assert says("map operations: enter", scene.caption.reason)
    machine.task("init")
    caption = vm.Tree(machine.kernel_map).scene().caption
    assert says("map pictures: tree/state", caption.text)
    assert caption.reason == saying("moments: same")


def test_a_tree_says_that_it_was_rotated() -> None:
    space = vm.boot("x86-64", layout="small").task("init").map
    said = []
    for number in range(6):
        space.enter("4 KiB", at=0x40_0000 + number * 0x4000)
        caption = vm.Tree(space).scene().caption
        said.append(says("map pictures: tree/rotated", caption.text))
        assert said[-1] == (space.machine.journal.last.rotations > 0)
        assert not said[-1] or "comparisons" in caption.reason
    assert any(said) and not all(said)


def test_an_address_in_a_gap_is_told_with_the_gap() -> None:
    machine = machine_with(12)
    gap = list(machine.kernel_map)[5].end
    scene = vm.Map(machine.kernel_map, find=gap).scene()
    assert fields_of("sought addresses: free", scene.caption.text)["address"] == str(gap)


def test_a_list_out_of_order_is_marked_and_ribbon_and_tree_are_not() -> None:
    machine = vm.boot("x86-64", quirks={"clip-end-first"})
    task = machine.task("victim")
    for slot in range(4):
        task.map.enter(4 * PAGE, at=0x400000 + 8 * slot * PAGE, fixed=True)
    task.map.remove(0x400000, size=PAGE)
    scene = vm.Map(task.map).scene()
    assert says("map pictures: map/out of order", scene.caption.reason)
    assert [node for node in scene.nodes if node.lane == "list" and "fault" in node.state]
    starts = {f"entry:{entry.id}": entry.start for entry in task.map}
    for kind in ("range", "tree-node"):
        nodes = sorted((node for node in scene.nodes if node.kind == kind), key=lambda node: node.x)
        assert [starts[node.thing] for node in nodes] == sorted(starts.values())
    assert [node.id for node in scene.nodes if node.lane == "tree" and "fault" in node.state] == []
    assert [starts[node.thing] for node in scene.nodes if node.lane == "list" and node.thing in starts] != sorted(
        starts.values()
    )


def test_comparisons_are_not_written_where_a_rotation_has_moved_the_nodes(machine: vm.Machine) -> None:
    view = vm.Tree(three_in_a_row(machine))
    asked = [node.id for node in at_step(view, -1).nodes if node.id.endswith("/asked")]
    hung = next(i for i, text in enumerate(sentences(view), 1) if says("map events: TreeLinked/right", text))
    assert asked == []
    assert [node.id for node in at_step(view, hung).nodes if node.id.endswith("/asked")]


@pytest.mark.parametrize("entries", [400, 5000])
def test_a_stub_shows_its_whole_count(entries: int) -> None:
    machine = machine_with(entries, layout="x15-64")
    for kind in (vm.Tree, vm.Map):
        stubs = [node for node in kind(machine.kernel_map).scene().nodes if node.kind == "fold"]
        assert stubs
        assert [node.id for node in stubs if not node.text or "…" in node.text[0].text] == []


def test_steps_and_captions_of_changed_ranges_say_what_was_done() -> None:
    machine = vm.boot("x86-64")
    machine.object("heap")
    space = machine.task("t").map
    a = space.enter("64 KiB", at="1 MiB", object="heap")
    view = vm.Map(space)

    def sentences() -> list[str]:
        count = view.scene().steps.count
        told = []
        for step in range(1, count):
            view.step = step
            told.append(view.scene().caption.text)
        view.step = -1
        return told

    space.protect(a, size="16 KiB", prot="r")
    caption = view.scene().caption
    assert caption.text == saying("map operations: protect", size="16 KiB", address="0x10_0000", rights="r--")
    ranges = saying("map operations: range", changed=1, cut=1, joined=0)
    assert caption.reason == f"{ranges} {saying('map pictures: map/entries', 1, now=2)}"
    assert "vm_map_protect" in caption.functions
    assert any("rw- becomes r--" in one for one in sentences())
    changed = [node for node in view.scene().nodes if node.kind == "entry" and "changed" in node.state]
    assert len(changed) == 1
    space.wire(a, size="16 KiB")
    assert any(says("map events: EntryWired", one) for one in sentences())
    assert fields_of("map operations: wire", view.scene().caption.text)["size"] == "16 KiB"
    space.unwire(a, size="16 KiB")
    assert any(says("map events: EntryWired/no", one) for one in sentences())
    space.protect(a, size="16 KiB", prot="rw")
    assert says("map operations: range", view.scene().caption.reason)
    assert saying("map operations: range", changed=1, cut=0, joined=1) in view.scene().caption.reason
    space.simplify()
    assert view.scene().caption.text == saying("map operations: simplify/nothing")

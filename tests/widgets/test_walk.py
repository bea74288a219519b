"""A walk that is worked on: what the page asks goes through the door, and nonsense is refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import vmwidgets as vm
from tests.captions import says, whole
from tests.widgets.page import asked, draw
from vmwidgets.engine.mmu.formats import FORMATS
from vmwidgets.views.scene.model import Node

DATA = Path(__file__).parents[1] / "data" / "mmu"


@pytest.fixture
def machine() -> vm.Machine:
    return vm.boot("x86-64")


@pytest.fixture
def view(machine: vm.Machine) -> vm.Walk:
    made = vm.Walk(machine.walk(machine.kernel_map.start))
    made.scene()
    asked(made, type="open", id="walk/fold")
    return made


def verdict(view: vm.View) -> Node:
    return next(node for node in view.scene().nodes if node.kind == "verdict")


def test_turning_a_slice_walks_elsewhere(view: vm.Walk) -> None:
    start = view.address
    assert asked(view, type="turn", id="walk/slice/1", by=3) == ""
    assert view.address == start + 3 * 4096
    asked(view, type="turn", id="walk/slice/1", by=-1000)
    assert view.address == start
    asked(view, type="turn", id="walk/slice/offset", by=5)
    assert view.address == start + 5


def test_what_is_no_slice_is_refused(view: vm.Walk, machine: vm.Machine) -> None:
    before = view.address
    assert "is not a slice" in asked(view, type="turn", id="walk/slice/9", by=1)
    assert "is not a slice" in asked(view, type="turn", id="walk/verdict", by=1)
    assert "by is 1.5" in asked(view, type="turn", id="walk/slice/1", by=1.5)
    assert "nothing to turn" in asked(vm.Map(machine.kernel_map), type="turn", id="walk/slice/1", by=1)
    assert view.address == before


def test_a_bit_of_the_address_is_flipped_and_the_bits_above_follow(view: vm.Walk) -> None:
    start = view.address
    asked(view, type="open", id="walk/va/12")
    assert view.address == start ^ 1 << 12
    asked(view, type="open", id="walk/va/47")
    assert view.address == (start ^ 1 << 12) & (1 << 47) - 1
    asked(view, type="open", id="walk/va/63")
    assert "fault" in verdict(view).state
    assert verdict(view).text[0].text == "#GP"


def test_switches_change_the_access(view: vm.Walk) -> None:
    asked(view, type="open", id="walk/switch/write")
    asked(view, type="open", id="walk/switch/user")
    assert (view.access, view.user) == ("write", True)
    assert "may not" in whole(view.scene().caption)
    asked(view, type="open", id="walk/switch/supervisor")
    assert verdict(view).state == ("reached",)


def test_flipping_the_present_bit_is_an_operation_that_undo_takes_back(view: vm.Walk, machine: vm.Machine) -> None:
    before = machine.walk(view.address)
    assert asked(view, type="open", id="walk/bit/0") == ""
    assert machine.journal[-1].name == "set_descriptor"
    assert machine.walk(view.address).fault.kind == "not-present"
    assert {"fault", "changed"} <= set(verdict(view).state)
    assert says("walks: edited/reached", view.scene().caption.reason)
    bit = next(node for node in view.scene().nodes if node.id == "walk/bit/0")
    assert "changed" in bit.state
    assert "edited" in bit.title
    assert asked(view, type="open", id="walk/switch/undo") == ""
    assert machine.walk(view.address) == before
    assert verdict(view).state == ("reached",)
    assert "no 'walk/switch/undo'" in asked(view, type="open", id="walk/switch/undo")


def test_a_bit_that_was_flipped_twice_is_no_edit(view: vm.Walk) -> None:
    bit = next(node.id for node in view.scene().nodes if node.kind == "bit" and node.action)
    before = view.scene().caption
    asked(view, type="open", id=bit)
    assert says("walks: edited", view.scene().caption.reason)
    asked(view, type="open", id=bit)
    assert view.scene().caption.text == before.text
    assert not says("walks: edited", view.scene().caption.reason)
    assert "no 'walk/switch/undo'" in asked(view, type="open", id="walk/switch/undo")


def test_what_a_manager_domain_allows_against_the_descriptors_is_said() -> None:
    machine = vm.boot("armv7")
    task = machine.task("init")
    at = task.map.enter("4 KiB", at=0x40_0000, object=machine.object("data"))
    task.map.wire(at, size="4 KiB")
    task.map.protect(at, size="4 KiB", prot="r")
    machine.controls = replace(machine.controls, dacr=3)
    for access, is_overruled in ("read", False), ("write", True), ("execute", True):
        box = next(node for node in vm.Walk(task.walk(at, access)).scene().nodes if node.kind == "verdict")
        said = " ".join(run.text for run in box.text)
        assert ("a manager domain allows it" in said) == is_overruled, access


def test_the_selected_descriptor_is_the_one_that_is_edited(view: vm.Walk, machine: vm.Machine) -> None:
    top = machine.walk(view.address).steps[0]
    view.selection = f"pte:{top.pa:x}"
    draw(view)
    assert asked(view, type="open", id="walk/bit/0") == ""
    assert machine.walk(view.address).fault.level == top.level
    assert machine.standing_edits[0].pa == top.pa


@pytest.mark.parametrize("thing", ["pte:zz", "pte:", "pte:-1", "pte:" + "f" * 150, "entry:1"])
def test_any_selection_leaves_a_picture(view: vm.Walk, machine: vm.Machine, thing: str) -> None:
    for one in (view, vm.Tables(machine)):
        one.selection = thing
        draw(one)
        assert one.status == ""


def test_an_address_that_is_typed_is_walked(view: vm.Walk) -> None:
    asked(view, type="find", way=1, text="ffff 8080 0000 3000")
    assert view.address == 0xFFFF_8080_0000_3000
    assert "nothing in this picture is called 'over there'" in asked(view, type="find", way=1, text="over there")
    assert "64 bits" in asked(view, type="find", way=1, text="1" * 17)


def test_a_walk_without_a_machine_is_looked_at_and_not_edited() -> None:
    tables = vm.load_tables(DATA / "linux-armv7.jsonl.gz")
    view = vm.show(tables.walk(tables.queries[0].va))
    assert isinstance(view, vm.Walk)
    view.scene()
    asked(view, type="turn", id="walk/slice/2", by=1)
    assert view.address == tables.queries[0].va + (1 << 20)
    asked(view, type="open", id="walk/fold")
    assert "can't be opened" in asked(view, type="open", id="walk/bit/0")
    assert "32 bits" in asked(view, type="find", way=1, text="1 0000 0000")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_bits_of_every_descriptor_can_be_flipped_and_undone(name: str) -> None:
    machine = vm.boot(name)
    found = machine.walk(machine.kernel_map.start)
    view = vm.Walk(found)
    for step in found.steps:
        view.selection = f"pte:{step.pa:x}"
        for bit in range(step.level, 8 * FORMATS[name].entry_width, 11):
            view.scene()
            assert asked(view, type="open", id=f"walk/bit/{bit}") == ""
            assert view.status == ""
            assert asked(view, type="open", id="walk/switch/undo") == ""
    assert machine.walk(found.va) == found
    machine.check()


def test_a_domain_has_no_map_that_could_lack_an_entry() -> None:
    machine = vm.boot("armv7")
    domain, task = machine.domain("hello"), machine.task("hello")
    for walk, told in ((domain.walk(0x5000_0000), False), (task.walk(0x5000_0000), True)):
        assert ("no map entry" in vm.Walk(walk).to_svg()) is told


def test_tables_on_paper_have_no_map_that_could_lack_an_entry() -> None:
    tables = vm.paper(va=12, pa=12, page=64, layout="V PFN:6").map({1: 2}).page_tables()
    assert "no map entry" not in vm.Walk(tables.walk(0x101)).to_svg()


def test_a_slice_has_its_bits_as_a_number(machine: vm.Machine) -> None:
    machine.kernel_map.enter("16 KiB")
    view = vm.Walk(machine.walk(machine.kernel_map.start), address=0xFFFF_8080_0014_11A8)
    nodes = {node["id"]: node for node in view.to_json()["nodes"]}
    values = [nodes[f"walk/slice/{key}"]["value"] for key in ("top", "4", "3", "2", "1", "offset")]
    bits = "".join(f"{value:0{width}b}" for value, width in zip(values, (16, 9, 9, 9, 9, 12), strict=True))
    assert int(bits, 2) == view.address
    assert "value" not in nodes["walk/verdict"]


def test_titles_name_a_domain_as_its_learner_does() -> None:
    machine = vm.boot("x86-64")
    domain = machine.domain("a/b")
    place = domain.map(domain.frame())
    domain.write(place, b"x")
    assert vm.Walk(domain.walk(place)).scene().title == f"walk of {place} in a/b"
    assert vm.Dashboard(machine, panes="translation").scene().title == f"translation of {place} in a/b"


def test_within_an_operation_no_descriptor_is_marked_as_one_that_will_change() -> None:
    """Where the map has changed and the descriptor has not yet, the picture is of the descriptor as it still is."""
    machine = vm.boot("x86-64")
    task = machine.task("init")
    at = task.mmap("4 KiB")
    task.write(at, b"x")
    task.mprotect(at, "4 KiB", "r")
    view = vm.Walk(task.walk(at, "write"))

    def marked() -> bool:
        return any("changed" in node.state for node in view.scene().nodes)

    places = view.scene().steps.places
    assert len(places) > 2
    for place in places[1:-1]:
        view.moment = (machine.journal.last.serial, place)
        assert not marked(), place
    view.moment = (machine.journal.last.serial - 1, None)
    assert not marked(), "the walk was made later, so nothing of it was before"
    task.mprotect(at, "4 KiB", "rw")
    view.moment = None
    assert marked(), "after a later operation the result is another one"

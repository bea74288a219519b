"""Pictures stepped back show what was, in every part of them."""

from __future__ import annotations

import vmwidgets as vm
from tests.captions import saying
from vmwidgets.engine.selfpaging.domain_schema import DomainFocus
from vmwidgets.pictures.moments import window_of
from vmwidgets.views.scene.model import Scene


def at_first(view: vm.Kentry | vm.Dashboard) -> Scene:
    """The picture before the operation."""
    view.step = 0
    return view.scene()


def words(scene: Scene) -> str:
    return " ".join([scene.subtitle, *(run.text for node in scene.nodes for run in node.text)])


def test_before_a_reap_the_slab_that_it_returned_is_there() -> None:
    machine = vm.boot("x86-64", layout="small")
    space = machine.kernel_map
    taken = [space.enter("4 KiB", nomerge=True) for _ in range(60)]
    for address in taken[5:]:
        space.remove(address, size="4 KiB")
    before = vm.Kentry(machine).scene()
    machine.kentry.reap()
    view = vm.Kentry(machine)
    assert view.scene().caption.text == saying("map operations: reap", 1)
    stepped = at_first(view)
    assert stepped.subtitle == before.subtitle != view_now(machine)
    assert {node.id for node in stepped.nodes if node.kind == "slot" and node.lane == "kentry"} == {
        node.id for node in before.nodes if node.kind == "slot" and node.lane == "kentry"
    }
    drawn = [node.id for node in stepped.nodes if node.id.endswith("/title")]
    assert len(drawn) == machine.kentry.area.allocated + 1, "the slab's slots are drawn too"


def view_now(machine: vm.Machine) -> str:
    return vm.picture(machine.kentry).scene().subtitle


def test_before_an_entry_is_made_the_walk_beside_it_knows_of_none() -> None:
    machine = vm.boot("x86-64")
    address = machine.kernel_map.enter("16 KiB", prot="r")
    (entered,) = (entry for entry in machine.kernel_map.entries() if entry.start == address)
    dashboard = vm.Dashboard(machine)
    dashboard.opened("walk/line")
    assert f"entry {entered.id}" in words(dashboard.scene())
    assert f"entry {entered.id}" not in words(at_first(dashboard))


def test_an_operation_in_an_undone_ones_place_is_not_taken_for_it() -> None:
    machine = vm.boot("x86-64")
    domain = machine.domain("hello")
    frame, focus = domain.frame("16 KiB"), DomainFocus()
    domain.map(frame, size="4 KiB")
    undone, number = window_of(domain, focus), machine.journal.last.number
    assert window_of(domain, focus) is undone, "it is taken once after an operation"
    machine.undo()
    domain.map(frame, size="16 KiB")
    assert machine.journal.last.number == number
    shown = window_of(domain, focus)
    assert shown != undone
    assert shown == domain.window(focus)

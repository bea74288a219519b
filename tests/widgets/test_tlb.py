"""What a page asks of processors goes through the door."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.widgets.page import asked


@pytest.fixture
def machine() -> vm.Machine:
    made = vm.boot("x86-64", cpus=2)
    task = made.task("init")
    at = task.map.enter("16 KiB", object=made.object("heap"))
    task.write(at, b"x")
    for cpu in made.cpus:
        cpu.run("init")
        cpu.load(at)
    return made


def test_shootdowns_are_set_and_acknowledged_by_clicks(machine: vm.Machine) -> None:
    view = vm.show(machine.cpus)
    assert isinstance(view, vm.Tlb)
    view.scene()
    assert asked(view, type="open", id="tlb/switch/sent") == ""
    assert machine.cpus.shootdown == "sent"
    machine.tasks["init"].map.remove(0, size="4 KiB")
    assert len(machine.cpus[1].value().tlb.stale) == 1
    view.refresh()
    assert asked(view, type="open", id="tlb/cpu:1/pending/0") == ""
    assert machine.journal[-1].name == "acknowledge"
    assert machine.cpus[1].value().tlb.stale == ()
    assert "no 'tlb/cpu:1/pending/0'" in asked(view, type="open", id="tlb/cpu:1/pending/0")


def test_a_processor_that_is_not_drawn_in_full_is_opened() -> None:
    machine = vm.boot("x86-64", cpus=6)
    address = machine.kmem_malloc("4 KiB")
    for cpu in machine.cpus:
        cpu.load(address)
    view = vm.Tlb(machine)
    assert not any(node.id.startswith("tlb/cpu:5/set") for node in view.scene().nodes)
    assert asked(view, type="open", id="tlb/cpu:5") == ""
    assert any(node.id.startswith("tlb/cpu:5/set") for node in view.scene().nodes)


def test_sets_that_are_not_shown_are_opened() -> None:
    machine = vm.boot("x86-64", tlb=(64, 1))
    address = machine.kmem_malloc("256 KiB")
    for page in range(40):
        machine.cpus[0].load(address + 4096 * page)
    view = vm.Tlb(machine)
    (more,) = [node for node in view.scene().nodes if node.kind == "fold"]
    before = {node.id for node in view.scene().nodes if node.kind == "slot"}
    assert asked(view, type="open", id=more.id) == ""
    assert not before & {node.id for node in view.scene().nodes if node.kind == "slot"}


@pytest.mark.parametrize("target", [None, 5, [], "cpu:0"])
def test_what_has_no_tlb_is_refused(target: object) -> None:
    with pytest.raises(vm.Refused, match="Tlb shows a machine or its processors"):
        vm.Tlb(target)  # type: ignore[arg-type]  # what learners write

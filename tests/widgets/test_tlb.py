"""What a page asks of processors goes through the door."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.widgets.page import asked, draw


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
    draw(view)
    assert asked(view, type="open", id="tlb/cpu:1/pending/0") == ""
    assert machine.journal[-1].name == "acknowledge"
    assert machine.cpus[1].value().tlb.stale == ()
    assert "no 'tlb/cpu:1/pending/0'" in asked(view, type="open", id="tlb/cpu:1/pending/0")


def grids(view: vm.Tlb) -> list[str]:
    """The processors whose cells are drawn."""
    return sorted({node.id.split("/")[1] for node in view.scene().nodes if node.kind == "slot"})


def loaded(cpus: int) -> vm.Machine:
    """A machine whose processors all keep one translation."""
    machine = vm.boot("x86-64", cpus=cpus)
    address = machine.kmem_malloc("4 KiB")
    for cpu in machine.cpus:
        cpu.load(address)
    return machine


def test_a_folded_processor_is_opened_by_a_click_and_the_one_opened_first_folds() -> None:
    machine = loaded(8)  # a view does not keep its machine
    view = vm.Tlb(machine)
    assert grids(view) == ["cpu:0", "cpu:1", "cpu:2", "cpu:3"]
    assert asked(view, type="open", id="tlb/cpu:6/fold") == ""
    assert grids(view) == ["cpu:0", "cpu:1", "cpu:2", "cpu:6"], "cpu:0, which did it all, is the last to fold"
    assert asked(view, type="open", id="tlb/cpu:3/fold") == ""
    assert grids(view) == ["cpu:0", "cpu:1", "cpu:3", "cpu:6"]
    assert "no 'tlb/cpu:3/fold'" in asked(view, type="open", id="tlb/cpu:3/fold")
    assert not any(node.action for node in view.scene().nodes if node.kind == "label"), "a name moves nothing"


@pytest.mark.parametrize("number", [0, 3, 5, 7])
def test_the_processor_that_was_asked_for_is_open_and_folds_last(number: int) -> None:
    machine = loaded(8)
    view = vm.Tlb(machine.cpus[number])
    for _ in range(3):
        assert f"cpu:{number}" in grids(view)
        fold = next(node.id for node in view.scene().nodes if node.id.endswith("/fold"))
        assert asked(view, type="open", id=fold) == ""
    assert f"cpu:{number}" in grids(view)


def test_older_shootdowns_are_opened_by_a_click() -> None:
    machine = vm.boot("x86-64", cpus=2)
    machine.cpus.shootdown = "sent"
    for _ in range(20):
        machine.kmem_free(machine.kmem_malloc("4 KiB"), "4 KiB")
    waiting = len(machine.cpus[1].value().pending)
    assert waiting > 16
    view = vm.Tlb(machine)

    def drawn() -> list[int]:
        return [int(node.id.rpartition("/")[2]) for node in view.scene().nodes
                if "/pending/" in node.id and node.kind != "around" and not node.id.endswith("/count")]  # fmt: skip

    assert drawn() == [waiting - 1, waiting - 2, waiting - 3], "the newest first"
    (fold,) = [node for node in view.scene().nodes if "/older/" in node.id]
    assert fold.text[0].text == f"… {waiting - 3} older"
    assert asked(view, type="open", id=fold.id) == ""
    assert drawn() == list(range(waiting - 1, waiting - 16, -1))
    assert asked(view, type="open", id=f"tlb/cpu:1/pending/{waiting - 9}") == ""
    assert drawn() == []


def test_sets_that_are_not_shown_are_opened() -> None:
    machine = vm.boot("x86-64", tlb=(256, 16))
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
        vm.Tlb(target)


def test_inside_an_operation_each_processor_is_as_it_was_there(machine: vm.Machine) -> None:
    view = vm.Tlb(machine)
    machine.tasks["init"].map.remove(0, size="4 KiB")
    assert not any(cpu.value().tlb.stale for cpu in machine.cpus)
    seen = []
    for step in range(1, view.scene().steps.count):
        view.step = step
        scene = view.scene()
        kept = [node.id.split("/")[1] for node in scene.nodes if node.kind == "slot" and "free" not in node.state]
        stale = [node.id.split("/")[1] for node in scene.nodes if node.kind == "slot" and "fault" in node.state]
        seen.append((scene.caption.text.split()[0], kept, stale))
    first, *_, last = seen
    second = next(one for one in seen if one[0] == "cpu:0")
    assert first[1:] == (["cpu:0", "cpu:1"], ["cpu:0", "cpu:1"]), (
        "the descriptor is written, and both keep what it held"
    )
    assert second == ("cpu:0", ["cpu:1"], ["cpu:1"]), "cpu:0 has dropped it, cpu:1 has not heard of it"
    assert last == ("cpu:1", [], [])

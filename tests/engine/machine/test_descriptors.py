"""Descriptors edited by hand: exactly what was asked, exactly undone, and refused where there is no descriptor."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vmwidgets as vm
from vmwidgets.engine.mmu.formats import FORMATS

EVERY = sorted(FORMATS)


def memory_of(machine: vm.Machine) -> dict[int, bytes]:
    """All frames that hold something."""
    return {frame: bytes(data) for frame, data in machine.system.ram._frames.items() if any(data)}


@pytest.mark.parametrize("name", EVERY)
def test_any_edit_of_any_step_is_undone_exactly(name: str) -> None:
    machine = vm.boot(name)
    found = machine.walk(machine.kernel_map.start)
    before = memory_of(machine)
    width = 8 * FORMATS[name].entry_width
    for step in found.steps:
        for bit in range(0, width, 7):
            machine.set_descriptor(step.pa, step.value ^ 1 << bit)
            assert machine.system.ram.read_word(step.pa, width // 8) == step.value ^ 1 << bit
            machine.walk(found.va)
            machine.tables.now()
            assert machine.undo_descriptor() == step.pa
            assert memory_of(machine) == before
    assert machine.walk(found.va) == found
    machine.check()


@pytest.mark.parametrize("name", EVERY)
def test_a_cleared_descriptor_is_the_right_fault_at_its_level(name: str) -> None:
    machine = vm.boot(name)
    found = machine.walk(machine.kernel_map.start)
    for step in found.steps:
        machine.set_descriptor(step.pa, 0)
        fault = machine.walk(found.va).fault
        assert (fault.kind, fault.level) == ("not-present", step.level)
        machine.check()  # the kernel's own invariants: an edit is not its doing
        machine.undo_descriptor()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 63)), max_size=12))
def test_many_edits_are_undone_in_turn(edits: list[tuple[int, int]]) -> None:
    machine = MACHINE
    found = machine.walk(machine.kernel_map.start)
    before = memory_of(machine)
    for step, bit in edits:
        pa = found.steps[step].pa
        machine.set_descriptor(pa, machine.system.ram.read_word(pa, 8) ^ 1 << bit)
    assert machine.before_edits.keys() <= {step.pa for step in found.steps}
    while machine.standing_edits:
        machine.undo_descriptor()
    assert memory_of(machine) == before


MACHINE = vm.boot("x86-64")


def test_an_edit_is_journaled_and_done_again_by_a_replay() -> None:
    machine = vm.boot("x86-64")
    step = machine.walk(machine.kernel_map.start).steps[-1]
    machine.set_descriptor(step.pa, step.value & ~2)
    event = machine.journal[-1].events[-1]
    assert isinstance(event, vm.events.PteWritten)
    assert (event.pa, event.before, event.after, event.level) == (step.pa, step.value, step.value & ~2, 1)
    assert event.va == machine.kernel_map.start
    twin = machine.branch(len(machine.journal) - 1)
    assert memory_of(twin) == memory_of(machine)


def test_what_the_kernel_has_written_since_is_not_undone() -> None:
    machine = vm.boot("x86-64")
    address = machine.kmem_malloc("4 KiB")
    step = machine.walk(address).steps[-1]
    machine.set_descriptor(step.pa, step.value & ~2)
    machine.kmem_free(address, "4 KiB")
    now = machine.system.ram.read_word(step.pa, 8)
    with pytest.raises(vm.Refused, match="nothing to undo"):
        machine.undo_descriptor()
    assert machine.system.ram.read_word(step.pa, 8) == now


def test_a_tasks_tables_are_edited_too() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    at = task.map.enter("4 KiB", object=machine.object("heap"))
    task.write(at, b"here")
    step = task.walk(at).steps[-1]
    machine.set_descriptor(step.pa, step.value & ~4)
    assert task.walk(at).fault.kind == "protection"
    assert machine.standing_edits[0].space == "init"
    machine.undo_descriptor()
    assert task.walk(at).ok


def test_edits_in_tables_that_an_edit_cut_off_are_still_possible() -> None:
    machine = vm.boot("x86-64")
    top, *_, leaf = machine.walk(machine.kernel_map.start).steps
    machine.set_descriptor(top.pa, 0)
    machine.set_descriptor(leaf.pa, leaf.value & ~2)
    machine.undo_descriptor()
    machine.undo_descriptor()
    assert machine.walk(machine.kernel_map.start).ok


@pytest.mark.parametrize(
    ("pa", "value", "words"),
    [
        (0, 1, "not in any page table"),
        (1 << 45, 1, "outside of memory"),
        (4, 1, "not aligned"),
        (-8, 1, "negative"),
        ("over there", 1, "over there"),
        (None, 1, "pa=None is no value"),
        ("root", 1 << 64, "does not fit: a descriptor here has 64 bits"),
        ("root", -1, "does not fit"),
        ("root", 1 << 4000, "does not fit"),
        ("root", "1", "is a str"),
        ("root", True, "is a bool"),
    ],
)
def test_nonsense_is_refused_and_nothing_has_changed(pa: Any, value: Any, words: str) -> None:
    before, operations = memory_of(MACHINE), len(MACHINE.journal)
    with pytest.raises(vm.Refused, match=words):
        MACHINE.set_descriptor(MACHINE.pmap.root if pa == "root" else pa, value)
    assert (memory_of(MACHINE), len(MACHINE.journal)) == (before, operations)


def test_the_kernel_takes_down_what_it_put_up_whatever_an_edit_shows_the_hardware() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    at = task.map.enter("64 KiB", object=machine.object("heap"))
    task.write(at, b"here")
    above = task.walk(at).steps[-2]
    machine.set_descriptor(above.pa, above.value ^ 1 << 16)  # another table, which is none
    assert task.walk(at).pa is None
    task.map.remove(at, size="64 KiB")
    machine.check()
    assert [edit.pa for edit in machine.standing_edits] == []
    with pytest.raises(vm.Refused, match="nothing to undo"):
        machine.undo_descriptor()


@pytest.mark.parametrize("architecture", EVERY)
def test_a_machine_that_died_of_an_edit_goes_on_when_it_is_taken_back(architecture: str) -> None:
    """Its kernel's own tables are cut off, and it notices when it needs them."""
    machine = vm.boot(architecture)
    address = machine.kmem_malloc("4 KiB")
    machine.write(address, b"kept")
    before = machine.walk(address)
    machine.set_descriptor(before.steps[0].pa, 0)
    assert machine.walk(address).fault is not None
    with pytest.raises(vm.KernelPanic, match="kenter_no_table"):
        machine.kmem_malloc("64 KiB")
    with pytest.raises(vm.Refused, match="this machine is dead"):
        machine.kmem_free(address, "4 KiB")
    assert machine.undo_descriptor() == before.steps[0].pa
    assert machine.walk(address) == before
    assert machine.read(address, 4) == b"kept"
    machine.kmem_free(machine.kmem_malloc("64 KiB"), "64 KiB")
    machine.check()
    assert memory_of(machine.branch(len(machine.journal) - 1)) == memory_of(machine)


@pytest.mark.parametrize(("architecture", "bit"), [("x86-64", 38), ("riscv-sv39", 50), ("aarch64", 38)])
def test_a_kernel_that_is_led_out_of_memory_panics_and_lets_go_of_its_locks_when_that_is_undone(
    architecture: str, bit: int
) -> None:
    machine = vm.boot(architecture)
    address = machine.kmem_malloc("4 KiB")
    step = machine.walk(address).steps[1]
    machine.set_descriptor(step.pa, step.value | 1 << bit)
    with pytest.raises(vm.KernelPanic, match="table_outside_ram"):
        machine.kmem_malloc("16 KiB")
    with pytest.raises(vm.Refused, match=r"undo_descriptor\(\) undoes the latest edit"):
        machine.kmem_free(address, "4 KiB")
    machine.undo_descriptor()
    machine.check()
    machine.kmem_free(address, "4 KiB")
    machine.kmem_free(machine.kmem_malloc("16 KiB"), "16 KiB")
    machine.check()


@pytest.mark.parametrize("architecture", EVERY)
def test_pages_that_were_wired_in_a_table_that_was_cut_off_stay_mapped(architecture: str) -> None:
    machine = vm.boot(architecture)
    task = machine.task("init")
    at = task.map.enter("4 MiB", at="64 MiB", object=machine.object("heap"))
    task.map.wire(at, size="4 KiB")
    task.write(at, b"wired")
    machine.set_descriptor(task.walk(at).steps[0].pa, 0)
    task.write(at + vm.PAGE, b"x")
    machine.check()
    assert task.walk(at).ok
    assert task.read(at, 5) == b"wired"


@pytest.mark.parametrize("change", [lambda word: 0, lambda word: word & ~1, lambda word: word ^ 1 << 30])
@pytest.mark.parametrize("architecture", EVERY)
def test_whoever_is_made_while_the_kernels_root_is_edited_is_put_right_too(architecture: str, change: Any) -> None:
    machine = vm.boot(architecture)
    top = machine.walk(machine.kernel_map.start).steps[0]
    machine.set_descriptor(top.pa, change(top.value))
    task = machine.task("late")
    domain = machine.domain("late") if architecture in ("armv7", "x86-64") else None
    machine.undo_descriptor()
    machine.check()
    for tables in (task.space.pmap, *([domain.space.pmap] if domain else [])):
        assert tables.walk(machine.kernel_map.start).fault is None


@pytest.mark.parametrize("architecture", ["x86", "x86-64", "riscv-sv39"])
def test_a_task_made_while_an_edit_stood_is_put_right_with_it(architecture: str) -> None:
    """It copied the kernel's slots, the edited one among them."""
    machine = vm.boot(architecture)
    address = machine.kernel_map.enter("4 KiB")
    top = machine.walk(address).steps[0]
    descriptor = machine.system.pmap.fmt.root_level.of_kind("table")
    machine.set_descriptor(top.pa, descriptor.place(machine.system.pmap.root))
    task = machine.task("made meanwhile")
    machine.check()
    machine.undo_descriptor()
    machine.check()
    assert task.space.pmap.walk(address).steps[0].value == top.value


@pytest.mark.parametrize("architecture", EVERY)
def test_a_fault_below_a_table_that_was_cut_off_has_the_kernel_write_its_descriptor_again(architecture: str) -> None:
    machine = vm.boot(architecture)
    task = machine.task("init")
    at = task.map.enter("8 KiB", object=machine.object("heap"))
    task.write(at, b"here")
    used = len(task.space.pmap.tables)
    first = task.walk(at).steps[0]
    machine.set_descriptor(first.pa, 0)
    machine.check()
    task.write(at + vm.PAGE, b"more")  # not in the TLB: a fault, and the way to its page is the kernel's
    assert len(task.space.pmap.tables) == used
    assert task.walk(at).steps[0].value == first.value
    machine.check()
    with pytest.raises(vm.Refused, match="nothing to undo"):
        machine.undo_descriptor()
    assert task.read(at, 4) == b"here"


def test_a_check_says_that_tables_were_edited() -> None:
    machine = vm.boot("x86-64")
    task = machine.task("init")
    top = machine.walk(machine.kernel_map.start).steps[0]
    machine.set_descriptor(top.pa, 0)
    machine.task("another")
    with suppress(vm.Broken):
        machine.check()
    machine.undo_descriptor()
    assert task.walk(0).fault is not None


WRONG = {
    "enter: missing a required argument: 'size'; it takes enter(size": lambda m: m.kernel_map.enter(),
    "enter: got an unexpected keyword argument 'colour'; it takes": lambda m: m.kernel_map.enter(4096, colour="red"),
    "enter: too many positional arguments; it takes": lambda m: m.kernel_map.enter(4096, 4096),
    "enter: multiple values for argument 'size'; it takes": lambda m: m.kernel_map.enter(4096, size=4096),
    "kmem_free: missing a required argument: 'size'; it takes": lambda m: m.kmem_free("kernel_map", 4096),
    "inherit: missing a required argument: 'inherit'; it takes": lambda m: m.kernel_map.inherit(m.kernel_map.start),
    "undo_descriptor: too many positional arguments; it takes undo_descriptor()": lambda m: m.undo_descriptor(1),
}


@pytest.mark.parametrize("says", WRONG)
@pytest.mark.parametrize("undone", [False, True])
def test_wrong_arguments_are_pythons_error_and_the_machine_lives(says: str, undone: bool) -> None:
    machine = vm.boot("x86-64", layout="tiny")
    leaf = machine.walk(machine.kernel_map.start).steps[-1]
    machine.set_descriptor(leaf.pa, leaf.value ^ 1 << 9)
    if undone:
        machine.undo_descriptor()
    before = len(machine.journal)
    with pytest.raises(TypeError) as caught:
        WRONG[says](machine)
    assert str(caught.value).startswith(says)
    assert not machine.dead
    assert len(machine.journal) == before
    machine.kernel_map.enter("4 KiB")
    machine.check()


def test_wrong_arguments_in_a_thread_end_the_thread_alone() -> None:
    machine: Any = vm.boot("x86-64", layout="tiny")
    leaf = machine.walk(machine.kernel_map.start).steps[-1]
    machine.set_descriptor(leaf.pa, leaf.value ^ 1 << 9)

    def forgetful() -> None:
        machine.kernel_map.enter()

    machine.spawn(forgetful)
    with pytest.raises(vm.VMError, match="enter: missing a required argument: 'size'"):
        machine.run()
    assert not machine.dead
    machine.check()


def test_once_no_edit_is_in_force_an_error_of_the_engine_is_its_own() -> None:
    machine = vm.boot("x86-64", layout="tiny")
    leaf = machine.walk(machine.kernel_map.start).steps[-1]
    assert not machine.door.edits.places
    machine.set_descriptor(leaf.pa, leaf.value ^ 1 << 9)
    assert machine.door.edits.places
    machine.undo_descriptor()
    assert not machine.door.edits.places
    with pytest.raises(ZeroDivisionError):
        machine.door.operate("machine", "fails", (), lambda: 1 // 0)
    assert not machine.dead

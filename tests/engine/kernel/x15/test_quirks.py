"""Each of the original's bugs, mended and switched on: what a learner sees on a machine.

pmap-current-only is also in test_pmap.py; the recorded traces pin 1, 2, 3 and 13 of the facts.
"""

from __future__ import annotations

from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.kernel.maps import FIXED, LOW, NOMERGE, PAGE, RW, Space
from vmwidgets.engine.kernel.x15 import ALL_QUIRKS, X15_QUIRKS

NUMBERS = (1, 2, 3, 8, 9, 10, 12, 13, 15, 17)


def test_every_quirk_of_the_facts_has_a_name_that_a_machine_knows():
    assert len(X15_QUIRKS) == len(NUMBERS)
    assert frozenset(X15_QUIRKS) == ALL_QUIRKS
    assert vm.boot("x86-64", quirks=ALL_QUIRKS).quirks == ALL_QUIRKS
    assert vm.boot("x86-64").quirks == frozenset()


def both(name):
    return Space(), Space(quirks=frozenset({name}))


def machines(name, **options):
    return vm.boot("x86-64", **options), vm.boot("x86-64", quirks={name}, **options)


def test_clip_end_first():
    right, wrong = both("clip-end-first")
    for space in (right, wrong):
        space.fixed(LOW, 4 * PAGE)
        space.fixed(0x30000)
        space.map.remove(LOW, LOW + PAGE)
    assert right.ranges == [(LOW + PAGE, LOW + 4 * PAGE), (0x30000, 0x31000)]
    assert wrong.ranges == [(0x30000, 0x31000), (LOW + PAGE, LOW + 4 * PAGE)]
    right.map.check()
    with pytest.raises(vm.Broken, match=r"^rule 1 of the map: list and tree of map differ"):
        wrong.map.check()


def test_clip_end_first_only_concerns_the_first():
    wrong = Space(quirks=frozenset({"clip-end-first"}))
    wrong.fixed(LOW)
    wrong.fixed(0x20000, 4 * PAGE)
    wrong.fixed(0x30000)
    wrong.map.remove(0x20000, 0x21000)
    assert wrong.ranges == sorted(wrong.ranges)
    alone = Space(quirks=frozenset({"clip-end-first"}))
    alone.fixed(0x20000, 4 * PAGE)
    alone.map.remove(0x20000, 0x21000)
    alone.map.check()


def test_out_of_map():
    right, wrong = both("out-of-map")
    with pytest.raises(vm.KernelError, match="NOMEM"):
        right.enter(PAGE, align=0x100000)
    assert wrong.enter(PAGE, align=0x100000) == 0x100000
    assert right.enter(PAGE) == LOW
    with pytest.raises(vm.KernelPanic, match="search_past_end"):
        wrong.enter(PAGE)


def test_nomerge_enter():
    right, wrong = both("nomerge-enter")
    for expected in (LOW, LOW + PAGE):
        assert right.enter(PAGE, flags=RW | NOMERGE) == expected
    assert len(right.ranges) == 2
    with pytest.raises(vm.KernelPanic, match="nomerge_enter"):
        wrong.enter(PAGE, flags=RW | NOMERGE)
    assert (wrong.ranges, wrong.find) == ([], (LOW + PAGE, 0)), "after the search"
    release = Space(quirks=frozenset({"nomerge-enter"}), assertions=False)
    release.enter(PAGE, flags=RW | NOMERGE)
    release.enter(PAGE, flags=RW | NOMERGE)
    assert release.ranges == [(LOW, LOW + 2 * PAGE)]


@pytest.mark.parametrize(("bits", "cut"), [(32, 0x5000), (64, 0x3_0000_5000)])
def test_offset_cut(bits, cut):
    for quirks, offset in ((frozenset(), 0x3_0000_5000), (frozenset({"offset-cut"}), cut)):
        space = Space(bits=bits, quirks=quirks)
        space.fixed(LOW, target="a", offset=0x3_0000_5000)
        assert next(iter(space.map)).offset == offset


def test_remove_forgets():
    right, wrong = both("remove-forgets")
    for space in (right, wrong):
        space.fixed(LOW, 2 * PAGE, target="a")
        space.objects["a"].ask_pager(0)
        space.map.remove(LOW + PAGE, LOW + 2 * PAGE)
    assert (right.objects["a"].references, wrong.objects["a"].references) == (1, 0)
    right.map.remove(LOW, LOW + PAGE)
    wrong.map.remove(LOW, LOW + PAGE)
    assert (right.unmapped, wrong.unmapped) == ([(LOW + PAGE, LOW + 2 * PAGE), (LOW, LOW + PAGE)], [])
    assert (right.pager.released, wrong.pager.released) == ([0], [])


def test_remove_forgets_lets_a_task_read_what_is_gone():
    for machine, expected in zip(machines("remove-forgets"), ("FAULT", b"secret"), strict=True):
        task = machine.task("t")
        machine.object("file")
        address = task.map.enter(PAGE, at=0x400000, object="file")
        task.write(address, b"secret")
        task.map.remove(address, size=PAGE)
        try:
            found = task.read(address, 6)
        except vm.KernelError as error:
            found = error.name
        assert found == expected


def test_static_remove():
    right, wrong = machines("static-remove")
    roles = ["boot range", "kentry area", "kernel memory"]
    for entry in right.kernel_map:
        with pytest.raises(vm.Refused, match=f"touches the {entry.role}"):
            right.kernel_map.remove(entry.start, entry.end)
    assert [entry.role for entry in right.kernel_map] == roles
    boot, _, kmem = wrong.kernel_map
    with pytest.raises(vm.Refused, match="touches the kernel memory"):
        wrong.kernel_map.remove(kmem.start, kmem.end)
    wrong.kernel_map.remove(boot.start, boot.end)
    assert [entry.role for entry in wrong.kernel_map] == roles[1:]


def fill(kernel_map):
    for _ in range(200):
        kernel_map.enter(PAGE, nomerge=True)


def test_kentry_unlocked():
    names = []
    for machine in machines("kentry-unlocked", layout="tiny"):
        with pytest.raises(vm.KernelPanic) as caught:
            fill(machine.kernel_map)
        names.append(caught.value.name)
        assert machine.dead
    assert names == ["entry_create", "kentry_exhausted"]


def test_fault_null_object():
    right, wrong = machines("fault-null-object")
    expected: list[tuple[Any, Any, str]] = [
        (right, vm.KernelError, "FAULT"),
        (wrong, vm.KernelPanic, "fault_null_object"),
    ]
    for machine, kind, name in expected:
        task = machine.task("t")
        address = task.map.enter(PAGE, at=0x400000)
        with pytest.raises(kind) as caught:
            task.read(address)
        assert caught.value.name == name
    assert (right.dead, wrong.dead) == (False, True)


def test_pmap_current_only():
    right, wrong = machines("pmap-current-only")
    for machine in (right, wrong):
        task = machine.task("t")
        machine.object("file")
        address = task.map.enter(PAGE, at=0x400000, object="file")
        if machine is right:
            task.write(address, b"x")
        else:
            with pytest.raises(vm.KernelPanic, match="pmap_not_current"):
                task.write(address, b"x")


def test_anonymous_not_zeroed():
    found = []
    for machine in machines("anonymous-not-zeroed"):
        task = machine.task("t")
        for name in ("first", "second"):
            machine.object(name)
            address = task.map.enter(PAGE, at=0x400000, object=name)
            before = task.read(address, 6)
            task.write(address, b"secret")
            task.map.remove(address, size=PAGE)
        found.append(before)
    assert found == [bytes(6), b"secret"]


def test_unchecked_goes_below_the_door_where_the_quirks_live():
    """Even with all bugs on, the door refuses nonsense; below it assertions are panics."""
    machine = vm.boot("x86-64", quirks=ALL_QUIRKS)
    with pytest.raises(vm.Refused):
        machine.kernel_map.enter(0)
    assert not machine.dead
    with pytest.raises(vm.KernelPanic, match="start_unaligned"):
        machine.unchecked.vm_map_enter(machine.kernel_map, 5, PAGE, 0, RW | FIXED)
    assert machine.dead

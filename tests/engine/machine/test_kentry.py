"""The area that the kernel map's entries live in, on a machine: real addresses, real pages."""

from __future__ import annotations

import pytest

import vmwidgets as vm


@pytest.fixture
def machine():
    return vm.boot("x86-64", layout="tiny", ram="8 MiB")


def left(machine):
    """How many entries are still to be had."""
    return machine.kentry.room - machine.kentry.cache.allocated


def fill(machine, count):
    """Ranges of a page that never merge; nothing to remember."""
    return [machine.kernel_map.enter(4096, nomerge=True) for _ in range(count)]


def addresses(machine):
    return [entry.address for entry in machine.kernel_map if not entry.role]


def kmem_slot(machine):
    """Where kernel memory's entry lives: it took the first slot at boot."""
    (slot,) = (entry.address for entry in machine.kernel_map if entry.role == "kernel memory")
    return slot


def test_an_entry_lives_at_area_plus_slab_plus_slot(machine):
    fill(machine, 3)
    area = machine.kentry.start
    # 50 buffers of 80 bytes; a new slab gives its highest buffer first, and the first slab's colour is 0
    assert kmem_slot(machine) == area + 49 * 80
    assert addresses(machine) == [area + 48 * 80, area + 47 * 80, area + 46 * 80]
    assert all(machine.walk(address).ok for address in addresses(machine))


def test_the_next_slab_is_shifted_by_a_colour(machine):
    fill(machine, 50)  # with kernel memory's entry, one more than a slab holds
    assert addresses(machine)[49] == machine.kentry.start + 4096 + 8 + 49 * 80


def test_a_slot_that_came_back_is_the_next_to_be_used(machine):
    ranges = fill(machine, 3)
    slot = addresses(machine)[1]
    machine.kernel_map.remove(ranges[1], size=4096)
    fill(machine, 1)
    assert slot in addresses(machine)


def test_slabs_get_a_page_when_they_are_made_and_give_it_back_when_reaped():
    machine = vm.boot("x86-64", layout="small")
    free = machine.system.pages.free_pages
    first = machine.kentry.start
    ranges = fill(machine, 49 + 50 * 2)  # the rest of the first slab, and two more
    assert machine.system.pages.free_pages == free - 2
    assert all(machine.walk(first + slab * 4096).ok for slab in range(3))
    machine.kernel_map.remove(ranges[0], size=50 * 4096)
    machine.kernel_map.remove(ranges[50], size=99 * 4096)
    assert machine.system.pages.free_pages == free - 2, "an empty slab stays"
    machine.check()
    assert machine.kentry.reap() == 2
    assert machine.system.pages.free_pages == free
    assert [machine.walk(first + slab * 4096).ok for slab in range(3)] == [True, False, False], (
        "kernel memory's entry keeps the first slab"
    )
    machine.check()
    assert machine.kentry.reap() == 0


def test_reaping_takes_only_slabs_that_are_empty(machine):
    ranges = fill(machine, 60)
    machine.kernel_map.remove(ranges[49], size=11 * 4096)
    assert machine.kentry.reap() == 1
    assert machine.kentry.area.allocated == 1
    machine.check()
    fill(machine, 10)
    machine.check()


def test_free_slabs_are_taken_last_given_first():
    machine = vm.boot("x86-64", layout="small")
    ranges = fill(machine, 49 + 100)
    machine.kernel_map.remove(ranges[49], size=100 * 4096)
    assert machine.kentry.reap() == 2
    assert machine.kentry.contents().area.free[:3] == (2, 1, 3)
    fill(machine, 1)
    third = machine.kentry.start + 2 * 4096
    assert [address for address in addresses(machine) if address >= third] == [addresses(machine)[-1]]


def dead(machine, call):
    with pytest.raises(vm.KernelPanic) as caught:
        call()
    assert caught.value.name == "entry_create"
    assert machine.dead
    assert machine.journal.last.outcome == "panic"
    return caught.value


def test_running_out_for_a_new_range_is_the_machines_end(machine):
    fill(machine, left(machine))
    dead(machine, lambda: fill(machine, 1))
    assert len(machine.kernel_map) == machine.kentry.room + 2, "two entries are static"


def test_running_out_while_clipping_for_a_removal_is_so_too(machine):
    whole = machine.kernel_map.enter("16 KiB")
    fill(machine, left(machine))
    dead(machine, lambda: machine.kernel_map.remove(whole + 4096, size=4096))


def test_what_merges_needs_no_entry(machine):
    first = machine.kernel_map.enter(4096)
    fill_at = machine.kernel_map.entries()[-1].end + 4096
    for number in range(left(machine)):
        machine.kernel_map.enter(4096, at=fill_at + 2 * number * 4096, nomerge=True)
    assert left(machine) == 0
    assert machine.kernel_map.enter(4096, at=first + 4096) == first + 4096
    machine.kernel_map.remove(first, size=8192)
    machine.check()


def test_a_dead_machine_can_be_looked_at_and_nothing_else(machine):
    task = machine.task("t")
    machine.object("file")
    task.map.enter(4096, at=0x400000, object="file")
    task.write(0x400000, b"still here")
    with pytest.raises(vm.KernelPanic):
        fill(machine, 200)
    count = len(machine.journal)
    operations = [
        lambda: machine.kernel_map.enter(4096),
        lambda: machine.kernel_map.remove(machine.kernel_map.start, size=4096),
        lambda: machine.kernel_map.lookup(machine.kernel_map.start),
        lambda: machine.task("new"),
        lambda: machine.object("new"),
        lambda: task.read(0x400000, 5),
        lambda: task.write(0x400000, b"x"),
        machine.reap,
        machine.kentry.reap,
        lambda: machine.unchecked.vm_map_remove(machine.kernel_map, 0, 4096),
    ]
    for call in operations:
        with pytest.raises(vm.Refused, match=r"this machine is dead \(panic \(entry_create\): no entry is left"):
            call()
    assert len(machine.journal) == count
    assert "dead" in repr(machine)
    assert task.walk(0x400000).ok
    assert machine.walk(machine.kernel_map.start).ok
    assert len(machine.kernel_map.value().entries) == len(machine.kernel_map.entries())
    assert machine.kernel_map.info()
    assert machine.kentry.contents().area.allocated == 2
    assert machine.system.pages.snapshot()
    assert machine.journal.last.events[-1].name == "entry_create"
    assert vm.show(machine.kernel_map).to_svg().startswith("<svg")
    assert vm.show(machine.kentry).to_svg().startswith("<svg")


def test_it_tells_how_full_it_is(machine):
    fill(machine, 50)
    assert repr(machine.kentry) == (
        f"<kentry area at {machine.kentry.start}: 51 of 100 entries in 2 of 2 slabs, 8 KiB in memory>"
    )


def test_its_contents_lead_from_slots_to_entries(machine):
    fill(machine, 3)
    contents = machine.kentry.contents()
    entries = machine.kernel_map.entries()[2:]
    assert len(entries) == 1 + 3, "kernel memory's and ours"
    assert contents.residents == {entry.address: (entry.id, entry.start) for entry in entries}
    (slab,) = contents.slabs
    assert len(slab.free) == 50 - len(entries)

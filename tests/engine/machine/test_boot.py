"""What exists when a machine is up, and in which order it came to be."""

from __future__ import annotations

import tracemalloc

import pytest

import vmwidgets as vm
from vmwidgets.engine.base.event import BootStage, Called
from vmwidgets.engine.base.protection import pack_flags
from vmwidgets.engine.kernel.map.map_schema import EntryLinked, MapCreated
from vmwidgets.engine.kernel.pmap.pmap_schema import KernelLimitMoved
from vmwidgets.engine.memory.pages_schema import PageAllocated
from vmwidgets.engine.mmu.tables_schema import PteWritten

STAGES = ["physical memory", "kernel pmap", "boot range", "kentry area", "kmem", "up"]
BOOT_ENTRIES = ["boot range", "kentry area", "kernel memory"]
LAYOUTS = {
    # name: kernel start, kernel end, user end, kentry bytes, bytes of an entry, entries in a slab
    "small": (0xFFFF_8080_0000_0000, 0xFFFF_8080_0400_0000, 1 << 47, 0x80000, 50),
    "tiny": (0xFFFF_8080_0000_0000, 0xFFFF_8080_0040_0000, 1 << 47, 0x2000, 50),
    "x15-64": (0xFFFF_8080_0000_0000, 0xFFFF_FFFF_8000_0000, 1 << 47, 0x800000, 50),
    "x15-32": (0xC040_0000, 0xFC00_0000, 0xC000_0000, 0x800000, 84),
    "x15-pae": (0xC080_0000, 0xFC00_0000, 0xC000_0000, 0x800000, 84),
}


def test_each_stage_is_an_event_of_the_first_operation_in_order():
    machine = vm.boot("x86-64")
    (record,) = machine.journal
    assert (record.number, record.name, record.target, record.outcome) == (0, "boot", "machine", "done")
    events = record.events
    assert [event.name for event in events if isinstance(event, BootStage)] == STAGES
    at = {event.name: position for position, event in enumerate(events) if isinstance(event, BootStage)}

    def first(kind):
        return next(position for position, event in enumerate(events) if isinstance(event, kind))

    assert at["physical memory"] < first(PageAllocated) <= at["kernel pmap"]
    assert at["kernel pmap"] < first(EntryLinked) < at["boot range"]
    assert first(KernelLimitMoved) > at["kernel pmap"]
    assert first(PteWritten) > at["physical memory"]
    kmem = next(position for position, event in enumerate(events) if event == Called("kmem_init", event_args(machine)))
    assert at["kentry area"] < at["kmem"] < kmem < first(MapCreated) < at["up"]


def event_args(machine):
    """The addresses that `kmem_init` gets: behind what boot used, up to the end of kernel memory."""
    kmem = machine.kernel_map.entries()[2]
    return (kmem.start + machine.layout.kmem.boot, kmem.end)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layouts_are_the_originals_and_small_ones(name):
    start, end, user_end, kentry, in_a_slab = LAYOUTS[name]
    machine = vm.boot("x86-64", layout=name, ram="8 MiB")
    assert (machine.kernel_map.start, machine.kernel_map.end) == (start, end)
    task = machine.task("t")
    assert (task.map.start, task.map.end) == (0, user_end)
    slabs = kentry // 4096
    assert machine.kentry.room == slabs * in_a_slab
    machine.check()
    assert set(LAYOUTS) == set(vm.LAYOUTS)


@pytest.mark.parametrize(
    ("layout", "descriptor", "table"), [("x15-64", 48, 0x4000), ("x15-32", 28, 0x2000), ("small", 48, 0x1000)]
)
@pytest.mark.parametrize("mib", [8, 33])
def test_the_boot_range_holds_the_page_descriptors_and_the_kentry_area_is_behind_it(layout, descriptor, table, mib):
    machine = vm.boot("x86-64", layout=layout, ram=f"{mib} MiB")
    boot, kentry, _ = machine.kernel_map
    pages = mib * 256
    assert (boot.role, boot.start, boot.size) == (
        "boot range",
        machine.kernel_map.start,
        -(-pages * descriptor // 4096) * 4096,
    )
    assert (kentry.role, kentry.start) == ("kentry area", boot.end)
    assert kentry.size == LAYOUTS[layout][3] + table
    assert boot.flags == kentry.flags == pack_flags(7, 7, 0, 0, nomerge=True)
    assert boot.address == kentry.address == 0, "they are static: no slab holds them"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_kernel_memory_is_the_first_entry_from_the_kentry_area(layout):
    machine = vm.boot("x86-64", layout=layout, ram="8 MiB")
    size, align = machine.layout.kmem.whole, machine.layout.kmem.align
    kentry, kmem = machine.kernel_map.entries()[1:]
    assert kmem.role == "kernel memory"
    assert kmem.size == size
    assert kmem.start % align == 0
    assert 0 <= kmem.start - kentry.end < align, "the next such address behind the kentry area"
    assert kmem.flags == kentry.flags, "all rights, inherit none, never merged"
    assert machine.kentry.contents().residents == {kmem.address: (kmem.id, kmem.start)}
    assert machine.kentry.area.allocated == 1


def test_freebsds_maps_share_kernel_memory():
    machine = vm.boot("x86-64")
    kmem = machine.kernel_map.entries()[2]
    maps = {one.name: one for one in machine.system.kernel.kmem.kmem.maps}
    sizes = machine.layout.kmem
    whole = machine.system.kernel.kmem.kmem.kernel_map
    assert whole.name != machine.kernel_map.name, "events name their map"
    assert (whole.start, whole.end) == (kmem.start, kmem.end)
    assert next((entry.start, entry.end) for entry in whole) == (kmem.start, kmem.start + sizes.boot)
    assert {name: one.end - one.start for name, one in maps.items() if one is not whole} == {
        "kmem_map": sizes.kmem_map,
        "clean_map": sizes.buffer_map + sizes.pager_map,
        "buffer_map": sizes.buffer_map,
        "pager_map": sizes.pager_map,
        "exec_map": sizes.exec_map,
        "pipe_map": sizes.pipe_map,
    }
    for parent, names in (
        (whole.name, ["kmem_map", "clean_map", "exec_map", "pipe_map"]),
        ("clean_map", ["buffer_map", "pager_map"]),
    ):
        submaps = [entry.submap for entry in maps[parent] if entry.submap is not None]
        assert submaps == [maps[name] for name in names]
    used = [(entry.id, entry.address) for one in maps.values() for entry in one]
    assert min(identity for identity, _ in used) > 3, "ids of all kernels' entries come from one counter"
    assert all(kmem.start <= address < kmem.start + sizes.boot for _, address in used)
    assert all(machine.walk(address).ok for _, address in used), "its entries live in the range that boot used"


def test_the_map_is_as_the_original_leaves_it():
    machine = vm.boot("x86-64", layout="x15-64")
    value = machine.kernel_map.value()
    boot, kentry, kmem = value.entries
    assert (value.find_cache, value.find_cache_threshold, value.lookup_cache) == (kentry.end, 0, boot.id)
    assert value.root == kentry.id, "three in a row: one rotation"
    root = value.nodes[kentry.id]
    assert (root.red, root.left, root.right) == (False, boot.id, kmem.id)
    assert value.nodes[boot.id].red
    assert value.nodes[kmem.id].red
    span = 2 << 20
    assert value.klimit == (kmem.end // span + 1) * span


def test_what_the_boot_range_stands_for_is_mapped():
    machine = vm.boot("x86-64")
    boot, kentry, kmem = machine.kernel_map
    for address in (boot.start, boot.end - 1):
        assert machine.walk(address).ok
    assert machine.walk(boot.start, "write").ok
    assert not machine.walk(boot.start, "read", user=True).ok, "it is the kernel's"
    table = kentry.start + 512 * 1024
    assert machine.walk(table).ok, "the slab table has pages behind it"
    assert machine.walk(kentry.start).ok, "the first slab holds kernel memory's entry"
    assert not machine.walk(kentry.start + 4096).ok, "slabs get theirs when they are made"
    assert not machine.walk(kmem.end - 1).ok, "kernel memory gets its pages when they are asked for"


def test_every_page_is_free_or_has_an_owner():
    machine = vm.boot("x86-64", ram="8 MiB")
    value = machine.system.pages.snapshot(10**6)
    assert value.free_frames + sum(pages for _, pages in value.owners) == value.frames
    image_and_descriptors = (1 << 20) + -(-2048 * 48 // 4096) * 4096
    assert value.frames == 2048 - image_and_descriptors // 4096


def test_machines_are_alike_and_independent():
    one, other = vm.boot("x86-64"), vm.boot("x86-64")
    assert one.kernel_map.value() == other.kernel_map.value()
    assert one.journal[0].events == other.journal[0].events
    one.kernel_map.enter(4096)
    assert len(other.kernel_map) == len(BOOT_ENTRIES)
    assert one.name != other.name


def test_ram_takes_memory_only_where_it_is_touched():
    machine = vm.boot("x86-64", layout="x15-64", ram="4 GiB")
    assert machine.ram_bytes == 4 << 30
    tracemalloc.start()
    machine.kernel_map.enter("1 GiB")
    assert tracemalloc.get_traced_memory()[0] < 8 << 20
    tracemalloc.stop()


def test_the_least_memory_is_enough():
    machine = vm.boot("x86-64", layout="x15-64", ram="4 MiB")
    machine.kernel_map.enter("1 MiB")
    machine.task("t")
    machine.check()


def test_it_tells_what_it_is():
    text = repr(vm.boot("x86-64", ram="8 MiB"))
    for part in (
        "x86-64",
        "8 MiB of memory",
        "layout 'small'",
        f"{len(BOOT_ENTRIES)} kernel map entries",
        "tasks: none",
        "1 operation,",
        "up",
    ):
        assert part in text


def test_it_tells_its_tasks_from_its_domains_and_so_do_their_tables():
    machine = vm.boot("armv7")
    domain, task = machine.domain("hello"), machine.task("init")
    assert "tasks: 'init', domains: 'hello', " in repr(machine)
    assert repr(domain.tables).startswith("<page tables of domain 'hello': armv7, ")
    assert repr(task.tables).startswith("<page tables of task 'init': armv7, ")
    assert repr(machine.tables).startswith("<page tables of the kernel: armv7, ")

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.kernel.map.map_schema import EntryValue

NAMES = [
    "'\"", "two\nlines", "<script>alert(1)</script>", "a:b", "kernel_map", "task:x/map", "x/map", "\x00\x1b[31m",
    "é\u202e", "machine", "{}|\\", "object:a", " ",
]  # fmt: skip


@pytest.fixture
def machine():
    return vm.boot("x86-64")


def test_what_comes_back_is_where_it_is(machine):
    kernel_map = machine.kernel_map
    address = kernel_map.enter("16 KiB")
    assert repr(address) == "0xffff_8080_0014_1000"
    entry = kernel_map.lookup(address + 5)
    assert entry == kernel_map.entries()[2], "between the kentry area and kernel memory"
    assert (entry.start, entry.size, entry.protection, entry.max_protection) == (address, 4 * 4096, "rw-", "rwx")
    assert (entry.inheritance, entry.advice, entry.nomerge, entry.object, entry.role) == (
        "copy",
        "normal",
        False,
        None,
        "",
    )


def test_all_options_reach_the_entry(machine):
    machine.object("file")
    space = machine.task("t").map
    space.enter(
        4096, at="1 MiB", fixed=True, align="64 KiB", prot="rx", max_prot="rx", inherit="share", advice="willneed",
        object="file", offset="8 KiB", nomerge=True,
    )  # fmt: skip
    (entry,) = space
    assert (entry.start, entry.end, entry.object, entry.offset) == (1 << 20, (1 << 20) + 4096, "file", 8192)
    assert (entry.protection, entry.max_protection, entry.inheritance, entry.advice) == (
        "r-x",
        "r-x",
        "share",
        "willneed",
    )
    assert entry.nomerge


def test_an_alignment_of_a_page_asks_for_nothing_more(machine):
    places = [machine.task(name).map.enter("8 KiB", **given) for name, given in (("t", {}), ("u", {"align": "4 KiB"}))]
    assert places[0] == places[1]


def test_a_kernel_error_says_its_name_and_leaves_the_entries(machine):
    kernel_map = machine.kernel_map
    entries = kernel_map.entries()
    with pytest.raises(vm.KernelError) as caught:
        kernel_map.enter(4096, at=kernel_map.start, fixed=True)
    assert (caught.value.name, caught.value.code) == ("NOMEM", 1)
    machine.object("file")
    with pytest.raises(vm.KernelError) as caught:
        kernel_map.enter(4096, object="file")
    assert (caught.value.name, caught.value.code) == ("INVAL", 3)
    assert kernel_map.entries() == entries
    assert [record.outcome for record in machine.journal][-3:] == ["error", "done", "error"]
    machine.check()


def test_a_large_request_for_tables_is_a_panic_at_once():
    """Their number is counted first: not a loop over what will never fit."""
    machine = vm.boot("x86-64", layout="x15-64", ram="16 MiB")
    with pytest.raises(vm.KernelPanic):
        machine.kernel_map.enter("64 TiB")
    assert machine.dead
    assert machine.journal.last.outcome == "panic"


def test_removed_ranges_are_unmapped(machine):
    machine.object("file")
    task = machine.task("t")
    address = task.map.enter("16 KiB", object="file", at=0x400000)
    task.write(address, b"x" * 16384)
    task.map.remove(address + 4096, size=8192)
    assert [task.walk(address + page * 4096).ok for page in range(4)] == [True, False, False, True]
    machine.check()


def test_values_are_frozen_and_bounded(machine):
    kernel_map = machine.kernel_map
    before = len(kernel_map)
    for _ in range(400):
        kernel_map.enter(4096, nomerge=True)
    value = kernel_map.value()
    count = before + 400
    assert (value.nr_entries, len(value.entries) < 50, len(value.folds) > 0) == (count, True, True)
    assert len(kernel_map.value(whole=1000).entries) == count
    assert isinstance(value.entries[0], EntryValue)
    with pytest.raises(AttributeError):
        value.entries[0].start = 0  # type: ignore[misc]


BOOT, KENTRY, KMEM = 768, 516, 24 << 10
"""KiB: descriptors of 64 MiB at 48 bytes a page; 512 KiB of slabs and a page of table; what the layout says."""


def test_the_text_is_short_for_a_long_map(machine):
    first = "kernel_map: 0xffff_8080_0000_0000 to 0xffff_8080_0400_0000, 3 entries, "
    assert repr(machine.kernel_map).splitlines()[0] == first + f"{(BOOT + KENTRY + KMEM) / 1024:.1f} MiB"
    for _ in range(30):
        machine.kernel_map.enter(4096, nomerge=True)
    lines = repr(machine.kernel_map).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  ... 13 more"


def test_the_printed_text_is_the_kernels(machine):
    text = machine.kernel_map.info()
    assert text.startswith("vm_map: kernel map: ffff808000000000-ffff808004000000\n")
    assert text.endswith(f"vm_map: total: {BOOT + KENTRY + KMEM}k\n")
    assert machine.task("t").map.info().startswith("vm_map: map: ")


@pytest.mark.parametrize("name", NAMES)
def test_names_from_learners_are_kept_as_they_are(machine, name):
    machine.object(name)
    task = machine.task(name)
    task.map.enter(4096, at=0x400000, object=name)
    task.write(0x400000, b"x")
    assert (machine.tasks[name], task.name, task.map.path) == (task, name, f"task:{name.replace('/', '%2F')}/map")
    assert [entry.object for entry in task.map] == [name]
    assert machine.task(name) is task
    assert ascii(name) in repr(task)
    machine.check()


@pytest.mark.parametrize("name", [*NAMES, "\u2028\x9b"])
def test_names_from_learners_do_nothing_to_a_terminal(machine, name):
    task = machine.task(name)
    target = machine.object(name)
    task.map.enter(4096, at=0x400000, object=name)
    for thing in (task, target, task.map, *task.map):
        assert all(line.isprintable() for line in repr(thing).split("\n")), thing
    assert repr(task.map).count("\n") == 1
    with pytest.raises(vm.Refused) as caught:
        task.map.enter(4096, at=1 << 60)
    assert str(caught.value).isprintable()


def test_a_part_of_the_kernels_ranges_may_be_touched_but_for_those_it_lives_on(machine):
    kernel_map = machine.kernel_map
    address = kernel_map.enter("16 KiB")
    before = kernel_map.entries()
    kernel_map.remove(address + 4096, address + 8192)
    assert len(kernel_map) == len(before) + 1
    kmem = before[-1]
    assert kmem.role == "kernel memory"
    with pytest.raises(vm.Refused, match="touches the kernel memory"):
        kernel_map.remove(address, kernel_map.end)
    above = kernel_map.enter("16 KiB", at=kmem.end)
    assert len(kernel_map) == len(before) + 2
    kernel_map.remove(address, kmem.start)
    kernel_map.remove(above, kernel_map.end)
    assert [entry.role for entry in kernel_map] == ["boot range", "kentry area", "kernel memory"]
    machine.check()


def test_with_quirk_static_remove_only_the_static_ranges_lose_their_protection():
    machine = vm.boot("x86-64", quirks={"static-remove"})
    machine.task("init").map.enter("4 KiB")
    (slab,) = machine.system.kernel.memory.ranges
    with pytest.raises(vm.Refused, match="a slab of the vm_map_entry cache"):
        machine.kernel_map.remove(slab, size="4 KiB")
    machine.kernel_map.remove(machine.kernel_map.start, size="4 KiB")
    assert machine.kernel_map.entries()[0].start > machine.kernel_map.start


def test_a_task_without_a_page_for_one_more_entry_gets_an_error_and_the_kernel_map_panics_as_the_guide_says():
    m = vm.boot("armv7", ram="8 MiB", layout="tiny")
    task = m.task("init")
    m.take_pages(m.system.pages.total_pages)
    for enter in (task.map.enter, task.mmap):
        with pytest.raises(vm.KernelError, match=r"^NOMEM: no entry is left for the map of init"):
            enter("16 KiB")
    m.check()
    with pytest.raises(vm.KernelPanic, match=r"panic \("):
        enter_until_it_fails(m.kernel_map)
    assert m.dead


def enter_until_it_fails(space):
    for _ in range(1000):
        space.enter("4 KiB", nomerge=True)

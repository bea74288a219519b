"""A large page that can't be split for want of a page for a table: NOMEM, and the machine is as it was."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets.engine.mmu.formats import FORMATS

LARGE = [(name, size) for name in FORMATS for size in FORMATS[name].page_sizes if size > vm.PAGE]
MOST = 4 * vm.MIB
"""The page allocator gives this much memory in one piece, at most."""


CASES = [(*one, kind) for one in LARGE for kind in ("device", "memory") if kind == "device" or one[1] <= MOST]
GIGABYTES = [name for name, size in LARGE if size == vm.GIB]


ALL_KINDS = ("x86-64", "armv7")
"""Formats with all kinds of memory and changes in `make test`; of the others one change of memory, the rest swept."""


def seldom(name, size=vm.GIB, kind="", change=""):
    """Checks look at each of a gigabyte's 262,144 pages: one format's in `make test`, the others' in a sweep."""
    if size == vm.GIB:
        return pytest.mark.sweep if name != GIGABYTES[0] else ()
    return () if name in ALL_KINDS or (kind, change) == ("memory", "protect") else pytest.mark.sweep


def everything(m, task):
    """The map, the tables with what is in them, the pages and their owners."""
    tables = task.space.pmap.tables
    return (
        list(task.map),
        {pa: m.system.ram.read(pa, tables._sizes[pa]) for pa in tables},
        dict(tables.spares),
        m.system.pages.obtainable_pages,
        {name: dict(one.vm_object.pages) for name, one in m.objects.items()},
    )


def large_page(name, size, kind):
    """A task with a large page of that size in two entries, and some entries to be had without asking for memory."""
    m = vm.boot(name, ram="16 MiB" if kind == "memory" else "8 MiB", layout="tiny")
    task = m.task("init")
    at = max(size, 64 * vm.MIB)
    behind = m.device("film", at=at, size=size) if kind == "device" else m.object("film")
    a = task.map.enter(size, at=at, object=behind)
    assert task.map.superpages(a, size=size, page=size) == 1
    task.map.inherit(a, size=size // 2, inherit="none")
    return m, task, a


def leave(m, count):
    """Have all but `count` pages used by others."""
    m.take_pages(m.system.pages.total_pages)
    m.give_pages(count)
    assert m.system.pages.obtainable_pages == count


def page_inside(a, size):
    """A page in the middle of a part of the large page: where each cut takes as many tables as any."""
    return a + size // 2 + size // 4 + vm.PAGE


CHANGES = {
    "remove": lambda task, a, b: task.map.remove(a, b),
    "protect": lambda task, a, b: task.map.protect(a, b, prot="r"),
    "forbid": lambda task, a, b: task.map.protect(a, b, prot=""),
    "inherit": lambda task, a, b: task.map.inherit(a, b, inherit="none"),
}


def try_change(m, task, change, start, end):
    """Do it, or get NOMEM and find everything as it was; whether it was done."""
    before, failure = everything(m, task), ""
    try:
        CHANGES[change](task, start, end)
    except vm.KernelError as error:
        failure = error.name
    m.check()
    assert failure in ("", "NOMEM")
    assert not failure or everything(m, task) == before
    return not failure


@pytest.mark.parametrize(
    ("name", "size", "kind", "change"),
    [
        pytest.param(*case, change, marks=seldom(*case, change))
        for case in CASES
        for change in CHANGES
        if case[1] < vm.GIB or change in ("remove", "protect")
    ],
)
def test_a_change_inside_a_large_page_is_done_or_refused_as_a_whole(name, size, kind, change):
    done = []
    for free in range(4) if size < vm.GIB else (0, 3):
        m, task, a = large_page(name, size, kind)
        page = page_inside(a, size)
        leave(m, free)
        done.append(try_change(m, task, change, page, page + vm.PAGE))
        leave(m, free)
        done.append(try_change(m, task, "remove", a + size // 4, page + 2 * vm.PAGE))
        m.give_pages(16)
        assert try_change(m, task, "remove", a + size // 4, page + 2 * vm.PAGE)
        assert task.walk(page).fault is not None
    assert done[-2:] == [True, True], "three pages are enough for any one range"


@pytest.mark.parametrize("change", ["remove", "protect"])
@pytest.mark.parametrize("name", [pytest.param(name, marks=seldom(name)) for name in GIGABYTES])
def test_a_part_of_a_page_that_was_split_takes_a_table_of_its_own(name, change):
    m, task, a = large_page(name, vm.GIB, "device")
    task.map.remove(a, size=vm.PAGE)
    leave(m, 0)
    assert not try_change(m, task, change, a + 64 * vm.MIB + vm.PAGE, a + 64 * vm.MIB + 2 * vm.PAGE)
    assert try_change(m, task, change, a + 64 * vm.MIB, a + 66 * vm.MIB)
    m.give_pages(1)
    # the part at its beginning is gone, or has these rights already: one table is enough
    assert try_change(m, task, change, a + 64 * vm.MIB + vm.PAGE, a + 128 * vm.MIB + vm.PAGE)


@pytest.mark.parametrize("name", FORMATS)
def test_wired_pages_that_may_be_read_again_need_their_table(name):
    m = vm.boot(name, ram="8 MiB", layout="tiny")
    task = m.task("init")
    a = task.map.enter("16 KiB", at="64 MiB", object=m.object("film"))
    task.map.wire(a, size="16 KiB")
    task.map.protect(a, size="16 KiB", prot="")
    leave(m, 0)
    assert not try_change(m, task, "protect", a, a + 4 * vm.PAGE)
    m.give_pages(4)
    assert try_change(m, task, "protect", a, a + 4 * vm.PAGE)
    assert task.walk(a).ok


@pytest.mark.parametrize("free", range(4))
@pytest.mark.parametrize("name", ["x86-64", "aarch64", "riscv-sv39"])
def test_kernel_memory_too(name, free):
    """Its maps have no operation that makes large pages; their range calls are as careful as X15's."""
    m = vm.boot(name, ram="8 MiB")
    where = m.kmem_alloc_nofault("6 MiB")
    assert where
    size = 2 * vm.MIB
    at = -(-where // size) * size
    leave(m, 16)
    m.door.operate("test", "large page", (), lambda: m.system.pmap.enter(at, 0x4000_0000, 3, size))
    m.system.pmap.tables.free(
        m.system.pmap.tables.spares.pop(next(iter(m.system.pmap.tables.spares)))
    )  # as of a part of a larger page
    leave(m, free)

    def state():
        tables = {pa: m.system.ram.read(pa, vm.PAGE) for pa in m.system.pmap.tables}
        return list(m.kmem.kernel_map), tables, m.system.pages.obtainable_pages, m.kmem.kernel_map.vm_map.lock.holder

    before = state()
    calls = [
        lambda: m.kmem.kernel_map.protect(at + 4 * vm.PAGE, size="4 KiB", prot="r"),
        lambda: m.unchecked.kmem_free(m.kmem.kernel_map, at + 4 * vm.PAGE, vm.PAGE),
    ]
    for call in calls:
        if free:
            call()
            continue
        with pytest.raises(vm.KernelError, match="NOMEM"):
            call()
        assert state() == before


@pytest.mark.parametrize(("name", "page"), [("x86-64", "2 MiB"), ("riscv-sv39", "2 MiB"), ("armv7", "1 MiB")])
def test_large_pages_whose_tables_cant_be_had_are_not_made_and_their_memory_goes_back(name, page):
    m = vm.boot(name, ram="16 MiB", layout="tiny")
    task = m.task("init")
    a = task.map.enter("16 MiB", at="64 MiB", object=m.object("film"))
    leave(m, 3)
    m.device("screen", at="128 MiB", size="16 MiB")
    b = task.map.enter("16 MiB", at="128 MiB", object="screen")
    before = everything(m, task)
    leave(m, 0)
    assert task.map.superpages(b, size="16 MiB", page=page) == 0
    leave(m, 3)
    assert everything(m, task) == before
    assert 0 < task.map.superpages(b, size="16 MiB", page=page) <= 3 * (vm.PAGE // 1024)
    assert task.map.superpages(a, size="16 MiB", page=page) == 0
    m.check()

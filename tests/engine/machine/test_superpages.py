"""Large pages, devices and arrays of addresses, on every architecture."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import vmwidgets as vm
from vmwidgets.engine.mmu.formats import FORMATS

MOST = 4 * vm.MIB
"""The page allocator gives no more memory than this in one piece."""


def task_of(name, **options):
    m = vm.boot(name, **options)
    return m, m.task("init")


CASES = [(name, size) for name in FORMATS for size in FORMATS[name].page_sizes if vm.PAGE < size <= MOST]


@pytest.mark.parametrize(("name", "size"), CASES)
class TestSuperpages:
    def test_memory_in_one_piece_is_one_page_of_the_hardware(self, name, size):
        m, task = task_of(name)
        a = task.map.enter(2 * size, at="64 MiB", object=m.object("film"))
        assert task.map.superpages(a, size=2 * size, page=size) == 2
        for offset in (0, size - 1, size, 2 * size - 1):
            task.write(a + offset, b"x")
            walk = task.walk(a + offset)
            assert walk.page_size == size
            assert m.system.ram.read(walk.pa, 1) == b"x"
        m.check()

    def test_a_hole_in_it_leaves_the_rest_and_gives_its_memory_back(self, name, size):
        m, task = task_of(name)
        free = m.system.pages.free_pages
        a = task.map.enter(size, at="64 MiB", object=m.object("film"))
        task.map.superpages(a, size=size, page=size)
        task.write(a + size - vm.PAGE, b"last")
        task.map.remove(a, size=vm.PAGE)
        assert task.walk(a).fault is not None
        assert task.read(a + size - vm.PAGE, 4) == b"last"
        task.map.protect(a + vm.PAGE, size=vm.PAGE, prot="r")
        assert task.walk(a + vm.PAGE, "write").fault is not None
        assert task.walk(a + 2 * vm.PAGE, "write").pa is not None
        m.check()
        task.map.remove(a + vm.PAGE, a + size)
        m.check()
        assert m.system.pages.free_pages >= free - 1

    def test_small_pages_are_promoted_where_they_lie_so(self, name, size):
        m, task = task_of(name)
        a = task.map.enter(size, at="64 MiB", object=m.object("film"))
        task.map.superpages(a, size=size, page=size)
        task.map.protect(a, size=vm.PAGE, prot="r")
        assert task.map.promote(a, size=size, page=size) == 0
        task.map.protect(a, size=vm.PAGE, prot="rw")
        smaller = [one for one in FORMATS[name].page_sizes if vm.PAGE < one < size and size // one < 1 << 20]
        for page in [*smaller, size]:
            task.map.promote(a, size=size, page=page)
        assert task.walk(a + size - 1).page_size == size
        m.check()

    def test_scattered_memory_stays_small(self, name, size):
        m, task = task_of(name)
        a = task.map.enter(size, at="64 MiB", object=m.object("film"))
        task.write(a + vm.PAGE, b"x")
        assert task.map.superpages(a, size=size, page=size) == 0
        assert task.walk(a + vm.PAGE).page_size == vm.PAGE
        m.check()

    def test_as_many_as_memory_has_in_one_piece(self, name, size):
        m, task = task_of(name, ram="16 MiB")
        pieces = 32 * vm.MIB // size
        a = task.map.enter(pieces * size, at="64 MiB", object=m.object("film"))
        made = task.map.superpages(a, size=pieces * size, page=size)
        assert 0 < made < pieces
        m.check()

    def test_a_device_is_mapped_as_it_lies(self, name, size):
        m, task = task_of(name)
        video = m.device("video", at="128 MiB", size=4 * size)
        a = task.map.enter(4 * size, at="64 MiB", object=video)
        assert task.map.superpages(a, size=4 * size, page=size) == 4
        assert task.walk(a + 3 * size).pa == 128 * vm.MIB + 3 * size
        task.map.remove(a, size=4 * size)
        m.check()


@pytest.mark.parametrize(("name", "size"), [("armv7", 16 * vm.MIB), ("x86-64", vm.GIB), ("aarch64", vm.GIB)])
def test_the_largest_pages_map_devices(name, size):
    m, task = task_of(name)
    pa = max(size, 128 * vm.MIB)
    m.device("memory of a card", at=pa, size=size)
    a = task.map.enter(size, at=size, object="memory of a card")
    assert task.map.superpages(a, size=size, page=size) == 1
    assert (task.walk(a + size - 1).pa, task.walk(a).page_size) == (pa + size - 1, size)
    hole = size // 2
    task.map.remove(a + hole, size=vm.PAGE)
    assert task.walk(a + hole).fault is not None
    assert task.walk(a + hole - 1).pa == pa + hole - 1
    assert task.walk(a + hole + vm.PAGE).pa == pa + hole + vm.PAGE
    m.check()


def test_nonsense_is_refused_and_changes_nothing():
    m, task = task_of("armv7")
    a = task.map.enter("1 MiB", at="1 MiB", object=m.object("film"))
    for call, says in [
        (lambda: task.map.superpages(a, size="1 MiB", page="2 MiB"), "large pages of armv7 have 64 KiB, 1 MiB, 16 MiB"),
        (lambda: task.map.superpages(a, size="1 MiB", page=4096), "large pages"),
        (lambda: task.map.promote(a, page="1 MiB"), "needs the end of the range too"),
        (lambda: m.device("v", at=0, size="1 MiB"), "where RAM ends"),
        (lambda: m.device("v", at="128 MiB", size=0), "a device lies between"),
        (lambda: m.device("v", at="4095 MiB", size="2 MiB"), "a device lies between"),
        (lambda: m.device("film", at="128 MiB", size="1 MiB"), "with this name"),
    ]:
        with pytest.raises(vm.Refused, match=says):
            call()
    with pytest.raises(vm.KernelError, match="FAULT"):
        task.map.superpages(a, size="2 MiB", page="1 MiB")
    assert m.check() is None


def test_a_device_that_nobody_answers_for_can_not_be_read_and_the_attempt_is_recorded():
    m, task = task_of("x86-64")
    a = task.map.enter("4 KiB", at="1 MiB", object=m.device("v", at="128 MiB", size="4 KiB"))
    with pytest.raises(vm.VMError, match="outside RAM"):
        task.read(a)
    assert m.journal.last.outcome == "error"
    assert task.walk(a).pa == 128 * vm.MIB


@pytest.mark.parametrize(("name", "setting", "page"), [("x86", "pse", "4 MiB"), ("x86-64", "gib_pages", "1 GiB")])
def test_pages_that_the_processor_would_read_as_something_else_are_refused(name, setting, page):
    m, task = task_of(name, ram="128 MiB")
    a = task.map.enter("2 GiB", at="1 GiB", object=m.device("film", at="1 GiB", size="2 GiB"))
    m.controls = dataclasses.replace(m.controls, **{setting: False})
    for operation in (task.map.superpages, task.map.promote):
        with pytest.raises(vm.Refused, match=f"page={page}: .*{setting}=False"):
            operation(a, size="2 GiB", page=page)
    m.controls = dataclasses.replace(m.controls, **{setting: True})
    assert task.map.superpages(a, size="2 GiB", page=page)
    assert task.walk(a).pa == vm.GIB


@pytest.mark.parametrize("name", FORMATS)
def test_without_a_size_it_is_the_smallest_large_one(name):
    m, task = task_of(name)
    size = FORMATS[name].page_sizes[1]
    a = task.map.enter(size, at="64 MiB", object=m.object("film"))
    assert task.map.superpages(a, size=size) == 1
    assert task.walk(a).page_size == size
    with pytest.raises(vm.Refused, match=r"page=3 MiB: large pages of"):
        task.map.promote(a, size=size, page="3 MiB")


def test_large_pages_that_can_not_be_had_leave_the_page_cache_alone():
    m, task = task_of("x86-64", layout="tiny", ram="4 MiB")
    m.read_file("film", "232 KiB")
    while m.system.kernel.kmem.files.cache_oldest():
        pass
    a = task.map.enter("4 MiB", at="64 MiB", object=m.object("film"))
    m.take_pages(m.kmem.pages.free)
    before = m.kmem.pages
    assert before.cached == 58
    assert task.map.superpages(a, size="4 MiB", page="2 MiB") == 0
    assert m.kmem.pages == before
    assert not {"PageReused", "PageFreed"} & {type(event).__name__ for event in m.journal.last.events}
    m.check()


@pytest.mark.parametrize(("quirks", "kept"), [(set(), b"\0\0\0\0"), ({"anonymous-not-zeroed"}, b"mine")])
def test_a_large_page_of_anonymous_memory_is_zeroed_but_for_the_quirk(quirks, kept):
    def read(dirty):
        m: Any = vm.boot("x86-64", quirks=quirks)
        task = m.task("init")
        start = task.map.enter("2 MiB", at="4 MiB", object=m.object("film"))
        if dirty is not None:
            m.system.ram.write(dirty, b"mine")
        assert task.map.superpages(start, size="2 MiB") == 1
        return task.walk(start).pa, task.read(start, 4)

    frame, _ = read(None)
    assert read(frame) == (frame, kept), "the same machine takes the same frames"


def test_pages_of_a_large_page_belong_to_the_part_of_the_object_that_it_maps() -> None:
    m = vm.boot("armv7", layout="tiny", ram="8 MiB")
    t, film, large = m.task("t"), m.object("film"), 64 * vm.KIB
    at = t.map.enter(3 * large, at="1 MiB", object=film)
    assert t.map.superpages(at + large, size=large, page=large) == 1
    assert sorted(film.pages) == list(range(large, 2 * large, vm.PAGE))
    m.check()
    t.write(at + large + 5 * vm.PAGE, b"x")
    free = m.pages.obtainable_pages
    t.map.remove(at, size=3 * large)
    m.check()
    assert not film.pages, "nothing maps the object"
    assert m.pages.obtainable_pages >= free + 16

"""Structures are there to be read; what changes them past the door is refused, or noticed by what goes back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

import vmwidgets as vm
from tests.engine.machine.lives import LIVES
from vmwidgets.engine.kernel.threads.waits import run_without_sleeping
from vmwidgets.engine.machine.machine import SINGLE_PARTS
from vmwidgets.engine.machine.reading import NotForReading, Reading

PAGE = vm.PAGE


@pytest.fixture
def m():
    machine = vm.boot("x86-64", layout="tiny", cpus=2)
    task = machine.task("init")
    task.map.enter(PAGE, at="1 MiB", object=machine.object("memory"))
    task.write("1 MiB", b"text")
    machine.domain("hello")
    return machine


READINGS = {
    "m.ram": lambda m: m.ram,
    "m.pages": lambda m: m.pages,
    "m.pmap": lambda m: m.pmap,
    "m.pmap_of('task:init')": lambda m: m.pmap_of(m.tasks["init"]),
    "m.pmap_of('domain:hello')": lambda m: m.pmap_of("domain:hello"),
    "task:init.pmap": lambda m: m.tasks["init"].pmap,
    "domain:hello.pmap": lambda m: m.domains["hello"].pmap,
    "cpu:1.pmap": lambda m: m.cpus[1].pmap,
}


@pytest.mark.parametrize("name", READINGS)
class TestReading:
    def test_what_is_listed_can_be_read_and_nothing_else(self, m, name):
        reading, structure = READINGS[name](m), READINGS[name](m)._find()
        assert dir(reading) == sorted(structure.readable)
        for one in structure.readable:
            assert getattr(reading, one) == getattr(structure, one)
        others = {one for one in dir(structure) if not one.startswith("_")} - set(structure.readable)
        assert others >= {"readable"}
        for one in sorted(others):
            with pytest.raises(NotForReading) as refusal:
                getattr(reading, one)
            assert str(refusal.value).startswith(f"{name}.{one}: {name} is there to be read, by ")
            assert " is an operation: " in str(refusal.value)
            assert not hasattr(reading, one)

    def test_nothing_is_set(self, m, name):
        reading = READINGS[name](m)
        for one in ("veto", "root", "size", "_find"):
            with pytest.raises(NotForReading):
                setattr(reading, one, 3)
        m.undo()  # no trace of it

    def test_what_is_read_holds_nothing_that_can_be_changed(self, m, name):
        """No list, dict, set or structure comes out: numbers, texts, frozen values, formats, and methods."""
        reading = READINGS[name](m)
        values = [getattr(reading, one) for one in dir(reading) if not callable(getattr(reading, one))]
        assert not [one for one in values if isinstance(one, (list, dict, set, bytearray))]
        assert not [one for one in values if hasattr(one, "recorder")]


def test_a_reading_is_of_the_present_moment(m):
    pages, ram, root = m.pages, m.ram, m.tasks["init"].pmap
    where = m.walk("1 MiB", task="init").pa
    assert ram.read(where, 4) == b"text"
    free = pages.free_pages
    m.undo(5)
    assert list(m.tasks) == []
    assert ram.read(where, 4) == bytes(4)
    assert pages.free_pages > free
    with pytest.raises(vm.Refused, match="does not exist at this moment"):
        _ = root.root
    m.redo(5)
    assert (ram.read(where, 4), pages.free_pages) == (b"text", free)


def test_two_readings_of_one_structure_are_equal(m):
    assert m.pmap == m.pmap_of(None) == m.cpus[1].pmap
    assert m.pmap != m.tasks["init"].pmap
    m.cpus[1].run("init")
    assert m.cpus[1].pmap == m.tasks["init"].pmap
    assert len({m.pmap, m.pmap_of(None), m.pages}) == 2
    assert isinstance(m.pmap, Reading)


# ---- what is noticed -----------------------------------------------------------------------------

PAST: dict[str, Any] = {
    "a map's": lambda m: m.kernel_map.vm_map.remove(m.kernel_map.start, m.kernel_map.start + PAGE),
    "a task's map's": lambda m: m.tasks["init"].map.vm_map.enter(0, PAGE, 0, 0x77),
    "kernel memory's": lambda m: run_without_sleeping(m.kmem.kmem_map.vm_map.lock.acquire()),
    "the page allocator's": lambda m: m.system.pages.allocate(owner="me"),
    "a page that was freed": lambda m: m.system.pages.free(m.walk("1 MiB", task="init").pa // PAGE),
    "tables'": lambda m: m.tasks["init"].space.pmap.remove(1 << 20, (1 << 20) + PAGE),
    "the kernel's tables'": lambda m: m.system.pmap.kenter(m.kernel_map.start + 16 * PAGE, 0x100000, 3),
    "a slab's": lambda m: m.system.kernel.entry_cache.allocate(),
    "a domain's": lambda m: m.domains["hello"].domain.kernel.frame_alloc(m.domains["hello"].domain.slots, PAGE),
}


@pytest.mark.parametrize("what", PAST)
def test_a_change_past_the_door_is_noticed(m, what, tmp_path):
    length = len(m.journal)
    PAST[what](m)
    sentence = "was changed past its operations"
    for call in (lambda: m.at(1), m.branch, m.undo, m.redo):
        with pytest.raises(vm.Refused, match=sentence):
            call()
    file = tmp_path / "mine.jsonl.gz"
    file.write_bytes(b"before")
    with pytest.raises(vm.Refused, match=sentence):
        m.journal.save(file)
    assert file.read_bytes() == b"before"
    assert len(m.journal) == length
    assert m.tasks["init"].read("1 MiB") is not None  # operations go on


def looked_at(m):
    """Everything that only looks."""
    m.check()
    m.walk("1 MiB", task="init")
    m.tables.now()
    list(m.kernel_map)
    m.kernel_map.value()
    m.kmem.value()
    m.kmem.kmem_map.value()
    [one.snapshot() for one in m.domains.values()]
    m.cpus.value()
    m.frames.value()
    m.caches.value()
    m.threads.value()
    m.ram.read(0, 16)
    m.at(1)
    repr([m, m.kernel_map, m.tasks, m.pages, m.journal])


def test_looking_is_no_change(m):
    looked_at(m)
    assert not m.journal.incomplete
    m.undo()
    looked_at(m)
    m.redo()
    assert not m.journal.incomplete


def test_threads_handlers_and_edits_are_no_change_past_the_door():
    m = vm.boot(layout="tiny", ram="8 MiB")

    def sleeps(m):
        address = yield from m.kmem_malloc(PAGE)
        yield from m.kmem.exec_map.lock()
        yield from m.tsleep("later")
        m.kmem.exec_map.unlock()
        yield from m.kmem_free(address, PAGE)

    m.spawn(sleeps, m, name="sleeps")
    m.run()
    m.on_lowmem(lambda m: None)
    a = m.kernel_map.enter(PAGE)
    m.kernel_map.wire(a, size=PAGE)
    m.set_descriptor(m.walk(a).steps[-1].pa, 0)
    m.check()
    m.undo_descriptor()
    m.undo(3)
    m.redo(3)
    m.branch()
    m.kill("sleeps")
    m.undo(2)
    assert not m.journal.incomplete


def test_a_thread_that_is_left_in_the_middle_of_a_call_is_no_change_past_the_door():
    m: Any = vm.boot(layout="tiny", ram="8 MiB")

    def waits():
        yield from m.kmem_malloc(20 * PAGE)

    m.take_pages(m.kmem.pages.available - 3)
    m.spawn(waits, name="waits")
    m.run(steps=3)
    assert m.threads["waits"].state == "asleep"
    m.undo()
    m.undo(2)
    m.redo(3)
    assert m.threads["waits"].state == "asleep"


def test_a_machine_to_look_at_that_was_changed_is_made_again(m):
    then = m.at(2)
    then.system.pages.allocate(owner="me")
    assert m.at(2) is not then
    assert m.at(2).system.pages.owner(5) != "me"
    m.undo()  # this machine was not changed


def test_no_copy_is_taken_of_a_machine_that_was_changed(m):
    m.system.pages.allocate(owner="me")
    kept = m.history.bytes_kept
    m.history.take_copy()
    assert m.history.bytes_kept == kept


LEFT_OUT = {"undo", "redo", "branch", "at", "run", "spawn", "register_handler", "missing", "group"}
"""What changes the machine, or goes elsewhere, and is not a method marked as an operation."""


def whatever_looks(handle):
    """All properties of a handle, and its methods that are not operations and take no arguments."""
    for name in dir(type(handle)):
        held = getattr(type(handle), name)
        if name.startswith("_") or name in LEFT_OUT or getattr(held, "is_operation", False):
            continue
        with suppress(vm.VMError, TypeError, AssertionError):
            yield name, held.fget(handle) if isinstance(held, property) else held(handle)


@pytest.mark.parametrize("kind", LIVES)
def test_nothing_that_looks_is_a_change(kind):
    m = LIVES[kind]("x86-64", 6, 60)
    domains = list(m.domains.values())
    parts = [m, *m.cpus, *m.threads, *m.tasks.values(), *m.objects.values(), *m.kmem.maps.values(), *domains]
    parts += [m.part(path) for path in SINGLE_PARTS] + [task.map for task in m.tasks.values()] + [m.tables]
    seen = 0
    for part in parts:
        for name, _ in whatever_looks(part):
            seen += 1
            assert not m.journal.incomplete, (part, name)
    for domain in domains:
        for look in (domain.lookup, domain.determine_addr, domain.walk):
            with suppress(vm.VMError):
                look(4096)
    m.frames.frame(300)
    m.walk(m.kernel_map.start)
    assert seen > 150
    assert not m.journal.incomplete

"""Looking is free: it changes nothing, and what was undone can be redone after it."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from tests.engine.machine.structures import differences
from vmwidgets import PAGE


def test_getters_of_what_exists_are_no_operations() -> None:
    m = vm.boot("x86-64")
    t, o, f = m.task("t"), m.object("o"), m.file("f", b"x")
    a = t.mmap(PAGE)
    t.write(a, b"1")
    t.write(a, b"2")
    m.undo()
    done = len(m.journal)
    assert (m.task("t"), m.object("o"), m.file("f"), t.brk(), t.peek(a)) == (t, o, f, t.brk(), b"1")
    assert len(m.journal) == done
    m.redo()
    assert t.peek(a) == b"2"


def test_a_look_leaves_no_trace() -> None:
    m = vm.boot("x86-64")
    m.swap_on("64 KiB")
    t = m.task("t")
    a = t.mmap(4 * PAGE)
    t.write(a, b"in memory")
    t.write(a + PAGE, b"in swap")
    t.page_out(a + PAGE)
    b = t.mmap(2 * PAGE, "r", "private", m.file("f", b"on disk", latency=5))
    before = m.branch()
    assert t.peek(a, 9) == b"in memory"
    assert t.peek(a + PAGE, 7) == b"in swap"
    assert t.peek(a + 2 * PAGE, 2) == bytes(2)
    assert t.peek(a + PAGE - 2, 4) == b"\0\0in"
    assert t.peek(b, 9) == b"on disk\0\0"
    assert (len(m.journal), list(differences(before, m))) == (len(before.journal), [])


def test_it_is_what_the_entry_has_and_not_what_a_stale_tlb_answers() -> None:
    m = vm.boot("x86-64", cpus=2)
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"old")
    for cpu in m.cpus:
        cpu.run(t)
    m.cpus[1].load(a)
    m.cpus.shootdown = "forgotten"
    t.munmap(a, PAGE)
    t.write(t.mmap(PAGE, at=a + PAGE), b"old")  # in the frame that is free now
    t.mmap(PAGE, flags="private fixed", at=a)
    t.write(a, b"new")
    assert (t.peek(a, 3), m.cpus[1].load(a, 3)) == (b"new", b"old")


def test_a_copy_on_write_page_is_seen_through_the_chain() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    a = t.mmap(PAGE)
    t.write(a, b"one")
    child = t.fork()
    assert child.peek(a, 3) == b"one"
    child.write(a, b"two")
    assert (t.peek(a, 3), child.peek(a, 3)) == (b"one", b"two")


def test_what_cannot_be_known_is_an_error() -> None:
    m = vm.boot("x86-64")
    t = m.task("t")
    f = m.file("f", b"x")
    a = t.mmap(2 * PAGE, "r", "shared", f)
    b = t.mmap(PAGE, "r", "shared", m.pager("p", PAGE, lambda page: b"given"))
    for address, why in ((a + PAGE, r"^IO: the file 'f' has 1 byte"), (b, r"^IO: page 0 of 'p'"), (0x10, r"^FAULT")):
        with pytest.raises(vm.KernelError, match=why):
            t.peek(address)
    t.read(b)
    assert t.peek(b, 5) == b"given"

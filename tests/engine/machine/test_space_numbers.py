"""Numbers of address spaces in TLBs: none is given on before all processors dropped what they keep of it."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import PAGE
from vmwidgets.events import AsidRollover


def life(m: vm.Machine, name: str, content: bytes) -> int:
    """A task that lives on both processors, and ends; its number there."""
    t = m.task(name)
    a = t.mmap(PAGE)
    t.write(a, content)
    for cpu in m.cpus:
        cpu.run(t)
    assert m.cpus[1].load(a, len(content)) == content
    number = m.cpus[1].asid
    t.exit()
    return number


@pytest.mark.parametrize("shootdown", ["sent", "forgotten"])
def test_a_new_task_never_reads_what_the_tlb_keeps_of_a_dead_one(shootdown: str) -> None:
    m = vm.boot("x86-64", cpus=2, asids=True)
    m.cpus.shootdown = shootdown
    number = life(m, "a", b"secret")
    u = m.task("b")
    b = u.mmap(PAGE, "r")
    m.cpus[1].run(u)
    assert (m.cpus[1].load(b, 6), m.cpus[1].asid != number) == (bytes(6), True)
    m.check()


def test_a_number_is_free_once_its_flush_was_acknowledged() -> None:
    m = vm.boot("x86-64", cpus=2, asids=True)
    assert life(m, "a", b"1") == life(m, "b", b"2")
    m.cpus.shootdown = "sent"
    third = life(m, "c", b"3")
    assert life(m, "d", b"4") != third
    m.cpus[1].acknowledge()
    assert life(m, "e", b"5") == third


def test_a_learners_flush_of_everything_frees_them_too() -> None:
    m = vm.boot("x86-64", cpus=2, asids=True)
    m.cpus.shootdown = "forgotten"
    first = life(m, "a", b"1")
    m.cpus[1].flush()
    assert life(m, "b", b"2") == first


def test_where_none_is_left_all_tlbs_are_flushed_once_and_an_event_says_so() -> None:
    m = vm.boot("armv7", cpus=2, asids=True, ram="64 MiB")
    m.cpus.shootdown = "forgotten"
    most = (1 << m.system.pmap.fmt.asid_bits) - 1
    for number in range(most + 3):
        life(m, f"t{number}", f"{number:3}".encode())
    told = [event for operation in m.journal for event in operation.events if isinstance(event, AsidRollover)]
    assert [len(event.freed) for event in told] == [most]
    m.check()

"""A task may do what its entries say, as far as the table format can refuse it: before the first touch and after."""

from __future__ import annotations

import pytest

import vmwidgets as vm
from vmwidgets import PAGE

PROTECTIONS = ("r", "w", "x", "rw", "rx", "wx", "rwx")

WITH_EXECUTE_BIT = {"r": "r--", "w": "rw-", "x": "r-x", "rw": "rw-", "rx": "r-x", "wx": "rwx", "rwx": "rwx"}
"""Intel SDM 4.6: what is present can be read, R/W gives writing, XD takes fetches away.  ARMv7: AP and XN."""

WITHOUT = {"r": "r-x", "w": "rwx", "x": "r-x", "rw": "rwx", "rx": "r-x", "wx": "rwx", "rwx": "rwx"}
"""Intel SDM 4.6, 32-bit paging: what can be read can be executed."""

EXECUTE_ALONE = WITH_EXECUTE_BIT | {"x": "--x"}
"""RISC-V privileged 4.3.1 and Arm D5.4.6: a page may be for fetches alone."""

GRANTED = {
    "x86": WITHOUT, "x86-pae": WITH_EXECUTE_BIT, "x86-64": WITH_EXECUTE_BIT, "x86-64-la57": WITH_EXECUTE_BIT,
    "armv7": WITH_EXECUTE_BIT, "aarch64": EXECUTE_ALONE, "riscv-sv39": EXECUTE_ALONE,
}  # fmt: skip  # one line would be too long


def may(t: vm.Task, at: int, kind: str) -> bool:
    """Whether an access of this kind succeeds; the error is ACCES where it does not."""
    try:
        t.touch(at, kind)
    except vm.KernelError as error:
        if error.name != "ACCES":
            raise
        return False
    return True


def rights(t: vm.Task, at: int) -> str:
    """What accesses show: each of the three is tried."""
    kinds = zip("rwx", ("read", "write", "execute"), strict=True)
    return "".join(letter if may(t, at, kind) else "-" for letter, kind in kinds)


@pytest.mark.parametrize("architecture", GRANTED)
@pytest.mark.parametrize("protection", PROTECTIONS)
def test_rights_do_not_depend_on_what_was_done_before(architecture: str, protection: str) -> None:
    m = vm.boot(architecture)
    t = m.task("t")
    a = t.mmap(8 * PAGE, protection)
    wanted = GRANTED[architecture][protection]
    for page, first in enumerate(("read", "write", "execute")):
        may(t, a + page * PAGE, first)
        assert rights(t, a + page * PAGE) == wanted, first
    child = t.fork()
    assert (rights(t, a), rights(child, a), rights(child, a + 5 * PAGE)) == (wanted,) * 3
    t.mprotect(a, PAGE, "rwx")
    t.touch(a, "write")
    t.mprotect(a, PAGE, protection)
    assert rights(t, a) == wanted
    m.check()


@pytest.mark.parametrize("architecture", GRANTED)
def test_a_page_of_a_file_keeps_its_right_to_be_executed_when_it_is_written_back(architecture: str) -> None:
    m = vm.boot(architecture)
    t = m.task("t")
    f = m.file("program", b"code")
    a = t.mmap(PAGE, "rwx", "shared", f)
    t.write(a, b"CODE")
    faults = m.journal.last
    f.sync()
    assert (t.walk(a, "execute").ok, t.walk(a, "write").ok) == (True, False)
    t.write(a, b"more")
    assert (rights(t, a), faults.outcome) == ("rwx", "done")
    m.check()


def test_a_wired_entry_that_may_only_be_executed_has_its_pages() -> None:
    m = vm.boot("riscv-sv39")
    t = m.task("t")
    a = t.mmap(PAGE, "rw")
    t.map.wire(a, size=PAGE)
    t.mprotect(a, PAGE, "x")
    assert rights(t, a) == "--x"
    m.check()


@pytest.mark.parametrize("architecture", GRANTED)
def test_what_tables_let_be_read_can_be_wired(architecture: str) -> None:
    t = vm.boot(architecture, layout="tiny", ram="8 MiB").task("t")
    for number, prot in enumerate(PROTECTIONS):
        at = 0x10_0000 + 2 * number * PAGE
        t.mmap(PAGE, prot, "private fixed", at=at)
        if "r" in GRANTED[architecture][prot]:
            t.map.wire(at, size=PAGE)
            assert t.walk(at).ok
        else:
            with pytest.raises(vm.KernelError, match="ACCES"):
                t.map.wire(at, size=PAGE)


@pytest.mark.parametrize("architecture", GRANTED)
def test_pages_beside_each_other_have_rights_of_their_own(architecture: str) -> None:
    t = vm.boot(architecture, layout="tiny", ram="8 MiB").task("t")
    places = {prot: 0x10_0000 + number * PAGE for number, prot in enumerate(PROTECTIONS)}
    for prot, at in places.items():
        t.mmap(PAGE, prot, "private fixed", at=at)
        t.touch(at, {"r": "read", "w": "write", "x": "execute"}[prot[0]])
    for prot, at in places.items():
        kinds = zip("rwx", ("read", "write", "execute"), strict=True)
        shown = "".join(letter if t.walk(at, kind).ok else "-" for letter, kind in kinds)
        granted = GRANTED[architecture][prot]
        assert shown in (granted, granted.replace("w", "-")), "a first write may still have to be noted"

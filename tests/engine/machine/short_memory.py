"""Machines with little memory and swap space, and references to pages as textbooks give them."""

from __future__ import annotations

import vmwidgets as vm
from vmwidgets.engine.memory.replacement_schema import RingValue

PAGE = vm.PAGE
NO_RING = RingValue("", (), 0)
ARCHITECTURES = ["x86-64", "armv7", "aarch64", "riscv-sv39"]
LONG, BELADY = "7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1", "1 2 3 4 1 2 5 1 2 3 4 5"
FAULTS = {
    (LONG, "fifo"): (15, 10), (LONG, "lru"): (12, 8), (LONG, "opt"): (9, 8), (LONG, "clock"): (14, 9),
    (LONG, "second chance"): (14, 9),
    (BELADY, "fifo"): (9, 10), (BELADY, "lru"): (10, 8), (BELADY, "opt"): (7, 6), (BELADY, "clock"): (9, 10),
    (BELADY, "second chance"): (9, 10),
}  # fmt: skip  # pairs of string and policy, and the faults with 3 and with 4 frames, as textbooks have them


def booted(architecture="x86-64", **options):
    """A machine with swap space, and a task with sixteen pages; the first one's address."""
    m = vm.boot(architecture, layout="tiny", ram="8 MiB", **options)
    m.swap_on("1 MiB")
    t = m.task("init")
    a = t.mmap(16 * PAGE)
    return m, t, a


def chosen(policy, a, string):
    """What `m.replacement` is given for a string of references to pages from `a` on."""
    return vm.Replacement("opt", future=tuple(a // PAGE + page for page in string)) if policy == "opt" else policy


def came(m, since=0):
    """How many pages came into memory in the operations from `since` on."""
    return sum(len(e.pages) for op in m.journal[since:] for e in op.events if e.tag == "PagesEntered")


def in_memory(t, a):
    """The numbers of the pages from `a` on that the task has in memory, without touching them."""
    entry = t.space.vm_map.peek(a)
    return {page for page in range(16) if entry.object.found(entry.offset_of(a + page * PAGE), 0) is not None}

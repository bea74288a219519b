"""Where the time of an access goes: first writes, copies on write, reads that miss the TLB, by samples of the stack."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable
from types import FrameType

import vmwidgets as vm

from .table import table

PAGE = vm.PAGE
EVERY = 0.0007
"""Seconds of processor time between two samples."""

PAGES = 20_000

PARTS = {
    "the operation: door, arguments, journal": (),
    "bytes moved, counts": ("engine/spaces/processors.py:store", "engine/spaces/processors.py:load"),
    "translations: the TLB asked, walked, filled": ("engine/spaces/processors.py:translate",),
    "… the walk": ("engine/mmu/walk.py:translate",),
    "… the TLB filled": ("engine/mmu/tlb.py:fill",),
    "… A and D set": ("engine/mmu/editor.py:mark_accessed",),
    "the fault: the entry, the object, a frame": ("engine/kernel/x15/vm_fault.py:vm_map_fault",),
    "… the object's page": ("engine/kernel/tasks/vm_object.py:fault_page",),
    "… entered in the page tables, flushed": ("engine/spaces/task_space.py:enter_page",),
    "copies for going back": ("engine/machine/history.py:take_copy",),
}
"""A part, and the functions in which it is done, with what they call."""


def sampled(calls: Iterable[Callable[[], object]]) -> dict[str, float]:
    """The share of time in each of :data:`PARTS`; the operation's is what is in no other."""
    found: Counter[str] = Counter()
    by_function = {function: part for part, functions in PARTS.items() for function in functions}
    samples = 0

    def look(_: int, frame: FrameType | None) -> None:
        nonlocal samples
        samples += 1
        seen = set()
        while frame is not None:
            place = f"{frame.f_code.co_filename.split('vmwidgets/')[-1]}:{frame.f_code.co_name}"
            seen.add(by_function.get(place, ""))
            frame = frame.f_back
        found.update(seen - {""})

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        for call in calls:
            call()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    shares = {part: found[part] / max(samples, 1) for part in PARTS}
    first, moved, asked, *_, fault, _, _, copies = PARTS
    shares[first] = 1 - shares[moved] - shares[copies]
    shares[moved] -= shares[asked] + shares[fault]
    return shares


def report(pages: int = PAGES) -> str:
    """A table of shares, a column for each kind of access."""
    machine = vm.boot("x86-64", ram="512 MiB")
    task = machine.task("init")
    start = int(task.mmap(pages * PAGE))
    addresses = [start + number * PAGE for number in range(pages)]
    first = sampled((lambda at=at: task.write(at, b"x")) for at in addresses)  # type: ignore[misc]  # called at once
    missed = sampled((lambda at=at: task.read(at, 1)) for at in addresses)  # type: ignore[misc]  # the same
    child = task.fork()
    copied = sampled((lambda at=at: child.write(at, b"y")) for at in addresses)  # type: ignore[misc]  # the same
    rows = [[part, *(f"{shares[part]:.0%}" for shares in (first, copied, missed))] for part in PARTS]
    header = ["share of the time", "first write", "copy on write", "TLB miss"]
    return table(f"Where the time of an access goes: {pages:,} of each, by samples of the stack", header, rows)

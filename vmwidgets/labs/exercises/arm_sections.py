"""Exercises of notebook 07: few TLB entries for much memory, and a domain that can be closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vmwidgets.engine.base.errors import printable
from vmwidgets.engine.base.units import KIB, MIB, PAGE, Address, Size
from vmwidgets.engine.base.values.tables import Walk
from vmwidgets.engine.machine import Machine
from vmwidgets.engine.machine.tasks import Task
from vmwidgets.engine.mmu.walk import walk

from ..criterion import Criterion, criterion
from ..exercise import exercise

NEEDED = {"video": 8 * MIB, "log": 192 * KIB}
FEW, SOME = 11, 131
"""TLB entries with sections and large pages; with large pages alone."""

VAULT, BESIDE = 0x100_0000, 0x40_0000
TASK = "vault"
OPEN = 0x5555_5555
"""DACR with all domains as clients."""


@exercise(
    "07/eleven", "Eight MiB and a bit, by eleven translations", points=5, takes=Task, shows=lambda task: task.tables
)
def eleven(task: Task) -> Iterator[Criterion]:
    """All of "video" and of "log" can be written; few pages map them, and few second-level tables."""
    walks = {name: _walks(task, name) for name in NEEDED}
    reached = {name: Size(PAGE * sum(one.ok for one in found)) for name, found in walks.items()}
    complete = {name: reached[name] >= size for name, size in NEEDED.items()}
    yield criterion(
        2,
        sum(complete.values()),
        "all of video and of log can be read and written",
        "all of both should be mapped, from the beginning of each, to read and write",
        expected=", ".join(f"{Size(size)} of {name}" for name, size in NEEDED.items()),
        actual=", ".join(f"{size} of {name}" for name, size in reached.items()),
    )
    found = [one for some in walks.values() for one in some if one.ok]
    pages = {one.va & -one.page_size for one in found}
    yield criterion(
        2,
        all(complete.values()) * ((len(pages) <= SOME) + (len(pages) <= FEW)),
        "eleven translations reach it",
        "fewer translations could reach it: which is the largest page that fits each part, and which addresses does it "
        "need?",
        first="" if all(complete.values()) else "map all of it",
        expected=f"at most {FEW} pages, of whatever size",
        actual=f"{len(pages):,} pages",
    )
    second = {one.steps[-1].table for one in found if len(one.steps) > 1}
    yield criterion(
        1,
        all(complete.values()) and len(second) <= 1,
        "one second-level table is enough",
        "more second-level tables are read than have to be: for which addresses is one of them?",
        first="" if all(complete.values()) else "map all of it",
        expected="at most 1 second-level table",
        actual=f"{len(second):,}",
    )


def _walks(task: Task, name: str) -> list[Walk]:
    """What a write of user code finds for each page of an object, where the map shows it; each page once."""
    found: dict[int, Walk] = {}
    for entry in task.map.entries():
        if entry.object == name:
            for va in range(entry.start, entry.end, PAGE):
                offset = entry.offset + va - entry.start
                if offset < NEEDED[name] and offset not in found:
                    found[offset] = task.walk(va, "write")
    return list(found.values())


@exercise(
    "07/door", "A section behind a door", points=5, takes=Machine, shows=lambda machine: machine.tasks[TASK].tables
)
def door(machine: Machine) -> Iterator[Criterion]:
    """Task "vault": user code gets a domain fault in its section, nowhere else, and DACR alone decides it."""
    fault = machine.walk(VAULT, user=True, task=TASK).fault
    closed = fault is not None and fault.kind == "domain"
    yield criterion(
        2,
        closed,
        "the section is closed: user code gets a domain fault there",
        "user code should get a domain fault in the section: which domain is it in, and what does DACR say of it?",
        expected=f"domain fault at {Address(VAULT)}",
        actual="goes through" if fault is None else f"{fault.kind}: {printable(fault.why)}",
    )
    beside = machine.walk(BESIDE, "write", user=True, task=TASK)
    kernel = machine.walk(machine.kernel_map.start, user=False, task=TASK)
    yield criterion(
        1,
        closed and beside.ok and kernel.ok,
        "everything else still works",
        f"{'the kernel' if beside.ok else 'the other page'} is behind the door, too: "
        "the section needs a domain of its own",
        first="" if closed else "close the section",
        actual=", ".join(one.fault.why for one in (beside, kernel) if one.fault),
    )
    yield criterion(
        2,
        closed * (_opened(machine, "read") + _opened(machine, "write")),
        "with all domains open it is as it was: one section that can be read and written",
        "with all domains open the section should be as it was: only its domain may differ",
        first="" if closed else "close the section",
        expected="a section of 1 MiB, to read and write",
    )


def _opened(machine: Machine, access: str) -> bool:
    """Whether user code reaches the section's memory in one step when DACR opens all domains."""
    pmap = machine.system.pmap_of(TASK)
    root, controls = pmap.registers(replace(machine.controls, dacr=OPEN))
    found = walk(machine.system.ram, pmap.fmt, root, VAULT, "write" if access == "write" else "read", True, controls)
    frame = machine.objects["gold"].pages.get(0)
    return found.pa is not None and found.page_size == MIB and found.pa == (frame or 0) * PAGE

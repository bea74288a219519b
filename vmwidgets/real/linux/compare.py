"""``vm.compare_with_linux``: a machine's operations, and the same calls in real Linux processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from ...comparisons.linux import LinuxComparison, LinuxDifference, MadeCall
from ...engine.base.calls import says_what_it_takes
from ...engine.base.errors import Refused, printable, shown
from ...engine.base.units import binary_size
from ...engine.machine import Machine
from .asked import AT_THE_END, Asked, Life, asked_of
from .judging import Judge
from .known import KNOWN
from .living import Living
from .processes import Ended, why_not
from .recorded import Answering, recording_of

ALWAYS = (
    "dirty bits: no process can read its own",
    "faults and pages of file mappings and of shared memory: Linux maps 16 pages around one that is read",
    "faults and pages where reading is not allowed, or of ranges above 2 MiB",
    "the address of a mapping that asked for none: Linux is given the address that this machine chose",
    "page-out: processes of this computer are not short of memory",
)
"""The parts that are never compared."""


@says_what_it_takes
def compare_with_linux(machine: Machine) -> LinuxComparison:
    """Repeat the calls of a machine's tasks in real processes of this computer's Linux, and list the differences.

    Real processes repeat each mmap, munmap, mprotect, brk, fork, read, write and so on of the journal, with the same
    arguments at the same addresses.  Errors, signals, the bytes read and the mappings (/proc/PID/maps) are compared,
    and at the end the contents of each page.  More is compared if the machine was booted with ``fork="counted"`` or did
    not fork: the pages of private anonymous memory that are in memory, the pages not shared with other tasks
    (/proc/PID/pagemap), and the faults of each access.  A difference of a known kind is listed with the rules of POSIX,
    Linux and X15.  Calls without an equivalent in Linux are left out and counted.

    No privileges are needed.  The processes have only a few megabytes of their own and files in memory, and end when
    this call ends, for whatever reason.  On a computer without Linux, the recordings of the labs' own experiments are
    compared; for any other machine, :class:`Refused` is raised.  O(operations × pages mapped), some milliseconds for
    each operation.

    >>> import vmwidgets as vm
    >>> m = vm.boot("x86-64", fork="counted")
    >>> t = m.task("init")
    >>> a = t.mmap("8 KiB", at="1 MiB")
    >>> t.write(a, b"hello")
    >>> child = t.fork()
    >>> child.write(a, b"jello")
    >>> t.read(a, 5)
    b'hello'
    >>> vm.compare_with_linux(m).agrees
    True
    """
    if not isinstance(machine, Machine):
        raise Refused(f"compare_with_linux compares a machine, such as m = vm.boot(), not {shown(machine)}")
    if machine.door.inside:
        raise Refused("compare_with_linux can't begin during an operation: call it in a cell")
    life = asked_of(machine)
    why = why_not()
    if not why:
        try:
            living = Living(life)
        except (OSError, Ended) as error:
            why = f"Processes can't be started here in the way that is needed ({error})."
    if why:
        recording = recording_of(life, why)
        return compared(machine.name, life, recording, recording.source, is_recording=True)
    with living:
        return compared(machine.name, life, living, f"this computer's Linux {os.uname().release}")


def compared(name: str, life: Life, linux: Answering, source: str, *, is_recording: bool = False) -> LinuxComparison:
    """Compare each call with Linux's result, made now or recorded."""
    judge, rows, stopped = Judge(life.architecture), list[LinuxDifference](), life.stopped
    notes, sees_pages = [*life.notes], True
    made: list[MadeCall] = []
    for asked in life.calls:
        if asked.task in judge.apart:
            if asked.name == "fork":
                judge.apart.add(asked.arguments[0])
            continue
        try:
            seen = linux.see(asked)
            found, mends = judge.judge(asked, seen)
            if mends:
                linux.mend(asked)
        except Ended as ended:
            stopped = f"in operation {asked.number} a process was ended from outside ({ended})"
            break
        sees_pages = sees_pages and (not asked.here.pages or seen.pages is not None)
        made.append(_made(asked, found))
        rows += found
        if asked.task in judge.apart:
            notes.append(f"{asked.task}, from operation {asked.number} on: it has other mappings there")
    if not sees_pages:
        notes.append("pages in memory: /proc/PID/pagemap can't be read here")
    kinds = dict.fromkeys(row.kind for row in rows if row.kind)
    return LinuxComparison(
        printable(name),
        source,
        is_recording,
        tuple(rows),
        tuple(made),
        tuple(life.left_out.values()),
        (*notes, *ALWAYS),
        tuple((kind, KNOWN[kind]) for kind in kinds),
        stopped,
    )


def _made(asked: Asked, found: Sequence[LinuxDifference]) -> MadeCall:
    """Return a call that was repeated: what it is about, and whether Linux agrees."""
    is_at_the_end, given = asked.text.endswith(AT_THE_END), asked.arguments
    about = ""
    if asked.name == "fork":
        about = str(given[0])
    elif len(given) > 1 and isinstance(given[1], int | bytes) and not isinstance(given[1], bool):
        about = binary_size(given[1] if isinstance(given[1], int) else len(given[1]))
    kind: Literal["same", "known", "different"] = "same"
    if found:
        kind = "known" if all(one.is_known for one in found) else "different"
    return MadeCall(asked.number, AT_THE_END if is_at_the_end else asked.name, asked.task, printable(about), kind)

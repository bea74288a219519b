"""Copy-on-write in fifty minutes: a promise, a first touch, a fork, who copies, and a flush that was forgotten."""

from __future__ import annotations

from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.tasks.objects_schema import PageCopied
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.machine import Machine
from vmwidgets.engine.mmu.tables_schema import FaultRaised
from vmwidgets.pictures.registry import known_pictures

from . import faults
from .lecture import Lecture, Ready

PAGES = 3


def lecture() -> Lecture:
    """Return the lecture on a parent and its child on two processors, in the way that counts frames.

    >>> [answer for _, _, answer, _ in lecture().ask.values()][2:5]
    ['3', '4', 'a fault, no copy']
    """
    machine = boot("x86-64", cpus=2, fork="counted")
    second, first = machine.cpus
    parent = machine.task("parent")
    told = Lecture("Copy-on-write: a page is copied at the last moment", machine)
    told.show(known_pictures()["Sharing"](machine), known_pictures()["Fault"](machine))

    told.mark(
        "a promise",
        "A process of your own comes first (%%pages): 64 MiB is mapped, and nothing of them is in memory. Then the "
        "same in small: three pages. Vote, then go to the next step.",
        minutes=5,
        live='m = vm.boot("x86-64", cpus=2); p = m.task("parent"); a = p.mmap("12 KiB"); vm.Sharing(m)',
        paper="And a process of your own: %%pages above np.empty(1 << 26, 'u1').",
    )
    a = parent.mmap(PAGES * PAGE)
    told.question(
        "a promise",
        "mmap will map 12 KiB. How many frames hold them then?",
        ["0", "1", "3"],
        machine.frame_count,
        "mmap only makes an entry in the map. A frame is allocated at the first access to each page.",
        {"3": "So it is with MAP_POPULATE.", "1": "So it is after the first access."},
    )

    first.run(parent)
    told.mark(
        "the first touch",
        "The TLB misses, the walk ends at an empty PTE, and the processor reports code 6. Vote there. Then the kernel "
        "finds the entry, fills a frame, and writes the PTE.",
        minutes=7,
        live='p.write(a, b"hello")',
        paper="Name the three bits of code 6: not present, a write, user code.",
    )
    told.question(
        "the first touch",
        "Who will fill the new page, and with what?",
        ["malloc, with its lists", "the kernel, with zeroes", "the processor, with nothing"],
        "the kernel, with zeroes",
        "So no process reads what another one left in the frame.",
        {
            "malloc, with its lists": "It never ran here: mmap and one store were enough.",
            "the processor, with nothing": "It only reports the fault. It knows neither files nor zeroes.",
        },
        later=2,
    )
    first.store(a, b"hello")
    with machine.group("The parent writes pages B and C"):
        for page in range(1, PAGES):
            first.store(a + page * PAGE, b"hello")
    told.mark(
        "before the fork",
        "Three pages, three frames, and one process that may write to them all. Vote, then fork.",
        minutes=6,
        live='c = p.fork("child")',
        paper="What was copied? The page tables: the fork copies no page, and closes every lock.",
    )
    child = parent.fork("child")
    told.question(
        "before the fork",
        "The parent forks. How many frames hold the three pages of both?",
        ["3", "4", "6"],
        machine.frame_count,
        "Both map the same frames. The map still says rw; in each PTE, W is cleared, so that a "
        "write traps to the kernel.",
        {"6": "So it is in an eager fork, as in xv6.", "4": "There has been no write yet."},
    )
    second.run(child)
    told.mark(
        "after the fork",
        "The next write is the child's. It is allowed to write, and faults: go through the six steps. Why this order? "
        "If the count fell first, another processor could see a count of 1, reuse the frame, and the child would read "
        "the parent's new bytes. Then press the button: what if the parent writes first?",
        minutes=8,
        live='c.write(a, b"J")',
        paper="Put in order: copy, PTE, flush, count.",
    )
    second.store(a, b"J")
    told.question(
        "after the fork",
        "The child writes to page A. How many frames hold the pages then?",
        ["3", "4", "6"],
        machine.frame_count,
        "This page is copied, and only this one.",
        {"3": "Then the parent would read the child's J.", "6": "Only what is written is copied."},
    )
    told.mark(
        "the child wrote",
        "Each has its own page A. Next the parent writes to its page A. Vote on both: a fault? A copy?",
        minutes=5,
        live='p.write(a, b"H")',
        paper="Three tasks share one page, and all write. Faults and copies? 3 and 2.",
    )
    first.store(a, b"H")
    told.question(
        "the child wrote",
        "The parent writes to page A. What happens?",
        ["a fault and a copy", "a fault, no copy", "no fault"],
        _happened(machine),
        "Its PTE is still closed, so it faults. The count is 1, so the kernel opens the lock, and copies nothing.",
        {
            "a fault and a copy": "The count is 1: only it maps the frame.",
            "no fault": "Who opened the lock? Its PTE is still closed.",
        },
    )

    told.mark(
        "both wrote",
        "Pages B and C are still shared. Two buttons show what may come next. Vote on the first, then press each.",
        minutes=7,
        paper="A fork, and then exec in the child: how many copies? None.",
    )
    writes, ends, execs = (machine.branch(moment) for moment in ("after the fork", "both wrote", "both wrote"))
    writes.cpus[1].store(a, b"H")
    ends.tasks["child"].exit()
    ends.cpus[1].store(a + PAGE, b"H")
    execs.tasks["child"].exec()
    execs.cpus[1].store(a + PAGE, b"H")
    told.what_if = {
        "the parent writes first": writes,
        "the child exits, and the parent writes": ends,
        "the child calls exec": execs,
    }
    told.question(
        "both wrote",
        "The child exits, and then the parent writes to page B. What happens?",
        ["no fault", "a fault, no copy", "a fault and a copy"],
        _happened(ends),
        "The exit lowers the count to 1, and opens no lock. The fault finds the count of 1, and opens it.",
        {
            "no fault": "Who opened the lock? An exit does not look for the others' tables.",
            "a fault and a copy": "For whom would the copy be? The child is gone.",
        },
    )

    first.store(a, b"H")  # not what a branch does next: both buttons are here
    child.exit()
    second.run(parent)
    told.mark(
        "a flush is forgotten",
        "Another thread of the parent runs on cpu 0 now. The thread on cpu 1 stored to page A: its TLB knows the page "
        "as writable. The thread on cpu 0 forks: W is cleared in the tables, and the TLB of cpu 1 is forgotten. Vote "
        "when the second child runs, then let the thread on cpu 1 store. With one thread, all is well: its fork is a "
        "system call on its own processor, which flushes its own TLB and needs no message.",
        minutes=7,
        live='first, other = m.cpus[1], m.cpus[0]; other.run(p); first.run(p); first.store(a, b"H"); '
        'm.cpus.shootdown = "forgotten"; d = p.fork("second child"); other.run(d); first.store(a, b"J"); '
        "other.load(a, 5)",
        paper="Which step of the fork was left out?",
    )
    machine.cpus.shootdown = "forgotten"
    other = parent.fork("second child")
    second.run(other)
    first.store(a, b"J")
    told.question(
        "a flush is forgotten",
        "The parent's thread on cpu 1 stores J to page A. What does the second child read there?",
        ["Hello", "Jello", "SIGSEGV"],
        second.load(a, 5).decode(),
        "The TLB of cpu 1 still says that the page may be written: no fault, no copy, and both see the J.",
        {
            "Hello": "So it is with the flush, and if the parent has one thread.",
            "SIGSEGV": "Its rights never forbade this read.",
        },
        later=5,
    )
    second.flush(a)
    told.mark(
        "in a real system",
        "Two real processes now. And in words: a huge page of 2 MiB is forked and written: since Linux 5.8 the "
        "mapping is split, and 4 KiB is copied; older Linux copied 2 MiB, and hugetlbfs still does.",
        minutes=5,
        live="vm.copy_on_write(pages=4)",
        paper="Redis saves by a fork. Meanwhile 20 % of its pages are written. How much more memory? 20 %.",
    )
    first.flush(a)
    return told


def _happened(machine: Machine) -> str:
    """Return what the last write did, in the words of a vote."""
    events = machine.journal.last.events
    if not any(isinstance(one, FaultRaised) for one in events):
        return "no fault"
    return "a fault and a copy" if any(isinstance(one, PageCopied) for one in events) else "a fault, no copy"


READY = Ready(
    "cow",
    50,
    "a first touch, fork, who copies, a forgotten flush (OSTEP 21, 23)",
    lecture,
    short=faults.lecture,
    also=("fork", "copy-on-write"),
)

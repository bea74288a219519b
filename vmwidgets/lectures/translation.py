"""Translation: a walk through four tables, what a TLB saves, and what happens if it is not flushed."""

from __future__ import annotations

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.machine import boot
from vmwidgets.engine.mmu.paper.machine import Paper
from vmwidgets.engine.mmu.tlb_schema import TlbHit
from vmwidgets.pictures.registry import known_pictures

from .lecture import Lecture

PLACE = 0x40_3000

ONE_SCREEN = 840
"""Width in pixels of the only picture: its words are at least 11 pixels high, and 24 when enlarged to 1,920."""


def lecture() -> Lecture:
    """Return the lecture on one page, two processors, and a forgotten flush.

    >>> lecture().ask["protected"][2]
    'the byte is written'
    """
    machine = boot("x86-64", cpus=2)
    task = machine.task("editor")
    page = task.map.enter(PAGE, at=PLACE, object=machine.object("draft"))
    for cpu in machine.cpus:
        cpu.run(task)
    told = Lecture("From an address to a frame: walks and TLBs", machine)
    told.show(known_pictures()["Dashboard"](task, panes="translation", address=page), wide=ONE_SCREEN)
    told.mark(
        "nothing is there yet",
        "Vote first on the small numbers of the paper. Then the map promises a page. No table mentions it: the walk "
        "will stop at the first level, and fault. PML4, PDPT, PD and PT are x86's names for the four tables; an entry "
        "of one is a descriptor; #PF is a page fault. Step to the fault, and vote there. Error code 6 is a write by "
        "user code.",
        minutes=5,
    )

    paper = Paper(va=14, page=64, levels=(4, 4), entry=4).map({0xFE: 55}).access("r 0x3f80")
    told.question(
        "nothing is there yet",
        "On paper first, with fewer bits: an address has 14 bits, a page 64 bytes, and each of two tables 4 index "
        "bits. Which descriptor of the root does a walk of 0x3F80 read?",
        ["15", "63", "254"], paper.path[0].index,
        f"The bits are {paper.split}: descriptor 15 of the root, and 14 of the table below. That descriptor has frame "
        f"55, so the physical address is {paper.pa}.",
        {"63": "So it would be with six index bits; but six bits are the offset.",
         "254": "That is the page's number, of all eight bits. Each table uses four of them."},
    )  # fmt: skip

    first, second = machine.cpus
    first.store(page, b"draft")
    reads = len(task.walk(page).steps)
    told.question(
        "nothing is there yet",
        "The kernel will resolve this fault, and the processor will walk again. How many tables does it read then?",
        ["1", "2", "4"], reads, "One for each level: nine bits of the address choose a descriptor in each table.",
        {"1": "So it was now: the walk ended in the first table, which has nothing there.",
         "2": "So many were enough for 32 bits; 48 bits are 4 times 9, and 12 for the byte."},
        later=2,
    )  # fmt: skip
    told.mark(
        "mapped",
        "Follow the address: nine bits for each level, twelve for the byte in the page. Next: the same page "
        "again; vote.",
        minutes=3,
    )
    first.load(page)
    hit = any(isinstance(event, TlbHit) for event in machine.journal.last.events)
    told.question(
        "mapped", "The same processor loads from the page again. How many tables does it read?", ["0", "1", "4"],
        0 if hit else reads, "The TLB has the translation: it is a hit, and the tables are not read at all.",
        {"1": "The TLB has the whole translation, not only the path to the last table.",
         "4": "So it would be without a TLB: five times in memory for each access."},
    )  # fmt: skip
    second.load(page)
    told.mark(
        "both know it",
        "Each processor has its own TLB. When one processor makes another drop a translation, this is a shootdown. "
        "Next the kernel makes the page read-only, and forgets the shootdown of cpu 1.",
        minutes=5,
    )

    machine.cpus.shootdown = "forgotten"
    task.map.protect(page, size=PAGE, prot="r")
    told.mark(
        "protected",
        "The descriptor says read-only, and cpu 0 was flushed. cpu 1 still has the old translation. Vote, "
        "then let it store.",
        minutes=4,
    )
    try:
        second.store(page, b"oops!")
        happened = "the byte is written"
    except VMError:
        happened = "a page fault"
    told.question(
        "protected", "The page is read-only now. cpu 1 stores to it. What happens?",
        ["a page fault", "the byte is written"], happened,
        "cpu 1 believes its TLB, which still says that the page may be written. So kernels send a shootdown.",
        {"a page fault": "So it should be, and is on cpu 0. cpu 1 does not read the tables, for it has a hit."},
    )  # fmt: skip
    told.mark(
        "a stale entry",
        "No fault, no message: such bugs are hard to find. Next cpu 1 is flushed; then a store would fault.",
        minutes=3,
    )
    second.flush(page)
    return told

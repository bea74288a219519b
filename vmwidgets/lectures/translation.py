"""Translation: how large tables are, a walk of four levels, what a TLB saves, and what a forgotten flush does."""

from __future__ import annotations

from vmwidgets.engine.base.errors import VMError
from vmwidgets.engine.base.units import PAGE, Address, Size
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.cpus import MachineCpu
from vmwidgets.engine.mmu.tlb_schema import TlbHit
from vmwidgets.on_paper.machine import Paper
from vmwidgets.pictures.registry import known_pictures
from vmwidgets.sources.strace.recordings import recording

from .lecture import Lecture, Ready

PLACE = 0x40_3000

ADDRESS = 0x7F0A_A6EB_33A8

_USER = 1 << 2
"""U/S of a descriptor: Intel SDM 4.5."""

PANES = ("address", "tlb", "walk")
"""The lecture's panes: what each descriptor allows is in the notebook's picture, and here all words would be small."""

ONE_SCREEN = 840
"""Width in pixels of the only picture: its words are at least 11 pixels high, and 24 when enlarged to 1,920."""


def lecture() -> Lecture:
    """Return the lecture of fifty minutes, on two tables, four levels, a bit, TLBs, and the time of an access.

    >>> [answer for _, _, answer, _ in lecture().ask.values()][:4]
    ['512 GiB', '15', '5', 'a page fault']
    """
    machine = boot("x86-64", cpus=2)
    task = machine.task("editor")
    page = task.map.enter(PAGE, at=ADDRESS - ADDRESS % PAGE, object=machine.object("draft"))
    first, second = machine.cpus
    told = Lecture("From an address to a byte: tables, TLBs and time", machine)
    told.show(known_pictures()["Dashboard"](task, panes=PANES, address=ADDRESS), wide=ONE_SCREEN)
    told.mark(
        "a linear table",
        "One page of this address space will be used. How large is a table with an entry for each of its pages? "
        "Then the tree: a table that is not needed does not exist.",
        minutes=6,
        live="vm.compare_formats([(0x40_0000, '1 GiB')])",
        paper="2^(48-12) entries of 8 bytes.",
    )
    told.question(
        "a linear table",
        "Addresses have 48 bits, pages 4 KiB, entries 8 bytes. How large is a linear table?",
        ["4 GiB", "512 GiB", "256 TiB"],
        Size((1 << 48) // PAGE * 8),
        "2^36 entries of 8 bytes, for each process.",
        {"4 GiB": "This is 2^32: the space of 32 bits.", "256 TiB": "This is the space, not its table."},
    )
    first.run(task)
    told.mark(
        "on paper",
        "The same with small numbers: 14 bits, pages of 64 bytes, two levels of 4 bits each, as in OSTEP, chapter 20.",
        minutes=8,
        live='vm.paper(va=14, pa=12, page=64, levels=(4, 4)).map({0xFE: 55}).access("r 0x3f80")',
        paper="The last PTE has PFN 55: the physical address is 0x0DC0.",
    )
    small = Paper(va=14, pa=12, page=64, levels=(4, 4))
    small.map({0xFE: 55})
    told.question(
        "on paper",
        "Two levels of 4 bits, pages of 64 bytes. Which entry of the first table does 0x3F80 choose?",
        ["15", "63", "254"],
        small.access("r 0x3f80").path[0].index,
        "The top four of fourteen bits are 1111.",
        {
            "63": "Six bits are the offset in a page; an index has four.",
            "254": "This is the page number: both indices.",
        },
    )
    second.run(task)
    with machine.group("The page comes in"):
        first.store(ADDRESS, b"draft")
        first.flush(page)
    told.mark(
        "four levels",
        f"{Address(ADDRESS)} on x86-64: four indices of nine bits, and twelve bits for the byte. The page came in by a "
        "fault, and the TLB was emptied; now one load walks.",
        minutes=8,
        live='m = vm.boot("x86-64", cpus=2); t = m.task("editor"); a = t.mmap("4 KiB"); '
        't.write(a, b"draft"); t.walk(a)',
        paper="The four indices: 254, 42, 311, 179.",
    )
    reads = len(task.walk(ADDRESS).steps)
    told.question(
        "four levels",
        "The TLB is empty. How many times does one load read memory?",
        ["1", "4", "5"],
        reads + 1,
        "One descriptor in each of four tables, and then the byte.",
        {"4": "And the byte?", "1": "So it is if the TLB has the translation."},
    )
    first.load(ADDRESS)
    told.mark(
        "one bit",
        "Rights are checked at each level. Clear U in the third descriptor, the PDE, and leave it set in the PTE.",
        minutes=6,
        live="pde = t.walk(a).steps[2]; m.set_descriptor(pde.pa, pde.value & ~4); t.walk(a)",
        paper="Code 5 in words: present, a read, user code.",
    )
    first.flush(page)
    pde = task.walk(ADDRESS).steps[2]
    machine.set_descriptor(pde.pa, pde.value & ~_USER)
    told.question(
        "one bit",
        "U will be 1 in the PTE, and 0 in the PDE. User code reads the byte, and the TLB is empty. What happens?",
        ["a page fault", "it reads the byte", "only writes fault"],
        "it reads the byte" if task.walk(ADDRESS).ok else "a page fault",
        "A right needs its bit at every level.",
        {"it reads the byte": "U is ANDed over the levels.", "only writes fault": "This would be R/W."},
    )
    machine.undo_descriptor()
    first.load(ADDRESS)
    told.mark(
        "the TLB",
        "The bit is back, and the processor has loaded from the page: it keeps what the walk found.",
        minutes=7,
        live="m.undo_descriptor(); cpu = m.cpus[0]; cpu.run(t); cpu.load(a); cpu.load(a)",
        paper="CS:APP 9.6.4, address 0x03d7: TLBI 3, TLBT 3.",
    )
    first.load(ADDRESS)
    hit = any(isinstance(event, TlbHit) for event in machine.journal.last.events)
    told.question(
        "the TLB",
        "The processor loads from the same page again. How many tables does it read?",
        ["0", "1", "4"],
        0 if hit else reads,
        "The TLB has the translation: a hit, and no table is read.",
        {"4": "That was the miss.", "1": "The TLB holds the whole translation, not only the way to the last table."},
    )
    second.load(ADDRESS)
    told.mark(
        "rows and columns",
        "A TLB of 16 entries, and one matrix of 32 pages, read by rows and by columns. Reach is entries times page.",
        minutes=6,
        live='vm.recording("columns").tlb(16)',
        paper="The reach of 16 entries: 64 KiB.",
    )
    rows, columns = (recording(name).tlb(16).misses for name in ("rows", "columns"))
    told.question(
        "rows and columns",
        "A matrix of 32 pages, and a TLB of 16 entries. How many times as often does it miss by columns as by rows?",
        ["as often", "about 3 times", "about 23 times"],
        f"about {columns / rows:.0f} times",
        f"{columns:,} misses for {rows:,}: the next page comes before the next number.",
        {
            "as often": "So it is with 64 entries: then the reach covers all pages.",
            "about 3 times": "Each column goes through all pages, and none of them stays.",
        },
    )

    machine.cpus.shootdown = "forgotten"
    task.map.protect(page, size=PAGE, prot="r")
    told.mark(
        "protected",
        "The page is read-only now, and cpu 0 was flushed. cpu 1 was forgotten, and still has the old translation.",
        minutes=5,
        live='other = m.cpus[1]; other.run(t); other.load(a); m.cpus.shootdown = "forgotten"; '
        't.mprotect(a, "4 KiB", "r"); other.store(a, b"oops!")',
        paper="Name two bugs that a stale entry makes.",
    )
    told.question(
        "protected",
        "cpu 1 stores to the page. What happens?",
        ["a page fault", "the byte is written"],
        _stored(second, page),
        "cpu 1 believes its TLB, which still says that the page may be written.",
        {"a page fault": "So it is on cpu 0, which was flushed."},
    )
    told.mark(
        "the time of an access",
        "Two levels; a TLB of 1 ns with 96 % hits; a cache of 1 ns with 90 % hits; memory of 10 ns; tables are not "
        "cached. "
        "Add: the TLB, the misses' reads of tables, the cache, its misses.",
        minutes=4,
        live='vm.paper().time(levels=2, tlb=1, hits="96 %", cache=1, cache_hits="90 %", memory=10)',
        paper="1 + 0.04 x 20 + 1 + 0.1 x 10 = 3.8",
    )
    time = small.time(tlb=1, hits="96 %", cache=1, cache_hits="90 %", memory=10)
    told.question(
        "the time of an access",
        "Two levels; TLB 1 ns, 96 % hits; cache 1 ns, 90 % hits; memory 10 ns; tables are not cached. How long does an "
        "access take on average, in whole nanoseconds?",
        ["2 ns", "3 ns", "4 ns"],
        f"{float(time):.0f} ns",
        "1 + 0.04 x 20 + 1 + 0.1 x 10 = 3.8 (GATE 2003).",
        {"3 ns": "Without the walk it is 3.0, and with one level 3.4.", "2 ns": "TLB and cache, and never memory?"},
    )
    second.flush(page)
    return told


def _stored(cpu: MachineCpu, page: int) -> str:
    """Return what a store to a page does, in the words of a vote."""
    try:
        cpu.store(page, b"oops!")
    except VMError:
        return "a page fault"
    return "the byte is written"


def short() -> Lecture:
    """Return the lecture of twenty minutes, on one page, two processors, and a forgotten flush.

    >>> short().ask["protected"][2]
    'the byte is written'
    """
    machine = boot("x86-64", cpus=2)
    task = machine.task("editor")
    page = task.map.enter(PAGE, at=PLACE, object=machine.object("draft"))
    for cpu in machine.cpus:
        cpu.run(task)
    told = Lecture("From an address to a frame: walks and TLBs", machine)
    told.show(known_pictures()["Dashboard"](task, panes=PANES, address=page), wide=ONE_SCREEN)
    told.mark(
        "nothing is there yet",
        "The map promises a page. No table mentions it: the walk will stop at the first level, and fault. PML4, PDPT, "
        "PD and PT are x86's names for the four tables; an entry of one is a descriptor; #PF is a page fault. Step "
        "to the fault, and vote there. Error code 6 is a write by user code.",
        minutes=5,
    )

    first, second = machine.cpus
    first.store(page, b"draft")
    reads = len(task.walk(page).steps)
    told.question(
        "nothing is there yet",
        "The kernel will resolve this fault, and the processor will walk again. How many tables does it read then?",
        ["1", "2", "4"],
        reads,
        "One for each level: nine bits of the address choose a descriptor in each table.",
        {
            "1": "So it was now: the walk ended in the first table, which has nothing there.",
            "2": "So many were enough for 32 bits; 48 bits are 4 times 9, and 12 for the byte.",
        },
        later=2,
    )
    told.mark(
        "mapped",
        "Follow the address: nine bits for each level, twelve for the byte in the page. Next: the same page "
        "again; vote.",
        minutes=3,
    )
    first.load(page)
    hit = any(isinstance(event, TlbHit) for event in machine.journal.last.events)
    told.question(
        "mapped",
        "The same processor loads from the page again. How many tables does it read?",
        ["0", "1", "4"],
        0 if hit else reads,
        "The TLB has the translation: it is a hit, and the tables are not read at all.",
        {
            "1": "The TLB has the whole translation, not only the path to the last table.",
            "4": "So it would be without a TLB: five times in memory for each access.",
        },
    )
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
    told.question(
        "protected",
        "The page is read-only now. cpu 1 stores to it. What happens?",
        ["a page fault", "the byte is written"],
        _stored(second, page),
        "cpu 1 believes its TLB, which still says that the page may be written. So kernels send a shootdown.",
        {"a page fault": "So it should be, and is on cpu 0. cpu 1 does not read the tables, for it has a hit."},
    )
    told.mark(
        "a stale entry",
        "No fault, no message: such bugs are hard to find. Next cpu 1 is flushed; then a store would fault.",
        minutes=3,
    )
    second.flush(page)
    return told


READY = Ready(
    "translation",
    50,
    "a linear table, four levels, TLBs, access time (OSTEP 18 to 20)",
    lecture,
    short=short,
    also=("paging", "tlb", "page-tables"),
)

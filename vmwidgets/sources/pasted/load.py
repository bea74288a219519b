"""`vm.load`: whatever a terminal's text has of page tables, traps and panics."""

from __future__ import annotations

from ...engine.base.errors import Refused, a_kind
from ...engine.mmu.pasted import Pasted
from ..given_text import checked
from .lines import lines_of
from .listings import read_listings
from .panics import read_panics
from .traps import read_traps
from .vmprint import read_tables

MOST = 1 << 22
"""Characters that are read: the tables of thousands of processes."""


def load(text: str) -> Pasted:
    r"""What a terminal's text says about page tables, traps and panics.

    It finds tables printed by xv6's `vmprint`, in the forms of all years.  Traps (`usertrap(): unexpected scause …`)
    are walked in the table printed before them.  Panics of xv6 are explained: what the check protects, and three usual
    mistakes.  The lists of QEMU's monitor are read too: `info mem` (x86, RISC-V) and `info tlb` (x86).  Prompts, blanks
    and lines of other programs in between are ignored.  The result is shown as a picture.  Its parts are `tables`,
    `traps`, `panics`, `listings` and `ranges`; `unsaid` has sentences about facts that the text does not contain.

    Raises :class:`Refused` for a value that is not a string, or has none of these.  O(characters).

    >>> import vmwidgets as vm
    >>> pasted = vm.load('''$ crash
    ... page table 0x87f6e000
    ... ..0: pte 0x21fda801 pa 0x87f6a000
    ... .. ..0: pte 0x21fda401 pa 0x87f69000
    ... .. .. ..0: pte 0x21fdac1b pa 0x87f6b000
    ... usertrap(): unexpected scause 0xf pid=3
    ...             sepc=0x8 stval=0x10
    ... ''')
    >>> pasted.traps[0].says
    'The store of 0x10 was refused: the page may not be written: W is 0 in the level 0 PTE.'
    >>> pasted.traps[0].refused, pasted.tables[0].ranges
    ('W', (<0x0: 4 KiB r-xu at physical 0x87f6_b000>,))
    >>> vm.load("panic: freewalk: leaf").panics[0].function
    'freewalk in kernel/vm.c'
    """
    given: object = text
    if not isinstance(given, str):
        raise Refused(f"text={a_kind(given)}: write the text itself, as the terminal shows it")
    lines = lines_of(checked(given, MOST))
    tables, unsaid = read_tables(lines)
    traps, of_traps = read_traps(lines, tables)
    panics, of_panics = read_panics(lines)
    listings, of_listings = read_listings(lines)
    sentences = (*unsaid, *of_traps, *of_panics, *of_listings)
    if not (tables or traps or panics or listings):
        why = f" {sentences[0]}" if sentences else ""
        raise Refused(
            f"the text has no page table of vmprint, no trap, no panic, and no list of info mem or info tlb.{why} Paste"
            " what the terminal shows, from a line such as 'page table 0x87f6e000', 'usertrap(): unexpected scause …'"
            " or 'panic: …' on"
        )
    return Pasted(tuple(tables), tuple(traps), tuple(panics), tuple(listings), sentences)

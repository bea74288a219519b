"""Questions on machines on paper: small widths, drawn from ranges that an instructor may write in a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from vmwidgets.engine.base.errors import Refused, shown
from vmwidgets.engine.base.units import counted
from vmwidgets.labs.draws import Draws
from vmwidgets.on_paper.machine import Paper
from vmwidgets.on_paper.worked import Access
from vmwidgets.pictures.paper import OnPaper

from .question import ADDRESS, NUMBER, Again, Kind, Question, address, distinct, table

Ranges = Mapping[str, Sequence[Any]]
"""The values from which each number of a machine is drawn, by the name that ``vm.paper`` has for it."""

DEFAULTS: Ranges = {
    "va": range(12, 17),
    "pa": range(10, 14),
    "page": (32, 64, 128),
    "entry": (1, 2),
    "tlb": ((2, 2), (4, 4), (8, 2)),
    "cache": ((8, 1, 4), (16, 1, 4), (16, 2, 8)),
    "levels": (),
}

ENTRY_RULE = (
    "**Entries:** The highest bit of an entry is V: 1 if the entry is in use. Its lowest bits are the number of a "
    "frame (PFN). In a directory, this is the frame in which the page table begins."
)
TLB_RULE = (
    "**TLB:** The set of a page is its number (VPN) mod the number of sets, and its tag is the VPN div the number of "
    "sets."
)
CACHE_RULE = (
    "**Cache:** It is looked up by physical addresses. The lowest bits are the place in a block, the next ones choose "
    "the set, and all others are the tag."
)
_EXAMPLE = "va = [14, 15], page = [64], tlb = [[4, 4]], levels = [[4, 4]]"
WIDTHS = "va", "pa", "page", "entry"
MOST_TRIED = 4096
"""The ranges of widths, and the most combinations of them that are tried."""

OSTEP, CSAPP = "Operating Systems: Three Easy Pieces, chapter", "Computer Systems: A Programmer's Perspective, 9.6"


def ranges_of(file: str | Path) -> Ranges:
    """Return the ranges in a TOML file: `va = [14, 15]`, `page = [64]`, `levels = [[4, 4]]`.

    What the file leaves out is as usual.  Raises :class:`Refused` for an unknown name, an empty list, and for numbers
    of which no machine can be made.
    """
    try:
        data: dict[str, Any] = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused(f"--paper {shown(str(file))} can't be read: {error}") from None
    for name, values in data.items():
        if name not in DEFAULTS:
            raise Refused(f"--paper: there is no {shown(name)}; write some of {', '.join(DEFAULTS)}")
        if not isinstance(values, list) or not values:
            raise Refused(f"--paper: {name} = {shown(values)}: write a list of values, such as {_EXAMPLE}")
    ranges = {**DEFAULTS, **data}
    for levels in (None, *(ranges["levels"] or (2,))):
        reasons = [_wrong(one, levels) for one in islice(product(*(ranges[name] for name in WIDTHS)), MOST_TRIED)]
        if all(reasons):
            raise Refused(f"--paper: no machine can be made of these numbers: {reasons[-1]}")
    for kind in kinds_of(ranges):
        _try(kind)
    return ranges


def _try(kind: Kind) -> None:
    try:
        kind.drawn(Draws("ranges"))
    except AssertionError:  # it has drawn a thousand times
        raise Refused(f"--paper: no question {kind.name} can be made: allow more pages and frames") from None


def _wrong(numbers: tuple[Any, ...], levels: Any) -> str:
    """Return why these numbers make no machine; "" if they do."""
    try:
        _made(numbers, levels)
    except (Refused, TypeError) as refused:
        return f"{refused}"
    return ""


def _made(numbers: tuple[Any, ...], levels: Any, **more: Any) -> Paper:
    va, pa, page, entry = numbers
    depth = tuple(levels) if isinstance(levels, (list, tuple)) else levels
    return Paper(va, pa, page, depth, entry, layout="V PFN", **more)


def _drawn(draws: Draws, ranges: Ranges, *, levels: Any = None, parts: Sequence[str] = ()) -> Paper:
    """Return a machine with one linear table, or with levels; `parts` are a TLB or a cache."""
    numbers = tuple(draws.choice(list(ranges[name])) for name in WIDTHS)
    try:
        return _made(numbers, levels, **{name: tuple(draws.choice(list(ranges[name]))) for name in parts})
    except Refused:
        raise Again from None


def _about(p: Paper) -> str:
    return (
        f"On a machine, virtual addresses have {p.bits['VA']} bits, physical addresses have {p.bits['PA']} bits, and "
        f"a page has {p.widths.page} bytes."
    )


def _mapped(draws: Draws, p: Paper, count: int = 6) -> tuple[dict[int, int], int]:
    """Return some pages with their frames, and an address in one of them."""
    if p.pages < 2 * count or p.frames < 3 * count:
        raise Again
    pages = distinct(draws, count, 1, p.pages - 1)
    frames = distinct(draws, count, 1, p.frames - 1)
    inside = draws.between(1, (1 << p.bits["VPO"]) - 1)
    return dict(zip(pages, frames, strict=True)), (pages[0] << p.bits["VPO"]) + inside


def _key(found: Access, source: str) -> str:
    """Return the worked steps, in one line."""
    return "; ".join(line.replace("  ", ", ") for line in found.worked) + f". ({source})"


def _asked(text: str, answer: int, found: Access, source: str, *rules: str) -> Question:
    """Return a question whose answer is a number in hexadecimal that the text does not contain."""
    said = Question(text, address(answer), _key(found, source), ADDRESS, rules=rules, solution=OnPaper(found).scene)
    words = {word.strip("`|.,;:?()") for word in text.split()}
    if set(said.accepted) & words or answer == 0:
        raise Again
    return said


# ---- kinds -----------------------------------------------------------------------------------------


def vpn(ranges: Ranges, draws: Draws) -> Question:
    """Make a question on the number of an address's page."""
    p = _drawn(draws, ranges)
    pages, va = _mapped(draws, p)
    found = p.map(pages).access(va)
    assert found.vpn is not None, "it is in the address space"
    text = f"{_about(p)} What is the number of the page (VPN) of the virtual address `{address(va)}`, in hexadecimal?"
    return _asked(text, found.vpn, found, f"{OSTEP} 18")


def linear(ranges: Ranges, draws: Draws) -> Question:
    """Make a question on an address that one linear table translates."""
    p = _drawn(draws, ranges)
    pages, va = _mapped(draws, p)
    bits = int((p.widths.entry or 1) * 8)
    rows = [(f"{page}", f"`{1 << bits - 1 | frame:#x}`") for page, frame in sorted(pages.items())]
    found = p.map(pages).access(va)
    text = (
        f"{_about(p)} One linear table has these entries of {bits} bits; all others are 0.\n\n"
        f"{table(('number', 'entry'), rows)}\n\n"
        f"To which physical address is the virtual address `{address(va)}` translated?"
    )
    assert found.pa is not None, "its page is mapped"
    return _asked(text, found.pa, found, f"{OSTEP} 18", ENTRY_RULE)


def tag(ranges: Ranges, draws: Draws) -> Question:
    """Make a question on the tag that a TLB compares."""
    p = _drawn(draws, ranges, parts=["tlb"])
    pages, va = _mapped(draws, p)
    found = p.map(pages).access(va)
    assert found.tlb is not None, "the machine has a TLB"
    text = (
        f"{_about(p)} A TLB has {found.tlb.sets} sets of {counted(found.tlb.ways, 'way')}. With which tag (TLBT) does "
        f"it compare the entries of a set, if the virtual address `{address(va)}` is looked up?"
    )
    return _asked(text, found.tlbt or 0, found, f"{CSAPP}.2", TLB_RULE)


def cache(ranges: Ranges, draws: Draws) -> Question:
    """Make a question on the tag of a cache that is looked up by physical addresses."""
    p = _drawn(draws, ranges, parts=["cache"])
    pages, va = _mapped(draws, p)
    found = p.map(pages).access(va)
    held = p.cache
    assert held is not None, "the machine has a cache"
    text = (
        f"{_about(p)} Page `{found.vpn:#x}` is in frame `{found.pfn:#x}`. A cache has {held.sets} sets of "
        f"{counted(held.ways, 'block')} of {held.block} bytes. Which tag (CT) does the cache look for, if the virtual "
        f"address `{address(va)}` is read?"
    )
    return _asked(text, found.ct or 0, found, f"{CSAPP}.4", CACHE_RULE)


def time(ranges: Ranges, draws: Draws) -> Question:
    """Make a question on the average time of an access."""
    levels, memory = draws.between(1, 4), draws.between(3, 12) * 10
    tlb, hits = draws.between(1, 9), draws.choice((60, 70, 80, 90))
    found = Paper(levels=levels).time(memory=memory, tlb=tlb, hits=f"{hits} %")
    text = (
        f"A processor has a TLB, which takes {tlb} ns and hits for {hits} % of the accesses, and page tables of "
        f"{counted(levels, 'level')} in memory. A reference to memory takes {memory} ns, and nothing else is cached. "
        "How many nanoseconds does an access take on average?"
    )
    return Question(text, f"{found.value}", f"{'; '.join(found.lines)}. ({OSTEP} 19)", NUMBER)


def levels(ranges: Ranges, draws: Draws) -> Question:
    """Make a question on an address that tables of several levels translate."""
    p = _drawn(draws, ranges, levels=draws.choice(list(ranges["levels"]) or [2]))
    pages, va = _mapped(draws, p, 4)
    offset = p.bits["VPO"]
    if any((p.widths.table_bytes(level) or 0) > (p.widths.page or 0) for level in range(p.widths.depth)):
        raise Again
    places = [va, *(page << offset for page in pages if page != va >> offset)]
    try:
        found, *others = (p.map(pages).access(place) for place in places)
    except Refused:  # no room for the tables beside the pages
        raise Again from None
    seen = (found, *others)
    assert found.pa is not None, "its page is mapped"
    entries = {int(step.address or 0): step.entry for one in seen for step in one.path}
    rows = [(f"`{address(at)}`", f"`{entry:#x}`") for at, entry in sorted(entries.items())]
    index = ", ".join(map(str, p.widths.levels or ()))
    text = (
        f"{_about(p)} From the highest bit, the tables have {index} index bits. The root table begins in frame "
        f"`{int(found.path[0].address or 0) >> offset:#x}`. Memory holds these entries of "
        f"{int((p.widths.entry or 1) * 8)} bits; all others are 0.\n\n{table(('address', 'entry'), rows)}\n\n"
        f"To which physical address is the virtual address `{address(va)}` translated?"
    )
    return _asked(text, found.pa, found, f"{OSTEP} 20", ENTRY_RULE)


def kinds_of(ranges: Ranges) -> tuple[Kind, ...]:
    """Return the kinds of question on machines whose numbers are in these ranges."""
    made = (
        ("vpn", 1, "the number of an address's page, on a machine of a few bits", vpn),
        ("linear", 1, "the physical address, from the entries of one linear table", linear),
        ("tag", 2, "the tag that a TLB compares", tag),
        ("cache", 2, "the tag of a cache that is looked up by the physical address", cache),
        ("time", 2, "the average time of an access, with a TLB and tables of several levels", time),
        ("levels", 3, "the physical address, from the entries of tables of several levels", levels),
    )
    return tuple(Kind(f"paper/{name}", grade, about, partial(make, ranges)) for name, grade, about, make in made)


KINDS = kinds_of(DEFAULTS)

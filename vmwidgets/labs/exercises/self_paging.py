"""Exercises of notebook 09, and the mistakes of its questions: refills, and right permissions in spite of a bug."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.journal import Operation
from vmwidgets.engine.base.units import KIB, MIB, PAGE, Address, Size
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.arguments import mapping_flags_text, region_flags
from vmwidgets.engine.machine.boot import QUIRKS
from vmwidgets.engine.machine.handles.domain import MachineDomain
from vmwidgets.engine.selfpaging.calls_schema import MappingFlagsInvoked
from vmwidgets.engine.selfpaging.domain_schema import DomainValue, SlabHeadValue, VnodeValue
from vmwidgets.engine.selfpaging.flags import kernel_flags

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake, mistakes
from .structures import EDITED, edited, pages

BEFORE = 7
"""The blocks that a new domain has for vnodes; more come from refills."""


def _place(draws: Draws, taken: set[int]) -> int:
    """Return an address at a multiple of 1 MiB, with 4 MiB after it, far from all others."""
    row = draws.choice([row for row in range(0x50, 0x7F) if row not in taken])
    taken.add(row)
    return (row << 24) + draws.between(0, 11) * MIB


# ---- rights in spite of a bug ------------------------------------------------------------------


@frozen(slots=False)
class BugSheet:
    """Pages at `at`; the pages with the numbers in `some` are to become read-only."""

    at: int
    pages: int
    some: tuple[int, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> BugSheet:
        """Draw pages that may cross the boundary between two tables, and one or two runs of them."""
        count = draws.between(5, 8)
        chosen = [draws.between(0, 1) for _ in range(count)]
        while not 1 <= sum(chosen) <= count - 2:
            chosen = [draws.between(0, 1) for _ in range(count)]
        at = _place(draws, set()) + MIB - draws.between(0, count + 2) * PAGE
        return cls(at, count, tuple(number for number, one in enumerate(chosen) if one))

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.pages * PAGE

    @property
    def text(self) -> str:
        """The task in words."""
        listed = ", ".join(map(str, self.some))
        return (
            f"Domain `log` runs with the bug. It has mapped the frame in `slots[0]`, {pages(self.size)}, at "
            f"`{Address(self.at)}`, and has written to each page.\n"
            f"Make {'pages' if len(self.some) > 1 else 'page'} {listed} read-only; the first is page 0. "
            "All others must still be writable, and each page must keep its contents.\n"
            "Also show the bug: call `modify_flags` once, on memory of your choice, so that parts of its range get "
            "different rights."
        )

    def start(self) -> MachineDomain:
        """Return the domain on a machine with the originals' bugs, with its pages written."""
        domain = boot("armv7", quirks=QUIRKS).domain("log")
        domain.map(domain.frame(self.size), at=self.at, size=self.size)
        for number in range(self.pages):
            domain.write(self.at + number * PAGE, _content(number))
        return domain


def _content(number: int) -> bytes:
    return f"page {number}".encode()


@exercise(
    "09/bug",
    "Read-only in spite of a bug",
    points=5,
    takes=MachineDomain,
    shows=lambda domain: domain,
    variant=BugSheet.drawn,
    hints=(
        (
            "Which other call decides what a mapping allows? And where must a range lie so that modify_flags needs "
            "two kernel calls for it?"
        ),
        "A frame keeps its contents when its mapping is removed: unmap everything, then map it again in pieces.",
        (
            'map("slots[0]", at=…, offset=…, size=…, flags="r") maps a piece. For the bug: map two pages elsewhere, '
            "one on each side of a multiple of 1 MiB, and change the flags of both in one call."
        ),
    ),
)
def bug(domain: MachineDomain, asked: BugSheet) -> Iterator[Criterion]:
    """Judge the pages: the right ones are read-only and keep their contents, although the bug changed the flags."""
    by_hand = edited(domain)
    rights = [page_rights(domain, asked.at + number * PAGE) for number in range(asked.pages)]
    only_read = 0 if by_hand else sum(rights[number] == "r-" for number in asked.some)
    flags, passed_on = _worst_call(domain)
    wrong = bool(passed_on - {flags})
    begun = only_read > 0 or wrong
    yield criterion(
        2,
        (only_read > 0) + (only_read == len(asked.some)),
        "the requested pages can be read, but not written",
        EDITED.format("domain") if by_hand else "which other calls decide what a mapping allows?",
        expected=f"r- for {', '.join(map(str, asked.some))}",
        actual=" ".join(rights),
        mistake=BY_THE_BUG if "--" in rights else None,
    )
    others = [number for number in range(asked.pages) if number not in asked.some]
    yield criterion(
        1,
        begun and all(rights[number] == "rw" for number in others),
        "the other pages can still be written",
        "a page that should not change has other permissions now",
        first="" if begun else "change something",
        expected=f"rw for {', '.join(map(str, others))}",
        actual=" ".join(rights),
    )
    lost = [number for number in range(asked.pages) if not _kept(domain, asked, number)]
    closed = [number for number in lost if rights[number] == "--"]
    yield criterion(
        1,
        begun and not lost,
        "the pages have kept their contents",
        "the contents can't be read: the pages are still mapped, but without any permission"
        if closed == lost
        else "the pages should have kept their contents: use the same frame, with each page at its address",
        first="" if begun else "change something",
        actual=f"not in pages {', '.join(map(str, lost))}" if lost else "",
    )
    yield criterion(
        1,
        wrong and len(passed_on) > 1,
        "one call of modify_flags gave parts of its range different rights",
        "where does a range have to lie so that its parts are treated differently?",
        actual=_in_words(flags, passed_on),
    )


BY_THE_BUG = Mistake(
    "by modify_flags", "This call has the bug: it loses the flags it is given, so a page gets no permissions."
)


def _kept(domain: MachineDomain, asked: BugSheet, number: int) -> bool:
    pa = domain.walk(asked.at + number * PAGE).pa
    content = _content(number)
    return pa is not None and domain.machine.ram.read(pa, len(content)) == content


def page_rights(domain: MachineDomain, va: int) -> str:
    """Return the program's rights to a page: "rw", "r-", "--", or "no page"."""
    fault = domain.walk(va).fault
    if fault is not None and fault.kind == "not-present":
        return "no page"
    return "".join(letter if domain.walk(va, letter).ok else "-" for letter in "rw")


def _worst_call(domain: MachineDomain) -> tuple[int, set[int]]:
    """Return the call of modify_flags with the most wrong flags: the flags it received, and the flags it passed on."""
    journal = domain.machine.journal
    done = [one for one in journal if (one.target, one.name, one.outcome) == (domain.path, "modify_flags", "done")]
    calls = [(_asked(one), _passed_on(journal.events(one.number))) for one in done]
    return max(calls, key=lambda call: (bool(call[1] - {call[0]}), len(call[1])), default=(0, set()))


def _asked(operation: Operation) -> int:
    return kernel_flags(region_flags(dict(operation.arguments)["flags"]))


def _passed_on(events: Iterable[Event]) -> set[int]:
    return {event.flags for event in events if isinstance(event, MappingFlagsInvoked) and event.error is None}


def _in_words(asked: int, passed_on: set[int]) -> str:
    if not passed_on:
        return ""
    flags = " and ".join(repr(mapping_flags_text(one)) for one in sorted(passed_on))
    return f"modify_flags was asked for {mapping_flags_text(asked)!r}, and asked the kernel for {flags}"


# ---- refills inside refills --------------------------------------------------------------------


@frozen(slots=False)
class RefillSheet:
    """A refill of `levels`, by mapping the film at `at`, in a domain that has used some of its blocks."""

    levels: int
    used: int
    device: int
    at: int

    @classmethod
    def drawn(cls, draws: Draws) -> RefillSheet:
        """Draw the depth, the number of used blocks, and the address."""
        return cls(draws.between(2, 3), draws.between(0, 3), draws.between(1, 3) << 30, _place(draws, {0x50}))

    @property
    def most(self) -> int:
        """The smallest outermost frame that can need refills of this depth."""
        return {2: 8 * KIB, 3: 512 * KIB}[self.levels]

    @property
    def text(self) -> str:
        """The task in words."""
        return (
            f"Domain `deep` has {BEFORE - self.used} free blocks, and a frame of a device, 64 MiB, in `slots[0]`.\n"
            f"Map a part of it, from its beginning, in small pages at `{Address(self.at)}`. The call must cause a "
            f"refill of {self.levels} levels, with refill frames of at most {Size(self.most)}. You choose what to map "
            "before."
        )

    def start(self) -> MachineDomain:
        """Return the domain, with its frame and its existing mappings."""
        domain = boot("armv7").domain("deep")
        film = domain.device_frame(self.device, 64 * MIB)
        for _ in range(self.used):
            domain.map(film, size=MIB, flags="rw large")
        return domain


@exercise(
    "09/refill",
    "A refill inside a refill",
    points=5,
    takes=MachineDomain,
    shows=lambda domain: domain,
    variant=RefillSheet.drawn,
    hints=(
        "How few blocks can be free when a call of map begins? Which calls of map use one block each?",
        (
            "A section needs one block and the reserve of 3: map sections until 3 blocks are free. Then a frame of 8 "
            "KiB can't be mapped without a refill of its own."
        ),
        (
            "A frame of 4 KiB holds 63 blocks. A frame of twice the size holds twice as many blocks, and one more. The "
            "pmap chooses the smallest frame that holds the missing blocks. A call of map for n small pages asks for n "
            "blocks, one block for each 256 pages, and 4 more."
        ),
    ),
)
def refill(domain: MachineDomain, asked: RefillSheet) -> Iterator[Criterion]:
    """Judge the map: its refill has the required depth, seen in the slab's frames, and it was no larger than needed."""
    found = nests(domain.snapshot())
    deepest = max(found, key=len, default=[])
    levels = len(deepest)
    yield criterion(
        3,
        (levels > 0) + 2 * (levels >= asked.levels),
        "a call of map caused a refill, with further refills inside it, to the required depth",
        "a refill causes another one only if mapping its frame needs more blocks than are free: a larger frame is "
        "needed, or fewer free blocks",
        first="" if levels else "make a map refill the slab",
        expected=f"{asked.levels} levels in one map",
        actual=f"{levels}: frames of {' and '.join(str(Size(head.bytes)) for head in reversed(deepest))}",
    )
    largest = max((head.bytes for nest in found for head in nest), default=0)
    yield criterion(
        1,
        0 < largest <= asked.most,
        "the frames of the refill were no larger than necessary",
        "smaller frames are enough: how few blocks can be free when the call begins, and which calls use them up?",
        first="" if largest else "make a map refill the slab",
        expected=f"refill frames of at most {Size(asked.most)}",
        actual=str(Size(largest)),
    )
    start = domain.walk(asked.at).pa
    film = next(one for cnode in domain.snapshot().cnodes for one in cnode.capabilities if str(one.ref) == "slots[0]")
    yield criterion(
        1,
        start is not None and start == film.base and domain.walk(asked.at).page_size == PAGE,
        "the beginning of the frame is mapped at the given address, in small pages",
        "what is mapped at the given address, and how large is its page?",
        expected=f"the frame in slots[0] at {Address(asked.at)}",
        actual="nothing" if start is None else f"physical {Address(start)}",
    )


def nests(value: DomainValue) -> list[list[SlabHeadValue]]:
    """Return the slab's frames; frames of nested refills are together, innermost first.

    An outer frame is allocated before an inner one, and mapped after it, so capabilities of nested refills get younger
    towards lower addresses.  Capabilities of consecutive refills get older.
    """
    ages = {one.ref: one.id for cnode in value.cnodes for one in cnode.capabilities}
    frames = {leaf.va: ages[leaf.cap] for leaf in leaves(value.root) if leaf.cap in ages}
    heads = sorted((head for head in value.slab.heads if head.address), key=lambda head: head.address)
    found: list[list[SlabHeadValue]] = []
    for head in heads:
        if found and frames[head.address] < frames[found[-1][-1].address]:
            found[-1].append(head)
        else:
            found.append([head])
    return found


def leaves(node: VnodeValue) -> Iterator[VnodeValue]:
    """The leaves of a shadow tree, by their addresses."""
    if not node.is_table:
        yield node
    for child in sorted(node.children, key=lambda child: child.va):
        yield from leaves(child)


# ---- wrong answers -----------------------------------------------------------------------------

mistakes(
    "09/who",
    {
        "it looks in a map, and takes a frame": Mistake(
            "every kernel pages", "Without a map, this kernel has no place to look."
        ),
        "it ends the program": Mistake(
            "a fault is the end", "Here a page fault is a message, and the program decides."
        ),
    },
)
mistakes(
    "09/slots",
    {
        "1": Mistake("the frame's mapping alone", "The map also needs a new table, and a table is a capability too."),
        "2": Mistake("a table needs no mapping", "The new table needs a Mapping too: it is mapped in the root table."),
        "4": Mistake("a mapping a page", "One Mapping covers both: their descriptors are next to each other."),
    },
)
mistakes(
    "09/revoked",
    {
        "nothing": Mistake(
            "revoke deletes itself", "A revoke deletes all other capabilities, but keeps the one that you named."
        ),
        "this capability and what it mapped": Mistake(
            "only other holders lose", "A Mapping is made from the capability, so it is deleted as well."
        ),
    },
)
mistakes(
    "09/second",
    {"1": Mistake("no refill", "Its Mapping needs one slot, but before that, a refill of the slab needed four.")},
)
mistakes(
    "09/refused",
    {
        "nothing": Mistake(
            "all or nothing, everywhere", "A refill is a complete call of map: once finished, it is not rolled back."
        ),
        "the refill, and the pages before the last": Mistake(
            "a map is done in part", "A call of map that fails unmaps the pages that it has mapped."
        ),
    },
)
mistakes(
    "09/lost",
    {
        "read and write": Mistake("it does what it says", "Without the bug, this would be right."),
        "only read": Mistake("the second piece", "These pages lie in one table, and get no permissions at all."),
    },
)

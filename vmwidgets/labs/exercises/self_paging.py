"""Exercises of notebook 09: refills, right permissions in spite of a bug, and a window for another program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
from ..mistakes import Mistake
from .structures import EDITED, edited, pages

if TYPE_CHECKING:
    from vmwidgets.widgets import View

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
    """Judge the call of map: the slab's frames show the required depth, and it was no larger than needed."""
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
    """Yield the leaves of a shadow tree, by their addresses."""
    if not node.is_table:
        yield node
    for child in sorted(node.children, key=lambda child: child.va):
        yield from leaves(child)


# ---- a window for another program ----------------------------------------------------------------


OWN = 0x4800_0000
"""The address at which the server has mapped its frame."""

SERVER = "slots[0]"
"""The slot of the server's own capability."""


@frozen(slots=False)
class Window:
    """A part of the frame from page `first` on, to be mapped at `at`."""

    name: str
    at: int
    first: int
    pages: int
    rights: str

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.pages * PAGE


@frozen(slots=False)
class GrantSheet:
    """Windows on a frame of `pages` pages; the window named `back` is revoked at the end."""

    pages: int
    windows: tuple[Window, ...]
    back: str

    @classmethod
    def drawn(cls, draws: Draws) -> GrantSheet:
        """Draw three or four windows, which may overlap; some are writable."""
        pages, names = draws.between(6, 8), draws.sample(("camera", "printer", "player", "editor", "index"), 4)
        count = draws.between(3, 4)
        rights = draws.shuffled(["r", "rw", draws.choice(["r", "rw"]), "r"][:count])
        rows = draws.sample(range(0x50, 0x7F), count)
        windows = []
        for name, right, row in zip(names, rights, rows, strict=False):
            size = draws.between(1, 3)
            at = (row << 24) + draws.between(0, 11) * MIB + draws.between(0, 250) * PAGE
            windows.append(Window(name, at, draws.between(0, pages - size), size, right))
        return cls(pages, tuple(windows), draws.choice([one.name for one in windows]))

    @property
    def text(self) -> str:
        """The task in words."""
        rows = (
            f"`{one.name}`: {_pages(one)} at `{Address(one.at)}`, "
            + ("to be read and written" if one.rights == "rw" else "only to be read")
            for one in self.windows
        )
        return "\n".join(
            [
                (
                    f"Domain `server` has a frame of {self.pages} pages in `{SERVER}`. It has mapped it at "
                    f"`{Address(OWN)}`, and has written to each page. Parts of the program that it does not trust "
                    "get windows on the frame; its first page is page 0:"
                ),
                *rows,
                (
                    "Map each window through its own capability, which has only the window's rights. "
                    f"Then take back `{self.back}` with a single call: afterwards, only the server's own capability "
                    f"may be able to map it again. The other windows, the mapping at `{Address(OWN)}` and all "
                    "contents must stay."
                ),
            ]
        )

    def start(self) -> MachineDomain:
        """Return the server with its frame mapped and written."""
        domain = boot("armv7").domain("server")
        domain.map(domain.frame(self.pages * PAGE), at=OWN, flags="rw")
        for number in range(self.pages):
            domain.write(OWN + number * PAGE, _content(number))
        return domain


def _pages(window: Window) -> str:
    last = window.first + window.pages - 1
    return f"page {window.first}" if window.pages == 1 else f"pages {window.first} to {last}"


@dataclass
class Given:
    """The journal's facts about capabilities: the capability of each window, and the end of each capability.

    A capability is named by the number of the operation that made it; 0 stands for the server's own capability, or for
    a capability that is not a copy of it.
    """

    held: dict[str, int] = field(default_factory=dict)
    rights: dict[int, str] = field(default_factory=dict)
    used: dict[str, set[int]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    revoked: bool = False

    @classmethod
    def of(cls, domain: MachineDomain, asked: GrantSheet) -> Given:
        """Read the operations from the first to the last."""
        given = cls()
        for one in domain.machine.journal:
            if one.target == domain.path and one.outcome == "done":
                given._note(one, asked)
        return given

    def _note(self, one: Operation, asked: GrantSheet) -> None:
        arguments = dict(one.arguments)
        if one.name in ("mint", "copy"):
            self.held[_slot(one.result)] = one.number
            self.rights[one.number] = arguments.get("rights", "rwg")
        elif one.name == "map":
            through = self.held.get(_slot(arguments["frame"]), 0)
            for window in asked.windows:
                if window.at <= int(arguments.get("at") or 0) < window.at + window.size:
                    self.used.setdefault(window.name, set()).add(through)
        elif one.name == "delete":
            self.deleted.add(self.held.pop(_slot(arguments["capability"]), 0))
        elif one.name == "revoke":
            self.revoked = True
            kept = _slot(arguments["capability"])
            self.held = {slot: number for slot, number in self.held.items() if slot == kept}


def _slot(capability: object) -> str:
    """Return the slot in a capability's path: "domain:server/slots[8]#25" gives slots[8]."""
    return str(capability).rpartition("/")[2].partition("#")[0]


def its_capabilities(domain: MachineDomain) -> View:
    """Return a picture of the frame's capabilities, and of the mappings made from each."""
    from vmwidgets.widgets import Capabilities  # a judge draws nothing

    return Capabilities(domain)


@exercise(
    "09/grant",
    "Granted, and taken back",
    points=6,
    takes=MachineDomain,
    shows=its_capabilities,
    variant=GrantSheet.drawn,
    hints=(
        "unmap, delete and revoke all end a mapping. What else does each of them delete, and what does it leave?",
        "delete removes one capability and all its mappings. So each window needs its own capability.",
        (
            'view = server.mint("slots[0]", "r") or "rw", one for each window; server.map(view, at=…, offset=…, '
            'size=…, flags="r"), with the offset of its first page; and in the end server.delete(view) of the one.'
        ),
    ),
)
def grant(domain: MachineDomain, asked: GrantSheet) -> Iterator[Criterion]:
    """Judge the windows: each has its own capability, one call revoked one of them, and the rest is unchanged."""
    by_hand, given = edited(domain), Given.of(domain, asked)
    staying = [one for one in asked.windows if one.name != asked.back]
    (back,) = (one for one in asked.windows if one.name == asked.back)
    right = [one.name for one in staying if not by_hand and _as_asked(domain, one)]
    yield criterion(
        2,
        bool(right) + (len(right) == len(staying)),
        "the windows that stay show their pages, with the right permissions",
        EDITED.format("domain")
        if by_hand
        else "a window that should stay is not mapped, shows other pages, or has other rights",
        expected=", ".join(one.name for one in staying),
        actual=", ".join(right) or "none",
        mistake=ALL_OF_IT if given.revoked else None,
    )
    begun = bool(given.used.get(back.name))
    through = [number for one in asked.windows for number in given.used.get(one.name, ())]
    apart = begun and 0 not in through and len(set(through)) == len(through)
    no_more = all(
        set(given.rights.get(number, "rwg")) <= set(one.rights)
        for one in asked.windows
        for number in given.used.get(one.name, ())
    )
    yield criterion(
        2,
        begun * (apart + (apart and no_more)),
        "each window was mapped through its own capability, with only the window's rights",
        "through which capability was each window mapped, and which rights does the capability have?",
        first="" if begun else f"map {back.name}",
        actual="" if apart else "several windows were mapped through the same capability, or through the server's own",
        mistake=None if apart or not begun else ONE_FOR_TWO,
    )
    gone = not by_hand and all(page_rights(domain, va) == "no page" for va in range(back.at, back.at + back.size, PAGE))
    needless = set(given.held.values()) - set(through)
    deleted = given.used.get(back.name, set()) <= given.deleted | {0} and not given.revoked
    yield criterion(
        1,
        begun and gone and deleted and not needless,
        f"{back.name} is gone, and no remaining capability can map it again",
        f"{back.name} is still there, or a remaining capability can map it again, or too much was deleted",
        first="" if begun else f"map {back.name}",
        actual="it is still mapped" if not gone else "",
        mistake=A_RIGHT_IS_LEFT if begun and gone and not deleted and not given.revoked else None,
    )
    lost = [number for number in range(asked.pages) if not _is_its_own(domain, number)]
    yield criterion(
        1,
        begun and not by_hand and not lost,
        "the server still has its frame, with its contents",
        "the server's own mapping should still be there, with its contents",
        first="" if begun else f"map {back.name}",
        actual=f"not in pages {', '.join(map(str, lost))}" if lost else "",
    )


ALL_OF_IT = Mistake(
    "everything is revoked", "Revoke deletes all other capabilities on the frame, and all their mappings."
)
ONE_FOR_TWO = Mistake(
    "one capability for two", "Deleting a capability ends all its mappings, so each window needs its own capability."
)
A_RIGHT_IS_LEFT = Mistake(
    "a right that is left", "unmap ends a mapping; the remaining capability can map the window again."
)


def _as_asked(domain: MachineDomain, window: Window) -> bool:
    wanted = "rw" if window.rights == "rw" else "r-"
    places = [(window.at + number * PAGE, window.first + number) for number in range(window.pages)]
    return all(page_rights(domain, va) == wanted and _shows(domain, va, page) for va, page in places)


def _shows(domain: MachineDomain, va: int, page: int) -> bool:
    """Return whether `va` shows the same page as the server's own mapping or, without one, its text."""
    pa, own = domain.walk(va).pa, domain.walk(OWN + page * PAGE).pa
    return pa is not None and (pa == own or (own is None and _text_at(domain, pa, page)))


def _is_its_own(domain: MachineDomain, page: int) -> bool:
    va = OWN + page * PAGE
    pa = domain.walk(va).pa
    return pa is not None and page_rights(domain, va) == "rw" and _text_at(domain, pa, page)


def _text_at(domain: MachineDomain, pa: int, page: int) -> bool:
    text = _content(page)
    return bool(domain.machine.ram.read(pa, len(text)) == text)

"""The names of things in sentences: addresses, ranges, frames and entries; kinds of capabilities, flags, pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import PAGE, Address, Size, binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryFields
from vmwidgets.engine.selfpaging.domain_schema import CapRef
from vmwidgets.views.scene.text import visible


class Range(NamedTuple):
    """The name of an entry's range in the map `of`, and its place; both ends are 0 if it is gone."""

    name: str
    of: str
    start: int = 0
    end: int = 0


Ranges = Mapping[int, Range]
"""The ranges of entries, by ID."""

FAULT = "vm_map_fault"
"""The kernel function that resolves a page fault."""

UNKNOWN: Ranges = MappingProxyType({})

UNNAMED = "the entry at "
"""The beginning of what an entry is called whose range's name is not known."""


def address(value: object) -> str:
    """Return an address in a sentence: in full, and readable by Python.

    >>> address(0xFFFF808000A07000), address("8 KiB")
    ('0xffff_8080_00a0_7000', '8 KiB')
    """
    return str(Address(value)) if isinstance(value, int) else str(value)


def policy_name(policy: str) -> str:
    """Return the name of a replacement policy as textbooks write it; a learner's own function keeps its name.

    >>> policy_name("fifo"), policy_name("second chance")
    ('FIFO', 'second chance')
    """
    return policy.upper() if policy in ("fifo", "lru", "opt", "nru") else visible(policy)


def span(start: int, end: int) -> str:
    """Return a range of addresses as "[start, end)".

    >>> span(0x400000, 0x402000)
    '0x40_0000–0x40_2000'
    """
    return f"{Address(start)}–{Address(end)}"


def frames(first: int, count: int = 1) -> str:
    """Return frames as a list of numbers and ranges.

    >>> frames(0x1C0), frames(0x1C0, 2)
    ('0x1c0', '0x1c0–0x1c1')
    """
    return f"{first:#x}" if count == 1 else f"{first:#x}–{first + count - 1:#x}"


def owner_words(owner: str) -> str:
    """Return the name of a frame's owner: a file has one name, whether or not a task maps it.

    >>> [owner_words(one) for one in ("object file libc.so", "file libc.so", "object memory 2", "object heap")]
    ['file libc.so', 'file libc.so', 'memory 2', 'object heap']
    """
    name = owner.removeprefix("object ")
    return name if name.startswith(("file ", "memory ")) else owner


def exactly(size: object) -> str:
    """Return the size of a file: in bytes, unless it is a whole number of KiB.

    >>> exactly(10584), exactly(8192), exactly("9 KiB")
    ('10,584 B', '8 KiB', '9 KiB')
    """
    number = Size(size) if isinstance(size, (int, str)) else 0
    return binary_size(number) if number % 1024 == 0 and number else f"{int(number):,} B"


class Names:
    """The names of ranges in a story, by entry; the first mention of a range says its size and place, as they are then.

    An event that changes an entry gives its old place, which takes precedence over `ranges`, the state after the
    operation.  If another map's range of this name was mentioned, the map is named too.  If a name is not known, an
    entry is called by its start; `by_address`, it is its start alone.

    >>> known = {17: Range("r3", "the map of init", 0x11000, 0x13000), 4: Range("r3", "kernel_map")}
    >>> names = Names([], known)
    >>> names.entry(17), names.entry(17), names.entry(4), names.entry(18)
    ('r3 (8 KiB at 0x1_1000)', 'r3', 'r3 of kernel_map', 'entry 18')
    """

    def __init__(self, events: Iterable[ev.Event], ranges: Ranges = UNKNOWN, *, by_address: bool = False) -> None:
        self._later = ranges
        self._by_address = by_address
        self._said: set[int] = set()
        self._meant: dict[str, int] = {}
        self.resized: EntryFields | None = None
        """The entry that was resized last, in its present state."""
        self.made: set[CapRef] = set()
        """The slots that receive capabilities; a copy that the kernel refuses is not counted."""
        self.functions: tuple[str, ...] = ()
        """The kernel functions that are running at the present event, outermost first."""
        self.leaving: ev.PageLeaving | None = None
        """The page that is about to leave memory."""
        self.faulting: int | None = None
        """The start of the page whose access faulted last."""
        self.evicted: set[int] = set()
        """Frames whose page left memory in this operation."""
        self._places: dict[int, tuple[int, int]] = {}
        for event in events:
            if isinstance(event, ev.CapabilityMade):
                self.made.add(event.ref)
            fields = _before(event)
            if fields is not None:
                self._places.setdefault(fields[0], (fields[1], fields[2]))

    def entry(self, identity: int, unnamed: str = "") -> str:
        """Return the name of an entry's range, the first time with its size and start; `unnamed` if it has no name."""
        known = self._later.get(identity)
        start, end = self._places.get(identity) or (known[2:] if known is not None else (0, 0))
        if known is None or self._by_address:
            return unnamed or (f"{'' if self._by_address else UNNAMED}{address(start)}" if end else f"entry {identity}")
        is_meant = self._meant.setdefault(known.name, identity) == identity
        name = known.name if is_meant else f"{known.name} of {known.of}"
        if identity in self._said or not end:
            return name
        self._said.add(identity)
        return f"{name} ({binary_size(end - start)} at {address(start)})"

    def follow(self, event: ev.Event, functions: tuple[str, ...] = ()) -> None:
        """Note an event that moves an entry's start or evicts a page; `functions` are running."""
        self.functions = functions
        if isinstance(event, (ev.EntryResized, ev.EntryChanged)):
            self._places[event.after[0]] = event.after[1:3]
            self.resized = event.after if isinstance(event, ev.EntryResized) else self.resized
        elif isinstance(event, ev.EntryLinked):
            self._places[event.entry[0]] = event.entry[1:3]
        elif isinstance(event, ev.FaultRaised):
            self.faulting = event.va & ~(PAGE - 1)
        elif isinstance(event, ev.PageLeaving):
            self.leaving = event
        elif isinstance(event, ev.PageOut):
            self.leaving = None
            self.evicted.add(event.frame)


def _before(event: ev.Event) -> EntryFields | None:
    """Return the entry of an event as it was before."""
    if isinstance(event, (ev.EntryResized, ev.EntryChanged)):
        return event.before
    return event.entry if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)) else None


# ---- self-paging domains -------------------------------------------------------------------------


class KindWords(NamedTuple):
    """A kind of capability: its name in a sentence, and the style of its bar."""

    words: str
    colour: str


KINDS = {
    "RAM": KindWords("piece of RAM", "ram"),
    "Frame": KindWords("frame", "own-anonymous"),
    "DevFrame": KindWords("device frame", "page"),
    "CNode": KindWords("cnode", "cnode"),
    "Mapping": KindWords("mapping", "mapping"),
    "VNode_ARM_l1": KindWords("L1 table", "table"),
    "VNode_ARM_l2": KindWords("L2 table", "table"),
    "VNode_x86_64_pml4": KindWords("PML4 table", "table"),
    "VNode_x86_64_pdpt": KindWords("PDPT table", "table"),
    "VNode_x86_64_pdir": KindWords("page directory", "table"),
    "VNode_x86_64_ptable": KindWords("page table", "table"),
}
"""The kinds by their names in values and events."""

_FLAGS = ((0x8, "uncached"), (0x10, "mpb"), (0x20, "guard"), (0x40, "large"), (0x80, "huge"), (0x100, "combining"))
"""The words for a region's flags; flags for other processors are left out."""


def kind_words(kind: str) -> KindWords:
    """Return the words for a kind.

    >>> kind_words("VNode_ARM_l2").words
    'L2 table'
    """
    return KINDS.get(kind) or KindWords(visible(kind), "cnode")


def a_kind(kind: str) -> str:
    """Return a kind with its article.

    >>> a_kind("VNode_ARM_l2"), a_kind("Frame")
    ('an L2 table', 'a frame')
    """
    words = kind_words(kind).words
    return f"{'an' if words.startswith('L') else 'a'} {words}"


def flag_words(flags: int) -> str:
    """Return flags of a region: three letters for rights, and words.

    >>> flag_words(0x803), flag_words(0x29)
    ('rw-', 'r-- uncached guard')
    """
    letters = "".join(letter if flags & bit else "-" for bit, letter in ((1, "r"), (2, "w"), (4, "x")))
    return " ".join([letters, *(word for bit, word in _FLAGS if flags & bit)])


def given_flags(given: object) -> str:
    """Return a learner's flags (a number, or one or several strings) in the words of :func:`flag_words`.

    >>> given_flags(3), given_flags("xr|NOCACHE"), given_flags(["read", "large"])
    ('rw-', 'r-x uncached', 'r-- large')
    """
    if isinstance(given, int):
        return flag_words(given)
    texts = [given] if isinstance(given, str) else given if isinstance(given, Iterable) else [given]
    words = [word for text in texts for word in re.split(r"[\s|,+]+", str(text).lower()) if word]
    letters = {letter for word in words if set(word) <= set("rwx-") for letter in word}
    letters |= {_LETTERS[word] for word in words if word in _LETTERS}
    others = [_OTHER_WORDS.get(word, word) for word in words if not set(word) <= set("rwx-") and word not in _LETTERS]
    return " ".join(["".join(one if one in letters else "-" for one in "rwx"), *map(visible, others)])


_LETTERS = {"read": "r", "write": "w", "execute": "x"}
_OTHER_WORDS = {"nocache": "uncached", "write_combining": "combining"}


def pages_words(count: int, unit: int) -> str:
    """Return a run of entries of a leaf.

    >>> pages_words(1, 4096), pages_words(3, 1 << 20)
    ('4 KiB', '3 × 1 MiB')
    """
    return binary_size(unit) if count == 1 else f"{count:,} × {binary_size(unit)}"

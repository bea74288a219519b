"""The lists of free pages, kept in step with the guest: only pushed and popped pages are read."""

from __future__ import annotations

from ...engine.base.units import PAGE
from ..gdb import Gdb
from ..program import Program

_VERIFIED = 16
"""The number of pages below the newest known page whose links are read again each time."""

_GUESSED = 512
"""The number of links that are read at once, if the list is in address order, as `freerange` leaves it."""

MOST_PAGES = 1 << 22

LARGE = 512 * PAGE
"""The size of a superpage in bytes."""


class FreeList:
    """One list, oldest page first; `head` is the address of the variable that points to the newest page."""

    def __init__(self, head: int) -> None:
        self._head = head
        self._chain: list[int] = []
        self.places: dict[int, int] = {}
        """The pages, each with its number in the list."""
        self.damaged: int | None = None
        """A link that points to no page, or to a page that is in the list already, if there is one."""
        self.damaged_in = 0
        """The free page that holds this link; 0 if it is the list's first link."""
        self.is_large: bool | None = None
        """Whether the pages are superpages; None while the list has shown too few pages to tell."""
        self.taken: set[int] = set()
        """The pages that were in the list before the latest update, and no longer are."""

    def __contains__(self, pa: object) -> bool:
        return pa in self.places

    def __len__(self) -> int:
        return len(self._chain)

    @property
    def pages(self) -> list[int]:
        """The pages, oldest first."""
        return self._chain

    def update(self, gdb: Gdb) -> list[int]:
        """Read the changes; return the newly free pages."""
        node = gdb.words([self._head])[0]
        new: dict[int, None] = {}
        links: dict[int, int] = {}
        self.damaged, at = None, 0
        while node and not (node in self.places and self._is_known(gdb, node, links)):
            if node % PAGE or node in new or len(new) > MOST_PAGES:
                self.damaged, self.damaged_in = node, at
                break
            new[node], at = None, node
            if node not in links:
                links.update(_guessed(gdb, node))
            node = links[node]
        kept = self.places[node] + 1 if node and node in self.places and self.damaged is None else 0
        before = set(self._chain[kept:])
        for gone in self._chain[kept:]:
            del self.places[gone]
        del self._chain[kept:]
        self.taken = before.difference(new)
        for pa in reversed(new):
            self.places[pa] = len(self._chain)
            self._chain.append(pa)
        return [pa for pa in new if pa not in before]

    def read_again(self, gdb: Gdb) -> None:
        """Read the whole list."""
        self._chain.clear()
        self.places.clear()
        self.update(gdb)

    def _is_known(self, gdb: Gdb, node: int, links: dict[int, int]) -> bool:
        """Return whether the list from `node` on is unchanged."""
        at = self.places[node]
        below = self._chain[max(0, at - _VERIFIED) : at + 1][::-1]
        found = gdb.words(below)
        links.update(zip(below, found, strict=True))
        expected = [*below[1:], self._chain[at - len(below)] if at >= len(below) else 0]
        return found == expected


def _guessed(gdb: Gdb, node: int) -> dict[int, int]:
    """Return the link of a page and, if it points to a neighbour, of many more in that direction."""
    first = gdb.words([node])[0]
    if abs(first - node) != PAGE:
        return {node: first}
    step = first - node
    places = [node + number * step for number in range(_GUESSED) if node + number * step > 0]
    return dict(zip(places, gdb.words(places), strict=True))


class FreePages:
    """All lists of free pages of a kernel: `kmem.freelist`, one for each processor, or one more for superpages."""

    def __init__(self, program: Program) -> None:
        self._lists = [FreeList(head) for head in program.heads_of("run")]
        self._places = [one.places for one in self._lists]
        self._large: list[FreeList] = []
        """The lists of superpages, each of which begins at a multiple of their size."""

    def __contains__(self, pa: object) -> bool:
        for places in self._places:
            if pa in places:
                return True
        return bool(self._large) and isinstance(pa, int) and any(pa & -LARGE in one for one in self._large)

    def __len__(self) -> int:
        """Return the number of free pages of 4 KiB."""
        return sum(len(one) * (512 if one in self._large else 1) for one in self._lists)

    @property
    def damaged(self) -> tuple[int, int] | None:
        """A link that points to no page, or to an earlier page of its list, and the free page that holds it."""
        return next(((one.damaged, one.damaged_in) for one in self._lists if one.damaged is not None), None)

    @property
    def taken(self) -> list[int]:
        """The pages that were handed out before the latest update."""
        return [pa for one in self._lists for pa in sorted(one.taken)]

    def update(self, gdb: Gdb) -> list[int]:
        """Read the changes; return the newly free pages."""
        found = [one.update(gdb) for one in self._lists]
        self._sort()
        return [
            page
            for one, new in zip(self._lists, found, strict=True)
            for pa in new
            for page in (range(pa, pa + LARGE, PAGE) if one in self._large else (pa,))
        ]

    def read_again(self, gdb: Gdb) -> None:
        """Read all lists."""
        for one in self._lists:
            one.read_again(gdb)
        self._sort()

    def _sort(self) -> None:
        for one in self._lists if len(self._lists) > 1 else ():
            if one.is_large is not False and one.pages:
                aligned = all(pa % LARGE == 0 for pa in one.pages[:4] + one.pages[-4:])
                if not aligned or len(one) > 1:  # a processor's list may hold a single page, at any address
                    one.is_large = aligned
        self._large = [one for one in self._lists if one.is_large]

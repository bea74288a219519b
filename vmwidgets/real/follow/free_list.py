"""The list of free pages, kept in step with the guest: only what was pushed and popped since is read again."""

from __future__ import annotations

from ...engine.base.units import PAGE
from ..gdb import Gdb

_VERIFIED = 16
"""Pages below the newest known one whose links are read again each time."""

_GUESSED = 512
"""Links that are read at once, on the guess that the list is in order of address, as `freerange` leaves it."""

MOST_PAGES = 1 << 22


class FreeList:
    """The free pages, oldest first; `head` is the address of the variable that leads to the newest."""

    def __init__(self, head: int) -> None:
        self._head = head
        self._chain: list[int] = []
        self._place: dict[int, int] = {}
        self.damaged: int | None = None
        """A link that leads to no page, if one was met."""

    def __contains__(self, pa: object) -> bool:
        return pa in self._place

    def update(self, gdb: Gdb) -> list[int]:
        """Read what has changed; the pages that are newly free."""
        node = gdb.words([self._head])[0]
        new: list[int] = []
        links: dict[int, int] = {}
        while node and not self._is_known(gdb, node, links):
            if node % PAGE or len(new) > MOST_PAGES or self._is_circle(node, new):
                self.damaged = node
                break
            new.append(node)
            if node not in links:
                links.update(_guessed(gdb, node))
            node = links[node]
        kept = self._place[node] + 1 if node and node in self._place else 0
        before = set(self._chain[kept:])
        for gone in self._chain[kept:]:
            del self._place[gone]
        del self._chain[kept:]
        for pa in reversed(new):
            self._place[pa] = len(self._chain)
            self._chain.append(pa)
        return [pa for pa in new if pa not in before]

    def _is_circle(self, node: int, new: list[int]) -> bool:
        return node in new[-64:] or (len(new) % 1024 == 1023 and len(set(new)) < len(new))

    def _is_known(self, gdb: Gdb, node: int, links: dict[int, int]) -> bool:
        """Whether the list goes on from `node` as it was known."""
        at = self._place.get(node)
        if at is None:
            return False
        below = self._chain[max(0, at - _VERIFIED) : at + 1][::-1]
        found = gdb.words(below)
        links.update(zip(below, found, strict=True))
        expected = [*below[1:], self._chain[at - len(below)] if at >= len(below) else 0]
        return found == expected

    def is_free(self, gdb: Gdb, pa: int) -> bool:
        """Whether `pa` is on the list, which is read again as far as that."""
        node, links, seen = gdb.words([self._head])[0], dict[int, int](), 0
        while node and node != pa and seen < MOST_PAGES:
            if node not in links:
                at = self._place.get(node, -1)
                known = self._chain[max(0, at - _GUESSED) : at + 1][::-1] if at >= 0 else [node]
                links = dict(zip(known, gdb.words(known), strict=True))
            node, seen = links[node], seen + 1
        return bool(node == pa)


def _guessed(gdb: Gdb, node: int) -> dict[int, int]:
    """The link of a page, and, if the one before leads to the page below, of many more."""
    first = gdb.words([node])[0]
    if first != node - PAGE:
        return {node: first}
    places = [node - number * PAGE for number in range(_GUESSED) if node > number * PAGE]
    return dict(zip(places, gdb.words(places), strict=True))

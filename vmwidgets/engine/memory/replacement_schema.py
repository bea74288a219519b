"""The rings of frames that page replacement goes by, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from ..base.frozen import frozen


@frozen
class RingPage:
    """A page in a ring: its frame, its place there, and what the hardware noted in the tables that lead to it.

    `dirty` says that the page would have to be written if it left its frame, as its dirty bits and the kernel know.
    It is page `index` of `object`; `task` has it at address `va`, and `others` more translations lead to it ("": none).
    `note` is what the policy keeps of it, as far as that is a number: OPT the next use, which is a place in its string,
    aging the counter.
    """

    frame: int
    place: int
    object: str
    index: int
    task: str
    va: int
    others: int
    referenced: bool
    dirty: bool
    note: int | None = None


@frozen
class RingValue:
    """A ring, by its name: the task whose pages are in it, "" for those of all tasks.

    `pages` are in the order in which the policy takes them, or, where a function decides, in which they came; of
    `count` pages in all they are the first.  `hand` is the place where a clock looks next.
    """

    name: str
    pages: tuple[RingPage, ...]
    hand: int
    count: int = 0


@frozen
class ReplacementValue:
    """How pages are replaced: the policy in words, and the rings by name, at that moment."""

    policy: str
    rings: Mapping[str, RingValue]

    @property
    def name(self) -> str:
        """The policy by its name alone."""
        return self.policy.removesuffix(", local")

    @property
    def has_hand(self) -> bool:
        """Return whether a hand goes round."""
        return self.name == "clock"

    @property
    def is_function(self) -> bool:
        """Return whether a function decides which page goes, in an order that nothing else knows."""
        return self.name == "a function"


Key = Callable[[int, "int | None", int], tuple[float, ...]]


ORDERS: dict[str, Key] = {
    "clock": lambda place, note, hand: (place < hand,),
    "aging": lambda place, note, hand: (note or 0,),
    "opt": lambda place, note, hand: (-inf if note is None else -note,),
}
"""By policy: of a page's place and note, and of the clock's hand, what comes before its place in the order."""

BY_BITS = ("nru",)
"""Policies that go by what the hardware noted of all pages."""


def in_order(
    policy: str,
    places: Mapping[int, int],
    notes: Mapping[int, int],
    hand: int,
    bits: Mapping[int, tuple[bool, bool]] | None = None,
) -> list[int]:
    """The frames of a ring, by frame what is known of them, in the order in which a policy, by its name, takes them.

    `bits` are the reference and dirty bits, which policies of :data:`BY_BITS` need.  O(pages log pages).

    >>> places = {1: 1, 2: 2, 3: 3}
    >>> in_order("opt", places, {1: 4, 2: 9}, 0), in_order("clock", places, {}, 3)
    ([3, 2, 1], [3, 1, 2])
    """
    key = ORDERS.get(policy)
    if bits is not None:
        return sorted(places, key=lambda frame: (bits[frame], places[frame]))
    if key is None:
        return sorted(places, key=places.__getitem__)
    return sorted(places, key=lambda frame: (*key(places[frame], notes.get(frame), hand), places[frame]))

"""The rings of frames for page replacement, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from ..base.frozen import frozen


@frozen
class RingPage:
    """A page in a ring: its frame, its place, and the hardware's bits in its descriptors.

    `dirty` means that the page must be written back before its frame can be reused, by its dirty bits and the kernel's
    records. It is page `index` of `object`; `task` ("" for none) maps it at address `va`, and there are `others` more
    translations.  `note` is the policy's number for it: for OPT the next use, a position in the string, and for aging
    the counter.
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
    """A ring, with its name: the task whose pages are in it, or "" for all tasks' pages.

    `pages` are in the policy's order or, if a function decides, in order of arrival; they are the first of `count`
    pages.  `hand` is the place that a clock checks next.
    """

    name: str
    pages: tuple[RingPage, ...]
    hand: int
    count: int = 0


@frozen
class ReplacementValue:
    """The state of page replacement: the policy in words, and the rings by name."""

    policy: str
    rings: Mapping[str, RingValue]

    @property
    def name(self) -> str:
        """The policy's name alone."""
        return self.policy.removesuffix(", local")

    @property
    def has_hand(self) -> bool:
        """Return whether the policy has a moving hand."""
        return self.name == "clock"

    @property
    def is_function(self) -> bool:
        """Return whether a function chooses the page, in an order that only the function knows."""
        return self.name == "a function"


Key = Callable[[int, "int | None", int], tuple[float, ...]]


ORDERS: dict[str, Key] = {
    "clock": lambda place, note, hand: (place < hand,),
    "aging": lambda place, note, hand: (note or 0,),
    "opt": lambda place, note, hand: (-inf if note is None else -note,),
}
"""By policy: a function that returns a page's sort key from its place, its note and the hand; ties are broken by
place."""

BY_BITS = ("nru",)
"""The policies that use the hardware's bits of all pages."""


def in_order(
    policy: str,
    places: Mapping[int, int],
    notes: Mapping[int, int],
    hand: int,
    bits: Mapping[int, tuple[bool, bool]] | None = None,
) -> list[int]:
    """Return the frames of a ring, with each frame's facts, in the order of a policy, given by name.

    `bits` are the reference and dirty bits, which the policies in :data:`BY_BITS` need.  O(pages log pages).

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

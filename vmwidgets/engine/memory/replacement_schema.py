"""The rings of frames that page replacement goes by, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class RingValue:
    """A ring, by its name: the task whose pages are in it, "" for those of all tasks.

    `pages` are in the order in which the policy takes them, or, where a function decides, in which they came; `hand` is
    the place where a clock looks next.
    """

    name: str
    pages: tuple[RingPage, ...]
    hand: int


@dataclass(frozen=True, slots=True)
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
        """Whether a hand goes round."""
        return self.name == "clock"

    @property
    def is_function(self) -> bool:
        """Whether a function decides which page goes, in an order that nothing else knows."""
        return self.name == "a function"


Key = Callable[[RingPage, int], tuple[float, ...]]


ORDERS: dict[str, Key] = {
    "clock": lambda page, hand: (page.place < hand,),
    "aging": lambda page, hand: (page.note or 0,),
    "nru": lambda page, hand: (page.referenced, page.dirty),
    "opt": lambda page, hand: (-inf if page.note is None else -page.note,),
}
"""By policy: what comes before the place of a page in the order in which they are asked; `hand` is the clock's."""


def in_order(policy: str, pages: Iterable[RingPage], hand: int) -> tuple[RingPage, ...]:
    """Pages of a ring in the order in which a policy, by its name, takes them.  O(pages log pages).

    >>> notes = {1: 4, 2: 9, 3: None}
    >>> pages = [RingPage(one, one, "o", 0, "t", 0, 0, True, False, note) for one, note in notes.items()]
    >>> [page.frame for page in in_order("opt", pages, 0)], [page.frame for page in in_order("clock", pages, 3)]
    ([3, 2, 1], [3, 1, 2])
    """
    key = ORDERS.get(policy)
    return tuple(sorted(pages, key=lambda page: (*(key(page, hand) if key else ()), page.place)))

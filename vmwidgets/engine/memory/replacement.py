"""The policies of page replacement by name, with a small interface to pages.

A policy has the pages of one ring: all pages (global replacement), or one task's (local).  It returns the order in
which they should be tried; the caller evicts the first page that can be evicted.  It reads reference bits through
:class:`Pages`, so that the same policy works with page tables and with a string of references on paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..base.errors import Refused, shown
from ..base.frozen import frozen
from ..base.recorder import Recorder
from .optimal import Future, Optimal, PageKey
from .page import AnyPage
from .policy import (
    Aging,
    Clock,
    Fifo,
    Lru,
    NotRecentlyUsed,
    Pages,
    Policy,
    References,
    SecondChance,
    WorkingSet,
)


@frozen(slots=False)
class ResidentPage:
    """A page in memory, as a learner's policy receives it.

    `page` is the number under which it was last mapped or used, or -1 if that is unknown.  `arrived` and `used` are
    points in time, in references: the number of references before the page was brought in, and before its last use.

    >>> import vmwidgets as vm
    >>> def oldest(pages: list[vm.ResidentPage]) -> vm.ResidentPage:
    ...     return min(pages, key=lambda one: one.arrived)
    >>> vm.reference_string("1 2 3 1 4", 3, oldest)
    5 references to 4 pages
    faults    3 frames
    oldest           4
    """

    frame: int
    page: int
    arrived: int
    used: int
    referenced: bool
    dirty: bool


Choice = Callable[[list[ResidentPage]], int]
"""A function that takes pages in order of arrival, and returns the frame of the page to evict."""


class Own(Policy):
    """Evict the page that a function chooses; each page has its number, its arrival and its last use."""

    counts = True

    def __init__(
        self, choose: Choice, recorder: Recorder | None = None, name: str = "", references: References | None = None
    ) -> None:
        super().__init__(recorder, name, references)
        self.choose = choose

    def entered(self, page: AnyPage) -> None:
        """Note the arrival of a page."""
        page.known = -1, self.time, self.time
        super().entered(page)

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Note that a page was used now."""
        page.known = number, page.known[1], self.time - 1

    def knows(self, page: AnyPage, number: int, task: str) -> None:
        """Note a page's number, no matter when the page was used."""
        page.known = number, *page.known[1:]

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the function's choice among the evictable pages; then its choice among the remaining pages."""
        rest = {page.frame: page for page in self.queue if pages.may_go(page)}
        while rest:
            described = []
            for frame, page in rest.items():
                number, arrived, used = page.known
                described.append(ResidentPage(frame, number, arrived, used, pages.referenced(page), pages.dirty(page)))
            chosen = self.choose(described)
            yield rest[chosen]
            del rest[chosen]


SIMPLE: dict[str, type[Policy]] = {
    "fifo": Fifo, "lru": Lru, "second chance": SecondChance, "clock": Clock, "aging": Aging,
    "nru": NotRecentlyUsed,
}  # fmt: skip  # pairs of name and class

POLICIES = (*SIMPLE, "working set", "opt")
"""The names of all policies."""


@frozen(slots=False)
class Replacement:
    """A way to replace pages: a policy's name, its parameters, and the frames from which it chooses.

    `window` is the size of the working set in references.  `future` is for OPT: the pages in the order of their future
    use.  A page is a number, or a pair of task and number; a number alone is a page of the task that first refers to
    it.  References to other pages do not advance OPT's time, and pages that are not in `future` are evicted before all
    others.  With `local`, a task that needs a frame evicts one of its own pages; without `local`, any task's page may
    be evicted.

    >>> Replacement("working set", window=4)
    Replacement(policy='working set', window=4, future=(), local=False)
    >>> Replacement("LRU").policy  # as books write it
    'lru'
    >>> Replacement("clok")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: policy='clok': write one of fifo, lru, second chance, clock, ...
    """

    policy: str
    window: int = 10
    future: tuple[PageKey, ...] = ()
    local: bool = False

    def __post_init__(self) -> None:
        if (lower := str(self.policy).lower()) in POLICIES:
            object.__setattr__(self, "policy", lower)
        if self.policy not in POLICIES:
            raise Refused(f"policy={shown(self.policy)}: write one of {', '.join(POLICIES)}")
        if type(self.window) is not int or self.window < 1:
            raise Refused(f"window={shown(self.window)}: write a number of references, from 1 on")
        if not isinstance(self.local, bool):
            raise Refused(f"local={shown(self.local)}: write True or False")
        object.__setattr__(self, "future", _string(self.future))
        if self.policy == "opt" and not self.future:
            raise Refused(
                "policy='opt' needs future=…: the numbers of the pages that will be used (address // "
                "4096), such as (16, 17)"
            )

    @property
    def times_by_task(self) -> bool:
        """Return whether each task has its own time, and therefore its own ring."""
        return self.policy == "working set"

    def references(self) -> References:
        """Return a count of references that several rings of this policy can share."""
        return Future(self.future) if self.policy == "opt" else References()

    def make(self, recorder: Recorder | None = None, name: str = "", references: References | None = None) -> Policy:
        """Return a policy with an empty ring called `name` and the time `references`."""
        if self.policy == "working set":
            return WorkingSet(self.window, recorder, name)
        if self.policy == "opt":
            return Optimal(references if isinstance(references, Future) else Future(self.future), recorder, name)
        return SIMPLE[self.policy](recorder, name, references)


def _string(future: object) -> tuple[PageKey, ...]:
    """Return the string for OPT: numbers, or pairs of task and number."""
    given: list[object] = list(future) if isinstance(future, (tuple, list, range)) else [None]
    numbers = [one for one in given if type(one) is int]
    pairs = [pair for one in given if (pair := _pair(one)) is not None]
    if len(given) not in (len(numbers), len(pairs)):
        said = (
            "write the numbers of the pages to come, such as (7, 0, 1), or pairs, such as (('init', 7), ('other', 7))"
        )
        raise Refused(f"future={shown(future)}: {said}")
    return (*numbers, *pairs)


def _pair(one: object) -> tuple[str, int] | None:
    """Return the name of a task and a number, if the item is such a pair."""
    match one:
        case (str() as task, int() as page) if type(page) is int:
            return task, page
    return None

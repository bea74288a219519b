"""Which page goes: the policies of page replacement, over frames that they know by number.

A policy has the frames of one ring: all that there are (global replacement), or one task's (local).  It says in which
order they should be tried; who asks takes the first that can go.  It reads reference bits through :class:`Pages`, so
that the same policy serves page tables and a string of references on paper.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ..base.errors import Refused, shown


class Pages(Protocol):
    """What a policy asks of the pages in memory, by frame."""

    def may_go(self, frame: int) -> bool:
        """Whether the page may leave at all: a wired one may not."""

    def referenced(self, frame: int) -> bool:
        """Whether a reference bit of it is set: it was used since that was cleared."""

    def clear_referenced(self, frame: int) -> None:
        """Clear its reference bits, and have the processors forget what they keep of it."""

    def dirty(self, frame: int) -> bool:
        """Whether it was written since it came, or since its file had it."""


class Report(Protocol):
    """Hears of what changes in a ring."""

    def moved(self, frame: int, before: int, after: int) -> None:
        """A frame has another place in the order; -1: it is not in the ring."""


class Policy(ABC):
    """One ring of frames; `places` has the place of each in the order in which they are asked."""

    counts: ClassVar[bool] = False
    """Whether it has to hear of each reference (:meth:`touched`), which no real processor reports."""

    def __init__(self, report: Report | None = None) -> None:
        self.places: OrderedDict[int, int] = OrderedDict()
        self.time = 0
        """References so far."""
        self.hand = 0
        """The place where it looks next."""
        self.reported = 0
        """Where the hand was when that was last reported."""
        self._report = report

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, frame: int) -> bool:
        return frame in self.places

    def entered(self, frame: int) -> None:
        """A page came into `frame`.  O(1)."""
        self._put(frame, self._new_place())

    def left(self, frame: int) -> None:
        """The page in `frame` is there no longer.  O(1)."""
        place = self.places.pop(frame)
        if self._report is not None:
            self._report.moved(frame, place, -1)

    def touched(self, frame: int, page: int) -> None:
        """The page in `frame`, of this number, was used: one reference more.  O(1)."""
        self.tick()
        self.seen(frame, page)

    def tick(self) -> None:
        """There was one reference more, to whatever page."""
        self.time += 1

    def seen(self, frame: int, page: int) -> None:  # noqa: B027  most policies need not hear of it
        """The page in `frame`, of this number, was used by the latest reference.  O(1)."""

    def knows(self, frame: int, page: int) -> None:  # noqa: B027  most policies need not
        """The page in `frame` is known by this number.  O(1)."""

    @property
    def order(self) -> list[int]:
        """The frames in the order in which they are asked.  O(frames)."""
        return list(self.places)

    def expired(self) -> list[int]:
        """Frames whose pages should leave after a reference, whether or not a frame is needed."""
        return []

    @abstractmethod
    def candidates(self, pages: Pages) -> Iterator[int]:
        """The frames in the order in which they should go; asked on only while none could.

        O(1) to the next where none is in use.
        """

    @abstractmethod
    def _new_place(self) -> int:
        """Where a page that comes is put."""

    def _put(self, frame: int, place: int) -> None:
        before = self.places.pop(frame, -1)
        self.places[frame] = place
        if self._report is not None:
            self._report.moved(frame, before, place)


class Fifo(Policy):
    """First in, first out.  A page that can't go goes behind all others, so that it is not asked again each time."""

    def __init__(self, report: Report | None = None) -> None:
        super().__init__(report)
        self._last = -1

    def _new_place(self) -> int:
        self._last += 1
        return self._last

    def candidates(self, pages: Pages) -> Iterator[int]:
        """The first, and what comes behind it."""
        for _ in range(len(self.places)):
            frame = self._first()
            if pages.may_go(frame):
                yield frame
            self._behind(frame)

    def _first(self) -> int:
        return next(iter(self.places))  # each place is behind all that were there

    def _behind(self, frame: int) -> None:
        self._put(frame, self._new_place())


class SecondChance(Fifo):
    """First in, first out, but a page that was used goes behind all others, without its reference bit."""

    def candidates(self, pages: Pages) -> Iterator[int]:
        """The first that was not used; each one once without its bit, at the latest."""
        for _ in range(2 * len(self.places)):
            frame = self._first()
            if pages.may_go(frame):
                if pages.referenced(frame):
                    pages.clear_referenced(frame)
                else:
                    yield frame
            self._behind(frame)


FEW = 64
"""So many vacant places of a ring are left as they are."""


class Clock(Policy):
    """The same choice with a ring that stays and a hand that goes round: a new page takes the place that was vacated.

    As in Multics and 4BSD (Corbató, "A Paging Experiment with the Multics System", 1968).
    """

    def __init__(self, report: Report | None = None) -> None:
        super().__init__(report)
        self.ring: list[int | None] = []
        """Frames by place; None: it is vacant."""
        self._vacant: list[int] = []

    def entered(self, frame: int) -> None:
        """It takes the place that was vacated last, or a new one behind all others."""
        super().entered(frame)
        self.ring[self.places[frame]] = frame

    def _new_place(self) -> int:
        if self._vacant:
            return self._vacant.pop()
        self.ring.append(None)
        return len(self.ring) - 1

    def left(self, frame: int) -> None:
        """Its place is vacant."""
        place = self.places[frame]
        super().left(frame)
        self.ring[place] = None
        self._vacant.append(place)
        if len(self._vacant) > 2 * len(self.places) + FEW:
            self._close_up()

    @property
    def order(self) -> list[int]:
        """From the hand on."""
        return [frame for frame in (*self.ring[self.hand :], *self.ring[: self.hand]) if frame is not None]

    def _close_up(self) -> None:
        """Have no vacant places; pages and hand keep their order.  O(places), after as many pages left."""
        self.hand = sum(frame is not None for frame in self.ring[: self.hand])
        kept = [frame for frame in self.ring if frame is not None]
        self.ring, self._vacant = [], []
        for frame in kept:
            self._put(frame, self._new_place())
            self.ring[self.places[frame]] = frame
        self.hand %= max(1, len(self.ring))

    def candidates(self, pages: Pages) -> Iterator[int]:
        """From the hand on, those whose bit is clear; it clears the others as it passes."""
        for _ in range(2 * len(self.ring)):
            frame = self.ring[self.hand]
            self.hand = (self.hand + 1) % len(self.ring)
            if frame is None or not pages.may_go(frame):
                continue
            if pages.referenced(frame):
                pages.clear_referenced(frame)
            else:
                yield frame


class Lru(Fifo):
    """The page that was not used for longest, by a count of references: what the others come near to."""

    counts = True

    def seen(self, frame: int, page: int) -> None:
        """It goes behind all others."""
        self._behind(frame)


class WorkingSet(Lru):
    """Pages that were used in the last `window` references stay, others leave (Denning 1968).

    Where a frame is needed and all are in the set, the page that was not used for longest goes.
    """

    def __init__(self, window: int, report: Report | None = None) -> None:
        super().__init__(report)
        self.window = window
        self._used: dict[int, int] = {}

    def entered(self, frame: int) -> None:
        """It counts as used now."""
        super().entered(frame)
        self._used[frame] = self.time

    def left(self, frame: int) -> None:
        """It is not in the set."""
        super().left(frame)
        del self._used[frame]

    def seen(self, frame: int, page: int) -> None:
        """It was used now."""
        super().seen(frame, page)
        self._used[frame] = self.time

    def expired(self) -> list[int]:
        """Those whose last use is `window` references ago or more, the oldest first."""
        found = []
        for frame in self.places:
            if self._used[frame] > self.time - self.window:
                break
            found.append(frame)
        return found


class Optimal(Fifo):
    """The page that is used again last, given all references to come as numbers of pages (Belady 1966)."""

    counts = True

    def __init__(self, future: tuple[int, ...], report: Report | None = None) -> None:
        super().__init__(report)
        self._uses: dict[int, list[int]] = {}
        for time, page in enumerate(future):
            self._uses.setdefault(page, []).append(time)
        self._pages: dict[int, int] = {}

    def left(self, frame: int) -> None:
        """What was in it is forgotten."""
        super().left(frame)
        self._pages.pop(frame, None)

    def seen(self, frame: int, page: int) -> None:
        """Now it is known which page is in `frame`."""
        self._pages[frame] = page

    knows = seen

    def candidates(self, pages: Pages) -> Iterator[int]:
        """By their next use, the last first; among those that are never used again, the one that came first."""
        ordered = sorted(self.places, key=lambda frame: -self._next_use(frame))
        return (frame for frame in ordered if pages.may_go(frame))

    def _next_use(self, frame: int) -> float:
        uses = self._uses.get(self._pages.get(frame, -1), [])
        place = bisect_left(uses, self.time)
        return uses[place] if place < len(uses) else float("inf")


@dataclass(frozen=True)
class ResidentPage:
    """A page in memory, as a policy of a learner's gets it.

    `page` is its number at its last use, -1 before any; `arrived` and `used` are moments, as counts of references: so
    many were there before it came, and before its last use.
    """

    frame: int
    page: int
    arrived: int
    used: int
    referenced: bool
    dirty: bool


Choice = Callable[[list[ResidentPage]], int]
"""Gives the frame of the page that is to go, of those given; they are in the order in which they came."""


class Own(Fifo):
    """The page that a function chooses."""

    counts = True

    def __init__(self, choose: Choice, report: Report | None = None) -> None:
        super().__init__(report)
        self.choose = choose
        self._uses: dict[int, tuple[int, int, int]] = {}
        """By frame: number of the page, arrival, last use."""

    def entered(self, frame: int) -> None:
        """A page came."""
        super().entered(frame)
        self._uses[frame] = -1, self.time, self.time

    def left(self, frame: int) -> None:
        """A page is gone."""
        super().left(frame)
        del self._uses[frame]

    def seen(self, frame: int, page: int) -> None:
        """It was used now."""
        self._uses[frame] = page, self._uses[frame][1], self.time - 1

    def knows(self, frame: int, page: int) -> None:
        """It is that page, whenever it was used."""
        self._uses[frame] = page, *self._uses[frame][1:]

    def candidates(self, pages: Pages) -> Iterator[int]:
        """What the function chooses, of those that may go; of the rest again if that can't."""
        rest = [frame for frame in self.places if pages.may_go(frame)]
        while rest:
            described = [
                ResidentPage(frame, *self._uses[frame], pages.referenced(frame), pages.dirty(frame)) for frame in rest
            ]
            chosen = self.choose(described)
            yield chosen
            rest.remove(chosen)


SIMPLE: dict[str, type[Policy]] = {
    "fifo": Fifo, "lru": Lru, "second chance": SecondChance, "clock": Clock,
}  # fmt: skip  # pairs of name and class

POLICIES = (*SIMPLE, "working set", "opt")
"""The names of all policies."""


@dataclass(frozen=True)
class Replacement:
    """How pages are replaced: a policy by its name, with what it needs, and over which frames it chooses.

    `window` is the working set's (references), `future` OPT's (numbers of pages, in the order in which they will be
    used).  With `local` a task that needs a frame gives one of its own; without, any task's page may go.

    >>> Replacement("working set", window=4)
    Replacement(policy='working set', window=4, future=(), local=False)
    >>> Replacement("clok")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: policy='clok': write one of fifo, lru, second chance, clock, working set, opt
    """

    policy: str
    window: int = 10
    future: tuple[int, ...] = ()
    local: bool = False

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise Refused(f"policy={shown(self.policy)}: write one of {', '.join(POLICIES)}")
        if type(self.window) is not int or self.window < 1:
            raise Refused(f"window={shown(self.window)}: write a number of references, from 1 on")
        if not isinstance(self.local, bool):
            raise Refused(f"local={shown(self.local)}: write True or False")
        future: object = self.future
        if not isinstance(future, (tuple, list, range)) or not all(type(page) is int for page in future):
            raise Refused(f"future={shown(future)}: write the numbers of the pages to come, such as (7, 0, 1)")
        object.__setattr__(self, "future", tuple(future))
        if self.policy == "opt" and not self.future:
            raise Refused(
                "policy='opt' needs future=…: numbers of the pages to come (address // 4096), such as (16, 17)"
            )

    def make(self, report: Report | None = None) -> Policy:
        """A policy with an empty ring."""
        if self.policy == "working set":
            return WorkingSet(self.window, report)
        if self.policy == "opt":
            return Optimal(self.future, report)
        return SIMPLE[self.policy](report)

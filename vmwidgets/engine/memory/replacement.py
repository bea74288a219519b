"""Page replacement: policies by name, each with a ring of pages in order, and with an order of eviction.

A policy has the pages of one ring: all pages (global replacement), or one task's (local).  It returns the order in
which they should be tried; the caller evicts the first page that can be evicted.  It reads reference bits through
:class:`Pages`, so that the same policy works with page tables and with a string of references on paper.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from typing import ClassVar, Protocol, TypeAlias

from ..base.errors import Refused, shown
from ..base.frozen import frozen
from ..base.recorder import Recorder
from .page import AnyPage
from .replacement_schema import HandLooked, HandMoved, PagesAged, ReferenceCleared, RingMoved

FEW = 64
"""This many old items of a line are not worth a new line."""

BITS = 8
"""The length of the counters of :class:`Aging` in bits."""


class Pages(Protocol):
    """The questions that a policy asks about pages in memory; here with the answers for pages on paper."""

    def may_go(self, page: AnyPage) -> bool:
        """Return whether the page may be evicted: a wired page may not."""
        return True

    def referenced(self, page: AnyPage) -> bool:
        """Return whether the page has a reference bit set: it was used since the bit was cleared."""

    def clear_referenced(self, page: AnyPage) -> None:
        """Clear the page's reference bits, and flush its translations."""

    def dirty(self, page: AnyPage) -> bool:
        """Return whether the page was written since it was brought in, or since its file was updated."""
        return False

    def first_mapped_at(self, frame: int) -> tuple[str, int]:
        """Return the task that has mapped the page in a frame the longest, and the address; "" if no task maps it."""
        return "", 0


class References:
    """The time of policies, which several rings may share: `count` is the number of references."""

    def __init__(self) -> None:
        self.count = 0

    def made(self, task: str, page: int) -> None:
        """Count a reference of a task to page number `page`.  O(1)."""
        self.count += 1


class Policy:
    """The ring called `name`: a queue of pages, which are evicted by their `order`."""

    counts: ClassVar[bool] = False
    """Whether the policy must see each reference (:meth:`touched`); no real processor reports them."""

    ages: ClassVar[bool] = False
    """Whether the policy examines pages at each tick of the clock (:meth:`ticked`)."""
    uses_bits: ClassVar[bool] = False
    """Whether the policy reads reference bits."""

    def __init__(self, recorder: Recorder | None = None, name: str = "", references: References | None = None) -> None:
        self.recorder = Recorder() if recorder is None else recorder
        self.name = name
        self.references = References() if references is None else references
        self._queue = OrderedDict[int, AnyPage]()
        """The pages by their frames; a new page comes last."""

    def __len__(self) -> int:
        return len(self._queue)

    def entered(self, page: AnyPage) -> None:
        """Add a page at the end.  O(1), amortized."""
        self._queue[page.frame] = page
        self._is_last(page)
        self.recorder.report(RingMoved.tag, self.name, page.frame, "in")

    def left(self, page: AnyPage) -> None:
        """Remove a page.  O(1)."""
        del self._queue[page.frame]
        page.known = None
        self.recorder.report(RingMoved.tag, self.name, page.frame, "out")

    @property
    def time(self) -> int:
        """The number of references so far."""
        return self.references.count

    def touched(self, page: AnyPage, number: int, task: str = "") -> None:
        """Note a reference to a page, number `number` of `task`.  O(1)."""
        self.references.made(task, number)
        self.seen(page, number, task)

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Note that the latest reference used a page, number `number` of `task`.  O(1)."""

    def knows(self, page: AnyPage, number: int, task: str) -> None:
        """Note that a page is number `number` of `task`.  O(1)."""

    def ticked(self, pages: Pages, count: int) -> None:
        """Handle the `count` clock ticks, at least 1, since the last call.  O(pages)."""

    @property
    def hand(self) -> int:
        """The place that the hand checks next, from 0 on; 0 if the policy has no hand."""
        return 0

    @property
    def queue(self) -> list[AnyPage]:
        """The pages in the order in which they move to another ring.  O(pages)."""
        return [*self._queue.values()]

    @property
    def order(self) -> list[AnyPage]:
        """The pages in the order in which they are checked.  O(pages), or O(pages log pages)."""
        return self.queue

    def note(self, page: AnyPage) -> int | None:
        """Return the policy's number for a page, which pictures show; None if there is none."""
        return None

    def _is_last(self, page: AnyPage) -> None:
        """Note that a page is at the end of the queue now."""

    def may_go_again(self, page: AnyPage) -> None:
        """Note that a page in the ring can be evicted again.  O(log pages)."""

    def expired(self, pages: Pages) -> list[AnyPage]:
        """Return evictable pages that should leave after a reference, even if no frame is needed."""
        return []

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the pages in the order of eviction; the caller reads the next only if a page could not be evicted."""
        return (page for page in self.order if pages.may_go(page))

    def _clear(self, pages: Pages, page: AnyPage) -> None:
        """Clear the reference bits of a page that was used."""
        pages.clear_referenced(page)
        self.recorder.report(ReferenceCleared.tag, page.frame)

    def _behind(self, page: AnyPage) -> None:
        """Move a page to the end.  O(1)."""
        self._queue.move_to_end(page.frame)
        self._is_last(page)
        self.recorder.report(RingMoved.tag, self.name, page.frame, "behind")


# ---- queues -----------------------------------------------------------------------------------


class Fifo(Policy):
    """First in, first out.

    A page that can't be evicted keeps its place in the order, but is checked again only once it can be evicted
    (:meth:`may_go_again`).  So wired pages are passed once for each wiring, not once for each fault.
    """

    def __init__(self, recorder: Recorder | None = None, name: str = "", references: References | None = None) -> None:
        super().__init__(recorder, name, references)
        self._last = 0
        self._line: list[tuple[int, AnyPage]] = []
        """A heap of the pages that may be evictable, with their places; items with an old place are ignored."""

    def _is_last(self, page: AnyPage) -> None:
        self._last = page.place = self._last + 1
        self.may_go_again(page)

    def may_go_again(self, page: AnyPage) -> None:
        """Let the page be checked again, at its old place."""
        if len(self._line) > 2 * len(self._queue) + FEW:
            self._line = sorted({item for item in self._line if self._is_valid(*item)})
        heappush(self._line, (page.place, page))

    def _is_valid(self, place: int, page: AnyPage) -> bool:
        return page.place == place and self._queue.get(page.frame) is page

    def _next(self) -> AnyPage | None:
        """Return the first page in line; None if all are set aside."""
        line = self._line
        while line and not self._is_valid(*line[0]):
            heappop(line)
        return line[0][1] if line else None

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the evictable pages, in order.

        The first takes O(log pages), and more for pages that are set aside on the way; the rest takes O(pages).
        """
        while (first := self._next()) is not None and not pages.may_go(first):
            heappop(self._line)
        if first is None:
            return
        yield first
        for page in self.queue:
            if page is not first and pages.may_go(page):
                yield page


class Lru(Fifo):
    """Evict the least recently used page, by a count of references: the other policies approximate LRU."""

    counts = True

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Move the page to the end."""
        self._behind(page)


class WorkingSet(Lru):
    """Pages used in the last `window` references stay, and others leave (Denning 1968).

    If a frame is needed and all are in the set, the least recently used page is evicted.  The only stored fact about a
    page is its last use.
    """

    def __init__(self, window: int, recorder: Recorder | None = None, name: str = "") -> None:
        super().__init__(recorder, name)
        self.window = window

    def entered(self, page: AnyPage) -> None:
        """Count a new page as used now."""
        page.known = self.time
        super().entered(page)

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Note that a page was used now."""
        super().seen(page, number, task)
        page.known = self.time

    def expired(self, pages: Pages) -> list[AnyPage]:
        """Return the pages whose last use is at least `window` references ago, the oldest first.

        O(1), plus O(log pages) for each of these pages, and for each page that is set aside.
        """
        found: dict[AnyPage, None] = {}
        while (page := self._next()) is not None and page.known <= self.time - self.window:
            heappop(self._line)
            if pages.may_go(page):
                found[page] = None
        for page in found:
            self.may_go_again(page)
        return [*found]


class SecondChance(Policy):
    """First in, first out, but a used page goes to the end, without its reference bit."""

    uses_bits: ClassVar[bool] = True

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the first page that was not used; if all were used, yield the first page, whose bit is now clear."""
        for _ in range(2 * len(self)):
            page = next(iter(self._queue.values()))
            if pages.may_go(page):
                if pages.referenced(page):
                    self._clear(pages, page)
                else:
                    yield page
            self._behind(page)


class Clock(Policy):
    """The choice of second chance, on a fixed ring with a moving hand.

    A new page is placed just before the hand, so that it is checked last: it takes the victim's place (Corbató, "A
    Paging Experiment with the Multics System", 1968; 4BSD).  So a ring is two queues: the pages in the places before
    the hand, and the pages from the hand on.  O(1) for a page that comes or goes.

    >>> from vmwidgets.engine.memory.page import Page
    >>> clock = Clock()
    >>> for frame in (7, 8, 9):
    ...     clock.entered(Page(frame, "memory", frame))
    >>> [page.frame for page in clock.order], clock.hand
    ([7, 8, 9], 0)
    """

    uses_bits: ClassVar[bool] = True

    def __init__(self, recorder: Recorder | None = None, name: str = "", references: References | None = None) -> None:
        super().__init__(recorder, name, references)
        self._ahead = OrderedDict[int, AnyPage]()
        """The pages from the hand on; `_queue` has the pages before it.  Without pages ahead, a new round begins."""

    def __len__(self) -> int:
        return len(self._ahead) + len(self._queue)

    @property
    def hand(self) -> int:
        """The place of the next page to be checked, from 0 on."""
        return len(self._queue) if self._ahead else 0

    @property
    def queue(self) -> list[AnyPage]:
        """The pages from the hand on, around the ring."""
        return [*self._ahead.values(), *self._queue.values()]

    def left(self, page: AnyPage) -> None:
        """Remove a page; if the hand pointed at it, it now points at the next page, after the vacant place."""
        if not self._ahead and next(iter(self._queue)) == page.frame:
            self._begin_round()
        if page.frame in self._ahead:
            self._pass(page)
        super().left(page)

    def _begin_round(self) -> None:
        self._ahead, self._queue = self._queue, self._ahead

    def _pass(self, page: AnyPage) -> None:
        self._queue[page.frame] = self._ahead.pop(page.frame)

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield, from the hand on, the pages with a clear bit; set bits are cleared on the way.

        Each check is reported, with the hand at the checked page and not yet at the next.
        """
        found = ""
        for _ in range(2 * len(self)):
            if not self._ahead:
                self._begin_round()
            page = next(iter(self._ahead.values()))
            found = "kept" if not pages.may_go(page) else "used" if pages.referenced(page) else "unused"
            if found == "used":
                pages.clear_referenced(page)
            emit = self.recorder.emit
            if emit is not None:
                emit((HandLooked.tag, self.name, page.frame, *pages.first_mapped_at(page.frame), found))
            self._pass(page)
            if found == "unused":
                self._moved()
                yield page
        if found != "unused":
            self._moved()

    def _moved(self) -> None:
        """Report that the hand is at another page than the checked one."""
        if len(self) > 1:
            self.recorder.report(HandMoved.tag, self.name)


# ---- policies with ticks of the clock ---------------------------------------------------------


class Aging(Policy):
    """Evict the page with the lowest counter: not frequently used, with aging (Tanenbaum, 3.4.7).

    Each page has a counter of eight bits.  At a tick, all counters are shifted right by one bit, and the reference
    bits, which are cleared, enter on the left.  A new page has a counter of 0; of equal counters, the page that came
    first is evicted.  Without ticks, this is FIFO.  O(pages log pages) for an eviction, O(pages) for a tick.
    (Tanenbaum, "Modern Operating Systems".)
    """

    ages: ClassVar[bool] = True
    uses_bits: ClassVar[bool] = True

    def entered(self, page: AnyPage) -> None:
        """Set a new page's counter to 0."""
        page.known = 0
        super().entered(page)

    def note(self, page: AnyPage) -> int:
        """Return a page's counter."""
        return int(page.known)

    def ticked(self, pages: Pages, count: int) -> None:
        """Shift the counters, and add the reference bits on the left; further ticks in this call find no bit set."""
        changed = []
        for page in self.queue:
            is_used = pages.referenced(page)
            if is_used:
                self._clear(pages, page)
            after = (page.known >> 1 | is_used << BITS - 1) >> min(count, BITS + 1) - 1
            if after != page.known:
                changed.append((page, page.known, after))
        for page, _, after in changed:
            page.known = after
        if changed:
            notes = tuple((page.frame, before, after) for page, before, after in changed)
            self.recorder.report(PagesAged.tag, self.name, notes)

    @property
    def order(self) -> list[AnyPage]:
        """The pages by counter, the lowest first; pages with equal counters in order of arrival."""
        return sorted(self.queue, key=self.note)


class NotRecentlyUsed(Policy):
    """Evict a page of the lowest of four classes: neither referenced nor dirty, dirty, referenced, both ("NRU").

    Reference bits are cleared at each tick (Tanenbaum, 3.4.2).  The first page to arrive in the class is evicted; the
    textbook evicts any.  O(pages log pages) for an eviction, O(pages) for a tick.
    """

    ages: ClassVar[bool] = True
    uses_bits: ClassVar[bool] = True

    def ticked(self, pages: Pages, count: int) -> None:
        """Clear all reference bits."""
        for page in self.queue:
            if pages.referenced(page):
                self._clear(pages, page)

    def candidates(self, pages: Pages) -> Iterator[AnyPage]:
        """Yield the evictable pages by class."""
        able = [page for page in self.queue if pages.may_go(page)]
        return iter(sorted(able, key=lambda page: (pages.referenced(page), pages.dirty(page))))


# ---- the future is known ----------------------------------------------------------------------


PageKey: TypeAlias = "int | tuple[str, int]"
"""A page of a string: its number, or the name of its task with the number."""


class Future(References):
    """The future references, and how many of them have been made: the time of OPT.

    References are pairs of task and page, or numbers of pages.  The numbers belong to one task, the first that refers
    to any of them; until then, they may belong to any task.  Only references to these pages count: other tasks, and
    other pages of the string's tasks, do not advance the time.

    >>> future = Future((7, 8, 7))
    >>> future.made("init", 7), future.made("other", 8), future.made("init", 8)
    (None, None, None)
    >>> future.count
    2
    >>> future.next_use([("init", 7)]), future.next_use([("init", 8)]), future.next_use([("other", 7)])
    (2, None, None)
    """

    def __init__(self, string: tuple[PageKey, ...]) -> None:
        super().__init__()
        self.string = string
        self.owner: str | None = None
        """The task whose pages the string's numbers are, once a task has referred to one of them."""
        self._uses: dict[PageKey, list[int]] = {}
        for time, page in enumerate(string):
            self._uses.setdefault(page, []).append(time)

    def made(self, task: str, page: int) -> None:
        """Count a reference; the first to a number of the string decides which task owns the string's pages."""
        key = self._key(task, page)
        if key is not None:
            self.count += 1
            if isinstance(key, int):
                self.owner = task

    def next_use(self, pages: Iterable[tuple[str, int]]) -> int | None:
        """Return the position of the next reference to a page with these tasks and numbers; None if there is none."""
        found = [use for page in pages if (use := self._next(self._key(*page))) is not None]
        return min(found, default=None)

    def _next(self, key: PageKey | None) -> int | None:
        uses = self._uses[key] if key is not None else []
        place = bisect_left(uses, self.count)
        return uses[place] if place < len(uses) else None

    def _key(self, task: str, page: int) -> PageKey | None:
        """Return the string's name for this page; None if the page is not in the string."""
        if (task, page) in self._uses:
            return task, page
        return page if page in self._uses and self.owner in (None, task) else None


class Optimal(Policy):
    """Evict the page whose next use is last, given all future references (Belady 1966).

    Pages that are not in the string count as never used again, and are evicted first. A page's note is its next use: a
    position in the string, from 0 on.  O(pages log pages) for an eviction.
    """

    counts = True

    def __init__(self, future: Future, recorder: Recorder | None = None, name: str = "") -> None:
        super().__init__(recorder, name, future)
        self.future = future

    def entered(self, page: AnyPage) -> None:
        """Note that the page's task and number are not known yet."""
        page.known = set[tuple[str, int]]()
        super().entered(page)

    def seen(self, page: AnyPage, number: int, task: str) -> None:
        """Note the page's task and number."""
        page.known.add((task, number))

    knows = seen

    def note(self, page: AnyPage) -> int | None:
        """Return a page's next use; None if there is none."""
        return self.future.next_use(page.known)

    @property
    def order(self) -> list[AnyPage]:
        """The pages in order of eviction: pages never used again, by arrival; then by next use, the latest first."""
        never = len(self.future.string)
        return sorted(self.queue, key=lambda page: -(never if (use := self.note(page)) is None else use))


# ---- a function decides -----------------------------------------------------------------------


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


# ---- by name ----------------------------------------------------------------------------------


SIMPLE: dict[str, type[Policy]] = {
    "fifo": Fifo,
    "lru": Lru,
    "second chance": SecondChance,
    "clock": Clock,
    "aging": Aging,
    "nru": NotRecentlyUsed,
}

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
        given: object = self.policy
        lower = given.lower() if isinstance(given, str) else ""
        object.__setattr__(self, "policy", lower if lower in POLICIES else self.policy)
        if lower not in POLICIES:
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

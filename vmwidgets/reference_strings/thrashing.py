"""Thrashing: the useful work of a processor, by the number of tasks that share memory.

A model in steps of one reference.  Each task goes through phases.  In a phase it uses a few of its pages, its locality;
after some references it waits for a device of its own.  There is one processor, and one disk, which reads one page at a
time.  So the processor is used better with more tasks, until their localities no longer fit into memory together.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import islice
from typing import Any

from ..engine.base.errors import Refused, UnknownName, in_ascii, shown
from ..engine.base.frozen import frozen
from ..engine.memory.page import Page
from ..engine.memory.replacement import SIMPLE, Pages, Policy, WorkingSet

SCOPES = ("global", "local", "working set")
"""The pages that may be evicted, by scope: pages of any task; only the task's own pages (all tasks have equally many
frames); only pages outside the working sets.
"""

CURVE_POLICIES = tuple(name for name, kind in SIMPLE.items() if not kind.ages)
"""The policies of a curve: they need no ticks."""

PAGES, LEAST, LOCALITY, MOST, PHASE = 64, 5, 8, 11, 400
"""The pages of a task; the fewest, usual and most pages of a phase; and the references of a phase."""

BURST, WAIT = 50, 150
"""The references until a task waits for its device, and the duration of the wait."""

DISK = 20
"""The time that the disk takes to read a page."""

TIME, WARM = 32_000, 2_000
"""The length of a run, and the part of it before measuring begins.  All times are in references."""

WINDOW = 40
"""The number of latest references whose pages are a task's working set: nearly all of its locality."""

MOST_TASKS, MOST_FRAMES = 32, 1024


@frozen
class LoadPoint:
    """One number of `tasks` in one scope: `work` and `disk` are the busy shares of the processor's and disk's time.

    `faults` are counted per 1,000 references; `outside` is the average number of tasks that wait to be let into memory.
    """

    scope: str
    tasks: int
    work: float
    disk: float
    faults: float
    outside: float


@frozen(repr=False)
class LoadCurve:
    """Useful work by the number of tasks."""

    frames: int
    policy: str
    points: tuple[LoadPoint, ...]

    @property
    def tasks(self) -> tuple[int, ...]:
        """The numbers of tasks."""
        return tuple(dict.fromkeys(point.tasks for point in self.points))

    @property
    def scopes(self) -> tuple[str, ...]:
        """The requested scopes: global, local, working set."""
        return tuple(dict.fromkeys(point.scope for point in self.points))

    def of(self, scope: str) -> tuple[LoadPoint, ...]:
        """Return the points of one scope, in the order of :attr:`tasks`."""
        if scope not in self.scopes:
            raise UnknownName(f"scope={shown(scope)}: write one of {', '.join(self.scopes)}")
        return tuple(point for point in self.points if point.scope == scope)

    def knee(self, scope: str = "global") -> int:
        """Return the least number of tasks whose useful work is at most one percentage point below the maximum.

        Up to this number, each further task increases the useful work.  Beyond it, there is no gain, and thrashing is
        possible.
        """
        points = self.of(scope)
        most = max(point.work for point in points)
        return min(point.tasks for point in points if point.work >= most - 0.01)

    @in_ascii
    def __repr__(self) -> str:
        widths = [max(9, len(scope) + 3) for scope in self.scopes]
        lines = [
            f"useful work by the number of tasks, {self.frames} frames, {self.policy}",
            "tasks" + "".join(f"{scope:>{w}}" for scope, w in zip(self.scopes, widths, strict=True)),
        ]
        for row in zip(self.tasks, *map(self.of, self.scopes), strict=True):
            tasks, *points = row
            cells = (f"{100 * point.work:.0f} %" for point in points)
            lines.append(f"{tasks:>5}" + "".join(f"{cell:>{w}}" for cell, w in zip(cells, widths, strict=True)))
        return "\n".join(lines)


MOST_SEED = (1 << 64) - 1
"""The greatest seed."""


def load_curve(
    tasks: int | Iterable[int] = range(1, 12),
    scopes: Any = SCOPES,
    *,
    policy: Any = "lru",
    frames: int = 64,
    seed: int = 1,
) -> LoadCurve:
    """Measure useful work with each number of tasks; ``vm.load_curve(…)`` explains the arguments.

    >>> load_curve(1, "local").knee("local")
    1
    """
    numbers = _numbers(tasks)
    chosen = (
        (scopes,) if isinstance(scopes, str) or not isinstance(scopes, Iterable) else tuple(islice(scopes, MOST_TASKS))
    )
    if not chosen or any(not isinstance(scope, str) or scope not in SCOPES for scope in chosen):
        raise Refused(f"scopes={shown(scopes)}: write some of {', '.join(SCOPES)}")
    if not isinstance(policy, str) or policy not in CURVE_POLICIES:
        raise Refused(f"policy={shown(policy)}: write one of {', '.join(CURVE_POLICIES)}")
    if type(frames) is not int or not max(numbers) <= frames <= MOST_FRAMES:
        raise Refused(
            f"frames={shown(frames)}: write a number from {max(numbers)} (one for each task) to {MOST_FRAMES:,}"
        )
    if type(seed) is not int or not -MOST_SEED <= seed <= MOST_SEED:
        raise Refused(f"seed={shown(seed)}: write a whole number of at most 64 bits")
    points = (
        _Run(scope, policy, number, frames, seed).measured() for scope in dict.fromkeys(chosen) for number in numbers
    )
    return LoadCurve(frames, policy, tuple(points))


def _numbers(tasks: object) -> tuple[int, ...]:
    given: list[Any] = list(islice(tasks, MOST_TASKS + 1)) if isinstance(tasks, Iterable) else [tasks]
    for number in given:
        if type(number) is not int or not 1 <= number <= MOST_TASKS:
            raise Refused(f"tasks={shown(number)}: write numbers from 1 to {MOST_TASKS}")
    if not given:
        raise Refused(f"tasks: write at least one number from 1 to {MOST_TASKS}")
    return tuple(sorted(set(given)))


# ---- the model ---------------------------------------------------------------------------------------


def references(seed: int, task: int) -> Iterator[int]:
    """Yield the pages that a task uses, without end: each phase has another locality.

    >>> list(islice(references(1, 0), 5)) == list(islice(references(1, 0), 5))
    True
    >>> LEAST <= len(set(islice(references(1, 0), PHASE // 4))) <= MOST
    True
    """
    draws = random.Random(f"{seed}/{task}")
    yield from _phase(draws, draws.randrange(PHASE // 4, PHASE))  # tasks change at different times
    while True:
        yield from _phase(draws, PHASE)


def _phase(draws: random.Random, length: int) -> list[int]:
    return draws.choices(draws.sample(range(PAGES), draws.randint(LEAST, MOST)), k=length)


class _Task:
    """A task: `page` is the page that it uses next, `pages` are its pages in memory, by number."""

    def __init__(self, seed: int, number: int, policy: Policy) -> None:
        self.policy = policy
        self.pages: dict[int, Page[_Task]] = {}
        self.wanted = self.reserved = LOCALITY
        """The frames that must be free before the task is let in, and how many of these frames it has not taken yet."""
        self.left = BURST
        """The number of references until the task waits for its device."""
        self._references = references(seed, number)
        self.page = next(self._references)

    def go_on(self) -> None:
        """Count a reference of the task."""
        self.page = next(self._references)
        self.left -= 1


class _Run(Pages):
    """A run of the model, with one scope and one number of tasks, until :data:`TIME`."""

    def __init__(self, scope: str, policy: str, tasks: int, frames: int, seed: int) -> None:
        self.scope = scope
        self.frames = frames
        self.share = frames // tasks if scope == "local" else frames
        self.free = list(range(frames))
        self._referenced: set[int] = set()
        self._arriving: set[int] = set()
        """The frames that the disk is reading into: they can't be evicted."""
        shared = SIMPLE[policy]()

        def own() -> Policy:
            """Return the ring of a task."""
            if scope == "global":
                return shared
            return SIMPLE[policy]() if scope == "local" else WorkingSet(WINDOW)

        self.tasks = [_Task(seed, number, own()) for number in range(tasks)]
        self.ready: deque[_Task] = deque()
        self.outside = deque(self.tasks)
        self.events: list[tuple[int, int, _Task, Page[_Task] | None]] = []
        """The time at which each task can continue, and its page (None if its device is done); the second number orders
        equal times.
        """
        self.now = self.disk_free = self.faults = self.references = self.serial = 0
        self.busy = self.disk_busy = self.waited = 0

    def may_go(self, page: Page[_Task]) -> bool:
        return page.frame not in self._arriving

    def referenced(self, page: Page[_Task]) -> bool:
        return page.frame in self._referenced

    def clear_referenced(self, page: Page[_Task]) -> None:
        self._referenced.discard(page.frame)

    def measured(self) -> LoadPoint:
        """Run, and return the measured point."""
        while self.now < TIME:
            self._arrive()
            self._let_in()
            before = self.now
            if self.ready:
                self._compute(self.ready.popleft())
            else:
                self.now = min(TIME, self.events[0][0])
            self.waited += len(self.outside) * _measured(before, self.now)
        span = TIME - WARM
        return LoadPoint(
            self.scope,
            len(self.tasks),
            self.busy / span,
            self.disk_busy / span,
            1000 * self.faults / max(1, self.references),
            self.waited / span,
        )

    def _arrive(self) -> None:
        """Let tasks continue whose page or device is ready by now."""
        while self.events and self.events[0][0] <= self.now:
            _, _, task, page = heappop(self.events)
            if page is not None:
                self._arriving.discard(page.frame)
                task.policy.may_go_again(page)
            self.ready.append(task)

    def _let_in(self) -> None:
        """Let tasks in; with working sets, only as many as fit into memory."""
        while self.outside:
            inside = [task for task in self.tasks if task not in self.outside]
            spare = len(self.free) - sum(task.reserved for task in inside)
            if self.scope == "working set" and inside and spare < self.outside[0].wanted:
                return
            task = self.outside.popleft()
            task.reserved = task.wanted
            self.ready.append(task)

    def _compute(self, task: _Task) -> None:
        """Run a task until it faults, or waits for its device."""
        begun, policy = self.now, task.policy
        while task.left:
            for old in policy.expired(self):
                self._evict(old)
            page = task.pages.get(task.page)
            if page is None:
                self._fault(task)
                break
            policy.touched(page, task.page)
            self._referenced.add(page.frame)
            self.now += 1
            task.go_on()
        else:
            task.left = BURST
            self._wake(self.now + WAIT, task, None)
        self.busy += _measured(begun, self.now)
        self.references += self.now - begun

    def _fault(self, task: _Task) -> None:
        """Make the disk read a page into a frame that is free, or becomes free."""
        frame = self._frame_for(task)
        if frame >= 0:
            self.faults += 1
            page = task.pages[task.page] = Page(frame, task, task.page)
            task.reserved = max(0, task.reserved - 1)
            task.policy.entered(page)
            self._arriving.add(frame)
            begins = max(self.now, self.disk_free)
            self.disk_free = begins + DISK
            self.disk_busy += _measured(begins, self.disk_free)
            self._wake(self.disk_free, task, page)
        elif self.scope == "working set":
            task.wanted, task.reserved = min(self.frames, len(task.pages) + 1), 0
            for held in tuple(task.pages.values()):
                self._evict(held)
            self.outside.append(task)
        else:  # all evictable pages are still being read from the disk
            self._wake(self.disk_free, task, None)

    def _frame_for(self, task: _Task) -> int:
        """Return a frame for a page of a task; -1 if there is none."""
        is_alone = len(self.tasks) - len(self.outside) == 1
        if not self.free or len(task.pages) >= self.share:
            if self.scope == "working set" and not is_alone:
                return -1
            victim = next(task.policy.candidates(self), None)
            if victim is None:
                return -1
            self._evict(victim)
        return self.free.pop()

    def _evict(self, page: Page[_Task]) -> None:
        task: _Task = page.owner
        task.policy.left(page)
        del task.pages[page.index]
        self._referenced.discard(page.frame)
        self.free.append(page.frame)

    def _wake(self, time: int, task: _Task, page: Page[_Task] | None) -> None:
        self.serial += 1
        heappush(self.events, (time, self.serial, task, page))


def _measured(begin: int, end: int) -> int:
    """Return the length of the measured part of [begin, end)."""
    return max(0, min(end, TIME) - max(begin, WARM))

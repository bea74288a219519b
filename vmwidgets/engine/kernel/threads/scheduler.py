"""Simulated threads, and the deterministic scheduler that runs them one at a time, from one wait to the next.

Ready threads run in the order in which they became ready, or, with a seed, in a drawn order.  Time is a count of
ticks; it passes when a caller advances it, or when all threads sleep and one has a timer.  Sources: FreeBSD's
`msleep`, `tsleep` and `wakeup`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from inspect import GEN_CREATED, getgeneratorstate
from random import Random
from typing import Any

from ...base.called import called
from ...base.errors import Broken, KernelError, KernelPanic, Refused, shown
from ...base.recorder import Recorder
from ..map.core import MapCore
from .threads_schema import (
    ClockTicked,
    Deadlocked,
    ThreadEnded,
    ThreadRuns,
    ThreadSlept,
    ThreadSpawned,
    ThreadValue,
    ThreadWoken,
)
from .waits import EWOULDBLOCK, ChannelWait, LockWait, MapLock, MaySleep, PageWait, RoomWait, Running, TimedWait, Wait

STEPS = 100_000
"""The number of steps after which :meth:`Scheduler.run` reports that something never ends."""

EDEADLK = 11
"""FreeBSD's number for "resource deadlock avoided"."""


class Stuck(KernelError):
    """Raised if no thread can continue; the reason says what each waits for, and `cycle` which wait for each other."""

    def __init__(self, reason: str, cycle: tuple[str, ...] = ()) -> None:
        super().__init__("EDEADLK", EDEADLK, reason)
        self.cycle = cycle


class Thread:
    """One thread, with `result` or `error` after its end."""

    __slots__ = (
        "answer",
        "call",
        "daemon",
        "doing",
        "error",
        "name",
        "number",
        "reported",
        "result",
        "since",
        "started",
        "state",
        "until",
        "wait",
    )

    def __init__(self, name: str, call: MaySleep[Any], number: int = 0) -> None:
        self.name = name
        self.number = number
        """Threads are numbered in order of creation; 0: the cell's call."""
        self.since = 0
        """Its place among the ready or the sleeping threads: the lower, the earlier it became ready or fell asleep."""
        self.doing = ""
        """Its current call, if that is known."""
        self.call = call
        self.state = "ready"
        self.wait: Wait | None = None
        self.until: int | None = None
        self.answer = 0
        self.result: Any = None
        self.error: BaseException | None = None
        self.daemon = False
        """Whether it runs for ever, as the page daemon does: no call waits for it to end."""
        self.reported = False
        """Whether its error was reported to the learner."""

    @property
    def done(self) -> bool:
        """Return whether it returned or failed."""
        return self.state in ("returned", "failed")

    def value(self, locks: tuple[str, ...] = ()) -> ThreadValue:
        """Return its value for pictures; `locks` are the maps whose lock it has."""
        outcome = "" if not self.done else shown(self.result) if self.error is None else f"{self.error}"
        numbers = self.number, self.since
        if self.wait is None:
            return ThreadValue(self.name, self.state, "", None, None, "", "", locks, self.doing, outcome, *numbers)
        holder = self.wait.lock.holder if isinstance(self.wait, LockWait) else None
        kind, subject = self.wait.subject
        words = f"{self.wait}"
        return ThreadValue(
            self.name, self.state, words, holder, self.until, kind, subject, locks, self.doing, outcome, *numbers
        )


def named(name: str) -> str:
    """Return a thread's name for a sentence; the learner's cell has none."""
    return name or "the cell"


def numbered(base: str, mark: str, taken: Container[str], numbers: dict[str, int]) -> str:
    """Return `base`, with `mark` and the lowest number from 2 on if it is among those `taken`.

    `numbers` remembers for each base where the search continues, since all lower numbers are taken: each of many names
    costs one look.

    >>> numbered("sh", "#", {"sh", "sh#2"}, {})
    'sh#3'
    """
    if base not in taken:
        return base
    number = numbers.get(base, 2)
    while f"{base}{mark}{number}" in taken:
        number += 1
    numbers[base] = number
    return f"{base}{mark}{number}"


class Scheduler:
    """All threads of one machine. It stores the running thread in `running`.

    >>> scheduler = Scheduler(Recorder(), Running())
    >>> def worker():
    ...     yield TimedWait("a nap", 10)
    ...     return "rested"
    >>> thread = scheduler.spawn("worker", worker())
    >>> scheduler.run()
    >>> thread.result, scheduler.ticks
    ('rested', 10)
    """

    def __init__(
        self,
        recorder: Recorder,
        running: Running,
        locks_of: Callable[[str], list[MapLock]] = lambda name: [],
    ) -> None:
        self.recorder = recorder
        self.running = running
        self.ticks = 0
        self.threads: dict[str, Thread] = {}
        """The threads by name, in order of creation."""
        self._numbers: dict[str, int] = {}
        """By name, the number from which a free one is searched for the next thread; all lower numbers are taken."""
        self._made = 0
        self._queued = 0
        """The number of times that a thread became ready or fell asleep."""
        self._ready: list[Thread] = []
        self._asleep: dict[Thread, None] = {}
        self._sleepers: dict[tuple[str, str], dict[Thread, None]] = {}
        """The sleeping threads by what they wait for, each group in the order in which they fell asleep."""
        self._at_locks: dict[Thread, None] = {}
        """The sleeping threads that wait for a lock."""
        self._failed: list[Thread] = []
        self._random: Random | None = None
        self.interrupted: Callable[[], bool] = lambda: False
        """Called between two steps: if it returns true, :meth:`run` ends."""
        self.on_tick: Callable[[int], None] | None = None
        """Called with the number of ticks that have passed."""
        self.locks_of = locks_of
        """The map locks that a thread has."""

    def draw_from(self, seed: int) -> None:
        """Draw the next thread from now on, starting with `seed`.

        With 0, threads run in the order in which they became ready.
        """
        self._random = Random(seed) if seed else None

    # ---- threads -----------------------------------------------------------------------------

    def free_name(self, base: str) -> str:
        """Return `base`, or `base` with the lowest number from 2 on that is not a thread's name."""
        return numbered(base, " ", self.threads, self._numbers)

    def spawn(self, name: str, call: MaySleep[Any], replaced: Thread | None = None) -> Thread:
        """Create a thread that will run `call`, and has not begun. `replaced` had its name, and has ended."""
        if name in self.threads or not name:
            raise Refused(
                f"name={shown(name)}: there is already a thread with this name; each thread needs its own name"
            )
        if not all(hasattr(call, method) for method in ("send", "close")):
            raise Refused(
                f"{shown(call)} can't be run as a thread: give a generator, which yields the events that it waits for"
            )
        self._made += 1
        thread = self.threads[name] = Thread(name, call, self._made)
        self._append_ready(thread)
        self.recorder.report(ThreadSpawned.tag, name)
        return thread

    def _append_ready(self, thread: Thread) -> None:
        self._queued += 1
        thread.since = self._queued
        self._ready.append(thread)

    def adopt(self, name: str, call: MaySleep[Any], wait: Wait, doing: str) -> Thread:
        """Turn a waiting call (`doing`) without a thread into a sleeping thread that keeps what it has so far."""
        thread = self.threads[name] = Thread(name, call)
        thread.doing = doing
        self._put_to_sleep(thread, wait)
        return thread

    def abandon(self, thread: Thread) -> None:
        """Give up a thread: the unfinished work of its call is undone. The thread is removed, even if it has ended."""
        before = thread.value()
        if thread.wait is not None:
            self._leave_queues(thread, thread.wait)
        if thread in self._ready:
            self._ready.remove(thread)
        if not thread.done:  # a copy of a machine has no call of a thread that has ended
            thread.call.close()
        if thread.name:  # the cell's locks were taken by earlier calls, and are kept
            for lock in self.locks_of(thread.name):
                lock.release()
        if isinstance(thread.wait, RoomWait):
            vm_map = thread.wait.map
            vm_map.needs_wakeup = bool(self.asleep_in(vm_map))
        thread.wait = None
        del self.threads[thread.name]
        self._end(thread, "failed", "abandoned", before)
        base, _, digits = thread.name.rpartition(" ")
        if base in self._numbers and digits.isdecimal():
            self._numbers[base] = min(self._numbers[base], max(2, int(digits)))

    def step(self) -> Thread | None:
        """Run one ready thread until it waits or ends, and return it; None if no thread is ready."""
        for thread in list(self._at_locks):
            if isinstance(thread.wait, LockWait) and not thread.wait.lock.held:
                self._make_ready(thread, "lock")
        if not self._ready:
            return None
        place = self._random.randrange(len(self._ready)) if self._random else 0
        chosen = self._ready.pop(place)
        self._go_on(chosen)
        return chosen

    def run(self, until: Callable[[], bool] | None = None, steps: int = STEPS) -> None:
        """Step until `until` holds or no thread can continue; if all sleep, the clock advances to the next timer."""
        for _ in range(steps):
            if (until is not None and until()) or self.interrupted():
                return
            if self.step() is None and not self.to_next_timer():
                return
        raise Stuck(f"after {steps} steps there is still something to do: a thread may never end. {self.explain()}")

    def finish(self, thread: Thread) -> Any:
        """Run `thread` first, until it ends; returns its result, or raises the error that ended it.

        Raises :class:`Stuck` if no thread can wake it any longer: it stays asleep, and continues if a later call wakes
        it.
        """
        if thread in self._ready:
            self._ready.remove(thread)
            thread.since = min([thread.since, *(one.since for one in self._ready[:1])]) - 1
            self._ready.insert(0, thread)
        self.run(until=lambda: thread.done)
        if thread.error is not None:
            raise thread.error
        if not thread.done:
            doing = thread.doing or named(thread.name)
            raise Stuck(f"{doing} can't finish, since no other thread can continue: {self.explain()}", self.cycle())
        return thread.result

    # ---- time and waking ---------------------------------------------------------------------

    def tick(self, count: int = 1) -> None:
        """Let this many ticks pass; threads whose time is up become ready, the earliest first."""
        if count < 0:
            raise Refused(f"{count} ticks: the clock does not go back")
        before, self.ticks = self.ticks, self.ticks + count
        self.recorder.report(ClockTicked.tag, before, self.ticks)
        if count and self.on_tick is not None:
            self.on_tick(count)
        due = [thread for thread in self._asleep if thread.until is not None and thread.until <= self.ticks]
        for thread in sorted(due, key=lambda one: one.until or 0):
            self._make_ready(thread, "timeout", EWOULDBLOCK)

    def wakeup_map(self, vm_map: MapCore[Any]) -> int:
        """Make all threads ready that sleep for room in a map, in the order in which they fell asleep.

        Returns their number. O(woken), as for all wakeups.
        """
        return self._wake(self.asleep_in(vm_map))

    def wakeup_pages(self) -> int:
        """Make all threads ready that wait for pages."""
        waiting = self._sleepers.get(PageWait.subject)
        return self._wake(waiting) if waiting else 0

    def wakeup(self, channel: str) -> int:
        """Make all threads ready that sleep on a channel."""
        return self._wake(self._sleepers.get(("channel", channel), ()))

    def asleep_in(self, vm_map: MapCore[Any]) -> list[Thread]:
        """Return the threads that sleep for room in a map."""
        group = self._sleepers.get(("room", vm_map.name), ())
        return [one for one in group if isinstance(one.wait, RoomWait) and one.wait.map is vm_map]

    def _wake(self, threads: Iterable[Thread]) -> int:
        woken = list(threads)
        for thread in woken:
            self._make_ready(thread, "wakeup")
        return len(woken)

    # ---- who waits for what ------------------------------------------------------------------

    def cycle(self) -> tuple[str, ...]:
        """Return threads of which each waits for a lock of the next one, and the last for the first's.

        Empty if there are none.
        """
        return next(filter(None, map(self._cycle_from, self._asleep)), ())

    def _cycle_from(self, start: Thread) -> tuple[str, ...]:
        """Return the circle in which this thread waits; empty if there is none."""
        chain, thread = [start.name], self._holder(start)
        while thread is not None and thread.name not in chain:
            chain.append(thread.name)
            thread = self._holder(thread)
        return tuple(chain) if thread is start else ()

    def _holder(self, thread: Thread) -> Thread | None:
        """Return the thread that has the lock for which `thread` waits, if it waits for one."""
        if not isinstance(thread.wait, LockWait) or thread.wait.lock.holder is None:
            return None
        return self.threads.get(thread.wait.lock.holder)

    def explain(self) -> str:
        """Return what each thread waits for, in sentences."""
        sentences = []
        for value in [thread.value() for thread in self._asleep if not thread.daemon]:
            holder = "" if value.holder is None else f", which {named(value.holder)} has"
            sentences.append(f"{named(value.name)} waits for {value.waits_for}{holder}")
        sentences += [f"{named(thread.name)} is ready" for thread in self._ready]
        cycle = self.cycle()
        if len(cycle) == 1:
            sentences.append(f"deadlock: {named(cycle[0])} waits for a lock that it holds itself")
        elif cycle:
            sentences.append(f"deadlock: {' → '.join(named(name) for name in [*cycle, cycle[0]])}")
        return "; ".join(sentences) or "no thread is left"

    # ---- inside ------------------------------------------------------------------------------

    def _go_on(self, thread: Thread) -> None:
        outer, self.running.thread = self.running.thread, thread.name
        thread.state, answer, thread.answer = "running", thread.answer, 0
        thread.since = 0
        self.recorder.report(ThreadRuns.tag, thread.name)
        try:
            begun = getgeneratorstate(thread.call) != GEN_CREATED
            wait = thread.call.send(answer) if begun else next(thread.call)
        except StopIteration as done:
            thread.result = done.value
            self._end(thread, "returned", "returned")
        except (KernelPanic, Broken) as error:  # the end of more than this thread
            thread.error = error
            self._end(thread, "failed", type(error).__name__)
            raise
        except Exception as error:  # noqa: BLE001  whatever a learner's thread raises ends that thread alone
            thread.error = error
            self._end(thread, "failed", type(error).__name__)
        except BaseException as error:  # an interrupt ends the thread too, and is not the thread's alone
            thread.error = error
            self._end(thread, "failed", type(error).__name__)
            raise
        else:
            self._put_to_sleep(thread, wait)
        finally:
            self.running.thread = outer

    def _put_to_sleep(self, thread: Thread, wait: object) -> None:
        if not isinstance(wait, Wait):
            thread.call.close()
            thread.error = Refused(
                f"thread {thread.name} yielded {shown(wait)}: a thread yields the event that it waits for"
            )
            self._end(thread, "failed", "Refused")
            return
        try:
            self._refuse_held_mutex(thread)
        except KernelPanic:
            self._end(thread, "failed", "KernelPanic")
            raise
        self._queued += 1
        thread.state, thread.wait, thread.since = "asleep", wait, self._queued
        if isinstance(wait, TimedWait) or (isinstance(wait, ChannelWait) and wait.ticks):
            thread.until = self.ticks + wait.ticks
        self._asleep[thread] = None
        self._sleepers.setdefault(wait.subject, {})[thread] = None
        if isinstance(wait, LockWait):
            self._at_locks[thread] = None
        self.recorder.report(ThreadSlept.tag, thread.name, f"{wait}", thread.until, *wait.subject, thread.since)
        if self._cycle_from(thread):
            self.recorder.report(Deadlocked.tag, self.cycle())

    def _refuse_held_mutex(self, thread: Thread) -> None:
        """Panic if a sleeping thread holds a mutex, which is not allowed (`witness_warn`, `sleepq_wait`)."""
        for lock in self.locks_of(thread.name):
            if lock.mutex:
                raise KernelPanic(
                    "sleeping_with_mutex",
                    f"{named(thread.name)} sleeps while it holds the lock of {called(lock.name)}, a mutex: only sleep "
                    "locks may be held asleep",
                )

    def failure(self) -> Thread | None:
        """Return the next failed thread whose error has not been reported."""
        while self._failed:
            thread = self._failed.pop(0)
            if not thread.reported and thread.error is not None:
                thread.reported = True
                return thread
        return None

    def _end(self, thread: Thread, state: str, how: str, *before: Any) -> None:
        thread.state = state
        if state == "failed":
            self._failed.append(thread)
        self.recorder.report(ThreadEnded.tag, thread.name, how, *before)

    def _make_ready(self, thread: Thread, why: str, answer: int = 0) -> None:
        wait, until, since = thread.wait, thread.until, thread.since
        assert wait is not None, "a sleeping thread waits for something"
        self._leave_queues(thread, wait)
        thread.state, thread.answer, thread.wait, thread.until = "ready", answer, None, None
        self._append_ready(thread)
        self.recorder.report(ThreadWoken.tag, thread.name, why, f"{wait}", until, *wait.subject, since)

    def _leave_queues(self, thread: Thread, wait: Wait) -> None:
        """Note that a thread no longer sleeps."""
        del self._asleep[thread]
        group = self._sleepers[wait.subject]
        del group[thread]
        if not group:
            del self._sleepers[wait.subject]
        self._at_locks.pop(thread, None)

    def to_next_timer(self) -> bool:
        """Advance the clock to the next timer, if all threads sleep; returns false if there is none."""
        timers = [thread.until for thread in self._asleep if thread.until is not None]
        if timers:
            self.tick(max(0, min(timers) - self.ticks))
        return bool(timers)

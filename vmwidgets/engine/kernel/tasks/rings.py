"""The rings of frames from which tasks' pages go, whose each page is, and how many a task may have.

With global replacement all pages are in one ring, whose name is "".  With local replacement, with working sets, and for
a task that has a limit of its own, a task's pages are in a ring of its name.  A page counts for the task whose access
brought it in, as in Linux's memory control groups, and for none where a file was read or written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...base.errors import Broken
from ...base.recorder import Recorder
from ...memory.policy import Pages, Policy
from ...memory.replacement import Choice, Own, Replacement
from .rings_schema import (
    HandLooked,
    HandMoved,
    PagesAged,
    PagesNoted,
    ReferenceCleared,
    ReplacementChosen,
    RingMoved,
    RingRenumbered,
)

MappedAt = Callable[[int], tuple[str, int]]
"""Gives the task that has the page in a frame, and at which address; "" where none has it mapped."""


class RingEvents:
    """Reports what changes in the ring of this name."""

    def __init__(self, recorder: Recorder, ring: str, mapped_at: MappedAt) -> None:
        self._recorder = recorder
        self._ring = ring
        self._mapped_at = mapped_at

    def moved(self, frame: int, before: int, after: int) -> None:
        """A frame has another place."""
        emit = self._recorder.emit
        if emit is not None:
            emit((RingMoved.tag, self._ring, frame, before, after))

    def noted(self, notes: tuple[tuple[int, int | None, int | None], ...]) -> None:
        """The policy keeps other numbers of pages."""
        emit = self._recorder.emit
        if emit is not None:
            emit((PagesNoted.tag, self._ring, notes))

    def aged(self, notes: tuple[tuple[int, int, int], ...]) -> None:
        """Counters of pages moved at a tick of the clock."""
        emit = self._recorder.emit
        if emit is not None:
            emit((PagesAged.tag, self._ring, notes))

    def cleared(self, frame: int) -> None:
        """The page was used, and its reference bits are cleared."""
        emit = self._recorder.emit
        if emit is not None:
            emit((ReferenceCleared.tag, frame))

    def looked(self, frame: int, before: int, after: int, found: str) -> None:
        """The hand is at a page, and found that."""
        emit = self._recorder.emit
        if emit is not None:
            emit((HandLooked.tag, self._ring, before, after, frame, *self._mapped_at(frame), found))

    def renumbered(self, places: tuple[tuple[int, int, int], ...], before: int, after: int) -> None:
        """Frames and the hand have other places, in the same order."""
        emit = self._recorder.emit
        if emit is not None:
            emit((RingRenumbered.tag, self._ring, places, before, after))


class Rings:
    """All rings of a machine by name; `replacement` says what they are."""

    def __init__(self, recorder: Recorder, mapped_at: MappedAt) -> None:
        self._recorder = recorder
        self._mapped_at = mapped_at
        self.replacement = Replacement("fifo")
        self.choice: Choice | None = None
        """A learner's function, which chooses in place of the policy."""
        self._own_rings = False
        """Whether each task has a ring of its own, by the policy."""
        self.rings: dict[str, Policy] = {}
        self.charged: dict[int, str] = {}
        """By frame, in the order in which pages came: the task that it counts for, "" for none."""
        self.numbers: dict[int, tuple[int, str]] = {}
        """By frame: the number of its page at its last use, and of which task, as far as uses are counted."""
        self.counts: Counter[str] = Counter()
        """How many pages count for each task that has some, and under "" for none."""
        self.counts_references = False
        """Whether the policy has to hear of each reference."""
        self.limits: dict[str, int] = {}
        """How many pages a task may have in memory, of those that have a limit."""
        self.references = self.replacement.references()
        """References since the policy was chosen: the time of all rings, but for those that have one of their own."""
        self.running = ""
        """The task whose access is under way."""

    # ---- what is chosen ----------------------------------------------------------------------

    def choose(self, replacement: Replacement, choice: Choice | None = None) -> None:
        """Replace pages so from now on; they keep the order in which they came.  O(pages)."""
        before, frames = self.title, list(self.charged)
        is_same = replacement.policy == self.replacement.policy and choice is None and self.choice is None
        kept = {}
        if is_same and not self.counts_references:  # what is known of references counts from the choice on
            kept = {frame: self.rings[self.name_of(task)].kept(frame) for frame, task in self.charged.items()}
        for frame in frames:
            self._leave(frame)
        self.replacement, self.choice = replacement, choice
        self._own_rings = replacement.local or replacement.times_by_task
        emit = self._recorder.emit
        if emit is not None:
            emit((ReplacementChosen.tag, before, self.title))
        for name in list(self.rings):
            self._drop(name)
        self.references = replacement.references()
        self.counts_references = self._make("").counts
        for frame in frames:
            self._join(frame, kept.get(frame))

    def limit(self, task: str, pages: int | None) -> None:
        """Have `task` keep at most so many pages in memory; none: as many as there is room for.

        O(1) where it has a limit before and after, or none; else O(pages), since its pages change their ring.
        """
        if pages == self.limits.get(task):
            return
        if pages is not None and task in self.limits:
            self.limits[task] = pages
            return
        with self._moving(task):
            if pages is None:
                del self.limits[task]
            else:
                self.limits[task] = pages

    def forget(self, task: str) -> None:
        """A task is over: what others still have of its pages counts for none.  O(1), or O(pages) if there is some."""
        with self._moving(task) as frames:
            self.limits.pop(task, None)
            self.charged.update(dict.fromkeys(frames, ""))
            self._count("", len(frames))
            del self.counts[task]
        self._drop(task)

    def charge(self, frame: int, task: str) -> None:
        """A page that counts for none counts for `task` from now on.  O(1)."""
        before = self.charged[frame]
        moves = self.name_of(before) != self.name_of(task)
        kept = self._ring(before).kept(frame) if moves else None
        if moves:
            self._leave(frame)
        self._count(before, -1)
        self.charged[frame] = task
        self._count(task, 1)
        if moves:
            self._join(frame, kept)

    def _count(self, task: str, change: int) -> None:
        """So many pages more count for a task, or for none; who has none is not in `counts`."""
        self.counts[task] += change
        if not self.counts[task]:
            del self.counts[task]

    def _drop(self, name: str) -> None:
        """Have no ring of this name, which is empty."""
        ring = self.rings.pop(name, None)
        emit = self._recorder.emit
        if ring is not None and ring.hand and emit is not None:
            emit((HandMoved.tag, name, ring.hand, 0))

    @contextmanager
    def _moving(self, task: str) -> Iterator[list[int]]:
        """Have the pages of a task, which are given, in the ring that they belong to after this."""
        before = self.name_of(task)
        ring = self.rings.get(before) if self.counts[task] else None
        frames = [] if ring is None else [frame for frame in ring.queue if self.charged[frame] == task]
        kept = [None if ring is None else ring.kept(frame) for frame in frames]
        for frame in frames:
            self._leave(frame)
        yield frames
        for frame, known in zip(frames, kept, strict=True):
            self._join(frame, known)
        if before and before != self.name_of(task):
            self._drop(before)

    @property
    def title(self) -> str:
        """What is chosen, in words."""
        name = self.replacement.policy if self.choice is None else "a function"
        return f"{name}, local" if self.replacement.local else name

    def _make(self, name: str) -> Policy:
        report = RingEvents(self._recorder, name, self._mapped_at)
        if self.choice is not None:
            return Own(self.choice, report, self.references)
        return self.replacement.make(report, self.references)

    def _ring(self, task: str) -> Policy:
        """The ring that the pages of a task are in, made if it is not there."""
        name = self.name_of(task)
        if name not in self.rings:
            self.rings[name] = self._make(name)
        return self.rings[name]

    def _join(self, frame: int, kept: object = None) -> None:
        """Have a page in the ring that it belongs to, which learns what is known of it, and what another ring knew."""
        ring = self._ring(self.charged[frame])
        ring.entered(frame)
        if frame in self.numbers:
            ring.knows(frame, *self.numbers[frame])
        if kept is not None:
            ring.restore(frame, kept)

    def _leave(self, frame: int) -> None:
        name = self.name_of(self.charged[frame])
        self.rings[name].left(frame)
        self._report_hand(name, self.rings[name])

    # ---- pages -------------------------------------------------------------------------------

    def name_of(self, task: str) -> str:
        """The ring that the pages of a task are in."""
        return task if self._own_rings or task in self.limits else ""

    def entered(self, frame: int, task: str) -> None:
        """A page came, which counts for `task`.  O(1)."""
        self.charged[frame] = task
        self._count(task, 1)
        self._ring(task).entered(frame)

    def left(self, frame: int) -> None:
        """A page is in memory no longer.  O(1)."""
        self._leave(frame)
        self._count(self.charged.pop(frame), -1)
        self.numbers.pop(frame, None)

    def used(self, task: str, frame: int, page: int) -> None:
        """An access of `task` reached page number `page` of its addresses, in `frame`; a device's is in no ring.

        The time of a working set is that of its own task; all other policies have one time.  O(1), or O(pages) where
        OPT's string has another reference there.
        """
        references = self._ring(task).references if self.replacement.times_by_task else self.references
        if references.made(task, page):
            for ring in self.rings.values():
                ring.refresh()
        owner = self.charged.get(frame)
        if owner is not None:
            self.numbers[frame] = page, task
            self._ring(owner).seen(frame, page, task)

    def ticked(self, pages: Pages, count: int) -> None:
        """The machine's clock has ticked so often.  O(pages) for a policy that looks at pages then, else O(rings)."""
        for ring in self.rings.values():
            if ring.ages:
                ring.ticked(pages, count)

    def mapped(self, task: str, frame: int, page: int) -> None:
        """A translation of `task` leads to the page in `frame` now, as its page number `page`.  O(1)."""
        owner = self.charged.get(frame)
        if owner is not None:
            self.numbers[frame] = page, task
            self._ring(owner).knows(frame, page, task)

    def may_go_again(self, frame: int) -> None:
        """The page in `frame` is wired no longer, or not needed any more; a device's is in no ring.  O(log pages)."""
        owner = self.charged.get(frame)
        if owner is not None:
            self._ring(owner).may_go_again(frame)

    def expired(self, pages: Pages) -> list[int]:
        """Frames whose pages may go and should leave after an access of the task that runs."""
        ring = self.rings.get(self.name_of(self.running))
        return [] if ring is None else ring.expired(pages)

    @contextmanager
    def run_for(self, task: str) -> Iterator[None]:
        """Have what comes in here count for `task`."""
        before, self.running = self.running, task
        try:
            yield
        finally:
            self.running = before

    # ---- what goes ---------------------------------------------------------------------------

    def is_full(self, task: str, free: int, more: int = 1) -> bool:
        """Whether so many pages more of `task` have to take the place of some of its own, with so many frames free.

        O(1).
        """
        if task in self.limits:
            return self.counts[task] + more > self.limits[task]
        if not self.replacement.local or not task:
            return False
        sharing = len(self.counts) - ("" in self.counts) + (task not in self.counts)
        return self.counts[task] + more > max(1, (len(self.charged) + free) // sharing)

    def candidates(self, task: str, pages: Pages, *, own_only: bool) -> Iterator[int]:
        """Frames in the order in which they should go: of the ring of `task`, then of the others, the largest first."""
        first = self.name_of(task)
        yield from self._of_ring(first, pages)
        if not own_only:
            others = sorted(self.rings, key=lambda name: -len(self.rings[name]))
            for name in others:
                if name != first:
                    yield from self._of_ring(name, pages)

    def _of_ring(self, name: str, pages: Pages) -> Iterator[int]:
        ring = self.rings.get(name)
        if ring is None:
            return
        for frame in ring.candidates(pages):
            self._report_hand(name, ring)
            yield frame
        self._report_hand(name, ring)

    def _report_hand(self, name: str, ring: Policy) -> None:
        before, ring.reported = ring.reported, ring.hand
        emit = self._recorder.emit
        if emit is not None and before != ring.hand:
            emit((HandMoved.tag, name, before, ring.hand))

    def check(self, resident: set[int]) -> None:
        """Raise :class:`Broken` unless O7. each page in memory is in one ring, that of the task that it counts for."""
        ringed = [(frame, name) for name, ring in self.rings.items() for frame in ring.places]
        if dict(ringed) != {frame: self.name_of(task) for frame, task in self.charged.items()}:
            raise Broken("O7: a frame is in another ring than that of the task that it counts for")
        if self.charged.keys() != resident or len(ringed) != len(resident):
            raise Broken(f"O7: {len(ringed)} frames are in rings, and {len(resident)} pages in memory")
        if self.counts != Counter(self.charged.values()) or not all(self.counts.values()):
            raise Broken("O7: the pages of a task are not as many as are counted")

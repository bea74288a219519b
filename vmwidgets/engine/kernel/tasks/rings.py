"""The rings of frames from which tasks' pages are evicted, the task of each page, and limits for tasks.

With global replacement all pages are in one ring, whose name is "".  With local replacement, with working sets, and
for a task with its own limit, a task's pages are in a ring of its name. A page counts for the task whose access
brought it in, as in Linux's memory control groups, and for none if a file was read or written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ...base.errors import Broken
from ...base.recorder import Recorder
from ...memory.page import AnyPage
from ...memory.policy import Pages, Policy
from ...memory.replacement import Choice, Own, Replacement
from .objects_schema import ReplacementChosen


class Rings:
    """All rings of a machine by name, with its `pages` in memory by frame; `replacement` says which rings there are."""

    def __init__(self, recorder: Recorder, pages: Mapping[int, AnyPage]) -> None:
        self._recorder = recorder
        self._pages = pages
        self.replacement = Replacement("fifo")
        self.choice: Choice | None = None
        """A learner's function, which chooses instead of the policy."""
        self.rings: dict[str, Policy] = {}
        self.counts: Counter[str] = Counter()
        """The number of pages that count for each task, and, under "", for none."""
        self.counts_references = False
        """Whether the policy must be informed of each reference."""
        self.limits: dict[str, int] = {}
        """The most pages in memory for each task that has a limit."""
        self.references = self.replacement.references()
        """The number of references since the policy was chosen: the time of all rings except those with their own."""

    # ---- what is chosen ----------------------------------------------------------------------

    def choose(self, replacement: Replacement, choice: Choice | None = None) -> None:
        """Replace pages by this policy from now on; they keep the order in which they were brought in. O(pages)."""
        before, counted = self.title, self.counts_references
        is_same = replacement.policy == self.replacement.policy and choice is None and self.choice is None
        with self._moving([*self._pages.values()]) as known:
            if not is_same or counted:  # what is known of references counts from the choice on
                known[:] = [None] * len(known)
            self.replacement, self.choice = replacement, choice
            self._recorder.report(ReplacementChosen.tag, before, self.title)
            self.rings.clear()
            self.references = replacement.references()
            self.counts_references = self._make("").counts

    def limit(self, task: str, pages: int | None) -> None:
        """Limit the number of pages of `task` in memory; None: as many as fit.

        O(1) if it has a limit before and after, or at neither time; otherwise O(pages), since its pages change their
        ring.
        """
        if pages == self.limits.get(task):
            return
        if pages is not None and task in self.limits:
            self.limits[task] = pages
            return
        with self._moving(self._of(task)):
            if pages is None:
                del self.limits[task]
            else:
                self.limits[task] = pages
        if self.name_of(task) != task:
            self.rings.pop(task, None)

    def forget(self, task: str) -> None:
        """Note that a task has ended: its pages that others still have count for no task.

        O(1), or O(pages) if there are any.
        """
        pages = self._of(task)
        with self._moving(pages):
            self.limits.pop(task, None)
            for page in pages:
                page.task = ""
            self._count("", len(pages))
            del self.counts[task]
        self.rings.pop(task, None)

    def charge(self, page: AnyPage, task: str) -> None:
        """Count a page for `task` from now on. O(1)."""
        moves = self.name_of(page.task) != self.name_of(task)
        with self._moving([page] if moves else []):
            self._count(page.task, -1)
            page.task = task
            self._count(task, 1)

    def _count(self, task: str, change: int) -> None:
        """Change the number of pages that count for a task, or for none; a task without pages is not in `counts`."""
        self.counts[task] += change
        if not self.counts[task]:
            del self.counts[task]

    def _of(self, task: str) -> list[AnyPage]:
        """Return the pages of a task, in the order of their ring. O(1) if there are none, else O(pages)."""
        return [page for page in self._ring(task).queue if page.task == task] if self.counts[task] else []

    @contextmanager
    def _moving(self, pages: list[AnyPage]) -> Iterator[list[object]]:
        """Move pages to the rings to which they belong after the body of the ``with``, with what is known of each."""
        known = [page.known for page in pages]
        for page in pages:
            self._ring(page.task).left(page)
        yield known
        for page, one in zip(pages, known, strict=True):
            ring = self._ring(page.task)
            ring.entered(page)
            if page.last_use is not None:
                ring.knows(page, *page.last_use)
            if one is not None:
                page.known = one

    @property
    def title(self) -> str:
        """Return the chosen policy, in words."""
        name = self.replacement.policy if self.choice is None else "a function"
        return f"{name}, local" if self.replacement.local else name

    def _make(self, name: str) -> Policy:
        if self.choice is not None:
            return Own(self.choice, self._recorder, name, self.references)
        return self.replacement.make(self._recorder, name, self.references)

    def _ring(self, task: str) -> Policy:
        """Return the ring of a task's pages, which is created if it does not exist."""
        name = self.name_of(task)
        if name not in self.rings:
            self.rings[name] = self._make(name)
        return self.rings[name]

    # ---- pages -------------------------------------------------------------------------------

    def name_of(self, task: str) -> str:
        """Return the ring of a task's pages."""
        own = self.replacement.local or self.replacement.times_by_task or task in self.limits
        return task if own else ""

    def entered(self, page: AnyPage) -> None:
        """Note that a page was brought in. O(1)."""
        self._count(page.task, 1)
        self._ring(page.task).entered(page)

    def left(self, page: AnyPage) -> None:
        """Note that a page is no longer in memory. O(1)."""
        self._ring(page.task).left(page)
        self._count(page.task, -1)

    def used(self, task: str, frame: int, number: int) -> None:
        """Note an access of `task` to page `number` of its addresses, in `frame`; a device's page is in no ring.

        A working set uses the time of its own task; all other policies share one time. O(1).
        """
        references = self._ring(task).references if self.replacement.times_by_task else self.references
        references.made(task, number)
        page = self._pages.get(frame)
        if page is not None:
            page.last_use = number, task
            self._ring(page.task).seen(page, number, task)

    def ticked(self, pages: Pages, count: int) -> None:
        """Note this many ticks of the machine's clock.

        O(pages) for a policy that examines pages then, otherwise O(rings).
        """
        for ring in self.rings.values():
            if ring.ages:
                ring.ticked(pages, count)

    def mapped(self, task: str, frame: int, number: int) -> None:
        """Note that a translation of `task` leads to the page in `frame` now, as its page `number`. O(1)."""
        page = self._pages.get(frame)
        if page is not None:
            page.last_use = number, task
            self._ring(page.task).knows(page, number, task)

    def may_go_again(self, frame: int) -> None:
        """Note that the page in `frame` is no longer wired or needed; a device's page is in no ring. O(log pages)."""
        page = self._pages.get(frame)
        if page is not None:
            self._ring(page.task).may_go_again(page)

    def expired(self, task: str, pages: Pages) -> list[AnyPage]:
        """Return the pages that the policy evicts after an access of `task`, if they may leave."""
        ring = self.rings.get(self.name_of(task))
        return [] if ring is None else ring.expired(pages)

    # ---- what goes ---------------------------------------------------------------------------

    def is_full(self, task: str, free: int, more: int = 1) -> bool:
        """Return whether this many more pages of `task` must replace pages of its own, with this many free frames.

        O(1).
        """
        if task in self.limits:
            return self.counts[task] + more > self.limits[task]
        if not self.replacement.local or not task:
            return False
        sharing = len(self.counts) - ("" in self.counts) + (task not in self.counts)
        return self.counts[task] + more > max(1, (len(self._pages) + free) // sharing)

    def candidates(self, task: str, pages: Pages, *, own_only: bool) -> Iterator[AnyPage]:
        """Yield pages in the order of eviction: from the ring of `task`, then from the others, the largest first."""
        first = self.rings.get(self.name_of(task))
        if first is not None:
            yield from first.candidates(pages)
        for ring in () if own_only else sorted(self.rings.values(), key=lambda ring: -len(ring)):
            if ring is not first:
                yield from ring.candidates(pages)

    def check(self) -> None:
        """Raise :class:`Broken` unless O7. each page in memory is in one ring, that of its task."""
        for name, ring in self.rings.items():
            for page in ring.queue:
                if self.name_of(page.task) != name:
                    raise Broken(f"O7: frame {page.frame:#x} is in another ring than that of {page.task!r}")
                if self._pages.get(page.frame) is not page:
                    raise Broken(f"O7: the page of a ring in frame {page.frame:#x} is not in memory")
        ringed = sum(map(len, self.rings.values()))
        if ringed != len(self._pages):
            raise Broken(f"O7: {ringed} pages are in rings, and {len(self._pages)} in memory")
        if self.counts != Counter(page.task for page in self._pages.values()) or not all(self.counts.values()):
            raise Broken("O7: the pages of a task are not as many as are counted")

"""OPT: evict the page whose next use is last, by a given string of references (Belady 1966)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import TypeAlias

from ..base.recorder import Recorder
from .page import AnyPage
from .policy import Policy, References

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

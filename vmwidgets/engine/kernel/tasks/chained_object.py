"""Shortening chains of memory objects: an object absorbs the one behind it, or bypasses it.

After Mach's `vm_object_collapse` and `vm_object_bypass`, as 4.4BSD has them (The Design and Implementation of the
4.4BSD Operating System, 5.6).
"""

from __future__ import annotations

from .led_object import EVERYWHERE, LedObject
from .objects_schema import ObjectFields, ObjectGone, PagesEntered, PagesLeft, ShadowMoved
from .pageout import PageOwner, TaskMemory
from .pagers import TaskPager


class ChainedObject(LedObject, PageOwner):
    """An object that counts the pages it still needs from the object behind it; without any, it drops that object."""

    pager: TaskPager
    shadow: ChainedObject | None
    shadows: list[ChainedObject]

    def __init__(self, name: str, pager: TaskPager, memory: TaskMemory, window: range) -> None:
        super().__init__(name, pager, window)
        self.memory = memory
        self._span = range(0)
        """A range that contains all its pages."""
        self._left: int | None = None
        """The number of pages that may be requested from the object behind, and are not hidden by its own; None: not
        counted yet."""

    @property
    def fields(self) -> ObjectFields:
        """Return the object's data in events."""
        kind = "shadow" if self.shadow is not None else self.pager.kind
        return kind, "" if self.shadow is None else self.shadow.name

    @property
    def count(self) -> int:
        """Return how many pages it has, in memory or in swap space. O(pages in swap space)."""
        return len(self.pages) + sum(index not in self.pages for index in self.swapped)

    @property
    def is_file(self) -> bool:
        """Return whether the pages belong to a file."""
        return self.pager.kind == "file"

    def collapse(self) -> None:
        """Absorb the object behind, if nothing else refers to it: its pages, and the chain behind it (Mach's collapse).

        O(its pages).
        """
        behind = self.shadow
        while behind is not None and behind.references == 1 and not behind.is_file:
            before = self.fields
            self._take_pages(behind, self.window)
            behind.forget(EVERYWHERE)
            self.shadow = behind.shadow
            if behind.shadow is not None:
                behind.shadow.shadows[behind.shadow.shadows.index(behind)] = self
            self._report(ShadowMoved.tag, self.name, before, self.fields, "collapsed")
            behind._end("collapsed")
            behind.shadow, behind.references = None, 0
            behind.shadows.clear()
            behind = self.shadow

    def take_wired(self, pages: range) -> None:
        """Take these pages from the object behind.

        The caller's entry keeps them in memory, and no other entry maps them.
        """
        behind = self.shadow
        assert behind is not None, "a shadow takes them"
        self._take_pages(behind, pages)
        behind.note_wired(pages, -1)
        self.note_wired(pages, 1)
        self.bypass()

    def _take_pages(self, behind: ChainedObject, pages: range) -> None:
        """Take the given pages that the object behind has, and that no page of this object hides."""
        wanted = [index for index in behind.those_of(pages) if not self.has(index)]
        taken = tuple((index, behind.pages.pop(index)) for index in wanted if index in behind.pages)
        if taken:
            self._report(PagesLeft.tag, behind.name, taken)
        for index, frame in taken:
            self.pages[index] = frame
            self.memory.taken_over(behind, self, frame)
        if taken:
            self._report(PagesEntered.tag, self.name, taken)
        self.memory.move_swapped(behind, self, tuple(index for index in wanted if index in behind.swapped))
        if wanted:
            self._reach(wanted[0], wanted[-1] + 1)
        self.count_again()
        behind.count_again()

    def bypass(self) -> None:
        """Bypass the object behind, if own pages hide every page that may be requested from it (Mach's bypass).

        Mostly O(1), since the number of pages not hidden is stored.
        """
        behind = self.shadow
        if behind is None or behind.is_file:
            return
        if self._left is None:
            self._left = self._count_left(behind)
        if self._left:
            return
        before, further = self.fields, behind.shadow
        behind.shadows.remove(self)
        self.shadow, self._left = further, None
        if further is not None:
            further.shadows.append(self)
            further.reference()
        self._report(ShadowMoved.tag, self.name, before, self.fields, "bypassed")
        behind.trim(self.window)
        behind.release()

    def _count_left(self, behind: ChainedObject) -> int:
        """Return how many pages of the object behind may be requested, and are not hidden by own pages.

        O(own pages) if all may be requested, as after a fork of the whole; otherwise O(pages of the object behind).
        """
        if self.window.start <= behind._span.start and behind._span.stop <= self.window.stop:
            hidden = sum(behind.has(index) for index in {*self.pages, *self.swapped})
            return behind.count - hidden
        return sum(index in self.window and not self.has(index) for index in {*behind.pages, *behind.swapped})

    def count_again(self) -> None:
        """Note that pages were removed: the pages they hid, and those that shadows still need, must be recounted."""
        for one in (self, *self.shadows):
            one._left = None

    def _reach(self, first: int, end: int) -> None:
        """Note that it has the pages [first, end) now."""
        known = self._span or range(first, end)
        self._span = range(min(known.start, first), max(known.stop, end))

    def _grown(self, index: int) -> None:
        """Note that the object behind it has another page."""
        if self._left is not None and index in self.window and not self.has(index):
            self._left += 1

    def _end(self, why: str) -> None:
        del self.memory.objects[self.name]
        self._report(ObjectGone.tag, self.name, self.fields, why)

    def _report(self, *raw: object) -> None:
        emit = self.memory.recorder.emit
        if emit is not None:
            emit(raw)

"""Memory objects of tasks: shadow chains, copies at the first write, collapse and bypass.

After the design of Mach as 4.4BSD has it (McKusick, Bostic, Karels, Quarterman: The Design and Implementation of the
4.4BSD Operating System, 5.5 and 5.6; Rashid and others, 1987, 3.4).  X15 of 2013 has objects without shadows.
An object that is copied stays as it is, and who writes gets a *shadow* in front of it, which has only the pages
that were written since.  A page is looked for from the front to the back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from ...base.errors import Broken, KernelError, VMError, kernel_error
from ...base.events import (
    ObjectGone,
    ObjectMade,
    ObjectSearched,
    PageCopied,
    PageDirtied,
    PageLost,
    PagerAsked,
    PagesEntered,
    PagesLeft,
    ShadowMoved,
)
from ...base.protection import WRITE
from ...base.recorder import Recorder
from ...base.units import PAGE_SHIFT
from ...base.values.objects import ObjectFields, ObjectValue
from ..map.vm_object import PagerFailed, VmObject
from .pagers import AnonymousPager, X15Pager
from .vm_page import TaskMemory

EVERYWHERE = range(1 << 52)
"""All pages that offsets of 64 bits can name."""


class Page(NamedTuple):
    """A page for an access: `own` if it is of the object that was asked, and not of one behind it."""

    frame: int
    cache: str
    own: bool


class X15Object(VmObject):
    """Pages by number, and behind them, where it is a shadow, those of the object `shadow`, by the same numbers.

    `shared`: who maps it sees what others write, so that a copy of it takes all pages at once.  `kept`: learners hold
    it by its name, so that it stays when no entry maps it.  A shadow is asked for pages of `window` only.
    `references` are those of entries, of its shadows, and, where it is the pages of a file, of that.
    """

    pager: X15Pager

    def __init__(
        self,
        name: str,
        pager: X15Pager,
        memory: TaskMemory,
        *,
        shared: bool = False,
        kept: bool = False,
        shadow: X15Object | None = None,
        window: range = EVERYWHERE,
    ) -> None:
        super().__init__(name, pager)
        self.memory = memory
        self.shared = shared
        self.kept = kept
        self.shadow = shadow
        self.window = window
        self.shadows: list[X15Object] = []
        """The objects that this one is behind of."""
        self.exclusive = not shared
        """Whether no two entries map the same page of it: what one maps no longer, none does."""
        self.swapped: dict[int, int] = {}
        """Slots of swap space by page."""
        self.dirty: set[int] = set()
        """Pages that were written since their file had them."""
        self.wired: Counter[int] = Counter()
        """How many entries hold each page in memory."""
        self._span = range(0)
        """All its pages are in here."""
        self._left: int | None = None
        """How many pages of the object behind may be asked for, and are not hidden by its own; none: to be counted."""
        if shadow is not None:
            shadow.shadows.append(self)
        memory.objects[name] = self
        self._report(ObjectMade.tag, name, self.fields)

    @classmethod
    def anonymous(
        cls,
        memory: TaskMemory,
        *,
        shared: bool = False,
        shadow: X15Object | None = None,
        window: range = EVERYWHERE,
    ) -> X15Object:
        """A new object of zeroes, or of what is in `shadow`, under a name that no learner gave it."""
        return cls(memory.new_name(), AnonymousPager(memory), memory, shared=shared, shadow=shadow, window=window)

    @property
    def fields(self) -> ObjectFields:
        """What events carry of it."""
        kind = "shadow" if self.shadow is not None else self.pager.kind
        return kind, "" if self.shadow is None else self.shadow.name

    @property
    def is_file(self) -> bool:
        """Whether its pages are a file's."""
        return self.pager.kind == "file"

    @property
    def has_frames(self) -> bool:
        """Whether its pages are RAM, and no device's."""
        return self.pager.has_frames

    def write_back(self, index: int, content: bytes) -> None:
        """Have its pager write a page back."""
        self.pager.put_page(index, content)

    def value(self) -> ObjectValue:
        """As a frozen value."""
        return ObjectValue(self.name, *self.fields, dict(self.pages), dict(self.swapped), frozenset(self.dirty))

    # ---- pages -------------------------------------------------------------------------------

    def rights(self, offset: int, protection: int) -> int:
        """Those of an entry; but a page of a file that is not dirty is not to be written unnoticed."""
        return protection if not self.is_file or offset >> PAGE_SHIFT in self.dirty else protection & ~WRITE

    def rights_of_all(self, protection: int) -> int:
        """Those of an entry; but where some page may be a file's, or that of an object behind, none to write."""
        return protection & ~WRITE if self.is_file or self.shadow is not None else protection

    def note_wired(self, pages: range, change: int) -> None:
        """So many entries more hold these pages in memory: they don't go out."""
        for index in pages:
            self.wired[index] += change
            if not self.wired[index]:
                del self.wired[index]

    def bring(self, offset: int, recorder: Recorder) -> tuple[str, int]:
        """A frame of its own for the page at `offset`, copied if it was in an object behind."""
        page = self.fault(offset, not self.is_file)
        return page.cache, page.frame

    def fault(self, offset: int, write: bool) -> Page:
        """The page at `offset` for an access: its own, or to be read that of the object behind that has it.

        NOMEM without a frame, IO from a pager that fails.  O(objects in the chain).
        """
        index = offset >> PAGE_SHIFT
        holder = self if self.shadow is None else self._holder(index)
        frame = holder.pages.get(index)
        cache = "hit" if frame is not None else "miss"
        if frame is None:
            frame = holder.page_in(index)
        elif holder is self and self.shadow is None:
            self._report(PagerAsked.tag, self.name, offset, frame, "hit")
        if holder is not self:
            if not write:
                return Page(frame, cache, False)
            frame = self._copy(index, holder, frame)
        elif write and self.is_file and index not in self.dirty:
            self.dirty.add(index)
            self._report(PageDirtied.tag, self.name, index)
        return Page(frame, cache, True)

    def _holder(self, index: int) -> X15Object:
        """The first object of the chain that has the page, or whose file has.

        Where none has, a page of zeroes is the front object's own.
        """
        for at in self.chain():
            found = "memory" if index in at.pages else "swap" if index in at.swapped else "file" if at.is_file else ""
            at._report(ObjectSearched.tag, at.name, index, found)
            if found:
                return at
        return self

    def found(self, offset: int) -> tuple[int, bool] | None:
        """The frame that an access would find in the chain; it is to be written if it is an own, or dirty, page."""
        index = offset >> PAGE_SHIFT
        holder = self._holder_in_memory(index)
        if holder is None:
            return None
        return holder.pages[index], holder is self and (not self.is_file or index in self.dirty)

    def wait_for(self, offset: int) -> int:
        """How many ticks its pager takes for the page at `offset`; 0 if that is in memory."""
        is_had = any(at._has(offset >> PAGE_SHIFT) for at in self.chain())
        return 0 if is_had else self.last_of_chain.pager.latency

    def makes(self, offset: int) -> bool:
        """Whether neither it nor anonymous memory behind it has the page at `offset`; a file's can be copied again."""
        return not any(at._has(offset >> PAGE_SHIFT) for at in self.chain() if at is self or not at.is_file)

    def _has(self, index: int) -> bool:
        """Whether the page is its own, in memory or in swap space."""
        return index in self.pages or index in self.swapped

    def chain(self) -> Iterator[X15Object]:
        """It and those behind it, from front to back."""
        at: X15Object | None = self
        while at is not None:
            yield at
            at = at.shadow

    @property
    def last_of_chain(self) -> X15Object:
        """The object behind all others."""
        *_, last = self.chain()
        return last

    def page_in(self, index: int) -> int:
        """The frame of a page from swap space, or from its pager, now its own; NOMEM without one, IO if that fails."""
        offset = index << PAGE_SHIFT
        try:
            is_out = index in self.swapped
            frame = self.memory.swap_in(self, index) if is_out else self.pager.get_page(self, offset)
        except KernelError as error:
            self._report(PagerAsked.tag, self.name, offset, -1, error.name)
            raise
        if frame is None:
            self._report(PagerAsked.tag, self.name, offset, -1, "NOMEM")
            why = f"the pager of {self.name!r} has no page for offset {offset:#x}"
            raise kernel_error("NOMEM", why) from PagerFailed()
        self.enter(index, frame, is_new=not is_out)
        self._report(PagerAsked.tag, self.name, offset, frame, "miss")
        return frame

    def enter(self, index: int, frame: int, *, is_new: bool = True) -> None:
        """Have `frame` as the page of this number; not `is_new`: it was its own in swap space."""
        self.pages[index] = frame
        self._reach(index, index + 1)
        for shadow in self.shadows if is_new else ():
            shadow._grown(index)
        self._report(PagesEntered.tag, self.name, ((index, frame),))
        if self.has_frames:
            self.memory.entered(self, index, frame)

    def leave(self, index: int) -> int:
        """Have the page of this number in memory no longer; its frame, which is the caller's now."""
        frame = self.pages.pop(index)
        self._report(PagesLeft.tag, self.name, ((index, frame),))
        if self.has_frames:
            self.memory.left(frame)
        return frame

    def drop(self, offset: int) -> None:
        """Give the page at `offset` back."""
        index = offset >> PAGE_SHIFT
        if index in self.dirty:
            self.dirty.remove(index)
            self._report(PageLost.tag, self.name, index)
        self.pager.release(self.leave(index))
        self._count_again()

    def forget(self, pages: range) -> None:
        """Give back those of `pages` that it has, in memory or in swap space: nothing maps them any more."""
        inside = [index for index in (*self.pages, *self.swapped) if index in pages]
        gone = tuple((index, self.pages.pop(index)) for index in sorted(inside) if index in self.pages)
        self._give_back(gone)
        self.memory.forget(self, tuple(index for index in sorted(inside) if index in self.swapped))

    def _give_back(self, pages: tuple[tuple[int, int], ...]) -> None:
        """Give back frames that were taken out of `pages`."""
        self._count_again()
        self.dirty.difference_update(index for index, _ in pages)
        if pages:
            self._report(PagesLeft.tag, self.name, pages)
        for _, frame in pages:
            if self.has_frames:
                self.memory.left(frame)
            self.pager.release(frame)

    def run(self, offset: int, count: int) -> int | None:
        """The first frame of `count` pages in one piece, as any object's; none where pages lie behind or elsewhere."""
        if self.shadow is not None or self.is_file or self.swapped:
            return None
        known = len(self.pages)
        frame = super().run(offset, count)
        if frame is not None and len(self.pages) != known:
            first = offset >> PAGE_SHIFT
            self._reach(first, first + count)
            self._count_again()
            self._report(PagesEntered.tag, self.name, tuple((first + at, frame + at) for at in range(count)))
            for at in range(count if self.has_frames else 0):
                self.memory.entered(self, first + at, frame + at)
        return frame

    def _copy(self, index: int, holder: X15Object, source: int) -> int:
        """Copy a page of an object behind into a frame of its own, and forget a chain that is no longer needed."""
        with self.memory.holding(source):
            frame = self.memory.fresh(self)
        if frame is None:
            raise kernel_error("NOMEM", f"no page for a copy of page {index} of {holder.name!r}") from PagerFailed()
        self.memory.copy(source, frame)
        mapped = self.memory.mapped_by(source)
        if self.references > 1:  # others may map the page behind: who shares this object is not to see that any longer
            self.memory.unmap(source)
        self.enter(index, frame)
        self._report(PageCopied.tag, self.name, index, holder.name, source, frame, mapped)
        if holder is self.shadow and self._left:
            self._left -= 1
        self.bypass()
        return frame

    # ---- chains ------------------------------------------------------------------------------

    def release(self) -> None:
        """One reference fewer; with the last it is gone, and gives back what it has."""
        self.references -= 1
        if self.references == 0:
            self._terminate()
        elif self.references == 1 and len(self.shadows) == 1:
            self.shadows[0].collapse()

    def _terminate(self) -> None:
        """Give back pages and swap space; one that learners hold can be mapped again, and is empty."""
        pages = tuple(sorted(self.pages.items()))
        self.pages.clear()
        self._give_back(pages)
        self.memory.forget(self, tuple(self.swapped))
        if not self.kept:
            self._end("no reference is left")
            behind, self.shadow = self.shadow, None
            if behind is not None:
                behind.shadows.remove(self)
                behind.release()

    def _end(self, why: str) -> None:
        del self.memory.objects[self.name]
        self._report(ObjectGone.tag, self.name, self.fields, why)

    def collapse(self) -> None:
        """Take in the object behind, if nothing else refers to it: its pages, and what is behind it (Mach's collapse).

        O(pages of that one).
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
        """Have these pages of the object behind, which the caller's entry holds in memory, and no other entry maps."""
        behind = self.shadow
        assert behind is not None, "a shadow takes them"
        self._take_pages(behind, pages)
        behind.note_wired(pages, -1)
        self.note_wired(pages, 1)
        self.bypass()

    def _take_pages(self, behind: X15Object, pages: range) -> None:
        """Have those of these pages that the object behind has, and that no own ones hide."""
        wanted = [index for index in sorted((*behind.pages, *behind.swapped)) if index in pages]
        wanted = [index for index in wanted if not self._has(index)]
        taken = tuple((index, behind.pages.pop(index)) for index in wanted if index in behind.pages)
        if taken:
            self._report(PagesLeft.tag, behind.name, taken)
        for index, frame in taken:
            self.pages[index] = frame
            self.memory.taken_over(self, index, frame)
        if taken:
            self._report(PagesEntered.tag, self.name, taken)
        self.memory.move_swapped(behind, self, tuple(index for index in wanted if index in behind.swapped))
        if wanted:
            self._reach(wanted[0], wanted[-1] + 1)
        self._count_again()
        behind._count_again()

    def bypass(self) -> None:
        """Refer past the object behind, if own pages hide all that may be asked for of it (Mach's bypass).

        O(1) mostly, since how many they don't hide is kept.
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
        behind.release()

    def _count_left(self, behind: X15Object) -> int:
        """How many pages of the object behind may be asked for, and are hidden by no own one.

        O(own pages) if all may be asked for, as after a fork of the whole; else O(pages of that one).
        """
        if self.window.start <= behind._span.start and behind._span.stop <= self.window.stop:
            hidden = sum(behind._has(index) for index in (*self.pages, *self.swapped))
            return len(behind.pages) + len(behind.swapped) - hidden
        return sum(index in self.window and not self._has(index) for index in (*behind.pages, *behind.swapped))

    def _count_again(self) -> None:
        """Pages of it are gone: what they hid, and what is left of them behind others, is to be counted again."""
        for one in (self, *self.shadows):
            one._left = None

    def _reach(self, first: int, end: int) -> None:
        """It has pages of [first, end)."""
        known = self._span or range(first, end)
        self._span = range(min(known.start, first), max(known.stop, end))

    def discard(self) -> None:
        """Be gone before anything ever referred to it."""
        self._end("nothing ever referred to it")

    def page_out(self, offset: int) -> bool:
        """Have the page at `offset` leave memory, of whichever object of the chain it is; whether it did."""
        holder = self._holder_in_memory(offset >> PAGE_SHIFT)
        return holder is not None and self.memory.page_out(holder, offset >> PAGE_SHIFT)

    def _holder_in_memory(self, index: int) -> X15Object | None:
        for at in self.chain():
            if index in at.pages:
                return at
            if index in at.swapped:
                break
        return None

    def _grown(self, index: int) -> None:
        """The object behind it has one page more."""
        if self._left is not None and index in self.window and not self._has(index):
            self._left += 1

    # ---- copies ------------------------------------------------------------------------------

    def shadowed(self, window: range) -> X15Object:
        """A new shadow of it for the pages of `window`, without any; it takes over a reference that the caller had."""
        made = self.anonymous(self.memory, shadow=self, window=window)
        made.references = 1
        return made

    def copied(self, window: range) -> X15Object:
        """A new object with copies of the pages of `window`, as they are now (Mach's vm_object_copy_slowly).

        Where the last of its chain is a file, that lies behind the new one too.

        NOMEM, and nothing kept, without frames.  O(pages).
        """
        last = self.last_of_chain
        behind = last if last.is_file else None
        if behind is not None:
            behind.reference()
        made = self.anonymous(self.memory, shadow=behind, window=window)
        made.references = 1
        try:
            for index in self.present(window):
                page = self.fault(index << PAGE_SHIFT, False)
                made._copy(index, self, page.frame)
        except VMError:
            made.release()
            raise
        return made

    def present(self, window: range) -> list[int]:
        """The pages of `window` that it has, or an object behind it but a file, in memory or in swap space, rising."""
        anonymous = takewhile(lambda at: not at.is_file, self.chain())
        return sorted({index for at in anonymous for index in (*at.pages, *at.swapped) if index in window})

    # ---- invariants --------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`Broken` unless O1. chains lead back and have an end; O2. no page is both in memory and in swap;
        O3. only pages of files are dirty; O7. what is left behind is counted rightly.
        """  # noqa: D205  one list of invariants, as elsewhere
        seen: set[X15Object] = set()
        if self.shadow is not None and self not in self.shadow.shadows:
            raise Broken(f"O1: {self.name} is not among the shadows of {self.shadow.name}")
        for at in self.chain():
            if at in seen:
                raise Broken(f"O1: the chain of {self.name} runs in a circle at {at.name}")
            seen.add(at)
        both = self.pages.keys() & self.swapped.keys()
        if both:
            raise Broken(f"O2: page {min(both)} of {self.name} is in memory and in swap space")
        if (self.dirty and not self.is_file) or self.dirty - self.pages.keys():
            raise Broken(f"O3: {self.name} has dirty pages that are no pages of a file in memory")

        has = (*self.pages, *self.swapped)
        if any(index not in self._span for index in has):
            raise Broken(f"O7: {self.name} has pages outside of {self._span}")
        if self.shadow is not None and self._left not in (None, self._count_left(self.shadow)):
            raise Broken(f"O7: {self._left} pages are left behind {self.name}, and not {self._count_left(self.shadow)}")

    def _report(self, *raw: object) -> None:
        emit = self.memory.recorder.emit
        if emit is not None:
            emit(raw)

"""Memory objects of tasks: pages along shadow chains, copies at the first write, copies for forks.

After the design of Mach as 4.4BSD has it (McKusick, Bostic, Karels, Quarterman: The Design and Implementation of the
4.4BSD Operating System, 5.5 and 5.6; Rashid and others, 1987, 3.4).  X15 of 2013 has objects without shadows.  A
copied object stays as it is: a task that writes gets a *shadow* in front of it, which has only the pages written since
then. A page is looked up from the front to the back, and copied in :meth:`TaskObject.copy_on_write`.

A page of anonymous memory to which nothing leads can never be reached again, so it is freed immediately; if an entry
grows over its number later, the page contains zeroes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from ...base.errors import Broken, KernelError, VMError, kernel_error
from ...base.protection import WRITE
from ...base.units import PAGE, PAGE_SHIFT
from ..map.vm_object import MappingEntry, PagerAsked, Translation, VmObject, pages_of
from .objects_schema import (
    NoCopyNeeded,
    ObjectFields,
    ObjectGone,
    ObjectMade,
    ObjectSearched,
    ObjectValue,
    PageCopied,
    PageDirtied,
    PageJoined,
    PageLost,
    PagesEntered,
    PagesLeft,
    ShadowMoved,
)
from .pageout import TaskMemory
from .pagers import AnonymousPager, CodePager, FilePager, TaskPager

EVERYWHERE = range(1 << 52)
"""All pages that offsets of 64 bits can name."""


class TaskObject(VmObject):
    """Pages by number; if it is a shadow, the pages of the object `shadow` are behind them, with the same numbers.

    `shared`: those who map it see each other's writes, so a copy takes all pages immediately. `kept`: learners refer to
    it by name, so it stays when no entry maps it. Only pages in `window` are requested from a shadow. `references`
    counts entries, its shadows and, if it has the pages of a file, that file.
    """

    pager: TaskPager
    shadow: TaskObject | None
    shadows: list[TaskObject]

    def __init__(
        self,
        name: str,
        pager: TaskPager,
        memory: TaskMemory,
        *,
        shared: bool = False,
        kept: bool = False,
        shadow: TaskObject | None = None,
        window: range = EVERYWHERE,
    ) -> None:
        super().__init__(name, pager, memory.recorder)
        self.kind, self.has_frames = pager.kind, pager.has_frames
        self.is_file = self.kind == "file"
        self.memory = memory
        self.shared = shared
        self.kept = kept
        self.window = window
        self.entries: dict[MappingEntry, None] = {}
        """The entries that map it."""
        self.copied_on = False
        """Whether entries of several maps have it, which may map the same page."""
        self._span = range(0)
        """A range that contains all its pages."""
        self.shadow = shadow
        self.shadows = []
        if shadow is not None:
            shadow.shadows.append(self)
        memory.objects[name] = self
        self.recorder.report(ObjectMade.tag, name, self.fields)

    @classmethod
    def anonymous(
        cls,
        memory: TaskMemory,
        *,
        shared: bool = False,
        shadow: TaskObject | None = None,
        window: range = EVERYWHERE,
    ) -> TaskObject:
        """Return a new object of zeroes, or with the contents of `shadow`; its name does not come from a learner."""
        return cls(memory.new_name(), AnonymousPager(memory), memory, shared=shared, shadow=shadow, window=window)

    @property
    def fields(self) -> ObjectFields:
        """Return the object's data in events."""
        return (self.kind, "") if self.shadow is None else ("shadow", self.shadow.name)

    def value(self) -> ObjectValue:
        """Return the object as a frozen value."""
        return ObjectValue(self.name, *self.fields, dict(self.pages), dict(self.swapped), frozenset(self.dirty))

    @property
    def is_private(self) -> bool:
        """Return whether its pages are anonymous memory of one task, so that a fork has to copy them."""
        return self.has_frames and not self.is_file and not self.shared

    # ---- references --------------------------------------------------------------------------

    def reference(self, entry: MappingEntry | None = None) -> None:
        """Count another entry, shadow or holder that refers to it; a known entry is remembered."""
        self.references += 1
        if entry is not None:
            self.entries[entry] = None

    def release(self, entry: MappingEntry | None = None) -> None:
        """Drop a reference; with the last, the object ends and frees everything it has."""
        if entry is not None:
            self.entries.pop(entry, None)
        self.references -= 1
        if self.references == 0:
            self._terminate()
        elif self.references == 1 and len(self.shadows) == 1:
            self.shadows[0].collapse()

    def unmapped(self, entry: MappingEntry) -> None:
        """Note that `entry` no longer maps it: its pages there are freed, unless something else leads to them.

        O(its pages there), plus O(its entries and shadows) if it has others.
        """
        self.entries.pop(entry, None)
        if self.pages or self.swapped or self.shadow is not None:
            self.trim(pages_of(entry))
        self.release()

    def _terminate(self) -> None:
        """Free pages and swap space; an object that learners refer to can be mapped again, and is then empty."""
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

    def discard(self) -> None:
        """Be gone before anything ever referred to it."""
        self._end("nothing ever referred to it")

    def _end(self, why: str) -> None:
        del self.memory.objects[self.name]
        self.recorder.report(ObjectGone.tag, self.name, self.fields, why)

    # ---- faults ------------------------------------------------------------------------------

    def fault_page(self, offset: int, protection: int, access: int, task: str = "") -> Translation:
        """Return the page at `offset` for an access: its own or, for reading, one of an object behind."""
        index, write = offset >> PAGE_SHIFT, bool(access & WRITE)
        before = -1 if self.is_file or index in self.swapped else self.pages.get(index, -1)
        frame, cache, own = self.fault(offset, write, task)
        if not write:
            return Translation(frame, self._rights(index, protection, own=own), cache)
        is_told = self.recorder.emit is not None
        if is_told and frame == before and self.memory.mapped_by(before) == (task,):
            self.recorder.report(NoCopyNeeded.tag, self.name, index, before, task)
        return Translation(frame, protection, cache)  # the write was noted, and the page is its own

    def bring(self, offset: int, task: str = "") -> tuple[str, int]:
        """Return a frame of its own for the page at `offset`, copied if the page was in an object behind it."""
        frame, cache, _ = self.fault(offset, not self.is_file, task)
        return cache, frame

    def fault(self, offset: int, write: bool, task: str = "") -> tuple[int, str, bool]:
        """Return the frame of the page at `offset` for an access of `task`: its own or, to read, one behind it.

        Then "hit" or "miss", and whether the page belongs to this object, and not to one behind it. A page that is
        brought in counts for `task`; "" is not a task's access, such as a file's read. Raises NOMEM without a frame,
        and IO from a pager that fails. O(objects in the chain).
        """
        index = offset >> PAGE_SHIFT
        holder = self if self.shadow is None else self._holder(index)
        frame = holder.pages.get(index)
        cache = "hit" if frame is not None else "miss"
        if frame is None and index in holder.swapped:
            frame = holder.join(index)
        if frame is None:
            frame = holder.page_in(index, task, blank=holder is self and not write)
        elif cache == "hit" and holder is self and self.shadow is None:
            self.recorder.report(PagerAsked.tag, self.name, offset, frame, "hit")
        if holder is not self and not write:
            return frame, cache, False
        if write:
            frame = self.copy_on_write(index, holder, frame, task)
        return frame, cache, True

    def copy_on_write(self, index: int, holder: TaskObject, frame: int, task: str) -> int:
        """Return the frame in which `task` may write page `index`, which `holder` has in `frame`.

        Here it is decided whether a page is copied: if it is in an object behind this one, or if another object has its
        page in the same frame (after a fork that counts). Otherwise the page may be written where it is.
        """
        if holder is not self or self.memory.is_shared(frame):
            return self._copy(index, holder, frame, task)
        if self.is_file:
            if index not in self.dirty:
                self.dirty.add(index)
                self.recorder.report(PageDirtied.tag, self.name, index)
        elif index in self.swapped:  # the copy in swap space is then out of date
            self.memory.forget(self, (index,))
        else:
            self.memory.reverse.written(frame)
        return frame

    def _copy(self, index: int, holder: TaskObject, source: int, task: str) -> int:
        """Copy a page of an object behind it, or a page that others have too, into a frame of its own, for `task`.

        A chain that is no longer needed is dropped.
        """
        memory = self.memory
        memory.lacking = ""
        is_told = self.recorder.emit is not None
        mapped = memory.mapped_by(source) if is_told or holder is self else ()
        if holder is self:
            memory.pass_on(source, task, mapped)  # else a task that may have one page could have no copy of it
        frame = memory.fresh(self, task, beside=source)
        if frame is None:
            raise self._no_page(f"no page for a copy of page {index} of {holder.name!r}")
        memory.ram.copy_frame(source, frame)
        if self.shared or (holder is not self and self.references > 1):
            memory.unmap(source)  # others may map it: who shares this object is not to see that any longer
        if holder is self:
            self.leave(index)
            memory.left(self, source, task if self.shared else None)
            if index in self.swapped:
                memory.forget(self, (index,))
        self.enter(index, frame, task, is_new=holder is not self)
        self.recorder.report(PageCopied.tag, self.name, index, holder.name, source, frame, mapped)
        if holder is self.shadow and self.left_behind:
            self.left_behind -= 1
        self.bypass()
        return frame

    def _holder(self, index: int) -> TaskObject:
        """Return the first object of the chain that has the page, or whose file has it.

        If none has it, a page of zeroes belongs to the front object.
        """
        at = self
        while True:
            found = "memory" if index in at.pages else "swap" if index in at.swapped else "file" if at.is_file else ""
            behind = at.shadow
            seen = found or ("" if behind is not None else "nowhere")
            self.recorder.report(ObjectSearched.tag, at.name, index, seen)
            if found:
                return at
            if behind is None or index not in at.window:
                return self
            at = behind

    def join(self, index: int) -> int | None:
        """Return the frame in which another object has the same page of swap space, now its own too; or None."""
        frame = self.memory.found(self, index)
        if frame is not None:
            self.enter(index, frame, "", is_new=False)  # it is there, and counts for whom it came
            self.recorder.report(PageJoined.tag, self.name, index, frame, self.swapped[index])
        return frame

    def page_in(self, index: int, task: str, *, blank: bool = False) -> int:
        """Return the frame of a page from swap space, or from its pager, now its own.

        Raises NOMEM without a frame, IO if that fails. With `blank`, the page is not about to be written, so zeroes
        stay zeroes.
        """
        offset = index << PAGE_SHIFT
        try:
            is_out, self.memory.lacking = index in self.swapped, ""
            frame = self.memory.swap_in(self, index, task) if is_out else self.pager.get_page(self, offset, task)
        except KernelError as error:
            self.recorder.report(PagerAsked.tag, self.name, offset, -1, error.name)
            raise
        if frame is None:
            self.recorder.report(PagerAsked.tag, self.name, offset, -1, "NOMEM")
            raise self._no_page(f"the pager of {self.name!r} has no page for offset {offset:#x}")
        if isinstance(self.pager, FilePager):
            for after, one in self.pager.read_ahead(self, index, task):
                self.enter(after, one, task)
        elif blank and not is_out and self.kind == "anonymous":
            self.memory.reverse.came_blank(frame)
        self.enter(index, frame, task, is_new=not is_out)
        self.recorder.report(PagerAsked.tag, self.name, offset, frame, "miss")
        return frame

    def _no_page(self, why: str) -> KernelError:
        """Return the error of a page without a frame, with the reason why none could be evicted."""
        return kernel_error("NOMEM", f"{why}: {self.memory.lacking}" if self.memory.lacking else why)

    def wait_for(self, offset: int) -> int:
        """Return how many ticks its pager, or swap space, takes for the page at `offset`; 0 if it is in memory."""
        index, at = offset >> PAGE_SHIFT, self
        while index not in at.pages:
            if index in at.swapped:
                return self.memory.swap.latency if self.memory.found(at, index) is None else 0
            if at.shadow is None or index not in at.window:
                return at.pager.latency
            at = at.shadow
        return 0

    @property
    def is_slow(self) -> bool:
        """Return whether bringing in one of its pages may take time. O(objects in the chain)."""
        return bool(self.memory.swap.latency or self.last_of_chain.pager.latency)

    # ---- pages in memory, and the permissions to map them ------------------------------------

    def found(self, offset: int, protection: int) -> Translation | None:
        """Return what an access would find in the chain; nothing is brought in."""
        index = offset >> PAGE_SHIFT
        holder = self._holder_in_memory(index)
        if holder is None:
            return None
        return Translation(holder.pages[index], self._rights(index, protection, own=holder is self))

    def _holder_in_memory(self, index: int) -> TaskObject | None:
        for at in self.chain(index):
            if index in at.pages:
                return at
            if index in at.swapped:
                break
        return None

    def resident(self, offset: int, protection: int) -> Translation | None:
        """Its own page at `offset`, if that is in memory."""
        frame = self.page(offset)
        return None if frame is None else Translation(frame, self._rights(offset >> PAGE_SHIFT, protection, own=True))

    def _rights(self, index: int, protection: int, *, own: bool) -> int:
        """Return an entry's permissions for a page; without write if the page is another's, or if a write to it must be
        noted: its file or swap space has it too.
        """  # noqa: D205  one sentence
        if not own:
            may_write = False
        elif self.is_file:
            may_write = index in self.dirty
        else:
            may_write = index not in self.swapped and not self.memory.is_shared(self.pages.get(index, -1))
        return protection if may_write else protection & ~WRITE

    def rights_of_all(self, protection: int) -> int:
        """Return an entry's permissions.

        Write is removed if some write must be noted, or a page is another object's.  O(pages); O(1) if none is shared.
        """
        memory, may_write = self.memory, not (self.is_file or self.swapped or self.shadow is not None)
        if may_write and memory.any_shared:
            may_write = not any(map(memory.is_shared, self.pages.values()))
        return protection if may_write else protection & ~WRITE

    def note_wired(self, pages: range, change: int) -> None:
        """Change the number of entries that keep these pages in memory, so that they are not evicted."""
        for index in pages:
            self.wired[index] += change
            if not self.wired[index]:
                del self.wired[index]
                if index in self.pages:
                    self.memory.rings.may_go_again(self.pages[index])

    def content(self, index: int) -> bytes:
        """Return the bytes of a page, wherever in the chain they are; raises IO if only a pager knows them."""
        at = self
        for at in self.chain(index):
            if index in at.pages and at.has_frames:
                return self.memory.ram.read(at.pages[index] << PAGE_SHIFT, PAGE)
            if index in at.swapped:
                return self.memory.swap.content(at.swapped[index])
        return at.pager.peek(at.name, index)

    # ---- pages that come and go --------------------------------------------------------------

    def enter(self, index: int, frame: int, task: str, *, is_new: bool = True) -> None:
        """Make `frame` the page of this number, for `task`; if not `is_new`, the page was its own in swap space."""
        self.pages[index] = frame
        if index not in self._span:
            self._reach(index, index + 1)
        for shadow in self.shadows if is_new else ():
            if shadow.left_behind is not None and index in shadow.window and not shadow.has(index):
                shadow.left_behind += 1
        self.recorder.report(PagesEntered.tag, self.name, ((index, frame),))
        if self.has_frames:
            self.memory.entered(self, index, frame, task)

    def _reach(self, first: int, end: int) -> None:
        """Note that it has the pages [first, end) now."""
        known = self._span or range(first, end)
        self._span = range(min(known.start, first), max(known.stop, end))

    def leave(self, index: int) -> None:
        """Remove the page of this number from memory; the caller handles its frame."""
        self.recorder.report(PagesLeft.tag, self.name, ((index, self.pages.pop(index)),))

    def run(self, offset: int, count: int, task: str = "") -> int | None:
        """Return the first frame of `count` contiguous pages, as any object does.

        None if pages are in objects behind it, or elsewhere.
        """
        first, known = offset >> PAGE_SHIFT, len(self.pages)
        is_swapped = any(index in self.swapped for index in range(first, first + count))
        if self.shadow is not None or self.is_file or is_swapped:
            return None
        frame = super().run(offset, count, task)
        if frame is not None and len(self.pages) != known:
            self._reach(first, first + count)
            self.count_again()
            self.recorder.report(PagesEntered.tag, self.name, tuple((first + at, frame + at) for at in range(count)))
            for at in range(count if self.has_frames else 0):
                self.memory.entered(self, first + at, frame + at, task)
        return frame

    def page_out(self, offset: int) -> bool:
        """Evict the page at `offset`, whichever object of the chain has it; returns whether it was evicted."""
        holder = self._holder_in_memory(offset >> PAGE_SHIFT)
        return holder is not None and self.memory.page_out(holder, offset >> PAGE_SHIFT)

    def write_back(self, index: int, content: bytes) -> None:
        """Make the pager write a page back."""
        self.pager.put_page(index, content)

    def makes(self, offset: int) -> bool:
        """Return whether neither it nor its backing memory has the page at `offset`.

        A file's page can be copied again.
        """
        index = offset >> PAGE_SHIFT
        return not any(at.has(index) for at in self.chain(index) if at is self or not at.is_file)

    def drop(self, offset: int) -> None:
        """Free the page at `offset`, also in swap space."""
        index = offset >> PAGE_SHIFT
        if index in self.dirty:
            self.dirty.remove(index)
            self.recorder.report(PageLost.tag, self.name, index)
        if index in self.swapped:
            self.memory.forget(self, (index,))
        frame = self.pages[index]
        self.leave(index)
        self._let_go(frame)
        self.count_again()

    def forget(self, pages: range) -> None:
        """Free those of `pages` that it has, in memory or in swap space: nothing maps them any longer."""
        inside = self.those_of(pages)
        gone = tuple((index, self.pages.pop(index)) for index in inside if index in self.pages)
        self._give_back(gone)
        self.memory.forget(self, tuple(index for index in inside if index in self.swapped))

    def _give_back(self, pages: tuple[tuple[int, int], ...]) -> None:
        """Free frames that were removed from `pages`."""
        self.count_again()
        self.dirty.difference_update(index for index, _ in pages)
        if pages:
            self.recorder.report(PagesLeft.tag, self.name, pages)
        for _, frame in pages:
            self._let_go(frame)

    def _let_go(self, frame: int) -> None:
        """Free `frame`, which contained its page, unless another object has the page too."""
        if not self.has_frames or self.memory.left(self, frame):
            self.pager.release(frame)

    # ---- what leads to pages -----------------------------------------------------------------

    @property
    def keeps_pages(self) -> bool:
        """Return whether its pages stay even if nothing leads to them: a file's, and those that a learner named."""
        return self.is_file or self.kept or not self.has_frames

    def trim(self, pages: range) -> None:
        """Free those of these pages to which nothing leads, here and in the objects behind it.

        O(pages, or its own pages).
        """
        todo: list[tuple[TaskObject, range]] = [(self, pages)]
        while todo:
            at, wanted = todo.pop()
            if at.keeps_pages:
                continue
            at.copied_on = at.copied_on and at.references > 1
            gaps = [(wanted.start, wanted.stop)]  # nearly always
            if at.copied_on or at.shadows:
                gaps = list(_gaps(wanted, at.led_to(wanted)))
            for first, end in gaps:
                at.forget(range(first, end))
            if at.shadow is not None:
                behind = [common(range(first, end), at.window) for first, end in reversed(gaps)]
                todo += [(at.shadow, unled) for unled in behind if unled]

    def led_to(self, pages: range) -> list[tuple[int, int]]:
        """Return the parts of `pages` to which its entries and its shadows' lead, ascending, as first and end."""
        parts: list[tuple[int, int]] = []
        todo: list[tuple[TaskObject, range]] = [(self, pages)]
        while todo:
            at, wanted = todo.pop()
            found = [common(pages_of(entry), wanted) for entry in at.entries]
            parts += [(one.start, one.stop) for one in found if one]
            passed = [(shadow, common(wanted, shadow.window)) for shadow in at.shadows]
            todo += [(shadow, asked) for shadow, asked in passed if asked]
        return sorted(parts)

    def is_free(self, pages: range) -> bool:
        """Return whether nothing leads to these pages, and neither it nor an object behind has one of them."""
        return not self.led_to(pages) and not self.holds_any(pages)

    def holds_any(self, pages: range) -> bool:
        """Return whether it, or an object behind it, has any of these pages.  O(own pages of the objects, or pages)."""
        return any(at.those_of(wanted) for at, wanted in self.chain_for(pages))

    def has(self, index: int) -> bool:
        """Return whether the page is its own, in memory or in swap space."""
        return index in self.pages or index in self.swapped

    def those_of(self, pages: range) -> list[int]:
        """Return those of `pages` that it has, in memory or in swap space, in ascending order.

        O(pages, or its own pages).
        """
        count = pages.stop - pages.start  # more than len() can say, where Python has 32 bits: in a page
        if count < len(self.pages) + len(self.swapped):
            return [index for index in pages if self.has(index)]
        return sorted({index for index in (*self.pages, *self.swapped) if index in pages})

    # ---- chains: Mach's vm_object_collapse and vm_object_bypass, as 4.4BSD has them (5.6) ------

    def chain(self, index: int | None = None) -> Iterator[TaskObject]:
        """Yield it and the objects behind it, from front to back.

        With `index`, only those that may be asked for that page.
        """
        at: TaskObject | None = self
        while at is not None:
            yield at
            at = at.shadow if index is None or index in at.window else None

    def chain_for(self, pages: range) -> Iterator[tuple[TaskObject, range]]:
        """Yield the objects of the chain that may be asked for some of these pages, each with those pages."""
        at: TaskObject | None = self
        while at is not None and pages:
            yield at, pages
            pages = common(pages, at.window)
            at = at.shadow

    @property
    def last_of_chain(self) -> TaskObject:
        """The object behind all others."""
        *_, last = self.chain()
        return last

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
            self.recorder.report(ShadowMoved.tag, self.name, before, self.fields, "collapsed")
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

    def _take_pages(self, behind: TaskObject, pages: range) -> None:
        """Take the given pages that the object behind has, and that no page of this object hides."""
        wanted = [index for index in behind.those_of(pages) if not self.has(index)]
        taken = tuple((index, behind.pages.pop(index)) for index in wanted if index in behind.pages)
        if taken:
            self.recorder.report(PagesLeft.tag, behind.name, taken)
        for index, frame in taken:
            self.pages[index] = frame
            self.memory.taken_over(behind, self, frame)
        if taken:
            self.recorder.report(PagesEntered.tag, self.name, taken)
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
        if self.left_behind is None:
            self.left_behind = self._count_left(behind)
        if self.left_behind:
            return
        before, further = self.fields, behind.shadow
        behind.shadows.remove(self)
        self.shadow, self.left_behind = further, None
        if further is not None:
            further.shadows.append(self)
            further.reference()
        self.recorder.report(ShadowMoved.tag, self.name, before, self.fields, "bypassed")
        behind.trim(self.window)
        behind.release()

    def _count_left(self, behind: TaskObject) -> int:
        """Return how many pages of the object behind may be requested, and are not hidden by own pages.

        O(own pages) if all may be requested, as after a fork of the whole; otherwise O(pages of the object behind).
        """
        if self.window.start <= behind._span.start and behind._span.stop <= self.window.stop:
            hidden = sum(behind.has(index) for index in {*self.pages, *self.swapped})
            return behind.count - hidden
        return sum(index in self.window and not self.has(index) for index in {*behind.pages, *behind.swapped})

    # ---- copies ------------------------------------------------------------------------------

    def shadowed(self, entry: MappingEntry) -> TaskObject:
        """Return a new, empty shadow for the pages of `entry`; it takes over the entry's reference."""
        made = self.anonymous(self.memory, shadow=self, window=pages_of(entry))
        self.entries.pop(entry, None)
        made.reference(entry)
        return made

    def taken_by(self, entry: MappingEntry, *, wired: bool) -> TaskObject:
        """Return a new object with the pages that `entry` maps, for the entry alone.

        It takes over the entry's reference.
        """
        pages = pages_of(entry)
        made = self.sharing(pages)
        made.entries[entry] = None
        if wired:
            self.note_wired(pages, -1)
            made.note_wired(pages, 1)
        self.unmapped(entry)
        return made

    def copied(self, window: range, task: str, reader: str) -> TaskObject:
        """Return a new object with copies of the current pages of `window` (Mach's vm_object_copy_slowly).

        If the last object of its chain is a file's, it is behind the new object too. The copies count for `task`, and
        pages that are read in for them count for `reader`. Raises NOMEM, keeping nothing, without frames. O(pages).
        """
        made = self._empty_copy(window)
        try:
            for index in self._to_copy(window):
                frame, *_ = self.fault(index << PAGE_SHIFT, False, reader)
                made._copy(index, self, frame, task)
        except VMError:
            made.release()
            raise
        return made

    def sharing(self, window: range) -> TaskObject:
        """Return a new object with its pages in `window`, in the same frames and slots of swap space.

        Whichever of the two objects writes a page gets a copy of it. O(pages).
        """
        assert self.shadow is None or self.shadow.is_file, "where forks count, only files lie behind"
        made = self._empty_copy(window)
        inside = self.those_of(window)
        pages = tuple((index, self.pages[index]) for index in inside if index in self.pages)
        made.pages.update(pages)
        if inside:
            made._reach(inside[0], inside[-1] + 1)
        if pages:
            self.recorder.report(PagesEntered.tag, made.name, pages)
        for index, frame in pages:
            self.memory.entered(made, index, frame)
        self.memory.share_slots(made, tuple((index, self.swapped[index]) for index in inside if index in self.swapped))
        return made

    def _empty_copy(self, window: range) -> TaskObject:
        """Return a new object without pages; if a file's object is the last of the chain, it is behind it, too."""
        last = self.last_of_chain
        if last.is_file:
            last.reference()
        made = self.anonymous(self.memory, shadow=last if last.is_file else None, window=window)
        made.references = 1
        return made

    def _to_copy(self, window: range) -> Sequence[int]:
        """Return the pages of `window` that a copy must have: existing ones, and all of a learner's pager."""
        if isinstance(self.pager, CodePager):
            return common(window, range(self.pager.pages))
        return self.present(window)

    def present(self, window: range) -> list[int]:
        """Return the pages of `window` that it or an object behind it has, without a file's, in ascending order."""
        found: set[int] = set()
        for at in takewhile(lambda at: not at.is_file, self.chain()):
            found.update(at.those_of(window))
            window = common(window, at.window)
        return sorted(found)

    # ---- invariants --------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`Broken` unless O1. chains lead back and have an end; O2. no page of a file is in swap space;
        O3. only pages of files are dirty; O7. the pages still needed from the object behind it are counted correctly;
        O8. entries lead to all pages of anonymous memory without a name, in memory and in swap space.
        """  # noqa: D205  one list of invariants, as elsewhere
        seen: set[TaskObject] = set()
        if self.shadow is not None and self not in self.shadow.shadows:
            raise Broken(f"O1: {self.name} is not among the shadows of {self.shadow.name}")
        for at in self.chain():
            if at in seen:
                raise Broken(f"O1: the chain of {self.name} runs in a circle at {at.name}")
            seen.add(at)
        if self.is_file and self.swapped:
            raise Broken(f"O2: page {min(self.swapped)} of {self.name}, a file, is in swap space")
        if (self.dirty and not self.is_file) or self.dirty - self.pages.keys():
            raise Broken(f"O3: {self.name} has dirty pages that are not pages of a file in memory")

        has = (*self.pages, *self.swapped)
        if any(index not in self._span for index in has):
            raise Broken(f"O7: {self.name} has pages outside of {self._span}")
        left = None if self.shadow is None else self._count_left(self.shadow)
        if left is not None and self.left_behind not in (None, left):
            raise Broken(f"O7: {self.left_behind} pages are left behind {self.name}, and not {left}")
        if not self.keeps_pages and self.references:
            for first, end in _gaps(EVERYWHERE, self.led_to(EVERYWHERE)):
                for lost in self.those_of(range(first, end)):
                    raise Broken(f"O8: {self.name} has page {lost}, and no entry leads there")


def common(one: range, other: range) -> range:
    """Return the common part of two runs of pages."""
    return range(max(one.start, other.start), min(one.stop, other.stop))


def _gaps(pages: range, parts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the gaps that the ascending `parts` leave in `pages`, as first and end."""
    at = pages.start
    for first, end in parts:
        if at < first:
            yield at, first
        at = max(at, end)
    if at < pages.stop:
        yield at, pages.stop

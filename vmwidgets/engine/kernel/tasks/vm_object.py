"""Memory objects of tasks: pages along shadow chains, copies at the first write, copies for forks.

After the design of Mach as 4.4BSD has it (McKusick, Bostic, Karels, Quarterman: The Design and Implementation of the
4.4BSD Operating System, 5.5 and 5.6; Rashid and others, 1987, 3.4).  X15 of 2013 has objects without shadows.  A
copied object stays as it is: a task that writes gets a *shadow* in front of it, which has only the pages written since
then. A page is looked up from the front to the back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from ...base.errors import Broken, KernelError, VMError, kernel_error
from ...base.protection import WRITE
from ...base.recorder import Recorder
from ...base.units import PAGE, PAGE_SHIFT
from ..map.objects_schema import PagerAsked
from ..map.vm_object import MappingEntry, PagerFailed, Translation
from .chained_object import ChainedObject
from .led_object import EVERYWHERE, common, pages_of
from .objects_schema import (
    NoCopyNeeded,
    ObjectMade,
    ObjectSearched,
    ObjectValue,
    PageCopied,
    PageDirtied,
    PageJoined,
    PageLost,
    PagesEntered,
    PagesLeft,
)
from .pageout import TaskMemory
from .pagers import AnonymousPager, CodePager, TaskPager


class FoundPage(NamedTuple):
    """A page for an access: `own` if it belongs to the requested object, and not to one behind it."""

    frame: int
    cache: str
    own: bool


class TaskObject(ChainedObject):
    """Pages by number; if it is a shadow, the pages of the object `shadow` are behind them, with the same numbers.

    `shared`: those who map it see each other's writes, so a copy takes all pages immediately. `kept`: learners refer to
    it by name, so it stays when no entry maps it. Only pages in `window` are requested from a shadow. `references`
    counts entries, its shadows and, if it has the pages of a file, that file.
    """

    shadow: TaskObject | None

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
        super().__init__(name, pager, memory, window)
        self.shared = shared
        self.kept = kept
        self.shadow = shadow
        self.shadows = []
        self.dirty: set[int] = set()
        """Pages that were written since they were read from, or written to, their file."""
        self.wired: Counter[int] = Counter()
        """The number of entries that keep each page in memory."""
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
        shadow: TaskObject | None = None,
        window: range = EVERYWHERE,
    ) -> TaskObject:
        """Return a new object of zeroes, or with the contents of `shadow`; its name does not come from a learner."""
        return cls(memory.new_name(), AnonymousPager(memory), memory, shared=shared, shadow=shadow, window=window)

    @property
    def keeps_pages(self) -> bool:
        """Return whether its pages stay even if nothing leads to them."""
        return self.is_file or self.kept or not self.has_frames

    @property
    def is_private(self) -> bool:
        """Return whether its pages are anonymous memory of one task, so that a fork has to copy them."""
        return self.has_frames and not self.is_file and not self.shared

    @property
    def has_frames(self) -> bool:
        """Return whether its pages are RAM, not a device's memory."""
        return self.pager.has_frames

    def write_back(self, index: int, content: bytes) -> None:
        """Make the pager write a page back."""
        self.pager.put_page(index, content)

    def value(self) -> ObjectValue:
        """Return the object as a frozen value."""
        return ObjectValue(self.name, *self.fields, dict(self.pages), dict(self.swapped), frozenset(self.dirty))

    # ---- pages -------------------------------------------------------------------------------

    def translation(self, offset: int, protection: int, access: int, recorder: Recorder, task: str = "") -> Translation:
        """Return the page at `offset` for an access: its own or, for reading, one of an object behind."""
        index = offset >> PAGE_SHIFT
        before = -1 if self.is_file or index in self.swapped else self.pages.get(index, -1)
        page = self.fault(offset, bool(access & WRITE), task)
        if access & WRITE and page.frame == before and self.memory.mapped_by(before) == (task,):
            self._report(NoCopyNeeded.tag, self.name, index, before, task)
        return Translation(page.frame, self._rights(offset, protection, own=page.own), page.cache)

    def found(self, offset: int, protection: int) -> Translation | None:
        """Return what an access would find in the chain; nothing is brought in."""
        index = offset >> PAGE_SHIFT
        holder = self._holder_in_memory(index)
        if holder is None:
            return None
        return Translation(holder.pages[index], self._rights(offset, protection, own=holder is self))

    def resident(self, offset: int, protection: int) -> Translation | None:
        """Its own page at `offset`, if that is in memory."""
        frame = self.page(offset)
        return None if frame is None else Translation(frame, self._rights(offset, protection, own=True))

    def _rights(self, offset: int, protection: int, *, own: bool) -> int:
        """Return an entry's permissions; without write if the page is another's, or if its file or swap space has it
        too.
        """  # noqa: D205  one sentence
        may_write = own and self._may_be_written(offset >> PAGE_SHIFT)
        return protection if may_write else protection & ~WRITE

    def _may_be_written(self, index: int) -> bool:
        """Return whether a write to its page need not be noted."""
        if self.is_file:
            return index in self.dirty
        return index not in self.swapped and not self.memory.is_shared(self.pages.get(index, -1))

    def rights_of_all(self, protection: int) -> int:
        """Return an entry's permissions.

        Write is removed if some write must be noted, or a page is another object's.
        """
        is_plain = not (self.is_file or self.swapped or self.shadow is not None)
        return protection if is_plain and not self._shares() else protection & ~WRITE

    def _shares(self) -> bool:
        """Return whether another object has one of its pages in the same frame. O(pages); O(1) if none is shared."""
        return self.memory.any_shared and any(map(self.memory.is_shared, self.pages.values()))

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

    def bring(self, offset: int, recorder: Recorder, task: str = "") -> tuple[str, int]:
        """Return a frame of its own for the page at `offset`, copied if the page was in an object behind it."""
        page = self.fault(offset, not self.is_file, task)
        return page.cache, page.frame

    def fault(self, offset: int, write: bool, task: str = "") -> FoundPage:
        """Return the page at `offset` for an access of `task`: its own or, for reading, one of an object behind.

        A page that is brought in counts for `task`; "" is not a task's access, such as a file's read. Raises NOMEM
        without a frame, and IO from a pager that fails. O(objects in the chain).
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
            self._report(PagerAsked.tag, self.name, offset, frame, "hit")
        if holder is not self and not write:
            return FoundPage(frame, cache, False)
        if write and (holder is not self or self.memory.is_shared(frame)):
            frame = self._copy(index, holder, frame, task)
        elif write:
            self._note_write(index, frame)
        return FoundPage(frame, cache, True)

    def _note_write(self, index: int, frame: int) -> None:
        """Note that an own page is about to be written: the copy in its file, or in swap space, is then out of date."""
        if self.is_file:
            if index not in self.dirty:
                self.dirty.add(index)
                self._report(PageDirtied.tag, self.name, index)
        elif index in self.swapped:
            self.memory.forget(self, (index,))
        else:
            self.memory.reverse.written(frame)

    @property
    def comes_as_zeroes(self) -> bool:
        """Return whether a page that it does not have would be zeroes: unchanged, if dropped before any write."""
        return self.pager.kind == "anonymous" and self.shadow is None and self.memory.zeroed

    def _holder(self, index: int) -> TaskObject:
        """Return the first object of the chain that has the page, or whose file has it.

        If none has it, a page of zeroes belongs to the front object.
        """
        for at in self.chain(index):
            found = "memory" if index in at.pages else "swap" if index in at.swapped else "file" if at.is_file else ""
            at._report(ObjectSearched.tag, at.name, index, found or ("" if at.shadow is not None else "nowhere"))
            if found:
                return at
        return self

    def wait_for(self, offset: int) -> int:
        """Return how many ticks its pager, or swap space, takes for the page at `offset`; 0 if it is in memory."""
        index, last = offset >> PAGE_SHIFT, self
        for last in self.chain(index):
            if last.has(index):
                is_there = index in last.pages or self.memory.found(last, index) is not None
                return 0 if is_there else self.memory.swap.latency
        return last.pager.latency

    @property
    def is_slow(self) -> bool:
        """Return whether bringing in one of its pages may take time. O(objects in the chain)."""
        return bool(self.memory.swap.latency or self.last_of_chain.pager.latency)

    def makes(self, offset: int) -> bool:
        """Return whether neither it nor its backing memory has the page at `offset`.

        A file's page can be copied again.
        """
        index = offset >> PAGE_SHIFT
        return not any(at.has(index) for at in self.chain(index) if at is self or not at.is_file)

    def chain(self, index: int | None = None) -> Iterator[TaskObject]:
        """Yield it and the objects behind it, from front to back.

        With `index`, only those that may be asked for that page.
        """
        at: TaskObject | None = self
        while at is not None:
            yield at
            at = at.shadow if index is None or index in at.window else None

    @property
    def last_of_chain(self) -> TaskObject:
        """The object behind all others."""
        *_, last = self.chain()
        return last

    def join(self, index: int) -> int | None:
        """Return the frame in which another object has the same page of swap space, now its own too; or None."""
        frame = self.memory.found(self, index)
        if frame is not None:
            self.enter(index, frame, "", is_new=False)  # it is there, and counts for whom it came
            self._report(PageJoined.tag, self.name, index, frame, self.swapped[index])
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
            self._report(PagerAsked.tag, self.name, offset, -1, error.name)
            raise
        if frame is None:
            self._report(PagerAsked.tag, self.name, offset, -1, "NOMEM")
            lacking = f": {self.memory.lacking}" if self.memory.lacking else ""
            why = f"the pager of {self.name!r} has no page for offset {offset:#x}{lacking}"
            raise kernel_error("NOMEM", why) from PagerFailed()
        if blank and not is_out and self.pager.kind == "anonymous":
            self.memory.reverse.came_blank(frame)
        self.enter(index, frame, task, is_new=not is_out)
        self._report(PagerAsked.tag, self.name, offset, frame, "miss")
        return frame

    def enter(self, index: int, frame: int, task: str, *, is_new: bool = True) -> None:
        """Make `frame` the page of this number, for `task`; if not `is_new`, the page was its own in swap space."""
        self.pages[index] = frame
        self._reach(index, index + 1)
        for shadow in self.shadows if is_new else ():
            shadow._grown(index)
        self._report(PagesEntered.tag, self.name, ((index, frame),))
        if self.has_frames:
            self.memory.entered(self, index, frame, task)

    def leave(self, index: int) -> None:
        """Remove the page of this number from memory; the caller handles its frame."""
        self._report(PagesLeft.tag, self.name, ((index, self.pages.pop(index)),))

    def drop(self, offset: int) -> None:
        """Free the page at `offset`, also in swap space."""
        index = offset >> PAGE_SHIFT
        if index in self.dirty:
            self.dirty.remove(index)
            self._report(PageLost.tag, self.name, index)
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
            self._report(PagesLeft.tag, self.name, pages)
        for _, frame in pages:
            self._let_go(frame)

    def _let_go(self, frame: int) -> None:
        """Free `frame`, which contained its page, unless another object has the page too."""
        if not self.has_frames or self.memory.left(self, frame):
            self.pager.release(frame)

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
            self._report(PagesEntered.tag, self.name, tuple((first + at, frame + at) for at in range(count)))
            for at in range(count if self.has_frames else 0):
                self.memory.entered(self, first + at, frame + at, task)
        return frame

    def _copy(self, index: int, holder: TaskObject, source: int, task: str) -> int:
        """Copy a page of an object behind it, or a page that others have too, into a frame of its own, for `task`.

        A chain that is no longer needed is dropped.
        """
        self.memory.lacking = ""
        if holder is self:
            self.memory.pass_on(source, task)  # else a task that may have one page could have no copy of it
        with self.memory.holding(source):
            frame = self.memory.fresh(self, task)
        if frame is None:
            lacking = f": {self.memory.lacking}" if self.memory.lacking else ""
            why = f"no page for a copy of page {index} of {holder.name!r}{lacking}"
            raise kernel_error("NOMEM", why) from PagerFailed()
        self.memory.copy(source, frame)
        mapped = self.memory.mapped_by(source)
        if self.shared or (holder is not self and self.references > 1):
            self.memory.unmap(source)  # others may map it: who shares this object is not to see that any longer
        if holder is self:
            self.leave(index)
            self.memory.left(self, source, task)
            if index in self.swapped:
                self.memory.forget(self, (index,))
        self.enter(index, frame, task, is_new=holder is not self)
        self._report(PageCopied.tag, self.name, index, holder.name, source, frame, mapped)
        if holder is self.shadow and self._left:
            self._left -= 1
        self.bypass()
        return frame

    # ---- chains ------------------------------------------------------------------------------

    def release(self, entry: MappingEntry | None = None) -> None:
        """Drop a reference; with the last, the object ends and frees everything it has."""
        if entry is not None:
            self.entries.pop(entry, None)
        self.references -= 1
        if self.references == 0:
            self._terminate()
        elif self.references == 1 and len(self.shadows) == 1:
            self.shadows[0].collapse()

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

    def page_out(self, offset: int) -> bool:
        """Evict the page at `offset`, whichever object of the chain has it; returns whether it was evicted."""
        holder = self._holder_in_memory(offset >> PAGE_SHIFT)
        return holder is not None and self.memory.page_out(holder, offset >> PAGE_SHIFT)

    def _holder_in_memory(self, index: int) -> TaskObject | None:
        for at in self.chain(index):
            if index in at.pages:
                return at
            if index in at.swapped:
                break
        return None

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
        last = self.last_of_chain
        behind = last if last.is_file else None
        if behind is not None:
            behind.reference()
        made = self.anonymous(self.memory, shadow=behind, window=window)
        made.references = 1
        try:
            for index in self._to_copy(window):
                page = self.fault(index << PAGE_SHIFT, False, reader)
                made._copy(index, self, page.frame, task)
        except VMError:
            made.release()
            raise
        return made

    def sharing(self, window: range) -> TaskObject:
        """Return a new object with its pages in `window`, in the same frames and slots of swap space.

        Whichever of the two objects writes a page gets a copy of it. O(pages).
        """
        behind = self.shadow
        assert behind is None or behind.is_file, "where forks count, only files lie behind"
        if behind is not None:
            behind.reference()
        made = self.anonymous(self.memory, shadow=behind, window=window)
        made.references = 1
        inside = self.those_of(window)
        pages = tuple((index, self.pages[index]) for index in inside if index in self.pages)
        made.pages.update(pages)
        if inside:
            made._reach(inside[0], inside[-1] + 1)
        if pages:
            made._report(PagesEntered.tag, made.name, pages)
        for index, frame in pages:
            self.memory.entered(made, index, frame)
        self.memory.share_slots(made, tuple((index, self.swapped[index]) for index in inside if index in self.swapped))
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
        if self.shadow is not None and self._left not in (None, self._count_left(self.shadow)):
            raise Broken(f"O7: {self._left} pages are left behind {self.name}, and not {self._count_left(self.shadow)}")

        self.check_led_to()

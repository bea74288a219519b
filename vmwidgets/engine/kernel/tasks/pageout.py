"""Page-out of tasks' memory: which frame has which page, the order in which pages go, and swap space.

A machine has two separate mechanisms: FreeBSD's page daemon (`kernel/freebsd/pageout.py`) serves the kernel's memory
and never evicts a task's page, and this module never evicts a page of the kernel's. X15 of 2013 has no page-out. Here,
pages are evicted when a frame is needed and none is left, in the order of a replacement policy (:class:`Rings`):
first in, first out, unless another is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import TypeAlias

from ...base.errors import Broken, KernelError, kernel_error
from ...base.recorder import Recorder, kernel_function
from ...base.units import PAGE, PAGE_SHIFT, counted
from ...memory.page import AnyPage, Page
from ...memory.pages import PageAllocator
from ...memory.ram import Ram
from ...memory.replacement import Choice, Own, Pages, Policy, Replacement
from ..map.vm_object import VmObject
from ..pmap.user_pmap import ReverseMap
from .forks import FORKS
from .objects_schema import (
    NothingToReclaim,
    PageCleaned,
    PageIn,
    PageKept,
    PageLeaving,
    PageOut,
    PagesLeft,
    ReplacementChosen,
    SwapFreed,
    SwapLeft,
    SwapMoved,
    SwapResized,
    SwapShared,
)

PageUser: TypeAlias = tuple[VmObject, int]
"""An object, and the number of one of its pages; all users of a frame or a slot use the same number."""


class TaskMemory:
    """The frames of tasks' objects; `objects` are all objects, by name.

    `reverse` has the translations that lead to each frame, and `fork` says how memory is copied
    (:data:`~.forks.FORKS`). With `zeroed` false (quirk anonymous-not-zeroed), new frames keep their earlier contents.
    `task` is the task for which a page is brought in, or must be evicted; "" for none.
    """

    def __init__(
        self,
        ram: Ram,
        pages: PageAllocator,
        reverse: ReverseMap,
        recorder: Recorder,
        *,
        zeroed: bool = True,
        fork: str,
    ) -> None:
        self.ram = ram
        self.recorder = recorder
        self.swap = Swap(recorder)
        self.reverse = reverse
        self.zeroed = zeroed
        self.fork = FORKS[fork]
        self.objects: dict[str, VmObject] = {}
        self.read_ahead = 0
        """The number of a file's pages that are read in after a requested one."""
        self.reads = 0
        """The number of pages that were read in: each makes a fault a major one."""
        self.fails: Callable[[], bool] | None = None
        """A hook for lessons: it is called before each page is read in; if it returns true, the read fails."""
        self._allocator = pages
        self.pages: dict[int, Page[VmObject]] = {}
        """The objects' pages in memory, by frame, in the order in which they were brought in."""
        self._shared = 0
        """The number of these pages that several objects have."""
        self.rings = Rings(recorder, self.pages)
        """The choice of pages to evict."""
        self.in_swap: dict[int, dict[PageUser, None]] = {}
        """The owners of the page in each slot of swap space, in order of arrival: mostly one, after some forks several.
        """
        self.lacking = ""
        """The reason why no page could be evicted, the last time that happened, in words."""
        self._made = 0

    def new_name(self) -> str:
        """Return a name for an object without a learner's name."""
        self._made += 1
        return f"memory {self._made}"

    # ---- frames ------------------------------------------------------------------------------

    def fresh(self, owner: VmObject, task: str, beside: int = -1) -> int | None:
        """Return a frame for a page of `owner`; pages are evicted if necessary; None if none can be.

        A task at its limit gives up one of its own pages. The page in frame `beside` stays.
        """
        name, is_full = f"object {owner.name}", self.is_full(task)
        frame = None if is_full else self._allocator.allocate(owner=name)
        if frame is not None:
            return frame  # nearly always
        with self.holding(beside):
            if is_full:
                while self.is_full(task):
                    if not self.reclaim(task, own_only=True):
                        if task in self.rings.limits:
                            return None
                        break
                frame = self._allocator.allocate(owner=name)
            while frame is None and self.reclaim(task):
                frame = self._allocator.allocate(owner=name)
        return frame

    def is_full(self, task: str, more: int = 1) -> bool:
        """Return whether this many more pages of `task` must replace pages of its own. O(1)."""
        rings = self.rings
        if task not in rings.limits and not rings.replacement.local:
            return False
        return rings.is_full(task, self._allocator.obtainable_pages, more)

    def spare(self, owner: VmObject, task: str) -> int | None:
        """Return a frame for a page of `owner` without an eviction, or None."""
        return None if self.is_full(task) else self._allocator.allocate(owner=f"object {owner.name}")

    def fresh_run(self, owner: VmObject, order: int, task: str) -> int | None:
        """Return the first of 2**order contiguous frames, without an eviction, or None."""
        return None if self.is_full(task, 1 << order) else self._allocator.allocate_run(order, f"object {owner.name}")

    def zero(self, frame: int) -> None:
        """Fill a new frame with zeroes."""
        if self.zeroed:
            self.ram.zero_frame(frame)

    def free(self, frame: int) -> None:
        """The frame is free again."""
        self._allocator.free(frame)

    def entered(self, owner: VmObject, index: int, frame: int, task: str = "") -> None:
        """Note that a page was brought in, for `task`, or that another object has an existing page."""
        page = self.pages.get(frame)
        if page is None:
            page = self.pages[frame] = Page(frame, owner, index, task)
            self.rings.entered(page)
        else:
            self._shared += page.others is None
            page.add(owner)

    def taken_over(self, before: VmObject, owner: VmObject, frame: int) -> None:
        """Note that a page of one object became another's: it keeps its place."""
        page = self.pages[frame]
        page.replace(before, owner)
        if page.owner is owner:
            self._allocator.hand_over(frame, f"object {owner.name}")
        self.rings.may_go_again(frame)

    def left(self, owner: VmObject, frame: int, task: str | None = "") -> bool:
        """Note that a page is no longer this object's, since `task` has another (None: it was passed on before).

        Returns whether no object has its frame now.
        """
        page = self.pages[frame]
        if page.others is None:
            self._vacated(page)
            return True
        was_its = page.owner is owner
        page.remove(owner)
        self._shared -= page.others is None
        if was_its:
            self._allocator.hand_over(frame, f"object {page.owner.name}")
        if task is not None:
            self.pass_on(frame, task, self.mapped_by(frame))
        self.rings.may_go_again(frame)
        self.recorder.report(PageKept.tag, frame, page.owner.name)
        return False

    def _vacated(self, page: Page[VmObject]) -> None:
        """Note that no object has the page in its frame any longer."""
        self.reverse.vacated(page.frame)
        self._shared -= page.others is not None
        self.rings.left(page)
        del self.pages[page.frame]

    def pass_on(self, frame: int, task: str, mapped: tuple[str, ...]) -> None:
        """Count a shared page no longer for `task`, but for the next of the tasks that have it `mapped`, or for none.

        If the page counts for a third task that maps it, nothing changes.
        """
        page = self.pages[frame]
        heirs = [name for name in mapped if name != task]
        if page.task and page.task not in heirs:
            self.rings.charge(page, "")
            if heirs:
                self.inherited(frame, heirs[0])

    @property
    def resident(self) -> int:
        """Return how many pages of tasks' objects are in memory."""
        return len(self.pages)

    @property
    def any_shared(self) -> bool:
        """Return whether several objects have their page in some frame."""
        return bool(self._shared)

    def inherited(self, frame: int, task: str) -> None:
        """Note that `task` maps a page.

        If the page counts for none, since the task for which it was brought in has ended, it counts for `task` now. If
        this exceeds the task's limit, other pages of the task are evicted. Pages of files count for none.
        """
        page = self.pages.get(frame)
        if page is None or page.task or page.owner.is_file:
            return
        self.rings.charge(page, task)
        with self.holding(frame):
            while self.is_full(task, 0) and self.reclaim(task, own_only=True):
                pass

    def bereaved(self, task: str) -> None:
        """Note that `task` has ended: each of its pages counts for the first other task that maps it, or for none."""
        left = [page.frame for page in self.pages.values() if page.task == task] if self.rings.counts[task] else []
        self.rings.forget(task)
        for frame in left:
            heirs = self.mapped_by(frame)
            if heirs:
                self.inherited(frame, heirs[0])

    # ---- what processors do with pages -------------------------------------------------------

    def used(self, task: str, frame: int, number: int) -> None:
        """Note an access of `task` to a page: `number` is the page's number among the task's addresses.

        Then all pages are evicted that its policy wants to evict, whether or not a frame is needed.
        """
        self.rings.used(task, frame, number)
        for page in self.rings.expired(task, self):
            self.page_out(page.owner, page.index)

    def ticked(self, count: int) -> None:
        """Note this many ticks of the machine's clock: a policy with aging examines all pages."""
        self.rings.ticked(self, count)

    def replace_by(self, replacement: Replacement, choice: Choice | None = None) -> None:
        """Evict pages by another policy from now on; it gets the addresses of the pages in memory. O(pages)."""
        for frame, page in self.pages.items():
            known = self.reverse.of(frame)[:1]
            page.last_use = next(((va >> PAGE_SHIFT, pmap.name) for pmap, va in known), None)
        self.rings.choose(replacement, choice)

    @contextmanager
    def holding(self, frame: int) -> Iterator[None]:
        """Keep the page in `frame` in memory during the body of the ``with``; a device's page is never evicted."""
        page = self.pages.get(frame)
        if page is None:
            yield
            return
        page.held += 1
        try:
            yield
        finally:
            page.held -= 1
            if page.is_wanted and not page.held:
                page.is_wanted = False
                self.rings.may_go_again(frame)

    # ---- going out ---------------------------------------------------------------------------

    def reclaim(self, task: str, *, own_only: bool = False) -> bool:
        """Evict one page, the first that may leave in the policy's order; returns false if none may.

        `task` needs the frame ("": no task does); with `own_only`, one of its own pages is evicted. O(1) if the policy
        finds one immediately, O(pages) without success.
        """
        for page in self.rings.candidates(task, self, own_only=own_only):
            if self.page_out(page.owner, page.index):
                return True
        why = self._why_none(task, own_only=own_only)
        self.lacking = why if self.resident else ""
        self.recorder.report(NothingToReclaim.tag, why)
        return False

    def _why_none(self, task: str, *, own_only: bool) -> str:
        """Return why no page could be evicted, in words."""
        count = self.rings.counts[task] if own_only else self.resident
        if not count:
            whose = f"task {task!r}" if own_only else "a task"
            return f"no page of {whose} is in memory, so none can be evicted"
        if not self.swap.slots:
            why = "there is no swap space"
        elif self.swap.is_full:
            why = "swap space is full"
        else:
            why = "they are wired, or needed at this moment"
        whose = f" of task {task!r}" if own_only else ""
        return f"of {counted(count, 'page')}{whose} in memory none can go: {why}"

    def may_go(self, page: Page[VmObject]) -> bool:
        """Return whether a page may leave its frame."""
        if page.held:
            page.is_wanted = True
            return False
        return not _is_wired(page)

    def referenced(self, page: Page[VmObject]) -> bool:
        """Return whether a translation to a page was used since its reference bit was cleared."""
        return any(pmap.is_referenced(va) for pmap, va in self.reverse.of(page.frame))

    def clear_referenced(self, page: Page[VmObject]) -> None:
        """Clear the reference bits of all translations that lead to a page, and flush them."""
        for pmap, va in self.reverse.of(page.frame):
            pmap.clear_reference(va)

    def dirty(self, page: Page[VmObject]) -> bool:
        """Return whether a page must be written before it is evicted: no other place has its contents."""
        return not self._had_by(page.owner, page.index)

    def _had_by(self, owner: VmObject, index: int) -> str:
        """Return where else the bytes of a page in memory are: "file", "swap", "zeroes" (which need no place) or ""."""
        if owner.is_file:
            return "" if index in owner.dirty else "file"
        if index in owner.swapped:
            return "swap"
        return "zeroes" if self.zeroes(owner) and self.reverse.is_unwritten(owner.pages[index]) else ""

    def zeroes(self, owner: VmObject) -> bool:
        """Return whether a page that `owner` doesn't have comes as zeroes, as it was if nothing was written to it."""
        return owner.kind == "anonymous" and owner.shadow is None and self.zeroed

    def page_out(self, owner: VmObject, index: int) -> bool:
        """Evict one page, to swap space or its file; returns false if that is impossible.

        A page that is also elsewhere is not written.
        """
        page = self.pages.get(owner.pages.get(index, -1))
        if page is None or page.held or _is_wired(page):
            return False
        has = self._had_by(owner, index)
        self.recorder.report(PageLeaving.tag, page.frame, *self.first_mapped_at(page.frame))
        return self._page_out(owner, index, "nowhere" if has else "file" if owner.is_file else "swap", has)

    @kernel_function("vm_page_out", first=3)
    def _page_out(self, owner: VmObject, index: int, to: str, has: str) -> bool:
        frame, slot = owner.pages[index], -1
        if to == "swap":
            if self.swap.is_full:
                self._give_up_a_copy()
            kept = self.swap.put(self.ram.read(frame << PAGE_SHIFT, PAGE))
            if kept is None:
                return False
            slot = kept
        try:
            self.unmap(frame)
        except KernelError:  # a large page would have to be cut, and there is no page for a table
            if slot >= 0:
                self.swap.free(slot)
            return False
        if to == "file":
            self.clean(owner, index)
        page = self.pages[frame]
        first, *others = users = page.users
        for one in users:
            self.recorder.report(PagesLeft.tag, one.name, ((index, one.pages.pop(index)),))
            if has == "zeroes":
                one.count_again()
        self._vacated(page)
        if slot >= 0:
            first.swapped[index] = slot
            self.in_swap[slot] = {(first, index): None}
        self.recorder.report(PageOut.tag, first.name, index, frame, to, slot, has)
        for one in others if slot >= 0 else ():
            self.share_slots(one, ((index, slot),))
        self.free(frame)
        return True

    def share_slots(self, owner: VmObject, slots: tuple[tuple[int, int], ...]) -> None:
        """Note that pages of an object, by number, are in slots with others' pages."""
        for index, slot in slots:
            owner.swapped[index] = slot
            self.in_swap[slot][owner, index] = None
        if slots:
            self.recorder.report(SwapShared.tag, owner.name, slots)

    def _give_up_a_copy(self) -> None:
        """Free a slot whose page is also in memory, if there is one: the page must then be written at its eviction."""
        for one in self.objects.values():
            for slot in one.swapped.values():
                users = (*self.in_swap[slot],)
                if all(at in other.pages for other, at in users):
                    for other, at in users:
                        self.forget(other, (at,))
                    return

    def mapped_by(self, frame: int) -> tuple[str, ...]:
        """Return the names of the tasks whose page tables lead to `frame`, the first to map it first."""
        return tuple(dict.fromkeys(pmap.name for pmap, _ in self.reverse.of(frame)))

    def first_mapped_at(self, frame: int) -> tuple[str, int]:
        """Return the task that has mapped the page in `frame` the longest, and the address; "" if none has."""
        return next(((pmap.name, va) for pmap, va in self.reverse.of(frame)), ("", 0))

    def unmap(self, frame: int) -> None:
        """Remove all translations that lead to `frame`."""
        for pmap, va in self.reverse.of(frame):
            pmap.remove(va, va + PAGE)
            pmap.update(va, va + PAGE)

    def clean(self, owner: VmObject, index: int) -> None:
        """Write back a dirty page of a file; from now on, a write to it is noticed again."""
        frame = owner.pages[index]
        for pmap, va in self.reverse.of(frame):
            pmap.remove_write(va, va + PAGE)
            pmap.clear_modify(va)
            pmap.update(va, va + PAGE)
        owner.write_back(index, self.ram.read(frame << PAGE_SHIFT, PAGE))
        owner.dirty.discard(index)
        self.recorder.report(PageCleaned.tag, owner.name, index)

    # ---- coming back -------------------------------------------------------------------------

    def swap_in(self, owner: VmObject, index: int, task: str) -> int | None:
        """Return a frame with a page from swap space, which keeps it until the page is written.

        Raises IO if that fails.
        """
        slot = owner.swapped[index]
        self.check_read(owner, index)
        frame = self.fresh(owner, task)
        if frame is not None:
            self.ram.write(frame << PAGE_SHIFT, self.swap.content(slot))
            self.recorder.report(PageIn.tag, owner.name, index, frame, slot)
        return frame

    def found(self, owner: VmObject, index: int) -> int | None:
        """Return the frame in which another object has this page of swap space (Linux's swap cache), or None."""
        for other, at in self.in_swap.get(owner.swapped.get(index, -1), ()):
            if at in other.pages:
                return other.pages[at]
        return None

    def is_shared(self, frame: int) -> bool:
        """Return whether several objects have their page in this frame: one that writes gets a copy."""
        page = self.pages.get(frame)
        return page is not None and page.others is not None

    def check_read(self, owner: VmObject, index: int) -> None:
        """Raise IO if this page's reading was made to fail."""
        if self.fails is not None and self.fails():
            raise kernel_error("IO", f"page {index} of {owner.name!r} could not be read in")
        self.reads += 1

    def forget(self, owner: VmObject, indices: tuple[int, ...]) -> None:
        """Remove these pages from swap space; their slots are freed, except slots with others' pages."""
        slots = tuple((index, owner.swapped[index]) for index in indices)
        shared = {slot for _, slot in slots if len(self.in_swap[slot]) > 1}
        for _, slot in slots:
            if slot not in shared:
                self.swap.free(slot)
        self._let_go(owner, tuple(one for one in slots if one[1] not in shared), SwapFreed.tag)
        self._let_go(owner, tuple(one for one in slots if one[1] in shared), SwapLeft.tag)

    def _let_go(self, owner: VmObject, slots: tuple[tuple[int, int], ...], tag: str) -> None:
        """Remove pages from swap space, which is reported before the next ones are removed."""
        for index, slot in slots:
            del owner.swapped[index], self.in_swap[slot][owner, index]
            if not self.in_swap[slot]:
                del self.in_swap[slot]
        if slots:
            self.recorder.report(tag, owner.name, slots)

    def move_swapped(self, before: VmObject, owner: VmObject, indices: tuple[int, ...]) -> None:
        """Move pages in swap space to another object."""
        slots = tuple((index, before.swapped.pop(index)) for index in indices)
        owner.swapped.update(slots)
        for index, slot in slots:
            users = [owner if one is before else one for one, _ in self.in_swap[slot]]
            self.in_swap[slot] = {(one, index): None for one in users}
        if slots:
            self.recorder.report(SwapMoved.tag, before.name, owner.name, slots)

    # ---- invariants --------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`Broken` unless swap space is sound, and the numbered invariants hold.

        O4. each frame in memory has a page of one object, its owner, or, if forks count, the same page of several, the
        first of which owns it, and nothing keeps it there; O6. so does each used slot, and all who have its page in
        memory have the same frame.
        """
        in_memory: dict[int, set[PageUser]] = {}
        in_swap: dict[int, set[PageUser]] = {}
        for one in self.objects.values():
            for index, slot in one.swapped.items():
                in_swap.setdefault(slot, set()).add((one, index))
            for index, frame in one.pages.items() if one.has_frames else ():
                in_memory.setdefault(frame, set()).add((one, index))
        known = {frame: {(one, page.index) for one in page.users} for frame, page in self.pages.items()}
        self._check_users("O4: frame", in_memory, known)
        self._check_users("O6: slot", in_swap, {slot: set(users) for slot, users in self.in_swap.items()})
        for frame, page in self.pages.items():
            owner = self._allocator.owner(frame)
            if owner != f"object {page.owner.name}":
                raise Broken(f"O4: frame {frame:#x} is a page of {page.owner.name} and belongs to {owner}")
            if page.frame != frame or page.held:
                raise Broken(f"O4: frame {frame:#x} is still held, or its page is said to be in {page.frame:#x}")
        if self._shared != sum(page.others is not None for page in self.pages.values()):
            raise Broken(f"O4: {self._shared} pages are counted as several objects'")
        for slot, users in in_swap.items():
            frames = {one.pages[index] for one, index in users if index in one.pages}
            if len(frames) > 1:
                raise Broken(f"O6: the page in slot {slot} is in the frames {sorted(frames)}")
        self.rings.check()
        self.swap.check()
        if len(in_swap) != self.swap.used:
            raise Broken(f"O6: {self.swap.used} slots are used, and objects have {len(in_swap)}")

    def _check_users(self, what: str, found: dict[int, set[PageUser]], known: dict[int, set[PageUser]]) -> None:
        """Raise :class:`Broken` unless places have the users that are found; several only if forks count."""
        for place in sorted(found.keys() | known.keys()):
            users = found.get(place, set())
            if users != known.get(place, set()):
                many = len(known.get(place, ()))
                raise Broken(f"{what} {place:#x} has {counted(len(users), 'user')}, and {many} are noted")
            if len(users) > 1 and (not self.fork.counts or len({index for _, index in users}) > 1):
                names = " and of ".join(sorted(one.name for one, _ in users))
                raise Broken(f"{what} {place:#x} is a page of {names}")


def _is_wired(page: Page[VmObject]) -> bool:
    """Return whether an entry of an object that has the page keeps it in memory."""
    return any(one.wired[page.index] for one in page.users)


# ---- the order in which pages go ---------------------------------------------------------------


class Rings:
    """The rings of frames from which tasks' pages are evicted, the task of each page, and limits for tasks.

    With global replacement all pages are in one ring, whose name is "".  With local replacement, with working sets, and
    for a task with its own limit, a task's pages are in a ring of its name. A page counts for the task whose access
    brought it in, as in Linux's memory control groups, and for none if a file was read or written.  `pages` are those
    in memory, by frame; `replacement` says which rings there are.
    """

    def __init__(self, recorder: Recorder, pages: Mapping[int, AnyPage]) -> None:
        self._recorder = recorder
        self._pages = pages
        self.replacement = Replacement("fifo")
        self.by_task = False
        """Whether each task has a ring, even without a limit."""
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
            self.by_task = replacement.local or replacement.times_by_task
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
        name = task if self.by_task or task in self.limits else ""
        found = self.rings.get(name)
        if found is None:
            found = self.rings[name] = self._make(name)
        return found

    # ---- pages -------------------------------------------------------------------------------

    def name_of(self, task: str) -> str:
        """Return the ring of a task's pages."""
        return task if self.by_task or task in self.limits else ""

    def entered(self, page: AnyPage) -> None:
        """Note that a page was brought in. O(1)."""
        self.counts[page.task] += 1
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


# ---- swap space --------------------------------------------------------------------------------


class Swap:
    """Swap space: slots of one page each; the lowest free one is used first."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.slots = 0
        self.latency = 0
        """The number of ticks that reading in a page takes."""
        self._content: dict[int, bytes] = {}
        self._free: list[int] = []
        self.refuses: Callable[[], bool] | None = None
        """A hook for lessons: it is called before each slot is allocated; if it returns true, there seems to be
        none."""

    @property
    def used(self) -> int:
        """Return how many slots hold a page."""
        return len(self._content)

    @property
    def is_full(self) -> bool:
        """Return whether each slot contains a page."""
        return not self._free

    def resize(self, slots: int) -> None:
        """Set the number of slots, which can't be reduced."""
        before, self.slots = self.slots, slots
        self._free = sorted({*range(slots)} - self._content.keys())
        self._recorder.report(SwapResized.tag, before, slots)

    def put(self, content: bytes) -> int | None:
        """Store a page; returns its slot, or None if all are in use."""
        if not self._free or (self.refuses is not None and self.refuses()):
            return None
        slot = heappop(self._free)
        self._content[slot] = content
        return slot

    def content(self, slot: int) -> bytes:
        """The page in a slot."""
        return self._content[slot]

    def free(self, slot: int) -> None:
        """Free a slot."""
        del self._content[slot]
        heappush(self._free, slot)

    def check(self) -> None:
        """Raise :class:`Broken` unless O5. each slot is free or contains a page."""
        if sorted([*self._free, *self._content]) != list(range(self.slots)):
            raise Broken(f"O5: {len(self._free)} free and {self.used} used slots are not the {self.slots} there are")

"""The frames that tasks' objects have: where they come from, which go out when none is left, and swap space.

This is one of two machineries of this machine, and clearly apart from the other: FreeBSD's page daemon
(`kernel/freebsd/pageout.py`) serves the kernel's memory and takes no page of a task's, and what is here takes none of
the kernel's.  X15 of 2013 has no page-out.  Pages go out here at the moment when a frame is wanted and none is left, in
the order that a policy of replacement gives (`rings.py`): as they came, unless another is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Protocol

from ...base.errors import Broken, KernelError, kernel_error
from ...base.events import NothingToReclaim, PageCleaned, PageOut, ReferenceCleared, SwapFreed, SwapMoved, SwapResized
from ...base.protection import READ
from ...base.recorder import Recorder, kernel_function
from ...base.units import PAGE, PAGE_SHIFT, counted
from ...memory.pages import PageAllocator
from ...memory.ram import Ram
from ...memory.replacement import Choice, Replacement
from ..pmap.reverse import ReverseMap
from .rings import Rings


class PageOwner(Protocol):
    """A memory object, as far as its pages in memory and in swap space go."""

    name: str
    pages: dict[int, int]
    """Frames by page."""
    swapped: dict[int, int]
    """Slots of swap space by page."""
    dirty: set[int]
    """Pages that were written since their file had them."""
    wired: Counter[int]
    """How many entries hold each page in memory."""

    @property
    def is_file(self) -> bool:
        """Whether its pages are a file's."""

    @property
    def has_frames(self) -> bool:
        """Whether its pages are RAM, and no device's."""

    def enter(self, index: int, frame: int) -> None:
        """Have `frame` as the page of this number."""

    def leave(self, index: int) -> int:
        """Have the page of this number in memory no longer; its frame, which is the caller's now."""

    def write_back(self, index: int, content: bytes) -> None:
        """Have its pager write a page back."""

    def check(self) -> None:
        """Raise :class:`Broken` unless its invariants hold."""


class Swap:
    """Swap space: slots of a page each, the lowest free one first."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.slots = 0
        self._content: dict[int, bytes] = {}
        self._free: list[int] = []
        self.refuses: Callable[[], bool] | None = None
        """A hook for lessons: asked before each slot is given, it makes it as if there were none by answering true."""

    @property
    def used(self) -> int:
        """How many slots hold a page."""
        return len(self._content)

    def resize(self, slots: int) -> None:
        """Have so many slots, not fewer than there were."""
        before, self.slots = self.slots, slots
        self._free = sorted({*range(slots)} - self._content.keys())
        emit = self._recorder.emit
        if emit is not None:
            emit((SwapResized.tag, before, slots))

    def put(self, content: bytes) -> int | None:
        """Keep a page; its slot, or none if all are taken."""
        if not self._free or (self.refuses is not None and self.refuses()):
            return None
        slot = heappop(self._free)
        self._content[slot] = content
        return slot

    def content(self, slot: int) -> bytes:
        """The page in a slot."""
        return self._content[slot]

    def free(self, slot: int) -> None:
        """Forget what is in a slot."""
        del self._content[slot]
        heappush(self._free, slot)

    def check(self) -> None:
        """Raise :class:`Broken` unless O5. each slot is free or holds a page."""
        if sorted([*self._free, *self._content]) != list(range(self.slots)):
            raise Broken(f"O5: {len(self._free)} free and {self.used} used slots are not the {self.slots} there are")


class TaskMemory:
    """The frames of tasks' objects; `objects` are all that there are, by name.

    `reverse` says which translations lead to a frame.  With `zeroed` false (quirk anonymous-not-zeroed) fresh frames
    keep what they held.
    """

    def __init__(
        self, ram: Ram, pages: PageAllocator, reverse: ReverseMap, recorder: Recorder, *, zeroed: bool = True
    ) -> None:
        self.ram = ram
        self.recorder = recorder
        self.swap = Swap(recorder)
        self.reverse = reverse
        self.zeroed = zeroed
        self.objects: dict[str, PageOwner] = {}
        self.read_ahead = 0
        """How many pages of a file are read in behind one that was asked for."""
        self.reads = 0
        """How many pages were read in: each makes a fault a major one."""
        self.fails: Callable[[], bool] | None = None
        """A hook for lessons: asked before each page that is read in, it makes that fail by answering true."""
        self._pages = pages
        self.rings = Rings(recorder)
        """Which page goes."""
        self._resident: dict[int, tuple[PageOwner, int]] = {}
        """By frame: whose it is, and its number there."""
        self._held: set[int] = set()
        self._made = 0

    def new_name(self) -> str:
        """A name for an object that learners give none."""
        self._made += 1
        return f"memory {self._made}"

    # ---- frames ------------------------------------------------------------------------------

    def fresh(self, owner: PageOwner) -> int | None:
        """A frame for a page of `owner`; pages go out if there is none, and if none can, there is none.

        A task that has as many pages as it may have gives one of its own.
        """
        name, rings = f"object {owner.name}", self.rings
        while rings.is_full(rings.running, self._pages.obtainable_pages):
            if not self.reclaim(own_only=True):
                if rings.running in rings.limits:
                    return None
                break
        frame = self._pages.allocate(owner=name)
        while frame is None and self.reclaim():
            frame = self._pages.allocate(owner=name)
        return frame

    def spare(self, owner: PageOwner) -> int | None:
        """A frame for a page of `owner` that nothing has to leave for, or none."""
        if self.rings.is_full(self.rings.running, self._pages.obtainable_pages):
            return None
        return self._pages.allocate(owner=f"object {owner.name}")

    def fresh_run(self, owner: PageOwner, order: int) -> int | None:
        """The first of 2**order neighbouring frames, or none; nothing goes out for them."""
        rings = self.rings
        if rings.is_full(rings.running, self._pages.obtainable_pages, 1 << order):
            return None
        return self._pages.allocate_run(order, f"object {owner.name}")

    def zero(self, frame: int) -> None:
        """Fill a fresh frame with zeroes."""
        if self.zeroed:
            self.ram.zero_frame(frame)

    def copy(self, source: int, frame: int) -> None:
        """Copy a page into a fresh frame."""
        self.ram.write(frame << PAGE_SHIFT, self.ram.read(source << PAGE_SHIFT, PAGE))

    def free(self, frame: int) -> None:
        """The frame is free again."""
        self._pages.free(frame)

    def entered(self, owner: PageOwner, index: int, frame: int) -> None:
        """A page came, for the task whose access is under way."""
        self._resident[frame] = owner, index
        self.rings.entered(frame, self.rings.running)

    def taken_over(self, owner: PageOwner, index: int, frame: int) -> None:
        """A page became another object's: it keeps its place."""
        self._resident[frame] = owner, index
        self._pages.hand_over(frame, f"object {owner.name}")

    def left(self, frame: int) -> None:
        """A page is no object's any more."""
        del self._resident[frame]
        self.rings.left(frame)

    @property
    def resident(self) -> int:
        """How many pages of tasks' objects are in memory."""
        return len(self._resident)

    def owners(self) -> dict[int, tuple[str, int]]:
        """By frame: the object whose page it has, and the page's number there.  O(pages)."""
        objects = [one for one in self.objects.values() if one.has_frames]
        return {frame: (one.name, index) for one in objects for index, frame in one.pages.items()}

    def dirty_pages(self, name: str) -> dict[int, bool]:
        """The pages of an object that its file does not have yet; true for each."""
        return dict.fromkeys(self.objects[name].dirty, True) if name in self.objects else {}

    # ---- what processors do with pages -------------------------------------------------------

    def used(self, task: str, frame: int, page: int) -> None:
        """An access of `task` reached a page: `page` is its number among the task's addresses.

        Then those pages leave that its policy wants to go, whether or not a frame is needed.
        """
        self.rings.used(task, frame, page)
        with self.rings.run_for(task):
            for other in self.rings.expired():
                self.page_out(*self._resident[other])

    def replace_by(self, replacement: Replacement, choice: Choice | None = None) -> None:
        """Have pages go by another policy, which learns by what addresses those in memory are known.  O(pages)."""
        known = {frame: self.reverse.of(frame)[:1] for frame in self._resident}
        self.rings.numbers = {frame: va >> PAGE_SHIFT for frame, found in known.items() for _, va in found}
        self.rings.choose(replacement, choice)

    @contextmanager
    def holding(self, frame: int) -> Iterator[None]:
        """Have the page in `frame` stay in here."""
        is_new = frame not in self._held
        self._held.add(frame)
        try:
            yield
        finally:
            if is_new:
                self._held.discard(frame)

    # ---- going out ---------------------------------------------------------------------------

    def reclaim(self, *, own_only: bool = False) -> bool:
        """Have one page leave its frame, the first that can in the order of the policy; false if none can.

        With `own_only` it is one of the task whose access is under way.  O(1) where the policy finds one so, or
        O(pages) without success.
        """
        for frame in self.rings.candidates(self.rings.running, self, own_only=own_only):
            if self.page_out(*self._resident[frame]):
                return True
        emit = self.recorder.emit
        if emit is not None:
            emit((NothingToReclaim.tag, self._why_none(own_only=own_only)))
        return False

    def _why_none(self, *, own_only: bool) -> str:
        """Why no page could go, in words."""
        swap, task = self.swap, self.rings.running
        room = "swap space is full" if swap.used == swap.slots else "they are wired, or needed at this moment"
        room = room if swap.slots else "there is no swap space"
        count = self.rings.counts[task] if own_only else self.resident
        whose = f" of task {task!r}" if own_only else ""
        return f"of {counted(count, 'page')}{whose} in memory none can go: {room}"

    def may_go(self, frame: int) -> bool:
        """Whether the page in `frame` may leave it."""
        return self.can_page_out(*self._resident[frame])

    def referenced(self, frame: int) -> bool:
        """Whether a translation that leads to `frame` was used since its reference bit was cleared."""
        return any(pmap.is_referenced(va) for pmap, va in self.reverse.of(frame))

    def clear_referenced(self, frame: int) -> None:
        """Clear the reference bits of all translations that lead to `frame`, and flush them."""
        for pmap, va in self.reverse.of(frame):
            pmap.clear_reference(va)
        emit = self.recorder.emit
        if emit is not None:
            emit((ReferenceCleared.tag, frame))

    def dirty(self, frame: int) -> bool:
        """Whether the page in `frame` was written: its dirty bit is set, or its object has noted it."""
        owner, index = self._resident[frame]
        return index in owner.dirty or any(pmap.is_modified(va) for pmap, va in self.reverse.of(frame))

    def can_page_out(self, owner: PageOwner, index: int) -> bool:
        """Whether the page is one that may leave its frame: in memory, not wired, and not needed this moment."""
        frame = owner.pages.get(index)
        return frame is not None and frame in self._resident and frame not in self._held and not owner.wired[index]

    def page_out(self, owner: PageOwner, index: int) -> bool:
        """Have one page leave its frame, for swap space or its file; false if it can't."""
        if not self.can_page_out(owner, index):
            return False
        is_dirty = index in owner.dirty
        if owner.is_file:
            return self._page_out(owner, index, "file" if is_dirty else "nowhere")
        return self._page_out(owner, index, "swap")

    @kernel_function("vm_page_out", first=3)
    def _page_out(self, owner: PageOwner, index: int, to: str) -> bool:
        frame, slot = owner.pages[index], -1
        if to == "swap":
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
        owner.leave(index)
        if slot >= 0:
            owner.swapped[index] = slot
        emit = self.recorder.emit
        if emit is not None:
            emit((PageOut.tag, owner.name, index, frame, to, slot))
        self.free(frame)
        return True

    def mapped_by(self, frame: int) -> tuple[str, ...]:
        """The names of the tasks whose page tables lead to `frame`; none while nothing is recorded."""
        if self.recorder.emit is None:
            return ()
        return tuple(dict.fromkeys(pmap.name for pmap, _ in self.reverse.of(frame)))

    def unmap(self, frame: int) -> None:
        """Take away all translations that lead to `frame`."""
        for pmap, va in self.reverse.of(frame):
            pmap.remove(va, va + PAGE)
            pmap.update(va, va + PAGE)

    def clean(self, owner: PageOwner, index: int) -> None:
        """Write a dirty page of a file back; from now on a write to it is noticed again."""
        frame = owner.pages[index]
        for pmap, va in self.reverse.of(frame):
            pmap.protect(va, va + PAGE, READ)
            pmap.clear_modify(va)
            pmap.update(va, va + PAGE)
        owner.write_back(index, self.ram.read(frame << PAGE_SHIFT, PAGE))
        owner.dirty.discard(index)
        emit = self.recorder.emit
        if emit is not None:
            emit((PageCleaned.tag, owner.name, index))

    # ---- coming back -------------------------------------------------------------------------

    def swap_in(self, owner: PageOwner, index: int) -> int | None:
        """A frame with the page that was in swap space, whose slot is free then; IO if it can't be read."""
        slot = owner.swapped[index]
        self.check_read(owner, index)
        frame = self.fresh(owner)
        if frame is not None:
            self.ram.write(frame << PAGE_SHIFT, self.swap.content(slot))
            self.forget(owner, (index,))
        return frame

    def check_read(self, owner: PageOwner, index: int) -> None:
        """IO if a page can't be read in, as was asked for."""
        if self.fails is not None and self.fails():
            raise kernel_error("IO", f"page {index} of {owner.name!r} could not be read in")
        self.reads += 1

    def forget(self, owner: PageOwner, indices: tuple[int, ...]) -> None:
        """Free the slots of these pages of swap space."""
        slots = tuple((index, owner.swapped.pop(index)) for index in indices)
        for _, slot in slots:
            self.swap.free(slot)
        emit = self.recorder.emit
        if emit is not None and slots:
            emit((SwapFreed.tag, owner.name, slots))

    def move_swapped(self, before: PageOwner, owner: PageOwner, indices: tuple[int, ...]) -> None:
        """Pages in swap space become those of another object."""
        slots = tuple((index, before.swapped.pop(index)) for index in indices)
        owner.swapped.update(slots)
        emit = self.recorder.emit
        if emit is not None and slots:
            emit((SwapMoved.tag, before.name, owner.name, slots))

    # ---- invariants --------------------------------------------------------------------------

    def check(self) -> None:
        """Raise :class:`Broken` unless objects and swap space are sound, and the numbered invariants hold.

        O4. each frame in memory is one page of one object, which owns it; O6. each used slot is one page's.
        """
        found: dict[int, tuple[PageOwner, int]] = {}
        slots: list[int] = []
        for one in self.objects.values():
            one.check()
            slots += one.swapped.values()
            for index, frame in one.pages.items() if one.has_frames else ():
                if frame in found:
                    raise Broken(f"O4: frame {frame:#x} is a page of {one.name} and of {found[frame][0].name} too")
                found[frame] = one, index
                if self._pages.owner(frame) != f"object {one.name}":
                    raise Broken(f"O4: frame {frame:#x} is page {index} of {one.name} and belongs to another")
        if found != self._resident:
            wrong = min(found.keys() ^ self._resident.keys(), default=0)
            raise Broken(f"O4: frame {wrong:#x} is not noted as the page that it is")
        self.rings.check(set(found))
        if self._held:
            raise Broken(f"O4: frame {min(self._held):#x} is still held")
        self.swap.check()
        if len(set(slots)) != len(slots) or len(slots) != self.swap.used:
            raise Broken(f"O6: {self.swap.used} slots are used, and objects have {len(slots)}")

"""Physical pages as FreeBSD's kernel requests them: classes with thresholds, wiring, busy marks (April 2008).

:class:`PageQueues` decides whether a request gets a page; a :class:`FrameStore` decides which frame that is.  A
machine's frames come from its page allocator, which page tables and slabs use too (:class:`SharedFrames`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Protocol, TypeAlias

from ...base.errors import Broken, KernelPanic
from ...base.frozen import frozen
from ...base.recorder import Recorder
from ...base.units import PAGE, PAGE_SHIFT
from ...memory.page import Page
from ...memory.pages import PageAllocator
from ...memory.pages_schema import CACHED, ZEROED
from ...memory.ram import Ram
from ..map.vm_object import VmObject
from .kmem_schema import (
    PageCleared,
    PageDenied,
    PageGranted,
    PageReleased,
    PageReused,
    PageUnwired,
    PageWired,
    PageZeroed,
)

NORMAL, SYSTEM, INTERRUPT = "NORMAL", "SYSTEM", "INTERRUPT"
"""Request classes: how much of the reserves a request may use."""


class FrameStore(Protocol):
    """The frames that are not in use."""

    @property
    def free_frames(self) -> int:
        """The number of frames without pages."""

    @property
    def cached(self) -> int:
        """The number of frames that contain clean pages, and can be reused immediately."""

    def allocate(self, zero: bool, owner: str) -> tuple[int, bool] | None:
        """Allocate a frame for `owner`, free or cached.

        Returns it, and whether it is known to contain zeroes, which `zero` asks for. Returns None if the frames that it
        counts as free can't be allocated.
        """

    def free(self, frame: int) -> None:
        """Free a frame."""

    def clear(self, frame: int) -> None:
        """Fill a frame with zeroes."""


@frozen
class PageRequest:
    """A request for a page: its class, and whether the page should be wired, zeroed, or without a busy mark."""

    page_class: str
    wired: bool = False
    zero: bool = False
    nobusy: bool = False
    text: str = field(init=False, default="")
    """Return the request as the kernel's sources write it, for events."""

    def __post_init__(self) -> None:
        words = (("WIRED", self.wired), ("ZERO", self.zero), ("NOBUSY", self.nobusy))
        object.__setattr__(self, "text", "|".join([self.page_class, *(word for word, asked in words if asked)]))


GRAB = PageRequest(NORMAL, zero=True, nobusy=True)
"""The request of kmem_alloc and of faults."""


KernelPage: TypeAlias = Page[VmObject]
"""A physical page in use; `held` is its busy mark. It is not in a replacement ring, and counts for no task."""


class PageQueues:
    """All pages: the unused frames in `frames`, and pages in use by their frame number.

    `free_reserved` and `interrupt_free_min` are the thresholds, in pages; `kick` wakes the page daemon.
    """

    def __init__(
        self,
        recorder: Recorder,
        frames: FrameStore,
        free_reserved: int,
        interrupt_free_min: int,
        kick: Callable[[], None] | None = None,
    ) -> None:
        self.recorder = recorder
        self.frames = frames
        self.free_reserved = free_reserved
        self.interrupt_free_min = interrupt_free_min
        self.kick = kick
        self.in_use: dict[int, KernelPage] = {}
        self.wired = 0
        """The number of wired pages."""
        self.deficit = 0
        """The number of requests that found too few pages."""
        self.freed: Callable[[], object] | None = None
        """Called for each freed page: :meth:`.pageout.PageDaemon.freed` wakes threads that wait for pages."""
        self.veto: Callable[[], bool] | None = None
        """A hook for tests and lessons: if it returns true, a request fails as if pages were short."""

    def admits(self, page_class: str) -> bool:
        """Return whether a request of this class would get a page now (FreeBSD `vm_page_alloc`).

        All limits are strict.
        """
        available = self.frames.free_frames
        if available > self.free_reserved:
            return True  # nearly always
        available += self.frames.cached
        if available > self.free_reserved:
            return True
        if page_class == SYSTEM:
            return available > self.interrupt_free_min
        return page_class == INTERRUPT and available > 0

    def find(self, owner: VmObject, pindex: int) -> KernelPage | None:
        """Return page `pindex` of `owner`, if it exists."""
        frame = owner.pages.get(pindex)
        return None if frame is None else self.in_use[frame]

    def allocate(self, owner: VmObject, pindex: int, request: PageRequest) -> KernelPage | None:
        """Allocate a page for a place of `owner` without one; returns None below the threshold of the request's class.

        A request for zeroes gets them: a page not known to be zero is cleared right after its allocation.
        """
        got = self.allocate_many(owner, pindex, pindex + 1, request) > pindex
        return self.in_use[owner.pages[pindex]] if got else None

    def allocate_many(self, owner: VmObject, first: int, last: int, request: PageRequest) -> int:
        """Allocate pages for the places [first, last) as :meth:`allocate` does, in ascending order.

        Returns the first place that got none, or `last`. O(pages).
        """
        emit, pages, frames, in_use = self.recorder.emit, owner.pages, self.frames, self.in_use
        name, text, zero, wired = owner.name, request.text, request.zero, int(request.wired)
        held = int(not request.nobusy)
        plenty = frames.free_frames - self.free_reserved
        """The number of further requests that are granted whatever their class: each uses a free page."""
        for pindex in range(first, last):
            if pindex in pages:
                raise KernelPanic("vm_page_alloc", f"page {pindex} of {name} is there already")
            admitted = (plenty > 0 or self.admits(request.page_class)) and not (self.veto is not None and self.veto())
            taken = frames.allocate(zero, name) if admitted else None
            if taken is None:
                self.deficit += 1
                if emit is not None:
                    emit((PageDenied.tag, text, name, pindex))
                if self.kick is not None:
                    self.kick()
                return pindex
            plenty -= 1
            frame, zeroed = taken
            page = in_use[frame] = Page(frame, owner, pindex, "", wired, held)
            pages[pindex] = frame
            self.wired += wired
            if emit is not None:
                emit((PageGranted.tag, text, name, pindex, frame, zeroed and zero))
            if zero and not zeroed:
                self.clear(page)
        return last

    def clear(self, page: KernelPage) -> None:
        """Fill it with zeroes."""
        self.frames.clear(page.frame)
        emit = self.recorder.emit
        if emit is not None:
            emit((PageCleared.tag, page.owner.name, page.index, page.frame))

    def wire(self, page: KernelPage) -> None:
        """Count another wiring."""
        self.wired += page.wired == 0
        page.wired += 1
        emit = self.recorder.emit
        if emit is not None:
            emit((PageWired.tag, page.owner.name, page.index, page.frame))

    def unwire(self, page: KernelPage) -> None:
        """Remove one wiring."""
        page.wired -= 1
        self.wired -= page.wired == 0
        emit = self.recorder.emit
        if emit is not None:
            emit((PageUnwired.tag, page.owner.name, page.index, page.frame))

    def free(self, page: KernelPage) -> None:
        """Remove a page from its object, and free its frame."""
        del page.owner.pages[page.index]
        self.release(page.frame)

    # ---- pages that keep what they hold without an object -------------------------------------

    def detach(self, page: KernelPage) -> None:
        """Remove a page, which must not be wired, from its object; its frame is not freed: the caller keeps it."""
        del page.owner.pages[page.index]
        del self.in_use[page.frame]

    def adopt(self, frame: int, owner: VmObject, pindex: int, request: PageRequest) -> KernelPage:
        """Make a frame that the caller kept, with its contents, page `pindex` of `owner`."""
        page = self.in_use[frame] = Page(frame, owner, pindex, "", int(request.wired))
        owner.pages[pindex] = frame
        self.wired += page.wired
        return page

    # ---- as the pager of anonymous objects ---------------------------------------------------

    def get_page(self, target: VmObject, offset: int) -> int | None:
        """Allocate a zeroed page for a fault on anonymous memory; returns None while pages are short."""
        page = self.allocate(target, offset >> PAGE_SHIFT, GRAB)
        return None if page is None else page.frame

    def release(self, frame: int) -> None:
        """Free a frame that no longer belongs to an object."""
        page = self.in_use.pop(frame)
        self.wired -= page.wired > 0
        self.frames.free(frame)
        emit = self.recorder.emit
        if emit is not None:
            emit((PageReleased.tag, page.owner.name, page.index, frame))
        if self.freed is not None:
            self.freed()


# ---- frame store -------------------------------------------------------------------------------


ZERO_POOL = 16
"""The most frames that the idle loop keeps zeroed."""


class SharedFrames:
    """The frame store over a machine's page allocator `pages`; `ram` has the contents of the frames."""

    def __init__(self, pages: PageAllocator, ram: Ram) -> None:
        self._pages = pages
        self._ram = ram
        self._zeroed: list[int] = []
        self._cached: dict[int, str] = {}
        pages.stock = self

    @property
    def free_frames(self) -> int:
        """The number of free frames, including zeroed ones."""
        segment = self._pages.segment
        return segment.buddy.free_frames + len(segment.pool) + len(self._zeroed)

    @property
    def cached(self) -> int:
        """The number of frames with clean pages."""
        return len(self._cached)

    @property
    def zeroed(self) -> int:
        """The number of free frames that are known to contain zeroes."""
        return len(self._zeroed)

    @property
    def total(self) -> int:
        """The number of all frames, including used ones."""
        return self._pages.total_pages

    def allocate(self, zero: bool, owner: str) -> tuple[int, bool] | None:
        """Allocate a frame.

        A request for zeroes gets a zeroed one; so do others if nothing else is free; then comes the oldest cached one.
        Returns None if the page allocator refuses the frames that it counts as free, which a veto can cause.
        """
        if zero and self._zeroed:
            return self._hand_over(self._zeroed.pop(), owner), True
        if self._pages.segment.pool or self._pages.free_pages:
            frame = self._pages.allocate(owner=owner)
            if frame is not None:
                return frame, False
        if self._zeroed:
            return self._hand_over(self._zeroed.pop(), owner), True
        frame = next(iter(self._cached), None)
        if frame is None:
            return None
        self._forget_cached(frame)
        return self._hand_over(frame, owner), False

    def free(self, frame: int) -> None:
        """Free a frame, which counts as not zeroed, whatever it contains."""
        self._pages.free(frame)

    def clear(self, frame: int) -> None:
        """Fill it with zeroes."""
        self._ram.zero_frame(frame)

    # ---- zeroed ahead ------------------------------------------------------------------------

    def zero_ahead(self, count: int) -> int:
        """Clear up to `count` free frames in advance, as the idle loop does; returns how many were cleared."""
        done = 0
        while done < count and len(self._zeroed) < ZERO_POOL and self._pages.free_pages:
            frame = self._pages.allocate(owner=ZEROED)
            if frame is None:
                break
            self._ram.zero_frame(frame)
            self._zeroed.append(frame)
            done += 1
            self._pages.recorder.report(PageZeroed.tag, frame)
        return done

    # ---- cached ------------------------------------------------------------------------------

    def cache(self, frame: int, whose: str) -> None:
        """Cache `frame`, which contains a clean page of `whose` that is not needed now; the oldest is reused first."""
        self._cached[frame] = whose
        self._pages.hand_over(frame, CACHED + whose)

    def reactivate(self, frame: int, owner: str) -> None:
        """Use a cached frame again, with its contents."""
        del self._cached[frame]
        self._pages.hand_over(frame, owner)

    def is_cached(self, frame: int) -> bool:
        """Return whether `frame` still contains its cached page."""
        return frame in self._cached

    def standing_by(self) -> Iterator[tuple[int, str]]:
        """Yield the frames that are zeroed or cached, and which of the two each is."""
        yield from ((frame, "zeroed") for frame in self._zeroed)
        yield from ((frame, "cached") for frame in self._cached)

    # ---- for the page allocator when nothing is free -----------------------------------------

    def __len__(self) -> int:
        """Return how many frames are zeroed or cached."""
        return len(self._zeroed) + len(self._cached)

    def __iter__(self) -> Iterator[int]:
        """Yield the frames in the order of allocation: zeroed, latest first, then cached, oldest first."""
        yield from reversed(self._zeroed)
        yield from self._cached

    def give_up(self, frame: int) -> None:
        """Free a frame that is zeroed or cached.  O(zeroed frames)."""
        if frame in self._cached:
            self._forget_cached(frame)
        else:
            self._zeroed.remove(frame)
        self._pages.free(frame)

    def _forget_cached(self, frame: int) -> None:
        self._pages.recorder.report(PageReused.tag, frame, self._cached.pop(frame))

    def _hand_over(self, frame: int, owner: str) -> int:
        self._pages.hand_over(frame, owner)
        return frame

    def check(self) -> None:
        """Raise :class:`Broken` unless zeroed and cached frames belong to the store, and zeroed ones contain zeroes."""
        for frame, state in self.standing_by():
            owner = self._pages.owner(frame) or ""
            if not owner.startswith(ZEROED if state == "zeroed" else CACHED):
                raise Broken(f"F1: frame {frame:#x} is {state} and belongs to {owner!r}")
        for frame in self._zeroed:
            if any(self._ram.read(frame << PAGE_SHIFT, PAGE)):
                raise Broken(f"F2: frame {frame:#x} counts as zeroed and is not")

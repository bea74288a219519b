"""The frames that nobody uses, for page requests: free ones, free ones known to be zero, and clean cached ones.

Frames come from the machine's page allocator, which its page tables and slabs use too.  A zeroed frame and a cached
one are out of the buddy system, under an owner of their own, and can be had at once all the same (FreeBSD `vm_phys`,
`vm_page_zero_idle`, the cache queue).
"""

from __future__ import annotations

from collections.abc import Iterator

from ..base.errors import Broken
from ..base.events import PageReused, PageZeroed
from ..base.frame_owners import CACHED, ZEROED
from ..base.units import PAGE, PAGE_SHIFT
from ..memory.pages import PageAllocator
from ..memory.ram import Ram

ZERO_POOL = 16
"""How many frames the idle loop keeps zeroed at most."""


class SharedFrames:
    """The frame store over a machine's page allocator `pages`; `ram` holds what is in the frames."""

    def __init__(self, pages: PageAllocator, ram: Ram) -> None:
        self._pages = pages
        self._ram = ram
        self._zeroed: list[int] = []
        self._cached: dict[int, str] = {}
        pages.stock = self

    @property
    def free(self) -> int:
        """Frames that hold nothing, zeroed ones among them."""
        return self._pages.free_pages + len(self._zeroed)

    @property
    def cached(self) -> int:
        """Frames that hold clean pages."""
        return len(self._cached)

    @property
    def zeroed(self) -> int:
        """Free frames known to hold zeroes."""
        return len(self._zeroed)

    @property
    def total(self) -> int:
        """All frames, used ones too."""
        return self._pages.total_pages

    def take(self, zero: bool, owner: str) -> tuple[int, bool] | None:
        """A frame: zeroed ones for those who ask for zeroes and when nothing else is free, then the oldest cached.

        None when the page allocator gives none of those that it says are free, which a veto can make it do.
        """
        if zero and self._zeroed:
            return self._hand_over(self._zeroed.pop(), owner), True
        if self._pages.free_pages:
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

    def give(self, frame: int) -> None:
        """A frame that is free again, and counts as not zeroed whatever is in it."""
        self._pages.free(frame)

    def clear(self, frame: int) -> None:
        """Fill it with zeroes."""
        self._ram.zero_frame(frame)

    # ---- zeroed ahead ------------------------------------------------------------------------

    def zero_ahead(self, wanted: int) -> int:
        """Clear up to `wanted` free frames ahead of need, as the idle loop does; how many it cleared."""
        done = 0
        while done < wanted and len(self._zeroed) < ZERO_POOL and self._pages.free_pages:
            frame = self._pages.allocate(owner=ZEROED)
            if frame is None:
                break
            self._ram.zero_frame(frame)
            self._zeroed.append(frame)
            done += 1
            self._report(PageZeroed.tag, frame)
        return done

    # ---- cached ------------------------------------------------------------------------------

    def cache(self, frame: int, whose: str) -> None:
        """`frame` holds a clean page of `whose` that nobody needs just now: it may be reused, oldest first."""
        self._cached[frame] = whose
        self._pages.hand_over(frame, CACHED + whose)

    def take_back(self, frame: int, owner: str) -> None:
        """A cached frame is wanted again, with what it holds."""
        del self._cached[frame]
        self._pages.hand_over(frame, owner)

    def is_cached(self, frame: int) -> bool:
        """Whether `frame` still holds its cached page."""
        return frame in self._cached

    def standing_by(self) -> Iterator[tuple[int, str]]:
        """Frames that are zeroed or cached, and which of both."""
        yield from ((frame, "zeroed") for frame in self._zeroed)
        yield from ((frame, "cached") for frame in self._cached)

    # ---- for the page allocator when nothing is free -----------------------------------------

    def __len__(self) -> int:
        """How many frames are zeroed or cached."""
        return len(self._zeroed) + len(self._cached)

    def __iter__(self) -> Iterator[int]:
        """The frames that single requests get, in that order: zeroed ones, the latest first, and the oldest cached."""
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
        self._report(PageReused.tag, frame, self._cached.pop(frame))

    def _hand_over(self, frame: int, owner: str) -> int:
        self._pages.hand_over(frame, owner)
        return frame

    def _report(self, tag: str, *fields: object) -> None:
        emit = self._pages.recorder.emit
        if emit is not None:
            emit((tag, *fields))

    def check(self) -> None:
        """Raise :class:`Broken` unless each frame standing by belongs to the store, and zeroed ones hold zeroes."""
        for frame, state in self.standing_by():
            owner = self._pages.owner(frame) or ""
            if not owner.startswith(ZEROED if state == "zeroed" else CACHED):
                raise Broken(f"F1: frame {frame:#x} is {state} and belongs to {owner!r}")
        for frame in self._zeroed:
            if any(self._ram.read(frame << PAGE_SHIFT, PAGE)):
                raise Broken(f"F2: frame {frame:#x} counts as zeroed and is not")

"""Memory objects: the pages of mappings, by offset (X15 `vm_object`, `vm_anon`; FreeBSD `vm_object`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from ...base.errors import kernel_error
from ...base.event import Event
from ...base.recorder import Recorder
from ...base.units import PAGE_SHIFT


class Pager(Protocol):
    """The source of an object's pages."""

    def get_page(self, target: Any, offset: int) -> int | None:
        """Return a frame for the page of `target` at `offset` (bytes), or None if there is no memory."""

    def release(self, frame: int) -> None:
        """Free a frame that no longer belongs to the object."""


@runtime_checkable
class RunPager(Pager, Protocol):
    """A pager that may have contiguous memory, for large pages."""

    def get_run(self, target: Any, offset: int, count: int, task: str) -> int | None:
        """Return the first of `count` contiguous, aligned frames for pages of `target` from `offset` on, or None."""


class PagerAsked(Event):
    """The page at `offset` was requested from an object; `outcome` is "hit", "miss" or an error's name."""

    object: str
    offset: int
    frame: int
    outcome: str


class MappingEntry(Protocol):
    """The part of an entry that matters to the object that it maps."""

    start: int
    end: int
    offset: int


def pages_of(entry: MappingEntry) -> range:
    """Return the numbers of the pages of its object that an entry maps."""
    first = entry.offset >> PAGE_SHIFT
    return range(first, first + (entry.end - entry.start >> PAGE_SHIFT))


def pages_within(entry: MappingEntry, start: int, end: int) -> range:
    """Return the numbers of the pages of its object that an entry maps in [start, end)."""
    first = entry.offset + max(start - entry.start, 0) >> PAGE_SHIFT
    return range(first, first + (min(end, entry.end) - max(start, entry.start) >> PAGE_SHIFT))


class Translation(NamedTuple):
    """A page to be mapped: its frame, its permissions, and "hit" if it was in memory, "miss" if it was brought in.

    The permissions are the entry's, or fewer if the page also belongs to another object, or if a write to it must be
    noticed.
    """

    frame: int
    rights: int
    cache: str = "hit"


class VmObject:
    """Pages by number, and a count of the entries that map them.

    `pages`, from offset >> 12 to frame, is a radix tree in the original. Once neither an entry nor the creator has a
    reference, the pages return to the pager. `task` is the task for which a page is brought in, or "": some machines
    count pages by task.
    """

    def __init__(self, name: str, pager: Pager, recorder: Recorder | None = None) -> None:
        self.name = name
        self.pager = pager
        self.recorder = recorder or Recorder()
        self.pages: dict[int, int] = {}
        self.references = 0

        # Objects of tasks alone have more (`kernel/tasks/vm_object.py`), which page-out needs too.
        self.kind = "anonymous"
        """The kind of its pager."""
        self.is_file = False
        """Whether its pages belong to a file."""
        self.has_frames = True
        """Whether its pages are RAM, not a device's memory."""
        self.swapped: dict[int, int] = {}
        """Slots of swap space by page; also for pages in memory, until they are written."""
        self.dirty: set[int] = set()
        """Pages that were written since they were read from, or written to, their file."""
        self.wired: Counter[int] = Counter()
        """The number of entries that keep each page in memory."""
        self.shadow: VmObject | None = None
        """The object behind it."""
        self.shadows: Sequence[VmObject] = []
        """The objects in front of it."""
        self.left_behind: int | None = None
        """The number of pages that may be requested from the object behind, and are not hidden by its own; None: not
        counted yet."""

    @property
    def count(self) -> int:
        """Return how many pages it has, in memory or in swap space. O(pages in swap space)."""
        return len(self.pages) + sum(index not in self.pages for index in self.swapped)

    def count_again(self) -> None:
        """Note that pages were removed: the pages they hid, and those that shadows still need, must be recounted."""
        for one in (self, *self.shadows):
            one.left_behind = None

    def write_back(self, index: int, content: bytes) -> None:
        """Have the pager keep a page's bytes; only a file does."""

    def reference(self, entry: MappingEntry | None = None) -> None:
        """Count another entry that maps it: this one, if it is already known."""
        self.references += 1

    def release(self, entry: MappingEntry | None = None) -> None:
        """Count one entry less; after the last, the pages return to the pager."""
        self.references -= 1
        if self.references == 0:
            for frame in self.pages.values():
                self.pager.release(frame)
            self.pages.clear()

    def discard(self) -> None:
        """Remove the object before anything has referred to it."""

    def fault_page(self, offset: int, protection: int, access: int, task: str = "") -> Translation:
        """Return the page at `offset` for an access, brought in if necessary; `protection` is the entry's.

        Raises NOMEM if the pager has no memory.
        """
        cache, frame = self.bring(offset, task)
        return Translation(frame, protection, cache)

    def found(self, offset: int, protection: int) -> Translation | None:
        """Return what an access to `offset` would find in memory now, or None; nothing is brought in."""
        return self.resident(offset, protection)

    def resident(self, offset: int, protection: int) -> Translation | None:
        """Return the object's own page at `offset`, if it is in memory."""
        frame = self.page(offset)
        return None if frame is None else Translation(frame, protection)

    def rights_of_all(self, protection: int) -> int:
        """Return the permissions with which all its pages may be mapped if an entry allows `protection`."""
        return protection

    def note_wired(self, pages: range, change: int) -> None:
        """Change the number of entries that keep these pages in memory."""

    def page(self, offset: int) -> int | None:
        """Return the frame of the page at `offset` (bytes), if the object has it."""
        return self.pages.get(offset >> PAGE_SHIFT)

    def makes(self, offset: int) -> bool:
        """Return whether a pager makes the page at `offset`: then it can be dropped, and made again unchanged."""
        return self.page(offset) is None

    def drop(self, offset: int) -> None:
        """Return the page at `offset` to the pager."""
        self.pager.release(self.pages.pop(offset >> PAGE_SHIFT))

    def ask_pager(self, offset: int) -> int | None:
        """Return the frame that the pager supplies for `offset`, now the object's; None if there is no memory."""
        frame = self.pager.get_page(self, offset)
        if frame is not None:
            self.pages[offset >> PAGE_SHIFT] = frame
        return frame

    def bring(self, offset: int, task: str = "") -> tuple[str, int]:
        """Return the frame of the page at `offset`, and "hit" if it was in memory, "miss" if the pager supplied it.

        Raises NOMEM if the pager has no memory.
        """
        frame, cache = self.page(offset), "hit"
        if frame is None:
            frame, cache = self.ask_pager(offset), "miss"
        emit = self.recorder.emit
        if emit is not None:
            emit(
                (PagerAsked.tag, self.name, offset, -1 if frame is None else frame, "NOMEM" if frame is None else cache)
            )
        if frame is None:
            why = f"the pager of {self.name!r} has no page for offset {offset:#x}"
            raise kernel_error("NOMEM", why)
        return cache, frame

    def run(self, offset: int, count: int, task: str = "") -> int | None:
        """Return the first frame of `count` pages from `offset` on, if they are contiguous and aligned, or None.

        If the object has none of them, the pager is asked for new contiguous ones, which it may not have. O(count).
        """
        first = offset >> PAGE_SHIFT
        frames = [self.pages.get(index) for index in range(first, first + count)]
        begin = frames[0]
        if begin is not None:
            in_one_piece = not begin % count and all(frame == begin + at for at, frame in enumerate(frames))
            return begin if in_one_piece else None
        if any(frame is not None for frame in frames) or not isinstance(self.pager, RunPager):
            return None
        fresh = self.pager.get_run(self, offset, count, task)
        if fresh is not None:
            self.pages.update({first + at: fresh + at for at in range(count)})
        return fresh


class FreeBSDObject(VmObject):
    """A memory object of FreeBSD's kernel maps: kernel_object, kmem_object, or an anonymous one; `size` in pages.

    Its creator has a reference, which is never dropped for a `permanent` object.
    """

    def __init__(self, name: str, pager: Pager, size: int, *, permanent: bool = False) -> None:
        super().__init__(name, pager)
        self.size = size
        self.permanent = permanent
        self.references = 1

    def can_grow_behind(self, end_page: int) -> bool:
        """Return whether an entry that ends before page `end_page` may grow in it (FreeBSD `vm_object_coalesce`).

        Only anonymous memory grows; if other entries map it too, only at its very end.
        """
        return not self.permanent and (self.references == 1 or end_page == self.size)

    def pages_between(self, first: int, last: int) -> list[int]:
        """Return the numbers of its pages from `first` on and before `last`, in ascending order."""
        if last - first > len(self.pages):
            return sorted(pindex for pindex in self.pages if first <= pindex < last)
        return [pindex for pindex in range(first, last) if pindex in self.pages]

"""Memory objects: the pages behind mappings, by offset (X15 `vm_object`, `vm_anon`; FreeBSD `vm_object`)."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

from ...base.errors import kernel_error
from ...base.recorder import Recorder
from ...base.units import PAGE_SHIFT
from .objects_schema import PagerAsked


class Pager(Protocol):
    """Where the pages of an object come from."""

    def get_page(self, target: Any, offset: int) -> int | None:
        """A frame for the page of `target` at `offset` (bytes), or none when there is no memory."""

    def release(self, frame: int) -> None:
        """Take back a frame that the object no longer holds."""


@runtime_checkable
class RunPager(Pager, Protocol):
    """A pager that may have memory in one piece, for large pages."""

    def get_run(self, target: Any, offset: int, count: int, task: str) -> int | None:
        """The first of `count` neighbouring frames for the pages of `target` from `offset` on, aligned, or none."""


class PagerFailed(Exception):
    """The cause of a NOMEM that comes from a pager, to distinguish it from others."""


class MappingEntry(Protocol):
    """An entry, as far as an object that it maps goes."""

    start: int
    end: int
    offset: int


class Translation(NamedTuple):
    """A page as it is to be mapped: in which frame, with which rights, and "hit" if it was there, "miss" if it came.

    Rights are an entry's, and less where the page is another object's too, or has to be noticed when it is written.
    """

    frame: int
    rights: int
    cache: str = "hit"


class VmObject:
    """Pages by number, and a count of the entries that map them.

    `pages` is what the original keeps in a radix tree: offset >> 12 to frame.  Once neither an entry nor its creator
    has a reference, the pages return to the pager.  `task` says for which task a page is brought, "" for none; that
    matters where pages count for tasks.
    """

    def __init__(self, name: str, pager: Pager) -> None:
        self.name = name
        self.pager = pager
        self.pages: dict[int, int] = {}
        self.references = 0

    def reference(self, entry: MappingEntry | None = None) -> None:
        """One more entry maps it: this one, where it is known already."""
        self.references += 1

    def release(self, entry: MappingEntry | None = None) -> None:
        """One entry fewer maps it; with the last, the pages return to the pager."""
        self.references -= 1
        if self.references == 0:
            for frame in self.pages.values():
                self.pager.release(frame)
            self.pages.clear()

    def discard(self) -> None:
        """Be gone before anything ever referred to it."""

    def translation(self, offset: int, protection: int, access: int, recorder: Recorder, task: str = "") -> Translation:
        """The page at `offset` for an access, brought if it is not there; `protection` is what the entry allows.

        NOMEM when its pager has none.
        """
        cache, frame = self.bring(offset, recorder, task)
        return Translation(frame, protection, cache)

    def found(self, offset: int, protection: int) -> Translation | None:
        """Return what an access to `offset` would find in memory now, or none; nothing is brought."""
        return self.resident(offset, protection)

    def resident(self, offset: int, protection: int) -> Translation | None:
        """Its own page at `offset`, if that is in memory."""
        frame = self.page(offset)
        return None if frame is None else Translation(frame, protection)

    def rights_of_all(self, protection: int) -> int:
        """The rights with which all its pages may be mapped where an entry allows `protection`."""
        return protection

    def note_wired(self, pages: range, change: int) -> None:
        """So many entries more hold these pages in memory."""

    def page(self, offset: int) -> int | None:
        """The frame of the page at `offset` (bytes), if the object has it."""
        return self.pages.get(offset >> PAGE_SHIFT)

    def makes(self, offset: int) -> bool:
        """Say whether a pager makes the page at `offset`: then it can be dropped, and comes back the same."""
        return self.page(offset) is None

    def drop(self, offset: int) -> None:
        """Return the page at `offset` to the pager."""
        self.pager.release(self.pages.pop(offset >> PAGE_SHIFT))

    def ask_pager(self, offset: int) -> int | None:
        """The frame that the pager supplies for `offset`, now the object's; none when there is no memory."""
        frame = self.pager.get_page(self, offset)
        if frame is not None:
            self.pages[offset >> PAGE_SHIFT] = frame
        return frame

    def bring(self, offset: int, recorder: Recorder, task: str = "") -> tuple[str, int]:
        """The frame of the page at `offset`, and where it came from: "hit", it was there, "miss", from the pager.

        NOMEM when its pager has none.
        """
        frame, cache = self.page(offset), "hit"
        if frame is None:
            frame, cache = self.ask_pager(offset), "miss"
        emit = recorder.emit
        if emit is not None:
            emit(
                (PagerAsked.tag, self.name, offset, -1 if frame is None else frame, "NOMEM" if frame is None else cache)
            )
        if frame is None:
            why = f"the pager of {self.name!r} has no page for offset {offset:#x}"
            raise kernel_error("NOMEM", why) from PagerFailed()
        return cache, frame

    def run(self, offset: int, count: int, task: str = "") -> int | None:
        """The first frame of `count` pages from `offset` on, if they are in one piece and aligned, or none.

        Of an object that has none of them the pager is asked for fresh ones, if it has memory in one piece.  O(count).
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

    Its creator has a reference.  A `permanent` one keeps that for ever.
    """

    def __init__(self, name: str, pager: Pager, size: int, *, permanent: bool = False) -> None:
        super().__init__(name, pager)
        self.size = size
        self.permanent = permanent
        self.references = 1

    def can_grow_behind(self, end_page: int) -> bool:
        """Say whether an entry that ends before page `end_page` may grow in it (FreeBSD `vm_object_coalesce`).

        Only anonymous memory grows; where other entries map it too, only at its very end.
        """
        return not self.permanent and (self.references == 1 or end_page == self.size)

    def pages_between(self, first: int, last: int) -> list[int]:
        """Numbers of the pages that it has from `first` on and before `last`, rising."""
        if last - first > len(self.pages):
            return sorted(pindex for pindex in self.pages if first <= pindex < last)
        return [pindex for pindex in range(first, last) if pindex in self.pages]

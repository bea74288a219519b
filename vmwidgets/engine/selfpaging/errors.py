"""Errors of a self-paging program: chains of names.  Each caller pushes its own name onto the error that it met.

The names are Barrelfish's (lib/barrelfish, kernel; 15 August 2016).  The original packs a chain into one word, where
three names survive on a 32-bit machine; here all are kept.  This file also has the undo after an error
(:class:`UndoLog`), and the quirks, which are the original's bugs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ..base.errors import KernelError

MEANINGS = {
    # the pmap
    "LIB_ERR_PMAP_DO_MAP": "the range could not be mapped",
    "LIB_ERR_PMAP_UNMAP": "the range could not be unmapped",
    "LIB_ERR_PMAP_MODIFY_FLAGS": "the flags of the range could not be changed",
    "LIB_ERR_PMAP_LOOKUP": "nothing is mapped at that address",
    "LIB_ERR_PMAP_EXISTING_MAPPING": "another mapping is in the way",
    "LIB_ERR_PMAP_FIND_VNODE": "no mapping of the pmap fits the range",
    "LIB_ERR_PMAP_FRAME_IDENTIFY": "the frame could not be identified",
    "LIB_ERR_PMAP_FRAME_SIZE": "the frame is smaller than what is to be mapped of it",
    "LIB_ERR_PMAP_GET_PTABLE": "there is no table for the address, and none could be made",
    "LIB_ERR_PMAP_MAP": "a table could not be put into the table above it",
    "LIB_ERR_PMAP_DESERIALISE": "the bytes are not those of a pmap that could be mapped here",
    # the slab
    "LIB_ERR_SLAB_REFILL": "no further blocks for vnodes are available",
    "LIB_ERR_SLAB_ALLOC_FAIL": "the slab has no free block",
    "LIB_ERR_MALLOC_FAIL": "the heap has no memory",
    # capabilities, slots, memory
    "LIB_ERR_SLOT_ALLOC": "no slot is available",
    "LIB_ERR_SLOT_ALLOC_NO_SPACE": "the slot allocator has no free slot",
    "LIB_ERR_SLOT_FREE": "the slot could not be freed",
    "LIB_ERR_VNODE_CREATE": "the table could not be made",
    "LIB_ERR_VNODE_MAP": "the kernel did not write the entries",
    "LIB_ERR_VNODE_UNMAP": "the kernel did not clear the entries",
    "LIB_ERR_FRAME_ALLOC": "no frame is available",
    "LIB_ERR_RAM_ALLOC": "no RAM is available",
    "LIB_ERR_RAM_ALLOC_MS_CONSTRAINTS": "no RAM of that size is available",
    "MM_ERR_NOT_FOUND": "the memory server has no such region left",
    "LIB_ERR_CAP_DELETE": "the capability could not be deleted",
    "LIB_ERR_CAP_COPY_FAIL": "the capability could not be copied",
    "LIB_ERR_CAP_RETYPE": "the capability could not be retyped",
    "LIB_ERR_CAP_MINT": "the capability could not be minted",
    "LIB_ERR_CAP_REVOKE": "the capability could not be revoked",
    # the vspace
    "LIB_ERR_VSPACE_REGION_OVERLAP": "the region overlaps another one of the vspace",
    "LIB_ERR_VSPACE_VREGION_NOT_FOUND": "no region of the vspace covers that address",
    "LIB_ERR_OUT_OF_VIRTUAL_ADDR": "no free range of addresses is big enough",
    # memory objects
    "LIB_ERR_MEMOBJ_VREGION_ALREADY_MAPPED": "the memory object has its region already",
    "LIB_ERR_MEMOBJ_DUPLICATE_FILL": "that part of the memory object has its frame already",
    "LIB_ERR_MEMOBJ_UNDER_FILLED": "that part of the memory object has no frame",
    "LIB_ERR_MEMOBJ_WRONG_OFFSET": "that offset is outside the memory object, or no border of its frames",
    "LIB_ERR_MEMOBJ_MAP_REGION": "the memory object could not map its region",
    "LIB_ERR_MEMOBJ_UNMAP_REGION": "the memory object could not unmap its region",
    "LIB_ERR_MEMOBJ_PROTECT": "the memory object could not change the flags of its region",
    # the kernel
    "SYS_ERR_CAP_NOT_FOUND": "the slot holds no capability that the program can invoke",
    "SYS_ERR_SLOT_IN_USE": "the slot holds a capability already",
    "SYS_ERR_ILLEGAL_INVOCATION": "a capability of that type has no such operation",
    "SYS_ERR_INVALID_RETYPE": "a capability of that type can't become one of the other",
    "SYS_ERR_REVOKE_FIRST": "the memory has been retyped already: revoke first",
    "SYS_ERR_DEST_CNODE_LOOKUP": "the destination cnode was not found",
    "SYS_ERR_DEST_TYPE_INVALID": "the capability is not a table that this can be put into",
    "SYS_ERR_WRONG_MAPPING": "the mapping belongs to another table",
    "SYS_ERR_VNODE_SLOT_INVALID": "the table has no such entry",
    "SYS_ERR_VNODE_SLOT_INUSE": "the entry is in use",
    "SYS_ERR_VNODE_SLOT_RESERVED": "the entry is in the kernel's half of the addresses",
    "SYS_ERR_VNODE_NOT_INSTALLED": "the entries of the mapping are clear already",
    "SYS_ERR_VM_MAP_SIZE": "the entries go on beyond the end of the table",
    "SYS_ERR_VM_MAP_RIGHTS": "the capability does not carry the rights that were asked for",
    "SYS_ERR_VM_MAP_OFFSET": "the offset into the frame is not a multiple of the page",
    "SYS_ERR_VM_FRAME_TOO_SMALL": "the frame ends before the mapping does",
    "SYS_ERR_FRAME_OFFSET_INVALID": "the offset is outside the table's memory, or on no border of a table",
}
"""Every name that is used, with its meaning."""

CODES = {name: code for code, name in enumerate(MEANINGS, 1)}
"""Our own consecutive numbers: the original's change with every release, and have no meaning."""


class LibError(KernelError):
    """An error of the program's library or of the kernel under it; `stack` has the names, outermost first.

    `detail` says what was wrong with this request, if the names don't.

    >>> error = LibError("SYS_ERR_VM_MAP_SIZE", "18 entries from entry 255 on").push("LIB_ERR_VNODE_MAP")
    >>> error.stack, error.name
    (('LIB_ERR_VNODE_MAP', 'SYS_ERR_VM_MAP_SIZE'), 'LIB_ERR_VNODE_MAP')
    >>> print(error)
    LIB_ERR_VNODE_MAP: the kernel did not write the entries (SYS_ERR_VM_MAP_SIZE: 18 entries from entry 255 on)
    """

    def __init__(self, name: str, detail: str = "", causes: tuple[str, ...] = ()) -> None:
        super().__init__(name, CODES[name], _reason(name, detail, causes))
        self.stack = (name, *causes)
        self.detail = detail

    def push(self, name: str) -> LibError:
        """Return the error of a caller that met this one."""
        return LibError(name, self.detail, self.stack)


def chain(*names: str, detail: str = "") -> LibError:
    """Return an error with this stack, outermost first.

    >>> chain("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE").stack
    ('LIB_ERR_PMAP_UNMAP', 'LIB_ERR_PMAP_FIND_VNODE')
    """
    return LibError(names[0], detail, names[1:])


def _reason(name: str, detail: str, causes: tuple[str, ...]) -> str:
    if not causes:
        return detail or MEANINGS[name]
    reasons = [f"{cause}: {MEANINGS[cause]}" for cause in causes]
    if detail:
        reasons[-1] = f"{causes[-1]}: {detail}"
    return f"{MEANINGS[name]} ({'; '.join(reasons)})"


class pushing:  # noqa: N801  used as a statement: `with pushing(name):`
    """Push a caller's name onto any error that leaves this block."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, LibError):
            raise error.push(self._name) from None


# ---- undo --------------------------------------------------------------------------------------


class UndoLog:
    """All or nothing: the steps that undo what a request has done so far.

    An error in its block runs the steps that were added in the block, the latest first. Blocks may be nested: when an
    inner one is done, no error undoes it any longer. `report` is called with the error if something was undone. With
    `keep`, nothing is undone: that is a quirk.

    >>> done: list[int] = []
    >>> with UndoLog() as log:
    ...     done.append(1)
    ...     log.add(done.pop)
    ...     raise LibError("MM_ERR_NOT_FOUND")
    Traceback (most recent call last):
    vmwidgets.engine.selfpaging.errors.LibError: MM_ERR_NOT_FOUND: the memory server has no such region left
    >>> done
    []
    """

    __slots__ = ("_begun", "_keep", "_report", "_steps")

    def __init__(self, report: Callable[[LibError], object] | None = None, *, keep: bool = False) -> None:
        self._steps: list[Callable[[], object]] = []
        self._begun: list[int] = []
        """For each block in progress, the number of steps before it."""
        self._report = report
        self._keep = keep

    def add(self, step: Callable[..., object], *given: Any) -> None:
        """Add `step`, which undoes something that was done; it is called with what is `given`."""
        self._steps.append(partial(step, *given))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Do the same for a block inside a step of another: its error is not reported."""
        report, self._report = self._report, None
        try:
            with self:
                yield
        finally:
            self._report = report

    def __enter__(self) -> UndoLog:
        self._begun.append(len(self._steps))
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        begun = self._begun.pop()
        mine = self._steps[begun:]
        try:
            if isinstance(error, LibError) and mine and not self._keep:
                for step in reversed(mine):
                    step()
                if self._report is not None:
                    self._report(error)
        finally:
            del self._steps[begun:]  # with those that the steps themselves added


# ---- quirks ------------------------------------------------------------------------------------

MODIFY_FLAGS_LOST = "modify-flags-lost"
FIRST_TABLE_DECIDES = "first-table-decides"
RETOFF_AFTER_SPLIT = "retoff-after-split"
FRAME_OVERRUN = "frame-overrun"
LARGE_FALLBACK_NOT_SPLIT = "large-fallback-not-split"
TABLE_MAPPING_SLOT_LEAK = "table-mapping-slot-leak"
MAP_NOT_UNDONE = "map-not-undone"
RAW_WRONG_WINDOW = "raw-wrong-window"

BARRELFISH_QUIRKS = {
    MODIFY_FLAGS_LOST: "modify_flags passes no flags on: none for the first piece of a range, READ for later ones",
    FIRST_TABLE_DECIDES: "only the newest table in a section's way is asked whether it is empty; all are removed",
    RETOFF_AFTER_SPLIT: "a map over several tables reports the offset of its last piece",
    FRAME_OVERRUN: "the size alone is compared with the frame's, so an offset reaches beyond its end",
    LARGE_FALLBACK_NOT_SPLIT: "LARGE that falls back to small pages is not split at the end of a table",
    TABLE_MAPPING_SLOT_LEAK: "removing an empty table forgets the slot of its Mapping",
    MAP_NOT_UNDONE: "what a map, an unmap or a refill did before it failed stays done",
    RAW_WRONG_WINDOW: "determine_addr_raw looks at entries of 1 MiB and answers as if they were 4 MiB",
}
"""Name and meaning."""

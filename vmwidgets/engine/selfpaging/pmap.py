"""The pmap: the library in a program that maps its own memory, a kernel writing each entry it asks for.

Barrelfish's for ARM, as of August 2016, over any format of :mod:`.layouts`.  All or nothing: an error leaves mappings,
slots, blocks and tables as they were, but for turns of a refill that were complete.
"""

from __future__ import annotations

from typing import NamedTuple

from ..base.domain_values import CapRef, SlabValue, VnodeValue
from ..base.errors import Refused
from ..base.recorder import Recorder
from ..base.units import PAGE, Address, Size
from .check import check
from .core import PmapCore, acting, pushing
from .errors import LibError, chain
from .flags import FLAGS, flag_names, kernel_flags, remembered
from .invocations import Invocations
from .layouts import PmapLayout
from .looking import leaf_at
from .mapping import do_map, map_request
from .modifying import modify_range
from .pieces import Mapped, Part, exact_parts, slabs_wanted
from .placement import determine_addr, determine_addr_raw
from .quirks import BARRELFISH_QUIRKS
from .refill import have_slabs
from .serialise import deserialise, serialise
from .snapshot import WordAt, snapshot
from .unmapping import unmap_range
from .vspace import Vregion, Vspace


class Found(NamedTuple):
    """What lookup tells: the leaf [va, va + size) that covers an address, and the frame's bytes it shows."""

    va: int
    size: int
    frame: CapRef
    offset: int
    flags: int

    def __repr__(self) -> str:
        flags = " ".join(flag_names(self.flags)) or "no access"
        where = f"{Address(self.va)}–{Address(self.va + self.size)}"
        return f"<{where} {Size(self.size)}: {self.frame} from byte {self.offset:#x}, {flags}>"


class Pmap:
    """One program's pmap; `world` does what it asks for, `quirks` bring bugs of the original back.

    `current`: it is the running program's own; else its blocks come from the heap.  `root` is the root table's
    capability, at physical `root_base`; `foreign_root`: that lies in another cspace, so that a copy is invoked.
    """

    def __init__(
        self,
        world: Invocations,
        recorder: Recorder,
        name: str,
        layout: PmapLayout,
        root: CapRef,
        root_base: int,
        *,
        current: bool = True,
        foreign_root: bool = False,
        quirks: frozenset[str] = frozenset(),
    ) -> None:
        unknown = quirks - set(BARRELFISH_QUIRKS)
        if unknown:
            raise Refused(
                f"{', '.join(sorted(unknown))}: no quirk of the pmap; known are {', '.join(BARRELFISH_QUIRKS)}"
            )
        self.vspace = Vspace(recorder, name)
        self.core = PmapCore(
            world, recorder, name, layout, root, root_base, self.vspace, current=current, quirks=quirks
        )
        pmap_init(self.core, foreign_root)
        if current:
            pmap_current_init(self.core)

    # ---- mapping -----------------------------------------------------------------------------

    def map(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
        """Map `size` bytes of a frame from byte `offset` on at `va`; the offset and bytes that came of it.

        Both are widened to whole pages: of 1 MiB (x86-64: 2 MiB), if `flags` have LARGE and address and frame allow.
        """
        return map_frame(self.core, va, frame, offset, size, flags)

    def unmap(self, va: int, size: int) -> int:
        """Unmap what one call mapped at `va`, or its part in one table; the bytes that were unmapped."""
        return unmap(self.core, va, size)

    def modify_flags(self, va: int, size: int, flags: int) -> int:
        """Give what is mapped in [va, va + size) other flags; the bytes that were changed."""
        return modify_flags(self.core, va, size, flags)

    def lookup(self, va: int) -> Found:
        """What is mapped at `va`; LIB_ERR_PMAP_LOOKUP if nothing is.  O(levels)."""
        return lookup(self.core, va)

    def exact_parts(self, va: int, frame: CapRef, offset: int, size: int, flags: int) -> list[Part]:
        """The calls of :meth:`map` that show whole pages of a frame at `va` and nothing beyond; nothing changes.

        Where large pages are asked for, whole ones that lie inside are large; LIB_ERR_PMAP_FRAME_IDENTIFY.
        """
        with pushing("LIB_ERR_PMAP_FRAME_IDENTIFY"):
            identity = self.core.world.frame_identify(frame)
        return exact_parts(self.core.layout, identity, Part(va, offset, size, flags))

    # ---- placing -----------------------------------------------------------------------------

    def determine_addr(self, size: int, alignment: int = 0) -> int:
        """Where the vspace has room; see :func:`.placement.determine_addr`."""
        return determine_addr(self.core, _positive(size), alignment)

    def determine_addr_raw(self, size: int, alignment: int = 0) -> int:
        """Where the root has free entries; see :func:`.placement.determine_addr_raw`."""
        return determine_addr_raw(self.core, _positive(size), alignment)

    # ---- carrying over -----------------------------------------------------------------------

    def serialise(self) -> bytes:
        """Regions and leaves as bytes, for the pmap of another program; see :mod:`.serialise`."""
        return serialise(self.core)

    def deserialise(self, data: bytes = b"") -> None:
        """Take in what :meth:`serialise` gave, into a pmap that maps nothing; without bytes nothing is done."""
        if data:
            deserialise(self.core, self, data)

    # ---- looking -----------------------------------------------------------------------------

    @property
    def meta_used(self) -> int:
        """Bytes of the region for slab frames that were handed out."""
        return self.core.meta_used

    def tree(self, word_at: WordAt | None = None) -> VnodeValue:
        """The shadow tree; `word_at` reads descriptors from RAM."""
        return snapshot(self.core, word_at)

    def slab(self) -> SlabValue:
        """The slab of the vnodes."""
        return self.core.slab.snapshot()

    def check(self, word_at: WordAt | None = None) -> None:
        """All invariants; with `word_at` against the tables in RAM too: :mod:`.check`."""
        check(self.core, word_at)


@acting
def pmap_init(core: PmapCore, foreign_root: bool) -> None:
    """The buffer that a pmap brings along joins its slab; the root can be invoked."""
    core.slab.grow(0, core.layout.slab_buffer_bytes)
    if not foreign_root:
        return
    copy = core.slot_alloc()
    try:
        with pushing("LIB_ERR_CAP_COPY_FAIL"):
            core.world.cap_copy(copy, core.root.cap)
    except LibError:
        core.slot_free(copy)
        raise
    core.root.invokable = copy


@acting
def pmap_current_init(core: PmapCore) -> None:
    """The region for slab frames: the vspace's first."""
    core.vspace.add(Vregion(core.vspace.new_id(), core.layout.vspace_begin, core.layout.meta_data_bytes))


def map_frame(core: PmapCore, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
    """The map function: enough blocks first, then the mapping itself."""
    if va < 0 or va % PAGE:
        raise Refused(
            f"map at {Address(va) if va >= 0 else va}: an address that begins a page of {PAGE} bytes is needed"
        )
    if offset < 0:
        raise Refused(f"map from offset {offset}: a frame begins at 0")
    kernel_flags(remembered(flags))
    return _map(core, va, frame, offset, _positive(size), flags)


@acting
def _map(core: PmapCore, va: int, frame: CapRef, offset: int, size: int, flags: int) -> Mapped:
    with pushing("LIB_ERR_PMAP_FRAME_IDENTIFY"):
        identity = core.world.frame_identify(frame)
    request = map_request(core, va, frame, identity, offset, size, flags)
    have_slabs(core, slabs_wanted(core.layout, request.level, va, size, request.size))
    return do_map(core, request)


@acting
def unmap(core: PmapCore, va: int, size: int) -> int:
    """The unmap function."""
    if size <= 0:
        raise chain("LIB_ERR_PMAP_UNMAP", "LIB_ERR_PMAP_FIND_VNODE", detail=f"{size} bytes are no mapping")
    return unmap_range(core, va, size)


@acting
def modify_flags(core: PmapCore, va: int, size: int, flags: int) -> int:
    """The modify_flags function."""
    if size <= 0:
        names = ("LIB_ERR_PMAP_MODIFY_FLAGS", "LIB_ERR_PMAP_FIND_VNODE")
        raise chain(*names, detail=f"{size} bytes are no range of a mapping")
    return modify_range(core, va, size, flags)


@acting
def lookup(core: PmapCore, va: int) -> Found:
    """The lookup function: the original has none."""
    leaf = leaf_at(core, va)
    if leaf is None:
        raise LibError("LIB_ERR_PMAP_LOOKUP")
    return Found(leaf.va, leaf.end - leaf.va, leaf.cap, leaf.offset, leaf.flags)


def _positive(size: int) -> int:
    if size <= 0:
        raise Refused(f"a range of {size} bytes: at least one is needed")
    return size


__all__ = ["FLAGS", "Found", "Mapped", "Pmap"]

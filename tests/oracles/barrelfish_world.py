"""The recorder's rules for RAM, with the real CPU driver: the environment of the pmap in a Barrelfish trace."""

from __future__ import annotations

from tests.oracles.barrelfish_events import FOREIGN_CNODE
from tests.oracles.reader import Record
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.memory.ram import Ram
from vmwidgets.engine.mmu.formats.armv7 import ARMV7
from vmwidgets.engine.selfpaging.capabilities import (
    FRAME_CNODE,
    PAGE_CNODE,
    ROOT_TABLE,
    SLOT_CNODE,
    Cspace,
    SlotAllocator,
)
from vmwidgets.engine.selfpaging.cpu_driver import CpuDriver
from vmwidgets.engine.selfpaging.domain_schema import CapRef

RAM_BYTES = 1 << 36
"""The size of RAM: more than any recorded address."""

_FRAMES = 1 << 64
_L1_BYTES = 16384


class RisingMemory:
    """Allocate tables from one address on, and frames from another.

    Nothing is reused, and some requests are made to fail.
    """

    def __init__(self, setup: Record) -> None:
        self._table = setup["l2_phys_first"]
        self._step = setup["l2_alloc_bytes"]
        self._frame = setup["meta_phys_first"]
        self.failing = 0
        """The number of next requests that fail."""

    def allocate(self, size: int, align: int, purpose: str) -> int | None:
        """Return the next address for a "table" or a "frame"."""
        if self.failing:
            self.failing -= 1
            return None
        if purpose == "table":
            base = self._table
            self._table += self._step
            return int(base)
        base = -(-self._frame // size) * size
        self._frame = base + size
        return int(base)

    def free(self, base: int, size: int) -> None:
        """Free nothing: the recorder reused nothing."""


class TracedWorld:
    """RAM, capabilities and slots for one pmap, with the root table at the recorder's place."""

    def __init__(self, name: str, setup: Record, recorder: Recorder, quirks: frozenset[str]) -> None:
        self.ram = Ram(RAM_BYTES)
        self.memory = RisingMemory(setup)
        self.cspace = Cspace()
        end = setup["slot_first"] + setup["slot_count"]
        for cnode, slots in ((PAGE_CNODE, 1), (SLOT_CNODE, end), (FRAME_CNODE, _FRAMES)):
            self.cspace.add(cnode, slots)
        self.cspace.add(FOREIGN_CNODE, 1, own=False)
        first, count = setup["slot_first"], setup["slot_count"]
        self.slots = SlotAllocator(recorder, name, self.cspace.cnodes[SLOT_CNODE], first, count)
        self.kernel = CpuDriver(name, self.cspace, self.ram, ARMV7, self.memory, recorder, quirks=quirks)
        self.root = ROOT_TABLE if setup["current"] else CapRef(FOREIGN_CNODE, 0)
        self.kernel.install(self.root, "VNode_ARM_l1", setup["l1_phys"], _L1_BYTES)

    def frame(self, record: Record) -> CapRef:
        """Return the frame of a recorded map; its capability is created at its first use, unless it is unknown."""
        ref, base, size = CapRef(FRAME_CNODE, record["frame"]), record["frame_base"], record["frame_size"]
        known = not self.cspace.is_empty(ref)
        if base is None or size is None:
            if known:
                raise ValueError(f"frame {record['frame']} is unknown here, and was there before")
            return ref
        if not known:
            self.kernel.install(ref, "Frame", base, size)
        found = self.kernel.frame_identify(ref)
        if (found.base, found.bytes) != (base, size):
            raise ValueError(f"frame {record['frame']} lies elsewhere than before")
        return ref

    def tables(self) -> list[int]:
        """The physical addresses of the existing second-level tables."""
        objects = self.kernel.database.objects.values()
        return [one.base for one in objects if one.kind.name == "VNode_ARM_l2"]

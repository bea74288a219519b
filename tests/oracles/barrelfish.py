"""Barrelfish's recorded runs (August 2016): each recorded operation done on our pmap, with our CPU driver.

The recorder's substitutes are in `barrelfish_world.py`, its names for events in `barrelfish_events.py`, and its names
for state in `barrelfish_state.py`.  None of these is in the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.oracles.barrelfish_events import recorded
from tests.oracles.barrelfish_state import leaves, tables, tree
from tests.oracles.barrelfish_world import TracedWorld
from tests.oracles.compare import MISSING, Difference, differences
from tests.oracles.reader import Record
from vmwidgets.engine.base.errors import Refused
from vmwidgets.engine.base.recorder import Raw, Recorder
from vmwidgets.engine.mmu.editor import TableEditor
from vmwidgets.engine.mmu.formats.armv7 import ARMV7 as FORMAT
from vmwidgets.engine.selfpaging.cpu_driver import ENCODINGS
from vmwidgets.engine.selfpaging.domain_schema import Vregion
from vmwidgets.engine.selfpaging.errors import LibError
from vmwidgets.engine.selfpaging.flags import VREGION_FLAGS, kernel_flags
from vmwidgets.engine.selfpaging.layouts import ARMV7, PagingLayout
from vmwidgets.engine.selfpaging.memobj import deserialise, serialise
from vmwidgets.engine.selfpaging.pmap import DomainPmap
from vmwidgets.engine.selfpaging.shadow_tree import tree_snapshot

STOPPED = ("ASSERT", "PANIC")
"""The value of `error` if the original's program or kernel stopped."""

_NAME = "traced"
_OK: Record = {"error": None}
_STATE_EVERY = 10
_RESULTS = ("error", "retoff", "retsize", "vaddr")


class BarrelfishReplay:
    """One trace's pmap and its environment.

    A trace of the original's bugs is compared completely until our correct pmap is in another state: from there to the
    next reset, only values that the recording calls correct are compared.  `quirks` switch the bugs on.
    """

    def __init__(self, header: Record, quirks: frozenset[str] = frozenset()) -> None:
        self._quirks = quirks
        self._events: list[Raw] = []
        self._before: set[tuple[Any, ...]] = set()
        self.diverged = False
        """Whether the original's state has differed from ours since the last reset."""
        self._header_setup: Record = header["setup"]
        self._reset({"setup": {}})

    def at_start(self) -> list[Difference]:
        """Return the differences from the header's `init`, which records how the pmap was created."""
        done = {"result": _OK, "events": recorded(self._events)}
        return differences(self._header_setup["init"], done, "setup.init")

    def run(self, record: Record) -> Any:
        """Do one recorded operation; returns its result in the recording's form."""
        self._events.clear()
        if "correct" in record:
            self._before = self._leaves()
        operation: Callable[[Record], Record] = getattr(self, f"_{record['op']}")
        try:
            result = operation(record)
        except LibError as error:
            return {"error": error.name, "stack": list(error.stack)}
        except Refused as refused:
            return {"error": "refused", "stack": [f"{refused}"]}
        if "retoff" not in record["result"] and record["result"]["error"] is None:
            result = {name: value for name, value in result.items() if name != "retoff"}
        return result

    def beside(self) -> Record:
        """Return the operation's events, if it had any."""
        return {"events": recorded(self._events) or MISSING}

    def state(self) -> Record:
        """Return the full state: tree, slab, slots, regions, and the tables in RAM."""
        world, slab = self.world, self.pmap.slab
        return {
            "tree": tree(tree_snapshot(self.pmap.tree)),
            "slab_free": slab.free_blocks,
            "slab_total": slab.total,
            "slots_used": len(world.slots.used),
            "meta_used": self.pmap.meta_used,
            "vregions": [[region.base, region.size] for region in self.pmap.vspace],
            "tables": tables(world.ram, self._setup["l1_phys"], world.tables()),
        }

    def state_due(self, record: Record) -> bool:
        """Return whether the recording has a full state after this operation."""
        due = record["i"] % _STATE_EVERY == _STATE_EVERY - 1 and record["op"] != "reset"
        return due and record["result"]["error"] not in STOPPED

    def partly(self, record: Record, result: Any) -> list[Difference] | None:
        """Return the differences of an operation that is compared in part; None if it is compared completely."""
        if record["op"] == "reset":
            return None
        self.diverged = self.diverged or "diverges" in record
        found = self._differences_from_correct(record, result) if "correct" in record else []
        if self.diverged:
            return found
        if "quirk" not in record:
            return None
        if record["result"]["error"] is None and record.get("correct", _OK)["error"] is None:
            found += differences(record.get("events", MISSING), self.beside()["events"], "events")
            found += differences(record["state"], self.state(), "state") if "state" in record else []
        return found

    # ---- operations --------------------------------------------------------------------------

    def _map(self, record: Record) -> Record:
        flags = sum(VREGION_FLAGS[name] for name in record["flags"])
        frame = self.world.frame(record)
        done = self.pmap.map(record["vaddr"], frame, record["offset"], record["size"], flags)
        return {**_OK, "retoff": done.retoff, "retsize": done.retsize}

    def _unmap(self, record: Record) -> Record:
        return {**_OK, "retsize": self.pmap.unmap(record["vaddr"], record["size"])}

    def _modify_flags(self, record: Record) -> Record:
        flags = sum(VREGION_FLAGS[name] for name in record["flags"])
        return {**_OK, "retsize": self.pmap.modify_flags(record["vaddr"], record["size"], flags)}

    def _determine_addr(self, record: Record) -> Record:
        return {**_OK, "vaddr": self.pmap.determine_addr(record["size"], record["alignment"])}

    def _determine_addr_raw(self, record: Record) -> Record:
        return {**_OK, "vaddr": self.pmap.determine_addr_raw(record["size"], record["alignment"])}

    def _vregion_add(self, record: Record) -> Record:
        number = record["id"]
        if number in self._regions:
            raise ValueError(f"region {number} is added a second time")
        region = Vregion(self.pmap.vspace.new_id(), record["base"], record["size"])
        self.pmap.vspace.add(region)
        self._regions[number] = region
        return _OK

    def _vregion_remove(self, record: Record) -> Record:
        region = self._regions.pop(record["id"], None)
        if region is None:
            raise ValueError(f"region {record['id']} is removed, and is not there")
        self.pmap.vspace.remove(region)
        return _OK

    def _lookup(self, record: Record) -> Record:
        raise Refused("a recorded lookup tells no address")

    def _serialise(self, record: Record) -> Record:
        serialise(self.pmap)
        return _OK

    def _deserialise(self, record: Record) -> Record:
        deserialise(self.pmap)
        return _OK

    def _take_slots(self, record: Record) -> Record:
        with self.world.kernel.recorder.quiet():  # the recorder listened to the pmap's calls alone
            self.world.slots.allocate_for_others(record["count"])
        return _OK

    def _give_slots(self, record: Record) -> Record:
        with self.world.kernel.recorder.quiet():
            self.world.slots.free_for_others(record["count"])
        return _OK

    def _ram_fail(self, record: Record) -> Record:
        self.world.memory.failing = record["count"]
        return _OK

    def _reset(self, record: Record) -> Record:
        setup = self._setup = {**self._header_setup, **record["setup"]}
        recorder = Recorder()
        recorder.emit = self._events.append
        self.world = TracedWorld(_NAME, setup, recorder, self._quirks)
        self.pmap = DomainPmap(
            self.world.kernel,
            self.world.slots,
            _layout(setup),
            self.world.root,
            current=setup["current"],
            foreign_root=not setup["current"],
            quirks=self._quirks,
        )
        self._regions: dict[int, Vregion] = {}
        self.diverged = False
        return _OK

    # ---- comparing with correct values -------------------------------------------------------

    def _differences_from_correct(self, record: Record, result: Any) -> list[Difference]:
        correct: Record = record["correct"]
        ours = {name: result.get(name, MISSING) for name in _RESULTS if name in correct}
        found = differences({name: correct[name] for name in ours}, ours, "correct")
        if correct.get("leaves_unchanged") and self._leaves() != self._before:
            found.append(("correct.leaves_unchanged", True, False))
        if "slots_used" in correct:
            found += differences(correct["slots_used"], len(self.world.slots.used), "correct.slots_used")
        if "slab_free" in correct:
            found += differences(correct["slab_free"], self.pmap.slab.free_blocks, "correct.slab_free")
        if "entry_flags" in correct:
            found += self._differences_in_flags(record)
        return found

    def _differences_in_flags(self, record: Record) -> list[Difference]:
        """Return the range's descriptors whose flags differ."""
        flags = kernel_flags(sum(VREGION_FLAGS[name] for name in record["correct"]["entry_flags"]))
        found: list[Difference] = []
        va, end = record["vaddr"], record["vaddr"] + record["size"]
        while va < end:
            slot = TableEditor(self.world.ram, FORMAT, Recorder()).find(self._setup["l1_phys"], va)
            if slot.kind != "leaf":
                return [*found, (f"correct.entry_flags at {va:#x}", "a leaf", slot.kind)]
            wanted = ENCODINGS["armv7"].leaf_word(slot.level, 0, flags)
            found += differences(wanted, slot.attribute_bits, f"correct.entry_flags at {va:#x}")
            va += slot.level.span
        return found

    def _leaves(self) -> set[tuple[Any, ...]]:
        start, end = self._setup["vspace_begin"], self._setup["vspace_begin"] + self._setup["meta_reserved"]
        return {leaf for leaf in leaves(tree_snapshot(self.pmap.tree)) if not start <= leaf[0] < end}


def _layout(setup: Record) -> PagingLayout:
    assert ARMV7.user_end == setup["user_end"]
    return replace(
        ARMV7,
        vspace_begin=setup["vspace_begin"],
        meta_data_bytes=setup["meta_reserved"],
        slab_block_bytes=setup["slab_block_bytes"],
        slab_head_bytes=setup["slab_head_bytes"],
        slab_buffer_bytes=setup["slab_buffer_bytes"],
    )

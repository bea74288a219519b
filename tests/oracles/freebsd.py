"""FreeBSD's recorded runs (April 2008): each recorded operation done on our kernel memory.

The recorder's substitutes are in neighbouring modules: frames and page tables (`freebsd_pages.py`), sleeping and waking
(`freebsd_calls.py`), its names for events (`freebsd_events.py`).  None of this is in the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from tests.oracles.freebsd_calls import VM_WAIT, Call, Calls, locked_maps
from tests.oracles.freebsd_events import Row, recorded
from tests.oracles.freebsd_pages import CountedFrames, TranslationTable
from tests.oracles.reader import Record, short
from vmwidgets.engine.base.protection import max_protection_of, protection_of
from vmwidgets.engine.base.recorder import Raw, Recorder
from vmwidgets.engine.kernel.freebsd.entries import NOFAULT, KernelEntry
from vmwidgets.engine.kernel.freebsd.kmem import MALLOC_FLAGS, Kmem
from vmwidgets.engine.kernel.freebsd.vm_map import FreeBSDMap
from vmwidgets.engine.kernel.freebsd.vm_page import PageQueues
from vmwidgets.engine.kernel.map.core import SUB_MAP, PlainEntries
from vmwidgets.engine.kernel.threads.waits import MaySleep, WouldSleep, run_without_sleeping

_OK = {"ok": True}
_STATE_EVERY = 10


class FreeBSDReplay:
    """One trace's kernel memory, and the recorder's facts about it."""

    def __init__(self, header: Record) -> None:
        setup = header["setup"]
        start, end = setup["kernel_map"]
        if not setup["vm_min_kernel_address"] == start < end:
            raise ValueError(f"'kernel_map' is [{start:#x}, {end:#x}): it begins at 'vm_min_kernel_address'")
        self._events: list[Raw] = []
        recorder = Recorder()
        recorder.emit = self._events.append
        self._frames = CountedFrames(setup["pages"])
        self._calls = Calls(self._frames, self._events.append, self._hook_free)
        self.kmem = Kmem(
            recorder,
            start,
            end,
            pmap=TranslationTable(),
            pages=PageQueues(recorder, self._frames, setup["free_reserved"], setup["interrupt_free_min"]),
            entries=PlainEntries(count(1), KernelEntry),
            hz=setup["hz"],
            wakeup=lambda vm_map: self._calls.wake(vm_map.name),
        )
        self.kmem.lowmem_handlers.append(self._calls.low_memory)
        self.kmem.veto_map = self._creation_fails
        self._beside: Record = {}

    # ---- operations --------------------------------------------------------------------------

    def run(self, record: Record) -> Any:
        """Do one recorded operation; returns its result in the recording's form."""
        self._events.clear()
        self._beside = {}
        name = record["op"]
        if name == "resume":
            return self._resume()
        if self._calls.ready:
            self._beside = {"op": "resume"}  # a woken thread comes first, whatever is recorded
            return None
        operation: Callable[[Record], Any] | None = getattr(self, f"_{name}", None)
        if operation is not None:
            return operation(record)
        steps, result = self._begin(name, record)
        return self._calls.run(Call(name, steps, result, record.get("hooks", {})), self._locked)

    def _resume(self) -> Any:
        if not self._calls.ready:
            raise ValueError("a thread is resumed, and none was woken")
        call = self._calls.resume()
        self._beside = {"thread": call.thread, "call": call.name}
        return self._calls.run(call, self._locked)

    def _begin(self, name: str, record: Record) -> tuple[MaySleep[Any], Callable[[Any], Any]]:
        """Return a call of a kernel function, not yet begun, and the format of its result."""
        if name == "kmem_init":
            if self.kmem.maps:
                raise ValueError("the kernel map is made a second time")
            return self.kmem.kmem_init(record["start"], record["end"]), _done
        if name == "kmem_suballoc":
            return self.kmem.kmem_suballoc(self._map(record["parent"]), record["size"], record["name"]), _submap
        vm_map, size = self._map(record["map"]), record["size"]
        if name == "kmem_malloc":
            flags = sum(MALLOC_FLAGS[flag] for flag in record["flags"])
            return self.kmem.kmem_malloc(vm_map, size, flags), _address
        if name in _FREEING:
            return _FREEING[name](self.kmem, vm_map, record["addr"], size), _done
        return _ALLOCATING[name](self.kmem, vm_map, size), _address

    def _map(self, name: str) -> FreeBSDMap:
        for vm_map in self.kmem.maps:
            if vm_map.name == name:
                return vm_map
        raise ValueError(f"{short(name)} is not a map that was made so far")

    def _locked(self) -> list[str]:
        return locked_maps(self.kmem.maps)

    def _hook_free(self, action: Row) -> None:
        name, address, size = action
        try:
            run_without_sleeping(self.kmem.kmem_free(self._map(name), address, size))
        except WouldSleep:
            raise ValueError(f"a hook frees in {short(name)}, whose lock a panic left held") from None

    def _creation_fails(self) -> bool:
        return self._calls.running is not None and bool(self._calls.running.hooks.get("create_fails"))

    # ---- the rest of the system --------------------------------------------------------------

    def _set_system_map(self, record: Record) -> Record:
        self._map(record["map"]).system = True
        return _OK

    def _take_pages(self, record: Record) -> Record:
        self._frames.take_pages(record["n"])
        return _OK

    def _give_pages(self, record: Record) -> Record:
        self._frames.give_pages(record["n"])
        self._calls.wake(VM_WAIT)
        return _OK

    def _cache_pages(self, record: Record) -> Record:
        self._frames.cache_pages(record["n"])
        return _OK

    def _zero_pages(self, record: Record) -> Record:
        self._frames.zero_pages(record["n"])
        return _OK

    def _end(self, record: Record) -> Record:
        return _OK

    # ---- results to compare ------------------------------------------------------------------

    def beside(self) -> Record:
        """Return the facts that the recording has for every operation, in addition to its result."""
        return {**self._beside, "events": recorded(self._events)}

    def state_due(self, record: Record) -> bool:
        """Return whether a full state is due: after every tenth operation, every panic, and at the end."""
        result = record["result"]
        panic = isinstance(result, dict) and "panic" in result
        return record["i"] % _STATE_EVERY == _STATE_EVERY - 1 or panic or record["op"] == "end"

    def state(self) -> Record:
        """Return the full state: maps with their entries, objects, pages, sleepers."""
        frames, pages = self._frames, self.kmem.pages
        return {
            "maps": {vm_map.name: map_state(vm_map) for vm_map in self.kmem.maps},
            "objects": {
                target.name: {"refs": target.references, "resident": len(target.pages)}
                for target in (self.kmem.kernel_object, self.kmem.kmem_object)
            },
            "free_pages": frames.free_frames,
            "cache_pages": frames.cached,
            "zeroed": frames.zeroed,
            "taken": frames.taken,
            "wired": pages.wired,
            "deficit": pages.deficit,
            "sleepers": [[call.thread, where] for call, where in self._calls.sleepers],
        }


def map_state(vm_map: FreeBSDMap) -> Record:
    """Return a map as the recording writes it."""
    return {
        "min": vm_map.start,
        "max": vm_map.end,
        "size": vm_map.size,
        "needs_wakeup": vm_map.needs_wakeup,
        "system_map": vm_map.system,
        "entries": [entry_row(entry) for entry in vm_map],
    }


def entry_row(entry: KernelEntry) -> Row:
    """Return an entry as the recording writes it."""
    flags = entry.flags
    words = "SUB_MAP" if flags & SUB_MAP else "NOFAULT" if flags & NOFAULT else ""
    name = entry.fields()[3]
    return [
        entry.start,
        entry.end,
        name,
        entry.offset,
        protection_of(flags),
        max_protection_of(flags),
        entry.wired_count,
        words,
    ]


def _done(_: None) -> Record:
    return _OK


def _address(address: int) -> Record:
    return {"addr": address}


def _submap(submap: FreeBSDMap) -> Record:
    return {"map": submap.name, "min": submap.start, "max": submap.end}


_FREEING = {"kmem_free": Kmem.kmem_free, "kmem_free_wakeup": Kmem.kmem_free_wakeup}
_ALLOCATING = {
    "kmem_alloc": Kmem.kmem_alloc,
    "kmem_alloc_nofault": Kmem.kmem_alloc_nofault,
    "kmem_alloc_wait": Kmem.kmem_alloc_wait,
}

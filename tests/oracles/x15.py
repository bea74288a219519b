"""X15's recorded runs: the recorder's substitutes, and each recorded operation done on our map.

The recorder replaced page tables, physical pages and entries: tables cost nothing and are only counted, pages are
numbered in the order of misses and are never reused, and entries never run out.  None of this is in the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from tests.oracles.reader import Record, short
from vmwidgets.engine.base import protection as flag
from vmwidgets.engine.base.errors import KernelError, KernelPanic
from vmwidgets.engine.base.recorder import Recorder
from vmwidgets.engine.base.units import PAGE
from vmwidgets.engine.kernel.map.core import Entry, PlainEntries
from vmwidgets.engine.kernel.map.vm_object import VmObject
from vmwidgets.engine.kernel.x15 import ALL_QUIRKS
from vmwidgets.engine.kernel.x15.kentry import KentryArea
from vmwidgets.engine.kernel.x15.vm_fault import vm_map_fault
from vmwidgets.engine.kernel.x15.vm_map import X15Map

_WORDS = ("hint", "size", "align", "start", "end", "addr", "va")
"""Inputs that are as wide as the trace's word; offsets always have 64 bits."""


class CountedTables:
    """Kernel page tables that are only counted: `klimit` moves, and `kgrows` counts the moves."""

    def __init__(self, klimit: int, kgrows: int, span_shift: int, mask: int) -> None:
        self.klimit = klimit
        self.kgrows = kgrows
        self._span_shift = span_shift
        self._mask = mask

    def kgrow(self, end: int) -> None:
        """Move `klimit` to the next multiple of a table's span strictly above `end`."""
        self.klimit = ((end >> self._span_shift) + 1 << self._span_shift) & self._mask
        self.kgrows += 1


class NumberedPages:
    """A pager that numbers the pages of all objects in one sequence and stops at each object's limit."""

    def __init__(self, limits: dict[str, int]) -> None:
        self._limits = limits
        self._numbers = count()

    def get_page(self, target: VmObject, offset: int) -> int | None:
        """Return the next number, or None if the object has reached its limit."""
        return next(self._numbers) if len(target.pages) < self._limits[target.name] else None

    def release(self, frame: int) -> None:
        """Do nothing: pages are never freed."""


class X15Replay:
    """One trace's map, and the recorder's facts after each operation."""

    def __init__(self, header: Record) -> None:
        _check_header(header)
        corrected = header.get("variant") == "corrected"
        bits, setup = header["bits"], header["setup"]
        limits = header["map"]
        self._state_every: int = header["state_every"]
        self._broken = False
        self._kernel: CountedTables | None = None
        if limits["kernel"]:
            self._kernel = CountedTables(0, 0, setup["l2_shift"], (1 << bits) - 1)
        self.map = X15Map(
            header["name"],
            limits["start"],
            limits["end"],
            PlainEntries(count(1), Entry),
            Recorder(),
            bits=bits,
            kernel=self._kernel,
            quirks=frozenset() if corrected else ALL_QUIRKS,
            assertions=header["build"] == "debug",
        )
        pager = NumberedPages({item["id"]: item["max_pages"] for item in header["objects"]})
        self._objects = {item["id"]: VmObject(item["id"], pager, self.map.recorder) for item in header["objects"]}
        self._kentry: KentryArea | None = None
        if self._kernel is not None:
            self._set_up_kernel(setup)

    def _set_up_kernel(self, setup: Record) -> None:
        """Enter boot range and kentry area as the kernel does; then set the recorded kernel limit."""
        assert self._kernel is not None
        flags = flag.pack_flags(flag.ALL, flag.ALL, flag.INHERITANCE["none"], 0, nomerge=True)
        boot, kentry = setup["boot"], setup["kentry"]
        size = boot["end"] - boot["start"]
        self.map.enter(boot["start"], size, 0, flags | flag.FIXED, static=Entry(-1, static=True))
        area = kentry["area_size"] + kentry["table_pages"] * PAGE
        self.map.enter(0, area, 0, flags, static=Entry(-2, static=True))
        self._kernel.klimit = setup["state"]["klimit"]
        self._kernel.kgrows = setup["state"]["kgrows"]
        self._kentry = KentryArea(kentry["start"], kentry["nr_slabs"], None, self.map.recorder)

    # ---- operations --------------------------------------------------------------------------

    def run(self, record: Record) -> Any:
        """Do one recorded operation; returns its result in the recording's form."""
        if self._broken:
            raise ValueError(
                "the map has been inconsistent since its last panic (tree_duplicate): no operation can follow"
            )
        for name in _WORDS:
            if record.get(name, 0) > self.map.mask:
                raise ValueError(f"{name!r} is {record[name]}, which does not fit a word of {self.map.bits} bits")
        operation: Callable[[Record], Any] = getattr(self, f"_{record['op']}")
        try:
            return operation(record)
        except (KernelError, KernelPanic) as failure:
            return self._failed(record["op"], failure)

    def _failed(self, operation: str, failure: KernelError | KernelPanic) -> Record:
        panic = isinstance(failure, KernelPanic)
        result: Record = {"error": "PANIC" if panic else failure.name}
        if operation == "enter":
            result["start"] = None
        if operation == "fault" and not panic:
            result["cache"] = "miss" if failure.name == "NOMEM" else None
        if panic:
            result["panic"] = failure.name
            self._broken = failure.name == "tree_duplicate"
        return result

    def _enter(self, record: Record) -> Record:
        flags = flag.pack_flags(
            record["prot"],
            record["maxprot"],
            record["inherit"],
            record["advice"],
            record["nomerge"],
            record["fixed"],
        )
        target = self._object(record["object"])
        start = self.map.enter(record["hint"], record["size"], record["align"], flags, target, record["offset"])
        return {"error": None, "start": start}

    def _object(self, name: str | None) -> VmObject | None:
        if name is None:
            return None
        if name not in self._objects:
            raise ValueError(f"'object' is {short(name)}, which the header does not list")
        return self._objects[name]

    def _remove(self, record: Record) -> Record:
        self.map.remove(record["start"], record["end"])
        return {"error": None}

    def _lookup(self, record: Record) -> list[Any] | None:
        entry = self.map.lookup_nearest(record["addr"])
        return None if entry is None else entry_row(entry)

    def _fault(self, record: Record) -> Record:
        found = vm_map_fault(self.map, record["addr"], record["access"], lambda va, frame, protection: None)
        return {
            "error": None,
            "cache": found.cache,
            "entry": found.entry,
            "object": found.object.name,
            "offset": found.offset,
            "va": found.va,
            "page": found.frame,
            "prot": found.protection,
        }

    def _info(self, record: Record) -> str:
        return self.map.info()

    def _kentry_alloc(self, record: Record) -> Record:
        if self._kentry is None:
            raise ValueError("the map of this trace is not the kernel's: it has no kentry area")
        address = self._kentry.allocate()
        if address is None:
            return {"error": "PANIC", "va": None, "panic": "kentry_exhausted"}
        return {"error": None, "va": address}

    def _kentry_free(self, record: Record) -> Record:
        if self._kentry is None:
            raise ValueError("the map of this trace is not the kernel's: it has no kentry area")
        self._kentry.free(record["va"])
        return {"error": None}

    # ---- results to compare ------------------------------------------------------------------

    def after(self) -> Record:
        """Return the short state that follows every operation."""
        vm_map, cached = self.map, self.map.lookup_cache
        state: Record = {
            "size": vm_map.size,
            "nr_entries": vm_map.nr_entries,
            "find_cache": vm_map.find_cache,
            "find_cache_threshold": vm_map.find_cache_threshold,
            "lookup_cache": None if cached is None else cached.start,
        }
        if self._kernel is not None:
            state |= {"klimit": self._kernel.klimit, "kgrows": self._kernel.kgrows}
        return state

    def beside(self) -> Record:
        """Return the facts that the recording has for every operation, in addition to its result."""
        return {"after": self.after()}

    def state_due(self, record: Record) -> bool:
        """Return whether a full state is due: at regular intervals, but not after the panic that ends a trace."""
        return (record["i"] + 1) % self._state_every == 0 and not _ends_trace(record["result"])

    def state(self) -> Record:
        """Return the full state: the short state, the entries in list order, the tree in preorder."""
        return {**self.after(), "entries": [entry_row(entry) for entry in self.map], "tree": self._preorder()}

    def _preorder(self) -> list[list[Any]]:
        rows: list[list[Any]] = []
        pending = [self.map.tree.root] if self.map.tree.root is not None else []
        while pending:
            node = pending.pop()
            left, right = node.left, node.right
            rows.append([node.start, "r" if node.red else "b", int(left is not None), int(right is not None)])
            pending.extend(child for child in (right, left) if isinstance(child, Entry))
        return rows


def entry_row(entry: Entry) -> list[Any]:
    """Return an entry as the recording writes it: the offset is 0 without an object."""
    flags = entry.flags
    return [
        entry.start,
        entry.end,
        None if entry.object is None else entry.object.name,
        0 if entry.object is None else entry.offset,
        flag.protection_of(flags),
        flag.max_protection_of(flags),
        flag.inheritance_of(flags),
        flag.advice_of(flags),
        int(bool(flags & flag.NOMERGE)),
    ]


def _ends_trace(result: Any) -> bool:
    return isinstance(result, dict) and result.get("panic") == "tree_duplicate"


def _check_header(header: Record) -> None:
    """Raise :class:`ValueError` unless the parts of a header fit each other."""
    bits, limits, names = header["bits"], header["map"], [item["id"] for item in header["objects"]]
    mask = (1 << bits) - 1
    if not limits["start"] < limits["end"] <= mask:
        raise ValueError(f"the map is [{limits['start']:#x}, {limits['end']:#x}), no range of {bits}-bit addresses")
    if header["no_find_cache"] != mask:
        raise ValueError(f"'no_find_cache' is {header['no_find_cache']}, with 'bits' {bits} it is {mask}")
    if len(set(names)) != len(names):
        raise ValueError(f"object {short(next(name for name in names if names.count(name) > 1))} is listed twice")
    if limits["kernel"]:
        kentry = header["setup"]["kentry"]
        if kentry["nr_slabs"] * kentry["slab_size"] != kentry["area_size"]:
            raise ValueError(f"'nr_slabs' {kentry['nr_slabs']} do not make the 'area_size' {kentry['area_size']}")

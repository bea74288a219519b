"""The engine's kernels, which repeat calls that the original kernels were recorded doing.

A file of calls is ``sources/data/calls/SYSTEM/NAME.jsonl.gz``.  Its first line says how the kernel was started.  Each
further line is one call: the function's name, its arguments, what the original returned (for an error, its name), and
the recorded parts of the original's state after it.  `tests/oracles/calls.py` derives these files from recordings of
the originals, which ``python -m tests.oracles replay`` compares in full.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from importlib import resources
from itertools import count, zip_longest
from typing import Any

from ..engine.base import protection as flag
from ..engine.base.recorder import Recorder
from ..engine.base.units import PAGE, counted
from ..engine.kernel.freebsd.entries import NOFAULT, KernelEntry
from ..engine.kernel.freebsd.kmem import MALLOC_FLAGS, Kmem
from ..engine.kernel.freebsd.vm_map import FreeBSDMap
from ..engine.kernel.freebsd.vm_page import PageQueues, SharedFrames
from ..engine.kernel.map.core import SUB_MAP, Entry, PlainEntries
from ..engine.kernel.map.vm_object import VmObject
from ..engine.kernel.threads.waits import run_without_sleeping
from ..engine.kernel.x15.vm_map import X15Map
from ..engine.machine import boot
from ..engine.memory.pages import PageAllocator
from ..engine.memory.ram import Ram
from ..engine.selfpaging.capabilities import FRAME_CNODE
from ..engine.selfpaging.domain_schema import CapRef, VnodeValue
from ..engine.selfpaging.flags import VREGION_FLAGS
from ..engine.selfpaging.shadow_tree import tree_snapshot

CALLS = ("x15/place-1", "freebsd/basic", "barrelfish/fixed-modify-flags-1")
"""The files of calls in the package by system and name: one of each kernel."""

FOLDER = resources.files("vmwidgets.sources") / "data" / "calls"

State = dict[str, Any]
"""What a kernel was started with, or the parts of its state, by name."""


class Damaged(Exception):
    """Raised for a file of calls that can't be read."""


def repeated(name: str) -> tuple[int, str]:
    """Repeat a file's calls on the engine; returns the number of calls that agree, and the first difference or "".

    Raises :class:`Damaged`.  O(calls x state).

    >>> repeated("x15/place-1")
    (500, '')
    """
    setup, *calls = _lines(name)
    kernel: Any = _KERNELS[name.partition("/")[0]](setup)
    for number, (function, given, returned, recorded) in enumerate(calls):
        expected = {"the result": returned, **recorded}
        actual = {"the result": _done(kernel.call, function, *given)}
        state = _done(kernel.state) if recorded else {}
        actual |= state if isinstance(state, dict) else dict.fromkeys(recorded, state)
        for part, value in expected.items():
            if value != actual.get(part):
                where = f"{name}: diverges at operation {number} (line {number + 2})"
                call = f"  {function} {' '.join(map(_text, given))}"
                agree = f"after {counted(number, 'operation')} that agree"
                return number, f"{where}, {agree}\n{call}\n  {_difference(part, value, actual.get(part))}"
    return len(calls), ""


def _done(function: Callable[..., Any], *given: Any) -> Any:
    """Return a function's result, or the name of its error: a broken engine may raise anything, and then it differs."""
    try:
        return function(*given)
    except Exception as failure:  # noqa: BLE001  see above
        names: Any = getattr(failure, "stack", None)
        return [*names] if names else getattr(failure, "name", f"{failure!r}")


def _lines(name: str) -> list[Any]:
    path = FOLDER / f"{name}.jsonl.gz"
    try:
        lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    except (EOFError, ValueError, OSError, zlib.error) as error:
        raise Damaged(f"{path}: {error}") from None
    if not lines:
        raise Damaged(f"{path}: the file is empty")
    return lines


def _difference(part: str, recorded: Any, found: Any) -> str:
    """Return a sentence on one part, or on its first row that differs."""
    if isinstance(recorded, list) and isinstance(found, list):
        pairs = enumerate(zip_longest(recorded, found))
        row, (recorded, found) = next((row, pair) for row, pair in pairs if pair[0] != pair[1])
        part = f"{part}, item {row},"
    return f"{part} is {_text(found)}, and in the recording {_text(recorded)}"


def _text(value: Any) -> str:
    """Return a value in few characters, with numbers as addresses.

    >>> _text([8192, 3, None, "obj1"])
    '(0x2000 3 none obj1)'
    """
    if isinstance(value, list):
        return f"({' '.join(map(_text, value))})"
    return "none" if value is None else f"{value:#x}" if isinstance(value, int) and value > 9 else f"{value}"


# ---- the kernels -------------------------------------------------------------------------------


class _X15:
    """A map of X15 without page tables."""

    def __init__(self, setup: State) -> None:
        start, end = setup["map"]
        entries = PlainEntries(count(1), Entry)
        self.map = X15Map("recorded", start, end, entries, Recorder(), bits=setup["bits"], assertions=True)
        self.objects = {name: VmObject(name, _pages(1, 0, 0)) for name in setup["objects"]}

    def call(self, function: str, *given: Any) -> Any:
        if function == "enter":
            hint, size, align, of, offset, *flags = given
            return self.map.enter(hint, size, align, flag.pack_flags(*flags), self.objects.get(of), offset)
        if function == "remove":
            return self.map.remove(*given)
        entry = self.map.lookup_nearest(*given)
        return None if entry is None else self._row(entry)

    def state(self) -> State:
        cached = self.map.lookup_cache
        return {
            "size": self.map.size,
            "number of entries": self.map.nr_entries,
            "find cache": [self.map.find_cache, self.map.find_cache_threshold],
            "lookup cache": None if cached is None else cached.start,
            "entries": [self._row(entry) for entry in self.map],
        }

    def _row(self, entry: Entry) -> list[Any]:
        how = [flag.inheritance_of(entry.flags), flag.advice_of(entry.flags), int(bool(entry.flags & flag.NOMERGE))]
        return [*_row(entry, entry.offset if entry.object else 0), *how]


class _Translations(dict[int, int]):
    """FreeBSD's page tables, as a plain table without costs."""

    large = False

    def enter(self, va: int, frames: Sequence[int], wired: bool, protection: int) -> None:
        self.update(zip(range(va, va + len(frames) * PAGE, PAGE), frames, strict=True))

    def remove(self, start: int, end: int) -> None:
        for va in range(start, end, PAGE):
            self.pop(va, None)

    def translated(self, start: int, end: int) -> list[int]:
        return [self[va] for va in range(start, end, PAGE) if va in self]

    def prepared(self, cuts: Iterable[int]) -> nullcontext[None]:
        return nullcontext()

    def protect(self, start: int, end: int, protection: int) -> None:
        """No recorded call changes rights."""


class _FreeBSD:
    """FreeBSD's kernel memory with real frames; no recorded call sleeps."""

    def __init__(self, setup: State) -> None:
        self.pages = _pages(setup["pages"], setup["free_reserved"], setup["interrupt_free_min"])
        self.kmem = Kmem(
            self.pages.recorder,
            *setup["kernel_map"],
            pmap=_Translations(),
            pages=self.pages,
            entries=PlainEntries(count(1), KernelEntry),
            hz=setup["hz"],
            wakeup=lambda vm_map: 0,
        )

    def call(self, function: str, *given: Any) -> Any:
        maps = {vm_map.name: vm_map for vm_map in self.kmem.maps}
        if function == "zero_pages":  # of the idle loop, which changes nothing that is compared
            return None
        if function == "set_system_map":
            maps[given[0]].system = True
            return None
        known = [maps.get(one, one) if isinstance(one, str) else self._flags(one) for one in given]
        found = run_without_sleeping(getattr(self.kmem, function)(*known))
        return [found.start, found.end] if isinstance(found, FreeBSDMap) else found

    def _flags(self, given: Any) -> Any:
        return sum(map(MALLOC_FLAGS.__getitem__, given)) if isinstance(given, list) else given

    def state(self) -> State:
        objects = (self.kmem.kernel_object, self.kmem.kmem_object)
        sizes = {f"size of {one.name}": one.size for one in self.kmem.maps}
        entries = {f"entries of {one.name}": list(map(self._row, one)) for one in self.kmem.maps}
        pages = {f"pages of {one.name}": [one.references, len(one.pages)] for one in objects}
        return {
            **sizes,
            **entries,
            **pages,
            "free pages": self.pages.frames.free_frames,
            "wired pages": self.pages.wired,
        }

    def _row(self, entry: KernelEntry) -> list[Any]:
        words = [word for word, bit in (("SUB_MAP", SUB_MAP), ("NOFAULT", NOFAULT)) if entry.flags & bit]
        return [*_row(entry, entry.offset), entry.wired_count, *words]


class _Barrelfish:
    """The pmap of a domain on a machine; frames are where the recording had them."""

    def __init__(self, setup: State) -> None:
        self.domain = boot("armv7").domain("recorded", slots=setup["slots"]).domain
        self.domain.cspace.add(FRAME_CNODE, setup["frames"])
        self.read_word = self.domain.ram.read_word

    def call(self, function: str, va: int, *given: Any) -> Any:
        pmap = self.domain.pmap
        if function == "unmap":
            return pmap.unmap(va, *given)
        *numbers, size, flags = given
        word = sum(map(VREGION_FLAGS.__getitem__, flags))
        if function == "modify_flags":
            return pmap.modify_flags(va, size, word)
        number, base, length, offset = numbers
        frame = CapRef(FRAME_CNODE, number)
        if self.domain.cspace.is_empty(frame):
            self.domain.kernel.install(frame, "Frame", base, length)
        return pmap.map(va, frame, offset, size, word).retsize

    def state(self) -> State:
        root, slab = tree_snapshot(self.domain.pmap.tree), self.domain.pmap.slab
        own = self.domain.layout.vspace_begin >> 20
        shown = [one for one in root.children if not own <= one.entry < own + 4]
        return {
            "tree": [self._row(one) for one in _depth_first(root.children)],
            "slab": [slab.free_blocks, slab.total],
            "slots used": len(self.domain.slots.used),
            "bytes of its own": self.domain.pmap.meta_used,
            "descriptors": [row for one in sorted(shown, key=lambda one: one.entry) for row in self._runs(one)],
        }

    def _row(self, node: VnodeValue) -> list[Any]:
        mapping = None if node.mapping is None else node.mapping.slot
        what = [node.cap.slot] if node.is_table else [node.cap.cnode, node.cap.slot, node.count, node.flags]
        return [node.entry, *what, mapping]

    def _runs(self, table: VnodeValue) -> list[list[int]]:
        """Return [entry of the table, first index, count, first descriptor] for descriptors that are a page apart."""
        runs: list[list[int]] = []
        for index in range(256):
            word = self.read_word(table.base + 4 * index, 4)
            last = runs[-1] if runs else [0, 0, 0, 0]
            if word and last[1] + last[2] == index and word == last[3] + last[2] * PAGE:
                last[2] += 1
            elif word:
                runs.append([table.entry, index, 1, word])
        return runs


_KERNELS = {"x15": _X15, "freebsd": _FreeBSD, "barrelfish": _Barrelfish}


def _pages(frames: int, reserved: int, minimum: int) -> PageQueues:
    """Return the queues of a memory with this many frames."""
    recorder = Recorder()
    store = SharedFrames(PageAllocator(recorder, 0, frames), Ram(frames * PAGE))
    return PageQueues(recorder, store, reserved, minimum)


def _row(entry: Entry, offset: int) -> list[Any]:
    """Return an entry's range, its object or submap, its offset, and its rights now and at most."""
    rights = [flag.protection_of(entry.flags), flag.max_protection_of(entry.flags)]
    return [entry.start, entry.end, entry.fields()[3], offset, *rights]


def _depth_first(nodes: Iterable[VnodeValue]) -> Iterator[VnodeValue]:
    for node in nodes:
        yield node
        yield from _depth_first(node.children)

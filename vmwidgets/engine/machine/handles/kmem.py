"""The handles of FreeBSD's maps and page daemon: ``m.kmem``; its functions are in `kmem_functions.py`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

from ...base.errors import KernelError, Refused, in_ascii
from ...base.operations import operation
from ...base.units import Address, Size, binary_size, counted
from ...kernel.freebsd.entries import KernelEntry
from ...kernel.freebsd.pageout import PageDaemon
from ...kernel.freebsd.vm_map import FreeBSDMap
from ...kernel.map.core import INVALID_ADDRESS, INVALID_ARGUMENT, PROTECTION_FAILURE, RESOURCE_SHORTAGE
from ...kernel.map.map_schema import EntryValue, KernelMapValue
from ...kernel.map.window import WHOLE
from ...kernel.threads.scheduler import Thread
from ...kernel.threads.waits import MaySleep
from ...memory.pages_schema import PageCounts
from .. import arguments
from ..allocations import Allocations
from ..arguments import CountArg, Named
from ..system import Part, short_name
from .map_part import MapPart, over_a_range


class MachineKmem(Part):
    """Kernel memory: `kernel_map` with `kmem_map`, `clean_map` (`buffer_map`, `pager_map`), `exec_map`, `pipe_map`."""

    inside = Part.inside | {"value"}

    @property
    def allocations(self) -> Allocations:
        """The allocations that have not been freed."""
        return self.system.allocations

    @property
    def maps(self) -> Named[MachineKmemMap]:
        """All maps by name, in the order of their creation."""
        return Named("map", ((name, self._map(name)) for name in self.system.kmem_maps))

    def _map(self, name: str) -> MachineKmemMap:
        """Return the map called `name`."""
        return self.system.part(MachineKmemMap, f"kmem/{name}")

    def __getattr__(self, name: str) -> MachineKmemMap:
        if not name.startswith("_") and "system" in self.__dict__ and name in self.system.kmem_maps:
            return self._map(name)
        missing: MachineKmemMap = super().__getattr__(name)  # type: ignore[misc]  # hidden there from type checkers
        return missing

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.maps]

    def copier(self, *locks: str) -> Generator[Any, Any, None]:
        """Return a function for :meth:`Machine.spawn`: a thread that locks these maps in this order, and copies.

        After each lock except the last, the thread reads from disk for 5 ticks.  With all locks, it copies for one
        tick, and then releases the locks.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64", layout="tiny")
        >>> _ = m.spawn(m.kmem.copier, "exec_map", "pipe_map", name="exec")
        >>> m.run(), m.threads["exec"].state, m.threads.ticks
        (5, 'returned', 6)
        """
        maps: list[Any] = [self.maps[name] for name in locks]
        for one in maps[:-1]:
            yield from one.lock()
            yield from self.machine.tsleep("disk", ticks=5)
        yield from maps[-1].lock()
        yield from self.machine.tsleep("copy", ticks=1)
        for one in reversed(maps):
            one.unlock()

    def map_of(self, address: int) -> MachineKmemMap | None:
        """Return the innermost map that contains `address`; None outside kernel memory."""
        inside = self.system.kmem.map_at(arguments.whole(address, "address"))
        return None if inside is None else self._map(short_name(inside))

    def value(
        self, focus: Iterable[int] = (), opened: Iterable[int] = (), *, whole: int = WHOLE, around: bool = True
    ) -> KernelMapValue:
        """Return all maps as a frozen value, submaps inside their parents; see :meth:`.MapPart.value`."""
        root, most = self.system.kmem.kmem.kernel_map, arguments.count(whole, "whole")
        return self._value(root, tuple(focus), tuple(opened), most, around=around)

    def _value(
        self, vm_map: FreeBSDMap, focus: Iterable[int], opened: Iterable[int], whole: int, *, around: bool
    ) -> KernelMapValue:
        shown = self._map(short_name(vm_map))
        return KernelMapValue(
            shown.value(focus, opened, whole=whole, around=around),
            vm_map.system,
            vm_map.needs_wakeup,
            vm_map.lock.holder,
            tuple((thread.since, thread.name) for thread in shown.waiting),
            tuple(self._value(submap, focus, opened, whole, around=around) for submap in vm_map.inside()),
        )

    @property
    def pages(self) -> PageCounts:
        """The number of pages in each state, and the thresholds of the page requests."""
        return self.system.kmem.page_counts

    @in_ascii
    def __repr__(self) -> str:
        lines = [
            f"  {name:<10} {one.start}, {binary_size(one.end - one.start)}: {binary_size(one.size)} mapped, "
            f"largest gap {binary_size(one.largest_gap)}"
            for name, one in self.maps.items()
        ]
        return "\n".join([f"<kernel memory: {counted(len(self.allocations), 'allocation')}>", *lines])


class MachinePageDaemon(Part):
    """The page daemon, ``m.pagedaemon``: the thread that frees pages after requests were refused."""

    @property
    def _daemon(self) -> PageDaemon:
        return self.system.kmem.daemon

    @operation
    def stop(self) -> None:
        """Make the daemon sleep until ``start``; waiting threads then wait until others free pages."""
        self._daemon.stopped = True

    @operation
    def start(self) -> None:
        """Let the daemon work again."""
        self._daemon.restart()

    @operation
    def pace(self, *, interval: CountArg | None = None, pages: CountArg | None = None) -> None:
        """Set the daemon's speed: the clock ticks between two passes, and the most pages that one pass moves."""
        if pages == 0:
            raise Refused("pages=0: a pass moves at least one page; m.pagedaemon.stop() keeps the daemon from working")
        daemon = self._daemon
        daemon.interval = daemon.interval if interval is None else interval
        daemon.most = daemon.most if pages is None else pages

    @property
    def stopped(self) -> bool:
        """Return whether the daemon is stopped."""
        return self._daemon.stopped

    @property
    def needed(self) -> bool:
        """Return whether a page request was refused since there were last enough pages (`vm_pages_needed`)."""
        return self._daemon.needed

    @in_ascii
    def __repr__(self) -> str:
        state = "stopped" if self.stopped else "pages are needed" if self.needed else "idle"
        marks = self._daemon.marks
        return (
            f"<page daemon, {state}: {self._daemon.available:,} pages are available, it wakes waiters at "
            f"{marks.free_min} and works up to {marks.free_target}>"
        )


STATUSES = {
    INVALID_ADDRESS: ("FAULT", "a part of the range is not allocated"),
    PROTECTION_FAILURE: ("ACCES", "the rights go beyond what an entry there may ever allow"),
    INVALID_ARGUMENT: ("INVAL", "a part of it is a submap's place"),
    RESOURCE_SHORTAGE: ("NOMEM", "there is no memory for it"),
}
"""FreeBSD's status numbers as errors of a machine."""

_REASONS = {
    ("wire", PROTECTION_FAILURE): "an entry there does not allow reading, and pages are read in",
    ("unwire", INVALID_ARGUMENT): "a part of it is a submap's place, or is not wired",
}
"""The meaning of a status for one function, if this is not the usual meaning."""

_CHANGES: dict[str, Callable[..., MaySleep[int]]] = {
    "protect": FreeBSDMap.protect,
    "inherit": FreeBSDMap.inherit,
    "advise": FreeBSDMap.advise,
    "wire": FreeBSDMap.wire,
    "unwire": FreeBSDMap.unwire,
    "simplify": FreeBSDMap.simplify,
}


class MachineKmemMap(MapPart):
    """One map of kernel memory; `path` is its path in the machine ("kmem/exec_map").

    Operations take the map's lock, and may have to wait for it.
    """

    @property
    def vm_map(self) -> FreeBSDMap:
        """The kernel's own map."""
        try:
            return self.system.kmem_maps[self.path.removeprefix("kmem/")]
        except KeyError:
            self.missing()

    # ---- operations --------------------------------------------------------------------------

    @operation
    def lock(self) -> None:
        """Take the map's lock, after waiting if another thread has it; others wait until ``unlock``.

        Maps with the system flag have a mutex, which no thread may hold while it sleeps: only a thread may take it.
        """
        lock, running = self.vm_map.lock, self.system.kmem.running
        if lock.mutex and not running.thread:
            raise Refused(
                f"the lock of {self.name} is a mutex: its owner must not sleep, and a cell would still own it when it "
                "ends. Lock it in a thread (m.spawn)"
            )
        return self.system.callbacks.complete("lock", lock.acquire())

    @operation
    def unlock(self) -> None:
        """Release the map's lock."""
        holder, who = self.vm_map.lock.holder, self.system.kmem.running.thread
        if holder != who:
            has = "it is free" if holder is None else f"{holder or 'the cell'} holds it"
            raise Refused(f"{self.vm_map.called} can't be unlocked by {who or 'the cell'}: {has}")
        self.vm_map.lock.release()

    @over_a_range
    def simplify(self, start: int, end: int) -> None:
        """Join adjacent entries of a range that have the same properties (vm_map_simplify_entry(9))."""
        return self._change("simplify", start, end)

    # ---- looking -----------------------------------------------------------------------------

    @property
    def free(self) -> Size:
        """The number of bytes outside all entries."""
        return Size(self.vm_map.end - self.vm_map.start - self.vm_map.size)

    @property
    def largest_gap(self) -> Size:
        """The size of the largest free range: the most that one allocation can get.  O(log n)."""
        vm_map = self.vm_map
        first = (vm_map.end if vm_map.first is None else vm_map.first.start) - vm_map.start
        root = vm_map.tree.root
        return Size(max(first, 0 if root is None else root.max_gap))

    @property
    def placement(self) -> str:
        """The rule of the search for a gap: "freebsd", or "first", "best", "worst" or "next"."""
        return "freebsd" if self.vm_map.fit is None else self.vm_map.fit.name

    @property
    def locked_by(self) -> str | None:
        """The thread that has the lock; "" for the cell, None if the lock is free."""
        return self.vm_map.lock.holder

    @property
    def needs_wakeup(self) -> bool:
        """Return whether a thread sleeps until the map has room."""
        return self.vm_map.needs_wakeup

    @property
    def sleepers(self) -> tuple[str, ...]:
        """The names of the threads that sleep until the map has room, in the order in which they will try again."""
        return tuple(thread.name for thread in self.waiting)

    @property
    def waiting(self) -> list[Thread]:
        """The threads that sleep until the map has room."""
        return self.system.kmem.scheduler.asleep_in(self.vm_map)

    def lookup(self, address: int | str) -> EntryValue | None:
        """Return the entry that contains `address`, or None (`vm_map_lookup_entry`).  O(log n)."""
        wanted = arguments.address_within(address, "address", self.vm_map)
        with self.door.looking():
            entry = self.vm_map.peek(wanted)
        return None if entry is None or entry.start > wanted else EntryValue.of(entry.fields())

    @in_ascii
    def __repr__(self) -> str:
        fit = "" if self.vm_map.fit is None else f", {self.placement} fit"
        used = f"{counted(len(self), 'entry')}, {binary_size(self.size)} mapped, {binary_size(self.free)} free{fit}"
        return self.listed(f"{self.path}: {self.start} to {self.end}, {used}")

    # ---- inside ------------------------------------------------------------------------------

    def _change(self, verb: str, start: int, end: int, *arguments: Any) -> None:
        """Make the kernel change a range after it gets the lock; a status other than 0 raises an error."""
        vm_map = self.vm_map
        if verb == "wire":
            for entry in vm_map.entries_in(start, end):
                self._refuse_coming(entry, start, "wire it when it is there")

        def steps() -> MaySleep[None]:
            status = yield from _CHANGES[verb](vm_map, start, end, *arguments)
            if status:
                word, why = STATUSES[status]
                where, why = f"{Address(start)} to {Address(end)} of {vm_map.called}", _REASONS.get((verb, status), why)
                raise KernelError(word, status, f"{verb} of {where} returned {status}: {why}")

        return self.system.callbacks.complete(verb, steps())

    def _refuse_range(self, verb: str, start: int, end: int) -> None:
        """Refuse the range that boot used, and cuts or merges of a range that is still being created."""
        self._refuse_boots(start, end)
        self._refuse_cuts(start, end)

    def _refuse_boots(self, first: int, last: int) -> None:
        """Refuse the range that boot used: it contains the entries of these maps."""
        system = self.system.kmem
        low, high = system.boot_range
        if self.vm_map is system.kmem.kernel_map and first < high and low < last:
            raise Refused(
                f"start={Address(first)} to {Address(last)} overlaps the memory that boot used, "
                f"{Address(low)} to {Address(high)}, which holds the entries of these maps: change other ranges"
            )

    def _refuse_cuts(self, first: int, last: int) -> None:
        """Refuse cuts of a range that a sleeping function is creating: until it returns, the range must stay one entry.

        So the range may not be cut, and no neighbour may change so that it would merge with the range.
        """
        for entry in self.vm_map.entries_in(first - 1, last + 1):
            whole = first <= entry.start and entry.end <= last
            alike = [one for one in (entry.prev, entry.next) if one is not None and one.object is entry.object]
            if not whole or any(not one.wired_count for one in alike):
                self._refuse_coming(entry, first, "take all of it and nothing beside it, or wait")

    def _refuse_coming(self, entry: KernelEntry, address: int, instead: str) -> None:
        if self.vm_map.services.is_coming(entry):
            raise Refused(
                f"the range from {Address(address)} touches {Address(entry.start)} to {Address(entry.end)}, which is "
                f"still being allocated, by a call that waits for pages: {instead}"
            )

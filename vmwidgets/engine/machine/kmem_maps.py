"""A map of FreeBSD's kernel memory as learners hold it: its lock, who sleeps for it, and the ranges that may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..base.errors import KernelError, Refused
from ..base.operations import operation
from ..base.units import Address, Size, binary_size
from ..base.values.maps import EntryValue
from ..kernel.freebsd.entries import KernelEntry
from ..kernel.freebsd.vm_map import FreeBSDMap
from ..kernel.map.ranges import INVALID_ADDRESS, INVALID_ARGUMENT, PROTECTION_FAILURE, RESOURCE_SHORTAGE
from ..kernel.threads.waits import MaySleep, RoomWait
from . import checks
from .map_part import MapPart

STATUSES = {
    INVALID_ADDRESS: ("FAULT", "a part of the range is not allocated"),
    PROTECTION_FAILURE: ("ACCES", "an entry may not be given these rights, or not be read"),
    INVALID_ARGUMENT: ("INVAL", "a part of it is a submap's place, or was not wired"),
    RESOURCE_SHORTAGE: ("NOMEM", "there is no memory for it"),
}
"""What FreeBSD's status numbers say, as errors of a machine."""

_CHANGES: dict[str, Callable[..., MaySleep[int]]] = {
    "protect": FreeBSDMap.protect,
    "inherit": FreeBSDMap.inherit,
    "advise": FreeBSDMap.advise,
    "wire": FreeBSDMap.wire,
    "unwire": FreeBSDMap.unwire,
    "simplify": FreeBSDMap.simplify,
}


class MachineKmemMap(MapPart):
    """One map of kernel memory; `path` is its place in the machine ("kmem/exec_map").

    Operations take the map's lock, which may mean waiting for it.
    """

    @property
    def vm_map(self) -> FreeBSDMap:
        """The kernel's own."""
        try:
            return self.system.kmem_maps[self.path.removeprefix("kmem/")]
        except KeyError:
            self.missing()

    # ---- operations --------------------------------------------------------------------------

    @operation
    def lock(self) -> None:
        """Take the map's lock; who finds it held waits.  One that is kept makes others wait, until ``unlock``.

        Maps with the system flag have a mutex, which may not be held asleep: only a thread may take that.
        """
        lock, running = self.vm_map.lock, self.system.kmem.running
        if lock.mutex and not running.thread:
            raise Refused(
                f"the lock of {self.name} is a mutex: whoever has it may not sleep, and a cell that ends would keep "
                "it; take it in a thread (m.spawn)"
            )
        return self.system.callbacks.complete("lock", lock.acquire())

    @operation
    def unlock(self) -> None:
        """Let go of the map's lock."""
        holder, who = self.vm_map.lock.holder, self.system.kmem.running.thread
        if holder != who:
            has = "nobody has it" if holder is None else f"{holder or 'the cell'} has it"
            raise Refused(f"{self.name} can't be unlocked by {who or 'the cell'}: {has}")
        self.vm_map.lock.release()

    @operation
    def simplify(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Join neighbours of a range that are alike (vm_map_simplify_entry(9))."""
        return self._change("simplify", *self._range("simplify", start, end, size))

    # ---- looking -----------------------------------------------------------------------------

    @property
    def free(self) -> Size:
        """Bytes in no entry."""
        return Size(self.vm_map.end - self.vm_map.start - self.vm_map.size)

    @property
    def largest_gap(self) -> Size:
        """Bytes of the largest free range: the most that one allocation can get.  O(log n)."""
        vm_map = self.vm_map
        first = (vm_map.end if vm_map.first is None else vm_map.first.start) - vm_map.start
        root = vm_map.tree.root
        return Size(max(first, 0 if root is None else root.max_gap))

    @property
    def placement(self) -> str:
        """By which rule free searches go: "freebsd", or "first", "best", "worst" or "next"."""
        return "freebsd" if self.vm_map.fit is None else self.vm_map.fit.name

    @property
    def locked_by(self) -> str | None:
        """The thread that has the lock; "" for the cell, None where it is free."""
        return self.vm_map.lock.holder

    @property
    def needs_wakeup(self) -> bool:
        """Whether a thread sleeps for room in it."""
        return self.vm_map.needs_wakeup

    @property
    def sleepers(self) -> tuple[str, ...]:
        """Names of the threads that sleep for room, in the order in which they will look again."""
        threads = self.system.kmem.scheduler.asleep
        return tuple(one.name for one in threads if isinstance(one.wait, RoomWait) and one.wait.map is self.vm_map)

    def lookup(self, address: int | str) -> EntryValue | None:
        """The entry that holds `address`, or None (`vm_map_lookup_entry`).  O(log n)."""
        vm_map = self.vm_map
        wanted = checks.within(checks.whole(address, "address"), "address", vm_map.start, vm_map.end, self.path)
        with self.door.looking():
            entry = vm_map.peek(wanted)
        return None if entry is None or entry.start > wanted else EntryValue.of(entry.fields())

    def __repr__(self) -> str:
        fit = "" if self.vm_map.fit is None else f", {self.placement} fit"
        used = f"{len(self):,} entries, {binary_size(self.size)} used, {binary_size(self.free)} free{fit}"
        return self.listed(f"{self.path}: {self.start} to {self.end}, {used}")

    # ---- inside ------------------------------------------------------------------------------

    def _change(self, verb: str, start: int, end: int, *arguments: Any) -> None:
        """Have the kernel change a range once it has the lock; a status other than 0 is an error."""
        vm_map = self.vm_map
        if verb == "wire":
            for entry in vm_map.entries_in(start, end):
                self._refuse_coming(entry, start, "wire it when it is there")

        def steps() -> MaySleep[None]:
            status = yield from _CHANGES[verb](vm_map, start, end, *arguments)
            if status:
                word, why = STATUSES[status]
                where = f"{Address(start)} to {Address(end)} of {vm_map.name}"
                raise KernelError(word, status, f"{verb} of {where} returned {status}: {why}")

        return self.system.callbacks.complete(verb, steps())

    def _refuse_range(self, verb: str, start: int, end: int) -> None:
        """Refuse what boot used, and cutting or joining a range that is still being made."""
        self._refuse_boots(start, end)
        self._refuse_cuts(start, end)

    def _refuse_boots(self, first: int, last: int) -> None:
        """What boot used holds the entries of these maps themselves."""
        system = self.system.kmem
        low, high = system.boot_range
        if self.vm_map is system.kmem.kernel_map and first < high and low < last:
            raise Refused(
                f"start={Address(first)} to {Address(last)} touches what boot used, {Address(low)} to {Address(high)}, "
                "which holds the entries of these maps: change what lies beside it"
            )

    def _refuse_cuts(self, first: int, last: int) -> None:
        """A range that is being made by a function that sleeps must be an entry by itself when it goes on.

        So it is not cut, and nothing that would join it changes beside it.
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

"""FreeBSD's kernel memory as learners hold it: ``m.kmem``, its maps, and who was given what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..base.errors import Refused, shown
from ..base.kmem_values import KernelMapValue, PageCounts
from ..base.map_values import EntryValue
from ..base.operations import Door, operation
from ..base.units import Size, binary_size
from ..kernel.freebsd_map import FreeBSDMap
from ..kernel.map_window import WHOLE
from ..kernel.waits import RoomWait
from . import checks
from .allocations import Allocation, Allocations
from .kmem_ranges import KmemRanges

if TYPE_CHECKING:
    from .kmem_boot import KernelMemorySystem
    from .machine import Machine


def short_name(vm_map: FreeBSDMap) -> str:
    """What learners call a map: in events FreeBSD's kernel map has a longer name than X15's."""
    return vm_map.name.removeprefix("kmem/")


class MachineKmemMap(KmemRanges):
    """One map of kernel memory; `path` is its place in the machine ("kmem/exec_map")."""

    def __init__(self, machine: Machine, vm_map: FreeBSDMap) -> None:
        self.machine = machine
        self.vm_map = vm_map
        self.path = f"kmem/{short_name(vm_map)}"
        system = machine.kernel.kmem
        self.roles = {system.boot_entry: "boot"} if vm_map is system.kmem.kernel_map else {}

    # ---- operations --------------------------------------------------------------------------

    @operation
    def lock(self) -> None:
        """Take the map's lock; who finds it held waits.  One that is kept makes others wait, until ``unlock``.

        Maps with the system flag have a mutex, which may not be held asleep: only a thread may take that.
        """
        lock, running = self.vm_map.lock, self.machine.kernel.kmem.running
        if lock.mutex and not running.thread:
            raise Refused(
                f"the lock of {self.name} is a mutex: whoever has it may not sleep, and a cell that ends would keep "
                "it; take it in a thread (m.spawn)"
            )
        taken: None = self.machine.callbacks.complete("lock", lock.acquire())
        return taken

    @operation
    def unlock(self) -> None:
        """Let go of the map's lock."""
        holder, who = self.vm_map.lock.holder, self.machine.kernel.kmem.running.thread
        if holder != who:
            has = "nobody has it" if holder is None else f"{holder or 'the cell'} has it"
            raise Refused(f"{self.name} can't be unlocked by {who or 'the cell'}: {has}")
        self.vm_map.lock.release()

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
        """The thread that has the lock; "" the cell, None nobody."""
        return self.vm_map.lock.holder

    @property
    def needs_wakeup(self) -> bool:
        """Whether somebody sleeps for room in it."""
        return self.vm_map.needs_wakeup

    @property
    def sleepers(self) -> tuple[str, ...]:
        """Names of the threads that sleep for room, in the order in which they will look again."""
        threads = self.machine.kernel.kmem.scheduler.asleep
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


class MachineKmem:
    """Kernel memory: `kernel_map` with `kmem_map`, `clean_map` (`buffer_map`, `pager_map`), `exec_map`, `pipe_map`."""

    path = "kmem"

    def __init__(self, machine: Machine, system: KernelMemorySystem) -> None:
        self.machine = machine
        self.system = system
        self.allocations = Allocations()
        """What was allocated and not freed."""
        self.coming: set[str] = set()
        """Names of maps that are being made, by calls that wait."""
        self._maps: dict[str, MachineKmemMap] = {}

    @contextmanager
    def naming(self, name: str) -> Iterator[None]:
        """While the map of this name is made."""
        self.coming.add(name)
        try:
            yield
        finally:
            self.coming.discard(name)

    def refuse_name(self, name: str) -> None:
        """Refuse a name that a new map can't have."""
        if name in self.maps or name in self.coming or "/" in name:
            raise Refused(f"name={shown(name)}: there is a map of this name, or it has a slash; choose another")

    def note(self, vm_map: FreeBSDMap, address: int, length: int, function: str, owner: str = "") -> None:
        """An allocation was given to somebody, unless there is none, or it was freed while its function slept."""
        if address and length and vm_map.covers(address, address + length):
            self.allocations.add(Allocation(address, address + length, vm_map.name, function, owner))

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @property
    def maps(self) -> dict[str, MachineKmemMap]:
        """All maps by name, in the order they were made."""
        for vm_map in self.system.kmem.maps[len(self._maps) :]:
            self._maps[short_name(vm_map)] = MachineKmemMap(self.machine, vm_map)
        return dict(self._maps)

    def __getattr__(self, name: str) -> MachineKmemMap:
        if not name.startswith("_"):
            found = self.maps.get(name)
            if found is not None:
                return found
        known = ", ".join(self.__dict__.get("_maps", ()))
        raise AttributeError(f"kernel memory has no map {name!r}; there are {known}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.maps]

    def map_of(self, address: int) -> MachineKmemMap | None:
        """The innermost map that `address` belongs to; none outside kernel memory.  O(log n) for each level of maps."""
        wanted, root = checks.whole(address, "address"), self.system.kmem.kernel_map
        if not root.start <= wanted < root.end:
            return None
        return self.maps[short_name(root.innermost(wanted))]

    def value(self, focus: Iterable[int] = (), opened: Iterable[int] = (), *, whole: int = WHOLE) -> KernelMapValue:
        """All maps as a frozen value, submaps inside their parents."""
        most = checks.count(whole, "whole")
        return self._value(self.system.kmem.kernel_map, tuple(focus), tuple(opened), most)

    def _value(self, vm_map: FreeBSDMap, focus: Iterable[int], opened: Iterable[int], whole: int) -> KernelMapValue:
        shown = self.maps[short_name(vm_map)]
        return KernelMapValue(
            shown.value(focus, opened, whole=whole),
            vm_map.system,
            vm_map.needs_wakeup,
            vm_map.lock.holder,
            shown.sleepers,
            tuple(self._value(submap, focus, opened, whole) for submap in vm_map.inside()),
        )

    @property
    def pages(self) -> PageCounts:
        """How many pages are what, and the marks of the page requests."""
        system, frames = self.system, self.system.frames
        marks = system.daemon.marks
        free, cached = frames.free, frames.cached
        return PageCounts(
            total=frames.total,
            free=free,
            zeroed=frames.zeroed,
            cached=cached,
            used=frames.total - free - cached,
            wired=system.pages.wired,
            inactive=system.files.inactive,
            free_reserved=marks.free_reserved,
            interrupt_free_min=marks.interrupt_free_min,
            free_min=marks.free_min,
            free_target=marks.free_target,
            deficit=system.pages.deficit,
        )

    def __repr__(self) -> str:
        lines = [
            f"  {name:<10} {one.start}, {binary_size(one.end - one.start)}: {binary_size(one.size)} used, "
            f"largest gap {binary_size(one.largest_gap)}"
            for name, one in self.maps.items()
        ]
        return "\n".join([f"<kernel memory: {len(self.allocations):,} allocations>", *lines])

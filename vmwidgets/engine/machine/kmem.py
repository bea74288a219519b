"""FreeBSD's kernel memory as learners hold it: ``m.kmem`` with its maps and allocations, and the page daemon."""

from __future__ import annotations

from collections.abc import Iterable

from ..base.errors import Refused
from ..base.operations import operation
from ..base.units import binary_size
from ..base.values.maps import KernelMapValue
from ..base.values.memory import PageCounts
from ..kernel.freebsd.pageout import PageDaemon
from ..kernel.freebsd.vm_map import FreeBSDMap
from ..kernel.map.window import WHOLE
from . import checks
from .allocations import Allocations
from .kmem_maps import MachineKmemMap
from .system import Part, short_name


class MachineKmem(Part):
    """Kernel memory: `kernel_map` with `kmem_map`, `clean_map` (`buffer_map`, `pager_map`), `exec_map`, `pipe_map`."""

    @property
    def allocations(self) -> Allocations:
        """What was allocated and not freed."""
        return self.system.allocations

    @property
    def maps(self) -> dict[str, MachineKmemMap]:
        """All maps by name, in the order they were made."""
        return {name: self._map(name) for name in self.system.kmem_maps}

    def _map(self, name: str) -> MachineKmemMap:
        """The map called `name`."""
        return self.system.part(MachineKmemMap, f"kmem/{name}")

    def __getattr__(self, name: str) -> MachineKmemMap:
        known = () if name.startswith("_") or "system" not in self.__dict__ else self.system.kmem_maps
        if name in known:
            return self._map(name)
        raise AttributeError(f"kernel memory has no map {name!r}; there are {', '.join(known)}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.maps]

    def map_of(self, address: int) -> MachineKmemMap | None:
        """The innermost map that `address` belongs to; none outside kernel memory."""
        inside = self.system.kmem.map_at(checks.whole(address, "address"))
        return None if inside is None else self._map(short_name(inside))

    def value(self, focus: Iterable[int] = (), opened: Iterable[int] = (), *, whole: int = WHOLE) -> KernelMapValue:
        """All maps as a frozen value, submaps inside their parents."""
        return self._value(self.system.kmem.kmem.kernel_map, tuple(focus), tuple(opened), checks.count(whole, "whole"))

    def _value(self, vm_map: FreeBSDMap, focus: Iterable[int], opened: Iterable[int], whole: int) -> KernelMapValue:
        shown = self._map(short_name(vm_map))
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
        return self.system.kmem.page_counts

    def __repr__(self) -> str:
        lines = [
            f"  {name:<10} {one.start}, {binary_size(one.end - one.start)}: {binary_size(one.size)} used, "
            f"largest gap {binary_size(one.largest_gap)}"
            for name, one in self.maps.items()
        ]
        return "\n".join([f"<kernel memory: {len(self.allocations):,} allocations>", *lines])


class MachinePageDaemon(Part):
    """``m.pagedaemon``: the thread that makes pages free when requests were refused."""

    @property
    def _daemon(self) -> PageDaemon:
        return self.system.kmem.daemon

    @operation
    def stop(self) -> None:
        """Let it sleep whatever happens: threads that wait for pages wait until some are freed."""
        self._daemon.stopped = True

    @operation
    def start(self) -> None:
        """Let it work again."""
        self._daemon.restart()

    @operation
    def pace(self, *, interval: int | None = None, pages: int | None = None) -> None:
        """Slow it down or speed it up: clock ticks between two passes, and the pages one pass moves at most."""
        ticks = self._daemon.interval if interval is None else checks.count(interval, "interval")
        most = self._daemon.most if pages is None else checks.count(pages, "pages")
        if most == 0:
            raise Refused("pages=0: a pass moves at least one page; m.pagedaemon.stop() keeps the daemon from working")
        self._daemon.interval, self._daemon.most = ticks, most

    @property
    def stopped(self) -> bool:
        """Whether it was stopped."""
        return self._daemon.stopped

    @property
    def needed(self) -> bool:
        """Whether a request for a page was refused since it last had enough (`vm_pages_needed`)."""
        return self._daemon.needed

    def __repr__(self) -> str:
        state = "stopped" if self.stopped else "needed" if self.needed else "idle"
        marks = self._daemon.marks
        return (
            f"<page daemon, {state}: {self._daemon.available:,} pages can be had, it wakes waiters above "
            f"{marks.free_min} and works up to {marks.free_target}>"
        )

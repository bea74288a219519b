"""FreeBSD's kernel memory as learners hold it: ``m.kmem``, its maps, and who was given what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from ..base import protection as flag
from ..base.errors import KernelError, Refused, shown
from ..base.operations import Door, operation
from ..base.units import PAGE, Address, Size, binary_size
from ..base.values.maps import EntryValue, KernelMapValue
from ..base.values.memory import PageCounts
from ..kernel.freebsd.entries import KernelEntry
from ..kernel.freebsd.kmem import M_WAITOK, round_page, trunc_page
from ..kernel.freebsd.pageout import PageDaemon
from ..kernel.freebsd.vm_map import FreeBSDMap
from ..kernel.map.fits import FITS
from ..kernel.map.ranges import INVALID_ADDRESS, INVALID_ARGUMENT, PROTECTION_FAILURE, RESOURCE_SHORTAGE
from ..kernel.map.window import WHOLE
from ..kernel.threads.waits import MaySleep, RoomWait
from . import checks
from .allocations import Allocation, Allocations
from .checks import malloc_flags
from .maps import MachineMap, MapLooks

if TYPE_CHECKING:
    from .kernel import Kernel, KernelMemorySystem
    from .machine import Machine
    from .scripts import Callbacks


# ---- kmem ranges -------------------------------------------------------------------------------
#
# Changing a range of one of kernel memory's maps in place, after FreeBSD's manual pages.
#
# As on any map of a machine (:mod:`.map_ranges`), but that the map's lock is taken, which may mean waiting for it.


STATUSES = {
    INVALID_ADDRESS: ("FAULT", "a part of the range is not allocated"),
    PROTECTION_FAILURE: ("ACCES", "an entry may not be given these rights, or not be read"),
    INVALID_ARGUMENT: ("INVAL", "a part of it is a submap's place, or was not wired"),
    RESOURCE_SHORTAGE: ("NOMEM", "there is no memory for it"),
}
"""What FreeBSD's status numbers say, as errors of a machine."""


class KmemRanges(MapLooks):
    """Operations on ranges of a map of kernel memory."""

    vm_map: FreeBSDMap

    @operation
    def protect(
        self,
        start: int | str,
        end: int | str | None = None,
        *,
        size: int | str | None = None,
        prot: int | str | None = None,
        max_prot: int | str | None = None,
    ) -> None:
        """Set what a range allows, `prot`, or what it may ever allow, `max_prot` (vm_map_protect(9)).

        ACCES beyond what an entry may allow, FAULT for a hole, INVAL for a submap's place.  What is mapped gets the
        new rights at once.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kmem_alloc("16 KiB")
        >>> m.kmem.kernel_map.protect(a, size="4 KiB", prot="r")
        >>> m.kmem.kernel_map.lookup(a).protection
        'r--'
        """
        first, last = self._range(start, end, size)
        protection = checks.one_protection(prot, max_prot)
        done: None = self._do("protect", FreeBSDMap.protect, first, last, protection, prot is None)
        return done

    @operation
    def inherit(
        self, start: int | str, end: int | str | None = None, *, size: int | str | None = None, inherit: int | str
    ) -> None:
        """Set what a child would get of a range: "none", "share" or "copy" (vm_map_inherit(9))."""
        number = flag.parse_name(inherit, flag.INHERITANCE, "inherit")
        done: None = self._do("inherit", FreeBSDMap.inherit, *self._range(start, end, size), number)
        return done

    @operation
    def advise(
        self, start: int | str, end: int | str | None = None, *, size: int | str | None = None, advice: int | str
    ) -> None:
        """Say how a range will be used: "normal", "random", "sequential", … (vm_map_madvise(9))."""
        number = flag.parse_name(advice, flag.ADVICE, "advice")
        done: None = self._do("advise", FreeBSDMap.advise, *self._range(start, end, size), number)
        return done

    @operation
    def wire(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Have all pages of a range in memory, and keep them until as many ``unwire`` (vm_map_wire(9)).

        Waits for pages.  A system map's entry without object is counted as wired, and has no pages.
        """
        first, last = self._range(start, end, size)
        for entry in self.vm_map.entries_in(first, last):
            self._refuse_coming(entry, first, "wire it when it is there")
        done: None = self._do("wire", FreeBSDMap.wire, first, last)
        return done

    @operation
    def unwire(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Take one wiring off a range (vm_map_unwire(9)): INVAL for what is not wired."""
        done: None = self._do("unwire", FreeBSDMap.unwire, *self._range(start, end, size))
        return done

    @operation
    def simplify(self, start: int | str, end: int | str | None = None, *, size: int | str | None = None) -> None:
        """Join neighbours of a range that are alike (vm_map_simplify_entry(9))."""
        done: None = self._do("simplify", FreeBSDMap.simplify, *self._range(start, end, size))
        return done

    def _do(self, name: str, function: Callable[..., MaySleep[int]], start: int, end: int, *arguments: Any) -> Any:
        def steps() -> MaySleep[None]:
            status = yield from function(self.vm_map, start, end, *arguments)
            if status:
                word, why = STATUSES[status]
                where = f"{Address(start)} to {Address(end)} of {self.vm_map.name}"
                raise KernelError(word, status, f"{name} of {where} returned {status}: {why}")

        return self.machine.callbacks.complete(name, steps())

    def _range(self, start: Any, end: Any, size: Any) -> tuple[int, int]:
        vm_map = self.vm_map
        first = checks.within(checks.aligned(start, "start"), "start", vm_map.start, vm_map.end, self.path)
        if (end is None) == (size is None):
            raise Refused("a range is given by its start and end, or its start and size: write one of end and size")
        last = first + checks.aligned(size, "size") if end is None else checks.aligned(end, "end")
        if not first < last <= vm_map.end:
            limits = f"{Address(vm_map.start)} to {Address(vm_map.end)}"
            raise Refused(f"{Address(first)} to {Address(last)} is no range of {self.path}, {limits}")
        self._refuse_boots(first, last)
        self._refuse_cuts(first, last)
        return first, last

    def _refuse_boots(self, first: int, last: int) -> None:
        """What boot used holds the entries of these maps themselves."""
        system = self.machine.kernel.kmem
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


# ---- page daemon -------------------------------------------------------------------------------
#
# The page daemon as learners hold it: how fast it works, and whether at all.


class MachinePageDaemon:
    """``m.pagedaemon``: the thread that makes pages free when requests were refused."""

    path = "pagedaemon"

    def __init__(self, machine: Machine, daemon: PageDaemon) -> None:
        self.machine = machine
        self._daemon = daemon

    @property
    def door(self) -> Door:
        """The machine's door."""
        return self.machine.door

    @operation
    def stop(self) -> None:
        """Let it sleep whatever happens: who waits for pages waits until somebody frees some."""
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
        """Whether somebody was refused a page since it last had enough (`vm_pages_needed`)."""
        return self._daemon.needed

    def __repr__(self) -> str:
        state = "stopped" if self.stopped else "needed" if self.needed else "idle"
        marks = self._daemon.marks
        return (
            f"<page daemon, {state}: {self._daemon.available:,} pages can be had, it wakes waiters above "
            f"{marks.free_min} and works up to {marks.free_target}>"
        )


# ---- kmem --------------------------------------------------------------------------------------


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


# ---- kmem operations ---------------------------------------------------------------------------
#
# The kmem family at the door of a machine: FreeBSD's kernel functions, with what a course should be told first.
#
# Each takes its map by name or as the original does, first: ``m.kmem_alloc("16 KiB")``,
# ``m.kmem_alloc(m.kmem.pipe_map, "16 KiB")``. The functions that may sleep do so: in a thread until somebody wakes
# them, in a cell while others run.


F = TypeVar("F", bound=Callable[..., Any])


def map_first(method: F) -> F:
    """Let the map be the first argument too, as in the original."""

    @wraps(method)
    def rotated(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        named = bool(args) and isinstance(args[0], str) and args[0] in self.kmem.maps
        if named or (args and isinstance(args[0], (MachineKmemMap, MachineMap))):
            if "map" in kwargs:
                raise Refused("the map is given twice: first, and as map=…")
            return method(self, *args[1:], map=args[0], **kwargs)
        return method(self, *args, **kwargs)

    return rotated  # type: ignore[return-value]  # the map may also stand first


class KmemOperations:
    """The kmem functions, as methods of a machine."""

    kernel: Kernel
    kmem: MachineKmem
    callbacks: Callbacks
    path: str
    door: Door

    # ---- getting memory ----------------------------------------------------------------------

    @map_first
    @operation
    def kmem_alloc(self, size: int | str, *, map: MachineKmemMap | str = "kernel_map") -> Address:  # noqa: A002  the kernel's own argument
        """Zeroed, wired pages of kernel_object; 0 when there is no address space (`kmem_alloc`).

        `size` in bytes is rounded up to whole pages.  Waits for pages as long as it takes.  O(log n + pages).

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kmem_alloc("8 KiB")
        >>> m.write(a, b"hello"), m.read(a, 5)
        (None, b'hello')
        """
        vm_map, length = self._where(map), self._length(size, map)
        return self._got(vm_map, length, "kmem_alloc", self.kernel.kmem.kmem.kmem_alloc(vm_map, length))

    @map_first
    @operation
    def kmem_malloc(
        self,
        size: int | str,
        flags: int | str = M_WAITOK,
        *,
        map: MachineKmemMap | str = "kmem_map",  # noqa: A002
    ) -> Address:
        """Wired pages of kmem_object (`kmem_malloc`); 0 when a caller that may not wait (M_NOWAIT) can't have them.

        `flags` are ``vm.M_WAITOK`` or ``vm.M_NOWAIT``, with ``vm.M_ZERO`` and ``vm.M_USE_RESERVE``, as numbers or
        text.  With M_WAITOK it waits for pages, looks eight times for address space and then panics.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kmem_malloc(3 * vm.PAGE)
        >>> m.kmem.kmem_map.size
        12 KiB
        """
        word, vm_map, length = malloc_flags(flags), self._where(map), self._length(size, map)
        return self._got(vm_map, length, "kmem_malloc", self.kernel.kmem.kmem.kmem_malloc(vm_map, length, word))

    @map_first
    @operation
    def kmem_alloc_nofault(self, size: int | str, *, map: MachineKmemMap | str = "kernel_map") -> Address:  # noqa: A002
        """Addresses alone, without pages: a fault in there is a panic (`kmem_alloc_nofault`).  0 when it fails."""
        vm_map, length = self._where(map), self._length(size, map)
        steps = self.kernel.kmem.kmem.kmem_alloc_nofault(vm_map, length)
        return self._got(vm_map, length, "kmem_alloc_nofault", steps)

    @map_first
    @operation
    def kmem_alloc_wait(self, size: int | str, *, map: MachineKmemMap | str = "exec_map") -> Address:  # noqa: A002
        """Addresses for memory that faults will fill (`kmem_alloc_wait`); sleeps until there is room in the map."""
        vm_map, length = self._where(map), self._length(size, map)
        return self._got(vm_map, length, "kmem_alloc_wait", self.kernel.kmem.kmem.kmem_alloc_wait(vm_map, length))

    @operation
    def kmem_suballoc(
        self, size: int | str, name: str, *, parent: MachineKmemMap | str = "kernel_map", placement: str = "freebsd"
    ) -> MachineKmemMap:
        """A map of its own over `size` bytes of `parent` (`kmem_suballoc`).

        Refused where the original panics (`m.unchecked.kmem_suballoc` does): without that much room in one piece or
        memory for an entry, and where the range would be one with a neighbour that gets an object.

        `placement` is the rule by which the new map is searched for room: "freebsd" (its own, the lowest gap), "first",
        "best", "worst" or "next".
        """
        vm_map, length = self._where(parent), self._length(size, parent)
        wanted = checks.part_name(name, "name")
        fit = FITS.get(checks.known(placement, ("freebsd", *FITS), "placement"))
        self.kmem.refuse_name(wanted)

        def steps() -> MaySleep[MachineKmemMap]:
            with self.kmem.naming(wanted):
                if vm_map.lock.held:
                    yield from vm_map.lock.acquire()
                    vm_map.lock.release()
                self._refuse_suballoc(vm_map, length)
                made = yield from self.kernel.kmem.kmem.kmem_suballoc(vm_map, length, wanted)
            made.fit = None if fit is None else fit()
            return self.kmem.maps[short_name(made)]

        result: MachineKmemMap = self.callbacks.complete("kmem_suballoc", steps())
        return result

    # ---- giving it back ----------------------------------------------------------------------

    @map_first
    @operation
    def kmem_free(
        self,
        address: int | str,
        size: int | str,
        *,
        map: MachineKmemMap | str | None = None,  # noqa: A002
    ) -> None:
        """Give back what one of the functions gave (`kmem_free`); wakes nobody.

        The kernel's function checks nothing; here the range has to be whole allocations of that map.  What the
        original does with other ranges, ``m.unchecked.kmem_free`` does.
        """
        vm_map, start, end = self._given(address, size, map)
        done: None = self._freed(
            vm_map, start, end, "kmem_free", self.kernel.kmem.kmem.kmem_free(vm_map, start, end - start)
        )
        return done

    @map_first
    @operation
    def kmem_free_wakeup(
        self,
        address: int | str,
        size: int | str,
        *,
        map: MachineKmemMap | str | None = None,  # noqa: A002
    ) -> None:
        """Give memory back and wake all who sleep for room in the map (`kmem_free_wakeup`)."""
        vm_map, start, end = self._given(address, size, map)
        steps = self.kernel.kmem.kmem.kmem_free_wakeup(vm_map, start, end - start)
        done: None = self._freed(vm_map, start, end, "kmem_free_wakeup", steps)
        return done

    # ---- the door's own checks ---------------------------------------------------------------

    def _where(self, value: Any) -> FreeBSDMap:
        """The map that was meant."""
        if isinstance(value, MachineMap):
            raise Refused(
                f"map={value.path} is X15's map, and the kmem functions work in FreeBSD's maps: "
                f"m.kmem.kernel_map, or its submaps {', '.join(list(self.kmem.maps)[1:])}"
            )
        if isinstance(value, MachineKmemMap):
            if value.machine is not self.callbacks.machine:
                raise Refused(f"map {value.path} belongs to another machine")
            return value.vm_map
        return self.kmem.maps[checks.known(value, self.kmem.maps, "map")].vm_map

    def _length(self, size: Any, where: Any) -> int:
        vm_map = self._where(where)
        length, whole = checks.whole(size, "size"), vm_map.end - vm_map.start
        if length == 0:
            raise Refused(
                "size=0: ask for at least one byte; what the original does with none, m.unchecked shows (it may panic)"
            )
        if length > whole:
            raise Refused(
                f"size={length} ({binary_size(length)}) is more than all of {vm_map.name}, {binary_size(whole)}: it "
                "can never be had"
            )
        return round_page(length)

    def _refuse_suballoc(self, parent: FreeBSDMap, length: int) -> None:
        """What would be a panic of `kmem_suballoc` now; its lock is free, so it will not sleep before it decides."""
        address, shown_size = parent.would_find(length), f"size={length} ({binary_size(length)})"
        instead = "; the original panics here (m.unchecked.kmem_suballoc)"
        if address is None:
            room = self.kmem.maps[short_name(parent)].largest_gap
            raise Refused(f"{shown_size}: the largest free range of {parent.name} has {binary_size(room)}{instead}")
        if parent.hides_submap(address):
            raise Refused(
                f"{shown_size}: at {Address(address)} of {parent.name} it would be one with the entry before, which "
                f"has an object when it is cut: allocate something of another kind first, or free that{instead}"
            )
        if not self.kernel.kmem.has_entry:
            raise Refused(f"{shown_size}: no memory is left for an entry of {parent.name}: give pages back{instead}")

    def _got(self, vm_map: FreeBSDMap, length: int, name: str, steps: MaySleep[int]) -> Address:
        def noted() -> MaySleep[Address]:
            address = yield from steps
            self.kmem.note(vm_map, address, length, name)
            return Address(address)

        result: Address = self.callbacks.complete(name, noted())
        return result

    def _freed(self, vm_map: FreeBSDMap, start: int, end: int, name: str, steps: MaySleep[None]) -> Any:
        allocations = self.kmem.allocations

        def noted() -> MaySleep[None]:
            with allocations.going(vm_map.name, start, end, name):
                yield from steps
            allocations.drop(vm_map.name, start, end, name)

        return self.callbacks.complete(name, noted())

    def _given(self, address: Any, size: Any, where: Any) -> tuple[FreeBSDMap, int, int]:
        """The range to free: whole allocations of one map."""
        first, length = checks.whole(address, "address"), checks.whole(size, "size")
        start, end = trunc_page(first), first + length + PAGE - 1 & -PAGE
        vm_map = self._map_to_free_in(start) if where is None else self._where(where)
        if vm_map is None or not vm_map.start <= start < end <= vm_map.end:
            name = "any map of kernel memory" if vm_map is None else vm_map.name
            raise Refused(f"address={Address(start)} and size={length} are no range of {name}: nothing to free there")
        self._refuse_foreign(vm_map, start, end)
        return vm_map, start, end

    def _map_to_free_in(self, address: int) -> FreeBSDMap | None:
        """The map that `address` belongs to; or, where that gave nothing there, the only one that did."""
        inside = self.kmem.map_of(address)
        gave = {one.map for one in self.kmem.allocations.overlapping(address, address + 1)}
        if inside is not None and len(gave) == 1 and inside.vm_map.name not in gave:
            return next(vm_map for vm_map in self.kernel.kmem.kmem.maps if vm_map.name in gave)
        return None if inside is None else inside.vm_map

    def _refuse_foreign(self, vm_map: FreeBSDMap, start: int, end: int) -> None:
        position = start
        for one in self.kmem.allocations.overlapping(start, end, vm_map.name):
            by = self.kmem.allocations.going_by(one)
            if by:
                raise Refused(f"{one!r} is being freed already: {by} waits for the lock of {vm_map.name}")
            if one.owner:
                raise Refused(f"{one!r} belongs to the zone allocator: give objects back with m.free")
            if one.start < start or one.end > end:
                raise Refused(
                    f"{Address(start)} to {Address(end)} is a part of {one!r}: free it whole; the original would cut "
                    "its entry there and keep the rest (m.unchecked.kmem_free)"
                )
            if one.start > position:
                break
            position = one.end
        if position < end:
            self._refuse_others(vm_map, position, end)
            self._refuse_slab(position)
            by = self.kmem.allocations.freed_by(vm_map.name, position)
            why = f"{by} freed it before" if by else "it was never allocated"
            raise Refused(
                f"nothing is allocated at {Address(position)} in {vm_map.name}: {why}; the original passes over holes "
                "and says nothing (m.unchecked.kmem_free)"
            )

    def _refuse_others(self, vm_map: FreeBSDMap, start: int, end: int) -> None:
        for one in self.kmem.allocations.overlapping(start, end):
            if one.map != vm_map.name:
                raise Refused(
                    f"{one!r} is no memory of {vm_map.name}: free it in {one.map}; in another map the original frees "
                    "whatever lies there, even a submap's place (m.unchecked.kmem_free)"
                )

    def _refuse_slab(self, address: int) -> None:
        for start, zone in self.kernel.kmem.zones.slabs.items():
            if start <= address < start + zone.slab_size:
                raise Refused(
                    f"{Address(address)} is in a slab of zone {zone.name}: give objects back with m.free, and empty "
                    "slabs with m.uma_reclaim"
                )

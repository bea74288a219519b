"""The kmem functions of a machine: FreeBSD's kernel functions, and the checks of their arguments before the call.

Each function takes its map by name or, like the original, as the first argument: ``m.kmem_alloc("16 KiB")``,
``m.kmem_alloc(m.kmem.pipe_map, "16 KiB")``.  In a thread, a function may sleep until it is woken; in a cell, other
threads run until the function has finished.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

from ...base.called import called
from ...base.errors import Refused
from ...base.operations import operation
from ...base.units import PAGE, Address, binary_size
from ...kernel.freebsd.kmem import M_WAITOK, Kmem, round_page, trunc_page
from ...kernel.freebsd.vm_map import FreeBSDMap
from ...kernel.map.fits import FITS
from ...kernel.threads.waits import MaySleep
from .. import arguments
from ..arguments import malloc_flags
from ..system import Part, short_name
from .kmem import MachineKmemMap
from .maps import MachineMap

F = TypeVar("F", bound=Callable[..., Any])


def map_may_be_first(method: F) -> F:
    """Let the map be the first argument too, as in the original."""
    needed = [name for name, one in signature(method).parameters.items() if one.default is one.empty][1:]

    @wraps(method)
    def rotated(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        first = args[0] if args else 0
        if type(first) is int:  # nearly always
            return method(self, *args, **kwargs)
        named = isinstance(first, str) and first in self.system.kmem_maps
        if named or isinstance(first, (MachineKmemMap, MachineMap)):
            if "map" in kwargs:
                raise Refused("the map is given twice: first, and as map=…")
            for name in needed[len(args) - 1 :]:
                if name not in kwargs:
                    takes = f"{method.__name__}(map, {', '.join(needed)})"
                    raise TypeError(f"{method.__name__}: missing a required argument: {name!r}; it takes {takes}")
            return method(self, *args[1:], map=args[0], **kwargs)
        return method(self, *args, **kwargs)

    return rotated  # type: ignore[return-value]  # the map may also come first


class KmemFunctions(Part):
    """The kmem functions, as methods of a machine."""

    @property
    def _kmem(self) -> Kmem:
        return self.system.kmem.kmem

    # ---- getting memory ----------------------------------------------------------------------

    @map_may_be_first
    @operation
    def kmem_alloc(self, size: int | str, *, map: MachineKmemMap | str = "kernel_map") -> Address:  # noqa: A002  the kernel's own argument
        """Return zeroed, wired pages of kernel_object; 0 if there is no address space (`kmem_alloc`).

        `size` in bytes is rounded up to whole pages.  The call waits for pages as long as necessary.  O(log n + pages).

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kmem_alloc("8 KiB")
        >>> m.write(a, b"hello"), m.read(a, 5)
        (None, b'hello')
        """
        vm_map = self._where(map)
        length = self._length(size, vm_map)
        return self._got(vm_map, length, "kmem_alloc", self._kmem.kmem_alloc(vm_map, length))

    @map_may_be_first
    @operation
    def kmem_malloc(
        self,
        size: int | str,
        flags: int | str = M_WAITOK,
        *,
        map: MachineKmemMap | str = "kmem_map",  # noqa: A002
    ) -> Address:
        """Return wired pages of kmem_object (`kmem_malloc`); 0 if a caller that may not wait (M_NOWAIT) can't get them.

        `flags` are ``vm.M_WAITOK`` or ``vm.M_NOWAIT``, with ``vm.M_ZERO`` and ``vm.M_USE_RESERVE``, as numbers or
        strings.  With M_WAITOK, the call waits for pages; if it finds no address space in eight tries, it panics.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kmem_malloc(3 * vm.PAGE)
        >>> m.kmem.kmem_map.size
        12 KiB
        """
        word, vm_map = malloc_flags(flags), self._where(map)
        length = self._length(size, vm_map)
        return self._got(vm_map, length, "kmem_malloc", self._kmem.kmem_malloc(vm_map, length, word))

    @map_may_be_first
    @operation
    def kmem_alloc_nofault(self, size: int | str, *, map: MachineKmemMap | str = "kernel_map") -> Address:  # noqa: A002
        """Return addresses without pages: a page fault there causes a panic (`kmem_alloc_nofault`).

        Returns 0 if it fails.
        """
        vm_map = self._where(map)
        length = self._length(size, vm_map)
        steps = self._kmem.kmem_alloc_nofault(vm_map, length)
        return self._got(vm_map, length, "kmem_alloc_nofault", steps)

    @map_may_be_first
    @operation
    def kmem_alloc_wait(self, size: int | str, *, map: MachineKmemMap | str = "exec_map") -> Address:  # noqa: A002
        """Return addresses for memory that page faults will fill (`kmem_alloc_wait`); sleeps until the map has room."""
        vm_map = self._where(map)
        length = self._length(size, vm_map)
        return self._got(vm_map, length, "kmem_alloc_wait", self._kmem.kmem_alloc_wait(vm_map, length))

    @operation
    def kmem_suballoc(
        self, size: int | str, name: str, *, parent: MachineKmemMap | str = "kernel_map", placement: str = "freebsd"
    ) -> MachineKmemMap:
        """Return a new map, with its own lock and entries, over `size` bytes of `parent` (`kmem_suballoc`).

        The call is refused where the original panics (as `m.unchecked.kmem_suballoc` does): if `parent` has no gap of
        that size, if there is no memory for an entry, or if the range would merge with a neighbour that gets an object.
        `placement` is the rule by which the new map is searched for a gap: "freebsd" (its own, the lowest gap),
        "first", "best", "worst" or "next".
        """
        vm_map = self._where(parent)
        length = self._length(size, vm_map)
        wanted = arguments.part_name(name, "name")
        fit = FITS.get(arguments.known(placement, ("freebsd", *FITS), "placement"))
        self.system.refuse_map_name(wanted)

        def steps() -> MaySleep[MachineKmemMap]:
            with self.system.making_map(wanted):
                if vm_map.lock.held:
                    yield from vm_map.lock.acquire()
                    vm_map.lock.release()
                self._refuse_suballoc(vm_map, length)
                made = yield from self._kmem.kmem_suballoc(vm_map, length, wanted)
            made.fit = None if fit is None else fit()
            self.system.kmem_maps[wanted] = made
            return self.system.part(MachineKmemMap, f"kmem/{wanted}")

        return self.system.callbacks.complete("kmem_suballoc", steps())

    # ---- giving it back ----------------------------------------------------------------------

    @map_may_be_first
    @operation
    def kmem_free(
        self,
        address: int | str,
        size: int | str,
        *,
        map: MachineKmemMap | str | None = None,  # noqa: A002
    ) -> None:
        """Free memory that one of these functions returned (`kmem_free`); no sleeper is woken.

        The original checks nothing.  Here the range must consist of whole allocations of that map.
        ``m.unchecked.kmem_free`` does what the original does with other ranges.
        """
        vm_map, start, end = self._given(address, size, map)
        return self._freed(vm_map, start, end, "kmem_free", self._kmem.kmem_free(vm_map, start, end - start))

    @map_may_be_first
    @operation
    def kmem_free_wakeup(
        self,
        address: int | str,
        size: int | str,
        *,
        map: MachineKmemMap | str | None = None,  # noqa: A002
    ) -> None:
        """Free memory and wake all threads that sleep until the map has room (`kmem_free_wakeup`)."""
        vm_map, start, end = self._given(address, size, map)
        steps = self._kmem.kmem_free_wakeup(vm_map, start, end - start)
        return self._freed(vm_map, start, end, "kmem_free_wakeup", steps)

    # ---- the door's own checks ---------------------------------------------------------------

    def _where(self, value: Any) -> FreeBSDMap:
        """Return the map for the call."""
        if type(value) is str and value in self.system.kmem_maps:
            return self.system.kmem_maps[value]
        if isinstance(value, MachineMap):
            raise Refused(
                f"map={called(value.path)} is X15's map, and the kmem functions work in FreeBSD's maps: "
                f"m.kmem.kernel_map, or its submaps {', '.join(list(self.system.kmem_maps)[1:])}"
            )
        if isinstance(value, MachineKmemMap):
            if value.system is not self.system:
                raise Refused(f"map {called(value.path)} belongs to another machine")
            return value.vm_map
        return self.system.kmem_maps[arguments.known(value, self.system.kmem_maps, "map")]

    def _length(self, size: Any, vm_map: FreeBSDMap) -> int:
        length, whole = arguments.whole(size, "size"), vm_map.end - vm_map.start
        if length == 0:
            raise Refused(
                "size=0: ask for at least one byte; m.unchecked shows what the original does then (it may panic)"
            )
        if length > whole:
            raise Refused(
                f"size={length} ({binary_size(length)}) is larger than all of {vm_map.called}, "
                f"{binary_size(whole)}: it "
                "can never be allocated"
            )
        return round_page(length)

    def _refuse_suballoc(self, parent: FreeBSDMap, length: int) -> None:
        """Refuse if `kmem_suballoc` would panic; the lock is free, so the function won't sleep before it decides."""
        address, shown_size = parent.would_find(length), f"size={length} ({binary_size(length)})"
        instead = "; the original panics here (m.unchecked.kmem_suballoc)"
        if address is None:
            room = self.system.part(MachineKmemMap, f"kmem/{short_name(parent)}").largest_gap
            raise Refused(f"{shown_size}: the largest free range of {parent.called} has {binary_size(room)}{instead}")
        if parent.hides_submap(address):
            raise Refused(
                f"{shown_size}: at {Address(address)} of {parent.called} the submap would merge with the entry before "
                "it, which gets an object when it is cut: allocate something of another kind first, or free that entry"
                f"{instead}"
            )
        if not self.system.kmem.has_entry:
            raise Refused(f"{shown_size}: no memory is left for an entry of {parent.called}: free some pages{instead}")

    def _got(self, vm_map: FreeBSDMap, length: int, name: str, steps: MaySleep[int]) -> Address:
        def noted() -> MaySleep[Address]:
            address = yield from steps
            self.system.note_allocation(vm_map, address, length, name)
            return Address(address)

        return self.system.callbacks.complete(name, noted())

    def _freed(self, vm_map: FreeBSDMap, start: int, end: int, name: str, steps: MaySleep[None]) -> None:
        allocations = self.system.allocations

        def noted() -> MaySleep[None]:
            places = allocations.begin_going(vm_map.name, start, end, name)
            try:
                yield from steps
            finally:
                allocations.end_going(places)
            allocations.drop(vm_map.name, start, end, name)

        return self.system.callbacks.complete(name, noted())

    def _given(self, address: Any, size: Any, where: Any) -> tuple[FreeBSDMap, int, int]:
        """Return the range to free: whole allocations of one map."""
        first, length = arguments.whole(address, "address"), arguments.whole(size, "size")
        start, end = trunc_page(first), first + length + PAGE - 1 & -PAGE
        vm_map = self._map_to_free_in(start) if where is None else self._where(where)
        if vm_map is None or not vm_map.start <= start < end <= vm_map.end:
            name = "any map of kernel memory" if vm_map is None else vm_map.called
            raise Refused(
                f"address={Address(start)} and size={length} are not a range in {name}: there is nothing to free"
            )
        if not self.system.allocations.is_free_to_go(start, end, vm_map.name):
            self._refuse_foreign(vm_map, start, end)
        return vm_map, start, end

    def _map_to_free_in(self, address: int) -> FreeBSDMap | None:
        """Return the map that contains `address`, or if it has no allocation there, the only map that has one."""
        inside = self.system.kmem.map_at(address)
        if inside is not None and self.system.allocations.overlapping(address, address + 1, inside.name):
            return inside
        gave = {one.map for one in self.system.allocations.overlapping(address, address + 1)}
        if inside is not None and len(gave) == 1 and inside.name not in gave:
            return next(vm_map for vm_map in self.system.kmem_maps.values() if vm_map.name in gave)
        return inside

    def _refuse_foreign(self, vm_map: FreeBSDMap, start: int, end: int) -> None:
        position = start
        for one in self.system.allocations.overlapping(start, end, vm_map.name):
            by = self.system.allocations.going_by(one)
            if by:
                raise Refused(f"{one!r} is being freed already: {by} waits for the lock of {vm_map.called}")
            if one.owner:
                raise Refused(f"{one!r} belongs to the zone allocator: free objects with m.free")
            if one.start < start or one.end > end:
                raise Refused(
                    f"{Address(start)} to {Address(end)} is only a part of {one!r}: free all of it; the original would "
                    "cut its entry there and keep the rest (m.unchecked.kmem_free)"
                )
            if one.start > position:
                break
            position = one.end
        if position < end:
            self._refuse_others(vm_map, position, end)
            self._refuse_slab(position)
            by = self.system.allocations.freed_by(vm_map.name, position)
            why = f"{by} freed it before" if by else "it was never allocated"
            raise Refused(
                f"nothing is allocated at {Address(position)} in {vm_map.called}: {why}; the original skips "
                "holes without an error (m.unchecked.kmem_free)"
            )

    def _refuse_others(self, vm_map: FreeBSDMap, start: int, end: int) -> None:
        for one in self.system.allocations.overlapping(start, end):
            if one.map != vm_map.name:
                raise Refused(
                    f"{one!r} is not memory of {vm_map.called}: free it in {called(one.map)}; in another map the "
                    "original frees whatever lies there, even a submap's place (m.unchecked.kmem_free)"
                )

    def _refuse_slab(self, address: int) -> None:
        for start, zone in self.system.kmem.zones.slabs.items():
            if start <= address < start + zone.slab_size:
                raise Refused(
                    f"{Address(address)} is in a slab of zone {zone.name}: free objects with m.free, and empty "
                    "slabs with m.uma_reclaim"
                )

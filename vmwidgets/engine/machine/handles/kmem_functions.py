"""The kmem functions of a machine: FreeBSD's kernel functions, with and without checks of their arguments.

Each function takes its map by name or, like the original, as the first argument: ``m.kmem_alloc("16 KiB")``,
``m.kmem_alloc(m.kmem.pipe_map, "16 KiB")``.  In a thread, a function may sleep until it is woken; in a cell, other
threads run until the function has finished.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Annotated, Any, TypeAlias, TypeVar

from ...base.called import called
from ...base.calls import WrongCall
from ...base.errors import Refused, shown
from ...base.operations import Argument, operation
from ...base.units import PAGE, Address, binary_size
from ...kernel.freebsd.kmem import M_WAITOK, Kmem, round_page, trunc_page
from ...kernel.freebsd.vm_map import FreeBSDMap
from ...kernel.map.fits import FITS
from ...kernel.threads.waits import MaySleep
from .. import arguments
from ..arguments import MYPY, BytesArg, MallocFlagsArg, TextArg, WordArg
from ..system import Functions, Part, System, short_name
from .kmem import MachineKmemMap
from .maps import MachineMap, held_object
from .objects import MemoryObject

F = TypeVar("F", bound=Callable[..., Any])


def _kmem_map(part: Part, value: Any, _: str) -> FreeBSDMap:
    """Return the map that an argument names, or is a handle of."""
    maps = part.system.kmem_maps
    if type(value) is str and value in maps:
        return maps[value]
    if isinstance(value, MachineMap):
        raise Refused(
            f"map={called(value.path)} is X15's map, and the kmem functions work in FreeBSD's maps: "
            f"m.kmem.kernel_map, or its submaps {', '.join(list(maps)[1:])}"
        )
    return _held_map(part, value) if isinstance(value, MachineKmemMap) else maps[arguments.known(value, maps, "map")]


def _held_map(part: Part, value: Any) -> Any:
    """Return the kernel's own map of a handle of this machine."""
    if value.system is not part.system:
        raise Refused(f"map {called(value.path)} belongs to another machine")
    return value.vm_map


def _handle_of(kind: type[Part], what: str) -> Argument:
    """Return the type of an argument that is a handle of a map."""

    def read(part: Part, value: Any, _: str) -> Any:
        if not isinstance(value, kind):
            raise Refused(f"map={shown(value)} is not {what}")
        return _held_map(part, value)

    return Argument(read, of_part=True)


_KMEM_MAP = "a map of kernel memory: write machine.kmem.kmem_map or another"
_X15_MAP = "a map: write machine.kernel_map, or the map of a task"

if MYPY:
    KmemMapArg: TypeAlias = Any
    FreeBSDMapArg: TypeAlias = Any
    X15MapArg: TypeAlias = Any
    HeldObjectArg: TypeAlias = Any
else:
    KmemMapArg = Annotated["MachineKmemMap | str", Argument(_kmem_map, of_part=True)]
    FreeBSDMapArg = Annotated[MachineKmemMap, _handle_of(MachineKmemMap, _KMEM_MAP)]
    X15MapArg = Annotated[MachineMap, _handle_of(MachineMap, _X15_MAP)]
    HeldObjectArg = Annotated[MemoryObject, Argument(held_object, of_part=True)]


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
                    raise WrongCall(f"{method.__name__}: missing a required argument: {name!r}; it takes {takes}")
            return method(self, *args[1:], map=args[0], **kwargs)
        return method(self, *args, **kwargs)

    return rotated  # type: ignore[return-value]  # the map may also come first


class KmemCalls:
    """The steps of the kmem functions, with checked and unchecked arguments, and the note of each allocation."""

    system: System

    @property
    def _kmem(self) -> Kmem:
        return self.system.kmem.kmem

    def _got(self, name: str, vm_map: FreeBSDMap, size: int, *more: int) -> Address:
        """Complete a function that returns an address, or 0, and note the allocation."""

        def noted() -> MaySleep[Address]:
            address = yield from getattr(self._kmem, name)(vm_map, size, *more)
            self.system.note_allocation(vm_map, address, round_page(size), name)
            return Address(address)

        return self.system.callbacks.complete(name, noted())

    def _made(self, parent: FreeBSDMap, size: int, name: str) -> MaySleep[MachineKmemMap]:
        """Make a submap that learners know by `name`."""
        self.system.kmem_maps[name] = yield from self._kmem.kmem_suballoc(parent, size, name)
        return self.system.part(MachineKmemMap, f"kmem/{name}")


class KmemFunctions(KmemCalls, Functions):
    """The kmem functions, as methods of a machine."""

    # ---- getting memory ----------------------------------------------------------------------

    @map_may_be_first
    @operation
    def kmem_alloc(self, size: int | str, *, map: KmemMapArg = "kernel_map") -> Address:  # noqa: A002  the kernel's own argument
        """Return zeroed, wired pages of kernel_object; 0 if there is no address space (`kmem_alloc`).

        `size` in bytes is rounded up to whole pages.  The call waits for pages as long as necessary.  O(log n + pages).

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kmem_alloc("8 KiB")
        >>> m.write(a, b"hello"), m.read(a, 5)
        (None, b'hello')
        """
        return self._got("kmem_alloc", map, self._length(size, map))

    @map_may_be_first
    @operation
    def kmem_malloc(
        self,
        size: int | str,
        flags: MallocFlagsArg = M_WAITOK,
        *,
        map: KmemMapArg = "kmem_map",  # noqa: A002
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
        return self._got("kmem_malloc", map, self._length(size, map), flags)

    @map_may_be_first
    @operation
    def kmem_alloc_nofault(self, size: int | str, *, map: KmemMapArg = "kernel_map") -> Address:  # noqa: A002
        """Return addresses without pages: a page fault there causes a panic (`kmem_alloc_nofault`).

        Returns 0 if it fails.
        """
        return self._got("kmem_alloc_nofault", map, self._length(size, map))

    @map_may_be_first
    @operation
    def kmem_alloc_wait(self, size: int | str, *, map: KmemMapArg = "exec_map") -> Address:  # noqa: A002
        """Return addresses for memory that page faults will fill (`kmem_alloc_wait`); sleeps until the map has room."""
        return self._got("kmem_alloc_wait", map, self._length(size, map))

    @operation
    def kmem_suballoc(
        self, size: int | str, name: str, *, parent: KmemMapArg = "kernel_map", placement: str = "freebsd"
    ) -> MachineKmemMap:
        """Return a new map, with its own lock and entries, over `size` bytes of `parent` (`kmem_suballoc`).

        The call is refused where the original panics (as `m.unchecked.kmem_suballoc` does): if `parent` has no gap of
        that size, if there is no memory for an entry, or if the range would merge with a neighbour that gets an object.
        `placement` is the rule by which the new map is searched for a gap: "freebsd" (its own, the lowest gap),
        "first", "best", "worst" or "next".
        """
        length = self._length(size, parent)
        wanted = arguments.part_name(name, "name")
        fit = FITS.get(arguments.known(placement, ("freebsd", *FITS), "placement"))
        self.system.refuse_map_name(wanted)

        def steps() -> MaySleep[MachineKmemMap]:
            with self.system.making_map(wanted):
                if parent.lock.held:
                    yield from parent.lock.acquire()
                    parent.lock.release()
                self._refuse_suballoc(parent, length)
                made = yield from self._made(parent, length, wanted)
            made.vm_map.fit = None if fit is None else fit()
            return made

        return self.system.callbacks.complete("kmem_suballoc", steps())

    # ---- giving it back ----------------------------------------------------------------------

    @map_may_be_first
    @operation
    def kmem_free(self, address: BytesArg, size: BytesArg, *, map: KmemMapArg | None = None) -> None:  # noqa: A002
        """Free memory that one of these functions returned (`kmem_free`); no sleeper is woken.

        The original checks nothing.  Here the range must consist of whole allocations of that map.
        ``m.unchecked.kmem_free`` does what the original does with other ranges.
        """
        return self._freed("kmem_free", *self._given(address, size, map))

    @map_may_be_first
    @operation
    def kmem_free_wakeup(self, address: BytesArg, size: BytesArg, *, map: KmemMapArg | None = None) -> None:  # noqa: A002
        """Free memory and wake all threads that sleep until the map has room (`kmem_free_wakeup`)."""
        return self._freed("kmem_free_wakeup", *self._given(address, size, map))

    # ---- the door's own checks ---------------------------------------------------------------

    def _length(self, size: Any, vm_map: FreeBSDMap) -> int:
        """Return the whole pages of a request that the map could ever satisfy."""
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

    def _freed(self, name: str, vm_map: FreeBSDMap, start: int, end: int) -> None:
        """Complete a function that frees a range, and drop the range's allocations."""
        allocations = self.system.allocations

        def noted() -> MaySleep[None]:
            places = allocations.begin_going(vm_map.name, start, end, name)
            try:
                yield from getattr(self._kmem, name)(vm_map, start, end - start)
            finally:
                allocations.end_going(places)
            allocations.drop(vm_map.name, start, end, name)

        return self.system.callbacks.complete(name, noted())

    def _given(self, address: int, size: int, where: FreeBSDMap | None) -> tuple[FreeBSDMap, int, int]:
        """Return the range to free: whole allocations of one map."""
        start, end = trunc_page(address), address + size + PAGE - 1 & -PAGE
        vm_map = self._map_to_free_in(start) if where is None else where
        if vm_map is None or not vm_map.start <= start < end <= vm_map.end:
            name = "any map of kernel memory" if vm_map is None else vm_map.called
            raise Refused(
                f"address={Address(address)} and size={size} are not a range in {name}: there is nothing to free"
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


class Unchecked(KmemCalls, Part):
    """Kernel functions on the machine's maps; arguments are 64-bit words and reach the kernel unchanged.

    They show what the original does with invalid arguments.  The machine runs a debug build, so most of these cause a
    panic, which ends the machine.  Arguments that are not words, maps or objects of this machine are refused: a kernel
    could not get them.
    """

    @operation
    def vm_map_enter(
        self,
        map: X15MapArg,  # noqa: A002  the kernel's own argument
        start: WordArg,
        size: WordArg,
        align: WordArg,
        flags: WordArg,
        object: HeldObjectArg | None = None,  # noqa: A002
        offset: WordArg = 0,
    ) -> Address:
        """Call `vm_map_enter` of X15 with the packed flags word."""
        map.check_room(size)
        return Address(map.enter(start, size, align, flags, object, offset))

    @operation
    def vm_map_remove(self, map: X15MapArg, start: WordArg, end: WordArg) -> None:  # noqa: A002
        """Call `vm_map_remove`, even for the ranges of the kernel itself."""
        map.remove(start, end)

    # ---- kernel memory -----------------------------------------------------------------------

    @operation
    def kmem_alloc(self, map: FreeBSDMapArg, size: WordArg) -> Address:  # noqa: A002
        """Call `kmem_alloc`: size 0 returns the map's start, which may be in use."""
        return self._got("kmem_alloc", map, size)

    @operation
    def kmem_alloc_nofault(self, map: FreeBSDMapArg, size: WordArg) -> Address:  # noqa: A002
        """Call `kmem_alloc_nofault`."""
        return self._got("kmem_alloc_nofault", map, size)

    @operation
    def kmem_malloc(self, map: FreeBSDMapArg, size: WordArg, flags: WordArg) -> Address:  # noqa: A002
        """Call `kmem_malloc`: flags may contradict each other; size 0 causes a panic with the map locked."""
        return self._got("kmem_malloc", map, size, flags)

    @operation
    def kmem_alloc_wait(self, map: FreeBSDMapArg, size: WordArg) -> Address:  # noqa: A002
        """Call `kmem_alloc_wait`."""
        return self._got("kmem_alloc_wait", map, size)

    @operation
    def kmem_free(self, map: FreeBSDMapArg, addr: WordArg, size: WordArg) -> None:  # noqa: A002
        """Call `kmem_free` for any range: a part of an allocation, several allocations, holes, a submap, the boot's."""
        return self._freed("kmem_free", map, addr, size)

    @operation
    def kmem_free_wakeup(self, map: FreeBSDMapArg, addr: WordArg, size: WordArg) -> None:  # noqa: A002
        """Call `kmem_free_wakeup`: an empty range wakes sleepers too."""
        return self._freed("kmem_free_wakeup", map, addr, size)

    @operation
    def kmem_suballoc(self, map: FreeBSDMapArg, size: WordArg, name: TextArg) -> MachineKmemMap:  # noqa: A002
        """Call `kmem_suballoc`: every failure causes a panic."""
        self.system.refuse_map_name(name)

        def steps() -> MaySleep[MachineKmemMap]:
            with self.system.making_map(name):
                return (yield from self._made(map, size, name))

        return self.system.callbacks.complete("kmem_suballoc", steps())

    def _freed(self, name: str, vm_map: FreeBSDMap, addr: int, size: int) -> None:
        """Complete a function that frees a range, and drop whatever allocations and slabs were there."""

        def noted() -> MaySleep[None]:
            yield from getattr(self._kmem, name)(vm_map, addr, size)
            start, end = max(trunc_page(addr), vm_map.start), min(round_page(addr + size), vm_map.end)
            if start < end:
                self._note_freed(vm_map, start, end, name)

        return self.system.callbacks.complete(name, noted())

    def _note_freed(self, vm_map: FreeBSDMap, start: int, end: int, name: str) -> None:
        """Update the records of allocations and zones; the learner may free the rest of a zone's slab."""
        note, zones = self.system.note_allocation, self.system.kmem.zones
        if vm_map is zones.kmem_map:
            for low, high in zones.drop_range(start, end):
                note(vm_map, low, max(0, start - low), "kmem_malloc")
                note(vm_map, end, max(0, high - end), "kmem_malloc")
        self.system.allocations.drop(vm_map.name, start, end, name)

"""The machine: it boots and owns everything, and is the one object that learners hold."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from ..base.errors import Broken, Refused, shown
from ..base.events import Event
from ..base.journal import Journal, Operation
from ..base.operations import Door, Reference, Stopped, operation
from ..base.recorder import Recorder
from ..base.units import Address, Size, binary_size
from ..kernel.map.core import CachedEntries, Entry
from ..kernel.map.fits import FITS
from ..kernel.x15.vm_map import X15Map
from ..mmu.formats import FORMATS
from . import checks
from .check import check_machine
from .cpus import ONE_CPU, CpuSettings, MachineCpus
from .domain import MachineDomain
from .domains import DomainOperations
from .kernel import BOOT_ENTRY, KENTRY_ENTRY, KMEM_ENTRY, Kernel, unmap
from .kmem import KmemOperations, MachineKmem, MachinePageDaemon
from .layouts import ARCHITECTURES, Layout, physical_bits
from .maps import MachineMap, MapDoor
from .memory import MachineCaches, MachineFrames, MachineKentry, MemoryOperations
from .objects import AnonymousPager, DevicePager, MemoryObject
from .scripts import Callbacks
from .tables import DescriptorOperations, MachineTables, MachineWalk, machine_walk
from .tasks import ACCESSES, Task, task_path
from .threads import MachineThreads, ThreadOperations
from .unchecked import Unchecked

if TYPE_CHECKING:
    from ..kernel.pmap.pmap import Pmap
    from ..mmu.bulk import Translation


# ---- parts -------------------------------------------------------------------------------------
#
# The parts of a machine by their paths, as records name them.


WHOLE = ("kernel_map", "kentry", "unchecked", "kmem", "threads", "pagedaemon", "frames", "caches", "cpus")
"""The parts that every machine has one of."""


def part_at(machine: Machine, path: Any) -> Any:
    """The part of `machine` at `path` ("kmem/exec_map", "task:init/map"); refused where there is none."""
    try:
        return _found(machine, path if isinstance(path, str) else "")
    except Refused:
        raise
    except (KeyError, ValueError):
        such = "write a path as records name it, such as 'kernel_map', 'task:init/map' or 'domain:hello'"
    raise Refused(f"{shown(path)} is no part of this machine: {such}")


def _found(machine: Machine, path: str) -> Any:
    if path == "machine":
        return machine
    if path in WHOLE:
        return getattr(machine, path)
    kind, _, name = path.partition(":")
    if kind == "cpu":
        return machine.cpus[int(name)]
    if kind == "object":
        return machine.objects[name]
    if kind == "domain":
        return machine.domain_part(path)
    if kind == "thread":
        return machine.threads[name]
    if path.startswith("kmem/"):
        return machine.kmem.maps[path.removeprefix("kmem/")]
    parts = {task.path: task for task in machine.tasks.values()}
    spaces = (machine.kernel_map, *(task.map for task in parts.values()))
    maps = {part.path: part for one in spaces for part in one.parts()}
    return parts[path] if path in parts else maps[path]


# ---- machine -----------------------------------------------------------------------------------


AnySpace = Task | MachineDomain | str
"""Whose tables are meant: a task or a domain, or its name or path."""


_numbers = count(1)


class Machine(KmemOperations, MemoryOperations, ThreadOperations, DescriptorOperations, DomainOperations):
    """A small simulated computer with a complete VM system; make one with :func:`vmwidgets.boot`.

    `kernel_map` is X15's kernel map, `kmem` FreeBSD's kernel memory with its maps, `threads` who runs and waits,
    `tasks`, `domains` and `objects` what was made by name, `journal` what was done, `controls`
    the processors' settings that walks obey, `cpus` the processors with their TLBs.
    """

    path = "machine"

    def __init__(
        self,
        architecture: str,
        ram_bytes: int,
        layout: Layout,
        quirks: frozenset[str],
        name: str = "",
        cpus: CpuSettings = ONE_CPU,
        seed: int = 0,
    ) -> None:
        self.name = name or f"machine {next(_numbers)}"
        self.architecture = architecture
        self.layout = layout
        self.quirks = quirks
        self.ram_bytes = Size(ram_bytes)
        self.recorder = Recorder()
        self.journal = Journal(self._remake)
        self.door = Door(self.recorder, self.journal)
        self.door.remedy = self.remedy
        self._controls: Any = replace(FORMATS[architecture].defaults, **dict(ARCHITECTURES[architecture].settings))
        self.tasks: dict[str, Task] = {}
        self.domains: dict[str, MachineDomain] = {}
        self.objects: dict[str, MemoryObject] = {}
        self.wirings = count(1)
        """Numbers for the objects of ranges that had none when they were wired, in whichever map."""
        self._listeners: list[Callable[[], Callable[[Machine], Any] | None]] = []
        given = (
            ("architecture", architecture),
            ("ram", ram_bytes),
            ("layout", layout.name),
            ("quirks", sorted(quirks)),
            *((("seed", seed),) if seed else ()),
            *((name, value) for name, value in cpus.told().items() if cpus != ONE_CPU),
        )
        self.kernel: Kernel = self.door.operate("machine", "boot", given, self._boot)
        self.ram = self.kernel.ram
        self.pages = self.kernel.pages
        self.pmap = self.kernel.pmap
        self.door.edited_by_hand = self._edits_in_force
        self.cpus = MachineCpus(self, cpus)
        entries = self.kernel.kernel_map.entries
        assert isinstance(entries, CachedEntries), "the boot ends with the kentry area in place"
        self.kentry = MachineKentry(self, self.kernel.kentry, self.kernel.kentry_cache, entries)
        roles = {BOOT_ENTRY: "boot range", KENTRY_ENTRY: "kentry area", KMEM_ENTRY: "kernel memory"}
        self.kernel_map = MachineMap(self, self.kernel.kernel_map, "kernel_map", roles)
        self.kmem = MachineKmem(self, self.kernel.kmem)
        self.threads = MachineThreads(self, self.kernel.kmem.scheduler)
        self.pagedaemon = MachinePageDaemon(self, self.kernel.kmem.daemon)
        self.callbacks = Callbacks(self, self.kernel.kmem.scheduler)
        self.seed = seed
        self.kernel.kmem.scheduler.draw_from(seed)
        self.frames = MachineFrames(self)
        self.caches = MachineCaches(self)
        self.unchecked = Unchecked(self)
        self.door.listeners.append(self._tell)

    def _boot(self) -> Kernel:
        return Kernel(ARCHITECTURES[self.architecture], int(self.ram_bytes), self.layout, self.quirks, self.recorder)

    # ---- operations --------------------------------------------------------------------------

    @operation
    def task(self, name: str, placement: str | None = None) -> Task:
        """A new task with an empty address space (`vm_map_create`); an existing name gives that task.

        `placement` is the rule by which its map is searched for room: "x15" (X15's own), "first", "best", "worst" or
        "next".  NOMEM without a page for its root table.
        """
        wanted = checks.part_name(name, "task name")
        rule = None if placement is None else checks.known(placement, ("x15", *FITS), "placement")
        if wanted in self.tasks:
            known = self.tasks[wanted]
            if rule not in (None, known.map.placement):
                raise Refused(f"placement={rule!r}: {known!r} exists already; write its name alone to get it")
            return known
        pmap = self.pmap.create(wanted)
        path = f"{task_path(wanted)}/map"
        vm_map = X15Map(
            path,
            self.layout.user_start,
            self.layout.user_end,
            CachedEntries(self.kernel.entry_cache, self.kernel.identities, Entry),
            self.recorder,
            bits=self.layout.bits,
            unmap=partial(unmap, pmap),
            quirks=self.quirks,
            assertions=True,
        )
        vm_map.tables = pmap
        vm_map.fit = FITS[rule]() if rule in FITS else None
        task = Task(self, wanted, MachineMap(self, vm_map, path), pmap)
        self.tasks[wanted] = task
        return task

    @operation
    def object(self, name: str, max_pages: int | None = None) -> MemoryObject:
        """A new memory object of anonymous pages, at most `max_pages` of them; an existing name gives that object."""
        wanted = checks.part_name(name, "object name")
        limit = None if max_pages is None else checks.whole(max_pages, "max_pages")
        if wanted in self.objects:
            known = self.objects[wanted]
            if limit is not None and limit != getattr(known.pager, "max_pages", None):
                raise Refused(f"max_pages={limit}: {known!r} exists already; write its name alone to get it")
            return known
        made = self.objects[wanted] = MemoryObject(self, wanted, AnonymousPager(self, limit))
        return made

    @operation
    def device(self, name: str, at: int | str, size: int | str) -> MemoryObject:
        """A device's memory at physical addresses from `at` on, as an object that maps can map.

        It lies beyond RAM, and in this machine nobody answers there: it can be mapped and walked, not read.
        """
        wanted, start = checks.part_name(name, "device name"), checks.aligned(at, "at")
        length, bits = checks.aligned(size, "size"), physical_bits(self.pmap.fmt)
        reach = 1 << min(bits, getattr(self._controls, "maxphyaddr", bits), getattr(self._controls, "pa_bits", bits))
        if wanted in self.objects:
            raise Refused(f"device name {shown(wanted)}: there is an object of this name; choose another")
        if length == 0 or not self.ram_bytes <= start < start + length <= reach:
            where = f"{Address(self.ram_bytes)}, where RAM ends, and {Address(reach)}, the reach of a page descriptor"
            raise Refused(f"at={Address(start)} and size={length:#x}: a device lies between {where}")
        made = self.objects[wanted] = MemoryObject(self, wanted, DevicePager(start, length))
        return made

    @operation
    def reap(self) -> int:
        """Give the free slabs of all entry caches back, and their pages; how many slabs they were."""
        return self.kernel.kentry_cache.reap() + self.kernel.entry_cache.reap()

    @operation
    def set_controls(self, controls: Any) -> None:
        """Set what walks obey; ``m.controls = …`` does the same.

        Settings of the machine's own family: ``dataclasses.replace(m.controls, wp=False)``.
        """
        if type(controls) is not type(self._controls):
            kind = type(self._controls).__name__
            raise Refused(f"controls={shown(controls)}: write this processor's settings, {kind}(…)")
        self._controls = controls
        self.cpus.set_controls(controls)

    # ---- looking -----------------------------------------------------------------------------

    @property
    def controls(self) -> Any:
        """The processor's settings; setting them is an operation."""
        return self._controls

    @controls.setter
    def controls(self, controls: Any) -> None:
        self.set_controls(controls)

    def walk(
        self,
        address: int | str,
        access: str = "read",
        *,
        user: bool | None = None,
        task: AnySpace | None = None,
    ) -> MachineWalk:
        """What the hardware does with one access to `address`, level by level; nothing changes.

        `access` is "read", "write" or "execute".  `task` is one, or a domain; without, the kernel's tables are
        walked.  `user` says whether user code makes the access; without it, it does if the address is the user's.
        """
        va = checks.whole(address, "address")
        kind = ACCESSES[checks.known(access, ACCESSES, "access")]
        by_user = self.layout.user_start <= va < self.layout.user_end if user is None else checks.flag(user, "user")
        pmap = self.pmap_of(task)
        return machine_walk(self, pmap, "" if task is None else pmap.name, va, kind, by_user)

    def translate(
        self,
        addresses: Any,
        access: str = "read",
        *,
        user: bool = False,
        task: AnySpace | None = None,
    ) -> Translation:
        """Physical addresses of an array of addresses, all at once, with the answers of :meth:`walk`; nothing changes.

        Needs NumPy; `addresses` is anything it makes an array of.  Without `task` the kernel's tables are walked.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> a = m.kmem_malloc(2 * vm.PAGE)
        >>> m.translate([a, a + 5, 0x1000]).ok.tolist()
        [True, True, False]
        """
        from ..mmu.bulk import translate

        kind, by_user = ACCESSES[checks.known(access, ACCESSES, "access")], checks.flag(user, "user")
        pmap = self.pmap_of(task)
        root, controls = pmap.registers(self.controls)
        with self.door.looking():
            return translate(self.ram, pmap.fmt, root, addresses, kind, by_user, controls)

    def pmap_of(self, task: AnySpace | None) -> Pmap:
        """The tables of a task, of a domain (or by its path), or the kernel's."""
        if isinstance(task, MachineDomain) or (isinstance(task, str) and task not in self.tasks):
            domain = next((one for one in self.domains.values() if task in (one, one.path)), None)
            if domain is not None:
                return domain.pmap
            if isinstance(task, MachineDomain):
                raise Refused(f"domain {shown(task.name)} belongs to another machine, or was destroyed")
        if task is not None and not isinstance(task, Task):
            task = self.tasks[checks.known(task, self.tasks, "task")]
        if task is not None and self.tasks.get(task.name) is not task:
            raise Refused(f"task {shown(task.name)} belongs to another machine")
        return self.pmap if task is None else task.pmap

    def tables_of(self, space: str) -> Pmap:
        """The tables of a space by its name: a task's, a domain's path, "" the kernel's."""
        return self.pmap_of(space or None)

    @property
    def tables(self) -> MachineTables:
        """The kernel's page tables, to be shown and walked."""
        return MachineTables(self, self.pmap)

    def check(self) -> None:
        """Raise an error that names structure and invariant unless every invariant of the machine holds."""
        with self.door.looking():
            try:
                with self._without_edits():
                    check_machine(self)
                self.cpus.check()
            except Broken as broken:
                if not any(operation.name == "set_descriptor" for operation in self.journal):
                    raise
                raise Broken(f"{broken} (page tables of this machine were edited by hand)") from None

    def reserved_ranges(self, machine_map: MapDoor, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """What the kernel lives on that [start, end) of `machine_map` touches: start, end, and what it is."""
        if machine_map is not self.kernel_map:
            return
        unprotected = "static-remove" in self.quirks
        for identity, role in machine_map.roles.items():
            entry = self.kernel_map.vm_map.by_id.get(identity)
            if entry is not None and not (entry.static and unprotected) and entry.start < end and start < entry.end:
                yield entry.start, entry.end, f"the {role}"
        for low, high, owner in self.kernel.memory.overlapping(start, end):
            yield low, high, f"a slab of the {owner}"

    def at(self, path: str) -> Any:
        """The part of this machine at `path`, as records name it ("kmem/exec_map", "task:init/map")."""
        return part_at(self, path)

    def resolve(self, value: Any) -> Any:
        """A recorded argument as this machine's own: references become its parts."""
        if type(value) is tuple:
            return tuple(self.resolve(item) for item in value)
        return self.at(value) if isinstance(value, Reference) else value

    @property
    def busy(self) -> bool:
        """Whether an operation is under way."""
        return self.door.busy

    @property
    def dead(self) -> bool:
        """Whether a panic ended the machine."""
        return self.door.dead is not None

    def on_operation(self, callback: Callable[[Machine], Any]) -> None:
        """Have `callback` called with the machine after each operation; a method is held weakly."""
        held = weakref.WeakMethod(callback) if hasattr(callback, "__self__") else (lambda: callback)
        self._listeners.append(held)

    def _tell(self) -> None:
        gone = []
        for held in list(self._listeners):
            callback = held()
            if callback is None or not self._told(callback):
                gone.append(held)
        if gone:
            self._listeners = [held for held in self._listeners if held not in gone]

    def _told(self, callback: Callable[[Machine], Any]) -> bool:
        """Tell one listener; one that fails is told no more, and the operation it was told of stays done."""
        try:
            callback(self)
        except Exception as error:  # noqa: BLE001  whatever somebody else's code does
            why = f"{type(error).__name__}: {error}"
            warnings.warn(f"a listener of {self.name} failed and is told no more ({why})", RuntimeWarning, stacklevel=2)
            return False
        return True

    def __repr__(self) -> str:
        free = binary_size(self.pages.free_pages * 4096)
        names = ", ".join(map(repr, self.tasks)) or "none"
        domains = f", domains: {', '.join(map(repr, self.domains))}" if self.domains else ""
        return (
            f"<{self.name}: {self.architecture}, {self.ram_bytes} of memory ({free} free), "
            f"layout {self.layout.name!r}, {len(self.kernel_map):,} kernel map entries, "
            f"tasks: {names}{domains}, {len(self.journal):,} operations, {'dead' if self.dead else 'up'}>"
        )

    # ---- again -------------------------------------------------------------------------------

    def _remake(self, number: int) -> tuple[Event, ...]:
        """The events of operation `number`, from a machine that is made again by replay.  O(operations)."""
        return replayed(self, number).journal[number].events


def replayed(machine: Machine, number: int) -> Machine:
    """A machine like `machine` right after its operation `number`: booted again, the same operations done again."""
    settings = machine.cpus.settings
    ram = int(machine.ram_bytes)
    twin = Machine(machine.architecture, ram, machine.layout, machine.quirks, machine.name, settings, machine.seed)
    twin.callbacks.recorded = machine.callbacks.scripts
    for record in list(machine.journal)[1 : number + 1]:
        try:
            arguments = {key: twin.resolve(value) for key, value in record.arguments}
            call = getattr(twin.at(record.target), record.name)
        except Refused as error:
            _check_failed(record, error)
            twin.journal.append(record)  # what it names is gone: it can only have failed
            continue
        twin.door.stop_at = record.stopped_at
        try:
            call(**arguments)
        except Stopped:
            if twin.journal.last.stopped_at != record.stopped_at:
                raise  # the stop button, pressed now
        except Exception as error:  # noqa: BLE001  whatever a learner's code raised, it raises again
            _check_failed(record, error)
    return twin


def _check_failed(record: Operation, error: Exception) -> None:
    if record.outcome == "done":
        raise Refused(f"operation {record.number} can't be done again: {error}") from error

"""The data that the parts of one machine share, and how learners' handles find their structures.

A machine has two layers.  Its **structures** are a kernel's structures: RAM, page tables, maps, processors, threads.
They belong to the :class:`System`, which keeps structures with a path in dictionaries.  Its **handles** are the
learners' objects: ``m.kernel_map``, a task, a domain, a thread.  A handle is a :class:`Part`: it has the System and its
own path, but no structure.  At every use, it looks up its structure by that path, so that a machine can go back in
time:

* A handle stays the same Python object while its structures are replaced by older or newer ones.  If its path
  names nothing at the moment, each use is refused with one sentence, and nothing changes.
* The same path gives the same handle (:meth:`System.part`), which lives as long as the machine: pictures hold handles
  weakly.  Handles of capabilities and of a domain's memory objects are equal if they name the same thing.
* If a name can be used again (a destroyed domain's, an ended thread's), the handle also holds a generation number, so
  that it never becomes a handle of a later domain or thread.
* Structures don't refer to handles, to the System or to the Machine.  They hold no lambdas or closures, only bound
  methods, `functools.partial` and small classes, so that they can be copied.  The lock belongs to the door, which is
  outside.  The one exception is a learner's own code: a registered handler and a thread that sleeps in a call lead to
  the machine by way of :class:`~.callbacks.Callbacks`, so a copy of the structures leaves handlers and threads out.

`System.machine` exists only to be passed on: to learners' code, to pictures, and to recorded scripts that are repeated.
No code here asks the machine for a structure.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial, wraps
from inspect import signature
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

from ..base.attributes import Suggesting, Unsettable
from ..base.called import called, whole_name
from ..base.calls import says_what_it_takes
from ..base.errors import KernelError, Refused, shown
from ..base.event import Event
from ..base.operations import Arguments, Door, reads_arguments
from ..base.recorder import Recorder
from ..base.units import Size, listed
from ..kernel.freebsd.vm_map import FreeBSDMap
from ..kernel.map.core import CachedEntries, Entry
from ..kernel.map.fits import Fit
from ..kernel.pmap.pmap import Pmap
from ..kernel.pmap.spaces import KernelPmap
from ..kernel.pmap.user_pmap import UserPmap
from ..kernel.tasks.files import File
from ..kernel.tasks.pageout import TaskMemory
from ..kernel.tasks.pagers import CodePager
from ..kernel.tasks.vm_object import TaskObject
from ..kernel.threads.scheduler import Thread
from ..kernel.threads.waits import MaySleep
from ..kernel.x15.vm_map import X15Map
from ..memory.injections import Injections
from ..memory.pages import PageAllocator
from ..memory.ram import Ram
from ..mmu.chains import Chains
from ..mmu.formats import FORMATS
from ..spaces.domain_space import DomainSpace
from ..spaces.kernel_space import KernelSpace
from ..spaces.paths import task_path, unquoted
from ..spaces.processors import CpuSettings, Processor, Processors
from ..spaces.task_ends import TaskEnds
from ..spaces.task_space import TaskSpace
from . import arguments
from .allocations import Allocation, Allocations
from .kept.copies import contents, freeze, thaw
from .kept.journal_file import MachineJournal
from .learners.answering import PagerCode, ReplacementCode
from .learners.callbacks import Callbacks, Handler
from .reading import OF_TABLES, Reading
from .stages.boot_stages import BOOT_ENTRY, KENTRY_ENTRY, KMEM_ENTRY, Kernel, KernelMemorySystem
from .stages.layouts import Layout

P = TypeVar("P", bound="Part")
T = TypeVar("T")

STRUCTURES = (
    "kernel",
    "ram",
    "pages",
    "pmap",
    "kmem",
    "processors",
    "maps",
    "kmem_maps",
    "roles",
    "tasks",
    "domains",
    "domains_made",
    "destroyed",
    "objects",
    "replaced",
    "spawned",
    "descriptor_edits",
    "edited_from",
    "wirings",
    "allocations",
    "coming",
    "task_memory",
    "files",
    "injections",
    "ends",
)
"""The attributes of a System that a copy contains: everything that operations change."""


class Edit(NamedTuple):
    """A descriptor that was edited by hand: its place, its old value, the written value, and the tables' owner."""

    pa: int
    before: int
    after: int
    level: int
    va: int
    space: str
    """The task or the domain (by its path) whose tables contain the descriptor; "" for the kernel."""


class System:
    """The structures of one machine, and the data that all its parts need.

    The settings of the boot never change: `architecture`, `layout`, `quirks`, `ram_bytes`, `seed`, `cpus`, `fork`.
    """

    kernel: Kernel
    """The structures of the boot: the kernel map, kernel memory with its threads, the caches of map entries."""
    ram: Ram
    pages: PageAllocator
    pmap: KernelPmap
    """The kernel's page tables."""
    kmem: KernelMemorySystem
    """FreeBSD's kernel memory: maps, pages, zones, the page daemon, and the scheduler."""
    task_memory: TaskMemory
    """The frames of tasks' objects, and swap space."""
    processors: Processors
    """The processors, and the settings that walks obey."""
    callbacks: Callbacks
    """The learners' code that the machine calls, and its recorded actions."""

    def __init__(
        self,
        machine: Any,
        architecture: str,
        layout: Layout,
        quirks: frozenset[str],
        ram_bytes: int,
        seed: int,
        cpus: CpuSettings,
        fork: str,
        remake: Callable[[int], tuple[Event, ...]],
    ) -> None:
        self.machine = machine
        self.architecture = architecture
        self.layout = layout
        self.quirks = quirks
        self.ram_bytes = Size(ram_bytes)
        self.seed = seed
        self.cpus = cpus
        self.fork = fork
        self.recorder = Recorder()
        self.journal = MachineJournal(remake)
        self.door = Door(self.recorder, self.journal)
        self.maps: dict[str, X15Map] = {}
        """X15's maps by path: "kernel_map", "task:init/map"."""
        self.kmem_maps: dict[str, FreeBSDMap] = {}
        """FreeBSD's maps by learners' names, in the order in which they were made."""
        self.roles: dict[str, dict[int, str]] = {}
        """The roles of a map's entries by their ids, by the map's path."""
        self.tasks: dict[str, TaskSpace] = {}
        self.domains: dict[str, DomainSpace] = {}
        self.domains_made = 0
        """The number of domains created so far; each domain's number is its generation."""
        self.destroyed: dict[tuple[str, int], DomainSpace] = {}
        """The remains of destroyed domains, by name and generation, to look at."""
        self.objects: dict[str, TaskObject] = {}
        self.files: dict[str, File] = {}
        self.ends = TaskEnds(self.recorder, self.tasks, self.maps)
        self.injections = Injections(self.recorder)
        """The injected failures of requests."""
        self.replaced: dict[tuple[str, int], Thread] = {}
        """The ended threads whose names other threads use now, by name and generation."""
        self.spawned: dict[str, int] = {}
        """How often a new thread has replaced an earlier thread, by name."""
        self.descriptor_edits: list[Edit] = []
        """The edits of descriptors that were not undone, the latest last."""
        self.edited_from: int | None = None
        """The operation of the first edit since the machine was last known to be whole."""
        self.wirings = 0
        """The number of objects created for ranges that had none when they were wired, in any map."""
        self.allocations = Allocations()
        """The allocations of kernel memory that were not freed."""
        self.coming: set[str] = set()
        """The names of kernel memory's maps that waiting calls are creating."""
        self.callbacks = Callbacks(machine, self.door)
        self.breaks: tuple[str, ...] = ()
        self._parts: dict[tuple[Any, ...], Any] = {}

    def boot(self, arguments: Arguments) -> None:
        """Boot the machine, as its first operation."""
        self.kernel = kernel = self.door.operate("machine", "boot", arguments, self._boot_kernel)
        self.ram, self.pages, self.pmap = kernel.ram, kernel.pages, kernel.pmap
        self.door.edits = self.pmap.editor.edits
        zeroed = "anonymous-not-zeroed" not in self.quirks
        self.task_memory = TaskMemory(
            self.ram, self.pages, self.pmap.reverse, self.recorder, zeroed=zeroed, fork=self.fork
        )
        self.kmem = kmem = kernel.kmem
        kmem.scheduler.on_tick = self.task_memory.ticked
        fmt = FORMATS[self.architecture]
        controls = fmt.rules.with_access_flag(fmt.defaults)
        self.processors = Processors(kernel.pmap, self.recorder, self.cpus, controls)
        self.processors.register(kernel.pmap, KernelSpace(kmem.kmem, kmem.map_at))
        self.ends.processors = self.processors
        self.callbacks.serve(kmem)
        kmem.scheduler.draw_from(self.seed)
        self.maps["kernel_map"] = kernel.kernel_map
        self.kmem_maps = {short_name(vm_map): vm_map for vm_map in kmem.kmem.maps}
        self.roles["kernel_map"] = {
            BOOT_ENTRY: "boot range",
            KENTRY_ENTRY: "kentry area",
            KMEM_ENTRY: "kernel memory",
        }
        self.roles["kmem/kernel_map"] = {kmem.boot_entry: "boot"}

    def _boot_kernel(self) -> Kernel:
        ram = int(self.ram_bytes)
        return Kernel(FORMATS[self.architecture], ram, self.layout, self.quirks, self.recorder)

    # ---- copies ------------------------------------------------------------------------------

    def copy(self) -> bytes:
        """Return the structures between two operations, as bytes; raises NoCopy while a thread is inside a call.

        O(structures).
        """
        outside: dict[int, tuple[Any, ...]] = dict(places_of_constants())
        outside |= {id(one): ("named", name) for name, one in self._outside().items()}
        outside |= {id(handle): ("part", type(handle), *key) for key, handle in self._parts.items()}
        outside[id(self.kmem.daemon_call)] = ("nothing",)
        outside[id(self.ram.written)] = ("written",)
        for handler in self.kmem.kmem.lowmem_handlers:
            if isinstance(handler, Handler):
                outside[id(handler)] = ("handler", handler.name, handler.key)
        for one in self.objects.values():
            if isinstance(one.pager, CodePager) and isinstance(one.pager.code, PagerCode):
                outside[id(one.pager.code)] = ("pager", one.name, one.pager.code.key)
        choice = self.task_memory.rings.choice
        if isinstance(choice, ReplacementCode):
            outside[id(choice)] = ("replacement", choice.key)
        return freeze(self.structures(), outside)

    @property
    def between_calls(self) -> bool:
        """Return whether no thread except the page daemon is in the middle of a call: only then can a copy be made."""
        return all(thread.done or thread.daemon for thread in self.kmem.scheduler.threads.values())

    def structures(self) -> dict[str, Any]:
        """Return everything that operations change, by attribute."""
        return {name: getattr(self, name) for name in STRUCTURES}

    def hold(self, structures: dict[str, Any]) -> None:
        """Replace the structures by the given ones."""
        self.__dict__.update(structures)
        self.door.edits = self.pmap.editor.edits
        self.callbacks.serve(self.kmem)

    def restore(self, copy: bytes) -> None:
        """Replace the structures by those in a copy of this machine, or of a machine booted like it; handles stay."""
        named = self._outside()
        makers: dict[str, Callable[..., Any]] = {
            "constant": constants().__getitem__,
            "written": set,
            "named": named.__getitem__,
            "part": self.part,
            "handler": self.callbacks.handler,
            "pager": partial(PagerCode, self.callbacks),
            "replacement": partial(ReplacementCode, self.callbacks),
        }
        self.hold(thaw(copy, makers))
        self.kmem.restart_daemon()

    def _outside(self) -> dict[str, Any]:
        """Return, by name, the objects that structures refer to and a copy leaves out."""
        return {"recorder": self.recorder, "door": self.door, "system": self, "machine": self.machine}

    # ---- structures --------------------------------------------------------------------------

    @property
    def controls(self) -> Any:
        """The processors' settings, which walks obey."""
        return self.processors.controls

    def domain_at(self, path: str) -> DomainSpace | None:
        """Return the domain at a path, if there is one.  O(1)."""
        found = self.domains.get(unquoted(path.removeprefix("domain:")))
        return found if found is not None and found.path == path else None

    def spaces(self) -> Iterator[tuple[str, Pmap]]:
        """Yield the tables of all tasks and domains, each with its name: a task's name, a domain's path."""
        yield from ((task.name, task.pmap) for task in self.tasks.values())
        yield from ((domain.path, domain.pmap) for domain in self.domains.values())

    def pmap_of(self, space: SpacePart | str | None) -> Pmap:
        """Return the page tables of a task or a domain (given as object or path), or the kernel's."""
        if space is None:
            return self.kernel.pmap
        if isinstance(space, SpacePart):
            if space.system is not self:
                raise Refused(f"{space.noun} {shown(space.name)} belongs to another machine")
            space.check_alive()
            return space.space.pmap
        given: object = space
        domain = self.domain_at(space) if isinstance(given, str) and given not in self.tasks else None
        return domain.pmap if domain is not None else self.tasks[arguments.known(space, self.tasks, "task")].pmap

    def has_had_task(self, name: str) -> bool:
        """Return whether a task has this name, or an exited task had this name."""
        return name in self.tasks or name in self.ends.exited

    def refuse_task_name(self, name: str) -> None:
        """Refuse a name that a new task can't have."""
        if self.has_had_task(name):
            what = "has exited, and its name stays its own" if name in self.ends.exited else "is there"
            raise Refused(f"task name {shown(name)}: a task with this name {what}; choose another")

    def refuse_object_name(self, name: str) -> None:
        """Refuse a name that events use for a file's pages, or for unnamed memory."""
        if {name, f"file {name}"} & self.task_memory.objects.keys():
            raise Refused(f"name {shown(name)}: there is already an object with this name; choose another")

    def new_task(self, name: str, parent: str, fit: Fit | None) -> TaskSpace:
        """Return a new task with an empty map (`vm_map_create`); raises NOMEM without a page for its root table."""
        pmap, layout = self._root_of(name), self.layout
        entries = CachedEntries(self.kernel.entry_cache, self.kernel.identities, Entry)
        vm_map = X15Map(
            f"{task_path(name)}/map",
            layout.user_start,
            layout.user_end,
            entries,
            self.recorder,
            bits=layout.bits,
            unmap=pmap.unmap,
            quirks=self.quirks,
            assertions=True,
        )
        vm_map.tables, vm_map.fit, vm_map.provides = pmap, fit, self.kernel.entry_cache.provide
        vm_map.task = name
        space = TaskSpace(name, vm_map, pmap, self.task_memory, parent)
        space.out_of_memory, space.kill_another = self.ends.out_of_memory, self.ends.kill_another
        self.tasks[name] = space
        self.maps[vm_map.name] = vm_map
        self.processors.register(pmap, space)
        return space

    def _root_of(self, name: str) -> UserPmap:
        """Return page tables for a new task; if no page is left for their root, evict a page of a task."""
        while True:
            try:
                return self.pmap.create(name)
            except KernelError:  # noqa: PERF203  once, unless memory runs out
                if not self.task_memory.reclaim(""):
                    raise

    def kernel_call(self, pmap: Pmap, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Make a kernel call of the program of `pmap`, on a processor that runs it."""
        processors = self.processors
        if len(processors.all) == 1:
            return call(*args, **kwargs)
        with processors.on(processors.calling(pmap)):
            return call(*args, **kwargs)

    def complete_call(self, name: str, pmap: Pmap, steps: Callable[[Processor], MaySleep[T]]) -> T:
        """Make a kernel call or accesses that may sleep, on the processor that runs `pmap` when the call begins."""

        def begun() -> MaySleep[T]:
            processor = self.processors.calling(pmap)
            return (yield from self.processors.perform(steps(processor), processor))

        return self.callbacks.complete(name, begun())

    def complete_access(self, name: str, steps: MaySleep[T], processor: Processor | None = None) -> T:
        """Make accesses to memory, with the kernel on `processor`, and report how long they took."""
        return self.callbacks.complete(name, self.processors.perform(steps, processor))

    def apply_injections(self) -> None:
        """Make the structures check whether a request must fail, if any injection is active."""
        found, memory = self.injections, self.task_memory
        points = {rule.point for rule in found.rules.values()}
        self.pages.veto = found.no_frame if points & {"page_alloc", "table_page"} else None
        memory.fails = partial(found.hit, "pager_read") if "pager_read" in points else None
        memory.swap.refuses = partial(found.hit, "swap_full") if "swap_full" in points else None

    def note_allocation(self, vm_map: FreeBSDMap, address: int, length: int, function: str, owner: str = "") -> None:
        """Record a function's allocation, unless it is empty, or its memory was freed while the function slept."""
        if address and length and vm_map.covers(address, address + length):
            self.allocations.add(Allocation(address, address + length, vm_map.name, function, owner))

    def refuse_map_name(self, name: str) -> None:
        """Refuse a name that a new map of kernel memory can't have."""
        if name in self.kmem_maps or name in self.coming or "/" in name:
            raise Refused(
                f"name={shown(name)}: there is already a map with this name, or the name has a slash; choose another"
            )

    @contextmanager
    def making_map(self, name: str) -> Iterator[None]:
        """Refuse, in this block, to create another map of kernel memory with this name."""
        self.coming.add(name)
        try:
            yield
        finally:
            self.coming.discard(name)

    # ---- handles -----------------------------------------------------------------------------

    def part(self, kind: type[P], path: str, *generation: int) -> P:
        """Return the handle of the part at `path`: always the same object."""
        key = (path, *generation)
        held: P | None = self._parts.get(key)
        if held is None:
            held = self._parts[key] = kind(self, path, *generation)
        return held


class _Sealing(ABCMeta):
    """A metaclass: new objects of its classes are sealed; the error for calling a class says how to get an object."""

    made_by: str

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            made = super().__call__(*args, **kwargs)
        except TypeError:
            if cls._takes(args, kwargs):  # the arguments fit, so the error comes from the constructor itself
                raise
            raise Refused(f"{cls.__name__} can't be called with these arguments: {cls.made_by}") from None
        made._sealed = True
        return made

    def _takes(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        try:
            signature(cls.__init__).bind(None, *args, **kwargs)  # type: ignore[misc]  # of this very class
        except TypeError:
            return False
        return True


class Handle(Suggesting, metaclass=_Sealing):
    """An object for learners.

    Only attributes that are meant to be set can be set, so that no typo replaces a part.
    """

    made_by = "a machine makes its parts itself, and has them as in machine.tasks"
    """The call that returns such an object; the class itself can't be called."""

    inside = Suggesting.inside | {
        "check_alive", "door", "history", "later_destroyed", "listed", "made_by", "missing", "noun", "part", "path",
        "recorder", "space", "space_name", "system", "vm_map",
    }  # fmt: skip  # a list

    _sealed = False

    def __init_subclass__(cls) -> None:
        """Let each call of a learner read its arguments and say what it takes; operations do so more cheaply."""
        for name, value in list(vars(cls).items()):
            is_call = isinstance(value, FunctionType) and not name.startswith("_") and name != "check_alive"
            if is_call and not hasattr(value, "is_operation"):
                setattr(cls, name, reads_arguments(says_what_it_takes(value)))

    if not TYPE_CHECKING:  # with a visible __setattr__, a type checker would accept any name

        def __setattr__(self, name: str, value: Any) -> None:
            if self._sealed and not name.startswith("_"):
                settable = [one for one in dir(type(self)) if getattr(getattr(type(self), one), "fset", None)]
                if name not in settable:
                    why = "is a part of it" if hasattr(self, name) else "is unknown"
                    instead = f"only {listed(settable)} can be set" if settable else "nothing of it can be set"
                    raise Unsettable(f"{self.path}.{name} can't be set: {name} {why}, and {instead}")
            object.__setattr__(self, name, value)


class Functions(Handle):
    """Some of the functions of a machine, which has them as its own: a base of :class:`.Machine`."""

    system: System
    path: str
    door: Door


class Part(Handle):
    """A handle: a learner's object for the structure at `path` in a machine's System."""

    def __init__(self, system: System, path: str) -> None:
        self.system = system
        self.path = path
        self.door = system.door

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse `copy` and `pickle`: a handle refers to its machine."""
        raise Refused(f"{called(self.path)} can't be copied: m.branch() makes another machine, with all that is in it")

    def __init_subclass__(cls) -> None:
        """Let even parts that do not exist now be printed: notebooks show the value at the end of a cell."""
        super().__init_subclass__()
        shows = cls.__dict__.get("__repr__")
        if shows is not None:

            def printed(self: Part) -> str:
                try:
                    return str(shows(self))
                except Refused as missing:
                    return f"<{missing}>"

            cls.__repr__ = wraps(shows)(printed)  # type: ignore[method-assign, assignment]  # as a decorator would

    @property
    def machine(self) -> Any:
        """The machine to which this part belongs."""
        return self.system.machine

    def missing(self) -> NoReturn:
        """Refuse because no structure has this path now."""
        whose = called(self.path.partition("/")[0])
        is_over = self.path.startswith("task:") and whose in self.system.ends.exited
        why = f"{whose} has exited, so " if is_over else ""
        raise Refused(f"{why}{whole_name(self.path)} does not exist at this moment of the machine")


class SpacePart(Part):
    """A task or a domain: a handle of a part with its own page tables."""

    noun = "task"
    name: str
    space_name: str
    """The name of the space's tables in events: a task's name, a domain's path."""

    @property
    @abstractmethod
    def space(self) -> TaskSpace | DomainSpace:
        """The machine's own structure."""

    @property
    def pmap(self) -> Reading:
        """The space's page tables as processors load them, read-only."""
        return Reading(f"{self.path}.pmap", lambda: self.space.pmap, OF_TABLES)

    @property
    def _processor(self) -> Processor:
        """The processor that makes the space's accesses now."""
        return self.system.processors.calling(self.space.pmap)

    def _kernel_call(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Make an operation's call, unless the space no longer exists."""
        self.check_alive()
        return self.system.kernel_call(self.space.pmap, call, *args, **kwargs)

    def _tables(self) -> Pmap:
        """Return the kernel's own page tables of the space."""
        return self.space.pmap

    @abstractmethod
    def check_alive(self) -> None:
        """Refuse if the task or domain does not exist, or was destroyed."""


@lru_cache(maxsize=1)
def constants() -> tuple[Any, ...]:
    """Return the table formats' objects, in a fixed order: machines share these objects, and copies only name them."""
    found: dict[int, Any] = {}
    todo: list[Any] = [FORMATS[name] for name in sorted(FORMATS)]
    while todo:
        one = todo.pop()
        if isinstance(one, Chains):
            continue  # it grows with each walk
        if isinstance(one, (list, tuple, dict)):
            todo += one.values() if isinstance(one, dict) else one
        if type(one).__module__.startswith(FORMATS_PACKAGE) and id(one) not in found:
            found[id(one)] = one
            todo += contents(one).values()
    return tuple(found.values())


@lru_cache(maxsize=1)
def places_of_constants() -> dict[int, tuple[str, int]]:
    """Return each constant's replacement in a copy, by the constant's `id`."""
    return {id(one): ("constant", place) for place, one in enumerate(constants())}


FORMATS_PACKAGE = f"{__name__.partition('.machine.')[0]}.mmu."
"""The package with the classes of the formats' objects."""


def short_name(vm_map: FreeBSDMap) -> str:
    """Return the learners' name for a map: FreeBSD's kernel map, "kmem/kernel_map" in events, is "kernel_map" here."""
    return vm_map.name.removeprefix("kmem/")

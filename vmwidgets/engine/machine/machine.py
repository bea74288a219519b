"""The machine: the one object that learners hold, with its parts and their functions."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from inspect import ismethod
from itertools import count
from typing import Any
from weakref import WeakSet

from ..base.errors import Broken, Refused, in_ascii, shown
from ..base.event import Event
from ..base.operations import PartReference, operation
from ..base.units import binary_size, counted
from ..spaces.paths import unquoted
from ..spaces.processors import ONE_CPU, CpuSettings
from . import arguments
from .arguments import Named
from .handles.breaks import BreakFunctions
from .handles.cpus import MachineCpus
from .handles.domain import MachineDomain
from .handles.domain_functions import DomainFunctions
from .handles.files import MachineFile
from .handles.frames import MachineCaches, MachineFrames, MachineKentry
from .handles.injections import Injection, InjectionFunctions
from .handles.kmem import MachineKmem, MachinePageDaemon
from .handles.kmem_functions import KmemFunctions, Unchecked
from .handles.maps import MachineMap
from .handles.memory import MemoryFunctions
from .handles.objects import MachineObjects, MemoryObject
from .handles.replacement import MachineReplacement
from .handles.tables import DescriptorFunctions, MachineTables, MachineWalk
from .handles.tasks import Task, TaskFunctions
from .handles.threads import MachineThreads, ThreadFunctions
from .handles.times import TimeFunctions
from .hindsight.hindsight import Hindsight
from .history import History, number_of
from .invariants import check_machine
from .reading import OF_MEMORY, OF_PAGES, OF_TABLES, Reading
from .stages.layouts import Layout
from .system import Edit, SpacePart, System

_numbers = count(1)

MACHINES: WeakSet[Machine] = WeakSet()
"""All machines in use, including machines of the past."""


class Machine(
    TaskFunctions,
    MemoryFunctions,
    KmemFunctions,
    ThreadFunctions,
    DomainFunctions,
    DescriptorFunctions,
    InjectionFunctions,
    TimeFunctions,
    BreakFunctions,
    Hindsight,
):
    """A small simulated computer with a complete VM system; :func:`vmwidgets.boot` creates one.

    `kernel_map` is X15's kernel map, and `kmem` is FreeBSD's kernel memory with its maps.  `threads` has the threads,
    running and waiting.  `tasks`, `domains` and `objects` contain what was created, by name.  `journal` has the
    operations, `controls` the processors' settings that walks obey, and `cpus` the processors with their TLBs.
    """

    inside = Hindsight.inside | {"recorded", "resolve"}
    path = "machine"
    made_by = 'boot("x86-64") makes a machine'

    def __init__(
        self,
        architecture: str,
        ram_bytes: int,
        layout: Layout,
        quirks: frozenset[str],
        name: str = "",
        cpus: CpuSettings = ONE_CPU,
        seed: int = 0,
        copy: bytes = b"",
        *,
        fork: str,
    ) -> None:
        self._name = name or f"machine {next(_numbers)}"
        self._listeners: list[Callable[[], Callable[[Machine], Any] | None]] = []
        MACHINES.add(self)
        self.system = system = System(self, architecture, layout, quirks, ram_bytes, seed, cpus, fork, self._remake)
        self.door = system.door
        self.journal = system.journal
        self.recorder = system.recorder
        self.architecture = architecture
        self.layout = layout
        self.quirks = quirks
        self.ram_bytes = system.ram_bytes
        self.seed = seed
        given = (
            ("architecture", architecture),
            ("ram", ram_bytes),
            ("layout", layout.name),
            ("quirks", tuple(sorted(quirks))),
            *((("seed", seed),) if seed else ()),
            ("fork", fork),
            *((name, value) for name, value in cpus.arguments().items() if cpus != ONE_CPU),
        )
        if copy:
            system.restore(copy)
        else:
            system.boot(given)
        self.history = History(system, self._another)
        if not copy:
            self.history.touches.begin(system.ram)
        self.kernel_map = system.part(MachineMap, "kernel_map")
        self.kentry = system.part(MachineKentry, "kentry")
        self.kmem = system.part(MachineKmem, "kmem")
        self.threads = system.part(MachineThreads, "threads")
        self.pagedaemon = system.part(MachinePageDaemon, "pagedaemon")
        self.cpus = system.part(MachineCpus, "cpus")
        self.frames = system.part(MachineFrames, "frames")
        self.caches = system.part(MachineCaches, "caches")
        self.memory_objects = system.part(MachineObjects, "memory_objects")
        self.unchecked = system.part(Unchecked, "unchecked")
        self._replacement = system.part(MachineReplacement, "replacement")
        self.door.remedy = self._remedy
        self.door.listeners.append(self._notify)
        self.door.watch()

    # ---- operations --------------------------------------------------------------------------

    @operation
    def reap(self) -> int:
        """Free the empty slabs of all entry caches, and their pages; returns the number of slabs."""
        return self.system.kernel.kentry_cache.reap() + self.system.kernel.entry_cache.reap()

    @operation
    def set_controls(self, controls: Any) -> None:
        """Set the processors' settings that walks obey; ``m.controls = …`` does the same.

        Use settings of the machine's own family: ``dataclasses.replace(m.controls, wp=False)``.
        """
        kind = type(self.controls)
        if type(controls) is not kind:
            raise Refused(f"controls={shown(controls)}: write this processor's settings, {kind.__name__}(…)")
        self.system.processors.set_controls(controls)

    # ---- its structures, to be read ----------------------------------------------------------

    @property
    def name(self) -> str:
        """The machine's name in pictures and errors."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self.door.refuse_if_closed()
        self._name = arguments.text_name(name, "name")

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse `copy` and `pickle`, which would copy only half of a machine."""
        raise Refused(f"{self._name} can't be copied: m.branch() makes another machine, m.journal.save(path) a file")

    @property
    def ram(self) -> Reading:
        """The physical memory, read-only."""
        return Reading("m.ram", lambda: self.system.ram, OF_MEMORY)

    @property
    def pages(self) -> Reading:
        """The page allocator, read-only."""
        return Reading("m.pages", lambda: self.system.pages, OF_PAGES)

    @property
    def pmap(self) -> Reading:
        """The kernel's page tables as the kernel keeps them, read-only."""
        return self.pmap_of(None)

    @property
    def tables(self) -> MachineTables:
        """The kernel's page tables, to show and walk."""
        return MachineTables(self.system)

    @property
    def controls(self) -> Any:
        """The processors' settings; setting them is an operation."""
        return self.system.controls

    @controls.setter
    def controls(self, controls: Any) -> None:
        self.set_controls(controls)

    @property
    def replacement(self) -> MachineReplacement:
        """The page replacement policy for task pages. Assign to it to change the policy.

        The value is a policy's name, a :class:`vmwidgets.Replacement`, or a function; see :class:`.MachineReplacement`.
        """
        return self._replacement

    @replacement.setter
    def replacement(self, policy: Any) -> None:
        self._replacement.choose(policy)

    @property
    def tasks(self) -> Named[Task]:
        """The tasks by name, in the order of their creation."""
        return Named("task", ((name, self.system.part(Task, task.path)) for name, task in self.system.tasks.items()))

    @property
    def domains(self) -> Named[MachineDomain]:
        """The domains by name, in the order of their creation."""
        return Named("domain", ((name, self._domain_handle(domain)) for name, domain in self.system.domains.items()))

    @property
    def objects(self) -> Named[MemoryObject]:
        """The memory objects by name, in the order of their creation."""
        paths = ((name, f"object:{name}") for name in self.system.objects)
        return Named("object", ((name, self.system.part(MemoryObject, path)) for name, path in paths))

    @property
    def files(self) -> Named[MachineFile]:
        """The files by name, in the order of their creation."""
        paths = ((name, f"file:{name}") for name in self.system.files)
        return Named("file", ((name, self.system.part(MachineFile, path)) for name, path in paths))

    # ---- looking -----------------------------------------------------------------------------

    def walk(
        self, address: int | str, access: str = "read", *, user: bool | None = None, task: SpacePart | str | None = None
    ) -> MachineWalk:
        """Return what the hardware does with one access to `address`, level by level; nothing changes.

        `access` is "read", "write" or "execute".  `task` is a task or a domain; without `task`, the kernel's tables are
        walked.  `user` says whether user code makes the access; by default, user code does if the address is a user
        address.
        """
        return self.tables_of(task).walk(address, access, user=user)

    def tables_of(self, space: SpacePart | str | None) -> MachineTables:
        """Return the page tables of a task or domain, given as object, name or path; the kernel's for None and ""."""
        self.system.pmap_of(None if isinstance(space, str) and not space else space)  # refuses parts of other machines
        if not isinstance(space, str):
            return MachineTables(self.system, space)
        path = space if space not in self.system.tasks else self.system.tasks[space].path
        return MachineTables(self.system, self.part(path) if space else None)

    def pmap_of(self, task: SpacePart | str | None) -> Reading:
        """The tables of a task, of a domain (or its path), or of the kernel, as the kernel keeps them; read-only."""
        self.system.pmap_of(task)  # refuses anything else
        whose = "m.pmap" if task is None else f"m.pmap_of({shown(getattr(task, 'path', task))})"
        return Reading(whose, lambda: self.system.pmap_of(task), OF_TABLES)

    @property
    def descriptor_edits(self) -> list[Edit]:
        """All edits of descriptors that were not undone; the latest is the last."""
        return list(self.system.descriptor_edits)

    def check(self) -> None:
        """Check every invariant of the machine; if one fails, raise an error that names it and the structure."""
        with self.door.looking():
            try:
                with self._without_edits():
                    check_machine(self.system)
                self.cpus.check()
            except Broken as broken:
                if not any(operation.name == "set_descriptor" for operation in self.journal):
                    raise
                raise Broken(f"{broken} (page tables of this machine were edited by hand)") from None

    # ---- parts by their paths ----------------------------------------------------------------

    def part(self, path: str) -> Any:
        """Return the part of this machine at `path`, as records name it ("kmem/exec_map", "task:init/map")."""
        given: object = path
        try:
            return self._find(given if isinstance(given, str) else "")
        except Refused:
            raise
        except (KeyError, ValueError):
            such = "write a path as records name it, such as 'kernel_map', 'task:init/map' or 'domain:hello'"
        raise Refused(f"{shown(path)} is not part of this machine: {such}")

    def _find(self, path: str) -> Any:
        if path == self.path:
            return self
        if path in SINGLE_PARTS:
            return getattr(self, path)
        if path in self.system.maps:
            return self.system.part(MachineMap, path)
        kind, _, name = path.partition(":")
        if kind == "cpu":
            return self.cpus[int(name)]
        if kind == "task":
            return self.system.part(Task, self.system.tasks[unquoted(name)].path)
        if kind == "file" and name in self.system.files:
            return self.system.part(MachineFile, path)
        if kind == "injection" and int(name) in self.system.injections.rules:
            return self.system.part(Injection, path)
        if kind == "object" and name in self.system.objects:
            return self.system.part(MemoryObject, path)
        if kind == "domain":
            return self._domain_part(path)
        if kind == "thread":
            return self.threads[name]
        name = path.removeprefix("kmem/")
        if name not in self.system.kmem_maps:
            raise KeyError(path)
        return self.kmem.maps[name]

    def recorded(self, target: str, name: Any) -> Callable[..., Any]:
        """Return the recorded call of the part at `target`; anything that is not an operation is refused."""
        part = self.part(target)
        method = getattr(type(part), name, None) if isinstance(name, str) else None
        if not getattr(method, "is_operation", False) and not (method is not None and name in RECORDED):
            raise Refused(f"{shown(target)[1:-1]}.{shown(name)[1:-1]} is not an operation")
        call: Callable[..., Any] = getattr(part, name)
        return call

    def resolve(self, value: Any) -> Any:
        """Return a recorded argument with references replaced by this machine's parts."""
        if type(value) is tuple:
            return tuple(self.resolve(item) for item in value)
        return self.part(value) if isinstance(value, PartReference) else value

    # ---- time --------------------------------------------------------------------------------

    def at(self, n: int | str) -> Any:
        """Return this machine as it was after operation `n`, read-only; 0 is after the boot.

        `n` may be negative, as in ``m.journal[n]``, or the name of a bookmark.  A call that would change the returned
        machine is refused.  O(operations since the nearest copy: some hundred).

        >>> import vmwidgets as vm
        >>> m = vm.boot()
        >>> a = m.kernel_map.enter("16 KiB")
        >>> len(m.at(0).kernel_map), len(m.kernel_map)
        (3, 4)
        """
        with self.door.looking():
            return self.history.at(self._moment(n, "at"))

    def branch(self, n: int | str | None = None) -> Machine:
        """Return an independent machine that begins like this one after operation `n`, or now; each continues alone.

        A thread that sleeps inside its function can't continue in a branch: Python can't copy it.  Handlers can.

        >>> import vmwidgets as vm
        >>> m = vm.boot()
        >>> a = m.kernel_map.enter("16 KiB")
        >>> other = m.branch(0)
        >>> other.kernel_map.enter("8 KiB") == a, len(m.journal), other.journal.last.number
        (True, 2, 1)
        """
        with self.door.looking():
            made: Machine = self.history.branch(self._moment(-1 if n is None else n, "branch"))
        return made

    def undo(self, n: int = 1) -> None:
        """Undo the last `n` operations; a group, for example of ``vm.load_maps``, counts as one.

        Handles remain; using one whose object no longer exists is refused.  Python's own variables are not undone.
        Threads continue from their earlier state, unless their functions have run further.

        >>> import vmwidgets as vm
        >>> m = vm.boot()
        >>> t = m.task("init")
        >>> m.undo()
        >>> t.map
        <the map of init does not exist at this moment of the machine>
        >>> m.redo()
        >>> len(t.map)
        0
        """
        self._between("undo")
        with self.door.looking():
            self.history.undo(arguments.count(n, "n"))

    def redo(self, n: int = 1) -> None:
        """Redo the next `n` undone operations; after a new operation, they are a branch and can't be redone."""
        self._between("redo")
        with self.door.looking():
            self.history.redo(arguments.count(n, "n"))

    def mark(self, name: str) -> None:
        """Bookmark this point for ``m.at(name)`` and ``m.branch(name)``; this is not an operation and never undone."""
        self.door.refuse_if_closed()
        self.journal.mark(arguments.text_name(name, "name"), self.journal.last.serial)

    def group(self, name: str) -> AbstractContextManager[None]:
        """Make a ``with`` block one operation for ``undo``; a block that fails is undone."""
        self._between("group")
        return self.history.group(arguments.text_name(name, "name"))

    def _moment(self, given: int | str, name: str) -> int:
        self._between(name)
        return number_of(given, name, self.system)

    def _between(self, name: str) -> None:
        if self.door.inside:
            raise Refused(f"m.{name}() can't run during an operation: call it in a cell")
        if self.journal.incomplete:
            raise Refused(f"m.{name}(): {self.journal.incomplete}")
        if name in ("undo", "redo"):
            self.door.refuse_if_closed()
            if self.journal.open_groups:
                raise Refused(f"m.{name}() can't run inside a group: call it after the group")

    def _another(self, copy: bytes, name: str) -> Machine:
        """Return a machine booted like this one, or with the structures of a copy."""
        at, ram = self.system, int(self.ram_bytes)
        return Machine(self.architecture, ram, self.layout, self.quirks, name, at.cpus, self.seed, copy, fork=at.fork)

    # ---- the running operation ---------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Return whether an operation is running."""
        return self.door.busy

    @property
    def dead(self) -> bool:
        """Return whether a panic ended the machine."""
        return self.door.dead is not None

    def on_operation(self, callback: Callable[[Machine], Any]) -> None:
        """Call `callback` with the machine after each operation; a bound method is held by a weak reference."""
        if not callable(callback):
            raise Refused(f"callback={shown(callback)} can't be called: write a function that takes the machine")
        held = weakref.WeakMethod(callback) if ismethod(callback) else (lambda: callback)
        self._listeners.append(held)

    def _notify(self) -> None:
        """Call the listeners, and drop listeners that fail or no longer exist."""
        count = len(self.journal)
        if count > self.history.next_copy or count >= self.history.touches.due:
            with self.door.looking():
                self.history.keep_up()
        if not self._listeners:
            return
        gone = []
        for held in tuple(self._listeners):
            callback = held()
            if callback is None or not self._call(callback):
                gone.append(held)
        self._listeners = [held for held in self._listeners if held not in gone]

    def _call(self, callback: Callable[[Machine], Any]) -> bool:
        """Call one listener; return false if it fails: the operation stays done, and that listener is dropped."""
        try:
            callback(self)
        except Exception as error:  # noqa: BLE001  whatever a listener's code does
            why = f"{type(error).__name__}: {error}"
            warnings.warn(
                f"a listener of {self.name} failed and is not called again ({why})", RuntimeWarning, stacklevel=2
            )
            return False
        return True

    @in_ascii
    def __repr__(self) -> str:
        free = binary_size(self.system.pages.free_pages * 4096)
        names = ", ".join(map(repr, self.system.tasks)) or "none"
        domains = f", domains: {', '.join(map(repr, self.system.domains))}" if self.system.domains else ""
        return (
            f"<{self.name}: {self.architecture}, {self.ram_bytes} of memory ({free} free), "
            f"layout {self.layout.name!r}, {counted(len(self.kernel_map), 'kernel map entry')}, "
            f"tasks: {names}{domains}, {counted(len(self.journal), 'operation')}, {'dead' if self.dead else 'up'}>"
        )

    def _remake(self, number: int) -> tuple[Event, ...]:
        """Return the events of operation `number`, from a rebuilt machine."""
        return self.history.at(number).journal.last.events  # type: ignore[no-any-return]  # a Machine's


RECORDED = frozenset(("spawn", "run", "register_handler", "make_pager", "replace_by"))
"""The calls of the machine that are recorded without being marked as operations, since they take learners' code."""

SINGLE_PARTS = (
    "kernel_map",
    "kentry",
    "unchecked",
    "kmem",
    "threads",
    "pagedaemon",
    "frames",
    "caches",
    "cpus",
    "memory_objects",
    "replacement",
)
"""The paths of the parts that every machine has exactly once."""

"""Tasks (address spaces with maps and page tables of their own) and the functions of a machine that create them.

The memory objects for a task's map are created here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeAlias

from ...base.errors import KernelError, Refused, VMError, in_ascii, shown
from ...base.operations import Argument, operation, through
from ...base.units import PAGE, Address, Size, counted
from ...kernel.map.fits import FITS
from ...kernel.tasks.files import File
from ...kernel.tasks.pagers import AnonymousPager, CodePager, DevicePager
from ...kernel.tasks.vm_object import TaskObject
from ...kernel.threads.waits import MaySleep
from ...mmu.rules import Access
from ...spaces.paths import task_path, unquoted
from ...spaces.processors import Processor
from ...spaces.task_space import TaskSpace
from ...spaces.tasks_schema import TaskForked
from .. import arguments
from ..arguments import AccessArg, BytesArg, CountArg, FlagArg, PageNumbersArg, PagesArg, one_of, part_name, whole
from ..learners.answering import PagerCode
from ..system import Functions, System
from .files import MOST, MachineFile
from .maps import MachineMap
from .objects import MemoryObject
from .tables import MachineTables, MachineWalk
from .unix_calls import UnixCalls

TaskName: TypeAlias = Annotated[str, Argument(part_name, "task name")]
ObjectName: TypeAlias = Annotated[str, Argument(part_name, "object name")]
DeviceName: TypeAlias = Annotated[str, Argument(part_name, "device name")]
FileName: TypeAlias = Annotated[str, Argument(part_name, "file name")]
PlacementArg: TypeAlias = Annotated[str, one_of(("x15", *FITS))]
PageNumber: TypeAlias = Annotated[int, Argument(whole)]


class Task(UnixCalls):
    """A process's memory: `map` is its address space, `pmap` its page tables."""

    absent: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("wait", "waitpid", "join"), "here no task waits for another one; exit() ends a task"),
        **dict.fromkeys(("kill", "terminate", "stop"), "exit() ends a task"),
        **dict.fromkeys(("clone", "vfork", "spawn"), "fork() makes a child, and m.spawn(…) a thread"),
        **dict.fromkeys(("open", "close"), "m.file(name, bytes) makes a file, and mmap(size, file=…) maps it"),
        **dict.fromkeys(
            ("malloc", "alloc", "allocate", "free"), "mmap(size) gets memory, and munmap(start, size) ends it"
        ),
        **dict.fromkeys(("load", "peek"), "read(address, length) reads as the task does"),
        **dict.fromkeys(("store", "poke"), "write(address, bytes) writes as the task does"),
    }

    def __init__(self, system: System, path: str) -> None:
        super().__init__(system, path)
        self.name = self.space_name = unquoted(path.removeprefix("task:"))
        self.map = system.part(MachineMap, f"{path}/map")

    @property
    def space(self) -> TaskSpace:
        """The kernel's own structure."""
        return self.system.tasks.get(self.name) or self.missing()

    def check_alive(self) -> None:
        """Refuse if the task no longer exists."""
        _ = self.space  # refused if there is no such task

    @property
    def tables(self) -> MachineTables:
        """The task's page tables, to show and walk."""
        return MachineTables(self.system, self)

    @operation
    def read(self, address: int | str, length: int | str = 1) -> bytes:
        """Return `length` bytes from `address` on, as user code reads them: walk, page fault, resolution, retry.

        Fails with the page fault's error: FAULT if nothing is mapped, ACCES if reading is not allowed, NOMEM.
        """
        start, count = self._span(address, length)
        return self._complete("read", lambda cpu: cpu.load(start, count, "read", True, self._tables))

    @operation
    def write(self, address: int | str, data: bytes) -> None:
        """Write `data` from `address` on, as user code does: walk, page fault, resolution, retry.

        Pages are allocated when they are touched.  After an error, the bytes that were already written stay.
        """
        content = arguments.content(data, "data")
        start, _ = self._span(address, len(content))
        return self._complete("write", lambda cpu: cpu.store(start, content, True, self._tables))

    @operation
    def touch(self, address: int | str, access: str = "read") -> MachineWalk:
        """Make one access that moves no data; returns the hardware's walk after the kernel has resolved any fault."""
        kind = arguments.access(access)
        start, _ = self._span(address, 1)
        return self._complete("touch", lambda cpu: self._touched(cpu, start, kind))

    def _touched(self, cpu: Processor, address: int, access: Access) -> MaySleep[MachineWalk]:
        """Make one access; returns the hardware's walk for the same access afterwards."""
        yield from cpu.reach(address, access, True, self._tables)
        return self.walk(address, access)

    def peek(self, address: int | str, length: int | str = 1) -> bytes:
        r"""Return `length` bytes from `address` on, as a debugger sees them: the contents of the entries' objects.

        This is neither an access nor an operation: no TLB is used, no page is brought in, no bit is set, and
        ``m.redo()`` still works afterwards.  A page may be in memory, in swap space or in its file on disk; a page that
        was never touched is zero.  The entries' protections are ignored.  Fails with FAULT if nothing is mapped, and
        with IO past a file's end and for pages that only a learner's pager has.  O(pages × objects in a chain).

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> a = t.mmap("4 KiB")
        >>> t.write(a, b"two")
        >>> m.undo()
        >>> t.peek(a, 3)
        b'\x00\x00\x00'
        >>> m.redo()
        >>> t.peek(a, 3)
        b'two'
        """
        start, count = self._span(address, length)
        with self.door.looking():
            return self.space.peek(start, count)

    def walk(self, address: int | str, access: str = "read") -> MachineWalk:
        """Return what the hardware does with a user access to `address` now; nothing changes."""
        return self.tables.walk(address, access, user=True)

    def byte_or_signal(self, address: int | str) -> str:
        """Return the result of reading one byte: the character, "zero" for a byte 0, or the name of the signal.

        >>> import vmwidgets as vm
        >>> t = vm.boot("x86-64").task("init")
        >>> t.byte_or_signal(t.mmap("4 KiB")), t.byte_or_signal(0)
        ('zero', 'SIGSEGV')
        """
        try:
            found = self.read(address)
        except KernelError as error:
            return self.signals[-1].name if self.signals else error.name
        return found.decode("latin-1") if found != b"\0" else "zero"

    def use_pages(self, start: BytesArg, numbers: PageNumbersArg, access: AccessArg = "read") -> None:
        """Access the pages with these numbers, counted from `start`, in this order; `access` is as for `touch`.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> t.use_pages(t.mmap("16 KiB"), "0 3 0", "write")
        >>> m.frame_count
        2
        """
        self._check_pages(start, max(numbers, default=0) + 1)
        for number in numbers:
            self.touch(start + number * PAGE, access)

    def resident_pages(self, start: BytesArg, pages: CountArg) -> set[int]:
        """Return the numbers, counted from `start`, of the pages in memory among the `pages` pages there.

        O(page tables of the range + pages mapped there).

        >>> import vmwidgets as vm
        >>> t = vm.boot("x86-64").task("init")
        >>> a = t.mmap("16 KiB")
        >>> t.use_pages(a, "0 3")
        >>> t.resident_pages(a, 4) == {0, 3}
        True
        """
        self._check_pages(start, pages)
        with self.door.looking():
            tables, end = self.space.pmap, min(start + pages * PAGE, self.system.layout.user_end)
            mapped = [range(one.va, one.va + one.span, PAGE) for one in tables.editor.leaves(tables.root, start, end)]
        numbers = {at // PAGE - start // PAGE for one in mapped for at in one}
        return {number for number in numbers if 0 <= number < pages and self.walk(start + number * PAGE).pa is not None}

    def _check_pages(self, start: int, pages: int) -> None:
        """Refuse pages after the last address."""
        bits = self.pmap.fmt.word_bits
        if start + pages * PAGE > 1 << bits:
            size = shown(counted(pages, "page"))[1:-1]
            raise Refused(f"start={Address(start)}: {size} from there on go past the last address of {bits} bits")

    # ---- life --------------------------------------------------------------------------------

    @operation
    def fork(self, name: TaskName | None = None) -> Task:
        """Create a child with a copy of the address space (fork(2)), as each entry's inheritance says, usually "copy".

        The machine's `fork` (:func:`vmwidgets.boot`) decides how private memory is copied; by default, a page is copied
        when parent or child first writes it.  Pages that are wired, or shared in their object, are always copied
        immediately.  The child is called `name`; by default, the first child of "init" is "init.1".  Fails with NOMEM
        if there is no memory for its tables, entries or copies, and with IO if a learner's pager fails on a page that
        has to be copied; no child is created then.  O(entries + pages mapped).

        >>> import vmwidgets as vm
        >>> t = vm.boot("x86-64").task("init")
        >>> a = t.mmap("4 KiB")
        >>> t.write(a, b"one")
        >>> child = t.fork()
        >>> child.write(a, b"two")
        >>> t.read(a, 3), child.read(a, 3), child.parent.name
        (b'one', b'two', 'init')
        """
        system, space = self.system, self.space
        if "remove-forgets" in system.quirks:
            raise Refused(
                "fork: with the quirk remove-forgets, objects don't count the entries that map them; boot without it"
            )
        wanted = name or self._child_name()
        system.refuse_task_name(wanted)
        child = system.new_task(wanted, self.name, space.vm_map.fit)
        try:
            space.fork_into(child)
        except VMError:  # even the error of a learner's function that chose a page to evict
            system.ends.end(child, "fork failed")
            system.ends.exited.discard(wanted)
            raise
        space.children += 1
        emit = system.recorder.emit
        if emit is not None:
            emit((TaskForked.tag, self.name, wanted, system.fork))
        return system.part(Task, child.path)

    def _child_name(self) -> str:
        """Return the name of the next child: "init.1" for "init", or the next number that no task has or had."""
        number, system = self.space.children + 1, self.system
        while system.has_had_task(f"{self.name}.{number}"):
            number += 1
        return f"{self.name}.{number}"

    @operation
    def exec(self, heap: int | str | None = None) -> None:
        """Start over with nothing mapped, no heap and no signals, as for another program (exec(2)).

        The heap begins at `heap`, or by default at a quarter of the address range.
        """
        space, where = self.space, None
        if isinstance(heap, str) and not arguments.reads_as_size(heap):
            raise Refused(
                f"heap={shown(heap)}: exec loads no program here; it takes the address where the heap begins, such as "
                "exec('64 MiB'), or nothing"
            )
        if heap is not None:
            where = arguments.page_within(heap, "heap", space.vm_map)
        space.clear(where)

    @operation
    def exit(self) -> None:
        """End the task: all its memory is freed (exit(2)).  No other task can have its name."""
        self.system.ends.end(self.space, "it ended")

    @property
    def parent(self) -> Task | None:
        """The task that was forked to create this one, if it still exists."""
        parent = self.system.tasks.get(self.space.parent)
        return None if parent is None else self.system.part(Task, parent.path)

    def _span(self, address: int | str, length: int | str) -> tuple[int, int]:
        return arguments.span(address, length, self.space.pmap.fmt.word_bits)

    @in_ascii
    def __repr__(self) -> str:
        return f"<task {self.name!r}: {counted(len(self.map), 'entry')}, root table at {Address(self.pmap.root)}>"


class TaskFunctions(Functions):
    """The functions of a machine that create tasks, and memory objects that maps can map."""

    @operation
    def task(self, name: TaskName, placement: PlacementArg | None = None) -> Task:
        """Return a new task with an empty address space (`vm_map_create`), or the existing task with this name.

        `placement` is the rule by which its map is searched for a gap: "x15" (X15's own), "first", "best", "worst" or
        "next".  Fails with NOMEM if there is no page for the task's root table.
        """
        system = self.system
        if name in system.tasks:
            known = system.part(Task, task_path(name))
            if placement not in (None, known.map.placement):
                raise Refused(f"placement={placement!r}: {known!r} already exists; write its name alone to get it")
            self.door.only_looked()
            return known
        system.refuse_task_name(name)
        space = system.new_task(name, "", FITS[placement]() if placement in FITS else None)
        return system.part(Task, space.path)

    @operation
    def object(self, name: ObjectName, max_pages: PageNumber | None = None) -> MemoryObject:
        """Return a new memory object of at most `max_pages` anonymous pages, or the existing object with this name."""
        system = self.system
        if name in system.objects:
            known = system.part(MemoryObject, f"object:{name}")
            if max_pages is not None and max_pages != getattr(known.pager, "max_pages", None):
                raise Refused(f"max_pages={max_pages}: {known!r} already exists; write its name alone to get it")
            self.door.only_looked()
            return known
        return _new_object(system, name, AnonymousPager(system.task_memory, max_pages))

    def pager(self, name: str, size: int | str, function: Callable[[int], bytes]) -> MemoryObject:
        r"""Return a memory object with pages from your function: ``function(page)`` returns up to 4 KiB for a page.

        The journal keeps what the function returned, at most 1 MiB, so that the machine can be rebuilt.  If the
        function raises, the page can't be read: the task that touches it gets a SIGBUS.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> t = m.task("init")
        >>> a = t.mmap("8 KiB", "r", "shared", m.pager("numbers", "8 KiB", lambda page: bytes([page + 7])))
        >>> t.read(a), t.read(a + 4096)
        (b'\x07', b'\x08')
        """
        if not callable(function):
            raise Refused(
                f"function={shown(function)}: pass a function that takes the number of a page and returns its bytes"
            )
        given = (("name", name), ("size", size))
        return through(self, "make_pager", given, lambda: self._make_pager(name, size, function))

    def make_pager(self, name: str, size: int | str) -> MemoryObject:
        """Return a pager that returns the recorded bytes from the journal."""
        if not self.system.callbacks.silent:
            raise Refused("make_pager repeats a recorded pager: to make your own, call m.pager(name, size, function)")
        given = (("name", name), ("size", size))
        return through(self, "make_pager", given, lambda: self._make_pager(name, size, None))

    def _make_pager(self, name: str, size: int | str, function: Callable[[int], bytes] | None) -> MemoryObject:
        system, wanted = self.system, arguments.part_name(name, "object name")
        length = arguments.aligned(size, "size")
        if not length:
            raise Refused(f"size=0: a pager supplies at least one page, {PAGE} bytes")
        system.refuse_object_name(wanted)
        callbacks = system.callbacks
        key = callbacks.begin_script(f"pager:{wanted}", function)
        pager = CodePager(system.task_memory, length // PAGE, PagerCode(callbacks, wanted, key))
        return _new_object(system, wanted, pager)

    @operation
    def device(self, name: DeviceName, at: PagesArg, size: PagesArg) -> MemoryObject:
        """Return a device's memory at physical addresses from `at` on (beyond RAM), as an object that can be mapped.

        This machine has no device there, so the memory can be mapped and walked, but not read.
        """
        system, controls = self.system, self.system.controls
        fmt = system.pmap.fmt
        reach = 1 << min(fmt.physical_bits, fmt.rules.physical_limit(controls))
        if name in system.objects:
            raise Refused(f"device name {shown(name)}: there is already an object with this name; choose another")
        if size == 0 or not system.ram_bytes <= at < at + size <= reach:
            where = f"{Address(system.ram_bytes)}, where RAM ends, and {Address(reach)}, the reach of a page descriptor"
            raise Refused(f"at={Address(at)} and size={size:#x}: a device lies between {where}")
        return _new_object(system, name, DevicePager(at, size))

    def file(self, name: str, content: bytes | str | PathLike[str] = b"", *, latency: int = 0) -> MachineFile:
        """Return a new file with `content`: bytes, or a real file's path (read once); or return the file of that name.

        A page takes `latency` ticks to be read in.  A fault, ``f.read``, ``f.write`` and ``wire`` wait for the page; in
        a thread, write `yield from` before the three calls.  A file has at most 1 MiB, which the journal keeps.

        >>> import vmwidgets as vm
        >>> m = vm.boot("x86-64")
        >>> f = m.file("motd", b"hello, world")
        >>> t = m.task("init")
        >>> a = t.mmap("4 KiB", "rw", "shared", f)
        >>> t.write(a, b"J"), f.read(0, 5), f.disk[:5], f.sync(), f.disk[:5]
        (None, b'Jello', b'hello', 1, b'Jello')
        """
        data = content if isinstance(content, (bytes, bytearray, memoryview)) else _bytes_of(content)
        made: MachineFile = self.make_file(name, bytes(data), latency)
        return made

    @operation
    def make_file(self, name: FileName, content: bytes, latency: CountArg = 0) -> MachineFile:
        """Create a :meth:`file` with its content, as the journal records it."""
        system, data = self.system, arguments.content(content, "content")
        if name in system.files:
            if data:
                raise Refused(f"content: there is a file called {shown(name)}; write its name alone to get it")
            self.door.only_looked()
            return system.part(MachineFile, f"file:{name}")
        if len(data) > MOST:
            raise Refused(f"content has {Size(len(data))}: a file has at most {Size(MOST)}")
        system.refuse_object_name(name)
        system.files[name] = File(name, data, system.task_memory, latency)
        return system.part(MachineFile, f"file:{name}")

    @operation
    def swap_on(self, size: PagesArg, *, latency: CountArg | None = None) -> None:
        """Set the size of swap space, which holds tasks' pages when memory runs short; it can't shrink.

        Reading in a page takes `latency` ticks; without this argument, the earlier value stays (0 at first).
        """
        swap = self.system.task_memory.swap
        if size < swap.slots * PAGE:
            raise Refused(f"size={Size(size)}: swap space already has {Size(swap.slots * PAGE)}; pass a larger size")
        if size > MOST_SWAP:
            raise Refused(f"size={Size(size)}: swap space has at most {Size(MOST_SWAP)}")
        swap.resize(size // PAGE)
        if latency is not None:
            swap.latency = latency

    @operation
    def read_ahead(self, pages: CountArg) -> None:
        """Whenever a page of a file is requested, read the next `pages` pages too; 0 for none."""
        if pages > MOST_AHEAD:
            raise Refused(f"pages={pages}: read at most {MOST_AHEAD} pages ahead")
        self.system.task_memory.read_ahead = pages

    @operation
    def kill_when_out_of_memory(self, kills: FlagArg = True) -> None:
        """Make faults that find no frame kill the task with the most pages in memory, instead of failing with NOMEM.

        Linux's OOM killer counts pages in swap space and page tables too.
        """
        self.system.ends.kills = kills


MOST_SWAP = 64 << 20
MOST_AHEAD = 64


def _new_object(system: System, name: str, pager: AnonymousPager | CodePager | DevicePager) -> MemoryObject:
    """Return a new memory object, whose pages the pager supplies."""
    system.refuse_object_name(name)
    system.objects[name] = TaskObject(name, pager, system.task_memory, shared=True, kept=True)
    return system.part(MemoryObject, f"object:{name}")


def _bytes_of(path: Any) -> bytes:
    """Return the bytes of a real file."""
    wanted = "write bytes, such as b'hello', or the path of a file"
    if not isinstance(path, (str, PathLike)) or not path:
        raise Refused(f"content={shown(path)}: {wanted}")
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise Refused(f"content={shown(str(path))} is not a readable file ({why}): {wanted}") from None

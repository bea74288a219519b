"""The calls of a UNIX process on a task: mmap and related calls, brk, and resource limits.

They use X15's map functions, with the arguments and the results of POSIX (mmap(2), munmap(2), mprotect(2), brk(2),
msync(2), madvise(2), setrlimit(2)); errors have X15's names.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeAlias, TypeVar

from ...base.errors import Refused, VMError, shown
from ...base.operations import Argument, operation
from ...base.protection import ADVICE, GROWS_DOWN, parse_name, parse_protection
from ...base.units import PAGE, Address, Size, round_up
from ...kernel.tasks.vm_object import TaskObject
from ...kernel.threads.waits import MaySleep
from ...spaces.processors import Processor
from ...spaces.task_space import Signal, TaskSpace
from .. import arguments
from ..arguments import Number, one_of
from ..system import SpacePart
from .files import MachineFile
from .objects import MemoryObject

T = TypeVar("T")

FLAGS = ("shared", "private", "anonymous", "fixed", "growsdown", "populate")
"""The possible `flags` of mmap: MAP_SHARED, MAP_PRIVATE and so on."""

LIMITS = {"as": "space", "data": "data", "stack": "stack", "rss": "resident"}
"""The limits by their names without "RLIMIT_"."""


def _length(size: Any, _: str = "size") -> int:
    """Return a size in whole pages, rounded up as in mmap(2)."""
    length = round_up(arguments.whole(size, "size"), PAGE)
    if not 0 < length < 1 << 48:
        raise Refused(f"size={shown(size)}: write at least a byte, and less than 256 TiB")
    return length


LengthArg: TypeAlias = Annotated[Number, Argument(_length)]
LimitArg: TypeAlias = Annotated[str, one_of(LIMITS, "limit")]


class UnixCalls(SpacePart):
    """The part of a task's handle that has a process's calls."""

    @property
    @abstractmethod
    def space(self) -> TaskSpace:
        """The kernel's own structure."""

    # ---- memory ------------------------------------------------------------------------------

    @operation
    def mmap(
        self,
        size: int | str,
        prot: int | str = "rw",
        flags: str = "private",
        file: MachineFile | MemoryObject | str | None = None,
        offset: int | str = 0,
        *,
        at: int | str | None = None,
    ) -> Address:
        """Map `size` bytes, in whole pages, and return the address (mmap(2)).

        `flags` are words: "private" or "shared"; "anonymous" (the default without `file`); "fixed", which needs `at`
        and replaces existing mappings there; "growsdown" for a stack; "populate", which brings in all pages immediately
        and may have to wait: in a thread, write `yield from` before the call.  `file` is a file or a memory object, or
        its name.  A private mapping of a file shows the file's contents until a page is written; then the page is
        copied.  Without `at`, the address is in the lowest gap, or where the placement rule of the task's map
        (`placement`) puts it.  Fails with NOMEM if there is no gap, or beyond a limit.  O(log n); without an address,
        O(entries).

        >>> import vmwidgets as vm
        >>> t = vm.boot("x86-64").task("init")
        >>> a = t.mmap("16 KiB")
        >>> t.write(a, b"hello"), t.read(a, 5), t.map.lookup(a).size
        (None, b'hello', 16 KiB)
        """
        space = self.space
        words = _flags(flags, file is not None, at is not None)
        length = _length(size)
        protection = parse_protection(prot)
        target = self._target(file)
        where = arguments.aligned(offset, "offset")
        if where and target is None:
            raise Refused(f"offset={where:#x} needs a file: write file=…")
        start = 0 if at is None else self._place(at, length, "fixed" in words, "at")
        shared = "shared" in words
        extra = GROWS_DOWN if "growsdown" in words else 0
        if target is not None and not shared and not target.is_file:
            raise Refused(f"object {target.name!r} is always shared: write flags='shared'")
        arguments.refuse_past_object(where, length)
        mapped = partial(
            space.mmap, start, length, protection, target, where, shared=shared, fixed="fixed" in words, extra=extra
        )
        if "populate" not in words:
            return Address(mapped())
        return self._complete("mmap", lambda _: self._populated(mapped, length, protection))

    @operation
    def munmap(self, start: int | str, size: LengthArg) -> None:
        """Unmap `size` bytes, in whole pages, from `start` on (munmap(2)); holes are allowed."""
        self.space.vm_map.remove(*self._range(start, size))

    @operation
    def mprotect(self, start: int | str, size: LengthArg, prot: int | str) -> None:
        """Set a range's protection (mprotect(2)); fails with FAULT for a hole, ACCES beyond a maximum protection."""
        self.space.vm_map.protect(*self._range(start, size), parse_protection(prot))

    @operation
    def brk(self, end: int | str | None = None) -> Address:
        """Move the end of the heap to `end` and return it (brk(2)); without `end`, only return it.

        The heap begins at a quarter of the address range.  Fails with NOMEM beyond the limit "data", and if another
        mapping is in the way; then the heap does not change.

        >>> import vmwidgets as vm
        >>> t = vm.boot("armv7").task("init")
        >>> start = t.brk()
        >>> t.brk(start + 10_000) - start, t.map.size
        (10000, 12 KiB)
        """
        space, layout = self.space, self.system.layout
        if end is None:
            self.door.only_looked()
        else:
            wanted, start = arguments.whole(end, "end"), space.heap.start
            if not start <= wanted < layout.user_end:
                limits = f"{Address(start)}, where it begins, and {Address(layout.user_end)}"
                raise Refused(f"end={Address(wanted)}: the heap ends between {limits}")
            space.brk(wanted)
        return Address(space.heap.end)

    @operation
    def msync(self, start: int | str, size: LengthArg) -> int:
        """Write a range's changed file pages back (msync(2)); returns their number.  Fails with FAULT for a hole.

        A file that has grown is then as long on disk.
        """
        return self.space.msync(*self._range(start, size))

    @operation
    def madvise(self, start: int | str, size: int | str, advice: str) -> None:
        """Advise how a range will be used (madvise(2)): as ``map.advise``, but "dontneed" discards its contents.

        Private memory then has its original contents again: zeros, or the contents of its file.  Fails with NOMEM if a
        part of the range is not mapped, after handling the rest.
        """
        number = parse_name(advice, ADVICE, "advice")
        self.space.madvise(*self._range(start, _length(size)), number)

    @operation
    def page_out(self, start: int | str, size: LengthArg = PAGE) -> int:
        """Page out a range, to swap space or its file, as far as possible; returns the number of pages.

        Wired pages stay, as do pages for which swap space has no room.  O(pages that the range's objects have).
        """
        return self.space.page_out(*self._range(start, size))

    @operation
    def limit(self, name: LimitArg, most: int | str | None) -> None:
        """Set a limit (setrlimit(2)): "as" for addresses, "data" for the heap, "stack", "rss"; None for no limit.

        "data" counts the heap alone, as in 4.4BSD; since 4.7, Linux counts all private writable memory.  "rss" is this
        machine's own limit: at the limit, each new page replaces a page of the same task.  Linux ignores RLIMIT_RSS,
        and BSD uses it as advice.  Memory beyond a new limit stays mapped.
        """
        what = LIMITS[name]
        if most is None and what == "stack":
            raise Refused("most=None: a stack needs a limit; write a size, such as '8 MiB'")
        value = None if most is None else arguments.whole(most, "most")
        if what == "resident" and value is not None and value < PAGE:
            raise Refused(f"most={shown(most)}: a task needs a page in memory; write '4 KiB' or more")
        setattr(self.space.limits, what, value)
        self.space.apply_limits()

    # ---- looking -----------------------------------------------------------------------------

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals that the task received for failed accesses, oldest first: SIGSEGV or SIGBUS."""
        return tuple(self.space.signals)

    @property
    def resident(self) -> Size:
        """The number of bytes of memory that the task's page tables map.  O(page tables)."""
        return Size(self.space.resident * PAGE)

    # ---- inside ------------------------------------------------------------------------------

    def _complete(self, name: str, steps: Callable[[Processor], MaySleep[T]]) -> T:
        """Make a call or accesses that may sleep, on the task's processor."""
        return self.system.complete_call(name, self.space.pmap, steps)

    def _populated(self, mapped: Callable[[], int], length: int, protection: int) -> MaySleep[Address]:
        """Create a mapping, map its pages as far as there is memory, and return its address."""
        self.check_alive()
        space, start = self.space, mapped()
        entry = space.vm_map.peek(start)
        target = None if entry is None else entry.object
        try:
            yield from space.populate(start, start + length, protection)
        except (VMError, GeneratorExit):  # a learner's function failed, or the call was given up
            space.take_back(start, start + length, target)
            raise
        return Address(start)

    def _place(self, at: Any, length: int, is_fixed: bool, name: str = "start") -> int:
        """Return a page address of the task, with room for `length` bytes from there on."""
        vm_map = self.space.vm_map
        start = arguments.page_within(at, name, vm_map)
        if is_fixed and length > vm_map.end - start:
            end = Address(vm_map.end)
            raise Refused(f"{name}={Address(start)} and size={length:#x} go past the end of {vm_map.called}, {end}")
        return start

    def _range(self, start: Any, length: int) -> tuple[int, int]:
        """Return the start and the end of `length` bytes of the task."""
        first = self._place(start, length, True)
        return first, first + length

    def _target(self, file: Any) -> TaskObject | None:
        """Return a file's memory object, or the object with this name."""
        system = self.system
        if file is None:
            return None
        if isinstance(file, str):
            known = {**system.files, **system.objects}
            named = arguments.known(file, known, "file")
            return system.files[named].object if named in system.files else system.objects[named]
        if not isinstance(file, (MachineFile, MemoryObject)):
            raise Refused(f"file={shown(file)} is not a file: make one with machine.file(name, …)")
        if file.system is not system:
            raise Refused(f"{shown(file.name)} belongs to another machine")
        return file.file.object if isinstance(file, MachineFile) else file.vm_object


def _flags(flags: Any, has_file: bool, has_place: bool) -> frozenset[str]:
    """Return the words of `flags`, if they are compatible."""
    if not isinstance(flags, str):
        raise Refused(f"flags={shown(flags)}: write words such as 'private' or 'shared fixed'")
    words = frozenset(arguments.known(word, FLAGS, "flag") for word in flags.replace("|", " ").split())
    if {"private", "shared"} <= words:
        raise Refused(f"flags={shown(flags)}: a mapping is private or shared: write one of them")
    if "anonymous" in words and has_file:
        raise Refused(f"flags={shown(flags)} and file=…: anonymous memory has no file; leave one of them out")
    if "fixed" in words and not has_place:
        raise Refused(f"flags={shown(flags)}: fixed needs an address; write at=…")
    if "growsdown" in words and ("shared" in words or has_file):
        raise Refused(f"flags={shown(flags)}: a stack is private and anonymous; leave shared and file out")
    return words

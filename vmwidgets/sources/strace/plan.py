"""The plan for strace's recording: the address space and the file of each call.

Nothing here depends on a machine.  A space is shared by threads: `fork` creates another space, and `execve` leaves a
space that others may still use.  File descriptors have paths, from ``-y`` or from `openat`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...engine.base.errors import Refused
from ...engine.base.units import PAGE, round_up
from ..cleaned import first_few
from . import arguments
from .line import Value
from .text import Call, Ended, Event, Headless, PassedOver, Signalled, Unfinished

MEMORY = frozenset((
    "get_mempolicy", "map_shadow_stack", "mbind", "migrate_pages", "mincore", "mlock", "mlock2", "mlockall",
    "move_pages", "mseal", "munlock", "munlockall", "pkey_alloc", "pkey_free", "process_madvise", "process_mrelease",
    "process_vm_writev", "remap_file_pages", "set_mempolicy", "shmat", "shmdt", "userfaultfd",
))  # fmt: skip  # read as a list of names
"""Calls about memory that the model does not have."""

OPENS = frozenset(("open", "openat", "openat2", "creat", "memfd_create"))
COPIES = frozenset(("dup", "dup2", "dup3", "fcntl"))
FORKS = frozenset(("fork", "vfork", "clone", "clone3"))
READS = frozenset(("read", "pread64", "readv"))
_OWN_MAPS = re.compile(r"/proc/(self|thread-self|[0-9]+)/s?maps")


class Step(NamedTuple):
    """One step for the call `name` of a line: `action` on the address space numbered `space`."""

    line: int
    name: str
    action: str
    space: int
    given: tuple[Any, ...] = ()


@dataclass
class Plan:
    """The steps, and the left-out calls, by name."""

    steps: list[Step] = field(default_factory=list)
    calls: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Calls that failed in the system."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Calls about memory that the model does not have."""
    flags: Counter[str] = field(default_factory=Counter)
    """Flags that the model does not have; their calls are made without them."""
    others: Counter[str] = field(default_factory=Counter)
    """Calls that do not concern memory."""
    unfinished: Counter[str] = field(default_factory=Counter)
    """Calls that never returned."""
    signals: Counter[str] = field(default_factory=Counter)
    ends: dict[int, str] = field(default_factory=dict)
    """The end of the last process of a space, by the number of the space."""
    maps_read: list[int] = field(default_factory=list)
    """Lines in which a program read its own /proc/PID/maps."""
    unread: Counter[str] = field(default_factory=Counter)
    """Other calls whose arguments can't be read; they are among `others`."""
    passed_over: list[int] = field(default_factory=list)
    """Lines that are not strace's."""
    unsaid: list[str] = field(default_factory=list)
    """Sentences about information that the trace lacks."""


@dataclass
class _Process:
    """A thread: its group's first thread, its space, and the paths of its file descriptors."""

    group: int | None
    space: int
    files: dict[int, str]


def plan(events: Sequence[Event], source: str, until: int | None = None) -> Plan:
    """Return the plan for `events` of lines up to `until`.  O(n)."""
    return _Planner(events, source).run(until)


class _Planner:
    """The planner, which goes through the events."""

    def __init__(self, events: Sequence[Event], source: str) -> None:
        self._events = events
        self._source = source
        self._plan = Plan()
        self._alive: dict[int | None, _Process] = {}
        self._spaces = 0
        self._heaps, self._starts, self._programs, self._births = _ahead(events)
        self._unit = self._unit_of_mmap2()
        self._threads = _threads_of_one(events, self._births)
        self._generations: Counter[str] = Counter()
        """The number of earlier files with the same name, by path."""
        self._memfds = 0
        self._unnamed: dict[int | None, None] = {}
        """Mapped file descriptors whose names the trace does not show."""
        self._heap_ends: dict[int, int] = {}
        self._gone: set[int | None] = set()
        self._handlers = {
            "execve": self._execve, "execveat": self._execve, "mmap": self._mmap, "mmap2": self._mmap,
            "old_mmap": self._mmap, "munmap": self._munmap,
            "mprotect": self._mprotect, "pkey_mprotect": self._mprotect, "brk": self._brk, "mremap": self._mremap,
            "madvise": self._madvise, "msync": self._msync, "exit": self._exit, "exit_group": self._exit,
        }  # fmt: skip  # read as a table

    def _unit_of_mmap2(self) -> int:
        """Return the unit of mmap2's offsets: strace prints bytes now, and printed pages of 4 KiB before 2014."""
        offsets = [
            arguments.number(one.arguments[5])
            for one in self._events
            if isinstance(one, Call)
            and one.name == "mmap2"
            and len(one.arguments) == 6
            and not one.failed
            and "MAP_ANONYMOUS" not in arguments.flags(one.arguments[3], arguments.MAP)
        ]
        known = [one for one in offsets if one]
        if any(one % PAGE for one in known):
            self._plan.unsaid.append("mmap2's offsets are pages of 4 KiB, as an old strace printed them.")
            return PAGE
        if known:
            self._plan.unsaid.append(
                "mmap2's offsets are taken as bytes, as strace prints them today: an old one printed pages of 4"
                " KiB, and"
                " nothing in the text shows which it is."
            )
        return 1

    def run(self, until: int | None) -> Plan:
        """Return the whole plan."""
        self._say_what_is_partial(until)
        for event in self._events:
            if until is not None and event.line > until:
                continue
            if isinstance(event, PassedOver):
                self._plan.passed_over.append(event.line)
            elif isinstance(event, Unfinished):
                self._plan.unfinished[event.name] += 1
            elif isinstance(event, Headless):
                self._plan.unsaid.append(
                    f"The {event.name} that ends in line {event.line} began before the trace: it is passed over, and"
                    " what it changed is missing."
                )
            elif isinstance(event, Signalled):
                self._plan.signals[event.name] += 1
            elif isinstance(event, Ended):
                self._ended(event)
            else:
                self._plan.calls += 1
                process = self._process(event)
                if process is None:  # another thread has ended it
                    self._plan.unfinished[event.name] += 1
                else:
                    self._call(event, process)
        if self._unnamed:
            self._plan.unsaid.append(
                f"The trace does not say which files are mapped by file descriptors {first_few([*self._unnamed])}"
                " (strace -y does)."
            )
        return self._plan

    def _say_what_is_partial(self, until: int | None) -> None:
        """Add sentences about a trace that does not begin or end with its program."""
        calls = [one for one in self._events if isinstance(one, Call)]
        if not calls:
            return
        firsts = [one for one in calls if one.name in ("execve", "execveat")]
        if not firsts or (firsts[0].line > calls[0].line and any(one.name in self._handlers for one in calls[:1])):
            self._plan.unsaid.append(
                "The trace is a part: it does not begin with execve, and what was mapped before its first line is"
                " missing."
            )
        ends = any(isinstance(one, Ended) for one in self._events) or any(
            one.name in ("exit", "exit_group") for one in self._events if isinstance(one, Call | Unfinished)
        )
        if self._threads:
            self._plan.unsaid.append(
                f"No call of the trace made the processes {first_few(self._threads)}: they are taken as threads of one,"
                " as strace -p attaches to them."
            )
        if until is None and not ends:
            self._plan.unsaid.append("The trace ends before its program does: it is what is mapped at its last line.")

    # ---- processes ---------------------------------------------------------------------------

    def _process(self, event: Call) -> _Process | None:
        """Return a call's process, or None if it has ended.  An unknown process is a child, or the first process."""
        pid = event.pid
        if pid in self._alive:
            return self._alive[pid]
        if pid is None and len(self._alive) == 1:
            return next(iter(self._alive.values()))
        birth = self._birth(pid, event.line)
        if birth is not None:
            return self._born(birth, pid)
        if pid in self._gone and (self._alive or event.name != "execve"):
            return None  # when all have ended, an execve begins another program, which -A appended
        if None in self._alive:  # on a terminal, the first process has no number while it is alone
            found = self._alive[pid] = self._alive.pop(None)
            found.group = pid if found.group is None else found.group
            return found
        if self._alive and pid is None:
            return next(iter(self._alive.values()))
        if pid in self._threads and (first := next((one for one in self._threads if one in self._alive), None)):
            of = self._alive[first]  # strace -p attached to running processes
            return self._add(pid, _Process(of.group, of.space, of.files))
        return self._first(event.line, pid)

    def _first(self, line: int, pid: int | None) -> _Process:
        """Return a process that no earlier call created."""
        space = self._new_space()
        name = self._programs.get(pid, "program")
        self._do(line, "execve", "begin", space, name)
        if pid in self._starts:  # it made its first call before the trace, or execve is not in it
            self._do(line, "", "exec", space, self._starts[pid])
            self._heap_ends[space] = self._starts[pid]
        return self._add(pid, _Process(pid, space, {}))

    def _birth(self, pid: int | None, line: int) -> Call | None:
        """Return the call that created a process, if it began before the line; each call creates one process."""
        births = self._births.get(pid, [])
        return next((one for one in births if one.begun <= line), None) if self._alive else None

    def _born(self, birth: Call, pid: int | None) -> _Process:
        """Create the child of a call."""
        self._births[pid].remove(birth)
        self._gone.discard(pid)
        parent = self._alive.get(birth.pid) or next(iter(self._alive.values()))
        wanted = arguments.flags(arguments.named(birth.arguments, "flags"), arguments.CLONE)
        if birth.name == "vfork":
            wanted = frozenset(("CLONE_VM", "CLONE_VFORK"))
        if "CLONE_VM" in wanted:
            space = parent.space
            self._do(birth.begun, birth.name, "share", space)
        else:
            space = self._new_space()
            self._do(birth.begun, birth.name, "fork", parent.space, space, self._programs.get(pid, ""))
            if parent.space in self._heap_ends:
                self._heap_ends[space] = self._heap_ends[parent.space]
        files = parent.files if "CLONE_FILES" in wanted else dict(parent.files)
        return self._add(pid, _Process(parent.group if "CLONE_THREAD" in wanted else pid, space, files))

    def _add(self, pid: int | None, process: _Process) -> _Process:
        self._alive[pid] = process
        return process

    def _new_space(self) -> int:
        self._spaces += 1
        return self._spaces - 1

    def _leave(self, line: int, name: str, pid: int | None, how: str) -> None:
        """Note the end of a thread, and of a space without threads."""
        process = self._alive.pop(pid, None)
        self._gone.add(pid)
        if process is not None and not self._uses(process.space):
            self._plan.ends[process.space] = how
            if process.space:  # the first process's task stays for inspection
                self._do(line, name, "exit", process.space)

    def _uses(self, space: int) -> int:
        """Return how many threads are in a space."""
        return sum(one.space == space for one in self._alive.values())

    def _group_of(self, pid: int | None) -> list[int | None]:
        group = self._alive[pid].group
        return [one for one, process in self._alive.items() if process.group == group]

    def _pid_of(self, process: _Process) -> int | None:
        return next(pid for pid, one in self._alive.items() if one is process)

    def _ended(self, event: Ended) -> None:
        pid = next(iter(self._alive), None) if event.pid is None and None not in self._alive else event.pid
        if event.heir is None:
            if pid in self._alive:
                self._leave(event.line, "exit", pid, event.how)
        elif event.heir in self._alive and pid in self._alive:
            for one in self._group_of(pid):
                if one != pid:
                    self._leave(event.line, "execve", one, event.how)

    # ---- calls -------------------------------------------------------------------------------

    def _call(self, call: Call, process: _Process) -> None:
        name, plan = call.name, self._plan
        if call.loose:
            plan.unread[name] += 1
        if name in FORKS:
            if call.result is None or call.result <= 0:
                plan.failed[name] += 1
            elif self._birth(call.result, call.line) is call:
                self._born(call, call.result)
        elif name in self._handlers:
            if call.failed and name not in ("exit", "exit_group"):
                plan.failed[name] += 1
            else:
                self._handlers[name](call, process)
        elif name in MEMORY:
            (plan.failed if call.failed else plan.skipped)[name] += 1
        else:
            plan.others[name] += 1
            if not call.failed:
                self._files(call, process)

    def _files(self, call: Call, process: _Process) -> None:
        """Follow the effects of other calls on file descriptors, and on the processes that they wait for."""
        name, given, files = call.name, call.arguments, process.files
        result = call.result or 0
        if name in OPENS:
            files[result] = self._identity(arguments.path_in(call.path) if call.path else self._opened(call), name)
        elif name in ("unlink", "unlinkat", "rename", "renameat", "renameat2"):
            self._forget(call)
        elif name in COPIES and (name != "fcntl" or "DUPFD" in str(given[1:2])):
            old = arguments.number(given[0]) if given else None
            if old in files:
                files[result] = files[old]
        elif name == "close" and given:
            files.pop(arguments.number(given[0]) or 0, None)
        elif name in READS and result > 0:
            if _OWN_MAPS.fullmatch(self._path(given[0] if given else None, process).partition("\0")[0]):
                self._plan.maps_read.append(call.line)
        elif name in ("wait4", "waitpid") and result in self._alive:
            self._leave(call.line, name, result, "waited for")

    def _opened(self, call: Call) -> str:
        name = _text_at(call, call.name in ("openat", "openat2"))
        return f"/memfd:{name} (deleted)" if call.name == "memfd_create" else name

    def _identity(self, path: str, name: str) -> str:
        """Return the path, followed by NUL and a number if another file had that path before."""
        if name == "memfd_create":
            self._memfds += 1
            return f"{path}\0{self._memfds}" if self._memfds > 1 else path
        return f"{path}\0{self._generations[path]}" if self._generations[path] else path

    def _forget(self, call: Call) -> None:
        """Note that a file opened by this name from now on is another file."""
        names = [text for value in call.arguments if (text := arguments.text(value)) is not None]
        for name in names[-1:]:
            self._generations[name] += 1

    def _path(self, value: Value | None, process: _Process) -> str:
        """Return the path of a file descriptor; an unknown file descriptor is named by its number."""
        known = arguments.path_behind(value)
        fd = arguments.number(value)
        opened = process.files.get(-1 if fd is None else fd, "")
        if known and opened.partition("\0")[0] == known.removesuffix(" (deleted)"):
            return opened
        if not (known or opened):
            self._unnamed.setdefault(fd)
        return known or opened or f"file descriptor {fd}"

    def _execve(self, call: Call, process: _Process) -> None:
        for one in self._group_of(call.pid) if call.pid in self._alive else ():
            if self._alive[one] is not process:
                self._leave(call.line, call.name, one, "execve of another thread")
        if self._uses(process.space) > 1:  # a parent waits for it, with the same space
            shared, process.space = process.space, self._new_space()
            self._do(call.line, "", "fork", shared, process.space, self._programs.get(self._pid_of(process), ""))
        heap = self._heaps.get(call.line)
        self._heap_ends.pop(process.space, None)
        if heap is not None:
            self._heap_ends[process.space] = heap
        self._do(call.line, call.name, "exec", process.space, heap)
        process.files = dict(process.files)

    def _exit(self, call: Call, process: _Process) -> None:
        code = arguments.number(call.arguments[0]) if call.arguments else 0
        pid = self._pid_of(process)
        for one in self._group_of(pid) if call.name == "exit_group" else [pid]:
            self._leave(call.line, call.name, one, f"exited with {code}")

    def _mmap(self, call: Call, process: _Process) -> None:
        _, size, prot, flags, _, offset = self._numbers(call, 6, (0, 1, 5))
        words = arguments.flags(flags, arguments.MAP)
        kept = {"MAP_PRIVATE", "MAP_SHARED", "MAP_ANONYMOUS", "MAP_FIXED", "MAP_GROWSDOWN"}
        self._flags("mmap", words - kept - {"MAP_FIXED_NOREPLACE", "MAP_SHARED_VALIDATE", "MAP_FILE"})
        if "MAP_SHARED_VALIDATE" in words:
            words = words - {"MAP_PRIVATE"} | {"MAP_SHARED"}
        if "MAP_GUARD" in words or ("MAP_STACK" in words and not words & {"MAP_SHARED", "MAP_PRIVATE"}):
            words |= {"MAP_PRIVATE"}  # FreeBSD's mappings are private without saying so
        if "MAP_SHARED" not in words and "MAP_PRIVATE" not in words:
            raise self._refused(call, "its flags are neither MAP_SHARED nor MAP_PRIVATE")
        is_anonymous = "MAP_ANONYMOUS" in words or arguments.number(call.arguments[4]) == -1
        path = None if is_anonymous else self._path(call.arguments[4], process)
        offset *= self._unit if call.name == "mmap2" else 1
        protection = self._protection(prot, "mmap")
        self._step(call, process, "mmap", call.result, size, protection, words & kept, path, offset)

    def _munmap(self, call: Call, process: _Process) -> None:
        start, size = self._numbers(call, 2, (0, 1))
        self._step(call, process, "munmap", start, size)

    def _mprotect(self, call: Call, process: _Process) -> None:
        start, size, prot, *keys = self._numbers(call, 4 if call.name == "pkey_mprotect" else 3, (0, 1))
        for key in keys:
            if arguments.number(key) not in (-1, 0):  # no key, and the key that all memory has
                self._flags(call.name, frozenset(("pkey",)))
        self._step(call, process, "mprotect", start, size, self._protection(prot, call.name))

    def _brk(self, call: Call, process: _Process) -> None:
        space, wanted = process.space, arguments.number(call.arguments[0]) if call.arguments else None
        if wanted and wanted != call.result:  # brk has no other way to fail: the end of the heap stays
            self._plan.failed["brk"] += 1
            return
        if space not in self._heap_ends:
            self._plan.skipped["brk, of a heap that began before"] += 1
            return
        if wanted == 0 and call.result != self._heap_ends[space]:  # another heap: an execve was not recorded
            self._do(call.line, "", "exec", space, round_up(call.result or 0, PAGE))
        self._heap_ends[space] = call.result or 0
        self._step(call, process, "brk", call.result)

    def _mremap(self, call: Call, process: _Process) -> None:
        start, size, new, flags = self._numbers(call, 4, (0, 1, 2), more=True)[:4]
        words = arguments.flags(flags, arguments.MREMAP)
        self._flags("mremap", words - arguments.MREMAP.keys())
        self._step(call, process, "mremap", start, size, call.result, new, "MREMAP_DONTUNMAP" in words)

    def _madvise(self, call: Call, process: _Process) -> None:
        start, size, advice = self._numbers(call, 3, (0, 1))
        given = next(iter(arguments.flags(advice, {})), "0x0")
        if given.startswith("0x"):
            known = {hex(code): name for name, code in arguments.ADVICE.items()}
            given = known.get(given, given)
        if arguments.ADVICE.get(given, 5) > 4:
            self._plan.skipped[f"madvise {given}"] += 1
            return
        self._step(call, process, "madvise", start, size, given.removeprefix("MADV_").lower())

    def _msync(self, call: Call, process: _Process) -> None:
        start, size, flags = self._numbers(call, 3, (0, 1))
        self._flags("msync", arguments.flags(flags, arguments.MSYNC) - {"MS_SYNC"})
        self._step(call, process, "msync", start, size)

    # ---- inside ------------------------------------------------------------------------------

    def _protection(self, value: Value | None, name: str) -> int:
        words = arguments.flags(value, arguments.PROT)
        kept = {"PROT_READ", "PROT_WRITE", "PROT_EXEC"}
        self._flags(name, words - kept - {"PROT_NONE"})
        return sum(arguments.PROT[word] for word in words & kept)

    def _flags(self, name: str, words: frozenset[str]) -> None:
        """Note flags that the model does not have."""
        for word in sorted(words):
            self._plan.flags[f"{name} {word}"] += 1

    def _numbers(self, call: Call, count: int, which: tuple[int, ...], more: bool = False) -> list[Any]:
        """Return the arguments of a call, with the arguments in `which` as numbers."""
        given: list[Any] = list(call.arguments)
        if len(given) != count and not (more and len(given) > count):
            raise self._refused(call, f"it takes {count} arguments, and has {len(given)}")
        for one in which:
            found = arguments.number(given[one])
            if found is None or not 0 <= found < 1 << 64:
                raise self._refused(call, f"argument {one + 1} is not a number of bytes")
            given[one] = found
        return given

    def _refused(self, call: Call, why: str) -> Refused:
        return Refused(f"line {call.line} of {self._source}: {call.name}: {why}")

    def _step(self, call: Call, process: _Process, action: str, *given: Any) -> None:
        self._do(call.line, call.name, action, process.space, *given)

    def _do(self, line: int, name: str, action: str, space: int, *given: Any) -> None:
        self._plan.steps.append(Step(line, name, action, space, given))


def _text_at(call: Call, at: int) -> str:
    """Return a call's argument that is a text; an empty one if there is none."""
    return arguments.text(call.arguments[at]) or "" if len(call.arguments) > at else ""


def _threads_of_one(events: Sequence[Event], births: Births) -> tuple[int | None, ...]:
    """Return the processes that no call in the trace created, if they can be threads of one process (strace -p).

    They can't be threads if one of them executes a program, ends its whole process while others continue, or maps at an
    address that another process has mapped.
    """
    first: dict[int | None, int] = {}
    live: dict[int, int | None] = {}
    gone: dict[int | None, int] = {}
    for one in events:
        if not isinstance(one, Call) or one.pid is None:
            continue
        if one.pid not in births:
            first.setdefault(one.pid, one.line)
        if one.pid not in first:
            continue
        if gone and any(other != one.pid for other in gone):
            return ()
        if one.name in ("execve", "execveat") and not one.failed:
            return ()
        if one.name == "exit_group":
            gone[one.pid] = one.line
        start = one.result if one.name in ("mmap", "mmap2") else None
        if start is not None and not one.failed and len(one.arguments) > 3:
            is_fixed = "MAP_FIXED" in arguments.flags(one.arguments[3], arguments.MAP)
            if not is_fixed and live.get(start, one.pid) != one.pid:
                return ()
            live[start] = one.pid
        elif one.name == "munmap" and not one.failed and one.arguments:
            live.pop(arguments.number(one.arguments[0]) or 0, None)
    return tuple(first) if len(first) > 1 else ()


Births = dict[int | None, list[Call]]


Ahead = tuple[dict[int, int], dict[int | None, int], dict[int | None, str], Births]


def _ahead(events: Sequence[Event]) -> Ahead:
    """Return facts that are only known later: where heaps start, and each process's program and parent.

    Heaps are listed by the line of the last execve, or by the process if it made none.
    """
    heaps: dict[int, int] = {}
    starts: dict[int | None, int] = {}
    programs: dict[int | None, str] = {}
    births: Births = {}
    last: dict[int | None, int] = {}
    for event in events:
        if not isinstance(event, Call):
            continue
        if event.name in ("execve", "execveat") and not event.failed:
            last[event.pid] = event.line
            path = _text_at(event, event.name == "execveat")
            programs.setdefault(event.pid, path.rpartition("/")[2] or "program")
        elif event.name == "brk" and event.result:
            heap = round_up(event.result, PAGE)
            if event.pid in last:
                heaps.setdefault(last[event.pid], heap)
            elif event.pid not in starts:
                starts[event.pid] = heap if event.arguments and arguments.number(event.arguments[0]) == 0 else -1
        elif event.name in FORKS and event.result is not None and event.result > 0:
            births.setdefault(event.result, []).append(event)
    return heaps, {pid: heap for pid, heap in starts.items() if heap >= 0}, programs, births

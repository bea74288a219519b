"""The requests to real processes: the operations of a journal as calls of POSIX, each with its outcome on the machine.

The journal is repeated on another machine, so that the state after each operation can be examined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vmwidgets.engine.base.frozen import frozen

from ...comparisons.linux import LeftOut
from ...engine.base.errors import KernelError, Refused, VMError
from ...engine.base.journal import Operation
from ...engine.base.protection import parse_protection, protection_text
from ...engine.base.units import PAGE, round_up
from ...engine.kernel.tasks.objects_schema import PageOut
from ...engine.machine import arguments
from ...engine.machine.system import System
from ...engine.spaces.paths import unquoted
from .left_out import CHANGES_A_MAP, CHANGES_PAGES, ENDS, NO_EQUAL, why_left_out
from .rights import granted
from .state import MOST_RANGE, Span, faults_of, file_of, pages_of, pieces, private_of, spans_of

MOST_OPERATIONS = 20_000
"""The most operations of a journal that are compared; later operations are left out."""

MOST_READ = 1024
"""The most pages that are read at the end, to compare their contents."""

MOST_TASKS = 64
"""The most tasks that may exist at once: each is a process of this computer."""

AT_THE_END = "looked at in the end"
"""The name of a read that no operation requested: it reads a page at the end."""

ACCESSES = {"read": "read", "load": "read", "write": "write", "store": "write", "touch": "", "fetch": "execute"}
"""Operations that access memory, and the kind of access; a touch names its own kind."""


@frozen(slots=False)
class Here:
    """The outcome of an operation on the machine: error name, bytes, mappings, and pages of the task."""

    error: str = ""
    data: bytes | None = None
    spans: tuple[Span, ...] = ()
    pages: tuple[tuple[int, str], ...] | None = None
    """A letter for each page of each private anonymous range, as in `process`; None if not compared."""
    faults: tuple[tuple[int, int], ...] | None = None
    """The pages of private anonymous memory in an access, with their faults; None if not compared."""


@frozen(slots=False)
class Asked:
    """One operation as a call: `name` and `arguments` are sent to a real process."""

    number: int
    text: str
    task: str
    name: str
    arguments: tuple[Any, ...]
    here: Here = field(repr=False)

    @property
    def request(self) -> tuple[Any, ...]:
        """The part that decides Linux's answer."""
        return self.task, self.name, *self.arguments


@dataclass
class Life:
    """All requests: calls in order, files with their first contents, and the omitted operations."""

    architecture: str
    calls: list[Asked] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    stopped: str = ""

    def leave_out(self, name: str, why: str) -> None:
        """Count an operation that is left out."""
        known = self.left_out.get(name)
        self.left_out[name] = LeftOut(name, 1 if known is None else known.times + 1, why)

    def note(self, words: str) -> None:
        """Note a sentence about something that is not compared, once."""
        if words not in self.notes:
            self.notes.append(words)


def asked_of(machine: Any) -> Life:
    """Return the operations of a machine as calls.  O(operations, and pages mapped after each)."""
    if machine.journal.incomplete:
        raise Refused(machine.journal.incomplete)
    life = Life(machine.architecture)
    last = min(len(machine.journal) - 1, MOST_OPERATIONS)
    if last < len(machine.journal) - 1:
        life.stopped = f"only the first {MOST_OPERATIONS:,} operations are compared"

    readings: list[_Reading] = []

    def begin(system: System) -> Callable[[System], None]:
        readings.append(_Reading(life, system))
        return readings[0].see

    machine.history.retrace(begin, 0, last)
    readings[0].end()
    return life


class _Reading:
    """The reader of operations, called after each operation of a machine that repeats its life."""

    then: Operation
    """The latest operation, which is being read."""

    def __init__(self, life: Life, system: System) -> None:
        self.life = life
        self.system = system
        self.tasks: set[str] = set(system.tasks)
        self.apart: set[str] = set()
        """The tasks that did something without an equivalent: they are not compared from then on."""
        self.counts_pages = True
        """Whether pages are comparable: so far there was no fork of another kind, and no page-out."""
        self.unknown: set[str] = set()
        """Objects without a file."""

    @property
    def _since(self) -> str:
        return f"from operation {self.then.number} on"

    def see(self, system: System) -> None:
        """Read the latest operation."""
        life, then = self.life, system.journal.last
        if life.stopped.startswith("from"):
            return
        self.then = then
        why = _ends(then)
        if why:
            life.stopped = f"{self._since}, {then.target}.{then.name}: {why}"
            return
        self._watch_pages()
        try:
            self._read(dict(then.arguments))
        except Refused:  # the operation refused this argument too
            life.leave_out(then.name, "the call was refused before anything happened")
        for name in [one for one in self.tasks if one not in system.tasks]:
            self.tasks.discard(name)
            if name not in self.apart and then.name != "exit":
                self._ask(name, "exit", ())
                life.note(f"{name} was killed in operation {then.number}, for memory: so its process ended too")

    def end(self) -> None:
        """Request the contents of all mapped pages at the end."""
        system, left = self.system, MOST_READ
        if self.life.stopped.startswith("from"):
            return
        for task in sorted(self.tasks - self.apart):
            handle = system.machine.tasks[task]
            for start, end, rights in spans_of(system, task):
                if "r" not in granted(self.life.architecture, rights):
                    continue
                for page in range(start, min(end, start + left * PAGE), PAGE):
                    left -= 1
                    error, data = "", None
                    try:
                        data = bytes(handle.peek(page, PAGE))
                    except KernelError as raised:
                        error = raised.name
                    if error == "FAULT":  # an entry without an object
                        continue
                    here = Here(error, data, tuple(spans_of(system, task)))
                    last = system.journal.last.number
                    self.life.calls.append(Asked(last, f"{task}, {AT_THE_END}", task, "read", (page, PAGE), here))
        if not left:
            self.life.note(f"at the end only {MOST_READ:,} pages were read, the first")

    def _watch_pages(self) -> None:
        then, fork = self.then, self.system.fork
        if then.name == "fork" and then.outcome == "done" and fork != "counted":
            self._count_no_pages(f'a fork is "{fork}", not "counted" as in Linux')
        elif then.name in CHANGES_PAGES:
            self._count_no_pages(f"{then.name} decides which pages are in memory")
        elif any(one[0] == PageOut.tag for one in then.raw):
            self._count_no_pages("pages were evicted")

    def _count_no_pages(self, why: str) -> None:
        if self.counts_pages:
            self.counts_pages = False
            self.life.note(f"pages in memory and faults, {self._since}: {why}")

    def _read(self, given: dict[str, Any]) -> None:
        then = self.then
        kind, _, rest = then.target.partition(":")
        if then.target == "machine" and then.name in ("task", "make_file", "object"):
            self._made(given)
        elif kind == "file" and then.name in ("read", "write", "truncate"):
            self._file(rest, given)
        elif kind == "task":
            name, _, part = rest.partition("/")
            self._of_task(unquoted(name), part, given)
        elif kind == "cpu" and then.name in ACCESSES and given.get("user") is not False:
            self._on_cpu(int(rest), given)
        else:
            self.life.leave_out(then.name, why_left_out(then))
            if then.name in ("make_pager", "device") or (then.name == "vanish" and kind == "file"):
                self.unknown.add(rest if then.name == "vanish" else str(given["name"]))
                self._part_from_unknown()

    def _on_cpu(self, number: int, given: dict[str, Any]) -> None:
        system = self.system
        running = system.processors.all[number].pmap.name
        if running in system.tasks and arguments.whole(given["address"], "address") < system.layout.user_end:
            self._access(running, given)
        else:
            self.life.leave_out(self.then.name, why_left_out(self.then))

    # ---- named parts -------------------------------------------------------------------------

    def _made(self, given: dict[str, Any]) -> None:
        then, name = self.then, str(given["name"])
        if then.outcome != "done":
            self.life.leave_out(then.name, "it failed here")
        elif then.name == "task":
            if name not in self.tasks:
                self._begin(name)
                self._ask(name, "start", (int(self.system.tasks[name].heap.start),))
        else:
            self.life.files.append(name)
            most = given.get("max_pages")
            size = MOST_RANGE if most is None else arguments.whole(most, "max_pages") * PAGE
            content = bytes(given["content"]) if then.name == "make_file" else size
            self._ask("", "make", (name, content))

    def _begin(self, task: str) -> None:
        """Note a new task; if there are too many, it is not compared."""
        if len(self.tasks) - len(self.apart) >= MOST_TASKS:
            self.apart.add(task)
            self.life.note(f"{task}, {self._since}: at most {MOST_TASKS} tasks are run at the same time")
        self.tasks.add(task)

    def _file(self, name: str, given: dict[str, Any]) -> None:
        then = self.then
        if name in self.unknown or then.outcome != "done":
            self.life.leave_out(then.name, "it failed here, or the file is one that is left out")
        elif then.name == "read":
            offset, count = arguments.span(given.get("offset", 0), given.get("length", PAGE), name="offset")
            self._ask("", "file_read", (name, offset, count), data=bytes(then.result))
        elif then.name == "write":
            offset = arguments.whole(given["offset"], "offset")
            self._ask("", "file_write", (name, offset, bytes(given["data"])))
        else:
            self._ask("", "file_cut", (name, arguments.whole(given["size"], "size")))

    # ---- operations of tasks -----------------------------------------------------------------

    def _of_task(self, task: str, part: str, given: dict[str, Any]) -> None:
        then, name, is_done = self.then, self.then.name, self.then.outcome == "done"
        if task in self.apart:
            if name == "fork":
                self.apart |= set(self.system.tasks) - self.tasks
                self.tasks |= set(self.system.tasks)
            self.life.leave_out(name, f"{task} is not compared any longer")
        elif part == "map":
            self._of_map(task, given)
        elif name in ACCESSES:
            self._access(task, given)
        elif name == "fork":
            self._fork(task)
        elif name == "exec" and is_done:
            self._ask(task, "exec", (int(self.system.tasks[task].heap.start),))
        elif name == "exit" and is_done:
            self.tasks.discard(task)
            self._ask(task, "exit", ())
        elif name == "mmap":
            self._mmap(task, given)
        elif name == "limit" and given["name"] != "as":
            self.life.leave_out(f"limit {given['name']}", NO_EQUAL["limit"])
        elif name == "brk" and given.get("end") is None:
            pass  # it asks where the heap ends
        elif name in GIVEN:
            self._ask(task, name, GIVEN[name](given))
        else:
            self.life.leave_out(name, why_left_out(then))

    def _fork(self, task: str) -> None:
        child = next((one for one in self.system.tasks if one not in self.tasks), None)
        if child is None:
            self.life.leave_out("fork", "it failed here")
        else:
            self._begin(child)
            self._ask(task, "fork", (child,))

    def _of_map(self, task: str, given: dict[str, Any]) -> None:
        """Add an X15 function as the POSIX call that does the same, if there is one."""
        then, name = self.then, self.then.name
        if name not in CHANGES_A_MAP or then.outcome != "done":
            if name in ("wire", "unwire") and then.outcome == "done":
                self._count_no_pages("pages were wired")
            self.life.leave_out(name, NO_EQUAL.get(name, "it changes no mapping, or it failed here"))
            return
        self.life.leave_out(name, CHANGES_A_MAP[name])
        if name == "remove" or (name == "protect" and not given.get("maximum")):
            first = arguments.whole(given["start"], "start")
            end = given.get("end")
            last = first + arguments.whole(given["size"], "size") if end is None else arguments.whole(end, "end")
            more = () if name == "remove" else (_letters(given["prot"]),)
            real = "munmap" if name == "remove" else "mprotect"
            self._ask(task, real, (first, round_up(last, PAGE) - first, *more))
        elif name == "enter" and not given.get("object") and given.get("inherit", "copy") in ("copy", "share"):
            words = f"{'shared' if given.get('inherit') == 'share' else 'private'} new entered"
            at = int(then.result)
            self._ask(task, "mmap", (at, _size(given), _letters(given.get("prot", "rw")), words, "", 0))
        else:
            self._part(task, f"its map has a property that Linux does not know ({name})")

    def _part(self, task: str, why: str) -> None:
        """Request nothing more of a task, nor of the tasks with which it shares memory."""
        self.life.note(f"{task}, {self._since}: {why}")
        gone = {task}
        if self._shares(task):
            gone |= set(filter(self._shares, self.tasks))
        for one in sorted(gone - self.apart):
            if one in self.tasks:
                self._ask(one, "exit", ())
            self.apart.add(one)

    def _shares(self, task: str) -> bool:
        return any(rights.endswith("s") for *_, rights in spans_of(self.system, task))

    def _part_from_unknown(self) -> None:
        for task in sorted(self.tasks - self.apart):
            if any(file_of(self.system, entry) in self.unknown for entry in self.system.tasks[task].vm_map):
                self._part(task, f"it maps what {self.then.name} changed")

    # ---- calls -------------------------------------------------------------------------------

    def _mmap(self, task: str, given: dict[str, Any]) -> None:
        is_done = self.then.outcome == "done"
        words = set(str(given.get("flags", "private")).replace("|", " ").split()) - {"anonymous"}
        is_fixed = "fixed" in words
        words -= {"fixed"}
        words |= {"private"} if "shared" not in words else set()
        target = given.get("file")
        name = "" if target is None else str(target).partition(":")[2] or str(target)
        offset = arguments.whole(given.get("offset", 0), "offset")
        size = _size(given)
        if name in self.unknown:
            self.life.leave_out("mmap", "no file of Linux stands for that object")
            if is_done:
                self._part(task, f"it maps {name}, which no file of Linux stands for")
            return
        if not is_fixed:
            words |= {"new" if is_done else "wish"}
        at = int(self.then.result) if is_done else arguments.whole(given.get("at") or 0, "at")
        rights = _letters(given.get("prot", "rw"))
        self._ask(task, "mmap", (at, size, rights, " ".join(sorted(words)), name, offset))

    def _access(self, task: str, given: dict[str, Any]) -> None:
        then = self.then
        if task in self.apart:
            self.life.leave_out(then.name, f"{task} is not compared any longer")
            return
        name = ACCESSES[then.name] or str(given.get("access", "read"))
        at = arguments.whole(given["address"], "address")
        what: int | bytes
        data = None
        if then.name == "touch":
            what = self._byte(task, at) if name == "write" else 1
        elif name == "write":
            what = bytes(given["data"])
        else:
            what = arguments.span(given["address"], given.get("length", 1))[1]
            data = bytes(then.result) if then.outcome == "done" else None
        self._ask(task, name, (at, what), data=data)

    def _byte(self, task: str, at: int) -> bytes:
        """Return the byte that a touch for writing stores again, so that the write changes nothing."""
        try:
            return bytes(self.system.machine.tasks[task].peek(at))
        except VMError:
            return b"\0"

    # ---- one call ----------------------------------------------------------------------------

    def _ask(self, task: str, name: str, given: tuple[Any, ...], data: bytes | None = None) -> None:
        if task in self.apart:
            return
        then, system = self.then, self.system
        error = then.result[1] if then.outcome == "error" and len(then.result) > 1 else ""
        lives = task in system.tasks
        spans = tuple(spans_of(system, task)) if lives else ()
        pages = tuple(pages_of(system, task)) if lives and self.counts_pages else None
        faults = None
        if name in ("read", "write") and self.counts_pages and lives:
            length = len(given[1]) if name == "write" else given[1]
            starts = [start for start, _ in pieces(given[0], length)]
            faults = tuple(faults_of(then, starts, private_of(system, task)))
        text = f"{then.target.removeprefix('task:')}.{then.name}"
        self.life.calls.append(
            Asked(then.number, text, task, name, given, Here(f"{error}", data, spans, pages, faults))
        )


def _size(given: dict[str, Any]) -> int:
    return round_up(arguments.whole(given["size"], "size"), PAGE)


def _range(given: dict[str, Any]) -> tuple[int, int]:
    return arguments.whole(given["start"], "start"), _size(given)


def _letters(prot: Any) -> str:
    return protection_text(parse_protection(prot)).replace("-", "")


def _most(given: dict[str, Any]) -> tuple[int | None]:
    return (None if given["most"] is None else arguments.whole(given["most"], "most"),)


GIVEN: dict[str, Callable[[dict[str, Any]], tuple[Any, ...]]] = {
    "munmap": _range,
    "msync": _range,
    "mprotect": lambda given: (*_range(given), _letters(given["prot"])),
    "madvise": lambda given: (*_range(given), str(given["advice"]).lower()),
    "brk": lambda given: (arguments.whole(given["end"], "end"),),
    "limit": _most,
}
"""What a process gets in the calls that are the same in Linux, from the arguments of the operation."""


def _ends(then: Operation) -> str:
    """Return why nothing can be compared from an operation on; "" if comparing can go on."""
    if then.outcome == "panic":
        return "the machine died of it"
    if then.outcome == "interrupted":
        return "it was stopped in the middle"
    return ENDS.get(then.name, "")

"""Which step comes next: its kind, the Python lines that make it, and what its outcome is worked out from.

Kinds are methods of :class:`Drawing`; a kind that makes no sense just now gives no step.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from .memory import PAGE, Memory, PlainTask

BASE = 0x10_0000
"""Where most mappings go: 24 pages from here on."""
OBJECTS = 0x20_0000
STACK = 0x40_0000
POPULATED = 0x60_0000
"""No thread makes accesses here, since they might come while pages are read in."""


class Step(NamedTuple):
    """One step: `lines` are Python; the last one's outcome is `outcome`, a method of Outcomes, of `arguments`."""

    kind: str
    lines: tuple[str, ...]
    outcome: str = "nothing"
    arguments: tuple[Any, ...] = ()
    failing: str = ""
    """The requests that fail on purpose meanwhile, as arguments of ``m.inject``."""


UNHARMED = ("spawn", "run", "kill", "task", "replacement", "shortage")
"""Kinds during which nothing fails on purpose: others than the one drawn would meet it."""


class Drawing:
    """Draws steps for what `memory` has now."""

    def __init__(self, memory: Memory, chance: random.Random, *, scarce: bool, threaded: bool) -> None:
        self.memory = memory
        self.chance = chance
        self.scarce = scarce
        self.threaded = threaded
        self.is_quiet: Callable[[], bool] = lambda: True
        """Whether no thread is left that could run while a call sleeps."""
        self.focus, self.left = "all", 0
        """What the next steps are mostly about, and how many these are."""
        self.given: set[str] = set()
        """The names that tasks have had."""
        self.tasks = 0
        self.threads = 0

    def step(self) -> Step:
        """The next one."""
        while True:
            if not self.memory.tasks:
                return self.task()
            if not self.left:
                most = "entries" if self.scarce and self.chance.random() < 0.25 else ""
                most = "processors" if not self.threaded and self.chance.random() < 0.7 else most
                self.focus, self.left = most or self.chance.choice(list(FOCUSES)), self.chance.randrange(10, 50)
            self.left -= 1
            kind = self.chance.choices(*KINDS[self.focus])[0]
            step: Step | None = getattr(self, kind)()
            if step is None:
                continue
            if self.scarce and step.kind not in UNHARMED and self.chance.random() < 0.12:
                point = self.chance.choice(("page_alloc", "pager_read", "swap_full", "table_page"))
                step = step._replace(failing=f"{point!r}, every={self.chance.randrange(1, 4)}, times=3")
            return step

    # ---- numbers and places ------------------------------------------------------------------

    def number(self, value: int) -> str:
        """A number in Python, now and then of an odd kind."""
        if self.chance.random() < 0.94:
            return hex(value) if value >= PAGE else str(value)
        forms = [f"np.int64({value:#x})", f"Index({value:#x})", f"member({value:#x})", f"{hex(value)!r}"]
        if value and not value % 1024:
            forms.append(f"'{value // 1024} KiB'")
        return self.chance.choice(forms)

    def some_task(self) -> tuple[str, PlainTask, str]:
        """A task: its name, what it has, and it in Python."""
        name = self.chance.choice(sorted(self.memory.tasks))
        return name, self.memory.tasks[name], f"m.tasks[{name!r}]"

    def some_page(self, task: PlainTask, *, mapped: float = 0.9) -> int:
        """The address of a page that may be mapped."""
        known = sorted(task.pages)
        first, last = self.zone(task)
        if self.chance.random() < 0.8:
            known = [va for va in known if first <= va < last] or known
        if known and self.chance.random() < mapped:
            return self.chance.choice(known)
        return self.chance.choice((BASE, BASE, OBJECTS, STACK - 16 * PAGE)) + self.chance.randrange(24) * PAGE

    def zone(self, task: PlainTask) -> tuple[int, int]:
        """The addresses that the next steps are mostly about."""
        if self.focus == "heap":
            return task.heap[0], task.heap[0] + 8 * PAGE
        if self.focus == "stack":
            return STACK - 16 * PAGE, STACK
        return (OBJECTS, OBJECTS + 24 * PAGE) if self.focus == "objects" else (task.start, task.end)

    def some_range(self, task: PlainTask) -> tuple[int, int]:
        """The start and the size of a range that may be mapped, or in part."""
        start, pages = self.some_page(task, mapped=0.8), 1 if self.focus == "entries" else self.chance.randrange(1, 5)
        if self.chance.random() < 0.2:
            start -= PAGE
        return start, pages * PAGE

    def some_kind(self) -> str:
        """A kind of access."""
        return self.chance.choice(("read", "read", "write", "write", "execute"))

    def some_access(self, task: PlainTask) -> tuple[int, str, bytes | int]:
        """An address, and what is done there: a write of these bytes, or an access to so many."""
        va = self.some_page(task)
        access, offset = self.some_kind(), self.chance.randrange(PAGE - 8)
        length = self.chance.randrange(1, 8)
        page = task.pages.get(va)
        if access == "write" and page is not None and page.cell is not None and page.cell.of_file:
            left = len(self.memory.files[page.cell.file]) - page.cell.index * PAGE
            if left > 0:  # bytes beyond the end of a file are nowhere
                offset = min(offset, left - 1)
                length = min(length, left - offset)
        return va + offset, access, self.chance.randbytes(length) if access == "write" else length

    # ---- accesses ----------------------------------------------------------------------------

    def access(self) -> Step:
        """A read, a write, or a touch, from the cell."""
        name, task, text = self.some_task()
        address, access, data = self.some_access(task)
        at = self.number(address)
        if access == "execute" or self.chance.random() < 0.15:
            return Step("touch", (f"{text}.touch({at}, {access!r})",), "access", (name, address, access))
        call = f"{text}.{access}({at}, {data!r})"
        return Step(access, (call,), "access", (name, address, access, data))

    def peek(self) -> Step | None:
        """A look, which is not an operation."""
        name, task, text = self.some_task()
        known = sorted(task.pages)
        if not known:
            return None
        address = self.chance.choice(known) + self.chance.randrange(PAGE - 8)
        return Step("peek", (f"{text}.peek({address:#x}, 8)",), "peek", (name, address, 8))

    def straddle(self) -> Step | None:
        """An access to two pages at once; where it may stop between them, nothing else runs meanwhile."""
        name, task, text = self.some_task()
        va = self.some_page(task)
        pages = [task.pages.get(at) for at in (va, va + PAGE)]
        if self.scarce or task.limits.resident is not None or not self.is_quiet():
            return None
        if any(page is not None and page.cell is not None and page.cell.of_file for page in pages):
            return None  # bytes beyond the end of a file are nowhere
        address, data = va + PAGE - 3, self.chance.randbytes(6)
        if self.chance.random() < 0.5 and all(page is None or "r" in page.prot for page in pages):
            return Step("read", (f"{text}.read({address:#x}, 6)",), "access", (name, address, "read", 6))
        return Step("write", (f"{text}.write({address:#x}, {data!r})",), "access", (name, address, "write", data))

    def second_processor(self) -> Step:
        """An access by what runs on a processor."""
        name, task, text = self.some_task()
        address, access, data = self.some_access(task)
        if access == "execute":
            access, data = ("read", 1) if self.chance.random() < 0.5 else ("write", b"w")
        page = task.pages.get(address & -PAGE)
        if access == "write" and page is not None and page.cell is not None and page.cell.of_file and data == b"w":
            return self.access()
        cpu = f"m.cpus[{self.chance.choice((0, 1, 1, 1))}]"
        what = f"store({self.number(address)}, {data!r}" if access == "write" else f"load({address:#x}, {data!r}"
        lines = (f"{cpu}.run({text})", f"{cpu}.{what}, user=True)")
        return Step("second processor", lines, "access", (name, address, access, data))

    # ---- mappings ----------------------------------------------------------------------------

    def populate(self) -> Step:
        """A mapping whose pages come at once, at a place of its own."""
        return self.mmap(populated=True)

    def mmap(self, *, populated: bool = False) -> Step:
        """Zeroes or a file, where it is said, where it is wished, or anywhere."""
        name, _, text = self.some_task()
        pages, shared = self.chance.randrange(1, 5), self.chance.random() < 0.3
        if self.focus == "entries":
            pages = 1
        prot = self.chance.choice(("rw", "rw", "rw", "r", "rwx", "rx", "w", "x", ""))
        words = "shared" if shared else "private"
        at: int | None = self.chance.choice((BASE, BASE, BASE, OBJECTS)) + self.chance.randrange(24) * PAGE
        how = self.chance.random()
        if how < 0.7:
            words += " fixed"
        elif how < 0.85:
            at = None
        file, index, given = "", 0, ""
        if self.chance.random() < 0.4:
            file, index = self.chance.choice(sorted(self.memory.files)), self.chance.choice((0, 0, 1))
            given = f", {file!r}, {index * PAGE}"
        copies = file and "w" in prot and not shared  # at a moment of their own
        unsure = copies and (self.scarce or not self.is_quiet())
        if populated and not unsure:
            words, at = f"{words.removesuffix(' fixed')} fixed populate", POPULATED + self.chance.randrange(8) * PAGE
        place = "" if at is None else f", at={self.number(at)}"
        call = f"{text}.mmap({self.number(pages * PAGE)}, {prot!r}, {words!r}{given}{place})"
        kind = "populate" if "populate" in words else "mmap"
        return Step(kind, (call,), "mmap", (name, pages * PAGE, prot, words, at, file, index))

    def stack(self) -> Step:
        """A mapping that grows down, or an access below it."""
        name, task, text = self.some_task()
        lowest = min((va for va, page in task.pages.items() if page.stack), default=0)
        if lowest and self.chance.random() < 0.8:
            address = lowest - self.chance.randrange(1, 5 * PAGE)
            return Step("stack", (f"{text}.write({address:#x}, b's')",), "access", (name, address, "write", b"s"))
        at, size = STACK - 2 * PAGE, 2 * PAGE
        call = f"{text}.mmap({size}, 'rw', 'private fixed growsdown', at={at:#x})"
        return Step("stack", (call,), "mmap", (name, size, "rw", "private fixed growsdown", at, "", 0))

    def _ranged(self, kind: str, call: Callable[[str, str], str], *more: Any, outcome: str = "") -> Step | None:
        """A call on a range."""
        name, task, text = self.some_task()
        start, size = self.some_range(task)
        line = f"{text}.{call(self.number(start), self.number(size))}"
        return Step(kind, (line,), outcome or kind, (name, start, size, *more))

    def munmap(self) -> Step | None:
        """Unmap a range."""
        return self._ranged("munmap", lambda start, size: f"munmap({start}, {size})")

    def mprotect(self) -> Step | None:
        """Another protection for a range."""
        prot = self.chance.choice(("rw", "rw", "r", "rwx", "rx", "w", "x", ""))
        return self._ranged("mprotect", lambda start, size: f"mprotect({start}, {size}, {prot!r})", prot)

    def dontneed(self) -> Step | None:
        """Forget what a range holds."""
        return self._ranged("dontneed", lambda start, size: f"madvise({start}, {size}, 'dontneed')")

    def inherit(self) -> Step | None:
        """What children get."""
        what = self.chance.choice(("share", "copy", "none"))
        step = self._ranged("inherit", lambda start, size: f"map.inherit({start}, size={size}, inherit={what!r})", what)
        if step is not None and what == "share":
            name, start, size, _ = step.arguments
            pages = self.memory.tasks[name].pages
            if any(va in pages and pages[va].stack for va in range(start, start + size, PAGE)):
                return None  # POSIX has no stacks that two tasks share: what each sees once they grow is not judged
        return step

    def wire(self) -> Step | None:
        """Wire a range, or take that back."""
        name, task, text = self.some_task()
        start, size = self.some_range(task)
        pages = [task.pages.get(va) for va in range(start, start + size, PAGE)]
        kind = self.chance.choice(("wire", "unwire"))
        stacks = any(page is not None and page.stack for page in pages)
        copies = any(page is not None and page.cell is not None and page.cell.file for page in pages)
        if stacks or (copies and (self.scarce or not self.is_quiet())):
            return None
        return Step(kind, (f"{text}.map.{kind}({start:#x}, size={size:#x})",), kind, (name, start, size))

    def page_out(self) -> Step | None:
        """Have pages leave memory."""
        _, task, text = self.some_task()
        start, size = self.some_range(task)
        return Step("page out", (f"{text}.page_out({self.number(start)}, {self.number(size)})",))

    def brk(self) -> Step:
        """Move the end of the heap."""
        name, task, text = self.some_task()
        end = task.heap[0] + self.chance.choice((0, 1, 2, 3, 4, 5)) * PAGE - self.chance.choice((0, 0, 5))
        end = max(end, task.heap[0])
        return Step("brk", (f"{text}.brk({self.number(end)})",), "brk", (name, end))

    def object(self) -> Step | None:
        """A named object's pages, which all that map them share; or, seldom, a range without an object."""
        name, task, text = self.some_task()
        start, size = OBJECTS + self.chance.randrange(16) * PAGE, self.chance.randrange(1, 5) * PAGE
        if not task.is_free(start, start + size):
            return None
        named, index = self.chance.choice(sorted(self.memory.objects)), self.chance.choice((0, 1, 2))
        if self.chance.random() < 0.1:
            named, index = "", 0
        of = f", object={named!r}, offset={index * PAGE}" if named else ""
        call = f"{text}.map.enter({size}, at={start:#x}, fixed=True{of})"
        return Step("object", (call,), "object", (name, start, size, named, index))

    # ---- lives of tasks ----------------------------------------------------------------------

    def task(self) -> Step:
        """A task from nothing."""
        self.tasks += 1
        name = f"t{self.tasks}"
        if self.memory.tasks and self.chance.random() < 0.3:  # as a child would be called
            parent = self.chance.choice(sorted(self.memory.tasks))
            name = f"{parent}.{self.memory.tasks[parent].children + 1}"
            if name in self.given:
                return self.access()
        self.given.add(name)
        return Step("task", (f"m.task({name!r})", f"m.tasks[{name!r}].limit('stack', {12 * PAGE})"), "task", (name,))

    def fork(self) -> Step | None:
        """A child, by name or without."""
        name, _, text = self.some_task()
        if len(self.memory.tasks) > 4:
            return None
        return Step("fork", (f"{text}.fork()",), "fork", (name,))

    def exit(self) -> Step | None:
        """The end of a task."""
        name, _, text = self.some_task()
        return Step("exit", (f"{text}.exit()",), "exit", (name,))

    def exec(self) -> Step | None:
        """Another program in a task."""
        name, _, text = self.some_task()
        return Step("exec", (f"{text}.exec()", f"{text}.brk()"), "exec", (name,))

    def limit(self) -> Step:
        """A limit, or none."""
        name, task, text = self.some_task()
        what = self.chance.choice(("stack", "data", "rss", "as"))
        most = self.chance.choice((2, 4, 8, 14)) * PAGE
        if self.focus in ("families", "limits"):
            what = {"families": "rss", "limits": "as"}[self.focus]
        free = what != "stack" and self.chance.random() < 0.5
        if what == "as" and not free:
            most = task.size + (self.chance.randrange(3) * PAGE if self.focus == "limits" else most)
        given = "None" if free else self.number(most)
        line = f"{text}.limit({what!r}, {given})"
        return Step("limit", (line,), "limit", (name, what, None if free else most))

    # ---- files -------------------------------------------------------------------------------

    def file(self) -> Step:
        """Read, write, cut off or sync a file."""
        name = self.chance.choice(sorted(self.memory.files))
        text, offset = f"m.files[{name!r}]", self.chance.randrange(3 * PAGE)
        what = self.chance.choice(("read", "write", "write", "truncate", "sync"))
        if self.scarce or not self.is_quiet():
            offset -= max(0, offset % PAGE - (PAGE - 9))
            if what == "write" and offset + 6 > len(self.memory.files[name]):
                what = "sync"
        if what == "read":
            return Step("file", (f"{text}.read({offset}, 9)",), "file_read", (name, offset, 9))
        if what == "write":
            data = self.chance.randbytes(6)
            return Step("file", (f"{text}.write({offset}, {data!r})",), "file_write", (name, offset, data))
        if what == "truncate" and self.chance.random() < 0.4:
            size = self.chance.randrange(4 * PAGE)
            return Step("file", (f"{text}.truncate({size})",), "truncate", (name, size))
        return Step("file", (f"{text}.sync()",))

    # ---- threads and time --------------------------------------------------------------------

    def spawn(self) -> Step | None:
        """A thread that makes some accesses, of any task, with naps between."""
        if not self.threaded:
            return None
        program: list[tuple[Any, ...]] = []
        for _ in range(self.chance.randrange(2, 7)):
            if self.chance.random() < 0.3:
                program.append(("sleep", self.chance.randrange(1, 6)))
                continue
            name, task, _ = self.some_task()
            address, access, data = self.some_access(task)
            if POPULATED <= address < POPULATED + 16 * PAGE:
                continue
            if access == "execute":
                program.append(("touch", name, address, access))
            elif self.chance.random() < 0.4:
                cpu = self.chance.choice((0, 1, 1))
                program.append(("store" if access == "write" else "load", cpu, name, address, data))
            else:
                program.append((access, name, address, data))
        if self.chance.random() < 0.1:
            name, task, _ = self.some_task()
            address, access, data = self.some_access(task)
            if access != "execute":
                program.append(("forgets", name, access, address, data))
        self.threads += 1
        return Step("spawn", (f"m.spawn(thread(m, {program!r}, told), name='T{self.threads}')",))

    def run(self) -> Step:
        """Let threads run, or time pass."""
        line = self.chance.choice(("m.step()", "m.step()", "m.run(steps=3)", "m.run()", "m.tick()", "m.tick(4)"))
        return Step("run", (line,))

    def kill(self) -> Step | None:
        """End a thread, whether it has ended or not."""
        if not self.threads:
            return None
        name = f"T{self.chance.randrange(1, self.threads + 1)}"
        return Step("kill", (f"m.kill({name!r})",))

    # ---- memory runs short -------------------------------------------------------------------

    def shortage(self) -> Step | None:
        """Take what pages are free, or give them back."""
        if not self.scarce:
            return None
        if self.focus == "entries":
            return Step("shortage", ("m.take_pages(2000)",))
        count = self.chance.choice((5, 20, 60))
        return Step("shortage", (self.chance.choice((f"m.take_pages({count})", "m.give_pages(60)")),))

    def replacement(self) -> Step:
        """Another policy."""
        if self.chance.random() < 0.4:
            return Step("replacement", (f"m.replacement = {self.chance.choice(('dirty_first', 'clean_first'))}",))
        names = ("'fifo'", "'lru'", "'clock'", "'second chance'", "vm.Replacement('working set', window=8)")
        local = ("vm.Replacement('lru', local=True)", "vm.Replacement('clock', local=True)")
        policy = self.chance.choice((*names, *local))
        return Step("replacement", (f"m.replacement = {policy}",))


WEIGHTS = {
    "access": 24, "straddle": 3, "peek": 4.5, "second_processor": 7, "mmap": 7, "populate": 5, "stack": 4, "munmap": 4,
    "mprotect": 4, "dontneed": 4, "inherit": 3.5, "wire": 14, "page_out": 4, "brk": 5, "object": 4, "task": 0.6,
    "fork": 4, "exit": 2.5, "exec": 3.5, "limit": 3.5, "file": 5, "spawn": 6, "run": 6, "kill": 4.5, "shortage": 10,
    "replacement": 3.5,
}  # fmt: skip  # pairs of kind and weight
FOCUSES: dict[str, dict[str, float]] = {
    "all": {},
    "heap": {"access": 3, "brk": 6, "fork": 3, "exit": 4, "stack": 0, "object": 0, "mmap": 0.3},
    "stack": {"access": 2, "stack": 6, "munmap": 2, "fork": 3, "exit": 4, "brk": 0, "object": 0, "mmap": 0.3},
    "objects": {"object": 5, "access": 2, "second_processor": 2, "brk": 0, "stack": 0},
    "limits": {"limit": 4, "mmap": 4, "stack": 3, "access": 0.5, "exec": 0.3},
    "entries": {
        "mmap": 6,
        "mprotect": 8,
        "inherit": 6,
        "exec": 0.1,
        "exit": 0.1,
        "munmap": 0.3,
        "access": 0.3,
        "fork": 0.3,
    },
    "families": {"limit": 4, "fork": 4, "exit": 5, "access": 2, "munmap": 0.3, "wire": 0.2},
    "processors": {
        "second_processor": 10,
        "fork": 5,
        "exit": 6,
        "task": 3,
        "mmap": 1.5,
        "access": 0.5,
        "munmap": 0.3,
        "wire": 0.3,
        "limit": 0.3,
        "file": 0.3,
        "page_out": 0.3,
        "populate": 0.3,
    },
    "threads": {"spawn": 4, "run": 4, "access": 2, "second_processor": 2},
}
"""How much more often kinds come while the steps are about something."""
KINDS = {
    focus: ([*WEIGHTS], [weight * more.get(kind, 1) for kind, weight in WEIGHTS.items()])
    for focus, more in FOCUSES.items()
}

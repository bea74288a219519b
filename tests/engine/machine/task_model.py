"""Tasks against plain bytes: what each page of each task holds, whatever the kernel does behind it.

The model knows pages as cells.  A cell is private to a task, or shared by several; what a fork copies gets new cells.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import vmwidgets as vm
from vmwidgets.engine.base.errors import KernelError, KernelPanic

PAGE = vm.PAGE
BASE = 0x10_0000
"""Where mappings with an address go."""


@dataclass(eq=False)
class Cell:
    """What a page holds: its own bytes, once it was written, or else those of a file's page, or zeroes."""

    data: bytearray | None = None
    file: str = ""
    index: int = 0
    of_file: bool = False
    """Whether writes go into the file."""
    shared: bool = False
    """Whether others see what is written."""


@dataclass
class Mapped:
    """A page of a task."""

    cell: Cell
    prot: str
    inherit: str


@dataclass
class Plain:
    """A task: its pages by address, and where its heap ends."""

    pages: dict[int, Mapped] = field(default_factory=dict)
    heap: tuple[int, int] = (0, 0)


def choosy(pages: list[vm.ResidentPage]) -> vm.ResidentPage:
    """A function of a learner's that fails now and then."""
    if len(pages) % 5 == 0:
        raise ValueError("no page pleases it")
    return pages[0]


class Model:
    """A machine with tasks, and beside it what they hold."""

    def __init__(self, architecture: str, seed: int, ram: str = "8 MiB", swap: int = 40) -> None:
        self.chance = random.Random(f"tasks {seed}")  # the same on each architecture
        self.machine: Any = vm.boot(architecture, layout="tiny", ram=ram, cpus=2, asids=seed % 3 == 0)
        self.tasks: dict[str, Plain] = {}
        self.files: dict[str, bytearray] = {}
        self.number = 0
        self.steps = 0
        self.errors: list[str] = []
        """The kernel's errors, by name."""
        self.panicked = False
        if swap:
            self.machine.swap_on(swap * PAGE)
        if seed % 2:  # memory is short
            self.machine.take_pages(self.machine.pages.obtainable_pages - 60)
        for name, size in (("a", 3 * PAGE), ("b", 5000)):
            self.files[name] = bytearray(self.chance.randbytes(size))
            self.machine.file(name, bytes(self.files[name]))
        self.start()

    # ---- what is expected --------------------------------------------------------------------

    def bytes_of(self, cell: Cell) -> bytes | None:
        """What a page holds; none where a file has no page there."""
        if cell.data is not None:
            return bytes(cell.data)
        if not cell.file:
            return bytes(PAGE)
        content = self.files[cell.file]
        if cell.index * PAGE >= len(content):
            return None
        return bytes(content[cell.index * PAGE : (cell.index + 1) * PAGE]).ljust(PAGE, b"\0")

    def compare(self, name: str, va: int) -> None:
        """Read a page in the machine, and hold it against what it should be."""
        page, task = self.tasks[name].pages.get(va), self.machine.tasks[name]
        expected = None if page is None or "r" not in page.prot else self.bytes_of(page.cell)
        wrong = "FAULT" if page is None else "ACCES" if "r" not in page.prot else "IO"
        try:
            found = self.read_on(va // PAGE % 2, task, va)
        except KernelError as error:
            if expected is None:
                expect(error, wrong)
            elif error.name != "NOMEM" or not self.ran_out:
                raise
            return
        assert expected is not None, f"{name} reads {va:#x}, where it should be {wrong}"
        where = next((at for at in range(PAGE) if found[at] != expected[at]), None)
        assert where is None, f"{name} at {va:#x}+{where}: {found[where]} and not {expected[where]}"

    def read_on(self, number: int, task: Any, va: int) -> bytes:
        """A page as a task reads it on one of the processors, whose TLB may still have what it was."""
        if not number:
            return bytes(task.read(va, PAGE))
        cpu = self.machine.cpus[number]
        cpu.run(task)
        return bytes(cpu.load(va, PAGE, user=True))

    @property
    def ran_out(self) -> bool:
        """Whether the latest operation found memory and swap space full."""
        return any(isinstance(event, vm.events.NothingToReclaim) for event in self.machine.journal.last.events)

    def compare_all(self) -> None:
        """Hold every page against what it should be, and have the machine check itself."""
        self.machine.check()
        for name, plain in self.tasks.items():
            for va in plain.pages:
                try:
                    self.compare(name, va)
                except KernelPanic as panic:  # noqa: PERF203  once, at the end of a life
                    expect(panic)
                    self.panicked = True
                    return
        for name, content in self.files.items():
            assert self.machine.files[name].size == len(content)
        self.machine.check()

    # ---- one step ----------------------------------------------------------------------------

    def step(self) -> None:
        """Do one thing in both, with failures on purpose now and then, and compare what it touched."""
        self.steps += 1
        if not self.tasks:
            self.machine.give_pages(50)
            self.start()
        things = (
            self.map_zeroes, self.map_zeroes, self.map_file, self.unmap, self.protect, self.write, self.write,
            self.write, self.write, self.read, self.read, self.fork, self.fork, self.exit, self.exec, self.page_out,
            self.page_out, self.forget, self.sync, self.write_file, self.truncate, self.inherit, self.heap, self.wire,
            self.replace, self.limit,
        )  # fmt: skip  # a list
        thing = self.chance.choice(things)
        fails = self.chance.random() < 0.1
        point, every = self.chance.choice(("page_alloc", "pager_read", "swap_full")), self.chance.randrange(1, 4)
        with ExitStack() as stack:
            if fails:
                stack.enter_context(self.machine.inject(point, every=every, times=3))
            try:
                thing()
            except vm.CallbackFailed as failed:
                assert "no page pleases it" in str(failed), failed  # noqa: PT017  what it raised is what is asked for
                self.errors.append("a function")
            except KernelError as error:
                self.errors.append(error.name)
                expect(error, "NOMEM", *(["IO"] if fails else []))
            except KernelPanic as panic:
                expect(panic)
                self.panicked = True
                stack.pop_all()
                return
        self.machine.check()

    # ---- which page goes ---------------------------------------------------------------------

    def replace(self) -> None:
        """Choose another policy: no byte may depend on it."""
        future = tuple((BASE >> 12) + self.chance.randrange(40) for _ in range(100))
        self.machine.replacement = self.chance.choice(
            [
                "fifo", "lru", "second chance", "clock", vm.Replacement("working set", window=8),
                vm.Replacement("opt", future=future), vm.Replacement("clock", local=True),
                vm.Replacement("lru", local=True), lambda pages: pages[len(pages) // 2],
                choosy,
            ]
        )  # fmt: skip  # a list

    def limit(self) -> None:
        """Have a task keep few pages in memory, or as many as it likes."""
        most = self.chance.choice([None, 4, 9])
        name = self.chance.choice([*self.tasks])
        self.machine.tasks[name].limit("rss", None if most is None else most * PAGE)

    # ---- things to do ------------------------------------------------------------------------

    def start(self) -> None:
        """A task from nothing."""
        self.number += 1
        name = f"t{self.number}"
        self.machine.task(name)
        self.tasks[name] = Plain()
        start = int(self.machine.tasks[name].brk())
        self.tasks[name].heap = (start, start)

    def some_task(self) -> tuple[str, Plain, Any]:
        name = self.chance.choice(sorted(self.tasks))
        return name, self.tasks[name], self.machine.tasks[name]

    def some_range(self, plain: Plain) -> tuple[int, int]:
        """Pages that may be mapped, or partly so."""
        known = sorted(plain.pages)
        start = self.chance.choice(known) if known and self.chance.random() < 0.8 else self.place()
        return start, self.chance.randrange(1, 4)

    def place(self) -> int:
        return BASE + self.chance.randrange(24) * PAGE

    def put(self, plain: Plain, start: int, cells: list[Cell], prot: str, shared: bool) -> None:
        for at, cell in enumerate(cells):
            plain.pages[start + at * PAGE] = Mapped(cell, prot, "share" if shared else "copy")

    def map_zeroes(self) -> None:
        _, plain, task = self.some_task()
        count, shared = self.chance.randrange(1, 5), self.chance.random() < 0.3
        prot = self.chance.choice(("rw", "rw", "r", "rwx"))
        flags = "shared" if shared else "private"
        if self.chance.random() < 0.4:
            where = self.place()
            task.munmap(where, count * PAGE)
            self.take(plain, where, count)
            start = task.mmap(count * PAGE, prot, f"{flags} fixed", at=where)
        else:
            start = task.mmap(count * PAGE, prot, flags)
        self.put(plain, int(start), [Cell(shared=shared) for _ in range(count)], prot, shared)

    def map_file(self) -> None:
        _, plain, task = self.some_task()
        count, shared = self.chance.randrange(1, 4), self.chance.random() < 0.5
        name, first = self.chance.choice(sorted(self.files)), self.chance.randrange(2)
        flags = "shared" if shared else "private"
        start = task.mmap(count * PAGE, "rw", flags, name, first * PAGE)
        cells = [Cell(None, name, first + at, of_file=shared, shared=shared) for at in range(count)]
        self.put(plain, int(start), cells, "rw", shared)

    def take(self, plain: Plain, start: int, count: int) -> None:
        for at in range(count):
            plain.pages.pop(start + at * PAGE, None)

    def unmap(self) -> None:
        _, plain, task = self.some_task()
        start, count = self.some_range(plain)
        task.munmap(start, count * PAGE)
        self.take(plain, start, count)

    def protect(self) -> None:
        _, plain, task = self.some_task()
        start, count = self.some_range(plain)
        prot = self.chance.choice(("r", "rw", "rw", "none", "rx"))
        inside = [plain.pages.get(start + at * PAGE) for at in range(count)]
        try:
            task.mprotect(start, count * PAGE, prot)
        except KernelError as error:
            expect(error, *(["FAULT"] if None in inside else []))
            return
        for page in inside:
            assert page is not None, "a hole can't be protected"
            page.prot = "" if prot == "none" else prot

    def write(self) -> None:
        name, plain, task = self.some_task()
        start, _ = self.some_range(plain)
        offset = self.chance.randrange(PAGE - 8)
        data = self.chance.randbytes(self.chance.randrange(1, 8))
        page = plain.pages.get(start)
        cell = None if page is None else page.cell
        if cell is not None and cell.of_file:  # bytes behind the end of a file are nowhere
            left = len(self.files[cell.file]) - cell.index * PAGE - offset
            if 0 < left < PAGE:
                data = data[:left]
            elif left <= 0 and self.bytes_of(cell) is not None:
                return
        try:
            task.write(start + offset, data)
        except KernelError as error:
            if page is None or "w" not in page.prot:
                expect(error, "FAULT" if page is None else "ACCES")
            elif error.name != "IO" or self.bytes_of(page.cell) is not None:
                raise
            return
        assert page is not None and cell is not None and "w" in page.prot, f"{name} may not write at {start:#x}"
        before = self.bytes_of(cell)
        assert before is not None, "there is no page of the file"
        if cell.of_file:
            at = cell.index * PAGE + offset
            self.files[cell.file][at : at + len(data)] = data
        else:
            cell.data = bytearray(before)
            cell.data[offset : offset + len(data)] = data
        self.compare(name, start)

    def read(self) -> None:
        name, plain, _ = self.some_task()
        self.compare(name, self.some_range(plain)[0])

    def fork(self) -> None:
        _, plain, task = self.some_task()
        if len(self.tasks) > 5:
            return
        self.number += 1
        child = Plain(heap=plain.heap)
        task.fork(f"t{self.number}")
        self.tasks[f"t{self.number}"] = child
        for va, page in plain.pages.items():
            if page.inherit == "none":
                continue
            cell = page.cell
            if page.inherit == "share":
                cell.shared = True
            elif cell.of_file:
                cell = Cell(None, cell.file, cell.index)
            else:
                cell = Cell(None if cell.data is None else bytearray(cell.data), cell.file, cell.index)
            child.pages[va] = Mapped(cell, page.prot, page.inherit)

    def exit(self) -> None:
        name, _, task = self.some_task()
        task.exit()
        del self.tasks[name]
        if not self.tasks:
            self.start()

    def exec(self) -> None:
        _, plain, task = self.some_task()
        if self.chance.random() < 0.3:
            task.exec()
            plain.pages.clear()
            start = int(task.brk())
            plain.heap = (start, start)

    def page_out(self) -> None:
        _, plain, task = self.some_task()
        for start, count in (self.some_range(plain) for _ in range(4)):
            task.page_out(start, count * PAGE)

    def forget(self) -> None:
        _, plain, task = self.some_task()
        start, count = self.some_range(plain)
        try:
            task.madvise(start, count * PAGE, "dontneed")
        except KernelError as error:
            inside = [plain.pages.get(start + at * PAGE) for at in range(count)]
            expect(error, "INVAL", *(["NOMEM"] if None in inside else []))
            if error.name == "INVAL":
                return
        for at in range(count):
            page = plain.pages.get(start + at * PAGE)
            if page is not None and not page.cell.shared:
                page.cell = Cell(None, page.cell.file, page.cell.index)

    def sync(self) -> None:
        name = self.chance.choice(sorted(self.files))
        self.machine.files[name].sync()
        assert self.machine.files[name].disk.ljust(len(self.files[name]), b"\0") == bytes(self.files[name])

    def write_file(self) -> None:
        name, data = self.chance.choice(sorted(self.files)), self.chance.randbytes(6)
        at = self.chance.randrange(3 * PAGE)
        content, before = self.files[name], len(self.files[name])
        content.extend(bytes(max(0, at + len(data) - before)))
        try:
            self.machine.files[name].write(at, data)
        except KernelError as error:
            raise_if_memory(error)  # the file may have grown
            del content[int(self.machine.files[name].size) :]
            raise
        content[at : at + len(data)] = data

    def truncate(self) -> None:
        name = self.chance.choice(sorted(self.files))
        size = self.chance.randrange(4 * PAGE)
        if self.chance.random() < 0.4:
            self.machine.files[name].truncate(size)
            content = self.files[name]
            content.extend(bytes(max(0, size - len(content))))
            del content[size:]

    def inherit(self) -> None:
        _, plain, task = self.some_task()
        start, count = self.some_range(plain)
        what = self.chance.choice(("share", "copy", "none"))
        task.map.inherit(start, size=count * PAGE, inherit=what)
        for at in range(count):
            page = plain.pages.get(start + at * PAGE)
            if page is not None:
                page.inherit = what

    def heap(self) -> None:
        _, plain, task = self.some_task()
        begin, end = plain.heap
        if self.chance.random() < 0.3:
            return
        wanted = begin + self.chance.randrange(5 * PAGE)
        old, new = -(-end // PAGE) * PAGE, -(-wanted // PAGE) * PAGE
        task.brk(wanted)
        plain.heap = (begin, wanted)
        for va in range(old, new, PAGE):
            plain.pages[va] = Mapped(Cell(), "rw", "copy")
        for va in range(new, old, PAGE):
            plain.pages.pop(va, None)

    def wire(self) -> None:
        _, plain, task = self.some_task()
        start, count = self.some_range(plain)
        verb = self.chance.choice((task.map.wire, task.map.unwire, task.map.unwire))
        try:
            verb(start, size=count * PAGE)
        except KernelError as error:
            expect(error, "FAULT", "ACCES", "INVAL", "NOMEM")
            return
        pages = [plain.pages[start + at * PAGE] for at in range(count)]
        for page in pages:  # what is wired is copied at once
            if verb == task.map.wire and not page.cell.of_file and page.cell.data is None:
                page.cell.data = bytearray(self.bytes_of(page.cell) or b"")


def expect(error: KernelError | KernelPanic, *names: str) -> None:
    """Fail unless an error has one of these names."""
    assert error.name in names, error


def raise_if_memory(error: KernelError) -> None:
    """Raise an error of memory or of a pager again; others were expected."""
    if error.name in ("NOMEM", "IO"):
        raise error

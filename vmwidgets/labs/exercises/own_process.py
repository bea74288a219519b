"""Exercises of notebook 10: a trace for a stack, its guard and a heap; and a library in two tasks, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from vmwidgets.engine.base.errors import KernelError
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.protection import parse_protection, protection_text
from vmwidgets.engine.base.units import KIB, PAGE, PAGE_SHIFT, Address, Size, counted
from vmwidgets.engine.kernel.freebsd.kmem import round_page
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.machine import Machine, boot
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.sources.strace.load import load_strace
from vmwidgets.sources.strace.result import LoadedStrace

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake
from .structures import entry_at, is_shared, object_at, pages, runs

if TYPE_CHECKING:
    from vmwidgets.widgets import View

# ---- a stack, its guard and a heap ---------------------------------------------------------------

RIGHTS = {"---": "without access", "rw-": "to read and write", "r--": "to read only", "": "not mapped"}
"""The rights of a piece of the address space, and their names; a gap has no name."""


@frozen(slots=False)
class StackSheet:
    """Adjacent `pieces`, each with rights and a number of pages, by address; `heap` is in pages."""

    pieces: tuple[tuple[str, int], ...]
    heap: int

    @classmethod
    def drawn(cls, draws: Draws) -> StackSheet:
        """Draw four or five pieces, no two neighbours alike; one of them is a stack with a guard below it."""
        count = draws.between(4, 5)
        while True:
            rights = [draws.choice(list(RIGHTS)) for _ in range(count)]
            alike = any(one == other for one, other in pairwise(rights))
            if rights[0] and rights[-1] and not alike and ("---", "rw-") in pairwise(rights):
                sizes = [draws.between(1, 8) * (256 if one == "rw-" else 1) for one in rights]
                return cls(tuple(zip(rights, sizes, strict=True)), draws.between(17, 60))

    @property
    def most(self) -> int:
        """The calls needed: execve, two of brk, one mmap for all pieces, and one for each piece with other rights."""
        rights = [one for one, _ in self.pieces]
        return 4 + len(rights) - max(rights.count(one) for one in RIGHTS if one)

    @property
    def text(self) -> str:
        """The task in words."""
        rows = [f"{pages(size * PAGE)} {RIGHTS[rights]}" for rights, size in self.pieces]
        return "\n".join(
            [
                (
                    f"Write a trace of at most {self.most} calls, including `execve`. Each call must have an effect. "
                    "The program must have these pieces of anonymous memory, from low addresses to high ones, each "
                    "directly after the one before:"
                ),
                *rows,
                (
                    f"It must also have a heap of {pages(self.heap * PAGE)}, far from them. Choose the addresses "
                    "yourself, from 64 KiB on: Linux maps nothing lower for a program."
                ),
            ]
        )

    def start(self) -> LoadedStrace:
        """Return a program that has only asked for the address of its heap."""
        return load_strace(boot("x86-64"), BEGINNING)


BEGINNING = """
execve("/bin/mine", ["mine"], 0x7ffd0000 /* 0 vars */) = 0
brk(NULL) = 0x55550000
"""


@exercise(
    "10/stack",
    "A stack, its guard, a heap",
    points=6,
    takes=LoadedStrace,
    shows=lambda loaded: loaded.task.map,
    variant=StackSheet.drawn,
    hints=(
        "Do it as malloc does for a thread's heap in section 4: one call reserves all of it, another opens a part.",
        (
            "One mmap of the whole length, with the protection that most pieces have. Then mprotect pieces with "
            "another one, "
            "and munmap pieces that should not be mapped."
        ),
        (
            "Add up the pages for each piece's address: start + 4096 * (the pages before it). The lines have the form "
            "mprotect(0x…, bytes, PROT_READ|PROT_WRITE) = 0 and brk(0x…) = 0x…, with the heap's new end."
        ),
    ),
)
def stack(loaded: LoadedStrace, asked: StackSheet) -> Iterator[Criterion]:
    """Judge the trace: few calls make the required pieces and a heap."""
    space = loaded.task.space
    ranges = [run for run in runs(loaded.task.map) if not space.heap.start <= run.start < space.heap.end]
    found, too_low = _pieces(ranges), bool(ranges) and ranges[0].start < LOWEST
    unknown = any(" PROT_" in flag for flag in loaded.flags)
    as_many = len(found) >= len(asked.pieces)
    yield criterion(
        2,
        0
        if too_low
        else ([one for one, _ in found] == [one for one, _ in asked.pieces]) + (found == list(asked.pieces)),
        "the pieces are right",
        "the pieces should be the given ones, in the given order, with nothing between them and nothing else mapped",
        expected=_listed(asked.pieces),
        actual=_listed(found) or "nothing",
        mistake=UNKNOWN_RIGHT
        if unknown
        else TOO_LOW
        if too_low
        else GUARD_ABOVE
        if found == list(asked.pieces)[::-1]
        else None,
    )
    size = space.heap.end - space.heap.start
    yield criterion(
        2,
        size == asked.heap * PAGE,
        f"the heap has {pages(asked.heap * PAGE)}",
        f"the heap should have {pages(asked.heap * PAGE)}: brk says first where it is, and then moves its end",
        expected=pages(asked.heap * PAGE),
        actual=pages(size),
    )
    dropped = loaded.skipped.total() + loaded.failed.total() + loaded.beyond.total() + loaded.others.total()
    yield criterion(
        2,
        (1 if loaded.calls <= asked.most else 0) + (1 if not dropped else 0) if as_many else 0,
        "the number of calls is right, and each has an effect",
        f"{asked.most} calls are enough, and each should do something",
        first="" if as_many else "make all pieces",
        expected=f"at most {asked.most} calls",
        actual=f"{counted(loaded.calls, 'call')}, {dropped} of them without effect",
        mistake=PIECE_BY_PIECE if loaded.replayed["mmap"] > 1 else None,
    )


LOWEST = 64 * KIB
"""The lowest address that Linux maps for a program: vm.mmap_min_addr."""

UNKNOWN_RIGHT = Mistake(
    "an unknown right",
    "A word of the trace that begins with PROT_ is none, so it gives no right: print(mine) names it.",
)
TOO_LOW = Mistake("near address 0", "Linux maps nothing below 64 KiB for a program, so that null pointers are noticed.")
GUARD_ABOVE = Mistake("addresses from above", "The pieces are listed from low addresses to high ones.")
PIECE_BY_PIECE = Mistake("a call for each piece", "One mmap can reserve all of it; other calls then change parts.")


def _pieces(ranges: Sequence[EntryValue]) -> list[tuple[str, int]]:
    """Return the rights and the number of pages of ranges, with the gaps between them."""
    found: list[tuple[str, int]] = []
    for number, one in enumerate(ranges):
        if number and ranges[number - 1].end < one.start:
            found.append(("", (one.start - ranges[number - 1].end) // PAGE))
        found.append((one.protection, one.size // PAGE))
    return found


def _listed(pieces: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{rights or 'gap'} {pages(size * PAGE)}" for rights, size in pieces[:8])


# ---- a loader ------------------------------------------------------------------------------------


SYMBOLS = "symbols"
"""The bytes after the variables in the file, which are not mapped."""


@frozen(slots=False)
class Part:
    """A row of the program headers: the place of its bytes in the file, and their address relative to the base."""

    name: str
    offset: int
    address: int
    in_file: int
    in_memory: int
    rights: str

    @property
    def _addresses(self) -> range:
        """The addresses of its pages with bytes of the file, relative to the base."""
        return range(self.address, self.address + self.in_file, PAGE)


@frozen(slots=False)
class LoaderSheet:
    """The parts of a file, the base in each of the two tasks, and a variable that the first task sets."""

    file: str
    parts: tuple[Part, ...]
    symbols: int
    bases: Mapping[str, int]
    variable: int
    value: str

    @classmethod
    def drawn(cls, draws: Draws) -> LoaderSheet:
        """Draw variables that end within a page, at different distances from the base and from the file's start."""
        sizes = [PAGE, draws.between(2, 4) * PAGE, draws.between(1, 3) * PAGE]
        parts, offset = [], 0
        for name, size, rights in zip(("headers", "code", "constants"), sizes, ("r", "rx", "r"), strict=True):
            parts.append(Part(name, offset, offset, size, size, rights))
            offset += size
        full, gap = draws.between(2, 3) * PAGE, draws.between(1, 3) * PAGE
        in_file = full + draws.between(1, 14) * 0x100
        in_memory = full + PAGE + draws.between(1, 3) * PAGE - draws.between(0, 7) * 0x100
        parts.append(Part("variables", offset, offset + gap, in_file, in_memory, "rw"))
        names = draws.sample(("editor", "shell", "player", "mail"), 2)
        rows = draws.sample(range(0x7F10, 0x7FF0), 2)
        bases = {name: (row << 32) + draws.between(0, 999) * PAGE for name, row in zip(names, rows, strict=True)}
        return cls(
            draws.choice(("libclock.so", "libfont.so", "libmath.so")),
            tuple(parts),
            draws.between(3, 40) * 0x100,
            bases,
            parts[-1].address + draws.between(0, full // PAGE - 1) * PAGE + draws.between(1, 200) * 8,
            draws.choice(("seven", "eight", "noon", "late")),
        )

    @property
    def text(self) -> str:
        """The task in words."""
        first, second = self.bases
        return "\n".join(
            [
                (
                    f"The file `{self.file}` has four parts. Load it into two tasks as a dynamic linker does: into "
                    f"`{first}` at the base `{Address(self.bases[first])}`, and into `{second}` at the base "
                    f"`{Address(self.bases[second])}`. Addresses of parts are relative to the base:"
                ),
                *map(_row, self.parts),
                (
                    "After its bytes from the file, a part is filled with zeroes. In the file, the variables are "
                    f"followed by {SYMBOLS}, which no task may see. Map nothing else. "
                    "Pages that a task has not written must be in the frames of the file."
                ),
                f'Then let `{first}` write `b"{self.value}"` to its variable at address {self.variable:#x}.',
            ]
        )

    def start(self) -> Machine:
        """Return a machine with the file, and two tasks without memory."""
        machine = boot("x86-64", layout="small")
        machine.file(self.file, _content(self))
        for name in self.bases:
            machine.task(name)
        return machine


def _row(part: Part) -> str:
    rest = "" if part.in_file == part.in_memory else f", and {part.in_memory:#x} in memory"
    return (
        f"`{part.name}`: offset {part.offset:#x}, address {part.address:#x}, {part.in_file:#x} bytes in the file{rest}"
        f', rights "{part.rights}"'
    )


def _content(asked: LoaderSheet) -> bytes:
    """Return the file's bytes: each page of a part contains its own name, and so do the symbols."""
    pages = [
        (f"{part.name} {page} " * PAGE)[: min(PAGE, part.in_file - page * PAGE)]
        for part in asked.parts
        for page in range(-(-part.in_file // PAGE))
    ]
    return "".join([*pages, (f"{SYMBOLS} " * asked.symbols)[: asked.symbols]]).encode()


def its_objects(machine: Machine) -> View:
    """Return a picture of the objects of the two tasks' entries, and of the owners of pages."""
    from vmwidgets.widgets import Objects  # a judge draws nothing

    return Objects(machine)


@exercise(
    "10/loader",
    "A library in two tasks",
    points=8,
    takes=Machine,
    shows=its_objects,
    variant=LoaderSheet.drawn,
    hints=(
        "One mmap for each part, as in section 2. What is in the rest of the last page of the variables, and why?",
        (
            "mmap maps whole pages: the last page of the variables also has the next bytes of the file, which the "
            "loader overwrites. Pages after it have no bytes of the file: map them without a file."
        ),
        (
            'For each task: task.mmap(bytes, rights, "private fixed", file, offset, at=base + address) for each part; '
            "task.write(end, bytes(count)), from the end of the variables' bytes to the end of the page; and "
            'task.mmap(size, "rw", "private fixed", at=…) for the pages of zeroes.'
        ),
    ),
)
def loader(machine: Machine, asked: LoaderSheet) -> Iterator[Criterion]:
    """Judge the file's parts in two tasks: in place, in shared frames until written, and followed by zeroes."""
    content, known = _content(asked), asked.file in machine.files
    places = [Loaded(machine, asked, name, content) for name in asked.bases if known and name in machine.tasks]
    mapped = len(places) == len(asked.bases) and all(one.task.map.entries() for one in places)
    first = "" if mapped else "map the library into both tasks"
    wrong = [one.wrong for one in places]
    yield criterion(
        2,
        sum(not one for one in wrong) if mapped else 0,
        "each part is at its address in both tasks, with its rights",
        "a part is not mapped at its address, has other rights, or shows other bytes of the file",
        first=first,
        actual=", ".join(filter(None, wrong)),
        mistake=OTHER_BYTES if any(one.other_bytes for one in places) else None,
    )
    own, lacking = [found for one in places for found in one.copied], any(one.lacking for one in places)
    yield criterion(
        1,
        mapped and not own and not lacking,
        "both tasks share the file's frames for pages that no task has written",
        "both tasks should share the file's frames for pages that no task has written",
        first=first or ("map all parts" if lacking and not own else ""),
        actual=", ".join(own),
        mistake=COPIED if own else None,
    )
    yield _judged_variables(places, first)
    yield _judged_zeroes(places, first)
    more = [found for one in places for found in one.unasked]
    yield criterion(
        1,
        mapped and not more,
        "nothing else is mapped",
        "a mapped page belongs to no part",
        first=first,
        actual=", ".join(more),
    )


def _judged_variables(places: Sequence[Loaded], first: str) -> Criterion:
    """Judge whether the first task's writes are in its own memory only, not in the other task or the file."""
    written = not first and places[0].variable == places[0].asked.value.encode()
    shared = [f"shared in {one.name}" for one in places if one.shares]
    changed = [] if first or places[0].file_is_kept else ["the file has changed"]
    seen = [f"{one.name} has it too" for one in places[1:] if one.variable == one.asked.value.encode()]
    own = written and not shared and not changed
    return criterion(
        2,
        own + (own and not seen),
        "each task has its own variables: a write reaches neither the other task nor the file",
        "a write to a variable should reach neither the other task nor the file",
        first=first or ("" if written else f"write to the variable of {places[0].name}"),
        actual=", ".join([*shared, *changed, *seen]),
        mistake=SHARED if shared else None,
    )


def _judged_zeroes(places: Sequence[Loaded], first: str) -> Criterion:
    """Judge the variables that begin as zero: the rest of a page, and pages without bytes of the file."""
    rests, wholes = {one.name: one.rest for one in places}, {one.name: one.zeroes for one in places}
    found = {*rests.values(), *wholes.values()}
    return criterion(
        2,
        0 if first else ({*rests.values()} == {ZEROES}) + ({*wholes.values()} == {ZEROES}),
        "after the variables' bytes, the part is zero up to its end",
        "after the variables' bytes, the part should be zero up to its end, and readable and writable",
        first=first,
        actual=", ".join(
            [f"the rest of the page in {name}: {one}" for name, one in rests.items() if one != ZEROES]
            + [f"the pages after it in {name}: {one}" for name, one in wholes.items() if one != ZEROES]
        ),
        mistake=PAST_THE_END if PAST_END in found else MORE_OF_THE_FILE if SYMBOLS in found else None,
    )


ZEROES, PAST_END, NOTHING, OTHERS = "zeroes", "SIGBUS", "not mapped", "other bytes"
"""The possible findings where zeroes should be; any other finding is an entry's rights."""


@frozen(slots=False)
class Loaded:
    """The library in the task `name`: its contents at the places given by its base and the sheet."""

    machine: Machine
    asked: LoaderSheet
    name: str
    content: bytes
    """The file's bytes, as the sheet has them."""

    @property
    def task(self) -> Task:
        """The task."""
        return self.machine.tasks[self.name]

    @property
    def base(self) -> int:
        """The address at which the library begins in the task."""
        return self.asked.bases[self.name]

    def sees(self, address: int, length: int) -> bytes | None:
        """Return the bytes at an offset from the base; None if a page is not mapped, or its object has no page."""
        try:
            return self.task.peek(self.base + address, length)
        except KernelError:
            return None

    def entry(self, address: int) -> EntryValue | None:
        """Return the entry at an offset from the base."""
        return entry_at(self.task.map, self.base + address)

    @property
    def wrong(self) -> str:
        """The first part that is not as required, and why."""
        for part in self.asked.parts:
            entries = [self.entry(address) for address in part._addresses]
            rights = {"not mapped" if one is None else one.protection for one in entries}
            if rights != {protection_text(parse_protection(part.rights))}:
                return f"{part.name} in {self.name}: {', '.join(sorted(rights))}"
            if not self._shows(part):
                return f"{part.name} in {self.name}: other bytes"
        return ""

    @property
    def lacking(self) -> bool:
        """Return whether a page of a part is not mapped."""
        return any(self.entry(address) is None for part in self.asked.parts for address in part._addresses)

    @property
    def other_bytes(self) -> bool:
        """Return whether a mapped part begins with bytes from another place in the file."""
        return any(self._page(one, 0) not in (None, self._wanted(one, 0)) for one in self.asked.parts)

    def _page(self, part: Part, number: int) -> bytes | None:
        """Return the beginning of a page: the variable that is written comes after it."""
        return self.sees(part.address + number * PAGE, COMPARED)

    def _wanted(self, part: Part, number: int) -> bytes:
        start = part.offset + number * PAGE
        return self.content[start : start + COMPARED]

    def _shows(self, part: Part) -> bool:
        """Return whether the bytes are the file's bytes; the written variable and zeroes are judged separately."""
        found = self.sees(part.address, part.in_file)
        wanted = self.content[part.offset : part.offset + part.in_file]
        if found is None or part is not self.asked.parts[-1]:
            return found == wanted
        start = self.asked.variable - part.address
        end = start + len(self.asked.value)
        return found[:start] + found[end:] == wanted[:start] + wanted[end:]

    @property
    def copied(self) -> list[str]:
        """The parts with a page in the task's own frame although nothing was to be written to it."""
        return [
            f"{part.name} in {self.name}"
            for part in self.asked.parts
            if any(self._has_own(address) for address in part._addresses if not self._is_written(address))
        ]

    def _is_written(self, address: int) -> bool:
        """Return whether the task has to write to this page: the variable's page, or the last page, for its zeroes."""
        last, page = self.asked.parts[-1], address >> PAGE_SHIFT
        return page in (self.asked.variable >> PAGE_SHIFT, last.address + last.in_file >> PAGE_SHIFT)

    def _has_own(self, address: int) -> bool:
        """Return whether a page is mapped, but not to a frame of the file."""
        va = self.base + address
        found = object_at(self.task, va)
        if found is None:
            return self.entry(address) is not None
        entry, target = found
        index = entry.offset_of(va) >> PAGE_SHIFT
        holder = next((one for one in target.chain(index) if one.has(index)), target.last_of_chain)
        return holder is not self.machine.files[self.asked.file].file.object

    @property
    def shares(self) -> bool:
        """Return whether others can see a write to one of the task's variables."""
        last = self.asked.parts[-1]
        places = range(last.address, last.address + last.in_memory, PAGE)
        return any(is_shared(self.task, self.base + address) for address in places)

    @property
    def variable(self) -> bytes | None:
        """The task's value of the variable that the sheet names."""
        return self.sees(self.asked.variable, len(self.asked.value))

    @property
    def file_is_kept(self) -> bool:
        """Return whether the file is unchanged, on disk and in memory."""
        file = self.machine.files[self.asked.file]
        if file.size != len(self.content) or file.disk != self.content:
            return False
        pages = [file.file.object.content(index) for index in range(-(-len(self.content) // PAGE))]
        return b"".join(pages)[: len(self.content)] == self.content

    @property
    def rest(self) -> str:
        """The finding in the rest of the last page with bytes of the file."""
        last = self.asked.parts[-1]
        end = last.address + last.in_file
        return self._in(end, -end % PAGE)

    @property
    def zeroes(self) -> str:
        """The finding in the pages without bytes of the file, up to the part's end."""
        last = self.asked.parts[-1]
        start, end = round_page(last.address + last.in_file), round_page(last.address + last.in_memory)
        for page in range(start, end, PAGE):
            entry, found = self.entry(page), self._in(page, PAGE)
            if found != ZEROES:
                return found
            if entry is not None and entry.protection != "rw-":
                return entry.protection
        return ZEROES

    def _in(self, address: int, length: int) -> str:
        entry, found = self.entry(address), self.sees(address, length)
        if entry is None:
            return NOTHING
        if found is None:
            return PAST_END
        if any(found):
            place = self.asked.parts[-1].offset + address - self.asked.parts[-1].address
            return SYMBOLS if found == self.content[place : place + length].ljust(length, b"\0") else OTHERS
        return ZEROES

    @property
    def unasked(self) -> list[str]:
        """The mapped ranges that belong to no part."""
        wanted = [
            range(self.base + part.address, round_page(self.base + part.address + part.in_memory))
            for part in self.asked.parts
        ]
        found = []
        for entry in self.task.map.entries():
            at: int = entry.start
            for part in wanted:
                if at < min(part.start, entry.end):
                    found.append((at, min(part.start, entry.end)))
                at = max(at, min(part.stop, entry.end))
            if at < entry.end:
                found.append((at, entry.end))
        rows = [f"{Size(end - start)} at {Address(start)} in {self.name}" for start, end in found]
        return [*rows[:3], *([f"and {len(rows) - 3} more"] if len(rows) > 3 else [])]


COMPARED = 8
"""The bytes that identify a page: the variable that is written is after them."""


OTHER_BYTES = Mistake(
    "another place in the file", "Each part has its own offset in the file, which may differ from its address."
)
COPIED = Mistake(
    "copied, not mapped", "Bytes that are copied into memory take frames in each task; a mapped file has one for all."
)
SHARED = Mistake("shared for private", "A write to a shared mapping is a write to the file, so every task sees it.")
MORE_OF_THE_FILE = Mistake(
    "more of the file", "mmap maps whole pages: after the variables they show the next bytes of the file."
)
PAST_THE_END = Mistake(
    "a mapping past the file's end",
    "Pages past the end of a file raise SIGBUS: zeroes need memory that has no file.",
)

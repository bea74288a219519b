"""Exercises of notebook 10, and the mistakes of its questions: what execve maps without a call, and a trace by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from vmwidgets.engine.base.units import KIB, PAGE, Size, counted
from vmwidgets.engine.kernel.map.diffs_schema import AGREES, DIFFERS, MODEL, SYSTEM, MapsDiff, RangeDiff
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.machine import boot
from vmwidgets.engine.machine.handles.tasks import Task
from vmwidgets.sources.map_diff import diff
from vmwidgets.sources.strace.load import MAPS, load_strace
from vmwidgets.sources.strace.recordings import PROGRAMS, recording
from vmwidgets.sources.strace.result import LoadedStrace

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake, mistakes
from .structures import listed, pages, runs

RECORDED = "python", "threads", "fails"
"""The recorded programs that read their own maps."""

KINDS = "headers", "code", "constants", "variables"
"""What is in the ranges of a file, in their order."""

ZEROES, STACK = "zeroes", "stack"
FILES = {"program": "/python3", "interpreter": "/ld-"}


@dataclass(frozen=True)
class ExecveSheet:
    """Which recorded program, and which of the ranges that execve maps: of its two files, and those without a file."""

    recording: str
    program: tuple[str, ...]
    interpreter: tuple[str, ...]
    without_file: tuple[str, ...]

    @classmethod
    def drawn(cls, draws: Draws) -> ExecveSheet:
        """Some ranges of each kind, and never all of a file."""
        chosen = [draws.sample(KINDS, count) for count in draws.shuffled([2, draws.between(2, 3)])]
        program, interpreter = (tuple(kind for kind in KINDS if kind in kinds) for kinds in chosen)
        without = draws.choice([(ZEROES,), (STACK,), (ZEROES, STACK)])
        return cls(draws.choice(RECORDED), program, interpreter, without)

    @property
    def text(self) -> str:
        """The task in words."""
        without = {ZEROES: "the zeroes directly after the program", STACK: "the stack"}
        return (
            f'The task replays the recorded program `vm.recording("{self.recording}")` up to the line in which it read '
            "its own map. From the ranges that `execve` mapped, map the following ones as the system has them, "
            "and no others:\n"
            f"Of the program, `python3.11`: {listed(self.program)}.\n"
            f"Of the interpreter, `ld-linux-x86-64.so.2`: {listed(self.interpreter)}.\n"
            f"Without a file: {listed([without[kind] for kind in self.without_file])}.\n"
            "A file has first its headers, then its code, its constants, and its variables. (Its page between the "
            "constants and the variables is not asked for.)"
        )

    def start(self) -> Task:
        """The task as the recorded calls made it; it has the recording's name."""
        recorded = recording(self.recording)
        return load_strace(boot("x86-64"), recorded.strace, task=self.recording, until=MAPS).task


def ranges_of(asked: ExecveSheet) -> dict[str, list[RangeDiff]]:
    """What is asked for: of the program, of the interpreter, and without a file."""
    of = by_execve(asked.recording)
    return {
        "program": [of[f"program {kind}"] for kind in asked.program],
        "interpreter": [of[f"interpreter {kind}"] for kind in asked.interpreter],
        "without file": [of[kind] for kind in asked.without_file],
    }


@lru_cache
def by_execve(name: str) -> Mapping[str, RangeDiff]:
    """The ranges of a recorded program that no call had mapped, by what is in them."""
    recorded = recording(name)
    task = load_strace(boot("x86-64"), recorded.strace, task=name, until=MAPS).task
    rows = diff(task, recorded.maps).of(SYSTEM)
    files = {what: [row for row in rows if row.system and part in row.system.name] for what, part in FILES.items()}
    found = {"page of the program": files["program"].pop(3)}
    for what, of_file in files.items():
        found |= {f"{what} {kind}": row for kind, row in zip(KINDS, of_file, strict=True)}
    others = [row for row in rows if row not in found.values()]
    found[ZEROES] = next(row for row in others if row.system and not row.system.name)
    return found | {row.system.name.strip("[]"): row for row in others if row.system and row.system.name}


def compared(task: Task) -> MapsDiff:
    """The task beside what the recorded program of its name read of its own map."""
    return diff(task, recording(task.name if task.name in PROGRAMS else RECORDED[0]).maps)


@exercise(
    "10/execve",
    "What execve maps",
    points=6,
    takes=Task,
    shows=compared,
    sheet=ExecveSheet.drawn,
    hints=(
        'vm.diff(task, vm.recording(…).maps).of("only in the system") has a row for each range that is missing.',
        (
            "Which of a file's ranges has which rights? Code can be executed, variables can be written, and headers "
            "come first."
        ),
        (
            "A range of a file: task.map.enter(row.size, at=row.start, fixed=True, prot=…, "
            "object=task.machine.object(name), offset=row.system.offset). One without: task.mmap(row.size, prot, "
            '"private fixed", at=row.start).'
        ),
    ),
)
def execve(task: Task, asked: ExecveSheet) -> Iterator[Criterion]:
    """The task agrees with the system in those ranges that are asked for, which no call had mapped."""
    found, of = diff(task, recording(asked.recording).maps), by_execve(asked.recording)
    replayed = all(any(_in(row, one) for one in of.values()) for row in found.of(SYSTEM))
    wanted = ranges_of(asked)
    for points, name, what in (
        (2, "program", "the program"),
        (2, "interpreter", "the interpreter"),
        (1, "without file", "what has no file"),
    ):
        agreeing = [
            one for one in wanted[name] if sum(row.size for row in found.of(AGREES) if _in(row, one)) == one.size
        ]
        yield criterion(
            points,
            replayed and agreeing == wanted[name],
            f"the ranges of {what} are as the system has them",
            f"the task should have the ranges of {what} as the system has them: addresses, rights, places in the file",
            first="" if replayed else "replay the recording, up to where it read its map",
            expected=counted(len(wanted[name]), "range"),
            actual=f"{len(agreeing)} of {len(wanted[name])} agree",
            mistake=FROM_THE_START if any(map(_other_place, found.of(DIFFERS))) else None,
        )
    rows = [one for some in wanted.values() for one in some]
    mapped = [row for row in found.rows if row.model is not None]
    done = any(_in(row, one) for row in mapped for one in rows)
    unasked = [row for row in mapped for one in of.values() if one not in rows and _in(row, one)]
    wrong = [*found.of(MODEL), *found.of(DIFFERS), *unasked]
    yield criterion(
        1,
        replayed and done and not wrong,
        "the task has nothing else",
        "the task has a range that was not asked for, or that differs from the system's range",
        first="" if done else "map what is asked for",
        actual=", ".join(f"{row.size} at {row.start}" for row in wrong[:3])
        + (f", and {len(wrong) - 3} more" if len(wrong) > 3 else ""),
    )


def _in(row: RangeDiff, one: RangeDiff) -> bool:
    return one.start <= row.start and row.end <= one.end


def _other_place(row: RangeDiff) -> bool:
    model, system = row.model, row.system
    return model is not None and system is not None and model.offset != system.offset


FROM_THE_START = Mistake("a file from its start", "Each range begins at its own place in the file: its offset.")


RIGHTS = {"---": "without any right", "rw-": "to read and write", "r--": "to read only", "": "not mapped"}
"""Of a piece of the address space, and how that is said; without a text: a gap."""


@dataclass(frozen=True)
class StackSheet:
    """`pieces`: rights and number of pages, by address, each directly behind the one before; `heap` is in pages."""

    pieces: tuple[tuple[str, int], ...]
    heap: int

    @classmethod
    def drawn(cls, draws: Draws) -> StackSheet:
        """Four or five pieces, no two alike in a row; one of them is a stack with a guard below it."""
        count = draws.between(4, 5)
        while True:
            rights = [draws.choice(list(RIGHTS)) for _ in range(count)]
            alike = any(one == other for one, other in pairwise(rights))
            if rights[0] and rights[-1] and not alike and ("---", "rw-") in pairwise(rights):
                sizes = [draws.between(1, 8) * (256 if one == "rw-" else 1) for one in rights]
                return cls(tuple(zip(rights, sizes, strict=True)), draws.between(17, 60))

    @property
    def most(self) -> int:
        """Calls: execve, two of brk, one mmap for all pieces, and one for each that has other rights."""
        rights = [one for one, _ in self.pieces]
        return 4 + len(rights) - max(rights.count(one) for one in RIGHTS if one)

    @property
    def text(self) -> str:
        """The task in words."""
        rows = [f"{pages(size * PAGE)} {RIGHTS[rights]}" for rights, size in self.pieces]
        return "\n".join(
            [
                (
                    f"Write a trace of at most {self.most} calls, `execve` among them, each of which does something. "
                    "The program must have these pieces of anonymous memory, from low addresses to high ones, each "
                    "directly after the one before:"
                ),
                *rows,
                (
                    f"And a heap of {pages(self.heap * PAGE)}, far from them. Choose the addresses yourself, from "
                    "64 KiB on: Linux maps nothing lower for a program."
                ),
            ]
        )

    def start(self) -> LoadedStrace:
        """A program that has only asked where its heap is."""
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
    sheet=StackSheet.drawn,
    hints=(
        "Look at how a thread's stack was made in section 4: one call reserves all of it, another opens a part.",
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
    """A trace whose few calls make the pieces that the sheet asks for, and a heap."""
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
        expected=Size(asked.heap * PAGE),
        actual=Size(size),
    )
    dropped = loaded.skipped.total() + loaded.failed.total() + loaded.beyond.total() + loaded.others.total()
    yield criterion(
        2,
        (1 if loaded.calls <= asked.most else 0) + (1 if not dropped else 0) if as_many else 0,
        "the calls are few, and each has an effect",
        f"{asked.most} calls are enough, and each should do something",
        first="" if as_many else "make all pieces",
        expected=f"at most {asked.most} calls",
        actual=f"{counted(loaded.calls, 'call')}, {dropped} of them without effect",
        mistake=PIECE_BY_PIECE if loaded.replayed["mmap"] > 1 else None,
    )


LOWEST = 64 * KIB
"""What Linux maps for a program begins here or above: vm.mmap_min_addr."""

UNKNOWN_RIGHT = Mistake(
    "an unknown right",
    "A word of the trace that begins with PROT_ is none, so it gives no right: print(mine) names it.",
)
TOO_LOW = Mistake("near address 0", "Linux maps nothing below 64 KiB for a program, so that null pointers are noticed.")
GUARD_ABOVE = Mistake("addresses from above", "The pieces are listed from low addresses to high ones.")
PIECE_BY_PIECE = Mistake("a call for each piece", "One mmap can reserve all of it; other calls then change parts.")


def _pieces(ranges: Sequence[EntryValue]) -> list[tuple[str, int]]:
    """Rights and pages of ranges, with the gaps between them."""
    found: list[tuple[str, int]] = []
    for number, one in enumerate(ranges):
        if number and ranges[number - 1].end < one.start:
            found.append(("", (one.start - ranges[number - 1].end) // PAGE))
        found.append((one.protection, one.size // PAGE))
    return found


def _listed(pieces: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{rights or 'gap'} {pages(size * PAGE)}" for rights, size in pieces[:8])


MALLOC_ONLY = Mistake("libraries forgotten", "Each library that the program uses is mapped by some calls of its own.")
EACH_CALL = Mistake("each call with an address", "read, openat and others take addresses too, and change no mapping.")
mistakes("10/share", {"fewer than 10": MALLOC_ONLY, "nearly all": EACH_CALL, "about 100": EACH_CALL})
mistakes(
    "10/libc",
    {
        "5": Mistake(
            "neighbours that don't merge", "The part that mprotect changed merges with the r-- part before it."
        ),
        "1": Mistake(
            "one file, one mapping", "The parts of a library have different rights, so they are several entries."
        ),
    },
)
mistakes(
    "10/unseen",
    {
        "the heap": Mistake("brk is not a call", "The heap's end is moved by brk, which was recorded and replayed."),
        "the libraries": Mistake(
            "execve maps libraries", "Libraries are mapped by ld.so, by calls that were recorded."
        ),
        "nothing is missing": Mistake(
            "all by calls", "execve mapped the program before its first instruction could make a call."
        ),
    },
)
mistakes(
    "10/grown",
    {
        "about 3 MiB": Mistake("addresses for memory", "A mapping reserves addresses, and much more than is used."),
        "about 27 MiB": Mistake("one heap for all", "Each thread also reserves a heap of its own, of 64 MiB."),
    },
)
mistakes(
    "10/programs",
    {
        "2": Mistake("the shell forgotten", "The shell itself also began with an execve."),
        "4": Mistake("a fork for a program", "A process in parentheses is a copy of the shell, and calls no execve."),
        "5": Mistake("a fork for a program", "echo is a part of the shell, and calls no execve."),
    },
)
mistakes(
    "10/limit",
    {
        "an address, SIGSEGV": Mistake("addresses are free", "The limit is for addresses, so mmap itself fails."),
        "NOMEM, SIGBUS": Mistake("SIGBUS for SIGSEGV", "A SIGBUS needs an entry; at address 8 there is none."),
    },
)

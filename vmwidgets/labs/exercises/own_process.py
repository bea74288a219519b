"""An exercise of notebook 10, and the mistakes of its questions: a trace for a stack, its guard and a heap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import KIB, PAGE, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue
from vmwidgets.engine.machine import boot
from vmwidgets.sources.strace.load import load_strace
from vmwidgets.sources.strace.result import LoadedStrace

from ..criterion import Criterion, criterion
from ..draws import Draws
from ..exercise import exercise
from ..mistakes import Mistake, mistakes
from .structures import pages, runs

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


MALLOC_ONLY = Mistake("libraries forgotten", "Each library that the program uses is mapped by some calls of its own.")
EACH_CALL = Mistake("each call with an address", "read, openat and others take addresses too, and change no mapping.")
mistakes("10/share", {"fewer than 10": MALLOC_ONLY, "nearly all": EACH_CALL, "about 100": EACH_CALL})
mistakes(
    "10/libc",
    {
        "5": Mistake(
            "neighbours that don't merge",
            "In our machine, the part that mprotect changed merges with the part before it: both may only be read.",
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

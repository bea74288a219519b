"""Texts of other programs that learners pass to the readers of strace and of maps; one line identifies the program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..engine.base.errors import Refused, printable
from ..engine.base.units import counted
from .cleaned import numbered

LOOKED_AT = 400
"""The number of lines that are searched for the line that identifies the program: it comes early."""


MOST_LOOKED_AT = 1 << 20
"""The number of characters that are searched for words that name a text."""


class Foreign(NamedTuple):
    """A format that is not read: a line that only it has, its name, and what to do."""

    line: re.Pattern[str]
    what: str
    todo: str


_MAPS = "on Linux, give /proc/PID/maps"
_LOAD = "give it to vm.load"
_STRACE = "record it with strace -f -y -o FILE"

FORMATS = (
    Foreign(
        re.compile(r"% time +seconds +usecs/call +calls +errors syscall"),
        "a summary of strace (-c), which counts calls and has no address",
        "record without -c: strace -f -y -o FILE",
    ),
    Foreign(
        re.compile(r"==== (Non-writable|Writable) regions for process [0-9]+|REGION TYPE +START(?: - | +)END .*|"
                   r"Virtual Memory Map of process [0-9]+ .*"),
        "what vmmap of macOS prints", _LOAD,
    ),
    Foreign(
        re.compile(r" *PID +START +END +PRT +RES +PRES +REF +SHD +FLAGS? +TP +PATH *"),
        "what procstat of FreeBSD prints", _LOAD,
    ),
    Foreign(
        re.compile(r" *START +SIZE +(RSS +PSS +)?.*(MODE|PERM).* (MAPPING|PATH)|"
                   r"[0-9a-f]{8,16} +[0-9]+K [r-][w-][x-][s-][R-] .*|"
                   r"Address +(Kbytes|Perm) .*(Mapping|Offset).*"),
        "what pmap prints", _LOAD,
    ),
    Foreign(
        re.compile(r" *Start Addr +End Addr +Size +Offset .*"),
        "what gdb prints for 'info proc mappings'", _LOAD,
    ),
    Foreign(
        re.compile(r"[0-9a-f]{1,16}-[0-9a-f]{1,16} ---p [0-9a-f]{1,16} [0-9a-f:]+ [0-9]+ +\[rollup\]"),
        "a smaps_rollup, which sums all ranges up as one", "give /proc/PID/smaps, which has each range",
    ),
    Foreign(
        re.compile(r" *[0-9]+ +\S+ +(CALL|RET|NAMI|GIO|STRU) +\S.*"),
        "what kdump of a BSD prints", f"on Linux, {_STRACE}",
    ),
    Foreign(
        re.compile(r"SYSCALL\(args\) +\t+ = return.*|.*CPU +ID +FUNCTION:NAME.*"),
        "what dtruss or DTrace prints", f"on Linux, {_STRACE}",
    ),
    Foreign(
        re.compile(r'"?Address"?,"?Type"?,"?Size"?,.*'),
        "what VMMap of Windows saves", _MAPS,
    ),
)  # fmt: skip  # read as a table
"""The known formats; each line is from the manual page, or a run, of its program."""

SEEN = tuple(one for one in FORMATS if one.todo != _LOAD)
"""The formats that nothing here reads."""


@cache
def _first_words() -> tuple[tuple[Foreign, ...], ...]:
    """Return the texts that first_words.txt names, those that are named if nothing else is known, and what is near."""
    parts = Path(__file__).with_name("first_words.txt").read_text(encoding="utf-8").split("----\n")
    lines = [[line for line in part.splitlines() if line and not line.startswith("# ")] for part in parts]
    rows = [zip(of[::3], of[1::3], of[2::3], strict=True) for of in lines]
    return tuple(tuple(Foreign(re.compile(one, re.MULTILINE), *said) for one, *said in part) for part in rows)


def _first(text: str, part: int) -> tuple[int, Foreign] | None:
    """Return the first place in a text that a part of first_words.txt has a name for, as a line, and the name."""
    at, first = MOST_LOOKED_AT, None
    for one in _first_words()[part]:
        match = one.line.search(text, 0, MOST_LOOKED_AT)
        if match and match.start() < at:
            at, first = match.start(), one
    return None if first is None else (text.count("\n", 0, at) + 1, first)


def named(text: str, source: str, part: int = 0) -> str:
    """Return a sentence about a text whose first words are known; "" for any other.

    >>> named("==1==ERROR: AddressSanitizer: heap-use-after-free", "a text")[:54]
    'line 1 of a text: this is a report of AddressSanitizer'
    """
    found = _first(text, part)
    return "" if found is None else f"line {found[0]} of {source}: this is {found[1].what}; {found[1].todo}"


def near(text: str) -> str:
    """Return a clause about the kind that an unknown text is nearest to, and what is read of that kind.

    >>> near("badaddr 8")
    'line 1 is nearest to a trap of a RISC-V kernel: it is read from the numbers of its cause and its address (stval)'
    """
    found = _first(text, 2)
    if found is None:
        return "no line of it is near a kind that can be read: see docs/read.md for these kinds"
    return f"line {found[0]} is nearest to {found[1].what}: {found[1].todo}"


_CALLED = re.compile(r"\b([A-Za-z_][A-Za-z_0-9]{1,15})[ \t]*[:=][ \t]*(?:0x)?[0-9A-Fa-f]*[0-9][0-9A-Fa-f]*\b")
_CELL = re.compile(r"(?:0[xX])?[0-9A-Fa-f]{1,16}")


def seen(lines: Sequence[tuple[int, str]]) -> str:
    """Return what these numbered lines are, as far as anyone sees without knowing them.

    >>> seen([(1, "esr = 0x10 far = 0x20")]), seen([(1, "1 2 a"), (2, "3 4 b")])
    ("has 1 line, 'esr = 0x10 far = 0x20', with numbers called esr and far", 'has 2 lines, each of 3 numbers')
    """
    some = [line for _, line in lines[:LOOKED_AT]]
    widths = {len(cells) if all(map(_CELL.fullmatch, cells)) else 0 for cells in map(str.split, some)}
    count = counted(len(lines), "line")
    if len(lines) == len(some) > 1 and len(widths) == 1 and (width := max(widths)):
        return f"has {count}, each of {counted(width, 'number')}"
    first = printable(repr(lines[0][1].strip()[:50]))
    names = [*dict.fromkeys(name for line in some for name in _CALLED.findall(line))][:4]
    with_names = f", with numbers called {' and '.join(names)}" * bool(names)
    return f"has {count}, {'the first ' * (len(lines) > 1)}{first}{with_names}"


MAPS = Foreign(
    re.compile(r"\s*[0-9a-f]{1,16}-[0-9a-f]{1,16} [r-][w-][x-][ps] [0-9a-f]{1,16} [0-9a-f]{1,8}:[0-9a-f]{1,8} .*"),
    "a map of /proc/PID/maps",
    "give it to vm.load_maps",
)
CALLS = Foreign(
    re.compile(r"\s*(\[pid +)?[0-9]*\]?[ 0-9:.]*(execve|brk|mmap2?|munmap|mprotect|openat?)\(.*\) += .*"),
    "what strace wrote",
    "give it to vm.load_strace",
)
"""What the readers of calls and of maps are given for each other."""


def foreign_in(lines: Iterable[tuple[int, str]], source: str, formats: Iterable[Foreign]) -> str:
    """Return a sentence about the first of these numbered lines that only another program prints; "" if none is."""
    return next(
        (
            f"line {number} of {source}: this is {one.what}; {one.todo}"
            for number, line in lines
            for one in formats
            if one.line.fullmatch(line.rstrip())
        ),
        "",
    )


def refuse_foreign(
    text: str, source: str, formats: Iterable[Foreign] = FORMATS, *, first: Iterable[Foreign] = ()
) -> None:
    """Raise :class:`Refused`, with the text's kind and advice, if the text is known to come from another program.

    The formats in `first` count if they are the format of the first line that is not blank.

    >>> refuse_foreign("  PID START END PRT  RES PRES REF SHD FLAG  TP PATH", "a text")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: line 1 of a text: this is what procstat of FreeBSD prints; give it to vm.load
    """
    lines = [*numbered(text.split("\n", LOOKED_AT)[:LOOKED_AT])]
    if said := foreign_in(lines, source, formats) or foreign_in(lines[:1], source, first):
        raise Refused(said)


BINARY = (
    (b"\x7fELF", "a program (ELF)", "record what it references: vmwidgets read --record -- ./prog"),
    (b"\x93NUMPY", "an array that NumPy saved", "vm.trace(numpy.load(path)) takes it"),
    (b"\x89PNG", "a picture (PNG)", "give the text that it shows"),
    (b"%PDF", "a PDF", "give the text that it shows"),
    (b"PK\x03\x04", "a zip archive", "unpack it, and give a file of it"),
    (b"BZh", "packed by bzip2", "unpack it, or pack it by gzip"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", "unpack it, or pack it by gzip"),
    (b"SQLite format 3\0", "a database", "give a text"),
)
"""The first bytes of files without text, with what they are and what to do."""

_CHAMPSIM = 64
"""The bytes of an instruction in ChampSim's traces: its address, whether it is a branch and taken, registers,
memory.
"""


def refuse_binary(content: bytes, source: str) -> None:
    r"""Raise :class:`Refused`, with the file's kind and advice, if a file is known not to be text.

    >>> refuse_binary(b"PK\x03\x04", "a.zip")
    Traceback (most recent call last):
    vmwidgets.engine.base.errors.Refused: a.zip is a zip archive: unpack it, and give a file of it
    """
    for begins, what, todo in BINARY:
        if content.startswith(begins):
            raise Refused(f"{source} is {what}: {todo}")
    some = [content[at : at + _CHAMPSIM] for at in range(0, min(len(content), 100 * _CHAMPSIM), _CHAMPSIM)]
    is_whole = bool(content) and len(content) % _CHAMPSIM == 0
    if is_whole and all(one[8] < 2 and one[9] < 2 and 0 in one[10:32] and any(one[:8]) for one in some):
        raise Refused(
            f"{source} is a trace of ChampSim, {len(content) // _CHAMPSIM:,} instructions in binary: it is not read; "
            "give its addresses to vm.trace, or write them as lines of an address and R or W"
        )

"""`vm.load`: one function for every text about memory; :data:`KINDS` lists the readers of each kind."""

from __future__ import annotations

import gzip
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

from ..engine.base.calls import says_what_it_takes
from ..engine.base.errors import Refused, a_kind, printable, shown
from ..engine.base.progress import Progress, usual
from ..engine.machine.load import load_journal
from ..given.loaded import LoadedMaps
from ..given.pasted import Pasted
from . import given_text, proc_maps
from .claims import Claim, Evidence, best_of
from .cleaned import Cleaned, as_it_is, blank_but, cleaned, numbered
from .exercises import LONGEST, is_named, lines_of, read_exercise, read_string
from .foreign import SEEN, foreign_in, named, near, refuse_binary, refuse_foreign, seen
from .loading import machine_with
from .memory_report import WORDS as REPORT_WORDS
from .memory_report import read_memory_report
from .pasted.lines import places
from .pasted.load import WORDS as KERNEL_WORDS
from .pasted.load import read_kernel_text
from .proc_maps import load_ranges, text_of
from .program_references import are_references, read_references, recognized
from .ranges.found import CRASHED, ReadRanges, where_is
from .ranges.read import WORDS as RANGE_WORDS
from .ranges.read import kind_of, read_exactly, read_ranges
from .strace.load import lines_of_calls, load_calls, whole_calls
from .tables.recorded import tables_in

MOST_TEXT_BYTES = 256 << 20
"""Bytes of one text or file."""

LONG = 20_000
"""The number of lines that make a text long: in a long text, lines far from anything relevant are skipped."""

AROUND = 40
"""The number of lines before and after a relevant line that are read."""

_WORDS = tuple(dict.fromkeys((*KERNEL_WORDS, *RANGE_WORDS, *REPORT_WORDS)))
_NUMBERS = re.compile(
    r"(?<![0-9a-z])[0-9a-f']{4,17}(?:-(?:0x)?[0-9a-f']{4}|:? +[0-9a-f]{8}|\s+[0-9]+k?\s+[r-])|0x[0-9a-f]{4,16}\s+0x"
)
"""Numbers that make a line relevant to any reader, in small letters; each reader has words of its own."""


@says_what_it_takes
def load(path_or_text: str | bytes | os.PathLike[str], /, *, progress: Progress | None = None) -> Any:
    r"""Read anything that people have about memory: the path of a file, its text, or its bytes.

    It recognizes the kind of text, and returns the result of the function for that kind:

    * page tables, traps, faults and panics of kernels, as a terminal or a log shows them: page tables of xv6
      (`vmprint`, `print_pgtbl`), lists of QEMU's monitor (`info mem`, `info tlb`, `info pg`) and of uCore, traps of
      RISC-V kernels, oopses of Linux on x86, ARM and RISC-V, page faults of any kernel on x86.  The result is shown as
      a picture; its parts are `tables`, `traps`, `panics`, `listings` and `ranges`, and `unsaid` has sentences
      about facts that the text does not contain.
    * ranges of a process: /proc/PID/maps and smaps, also within crash reports, `pmap`, gdb, pwndbg and gef, `procstat`,
      `vmmap`, tombstones of Android.  They are loaded into a task of a new machine (:func:`vmwidgets.load_maps`).
    * a program's calls, recorded by strace: they are replayed in a new machine (:func:`vmwidgets.load_strace`).
    * the references of a program, millions of them: addresses alone, with R or W or a process, Valgrind's lackey,
      Dinero, pinatrace, a table with a header, and others (:func:`vmwidgets.trace`).  If the columns of a text can mean
      two things, a first line that names them, such as "process page", chooses.
    * a reference string, for three frames (:func:`vmwidgets.reference_string`).
    * Linux's report that memory ran out: which task was killed, its memory, and the largest tasks.
    * a journal of a machine (:func:`vmwidgets.load_journal`), and recorded tables (:func:`vmwidgets.load_tables`).

    Everything around the text is skipped and counted: prompts, a log before and after, colours, time stamps, line
    numbers, quotation marks, fences, HTML, NULs and UTF-16.  A text may be packed by gzip or xz.

    A long load in a notebook shows a bar.  `progress`, which is called with the finished and the total work, replaces
    the bar.  An interrupt leaves nothing behind.

    Raises :class:`Refused` for anything else; the message says what the text looks like and what could be read.
    O(characters).

    >>> import vmwidgets as vm
    >>> pasted = vm.load('''$ crash
    ... page table 0x87f6e000
    ... ..0: pte 0x21fda801 pa 0x87f6a000
    ... .. ..0: pte 0x21fda401 pa 0x87f69000
    ... .. .. ..0: pte 0x21fdac1b pa 0x87f6b000
    ... usertrap(): unexpected scause 0xf pid=3
    ...             sepc=0x8 stval=0x10
    ... ''')
    >>> pasted.traps[0].says
    'The store of 0x10 was refused: the page may not be written: W is 0 in the level 0 PTE.'
    >>> pasted.traps[0].refused, pasted.tables[0].ranges
    ('W', (<0x0: 4 KiB r-xu at physical 0x87f6_b000>,))
    >>> vm.load("7f0000000000-7f0000002000 r-xp 00000000 08:01 4711 /lib/libc.so.6\n").task.map.entries()[0].object
    '/lib/libc.so.6'
    """
    if progress is not None and not callable(progress):
        raise Refused(f"progress={shown(progress)}: pass a function of two numbers, what is done and all")
    given = _given(path_or_text)
    given.progress = usual() if progress is None else progress
    claims = [claim for reader in READERS if (claim := reader(given)) is not None]
    for best in best_of(claims):
        found = [value for claim in best if (value := claim.value(claims)) is not None]
        if found:
            found = [_saying(one, [*_others(best, claims)]) for one in found]
            return found[0] if len(found) == 1 else tuple(found)
    raise Refused(_nothing(given))


@dataclass
class Given:
    """The passed text, its name, and the path of its file, if it is from a file."""

    text: str
    source: str
    path: str | None
    progress: Progress | None = None

    @cached_property
    def is_long_trace(self) -> bool:
        """Return whether lines from all over a long text are references: then no other reader looks at all of it."""
        return self.text.count("\n") > LONG and are_references(self.text)

    @cached_property
    def short(self) -> Cleaned:
        """The text without additions; if it is long, only the parts near relevant lines."""
        text, blanked = self.text, 0
        if self.is_long_trace:
            text, blanked = "", text.count("\n")
        elif text.count("\n") > LONG and not _is_relevant(text):
            text, blanked = blank_but(text, _WORDS, _NUMBERS, AROUND)
        found = cleaned(text, self.source)
        found.taken["blanked"] = blanked
        return found

    @cached_property
    def exact(self) -> ReadRanges | None:
        """The ranges of a text that is a map of Linux and nothing else."""
        return None if self.is_long_trace else read_exactly(as_it_is(self.text, self.source))

    @cached_property
    def kernel(self) -> tuple[Pasted | None, tuple[str, ...]]:
        """The findings in a kernel's output, and sentences about near misses."""
        return read_kernel_text(self.short)


def _is_relevant(text: str) -> bool:
    """Return whether nearly all lines of a long text are relevant, judging by lines from all over the text."""
    size = len(text) // 200
    sample = [text[at : at + 400].split("\n")[1:2] for at in range(0, len(text), max(size, 400))]
    lines = [one[0].lower() for one in sample if one and one[0].strip()]
    return sum(_NUMBERS.search(one) is not None or any(word in one for word in _WORDS) for one in lines) > 0.95 * len(
        lines
    )


def _given(given: Any) -> Given:
    if isinstance(given, bytes | bytearray):
        content = given_text.unpacked(bytes(given), "what was given", "more than is read", MOST_TEXT_BYTES)
        refuse_binary(content, "what was given")
        return Given(given_text.decoded(content), "the text", None)
    if isinstance(given, str):
        if "\n" in given or len(given) > 4096 or "\x00" in given or not _is_there(given):
            return Given(given_text.checked(given, MOST_TEXT_BYTES), "the text", None)
    elif not isinstance(given, os.PathLike):
        raise Refused(
            f"{shown(given)} is {a_kind(given)}: write the text itself, as it is shown, its bytes, or the path"
            f" of a file"
        )
    name = given_text.path_of(given, "a text about memory")
    if name.startswith("/proc/") and not Path(proc_maps.SELF).exists():
        text, source = text_of(name)
        return Given(text, source, None)
    return Given(given_text.read(name, "a text about memory", "no such text", MOST_TEXT_BYTES), printable(name), name)


def _is_there(name: str) -> bool:
    """Return whether a text is the path of a file; for anything else at a path, an error says what it is."""
    try:
        return (name != "" and Path(name).exists()) or (name.startswith("/proc/") and name.endswith("maps"))
    except (OSError, ValueError):
        return False


FEW = 3
"""The most lines of a shape that may be there by chance."""


def _others(best: Sequence[Claim], claims: Sequence[Claim]) -> Iterator[str]:
    """Yield a sentence about lines that only another reader explains, by a name."""
    for claim in sorted(claims, key=lambda one: min(one.lines, default=0)):
        if claim not in best and claim.evidence is not Evidence.NUMBER:
            rest = [number for number in claim.lines if not any(number in one.lines for one in best)]
            if len(rest) > FEW * (claim.evidence is Evidence.SHAPE):
                yield f"There is also {claim.what}, in {places(rest)}: load it by itself."


def _saying(value: Any, more: Sequence[str]) -> Any:
    """Return a value that says more sentences about what it lacks."""
    if not more:
        return value
    said = (*value.unsaid, *more)
    if is_dataclass(value):
        return replace(cast("Any", value), unsaid=said)
    value.unsaid = said  # a trace
    return value


# ---- readers -----------------------------------------------------------------------------------


def _document(given: Given) -> Claim | None:
    """Claim a journal, or recorded tables, of which the first case is read: each is a document of its own."""
    head = given.text.removeprefix("\ufeff").lstrip()[:400]
    if not head.startswith("{"):
        return None
    lines = range(1, given.text.count("\n") + 2)
    if '"vmwidgets journal"' in head:
        return Claim("a machine's journal", Evidence.NAME, lines, lambda _: _journal(given))
    if '"arch"' in head and '"root"' in head:
        return Claim("recorded tables", Evidence.NAME, lines, lambda _: tables_in(given.text, given.source))
    return None


def _journal(given: Given) -> Any:
    if given.path is not None:
        return load_journal(given.path)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given.jsonl.gz"
        path.write_bytes(gzip.compress(given.text.encode()))
        return load_journal(str(path))


_MARKS = re.compile("[\x00\x1b]")
"""Characters that may be in the names of calls."""


def _calls(given: Given) -> Claim | None:
    """Claim the calls that strace recorded."""
    lines = lines_of_calls(given.text)
    if not lines and not _MARKS.search(given.text):
        return None
    plain = cleaned(given.text, given.source)
    lines = lines or lines_of_calls(plain.text)

    def value(_: Sequence[Claim]) -> Any:
        is_plainer = whole_calls(plain.text) > whole_calls(given.text) or plain.taken["tags"] + plain.taken["nul"] > 0
        found = load_calls(plain.text if is_plainer else given.text, given.source, given.progress)
        if not is_plainer or not plain.said:
            return found
        return replace(found, unsaid=(*found.unsaid, f"Passed over: {', '.join(plain.said)}."))

    return Claim("a recording of strace", Evidence.NAME, lines, value) if lines else None


def _ranges(given: Given) -> Claim | None:
    """Claim the ranges of a process, which are read into a machine whose addresses suit them."""
    exact = given.exact
    text = given.short if exact is None else None
    kind, lines = (None, range(given.text.count("\n") + 1)) if text is None else kind_of(text)
    if not lines:
        return None

    def value(claims: Sequence[Claim]) -> LoadedMaps:
        found = exact
        if text is not None and kind is not None:
            refuse_foreign(text.text, given.source, SEEN)
            found = read_ranges(text, kind)
        assert found is not None, "it is exact, or of a kind"
        highest = max((one.end for one in found.ranges if one.end <= 1 << 56), default=0)
        machine = machine_with(highest, "256 MiB" if len(found.ranges) > 5_000 else "64 MiB")
        loaded = load_ranges(machine, found, given.source, "maps", progress=given.progress)
        faults = [(one.address, one.line) for claim in claims for one in claim.traps if one.address is not None]
        if not faults or text is None or any(words.startswith(CRASHED) for words in loaded.unsaid):
            return loaded
        return replace(loaded, unsaid=(where_is(*faults[0], text.lines, found.ranges), *loaded.unsaid))

    return Claim("the map of a process", Evidence.NAME, lines, value)


def _references(given: Given) -> Claim | None:
    """Claim a program's references, or an exercise: as the text is, or else without what a log writes before lines."""
    text = given.text.removeprefix("\ufeff")
    is_numbered = re.match(r"\s*[01][:.)|]\s", text) is not None and given.short.taken["numbers"] > 0
    found = None if is_numbered else _referring(given, text)
    if found is None and not given.short.taken["blanked"] and given.short.said:
        found = _referring(given, given.short.text, f"Passed over: {', '.join(given.short.said)}.")
    return found


def _referring(given: Given, text: str, *passed: str) -> Claim | None:
    is_short = len(text) <= LONGEST and not given.is_long_trace
    try:
        exercise = read_exercise(text, given.source, *passed) if is_short else None
    except Refused as refused:
        every, why = range(1, text.count("\n") + 2), str(refused)

        def refuse(_: Sequence[Claim]) -> Any:
            raise Refused(why)

        return Claim("an exercise", Evidence.NAME, every, refuse)
    if exercise is not None:
        evidence = Evidence.NAME if is_named(text) else Evidence.NUMBER
        return Claim("an exercise on paging", evidence, lines_of(text), lambda _: exercise)
    known = recognized(text)
    if known is None:
        return None
    name = "" if given.path is None else printable(Path(given.path).name.partition(".")[0])
    value = partial(read_references, known, given.source, name, *passed)
    return Claim("a program's references", known.evidence, known.lines, lambda _: value())


def _kernel(given: Given) -> Claim | None:
    """Claim a kernel's output."""
    found, _ = given.kernel
    return (
        None
        if found is None
        else Claim("a kernel's output", Evidence.NAME, found.claimed, lambda _: found, found.traps)
    )


def _memory(given: Given) -> Claim | None:
    """Claim a report that memory ran out."""
    found, lines = read_memory_report(given.short)
    return None if found is None else Claim("Linux's report that memory ran out", Evidence.NAME, lines, lambda _: found)


READERS: Sequence[Callable[[Given], Claim | None]] = (_document, _calls, _references, _ranges, _kernel, _memory)
"""The readers, whose order says nothing."""


def _nothing(given: Given) -> str:
    """Return the sentence for an unknown text: what was seen, the nearest kind and what it needs, and a step."""
    text = given.short
    _, unsaid = given.kernel
    lines = [*numbered(given.text.splitlines() if text.taken["blanked"] else text.lines)]
    if not lines:
        return f"{given.source} is empty: see docs/read.md for what can be read"
    if given.path is None and "\n" not in given.text.strip() and re.fullmatch(r"[^\s=]{1,200}", given.text.strip()):
        name = printable(given.text.strip())
        if "/" in name or re.search(r"\.[a-z0-9]{1,6}$", name):
            return f"there is no file {name}, and as a text it is of no kind that can be read: write the path of a file"
    if said := foreign_in(lines, given.source, SEEN) or named(text.text, given.source):
        return said
    if unsaid:
        return (
            f"{given.source} says nothing that can be read as it is. {unsaid[0]} See docs/read.md for what can be read."
        )
    return named(text.text, given.source, 1) or f"{given.source} {seen(lines)}; {_nearest(lines) or near(text.text)}"


def _nearest(lines: list[tuple[int, str]]) -> str:
    """Return a clause about the one line without which a short text is a reference string; "" if none is."""
    is_said = is_named("\n".join(line for _, line in lines[: MOST_NEAR + 1]))
    for at, (number, line) in enumerate(lines if is_said and len(lines) <= MOST_NEAR else ()):
        if re.search(r"[^\W\d]{2}", line) and read_string(
            "\n".join(other for _, other in (*lines[:at], *lines[at + 1 :]))
        ):
            return f"without line {number}, {shown(line.strip()[:40])}, it can be read as a reference string"
    return ""


MOST_NEAR = 12
"""The most lines of a text in which a line is sought without which it can be read."""

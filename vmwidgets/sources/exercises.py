"""Exercises as a book, a sheet or a course's program prints them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.base.errors import Refused
from ..engine.base.frozen import frozen
from ..engine.base.units import PAGE, counted
from ..on_paper.machine import Paper
from ..on_paper.worked import Access
from ..reference_strings.references import MOST_FRAMES, MOST_REFERENCES, reference_string
from ..reference_strings.references_schema import ReferencesValue
from .foreign import named

if TYPE_CHECKING:
    from ..reference_strings.trace import Trace

LONGEST = 100_000
"""The most characters of an exercise."""

OF_A_TRACE = re.compile(r"trace|address|reference|access|page|memory", re.IGNORECASE)
"""The words of a title above references."""


def listed(text: str, item: str) -> list[str]:
    """Return the items of a list: four or more in the first line, or three or more lines of one.

    A title with other signs than letters, or above lines of four, must speak of references: else it is another table.
    """
    rows = (
        rf"{item}(?:[ \t,;]+{item}){{3}}(?:[\s,;]+{item})*"
        rf"|{item}(?:[ \t]*,[ \t]*{item}){{2}}|{item}(?:[,; \t\r]*\n\s*{item}){{2,}}"
    )
    found = re.fullmatch(
        r"((?:[A-Za-z][\w ]{0,40}[:=]|[A-Za-z]{2}[\w (),.#'-]{0,60}:?\r?\n)?)"
        rf"[\s\[({{<]*({rows})[\s\])}}>.,;]*",
        re.sub("(?m)^#.*\n", "", text).strip(),
    )
    if found is None:
        return []
    title, items = found.groups()
    first, *more = items.split("\n")
    is_plain = re.fullmatch(r"[\w :=\r\n]*", title) and not (title and more and len(re.findall(item, first)) == 4)
    return re.findall(item, items) if is_plain or OF_A_TRACE.search(title) else []


# ---- reference strings -----------------------------------------------------------------------------

_ACCESS = re.compile(r"^Access:[ \t]+([0-9]{1,4})[ \t]+(?:Hit|HIT|MISS)\b", re.MULTILINE)
_WORDS = ("one two three four five six seven eight nine ten", "一 二 三 四 五 六 七 八 九 十", "- 两")
_NUMBERS = {word: number for words in _WORDS for number, word in enumerate(words.split(), 1)}
_N = f"(?:[0-9]{{1,6}}|{'|'.join(_NUMBERS)})"


@cache
def _words() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of words that call a line a reference string, and of numbers of frames."""
    lines = Path(__file__).with_name("exercise_words.txt").read_text(encoding="utf-8").splitlines()
    frame, said, frames = (line.partition(" ")[2] for line in lines if not line.startswith("#"))
    frames = frames.replace("{frame}", frame).replace("{number}", _N)
    return re.compile(said, re.IGNORECASE), re.compile(frames, re.IGNORECASE | re.MULTILINE)


_PAGES = r"(?:[0-9]{1,4}w?|\|)(?:(?:[ \t]*[,;][ \t]*|[ \t]+)(?:[0-9]{1,4}w?|\|))*"
_RUN = re.compile(rf"(?<![\w.-])(?:{_PAGES}|{_PAGES.replace('[0-9]{1,4}', '[A-Za-z]')})(?![\w%]|[.-][0-9])")
_AROUND = " \t\r[](){}<>.,;:'\"*\x00"
_TITLE = re.compile(r"[A-Za-z]{2}[\w (),.#'-]{0,60}:?")
_LABEL = re.compile(r"[A-Za-z][\w ]{0,40}[:=]?[ \t\[({<]*")


class _Row(NamedTuple):
    """The pages in a line, or in lines that are one string: the first line, and how the last one ends."""

    line: int
    pages: list[str]
    last: int
    has_comma: bool
    is_wide: bool

    @property
    def is_string(self) -> bool:
        """Whether there are enough pages for a string."""
        return len(self.pages) > 3 or (len(self.pages) == 3 and (self.has_comma or self.last == 1))


@frozen(repr=False)
class Strings(ReferencesValue):
    """The first reference string of a text, and the `others`, each with the results of all policies."""

    others: tuple[ReferencesValue, ...] = ()


def _rows(text: str, *, is_said: bool) -> Iterator[_Row | str]:
    """Yield the lines that are not empty: rows of pages, and other lines as they are.

    Lines of one row end with a comma, are wide, have few pages, or have one page each.
    """
    last: _Row | None = None
    ends_with_comma = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(_AROUND)
        if not line or raw.startswith("#"):
            continue
        run = max((one[0] for one in _RUN.finditer(line)), key=lambda one: len(one.split()), default="")
        found = re.findall(r"\w+|\|", run)
        row = _Row(number, found, len(found), "," in line or ";" in line, len(line) > 60)
        before, _, after = line.rpartition(run) if run else ("", "", "")
        is_row = run == line or (row.is_string and (is_said or (not after and _LABEL.fullmatch(before) is not None)))
        is_like = last is not None and (last.last == 1) == (row.last == 1) and (last.last in (1, 4, 5) or last.is_wide)
        if last is not None and run == line and (ends_with_comma or is_like):
            last = row._replace(line=last.line, pages=last.pages + found, has_comma=last.has_comma)
        else:
            if last is not None:
                yield last
            last = row if is_row else None
            if last is None:
                yield line
        ends_with_comma = raw.rstrip().endswith((",", ";"))
    if last is not None:
        yield last


def _strings(text: str, *, is_said: bool) -> tuple[list[_Row], list[int], int]:
    """Return the strings of a text, numbers alone beside them, and how many other lines there are.

    A text that does not call them strings may have a title, with other signs than letters only if it speaks of
    references: else it is another table.
    """
    rows = [*_rows(text, is_said=is_said)]
    found = [row for row in rows if isinstance(row, _Row)]
    strings = [
        row for at, row in enumerate(found) if row.is_string and row.pages not in (one.pages for one in found[:at])
    ]
    alone = [int(page) for row in found if not row.is_string for page in row.pages if page.isdigit()]
    others = [row for row in rows if isinstance(row, str)]
    if not is_said and others:
        title = str(rows[0])
        is_plain = re.fullmatch(r"[\w :=]*", title) and not (strings and strings[0].last == 4 < len(strings[0].pages))
        if others != rows[:1] or not _TITLE.fullmatch(title) or not (is_plain or OF_A_TRACE.search(title)):
            return [], [], 0
    return strings, alone, len(others)


def read_string(text: str, *passed: str) -> ReferencesValue | None:
    r"""Return the results of a reference string, with the frames that the text says, or three; None if it has none.

    Numbers are pages if all are smaller than 4,096: as addresses, they would all be in one page.  If a text has several
    strings, the others are the result's `others`.

    >>> read_string("1, 2, 3, 1").faults("fifo")
    3
    >>> read_string("Consider the reference string 1, 2, 3, 4, 1 with 4 frames.").frames
    (4,)
    """
    if len(text) > LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text).translate(str.maketrans("、。→–", ",.,-", "$*`"))
    says, frame = _words()
    said = says.search(plain)
    if said is None and "address" in plain[:40].lower():
        return None
    numbers = [one for found in frame.findall(plain) for one in re.findall(_N, "".join(found), re.IGNORECASE)]
    frames = [*dict.fromkeys(_NUMBERS.get(one.lower()) or int(one) for one in numbers)]
    plain = frame.sub("\0", plain)
    if said is not None:
        plain = re.sub(r"(?<=[0-9])[ \t]*->?[ \t]*(?=[0-9])", ", ", plain)
    accesses = _ACCESS.findall(plain)
    strings, alone, others = _strings(plain, is_said=said is not None)
    if accesses:
        strings, alone, others = [_Row(1, accesses, 1, False, False)], [], 0
    if len(strings) == 1 and len(strings[0].pages) in alone:
        alone.remove(len(strings[0].pages))
    if said is not None:
        alone, others = [], others + len(alone)
    elif alone:
        if len(alone) > 1 or frames or len(strings) > 1:
            return None
        frames = alone
    pages = [int(page.rstrip("w")) for row in strings for page in row.pages if page[0].isdigit()]
    if not strings or sum(len(row.pages) for row in strings) > MOST_REFERENCES or max(pages, default=0) >= PAGE:
        return None
    told = [f"The number {alone[0]} beside the string is read as the number of frames."] if alone else []
    if pages and said is None:
        told.append("The numbers may be addresses too: below a first line 'address', they are read so.")
    if others:
        told.append(f"Passed over: {counted(others, 'line')} beside the string.")
    return _results(strings, frames, (*told, *passed))


def _results(strings: list[_Row], frames: list[int], told: tuple[str, ...]) -> ReferencesValue:
    """Return the results of the first string, with sentences, and those of the others."""
    sizes = tuple(one for one in frames if 1 <= one <= MOST_FRAMES)
    found = [reference_string(" ".join(row.pages), sizes or 3) for row in strings]
    chosen = " and ".join(map(str, found[0].frames)) + " frames" + ", as the text says" * bool(sizes)
    says = [f"Read as pages, with {chosen}: the argument frames of vm.reference_string chooses others, from 1 to 64."]
    if len(sizes) < len(frames):
        says.append(f"The text says {max(frames):,} frames, and a run has from 1 to 64.")
    says += [f"Line {row.line} is another string: others[{at}] is its result." for at, row in enumerate(strings[1:])]
    first = replace(found[0], unsaid=(*says, *told))
    return Strings(first.pages, first.runs, first.unsaid, tuple(found[1:])) if found[1:] else first


# ---- page tables with questions, and their answers -------------------------------------------------

_SIZE = re.compile(r"^[ \t]*ARG (address space|phys mem|page) size[ \t]+([0-9]{1,6})([kKmM]?)\b", re.MULTILINE)
_ENTRY = re.compile(r"^[ \t]*(?:\[ *([0-9]{1,7})\])?[ \t]*(0x[0-9a-f]{8})[ \t\r]*$", re.MULTILINE)
_ASKED = re.compile(r"^[ \t]*(?:VA|Virtual Address) (?:0x)?([0-9a-f]{1,8})\b(.*)$", re.MULTILINE)
_ROOT = re.compile(r"^[ \t]*PDBR: *([0-9]{1,4})\b", re.MULTILINE)
_PLACE = re.compile(
    r"^[ \t]*(?:virtual|logical) address[: =]+([0-9]{1,7})\D{1,12}?physical address[: =]+([0-9]{1,9})\b",
    re.IGNORECASE | re.MULTILINE,
)


@frozen(slots=False, repr=False)
class Answered(Access):
    """The first access that an exercise asks for, and `accesses`, which has all."""

    accesses: tuple[Access, ...] = ()
    unsaid: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join((*(one.book for one in self.accesses), *self.unsaid))


def _paper_of(text: str) -> Paper | None:
    """Return the machine of OSTEP's exercises on page tables, linear or of two levels, with its tables."""
    head, is_linear, below = text.partition("Page Table (from entry 0")
    root = _ROOT.search(text)
    if root is not None:
        dump = "\n".join(re.findall(r"^[ \t]*page +[0-9]+ *:.*", text, re.MULTILINE))
        return Paper(va=15, pa=12, page=32, levels=(5, 5), layout="V PFN:7").memory(dump, root=int(root[1]))
    sizes = {what: int(size) << {"": 0, "k": 10, "m": 20}[unit.lower()] for what, size, unit in _SIZE.findall(head)}
    if not is_linear or len(sizes) < 3:
        return None
    va, pa, page = (sizes[what].bit_length() - 1 for what in ("address space", "phys mem", "page"))
    entries = _ENTRY.findall(below.partition("Virtual Address")[0])
    if len(entries) != 1 << va - page:
        raise Refused(f"the page table has {counted(len(entries), 'line')}, and its pages are {1 << va - page:,}")
    words = "\n".join(f"[{number or at}] {word}" for at, (number, word) in enumerate(entries))
    return Paper(va=va, pa=pa, page=1 << page, layout=f"V -:{31 - pa + page} PFN:{pa - page}").memory(words)


def _answered(text: str, *passed: str) -> Answered | None:
    """Return the accesses that OSTEP's exercises on page tables ask for; None for another text."""
    asked = _ASKED.findall(text)
    paper = _paper_of(text) if asked else None
    if paper is None:
        return None
    found = tuple(paper.access(int(address, 16)) for address, _ in asked)
    says = [
        f"The text says {said[1]} for {one.va}, and its table gives another answer."
        for one, (_, rest) in zip(found, asked, strict=True)
        if (said := re.search(r"--> +([0-9a-f]{8}|Invalid)\b", rest))
        and said[1] != ("Invalid" if one.pa is None else f"{int(one.pa):08x}")
    ]
    first: dict[str, Any] = {one.name: getattr(found[0], one.name) for one in fields(Access)}
    return Answered(**first, accesses=found, unsaid=(*says, *passed))


def _run(pages: list[int], frames: int, policy: str) -> tuple[list[int], int]:
    """Return the frame of each reference, and the faults: frames are given in order, and then by the policy."""
    held: dict[int, int] = {}
    given, faults = [], 0
    for page in pages:
        frame = held.pop(page, None) if policy == "LRU" else held.get(page)
        if frame is None:
            faults += 1
            frame = len(held) if len(held) < frames else held.pop(next(iter(held)))
        held[page] = frame
        given.append(frame)
    return given, faults


def _compared(text: str, *passed: str) -> Trace | None:
    """Return the addresses of a student's translations, with a sentence on the first that a run does not give."""
    from ..reference_strings.trace import trace

    places = [*_PLACE.finditer(text)]
    if len(places) < 2:
        return None
    pairs = [(int(one[1]), int(one[2])) for one in places]
    runs = []
    for frames, policy in ((256, "FIFO"), (128, "FIFO"), (128, "LRU")):
        given, faults = _run([va >> 8 for va, _ in pairs], frames, policy)
        wrong = [at for at, (va, pa) in enumerate(pairs) if (given[at] << 8 | va & 255) != pa]
        runs.append((len(wrong), frames, policy, faults, wrong[:1], given))
    count, frames, policy, faults, wrong, given = min(runs, key=lambda one: one[0])
    says = (
        f"{len(pairs) - count:,} of {counted(len(pairs), 'translation')} are those of a run with {frames} frames of 256"
        f" bytes, given in the order of first use and by {policy}, which has {counted(faults, 'fault')}."
    )
    for at in wrong:
        line = text.count("\n", 0, places[at].start()) + 1
        place = given[at] << 8 | pairs[at][0] & 255
        says += f" The first other one is in line {line:,}: {pairs[at][0]} is at {place} in the run."
    found = trace([va for va, _ in pairs])
    found.unsaid = (says, *passed)
    return found


def read_exercise(text: str, source: str, *passed: str) -> ReferencesValue | Answered | Trace | None:
    """Return the answer to an exercise; None for another text.

    `passed` are sentences about what was removed before.  Raises :class:`Refused` for an exercise without pages.
    """
    if re.search(r"\b(?:Base-and-Bounds|Segment) register information", text[:LONGEST]):
        raise Refused(named(text, source))
    return _answered(text, *passed) or _compared(text, *passed) or read_string(text, *passed)

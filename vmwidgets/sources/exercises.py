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
from .cleaned import numbered
from .foreign import named

if TYPE_CHECKING:
    from ..reference_strings.trace import Trace

LONGEST = 100_000
"""The most characters of an exercise."""

OF_A_TRACE = re.compile(r"trace|address|reference|access|page|memory", re.IGNORECASE)
"""The words of a title above references."""


# ---- reference strings -----------------------------------------------------------------------------

_ACCESS = re.compile(r"^Access:[ \t]+([0-9]{1,4})[ \t]+(?:Hit|HIT|MISS)\b", re.MULTILINE)
_WORDS = ("one two three four five six seven eight nine ten", "一 二 三 四 五 六 七 八 九 十", "- 两")
_NUMBERS = {word: number for words in _WORDS for number, word in enumerate(words.split(), 1) if word != "-"}
_N = re.compile(f"(?:[0-9]{{1,6}}|{'|'.join(_NUMBERS)})", re.IGNORECASE)


@cache
def _words() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of words that call a line a reference string, and of numbers of frames."""
    lines = Path(__file__).with_name("exercise_words.txt").read_text(encoding="utf-8").splitlines()
    frame, said, frames = (line.partition(" ")[2] for line in lines if not line.startswith("#"))
    frames = frames.replace("{frame}", frame).replace("{number}", _N.pattern)
    return re.compile(said, re.IGNORECASE), re.compile(frames, re.IGNORECASE | re.MULTILINE)


_PAGES = r"(?:NUMBERw?|\|)(?:(?:[ \t]*[,;][ \t]*|[ \t]+)(?:NUMBERw?|\|))*"
_NUMBER = "(?:0[xX][0-9a-fA-F]{1,20}|[0-9]{1,20})"
_RUN = re.compile(
    rf"(?<![\w.-])(?:{_PAGES.replace('NUMBER', _NUMBER)}|{_PAGES.replace('NUMBER', '[A-Za-z]')})(?![\w%]|[.-][0-9])"
)
_AROUND = " \t\r[](){}<>.,;:'\"*\x00"
_TITLE = re.compile(r"[A-Za-z]{2}[\w (),.#'-]{0,60}:?")
_ITEM = re.compile(r"\w{1,2}[).:] *")
_LABEL = re.compile(r"[A-Za-z][\w ]{0,40}[:=][ \t\[({<]*")


class _Row(NamedTuple):
    """The pages in a line, or in lines that are one string; more may follow: 1 for single pages, 2 for others."""

    line: int
    text: str
    pages: list[str]
    goes_on: int


@frozen(repr=False)
class Strings(ReferencesValue):
    """The first reference string of a text, and the `others`, each with the results of all policies."""

    others: tuple[ReferencesValue, ...] = ()


def _is_string(row: _Row) -> bool:
    """Return whether a row has enough pages for a string."""
    return not row.text or len(row.pages) > 3 or (len(row.pages) == 3 and ("," in row.text or row.goes_on == 1))


def _rows(text: str, called: re.Pattern[str] | None = None) -> list[_Row]:
    """Return the lines that are not empty; a line without pages, with dots for some, or with other words has none.

    Lines of one row end with a comma, are wide, have 4 or 5 pages, or have one page each.
    """
    rows: list[_Row] = []
    comma = False
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(_AROUND)
        if not line or raw.startswith("#"):
            continue
        run = max(_RUN.findall(line), key=len, default="") if "..." not in raw else ""
        pages = re.findall(r"\w+|\|", run)
        row = _Row(number, line, pages, 1 if len(pages) == 1 else 2 if len(pages) in (4, 5) or len(line) > 60 else 0)
        before, _, after = line.partition(run or line)
        is_said = called is not None and (called.search(line) or _ITEM.fullmatch(before)) is not None
        if run == line and rows and rows[-1].pages and (comma or 0 < rows[-1].goes_on == (row.goes_on == 1 or 2)):
            rows[-1] = row._replace(line=rows[-1].line, pages=rows[-1].pages + pages)
        elif run and (run == line or (_is_string(row) and (is_said or (not after and _LABEL.fullmatch(before))))):
            rows.append(row)
        else:
            rows.append(row._replace(pages=[]))
        comma = raw.rstrip().endswith((",", ";"))
    return rows


def _has_others(rows: list[_Row], text: str) -> bool:
    """Return whether there are lines without pages, but a title: with signs, or more lines, it speaks of references."""
    others = [row for row in rows if not row.pages]
    title = others[0].text if others == rows[:1] != [] else ""
    is_short = re.fullmatch(r"[\w :=]*", title) is not None and text.strip().count("\n") < 2
    is_title = _TITLE.fullmatch(title) is not None and (is_short or OF_A_TRACE.search(title) is not None)
    return bool(others) and not is_title


def listed(text: str) -> list[str]:
    """Return the numbers of a text that has only them, from a line with several on, and a title; [] for another."""
    rows = _rows(text)
    found = [row for row in rows if row.pages]
    if _has_others(rows, text) or not all(map(_is_string, found[:1])):
        return []
    return [page for row in found for page in row.pages if page[0].isdigit()]


_ARROWS = re.compile(r"(?<=[0-9]) {0,3}->? {0,3}(?=[0-9])")


def _plain(text: str) -> str:
    """Return a text with the signs of ASCII, and none of Markdown's."""
    return unicodedata.normalize("NFKC", text).translate(str.maketrans("、。→–", ",.,-", "$*`"))


def _numbers(said: str) -> Iterator[int]:
    """Yield the numbers in "3 and 4" or "2 to 4"."""
    found = [_NUMBERS.get(one.lower()) or int(one) for one in _N.findall(said)]
    is_range = len(found) == 2 and re.search(r"[0-9a-z] ?(?:to|-) ?[0-9a-z]", said, re.IGNORECASE)
    yield from range(found[0], min(found[1], MOST_FRAMES) + 1) if is_range else found


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
    plain = _plain(text)
    called, frame = _words()
    is_said = called.search(plain) is not None
    frames = [number for found in frame.findall(plain) for number in _numbers("".join(found))]
    plain = frame.sub("\0", plain)
    if is_said:
        plain = _ARROWS.sub(", ", plain)
    accesses = _ACCESS.findall(plain)
    rows = [_Row(1, "", accesses, 1)] if accesses else _rows(plain, called if is_said else None)
    strings = [
        row for at, row in enumerate(rows) if _is_string(row) and row.pages not in (one.pages for one in rows[:at])
    ]
    others = [row for row in rows if not row.pages]
    alone = [int(page) for row in rows if not _is_string(row) for page in row.pages if page.isdigit()]
    pages = [page.rstrip("w") for row in strings for page in row.pages if page[0].isdigit()]
    is_long = sum(len(row.pages) for row in strings) > MOST_REFERENCES
    if not strings or is_long or not all(page.isdecimal() and int(page) < PAGE for page in pages):
        return None
    says: list[str] = []
    if not is_said:
        if len(strings) == 1 and len(strings[0].pages) in alone:
            alone.remove(len(strings[0].pages))
        has_more = alone[not frames and len(strings) == 1 :]
        if "address" in plain[:40].lower() or has_more or _has_others(rows, plain):
            return None
        says += [f"The number {one} beside the string is read as the number of frames." for one in alone]
        says += ["The numbers may be addresses too: below a first line 'address', they are read so."] * bool(pages)
    sizes = [one for one in dict.fromkeys(frames or (not is_said and alone) or [3]) if 1 <= one <= MOST_FRAMES] or [3]
    how = f"{' and '.join(map(str, sizes))} frames" + ", as the text says" * (sizes[0] in frames)
    says.insert(
        0, f"Read as pages, with {how}: the argument frames of vm.reference_string chooses others, from 1 to 64."
    )
    says += [f"The text says {one:,} frames, and a run has from 1 to 64." for one in frames if one not in sizes]
    says += [f"Passed over: {counted(len(others), 'line')} beside the string."] * bool(others)
    says += [f"Line {row.line} is another string: others[{at}] is its result." for at, row in enumerate(strings[1:])]
    first, *more = (reference_string(" ".join(row.pages), sizes) for row in strings)
    first = replace(first, unsaid=(*says, *passed))
    return Strings(first.pages, first.runs, first.unsaid, tuple(more)) if more else first


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
        return "\n".join((*(one.book or f"VA {one.va}: {one.why}" for one in self.accesses), *self.unsaid))


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
    again = [at.start() for at in re.finditer(r"^[ \t]*(?:ARG seed\b|Page Table \(from entry 0)", text, re.MULTILINE)]
    is_head = "ARG seed" in text[again[0] : again[0] + 20] if again else False
    end = next((at for at in again[1 + is_head :]), len(text))
    asked = _ASKED.findall(text, 0, end)
    paper = _paper_of(text[:end]) if asked else None
    if paper is None:
        return None
    found = tuple(paper.access(int(address, 16)) for address, _ in asked)
    says = [
        f"The text says {said[1]} for {one.va}, and its table gives another answer."
        for one, (_, rest) in zip(found, asked, strict=True)
        if (said := re.search(r"--> +(0x[0-9a-f]{1,8}|[0-9a-f]{8}|Invalid)\b", rest, re.IGNORECASE))
        and (None if said[1].lower() == "invalid" else int(said[1], 16)) != one.pa
    ]
    if end < len(text):
        says.append(f"Line {text.count(chr(10), 0, end) + 1} begins another exercise: load it by itself.")
    first: dict[str, Any] = {one.name: getattr(found[0], one.name) for one in fields(Access)}
    return Answered(**first, accesses=found, unsaid=(*says, *passed))


def _compared(text: str, *passed: str) -> Trace | None:
    """Return the addresses of a student's translations, with a sentence on the first that a run does not give."""
    from ..reference_strings.trace import trace

    found = [*_PLACE.finditer(text)]
    if len(found) < 2:
        return None
    addresses = [int(one[1]) for one in found]
    frames: dict[int, int] = {}
    places = [frames.setdefault(one >> 8, len(frames)) << 8 | one & 255 for one in addresses]
    wrong = [at for at, one in enumerate(found) if places[at] != int(one[2])]
    says = (
        f"{len(found) - len(wrong):,} of {counted(len(found), 'translation')} are those of a run with pages of 256"
        f" bytes, in which {counted(len(frames), 'page')} get frames in the order of first use."
    )
    for at in wrong[:1]:
        line = text.count("\n", 0, found[at].start()) + 1
        says += f" The first other one is in line {line:,}: {addresses[at]} is at {places[at]} in the run,"
        says += f" and at {found[at][2]} in the text."
    made = trace(addresses)
    made.unsaid = (says, *passed)
    return made


_OF_OSTEP = (_ACCESS, _SIZE, _ENTRY, _ASKED, _ROOT, _PLACE)


def is_named(text: str) -> bool:
    """Return whether a text calls something a reference string, or is of a course's program."""
    return _words()[0].search(_plain(text)) is not None or any(one.search(text) for one in (_ASKED, _PLACE, _ACCESS))


def lines_of(text: str) -> frozenset[int]:
    """Return the numbers of the lines that an exercise explains."""
    runs = (
        (number, line, max(_RUN.findall(line), key=len, default=""))
        for number, line in numbered(_ARROWS.sub(", ", _plain(text)).split("\n"))
    )
    return frozenset(
        number
        for number, line, run in runs
        if any(one.match(line) for one in _OF_OSTEP) or len(re.findall(r"\w+", run)) > 2 or run == line.strip(_AROUND)
    )


def read_exercise(text: str, source: str, *passed: str) -> ReferencesValue | Answered | Trace | None:
    """Return the answer to an exercise; None for another text.

    `passed` are sentences about what was removed before.  Raises :class:`Refused` for an exercise without pages.
    """
    if re.search(r"\b(?:Base-and-Bounds|Segment) register information", text[:LONGEST]):
        raise Refused(named(text, source))
    return _answered(text, *passed) or _compared(text, *passed) or read_string(text, *passed)

r"""References of programs in files: lines of addresses with R or W, Valgrind's lackey, Dinero, DRAMSim, CSV.

Each format is a pattern of a line, for which the whole text is searched at once: a million lines take about a second.
Other output of Valgrind and of the program between lackey's lines is skipped and counted; in other formats, every line
must be a reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from operator import add
from typing import NamedTuple

from ..engine.base.errors import Refused, shown
from ..engine.base.units import counted
from ..engine.reference_strings.trace import FETCH, MOST, READ, WRITE, Trace, ready
from .cleaned import LEAVES_OUT, leaves_out

_HEX = r"(?:0[xX])?([0-9a-fA-F]{1,20})"


class Form(NamedTuple):
    """A format of lines: the pattern contains an address, and the access or the size, in the order of `fields`."""

    name: str
    line: re.Pattern[str]
    fields: str
    """The pattern's groups: a for address, k for kind, s for size in decimal."""
    kinds: dict[str, int]
    between: bool = False
    """Whether there are other lines in between."""


DINERO = "Dinero"
_KINDS = {"r": READ, "w": WRITE, "i": FETCH, "f": FETCH}
FORMS = (
    Form(
        "an address and R or W", re.compile(rf"^[ \t]*{_HEX}[ \t,]+([RWrwIiFf])[ \t]*\r?$", re.MULTILINE), "ak", _KINDS
    ),
    Form(
        "Valgrind's lackey",
        re.compile(r"^[ \t]*([ILSM])[ \t]{1,3}([0-9a-fA-F]{1,20}),([0-9]{1,5})[ \t]*\r?$", re.MULTILINE), "kas",
        {"l": READ, "s": WRITE, "m": WRITE, "i": FETCH}, between=True,
    ),
    Form(
        DINERO, re.compile(rf"^[ \t]*([012])[ \t]+{_HEX}[ \t]*\r?$", re.MULTILINE), "ka",
        {"0": READ, "1": WRITE, "2": FETCH},
    ),
    Form(
        "R or W and an address", re.compile(rf"^[ \t]*([RWrwIiFf])[ \t,]+{_HEX}[ \t]*\r?$", re.MULTILINE), "ka", _KINDS
    ),
    Form(
        "DRAMSim",
        re.compile(
            r"^[ \t]*0[xX]([0-9a-fA-F]{1,20})[ \t]+(READ|WRITE|P_MEM_RD|P_MEM_WR|P_FETCH)[ \t]+[0-9]+[ \t]*\r?$",
            re.MULTILINE,
        ),
        "ak", {"read": READ, "write": WRITE, "p_mem_rd": READ, "p_mem_wr": WRITE, "p_fetch": FETCH},
    ),
)  # fmt: skip  # a table
"""The formats of lines, with their names."""

_BLANK = re.compile(r"^[ \t]*(?:#.*)?\r?$")
_LETTER = re.compile(r"(?!0[xX])[0-9]*[a-fA-F]")
"""A number that is hexadecimal without 0x: then all numbers of its column are hexadecimal."""

ADDRESS = ("address", "addr", "va", "vaddr", "virtual address", "page address")
DOES = ("type", "op", "rw", "r/w", "access", "kind", "operation", "is_write", "write")
_CSV_KINDS = {
    "r": READ, "read": READ, "load": READ, "l": READ, "0": READ, "false": READ, "w": WRITE, "write": WRITE,
    "store": WRITE, "s": WRITE, "1": WRITE, "true": WRITE, "i": FETCH, "fetch": FETCH, "2": FETCH,
}  # fmt: skip  # pairs


_COLUMNS = re.compile(
    r"[#\s]*(?:(?:columns?|fields?|format)\b[\s:=]*)?"
    r"\(?(?:pid|proc(?:ess)?|task)(?:es|s)?(?:[ _-]?(?:id|number|no\.?))?"
    r"(?:[\s,;|/:_-]+|\s+(?:and|then)\s+)(?:virtual[ _]|logical[ _])?"
    r"(?:page|vpn|vpage|addr(?:ess)?|va|vaddr|reference)(?:es|s)?(?:[ _-]?(?:id|number|no\.?))?\)?\s*"
    r"|\s*#.*\b(?:columns?|fields?)\b.*\b(?:pid|process(?:es)?)\b.*",
    re.IGNORECASE,
)
"""A header that names the first column of lines such as "0 12" as processes."""

_PAIR = re.compile(r"\s*[0-9]{1,7}[\s,;:]+(?:0[xX])?[0-9a-fA-F]{1,20}\s*")
_ONE_PROCESS = "is not a reference: the numbers may be processes and pages; give vm.trace the addresses of one process"


def processes(text: str, source: str) -> str:
    r"""Return a sentence about a text with two numbers on each line, perhaps below a header; "" for another text.

    >>> processes("process page\n1 0\n", "a.txt")[:55]
    "line 1 of a.txt, 'process page', is not a reference: th"
    """
    lines = [(number, line) for number, line in enumerate(text[:20_000].split("\n"), 1) if line.strip()]
    heads = [one for one in lines[:20] if _COLUMNS.fullmatch(one[1])]
    pairs = [one for one in lines if one not in heads and not _BLANK.match(one[1])]
    if len(text) > 20_000:
        del pairs[-1:]  # it may be cut
    if len(pairs) + len(heads) < 2 or not pairs or not all(_PAIR.fullmatch(line) for _, line in pairs):
        return ""
    number, line = (heads or pairs)[0]
    return f"line {number:,} of {source}, {shown(line.strip()[:40])}, {_ONE_PROCESS}"


def form_of(text: str) -> Form | None:
    """Return the format of the first line with words, or of lackey's lines among others; None if unknown."""
    first = [line for line in text[:20_000].split("\n") if not _BLANK.match(line)]
    for form in FORMS:
        if any(form.line.match(line) for line in (first if form.between else first[:1])):
            return form
    return None


def _quickly(text: str, source: str, name: str) -> Trace | None:
    """Return the trace of a text with only an address and R or W on each line, read as alternating words."""
    words = text.split()
    does = words[1::2]
    if len(words) % 2 or set(does) - set("RWrwIiFf") or len(does) != text.count("\n") + (not text.endswith("\n")):
        return None
    if max(map(len, words[::2])) > 18:
        return None
    try:
        numbers = _addresses(words[::2], FORMS[0], text, source)
    except ValueError:
        return None
    kinds = [_KINDS[one.lower()] for one in does]
    return ready(Trace(numbers, kinds, name=name, unsaid=_unsure(words[::2], "hexadecimal")))


def _unsure(addresses: Iterable[str], base: str) -> tuple[str, ...]:
    """Return a sentence if no address shows whether the numbers are hexadecimal."""
    is_shown = not all(map(str.isdecimal, addresses))
    return () if is_shown else (f"No address has 0x or a letter: all are read as {base} numbers.",)


def read_references(text: str, source: str, name: str = "") -> Trace | None:
    """Return the references in a text; None for a text in another format.

    Raises :class:`Refused` for a malformed line, with its number, and for an address of more than 64 bits.
    """
    form = form_of(text)
    if form is None:
        return _csv(text, source, name)
    if form is FORMS[0] and (quick := _quickly(text, source, name)) is not None:
        return quick
    found = form.line.findall(text)
    if len(found) > MOST:
        raise Refused(f"{source} has {len(found):,} references: at most {MOST:,} are read at once")
    unsaid: Sequence[str] = ()
    lines = text.count("\n") + (not text.endswith("\n"))
    if lines != len(found):
        written = text.split("\n")
        others = [number for number, line in enumerate(written, 1) if not _is_right(form, line)]
        if not form.between and others == [len(written)] and _BEGUN.fullmatch(written[-1]):  # the text ends in a line
            unsaid = (f"The last line, {shown(written[-1].strip()[:40])}, is cut, and not read.",)
        elif others and not form.between:
            line = written[others[0] - 1].strip()[:40]
            is_two = form.name == DINERO and (_PAIR.fullmatch(line) or _COLUMNS.fullmatch(line))
            why = _ONE_PROCESS if is_two else f"is not a reference: this is a file of {form.name}"
            raise Refused(f"line {others[0]:,} of {source}, {shown(line)}, {why}")
        elif others:
            unsaid = tuple(_passed_over(written, others))
    if form.fields == "ka" and form.kinds is _KINDS and not any(map(str.isdigit, "".join(one[1] for one in found))):
        return None  # words such as "I add", and no address with a digit
    columns = dict(zip(form.fields, zip(*found, strict=True), strict=True))
    kinds = [form.kinds[one.lower()] for one in columns["k"]]
    sizes = [int(one) for one in columns["s"]] if "s" in columns else None
    unsaid = (*unsaid, *_readings(form, columns["a"], text, source))
    return ready(Trace(_addresses(columns["a"], form, text, source, sizes), kinds, sizes, name=name, unsaid=unsaid))


_TWO_READINGS = (
    "Two readings fit lines such as '0 12': Dinero's, which is used (0 is a read, 1 a write, 2 a fetch, then an"
    " address), and a process with its page or address. For the second, give vm.trace the addresses of one process."
)


def _readings(form: Form, addresses: Sequence[str], text: str, source: str) -> Iterator[str]:
    """Yield sentences about numbers that could mean something else.

    Raises :class:`Refused` if a remark in a file of two numbers on each line names the first column as processes.
    """
    is_dinero, has_0x = form.name == DINERO, "0x" in text.lower()
    for number, line in enumerate(text[:20_000].split("\n") if is_dinero else (), 1):
        if _COLUMNS.fullmatch(line):
            raise Refused(f"line {number} of {source}, {shown(line.strip()[:40])}, {_ONE_PROCESS}")
    if (form.kinds is _KINDS or is_dinero) and not has_0x:
        yield from _unsure(addresses, "hexadecimal")
    if is_dinero and (has_0x or all(map(str.isdecimal, addresses))):
        yield _TWO_READINGS


_BEGUN = re.compile(r"[ \t]*(?:[012RWrwIiFf][ \t,]*)?(?:0[xX]?)?[0-9a-fA-F]*[ \t,]*[A-Z_]*")
"""The beginning of a reference, in any of the forms."""

_LACKEY = re.compile(r"[ \t]{0,3}[ILSM][ \t]{1,3}\S*[ \t]*\r?")
"""A line that looks like lackey's output."""


def _passed_over(lines: Sequence[str], numbers: Sequence[int]) -> Iterator[str]:
    """Yield what is not read among lackey's lines: damaged lines of its own, and other output."""
    left_out = [number for number in numbers if leaves_out(lines[number - 1].rstrip("\r"))]
    if left_out:
        yield f"Line {left_out[0]:,} {LEAVES_OUT}: their references are missing."
    numbers = [number for number in numbers if number not in left_out]
    damaged = [number for number in numbers if _LACKEY.fullmatch(lines[number - 1])]
    if damaged:
        first = f"the first is line {damaged[0]:,}, {shown(lines[damaged[0] - 1].strip()[:40])}"
        yield f"{counted(len(damaged), 'line')} of lackey can't be read; {first}."
    if len(damaged) < len(numbers):
        yield f"{counted(len(numbers) - len(damaged), 'line')} of Valgrind or the program passed over."


def _is_right(form: Form, line: str) -> bool:
    return form.line.match(line) is not None or _BLANK.match(line) is not None


def _addresses(
    texts: Sequence[str], form: Form, text: str, source: str, sizes: Sequence[int] | None = None
) -> list[int]:
    numbers = [int(one, 16) for one in texts]
    ends = numbers if sizes is None else list(map(add, numbers, sizes))
    if max(numbers) >= 1 << 64 or max(ends) > 1 << 64:
        place = next(
            place for place, (one, end) in enumerate(zip(numbers, ends, strict=True)) if one >> 64 or end > 1 << 64
        )
        before = [number for number, line in enumerate(text.split("\n"), 1) if form.line.match(line)]
        if not numbers[place] >> 64 and sizes is not None:
            raise Refused(
                f"line {before[place]:,} of {source}: {counted(sizes[place], 'byte')} at {texts[place]} go past 64 bits"
            )
        raise _too_long(before[place], source, texts[place])
    return numbers


def _too_long(line: int, source: str, address: str) -> Refused:
    return Refused(f"line {line:,} of {source}: the address {address} has more than 64 bits")


def _csv(text: str, source: str, name: str) -> Trace | None:
    """Return the references in a table with a header, which has a column of addresses and perhaps one of accesses."""
    head, _, rest = text.partition("\n")
    for comma in (",", ";", "\t"):
        columns = [one.strip().strip('"').lower() for one in head.split(comma)]
        where = next((columns.index(one) for one in ADDRESS if one in columns), None)
        if len(columns) > 1 and where is not None:
            break
    else:
        return None
    does = next((columns.index(one) for one in DOES if one in columns), None)
    lines = rest.split("\n")

    def texts() -> Iterator[str]:
        """Yield the column of addresses."""
        return (one[where].strip().strip('"') for line in lines if len(one := line.split(comma)) > where)

    base = 16 if any(map(_LETTER.match, texts())) else 10
    addresses, kinds = [], []
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        cells = [one.strip().strip('"') for one in line.split(comma)]
        try:
            address = cells[where]
            addresses.append(int(address, 16 if address[:2] in ("0x", "0X") else base))
            kinds.append(READ if does is None else _CSV_KINDS[cells[does].lower()])
            if addresses[-1] < 0:
                raise ValueError
        except (ValueError, IndexError, KeyError):
            raise Refused(
                f"line {number:,} of {source}, {shown(line[:40])}, is not a reference of this table"
            ) from None
        if addresses[-1] >= 1 << 64:
            raise _too_long(number, source, address)
    if not addresses:
        raise Refused(f"{source} has a header, and no reference below it")
    return ready(Trace(addresses, kinds, name=name, unsaid=_unsure(filter(None, texts()), "decimal")))

"""References of programs in files, as a table: a format is a pattern of a line, for which parts of a text are searched.

In a pattern, a blank is any number of blanks or commas, and ``{address}`` is one of the columns below. A first line
that names columns, such as "process page", is a format of its own, and chooses between readings that both fit.  The
numbers of a part go into arrays before the next part is read, so a reference needs about 17 bytes beside the text.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import repeat
from operator import add
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.base.errors import Refused, shown
from ..engine.base.units import PAGE, counted
from ..engine.mmu.formats.x86 import code_says
from .claims import Evidence
from .cleaned import LEAVES_OUT, leaves_out
from .exercises import OF_A_TRACE, listed

if TYPE_CHECKING:
    from ..reference_strings.trace import Trace

_KINDS = {
    word: kind
    for kind, words in enumerate(
        (
            "r rd read l ld load p_mem_rd 0 false",
            "w wr write s st store m p_mem_wr 1 true",
            "i f fetch ifetch p_fetch 2",
        )
    )
    for word in words.split()
}
_WORDS = "rd|wr|ld|st|read|write|load|store|i?fetch|p_mem_rd|p_mem_wr|p_fetch"
_HEX = "[0-9a-fA-F]{1,20}"
_COLUMNS = {
    "address": f"(?P<address>(?:0[xX])?{_HEX}|0[bB][01]{{1,64}})",
    "page": f"(?P<address>(?:0[xX])?{_HEX})",
    "0x": f"(?P<address>0[xX]{_HEX})",
    "pc": f"(?P<pc>0[xX]{_HEX}|[0-9a-fA-F]{{6,16}})",
    "hex": f"(?P<address>{_HEX})",
    "n": "[0-9]{1,20}",
    "process": "(?P<process>[Pp]?[0-9]{1,9})",
    "name": r"(?P<process>\w{1,20})",
    "size": "(?P<size>[1-9][0-9]{0,4})",
    "access": f"(?P<access>(?i:[rwif]|{_WORDS}))",
    "does": f"(?P<access>(?i:[rwiflsm]|{_WORDS}))",
    "any": f"(?P<access>(?i:[rwiflsm012]|true|false|{_WORDS}))",
    "task": r"(?:\S.{0,60}?[-/\s](?P<process>[0-9]{1,9})(?=[\s/]))?.{0,80}?\b",
}


class Form(NamedTuple):
    """A format: the pattern of its lines, and the base of numbers among which no number shows its base."""

    name: str
    line: str
    base: int = 16
    others: str = ""
    """The lines between its lines, which are passed over; if empty, every line must be a reference."""
    beside: str = "(?!)"
    """Lines of the format without a reference."""
    unit: int = 1
    """The bytes that a number counts."""
    says: str = ""
    """A sentence about another reading."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """The pattern for a whole text."""
        return _pattern(self.line)

    @property
    def is_beside(self) -> re.Pattern[str]:
        """The pattern for lines without a reference."""
        return _alone(self.beside)

    def is_line(self, line: str) -> bool:
        """Return whether this is a line of the format."""
        return self.pattern.match(line) is not None or self.is_beside.match(line) is not None

    @property
    def evidence(self) -> Evidence:
        """The evidence of its lines: words, the shape of an access beside an address, or numbers alone."""
        if self.others or self.name == TABLE or self in NAMED:
            return Evidence.NAME
        return Evidence.NUMBER if self in (NUMBERS, PAIRS, DINERO, NYU) else Evidence.SHAPE


@cache
def _pattern(line: str) -> re.Pattern[str]:
    named = re.sub(r"\{(\w+)\}", lambda one: _COLUMNS[one[1]], line.replace(" ", r"[ \t,;:|\"]+"))
    return re.compile(rf"^[ \t]*(?:{named})[ \t]*\r?$", re.MULTILINE)


@cache
def _alone(beside: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*(?:{beside})[ \t]*\r?$", re.MULTILINE)


@cache
def _any(*but: Form) -> re.Pattern[str]:
    """Return the pattern for a line of any format, for a text that has none."""
    every = "|".join(form.pattern.pattern[1:] for form in FORMS if form not in but)
    return re.compile(rf"^(?:{re.sub('[?]P<[a-z]+>', '?:', every)})", re.MULTILINE)


DINERO = Form(
    "Dinero",
    "(?P<access>[012]) {address}",
    says="Two readings fit lines such as '0 12': Dinero's, which is used (0 is a read, 1 a write, 2 a fetch, then an"
    " address), and a process with its page or address: a first line 'process page' or 'process address' chooses it.",
)
NUMBERS = Form("a number on each line", r"{address}[],;)}>.]*", 10)
PAIRS = Form(
    "two numbers on each line",
    "[Pp]?{n} {address}(?: {n})?",
    says="is not a reference: the numbers may be processes and pages; give vm.trace the addresses of one process,"
    " or name the columns in a first line: 'process page', 'process address', or 'count address' for Ramulator",
)
PINATRACE = Form("pinatrace", r"(?=0[xX]|\w+:){pc}:?[^\S\n]*{access} {address}(?: .*)?")
PAGES = NUMBERS._replace(
    unit=PAGE,
    says=f"All numbers are smaller than {PAGE:,}, and are read as pages: below a first line 'address', as addresses.",
)
OSTEP = Form(
    "OSTEP's translations",
    r"(?:VA(?: [0-9]+)?|Virtual Address) {address}(?: \(decimal [0-9]+\) -->| Translates To).*",
    others="of OSTEP's program",
)
NYU = Form("NYU's lab on paging", "(?P<access>[crwe]) {page}", 10, beside="[0-9]+(?: [0-9]+){0,3}", unit=PAGE)
BEFORE = Form("R or W and an address", "{does} {address}")
AFTER = Form("an address and R or W", "{address} {access}")
NAMED = (
    Form("an address with its name", r"(?i:v?addr(?:ess)?|va) {address}", 10),
    Form("a page with its name", r"(?i:v?page|vpn) {page}", 10, unit=PAGE),
)
FAULTS = (
    Form(
        "Linux's events of page faults",
        r"{task}page_fault_(?:user|kernel)\b[\s:(]*address[=:]\s*(?P<address>0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})[\s,]+ip"
        r"[=:]\s*[^\s,]+[\s,]+error_code[=:]\s*(?P<code>0x[0-9a-f]{1,8}|[0-9]{1,10})\b.*",
        10,
        others="of the tracer",
    ),
    Form(
        "perf's page faults",
        r"{task}(?P<code>m(?:in|aj)fault)\s+\[[^\n]*?\]\s+=>\s+(?:(?P<file>/(?!/)\S+)@|\S+@)?{0x}\b.*",
        others="of perf",
        says="A majfault had to read a file or swap space. Files have addresses of their own: offsets. Whether it was"
        " a write is not said: all count as reads.",
    ),
)
FORMS = (
    AFTER,
    *FAULTS,
    Form(
        "Valgrind's lackey",
        r"(?P<access>[ILSM])[^\S\n]{1,3}{hex},{size}",
        others="of Valgrind or the program",
    ),
    Form(
        "DynamoRIO's drmemtrace",
        r"(?:[0-9]+ ){0,2}T?[0-9]+ {access} {size} byte\(s\) @ {0x}\b.*",
        others="without an address",
    ),
    OSTEP,
    DINERO,
    BEFORE,
    Form("R or W, an address and a size", "{does} {address} {size}"),
    Form("an address, a size and R or W", "{0x} {size} {access}"),
    Form("a read from or a write to an address", f"(?P<access>(?i:{_WORDS})) (?:from|to|at|of) {{address}}"),
    *NAMED,
    Form("DRAMSim", "{0x} {access} {n}"),
    PINATRACE,
    Form("a process, an address and R or W", "{process} {address} {access}", 10),
    Form("a process, R or W and an address", "{process} {access} {address}", 10),
    Form("a process, R or W, an address and a value", f"{{process}} {{access}} {{hex}} {_HEX}"),
    NUMBERS,
    PAIRS,
    NYU,
)
"""The formats; if two fit a text equally well, the first is used."""

_BLANK = re.compile(r"^[ \t]*(?:(?:#|//|;|%).*|START|STOP)?\r?$")
_LETTER = re.compile(r"(?!0[xX]|0[bB][01]+$)[0-9]*[a-fA-F]")
"""A number that is hexadecimal without 0x: then all numbers of its column are hexadecimal, 0b10 too."""

_BEGUN = re.compile(r"[ \t]*(?:(?:[A-Z_]{1,9}|[rwifls]|(?:0[xX])?[0-9a-fA-F]{0,20})[ \t,:]*){0,4}")
"""The beginning of a reference, in any of the forms."""

_LACKEY = re.compile(r"[ILSM][ \t]{1,3}\S*")
"""A line that looks like lackey's output."""

_ROLES = {
    word: column
    for column, words in {
        "address": "address addresses addr vaddr va",
        "page": "page pages vpage vpn",
        "name": "process processes proc pid asid task tid",
        "any": "access type op rw w kind operation write",
        "other": "time timestamp tick step cycle line count index size bytes instructions",
    }.items()
    for word in words.split()
}
_NOISE = re.compile(
    r"\b(?:columns?|fields?|format|and|then|the|are|virtual|logical|page(?=[ _]addr)|is|number|no|id|read(?=/)"
    r"|r(?=/w)|hex|hexadecimal)\b|[^a-z0-9,;\t]|_"
)
TABLE = "this table"


def _headed(line: str) -> Form | None:
    """Return the format of the lines below a header of columns; None for any other line."""
    words = _NOISE.sub(" ", line.lower().replace("_", " "))
    comma = next((one for one in ",;\t" if one in words), None)
    names = [_ROLES.get(cell.strip()) for cell in words.split(comma)]
    where = "address" if "address" in names else "page"
    if where not in names or (None in names and (comma is None or "#" in line)):
        return None
    between, other, end = " ", r'[^\s,;:|"]+', ""
    if None in names:
        between, other, end = rf'{comma}[^\S\n]*"?', rf"[^{comma}\n]*", r'"?[^\S\n]*'
    columns = [other] * len(names)
    for name in {where, "name", "any"}.intersection(names):
        columns[names.index(name)] = f"{{{name}}}{end}"
    pattern = f'"?{between.join(columns)}"?' + f"(?:{between}.*)?" * (len(names) > 1)
    base, unit = 16 if "hex" in line.lower() else 10, PAGE if where == "page" else 1
    return Form(TABLE, pattern, base, beside=re.escape(line.strip()), unit=unit)


def _form_of(text: str) -> Form | None:
    """Return the format that most lines of a sample have; None if the first line, or half of them, have no format."""
    sample = text.split("\n")
    lines = [line for line in sample if not _BLANK.match(line)]
    together = "\n".join(lines)

    def fits(form: Form) -> int:
        count = len(form.pattern.findall(together)) + len(form.is_beside.findall(together))
        return count if form.others or (2 * count >= len(lines) > 0 and form.is_line(lines[0])) else 0

    heads = [*filter(None, map(_headed, (*filter(_BLANK.match, sample), *lines[:1])))]
    if not heads and not _any().search(together):
        return None
    best = max((*heads, *FORMS), key=fits)
    return best if fits(best) else None


SAMPLE = 20_000
"""The number of characters at the beginning of a text by which its format is known, beside lines from all over it."""

PART = 1 << 16
"""The number of characters that are read at once, and the rest of the line in which they end."""

MOST_NAMES = 1 << 15
"""The number of processes, or of line numbers, from which on further ones are not kept."""


def _sample(text: str) -> str:
    """Return the first lines of a text, and some from 200 places all over it."""
    if len(text) <= SAMPLE:
        return text
    places = range(SAMPLE, len(text), len(text) // 200 + SAMPLE // 200)
    return text[: text.find("\n", SAMPLE)] + "".join(
        text[text.find("\n", at) : text.rfind("\n", 0, at + 400)] for at in places
    )


class Recognized(NamedTuple):
    """A text with a reference a line, where its titles end, the titles, and the format of its lines."""

    text: str
    start: int
    titles: Sequence[str]
    form: Form

    @property
    def evidence(self) -> Evidence:
        """The evidence of the lines."""
        return self.form.evidence

    @property
    def lines(self) -> Collection[int]:
        """The numbers of the lines; of a long text all, if a sample has the format."""
        if len(self.text) > SAMPLE:
            return range(1, self.text.count("\n") + 2)
        is_line = self.form.pattern.match
        return frozenset(number for number, line in enumerate(self.text.split("\n"), 1) if is_line(line))


def are_references(text: str) -> bool:
    """Return whether nearly all of the first lines, and of lines from all over a text, are references of one format."""
    found, sample = recognized(text), _sample(text)
    return found is not None and len(found.form.pattern.findall(sample)) > 0.95 * sample.count("\n")


def recognized(text: str) -> Recognized | None:
    """Return how a text is read as references; None if it is not.  Looks at its first lines, and some of the others."""
    sample = _sample(text)
    if len(listed(sample)) > sample.count("\n") + 1:
        text = re.sub(r"[\s,;\[({<]+(?=[0-9])", "\n", text)
        sample = _sample(text)
    form = _form_of(sample)
    if form in (AFTER, BEFORE, None) and AFTER.pattern.search(sample) and BEFORE.pattern.search(sample):
        text, sample = (AFTER.pattern.sub(r"\g<access> \g<address>", one) for one in (text, sample))
        form = _form_of(sample)
    if form is not None:
        return Recognized(text, 0, (), form)
    start, titles = _titles(sample)
    form = _form_of(sample[start:]) if titles else None
    return Recognized(text, start, titles, form) if form is not None and _may_have(form, titles) else None


def read_references(found: Recognized | None, source: str, name: str = "", *passed: str) -> Trace | None:
    """Return the references in a text; None for a text in another format.

    `passed` are sentences about what was removed before.  Raises :class:`Refused` for a malformed line, with its
    number, and for an address of more than 64 bits.
    """
    from ..reference_strings.trace import Trace, ready  # with NumPy, which other texts don't need

    if found is None:
        return None
    text, start, titles, form = found
    cut = "" if text.endswith("\n") else _cut_address(form, text, start)
    stop = text.rfind("\n") + 1 if cut.endswith("not read.") else len(text)
    some = [one["address"] for one in form.pattern.finditer(_sample(text), start)]
    has_letter = any(map(_LETTER.match, some))
    base = 16 if has_letter else form.base
    made, said, shows_base = _read(form, has_letter, text[:stop], start, source)
    said += [cut] * bool(cut)
    if form is NUMBERS and len(made) > 2 and some[0] == str(len(made) - 1):
        said.append(f"The first number, {some[0]}, is the number of those below it, and is passed over.")
        made = made.part(1)
    if not len(made) and form.name == TABLE:
        raise Refused(f"{source} has a header, and no reference below it")
    if "".join(some).isalpha() or len(made) < 1 + (form in (NUMBERS, *NAMED)):
        return None  # words such as "I add", or "addr 0x10", a line of anything
    if form is NUMBERS and not shows_base and made.addresses.max() < PAGE:
        form, made = PAGES, Trace(made.addresses * PAGE)
    made.name = name
    if not shows_base and form.unit == 1 and not form.others and (form.name, base) != (TABLE, 16):
        head = " ".join(form.pattern.groupindex)
        said += [
            f"No address has 0x or a letter: all are read as {'hexadecimal' if base == 16 else 'decimal'} numbers.",
            f"A first line '{head}' chooses decimal addresses; 'hex address' or 'page' in it chooses these."
            if base == 16
            else "A first line with 'hex address' or 'page' chooses these.",
        ]
    said += [form.says] if form.says and not has_letter else []
    said += _page_said(text[:PART]) if form is OSTEP else []
    made.unsaid += (*(f"The title {shown(one)} is passed over." for one in titles), *said, *passed)
    return ready(made)


@cache
def _code(word: str) -> tuple[str, str]:
    """Return the access of a page fault, by its error code or perf's word, and the meaning of that."""
    if word in ("minfault", "majfault"):
        return "r", word
    code = int(word, 16 if word[1:2] == "x" else 10)
    if code > 0x3F or code & 8:
        return "r", f"error code {word}, which is not one of x86 (counted as a read)"
    says = code_says(code)
    return "i" if "fetch" in says else "w" if "write" in says else "r", f"error code {code:#x} ({says})"


def _read(form: Form, has_letter: bool, text: str, begin: int, source: str) -> tuple[Trace, list[str], bool]:
    """Return the references in a text, sentences about its other lines, and whether a number shows its base.

    Raises :class:`Refused` for an address of more than 64 bits.
    """
    from ..reference_strings.trace import MOST, Trace

    addresses, kinds, sizes, which, shows_base = array("Q"), array("B"), array("I"), array("H"), False
    is_right = (DINERO if form is PAIRS else form).is_line
    others, codes, before = list[tuple[int, str]](), Counter[str](), text.count("\n", 0, begin) + 1
    names: dict[str, int] = {}
    prefixes, base = ({*"xX"}, 16) if has_letter else ({*"xXbB"}, form.base)
    process, start = "0", begin
    while start < len(text):
        end = text.find("\n", start + PART) + 1 or len(text)
        found = form.pattern.findall(text, start, end)
        lines = text.count("\n", start, end)
        if form is PAIRS or len(found) < lines + (text[end - 1] != "\n"):
            numbered = enumerate(text[start:end].split("\n"), before)
            others += [(at, line.strip()) for at, line in numbered if not (is_right(line) or _BLANK.match(line))]
        before += lines
        process, columns = _columns(form, found, process)
        written, touched, start = columns["address"], [*map(int, columns["size"])], end
        together = "".join(written)
        shows_base = shows_base or not together.isdecimal()
        is_hex = together.count("x") == len(written)
        bases = repeat(16) if is_hex else (0 if one[1:2] in prefixes else base for one in written)
        try:
            numbers = [*map(int, written, bases)]
        except ValueError:  # the first letter is far from the first line
            return _read(form, True, text, begin, source)
        ends = [*map(add, numbers, touched)] if touched else numbers
        if max(ends, default=0) * form.unit > (1 << 64) - (not touched):
            what = written[ends.index(max(ends))]
            line = text.count("\n", 0, text.index(what)) + 1
            raise Refused(f"line {line:,} of {source}: the reference to {what} goes past 64 bits")
        addresses.extend(numbers)
        sizes.extend(touched)
        kinds.extend(map(_KINDS.__getitem__, map(str.lower, columns["access"])))
        codes.update(columns.get("code", ()))
        if len(names) <= MOST_NAMES:
            which.extend(names.setdefault(one, len(names)) for one in columns["process"])
        if len(addresses) > MOST:
            raise Refused(f"{source} has more than {MOST:,} references: at most so many are read at once")
    made = Trace(addresses, kinds or None, sizes or None)
    if form.unit > 1:
        made = Trace(made.addresses * form.unit, made.kinds)
    faults = [f"{counted(count, 'page fault')}: {_code(word)[1]}." for word, count in codes.most_common()]
    return _apart(made, names, which, form), [*faults, *_others(form, others, before, source)], shows_base


_TITLE = re.compile(r".*[A-Za-z]{3}.*|[0-9]{1,9}|[-=*_~+ ]{3,}")
_NO_TITLE = re.compile(r"backtrace|call|stack|panic|fault|crash|error|abort|kill|dump|registers|0x", re.IGNORECASE)
MOST_TITLES = 4
"""The most lines above a trace that may be titles, or the number of its lines."""


def _titles(text: str) -> tuple[int, list[str]]:
    """Return where the titles of a text end, and the titles: first lines of words, or one with a number alone."""
    lines = text.split("\n")
    start, end, titles = 0, 0, list[str]()
    for at, line in enumerate(lines[: 2 * MOST_TITLES]):
        title = line.strip()
        end += len(line) + 1
        if _BLANK.match(line):
            continue
        if not _TITLE.fullmatch(title) or _NO_TITLE.search(title) or len(titles) == MOST_TITLES or len(title) > 100:
            break
        below = next(filter(str.strip, lines[at + 1 : at + 9]), "")
        if title.isdecimal() and NUMBERS.is_line(below):
            break
        if _any(NUMBERS).match(line) or _headed(line):
            break
        start = end
        titles.append(title)
    return start, titles


def _may_have(form: Form, titles: Sequence[str]) -> bool:
    """Return whether lines below titles are a trace: numbers alone may be anything, unless a title says it."""
    is_said = OF_A_TRACE.search(" ".join(titles)) is not None
    return form is not PAIRS and (is_said or form not in (NUMBERS, DINERO, NYU))


def _cut_address(form: Form, text: str, start: int) -> str:
    """Return a sentence if digits may be missing in the address that ends a text, whose last line has no end.

    Such an address is left out if it has fewer digits than all others.
    """
    at = text.rfind("\n") + 1
    last = text[at:]
    match = form.pattern.match(last)
    if match is None or form.unit != 1 or form is NUMBERS or form is PAIRS:
        return ""
    if match.end("address") != len(last.rstrip()) or match.start("address") == len(last) - len(last.lstrip()):
        return ""
    others = {_digits(one) for one in form.pattern.finditer(text, start, at)}
    if _digits(match) < min(others, default=0):
        return (
            f"The address in the last line, {shown(last.strip()[:40])}, has fewer digits than all others, and nothing"
            " ends the line. If it is whole, add a line break; as it is, it is cut, and not read."
        )
    is_short = _digits(match) < max(others, default=0)
    return f"The text ends with the address {match['address']}: digits may be missing." * is_short


def _digits(match: re.Match[str]) -> int:
    return len(match["address"].lower().removeprefix("0x"))


def _page_said(text: str) -> list[str]:
    """Return a sentence about the page size that OSTEP's program prints above its addresses."""
    from ..reference_strings.trace import LARGEST, SMALLEST

    said = re.search(r"^[ \t]*ARG page size[ \t]+([0-9]{1,9})([kKmM]?)", text, re.MULTILINE)
    size = 0 if said is None else int(said[1]) << {"": 0, "k": 10, "m": 20}[said[2].lower()]
    if said is None or size == PAGE:
        return []
    has = f"The text says '{said[0].strip()}', and a trace counts in pages of {PAGE:,} bytes"
    if not SMALLEST <= size <= LARGEST or size & (size - 1):
        return [f"{has}: its pages of {size:,} can't be counted, only a power of two from {SMALLEST} bytes to 2 MiB."]
    return [f"{has}: for those of the text, give page={size} to faults and the other counts."]


def _columns(form: Form, found: Sequence[Any], process: str) -> tuple[str, dict[str, list[str]]]:
    """Return the last process of NYU's lab, and columns of lines, with pinatrace's program counters as fetches."""
    names: Sequence[str] = [*form.pattern.groupindex]
    if len(names) == 1:
        return process, {"access": [], "process": [], "size": [], names[0]: [*found]}
    rows: list[tuple[str, ...]] = []
    if form is PINATRACE:
        names, found = names[1:], [one for pc, does, address in found for one in (("i", pc), (does, address))]
    if form is NYU:
        for does, page in found:
            process = page if does == "c" else process
            rows += [(does, page, process)] if does in "rw" else []
        names, found = [*names, "process"], rows
    columns = {name: [row[at] for row in found] for at, name in enumerate(names)}
    if form in FAULTS:
        columns["access"] = [_code(one)[0] for one in columns["code"]]
        files = columns.get("file", columns["process"])
        columns["process"] = [file or task for file, task in zip(files, columns["process"], strict=True)]
    return process, {"address": [], "access": [], "process": [], "size": [], **columns}


def _apart(made: Trace, names: dict[str, int], which: array[int], form: Form) -> Trace:
    """Return a trace in which the processes of a column, and files, have addresses of their own."""
    from ..reference_strings.trace import of_programs

    every = sorted(names, key=lambda one: (len(one), one))
    titles = [one if "/" in one else f"process {one}" for one in every]
    if 2 < len(names) == len(which) and form.name != TABLE and form not in FAULTS:
        made.unsaid = ("The first number of each line is in no other line, and is passed over.",)
    elif len(names) > 1:
        made.unsaid = (f"Processes have addresses of their own: those of {titles[1]} begin at {1 << 56:#x}.",)
        ranks = {names[one]: rank for rank, one in enumerate(every)}
        few = array("B", map(ranks.__getitem__, which)) if len(names) < 256 else which  # more are refused
        return of_programs(made, few, titles)
    elif form.name != TABLE and every != [""]:
        made.unsaid = tuple(f"All references are of {one}." for one in titles)
    return made


def _others(form: Form, others: Sequence[tuple[int, str]], last: int, source: str) -> Iterator[str]:
    """Yield what other lines are not read: a last line that is cut, and what is between lines.

    Raises :class:`Refused` for another line in a format that has no others.
    """
    damaged = [one for one in others if not form.others or _LACKEY.fullmatch(one[1])]
    left_out = [at for at, line in others if leaves_out(line)]
    at, line = (damaged or [(0, "")])[0]
    first = shown(line[:40])
    if form.others:
        if left_out:
            yield f"Line {left_out[0]:,} {LEAVES_OUT}: their references are missing."
        if damaged:
            yield f"{counted(len(damaged), 'line')} of lackey can't be read; the first is line {at:,}, {first}."
        if rest := len(others) - len(left_out) - len(damaged):
            yield f"{counted(rest, 'line')} {form.others} passed over."
    elif at == last and len(line) < 80 and _BEGUN.fullmatch(line) and form is not PAIRS:
        yield f"The last line, {first}, is cut, and not read."
    elif damaged:
        why = form.says if form is PAIRS else f"is not a reference: this is a file of {form.name}"
        raise Refused(f"line {at:,} of {source}, {first}, {why}")

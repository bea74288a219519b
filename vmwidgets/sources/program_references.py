"""References of programs in files, as a table: a format is a pattern of a line, for which a whole text is searched.

In a pattern, a blank is any number of blanks or commas, and ``{address}`` is one of the columns below. A first line
that names columns, such as "process page", is a format of its own, and chooses between readings that both fit.
A million lines take two seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import repeat
from operator import add
from typing import TYPE_CHECKING, NamedTuple

from ..engine.base.errors import Refused, shown
from ..engine.base.units import PAGE, counted
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
    "address": f"(?P<address>(?:0[xX])?{_HEX})",
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

    def is_line(self, line: str) -> bool:
        """Return whether this is a line of the format."""
        return self.pattern.match(line) is not None or re.fullmatch(self.beside, line.strip()) is not None


@cache
def _pattern(line: str) -> re.Pattern[str]:
    named = re.sub(r"\{(\w+)\}", lambda one: _COLUMNS[one[1]], line.replace(" ", r"[ \t,;:|\"]+"))
    return re.compile(rf"^[ \t]*(?:{named})()[ \t]*\r?$", re.MULTILINE)  # two groups or more: tuples are found


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
FORMS = (
    AFTER,
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
_LETTER = re.compile(r"(?!0[xX])[0-9]*[a-fA-F]")
"""A number that is hexadecimal without 0x: then all numbers of its column are hexadecimal."""

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
    """Return the format that most of the first lines have; None if the first line, or half of them, have no format."""
    sample = text[:20_000].split("\n")[: -1 if len(text) > 20_000 else None]
    lines = [line for line in sample if not _BLANK.match(line)]

    def fits(form: Form) -> int:
        count = sum(map(form.is_line, lines))
        return count if form.others or (2 * count >= len(lines) > 0 and form.is_line(lines[0])) else 0

    heads = filter(None, map(_headed, (*filter(_BLANK.match, sample), *lines[:1])))
    best = max((*heads, *FORMS), key=fits)
    return best if fits(best) else None


_NUMBER = f"(?:0[xX]{_HEX}|[0-9]{{1,20}})"


def _in_lines(text: str) -> tuple[str, Sequence[str], Form | None]:
    """Return a text with a reference a line, the titles above it, and the format, or None if it has none."""
    if len(listed(text, _NUMBER)) > text.count("\n") + 1:
        text = re.sub(r"[\s,;\[({<]+(?=[0-9])", "\n", text)
    form = _form_of(text)
    if form in (AFTER, BEFORE, None) and AFTER.pattern.search(text) and BEFORE.pattern.search(text):
        text = AFTER.pattern.sub(r"\g<access> \g<address>", text)
        form = _form_of(text)
    if form is not None:
        return text, (), form
    text, titles = _without_titles(text)
    form = _form_of(text) if titles else None
    return text, titles, form if form is not None and _may_have(form, titles) else None


def read_references(text: str, source: str, name: str = "", *passed: str) -> Trace | None:
    """Return the references in a text; None for a text in another format.

    `passed` are sentences about what was removed before.  Raises :class:`Refused` for a malformed line, with its
    number, and for an address of more than 64 bits.
    """
    from ..reference_strings.trace import MOST, Trace, ready  # with NumPy, which other texts don't need

    text, titles, form = _in_lines(text)
    if form is None:
        return None
    lines = text.split("\n")
    found = form.pattern.findall(text)
    if len(found) > MOST:
        raise Refused(f"{source} has {len(found):,} references: at most {MOST:,} are read at once")
    is_whole = len(found) == len(lines) - (not lines[-1]) - (form.name == TABLE) and form is not PAIRS
    said = [] if is_whole else [*_others(form, lines, source)]
    if not text.endswith("\n") and (cut := _cut_address(form, found, lines[-1])):
        said.append(cut)
        found = found[:-1] if cut.endswith("not read.") else found
    if form is NUMBERS and len(found) > 2 and found[0][0] == str(len(found) - 1):
        said.append(f"The first number, {found[0][0]}, is the number of those below it, and is passed over.")
        found = found[1:]
    columns = _columns(form, found)
    written = columns["address"]
    if not found and form.name == TABLE:
        raise Refused(f"{source} has a header, and no reference below it")
    is_alone = len(written) < 2 and form in (NUMBERS, *NAMED)
    if not written or "".join(written).isalpha() or is_alone:
        return None  # words such as "I add", or "addr 0x10", a line of anything
    has_letter, has_no_base = any(map(_LETTER.match, written)), all(map(str.isdecimal, written))
    base = 16 if has_letter else form.base
    form = PAGES if form is NUMBERS and has_no_base and max(map(int, written)) < PAGE else form
    numbers = [form.unit * int(one, 16 if one[1:2] in ("x", "X") else base) for one in written]
    sizes = [*map(int, columns["size"])] or None
    ends = [*map(add, numbers, sizes or repeat(1))]
    if max(ends) > 1 << 64:
        place = ends.index(max(ends))
        what = written[place]
        at, sized = text.count("\n", 0, text.index(what)) + 1, counted(sizes[place], "byte") if sizes else ""
        goes = f"{sized} at {what} go past" if sizes else f"the address {what} has more than"
        raise Refused(f"line {at:,} of {source}: {goes} 64 bits")
    made = Trace(numbers, [_KINDS[one.lower()] for one in columns["access"]], sizes, name=name)
    made = _apart(made, columns["process"], form.name == TABLE)
    if has_no_base and form.unit == 1 and not form.others and (form.name, base) != (TABLE, 16):
        head = " ".join(form.pattern.groupindex)
        said += [
            f"No address has 0x or a letter: all are read as {'hexadecimal' if base == 16 else 'decimal'} numbers.",
            f"A first line '{head}' chooses decimal addresses; 'hex address' or 'page' in it chooses these."
            if base == 16
            else "A first line with 'hex address' or 'page' chooses these.",
        ]
    said += [form.says] if form.says and not has_letter else []
    said += _page_said(text) if form is OSTEP else []
    made.unsaid += (*(f"The title {shown(one)} is passed over." for one in titles), *said, *passed)
    return ready(made)


_TITLE = re.compile(r".*[A-Za-z]{3}.*|[0-9]{1,9}|[-=*_~+ ]{3,}")
_NO_TITLE = re.compile(r"backtrace|call|stack|panic|fault|crash|error|abort|kill|dump|registers|0x", re.IGNORECASE)
MOST_TITLES = 4
"""The most lines above a trace that may be titles, or the number of its lines."""


def _without_titles(text: str) -> tuple[str, list[str]]:
    """Return the text with its titles as remarks, and the titles: first lines of words, or one with a number alone."""
    lines = text.split("\n")
    titles: list[str] = []
    for at, line in enumerate(lines[: 2 * MOST_TITLES]):
        title = line.strip()
        if _BLANK.match(line):
            continue
        if not _TITLE.fullmatch(title) or _NO_TITLE.search(title) or len(titles) == MOST_TITLES or len(title) > 100:
            break
        below = next(filter(str.strip, lines[at + 1 : at + 9]), "")
        if title.isdecimal() and NUMBERS.is_line(below):
            break
        if any(form.pattern.match(line) for form in FORMS if form is not NUMBERS) or _headed(line):
            break
        lines[at] = f"# {title}"
        titles.append(title)
    return "\n".join(lines), titles


def _may_have(form: Form, titles: Sequence[str]) -> bool:
    """Return whether lines below titles are a trace: numbers alone may be anything, unless a title says it."""
    is_said = OF_A_TRACE.search(" ".join(titles)) is not None
    return form is not PAIRS and (is_said or form not in (NUMBERS, DINERO, NYU))


def _cut_address(form: Form, found: Sequence[tuple[str, ...]], last: str) -> str:
    """Return a sentence if digits may be missing in the address that ends a text, whose last line has no end.

    Such an address is left out if it has fewer digits than all others.
    """
    match = form.pattern.match(last)
    if match is None or form.unit != 1 or form is NUMBERS or form is PAIRS or len(found) < 2:
        return ""
    if match.end("address") != len(last.rstrip()) or match.start("address") == len(last) - len(last.lstrip()):
        return ""
    at = [*form.pattern.groupindex].index("address")
    digits, *others = (len(row[at].lower().removeprefix("0x")) for row in (found[-1], *found[:-1]))
    if digits < min(others):
        return (
            f"The address in the last line, {shown(last.strip()[:40])}, has fewer digits than all others, and nothing"
            " ends the line. If it is whole, add a line break; as it is, it is cut, and not read."
        )
    return f"The text ends with the address {match['address']}: digits may be missing." * (digits < max(others))


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


def _columns(form: Form, found: Sequence[tuple[str, ...]]) -> dict[str, list[str]]:
    """Return the columns of the lines by name, with pinatrace's program counters as fetches, and NYU's processes."""
    names: Sequence[str] = [*form.pattern.groupindex]
    rows: list[tuple[str, ...]] = []
    if form is PINATRACE:
        names, found = names[1:], [one for pc, does, address, _ in found for one in (("i", pc), (does, address))]
    if form is NYU:
        process = "0"
        for does, page, _ in found:
            process = page if does == "c" else process
            rows += [(does, page, process)] if does in "rw" else []
        names, found = [*names, "process"], rows
    columns = {name: [row[at] for row in found] for at, name in enumerate(names)}
    return {"address": [], "access": ["r"] * len(found), "process": [], "size": [], **columns}


def _apart(made: Trace, column: Sequence[str], is_headed: bool) -> Trace:
    """Return a trace in which the processes of a column have addresses of their own."""
    from ..reference_strings.trace import of_programs

    names = sorted(set(column), key=lambda one: (len(one), one))
    if 2 < len(names) == len(column) and not is_headed:
        made.unsaid = ("The first number of each line is in no other line, and is passed over.",)
    elif len(names) > 1:
        made.unsaid = (f"Processes have addresses of their own: those of process {names[1]} begin at {1 << 56:#x}.",)
        at = {name: number for number, name in enumerate(names)}
        return of_programs(made, [at[one] for one in column], [f"process {one}" for one in names])
    elif not is_headed:
        made.unsaid = tuple(f"All references are of process {one}." for one in names)
    return made


def _others(form: Form, lines: Sequence[str], source: str) -> Iterator[str]:
    """Yield what is not read: a last line that is cut, and what is between lines.

    Raises :class:`Refused` for another line in a format that has no others.
    """
    is_right = (DINERO if form is PAIRS else form).is_line
    others = [(at, line.strip()) for at, line in enumerate(lines, 1) if not (is_right(line) or _BLANK.match(line))]
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
    elif at == len(lines) and len(line) < 80 and _BEGUN.fullmatch(line) and form is not PAIRS:
        yield f"The last line, {first}, is cut, and not read."
    elif damaged:
        why = form.says if form is PAIRS else f"is not a reference: this is a file of {form.name}"
        raise Refused(f"line {at:,} of {source}, {first}, {why}")

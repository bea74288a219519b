"""The lists of QEMU's monitor, `info mem` of x86 and of RISC-V, `info tlb` and `info pg`; Bochs', uCore's, Linux's.

`info tlb` lists page tables, in spite of its name: each page with the flags of its last descriptor.  uCore's
`print_pgdir` lists the tables of each level: a page has a right only if each table above it has the right, too.
Linux's ptdump (/sys/kernel/debug/page_tables/kernel, kernel_page_tables) lists runs of addresses with the flags of
pages:

0xffff800000000000-0xffff800000200000           2M PMD       RW NX SHD AF            BLK UXN MEM/NORMAL
0xffffffff81000000-0xffffffff82000000          16M     ro         PSE     GLB x  pmd
0xffffffd800200000-0xffffffd800e00000    0x0000000080200000        12M PMD     D A G . . W R V
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.units import MIB, PAGE
from ...given.pasted import LeftOut, Listing, SaidRange
from .. import cleaned
from .lines import places
from .parts import Parts

WORDS = ("vpn range", " s:0", " s:1", "page table", "pgd", "pmd", "pte")
"""Words that make a line of a long text relevant to this reader, in small letters."""

_FLAGS = re.IGNORECASE | re.ASCII
_H, _S = r"([0-9a-f]{8,16})", r"\s{1,9}"
"""A number, and the space between two."""

_LIMIT = 1 << 64


@frozen
class Format:
    """The format of a command: its line, the line's contents (None if contradictory), and what no line shows."""

    name: str
    line: re.Pattern[str]
    read: Callable[[re.Match[str]], SaidRange | list[SaidRange] | Level | None]
    unsaid: str = ""
    of: str = "QEMU's monitor"
    """The system that prints it."""
    wrong: str = "contradicts itself"
    """What is wrong with a line without contents."""
    at_end: str = ""
    """What may be missing in a line that ends the text."""
    is_whole: bool = True
    """Whether everything that is not listed is not mapped."""


def _has_all_digits(match: re.Match[str], *groups: int) -> bool:
    """Return whether the numbers, which the monitor pads to one width, have all their digits."""
    return {len(match[group]) for group in groups} in ({8}, {16})


def _mem_x86(match: re.Match[str]) -> SaidRange | None:
    start, end, size = (int(match[number], 16) for number in (1, 2, 3))
    user, read, write = tuple(match[4].lower())
    # the end of the upper half is printed without its sign bits, so only the low 48 bits agree
    if (end - start - size) % (1 << 48) or not _has_all_digits(match, 1, 2, 3):
        return None
    return _range(start, size, f"{read}{write}?{user}", None)


def _mem_riscv(match: re.Match[str]) -> SaidRange | None:
    start, pa, size = (int(match[number], 16) for number in (1, 2, 3))
    if not _has_all_digits(match, 1, 3):  # a physical address has 16 digits on 32 bits, too
        return None
    return _range(start, size, match[4].lower()[:4], pa)


def _tlb_x86(match: re.Match[str]) -> SaidRange | None:
    if not _has_all_digits(match, 1, 2):
        return None
    flags = match[3].upper()
    rights = f"r{'w' if flags[8] == 'W' else '-'}{'-' if flags[0] == 'X' else 'x'}{'u' if flags[7] == 'U' else '-'}"
    return _range(int(match[1], 16), 2 * MIB if flags[2] == "P" else PAGE, rights, int(match[2], 16))


def _has_4_mib(ranges: Sequence[SaidRange]) -> bool:
    """Return whether large pages of a list may be those of 32-bit tables with two levels, which have no X.

    All begin at a multiple of 4 MiB, and no other page begins within one.
    """
    large = [one for one in ranges if one.size > PAGE]
    is_even = not any(one.start % (4 * MIB) or (one.pa or 0) % (4 * MIB) or one.start >> 32 for one in large)
    has_room = all(after.start - one.start >= 4 * MIB for one, after in pairwise(ranges) if one.size > PAGE)
    return len(large) > 1 and is_even and has_room and all("x" in one.rights for one in ranges)


def _range(start: int, size: int, rights: str, pa: int | None) -> SaidRange | None:
    sound = size and start % PAGE == 0 and size % PAGE == 0 and start + size <= _LIMIT
    return SaidRange(start, size, rights, pa) if sound else None


def _start(match: re.Match[str]) -> SaidRange | None:
    return _range(int(match[1], 16) * PAGE, PAGE, f"r{match[3].lower()}?{match[2].lower()}", int(match[4], 16) * PAGE)


def _tab(match: re.Match[str]) -> SaidRange | None:
    start, last, pa, end = (int(match[number], 16) for number in (1, 2, 3, 4))
    return _range(start, last - start + 1, "r???", pa) if last - start == end - pa else None


def _pt(match: re.Match[str]) -> SaidRange | None:
    """Return a line of gdb-pt-dump: flags of both modes, or of user code and of the kernel, as AArch64 has them."""
    flags = {name: value == "1" for name, value in re.findall(r"([A-Z]+):([01])", match[4])}
    user = not flags.get("S", True)
    if "S" not in flags:
        mine, others = match[4].split()[:3], match[4].split()[3:]
        user = any(one.endswith("1") for one in mine)
        flags = {one[0]: one.endswith("1") for one in (mine if user else others)}
    letters = "".join(name.lower() if flags.get(name, name == "R") else "-" for name in "RWX")
    return _range(int(match[1], 16), int(match[2], 16), letters + "-u"[user], int(match[3], 16) if match[3] else None)


_LACKS = "contradicts itself or lacks digits"

START = Format(
    "START PAGE TABLE of xv6 for x86",
    re.compile(r"^\s*(?:0x)?([0-9a-f]{1,13})\s+P\s+([U-])\s+([W-])\s+(?:0x)?([0-9a-f]{1,13})\s*$", _FLAGS),
    _start,
    "This list does not say what may be executed.",
    "xv6 for x86",
    _LACKS,
    "digits of a frame",
)
"""The pages of a process by their numbers, as courses let xv6 print them: present, user, writable, frame."""

FORMATS = (
    Format(
        "info mem of RISC-V",
        re.compile(rf"(?<![0-9a-z]){_H}{_S}{_H}{_S}{_H}{_S}([r-][w-][x-][u-][g-][a-][d-])(?![\w-])", _FLAGS),
        _mem_riscv,
        wrong=_LACKS,
    ),
    Format(
        "info mem of x86",
        re.compile(rf"(?<![0-9a-z]){_H}-{_H}{_S}{_H}{_S}([u-][r-][w-])(?![\w-])", _FLAGS),
        _mem_x86,
        "Info mem of x86 does not say what may be executed, nor physical addresses.",
        wrong=_LACKS,
    ),
    Format(
        "info tlb of x86, which lists page tables",
        re.compile(rf"(?<![0-9a-z]){_H}:{_S}{_H}{_S}([X-][G-][P-][D-][A-][C-][T-][U-][W-])(?![\w-])", _FLAGS),
        _tlb_x86,
        "Info tlb of x86 lists page tables, not the TLB. It has the flags of each page's last descriptor only, and the"
        " tables above may allow less; it does not say the size of a large page (P), which is taken as 2 MiB if nothing"
        " else is said here.",
        wrong=_LACKS,
    ),
    Format(
        "info tab of x86 (Bochs)",
        re.compile(rf"(?<![0-9a-z])0x{_H}-0x{_H} -> 0x{_H}-0x{_H}(?![0-9a-z])", _FLAGS),
        _tab,
        "Info tab of Bochs says no rights.",
        "Bochs' debugger",
        _LACKS,
    ),
    START,
    *(
        Format(
            f"pt of gdb-pt-dump{on}",
            re.compile(
                rf"0x([0-9a-f]{{1,16}}) :\s+0x([0-9a-f]{{1,16}})(?: :\s+0x([0-9a-f]{{1,16}}))?\s+{flags}", _FLAGS
            ),
            _pt,
            of="gdb-pt-dump",
            wrong=_LACKS,
        )
        for on, flags in (
            (", x86", r"\| ?(W:[01] X:[01] S:[01] UC:[01] WB:[01])"),
            ("", r"(?:\| ?)?(W:[01] X:[01] R:[01] S:[01]|(?:R:[01] W:[01] X:[01]\s*){2})"),
        )
    ),
)

_ALMOST = re.compile(r"\s{0,9}([0-9a-f]{8}|[0-9a-f]{1,16}(\s*$|[-:\s]\s{0,9}[0-9a-f]{6,16}\b))", _FLAGS)
"""The beginning of a line that belongs to the previous listing, or is cut off."""

_PG = re.compile(
    rf"\[([0-9a-fA-F]{{5,13}})-([0-9a-fA-F]{{5,13}})\]{_S}(PML[45]|PDPE?|PDE|PTE)\[([0-9a-fA-F]{{1,3}})(?:-([0-9a-fA-F]{{1,3}}))?\]"
    rf"{_S}([X-]?[-GSTCUDAPW]{{7,9}})(?:{_S}(.*))?",
    re.ASCII,
)
"""`info pg` of x86, which some builds of QEMU have: page numbers, an entry, its flags and the frames of pages."""

_HEAD = re.compile(r"VPN range\s+Entry\s+Flags|^\s*Address :\s+Length\b|^\s*(?:START|END) PAGE TABLE\b")


def _pg(match: re.Match[str]) -> list[SaidRange] | None:
    """Return the pages of a line of `info pg`: an empty list for a table's line, None for a contradictory line."""
    first, last, flags = int(match[1], 16), int(match[2], 16), match[6]
    entries = int(match[5] or match[4], 16) - int(match[4], 16) + 1
    if last < first or "P" not in flags or (match[3] == "PTE" and last - first + 1 != entries):
        return None
    if match[3] != "PTE" and "S" not in flags:
        return []
    rights = f"r{'w' if 'W' in flags else '-'}{'-' if flags[0] == 'X' else 'x'}{'u' if 'U' in flags else '-'}"
    frames: list[int] = []
    for part in (match[7] or "").split():
        low, _, high = part.partition("-")
        if not re.fullmatch(r"[0-9a-f]{1,13}(-[0-9a-f]{1,13})?", part, _FLAGS):
            if part.strip("."):
                return None
            break  # "..." stands for more lines
        frames += range(int(low, 16), min(int(high or low, 16), int(low, 16) + last - first) + 1)
    if len(frames) != last - first + 1:
        frames = (
            frames[:1] if frames and frames == [*range(frames[0], frames[0] + len(frames))] and "-" in match[7] else []
        )
        pa = frames[0] * PAGE if frames and match[3] != "PTE" else None
        return [SaidRange(first * PAGE, (last - first + 1) * PAGE, rights, pa)]
    return [SaidRange((first + n) * PAGE, PAGE, rights, frame * PAGE) for n, frame in enumerate(frames)]


PGDIR = "print_pgdir of uCore"
"""The name of uCore's listing; its format is `print_pgdir` in kern/mm/pmm.c, and `perm2str` there."""

_LEVEL = re.compile(
    r"\b(PT|PTE|PDE?|PMD|PDPT?E?|PUD|PML4E?|P4D|PGD)\s?[(\[]\s?(?:0x)?([0-9a-f]{1,9})\s?[)\]]:?\s{1,9}"
    r"([0-9a-f]{8,16})-([0-9a-f]{8,16})\s{1,9}([0-9a-f]{8,16})\s{1,9}([u-][r-][w-])([x-]?)(?![\w-])",
    _FLAGS,
)
_DEPTHS = {"PT": 1, "PM": 2, "PD": 2, "PDP": 3, "PU": 3, "P4": 4, "PG": 4, "PML4": 4}
"""The heights of tables above a page, by the beginnings of their names."""

_LEVEL_HEAD = re.compile(r"\b(?:PTE|PDE)\s?[(\[]\s?(?:0x)?[0-9a-f]{1,9}\s?[)\]](?!\s{0,3}(?:=|-|@))", _FLAGS)
_END = re.compile(r"-{3,} ?END ?-{3,}|^\s*END PAGE TABLE\b")
_SPANS = {2: (2 * MIB, 4 * MIB), 3: (1 << 30,), 4: (1 << 39, 1 << 30)}
"""The bytes that a descriptor of each height maps, with entries of 64 and of 32 bits (Intel SDM 3A, 4.3 and 4.5)."""


class Level(NamedTuple):
    """A line of uCore's listing: `height` is 1 for pages; the rights are "u", "w", "x", "-", or "" if not said."""

    height: int
    start: int
    size: int
    user: str
    write: str
    execute: str
    line: int = 0


def _level(match: re.Match[str]) -> Level | None:
    """Return the contents of a line of uCore's listing; None if it contradicts itself."""
    start, end, size = (int(match[group], 16) for group in (3, 4, 5))
    name = match[1].upper()
    height = next(height for begins, height in reversed(_DEPTHS.items()) if name.startswith(begins))
    bits = 32 if len(match[5]) == 8 else 48
    if not _has_all_digits(match, 3, 4, 5) or (end - start - size) % (1 << bits) or not size or start % PAGE:
        return None
    counts = {int(match[2], 16), *([int(match[2])] if match[2].isdecimal() else [])}  # uCore prints hexadecimal
    spans = (PAGE,) if height == 1 else _SPANS[height]
    if not any(count * span == size for count in counts for span in spans):
        return None
    rights = match[6].lower()
    return Level(height, start, size, rights[0], rights[2], match[7].lower())


_UNITS = {unit: 10 * at for at, unit in enumerate("KMGTPE", 1)}


def _ptdump(match: re.Match[str]) -> SaidRange | None:
    start, end = int(match[1], 16), int(match[2], 16) or _LIMIT
    if end - start != int(match[4]) << _UNITS[match[5]]:
        return None
    return _range(start, end - start, _rights(match[6]), int(match[3], 16) if match[3] else None)


def _rights(flags: str) -> str:
    """Return the rights that ptdump prints, as four letters; none for an unmapped range."""
    words = flags.split()
    letters = [word for word in words if len(word) == 1]
    if len(letters) >= 6 and set(letters) <= set("DAGUXWRV.F"):
        return "".join(letter.lower() if letter in letters and "V" in letters else "-" for letter in "RWXU")
    if "RW" not in words and "ro" not in words:
        return _NONE
    execute = "x" if "x" in words else "-" if "NX" in words or "UXN" in words else "?"  # the line is cut
    return f"r{'w' if 'RW' in words else '-'}{execute}{'u' if 'USR' in words else '-'}"


_NONE = "----"
_SECTION = re.compile(r"---\[ .* \]---")


OFF = {"PG disabled": "x86", "No translation or protection": "RISC-V"}
"""The monitor's message if paging is off."""


@dataclass
class _Open:
    """A listing that is being read: its pieces, what is missing before each piece, and uCore's tables above a page."""

    form: Format
    line: int
    ranges: list[SaidRange] = field(default_factory=list)
    gaps: list[tuple[int, str]] = field(default_factory=list)
    """The number of pieces before each gap, and why the gap is there."""
    above: list[Level] = field(default_factory=list)
    bare: list[Level] = field(default_factory=list)
    """uCore's tables without a line below them."""
    is_ended: bool = False
    """Whether the text has the line after the listing."""

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The addresses between the pieces around each gap."""
        found = []
        for before, why in self.gaps:
            start = self.ranges[before - 1].end if before else 0
            end = self.ranges[before].start if before < len(self.ranges) else _LIMIT
            found += [LeftOut(start, end, why)] * (start < end)
        return tuple(found)


class _Marks:
    """The lines since the last line of a listing that stand for missing lines."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self.after: list[str] = []
        """The reasons that follow the listing's last line immediately."""
        self.before: list[str] = []
        """The reasons that the next line follows immediately."""
        self._touches = True

    def add(self, why: str) -> None:
        """Add a line that stands for missing lines."""
        self.all.append(why)
        self.before.append(why)
        if self._touches:
            self.after.append(why)

    def interrupt(self) -> None:
        """Note a line of something else."""
        self._touches = False
        self.before = []


def read(parts: Parts) -> None:
    """Add the listings in the lines of a text, each as runs of equal permissions, and the facts that it lacks."""
    unsaid: list[str] = []
    found: list[_Open] = []
    marks, follows = _Marks(), False
    for number, line in enumerate(parts.lines, 1):
        if not line or line.isspace():
            follows = False
            continue
        unsaid += [f"Line {number}: paging was off ({name})." for words, name in OFF.items() if words in line]
        said = [*_said(number, line, parts, unsaid)]
        for form, one in said:
            if one is None:
                marks.add(f"line {number} of the text contradicts itself, and may have listed this")
                continue
            _add(found, form, one, number, marks)
            marks = _Marks()
        latest = found[-1].form if found else None
        is_end = latest in (UCORE, START) and _END.search(line) is not None
        if is_end:
            found[-1].is_ended = True
        if is_end or _HEAD.search(line) or (latest is PTDUMP and _SECTION.search(line)):
            parts.claimed.add(number)
        if said:
            parts.claimed.add(number)
        elif cleaned.leaves_out(line):
            marks.add(f"line {number} of the text {cleaned.LEAVES_OUT}")
        elif _LEVEL_HEAD.search(line) or (found and follows and _ALMOST.match(line)):
            of = PGDIR if not found or _LEVEL_HEAD.search(line) else found[-1].form.name
            unsaid.append(f"Line {number} looks like a line of {of}, and can't be read.")
            marks.add(f"line {number} of the text can't be read, and may have listed this")
        else:
            marks.interrupt()
        follows = bool(said) or (follows and bool(_ALMOST.match(line)))
    if found:
        found[-1].gaps += [(len(found[-1].ranges), why) for why in marks.after]
        _close(found, parts, unsaid)
    else:
        parts.unsaid += unsaid


def _close(found: list[_Open], parts: Parts, unsaid: list[str]) -> None:
    """Add the listings to the parts of the text, with sentences about what they do not say."""
    for one in found:
        if one.form.read is _tlb_x86 and _has_4_mib(one.ranges):
            one.ranges[:] = [replace(each, size=4 * MIB) if each.size > PAGE else each for each in one.ranges]
            unsaid.append(
                "Large pages are taken as 4 MiB, not 2 MiB, as of tables with two levels: all begin at a multiple."
            )
        if one.form is UCORE:
            _close_tables(one, unsaid)
        if one.form is START and not one.is_ended:
            one.gaps.append((len(one.ranges), "the list has no line END PAGE TABLE, and may go on"))
        for _, why in one.gaps:
            if (line := why.removesuffix(f" of the text {cleaned.LEAVES_OUT}")) != why:
                unsaid.append(f"{line.capitalize()} {cleaned.LEAVES_OUT}: the addresses that they map are not said.")
                parts.claimed.add(int(line.removeprefix("line ")))
        absent = () if one.form.is_whole else tuple(each for each in one.ranges if each.rights == _NONE)
        pieces = tuple(each for each in one.ranges if each not in absent)
        parts.listings.append(Listing(one.form.name, pieces, one.line, absent, one.form.is_whole, one.left_out))
        parts.what[one.form.of] = None
    parts.unsaid += [*unsaid, *{one.form.name: one.form.unsaid for one in found if one.form.unsaid}.values()]


def _close_tables(one: _Open, unsaid: list[str]) -> None:
    """Note uCore's tables without a page below them: nothing of them is mapped, unless their lines are missing."""
    if one.above and one.above[-1] in one.bare and not one.is_ended:
        last = one.above[-1]
        one.gaps.append((len(one.ranges), f"the list ends with line {last.line} of the text, and no page follows"))
        one.bare.remove(last)
    if one.bare and not one.ranges:
        one.gaps.append((0, f"no line below line {one.bare[0].line} of the text lists pages"))
        unsaid.append("The text lists tables and no page (PTE): what is mapped there is not said.")
    elif one.bare:
        lines = [each.line for each in one.bare]
        unsaid.append(
            f"{places(lines).capitalize()} {'lists' if len(lines) == 1 else 'list'} tables without a page (PTE):"
            " nothing of these is mapped, if no line is missing and they are not large pages."
        )


def _said(number: int, line: str, parts: Parts, unsaid: list[str]) -> Iterator[tuple[Format, _Contents | None]]:
    """Yield the contents of a line that belongs to a listing; None for contents that contradict themselves."""
    for form in (UCORE,) if _LEVEL.search(line) else ALL:
        for match in form.line.finditer(line):
            said = form.read(match)
            if form.at_end and parts.ends_in(number, match.end()):
                unsaid.append(f"The text ends within line {number} of {form.name}: {form.at_end} may be missing.")
            if said is None:
                unsaid.append(f"Line {number} of {form.name} {form.wrong}, and is left out.")
            yield form, said


INFO_PG = Format(
    "info pg of x86",
    _PG,
    _pg,
    "Info pg of x86 has the flags of each page's last descriptor; the tables above may allow less.",
    at_end="frames",
)
UCORE = Format(
    PGDIR,
    _LEVEL,
    _level,
    "Print_pgdir of uCore does not say physical addresses, nor what may be executed: rights are those that all listed"
    " levels have, and '?' where a level is missing.",
    "uCore",
)
_SAYS = r"\b(?:pgd|p4d|pud|pmd|pte|PGD|P4D|PUD|PMD|PTE|NX|RW|ro|SHD|USR|GLB|PSE)\b|[DAGUXWRV.](?: [DAGUXWRV.]){5,}"
"""What a line of ptdump says of its pages; RISC-V has letters."""
_FROM_TO = r"(?:^|[\s|])(?:0x)?([0-9a-fA-F]{8,16})-(?:0x)?([0-9a-fA-F]{8,16})\s+(?:0x([0-9a-fA-F]{8,16})\s+)?"
PTDUMP = Format(
    "ptdump of Linux",
    re.compile(rf"{_FROM_TO}([0-9]{{1,12}})([KMGTPE])(?=\s.*(?:{_SAYS}))\s+(.*\S)\s*$", re.ASCII),
    _ptdump,
    of="ptdump of Linux",
    at_end="flags",
    is_whole=False,
)
ALL = (*FORMATS, INFO_PG, PTDUMP)
_Contents = SaidRange | list[SaidRange] | Level


def _add(found: list[_Open], form: Format, contents: _Contents, number: int, marks: _Marks) -> None:
    """Add a line's contents to the last listing, or to a new one: in one listing, addresses only grow."""
    last = found[-1] if found else None
    level = contents._replace(line=number) if isinstance(contents, Level) else None
    said = contents if isinstance(contents, list) else [contents] if isinstance(contents, SaidRange) else []
    start = said[0].start if said else level.start if level is not None else None
    is_next = last is not None and last.form is form
    if is_next and last is not None and start is not None and last.ranges:
        is_next = last.ranges[-1].end <= start
    if is_next and last is not None and level is not None and not last.ranges and last.above:
        is_next = level.height < last.above[-1].height or last.above[-1].start < level.start
    if not is_next or last is None:
        if last is not None:
            last.gaps += [(len(last.ranges), why) for why in marks.after]
        last = _Open(form, number)
        found.append(last)
        last.gaps += [(0, why) for why in marks.before]
    else:
        last.gaps += [(len(last.ranges), why) for why in marks.all]
    if level is not None:
        said = _of_level(last, level)
    last.ranges.extend(said)


def _of_level(one: _Open, level: Level) -> list[SaidRange]:
    """Return the piece of a line of pages; a line of tables is kept for the lines below it.

    A page that lies in no table of the text has the rights of its own descriptor at most: they are "?" if it has them.
    """
    above = one.above
    while above and (above[-1].height <= level.height or not _holds(above[-1], level)):
        above.pop()
    if above and above[-1] in one.bare:
        one.bare.remove(above[-1])
    if level.height > 1:
        above.append(level)
        one.bare.append(level)
        return []
    levels = (*above, level)
    flags = [[each.write for each in levels], [each.execute for each in levels], [each.user for each in levels]]
    write, execute, user = ("-" if "-" in each else "?" if not above or "" in each else each[0] for each in flags)
    return [SaidRange(level.start, level.size, f"r{write}{execute}{user}")]


def _holds(table: Level, level: Level) -> bool:
    return table.start <= level.start and level.start + level.size <= table.start + table.size

"""The lists of QEMU's monitor: `info mem` of x86 and of RISC-V, and `info tlb` of x86.

`info tlb` lists page tables, in spite of its name: each page with the flags of its last descriptor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from vmwidgets.engine.base.frozen import frozen

from ...engine.base.units import MIB, PAGE
from ...engine.mmu.pasted import Listing, SaidRange
from .parts import Parts

_FLAGS = re.IGNORECASE | re.ASCII
_H, _S = r"([0-9a-f]{8,16})", r"\s{1,9}"
"""A number, and the space between two."""

_LIMIT = 1 << 64


@frozen(slots=False)
class Format:
    """The format of a command: its line, the line's contents (None if contradictory), and what no line shows."""

    name: str
    line: re.Pattern[str]
    read: Callable[[re.Match[str]], SaidRange | None]
    unsaid: str = ""


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


FORMATS = (
    Format(
        "info mem of RISC-V",
        re.compile(rf"(?<![0-9a-z]){_H}{_S}{_H}{_S}{_H}{_S}([r-][w-][x-][u-][g-][a-][d-])(?![\w-])", _FLAGS),
        _mem_riscv,
    ),
    Format(
        "info mem of x86",
        re.compile(rf"(?<![0-9a-z]){_H}-{_H}{_S}{_H}{_S}([u-][r-][w-])(?![\w-])", _FLAGS),
        _mem_x86,
        "Info mem of x86 does not say what may be executed, nor physical addresses.",
    ),
    Format(
        "info tlb of x86, which lists page tables",
        re.compile(rf"(?<![0-9a-z]){_H}:{_S}{_H}{_S}([X-][G-][P-][D-][A-][C-][T-][U-][W-])(?![\w-])", _FLAGS),
        _tlb_x86,
        "Info tlb of x86 lists page tables, not the TLB. It has the flags of each page's last descriptor only, and the"
        " tables above may allow less; it does not say the size of a large page (P), which is taken as 2 MiB if nothing"
        " else is said here.",
    ),
)  # fmt: skip

_ALMOST = re.compile(r"\s{0,9}([0-9a-f]{8}|[0-9a-f]{1,16}\s*$)", _FLAGS)
"""The beginning of a line that belongs to the previous listing, or is cut off."""

_PG = re.compile(
    rf"\[([0-9a-f]{{5,13}})-([0-9a-f]{{5,13}})\]{_S}(PML[45]|PDPE?|PDE|PTE)\[([0-9a-f]{{1,3}})(?:-([0-9a-f]{{1,3}}))?\]"
    rf"{_S}([X-]?[-GSTCUDAPW]{{7,9}})(?:{_S}(.*))?",
    re.ASCII,
)
"""`info pg` of x86, which some builds of QEMU have: page numbers, an entry, its flags and the frames of pages."""

_PG_HEAD = re.compile(r"VPN range\s+Entry\s+Flags")


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
        if not re.fullmatch(r"[0-9a-f]{1,13}(-[0-9a-f]{1,13})?", part):
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


OFF = {"PG disabled": "x86", "No translation or protection": "RISC-V"}
"""The monitor's message if paging is off."""


def read(parts: Parts) -> None:
    """Add the listings in the lines of a text, each as runs of equal permissions, and the facts that it lacks."""
    unsaid: list[str] = []
    found: list[tuple[Format, int, list[SaidRange]]] = []
    follows = False
    for number, line in enumerate(parts.lines, 1):
        if not line:
            follows = False
            continue
        unsaid += [f"Line {number}: paging was off ({name})." for words, name in OFF.items() if words in line]
        is_listed = _listed(found, number, line, parts, unsaid)
        if _PG_HEAD.search(line):
            parts.claimed.add(number)
        if found and follows and not is_listed and _ALMOST.match(line):
            unsaid.append(f"Line {number} looks like a line of {found[-1][0].name}, and can't be read.")
        if is_listed:
            parts.claimed.add(number)
        follows = is_listed or (follows and bool(_ALMOST.match(line)))
    for form, _, ranges in found:
        if form.read is _tlb_x86 and _has_4_mib(ranges):
            ranges[:] = [replace(one, size=4 * MIB) if one.size > PAGE else one for one in ranges]
            unsaid.append(
                "Large pages are taken as 4 MiB, not 2 MiB, as of tables with two levels: all begin at a multiple."
            )
    names = {form.name: form.unsaid for form, _, _ in found if form.unsaid}
    parts.listings += [Listing(form.name, tuple(ranges), number) for form, number, ranges in found]
    parts.unsaid += [*unsaid, *names.values()]
    if found:
        parts.what["QEMU's monitor"] = None


def _listed(
    found: list[tuple[Format, int, list[SaidRange]]], number: int, line: str, parts: Parts, unsaid: list[str]
) -> bool:
    """Add the contents of a line; returns whether it belongs to a listing."""
    is_listed = False
    for form in FORMATS:
        for match in form.line.finditer(line):
            is_listed = True
            said = form.read(match)
            if said is None:
                unsaid.append(f"Line {number} of {form.name} contradicts itself or lacks digits, and is left out.")
            else:
                _add(found, form, number, [said])
    entry = _PG.search(line)
    if entry is not None:
        is_listed = True
        if parts.ends_in(number, entry.end()):
            unsaid.append(f"The text ends within line {number} of info pg of x86: frames may be missing.")
        pages = _pg(entry)
        if pages is None:
            unsaid.append(f"Line {number} of info pg of x86 contradicts itself, and is left out.")
        else:
            _add(found, INFO_PG, number, pages)
    return is_listed


INFO_PG = Format(
    "info pg of x86", _PG, lambda match: None,
    "Info pg of x86 has the flags of each page's last descriptor; the tables above may allow less.",
)  # fmt: skip


def _add(found: list[tuple[Format, int, list[SaidRange]]], form: Format, number: int, said: list[SaidRange]) -> None:
    last = found[-1] if found else None
    is_next = last is not None and last[0] is form and (not last[2] or not said or last[2][-1].end <= said[0].start)
    if not is_next:
        found.append((form, number, []))  # addresses only grow: this is the next listing
    found[-1][2].extend(said)

"""Page tables as xv6's `vmprint` prints them, in the formats of all years of the course.

A line is `..0: pte 0x… pa 0x…`: as many pairs of dots as levels, then the index in the table (2020 to 2023) or the
virtual address (since 2024).  A line `page table 0x…` before them names the root, in most years.

A printed table is in order: a descriptor is followed by its table's descriptors, and indices only increase.  So a line
that can't follow the line before it shows that something is missing, or that two tables were printed at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ...engine.base.units import Address
from ...engine.mmu.formats.riscv import A, D, R, U, V, W, X
from .. import cleaned
from .assign import MOST_AT_ONCE, assignments
from .lines import places, runs, whole_hex
from .parts import Parts
from .printed import HIGHEST, LEVELS, Item, Printed, can_follow
from .said import PastedTables, Path, SaidTable

WORDS = ("pte", "page table", "pagetable", "..")
"""Words that make a line of a long text relevant to this reader, in small letters."""

_FLAGS = re.IGNORECASE | re.ASCII
_TABLE = re.compile(
    r"page ?table[\s:=]{1,9}(?:at\s{1,9})?(?:(?:pa|root)[\s:=]{1,9})?(?:0x)?([0-9a-f]{1,40})(?![0-9a-z])", _FLAGS
)
_AT = r"0x[0-9a-f]{1,40}|[0-9a-f]{16}|[0-9]{1,3}"
_LEADING = r"\.\.(?:\s{0,9}\.\.){0,4}"
_BAR = r"(?:\|\|\s{0,9}){1,5}|(?:[|│]\s{0,9}){0,4}[|`+├└][-─]{1,4}"
_LINE = re.compile(
    rf"(?P<dots>{_LEADING})\s{{0,9}}(?P<at>{_AT})\s{{0,9}}:\s{{0,9}}"
    r"pte\s{1,9}(?:0x)?(?P<pte>[0-9a-f]{1,40})\s{1,9}pa\s{1,9}(?:0x)?(?P<pa>[0-9a-f]{1,40})",
    _FLAGS,
)
_OTHER = re.compile(
    rf"(?P<dots>{_LEADING}|{_BAR})\s{{0,9}}(?:idx|index|va)?[\s:=]{{0,5}}\[?(?P<at>{_AT})\]?(?![0-9a-z])(?P<rest>.*)",
    _FLAGS,
)
"""A line of a table in another format: students print bars and trees, and name or order the numbers differently."""

_PTE = re.compile(r"\bpte[\s:=]{1,5}(?:0x)?([0-9a-f]{1,40})(?![0-9a-z])", _FLAGS)
_PA = re.compile(r"\bpa[\s:=]{1,5}(?:0x)?([0-9a-f]{1,40})(?![0-9a-z])", _FLAGS)
_RIGHTS = re.compile(r"\b(?:flags?|perms?|rights)[\s:=]{1,5}([r-][w-][x-][u-])(?![\w-])", _FLAGS)

_ALMOST = re.compile(r"\.\.\s{0,9}(0x[0-9a-f]{1,40}|[0-9]{1,3})\s{0,9}:|(?<!!)\bpte\s+0x|\bpa\s+0x[0-9a-f]{9}", _FLAGS)
"""A pattern that matches only lines of a table: if such a line does not match the full pattern, it is damaged.

WinDbg's command `!pte 0x…` is not one.
"""

_BARE = re.compile(
    r"\s*(?:(?:0x[0-9a-f]{1,40}|[0-9a-f]{16}|[0-9]{1,3})\s{0,9}:)?\s{0,9}"
    r"pte\s{1,9}(?:0x)?[0-9a-f]{1,40}\s{1,9}pa\s{1,9}(?:0x)?[0-9a-f]{1,40}\s*",
    _FLAGS,
)
"""A line that has lost its dots, perhaps with its index, which looks like a line number."""

_ELLIPSIS = re.compile(r"[…‥](?=[\s.…‥]{0,20}(?:0x[0-9a-f]{1,40}|[0-9a-f]{16}|[0-9]{1,3})\s{0,9}:)", _FLAGS)
"""A character that an editor or a web page puts in place of a pair of dots."""

_BEGUN = re.compile(r"\s*\.(\.\s*\.)*\.?\s*(0x[0-9a-f]*|[0-9]*)\s*", _FLAGS)
"""The beginning of a table's line, which counts only right after another such line, at the end of the text."""

_IN_BETWEEN = re.compile(r"\s*(h|ha|har|hart( [0-9]*( s[a-z]*)?)?)?\s*", re.ASCII)
"""Another hart's output while it boots, perhaps cut off: it does not show that a table has ended."""

_DOTS = re.compile(r"\.\.(?:\s{0,9}\.\.){0,4}")

MOST_LOST = 8
"""The most descriptors of a table without its beginning that are listed."""

_HAS_NUMBER = re.compile(r"0x[0-9a-f]{3}|\b[0-9a-f]{8}", _FLAGS)


def read(parts: Parts) -> None:
    """Add the tables in the lines of a text, and what they do not show."""
    lines, unsaid = parts.lines, parts.unsaid
    items = _without_cut_head(list(_items(parts)))
    unsaid += _said_of(items)
    parts.claimed.update(item.line for item in items)
    items = list(_nested(items, parts))
    unsaid += _said_of([item._replace(damage=MISALIGNED) for item in items if item.is_misaligned])
    if not any(item.depth and not item.damage for item in items):
        if not any(item.damage for item in items):
            unsaid += [_unknown(item.line, lines) for item in items if item.is_root]
        return
    found, lost, mixed = _in_turn(items)
    if mixed:
        both = assignments(items) if not any(item.damage for item in items) else None
        if both is None:
            parts.refuse(
                f"In {places([item.line for item in items])} two tables are printed at the same time, and the text does"
                " not say which line belongs to which: print them again with one hart (make CPUS=1 qemu)."
            )
            return
        found, lost = _apart(items, both), []
    if lost:
        many = "belongs" if len(lost) == 1 else "belong"
        unsaid.append(
            f"{places([item.line for item in lost]).capitalize()} {many} to a table whose beginning is missing: which"
            f" addresses this maps is not said. {_contents(lost)}"
        )
    if found and all(_IN_BETWEEN.fullmatch(line) for line in _behind(items[-1], lines)):
        _mark_end(found[-1], items[-1], unsaid)
    unsaid += [_unknown(one.first, lines) for one in found if not one.items]
    made = [_made(one, number, unsaid) for number, one in enumerate(one for one in found if one.items)]
    parts.tables += made
    if made:
        parts.what["vmprint of xv6"] = None


def _contents(lost: Sequence[Item]) -> str:
    """Return a sentence with the descriptors that are in no table."""
    said = [f"PTE {item.word:#x}, physical address {Address(page_of(item.word))}" for item in lost[:MOST_LOST]]
    if len(lost) == 1:
        return f"It has {said[0]}."
    more = f"; and {len(lost) - MOST_LOST:,} more" * (len(lost) > MOST_LOST)
    return f"They have {'; '.join(said)}{more}."


def _behind(last: Item, lines: Sequence[str]) -> Iterator[str]:
    """Yield the text after a table's last line: the rest of that line if it begins with a blank, then other lines."""
    line = _dotted(lines[last.line - 1])
    rest = line[max((found.end() for found in _LINE.finditer(line)), default=len(line)) :]
    yield rest if rest[:1].isspace() else ""
    yield from lines[last.line :]


def _said_of(items: Sequence[Item]) -> Iterator[str]:
    """Yield sentences about lines that can't be read, or only in part; equal neighbours share a sentence."""
    by_words: dict[str, list[int]] = {}
    for item in items:
        if words := item.damage or item.note:
            by_words.setdefault(words, []).append(item.line)
    for words, numbers in by_words.items():
        for run in runs(numbers):
            if len(run) == 1:
                yield f"Line {run[0]} {words}."
            else:
                many = words.replace("looks like a line", "look like lines").replace("has a", "have a")
                yield f"{places(run).capitalize()} {many.replace('leaves ', 'leave ').replace('gives ', 'give ')}."


def _nested(items: Sequence[Item], parts: Parts) -> Iterator[Item]:
    """Yield the items, except tables whose lines have lost the dots at the left, and with them their depths."""
    roots = [number for number, item in enumerate(items) if item.is_root]
    starts = sorted({0, *roots})
    for first, end in zip(starts, [*starts[1:], len(items)], strict=True):
        group = items[first:end]
        if not _is_flat([item for item in group if item.depth and not item.damage], len(roots)):
            yield from group
            continue
        parts.refuse(
            f"In {places([item.line for item in group])} the dots at the left of lines are missing: which table a"
            " descriptor belongs to is not said, so nothing is walked there. Paste the table as it was printed."
        )


def _is_flat(items: Sequence[Item], roots: int) -> bool:
    """Return whether the lines of one table are less deep than their descriptors.

    A descriptor that leads to a table comes right before that table's descriptors.  A whole table has a third level;
    until it comes, lines of two tables that are printed at once can look alike.
    """
    deepest = max((item.depth for item in items), default=0)
    if len(items) < 3 or deepest == LEVELS or (deepest > 1 and roots > 1):
        return False
    returns = any(
        one.is_table and one.depth == other.depth and not can_follow(one.path, True, other)
        for one, other in pairwise(items)
    )
    is_level = len({item.depth for item in items}) == 1  # else a page that is not aligned is the kernel's mistake
    odd = is_level and any(item.is_misaligned for item in items)
    return returns or (odd and any(item.is_table and item.depth == deepest for item in items))


def _unknown(line: int, lines: Sequence[str]) -> str:
    if any(_HAS_NUMBER.search(one) for one in lines[line : line + 3]):
        return f"Line {line} names a page table, but the lines below it are not in a form that is known."
    return f"Line {line} names a page table of which no line follows."


def _items(parts: Parts) -> Iterator[Item]:
    """Yield the contents of each line that belongs to a table."""
    lines, before, begun = parts.lines, False, False
    for number, line in enumerate(lines, 1):
        if not line or number in parts.claimed:
            before = before and not line
            continue
        as_dots = _dotted(line)
        found = list(_found(as_dots, number, parts, begun))
        if as_dots != line:
            found = [item._replace(note=item.note or ELLIPSIS) for item in found]
        if not found and begun and cleaned.leaves_out(line):
            found = [Item(number, damage=LEAVES_OUT)]
        if not found and (_ALMOST.search(as_dots) or (before and number == len(lines) and _BEGUN.fullmatch(line))):
            found = [_damaged(as_dots, number)]
        yield from found
        before = bool(found) or (before and _IN_BETWEEN.fullmatch(line) is not None)
        begun = begun or bool(found)


def _dotted(line: str) -> str:
    return _ELLIPSIS.sub("..", line)


def _without_cut_head(items: list[Item]) -> list[Item]:
    """Return the items; the first counts as damaged if the text may begin within its dots, which hides its depth.

    If it refers to another table and a descriptor of that table follows, its depth is right.
    """
    if not items or items[0].line > 1 or items[0].is_root or items[0].depth in (0, LEVELS):
        return items
    first = items[0]
    if first.is_table and len(items) > 1 and items[1].depth == first.depth + 1:
        return items
    return [Item(1, damage="is the first, and may be cut"), *items[1:]]


def _found(line: str, number: int, parts: Parts, begun: bool) -> Iterator[Item]:
    line = line.replace("\t", " ")
    root = _TABLE.search(line)
    if root is not None:
        value = whole_hex(root[1])
        sound = value is not None and value % 4096 == 0 and 0 < value < 1 << 56
        note = "" if sound else f"has a root address that no table can have, {root[1][:20]}"
        yield Item(number, value if sound else None, note=note, is_root=True)
    usual = [*_LINE.finditer(line)]
    for found in usual:
        path = _path(found["dots"].count(".."), found["at"])
        word, pa = whole_hex(found["pte"]), whole_hex(found["pa"])
        has_lost_a_dot = line[: found.start()].rstrip().endswith(".")
        if path is None or word is None or has_lost_a_dot:
            yield _damaged(line, number)
            continue
        agrees = pa == page_of(word) or not word & V
        note = "" if agrees else "has a pa that is not the one in its pte, which is used"
        yield Item(number, None, path, word, note=note)
    other = None if usual or not begun else _OTHER.search(line)
    if other is not None:
        yield from _otherwise(other, number, parts)


def _otherwise(match: re.Match[str], number: int, parts: Parts) -> Iterator[Item]:
    """Yield a line in another format than xv6's, if it contains enough."""
    dots, rest = match["dots"], match["rest"]
    depth = dots.count("..") or dots.count("||") or len(re.findall(r"[|`+│├└]", dots))
    pte, pa, rights = _PTE.search(rest), _PA.search(rest), _RIGHTS.search(rest)
    path = _path(depth, match["at"])
    if path is None or (pte is None and (pa is None or rights is None)):
        return
    if pa is None and (parts.ends_in(number, match.end()) or parts.has_pa(_has_both)):
        return  # a line whose end is missing
    place = whole_hex(pa[1]) if pa is not None else None
    if pte is not None:
        word = whole_hex(pte[1])
        if word is None:
            yield Item(number, None, (-1,) * depth if depth <= LEVELS else (), damage=UNREAD)
            return
        agrees = place is None or place == page_of(word) or not word & V
        yield Item(
            number, None, path, word, note="" if agrees else "has a pa that is not the one in its pte, which is used"
        )
    elif rights is not None and place is not None and place % 4096 == 0:
        bits = sum(bit for letter, bit in zip(rights[1], (R, W, X, U), strict=True) if letter != "-")
        word = place >> 2 | bits | V | (A | D if bits & (R | W | X) else 0)
        yield Item(
            number, None, path, word, note="gives rights and no descriptor, of which the other bits are not said"
        )


def _has_both(lines: Sequence[str]) -> bool:
    return any(_PTE.search(line) and _PA.search(line) for line in lines if line)


UNREAD = "looks like a line of a page table and can't be read"
NO_DOTS = (
    "looks like a line of a page table without the dots at the left, which say the table that a descriptor is in: paste"
    " the table as it was printed"
)
MISALIGNED = (
    "has a large page that does not begin at a multiple of its size: if the line has not lost two of its dots, the"
    " processor refuses the page, so nothing is mapped there"
)
ELLIPSIS = "has an ellipsis in place of dots, which is read as two dots"
LEAVES_OUT = f"{cleaned.LEAVES_OUT}: the addresses that they map are not said"


def _damaged(line: str, number: int) -> Item:
    if _BARE.fullmatch(line):
        return Item(number, damage=NO_DOTS)
    dots = _DOTS.search(line)
    depth = dots[0].count("..") if dots else 0
    whole = dots is not None and not line[: dots.start()].strip() and depth <= LEVELS
    return Item(number, None, (-1,) * depth if whole else (), damage=UNREAD)


def _path(depth: int, at: str) -> Path | None:
    """Return the indices of a line; None if there can be no such descriptor."""
    if depth > LEVELS:
        return None
    if len(at) < 4 and not at.lower().startswith("0x"):
        return (*(-1,) * (depth - 1), int(at)) if int(at) < 512 else None
    va = whole_hex(at.lower().removeprefix("0x"))
    if va is None or va % (1 << 39 - 9 * depth):
        return None
    return tuple(va >> 30 - 9 * level & 511 for level in range(depth))


def _in_turn(items: Sequence[Item]) -> tuple[list[Printed], list[Item], bool]:
    """Return the tables, as if printed one after the other, the misfits, and whether two were printed at once."""
    found: list[Printed] = []
    lost: list[Item] = []
    damaged = any(item.damage or item.is_misaligned for item in items)
    for item in items:
        if item.damage or item.is_misaligned:
            if found:
                _miss(found[-1], item)
            continue
        if item.is_root:
            found.append(Printed(item.root, item.line))
        elif found and found[-1].follows(item):
            found[-1].add(item)
        elif not damaged and any(one.follows(item) for one in found[-MOST_AT_ONCE:]):
            return found, lost, True
        elif item.depth == 1:
            found.append(Printed(None, item.line))
            found[-1].add(item)
        else:
            lost.append(item)
            if found and found[-1].is_whole:
                found[-1].damage(0, f"before line {item.line} of the text something is missing")
    return found, lost, False


def _miss(table: Printed, item: Item) -> None:
    """Note what a line that can't be read, or has lost dots, may have listed."""
    line = f"line {item.line} of the text"
    if item.is_misaligned:
        why = f"{line} has lost dots, or a page that is not aligned"
        if table.follows(item):
            table.miss(table.path[: item.depth - 1], item.path[-1], item.path[-1] + 1, why)
        table.damage(LEVELS, why, is_one=True)
    elif item.damage == LEAVES_OUT:
        table.damage(item.depth, f"{line} {cleaned.LEAVES_OUT}")
    else:
        table.damage(item.depth, f"{line} can't be read, and it may have listed this", is_one=True)


def _apart(items: Sequence[Item], whose: Sequence[int]) -> list[Printed]:
    """Return two tables that were printed at once, if the table of each line is certain."""
    found: list[Printed] = []
    for item, number in zip(items, whose, strict=True):
        if item.is_root:
            found.append(Printed(item.root, item.line))
        else:
            found[number].add(item)
    return found


def _mark_end(one: Printed, last: Item, unsaid: list[str]) -> None:
    """Note that the text ends with the last line of a table, so that the rest of the table may be missing."""
    if one.path == HIGHEST:
        return
    one.ends(f"the text ends with line {last.line}, and the table may go on")
    unsaid.append(
        f"The text ends with line {last.line}, which is not the end of a table: the mappings above are missing."
        " Paste the next line too, if there is one."
    )


def _made(one: Printed, number: int, unsaid: list[str]) -> PastedTables:
    """Return the tables in memory, each at the address in its descriptor; the root may be in unused memory."""
    addresses: dict[Path, int] = {(): one.root or _unused(one)}
    tables: dict[int, SaidTable] = {addresses[()]: SaidTable()}
    tables[addresses[()]].gaps += one.gaps.get((), [])
    for path, item in one.items:
        table = tables[addresses[path[:-1]]]
        table.words[path[-1]] = item.word
        if item.is_table:
            address = addresses[path] = page_of(item.word)
            tables.setdefault(address, SaidTable()).gaps.extend(one.gaps.get(path, []))
    lines = one.items[0][1].line, one.items[-1][1].line
    if one.root is None:
        unsaid.append(f"The table in {places([*lines])} has no root address: {addresses[()]:#x} is put in its place.")
    name = f"table {number}"
    listed = [(path, item.word) for path, item in one.items]
    return PastedTables(name, tables, addresses[()], listed, lines, root_is_said=one.root is not None)


def _unused(one: Printed) -> int:
    """Return the address of a page that the text does not refer to."""
    used = {page_of(item.word) for _, item in one.items}
    return next(address for address in range(0, 4096 * (len(used) + 1), 4096) if address not in used)


def page_of(word: int) -> int:
    """Return the address in a descriptor of Sv39: xv6's PTE2PA."""
    return (word >> 10 & (1 << 44) - 1) << 12

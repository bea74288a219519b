"""The sizes that questions ask for, each with its formula and its numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from ..engine.base.errors import Refused, shown
from ..engine.base.units import binary_size
from .given import address, items_of
from .layout import names_of
from .widths import MOST_BITS, Widths, entry_bytes, in_bytes, index_bits, need, units_of, whole
from .worked import Worked, exact


def linear(known: Widths) -> Worked:
    """Return the bytes of one linear table: 2^(va - offset) entries."""
    need(known, "va", "offset", "entry")
    size = (1 << (known.vpn or 0)) * (known.entry or Fraction(1))
    each = in_bytes(known.entry)
    line = f"2^({known.va} - {known.offset}) x {each} = 2^{known.vpn} x {each}"
    return Worked("linear table", exact(size), in_bytes(size), ("2^(va - offset) x entry", line))


def tables(known: Widths, ranges: Iterable[Any]) -> Worked:
    """Return the tables that map these ranges, by level, beside one linear table."""
    need(known, "va", "offset", "levels", "entry")
    spans, offset = [], known.offset or 0
    for _, one in items_of("tables", ranges, "a list of (start, size)"):
        start, size = one if isinstance(one, (tuple, list)) and len(one) == 2 else (0, one)
        pages = re.fullmatch(r"\s*([\d,_]+)\s*pages?\s*", size) if isinstance(size, str) else None
        units = int(re.sub("[,_]", "", pages[1])) << offset if pages else units_of(size, "size", known.unit)
        first = address(start)
        if first + units > 1 << (known.va or 0):
            raise Refused(f"range {shown(one)} ends past the {known.va} bits of an address")
        spans.append((first >> offset, first + units - 1 >> offset))
    lines, total, shift = [], Fraction(0), known.vpn or 0
    parts: list[tuple[str, Any]] = []
    for level, (_, name) in enumerate(names_of(known.depth)):
        count, each = _touched(spans, shift), known.table_bytes(level) or Fraction(0)
        lines.append(f"{name}: {count:,} x {in_bytes(each)}")
        parts.append((name, count))
        total += count * each
        shift -= (known.levels or ())[level]
    said = " + ".join(lines), f"one linear table would have {linear(known).words}"
    return Worked("tables", exact(total), in_bytes(total), said, tuple(parts))


def _touched(spans: Sequence[tuple[int, int]], shift: int) -> int:
    """Return the number of blocks of 2**shift pages that these spans of pages touch."""
    count, last = 0, -1
    for first, end in sorted((first >> shift, end >> shift) for first, end in spans):
        count += max(0, end - max(first, last + 1) + 1)
        last = max(last, end)
    return count


def inverted(known: Widths, pid: Any, entry: Any, *, chain: bool) -> Worked:
    """Return the size of an inverted table: an entry for each frame, of `entry` bytes or of PID, VPN and chain bits."""
    need(known, "pa", "offset")
    count = 1 << (known.pfn or 0)
    line = f"2^({known.pa} - {known.offset}) = {count:,} entries"
    size = entry_bytes(entry) or known.entry
    if pid is not None and entry is None:
        need(known, "va")
        bits = whole(pid, "pid", 0, MOST_BITS), known.vpn or 0, (known.pfn or 0) * bool(chain)
        size = Fraction(sum(bits), 8)
        words = " + ".join(f"{name} {each}" for name, each in zip(("PID", "VPN", "chain"), bits, strict=True) if each)
        each = f"({words} = {sum(bits)} bits)"
    elif size is None:
        return Worked("inverted table", count, f"{count:,} entries", (line,), (("entries", count),))
    else:
        each = in_bytes(size)
    return Worked(
        "inverted table",
        exact(count * size),
        in_bytes(count * size),
        (line, f"{count:,} x {each}"),
        (("entries", count),),
    )


MOST_KEY = (1 << 64) - 1
"""The greatest number of a process or of a page."""


def _anchor(hashed: Callable[[int, int], int], pid: int, vpn: int) -> int:
    """Return the hash of a page, from a learner's function."""
    try:
        return whole(hashed(pid, vpn), f"hashed({pid}, {vpn})", -MOST_KEY, MOST_KEY)
    except Refused:
        raise
    except Exception as error:  # whatever a learner's function does
        raise Refused(f"hashed({pid}, {vpn}) failed: {type(error).__name__}: {error}") from error


def probes(entries: Iterable[Any], hashed: Callable[[int, int], int], pid: int, vpn: int) -> Worked:
    """Return the entries that a lookup in a hashed inverted table reads: the chain from the hash's anchor on."""
    if not callable(hashed):
        raise Refused(f"hashed={shown(hashed)} can't be called: write a function of pid and vpn")
    pid, vpn = whole(pid, "pid", 0, MOST_KEY), whole(vpn, "vpn", 0, MOST_KEY)
    chains: dict[int, list[tuple[int, int, int]]] = {}
    for _, one in items_of("probes", entries, "a list of (pid, vpn, frame)"):
        if not isinstance(one, (tuple, list)) or len(one) != 3:
            raise Refused(f"probes: {shown(one)} is not (pid, vpn, frame)")
        owner, page, frame = (whole(number, "probes", 0, MOST_KEY) for number in one)
        chains.setdefault(_anchor(hashed, owner, page), []).append((owner, page, frame))
    anchor = _anchor(hashed, pid, vpn)
    chain = chains.get(anchor, [])
    at = next((place for place, one in enumerate(chain) if one[:2] == (pid, vpn)), None)
    read = chain if at is None else chain[: at + 1]
    words = "not found" if at is None else f"frame {chain[at][2]}"
    path = ", ".join(f"({owner}, {page})" for owner, page, _ in read) or "empty"
    line = f"hash({pid}, {vpn}) = {anchor}; the chain: {path}"
    return Worked(
        "probes", len(read), f"{len(read)}, {words}", (line,), (("frame", None if at is None else chain[at][2]),)
    )


def best_page(size: Any, entry: Fraction) -> Worked:
    """Return the page for which a table and half of a last page together are smallest: sqrt(2 × size × entry)."""
    total = units_of(size, "size", 1)
    least = float(2 * total * entry) ** 0.5
    low = 1 << max(0, int(least).bit_length() - 1)
    near = min((low, 2 * low), key=lambda page: (total * entry / page + Fraction(page, 2), page))
    is_power = abs(least - near) < 1e-6 * near
    words = binary_size(near) if is_power else f"{least:,.1f} B; the best power of two is {binary_size(near)}"
    return Worked(
        "best page",
        near,
        words,
        (
            "sqrt(2 x size x entry), the least of size / page x entry + page / 2",
            f"sqrt(2 x {total:,} x {in_bytes(entry)})",
        ),
    )


# ---- a size that follows from the others -----------------------------------------------------------


def solve(known: Widths, what: object) -> Worked:
    """Return "page", "levels", "va" or "entry" from the others, with its equation, if all tables fill one page.

    "page" is the smallest power of two for which the levels reach all addresses.
    """
    if isinstance(what, str) and what == "page":
        return _page(need(known, "va", "entry"))
    if not isinstance(what, str) or what not in ("levels", "va", "entry"):
        raise Refused(
            f"solve({shown(what)}): write 'page', 'levels', 'va' or 'entry', or a number of time() with time="
        )
    need(known, "offset", *(["entry"] if what != "entry" else []), *(["va"] if what != "va" else []))
    page, offset, depth = known.page or 1, known.offset or 0, known.depth
    if what == "entry":
        each = -(-(known.vpn or 0) // depth)
        size = Fraction(page, 1 << each)
        line = f"{binary_size(page)} / 2^{each}, with ({known.va} - {offset}) / {depth} = {each} index bits"
        return Worked("entry", exact(size), in_bytes(size), ("page / 2^(index bits)", line))
    bits = index_bits(page, known.entry or Fraction(1))
    words = f"log2({binary_size(page)} / {in_bytes(known.entry)}) = {bits} index bits"
    if what == "levels":
        count = -(-(known.vpn or 0) // bits)
        line = f"({known.va} - {offset}) / {bits}; {words}"
        return Worked("levels", count, f"{count}", ("(va - offset) / (index bits of a table), rounded up", line))
    total = depth * bits + offset
    line = f"{depth} x {bits} + {offset}; {words}"
    return Worked("va", total, f"{total} bits", ("levels x (index bits) + offset", line))


def _page(known: Widths) -> Worked:
    size, depth, bits = known.entry or Fraction(1), known.depth, known.va or 0
    log = (
        known.unit.bit_length() - 1 + index_bits(1 << MOST_BITS, size) - MOST_BITS
    )  # -log2(entry in units), rounded down
    tried = [offset for offset in range(1, bits) if known.unit << offset >= 2 * size]
    reach = {offset: depth * index_bits(known.unit << offset, size) + offset for offset in tried}
    first = next((offset for offset in tried if reach[offset] >= bits), None)
    if first is None:
        raise Refused(f"solve('page'): no page lets {depth} levels of such entries reach {bits} bits")
    page = known.unit << first
    words = "levels x (offset - log2(entry)) + offset = va"
    line = f"{depth} x (offset {'+' if log > 0 else '-'} {abs(log)}) + offset = {bits}"
    if reach[first] == bits:
        return Worked("page", page, binary_size(page), (words, f"{line}: offset = {first}"))
    less = f"; an offset of {first - 1} reaches {reach[first - 1]} bits" if first - 1 in reach else ""
    none = f"no whole offset makes both sides equal: {first} reaches {reach[first]} bits{less}"
    return Worked("page", page, binary_size(page), (words, line, none))

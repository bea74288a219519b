"""The quantities of an access on paper, under an exam's names, and the access without some of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vmwidgets.engine.base.hidden import EMPTY, Hidden
from vmwidgets.on_paper.worked import Access, PathStep

from .quantities import Bit, Blanks, Quantity, bits_of

_SUM = re.compile(r"(.*: base \d+ [+-] )(\d+) = (\d+)$")
"""A segment's step in words: the base, the offset and their sum."""


def quantities_of(one: Access) -> list[Quantity]:
    """Return the quantities of an access, in the order in which an exam asks for them.

    >>> import vmwidgets as vm
    >>> access = vm.paper(va=14, pa=12, page=64).map({0xF: 0xD}).access("r 0x3d7")
    >>> [(one.name, one.written) for one in quantities_of(access) if one.words]
    [('vpn', '0xf'), ('vpo', '0x17'), ('pfn', '0xd'), ('pa', '0x357')]
    """
    return [*_virtual(one), *_walked(one), *_physical(one)]


def _quantity(name: str, value: int, bits: tuple[Bit, ...], order: int, *also: str) -> Quantity:
    return Quantity(name, int(value), bits, order, f"{value:#x}", (name, *also))


def _virtual(one: Access) -> Iterator[Quantity]:
    """Yield the address, which the question gives, and its parts; with segments and pages, the linear address."""
    inner = _inner(one)
    page = bits_of("page", inner, max(one.va_bits - inner, 0))
    whole = bits_of("offset", 0, inner) + page
    if one.vpn is None:  # a segment's own bits, or none
        whole = bits_of("va", 0, one.va_bits)
    if one.linear is None:
        yield Quantity("va", int(one.va), whole, 0, f"{one.va}", is_given=True)
    else:
        yield Quantity("linear", int(one.linear), whole, 1, f"{one.linear}", ("linear", "linear address"))
    high = one.va_bits
    for number, (name, bits) in enumerate(one.bits, 1):
        high -= bits
        if one.vpn is None and bits:
            yield _quantity(name, int(one.va) >> high & (1 << bits) - 1, whole[high : high + bits], 2)
        elif name == "index" and bits:
            index = int(one.divided) >> high & (1 << bits) - 1
            yield _quantity(f"index {number}", index, whole[high : high + bits], 3, "index", "entry")
    if one.vpn is None:
        return
    yield _quantity("vpn", one.vpn, page, 2, "page number", *["entry"] * (dict(one.bits).get("VPN") is not None))
    if one.vpo is not None and inner:
        yield _quantity("vpo", one.vpo, whole[:inner], 2, "ppo", "offset")
    if one.tlbt is not None and one.tlbi is not None and one.tlb is not None:
        chooser = one.tlb.sets.bit_length() - 1
        if chooser:
            yield _quantity("tlbi", one.tlbi, page[:chooser], 3, "set")
        if page[chooser:]:
            yield _quantity("tlbt", one.tlbt, page[chooser:], 3, "tag")


def _walked(one: Access) -> Iterator[Quantity]:
    """Yield what the entries contain, and where they are."""
    for depth, step in enumerate(one.path):
        frame = _frame_bits(one, depth)
        pfn, is_last = step.fields.get("PFN"), _is_last(one, depth)
        name = _frame_name(step, is_last)
        if pfn is not None and any(value for key, value in step.fields.items() if key in ("V", "P")) and not is_last:
            yield _quantity(name, pfn, frame, 4, f"{step.name.lower()} frame")
        if is_last and one.pa is None and pfn is not None:
            yield _quantity("pfn", pfn, frame, 4, "frame")
        yield Quantity(f"entry {depth}", step.entry, frame + bits_of(f"entry {depth}", 0, 64), 4, "")
        place = [*(_frame_bits(one, depth - 1) if depth else ()), *_index_bits(one, depth)]
        yield Quantity(f"place {depth}", int(step.address or 0), tuple(place) + bits_of(f"place {depth}", 0, 64), 4, "")


def _inner(one: Access) -> int:
    """Return the bits of the offset in a page; 0 without pages."""
    return dict(one.bits).get("VPO", 0)


def _levels(one: Access) -> int:
    """Return the number of indices in the address; 0 if the page's number is the only one."""
    return sum(name == "index" for name, _ in one.bits)


def _is_last(one: Access, depth: int) -> bool:
    """Return whether the entry at a depth is a page's: only it has the frame of the physical address."""
    return depth == max(1, _levels(one)) - 1


def _frame_name(step: PathStep, is_last: bool) -> str:
    return "pfn" if is_last else f"{step.name.lower()} pfn"


def _frame_bits(one: Access, depth: int) -> tuple[Bit, ...]:
    """Return the bits of the frame that an entry contains: of the last one, those of the physical address."""
    count = _pa_bits(one) - _inner(one)
    return bits_of("frame" if _is_last(one, depth) else f"table {depth}", 0, max(count, 1))


def _index_bits(one: Access, depth: int) -> tuple[Bit, ...]:
    """Return the bits of the virtual address that choose the entry at a depth."""
    high, inner = one.va_bits, _inner(one)
    widths = [bits for name, bits in one.bits if name == "index"] or [high - inner]
    low = high - sum(widths[: depth + 1])
    return bits_of("page", low, widths[depth])


def _pa_bits(one: Access) -> int:
    """Return the bits of a physical address, as many as the picture draws."""
    reached = 0 if one.pa is None else int(one.pa).bit_length()
    return max(one.pa_bits, reached, sum(bits for _, bits in one.cache_bits), _inner(one), 1)


def _physical(one: Access) -> Iterator[Quantity]:
    """Yield the physical address, its parts, and the byte there."""
    if one.pa is None:
        return
    inner = _inner(one) if one.pfn is not None else 0
    frame = bits_of("frame", 0, max(_pa_bits(one) - inner, 1))
    whole = bits_of("offset", 0, inner) + frame
    if one.pfn is not None:
        yield _quantity("pfn", one.pfn, frame, 4, "frame")
    yield Quantity("pa", int(one.pa), whole, 5, f"{one.pa}", ("pa", "physical address"))
    if one.co is not None and one.ci is not None and one.ct is not None:
        inside = dict(one.cache_bits)
        co, ci = inside["CO"], inside["CI"]
        for name, value, part, also in (
            ("co", one.co, whole[:co], "byte offset"),
            ("ci", one.ci, whole[co : co + ci], "set"),
            ("ct", one.ct, whole[co + ci :], "tag"),
        ):
            if part:
                yield _quantity(name, value, part, 6, also)
    if one.byte is not None:
        yield Quantity("byte", one.byte, bits_of("byte", 0, 8), 7, f"{one.byte:#04x}", ("byte", "value"))


# ---- without some of them ------------------------------------------------------------------------


def without(one: Access, blanks: Blanks) -> Access:
    """Return an access from which blanks are left out: what is drawn from it can't tell them."""

    def shown(name: str) -> Any:
        value = getattr(one, name)
        return value if value is None else blanks.shown(name, value)

    names = ("vpn", "vpo", "tlbi", "tlbt", "pfn", "pa", "co", "ci", "ct", "byte", "va", "linear")
    path = tuple(_step(one, depth, step, blanks) for depth, step in enumerate(one.path))
    found = replace(one, path=path, **{name: shown(name) for name in names})
    return replace(found, note=_note(one, blanks), why=_why(one, blanks), segment=_segment(one, blanks))


def _step(one: Access, depth: int, step: PathStep, blanks: Blanks) -> PathStep:
    """Return an entry that was read, without its blanks."""
    fields = dict(step.fields)
    if "PFN" in fields:
        fields["PFN"] = blanks.shown(_frame_name(step, _is_last(one, depth)), fields["PFN"])
    place = step.address
    if place is not None and f"place {depth}" in blanks:
        place = Hidden(0, ~0)
    return step._replace(
        index=blanks.shown(f"index {depth + 1}" if _levels(one) else "vpn", step.index),
        address=place,
        entry=Hidden(0, ~0) if f"entry {depth}" in blanks else step.entry,
        fields=fields,
    )


def _note(one: Access, blanks: Blanks) -> str:
    """Return a segment's step without the offset that is left out, and without its sum."""
    *before, last = one.note.split("\n")
    found = _SUM.match(last)
    if found is None:
        return one.note
    start, offset, total = found.groups()
    name = "linear" if one.linear is not None else "pa"
    if blanks.asks("segment"):
        start = re.sub("^.*: base ", f"{EMPTY}: base ", start)
    offset = f"{blanks.shown('offset', int(offset))}" if one.linear is None else offset
    total = f"{blanks.shown(name, int(total))}" if name in blanks else total
    return "\n".join([*before, f"{start}{offset} = {total}"])


def _why(one: Access, blanks: Blanks) -> str:
    """Return why an access was refused, without the numbers that are left out."""
    numbers = {f"{step.entry:#x}" for depth, step in enumerate(one.path) if f"entry {depth}" in blanks}
    numbers |= {f"{one.vpn:#x}"} if one.vpn is not None and "vpn" in blanks else set()
    if "offset" in blanks and one.linear is None and one.vpn is None:
        numbers |= set(re.findall(r"\b\d+\b", one.why.partition(":")[2].partition(" the limit")[0]))
    said = re.compile("|".join(rf"\b{re.escape(one)}\b" for one in numbers) or "(?!)")
    return said.sub(EMPTY, one.why)


def _segment(one: Access, blanks: Blanks) -> str:
    return EMPTY if one.segment and "segment" in blanks and one.linear is None else one.segment

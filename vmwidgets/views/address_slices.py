"""The address as a bit slicer: all bits in a row, cut where the tables' indices are; each slice can be turned."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.base.walk_values import Walk
from ..engine.base.window_values import AddressSplit
from .columns import MARGIN
from .scene import Link, Node, Text
from .text import shorten, text_width

HEIGHT = 52.0
"""Pixels of the slices."""

GAP, HEAD, CELL = 5.0, 24.0, 22.0
"""Between two slices; height of a slice's words; height and greatest width of a bit."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Bits [low, high] of the address and what they are: `key` is a level, "top" or "offset"."""

    key: str
    name: str
    high: int
    low: int
    read: bool
    """Whether the walk came so far."""

    @property
    def width(self) -> int:
        """How many bits."""
        return self.high - self.low + 1


def slices_of(walk: Walk, split: AddressSplit) -> tuple[Slice, ...]:
    """How the address of a walk is cut: below a large page's index everything is its offset.

    Of a page that stands in several slots, the index's lowest bits are part of the offset too.
    """
    read = {step.level: step for step in walk.steps}
    floor = walk.steps[-1].index_bits[1] if walk.page_size else split.parts[-1].low
    slices = []
    top = split.va_bits - 1
    for part in split.parts:
        if part.low < floor:
            break
        step = read.get(part.level)
        high = step.index_bits[0] if step is not None else part.high
        if part is split.parts[0]:
            top = high
        slices.append(Slice(str(part.level), part.name, high, part.low, step is not None))
    if top + 1 < split.word_bits:
        slices.insert(0, Slice("top", "above", split.word_bits - 1, top + 1, True))
    slices.append(Slice("offset", "offset", floor - 1, 0, walk.page_size > 0))
    return tuple(slices)


def turned(va: int, bits: Slice, by: int, split: AddressSplit) -> int:
    """The address with the number in a slice changed by `by`, as far as it goes; the bits above stay right.

    >>> hex(turned(0x1000, Slice("1", "PT", 20, 12, True), 2, AddressSplit((), 64, 48)))
    '0x3000'
    """
    most = (1 << bits.width) - 1
    if bits.key == "top":  # all of them 0, or all 1: other numbers are no addresses
        return va | most << bits.low if by > 0 else va & ~(most << bits.low)
    number = min(most, max(0, (va >> bits.low & most) + by))
    return with_sign(va & ~(most << bits.low) | number << bits.low, bits.key, split)


def with_sign(va: int, key: str, split: AddressSplit) -> int:
    """The address with the bits above the translated ones made what they must be, unless just they were changed."""
    if key == "top" or not split.signed or split.va_bits == split.word_bits:
        return va
    low = va & (1 << split.va_bits) - 1
    negative = low >> split.va_bits - 1
    return low | ((1 << split.word_bits) - (1 << split.va_bits) if negative else 0)


def draw_slices(walk: Walk, split: AddressSplit, y: float, width: float) -> list[Node]:
    """The slices with their bits."""
    slices = slices_of(walk, split)
    room = width - 2 * MARGIN - GAP * (len(slices) - 1)
    cell = min(CELL, room / split.word_bits)
    x = MARGIN
    nodes: list[Node] = []
    for one in slices:
        w = cell * one.width
        nodes.append(_slice(walk, one, x, y, w, split))
        nodes += [_bit(walk.va, bit, one, x + cell * (one.high - bit), y + HEAD, cell) for bit in _bits(one)]
        x += w + GAP
    return nodes


def _bits(one: Slice) -> range:
    return range(one.high, one.low - 1, -1)


def _slice(walk: Walk, one: Slice, x: float, y: float, w: float, split: AddressSplit) -> Node:
    number = walk.va >> one.low & (1 << one.width) - 1
    if one.key == "top":
        head, less, title = (
            f"copies of bit {one.low - 1}",
            f"bit {one.low - 1}",
            f"bits {one.high} to {one.low} of the address",
        )
        if not split.signed:
            head = less = "0: TTBR0, 1: TTBR1"
    elif one.key == "offset":
        inside = walk.page_size.bit_length() - 1 if walk.page_size else one.width
        number = walk.offset if walk.page_size else number
        head = less = f"offset {number:0{-(-inside // 4)}x}"
        title = f"offset {number:#x}, bits {max(inside - 1, one.high)} to 0"
    else:
        head, less, title = (
            f"{one.name} {number}",
            str(number),
            f"index {number} into the {one.name}, bits {one.high} to {one.low}",
        )
    where = f"{one.high}–{one.low}"
    room = w - 8
    if text_width(head, "label") > room:
        head = less
    text = [Text(4, 15, shorten(head, room, "label"), "label" if one.read else "label dim")]
    if text_width(head, "label") + text_width(where, "letter") + 8 < room:
        text.append(Text(w - 4, 15, where, "letter dim", "end"))
    said = f"{title}; drag it, or press arrow up and down, to change it"
    return Node(
        f"walk/slice/{one.key}", "slice", x, y, w, HEIGHT, text=tuple(text), title=said, lane="slices",
        state=() if one.read else ("unread",),
    )  # fmt: skip


def _bit(va: int, bit: int, one: Slice, x: float, y: float, w: float) -> Node:
    value = va >> bit & 1
    return Node(
        f"walk/va/{bit}", "address-bit", x, y, w, HEIGHT - HEAD - 3, shape="box",
        text=(Text(w / 2, 16, str(value), "mono label" if one.read else "mono label dim", "middle"),),
        state=("one",) if value else (), title=f"bit {bit} of the address is {value}", action="open", lane="address",
    )  # fmt: skip


def funnels(nodes: list[Node], levels: list[int]) -> list[Link]:
    """A line from each slice to the table that it indexes."""
    placed = {node.id: node for node in nodes}
    links = []
    for level in levels:
        source, target = placed.get(f"walk/slice/{level}"), placed.get(f"walk/table/{level}")
        if source is not None and target is not None:
            start = (source.x + source.w / 2, source.y + source.h)
            end = (target.x + min(target.w / 2, 60), target.y)
            links.append(Link(f"walk/index/{level}", "funnel", source.id, target.id, (start, end)))
    return links

"""An address divided into the tables' indices: each slice of its bits can be turned.

A slice of few bits is as wide as its words: its table and its bits.  If a page's descriptor fills several slots (on
ARM), the index's lowest bits are also bits of the offset.  The two slices then overlap there, with the index's words
above the bits and the offset's below.
"""

from __future__ import annotations

from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.mmu.tables_schema import AddressSplit, Walk
from vmwidgets.views.scene.kit import Box, Line, band, lines_of
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.text import text_width


@frozen
class Slice:
    """Bits [low, high] of the address and their use: `key` is a level, "top" or "offset"."""

    key: str
    name: str
    high: int
    low: int
    read: bool
    """Whether the walk has come this far."""

    @property
    def width(self) -> int:
        """The number of bits."""
        return self.high - self.low + 1


def slices_of(walk: Walk, split: AddressSplit) -> tuple[Slice, ...]:
    """Return the slices of a walk's address: everything below a large page's index is its offset.

    If a page fills several slots, the index's lowest bits are in the offset's slice too.
    """
    read = {step.level: step for step in walk.steps}
    floor = walk.steps[-1].index_bits[1] if walk.page_size else split.parts[-1].low
    offset = walk.page_size.bit_length() - 2 if walk.page_size else floor - 1
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
    slices.append(Slice("offset", "offset", offset, 0, walk.page_size > 0))
    return tuple(slices)


def _shared_bits(slices: tuple[Slice, ...]) -> range:
    """Return the bits that both choose the slot and belong to the offset, the lowest first."""
    return range(slices[-2].low, slices[-1].high + 1)


def turned(va: int, bits: Slice, by: int, split: AddressSplit) -> int:
    """Return the address with the number in a slice changed by `by`, within its range; the bits above stay valid.

    >>> hex(turned(0x1000, Slice("1", "PT", 20, 12, True), 2, AddressSplit((), 64, 48)))
    '0x3000'
    """
    most = (1 << bits.width) - 1
    if bits.key == "top":  # all of them 0, or all 1: other numbers are not addresses
        return va | most << bits.low if by > 0 else va & ~(most << bits.low)
    number = min(most, max(0, (va >> bits.low & most) + by))
    return with_sign(va & ~(most << bits.low) | number << bits.low, bits.key, split)


def with_sign(va: int, key: str, split: AddressSplit) -> int:
    """Return the address with its untranslated upper bits corrected, unless they were just changed."""
    if key == "top" or not split.signed or split.va_bits == split.word_bits:
        return va
    low = va & (1 << split.va_bits) - 1
    negative = low >> split.va_bits - 1
    return low | ((1 << split.word_bits) - (1 << split.va_bits) if negative else 0)


# ---- the bit slicer ------------------------------------------------------------------------------

HEIGHT = 52.0
"""Height of the slices in pixels."""

_GAP, _HEAD, _CELL, _FOOT = 5.0, 24.0, 22.0, 20.0
"""Space between two slices; height of a slice's words; greatest width of a bit; height of words below the bits."""

_AROUND = 16.0
"""Space around the two words above a slice."""

_LEAST_CELL = 7.0
"""Pixels that a bit needs; if there is less room, slices are drawn without bits."""

_TURNED = "drag it, or press arrow up and down, to change it"


def draw_slices(walk: Walk, split: AddressSplit, box: Box) -> list[Node]:
    """Return the slices with their bits, in as many lines as needed."""
    slices = slices_of(walk, split)
    shared = _shared_bits(slices)
    for count in range(1, 4):
        lines = _in_lines(slices, shared, count)
        measures = [_measures(line, shared, box.w, split) for line in lines]
        if all(cell for cell, _ in measures):
            break
    widths = [w for _, line in measures for w in line]
    placed = zip(slices, widths, strict=True)
    named = [(one, w) for one, w in placed if one.key.isdecimal()]
    brief = any(not _fits(_heads(walk.va, one, False)[0], one, w) for one, w in named)
    numbered = all(any(_fits(head, one, w) for head in _heads(walk.va, one, brief)) for one, w in named)
    nodes: list[Node] = []
    for number, (line, (cell, own)) in enumerate(zip(lines, measures, strict=True)):
        place = box._replace(y=box.y + number * (HEIGHT + _GAP))
        nodes += _draw_line(walk, split, line, shared, cell, own, place, _Names(brief, numbered))
    return nodes


def _in_lines(slices: tuple[Slice, ...], shared: range, count: int) -> list[tuple[Slice, ...]]:
    """Return the slices in `count` lines with about as many bits each; slices that share bits stay together."""
    lines: list[tuple[Slice, ...]] = [()]
    left = sum(one.width for one in slices)
    for one in slices:
        held = sum(other.width for other in lines[-1])
        is_bound = one.key == "offset" and shared
        if lines[-1] and not is_bound and held + one.width / 2 > (held + left) / (count - len(lines) + 1):
            lines.append(())
        lines[-1] += (one,)
        left -= one.width
    return lines


class _Names(NamedTuple):
    """The style of all slices' names: short names of tables (`brief`); with the numbers of the bits (`numbered`)."""

    brief: bool
    numbered: bool


def _draw_line(
    walk: Walk,
    split: AddressSplit,
    slices: tuple[Slice, ...],
    shared: range,
    cell: float,
    widths: list[float],
    place: Box,
    names: _Names,
) -> list[Node]:
    """Return one line of slices."""
    x, y = place.x, place.y
    boxes: list[Node] = []
    bits: list[Node] = []
    for one, w in zip(slices, widths, strict=True):
        if one.key == "offset" and shared:
            x -= _GAP + cell * len(shared)
            boxes.append(_offset_below(walk, one, shared, x, y, cell))
        else:
            boxes.append(_slice(walk, one, shared, Box(x, y, w, HEIGHT), cell, split, names))
        right = x + w - cell
        bits += [
            _bit(walk.va, bit, one, bit in shared, right - cell * (bit - one.low), y + _HEAD, cell)
            for bit in range(one.high, one.low - 1, -1)
            if cell
            if one.key != "offset" or bit not in shared  # these bits are in the index's slice
        ]
        x += w + _GAP
    return boxes + bits


def _measures(slices: tuple[Slice, ...], shared: range, room: float, split: AddressSplit) -> tuple[float, list[float]]:
    """Return the width of a bit in a line, and of each slice: as wide as its bits, or as its words for any number."""
    room -= _GAP * (len(slices) - 1)
    own = [one.width - len(shared) * (one.key == "offset") for one in slices]
    least = [0.0 if one.key == "offset" and shared else _least(one, split) for one in slices]
    wide: set[int] = set()
    while True:
        left = room - sum(least[number] for number in wide)
        cell = min(_CELL, left / max(1, sum(bits for number, bits in enumerate(own) if number not in wide)))
        if cell < _LEAST_CELL:
            return 0.0, [one * room / sum(least) for one in least]
        narrow = {number for number, bits in enumerate(own) if least[number] > cell * bits}
        if narrow <= wide:
            return cell, [max(least[number], cell * one.width) for number, one in enumerate(slices)]
        wide |= narrow


def _least(one: Slice, split: AddressSplit) -> float:
    """Return the width that the words above a slice need for the largest number."""
    if one.key == "top":
        head = _tops(one, split)[-1]
    elif one.key == "offset":
        head = f"offset 0x{'0' * -(-one.width // 4)}"
    else:
        head = _heads(-1, one, True)[0]
    return text_width(head, "label") + text_width(_bits(one), "label dim") + _AROUND


def _slice(walk: Walk, one: Slice, shared: range, box: Box, cell: float, split: AddressSplit, names: _Names) -> Node:
    """Return a slice's box and its words."""
    w = box.w
    bars: tuple[Bar, ...] = ()
    if one.key == "top":
        heads = _tops(one, split)
        title = f"bits {one.high} to {one.low} of the address"
    elif one.key == "offset":
        heads = [_offset(walk, one)]
        title = f"{heads[0]}, bits {one.high} to 0"
    else:
        heads = _heads(walk.va, one, names.brief)
        number = heads[-1]
        title = f"index {number} into the {one.name}, bits {one.high} to {one.low}"
        if one.low in shared:
            title += f"; {_said(shared)} are part of the offset too"
            bars = (Bar(w - cell * len(shared), _HEAD - 1, cell * len(shared), HEIGHT - _HEAD, "rail"),)
    return Node(
        f"walk/slice/{one.key}",
        "slice",
        *box,
        text=_heading(heads, one, w, 15, names.numbered),
        bars=bars,
        title=f"{title}; {_TURNED}",
        lane="slices",
        state=(_look(one), *["unread"] * (not one.read)),
        value=_number(walk.va, one),
    )


def _look(one: Slice) -> str:
    """Return the meaning of a slice's colour: the slice chooses a descriptor, or a byte of the page."""
    return "is-offset" if one.key == "offset" else "is-top" if one.key == "top" else "is-index"


def _offset_below(walk: Walk, one: Slice, shared: range, x: float, y: float, cell: float) -> Node:
    """Return an offset that shares bits with an index: its box begins at these bits, with the words below."""
    w, bits = cell * one.width, HEIGHT - _HEAD + 3
    head = _offset(walk, one)
    words = f"bits {shared[-1]}–{shared[0]} are part of the index too"
    text = [*_heading([head], one, w, bits + 14, True)]
    left = text_width(head, "label") + 22
    if left + text_width(words, "label") + 44 < w:
        text.insert(1, Text(left, bits + 14, words, "label dim"))
    title = (
        f"{head}, bits {one.high} to 0; {_said(shared)} are part of the index too, for the page's descriptor is in "
        f"{1 << len(shared)} neighbouring slots; {_TURNED}"
    )
    return Node(
        "walk/slice/offset",
        "slice",
        x,
        y + _HEAD - 3,
        w,
        bits + _FOOT,
        text=tuple(text),
        title=title,
        lane="slices",
        state=("over", _look(one)),
        value=_number(walk.va, one),
    )


def _tops(one: Slice, split: AddressSplit) -> list[str]:
    """Return the words for the untranslated upper bits, in full and in less space."""
    if not split.signed:
        return ["0: TTBR0, 1: TTBR1"]
    return [f"copies of bit {one.low - 1}", f"= bit {one.low - 1}"]


def _number(va: int, one: Slice) -> int:
    """Return the number that a slice's bits make."""
    return va >> one.low & (1 << one.width) - 1


def _heads(va: int, one: Slice, brief: bool) -> list[str]:
    """Return a table and the index into it, in full and in less space."""
    number = _number(va, one)
    name = one.name.removesuffix(" table")
    if name == one.name:
        return [f"{name} {number}", str(number)]
    return [f"{name}: {number}" if brief else f"{one.name} {number}", str(number)]


def _fits(head: str, one: Slice, w: float) -> bool:
    """Return whether there is room for `head` next to the numbers of the bits."""
    return text_width(head, "label") + text_width(_bits(one), "label dim") + _AROUND <= w + 0.01


def _bits(one: Slice) -> str:
    return f"{one.high}–{one.low}" if one.high > one.low else str(one.low)


def _heading(heads: list[str], one: Slice, w: float, y: float, numbered: bool) -> tuple[Text, ...]:
    """Return the first of `heads` that fits; if the slices are `numbered`, next to the numbers of the bits."""
    right = _bits(one) if numbered else ""
    return lines_of([Line(tuple(heads), "label" if one.read else "label dim", right)], w, top=y, pad=4)


def _offset(walk: Walk, one: Slice) -> str:
    return f"offset {_number(walk.va, one):#0{2 - (-one.width // 4)}x}"


def _said(bits: range) -> str:
    return f"bits {bits[-1]} to {bits[0]}"


def _bit(va: int, bit: int, one: Slice, shared: bool, x: float, y: float, w: float) -> Node:
    value = va >> bit & 1
    both = ": it helps to choose the slot, and is part of the offset" if shared else ""
    return Node(
        f"walk/va/{bit}",
        "address-bit",
        x,
        y,
        w,
        HEIGHT - _HEAD - 3,
        shape="box",
        text=(Text(w / 2, 16, str(value), "mono label" if one.read else "mono label dim", "middle"),),
        state=("one",) if value else (),
        title=f"bit {bit} of the address is {value}{both}",
        action="open",
        lane="address",
        role="turn",
    )


def bands_of(nodes: list[Node], levels: list[int]) -> list[Link]:
    """Return a band from each slice to its table; none if the slices are in several lines."""
    placed = {node.id: node for node in nodes}
    links: list[Link] = []
    if len({node.y for node in nodes if node.lane == "slices" and "over" not in node.state}) > 1:
        return links
    for level in levels:
        source, target = placed.get(f"walk/slice/{level}"), placed.get(f"walk/table/{level}")
        if source is not None and target is not None:
            bare = next((bar.x for bar in source.bars), source.w)  # up to the bits that the offset shares
            above, below = Box(source.x, source.y, bare, source.h), Box(target.x, target.y, target.w, 0)
            links.append(band(f"walk/index/{level}", source.id, target.id, above, below, state=("table",)))
    return links

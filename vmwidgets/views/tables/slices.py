"""An address divided into the tables' indices: each slice of its bits can be turned.

A slice is above the table that it indexes, with its number; the offset's is above the page.  If a page's
descriptor fills several slots (on ARM), the index's lowest bits are also bits of the offset: both slices have them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.hidden import Hidden
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tables_schema import AddressSplit, Walk
from vmwidgets.views.scene.kit import Box, Line, lines_of
from vmwidgets.views.scene.model import Node, Text
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

HEIGHT = 50.0
"""Height of a slice in pixels."""

_NUMBER, _CELL, _LEAST_CELL, _PAD = 22.0, 16.0, 7.4, 5.0
"""Baseline of a slice's number; greatest and least width of a bit; space at a slice's ends."""

_TURNED = "drag it, or press arrow up and down, to change it"


def draw_slices(
    walk: Walk,
    split: AddressSplit,
    places: Mapping[str, Box],
    *,
    view: str = "walk/slice",
    hidden: Collection[str] = (),
    turns: bool = False,
) -> Iterator[Node]:
    """Yield the slices with their bits at their places, by key; their IDs begin with `view`.

    With `turns`, they can be turned, and their bits pressed.  A slice without room for its bits has only its number;
    one whose key is `hidden` has its table's name instead.
    """
    slices = [one for one in slices_of(walk, split) if one.key in places]
    shared = _shared_bits(slices_of(walk, split))
    for one in slices:
        box = places[one.key]
        own = shared if one.low < shared.stop and one.high >= shared.start else range(0)
        cell = min(_CELL, (box.w - 2 * _PAD) / one.width)
        cells = [] if cell < _LEAST_CELL else _bits(walk.va, one, own, cell, box, turns=turns)
        yield _slice(walk, one, own, box, cells, f"{view}/{one.key}", signed=split.signed, turns=turns,
                     is_hidden=one.key in hidden)  # fmt: skip
        yield from (node for node in cells if isinstance(node, Node))


def least_width(one: Slice) -> float:
    """Return the width of a slice that has its number, whatever that is, and its bits."""
    most = (1 << one.width) - 1
    number = f"0x{'8' * -(-one.width // 4)}" if one.key == "offset" else "8" * len(f"{most}")
    said = text_width(f"= bit {one.low}") if one.key == "top" else text_width(number, "large strong")
    words = said + text_width(_range(one), "label dim")
    return max(words + 3 * _PAD + 2, _LEAST_CELL * one.width + 2 * _PAD + 1)


def in_lines(slices: Sequence[Slice], room: Box) -> dict[str, Box]:
    """Return places for slices in as many lines as needed, each of them full."""
    lines: list[list[Slice]] = [[]]
    for one in slices:
        if lines[-1] and sum(map(least_width, [*lines[-1], one])) + 6 * len(lines[-1]) > room.w:
            lines.append([])
        lines[-1].append(one)
    places: dict[str, Box] = {}
    for number, line in enumerate(lines):
        spare = (room.w - sum(map(least_width, line)) - 6 * (len(line) - 1)) / len(line)
        x = room.x
        for one in line:
            w = least_width(one) + spare
            places[one.key] = Box(x, room.y + number * (HEIGHT + 6), w, HEIGHT)
            x += w + 6
    return places


def _slice(
    walk: Walk, one: Slice, shared: range, box: Box, cells: Sequence[Node | Text], identity: str, *, signed: bool,
    turns: bool, is_hidden: bool,
) -> Node:  # fmt: skip  # what, then how
    """Return a slice's box with its number, and the range of its bits."""
    number, is_odd = _number(walk.va, one), False
    said = hexadecimal(number) if one.key == "offset" else f"{number}"
    ways: tuple[str, ...] = (said,)
    style = "large strong" if one.read else "large dim"
    if one.key == "top":
        said, is_odd = _tops(walk, one, signed=signed), is_not_canonical(walk)
        style = "label error" if is_odd else "label dim"
        ways, title = (said,), f"bits {one.high} to {one.low} of the address, which no table translates: {said}"
    elif one.key == "offset":
        title = f"offset {said}, bits {one.high} to 0"
    elif is_hidden:
        ways, style = (f"{one.name} index", f"{one.name.removesuffix(' table')} index", one.name[:5]), "label"
        title = f"the index into the {one.name}, bits {one.high} to {one.low}"
    else:
        title = f"index {said} into the {one.name}, bits {one.high} to {one.low}"
    if shared:
        other = "index" if one.key == "offset" else "offset"
        title += f"; bits {shared[-1]} to {shared[0]} are part of the {other} too"
    line = Line(ways, style, _range(one))
    text = lines_of([line], box.w, top=_NUMBER - 2 * (one.key == "top"), pad=_PAD)
    return Node(
        identity,
        "slice",
        *box,
        text=(*text, *(cell for cell in cells if isinstance(cell, Text))),
        title=f"{title}; {_TURNED}" if turns else title,
        lane="slices",
        state=(_look(one), *["unread"] * (not one.read), *["still"] * (not turns), *["fault"] * is_odd),
        value=number if turns else -1,
    )


def hexadecimal(number: int) -> str:
    """Return a number as addresses are written; its blank, if it is left out."""
    return str(number if isinstance(number, Hidden) else Address(number))


def _look(one: Slice) -> str:
    """Return the meaning of a slice's colour: the slice chooses a descriptor, or a byte of the page."""
    return "is-offset" if one.key == "offset" else "is-top" if one.key == "top" else "is-index"


def is_not_canonical(walk: Walk) -> bool:
    """Return whether a walk did not begin because of the address's untranslated upper bits."""
    return walk.fault is not None and walk.fault.kind == walk.fault.called == "non-canonical"


def _tops(walk: Walk, one: Slice, *, signed: bool) -> str:
    """Return the words for the untranslated upper bits: copies of the highest translated bit, or ARM's choice."""
    is_odd = is_not_canonical(walk)
    if not signed:
        return "not equal" if is_odd else "TTBR0/1"
    return f"{'≠' if is_odd else '='} bit {one.low - 1}"


def _number(va: int, one: Slice) -> int:
    """Return the number that a slice's bits make."""
    return va >> one.low & (1 << one.width) - 1


def _range(one: Slice) -> str:
    return f"{one.high}–{one.low}" if one.high > one.low else str(one.low)


def _bits(va: int, one: Slice, shared: range, cell: float, box: Box, *, turns: bool) -> list[Node | Text]:
    """Return a slice's bits, which can be pressed; words alone for those that the index's slice has already."""
    found: list[Node | Text] = []
    left = box.x + (box.w - cell * one.width) / 2
    for number, bit in enumerate(range(one.high, one.low - 1, -1)):
        value, x, y = va >> bit & 1, left + cell * number, box.y + box.h - 20
        if not turns or (one.key == "offset" and bit in shared):
            style = "mono label dim" if turns or not one.read else "mono label"
            found.append(Text(x - box.x + cell / 2, y - box.y + 14, str(value), style, "middle"))
            continue
        both = ": it helps to choose the slot, and is part of the offset" if bit in shared else ""
        style = "mono label" if one.read else "mono label dim"
        found.append(
            Node(
                f"walk/va/{bit}",
                "address-bit",
                x,
                y,
                cell,
                18,
                text=(Text(cell / 2, 14, str(value), style, "middle"),),
                state=("one",) if value else (),
                title=f"bit {bit} of the address is {value}{both}",
                action="open",
                lane="address",
                role="turn",
            )
        )
    return found

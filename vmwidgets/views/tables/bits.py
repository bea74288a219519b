"""A descriptor bit by bit, with its manual's names; if it can be edited, a click flips a bit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tables_schema import Field
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, text_width

LINE, SECOND, NAMES, MORE, CELL = 24.0, 16.0, 16.0, 14.0, 30.0
"""Height of the heading and its second line, of the names above a row of bits and their second line, of a bit."""

LEAST_CELL = 24.0
"""Pixels that a bit needs, with its number."""

_SHORT = {
    "contiguous": "cont",
    "type[18]": "[18]",
    "AP[2]": "AP2",
    "NSTable": "NST",
    "PXNTable": "PXNT",
    "UXNTable": "UXNT",
}
"""Short forms of names that are too wide for a single bit; the whole name is in its title."""


@frozen
class DescriptorPicture:
    """The descriptor that is drawn: the word at `pa`, its format, and its value `before` an edit, if any."""

    pa: int
    word: int
    bits: int
    fields: tuple[Field, ...]
    layout: str
    section: str
    editable: bool = False
    before: int | None = None
    refusing: frozenset[int] = frozenset()
    """The bits that refuse the access."""

    def names_height(self, width: float) -> float:
        """Return the height of the names above a row of bits: one line, or two if neighbours are too long for one."""
        return NAMES + MORE * any(one.above for row in _placed(self, width) for one in row)

    def height(self, width: float) -> float:
        """Return its height in a picture of this width."""
        return self.head_height(width) + self.bits // per_row(width) * (self.names_height(width) + CELL + 8)

    @property
    def head(self) -> tuple[str, str]:
        """The descriptor's name, its address and value."""
        was = "" if self.before is None else f", before the edit {self.before:#x}"
        value = f"at {Address(self.pa)}: {self.word:0{self.bits // 4}x}{was}"
        return self.layout[:1].upper() + self.layout[1:], value

    def head_height(self, width: float) -> float:
        """Return the height of the heading: one line, or two if one is too short."""
        what, value = self.head
        whole = text_width(what, "strong") + 12 + text_width(value, "mono label")
        return LINE if whole <= width - 2 * MARGIN else LINE + SECOND


def per_row(width: float) -> int:
    """Return the number of bits in a row of a picture of this width."""
    return 32 if (width - 2 * MARGIN) / 32 >= LEAST_CELL else 16


def draw_descriptor(one: DescriptorPicture, view: str, y: float, width: float) -> list[Node]:
    """Return the word with its names; `view` is the prefix of its IDs."""
    w = width - 2 * MARGIN
    head, value = one.head
    high = one.head_height(width)
    left = text_width(head, "strong") + 12 if high == LINE else 0.0
    beside = text_width(value, "mono label") if high == LINE else text_width(head, "strong") - left
    fits = left + beside + 20 + text_width(one.section, "label dim") <= w
    right = one.section if fits else ""  # half a section can't be looked up; the title has it
    text = (
        fitted(0, 15, head, w, "strong"),
        fitted(left, 15 + high - LINE, value, w - left, "mono label"),
        Text(w, 15, right, "label dim", "end"),
    )
    nodes = [
        kit.runs(
            f"{view}/descriptor",
            kit.Box(MARGIN, y, w, high),
            text,
            title=f"{head} {value} ({one.section})",
            lane="descriptor",
        ),
    ]
    many = per_row(width)
    cell = w / many
    names = names_of_bits(one.fields, one.bits)
    above = one.names_height(width)
    for row, placed in enumerate(_placed(one, width)):
        top = y + one.head_height(width) + row * (above + CELL + 8)
        high = one.bits - 1 - row * many
        nodes += [_name(name, view, top, above) for name in placed]
        nodes += [
            _bit(one, names[bit], view, bit, MARGIN + cell * (high - bit), top + above, cell)
            for bit in range(high, high - many, -1)
        ]
    return nodes


def names_of_bits(fields: Sequence[Field], bits: int) -> list[Field | None]:
    """Return the field of each bit; if fields overlap, the narrower one.

    >>> [field.name for field in names_of_bits((Field("type", 0, 1, ""), Field("XN", 0, 0, "")), 2)]
    ['XN', 'type']
    """
    names: list[Field | None] = [None] * bits
    for field in sorted(fields, key=lambda field: field.low - field.high):
        for bit in range(field.low, min(field.high + 1, bits)):
            names[bit] = field
    return names


class _Name(NamedTuple):
    """A field's name above its bits, from `bit` down: it begins at `x`, in the lower line or in the line `above`."""

    field: Field
    bit: int
    x: float
    w: float
    above: int


def _placed(one: DescriptorPicture, width: float) -> list[list[_Name]]:
    """Return the names above each row of bits: in the lower line, or in the upper one if a neighbour is too close."""
    many = per_row(width)
    cell = (width - 2 * MARGIN) / many
    names = names_of_bits(one.fields, one.bits)
    rows = []
    for high in range(one.bits - 1, -1, -many):
        row: list[_Name] = []
        ends = [0.0, 0.0]
        runs = groupby(range(high, high - many, -1), lambda bit: names[bit])
        for field, those in ((field, list(bits)) for field, bits in runs):
            if field is None:
                continue
            middle = MARGIN + cell * (high - those[0] + len(those) / 2)
            w = min(text_width(_short(field), "label"), 2 * cell * len(those))
            left = min(max(MARGIN, middle - w / 2), width - MARGIN - w)
            line = 0 if ends[0] <= left else 1
            ends[line] = left + w + 3
            row.append(_Name(field, those[0], left, w, line))
        rows.append(row)
    return rows


def _name(one: _Name, view: str, top: float, h: float) -> Node:
    """Return a name; from the upper line, a tick leads down between its neighbours."""
    y = h - 4 - MORE * one.above
    bars = (Bar(one.w / 2 - 0.5, y + 3, 1, MORE - 2, "tick"),) if one.above else ()
    text = (fitted(one.w / 2, y, _short(one.field), one.w + 1, "label", "middle"),)
    return kit.runs(
        f"{view}/name/{one.bit}",
        kit.Box(one.x, top, one.w, h),
        text,
        bars=bars,
        title=f"{one.field.name}: {one.field.meaning}",
    )


def _short(field: Field) -> str:
    """Return a field's name, shortened for a single bit."""
    return _SHORT.get(field.name, field.name) if field.low == field.high else field.name


def _bit(one: DescriptorPicture, field: Field | None, view: str, bit: int, x: float, y: float, w: float) -> Node:
    value = one.word >> bit & 1
    changed = one.before is not None and (one.before >> bit & 1) != value
    state = (
        *(["one"] if value else []),
        *(["unnamed"] if field is None else ["number"] if field.low < field.high else []),
        *(["changed"] if changed else []),
        *(["fault"] if bit in one.refusing else []),
    )
    whole = "" if field is None or field.low == field.high else f" of {field.name}"
    name = f"{field.name} (bit {bit})" if field is not None and not whole else f"bit {bit}{whole}"
    meaning = f": {field.meaning}" if field is not None else ", which has no name here"
    edited = (", edited" if changed else "") + (", which refuses the access" if bit in one.refusing else "")
    return Node(
        f"{view}/bit/{bit}", "bit", x, y, w, CELL,
        text=(Text(w / 2, 12, str(bit), "label dim", "middle"), Text(w / 2, 26, str(value), "mono label", "middle")),
        state=state, title=f"{name} is {value}{edited}{meaning}", action="open" if one.editable else "",
        lane="bits",
    )  # fmt: skip

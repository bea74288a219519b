"""A descriptor bit by bit, with its manual's names; if it can be edited, a click flips a bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.mmu.tables_schema import Field
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, text_width

LINE, SECOND, NAMES, MORE, CELL = 24.0, 16.0, 16.0, 14.0, 30.0
"""Heights of the heading, of its second line, of the names above a row of bits, of their second line, and of a bit."""

LEAST_CELL = 24.0
"""Pixels that a bit needs, with its number."""

FEW, WIDE = 4, 60.0
"""The most bits of a word of zeros that have a cell, and the width of such a cell."""

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

    @property
    def head(self) -> tuple[str, str]:
        """The descriptor's name, its address and value."""
        was = "" if self.before is None else f", before the edit {self.before:#x}"
        word = f"{self.word:0{self.bits // 4}x}{was}" if self.word or was else f"all {self.bits} bits are 0"
        value = f"at {place_of(self.pa)}: {word}"
        return self.layout[:1].upper() + self.layout[1:], value


def draw_descriptor(one: DescriptorPicture, view: str) -> Part:
    """Return the word with its names; `view` is the prefix of its IDs."""
    return boxes.below(boxes.drawing(LINE, partial(_head, one, view)), boxes.drawing(0, partial(_word, one, view)))


def _head(one: DescriptorPicture, view: str, box: Box) -> list[Node]:
    """Return the descriptor's name, its value and the manual's section, in one line, or in two if one is too short."""
    (head, value), w = one.head, box.w
    beside = text_width(head, "strong") + 12
    second = 0.0 if beside + text_width(value, "mono label") <= w else SECOND
    left = 0.0 if second else beside
    first = text_width(head, "strong") if second else left + text_width(value, "mono label")
    fits = first + 20 + text_width(one.section, "label dim") <= w
    right = one.section if fits else ""  # half a section can't be looked up; the title has it
    text = (
        fitted(0, 15, head, w, "strong"),
        fitted(left, 15 + second, value, w - left, "mono label"),
        Text(w, 15, right, "label dim", "end"),
    )
    title = f"{head} {value} ({one.section})"
    return [kit.runs(f"{view}/descriptor", box._replace(h=LINE + second), text, title=title, lane="descriptor")]


def _word(one: DescriptorPicture, view: str, box: Box) -> Iterator[Node]:
    """Yield the bits in one row or several, with their names above."""
    names = names_of_bits(one.fields, one.bits)
    if (low := _named_of_zero(one, names)) is not None:
        yield from _zero(one, names[:low], view, box)
        return
    many = 32 if box.w / 32 >= LEAST_CELL else 16
    cell = box.w / many
    rows = _placed(names, many, box.w)
    above = NAMES + MORE * any(name.above for row in rows for name in row)
    for number, row in enumerate(rows):
        top, high = box.y + number * (above + CELL + 8), one.bits - 1 - number * many
        yield from (_name(name, view, box.x, top, above) for name in row)
        for bit in range(high, max(-1, high - many), -1):
            yield _bit(one, names[bit], view, bit, Box(box.x + cell * (high - bit), top + above, cell - 1, CELL))


def _named_of_zero(one: DescriptorPicture, names: Sequence[Field | None]) -> int | None:
    """Return the number of low bits that say that a descriptor of zeros is not present; None for another word.

    A word that was edited is whole.
    """
    low = max((bit for bit, field in enumerate(names) if field is not None), default=-1) + 1
    return low if one.word == 0 and one.before is None and low <= FEW else None


def _zero(one: DescriptorPicture, names: Sequence[Field | None], view: str, box: Box) -> Iterator[Node]:
    """Yield the low bits of a word of zeros."""
    for name in (name for row in _placed(names, max(1, len(names)), WIDE * len(names)) for name in row):
        yield _name(name, view, box.x, box.y, NAMES)
    for bit, field in enumerate(names):
        place = Box(box.x + WIDE * (len(names) - 1 - bit), box.y + NAMES, WIDE - 1, CELL)
        yield _bit(one, field, view, bit, place)


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


def _placed(names: Sequence[Field | None], many: int, width: float) -> list[list[_Name]]:
    """Return the names above each row of bits: in the lower line, or in the upper one if a neighbour is too close."""
    cell = width / many
    rows = []
    for high in range(len(names) - 1, -1, -many):
        row: list[_Name] = []
        ends = [0.0, 0.0]
        runs = groupby(range(high, max(-1, high - many), -1), lambda bit: names[bit])
        for field, those in ((field, list(bits)) for field, bits in runs):
            if field is None:
                continue
            middle = cell * (high - those[0] + len(those) / 2)
            w = min(text_width(_short(field), "label"), 2 * cell * len(those))
            left = min(max(0.0, middle - w / 2), width - w)
            line = 0 if ends[0] <= left else 1
            ends[line] = left + w + 3
            row.append(_Name(field, those[0], left, w, line))
        rows.append(row)
    return rows


def _name(one: _Name, view: str, left: float, top: float, h: float) -> Node:
    """Return a name; from the upper line, a tick leads down between its neighbours."""
    y = h - 4 - MORE * one.above
    bars = (Bar(one.w / 2 - 0.5, y + 3, 1, MORE - 2, "tick"),) if one.above else ()
    text = (fitted(one.w / 2, y, _short(one.field), one.w + 1, "label", "middle"),)
    return kit.runs(
        f"{view}/name/{one.bit}",
        Box(left + one.x, top, one.w, h),
        text,
        bars=bars,
        title=f"{one.field.name}: {one.field.meaning}",
    )


def _short(field: Field) -> str:
    """Return a field's name, shortened for a single bit."""
    return _SHORT.get(field.name, field.name) if field.low == field.high else field.name


def _bit(one: DescriptorPicture, field: Field | None, view: str, bit: int, box: Box) -> Node:
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
    text = Text(box.w / 2, 12, str(bit), "label dim", "middle"), Text(box.w / 2, 26, str(value), "mono label", "middle")
    return Node(
        f"{view}/bit/{bit}",
        "bit",
        *box,
        text=text,
        state=state,
        title=f"{name} is {value}{edited}{meaning}",
        action="open" if one.editable else "",
        lane="bits",
    )

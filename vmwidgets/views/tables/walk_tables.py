"""The tables of a walk: in each the descriptor that was read, between its neighbours.

A descriptor has one line, or two where index, address and flags don't fit beside each other: half an address says
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tables_schema import Field, Step, Walk
from vmwidgets.views.scene.kit import Box, Line, card
from vmwidgets.views.scene.model import Node, Text
from vmwidgets.views.scene.text import fitted, text_width, wording

LEAST_H = 104.0
"""Least height of a table."""

BESIDE, BELOW = 18.0, 12.0
"""Room beside a table; below it, where tables are stacked."""

_HEAD, _LINE, _ROW_H = 30.0, 14.0, 22.0
"""Height of a table's name, of one more line, of a descriptor."""

_FLAGS = {
    "P": ("P", "present"), "R/W": ("W", "writable"), "U/S": ("U", "user"), "A": ("A", "accessed"),
    "D": ("D", "dirty"), "G": ("G", "global"), "PS": (" PS", "a large page"), "XD": (" XD", "execute disable"),
    "R": ("R", "readable"), "W": ("W", "writable"), "X": ("X", "executable"), "U": ("U", "user"),
    "XN": (" XN", "execute never"), "PXN": (" PXN", "privileged execute never"), "UXN": (" UXN", "user execute never"),
    "AF": (" AF", "access flag"), "nG": (" nG", "not global"), "S": (" S", "shareable"), "AP[2]": (" AP2", "read-only"),
}  # fmt: skip  # x86's, RISC-V's, ARM's
"""Short names of a descriptor's flags, in the order they are written, and what each means where it is set.

Sources: Intel SDM 3A, 4.5; ARM DDI 0406C, B3.5; ARM DDI 0487, D8.3; RISC-V privileged, 4.3.
"""

_DASHED = frozenset(("R/W", "U/S"))
"""Flags that leave a dash where they are not set."""


class Neighbour(NamedTuple):
    """A descriptor beside one that was read."""

    word: int
    is_present: bool
    address: int
    """What it refers to, if it is present."""


Neighbours = Mapping[tuple[int, int], Neighbour]
"""By table and index; what lies outside of memory is left out."""


@frozen
class Reach:
    """How far a processor has come on a walk, where that is drawn: it has read the first `read` of its tables.

    The next `open` tables are drawn too, with all of their descriptors alike.  There is room for `levels` tables.
    `verdict` is what became of the access, in a heading and words, where that is not the walk's own end; `rows` is how
    many descriptors of a table are drawn.
    """

    levels: int
    read: int
    open: int = 0
    verdict: tuple[str, str] | None = None
    rows: int = 3
    width: int = 8
    """Bytes of a descriptor."""

    @property
    def drawn(self) -> int:
        """How many tables are drawn."""
        return self.read + self.open


def rows_of(step: Step, rows: int = 3) -> range:
    """The descriptors of a table that are drawn: around the one that is read; of four, its place says nothing."""
    entries = 1 << step.index_bits[0] - step.index_bits[1] + 1
    first = max(0, min(step.index - 1 if rows == 3 else step.index // rows * rows, entries - rows))
    return range(first, min(entries, first + rows))


def table_name(step: Step) -> str:
    """The manual's name of the table that a step read, from that of its descriptors."""
    if step.name.endswith("E") and len(step.name) > 2 and " " not in step.name:
        return step.name[:-1]
    return step.name.removesuffix(" descriptor").removesuffix(" PTE") + (" table" if " " in step.name else "")


def draw_tables_read(
    walk: Walk,
    neighbours: Neighbours | None,
    changed: Collection[int],
    places: Sequence[Box],
    reach: Reach,
) -> list[Node]:
    """A table a step at its place, those of one place below each other; all have one height.

    `changed` are the levels whose descriptors differ; `reach` says how far the processor has come.
    """
    steps = walk.steps[: reach.drawn]
    w = min((place.w for place in places), default=0.0)
    below = any(_address_is_below(step, w) for step in steps)  # alike in all tables
    is_part = reach.levels > len(walk.steps)  # the other tables may come, and would have two lines
    lines = below + (is_part or any(_has_two_lines(step, w - 8) for step in walk.steps))
    height = LEAST_H + _LINE * lines + (_ROW_H + 1) * (reach.rows - 3)
    nodes = []
    for position, (step, place) in enumerate(zip(steps, places, strict=False)):
        left, y = place.x, place.y + list(places[:position]).count(place) * (height + BELOW)
        is_read = position < reach.read
        nodes.append(_box(step, left, y, w, height, below))
        marked = (step.level in changed) if is_read else None
        nodes += _rows(walk, step, neighbours, Box(left + 4, y + _HEAD + _LINE * below, w - 8, 0), reach, marked)
    return nodes


def flags_of(fields: tuple[Field, ...], word: int) -> str:
    """The flags that are set, by letter; rights that are missing as a dash; ARM's access permissions as a number."""
    return "".join(written for written, _ in _flags(fields, word)).strip()


def key_of(steps: Sequence[Step]) -> list[str]:
    """What the letters of these steps' flags mean, each letter once, in the order in which they come first.

    A flag of which only the dash is there is among them.
    """
    present = (step for step in steps if step.kind != "invalid")
    return list(dict.fromkeys(means for step in present for _, means in _flags(step.fields, step.value)))


def _flags(fields: Iterable[Field], word: int) -> Iterator[tuple[str, str]]:
    """What is written of each flag that is set, or leaves a dash, and what its letters mean."""
    for field in fields:
        if field.name == "AP":
            yield f" AP{field.of(word):0{field.high - field.low + 1}b}", "AP access permissions"
        elif field.name in _FLAGS and field.low == field.high and (field.of(word) or field.name in _DASHED):
            letter, means = _FLAGS[field.name]
            yield letter if field.of(word) else "-", f"{letter.strip()} {means}"


def least_share(walk: Walk, neighbours: Neighbours | None) -> float:
    """Pixels that a table needs, with the room beside it, for indices and whole addresses."""
    held = [one.address for one in (neighbours or {}).values() if one.is_present]
    widest = max((text_width(str(Address(one)), "mono label") for step in walk.steps for one in
                  (step.table, step.address, *held)), default=0.0)  # fmt: skip
    index = max((text_width(_last(step), "mono label") for step in walk.steps), default=0.0)
    return BESIDE + 2 * _PAD + _BEFORE + index + widest


_PAD, _BEFORE = 4.0, 10.0
"""Room between a table's edge and its descriptors; room around an index."""


def _last(step: Step) -> str:
    """The last index into a table: no other is longer."""
    return str((1 << step.index_bits[0] - step.index_bits[1] + 1) - 1)


def _address_is_below(step: Step, w: float) -> bool:
    place = text_width(str(Address(step.table)), "mono label")
    return place + text_width(table_name(step), "strong") > w - 24


def _box(step: Step, x: float, y: float, w: float, h: float, below: bool) -> Node:
    name, place = table_name(step), str(Address(step.table))
    rows = [Line(name, "strong", "" if below else place, "mono label dim")]
    if below:
        rows.append(Line((f"at {place}", place), "mono label dim"))
    return card(f"walk/table/{step.level}", Box(x, y, w, h), rows, kind="table", top=20, step=15, pad=9,
                title=f"{name} at physical {place}")  # fmt: skip


def _rows(
    walk: Walk, step: Step, neighbours: Neighbours | None, place: Box, reach: Reach, changed: bool | None
) -> list[Node]:
    """The descriptors of a table; with None for `changed` the processor has read none of them yet."""
    nodes = []
    faulty = walk.fault is not None and walk.fault.level == step.level
    x, y, w, _ = place
    width = reach.width
    for index in rows_of(step, reach.rows):
        if changed is None:
            present = Neighbour(step.value, step.kind != "invalid", step.address)
            held = present if index == step.index else (neighbours or {}).get((step.table, index))
            nodes.append(_unread(step, index, step.table + index * width, held, Box(x, y, w, 0)))
        elif index == step.index:
            states = ("fault",) if faulty else ("changed", "path") if changed else ("path",)
            nodes.append(_descriptor(step, x, y, w, states))
            y += _LINE * _has_two_lines(step, w)
        elif neighbours is not None:
            nodes.append(_neighbour(step, index, neighbours.get((step.table, index)), x, y, w))
        y += _ROW_H + 1
    return nodes


def _nothing(step: Step, w: float) -> str:
    """That a descriptor is not present, in as much room as all of a table have: all or none."""
    return wording(("not present", "absent"), w - _BEFORE - text_width(_last(step), "mono label"), "mono label")


def _label(step: Step, w: float = 1e9) -> str:
    """What a descriptor refers to, or why it refers to nothing."""
    words = {"invalid": _nothing(step, w), "reserved": "reserved"}
    return words.get(step.kind) or str(Address(step.address))


def _has_two_lines(step: Step, w: float) -> bool:
    flags = "" if step.kind == "invalid" else flags_of(step.fields, step.value)
    return bool(flags) and text_width(f"{step.index}{_label(step)}{flags}", "mono label") + 28 > w


def _descriptor(step: Step, x: float, y: float, w: float, states: tuple[str, ...]) -> Node:
    two = _has_two_lines(step, w)
    title = f"{step.layout} at physical {Address(step.pa)}: {step.value:#x}; " + ", ".join(
        f"{value.field.name}={value.value:#x}" for value in step.decoded if value.value
    )
    flags = flags_of(step.fields, step.value) if step.kind != "invalid" else ""
    text = (
        *_indexed(step.index, _label(step, w), w, "mono label", "mono label"),
        fitted(w - 3, 15 + _LINE * two, flags, w - 6, "mono label", "end"),
    )
    return Node(
        f"walk/step/{step.level}", "descriptor", x, y, w, _ROW_H + _LINE * two, f"pte:{step.pa:x}", "box", text, (),
        states, f"{title} ({step.section})", "select", "walk",
    )  # fmt: skip


def _indexed(index: int, words: str, w: float, style: str, look: str) -> tuple[Text, Text]:
    """An index and what is there."""
    left = _BEFORE + text_width(str(index), "mono label")
    return Text(5, 15, str(index), style), fitted(left, 15, words, w - left, look)


def _unread(step: Step, index: int, pa: int, held: Neighbour | None, place: Box) -> Node:
    """One of the descriptors of a table that was not read: all look alike."""
    one = _neighbour(step, index, held, *place[:3])
    return replace(one, id=f"walk/row/{step.level}/{index}", thing=f"pte:{pa:x}", action="select", lane="walk")


def _neighbour(step: Step, index: int, held: Neighbour | None, x: float, y: float, w: float) -> Node:
    label, look = "–", "label dim"
    if held is not None and held.is_present:
        label, look = str(Address(held.address)), "mono label dim"  # as in the descriptors that are read
    elif held is not None:
        label = _nothing(step, w)
    said = "outside of memory" if held is None else f"{held.word:#x}"
    return Node(
        f"walk/near/{step.level}/{index - step.index}", "descriptor", x, y, w, _ROW_H,
        text=_indexed(index, label, w, "mono label dim", look), title=f"descriptor {index}: {said}",
    )  # fmt: skip

"""The tables of a walk: in each the descriptor that was read, between its neighbours.

A descriptor that was read has two lines, its index and its target; below all tables, words say what each allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.hidden import Hidden
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tables_schema import Field, Step, Walk
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.kit import Box, Line, card, runs
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, wording

from .boxes import leaf_style

LEAST_H = 104.0
"""Least height of a table."""

BESIDE, BELOW = 18.0, 12.0
"""Space next to a table; below it, if tables are stacked."""

_HEAD, _LINE, _ROW_H = 30.0, 14.0, 22.0
"""Height of a table's name, of one more line, of a descriptor."""

_FLAGS = {
    "P": "present", "R/W": "writable", "U/S": "user", "A": "accessed", "D": "dirty", "G": "global",
    "PS": "a large page", "XD": "execute disable", "R": "readable", "W": "writable", "X": "executable", "U": "user",
    "XN": "execute never", "PXN": "privileged execute never", "UXN": "user execute never", "AF": "access flag",
    "nG": "not global", "S": "shareable", "AP[2]": "read-only",
}  # fmt: skip  # x86's, RISC-V's, ARM's
"""What a descriptor's flags mean, by their manual's names.

Sources: Intel SDM 3A, 4.5; ARM DDI 0406C, B3.5; ARM DDI 0487, D8.3; RISC-V privileged, 4.3.
"""

_DENIES = frozenset(("R/W", "U/S"))
"""Flags that deny something if they are not set."""


class Neighbour(NamedTuple):
    """A descriptor next to one that was read."""

    word: int
    is_present: bool
    address: int
    """Its target, if it is present."""


Neighbours = Mapping[tuple[int, int], Neighbour]
"""The neighbours by table and index, without neighbours outside memory."""


@frozen
class Reach:
    """The progress of a processor on a walk: it has read the first `read` of its tables.

    The next `open` tables are drawn too, with all of their descriptors drawn alike.  There is room for `levels` tables.
    `verdict` is the access's outcome, in a heading and words, if it is not the walk's own end.
    """

    levels: int
    read: int
    open: int = 0
    verdict: tuple[str, str] | None = None
    width: int = 8
    """The size of a descriptor in bytes."""
    is_walked: bool = True
    """Whether some step reads the tables, so that each has room for the words below (:func:`draw_rights`)."""
    rights: bool = True
    """Whether words below the tables say what each descriptor allows."""

    @property
    def drawn(self) -> int:
        """The number of tables that are drawn."""
        return self.read + self.open


def rows_of(step: Step) -> Sequence[int]:
    """Return the indices of a table's drawn descriptors, around the one that is read, if not always centred.

    If the index is left out, it is alone: its neighbours' indices would tell it.
    """
    if isinstance(step.index, Hidden):
        return (step.index,)
    entries = 1 << step.index_bits[0] - step.index_bits[1] + 1
    first = max(0, min(step.index - 1, entries - _ROWS))
    return range(first, min(entries, first + _ROWS))


_ROWS = 3
"""The number of descriptors drawn for each table."""


def table_name(step: Step) -> str:
    """Return the manual's name of the table that a step read, derived from its descriptors' name."""
    if step.name.endswith("E") and len(step.name) > 2 and " " not in step.name:
        return step.name[:-1]
    return step.name.removesuffix(" descriptor").removesuffix(" PTE") + (" table" if " " in step.name else "")


def draw_tables_read(
    walk: Walk,
    neighbours: Neighbours | None,
    changed: Collection[int],
    places: Sequence[Box],
    reach: Reach,
    kind: str = "",
) -> list[Node]:
    """Return a table for each step at its place, all with one height; tables at one place are below each other.

    `changed` are the levels whose descriptors differ; `reach` says how far the processor has come; `kind` is the kind
    of memory that is mapped.
    """
    steps = walk.steps[: reach.drawn]
    w = min((place.w for place in places), default=0.0)
    below = any(_address_is_below(step, w) for step in steps)  # alike in all tables
    height = LEAST_H + _LINE * (below + 1)
    nodes = []
    for position, (step, place) in enumerate(zip(steps, places, strict=False)):
        left, y = place.x, place.y + list(places[:position]).count(place) * (height + BELOW)
        is_read = position < reach.read
        nodes.append(_box(step, left, y, w, height, below))
        marked = (step.level in changed) if is_read else None
        nodes += _rows(walk, step, neighbours, Box(left + 4, y + _HEAD + _LINE * below, w - 8, 0), reach, marked, kind)
    return nodes


def flags_of(step: Step) -> str:
    """Return a descriptor's flags in words: those that are set, and rights that it denies."""
    return ", ".join(_flags(step.fields, step.value)) if step.kind != "invalid" else ""


def _flags(fields: Iterable[Field], word: int) -> Iterator[str]:
    for field in fields:
        if field.name == "AP":
            yield f"access permissions {field.of(word):0{field.high - field.low + 1}b}"
        elif field.name in _FLAGS and field.low == field.high and (field.of(word) or field.name in _DENIES):
            means = _MEANS.get(field.name) or _FLAGS[field.name]
            yield means if field.of(word) else f"not {means}"


def least_share(walk: Walk, neighbours: Neighbours | None) -> float:
    """Return the width of a table, with the space next to it, for indices and whole addresses."""
    held = [one.address for one in (neighbours or {}).values() if one.is_present]
    widest = max(
        (text_width(place_of(one), "mono label") for step in walk.steps for one in (step.table, step.address, *held)),
        default=0.0,
    )
    index = max((text_width(_last(step), "mono label") for step in walk.steps), default=0.0)
    return BESIDE + 2 * _PAD + _BEFORE + index + widest


_PAD, _BEFORE = 4.0, 10.0
"""Space between a table's edge and its descriptors; space around an index."""


def _last(step: Step) -> str:
    """Return the last index into a table, which is the longest."""
    return str((1 << step.index_bits[0] - step.index_bits[1] + 1) - 1)


def _address_is_below(step: Step, w: float) -> bool:
    place = text_width(place_of(step.table), "mono label")
    return place + text_width(table_name(step), "strong") > w - 24


def _box(step: Step, x: float, y: float, w: float, h: float, below: bool) -> Node:
    name, place = table_name(step), place_of(step.table)
    rows = [Line(name, "strong", "" if below else place, "mono label dim")]
    if below:
        rows.append(Line((f"at {place}", place), "mono label dim"))
    return card(
        f"walk/table/{step.level}",
        Box(x, y, w, h),
        rows,
        kind="table",
        top=20,
        step=15,
        pad=9,
        title=f"{name} at physical {place}",
    )


def _rows(
    walk: Walk,
    step: Step,
    neighbours: Neighbours | None,
    place: Box,
    reach: Reach,
    changed: bool | None,
    kind: str,
) -> list[Node]:
    """Return the descriptors of a table; with None for `changed`, the processor has not read any of them yet."""
    nodes = []
    faulty = step.level in blamed(walk)
    x, y, w, _ = place
    width = reach.width
    for index in rows_of(step):
        if changed is None:
            present = Neighbour(step.value, step.kind != "invalid", step.address)
            held = present if index == step.index else (neighbours or {}).get((step.table, index))
            nodes.append(_unread(step, index, step.table + index * width, held, Box(x, y, w, 0)))
        elif index == step.index:
            way = look_of(step, kind)
            states = ("fault",) if faulty else ("changed", *way) if changed else way
            nodes.append(_descriptor(step, x, y, w, states, kind))
            y += _LINE
        elif neighbours is not None:
            nodes.append(_neighbour(step, index, neighbours.get((step.table, index)), x, y, w))
        y += _ROW_H + 1
    return nodes


def look_of(step: Step, kind: str) -> tuple[str, ...]:
    """Return the states of a descriptor that was read: it leads to a table, maps memory of a kind, or is not there."""
    return {"table": ("is-table",), "leaf": ("is-leaf", *[kind] * bool(kind))}.get(step.kind, ("absent",))


def _nothing(step: Step, w: float) -> str:
    """Return "not present" in the space of a table's descriptors; all use the same wording."""
    return wording(("not present", "absent"), w - _BEFORE - text_width(_last(step), "mono label"), "mono label")


def _label(step: Step, w: float = 1e9) -> str:
    """Return a descriptor's target, or why it has no target."""
    words = {"invalid": _nothing(step, w), "reserved": "reserved"}
    return words.get(step.kind) or str(Address(step.address))


def _descriptor(step: Step, x: float, y: float, w: float, states: tuple[str, ...], kind: str) -> Node:
    title = f"{step.layout} at physical {place_of(step.pa)}: {step.value:#x}; " + ", ".join(
        f"{value.field.name}={value.value:#x}" for value in step.decoded if value.value
    )
    is_long = text_width(f"descriptor {_last(step)}", "strong") > w - 14
    index = f"{'' if is_long else 'descriptor '}{step.index}"
    at = _label(step, w)
    fits = text_width("table ") + text_width(at, "mono label") <= w - 13
    leads = {"table": "table ", "leaf": "page "}.get(step.kind, "") * fits
    text = (
        Text(9, 15, index, "strong"),
        *[Text(9, 15 + _LINE + 1, leads, "label dim")] * bool(leads),
        Text(9 + text_width(leads), 15 + _LINE + 1, at, "mono label"),
    )
    bars = (Bar(0, 0, 4, _ROW_H + _LINE, leaf_style(kind) if step.kind == "leaf" else "table"),)
    return Node(
        f"walk/step/{step.level}", "descriptor", x, y, w, _ROW_H + _LINE, f"pte:{step.pa:x}", "box", text, bars,
        states, f"{title} ({step.section})", "select", "walk",
    )  # fmt: skip


def _indexed(index: int, words: str, w: float, style: str, look: str) -> tuple[Text, Text]:
    """Return an index with its contents."""
    left = _BEFORE + text_width(str(index), "mono label")
    return Text(5, 15, str(index), style), fitted(left, 15, words, w - left, look)


def _unread(step: Step, index: int, pa: int, held: Neighbour | None, place: Box) -> Node:
    """Return a descriptor of a table that the walk has not read: all descriptors of such a table look alike."""
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
        f"walk/near/{step.level}/{index - step.index}",
        "descriptor",
        x,
        y,
        w,
        _ROW_H,
        text=_indexed(index, label, w, "mono label dim", look),
        title=f"descriptor {index}: {said}",
    )


# ---- what the descriptors allow --------------------------------------------------------------------

_LINE_OF_RIGHTS, _NAMED = 20.0, 90.0
"""Height of a line about a right; room for its name."""

_RIGHTS = {"read": "reads", "write": "writes", "execute": "execution", "user": "user code"}
"""The names of rights, by the names of :class:`Rights`."""

_MEANS = {"V": "valid", "valid": "valid", "AP": "access permissions", "U/S": "user code", "U": "user code"}
"""The meanings of fields without letters, or in shorter words."""

_MARKS = {"A": "accessed", "AF": "accessed", "D": "dirty"}
"""The bits that the hardware sets, and their meanings."""


def draw_rights(walk: Walk, box: Box) -> list[Node]:
    """Return a line for each right that this access needs, or that a descriptor denies: the table that decides.

    The rights that are left and the marks of the page's descriptor have a line each.  Nothing is said of a page that
    was not found.
    """
    steps = walk.steps
    if not steps or steps[-1].kind != "leaf":
        return []
    needed = {walk.access, walk.side} - {"supervisor", ""}
    rows: list[tuple[str, str, bool]] = []
    others: list[str] = []
    for right, name in _RIGHTS.items():
        if right in walk.without:
            continue
        denying = next((step for step in steps if not getattr(step.rights, right)), None)
        if denying is not None:
            rows.append((name, f"denied by the {table_name(denying)}", right in needed))
        elif right in needed and (right != "read" or len(needed) == 1):  # a page that user code reaches can be read
            rows.append((name, _allowed(steps), False))
        else:
            others.append(name)
    marks = [_MARKS[one.field.name] for one in steps[-1].decoded if one.field.name in _MARKS and one.value]
    left = (("also", " and ".join(others), False), ("marked", " and ".join(marks), False))
    nodes: list[Node] = []
    for name, said, is_fatal in [*rows, *left]:
        if said:
            place = box._replace(y=box.y + _LINE_OF_RIGHTS * len(nodes), h=_LINE_OF_RIGHTS)
            text = Text(0, 14, name, "label dim"), fitted(_NAMED, 14, said, box.w - _NAMED, "error" if is_fatal else "")
            nodes.append(runs(f"walk/right/{name}", place, text, title=f"{name}: {said}", lane="rights"))
    return nodes


def _allowed(steps: Sequence[Step]) -> str:
    """Return which descriptors allow a right: on x86, each of them has a say."""
    have_a_say = all(any(field.name == "R/W" for field in step.fields) for step in steps)
    return (
        f"allowed by all {len(steps)}" if have_a_say and len(steps) > 1 else f"allowed by the {table_name(steps[-1])}"
    )


def height_of_rights(walk: Walk) -> float:
    """Return the height of what :func:`draw_rights` draws."""
    return _LINE_OF_RIGHTS * len(draw_rights(walk, Box(0, 0, 900, 0)))


def blamed(walk: Walk) -> tuple[int | None, ...]:
    """Return the levels of the descriptors that refused: a right may be missing above the one at which a walk ended."""
    fault = walk.fault
    if fault is None:
        return ()
    return tuple(step.level for step in walk.steps if f"the {step.name}" in fault.why) or (fault.level,)

"""The tables of a walk: in each the descriptor that was read, between its neighbours.

A descriptor that was read has two lines, its index and its target; below all tables, words say what each allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address
from vmwidgets.engine.mmu.tables_schema import Field, Step, Walk
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.kit import Box, Line, card, label, runs
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
    """Whether some step reads the tables, so that each has room for the words below (:func:`draw_flags`)."""
    rights: bool = True
    """Whether words below the tables say what each descriptor allows."""

    @property
    def drawn(self) -> int:
        """The number of tables that are drawn."""
        return self.read + self.open


def rows_of(step: Step) -> range:
    """Return the indices of a table's drawn descriptors, around the one that is read, if not always centred."""
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
            way = "path" if step.kind != "invalid" else "absent"
            states = ("fault",) if faulty else ("changed", way) if changed else (way,)
            nodes.append(_descriptor(step, x, y, w, states, kind))
            y += _LINE
        elif neighbours is not None:
            nodes.append(_neighbour(step, index, neighbours.get((step.table, index)), x, y, w))
        y += _ROW_H + 1
    return nodes


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


# ---- what each descriptor allows -------------------------------------------------------------------

_FLAG_LINE, _DOT, _NAMED = 18.0, 10.0, 146.0
"""Height of a line of flags; a dot's width; space for their names if tables are below each other."""

_VALID = {"V": "valid", "valid": "valid"}
"""The bits that mean "present" under other names than x86's."""

_MEANS = {**_VALID, "AP": "access permissions", "U/S": "user code", "U": "user code"}
"""The meanings of fields without letters, or in shorter words."""

_SAID = {
    "P": ("all are present", "not present in {}", ""),
    "R/W": ("all allow writes", "writes denied by {}", "writes allowed so far"),
    "U/S": ("all let user code in", "user code denied by {}", "user code let in so far"),
    "XD": ("none denies execution", "execution denied by {}", "execution not denied so far"),
    "A": ("set at an access", "no access yet in {}", ""),
    "D": ("set at a write", "no write yet", ""),
}
"""The consequence of an x86 flag in all tables: if all tables allow access; if one table, which is named, does not; and
if the last descriptor does not say it.

Source: Intel SDM 3A, 4.6 and 4.8.
"""


def draw_flags(
    walk: Walk, places: Sequence[Box], last: float, box: Box, *, is_stacked: bool, is_over: bool = True
) -> list[Node]:
    """Return a line for each flag, with a dot below each table, filled if its descriptor has the flag; and the result.

    `places` are the places of the tables, and `last` is the place of the words about all of them, if the walk
    `is_over`.  Tables that are stacked have a narrow column each, headed by their name.
    """
    shown = _shown(walk)
    if not shown:
        return []
    head = "what each descriptor allows: a right needs all of them" if "R/W" in shown else "what each descriptor says"
    nodes = [label("walk/flags", head, box.x, box.y, most=box.w)]
    line = box._replace(y=box.y + 22, h=_FLAG_LINE)
    if is_stacked:
        w = (box.w - _NAMED) / len(places)
        places = [Box(box.x + _NAMED + w * number, 0, w, 0) for number in range(len(places))]
        names = [
            fitted(place.x - box.x, 13, _brief(step), w - 6, "strong")
            for step, place in zip(walk.steps, places, strict=True)
        ]
        nodes.append(runs("walk/flags/names", line, names))
        line = line._replace(y=line.y + _FLAG_LINE)
    for number, name in enumerate(shown):
        said = _follows(walk, name) if is_over else ""
        own = line._replace(y=line.y + _FLAG_LINE * number)
        nodes.append(_flag_line(walk, name, said, places, last, own, is_stacked))
    return nodes


def height_of_flags(walk: Walk, *, is_stacked: bool) -> float:
    """Return the height of what :func:`draw_flags` draws."""
    shown = _shown(walk)
    return 22 + _FLAG_LINE * (len(shown) + is_stacked) if shown else 0.0


def _shown(walk: Walk) -> list[str]:
    """Return the names of the flags that a line is about."""
    fields = (field.name for step in walk.steps for field in step.fields)
    known = dict.fromkeys(name for name in fields if name in (*_FLAGS, *_VALID, "AP"))
    return [name for name in known if any(_dot(step, name) for step in walk.steps)]


def _flag_line(
    walk: Walk, name: str, said: str, places: Sequence[Box], last: float, line: Box, is_stacked: bool
) -> Node:
    """Return a flag in all tables."""
    means = _MEANS.get(name) or _FLAGS[name]
    named = f"{means} ({name})" if means != name else name
    beside = means if said else named  # without words about all of them, a letter alone on the right says nothing
    is_brief = name == "AP" or any(text_width(beside) > place.w - 18 for place in places)
    text = [Text(0, 13, wording((named, name), _NAMED - 6))] if is_stacked else []
    bars: list[Bar] = []
    for step, place in zip(walk.steps, places, strict=True):
        dot, x = _dot(step, name), place.x - line.x
        if dot:
            bars.append(Bar(x + 1, 4, _DOT, _DOT, f"dot-{dot}"))
        if not is_stacked:
            word = (_value(step, name) if is_brief else beside) if dot else "–"
            text.append(fitted(x + 18, 13, word, place.w - 18, "label" if dot == "on" else "label dim"))
        elif not dot or name == "AP":
            text.append(Text(x + (18 if dot else 2), 13, _value(step, name)[3:] if dot else "–", "label dim"))
    if not is_stacked:
        room = line.x + line.w - last
        about = said or (means if is_brief else "")
        text += [fitted(last - line.x, 13, f"{name}: {about}", room, "label")] * bool(about)
    places_of = [table_name(step) for step in walk.steps if _dot(step, name) == "on"]
    title = f"{named}: {', '.join(places_of) or 'in none'}" + (f"; {said}" if said else "")
    return runs(f"walk/flag/{name}", line, text, bars=bars, title=title, lane="flags")


def _dot(step: Step, name: str) -> str:
    """Return the state of a flag in a descriptor: "on", "off" if that is meaningful, or ""."""
    field = _field(step, name)
    if field is None or (step.kind == "invalid" and name not in ("P", *_VALID)):
        return ""
    if field.of(step.value) or name == "AP":
        return "on"
    is_x86 = any(one.name == "R/W" for one in step.fields)
    return "off" if (is_x86 and name in _SAID) or (step.kind == "leaf" and name in "RWXUAD") or name == "P" else ""


def _field(step: Step, name: str) -> Field | None:
    return next((one for one in step.fields if one.name == name), None)


def _value(step: Step, name: str) -> str:
    """Return a field's name when its meaning is unknown, with its bits if there are several."""
    field = _field(step, name)
    assert field is not None, "only where it is there"
    bits = field.high - field.low + 1
    return name if bits == 1 else f"{name} {field.of(step.value):0{bits}b}"


def _follows(walk: Walk, name: str) -> str:
    """Return a flag's meaning for the access as a whole."""
    last = walk.steps[-1]
    if name == "AP" and last.kind == "leaf":
        who, may = "user code" if last.rights.user else "only the kernel", "write" if last.rights.write else "only read"
        return f"{who} may {may}"
    if name not in _SAID or not any(field.name == "P" for step in walk.steps for field in step.fields):
        return ""
    bad = "on" if name == "XD" else "off"
    denying = [table_name(step) for step in walk.steps if _dot(step, name) == bad]
    passes, denied, so_far = _SAID[name]
    read = sum(bool(_dot(step, name)) for step in walk.steps)  # the walk may end before a descriptor says it
    by = denying[0] if len(denying) == 1 else f"all {read}" if len(denying) == read else f"{len(denying)} of {read}"
    if denying:
        return denied.format(by)
    return passes if name in ("P", "A") or _dot(last, name) else so_far


def _brief(step: Step) -> str:
    """Return a table's name for a narrow column."""
    return table_name(step).removesuffix(" table").removesuffix("-level").replace("level ", "L")


def blamed(walk: Walk) -> tuple[int | None, ...]:
    """Return the levels of the descriptors that refused: a right may be missing above the one at which a walk ended."""
    fault = walk.fault
    if fault is None:
        return ()
    return tuple(step.level for step in walk.steps if f"the {step.name}" in fault.why) or (fault.level,)

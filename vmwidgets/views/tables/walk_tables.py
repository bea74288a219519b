"""The tables of a walk, from left to right: in each the entry that was read, at its height in the table.

An entry holds the number of the frame in which the next table is, or the page; an arrow leads from it to that number.
In a narrow picture, the tables are rows.  :func:`columns_of` places the columns, for the address above them too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.hidden import Hidden
from vmwidgets.engine.base.units import Address, binary_size
from vmwidgets.engine.mmu.tables_schema import NOWHERE, AddressSplit, IndexBits, Step, Walk
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import place_of
from vmwidgets.views.scene.kit import Box, Line
from vmwidgets.views.scene.model import Bar, Link, Node, Text
from vmwidgets.views.scene.text import fitted, text_width, wording, wrapped

from .boxes import leaf_style
from .slices import hexadecimal, in_lines, least_width, slices_of

BESIDE = 26.0
"""Space between two tables, for an arrow."""

_LEAST, _MOST = 96.0, 280.0
"""Least and greatest width of a table beside others."""

_HEAD, _BODY, _FOOT, _ENTRY, _LINE = 38.0, 84.0, 51.0, 26.0, 16.0
"""Heights of the words above a table, of a table, of the words below it, of an entry, and of a line of words."""

_ROW, _BELOW, _SAID = 38.0, 14.0, 18.0
"""Height of a table that is a row, of the space below it, and of words there about a refusal."""

_APART = 8.0
"""Space between the untranslated bits of an address and the others."""

_REGISTER, _SHARE = 22.0, 0.58
"""Height of a register above rows; the share of a row that is left of its entry."""


class Names(NamedTuple):
    """The names that a walk's tables have beside the manual's: the register that holds the root, and T1, T2 …."""

    register: str = ""
    tables: Mapping[int, str] = {}
    """The tables' short names, by physical address."""
    entry: int = 0
    """The bytes of an entry; 0 if that is not said."""


@frozen
class Reach:
    """The progress of a processor on a walk: it has read the first `read` of its tables.

    `verdict` is the access's outcome, in a heading and words, if it is not the walk's own end.  While a question is
    open (`asked`), nothing is drawn of the tables that were not read.
    """

    read: int
    verdict: tuple[str, str] | None = None
    asked: bool = False
    is_walked: bool = True
    """Whether some step reads the tables, so that each has room for the words below."""
    rights: bool = True
    """Whether words below the tables say what the last entry allows."""


# ---- names and numbers -------------------------------------------------------------------------------


def table_name(step: Step) -> str:
    """Return the manual's name of the table that a step read, derived from its descriptors' name."""
    if step.name.endswith("E") and len(step.name) > 2 and " " not in step.name:
        return step.name[:-1]
    return step.name.removesuffix(" descriptor").removesuffix(" PTE") + (" table" if " " in step.name else "")


def unit_of(split: AddressSplit) -> int:
    """Return the size of a frame: of the smallest page."""
    return 1 << split.parts[-1].low if split.parts else 1


def frame_of(pa: int, unit: int) -> tuple[str, str]:
    """Return what says where a table or a page is: the number of its frame, or its address within one.

    >>> frame_of(0x1E_3000, 4096), frame_of(0x1E_3400, 4096)
    (('frame', '0x1e3'), ('at', '0x1e_3400'))
    """
    if isinstance(pa, Hidden):
        kind, _, blank = str(pa).rpartition(" ")
        return kind or "at", blank
    if pa >= NOWHERE:
        return "at", "–"
    return ("frame", f"{pa // unit:#x}") if pa % unit == 0 else ("at", str(Address(pa)))


def sum_of(walk: Walk, unit: int) -> list[tuple[str, str]]:
    """Return the sum that makes the physical address of what is drawn, in words with their styles.

    A page of any size begins with a frame: its number times the size of a frame, and the offset, are the address.
    """
    assert walk.pa is not None, "the walk found a page"
    kind, number = frame_of(walk.steps[-1].address, unit)
    size = [(f"× {unit:#x}", "")] * (kind == "frame")
    return [(number, "of-table"), *size, ("+", ""), (hexadecimal(walk.offset), "of-page"), ("=", ""),
            (hexadecimal(walk.pa), "")]  # fmt: skip


def blamed(walk: Walk) -> tuple[int | None, ...]:
    """Return the levels of the descriptors that refused: a right may be missing above the one at which a walk ended."""
    fault = walk.fault
    if fault is None:
        return ()
    return tuple(step.level for step in walk.steps if f"the {step.name}" in fault.why) or (fault.level,)


_ASKED = {"read": "read", "write": "write", "execute": "run code"}


def asked_of(walk: Walk) -> str:
    """Return what the access is for."""
    return _ASKED[walk.access]


def _asked_and_allowed(walk: Walk) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what was asked for and what is allowed instead, each in words that need less and less room."""
    fault, may = walk.fault, walk.permissions
    assert fault is not None, "nothing refuses"
    asked = f"asked: {asked_of(walk)}", f"asked: {'x' if walk.access == 'execute' else walk.access[0]}"
    if fault.kind != "protection" or may is None:
        return asked, ("nothing is here", "nothing") if fault.kind == "not-present" else (fault.called,)
    own, other = (may.user, may.supervisor) if walk.user else (may.supervisor, may.user)
    if getattr(other, walk.access) and not any(own):
        who, instead = ("user", "kernel") if walk.user else ("kernel", "user")
        return (f"asked: {who}",), (f"allowed: {instead}", f"{instead} only")
    words = ", ".join(word for word, is_allowed in zip(_ASKED.values(), own, strict=True) if is_allowed)
    return asked, (f"allowed: {words or 'nothing'}", f"allowed: {own}", f"{own}")


def look_of(step: Step, kind: str) -> tuple[str, ...]:
    """Return the states of a descriptor that was read: it leads to a table, maps memory of a kind, or is not there."""
    return {"table": ("is-table",), "leaf": ("is-leaf", *[kind] * bool(kind))}.get(step.kind, ("absent",))


# ---- places ------------------------------------------------------------------------------------------


def columns_of(least: Sequence[float], room: Box) -> list[Box]:
    """Return columns of at least these widths, the last of them the page's; none if there is no room for all.

    All are equally wide, if each has its room then.
    """
    count = len(least)
    each = (room.w - BESIDE * (count - 1)) / max(1, count)
    last = max(each, least[-1]) if least else 0.0
    if last > each and count > 1:
        each = (room.w - last - BESIDE * (count - 1)) / (count - 1)
    if not least or (count > 1 and each < max(_LEAST, *least[:-1])) or last > room.w:
        return []
    each, last = min(each, _MOST), min(last, max(least[-1], _MOST))
    places = [room._replace(x=room.x + number * (each + BESIDE), w=each) for number in range(count)]
    return [*places[:-1], places[-1]._replace(w=last)]


def width_of_register(names: Names, walk: Walk, unit: int) -> float:
    """Return the room for the register left of the tables, with its arrow."""
    if not names.register:
        return 0.0
    said = names.register, " ".join(frame_of(_root(walk), unit)[1:])
    rule = text_width("frame × 0x1000") + _APART if names.entry else 0.0
    return max(rule, max(text_width(one, "strong") for one in said) + 14 + BESIDE)


def _root(walk: Walk) -> int:
    return walk.steps[0].table if walk.steps else walk.root


# ---- the drawing -------------------------------------------------------------------------------------


class Plate(NamedTuple):
    """What the tables of a walk are drawn from.

    `walk` is the walk as far as it is known, `ends` whether the picture says how it ends; the levels of the `changed`
    descriptors are marked.
    """

    walk: Walk
    split: AddressSplit
    reach: Reach
    names: Names
    ends: bool
    changed: Collection[int] = ()
    kind: str = ""
    refused: str = ""
    """What the entry that refuses says, such as "P = 0"."""

    @property
    def read(self) -> Sequence[Step]:
        """The steps that are drawn."""
        return self.walk.steps[: self.reach.read]

    @property
    def levels(self) -> Sequence[IndexBits]:
        """The tables that there is room for."""
        floor = self.walk.steps[-1].index_bits[1] if self.walk.page_size else 0
        return [part for part in self.split.parts if part.low >= floor]

    @property
    def parts(self) -> Sequence[IndexBits]:
        """The tables that are drawn, read or not."""
        return self.levels[: len(self.read)] if self.reach.asked else self.levels

    @property
    def has_page(self) -> bool:
        """Return whether a column is the page's."""
        return not self.reach.asked

    @property
    def has_found(self) -> bool:
        """Return whether the page is drawn as one that the walk found."""
        return self.ends and self.walk.pa is not None and len(self.read) == len(self.walk.steps) > 0

    @property
    def refusing(self) -> int | None:
        """The level of the entry beside which the picture says what was asked for; None if no entry refuses."""
        levels = [step.level for step in self.read if step.level in blamed(self.walk)]
        return levels[-1] if self.ends and levels else None

    def columns(self, room: Box) -> list[Box]:
        """Return the places of the tables and the page, side by side; none if the room is too narrow.

        Left of them is the register, below the bits of the address that no table translates.
        """
        left = width_of_register(self.names, self.walk, unit_of(self.split))
        names = {step.level: max(text_width(table_name(step), "strong"), self._least(step)) for step in self.read}
        slices = slices_of(self.walk, self.split)
        if slices[0].key == "top":
            left, slices = max(left, least_width(slices[0]) + _APART), slices[1:]
        wides = [max(least_width(one), names.get(int(one.key), 0.0)) for one in slices if one.key != "offset"]
        least = [*wides[: len(self.levels)], least_width(slices[-1])]
        return columns_of(least, Box(room.x + left, room.y, room.w - left, room.h))

    def _least(self, step: Step) -> float:
        """Return the width of an entry with its index and the number that it holds."""
        return text_width(f"{step.index}", "strong") + text_width(self.held(step), "mono label") + 24

    def held(self, step: Step) -> str:
        """Return the number of the frame that an entry holds, or the address; "" if it leads nowhere."""
        return frame_of(step.address, unit_of(self.split))[1] if step.kind in ("table", "leaf") else ""

    def strip(self, room: Box) -> dict[str, Box]:
        """Return the places of the address's slices by key: above the columns, or in as many lines as needed."""
        slices, columns = slices_of(self.walk, self.split), self.columns(room)
        if not columns:
            return in_lines(slices, room)
        top = room._replace(w=columns[0].x - _APART - room.x)
        return dict(zip((one.key for one in slices), [top, *columns][slices[0].key != "top" :], strict=False))


def draw_tables_read(plate: Plate, room: Box) -> tuple[list[Node], list[Link], float]:
    """Return the tables with what the walk read in each, the arrows between them, and where the drawing ends."""
    places = plate.columns(room)
    is_stacked = not places
    if is_stacked:
        top = room.y + (_REGISTER + _BELOW) * bool(plate.names.register)
        levels = [*(part.level for part in plate.parts), *[-1] * plate.has_page]
        later = levels.index(plate.refusing) if plate.refusing in levels else len(levels)
        places = [
            Box(room.x, top + number * (_ROW + _BELOW) + _SAID * is_after, room.w - _APART * 2 * is_after, _ROW)
            for number, is_after in ((number, number > later) for number in range(len(levels)))
        ]  # the arrow of a refusal passes those that were not reached
    nodes: list[Node] = []
    steps = {step.level: (number, step) for number, step in enumerate(plate.read, 1)}
    for part, place in zip(plate.parts, places, strict=False):
        number, step = steps.get(part.level, (0, None))
        nodes.append(_table(plate, part, number, step, place, is_stacked=is_stacked))
        if step is not None:
            box = _place_of_entry(step, place, is_stacked=is_stacked)
            nodes.append(_entry(plate, step, box))
            if step.level == plate.refusing:
                nodes.append(_refusal(plate, box, place, is_stacked=is_stacked))
    if plate.has_page:
        nodes.append(_page(plate, places[-1], is_stacked=is_stacked))
    if plate.names.register and plate.parts:
        nodes[:0] = _register(plate, room, places[0], is_stacked=is_stacked)
    ends = [node.y + node.h for node in nodes if "framed" in node.state]
    placed = {node.id: node for node in nodes}
    return nodes, [*_arrows(plate, placed, is_stacked=is_stacked)], max(ends, default=room.y)


def _register(plate: Plate, room: Box, first: Box, *, is_stacked: bool) -> Iterator[Node]:
    """Yield the register that holds the frame of the `first` table; below, how an entry is found in a table."""
    kind, number = frame_of(_root(plate.walk), unit_of(plate.split))
    name = plate.names.register
    title = f"{name} holds where the first table is: {kind} {number}"
    rows = [Line(f"{name}: {number}", "strong")] if is_stacked else [Line(name, "strong"), Line(number, "mono label")]
    w = width_of_register(plate.names, plate.walk, unit_of(plate.split)) - BESIDE
    box = Box(room.x, room.y + 2, w, _HEAD)
    if is_stacked:
        box = room._replace(w=text_width(f"{name}: {number}", "strong") + 20, h=_REGISTER)
    yield kit.card("walk/register", box, rows, top=15, step=_LINE, pad=7, title=title)
    if not plate.read or not plate.names.entry or plate.read[0].table >= NOWHERE:
        return
    unit = unit_of(plate.split)
    kinds = {frame_of(step.table, unit)[0] for step in plate.read}
    table = f"frame × {unit:#x}" if kinds == {"frame"} else "table's start"
    index = f"+ index × {plate.names.entry}"
    title = f"the physical address of an entry is {table} {index}"
    if is_stacked:
        left = box.w + 12
        ways = f"an entry is at {table} {index}", f"at {table} {index}", f"{table} {index}", index
        text = [fitted(room.w, 15, ways, room.w - left, "label dim", "end")]
        place = room._replace(h=_REGISTER)
    else:
        place = Box(room.x, first.y + _HEAD + _BODY, first.x - _APART - room.x, _FOOT)
        text = [fitted(0, base, said, place.w, "label dim") for base, said in ((32, table), (49, f"{index} ="))]
    yield kit.runs("walk/rule", place, text, title=title)


def _framed(
    identity: str, style: str, names: tuple[str, str], where: tuple[str, str], feet: Sequence[str], title: str,
    place: Box, *, is_stacked: bool, text: Iterable[Text] = (), bars: Iterable[Bar] = (),
) -> Node:  # fmt: skip  # the same
    """Return a table or a page: its names and its frame above it, and words below; in a row, all are in it.

    `names` are its short name and the manual's.  If there is no frame, the last of `where` says so, in the middle.
    """
    x, y, w, _ = place
    left, room, foot = (6.0, w * _SHARE - 10, 0.0) if is_stacked else (0.0, w, _HEAD + _BODY)
    short, name = names
    after = left + text_width(f"{short} ", "strong") * bool(short)
    words = [Text(left, 15, short, "strong"), fitted(after, 15, name, room - after, "label dim" if short else "strong")]
    kind, number = where
    if kind:
        after = left + text_width(f"{kind} ")
        words += [Text(left, 32, kind, "label dim"), fitted(after, 32, number, room - after, "mono label strong")]
    elif is_stacked:
        words.append(Text(left, 32, number, "label dim"))
    else:
        words.append(Text(w / 2, _HEAD + _BODY / 2 + 4, number, "label dim", "middle"))
    at, anchor = (room, "end") if is_stacked else (0.0, "start")
    words += [Text(at, foot + 15 + 17 * number, one, "label dim", anchor) for number, one in enumerate(feet)]
    body = Bar(0, 0, w, _ROW, style) if is_stacked else Bar(0, _HEAD, w, _BODY, style)
    return Node(
        identity, "table" if "/table/" in identity else "page-found", x, y, w, _height(is_stacked=is_stacked),
        text=tuple(run for run in (*words, *text) if run.text), bars=(body, *bars), state=("framed",), title=title,
    )  # fmt: skip  # "framed": no line is around the words


def _height(*, is_stacked: bool) -> float:
    """Return the height of a table with its words."""
    return _ROW if is_stacked else _HEAD + _BODY + _FOOT


def _table(plate: Plate, part: IndexBits, number: int, step: Step | None, place: Box, *, is_stacked: bool) -> Node:
    """Return a table: a frame of entries, with its names above and what it covers below; dashed if it is not read."""
    identity = f"walk/table/{part.level}"
    if step is None:
        return _framed(identity, "own-gone", ("", part.name), ("", "not read"), (), f"{part.name}: not read",
                       place, is_stacked=is_stacked)  # fmt: skip
    names = plate.names.tables.get(step.table, ""), table_name(step)
    feet = _feet(plate, place.w)[number - 1] if is_stacked else (_covers(step), f"read {number}", place_of(step.pa))
    title = f"{names[1]} at physical {place_of(step.table)}, {_covers(step)}"
    where = frame_of(step.table, unit_of(plate.split))
    return _framed(identity, "rail through", names, where, feet, title, place, is_stacked=is_stacked)


def _refusal(plate: Plate, entry: Box, place: Box, *, is_stacked: bool) -> Node:
    """Return what was asked for and what is allowed: below the entry that refuses, above it, or below its row."""
    asked, allowed = _asked_and_allowed(plate.walk)
    step, style = _LINE - 2, "label error"
    lines: Sequence[str | tuple[str, ...]] = [tuple(f"{one} · {other}" for other in allowed for one in asked)]
    if is_stacked:
        box = Box(place.x + 44, place.y + _ROW, place.w - 88, _SAID)
    else:
        top, below = entry.y - place.y - _HEAD, place.y + _HEAD + _BODY - entry.y - _ENTRY
        room = place.w - (6 if top <= below else 12)  # above the entry is the line of its index
        lines = [asked, *wrapped(allowed[0], room, style)]
        lines = lines if len(lines) * step + 1 <= max(top, below) else [asked, allowed]
        y = entry.y + _ENTRY if top <= below else entry.y - len(lines) * step - 3
        box = Box(place.x + 3, y, room, len(lines) * step + 3)
    text = [fitted(0, step * number - 1, line, box.w, style) for number, line in enumerate(lines, 1)]
    return kit.runs("walk/refusal", box, text, title=f"{asked[0]}; {allowed[0]}")


def _feet(plate: Plate, w: float) -> list[tuple[str, str]]:
    """Return what each table that is a row covers, if there is room in all of them, and which read was in it."""
    covers = [_covers(step) for step in plate.read]
    names = [f"{plate.names.tables.get(step.table, '')} {table_name(step)}" for step in plate.read]
    both = (text_width(f"{name} {one} ", "strong") for name, one in zip(names, covers, strict=True))
    covers = covers if max(both, default=0.0) <= w * _SHARE else [""] * len(covers)
    return [(one, f"read {number}") for number, one in enumerate(covers, 1)]


def _covers(step: Step) -> str:
    """Return how much of the address space a table covers, which is not its own size."""
    return f"maps {binary_size(1 << step.index_bits[0] + 1)}"


def _place_of_entry(step: Step, place: Box, *, is_stacked: bool) -> Box:
    """Return the place of an entry: at its height in the table; in the middle if the index is left out."""
    if is_stacked:
        return Box(place.x + place.w * _SHARE, place.y + (_ROW - _ENTRY) / 2, place.w * (1 - _SHARE) - 6, _ENTRY)
    entries = 1 << step.index_bits[0] - step.index_bits[1] + 1
    part = 0.5 if isinstance(step.index, Hidden) else step.index / max(1, entries - 1)
    return Box(place.x, place.y + _HEAD + (_BODY - _ENTRY) * part, place.w, _ENTRY)


def _entry(plate: Plate, step: Step, place: Box) -> Node:
    """Return an entry that was read: its index, and the frame that it holds."""
    is_red = plate.ends and step.level in blamed(plate.walk)
    look = look_of(step, plate.kind)
    state = ("fault", "framed") if is_red else ("changed", *look) if step.level in plate.changed else look
    title = f"{step.layout} at physical {place_of(step.pa)}: {step.value:#x}; " + ", ".join(
        f"{value.field.name}={value.value:#x}" for value in step.decoded if value.value
    )
    index = f"{step.index}"
    held = plate.held(step)
    is_solid = bool(held) or is_red
    style = "on-step" if is_solid else "dim"
    room = place.w - 16 - text_width(index, "strong") - 8
    if is_red and plate.refused:
        short = plate.refused.replace(" = ", "=")
        ways: tuple[str, ...] = (*[f"{held} {short}"] * bool(held), plate.refused, short, "refused", "no")
    else:
        ways = {"invalid": ("not present", "absent", "0"), "reserved": ("reserved", "–")}.get(step.kind, (held,))
    words = wording(ways, room, "label")
    right = fitted(place.w - 8, 17, words, room, f"{'mono ' * bool(held)}label {style}", "end")
    inset = 3.0 if "changed" in state else 0.0
    fill = "error" if is_red else "table"
    bars = (Bar(inset, inset, place.w - 2 * inset, place.h - 2 * inset, fill),) * is_solid
    return Node(
        f"walk/step/{step.level}", "descriptor", *place, f"pte:{step.pa:x}", "box",
        (Text(8, 17, index, f"strong {style}"), right), bars, state, f"{title} ({step.section})", "select", "walk",
    )  # fmt: skip


def _page(plate: Plate, place: Box, *, is_stacked: bool) -> Node:
    """Return the page with the byte at its offset; a dashed one if the walk did not find it."""
    walk, w, names = plate.walk, place.w, ("", "the page")
    if not plate.has_found:
        said, where, text = "not reached", ("", "not reached"), list[Text]()
        if plate.ends and walk.fault is not None and walk.permissions is not None:
            said, where = "mapped, but refused", frame_of(walk.steps[-1].address, unit_of(plate.split))
            if is_stacked:
                text = [fitted(w - 8, 24, (said, "refused"), w * (1 - _SHARE), "label error", "end")]
            else:
                base, lines = _HEAD + _BODY / 2 - 4, said.split(" ", 1)
                text = [Text(w / 2, base + _LINE * at, one, "label error", "middle") for at, one in enumerate(lines)]
        return _framed("walk/page", "own-gone", names, where, (), f"the page: {said}",
                       place, is_stacked=is_stacked, text=text)  # fmt: skip
    where, style = frame_of(walk.steps[-1].address, unit_of(plate.split)), leaf_style(plate.kind)
    offset, size = f"byte {hexadecimal(walk.offset)}", binary_size(walk.page_size)
    part = 0.5 if isinstance(walk.offset, Hidden) else walk.offset / max(1, walk.page_size - 1)
    line = _HEAD + (_BODY - 3) * part
    if is_stacked:
        left, base, bars = w * _SHARE + 8, 24.0, []
    else:
        left, base, bars = 8.0, line + 16 if line + 22 < _HEAD + _BODY else line - 6, [Bar(0, line, w, 3, style)]
    memory = () if is_stacked else ("the memory", "itself")
    return _framed(
        "walk/page", f"{style} pale", names, where, (f"holds {size}", *memory),
        f"the page: {' '.join(where)}, {size}, {offset}", place, is_stacked=is_stacked,
        text=[fitted(left, base, offset, w - left - 8, "strong")], bars=bars,
    )  # fmt: skip


def byte_line(page: Node) -> float:
    """Return the height of the byte's line in the page's column."""
    return page.y + (page.bars[-1].y if len(page.bars) > 1 else page.h)


def _arrows(plate: Plate, placed: Mapping[str, Node], *, is_stacked: bool) -> Iterator[Link]:
    """Yield an arrow from the register and from each entry to the frame of the next table, or of the page."""
    ids = [f"walk/step/{step.level}" for step in plate.read]
    heads = [f"walk/table/{step.level}" for step in plate.read] + ["walk/page"] * plate.has_found
    ends = [*heads[:1], *ids[1:], *heads[len(ids) :]]
    for source, head, end in zip(["walk/register", *ids], heads, ends, strict=False):
        if source not in placed:
            continue
        (x, y, w, h), to = (getattr(placed[source], one) for one in "xywh"), placed[head]
        if is_stacked:
            down, level = to.x + 30, to.y - _BELOW / 2 + 1
            turn = x + w - 30 if source in ids else down
            points = ((turn, y + h), (turn, level), (down, level), (down, to.y))
        else:
            middle, edge, level = y + h / 2, to.x - BESIDE / 2, to.y + 27
            points = ((x + w, middle), (edge, middle), (edge, level), (to.x - 4, level))
        yield Link(f"{source}/next", "next", source, end, points, state=("is-table",), arrow=True)

"""A TLB's contents: all of its sets as one compact grid, and the important translations in words below the grid.

A column is a set, a row a way.  A cell's fill shows how recently it was used in its set; a round cell is global, and a
cell with ≠ differs from the tables.  If there is room, each cell shows the last digits of its page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from vmwidgets import events as ev
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE_SHIFT, Address, binary_size, counted
from vmwidgets.engine.mmu.tlb_schema import Difference, TlbSlot
from vmwidgets.engine.spaces.processors_schema import CpusValue, CpuValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import page_number
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import LINE, Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import ELLIPSIS, fitted, text_width, wording

GUTTER = 42.0
"""Pixels on the left for the names of the ways, once for all processors of a row."""

CELL_H = 32.0
"""Height of a cell that shows its page."""

_SMALL_H, _LEAST, _WORDY, _MOST = 16.0, 12.0, 50.0, 96.0
"""Height of a small cell; the least pixels from set to set, the least with long page numbers, and the most."""

_TALLEST = 32
"""The most rows of cells in a grid; if there were more, only sets with translations are shown."""

CELLS = 160
"""The number of cells of a processor that can be selected; the others are drawn, and are in the table."""

_PAD, _GAP = 8.0, 2.0


@frozen
class Touched:
    """The places, as (processor, set, way), that an operation used or filled."""

    used: frozenset[tuple[str, int, int]]
    filled: frozenset[tuple[str, int, int]]

    @classmethod
    def by(cls, events: Sequence[Event]) -> Touched:
        """Return what these events did to TLBs."""
        used = {(event.cpu, event.set, event.way) for event in events if isinstance(event, ev.TlbHit)}
        filled = {(event.cpu, event.entry.set, event.entry.way) for event in events if isinstance(event, ev.TlbFilled)}
        return cls(frozenset(used), frozenset(filled))

    def state(self, cpu: str, slot: TlbSlot) -> list[str]:
        """Return the last action on a place."""
        here = (cpu, *slot.entry.place)
        return [word for word, places in (("new", self.filled), ("path", self.used)) if here in places][-1:]


@frozen
class Grid:
    """The layout of the processors' sets: the same for all, so that they can be compared."""

    pitch: float
    """Pixels from one set to the next."""
    across: int
    """The number of sets side by side."""
    says_pages: bool

    @classmethod
    def of(cls, cpus: Sequence[CpuValue], w: float) -> Grid:
        """Return the grid for these processors, with `w` pixels for each."""
        tlb = cpus[0].tlb
        bands = max(1, -(-tlb.sets // max(1, int(w // _LEAST))))
        across = -(-tlb.sets // bands)
        if bands * tlb.ways > _TALLEST:
            kept = max(len(cls.held(cpu)) for cpu in cpus)
            across = max(1, min(kept, int(w // _LEAST)))
        pitch = min(_MOST, w / across)
        longest = max((text_width(_page(slot), "mono") for cpu in cpus for slot in cpu.tlb.slots), default=0.0)
        return cls(pitch, across, bool(longest) and pitch >= min(longest + 14, _WORDY))

    @property
    def high(self) -> float:
        """The distance in pixels from one way to the next."""
        return (CELL_H if self.says_pages else _SMALL_H) + _GAP

    @staticmethod
    def held(cpu: CpuValue) -> list[int]:
        """Return the sets that contain translations."""
        return [index for index, row in enumerate(cpu.tlb.rows) if any(row)]

    def shown(self, cpu: CpuValue, first: int) -> tuple[list[int], int]:
        """Return the sets that are drawn (all, or from the `first` with translations on), and how many do not fit."""
        tlb = cpu.tlb
        if -(-tlb.sets // self.across) * tlb.ways <= _TALLEST:
            return [*range(tlb.sets)], 0
        held = self.held(cpu)
        begin = first if first < len(held) else 0
        most = max(1, min(CELLS, _TALLEST * self.across) // tlb.ways)
        return held[begin : begin + most], max(0, len(held) - most)


def _page(slot: TlbSlot) -> str:
    return page_number(slot.entry.va >> PAGE_SHIFT)


# ---- the grid ------------------------------------------------------------------------------------


def grid_of_sets(
    cpu: CpuValue, grid: Grid, sets: Sequence[int], asids: bool, touched: Touched, named: bool, box: Box
) -> list[Node]:
    """Return the sets of a processor; its ways can be `named`, to the left of the box."""
    tlb, x, y = cpu.tlb, box.x, box.y
    bars: list[Bar] = []
    text: list[Text] = []
    cells: list[Node] = []
    left = GUTTER if named else 0.0
    first = {slot.entry.place for slot in _first(cpu, touched)}
    every = _every(sets, grid.pitch)
    top = 0.0
    for begin in range(0, len(sets), grid.across):
        if named:
            text.append(Text(0, top + 13, "set", "dim"))
        for column, index in enumerate(sets[begin : begin + grid.across]):
            at = left + column * grid.pitch
            if not column % every:
                text.append(Text(at + 1, top + 13, f"{index}", "dim"))
            for way, slot in enumerate(tlb.rows[index]):
                place = Box(at, top + LINE + way * grid.high, grid.pitch - _GAP, grid.high - _GAP)
                if slot is None:
                    bars.append(Bar(*place, "rail"))
                elif slot.entry.place not in first:
                    bars.append(Bar(*place, "error" if slot.stale else "cached"))
                else:
                    at_page = place._replace(x=x - left + place.x, y=y + place.y)
                    cells.append(draw_cell(cpu, slot, asids, touched, at_page, grid.says_pages))
        if named:
            text += [
                Text(0, top + LINE + way * grid.high + grid.high / 2 + 3, f"way {way}", "dim")
                for way in range(tlb.ways)
            ]
        top += LINE + tlb.ways * grid.high + 4
    title = f"{cpu.cpu}: {counted(tlb.sets, 'set')} of {counted(tlb.ways, 'way')}, {len(tlb.slots):,} cached"
    ground = Node(
        f"tlb/{cpu.cpu}/sets",
        "cells",
        x - left,
        y,
        left + box.w,
        top,
        shape="none",
        text=tuple(text),
        bars=tuple(bars),
        title=title,
    )
    return [ground, *cells]


def _every(sets: Sequence[int], pitch: float) -> int:
    """Return how many sets apart their numbers are written (1, 2, 4 …), so that numbers do not collide."""
    widest = text_width(f"{max(sets, default=0)}") + 8
    every = 1
    while every * pitch < widest:
        every *= 2
    return every


def _first(cpu: CpuValue, touched: Touched) -> list[TlbSlot]:
    """Return the translations that can be selected: stale and touched ones first."""
    slots = cpu.tlb.slots
    if len(slots) <= CELLS:
        return list(slots)
    return sorted(slots, key=lambda one: (not one.stale, not touched.state(cpu.cpu, one)))[:CELLS]


def draw_cell(
    cpu: CpuValue,
    slot: TlbSlot,
    asids: bool,
    touched: Touched,
    place: Box,
    says_page: bool = True,
    *,
    framed: bool = False,
) -> Node:
    """Return a way with a translation; if `framed`, it also shows the frame."""
    x, y, w, h = place
    entry = slot.entry
    identity = f"tlb/{cpu.cpu}/{entry.set}/{entry.way}"
    state = touched.state(cpu.cpu, slot)
    if slot.stale:
        state = [*(state if framed else []), "fault"]
    share = 1 - slot.age / max(cpu.tlb.ways, 2)
    text: list[Text] = []
    bars: tuple[Bar, ...]
    if says_page:
        level = (h - 4) * share
        bars = (Bar(2, round(2 + h - 4 - level, 1), 3, round(level, 1), "plain"),)
        whose = "G" if entry.asid is None else f"#{entry.asid}" if asids else ""
        size = "" if entry.page_size == 1 << PAGE_SHIFT else binary_size(entry.page_size)
        number = f"{entry.pa >> PAGE_SHIFT:#x}"
        frames = (f"→ frame {number}", f"→{number}") if framed else ("",)
        below = wording(
            [" ".join(filter(None, ("≠" if slot.stale else "", one, whose, size))) for one in frames], w - 10, "dim"
        )
        page = wording((f"page {_page(slot)}", _page(slot)) if framed else (_page(slot),), w - 10, "mono")
        text.append(Text(8, 13 if below else h / 2 + 4, _last_digits(page, w - 10), "mono"))
        text += [fitted(8, 27, below, w - 10, "dim")] if below else []
    elif slot.stale:
        bars = ()
        text.append(Text(w / 2, h / 2 + 4, "≠", "error", "middle"))
    else:
        level = (h - 2) * share
        look = "plain" if state else "cached"  # what the operation touched is loudest
        bars = (Bar(1, round(1 + h - 2 - level, 1), w - 2, round(level, 1), look),)
    return Node(
        identity, "slot", x, y, w, h, identity, "round" if entry.asid is None and not says_page else "box",
        text=tuple(text), state=tuple(state), bars=bars, title=title_of(slot, asids), action="select", lane=cpu.cpu,
    )  # fmt: skip


def _last_digits(page: str, room: float) -> str:
    """Return a page's number; if it is too long, its last digits."""
    if text_width(page, "mono") <= room:
        return page
    kept = int((room - text_width(ELLIPSIS, "mono")) // text_width("0", "mono"))
    return ELLIPSIS + page[-max(1, kept) :]


def title_of(slot: TlbSlot, asids: bool) -> str:
    """Return everything about a translation in words."""
    entry = slot.entry
    whose = "global, " if entry.asid is None else f"address space {entry.asid}, " if asids else ""
    rights = f"supervisor {entry.permissions.supervisor}, user {entry.permissions.user}"
    age = "used last in its set" if slot.age == 0 else f"{counted(slot.age, 'other')} of its set used since"
    stale = "".join(f"; stale, {difference}" for difference in slot.stale)
    return (
        f"set {entry.set}, way {entry.way}: {Address(entry.va)} is physical {Address(entry.pa)}, "
        f"{binary_size(entry.page_size)}, {whose}{rights}, {'dirty' if entry.dirty else 'clean'}, {age}{stale}"
    )


# ---- what matters, in words ----------------------------------------------------------------------

ROWS = 4
"""How many translations of a processor are described in words."""

_TOLD = 420.0
"""The most pixels for one description."""


def told(cpu: CpuValue, touched: Touched) -> tuple[list[TlbSlot], int]:
    """Return the translations that are described in words, and how many stale ones are left out.

    Stale translations come first, then touched ones; a small TLB's translations are all described.
    """
    slots = cpu.tlb.slots
    kept = sorted(slots, key=lambda one: (not one.stale, not touched.state(cpu.cpu, one)))
    if len(slots) > ROWS:
        kept = [one for one in kept if one.stale or touched.state(cpu.cpu, one)]
    return kept[:ROWS], sum(bool(one.stale) for one in kept[ROWS:])


def says(slot: TlbSlot) -> str:
    """Return a translation's target and permissions, or the difference if it is stale: "rw- ≠ r--"."""
    if slot.stale:
        return ", ".join(_differs(slot, difference) for difference in slot.stale)
    return f"→ {Address(slot.entry.pa)} {_rights(slot)}"


def _rights(slot: TlbSlot) -> str:
    may = slot.entry.permissions
    return str(may.user if any(may.user) else may.supervisor)


_SHORT = {"a page that was written to": "dirty", "one that was not": "clean"}


def _differs(slot: TlbSlot, difference: Difference) -> str:
    """Return a difference in as few words as possible: the TLB's on the left, the tables' on the right."""
    what, kept, now = difference
    if what == "mapping":
        return f"{_rights(slot)} ≠ none"
    if what == "rights":  # "supervisor rwx, user rw-": the user's rights if they differ, otherwise the kernel's
        sides = [(one.split()[-1], other.split()[-1]) for one, other in _sides(kept, now)]
        one, other = next(pair for pair in reversed(sides) if pair[0] != pair[1])
        return f"{one} ≠ {other}"
    return f"{_SHORT.get(kept, kept)} ≠ {_SHORT.get(now, now)}"


def _sides(kept: str, now: str) -> Iterator[tuple[str, str]]:
    yield from zip(kept.split(", "), now.split(", "), strict=True)


def has_room(value: CpusValue, opened: Sequence[int], touched: Touched, w: float) -> bool:
    """Return whether each described translation has room in one line; otherwise each has two lines."""
    rows = [slot for number in opened for slot in told(value.cpus[number], touched)[0]]
    return all(_one_line(slot) + 2 * _PAD + 12 <= w for slot in rows)


def _one_line(slot: TlbSlot) -> float:
    return text_width(_where(slot), "mono") + text_width(says(slot), "mono strong")


def _where(slot: TlbSlot) -> str:
    """Return the set of a translation, which says its column, and its page."""
    return f"set {slot.entry.set}: {Address(slot.entry.va)}"


def in_words(cpu: CpuValue, asids: bool, touched: Touched, in_one_line: bool) -> Part:
    """Return the important translations, and how many stale ones are left out."""
    slots, left_out = told(cpu, touched)
    rows = [
        boxes.drawing(24 if in_one_line else 40, partial(_in_words, cpu, slot, asids, touched, in_one_line))
        for slot in slots
    ]
    more = f"… ≠ {left_out:,} more stale" if left_out else ""
    rest = boxes.words(f"tlb/{cpu.cpu}/left out", more, "error")
    return boxes.below(boxes.narrower(_TOLD, boxes.below(*rows, gap=4)), rest, gap=4)


def _in_words(cpu: CpuValue, slot: TlbSlot, asids: bool, touched: Touched, in_one_line: bool, box: Box) -> list[Node]:
    entry, words, style = slot.entry, says(slot), "mono error strong" if slot.stale else "mono dim"
    identity = f"tlb/{cpu.cpu}/{entry.set}/{entry.way}"
    where = _where(slot)
    both = [kit.Line((where, str(Address(entry.va))), "mono"), kit.Line(words, style)]
    rows = [kit.Line(where, "mono", words, style)] if in_one_line else both
    state = ["fault"] if slot.stale else touched.state(cpu.cpu, slot)
    return [
        kit.card(f"{identity}/said", box, rows, kind="translation", top=16, step=16, pad=_PAD, thing=identity,
                 state=state, title=title_of(slot, asids), lane=f"{cpu.cpu} said"),
    ]  # fmt: skip  # a row


def legend(cpus: Sequence[CpuValue], grid: Grid) -> str:
    """Return the meanings of the cells' styles that are present."""
    slots = [slot for cpu in cpus for slot in cpu.tlb.slots]
    parts = []
    if any(sum(slot is not None for slot in row) > 1 for cpu in cpus for row in cpu.tlb.rows):
        parts.append(
            f"in a set, the {'entry with the highest bar' if grid.says_pages else 'fullest cell'} was used last"
        )
    if not all(slot.entry.asid is not None for slot in slots):
        parts.append("G: global" if grid.says_pages else "round: global")
    if any(slot.stale for slot in slots):
        parts.append("in the TLB ≠ in the tables")
    return " · ".join(parts)


def empty_cell(cpu: CpuValue, index: int, way: int, place: Box) -> Node:
    """Return a way without a translation, if the ways of a set can be selected."""
    title = f"set {index}, way {way}: empty"
    return kit.chip(f"tlb/{cpu.cpu}/{index}/{way}", "slot", place, state=("free",), title=title)

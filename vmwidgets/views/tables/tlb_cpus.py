"""A processor and its TLB: words about it, a column a set with a cell a way, folds for what is not drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.events import Event
from vmwidgets.engine.base.units import PAGE_SHIFT, Address, binary_size, counted
from vmwidgets.engine.base.values.cpus import CpusValue, CpuValue, TlbSlot
from vmwidgets.views.scene.columns import MARGIN
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import ELLIPSIS, shorten, text_width, visible

from .tlb_requests import LINE, MOST_REQUESTS, draw_requests, line_of_words

HEAD, CELL_H, FOLD_H, GAP = 42.0, 32.0, 20.0, 14.0
"""Heights: of a processor's words, of a cell, of a fold; room below a processor."""

COLUMNS, DETAILED = 16, 4
"""Sets that are drawn of a processor; processors whose cells are drawn."""

LABEL, FOLD_W = 52.0, 240.0
MOST_CELLS = 160
"""Cells that are drawn of one processor."""


@dataclass(frozen=True, slots=True)
class TlbBench:
    """What is looked at: the processors whose cells are drawn, by number, and the first set that is drawn of each.

    `requests` says how many waiting flushes are drawn, by processor, where it isn't the usual few; `chosen` names the
    entry that is described in full.
    """

    opened: Collection[int] = tuple(range(DETAILED))
    sets: int = 0
    chosen: str = ""
    requests: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marks:
    """Places, as (processor, set, way), that the last operation used or filled."""

    used: frozenset[tuple[str, int, int]]
    filled: frozenset[tuple[str, int, int]]


def marks_of(events: Sequence[Event]) -> Marks:
    """What the events of an operation did to TLBs."""
    used = {(event.cpu, event.set, event.way) for event in events if isinstance(event, ev.TlbHit)}
    filled = {(event.cpu, event.entry.set, event.entry.way) for event in events if isinstance(event, ev.TlbFilled)}
    return Marks(frozenset(used), frozenset(filled))


def draw_cpu(
    cpu: CpuValue, number: int, asids: bool, bench: TlbBench, marks: Marks, y: float, width: float
) -> tuple[list[Node], float]:
    """A processor from `y` on, and where the next begins; `asids` says whether address spaces have numbers."""
    most = bench.requests.get(number, MOST_REQUESTS)
    requests, beside = draw_requests(cpu, number, most, y, width)
    nodes = [_heading(cpu, number, y, width), *requests]
    below = max(y + HEAD, beside + 6)
    kept = [index for index, row in enumerate(cpu.tlb.rows) if any(row)]
    if not kept:
        return nodes, below
    if number not in bench.opened:
        return [*nodes, _folded_cpu(cpu, number, y + HEAD)], max(y + HEAD + FOLD_H, beside) + GAP
    columns = max(1, min(COLUMNS, MOST_CELLS // cpu.tlb.ways))
    first = bench.sets if bench.sets < len(kept) else 0
    shown = kept[first : first + columns]
    nodes += _grid(cpu, shown, asids, marks, below, width)
    bottom = below + LINE + cpu.tlb.ways * (CELL_H + 2)
    if len(kept) > len(shown):
        words = f"… {counted(len(kept) - len(shown), 'set')} more that hold something"
        identity = f"tlb/{cpu.cpu}/more/{first + columns}"
        nodes.append(_fold(identity, number, MARGIN + LABEL, bottom + 2, words, f"{words}: show them"))
        bottom += FOLD_H + 4
    return nodes, bottom + GAP


def _grid(cpu: CpuValue, shown: list[int], asids: bool, marks: Marks, y: float, width: float) -> list[Node]:
    nodes = []
    share = (width - 2 * MARGIN - LABEL) / max(len(shown), 8)
    for way in range(cpu.tlb.ways):
        top = y + LINE + way * (CELL_H + 2)
        nodes.append(line_of_words(f"tlb/{cpu.cpu}/way/{way}", MARGIN, top + 7, LABEL, f"way {way}", "label dim"))
    for column, index in enumerate(shown):
        x = MARGIN + LABEL + column * share
        nodes.append(line_of_words(f"tlb/{cpu.cpu}/set/{index}", x, y, share - 3, f"set {index}", "label dim"))
        for way, slot in enumerate(cpu.tlb.rows[index]):
            top = y + LINE + way * (CELL_H + 2)
            nodes.append(_cell(cpu, index, way, slot, asids, marks, x, top, share - 3))
    return nodes


def _folded_cpu(cpu: CpuValue, number: int, y: float) -> Node:
    """The cells of a processor that is folded: how many translations they hold, and how many are stale."""
    stale = len(cpu.tlb.stale)
    words = f"… {counted(len(cpu.tlb.slots), 'translation')}{f', ≠ {stale:,} stale' if stale else ''}"
    title = f"{cpu.cpu}, folded: {words[2:]}; show them; of {DETAILED} that are open, the one opened first folds"
    fold = _fold(f"tlb/{cpu.cpu}/fold", number, MARGIN, y, words, title)
    return replace(fold, state=("folded", "fault")) if stale else fold


def _fold(identity: str, number: int, x: float, y: float, words: str, title: str) -> Node:
    return Node(
        identity, "fold", x, y, FOLD_W, FOLD_H, text=(Text(7, 14, words, "label dim"),), state=("folded",),
        action="open", lane=f"cpu {number}", title=title,
    )  # fmt: skip


def _heading(cpu: CpuValue, number: int, y: float, width: float) -> Node:
    tlb = cpu.tlb
    asid = f", space number {cpu.asid}" if cpu.asid else ""
    who = f"runs {visible(cpu.space)}{asid}"
    rate = f"{counted(tlb.hits, 'hit')}, {counted(tlb.misses, 'miss')}"
    kept = f"{len(tlb.slots):,} of {tlb.sets * tlb.ways:,} kept, reach {binary_size(tlb.reach)}"
    x = text_width(cpu.cpu, "strong") + 12
    w = (width - 2 * MARGIN) * 0.56
    text = [
        Text(0, 16, cpu.cpu, "strong"),
        Text(x, 16, shorten(who, w - x, "label"), "label"),
        Text(0, 33, shorten(f"{rate} · {kept}", w, "label"), "label dim"),
    ]
    state = ("fault",) if tlb.stale else ()
    stale = f", {len(tlb.stale)} stale" if tlb.stale else ""
    return Node(
        f"tlb/{cpu.cpu}", "label", MARGIN, y, w, HEAD, cpu.cpu, "none", tuple(text), state=state,
        title=f"{cpu.cpu} {who}, root {Address(cpu.root)}: {rate}; {kept}{stale}", lane=f"cpu {number}",
    )  # fmt: skip


def _cell(
    cpu: CpuValue, index: int, way: int, slot: TlbSlot | None, asids: bool, marks: Marks, x: float, y: float, w: float
) -> Node:
    identity = f"tlb/{cpu.cpu}/{index}/{way}"
    if slot is None:
        return Node(identity, "slot", x, y, w, CELL_H, state=("free",), title=f"set {index}, way {way}: empty")
    entry = slot.entry
    stale = "≠" if slot.stale else ""
    whose = "G" if entry.asid is None else f"#{entry.asid}" if asids else ""
    size = "" if entry.page_size == 1 << PAGE_SHIFT else binary_size(entry.page_size)
    below = " ".join(filter(None, (stale, whose, size)))
    page, room = f"{entry.va >> PAGE_SHIFT:x}", w - 10
    if text_width(page, "mono label") > room:
        page = (
            ELLIPSIS
            + page[-max(1, int((room - text_width(ELLIPSIS, "mono label")) // text_width("0", "mono label"))) :]
        )
    place = (cpu.cpu, index, way)
    state = [word for word, places in (("new", marks.filled), ("path", marks.used)) if place in places]
    if slot.stale:
        state.append("fault")
    oldest = max(cpu.tlb.ways - 1, 1)
    level = (CELL_H - 4) * (1 - slot.age / (oldest + 1))
    text = [
        Text(8, 13 if below else 20, page, "mono label"),
        *([Text(8, 27, shorten(below, room, "label"), "label dim")] if below else []),
    ]
    return Node(
        identity, "slot", x, y, w, CELL_H, identity, text=tuple(text), state=tuple(state[-1:]),
        bars=(Bar(2, round(2 + CELL_H - 4 - level, 1), 3, round(level, 1), "plain"),), title=_title(slot, asids),
        action="select", lane=cpu.cpu,
    )  # fmt: skip


def _title(slot: TlbSlot, asids: bool) -> str:
    entry = slot.entry
    whose = "global, " if entry.asid is None else f"address space {entry.asid}, " if asids else ""
    rights = f"supervisor {entry.permissions.supervisor}, user {entry.permissions.user}"
    age = "used last in its set" if slot.age == 0 else f"{counted(slot.age, 'other')} of its set used since"
    stale = "".join(f"; stale, {difference}" for difference in slot.stale)
    return (
        f"set {entry.set}, way {entry.way}: {Address(entry.va)} is physical {Address(entry.pa)}, "
        f"{binary_size(entry.page_size)}, {whose}{rights}, {'dirty' if entry.dirty else 'clean'}, {age}{stale}"
    )


def chosen_slot(value: CpusValue, chosen: str) -> tuple[CpuValue, TlbSlot] | None:
    """The entry that is chosen, and whose it is."""
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            if chosen == f"tlb/{cpu.cpu}/{slot.entry.set}/{slot.entry.way}":
                return cpu, slot
    return None


def draw_details(cpu: CpuValue, slot: TlbSlot, asids: bool, y: float, width: float) -> tuple[list[Node], float]:
    """The chosen entry in full."""
    w = width - 2 * MARGIN
    lines = [f"{cpu.cpu}, {_title(slot, asids).partition(';')[0]}", *(f"≠ {difference}" for difference in slot.stale)]
    nodes = [
        line_of_words(f"tlb/chosen/{number}", MARGIN, y + number * LINE, w, line, "label error" if number else "label")
        for number, line in enumerate(lines)
    ]
    return nodes, y + len(lines) * LINE + 4

"""TLBs and processors: sets as columns, ways as rows; what is stale stands out; what one processor asked of another.

A cell tells the page (the last digits of its number), whose it is (G: global, else the address space's number), and by
its bar how lately it was used.  Only sets that hold something are drawn, and the cells of at most four processors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..engine.base import cpu_events as ev
from ..engine.base.events import Event
from ..engine.base.journal import Operation
from ..engine.base.tlb_values import CpusValue, CpuValue, FlushRequest, TlbSlot
from ..engine.base.units import PAGE_SHIFT, Address, binary_size
from .columns import MARGIN, WIDTH
from .scene import Bar, Caption, Link, Node, Scene, Steps, Table, Text
from .switches import HEIGHT as SWITCHES
from .switches import Switch, draw_switches
from .text import ELLIPSIS, shorten, text_width, visible

HEAD, CELL_H, LINE, GAP = 42.0, 32.0, 18.0, 14.0
"""Heights: of a processor's words, of a cell, of a line of words; room below a processor."""

COLUMNS, DETAILED = 16, 4
"""Sets that are drawn of a processor; processors whose cells are drawn."""

LABEL = 52.0
MOST_CELLS = 160
"""Cells that are drawn of one processor."""

MOST_REQUESTS = 3
MODES = ("acknowledged", "sent", "forgotten")
EDITS = ("set_descriptor", "undo_descriptor")
"""Operations that edit a descriptor by hand."""


@dataclass(frozen=True, slots=True)
class TlbBench:
    """What is looked at: `first` is the first processor whose cells are drawn, `sets` the first set of each.

    `chosen` names the entry that is told about in full.
    """

    first: int = 0
    sets: int = 0
    chosen: str = ""


def draw_tlb(
    value: CpusValue,
    operation: Operation | None = None,
    events: Sequence[Event] = (),
    bench: TlbBench | None = None,
    *,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """The scene of all processors of a machine, with what the last operation did marked."""
    bench = bench or TlbBench()
    marks = _marks(events)
    groups = [_modes(value)] if len(value.cpus) > 1 else []
    nodes: list[Node] = draw_switches(groups, "tlb", 4)
    y = 4 + (SWITCHES + 10 if groups else 0)
    for number, cpu in enumerate(value.cpus):
        detailed = bench.first <= number < bench.first + DETAILED
        drawn, y = _cpu(cpu, number, detailed, bench, marks, y, width)
        nodes += drawn
    chosen = _chosen(value, bench.chosen)
    if chosen is not None:
        drawn, y = _details(*chosen, y, width)
        nodes += drawn
    spaces = "with ASIDs" if value.asids else "no ASIDs"
    return Scene(
        view="tlb",
        title="TLB" if len(value.cpus) == 1 else f"{len(value.cpus)} processors and their TLBs",
        subtitle=f"{value.cpus[0].tlb.sets} sets × {value.cpus[0].tlb.ways} ways · {spaces}",
        width=width,
        height=y + 2,
        caption=_caption(value, operation, events),
        nodes=tuple(nodes),
        links=tuple(_links(nodes, value)),
        table=_table(value),
        steps=Steps(0, 0, -1),
        machine=machine,
    )


def _modes(value: CpusValue) -> list[Switch]:
    titles = {
        "acknowledged": "flushes asked of other processors are done before the sender goes on",
        "sent": "flushes asked of other processors wait until they are acknowledged",
        "forgotten": "other processors are not asked: what they keep may go stale",
    }
    return [Switch(mode, f"shootdown {mode}", value.shootdown == mode, titles[mode]) for mode in MODES]


# ---- what happened -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Marks:
    """Places, as (processor, set, way), that the last operation used or filled."""

    used: frozenset[tuple[str, int, int]]
    filled: frozenset[tuple[str, int, int]]


def _marks(events: Sequence[Event]) -> _Marks:
    used = {(event.cpu, event.set, event.way) for event in events if isinstance(event, ev.TlbHit)}
    filled = {(event.cpu, event.entry.set, event.entry.way) for event in events if isinstance(event, ev.TlbFilled)}
    return _Marks(frozenset(used), frozenset(filled))


def _caption(value: CpusValue, operation: Operation | None, events: Sequence[Event]) -> Caption:
    stale = sum(len(cpu.tlb.stale) for cpu in value.cpus)
    counted = {kind: sum(isinstance(event, kind) for event in events) for kind in _TOLD}
    dropped = sum(len(event.dropped) for event in events if isinstance(event, ev.TlbFlushed))
    parts = [f"{count:,} {words}" for kind, words in _TOLD.items() if (count := counted[kind])]
    if dropped:
        parts.append(f"{dropped:,} dropped")
    what = "Nothing was done yet" if operation is None else visible(operation.name)
    by_hand = operation is not None and operation.name in EDITS
    still = "a descriptor was edited by hand, and the TLBs are as they were" if by_hand else "the TLBs are as they were"
    text = f"{what}: {', '.join(parts) or still}."
    hits, misses = sum(cpu.tlb.hits for cpu in value.cpus), sum(cpu.tlb.misses for cpu in value.cpus)
    reason = f"Since boot {_counted(hits, 'hit')} and {_counted(misses, 'miss', 'misses')}."
    if stale:
        many = "translation is" if stale == 1 else "translations are"
        return Caption(text, (), f"{stale:,} kept {many} not what the tables say: marked ≠. {reason}", "error")
    return Caption(text, (), reason, "good" if parts else "plain")


_TOLD: dict[type, str] = {
    ev.TlbHit: "found in a TLB",
    ev.TlbMissed: "missed",
    ev.TlbFilled: "filled",
    ev.ShootdownSent: "asked of other processors",
    ev.ShootdownAcknowledged: "acknowledged",
    ev.ShootdownForgotten: "forgotten",
}


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


# ---- a processor ---------------------------------------------------------------------------------


def _cpu(
    cpu: CpuValue, number: int, detailed: bool, bench: TlbBench, marks: _Marks, y: float, width: float
) -> tuple[list[Node], float]:
    nodes = [_heading(cpu, number, detailed, y, width)]
    nodes += _requests(cpu, number, y, width)
    lines = min(len(cpu.pending), MOST_REQUESTS + 1) + max(1, bool(cpu.forgotten) + bool(cpu.edits))
    below = y + max(HEAD, 6 + LINE * lines)
    if not detailed:
        return nodes, below
    kept = [index for index, row in enumerate(cpu.tlb.rows) if any(row)]
    if not kept:
        return nodes, below
    columns = max(1, min(COLUMNS, MOST_CELLS // cpu.tlb.ways))
    first = bench.sets if bench.sets < len(kept) else 0
    shown = kept[first : first + columns]
    share = (width - 2 * MARGIN - LABEL) / max(len(shown), 8)
    for way in range(cpu.tlb.ways):
        top = below + LINE + way * (CELL_H + 2)
        nodes.append(_words(f"tlb/{cpu.cpu}/way/{way}", MARGIN, top + 7, LABEL, f"way {way}", "label dim"))
    for column, index in enumerate(shown):
        x = MARGIN + LABEL + column * share
        nodes.append(_words(f"tlb/{cpu.cpu}/set/{index}", x, below, share - 3, f"set {index}", "label dim"))
        for way, slot in enumerate(cpu.tlb.rows[index]):
            top = below + LINE + way * (CELL_H + 2)
            nodes.append(_cell(cpu, index, way, slot, marks, x, top, share - 3))
    bottom = below + LINE + cpu.tlb.ways * (CELL_H + 2)
    if len(kept) > len(shown):
        more = len(kept) - len(shown)
        words = f"… {_counted(more, 'set')} more that hold something"
        nodes.append(
            Node(f"tlb/{cpu.cpu}/more/{first + columns}", "fold", MARGIN + LABEL, bottom + 2, 240, 20,
                 text=(Text(7, 14, words, "label dim"),), state=("folded",), action="open", lane=f"cpu {number}",
                 title=f"{words}: show them"),
        )  # fmt: skip
        bottom += 24
    return nodes, bottom + GAP


def _heading(cpu: CpuValue, number: int, detailed: bool, y: float, width: float) -> Node:
    tlb = cpu.tlb
    asid = f", space number {cpu.asid}" if cpu.asid else ""
    who = f"runs {visible(cpu.space)}{asid}"
    rate = f"{_counted(tlb.hits, 'hit')}, {_counted(tlb.misses, 'miss', 'misses')}"
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
        action="" if detailed else "open",
    )  # fmt: skip


def _requests(cpu: CpuValue, number: int, y: float, width: float) -> list[Node]:
    """At the right: flushes that wait, how many were forgotten, and how often descriptors were edited by hand."""
    x = MARGIN + (width - 2 * MARGIN) * 0.58
    w = width - MARGIN - x
    nodes = []
    for line, request in enumerate(cpu.pending[:MOST_REQUESTS]):
        words = f"waits: drop {_what(request)}, asked by {request.sender}"
        nodes.append(
            Node(f"tlb/{cpu.cpu}/pending/{line}", "press", x, y + 2 + line * LINE, w, LINE - 2, shape="round",
                 text=(Text(8, 12, shorten(words, w - 16, "label"), "label"),), state=("changed",), action="open",
                 title=f"{cpu.cpu} {words}; acknowledge it", lane=f"cpu {number}"),
        )  # fmt: skip
    more = len(cpu.pending) - MOST_REQUESTS
    if more > 0:
        nodes.append(
            _words(f"tlb/{cpu.cpu}/pending/more", x, y + 2 + MOST_REQUESTS * LINE, w, f"… {more} more", "label")
        )
    top = y + 2 + LINE * min(len(cpu.pending), MOST_REQUESTS + 1)
    if cpu.forgotten:
        words = f"{_counted(cpu.forgotten, 'flush', 'flushes')} forgotten: what is kept may be wrong"
        nodes.append(_words(f"tlb/{cpu.cpu}/forgotten", x, top, w, words, "label error"))
        top += LINE
    if cpu.edits:
        words = f"{_counted(cpu.edits, 'edit')} of descriptors by hand: what is kept may be wrong"
        nodes.append(_words(f"tlb/{cpu.cpu}/edits", x, top, w, words, "label changed"))
    return nodes


def _what(request: FlushRequest) -> str:
    if not request.pages:
        return f"all of {visible(request.space)}"
    return f"{_counted(request.pages, 'page')} at {Address(request.start)} of {visible(request.space)}"


def _cell(
    cpu: CpuValue, index: int, way: int, slot: TlbSlot | None, marks: _Marks, x: float, y: float, w: float
) -> Node:
    identity = f"tlb/{cpu.cpu}/{index}/{way}"
    if slot is None:
        return Node(identity, "slot", x, y, w, CELL_H, state=("free",), title=f"set {index}, way {way}: empty")
    entry = slot.entry
    whose = "G" if entry.asid is None else f"#{entry.asid}"
    size = "" if entry.page_size == 1 << PAGE_SHIFT else f" {binary_size(entry.page_size)}"
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
        Text(8, 13, page, "mono label"),
        Text(8, 27, shorten(("≠ " if slot.stale else "") + whose + size, room, "label"), "label dim"),
    ]
    return Node(
        identity, "slot", x, y, w, CELL_H, identity, text=tuple(text), state=tuple(state[-1:]),
        bars=(Bar(2, round(2 + CELL_H - 4 - level, 1), 3, round(level, 1), "plain"),), title=_title(slot),
        action="select", lane=cpu.cpu,
    )  # fmt: skip


def _title(slot: TlbSlot) -> str:
    entry = slot.entry
    whose = "global" if entry.asid is None else f"address space {entry.asid}"
    rights = f"supervisor {entry.permissions.supervisor}, user {entry.permissions.user}"
    age = "used last in its set" if slot.age == 0 else f"{_counted(slot.age, 'other')} of its set used since"
    stale = "".join(f"; stale, {difference}" for difference in slot.stale)
    return (
        f"set {entry.set}, way {entry.way}: {Address(entry.va)} is physical {Address(entry.pa)}, "
        f"{binary_size(entry.page_size)}, {whose}, {rights}, {'dirty' if entry.dirty else 'clean'}, {age}{stale}"
    )


def _chosen(value: CpusValue, chosen: str) -> tuple[CpuValue, TlbSlot] | None:
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            if chosen == f"tlb/{cpu.cpu}/{slot.entry.set}/{slot.entry.way}":
                return cpu, slot
    return None


def _details(cpu: CpuValue, slot: TlbSlot, y: float, width: float) -> tuple[list[Node], float]:
    """The chosen entry in full."""
    w = width - 2 * MARGIN
    lines = [f"{cpu.cpu}, {_title(slot).partition(';')[0]}", *(f"≠ {difference}" for difference in slot.stale)]
    nodes = [
        _words(f"tlb/chosen/{number}", MARGIN, y + number * LINE, w, line, "label error" if number else "label")
        for number, line in enumerate(lines)
    ]
    return nodes, y + len(lines) * LINE + 4


def _words(identity: str, x: float, y: float, w: float, words: str, style: str) -> Node:
    text = (Text(0, 13, shorten(words, w, style), style),)
    cut = words if text_width(words, style) > w else ""
    return Node(identity, "label", x, y, w, LINE, shape="none", text=text, title=cut)


# ---- who asked whom ------------------------------------------------------------------------------


def _links(nodes: list[Node], value: CpusValue) -> list[Link]:
    placed = {node.id: node for node in nodes}
    links = []
    for cpu in value.cpus:
        for line, request in enumerate(cpu.pending[:MOST_REQUESTS]):
            source, target = placed.get(f"tlb/{request.sender}"), placed.get(f"tlb/{cpu.cpu}/pending/{line}")
            if source is None or target is None:
                continue
            edge = target.x + target.w + 7  # beside the cells, not across them
            words = source.text[1]
            begin = source.x + words.x + text_width(words.text, words.style) + 8
            above, beside = source.y + 1, target.x - 8  # over what waits for the sender itself
            start = (begin, source.y + 12)
            end = (target.x + target.w, target.y + target.h / 2)
            links.append(
                Link(
                    f"{target.id}/from",
                    "held-by",
                    source.id,
                    target.id,
                    (start, (beside, start[1]), (beside, above), (edge, above), (edge, end[1]), end),
                    arrow=True,
                )
            )
    return links


def _table(value: CpusValue) -> Table:
    rows: list[tuple[str, ...]] = []
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            entry = slot.entry
            rows.append(
                (cpu.cpu, str(entry.set), str(entry.way), str(Address(entry.va)), str(Address(entry.pa)),
                 binary_size(entry.page_size), "global" if entry.asid is None else str(entry.asid),
                 f"{entry.permissions.supervisor} {entry.permissions.user}", str(slot.age),
                 "; ".join(map(str, slot.stale)))
            )  # fmt: skip
        rows += [(cpu.cpu, *[""] * 8, f"waits: {_what(one)}, by {one.sender}") for one in cpu.pending]
    header = ("cpu", "set", "way", "page", "physical", "size", "space", "rights", "age", "stale")
    return Table(header, tuple(rows[:300]))

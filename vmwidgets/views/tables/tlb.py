"""TLBs and processors, side by side: cached translations, stale ones among them, and requests for flushes.

First a sentence says which processor uses stale translations.  Then from the top: the task on each processor; waiting
flushes, with an arrow from the sender; all sets as a compact grid, with the same set at the same place of each
processor; the important translations in words, such as ``rw- ≠ r--`` for stale permissions; and the consequences.  If
there are more than four processors, some are folded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE_SHIFT, Address, binary_size, counted
from vmwidgets.engine.mmu.tlb_schema import TlbSlot
from vmwidgets.engine.spaces.processors_schema import CpusValue, CpuValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import LINE, MARGIN, WIDTH, Box, Switch, draw_switches
from vmwidgets.views.scene.model import Caption, Node, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wording
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, either, having, once, seen
from vmwidgets.views.story.words.pictures import stale_sentence, tlb_sentence
from vmwidgets.views.story.words.tables import flush_in_words

from .tlb_cells import (
    CELL_H,
    GUTTER,
    Grid,
    Touched,
    draw_cell,
    draw_grid,
    draw_legend,
    draw_told,
    empty_cell,
    has_room,
    title_of,
)
from .tlb_requests import MOST_REQUESTS, bus_of, draw_requests, links_to_senders

MODES = ("acknowledged", "sent", "forgotten")


def draw_tlb(
    look: Look[CpusValue],
    bench: TlbBench | None = None,
    *,
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """Return the scene of all processors of a machine, with the operation's changes marked."""
    moment, value = look.moment, look.now
    bench = bench or TlbBench()
    touched = Touched.by(moment.so_far)
    groups = [_modes(value)] if len(value.cpus) > 1 and not bench.only else []
    nodes, high = draw_switches(groups, "tlb", 4, width)
    y = 4 + (high + 10 if groups else 0)
    if not bench.only:
        nodes.append(kit.paragraph("tlb/answer", _answer(value), MARGIN, y, width - 2 * MARGIN, style="body"))
        y += nodes[-1].h + 12
    buses: dict[str, float] = {}
    if bench.only:
        drawn, y = _draw_sets(value, bench, touched, y, width)
    else:
        drawn, y = _draw_cpus(value, bench, touched, y, width, buses)
    nodes += drawn
    for number, words in enumerate(() if bench.only else _follows(value)):
        nodes.append(kit.paragraph(f"tlb/so/{number}", words, MARGIN, y, width - 2 * MARGIN, style="body"))
        y += nodes[-1].h + 4
    chosen = _chosen_slot(value, bench.chosen)
    if chosen is not None:
        drawn, y = _draw_details(*chosen, value.asids, y, width)
        nodes += drawn
    spaces = "with ASIDs" if value.asids else "no ASIDs"
    return kit.scene(
        "tlb",
        "TLB" if len(value.cpus) == 1 else f"{len(value.cpus)} processors and their TLBs",
        f"{value.cpus[0].tlb.sets} sets × {value.cpus[0].tlb.ways} ways · {spaces} · {_since_boot(value)}",
        nodes,
        links=links_to_senders(nodes, value, buses),
        caption=_caption(value, moment),
        table=_table(value),
        steps=moment.steps(steps_of_processors(look)),
        machine=machine,
        width=width,
        height=y + 2,
    )


def _answer(value: CpusValue) -> str:
    """Return which processors use stale translations."""
    kept = sum(len(cpu.tlb.slots) for cpu in value.cpus)
    stale = [(cpu.cpu, len(cpu.tlb.stale)) for cpu in value.cpus if cpu.tlb.stale]
    if not kept:
        return "No translation is cached: the next access to each page reads the page tables."
    if not stale:
        return f"{'Each of ' * (kept > 1)}{counted(kept, 'cached translation')} is what the page tables say."
    (first, many), *others = stale
    more = sum(count for _, count in others)
    also = f", and {counted(len(others), 'other processor')} {more:,} more" if others else ""
    return f"{first} still believes {counted(many, 'translation')}{also}: the page tables say otherwise."


def _follows(value: CpusValue) -> Iterator[str]:
    """Yield the consequences of the first stale translation, and the state of the request to drop it."""
    for cpu in value.cpus:
        for slot in cpu.tlb.stale:
            entry, (what, *_) = slot.entry, slot.stale[0]
            if value.asids and entry.asid not in (None, cpu.asid):
                continue  # of an address space that is not loaded
            where, may = Address(entry.va), entry.permissions
            rights = may.user if any(may.user) else may.supervisor
            if what == "mapping" and "r" in str(rights):
                hit = f"a TLB hit, no walk, no fault, and frame {entry.pa >> PAGE_SHIFT:#x} is read"
                yield f"So a load of {where} on {cpu.cpu} still succeeds: {hit}."
            else:
                yield f"So an access to {where} on {cpu.cpu} goes by what is cached, and not by the page tables."
            if cpu.pending:
                yield f"Before {cpu.cpu} acknowledges, it is not safe to give the frames to others."
            return


def steps_of_processors(look: Look[CpusValue]) -> Mine:
    """Return the steps of processors: their TLBs, their loaded tables, requests to them.

    When a descriptor is written, translations of its pages may become stale.
    """
    stale = seen(look.at, having(ev.PteWritten, ev.PteRunWritten), lambda: not look.is_far)
    return once("processors", either(having(*_CHANGING), stale))


_CHANGING = (
    ev.TlbHit, ev.TlbMissed, ev.TlbFilled, ev.TlbFlushed, ev.TlbDoubted, ev.SpaceLoaded, ev.ShootdownSent,
    ev.ShootdownAcknowledged, ev.ShootdownForgotten, ev.ShootdownChosen,
)  # fmt: skip  # a list
"""The events of processors."""


def _since_boot(value: CpusValue) -> str:
    hits, misses = sum(cpu.tlb.hits for cpu in value.cpus), sum(cpu.tlb.misses for cpu in value.cpus)
    return f"{counted(hits, 'hit')} and {counted(misses, 'miss')} since boot"


def _modes(value: CpusValue) -> list[Switch]:
    titles = {
        "acknowledged": "other processors flush before the sender continues",
        "sent": "other processors flush when they acknowledge the request",
        "forgotten": "other processors are not asked to flush: their TLBs may become stale",
    }
    return [Switch(mode, f"shootdown {mode}", value.shootdown == mode, titles[mode]) for mode in MODES]


def _caption(value: CpusValue, moment: Moment) -> Caption:
    """Return the moment's headline and the operation's effect on the TLBs.

    After the operation, a sentence on stale translations comes first.
    """
    stale = sum(len(cpu.tlb.stale) for cpu in value.cpus)
    caption = moment.caption
    operation = moment.operation if moment.is_after else None
    own = "" if operation is None or operation.name == "flush" else tlb_sentence(moment.events)  # that says it itself
    if stale:
        words = stale_sentence(stale)
        if moment.is_after:
            return replace(caption, text=words, reason=f"{caption.text} {own}".strip(), tone="error")
        return replace(caption, reason=f"{own} {words}".strip(), tone="error")  # the step comes first
    return replace(caption, reason=own)


def _table(value: CpusValue) -> Table:
    rows: list[tuple[str, ...]] = []
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            entry = slot.entry
            rows.append(
                (cpu.cpu, str(entry.set), str(entry.way), str(Address(entry.va)), str(Address(entry.pa)),
                 binary_size(entry.page_size), _space(entry.asid, value.asids),
                 f"{entry.permissions.supervisor} {entry.permissions.user}", str(slot.age),
                 "; ".join(map(str, slot.stale)))
            )  # fmt: skip
        rows += [(cpu.cpu, *[""] * 8, f"waits: {flush_in_words(one)}, by {one.sender}") for one in cpu.pending]
    header = ("cpu", "set", "way", "page", "physical", "size", "space", "rights", "age", "stale")
    return Table(header, tuple(rows[:300]))


def _space(asid: int | None, asids: bool) -> str:
    return "global" if asid is None else str(asid) if asids else ""


# ---- processors ----------------------------------------------------------------------------------

DETAILED = 4
"""The number of processors whose cells are drawn."""

_HEAD, _FOLD_H, _GAP, _BELOW = 56.0, 22.0, 18.0, 18.0
"""Heights of a processor's words and of a fold; space between two processors side by side, and below each other."""

_LEAST, _LEAST_FOLDED = 160.0, 180.0
"""Least width in pixels of a processor with cells, and of a folded one."""


@frozen
class TlbBench:
    """The selection: the processors whose cells are drawn, by number, and the first drawn set of each.

    `requests` is the number of waiting flushes that are drawn, by processor, if it is not the usual one; `chosen` names
    the entry that is described in full.
    """

    opened: Collection[int] = tuple(range(DETAILED))
    sets: int = 0
    chosen: str = ""
    requests: Mapping[int, int] = field(default_factory=dict)
    only: Sequence[int] = ()
    """The sets that may contain an address: no others are drawn, with their ways side by side."""


def _draw_cpus(
    value: CpusValue, bench: TlbBench, touched: Touched, y: float, width: float, buses: dict[str, float]
) -> tuple[list[Node], float]:
    """Return all processors, open ones first, and where they end; `buses` receives the places of arrows below heads."""
    opened = [number for number in range(len(value.cpus)) if number in bench.opened]
    nodes: list[Node] = []
    columns = _columns(len(opened), _LEAST, width - GUTTER)
    for begin in range(0, len(opened), len(columns)):
        those = opened[begin : begin + len(columns)]
        drawn, y = _draw_row(value, those, opened, bench, touched, y, columns, buses)
        nodes += drawn
    nodes += draw_legend([value.cpus[number] for number in opened], _grid_of(value, opened, columns), y, width)
    y += nodes[-1].h + 4 if nodes[-1].id == "tlb/legend" else 0
    folded = [number for number in range(len(value.cpus)) if number not in opened]
    if folded:
        columns = _columns(len(folded), _LEAST_FOLDED, width, indent=0)
        y += 6
    for begin in range(0, len(folded), max(1, len(columns))):
        line = list(zip(folded[begin : begin + len(columns)], columns, strict=False))
        drawn, y = _draw_folded(value, line, bench, y, buses)
        nodes += drawn
    return nodes, y


def _columns(count: int, least: float, width: float, *, indent: float = GUTTER) -> list[Box]:
    """Return places of processors side by side, in as many rows as needed, all equally long."""
    most = max(1, int((width - 2 * MARGIN + _GAP) // (least + _GAP)))
    across = -(-count // -(-count // most))
    return [box._replace(x=box.x + indent) for box in kit.row(across, 0, 0, width=width, gap=_GAP)]


def _grid_of(value: CpusValue, opened: Sequence[int], columns: Sequence[Box]) -> Grid:
    return Grid.of([value.cpus[number] for number in opened], columns[0].w)


def _draw_row(
    value: CpusValue, numbers: Sequence[int], opened: Sequence[int], bench: TlbBench, touched: Touched, y: float,
    columns: Sequence[Box], buses: dict[str, float],
) -> tuple[list[Node], float]:  # fmt: skip
    """Return processors side by side, with their heads, requests, grids and words at equal heights."""
    nodes: list[Node] = []
    below = y + _HEAD + bus_of(value)
    grid = _grid_of(value, opened, columns)
    placed = [(number, value.cpus[number], column) for number, column in zip(numbers, columns, strict=False)]
    bottom = below
    for number, cpu, column in placed:
        buses[cpu.cpu] = y + _HEAD + 4
        nodes.append(_heading(cpu, number, column._replace(y=y)))
        most = bench.requests.get(number, MOST_REQUESTS)
        drawn, end = draw_requests(cpu, number, most, column._replace(y=below))
        nodes += drawn
        bottom = max(bottom, end + 4 * bool(drawn))
    top = bottom
    for place, (number, cpu, column) in enumerate(placed):
        sets, more = grid.shown(cpu, bench.sets)
        box, end = column._replace(y=top), top
        if sets:
            drawn, end = draw_grid(cpu, grid, sets, value.asids, touched, box, not place)
            nodes += drawn
        if more:
            words = f"… {counted(more, 'set')} more that are not empty"
            identity = f"tlb/{cpu.cpu}/more/{bench.sets + len(sets)}"
            nodes.append(_fold(identity, number, box._replace(y=end), words, f"{words}: show them"))
            end += _FOLD_H + 6
        bottom = max(bottom, end)
    in_one_line = has_room(value, opened, touched, columns[0].w)
    top = bottom
    for _, cpu, column in placed:
        drawn, end = draw_told(cpu, value.asids, touched, column._replace(y=top + 4), in_one_line)
        nodes += drawn
        bottom = max(bottom, end)
    return nodes, bottom + _BELOW


def _draw_folded(
    value: CpusValue, line: Sequence[tuple[int, Box]], bench: TlbBench, y: float, buses: dict[str, float]
) -> tuple[list[Node], float]:
    """Return folded processors side by side: their names, waiting requests, and the number of translations."""
    nodes: list[Node] = []
    below = y + _HEAD + bus_of(value)
    bottom = below
    for number, column in line:
        cpu = value.cpus[number]
        buses[cpu.cpu] = y + _HEAD + 4
        nodes.append(_heading(cpu, number, column._replace(y=y)))
        most = bench.requests.get(number, MOST_REQUESTS)
        drawn, end = draw_requests(cpu, number, most, column._replace(y=below))
        nodes += drawn
        if cpu.tlb.slots:
            nodes.append(_folded_cpu(cpu, number, column._replace(y=end)))
            end += _FOLD_H
        bottom = max(bottom, end)
    return nodes, bottom + _BELOW


def _heading(cpu: CpuValue, number: int, place: Box) -> Node:
    """Return a processor's name, its task, its number of translations and its hits."""
    tlb = cpu.tlb
    asid = f", ASID {cpu.asid}" if cpu.asid else ""
    who = f"runs {visible(cpu.space)}{asid}"
    hits, misses = counted(tlb.hits, "hit"), counted(tlb.misses, "miss")
    kept = f"{len(tlb.slots):,} of {tlb.sets * tlb.ways:,} cached, reach {binary_size(tlb.reach)}"
    short = f"{len(tlb.slots):,} of {tlb.sets * tlb.ways:,} cached"
    x = text_width(cpu.cpu, "strong") + 12
    text = (
        Text(0, 16, cpu.cpu, "strong"),
        fitted(x, 16, who, place.w - x, ""),
        fitted(0, 33, wording((kept, f"{short}, {binary_size(tlb.reach)}", short), place.w, "dim"), place.w, "dim"),
        fitted(0, 50, f"{hits}, {misses}", place.w, "dim"),
    )
    state = ("fault",) if tlb.stale else ()
    stale = f", {len(tlb.stale)} stale" if tlb.stale else ""
    return Node(
        f"tlb/{cpu.cpu}", "label", place.x, place.y, place.w, _HEAD, cpu.cpu, "none", text, state=state,
        title=f"{cpu.cpu} {who}, root {Address(cpu.root)}: {hits}, {misses}; {kept}{stale}", lane=f"cpu {number}",
    )  # fmt: skip


def _folded_cpu(cpu: CpuValue, number: int, place: Box) -> Node:
    """Return the cells of a folded processor: how many translations it has, and how many are stale."""
    stale = len(cpu.tlb.stale)
    words = f"… {counted(len(cpu.tlb.slots), 'translation')}{f', ≠ {stale:,} stale' if stale else ''}"
    title = f"{cpu.cpu}, folded: {words[2:]}; show them; of {DETAILED} that are open, the one opened first folds"
    fold = _fold(f"tlb/{cpu.cpu}/fold", number, place, words, title)
    return replace(fold, state=("folded", "fault")) if stale else fold


def _fold(identity: str, number: int, place: Box, words: str, title: str) -> Node:
    text = (fitted(8, 15, words, place.w - 16, "dim"),)
    return Node(
        identity, "fold", place.x, place.y, min(place.w, 260), _FOLD_H, text=text, state=("folded",),
        action="open", lane=f"cpu {number}", title=title,
    )  # fmt: skip


# ---- the sets of an address -----------------------------------------------------------------------

_WAYS_W, _WAY, _WIDEST_WAY = 300.0, 62.0, 150.0
"""Least width of a processor with its ways side by side, and of a way; greatest width of a way."""


def _draw_sets(value: CpusValue, bench: TlbBench, touched: Touched, y: float, width: float) -> tuple[list[Node], float]:
    """Return the open processors side by side, with the sets that may contain an address; and where they end."""
    shown = [(number, value.cpus[number]) for number in bench.opened if number < len(value.cpus)]
    nodes: list[Node] = []
    places = kit.grid(len(shown), _WAYS_W, y, 0, width=width, gap=24)
    across = sum(place.x > 0 and place.y == y for place in places)
    bottom = y
    for line in range(0, len(shown), max(1, across)):
        top = bottom + 6 * (line > 0)
        for (number, cpu), place in zip(shown[line:][:across], places[line:], strict=False):
            ways, low = _ways_of(cpu, number, value.asids, bench.only, touched, place._replace(y=top))
            nodes += ways
            bottom = max(bottom, low)
    means = " · ".join(_WAYS if any(cpu.tlb.ways > 1 for _, cpu in shown) else _WAYS[:1])  # in all steps
    nodes.append(kit.paragraph("tlb/legend", means, MARGIN, bottom, width - 2 * MARGIN, style="dim"))
    bottom += nodes[-1].h + 2
    others = [one for number, one in enumerate(value.cpus) if number not in bench.opened]
    if others:
        stale = sum(len(one.tlb.stale) for one in others)
        words = f"… {counted(len(others), 'processor')} more{f', ≠ {stale:,} stale' if stale else ''}"
        nodes.append(_line_of_words("tlb/others", MARGIN, bottom, width - 2 * MARGIN, words, "dim"))
        bottom += LINE
    return nodes, bottom


_WAYS = ("in a way: page → frame", "in a set, the entry with the highest bar was used last")
"""What the words and the bars in the ways of a set mean."""


def _ways_of(
    cpu: CpuValue, number: int, asids: bool, only: Sequence[int], touched: Touched, place: Box
) -> tuple[list[Node], float]:
    """Return a processor's name, and the ways of its sets `only`; and where they end."""
    x, y, w, _ = place
    stale = f"≠ {len(cpu.tlb.stale):,} stale" if cpu.tlb.stale else ""
    left = text_width(cpu.cpu, "strong") + 10
    who = f"runs {visible(cpu.space)} · TLB of {counted(cpu.tlb.sets, 'set')}"
    text = (
        Text(0, 14, cpu.cpu, "strong"),
        fitted(left, 14, who, w - left - text_width(stale, "") - 12, ""),
        Text(w, 14, stale, "error", "end"),
    )
    title = f"{cpu.cpu} runs {visible(cpu.space)}{f', {stale}' if stale else ''}"
    nodes = [Node(f"tlb/{cpu.cpu}", "label", x, y, w, LINE, cpu.cpu, "none", text, title=title, lane=f"cpu {number}")]
    top = y + LINE + 2
    across = max(1, min(cpu.tlb.ways, int((w - GUTTER) // _WAY)))
    share = min(_WIDEST_WAY, (w - GUTTER) / across)
    for index in only:
        nodes.append(_line_of_words(f"tlb/{cpu.cpu}/set/{index}", x, top + LINE + 7, GUTTER, f"set {index}", ""))
        for way, slot in enumerate(cpu.tlb.rows[index]):
            at_x, at_y = x + GUTTER + way % across * share, top + way // across * (LINE + CELL_H + 2)
            nodes.append(_line_of_words(f"tlb/{cpu.cpu}/way/{index}/{way}", at_x, at_y, share, f"way {way}", "dim"))
            box = Box(at_x, at_y + LINE, share - 4, CELL_H)
            nodes.append(
                empty_cell(cpu, index, way, box)
                if slot is None
                else draw_cell(cpu, slot, asids, touched, box, framed=True)
            )
        top += -(-len(cpu.tlb.rows[index]) // across) * (LINE + CELL_H + 2)
    return nodes, top


# ---- the entry that is chosen ---------------------------------------------------------------------


def _chosen_slot(value: CpusValue, chosen: str) -> tuple[CpuValue, TlbSlot] | None:
    """Return the chosen entry, and its processor."""
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            if chosen == f"tlb/{cpu.cpu}/{slot.entry.set}/{slot.entry.way}":
                return cpu, slot
    return None


def _draw_details(cpu: CpuValue, slot: TlbSlot, asids: bool, y: float, width: float) -> tuple[list[Node], float]:
    """Return the chosen entry in full."""
    w = width - 2 * MARGIN
    lines = [f"{cpu.cpu}, {title_of(slot, asids).partition(';')[0]}", *(f"≠ {difference}" for difference in slot.stale)]
    nodes = [
        _line_of_words(f"tlb/chosen/{number}", MARGIN, y + number * LINE, w, line, "error" if number else "")
        for number, line in enumerate(lines)
    ]
    return nodes, y + len(lines) * LINE + 4


def _line_of_words(identity: str, x: float, y: float, w: float, words: str, style: str) -> Node:
    return kit.runs(identity, kit.Box(x, y, w, LINE), (fitted(0, 13, words, w, style),))

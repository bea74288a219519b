"""TLBs and processors: sets as columns, ways as rows; what is stale is marked; what one processor asked of another.

A cell tells the page (the last digits of its number), whose it is (G: global, else the address space's number where
spaces have one), and by its bar how lately it was used.  Only sets that hold something are drawn; of more than four
processors some are folded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vmwidgets import events as ev
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.past import Past
from vmwidgets.engine.base.units import PAGE_SHIFT, Address, binary_size, counted
from vmwidgets.engine.mmu.tlb_schema import TlbSlot
from vmwidgets.engine.spaces.processors_schema import CpusValue, CpuValue, FlushRequest
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Switch, draw_switches
from vmwidgets.views.scene.model import Bar, Caption, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.text import ELLIPSIS, fitted, text_width, visible, wording
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, either, once, seen, wrote
from vmwidgets.views.story.words.cpus import flush_in_words, what_of
from vmwidgets.views.story.words.pictures import stale_sentence, tlb_sentence

MODES = ("acknowledged", "sent", "forgotten")


def draw_tlb(
    value: CpusValue,
    moment: Moment,
    bench: TlbBench | None = None,
    *,
    at: Callable[[Past], CpusValue],
    machine: str = "",
    width: float = WIDTH,
) -> Scene:
    """The scene of all processors of a machine, with what the operation of `moment` did marked.

    `at` gives them before what a past holds.
    """
    bench = bench or TlbBench()
    marks = _marks_of(moment.so_far)
    groups = [_modes(value)] if len(value.cpus) > 1 and not bench.only else []
    nodes, high = draw_switches(groups, "tlb", 4, width)
    y = 4 + (high + 10 if groups else 0)
    if bench.only:
        drawn, y = _draw_sets(value, bench, marks, y, width)
        nodes += drawn
    else:
        for number, cpu in enumerate(value.cpus):
            drawn, y = _draw_cpu(cpu, number, value.asids, bench, marks, y, width)
            nodes += drawn
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
        links=_links_to_senders(nodes, value),
        caption=_caption(value, moment),
        table=_table(value),
        steps=moment.steps(steps_of_processors(moment, at)),
        machine=machine,
        width=width,
        height=y + 2,
    )


def steps_of_processors(moment: Moment, at: Callable[[Past], CpusValue]) -> Mine:
    """The steps of processors: what their TLBs keep, whose tables they have, what is asked of them.

    A descriptor is written: what is kept of its pages may be stale.  `at` gives the processors before what a past
    holds.
    """
    tables = "line", "last use", "loaded", "pending", "doubts", "shootdown", "shootdowns", "tlb count"
    stale = seen(lambda done: at(Past(moment.events[done:])), wrote("word"))
    return once("processors", either(wrote(*tables), stale))


def _since_boot(value: CpusValue) -> str:
    hits, misses = sum(cpu.tlb.hits for cpu in value.cpus), sum(cpu.tlb.misses for cpu in value.cpus)
    return f"{counted(hits, 'hit')} and {counted(misses, 'miss')} since boot"


def _modes(value: CpusValue) -> list[Switch]:
    titles = {
        "acknowledged": "flushes asked of other processors are done before the sender goes on",
        "sent": "flushes asked of other processors wait until they are acknowledged",
        "forgotten": "other processors are not asked: what they keep may go stale",
    }
    return [Switch(mode, f"shootdown {mode}", value.shootdown == mode, titles[mode]) for mode in MODES]


def _caption(value: CpusValue, moment: Moment) -> Caption:
    """The moment's headline, and what the operation meant for the TLBs."""
    stale = sum(len(cpu.tlb.stale) for cpu in value.cpus)
    caption = moment.caption
    operation = moment.operation if moment.is_after else None
    own = "" if operation is None or operation.name == "flush" else tlb_sentence(moment.events)  # that says it itself
    if stale:
        return replace(caption, reason=f"{own} {stale_sentence(stale)}".strip(), tone="error")
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


# ---- a processor ---------------------------------------------------------------------------------

_HEAD, _CELL_H, _FOLD_H, _GAP = 42.0, 32.0, 20.0, 14.0
"""Heights: of a processor's words, of a cell, of a fold; room below a processor."""

_COLUMNS, DETAILED = 16, 4
"""Sets that are drawn of a processor; processors whose cells are drawn."""

_LABEL, _FOLD_W = 52.0, 240.0

_LEAST_CELL = 30.0
"""Pixels from one set to the next: room for an ellipsis and a digit."""

_MOST_CELLS = 160
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
    only: Sequence[int] = ()
    """The sets in which an address may be: no others are drawn, with their ways beside each other."""


@dataclass(frozen=True, slots=True)
class _Marks:
    """Places, as (processor, set, way), that the last operation used or filled."""

    used: frozenset[tuple[str, int, int]]
    filled: frozenset[tuple[str, int, int]]


def _marks_of(events: Sequence[Event]) -> _Marks:
    """What the events of an operation did to TLBs."""
    used = {(event.cpu, event.set, event.way) for event in events if isinstance(event, ev.TlbHit)}
    filled = {(event.cpu, event.entry.set, event.entry.way) for event in events if isinstance(event, ev.TlbFilled)}
    return _Marks(frozenset(used), frozenset(filled))


def _draw_cpu(
    cpu: CpuValue, number: int, asids: bool, bench: TlbBench, marks: _Marks, y: float, width: float
) -> tuple[list[Node], float]:
    """A processor from `y` on, and where the next begins; `asids` says whether address spaces have numbers."""
    most = bench.requests.get(number, MOST_REQUESTS)
    requests, beside = _draw_requests(cpu, number, most, y, width)
    nodes = [_heading(cpu, number, y, width), *requests]
    below = max(y + _HEAD, beside + 6)
    kept = [index for index, row in enumerate(cpu.tlb.rows) if any(row)]
    if not kept:
        return nodes, below
    if number not in bench.opened:
        return [*nodes, _folded_cpu(cpu, number, y + _HEAD)], max(y + _HEAD + _FOLD_H, beside) + _GAP
    columns = max(1, min(_COLUMNS, _MOST_CELLS // cpu.tlb.ways))
    first = bench.sets if bench.sets < len(kept) else 0
    shown = kept[first : first + columns]
    bottom = below
    for band, sets in enumerate(_bands(shown, width)):
        nodes += _grid(cpu, sets, asids, marks, bottom, width, band)
        bottom += _LINE + cpu.tlb.ways * (_CELL_H + 2)
    if len(kept) > len(shown):
        words = f"… {counted(len(kept) - len(shown), 'set')} more that hold something"
        identity = f"tlb/{cpu.cpu}/more/{first + columns}"
        nodes.append(_fold(identity, number, MARGIN + _LABEL, bottom + 2, words, f"{words}: show them"))
        bottom += _FOLD_H + 4
    return nodes, bottom + _GAP


_WAYS_W, _WAY, _WIDEST_WAY = 300.0, 62.0, 150.0
"""Least widths of a processor whose ways are beside each other, and of a way; greatest width of a way."""


def _draw_sets(value: CpusValue, bench: TlbBench, marks: _Marks, y: float, width: float) -> tuple[list[Node], float]:
    """The open processors beside each other, of each the sets in which an address may be; and where they end."""
    shown = [(number, value.cpus[number]) for number in bench.opened if number < len(value.cpus)]
    nodes: list[Node] = []
    places = kit.grid(len(shown), _WAYS_W, y, 0, width=width, gap=24)
    across = sum(place.x > 0 and place.y == y for place in places)
    bottom = y
    for line in range(0, len(shown), max(1, across)):
        top = bottom + 6 * (line > 0)
        for (number, cpu), place in zip(shown[line:][:across], places[line:], strict=False):
            drawn, low = _ways_of(cpu, number, value.asids, bench.only, marks, place._replace(y=top))
            nodes += drawn
            bottom = max(bottom, low)
    others = [one for number, one in enumerate(value.cpus) if number not in bench.opened]
    if others:
        stale = sum(len(one.tlb.stale) for one in others)
        words = f"… {counted(len(others), 'processor')} more{f', ≠ {stale:,} stale' if stale else ''}"
        nodes.append(_line_of_words("tlb/others", MARGIN, bottom, width - 2 * MARGIN, words, "label dim"))
        bottom += _LINE
    return nodes, bottom


def _ways_of(
    cpu: CpuValue, number: int, asids: bool, only: Sequence[int], marks: _Marks, place: kit.Box
) -> tuple[list[Node], float]:
    """A processor's name, and the ways of its sets `only`; and where they end."""
    x, y, w, _ = place
    stale = f"≠ {len(cpu.tlb.stale):,} stale" if cpu.tlb.stale else ""
    left = text_width(cpu.cpu, "strong") + 10
    who = f"runs {visible(cpu.space)} · TLB of {counted(cpu.tlb.sets, 'set')}"
    text = (
        Text(0, 14, cpu.cpu, "strong"),
        fitted(left, 14, who, w - left - text_width(stale, "label") - 12, "label"),
        Text(w, 14, stale, "label error", "end"),
    )
    title = f"{cpu.cpu} runs {visible(cpu.space)}{f', {stale}' if stale else ''}"
    nodes = [Node(f"tlb/{cpu.cpu}", "label", x, y, w, _LINE, cpu.cpu, "none", text, title=title, lane=f"cpu {number}")]
    top = y + _LINE + 2
    across = max(1, min(cpu.tlb.ways, int((w - _LABEL) // _WAY)))
    share = min(_WIDEST_WAY, (w - _LABEL) / across)
    for index in only:
        nodes.append(_line_of_words(f"tlb/{cpu.cpu}/set/{index}", x, top + _LINE + 7, _LABEL, f"set {index}", "label"))
        for way, slot in enumerate(cpu.tlb.rows[index]):
            at_x, at_y = x + _LABEL + way % across * share, top + way // across * (_LINE + _CELL_H + 2)
            nodes.append(
                _line_of_words(f"tlb/{cpu.cpu}/way/{index}/{way}", at_x, at_y, share, f"way {way}", "label dim")
            )
            nodes.append(
                _cell(cpu, index, way, slot, asids, marks, kit.Box(at_x, at_y + _LINE, share - 4, _CELL_H), True)
            )
        top += -(-len(cpu.tlb.rows[index]) // across) * (_LINE + _CELL_H + 2)
    return nodes, top


def _bands(shown: list[int], width: float) -> list[list[int]]:
    """Sets that are drawn beside each other: as many rows of them as it takes that each cell has room for a number."""
    rows = -(-len(shown) // max(1, int((width - 2 * MARGIN - _LABEL) // _LEAST_CELL)))
    each = -(-len(shown) // max(1, rows))
    return [shown[first : first + each] for first in range(0, len(shown), each)]


def _grid(
    cpu: CpuValue, shown: list[int], asids: bool, marks: _Marks, y: float, width: float, band: int = 0
) -> list[Node]:
    """A row of sets, the `band`-th of the processor's."""
    nodes = []
    share = (width - 2 * MARGIN - _LABEL) / max(len(shown), 8)
    for way in range(cpu.tlb.ways):
        top = y + _LINE + way * (_CELL_H + 2)
        identity = f"tlb/{cpu.cpu}/way/{way}" + (f"/{band}" if band else "")
        nodes.append(_line_of_words(identity, MARGIN, top + 7, _LABEL, f"way {way}", "label dim"))
    for column, index in enumerate(shown):
        x = MARGIN + _LABEL + column * share
        words = wording((f"set {index}", str(index)), share - 3)
        nodes.append(_line_of_words(f"tlb/{cpu.cpu}/set/{index}", x, y, share - 3, words, "label dim"))
        for way, slot in enumerate(cpu.tlb.rows[index]):
            top = y + _LINE + way * (_CELL_H + 2)
            nodes.append(_cell(cpu, index, way, slot, asids, marks, kit.Box(x, top, share - 3, _CELL_H)))
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
        identity, "fold", x, y, _FOLD_W, _FOLD_H, text=(Text(7, 14, words, "label dim"),), state=("folded",),
        action="open", lane=f"cpu {number}", title=title,
    )  # fmt: skip


def _heading(cpu: CpuValue, number: int, y: float, width: float) -> Node:
    tlb = cpu.tlb
    asid = f", space number {cpu.asid}" if cpu.asid else ""
    who = f"runs {visible(cpu.space)}{asid}"
    rate = f"{counted(tlb.hits, 'hit')}, {counted(tlb.misses, 'miss')}"
    kept = f"{len(tlb.slots):,} of {tlb.sets * tlb.ways:,} kept, reach {binary_size(tlb.reach)}"
    x = text_width(cpu.cpu, "strong") + 12
    w = (width - 2 * MARGIN) * (1 if _is_narrow(width) else 0.56)
    text = [
        Text(0, 16, cpu.cpu, "strong"),
        fitted(x, 16, who, w - x, "label"),
        fitted(0, 33, f"{rate} · {kept}", w, "label dim"),
    ]
    state = ("fault",) if tlb.stale else ()
    stale = f", {len(tlb.stale)} stale" if tlb.stale else ""
    return Node(
        f"tlb/{cpu.cpu}", "label", MARGIN, y, w, _HEAD, cpu.cpu, "none", tuple(text), state=state,
        title=f"{cpu.cpu} {who}, root {Address(cpu.root)}: {rate}; {kept}{stale}", lane=f"cpu {number}",
    )  # fmt: skip


def _cell(
    cpu: CpuValue,
    index: int,
    way: int,
    slot: TlbSlot | None,
    asids: bool,
    marks: _Marks,
    place: kit.Box,
    framed: bool = False,
) -> Node:
    """A way of a set; `framed`: it says which frame it keeps, too."""
    x, y, w, _ = place
    identity = f"tlb/{cpu.cpu}/{index}/{way}"
    if slot is None:
        return Node(identity, "slot", x, y, w, _CELL_H, state=("free",), title=f"set {index}, way {way}: empty")
    entry = slot.entry
    stale = "≠" if slot.stale else ""
    whose = "G" if entry.asid is None else f"#{entry.asid}" if asids else ""
    size = "" if entry.page_size == 1 << PAGE_SHIFT else binary_size(entry.page_size)
    frame = f"→{entry.pa >> PAGE_SHIFT:x}" if framed else ""
    below = " ".join(filter(None, (stale, frame, whose, size)))
    page, room = f"{entry.va >> PAGE_SHIFT:x}", w - 10
    if text_width(page, "mono label") > room:
        page = (
            ELLIPSIS
            + page[-max(1, int((room - text_width(ELLIPSIS, "mono label")) // text_width("0", "mono label"))) :]
        )
    here = (cpu.cpu, index, way)
    state = [word for word, places in (("new", marks.filled), ("path", marks.used)) if here in places][-1:]
    if slot.stale:
        state = [*(state if framed else []), "fault"]
    oldest = max(cpu.tlb.ways - 1, 1)
    level = (_CELL_H - 4) * (1 - slot.age / (oldest + 1))
    text = [
        Text(8, 13 if below else 20, page, "mono label"),
        *([fitted(8, 27, below, room, "label dim")] if below else []),
    ]
    return Node(
        identity, "slot", x, y, w, _CELL_H, identity, text=tuple(text), state=tuple(state),
        bars=(Bar(2, round(2 + _CELL_H - 4 - level, 1), 3, round(level, 1), "plain"),), title=_title(slot, asids),
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


def _chosen_slot(value: CpusValue, chosen: str) -> tuple[CpuValue, TlbSlot] | None:
    """The entry that is chosen, and whose it is."""
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            if chosen == f"tlb/{cpu.cpu}/{slot.entry.set}/{slot.entry.way}":
                return cpu, slot
    return None


def _draw_details(cpu: CpuValue, slot: TlbSlot, asids: bool, y: float, width: float) -> tuple[list[Node], float]:
    """The chosen entry in full."""
    w = width - 2 * MARGIN
    lines = [f"{cpu.cpu}, {_title(slot, asids).partition(';')[0]}", *(f"≠ {difference}" for difference in slot.stale)]
    nodes = [
        _line_of_words(
            f"tlb/chosen/{number}", MARGIN, y + number * _LINE, w, line, "label error" if number else "label"
        )
        for number, line in enumerate(lines)
    ]
    return nodes, y + len(lines) * _LINE + 4


# ---- shootdowns ----------------------------------------------------------------------------------

_LINE = 18.0
"""Height of a line of words."""

MOST_REQUESTS, MORE_REQUESTS = 3, 12
"""Flushes that are drawn of those that a processor was asked for; how many older ones a click brings."""

_LEFT, _SECOND = 0.58, 13.0
"""Where they begin, in parts of the width; height of a second line."""

_NARROW = 640.0
"""Pixels below which they are drawn under the processor's words."""


def _is_narrow(width: float) -> bool:
    """Whether there is no room for waiting flushes beside a processor's words."""
    return width < _NARROW


def _draw_requests(cpu: CpuValue, number: int, most: int, y: float, width: float) -> tuple[list[Node], float]:
    """The newest `most` flushes that wait, how many were forgotten, and how often a hand edited.

    They are at the right, or below the heading.
    """
    x = MARGIN if _is_narrow(width) else MARGIN + (width - 2 * MARGIN) * _LEFT
    y += _HEAD * _is_narrow(width)
    w = width - MARGIN - x
    nodes, y = _waiting(cpu, number, most, x, y, w)
    if cpu.forgotten:
        words = f"{counted(cpu.forgotten, 'flush', 'flushes')} forgotten: what is kept may be wrong"
        nodes.append(_line_of_words(f"tlb/{cpu.cpu}/forgotten", x, y + 2, w, words, "label error"))
        y += _LINE
    if cpu.edits:
        words = f"{counted(cpu.edits, 'edit')} of descriptors by hand: what is kept may be wrong"
        nodes.append(_line_of_words(f"tlb/{cpu.cpu}/edits", x, y + 2, w, words, "label changed"))
        y += _LINE
    return nodes, y


def _waiting(cpu: CpuValue, number: int, most: int, x: float, y: float, w: float) -> tuple[list[Node], float]:
    drawn = list(enumerate(cpu.pending))[: -most - 1 : -1]  # the newest is the last that was asked for
    said = [_lines(request, w - 16) for _, request in drawn]
    high = max(map(len, said), default=1)
    nodes = []
    for (place, request), lines in zip(drawn, said, strict=True):
        h = _LINE - 2 + (high - 1) * (_SECOND + 2)
        text = tuple(
            fitted(8, 11 + high + line * _SECOND, words, w - 16, middle=True) for line, words in enumerate(lines)
        )
        nodes.append(
            Node(f"tlb/{cpu.cpu}/pending/{place}", "press", x, y + 2, w, h, shape="round", text=text,
                 state=("changed",), action="open", lane=f"cpu {number}",
                 title=f"{cpu.cpu} waits: drop {flush_in_words(request)}, asked by {request.sender}; acknowledge it"),
        )  # fmt: skip
        y += h + 2
    older = len(cpu.pending) - len(drawn)
    if older:
        text = (Text(8, 13, f"… {older:,} older", "label dim"),)
        nodes.append(
            Node(f"tlb/{cpu.cpu}/older/{len(drawn)}", "fold", x, y + 2, w, _LINE, text=text,
                 state=("folded",), action="open", lane=f"cpu {number}",
                 title=f"{counted(older, 'older flush', 'older flushes')} that {cpu.cpu} was asked for: show them"),
        )  # fmt: skip
        y += _LINE + 4
    return nodes, y


def _lines(request: FlushRequest, w: float) -> tuple[str, ...]:
    """What waits, in one line or in two."""
    whole = f"waits: drop {flush_in_words(request)}, asked by {request.sender}"
    if text_width(whole, "label") <= w:
        return (whole,)
    return f"waits: drop {what_of(request)}", f"of {request.space}, asked by {request.sender}"


def _line_of_words(identity: str, x: float, y: float, w: float, words: str, style: str) -> Node:
    return Node(identity, "label", x, y, w, _LINE, shape="none", text=(fitted(0, 13, words, w, style),))


def _links_to_senders(nodes: list[Node], value: CpusValue) -> list[Link]:
    """From each sender's words to what it asked for."""
    placed = {node.id: node for node in nodes}
    links = []
    for cpu in value.cpus:
        for place, request in enumerate(cpu.pending):
            source, target = placed.get(f"tlb/{request.sender}"), placed.get(f"tlb/{cpu.cpu}/pending/{place}")
            if source is None or target is None:
                continue
            edge = target.x + target.w + 7  # beside the cells, not across them
            words = source.text[1]
            begin = source.x + words.x + (words.room or text_width(words.text, words.style)) + 8
            above, beside = source.y + 1, target.x - 8
            start = (min(begin, edge), source.y + 12)
            end = (target.x + target.w, target.y + target.h / 2)
            waits = any(name.startswith(f"tlb/{request.sender}/pending/") for name in placed)
            over = ((beside, start[1]), (beside, above), (edge, above))  # over what waits for the sender itself
            around = over if waits and beside > begin else ((edge, start[1]),)
            links.append(
                Link(
                    f"{target.id}/from",
                    "held-by",
                    source.id,
                    target.id,
                    (start, *around, (edge, end[1]), end),
                    arrow=True,
                )
            )
    return links

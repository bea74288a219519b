"""TLBs and processors, side by side: cached translations, stale ones among them, and requests for flushes.

From the top: the task on each processor; waiting
flushes, with an arrow from the sender; all sets as a compact grid, with the same set at the same place of each
processor; the important translations in words, such as ``rw- ≠ r--`` for stale permissions; and the consequences.  If
there are more than four processors, some are folded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import PAGE_SHIFT, Address, binary_size, counted
from vmwidgets.engine.mmu.tlb_schema import TlbSlot
from vmwidgets.engine.spaces.processors_schema import CpusValue, CpuValue, FlushRequest
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import LINE, WIDTH, Box, Switch
from vmwidgets.views.scene.model import Caption, Link, Node, Scene, Steps, Table, Text
from vmwidgets.views.scene.text import fitted, text_width, visible, wording
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, once, seen
from vmwidgets.views.story.words.pictures import stale_sentence, tlb_sentence
from vmwidgets.views.story.words.tables import flush_in_words, what_of

from .tlb_cells import (
    CELL_H,
    GUTTER,
    Grid,
    Touched,
    draw_cell,
    empty_cell,
    grid_of_sets,
    has_room,
    in_words,
    legend,
    title_of,
)

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
    steps = moment.steps(steps_of_processors(look))
    bench, touched = bench or TlbBench(), Touched.by(moment.so_far)
    spaces = "with ASIDs" if value.asids else "no ASIDs"
    chosen = _chosen_slot(value, bench.chosen)
    details = [_details(*chosen, value.asids)] if chosen is not None else []
    follows = [boxes.words(f"tlb/so/{number}", words, "body") for number, words in enumerate(_follows(value))]
    if bench.only:
        whole = boxes.below(_sets(value, bench, touched), *details)
    else:
        whole = boxes.below(
            boxes.switches("tlb", [_modes(value)] if len(value.cpus) > 1 else []),
            _with_arrows(value, boxes.below(_opened(value, bench, touched), _folded(value, bench), gap=10)),
            boxes.words("tlb/answer", _answer(value)),
            boxes.below(*follows, gap=4),
            *details,
            gap=12,
        )
    return boxes.picture(
        "tlb",
        "TLB" if len(value.cpus) == 1 else f"{len(value.cpus)} processors and their TLBs",
        f"{value.cpus[0].tlb.sets} sets × {value.cpus[0].tlb.ways} ways · {spaces} · {_since_boot(value)}",
        whole,
        caption=_caption(value, moment, steps),
        table=_table(value),
        steps=steps,
        machine=machine,
        width=width,
    )


def _answer(value: CpusValue) -> str:
    """Return that the TLBs are empty, or agree with the tables; if they don't, the title says so."""
    kept = sum(len(cpu.tlb.slots) for cpu in value.cpus)
    if not kept:
        return "No translation is cached: the next access to each page reads the page tables."
    is_right = not any(cpu.tlb.stale for cpu in value.cpus)
    return f"{'Each of ' * (kept > 1)}{counted(kept, 'cached translation')} is what the page tables say." * is_right


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
                yield f"So an access to {where} on {cpu.cpu} goes by the old rights."
            if cpu.pending and what == "mapping":
                yield f"Before {cpu.cpu} acknowledges, it is not safe to give the frames to others."
            return


def steps_of_processors(look: Look[CpusValue]) -> Mine:
    """Return the steps of processors: their TLBs, their loaded tables, requests to them."""

    def facts(done: int) -> object:
        value = replace(look.at(done), sent=0, acknowledged=0, forgotten=0)  # they are counted since boot
        return value, Touched.by(look.moment.events[:done])

    return once("processors", seen(facts, is_far=look.is_far))


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


def _caption(value: CpusValue, moment: Moment, steps: Steps) -> Caption:
    """Return the moment's headline and the operation's effect on the TLBs.

    After the operation, a sentence on stale translations comes first.
    """
    stale = sum(len(cpu.tlb.stale) for cpu in value.cpus)
    caption = moment.caption_of(steps, changed=stale > 0)
    operation = moment.operation if moment.is_after else None
    own = "" if operation is None or operation.name == "flush" else tlb_sentence(moment.events)  # it says so itself
    own = own if steps.count or operation is None or operation.name == "boot" else ""
    if stale:
        words = stale_sentence(stale)
        if moment.is_after:
            return replace(caption, text=words, reason=f"{caption.text} {own}".strip(), tone="error")
        return replace(caption, reason=f"{own} {words}".strip(), tone="error")  # the step comes first
    if own and moment.is_after and caption.tone not in ("error", "panic"):
        return replace(caption, text=own, reason=caption.text)
    return replace(caption, reason=own)


def _table(value: CpusValue) -> Table:
    rows: list[tuple[str, ...]] = []
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            entry = slot.entry
            rows.append(
                (
                    cpu.cpu,
                    str(entry.set),
                    str(entry.way),
                    str(Address(entry.va)),
                    str(Address(entry.pa)),
                    binary_size(entry.page_size),
                    _space(entry.asid, value.asids),
                    f"{entry.permissions.supervisor} {entry.permissions.user}",
                    str(slot.age),
                    "; ".join(map(str, slot.stale)),
                )
            )
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


def _opened(value: CpusValue, bench: TlbBench, touched: Touched) -> Part:
    """Return the open processors side by side in equal columns, in as many rows as needed, and the cells' legend."""
    opened = [number for number in range(len(value.cpus)) if number in bench.opened]
    cpus = [value.cpus[number] for number in opened]

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        across = _across(len(opened), _LEAST, w - GUTTER)
        share = (w - GUTTER - _GAP * (across - 1)) / across
        grid, in_one_line = Grid.of(cpus, share), has_room(value, opened, touched, share)

        def row(parts: Sequence[Part]) -> Part:
            return boxes.beside(boxes.apart(0), *_filled(across, parts), gap=_GAP, first=GUTTER - _GAP)

        def processors(those: Sequence[int]) -> Part:
            sets = [
                _grid(value.cpus[number], number, grid, bench.sets, value.asids, touched, not place)
                for place, number in enumerate(those)
            ]
            said = [in_words(value.cpus[number], value.asids, touched, in_one_line) for number in those]
            return boxes.below(*map(row, [*_heads(value, those, bench), sets, said]), gap=4)

        rows = [processors(opened[at : at + across]) for at in range(0, len(opened), across)]
        meaning = boxes.words("tlb/legend", legend(cpus, grid), "dim")
        return boxes.below(*rows, meaning, gap=_BELOW)(drawn, x, y, w)

    return put


def _folded(value: CpusValue, bench: TlbBench) -> Part:
    """Return folded processors side by side: their names, waiting requests, and the number of translations."""
    folded = [number for number in range(len(value.cpus)) if number not in bench.opened]

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        across = _across(len(folded), _LEAST_FOLDED, w)

        def processors(those: Sequence[int]) -> Part:
            kept = [boxes.drawing(_FOLD_H, partial(_folded_cpu, value.cpus[number], number)) for number in those]
            rows = [*_heads(value, those, bench), kept]
            return boxes.below(*(boxes.beside(*_filled(across, row), gap=_GAP) for row in rows), gap=4)

        rows = [processors(folded[at : at + across]) for at in range(0, len(folded), across)]
        return boxes.below(*rows, gap=_BELOW)(drawn, x, y, w)

    return put if folded else boxes.below()


def _across(count: int, least: float, w: float) -> int:
    """Return how many processors are side by side: in as few rows as possible, all equally long."""
    most = max(1, int((w + _GAP) // (least + _GAP)))
    return -(-count // -(-count // most))


def _filled(across: int, parts: Sequence[Part]) -> list[Part]:
    """Return a row's parts, with empty room at the end if the row has fewer parts than other rows."""
    return [*parts, *[boxes.apart(0)] * (across - len(parts))]


def _heads(value: CpusValue, numbers: Sequence[int], bench: TlbBench) -> Iterator[list[Part]]:
    """Yield the heads of processors, with room for arrows below them, and their requests."""
    room = _BUS if any(cpu.pending for cpu in value.cpus) else 0
    cpus = [(value.cpus[number], number) for number in numbers]
    yield [boxes.below(boxes.drawing(_HEAD, partial(_heading, *one)), boxes.apart(room)) for one in cpus]
    yield [_requests(*one, bench.requests.get(one[1], MOST_REQUESTS)) for one in cpus]


def _grid(cpu: CpuValue, number: int, grid: Grid, first: int, asids: bool, touched: Touched, named: bool) -> Part:
    """Return a processor's sets, from the `first` on if there is no room for all, and a fold for the rest."""
    sets, more = grid.shown(cpu, first)
    if not sets:
        return boxes.below()
    words = f"… {counted(more, 'set')} more that are not empty"
    fold = partial(_fold, f"tlb/{cpu.cpu}/more/{first + len(sets)}", number, words, f"{words}: show them")
    cells = boxes.drawing(0, partial(grid_of_sets, cpu, grid, sets, asids, touched, named))
    return boxes.below(cells, boxes.drawing(_FOLD_H, fold)) if more else cells


def _heading(cpu: CpuValue, number: int, place: Box) -> list[Node]:
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
    return [
        Node(
            f"tlb/{cpu.cpu}",
            "label",
            *place,
            cpu.cpu,
            "none",
            text,
            state=state,
            title=f"{cpu.cpu} {who}, root {Address(cpu.root)}: {hits}, {misses}; {kept}{stale}",
            lane=f"cpu {number}",
        )
    ]


def _folded_cpu(cpu: CpuValue, number: int, place: Box) -> list[Node]:
    """Return the cells of a folded processor, if it has any: how many translations, and how many stale ones."""
    if not cpu.tlb.slots:
        return []
    stale = len(cpu.tlb.stale)
    words = f"… {counted(len(cpu.tlb.slots), 'translation')}{f', ≠ {stale:,} stale' if stale else ''}"
    title = f"{cpu.cpu}, folded: {words[2:]}; show them; of {DETAILED} that are open, the one opened first folds"
    return _fold(f"tlb/{cpu.cpu}/fold", number, words, title, place, ("folded", *["fault"] * bool(stale)))


def _fold(
    identity: str, number: int, words: str, title: str, place: Box, state: tuple[str, ...] = ("folded",)
) -> list[Node]:
    text = (fitted(8, 15, words, place.w - 16, "dim"),)
    box = place._replace(w=min(place.w, 260))
    return [Node(identity, "fold", *box, text=text, state=state, action="open", lane=f"cpu {number}", title=title)]


# ---- requests ------------------------------------------------------------------------------------

MOST_REQUESTS, MORE_REQUESTS = 3, 12
"""How many flushes to a processor are drawn, and how many older ones a click adds."""

_BUS = 16.0
"""Pixels between the processors' heads and the waiting flushes, for the arrows."""

_SECOND, _PAD, _LANES = 16.0, 9.0, 3


def _requests(cpu: CpuValue, number: int, most: int) -> Part:
    """Return the `most` newest waiting flushes, and the numbers of forgotten flushes and of edits."""
    forgotten = f"{counted(cpu.forgotten, 'flush', 'flushes')} forgotten so far: cached translations may be stale"
    edits = f"{counted(cpu.edits, 'edit')} of descriptors by hand: cached translations may be stale"
    return boxes.below(
        boxes.drawing(0, partial(_waiting, cpu, number, most)),
        boxes.words(f"tlb/{cpu.cpu}/forgotten", forgotten if cpu.forgotten else "", "error"),
        boxes.words(f"tlb/{cpu.cpu}/edits", edits if cpu.edits else "", "changed"),
        gap=4,
    )


def _waiting(cpu: CpuValue, number: int, most: int, box: Box) -> Iterator[Node]:
    """Yield the waiting flushes, all equally high, and a fold for older ones."""
    drawn = list(enumerate(cpu.pending))[: -most - 1 : -1]  # the newest request is the last
    said = [_lines(request, box.w - 2 * _PAD) for _, request in drawn]
    box = box._replace(h=8 + _SECOND * max(map(len, said), default=1))
    for (index, request), lines in zip(drawn, said, strict=True):
        rows = [kit.Line(words, "" if line else "strong", middle=True) for line, words in enumerate(lines)]
        asked = f"drop {flush_in_words(request)}, asked by {request.sender}; acknowledge it"
        yield kit.card(
            f"tlb/{cpu.cpu}/pending/{index}",
            box,
            rows,
            kind="request",
            top=15,
            step=_SECOND,
            pad=_PAD,
            state=("changed",),
            action="open",
            lane=f"cpu {number}",
            title=f"{cpu.cpu} waits: {asked}",
        )
        box = box._replace(y=box.y + box.h + 4)
    if older := len(cpu.pending) - len(drawn):
        yield kit.card(
            f"tlb/{cpu.cpu}/older/{len(drawn)}",
            box._replace(h=22),
            [kit.Line(f"… {older:,} older", "dim")],
            kind="fold",
            top=15,
            pad=_PAD,
            state=("folded",),
            action="open",
            lane=f"cpu {number}",
            title=f"{counted(older, 'older flush', 'older flushes')} that {cpu.cpu} was asked for: show them",
        )


def _lines(request: FlushRequest, w: float) -> tuple[str, ...]:
    """Return the waiting flushes in as few lines as possible."""
    whose = f"of {visible(request.space)}, asked by {request.sender}"
    whole = f"waits: drop {what_of(request)}"
    what = whole.removesuffix(f" at {Address(request.start)}")
    ways: tuple[tuple[str, ...], ...] = ((f"{whole} {whose}",), (whole, whose))
    if what != whole:
        at = f"at {Address(request.start)}"
        of, _, asked = whose.rpartition(" asked ")
        ways += ((what, at, whose), (what, at, of, f"asked {asked}"))
    fits = (
        way for way in ways if all(text_width(line, "" if number else "strong") <= w for number, line in enumerate(way))
    )
    return next(fits, ways[-1])


def _with_arrows(value: CpusValue, part: Part) -> Part:
    """Return processors with arrows from each sender's head to a waiting flush, along the buses below both heads."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        end = part(drawn, x, y, w)
        placed = {node.id: node for node in drawn.nodes}
        senders = list(dict.fromkeys(request.sender for cpu in value.cpus for request in cpu.pending))
        for cpu in value.cpus:
            for place, request in enumerate(cpu.pending):
                source, target = placed.get(f"tlb/{request.sender}"), placed.get(f"tlb/{cpu.cpu}/pending/{place}")
                if source is not None and target is not None:
                    lane = 4.0 * (senders.index(request.sender) % _LANES)
                    drawn.links.append(_arrow(source, placed[f"tlb/{cpu.cpu}"], target, lane, x - 7))
        return end

    return put


def _arrow(source: Node, head: Node, target: Node, lane: float, edge: float) -> Link:
    """Return the arrow to a flush in a `lane` of the buses; between two rows, it is at the picture's `edge`."""
    here, there = (one.y + one.h + 4 + lane for one in (source, head))
    x, beside, y = source.x + 10 + lane, target.x - 8, target.y + target.h / 2
    aside = () if here == there else ((edge, here), (edge, there))
    points = (x, source.y + source.h - 2), (x, here), *aside, (beside, there), (beside, y), (target.x, y)
    return Link(f"{target.id}/from", "held-by", source.id, target.id, points, arrow=True)


# ---- the sets of an address -----------------------------------------------------------------------

_WAYS_W, _WAY, _WIDEST_WAY = 300.0, 62.0, 124.0
"""Least width of a processor with its ways side by side, and of a way; greatest width of a way."""


def _sets(value: CpusValue, bench: TlbBench, touched: Touched) -> Part:
    """Return the open processors side by side, with the sets that may contain an address."""
    shown = [(number, value.cpus[number]) for number in bench.opened if number < len(value.cpus)]
    ways = [boxes.drawing(0, partial(_ways_of, cpu, number, value.asids, bench.only, touched)) for number, cpu in shown]
    others = [one for number, one in enumerate(value.cpus) if number not in bench.opened]
    stale = sum(len(one.tlb.stale) for one in others)
    words = f"… {counted(len(others), 'processor')} more{f', ≠ {stale:,} stale' if stale else ''}" if others else ""
    return boxes.below(
        boxes.beside(*ways, gap=24, least=_WAYS_W),
        boxes.words("tlb/others", words, "dim"),
        gap=2,
    )


def _ways_of(cpu: CpuValue, number: int, asids: bool, only: Sequence[int], touched: Touched, place: Box) -> list[Node]:
    """Return a processor's name, and the ways of its sets `only`."""
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
    return nodes


# ---- the entry that is chosen ---------------------------------------------------------------------


def _chosen_slot(value: CpusValue, chosen: str) -> tuple[CpuValue, TlbSlot] | None:
    """Return the chosen entry, and its processor."""
    for cpu in value.cpus:
        for slot in cpu.tlb.slots:
            if chosen == f"tlb/{cpu.cpu}/{slot.entry.set}/{slot.entry.way}":
                return cpu, slot
    return None


def _details(cpu: CpuValue, slot: TlbSlot, asids: bool) -> Part:
    """Return the chosen entry in full."""
    lines = [f"{cpu.cpu}, {title_of(slot, asids).partition(';')[0]}", *(f"≠ {difference}" for difference in slot.stale)]
    return boxes.below(
        *(boxes.words(f"tlb/chosen/{number}", line, "error" if number else "") for number, line in enumerate(lines))
    )


def _line_of_words(identity: str, x: float, y: float, w: float, words: str, style: str) -> Node:
    return kit.runs(identity, kit.Box(x, y, w, LINE), (fitted(0, 13, words, w, style),))

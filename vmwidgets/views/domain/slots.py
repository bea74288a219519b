"""Cnodes and slots: a cnode is rows of slots, each with its capability's letters; runs are folded."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import islice

from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import Address, binary_size, counted
from vmwidgets.engine.selfpaging.domain_schema import CapabilityValue, CapRef, CnodeValue, SlotFold
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import Box, Line
from vmwidgets.views.scene.model import Bar, Link, Node, Table
from vmwidgets.views.scene.text import short_count, text_width, visible
from vmwidgets.views.story.words.names import kind_words

from .picture import DomainPicture

NAME_W, CELL_W, CELL_H, GAP = 78.0, 32.0, 34.0, 3.0
"""Width of a cnode's name; a slot's size; space between two slots."""

FOLD_W, BESIDE = 74.0, 18.0
"""Width of folded slots; space between two cnodes in a row, in addition to the space between parts."""


@frozen
class Cell:
    """A slot, or the slots [first, last] folded into one.

    `held` is the capability in a single slot; `kinds` counts the capabilities in several slots, by letters; `reserved`
    is the number of empty slots that were handed out.
    """

    first: int
    last: int
    held: CapabilityValue | None = None
    kinds: tuple[tuple[str, int], ...] = ()
    reserved: int = 0

    @property
    def folded(self) -> bool:
        """Return whether the cell stands for several slots."""
        return self.last > self.first


def slots_lane(picture: DomainPicture, rows: int = 2) -> Part:
    """Return all cnodes, in at most about `rows` rows each, and lines around new capabilities."""

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        start = len(drawn.nodes)
        parts = []
        for cnode in picture.value.cnodes:
            cells = cells_of(picture, cnode, rows * (w - NAME_W))
            wide = NAME_W + sum(_width(cell) + GAP for cell in cells)
            parts.append((wide + BESIDE, boxes.drawing(CELL_H, partial(_cnode, picture, cnode, cells))))
        end = boxes.flowing(parts)(drawn, x, y, w)
        drawn.links += _contours(drawn.nodes[start:])
        return end

    return put


def _contours(nodes: Iterable[Node]) -> Iterator[Link]:
    """Yield a line around adjacent new capabilities."""
    run: list[Node] = []
    for node in (*nodes, None):
        is_next = bool(run) and node is not None and node.y == run[0].y and node.x - run[-1].x < CELL_W + 2 * GAP
        if run and not (is_next and node is not None and "new" in node.state):
            yield kit.around(f"{run[0].id}/around", run, apart=2.0)
            run = []
        if node is not None and node.kind == "cap" and "new" in node.state:
            run.append(node)


def _cnode(picture: DomainPicture, cnode: CnodeValue, cells: Sequence[Cell], box: Box) -> Iterator[Node]:
    """Yield a cnode's name, and its slots in as many rows as needed."""
    name = visible(cnode.name)
    used = f"{cnode.held:,} of {short_count(cnode.slots)}"
    title = f"cnode {name}: {counted(cnode.held, 'capability', 'capabilities')} in {cnode.slots:,} slots"
    place = Box(box.x, box.y, NAME_W - 8, CELL_H)
    yield kit.block(f"slots/{cnode.name}", place, [name, Line(used, "label dim")], top=13, step=14, title=title)
    x, y = box.x + NAME_W, box.y
    for cell in cells:
        w = _width(cell)
        if x + w > box.x + box.w + 0.5:
            x, y = box.x + NAME_W, y + CELL_H + GAP
        yield _cell(picture, cnode, cell, Box(x, y, w, CELL_H))
        x += w + GAP


# ---- the drawn slots -----------------------------------------------------------------------------------


def cells_of(picture: DomainPicture, cnode: CnodeValue, room: float) -> list[Cell]:
    """Return the cells of a cnode that fit in `room` pixels: changed and selected slots first, then the lowest ones."""
    held = {one.ref.slot: one for one in cnode.capabilities}
    taken = sorted({*held, *cnode.reserved})
    names = picture.new | picture.changed | {picture.selection}
    marked = [slot for slot in taken if _is_marked(picture, names, CapRef(cnode.name, slot))]
    if f"slots/{cnode.name}" in picture.opened:
        room += OPENED * (CELL_W + GAP)
    budget = int(room // (CELL_W + GAP))
    while True:
        kept = set(marked[-max(1, budget // 2) :])
        kept.update(islice((slot for slot in taken if slot not in kept), max(0, budget - len(kept))))
        cells = list(_cells(cnode, taken, sorted(kept), held))
        if sum(_width(cell) + GAP for cell in cells) <= room or budget < 4:
            return cells
        budget -= max(1, budget // 8)


OPENED = 300
"""The number of further slots that are drawn if a cnode is opened."""


def _width(cell: Cell) -> float:
    return FOLD_W if cell.folded else CELL_W


def _cells(
    cnode: CnodeValue, taken: Sequence[int], kept: Sequence[int], held: dict[int, CapabilityValue]
) -> Iterator[Cell]:
    """Yield kept slots alone, folds between them, and the free slots at the end, in order."""
    at, first, fold = 0, 0, 0
    for slot in [*kept, cnode.slots]:
        upto = bisect_left(taken, slot, first)
        upto_fold = bisect_left(cnode.folds, slot, fold, key=lambda one: one.first)
        alone, folds = taken[first:upto], cnode.folds[fold:upto_fold]
        if alone or folds:
            last = max([*alone[-1:], *(one.last for one in folds[-1:])])
            end = slot if slot < cnode.slots else last + 1
            yield _several(at, end - 1, [held.get(one) for one in alone], folds)
            at = end
        if at < slot:
            yield Cell(at, slot - 1)
        if slot < cnode.slots:
            yield Cell(slot, slot, held.get(slot), reserved=slot not in held)
        at, first, fold = slot + 1, upto + 1, upto_fold


def _several(first: int, last: int, held: Sequence[CapabilityValue | None], folds: Sequence[SlotFold]) -> Cell:
    """Return a cell for several slots, whose contents are known or only counted."""
    if first == last:
        return Cell(first, last, held[0], reserved=held[0] is None)
    kinds = Counter(kind_words(one.kind).letters for one in held if one is not None)
    for fold in folds:
        kinds.update({kind_words(kind).letters: count for kind, count in fold.kinds})
    reserved = sum(one is None for one in held) + sum(fold.reserved for fold in folds)
    return Cell(first, last, None, tuple(kinds.items()), reserved)


def _is_marked(picture: DomainPicture, names: Set[str], ref: CapRef) -> bool:
    thing = picture.things.get(ref)
    return thing in names or f"cap:{ref}" in names


# ---- drawing -------------------------------------------------------------------------------------------


def _cell(picture: DomainPicture, cnode: CnodeValue, cell: Cell, box: Box) -> Node:
    if cell.folded:
        return _fold(cnode, cell, box)
    ref, number = CapRef(cnode.name, cell.first), short_count(cell.first)
    if cell.held is None:
        what = "allocated, and empty" if cell.reserved else "free"
        thing, letters, look, bar = f"cap:{ref}", "·" * bool(cell.reserved), "label dim", ""
        states = ["reserved" if cell.reserved else "free", *picture.states(thing)]
        title = f"{visible(str(ref))}: {what}"
    else:
        words = kind_words(cell.held.kind)
        thing, letters, look, title = picture.thing(ref), words.letters, "strong", describe(cell.held)
        bar = words.colour
        states = ["taken", f"holds-{bar}", *picture.states(f"cap:{ref}", thing)]
    return kit.cell(
        f"slots/{cnode.name}/{cell.first}", "cap", box, ((letters, look), (number, "label dim")), feet=_FEET, spare=2,
        thing=thing, bars=(Bar(0, box.h - 4, box.w, 4, bar),) if bar else (), state=states, title=title,
        lane=f"slots/{cnode.name}",
    )  # fmt: skip


_FEET = 14.0, 27.0
"""The baselines of the two words in a cell."""


def _fold(cnode: CnodeValue, cell: Cell, box: Box) -> Node:
    count, kinds = cell.last - cell.first + 1, cell.kinds
    label, second = f"+{short_count(count)}", ""
    if kinds:
        summary = ", ".join(f"{number:,} {letters}" for letters, number in kinds)
        second = ", ".join(f"{short_count(number)} {letters}" for letters, number in kinds)
        second = second if text_width(second, "label") <= box.w - 2 else "slots"
    elif cell.reserved:
        summary, second = f"{cell.reserved:,} allocated, and empty", "empty"
    else:
        label, summary = f"{short_count(count)} free", f"{count:,} free"
    title = f"slots {cell.first} to {cell.last} of {visible(cnode.name)}: {summary}{': open' if kinds else ''}"
    name, opens = f"slots/{cnode.name}/fold/{cell.first}", bool(kinds)
    lane = f"slots/{cnode.name}" * opens
    if not second:
        fold = kit.fold(name, box, label, title=title, lane=lane, opens=opens)
        return replace(fold, text=tuple(replace(run, style="label dim") for run in fold.text))
    lines = (label, "label dim"), (second, "label dim")
    return kit.cell(name, "fold", box, lines, feet=_FEET, spare=2, state=("folded",), title=title,
                    action="open" * opens, lane=lane)  # fmt: skip


def describe(held: CapabilityValue) -> str:
    """Return a capability in one line."""
    words = kind_words(held.kind).words
    parts = [
        f"{visible(str(held.ref))}: {words}, {binary_size(held.bytes)} at physical {Address(held.base)}, {held.rights}"
    ]
    if held.source is not None:
        parts.append(f"made from {visible(str(held.source))}")
    if held.copies:
        left_out = len(held.copies) - MOST_COPIES + held.more_copies
        more = f" and {left_out:,} more" if left_out > 0 else ""
        parts.append(f"copies: {', '.join(visible(str(ref)) for ref in held.copies[:MOST_COPIES])}{more}")
    for table, entry, count in held.mapped[:MOST_PLACES]:
        entries = f"entry {entry}" if count == 1 else f"entries {entry}–{entry + count - 1}"
        parts.append(f"mapped in {entries} of {visible(str(table))}")
    left_out = len(held.mapped) - MOST_PLACES + held.more_mapped
    return "; ".join([*parts, *([f"mapped in {left_out:,} places more"] if left_out > 0 else [])])


MOST_COPIES, MOST_PLACES = 4, 3
"""The most copies and places that are named."""


SLOTS_HEADER = ("slot", "capability", "base", "size", "rights", "made from", "mapped in")
MAX_ROWS = 400


def slots_table(picture: DomainPicture) -> Table:
    """Return every capability in a row."""
    held = [one for cnode in picture.value.cnodes for one in cnode.capabilities]
    rows: list[tuple[str, ...]] = [
        (visible(str(one.ref)), one.kind, str(Address(one.base)), binary_size(one.bytes), one.rights,
         visible(str(one.source)) if one.source is not None else "",
         ", ".join(f"{visible(str(table))} entry {entry}" for table, entry, _ in one.mapped[:MOST_PLACES]))
        for one in held[:MAX_ROWS]
    ]  # fmt: skip
    left_out = sum(cnode.held for cnode in picture.value.cnodes) - len(rows)
    if left_out > 0:
        rows.append((f"… {left_out:,} more", *[""] * (len(SLOTS_HEADER) - 1)))
    return Table(SLOTS_HEADER, tuple(rows))

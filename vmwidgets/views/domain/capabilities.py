"""The slots of a domain: a row for each cnode, in which each kind of capability has a word, a count and its slots.

A slot that the operation emptied keeps its place, dashed, in a group of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import Address, binary_size, counted, listed
from vmwidgets.engine.selfpaging.domain_schema import CapabilityValue, CapRef, CnodeValue, DomainValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Part
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node
from vmwidgets.views.scene.sheet import Sheet, picture
from vmwidgets.views.scene.text import text_width, visible
from vmwidgets.views.story.words.names import kind_words

from .picture import DOMAIN, SHOWN, DomainAt, domain_at, held_words

if TYPE_CHECKING:
    from vmwidgets.pictures.at import At

NAME_W, CELL_W, CELL_H, GAP = 118.0, 32.0, 26.0, 4.0
"""Width of a cnode's name; a slot's size; space between two slots."""

FOLD_W, APART, LINES = 58.0, 18.0, 4
"""Width of the slots that are left out; space between two kinds; lines of slots of a cnode."""

NARROW = 500.0
"""The width below which a cnode's name is above its slots."""

OPENED, MOST_KINDS = 300, 3
"""The further slots of an opened cnode; the most kinds that the answer names."""

MEANS = {"slots": "the program's", "pagecn": "the root table", "rootcn": "all cnodes"}
"""What is in the cnodes that each domain has."""

EMPTY = "taken, still empty"
"""The words for slots that were handed out and hold nothing, or that another part of the program has."""


@picture("Capabilities", shows=[DOMAIN], what=SHOWN)
def capabilities(at: At) -> Sheet:
    """Draw which slots of a domain's cnodes are in use, and by what.

    >>> import vmwidgets as vm
    >>> d = vm.boot("armv7").domain("hello")
    >>> a = d.map(d.frame("8 KiB"), flags="rw")
    >>> vm.Capabilities(d).scene().caption.text
    '4 of 16,384 slots are in use: 2 mappings, 1 frame and 1 table.'
    """
    seen, steps = domain_at(at, _facts)
    return Sheet(
        f"{seen.value.name}: capabilities",
        f"{seen.value.architecture} · {held_words(seen)}",
        slots_part(seen),
        steps=steps,
        header=SLOTS_HEADER,
        rows=lambda: slots_rows(seen),
        caption=seen.caption(steps, answer(seen), tells=False),
    )


def _facts(seen: DomainAt) -> object:
    """Return what is in the slots, what it belongs to, and the slots and tables that the operation changed."""
    refs = [one.ref for cnode in seen.value.cnodes for one in cnode.capabilities]
    marks = [(seen.thing(ref), seen.states(f"cap:{ref}", seen.thing(ref))) for ref in refs]
    return seen.value.cnodes, marks, [one for one in seen.changed if one.startswith("cap:")]


Held = tuple[CapRef, CapabilityValue | None]
"""A slot that is in use, and what is in it."""


class Group(NamedTuple):
    """The slots with one kind of capability: their number, and those that are known one by one."""

    words: str
    style: str
    number: int
    held: Sequence[Held]

    @property
    def key(self) -> str:
        """The kind, as a part of an ID."""
        return self.words.replace(",", "").replace(" ", "-")

    @property
    def said(self) -> str:
        """The number of capabilities, with their kind."""
        return many(self.number, self.words)


def many(count: int, words: str) -> str:
    """Return a number of capabilities with their kind.

    >>> many(2, "piece of RAM"), many(1, "frame"), many(3, EMPTY)
    ('2 pieces of RAM', '1 frame', '3 taken, still empty')
    """
    return counted(count, words, {"piece of RAM": "pieces of RAM", EMPTY: EMPTY}.get(words))


def groups_of(cnodes: Iterable[CnodeValue]) -> list[Group]:
    """Return the kinds of capabilities in some cnodes, the most frequent first."""
    counts, styles = Counter[str](), dict[str, str]()
    known: dict[str, list[Held]] = {}

    def add(kind: str, count: int, *held: Held) -> None:
        words, style = (kind_words(kind).words, kind_words(kind).colour) if kind else (EMPTY, "")
        counts[words] += count
        styles[words] = style
        known.setdefault(words, []).extend(held)

    for cnode in cnodes:
        for one in cnode.capabilities:
            add(one.kind, 1, (one.ref, one))
        for slot in cnode.reserved:
            add("", 1, (CapRef(cnode.name, slot), None))
        for kind, count in (each for fold in cnode.folds for each in (*fold.kinds, ("", fold.reserved)) if each[1]):
            add(kind, count)
    found = [Group(words, styles[words], count, known[words]) for words, count in counts.items()]
    return sorted(found, key=lambda group: (group.words == EMPTY, -group.number))


def free_in(cnode: CnodeValue) -> int:
    """Return the number of slots that nothing is in."""
    return cnode.slots - cnode.held - len(cnode.reserved) - sum(fold.reserved for fold in cnode.folds)


def used_words(value: DomainValue) -> str:
    """Return how many slots of the program's own cnode are in use, as all pictures of a domain count them."""
    cnode = value.cnodes[-1]
    used = cnode.slots - free_in(cnode)
    return f"{used:,} of {cnode.slots:,} slots {'is' if used == 1 else 'are'} in use"


def answer(seen: DomainAt) -> str:
    """Return how many slots of the program's own cnode are in use, and by what."""
    kinds = Counter[str]()
    for group in groups_of(seen.value.cnodes[-1:]):
        kinds["table" if group.style == "table" else group.words] += group.number
    said = [many(count, words) for words, count in kinds.most_common()]
    by = listed(said if len(said) <= MOST_KINDS else [*said[: MOST_KINDS - 1], "others"])
    return f"{used_words(seen.value)}{': ' * bool(by)}{by}."


def slots_part(seen: DomainAt) -> Part:
    """Return all cnodes, the program's own first."""
    return boxes.below(*(_cnode(seen, cnode) for cnode in reversed(seen.value.cnodes)), gap=14)


def _is_named(seen: DomainAt, ref: CapRef) -> bool:
    things = f"cap:{ref}", seen.thing(ref)
    return bool(seen.states(*things)) or seen.selection in things


def _cnode(seen: DomainAt, cnode: CnodeValue) -> Part:
    name, free, lane = visible(cnode.name), free_in(cnode), f"slots/{cnode.name}"
    used, groups = f"{cnode.slots - free:,} of {cnode.slots:,}", groups_of([cnode])
    whose = [kit.Line(MEANS[cnode.name], "label dim")] if cnode.name in MEANS else []
    lines: list[str | kit.Line] = [name, *whose, kit.Line(used, "label dim")]
    head = boxes.block(lane, lines, title=f"cnode {name}: {used} slots are in use")

    def put(w: float) -> Part:
        room = int(LINES * (w // (CELL_W + GAP))) + OPENED * (lane in seen.opened)
        each = max((len(group.held) for group in groups), default=0)
        while each > 1 and sum(min(each, len(group.held)) for group in groups) > room:
            each -= max(1, each // 8)
        parts = [*(_group(seen, cnode, group, each, w) for group in groups), *_removed(seen, cnode, w)]
        if free:
            said, where = f"{free:,} free", _places(cnode, groups)
            rail = _free(f"{lane}/free", where, f"{said}{': ' * bool(where)}{where}")
            wide = max(text_width(said), text_width(where) + 20)
            parts.append((wide, boxes.below(boxes.words(f"{lane}/said", said), rail)))
        return boxes.flowing(parts, gap=APART)

    groups_part = boxes.sized(put)
    return boxes.either(
        NARROW, boxes.columns((NAME_W - 8, head), (0, groups_part)), boxes.below(head, groups_part, gap=6)
    )


def _places(cnode: CnodeValue, groups: Sequence[Group]) -> str:
    """Return the lowest free slots, if all slots in use are known one by one."""
    used = sorted(ref.slot for group in groups for ref, _ in group.held)
    edges = [(low + 1, high - 1) for low, high in pairwise([-1, *used, cnode.slots]) if high - low > 1]
    runs = [f"{low:,}" if low == high else f"{low:,}–{high:,}" for low, high in edges]
    return "" if cnode.folds else ", ".join([*runs[:2], *["…"] * (len(runs) > 2)])


def _group(seen: DomainAt, cnode: CnodeValue, group: Group, each: int, w: float) -> tuple[float, Part]:
    """Return the width of a kind's slots, and a part with those that the story names, the lowest, and a fold."""
    kept = {ref for ref, _ in sorted(group.held, key=lambda one: not _is_named(seen, one[0]))[:each]}
    shown = [one for one in group.held if one[0] in kept]
    lane, rest = f"slots/{cnode.name}", group.number - len(shown)
    wide = max(text_width(group.said, "strong"), len(shown) * (CELL_W + GAP) - GAP)
    cells = _slots(seen, shown)
    if rest:
        title = f"{many(rest, group.words)} more in {visible(cnode.name)}: open"
        fold = boxes.folded(f"{lane}/fold/{group.key}", f"+{rest:,}", title=title, lane=lane, opens=True, high=CELL_H)
        wide += FOLD_W + GAP
        cells = boxes.flowing([(min(w, wide) - FOLD_W - GAP, cells), (FOLD_W, fold)], gap=GAP)
    return min(w, wide), boxes.below(boxes.words(f"{lane}/{group.key}", group.said, "strong"), cells)


def _removed(seen: DomainAt, cnode: CnodeValue, w: float) -> Iterator[tuple[float, Part]]:
    """Yield the slots of a cnode from which the operation deleted a capability, if it did, by kind."""
    held, deleted = {one.ref for one in cnode.capabilities}, ev.CapabilityDeleted
    mine = {
        one.ref.slot: one
        for one in seen.moment.so_far
        if isinstance(one, deleted)
        and one.ref.cnode == cnode.name
        and one.domain == seen.value.name
        and f"cap:{one.ref}" in seen.changed
        and one.ref not in held
    }
    if mine:
        kinds = Counter(kind_words(one.kind).words for one in mine.values())
        said = f"removed: {listed([many(count, words) for words, count in kinds.most_common()])}"
        cells = [(CELL_W, boxes.thing(CELL_H, partial(_gone, mine[slot]))) for slot in sorted(mine)[:MOST_GONE]]
        if more := len(mine) - len(cells):
            cells.append((CELL_W, boxes.words(f"gone/{cnode.name}/more", f"+{more:,}")))
        wide = max(text_width(said, "label strong"), len(cells) * (CELL_W + GAP))
        head = boxes.words(f"gone/{cnode.name}", said, "label new")
        yield min(w, wide), boxes.below(head, boxes.flowing(cells, gap=GAP))


MOST_GONE = 24
"""The most emptied slots that are drawn."""


def _gone(one: ev.CapabilityDeleted, box: Box) -> Node:
    return kit.chip(
        f"gone/{one.ref.cnode}/{one.ref.slot}",
        "cap",
        box,
        (f"{one.ref.slot:,}", f"{one.ref.slot}"),
        spare=0,
        style="label dim",
        state=["gone"],
        lane="gone",
        title=f"{visible(str(one.ref))}: {kind_words(one.kind).words}, removed by {one.how}",
    )


def _slots(seen: DomainAt, held: Sequence[Held]) -> Part:
    """Return slots side by side."""

    def put(w: float) -> Part:
        across = max(1, int((w + GAP + 0.01) // (CELL_W + GAP)))
        rows = (held[at : at + across] for at in range(0, len(held), across))
        some = (
            boxes.columns(*((CELL_W, boxes.thing(CELL_H, partial(_slot, seen, *one))) for one in row), gap=GAP)
            for row in rows
        )
        return boxes.below(*some, gap=2 * GAP)

    return boxes.sized(put)


def _states(seen: DomainAt, ref: CapRef, held: CapabilityValue | None) -> tuple[str, ...]:
    return seen.states(f"cap:{ref}", *([seen.thing(ref)] if held else []))


def _slot(seen: DomainAt, ref: CapRef, held: CapabilityValue | None, box: Box) -> Node:
    style = kind_words(held.kind).colour if held else ""
    return kit.chip(
        f"slots/{ref.cnode}/{ref.slot}",
        "cap",
        box,
        (f"{ref.slot:,}", f"{ref.slot}"),
        spare=0,
        foot=4 * bool(style),
        thing=seen.thing(ref) if held else f"cap:{ref}",
        lane=f"slots/{ref.cnode}",
        state=[f"holds-{style}" if held else "reserved", *_states(seen, ref, held)],
        bars=(Bar(0, box.h - 4, box.w, 4, style),) * bool(style),
        title=describe(held) if held else f"{visible(str(ref))}: {EMPTY}",
    )


def _free(identity: str, words: str, title: str) -> Part:
    def put(box: Box) -> Node:
        bars = [Bar(0, 0, box.w, box.h, "rail")]
        return kit.chip(identity, "gap", box, words, style="label dim", title=title, bars=bars)

    return boxes.thing(CELL_H, put)


def describe(held: CapabilityValue) -> str:
    """Return a capability in one line."""
    words = kind_words(held.kind).words
    parts = [
        f"{visible(str(held.ref))}: {words}, {binary_size(held.bytes)} at physical {Address(held.base)}, {held.rights}"
    ]
    if held.source is not None:
        gone = "a capability, since deleted, in " * held.source_gone
        parts.append(f"made from {gone}{visible(str(held.source))}")
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


def slots_rows(seen: DomainAt) -> Iterator[tuple[str, ...]]:
    """Yield every capability."""
    held = [one for cnode in seen.value.cnodes for one in cnode.capabilities]
    for one in held[:MAX_ROWS]:
        places = ", ".join(f"{visible(str(table))} entry {entry}" for table, entry, _ in one.mapped[:MOST_PLACES])
        gone = ", since deleted" * one.source_gone
        source = visible(str(one.source)) + gone if one.source is not None else ""
        size = binary_size(one.bytes)
        yield visible(str(one.ref)), one.kind, str(Address(one.base)), size, one.rights, source, places
    left_out = sum(cnode.held for cnode in seen.value.cnodes) - min(MAX_ROWS, len(held))
    if left_out > 0:
        yield f"… {left_out:,} more", *[""] * (len(SLOTS_HEADER) - 1)

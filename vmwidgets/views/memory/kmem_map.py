"""One kernel map as a box: its name, its lock, who sleeps for room in it, and its ribbon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, KernelMapValue, MapValue
from vmwidgets.views.maps.axis import LEAST_GAP, Axis, MapSegment, pieces_of, place, stretches, x_of
from vmwidgets.views.maps.picture import Taken, states_of, taken_in, taken_over
from vmwidgets.views.maps.ribbon import NOT_TO_SCALE, break_marks
from vmwidgets.views.maps.runs import NOFAULT, kind_of, what_is
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, short_count, text_width, wording
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.called import called

BROKEN = 82.0
"""Pixels of a gap at which a map's axis is broken: room for its size."""

ROOT_H, CARD_H, RIBBON_H = 44.0, 62.0, 26.0
"""Heights of the words above a ribbon, for the outermost map and for one inside, and of a ribbon."""


class Shown(NamedTuple):
    """At which moment all the maps are, and the maps before and after its operation, by their names."""

    moment: Moment
    before: Mapping[str, MapValue]
    after: Mapping[str, MapValue]
    woken: Set[str]
    """Maps whose sleepers for room were woken."""
    axes: dict[str, tuple[Taken, ...]]
    """What lies on the axes of maps in all steps, once it was asked for."""

    @classmethod
    def of(cls, value: KernelMapValue, moment: Moment) -> Shown:
        """That of the maps, which the operation left as `value`, at a moment."""
        before, after = ({one.map.name: one.map for one in root.all()} for root in (value.at(moment.whole), value))
        woken = {event.map for event in moment.so_far if isinstance(event, ev.SleepersWoken)}
        return cls(moment, before, after, woken, {})

    @property
    def done(self) -> Sequence[ev.Event]:
        """The events that are done."""
        return self.moment.so_far

    def states(self, value: MapValue) -> dict[int, tuple[str, ...]]:
        """What is true of the entries of a map at the moment."""
        return states_of(value, self.moment.written)

    def taken(self, value: MapValue) -> tuple[Taken, ...]:
        """What lies on the axis of a map in all steps of the operation."""
        name = value.name
        if name not in self.axes:
            self.axes[name] = taken_over(self.after.get(name, value), self.before.get(name), value, self.moment)
        return self.axes[name]


def map_box(
    value: KernelMapValue,
    shown: Shown,
    style: AddressStyle,
    box: tuple[float, float, float],
    depth: int,
    concerned: bool,
) -> list[Node]:
    """The nodes of a map; `box` is x, y and width; `concerned`: the operation is about it."""
    x, y, w = box
    height = CARD_H if depth else ROOT_H
    card = _card(value, style, box, depth, concerned, value.map.name in shown.woken)
    return [card, *_ribbon(value, shown, style, x, y + height, w, depth)]


def _card(
    value: KernelMapValue,
    style: AddressStyle,
    box: tuple[float, float, float],
    depth: int,
    concerned: bool,
    woken: bool,
) -> Node:
    x, y, w = box
    name = value.map.name
    used = used_words(value.map)
    limits = f"{style.long(value.map.start)}–{style.long(value.map.end)}"
    held = value.locked_by is not None
    lock, sleepers = lock_words(value), sleeper_words(value)
    words = called(name)
    look = "strong" if text_width(words, "strong") <= w - 16 else "label strong"
    room = w - 26 - text_width(words, look)
    fitting = wording((*used, ""), room)
    rows = [fitted(8, 16, words, w - 16, look), Text(w - 8, 16, fitting, "label dim", "end")]
    mark = "label changed" if held else "label dim"
    if depth:
        starts = style.long(value.map.start)
        rows.append(fitted(8, 31, (limits, f"from {starts}", starts), w - 16, "mono label dim"))
        rows.append(fitted(8, 44, (lock, lock.removeprefix("sleep ")), w - 16, mark))
        rows.append(fitted(8, 57, (sleepers, sleepers.replace(" for room", "")), w - 16, "label changed"))
    else:
        at = 20 + text_width(limits, "mono label")
        rows.append(fitted(8, 34, limits, w - 16, "mono label dim"))
        rows.append(fitted(at, 34, lock, w - 8 - at, mark))
        at += 12 + text_width(lock)
        rows.append(fitted(w - 8, 34, sleepers, w - 8 - at, "label changed", "end"))
    state = (*(["shown"] if concerned else []), *(["changed"] if woken else []), *(["held"] if held else []))
    return Node(
        f"kmem/{name}", "kmem-map", x, y, w, CARD_H if depth else ROOT_H, f"map:{name}",
        text=tuple(row for row in rows if row.text),
        bars=(Bar(0, 0, 4, CARD_H if depth else ROOT_H, "changed"),) if held else (),
        state=state, action="select", lane=f"maps/{depth}", title=_describe(value, style),
    )  # fmt: skip


def used_words(value: MapValue) -> tuple[str, ...]:
    """How much of a map is used, in ever fewer words."""
    used, whole = binary_size(value.size), binary_size(value.end - value.start)
    number, _, unit = used.partition(" ")
    return f"{number if unit == whole.partition(' ')[2] else used} of {whole}", f"{used} used", used


def lock_words(value: KernelMapValue) -> str:
    """The lock, of which kind it is and who has it.

    A system map has a mutex, which no thread may hold asleep.
    """
    kind = "mutex" if value.system else "sleep lock"
    return f"{kind} free" if value.locked_by is None else f"{kind} held by {value.locked_by or 'the cell'}"


def sleeper_words(value: KernelMapValue) -> str:
    """Who sleeps for room, in the order they will look again."""
    if not value.sleepers:
        return "needs_wakeup" if value.needs_wakeup else ""
    count = len(value.sleepers)
    flag = "" if value.needs_wakeup else " (needs_wakeup not set)"
    return f"{count} asleep for room{flag}: {', '.join(value.sleepers)}"


def _describe(value: KernelMapValue, style: AddressStyle) -> str:
    limits = f"{style.whole(value.map.start)}–{style.whole(value.map.end)}"
    said = [f"{called(value.map.name)}: {limits}", f"{value.map.nr_entries:,} entries", lock_words(value)]
    if value.needs_wakeup:
        said.append("needs_wakeup is set")
    return ", ".join([*said, *([sleeper_words(value)] if value.sleepers else [])])


# ---- the ribbon --------------------------------------------------------------------------------------


def _ribbon(
    value: KernelMapValue, shown: Shown, style: AddressStyle, x: float, y: float, w: float, depth: int
) -> list[Node]:
    name = value.map.name
    states = shown.states(value.map)
    drawn, axis = _axis(value.map, states, shown, x, w)
    freed = what_was_freed(value.map, shown.done)
    title = f"{name}: {style.whole(value.map.start)}–{style.whole(value.map.end)}"
    nodes = [Node(f"kmem/{name}/ground", "axis", x, y, w, RIBBON_H, title=title)]
    for segment in pieces_of(drawn, axis):
        node = _piece(name, segment, states, freed, style, y, depth)
        if node is not None:
            nodes.append(node)
    return nodes


def _axis(
    value: MapValue, states: Mapping[int, tuple[str, ...]], shown: Shown, x: float, w: float
) -> tuple[MapValue, Axis]:
    """What is drawn of a map in `w` pixels, and its axis, which is one for all steps where nothing has to be folded."""
    drawn = thinned(value, w, states)
    taken = shown.taken(value) if drawn is value else tuple(taken_in(drawn))
    return drawn, place(stretches(value, taken), x, w, BROKEN)


def _piece(
    name: str,
    segment: MapSegment,
    states: dict[int, tuple[str, ...]],
    freed: frozenset[int],
    style: AddressStyle,
    y: float,
    depth: int,
) -> Node | None:
    item = segment.item
    if item is None:
        return _gap(name, segment, freed, style, y)
    if isinstance(item, Fold):
        return Node(
            f"kmem/{name}/fold/{item.id}", "fold", segment.x, y, segment.w, RIBBON_H, f"fold:{item.id}",
            text=(fitted(segment.w / 2, 17, short_count(item.count), segment.w - 2, "label", "middle"),),
            state=("folded",), title=f"{item.count:,} entries folded", lane=f"kmem/{depth}",
        )  # fmt: skip
    inset = min(0.8, segment.w * 0.15)
    w = max(0.8, segment.w - 2 * inset)
    label = _label(item, w)
    return Node(
        f"kmem/{name}/{item.id}", "range", segment.x + inset, y, w, RIBBON_H, f"entry:{item.id}",
        text=(Text(w / 2, 15, label, "label", "middle"),) if label else (),
        bars=(Bar(0, RIBBON_H - 5, w, 5, "wired"),) if item.wired else (),
        state=(kind_of(item), *states.get(item.id, ())), action="select", lane=f"kmem/{depth}",
        title=_title(item, style),
    )  # fmt: skip


def _label(entry: EntryValue, w: float) -> str:
    """The most telling words that fit."""
    name = what_is(entry).partition("+")[0]
    return wording((f"{name} {binary_size(entry.size)}", name, binary_size(entry.size), ""), w - 6)


def _title(entry: EntryValue, style: AddressStyle) -> str:
    wired = f"wired {entry.wired}×" if entry.wired else "not wired"
    nofault = ", NOFAULT: a fault in there is a panic" if entry.flags & NOFAULT else ""
    limits = f"{style.whole(entry.start)}–{style.whole(entry.end)}"
    return f"entry {entry.id}: {limits}, {binary_size(entry.size)}, {what_is(entry)}, {wired}{nofault}"


def _gap(name: str, segment: MapSegment, freed: frozenset[int], style: AddressStyle, y: float) -> Node | None:
    if segment.w < LEAST_GAP:
        return None
    size = binary_size(segment.end - segment.start)
    room = segment.w - (16 if segment.broken else 4)
    label = size if text_width(size, "label") <= room else ""
    bars = break_marks(segment.w, RIBBON_H) if segment.broken else ()
    scale = f", {NOT_TO_SCALE}" if segment.broken else ""
    return Node(
        f"kmem/{name}/gap/{segment.start:x}", "gap", segment.x, y, segment.w, RIBBON_H,
        text=(Text(segment.w / 2, 17, label, "label dim", "middle"),) if label else (), bars=bars,
        state=("changed",) if segment.start in freed else (),
        title=f"free: {style.whole(segment.start)}–{style.whole(segment.end)}, {size}{scale}",
    )  # fmt: skip


def what_was_freed(value: MapValue, done: Sequence[ev.Event]) -> frozenset[int]:
    """Starts of the gaps in which something was made free by the events `done`."""
    ranges = [
        (event.start, event.end) for event in done if isinstance(event, ev.RangeDeleted) and event.map == value.name
    ]
    if not ranges:
        return frozenset()
    gaps = [one for one in stretches(value, tuple(taken_in(value))) if one.item is None]
    return frozenset(gap.start for gap in gaps if any(start < gap.end and gap.start < end for start, end in ranges))


def thinned(value: MapValue, w: float, states: Mapping[int, tuple[str, ...]]) -> MapValue:
    """`value` as far as `w` pixels can show it: neighbours that are not of interest are one fold."""
    if not value.folds and len(value.items) <= w / LEAST:
        return value
    items: list[EntryValue | Fold] = []
    for item in value.items:
        alone = isinstance(item, EntryValue) and (item.id in states or kind_of(item) in ("submap", "static"))
        last = items[-1] if items else None
        if alone:
            items.append(item)
        elif isinstance(last, Fold):
            items[-1] = Fold(last.id, last.count + _count(item), last.start, item.end)
        else:
            items.append(Fold(item.id, _count(item), item.start, item.end))
    return replace(value, items=tuple(items))


LEAST = 5.0
"""Pixels of an entry below which the entries of a small ribbon are folded."""


def _count(item: EntryValue | Fold) -> int:
    return item.count if isinstance(item, Fold) else 1


def place_of(
    parent: KernelMapValue, child: KernelMapValue, shown: Shown, x: float, w: float
) -> tuple[float, float, str]:
    """Both ends of a submap's place in its parent's ribbon, and the id of the node that stands for it."""
    axis = _axis(parent.map, shown.states(parent.map), shown, x, w)[1]
    left, right = x_of(axis, child.map.start), x_of(axis, child.map.end)
    source = next((entry.id for entry in parent.map.entries if entry.start == child.map.start), None)
    name = parent.map.name
    node = f"kmem/{name}/ground" if source is None else f"kmem/{name}/{source}"
    return (x if left is None else left), (x + w if right is None else right), node

"""One kernel map as a box: its name, its lock, the threads that sleep for room in it, and its ribbon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, KernelMapValue, MapValue
from vmwidgets.views.maps.axis import LEAST_GAP, Axis, MapSegment, pieces_of, place, stretches, x_of
from vmwidgets.views.maps.picture import Taken, states_of, taken_in, taken_over
from vmwidgets.views.maps.ribbon import NOT_TO_SCALE, break_marks
from vmwidgets.views.maps.runs import NOFAULT, kind_of, what_is
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.kit import Box
from vmwidgets.views.scene.model import Bar, Node, Text
from vmwidgets.views.scene.text import fitted, short_count, text_width, wording
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.words.called import called

BROKEN = 82.0
"""Width in pixels of a gap at which a map's axis is broken: room for its size."""

ROOT_H, CARD_H, RIBBON_H = 44.0, 54.0, 26.0
"""Heights of the words above a ribbon, for the outermost map and for inner ones, and of a ribbon."""

SLEEPERS, _LINE = 4, 20.0
"""The most threads that are named below a map; and the height of each."""


def nothing_in(value: MapValue) -> MapValue:
    """Return a map under construction, before it contains anything."""
    return replace(value, items=(), nodes={})


class Shown(NamedTuple):
    """The moment of all maps, with the maps before and after the operation, by name."""

    moment: Moment
    before: Mapping[str, MapValue]
    after: Mapping[str, MapValue]
    woken: Set[str]
    """The maps whose sleepers for room were woken."""
    fresh: Mapping[str, ev.RangeInserted]
    """The only range that the operation inserted into a map, by the map's name."""
    axes: dict[str, tuple[Taken, ...]]
    """The contents of the maps' axes in all steps, filled when they are needed."""

    @classmethod
    def of(cls, look: Look[KernelMapValue]) -> Shown:
        """Return the moment of the maps."""
        moment = look.moment
        before, after = ({one.map.name: one.map for one in root.all()} for root in (look.before, look.after))
        woken = {event.map for event in moment.so_far if isinstance(event, ev.SleepersWoken)}
        ranges: dict[str, list[ev.RangeInserted]] = {}
        for event in moment.events:
            if isinstance(event, ev.RangeInserted) and event.how:
                ranges.setdefault(event.map, []).append(event)
        fresh = {name: some[0] for name, some in ranges.items() if len(some) == 1}
        return cls(moment, before, after, woken, fresh, {})

    @property
    def done(self) -> Sequence[ev.Event]:
        """The events up to this moment."""
        return self.moment.so_far

    def states(self, value: MapValue) -> dict[int, tuple[str, ...]]:
        """Return the states of a map's entries at the moment."""
        return states_of(self.before.get(value.name, nothing_in(value)), value)

    def taken(self, value: MapValue) -> tuple[Taken, ...]:
        """Return what is on a map's axis in all steps of the operation."""
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
    listed: bool,
) -> list[Node]:
    """Return the nodes of a map; `box` is x, y and width; `listed` if its entries are listed below all maps."""
    x, y, w = box
    height, is_fresh = CARD_H if depth else ROOT_H, value.map.name in shown.fresh
    card = _card(value, style, box, depth, listed, value.map.name in shown.woken)
    ribbon = _ribbon(value, shown, style, x, y + height, w, depth)
    return [card, *ribbon, *_waiting(value, Box(x, y + height + RIBBON_H + 4 + _LINE * is_fresh, w, _LINE))]


def height_of(value: KernelMapValue, shown: Shown, depth: int) -> float:
    """Return the height of a map, from its card to the threads that wait for room."""
    lines = _lines(value, shown)
    return (CARD_H if depth else ROOT_H) + RIBBON_H + (4 + _LINE * lines if lines else 0)


def _lines(value: KernelMapValue, shown: Shown) -> int:
    """Return the lines below a map's ribbon: what is new, the waiting threads, and its flag."""
    waiting = min(len(value.sleepers), SLEEPERS) + bool(value.sleepers or value.needs_wakeup)
    return waiting + (value.map.name in shown.fresh)


def _waiting(value: KernelMapValue, line: Box) -> list[Node]:
    """Return the threads that sleep for room in a map, in the order of their retries, and who wakes them."""
    name, some = value.map.name, value.sleepers
    shown = some if len(some) <= SLEEPERS else some[: SLEEPERS - 1]
    nodes = []
    for number, thread in enumerate(shown):
        text = [fitted(18, 14, thread, line.w - 18, "strong", middle=True)]
        x = 24 + text_width(text[0].text, "strong")
        if x + text_width("asleep for room") <= line.w:
            text.append(Text(x, 14, "asleep for room", "label dim"))
        nodes.append(kit.runs(f"kmem/{name}/sleeper/{thread}", line._replace(y=line.y + number * _LINE), text,
                              bars=(Bar(2, 5, 10, 10, "step"),), thing=f"thread:{thread}", lane=f"kmem/{name}/sleepers",
                              state=("sleeper",), title=f"{thread} is asleep for room in {name}"))  # fmt: skip
    y = line.y + len(shown) * _LINE
    if len(shown) < len(some):
        words = f"and {len(some) - len(shown):,} more"
        nodes.append(kit.label(f"kmem/{name}/sleepers/more", words, line.x, y, most=line.w))
        y += _LINE
    if some or value.needs_wakeup:
        ways: tuple[str, ...] = ("needs_wakeup is not set: nothing wakes them", "needs_wakeup not set", "not set")
        if value.needs_wakeup:
            whom = "all" if len(some) > 1 else "it"
            ways = (
                (f"kmem_free_wakeup wakes {whom}", f"a free wakes {whom}")
                if some
                else ("needs_wakeup is set", "flag set")
            )
        run = fitted(0, 14, ways, line.w, "label dim" if value.needs_wakeup else "label error")
        nodes.append(kit.runs(f"kmem/{name}/wakes", line._replace(y=y), [run], title=sleeper_words(value)))
    return nodes


def _card(
    value: KernelMapValue,
    style: AddressStyle,
    box: tuple[float, float, float],
    depth: int,
    listed: bool,
    woken: bool,
) -> Node:
    x, y, w = box
    name = value.map.name
    limits, starts = f"{style.long(value.map.start)}–{style.long(value.map.end)}", style.long(value.map.start)
    held = value.locked_by is not None
    lock = lock_words(value)
    mark = "label held" if held else "label dim"
    words = called(name)
    named = text_width(words, "strong")
    ways = used_words(value.map, has_submaps=bool(value.submaps))
    used = wording((*ways, ""), w - 2 * kit.PAD - 6 - named)
    ways_here = ("entries below", "below", "") if listed else ("",)
    here = wording(ways_here, w - 2 * kit.PAD - text_width(lock) - 6)
    rows = [kit.Line(words, "strong", used)]
    if depth:
        locks = lock, lock.removeprefix("sleep "), lock.removeprefix("sleep ").partition(" by ")[0]
        rows += [
            kit.Line((limits, f"from {starts}", starts) if used else ways, "mono label dim" if used else "label"),
            kit.Line(locks, mark, here),
        ]
    else:
        rows.append(kit.Line((f"{limits}   {lock}", limits), mark if held else "mono label dim", here))
    height = CARD_H if depth else ROOT_H
    state = ["changed"] * woken + ["held"] * held
    return kit.card(
        f"kmem/{name}", Box(x, y, w, height), rows, kind="kmem-map", thing=f"map:{name}", top=16, step=14.5,
        bars=[Bar(0, 0, 4, height, "held")] * held, state=state, pad=max(3.0, min(kit.PAD, (w - named) / 2 - 1)),
        lane=f"maps/{depth}", title=_describe(value, style),
    )  # fmt: skip


def used_words(value: MapValue, *, has_submaps: bool = False) -> tuple[str, ...]:
    """Return how much of a map is used, in wordings that get shorter; submaps' ranges count as used, even if empty."""
    used, whole = binary_size(value.size), binary_size(value.end - value.start)
    number, _, unit = used.partition(" ")
    least = f"{number if unit == whole.partition(' ')[2] else used} of {whole}"
    full = (f"{least} used, by submaps too",) if has_submaps else (f"{least} used",)
    return *full, f"{used} used", least, used


def lock_words(value: KernelMapValue) -> str:
    """Return the kind of the lock, and its owner.

    A system map has a mutex, which a thread must not hold while it sleeps.
    """
    kind = "mutex" if value.system else "sleep lock"
    return f"{kind} free" if value.locked_by is None else f"{kind} held by {value.locked_by or 'the cell'}"


def sleeper_words(value: KernelMapValue) -> str:
    """Return the threads that sleep for room, in the order in which they will retry."""
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
    nodes = [kit.chip(f"kmem/{name}/ground", "axis", kit.Box(x, y, w, RIBBON_H), title=title)]
    pieces = tuple(pieces_of(drawn, axis))
    sized = _all_have_room_for_sizes(pieces)
    for segment in pieces:
        node = _piece(name, segment, states, freed, style, y, depth, sized=sized)
        if node is not None:
            nodes.append(node)
    nodes, said = with_new(nodes, value.map, shown, f"kmem/{name}")
    if said:
        at = next((node.x for node in nodes if "new" in node.state and node.kind != "gap"), x)
        line = fitted(0, 14, said, w, "label new")
        at = max(x, min(at, x + w - text_width(line.text, "label new")))
        box = Box(at, y + RIBBON_H + 4, x + w - at, _LINE)
        nodes.append(kit.runs(f"kmem/{name}/said", box, [line], title=said[0]))
    return nodes


def with_new(nodes: list[Node], value: MapValue, shown: Shown, prefix: str) -> tuple[list[Node], tuple[str, ...]]:
    """Return a map's ribbon, with a ring around the part that the operation added to an entry, and words about it."""
    fresh = shown.fresh.get(value.name)
    if fresh is None or fresh not in shown.done:
        return nodes, ()
    entry = next((one for one in value.entries if one.start <= fresh.start and fresh.end <= one.end), None)
    at = next((place for place, one in enumerate(nodes) if entry is not None and _is_range_of(entry, one)), None)
    if entry is None or at is None:
        return nodes, ()
    size, old, whole = binary_size(fresh.end - fresh.start), entry.size - (fresh.end - fresh.start), nodes[at]
    if not old or "new" in whole.state:
        return nodes, (f"{size} new",)
    said = (f"{size} new, in one entry with the {binary_size(old)} next to it", f"{size} new, merged", f"{size} new")
    if any(bar.style in _CUTS for bar in whole.bars):
        return nodes, said
    left, right = (whole.x + (one - entry.start) * whole.w / entry.size for one in (fresh.start, fresh.end))
    room, middle = max((b - a, (a + b) / 2) for a, b in pairwise((whole.x, left, right, whole.x + whole.w)))
    text = tuple(replace(run, x=middle - whole.x) for run in whole.text if text_width(run.text) <= room - _SPARE)
    gaps = [Bar(-3.0, 1, 2, whole.h, "ground")] * (left > whole.x + 3)
    gaps += [Bar(right - left - 1, 1, 2, whole.h, "ground")] * (right < whole.x + whole.w - 3)
    box = Box(left + 1, whole.y - 1, max(2.0, right - left - 2), whole.h + 2)
    ring = kit.chip(f"{prefix}/new", "fresh", box, bars=gaps, state=("new",), title=said[0])
    return [*nodes[:at], replace(whole, text=text, state=(*whole.state, "grew")), *nodes[at + 1 :], ring], said


_CUTS = ("ground", "line")
"""Styles of the bars of a range that is not drawn to scale."""


def _is_range_of(entry: EntryValue, node: Node) -> bool:
    return node.kind == "range" and node.thing == f"entry:{entry.id}"


def _axis(
    value: MapValue, states: Mapping[int, tuple[str, ...]], shown: Shown, x: float, w: float
) -> tuple[MapValue, Axis]:
    """Draw a map in `w` pixels, with one axis for all steps unless something must be folded."""
    drawn = thinned(value, w, states)
    taken = shown.taken(value) if drawn is value else tuple(taken_in(drawn))
    return drawn, Axis(place(stretches(value, taken), x, w, BROKEN))


def _piece(
    name: str,
    segment: MapSegment,
    states: dict[int, tuple[str, ...]],
    freed: frozenset[int],
    style: AddressStyle,
    y: float,
    depth: int,
    *,
    sized: bool,
) -> Node | None:
    item = segment.item
    if item is None:
        return _gap(name, segment, freed, style, y)
    if isinstance(item, Fold):
        return kit.chip(
            f"kmem/{name}/fold/{item.id}", "fold", Box(segment.x, y, segment.w, RIBBON_H), short_count(item.count),
            thing=f"fold:{item.id}", action="", state=("folded",), title=f"{item.count:,} entries folded",
            lane=f"kmem/{depth}", spare=2,
        )  # fmt: skip
    inset, is_place = _inset(segment), kind_of(item) == "submap"
    box = Box(segment.x + inset, y, max(0.8, segment.w - 2 * inset), RIBBON_H)
    return kit.chip(
        f"kmem/{name}/{item.id}", "range", box, _words(item)[0 if sized else 1 :], spare=_SPARE, foot=4,
        bars=[Bar(0, RIBBON_H - 5, box.w, 5, "wired" if item.wired else "submap")] * bool(item.wired or is_place),
        thing=f"entry:{item.id}", state=(kind_of(item), *["place"] * is_place, *states.get(item.id, ())),
        lane=f"kmem/{depth}", title=_title(item, style),
    )  # fmt: skip


def _words(entry: EntryValue) -> tuple[str, str]:
    """Return a range's meaning, with its size and without it."""
    name = what_is(entry).partition("+")[0]
    return f"{name} {binary_size(entry.size)}", name


def _inset(segment: MapSegment) -> float:
    return min(0.8, segment.w * 0.15)


_SPARE = 6.0
"""Pixels that the words of a range leave free in it."""


def _all_have_room_for_sizes(pieces: Iterable[MapSegment]) -> bool:
    """Return whether each range with room for its name also has room for its size: all ranges show it, or none does."""
    ranges = [(one.item, one.w - 2 * _inset(one) - _SPARE) for one in pieces if isinstance(one.item, EntryValue)]
    return all(text_width(_words(entry)[0]) <= w for entry, w in ranges if text_width(_words(entry)[1]) <= w)


def _title(entry: EntryValue, style: AddressStyle) -> str:
    wired = f"wired {entry.wired}×" if entry.wired else "not wired"
    nofault = ", NOFAULT: a fault in there is a panic" if entry.flags & NOFAULT else ""
    limits = f"{style.whole(entry.start)}–{style.whole(entry.end)}"
    return f"entry {entry.id}: {limits}, {binary_size(entry.size)}, {what_is(entry)}, {wired}{nofault}"


def _gap(name: str, segment: MapSegment, freed: frozenset[int], style: AddressStyle, y: float) -> Node | None:
    if segment.w < LEAST_GAP:
        return None
    size = binary_size(segment.end - segment.start)
    scale = f", {NOT_TO_SCALE}" if segment.broken else ""
    return kit.chip(
        f"kmem/{name}/gap/{segment.start:x}", "gap", Box(segment.x, y, segment.w, RIBBON_H),
        (f"{size} free", size), style="label dim",
        spare=16 if segment.broken else 4, state=["changed"] * (segment.start in freed),
        bars=break_marks(segment.w, RIBBON_H) if segment.broken else (),
        title=f"free: {style.whole(segment.start)}–{style.whole(segment.end)}, {size}{scale}",
    )  # fmt: skip


def what_was_freed(value: MapValue, done: Sequence[ev.Event]) -> frozenset[int]:
    """Return the starts of the gaps in which the events `done` freed something."""
    ranges = [
        (event.start, event.end) for event in done if isinstance(event, ev.RangeDeleted) and event.map == value.name
    ]
    if not ranges:
        return frozenset()
    gaps = [one for one in stretches(value, tuple(taken_in(value))) if one.item is None]
    return frozenset(gap.start for gap in gaps if any(start < gap.end and gap.start < end for start, end in ranges))


def thinned(value: MapValue, w: float, states: Mapping[int, tuple[str, ...]]) -> MapValue:
    """Return `value` as far as `w` pixels can show it: uninteresting neighbours become one fold."""
    if not value.folds and len(value.items) <= w / LEAST:
        return value
    items: list[EntryValue | Fold] = []
    for item in value.items:
        alone = isinstance(item, EntryValue) and (item.id in states or kind_of(item) in ("submap", "kernel"))
        last = items[-1] if items else None
        if alone:
            items.append(item)
        elif isinstance(last, Fold):
            items[-1] = Fold(last.id, last.count + _count(item), last.start, item.end)
        else:
            items.append(Fold(item.id, _count(item), item.start, item.end))
    return replace(value, items=tuple(items))


LEAST = 5.0
"""Width in pixels of an entry below which the entries of a small ribbon are folded."""


def _count(item: EntryValue | Fold) -> int:
    return item.count if isinstance(item, Fold) else 1


def place_of(
    parent: KernelMapValue, child: KernelMapValue, shown: Shown, x: float, w: float
) -> tuple[float, float, str]:
    """Return both ends of a submap's place in its parent's ribbon, and the ID of the node there."""
    axis = _axis(parent.map, shown.states(parent.map), shown, x, w)[1]
    left, right = x_of(axis, child.map.start), x_of(axis, child.map.end)
    source = next((entry.id for entry in parent.map.entries if entry.start == child.map.start), None)
    name = parent.map.name
    node = f"kmem/{name}/ground" if source is None else f"kmem/{name}/{source}"
    return (x if left is None else left), (x + w if right is None else right), node

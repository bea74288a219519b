"""Kernel memory: maps inside maps, each as a ribbon of its own scale below its place in its parent.

At the top is the kernel map over the whole width.  Below it is a row for each level of submaps, with lines from each
submap's part of its parent.  At the end are the entry list and the ribbon of the map concerned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from functools import partial

from vmwidgets import events as ev
from vmwidgets.engine.base.frozen import frozen
from vmwidgets.engine.base.units import binary_size, counted
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, KernelMapValue, MapValue
from vmwidgets.views.maps.columns import PAGE_NUMBERS, are_brief, lay_columns
from vmwidgets.views.maps.entries import HEADER, list_lane
from vmwidgets.views.maps.picture import Drawn as Lanes
from vmwidgets.views.maps.picture import Layout, MapPicture, cards_of, laid_items
from vmwidgets.views.maps.ribbon import NOT_TO_SCALE, ribbon_lane
from vmwidgets.views.maps.runs import kind_of, what_is
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.kit import WIDTH, Box
from vmwidgets.views.scene.model import STILL, Link, Node, Scene, Table
from vmwidgets.views.scene.relations import KERNEL, of_entries, together
from vmwidgets.views.scene.text import text_width
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, once, where
from vmwidgets.views.story.words.called import called

from .kmem_map import (
    CARD_H,
    RIBBON_H,
    ROOT_H,
    Shown,
    height_of,
    lock_words,
    map_box,
    nothing_in,
    place_of,
    used_words,
    what_was_freed,
    with_new,
)
from .threads import locks_changed

MOST = 6
"""The most maps side by side; the others of a row are counted."""

WIDEST = 280.0
_GAP, _CLOSE, _DROP = 16.0, 6.0, 30.0
_NARROW = 532.0
"""Width in pixels below which boxes are closer together."""


@frozen
class Place:
    """The place of a map's box."""

    value: KernelMapValue
    parent: str
    x: float
    w: float


def draw_kmem(
    look: Look[KernelMapValue],
    *,
    selection: str = "",
    title: str = "kernel memory",
    machine: str = "",
    width: float = WIDTH,
    compact: bool = False,
) -> Scene:
    """Return the scene of kernel memory.

    `compact` leaves out the list of the map concerned.
    """
    moment, value = look.moment, look.now
    style = AddressStyle.of(value.map.start, value.map.end)
    shown = Shown.of(look)
    concerned = map_concerned(value, moment.events, selection)
    nested = boxes.drawing(0, partial(_nested, value, shown, style, concerned.map.name, listed=not compact))
    detail = [] if compact else [_detail(concerned, moment, shown, style, selection)]
    maps = list(value.all())
    used = sum(one.map.size for one in maps if not one.submaps)
    subtitle = (
        f"{style.long(value.map.start)}–{style.long(value.map.end)} · {len(maps)} map{'' if len(maps) == 1 else 's'} · "
        f"{binary_size(used)} allocated{' in those without submaps' * any(one.submaps for one in maps)}"
    )
    subtitle += f" · {style.legend}" if style.legend else ""
    steps = moment.steps(steps_of_kmem({one.map.name for one in look.after.all()}))
    return boxes.picture(
        "kmem",
        title,
        subtitle,
        boxes.below(boxes.words("kmem/answer", _answer(value, concerned), "body"), nested, *detail, _legend, gap=12),
        caption=moment.caption_of(steps),
        table=Table(TABLE_HEADER, _rows(maps, style)),
        steps=steps,
        machine=machine,
        width=width,
        about=lambda things: together(of_entries(one.map.name, one.map.entries, things) for one in maps),
    )


def _answer(root: KernelMapValue, concerned: KernelMapValue) -> str:
    """Return how full the current map is, who waits for room in which map, and what a request can get there."""
    one = concerned.map
    used = f"{used_words(one)[0].removesuffix(' used')} are used, by {counted(one.nr_entries, 'entry')}"
    said = [f"In {called(one.name)}, {used}{', of submaps too' if concerned.submaps else ''}."]
    for each in [each for each in root.all() if each.sleepers][:2]:
        names = each.sleepers
        who = names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{len(names):,} threads"
        largest = "" if each.map.folds else f", where the largest free piece is {binary_size(_largest(each.map))}"
        said.append(f"{who} {'waits' if len(names) == 1 else 'wait'} for room in {called(each.map.name)}{largest}.")
    return " ".join(said)


def _largest(value: MapValue) -> int:
    """Return the size of a map's largest gap in bytes."""
    starts = [*(entry.start for entry in value.entries), value.end]
    ends = [value.start, *(entry.end for entry in value.entries)]
    return max(start - end for start, end in zip(starts, ends, strict=True))


_COLOURS = (
    ("submap", "a submap: a range that is a map of its own"),
    ("kernel", "memory of the kernel"),
    ("anonymous", "no object"),
    ("new", "new"),
    ("wired inside", "wired"),
)
"""The meanings of the ranges' colours, and of the strip on their lower edge."""


def _legend(drawn: Drawn, x: float, y: float, w: float) -> float:
    """Draw the meanings of the colours present, and of a ribbon's double bars."""
    nodes = drawn.nodes
    ranges = [node for node in nodes if node.kind == "range"]
    looks = {f"{bar.style} inside" for node in ranges for bar in node.bars}
    looks.update(*({"new"} if "new" in node.state else node.state for node in ranges))  # new: in no other colour
    looks.update(bar.style for node in nodes if node.kind == "entry" for bar in node.bars)
    known = [one for one in _COLOURS if one[0] in looks]
    is_said = any(run.text == NOT_TO_SCALE for node in nodes for run in node.text)
    if not is_said and any(node.title.endswith(NOT_TO_SCALE) for node in nodes):
        known.append(("break", NOT_TO_SCALE))
    return boxes.key("kmem", known)(drawn, x, y, w)


def steps_of_kmem(names: Set[str]) -> Mine:
    """Return the steps of kernel memory's maps: their entries, their locks, who sleeps for room."""

    def is_shown(stage: Stage) -> bool:
        events = stage.events
        if any(_map_of(event) in names for event in events) or not names.isdisjoint(locks_changed(events)):
            return True
        return any(_grew(stage, name) for name in names)

    return once(("kmem", frozenset(names)), where(is_shown))


def _grew(stage: Stage, name: str) -> bool:
    """Return whether the number of bytes in use in a map changes."""
    sizes = [event for event in stage.events if isinstance(event, ev.MapResized) and event.map == name]
    return bool(sizes) and binary_size(sizes[0].before) != binary_size(sizes[-1].after)


def _map_of(event: ev.Event) -> str | None:
    """Return the map whose list or sleepers an event changes."""
    if isinstance(event, _CHANGING):
        return event.map
    if isinstance(event, (ev.ThreadSlept, ev.ThreadWoken)):
        return event.subject if event.kind == "room" else None
    if isinstance(event, ev.ThreadEnded):
        return event.before.subject if event.before is not None and event.before.kind == "room" else None
    return None


_CHANGING = (
    ev.EntryLinked, ev.EntryUnlinked, ev.EntryResized, ev.EntryChanged, ev.EntryWired, ev.MapCreated, ev.SleepersWoken,
)  # fmt: skip  # a list


def map_concerned(value: KernelMapValue, events: Sequence[ev.Event], selection: str = "") -> KernelMapValue:
    """Return the map that is selected, or contains the selected entry; otherwise the operation's map."""
    maps = {one.map.name: one for one in value.all()}
    kind, _, name = selection.partition(":")
    if kind == "map" and name in maps:
        return maps[name]
    if kind == "entry":
        for one in maps.values():
            entry = next((entry for entry in one.map.entries if str(entry.id) == name), None)
            if entry is not None:
                return maps.get(what_is(entry), one) if kind_of(entry) == "submap" else one
    for kinds in (_CHANGES, _LOOKS):
        for event in reversed(events):
            name = getattr(event, "submap", "") or getattr(event, "map", "") or ""
            if isinstance(event, kinds) and name in maps:
                return maps[name]
    return value.submaps[0] if value.submaps else value


_CHANGES = (ev.RangeInserted, ev.RangeDeleted, ev.SubmapAttached)
_LOOKS = (ev.SpaceSought, ev.MapLocked)


# ---- the nested maps ---------------------------------------------------------------------------------


def _nested(
    root: KernelMapValue, shown: Shown, style: AddressStyle, concerned: str, room: Box, *, listed: bool
) -> Iterator[Node | Link]:
    """Yield all maps, each level in a row, with a band from each map's place in its parent.

    The entries of the map concerned may be `listed` below them.
    """
    row = [Place(root, "", room.x, room.w)]
    y, depth = room.y, 0
    above: dict[str, tuple[Place, float]] = {}
    while row:
        height = CARD_H if depth else ROOT_H
        for place in row:
            is_listed = listed and place.value.map.name == concerned
            yield from map_box(place.value, shown, style, (place.x, y, place.w), depth, is_listed)
            if place.parent:
                yield _band(above[place.parent], place, shown, y)
            above[place.value.map.name] = (place, y + height)
        below, left_out = _row_below(row, concerned, room)
        bottom = y + max(height_of(place.value, shown, depth) for place in row)
        if left_out:
            words = f"{left_out} more map{'' if left_out == 1 else 's'}, in the table"
            right = room.x + room.w - text_width(words, "label")
            yield kit.label(f"kmem/more/{depth + 1}", words, right, bottom)
        y, row, depth = bottom + (_DROP if below else 8), below, depth + 1


def _row_below(row: Sequence[Place], concerned: str, room: Box) -> tuple[list[Place], int]:
    """Return the submaps of the maps in `row`, each as near to its parent as possible, and how many have no room."""
    children = [(child, place) for place in row for child in place.value.submaps]
    if not children:
        return [], 0
    first = sorted(children, key=lambda one: not _holds(one[0], concerned))[:MOST]
    shown = [one for one in children if one in first]
    gap = _GAP if room.w >= _NARROW else _CLOSE
    w = min(WIDEST, (room.w - gap * (len(shown) - 1)) / len(shown))
    places: list[Place] = []
    x = room.x
    for number, (child, parent) in enumerate(shown):
        siblings = [one for one, other in shown if other is parent]
        block = len(siblings) * w + (len(siblings) - 1) * gap
        place = siblings.index(child)
        wish = parent.x + parent.w / 2 - block / 2 + place * (w + gap)
        rest = len(shown) - number
        most = room.x + room.w - rest * w - (rest - 1) * gap
        x = max(x, min(wish, most))
        places.append(Place(child, parent.value.map.name, x, w))
        x += w + gap
    return places, len(children) - len(shown)


def _holds(value: KernelMapValue, name: str) -> bool:
    return any(one.map.name == name for one in value.all())


def _band(above: tuple[Place, float], place: Place, shown: Shown, top: float) -> Link:
    """Return a band from a map's place in its parent to its box."""
    parent, ribbon_top = above
    left, right, source = place_of(parent.value, place.value, shown, parent.x, parent.w)
    name = place.value.map.name
    box = Box(place.x, top, place.w, 0)
    above_it, straight = Box(left, ribbon_top, right - left, RIBBON_H), top - _DROP - ribbon_top - RIBBON_H
    return kit.band(f"kmem/{name}/band", source, f"kmem/{name}", above_it, box, straight=straight)


# ---- the map concerned -------------------------------------------------------------------------------


def _detail(value: KernelMapValue, moment: Moment, shown: Shown, style: AddressStyle, selection: str) -> Part:
    """Return the entries of the map concerned as a list, above its ribbon."""
    name = value.map.name
    after = shown.after.get(name, value.map)
    laid = laid_items(after, shown.before.get(name, after), value.map)
    layout = Layout(
        laid, cards_of(shown.before.get(name, nothing_in(after)), after, moment.events), taken=shown.taken(value.map)
    )
    picture = MapPicture(
        value.map, style, moment.caption, STILL, shown.states(value.map), (), 0, None, moment, layout, value.map.size
    )
    kind, _, number = selection.partition(":")
    chosen = int(number) if kind == "entry" and number.isdecimal() else 0
    freed = {f"ribbon/gap/{start:x}" for start in what_was_freed(value.map, shown.done)}

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        width = w + 2 * x
        columns = lay_columns(laid, picture.important(chosen), style, width, HEADER)
        y = _heading(value, PAGE_NUMBERS if are_brief(columns) else "")(drawn, x, y, w)
        listed = list_lane(picture, columns, y) if laid else Lanes([], [], (), y - 12)
        ribbon = ribbon_lane(picture, columns, listed.bottom, None, width, f"kmem/{name}/whole")
        below, _ = with_new([_adapted(node, freed) for node in ribbon.nodes], value.map, shown, "kmem/concerned")
        drawn.nodes += [*listed.nodes, *below]
        drawn.links += listed.links + ribbon.links
        drawn.marks += [replace(one, space=KERNEL) for one in listed.marks + ribbon.marks]
        return ribbon.bottom

    return put


def _adapted(node: Node, freed: set[str]) -> Node:
    """Return the ribbon without zoom, and with what was freed in its gaps."""
    if node.kind == "ribbon":
        return replace(node, kind="axis", role="")
    return replace(node, state=(*node.state, "changed")) if node.id in freed else node


def _heading(value: KernelMapValue, more: str = "") -> Part:
    count = f"{value.map.nr_entries:,} entr{'y' if value.map.nr_entries == 1 else 'ies'}"
    what = f"in order: {count}, {used_words(value.map, has_submaps=bool(value.submaps))[0]}{more}"
    return boxes.heading("kmem/concerned", called(value.map.name), what)


# ---- the table ---------------------------------------------------------------------------------------

TABLE_HEADER = ("map", "start", "end", "size", "what", "wired", "entry")
MAX_ROWS = 400


def _rows(maps: Sequence[KernelMapValue], style: AddressStyle) -> tuple[tuple[str, ...], ...]:
    rows: list[tuple[str, ...]] = []
    for one in maps:
        value = one.map
        size = binary_size(value.end - value.start)
        rows.append(
            (called(value.name), style.whole(value.start), style.whole(value.end), size, _words_of(one), "", "")
        )
        rows += [_row(item, style) for item in value.items]
    left_out = len(rows) - MAX_ROWS
    return (*rows[:MAX_ROWS], *([(f"… {left_out:,} rows more", *[""] * 6)] if left_out > 0 else []))


def _row(item: EntryValue | Fold, style: AddressStyle) -> tuple[str, ...]:
    if isinstance(item, Fold):
        return (f"… {item.count:,} entries folded", *[""] * 6)
    wired = str(item.wired) if item.wired else ""
    return ("", style.whole(item.start), style.whole(item.end), binary_size(item.size), what_is(item), wired,
            str(item.id))  # fmt: skip


def _words_of(value: KernelMapValue) -> str:
    """Return the lock and the sleepers of a map, in words."""
    said = [lock_words(value)]
    if value.sleepers:
        said.append(f"asleep for room: {', '.join(value.sleepers)}")
    return "; ".join([*said, "needs_wakeup"] if value.needs_wakeup else said)

"""Kernel memory: a row for each map, to a scale of its own; the map concerned is larger, with the addresses in it.

A submap's row is further right than its parent's, and its place has its name in the parent's row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.units import binary_size, counted, listed
from vmwidgets.engine.kernel.map.map_schema import EntryValue, Fold, KernelMapValue, MapValue
from vmwidgets.views.maps.axis import LEAST_GAP, Axis, MapSegment, pieces_of, place, stretches, widen
from vmwidgets.views.maps.picture import states_of, taken_in, taken_over
from vmwidgets.views.maps.ribbon import NOT_TO_SCALE, below_bar, break_marks
from vmwidgets.views.maps.runs import NOFAULT, Change, changes_of, facts_of, kind_of, name_of, what_is
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.addresses import AddressStyle
from vmwidgets.views.scene.boxes import GAP, Drawn, Part
from vmwidgets.views.scene.kit import WIDTH, Box
from vmwidgets.views.scene.model import Bar, Link, Node, Scene, Table, Text
from vmwidgets.views.scene.relations import of_entries, together
from vmwidgets.views.scene.text import fitted, short_count, text_width, wording
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.words.called import called

MOST, SLEEPERS, _NAMED = 9, 4, 4
"""The most maps that are drawn, threads named below one, and empty submaps with names; the others are counted."""

LEAST = 5.0
"""Width in pixels of an entry below which the entries of a map are folded."""

_LARGE, _SMALL, _HEAD, _LINE, _IN, _BROKEN = 60.0, 22.0, 32.0, 20.0, 14.0, 82.0
"""Heights of the bar of the map concerned, of another bar, of a map's words, of a line; the shift of a submap; width of
a break of the axis, with room for its size."""

_BESIDE = 620.0
"""Width in pixels from which a map's words are beside its bar, not above it."""


class _Shown:
    """What all rows show: the maps before and after the operation, by name, what it changed, and the selected entry."""

    def __init__(self, look: Look[KernelMapValue], style: AddressStyle, concerned: str, chosen: int) -> None:
        self.moment, self.style, self.concerned, self.chosen = look.moment, style, concerned, chosen
        self.before, self.after = ({one.map.name: one.map for one in root.all()} for root in (look.before, look.after))
        self.woken = _woken(look.before, look.now)
        self.now = {one.map.name: one.map for one in look.now.all()}
        self._axes: dict[str, tuple[MapValue, Axis]] = {}

    def changes(self, name: str, now: Mapping[str, MapValue]) -> tuple[Change, ...]:
        """Return what the operation has added to a map or removed from it; nothing for a map that it created."""
        if self.moment.operation is None or name not in self.before or name not in now:
            return ()
        return changes_of(self.before[name], now[name])

    def states(self, value: MapValue) -> dict[int, tuple[str, ...]]:
        """Return the states of a map's entries at the moment; nothing happened to the rest of an entry that was cut."""
        if self.moment.operation is None or self.moment.operation.name == "boot":
            return {}  # all is new then
        before = self.before.get(value.name, replace(value, items=(), nodes={}))
        states, entries = states_of(before, value), {one.id: one for one in value.entries}

        def is_rest(one: EntryValue) -> bool:
            olds = (old for old in before.entries if old.start <= one.start and one.end <= old.end)
            return any((old.object, old.flags, old.wired) == (one.object, one.flags, one.wired) for old in olds)

        return {identity: those for identity, those in states.items() if not is_rest(entries[identity])}

    def axis(self, value: MapValue, x: float, w: float) -> tuple[MapValue, Axis]:
        """Place a map in `w` pixels, with one axis for all steps unless something must be folded."""
        if value.name not in self._axes:
            drawn = _thinned(value, w, {*self.states(value), self.chosen})
            before, after = self.before.get(value.name), self.after.get(value.name, value)
            taken = taken_over(after, before, value, self.moment) if drawn is value else tuple(taken_in(drawn))
            segments = stretches(value, taken)
            widen(segments, self.changes(value.name, self.after))
            breaks = sum(segment.broken for segment in segments)
            broken = max(_BROKEN, w / len(segments)) if breaks == 1 else _BROKEN  # a map with one entry isn't full
            self._axes[value.name] = drawn, Axis(place(segments, x, w, broken))
        return self._axes[value.name]


def draw_kmem(look: Look[KernelMapValue], *, selection: str = "", machine: str = "", width: float = WIDTH) -> Scene:
    """Return the scene of kernel memory."""
    moment, value = look.moment, look.now
    style = AddressStyle.of(value.map.start, value.map.end)
    events = moment.events if moment.operation is not None and moment.operation.name != "boot" else ()
    name = map_concerned(look.after, events, selection).map.name  # in all steps, so that no row moves
    kind, _, number = selection.partition(":")
    chosen = int(number) if kind == "entry" and number.isdecimal() else 0
    shown = _Shown(look, style, name, chosen)
    maps = list(value.all())
    now = {one.map.name: one for one in maps}
    used = sum(one.map.size for one in maps if not one.submaps)
    said = [
        f"{style.long(value.map.start)}–{style.long(value.map.end)}",
        counted(len(maps), "map"),
        f"{binary_size(used)} allocated",
        *[style.legend] * bool(style.legend),
    ]
    mine = look.mine("kmem", lambda value: ([*map(_facts, value.all())], _woken(look.before, value)))
    steps = moment.steps(mine)
    state = _answer(value, now.get(name, value))
    caption = moment.caption_of(steps, state if moment.is_after and not steps.count else "")
    is_news = (selection or any(one.queue for one in maps)) and state not in f"{caption.text} {caption.reason}"
    empty = _empty(look, name)
    names = listed([*empty.values()]) if len(empty) <= _NAMED else f"{len(empty)} submaps"
    others = f"; {names} are empty" if empty else ""
    note = f"Each bar is one whole map{others}."
    rows = [*_chosen(look.after, name, empty)]
    left_out = len(shown.after) - len(empty) - len(rows)

    def put(w: float) -> Part:
        columns = _Columns.of(look.after, rows, style, w)
        every = (_row(now.get(one.map.name), one, shown, depth, columns) for one, depth in rows)
        return boxes.linked(boxes.below(*every, gap=8), partial(_nestings, maps))

    return boxes.picture(
        "kmem",
        "kernel memory",
        " · ".join(said),
        boxes.below(
            boxes.words("kmem/answer", state if is_news else "", "body"),
            boxes.sized(put),
            boxes.words("kmem/empty", note * (len(rows) > 1 or bool(empty))),
            boxes.more("kmem/more", left_out, "map"),
            _legend,
            gap=12,
        ),
        caption=caption,
        table=Table(TABLE_HEADER, _table(maps, style)),
        steps=steps,
        machine=machine,
        width=width,
        about=lambda things: together(of_entries(one.map.name, one.map.entries, things) for one in maps),
    )


def _nestings(maps: Sequence[KernelMapValue], drawn: Mapping[str, Node]) -> Iterator[Link]:
    """Yield a link from a map's row to each piece of it, and from a submap's place to its row, for Graphviz."""
    for one in maps:
        for entry in one.map.entries:
            row, piece = drawn.get(f"kmem/{one.map.name}"), drawn.get(f"kmem/{one.map.name}/{entry.id}")
            inner = drawn.get(f"kmem/{(entry.object or '').removeprefix('submap:')}")
            ways = [(row, piece)] if row and piece else []
            ways += [(piece, inner)] if piece and inner and kind_of(entry) == "submap" else []
            for source, target in ways:
                ends = (source.x + 1, source.y + source.h), (target.x + 1, target.y)
                yield Link(f"{source.id}>{target.id}", "nest", source.id, target.id, ends)


def _empty(look: Look[KernelMapValue], concerned: str) -> dict[str, str]:
    """Return the names of the submaps that stay empty; none if there is only one.

    Maps that a thread holds or waits for are not among them.
    """
    every = [one for root in (look.before, look.now, look.after) for one in root.all()]
    shown = {concerned, look.after.map.name, *(one.map.name for one in every if one.map.nr_entries or _is_busy(one))}
    quiet = [one.map for one in look.after.all() if one.map.name not in shown]
    found = {one.name: called(one.name) for one in quiet}
    return found if len(found) > 1 else {}


def _answer(root: KernelMapValue, concerned: KernelMapValue) -> str:
    """Return how full the current map is, who waits for room in which map, and what a request can get there."""
    one = concerned.map
    used = f"{used_words(one)[0].removesuffix(' used')} is used, by {counted(one.nr_entries, 'entry')}"
    said = [f"In {called(one.name)}, {used}{', of submaps too' if concerned.submaps else ''}."]
    for each in [each for each in root.all() if each.queue][:2]:
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
    ("wired inside", "wired"),
)
"""The meanings of the ranges' colours, and of the strip on their lower edge."""


def _legend(drawn: Drawn, x: float, y: float, w: float) -> float:
    """Draw the meanings of the colours present, and of a break of an axis."""
    ranges = [node for node in drawn.nodes if node.kind == "range"]
    looks = {f"{bar.style} inside" for node in ranges for bar in node.bars}.union(*(node.state for node in ranges))
    known = [one for one in _COLOURS if one[0] in looks]
    known += [("break", NOT_TO_SCALE)] * any(node.title.endswith(NOT_TO_SCALE) for node in drawn.nodes)
    return boxes.key("kmem", known)(drawn, x, y, w)


# ---- which maps, and when they change ------------------------------------------------------------------


def _facts(value: KernelMapValue) -> object:
    """Return what is drawn of a map."""
    one = value.map
    return one.name, used_words(one), facts_of(one), value.locked_by, value.queue, value.needs_wakeup


def _woken(before: KernelMapValue, now: KernelMapValue) -> set[str]:
    """Return the maps for whose room a thread does not wait any longer."""
    waiting = {one.map.name: {*one.queue} for one in now.all()}
    return {one.map.name for one in before.all() if {*one.queue} - waiting.get(one.map.name, set())}


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


def _chosen(root: KernelMapValue, concerned: str, empty: Collection[str]) -> list[tuple[KernelMapValue, int]]:
    """Return the maps that are drawn, none of the empty ones, each before its submaps, and how deep each is.

    If there are too many, those around the map concerned come first, then those that a thread holds or waits for.
    """
    every = [(one, depth) for one, depth in _nested(root, 0) if one.map.name not in empty]
    outer = {one.map.name for one, _ in every if any(each.map.name == concerned for each in one.all())}
    ranked = sorted(every, key=lambda one: (one[0].map.name not in outer, not _is_busy(one[0]), one[1]))[:MOST]
    names = {one.map.name for one, _ in ranked}
    return [pair for pair in every if pair[0].map.name in names]


def _nested(value: KernelMapValue, depth: int) -> Iterator[tuple[KernelMapValue, int]]:
    yield value, depth
    for submap in value.submaps:
        yield from _nested(submap, depth + 1)


def _is_busy(one: KernelMapValue) -> bool:
    return bool(one.queue) or one.locked_by is not None


# ---- a row ---------------------------------------------------------------------------------------------


class _Columns(NamedTuple):
    """The widths of the maps' names and of how much is used, where these are beside the bars."""

    left: float
    right: float
    are_beside: bool

    @classmethod
    def of(
        cls, root: KernelMapValue, rows: Sequence[tuple[KernelMapValue, int]], style: AddressStyle, w: float
    ) -> _Columns:
        begins = max(text_width(style.widest, "mono label"), text_width("locked by the cell"))
        left = max(_IN * depth + max(begins, text_width(called(one.map.name), "strong")) for one, depth in rows)
        right = max(text_width(used_words(one.map)[0]) for one in root.all())
        return cls(min(left, 0.28 * w), right, w >= _BESIDE)


def _row(value: KernelMapValue | None, after: KernelMapValue, shown: _Shown, depth: int, columns: _Columns) -> Part:
    """Return a map's name, its bar, and how much of it is used; below, what changed, and the threads that wait.

    A map that is not there yet leaves its room empty.
    """
    is_large = after.map.name == shown.concerned
    if value is None:
        return boxes.apart(
            _LINE + 4 + _LARGE + _LINE if is_large else _HEAD if columns.are_beside else _LINE + 4 + _SMALL
        )

    def draw(box: Box) -> Iterator[Node | Link]:
        bar, head = Box(box.x, box.y + _LINE + 4, box.w, _LARGE if is_large else _SMALL), box._replace(h=_LINE)
        if columns.are_beside and not is_large:
            left, right = columns.left, columns.right
            head = Box(box.x, box.y, left, _HEAD)
            bar = Box(box.x + left + GAP, box.y + 5, box.w - left - right - 2 * GAP, _SMALL)
            used = fitted(right, _SMALL / 2 + 4, used_words(value.map)[0], right, "label dim", "end")
            yield kit.runs(f"kmem/{value.map.name}/used", Box(box.x + box.w - right, bar.y, right, _SMALL), [used])
        yield _head(value, shown, head, depth)
        yield from _bar(value, shown, bar, depth)
        below = Box(bar.x, bar.y + bar.h + 4, bar.w, _LINE - 4)
        if is_large:
            yield from _below(value, shown, below)
        yield from _waiting(value, below._replace(y=below.y + _LINE * is_large, h=_LINE))

    return boxes.drawing(_HEAD, draw)


def _head(value: KernelMapValue, shown: _Shown, box: Box, depth: int) -> Node:
    """Return a map's name, where it begins or who has its lock, and, in a single line, how much of it is used."""
    name, held, is_line = value.map.name, value.locked_by is not None, box.h < _HEAD
    shift = _IN * depth
    in_use = used_words(value.map, has_submaps=bool(value.submaps)) if is_line else ""
    used = fitted(box.w, 14, in_use, box.w / 2, "label", "end")
    room = box.w - shift - (text_width(used.text) + GAP if is_line else 0.0)
    first = fitted(shift, 14 if is_line or held else 20, called(name), room, "strong", middle=True)
    x = text_width(first.text, "strong") + GAP if is_line else 0.0
    begins = shown.style.long(value.map.start) if is_line else ""
    words = (f"locked by {value.locked_by or 'the cell'}", "locked", "") if held else (begins, "")
    style = "label held" if held else "mono label dim"
    second = fitted(shift + x, 14 if is_line else 29, wording(words, room - x, style), room - x, style)
    text = tuple(run for run in (first, second, used) if run.text)
    bars = (Bar(shift - 9, 2, 2, box.h - 4, "line"),) * bool(depth)
    state = ("changed",) * (name in shown.woken) + ("held",) * held
    return Node(f"kmem/{name}", "kmem-map", *box, f"map:{name}", "box", text, bars, state,
                _describe(value, shown.style), "select", "maps")  # fmt: skip


def used_words(value: MapValue, *, has_submaps: bool = False) -> tuple[str, ...]:
    """Return how much of a map is used, in wordings that get shorter; submaps' ranges count as used, even if empty."""
    used, whole = binary_size(value.size), binary_size(value.end - value.start)
    number, _, unit = used.partition(" ")
    if not value.size:
        unit = whole.partition(" ")[2]
    least = f"{number if unit == whole.partition(' ')[2] else used} of {whole}"
    return *[f"{least} used, by submaps too"] * has_submaps, f"{least} used"


def lock_words(value: KernelMapValue) -> str:
    """Return the kind of the lock, and its owner.

    A system map has a mutex, which a thread must not hold while it sleeps.
    """
    kind = "mutex" if value.system else "sleep lock"
    return f"{kind} free" if value.locked_by is None else f"{kind} held by {value.locked_by or 'the cell'}"


def _describe(value: KernelMapValue, style: AddressStyle) -> str:
    one = value.map
    said = [
        f"{called(one.name)}: {style.whole(one.start)}–{style.whole(one.end)}",
        counted(one.nr_entries, "entry"),
        used_words(one, has_submaps=bool(value.submaps))[0],
        lock_words(value),
    ]
    if value.needs_wakeup:
        said.append("needs_wakeup is set")
    return ", ".join([*said, *([_sleeper_words(value)] if value.queue else [])])


def _sleeper_words(value: KernelMapValue) -> str:
    """Return the threads that sleep for room, in the order in which they will retry."""
    if not value.queue:
        return "needs_wakeup" if value.needs_wakeup else ""
    flag = "" if value.needs_wakeup else " (needs_wakeup not set)"
    return f"{len(value.queue)} asleep for room{flag}: {', '.join(value.sleepers)}"


def _below(value: KernelMapValue, shown: _Shown, line: Box) -> Iterator[Node]:
    """Yield what the operation added or freed, below its place, and addresses where there is room."""
    name = value.map.name
    by_size = sorted(shown.after.get(name, value.map).entries, key=lambda one: -one.size)
    yield from below_bar(
        f"kmem/{name}",
        shown.axis(value.map, line.x, line.w)[1],
        shown.style,
        line._replace(y=line.y - 4),
        addresses=[value.map.start, value.map.end, *(one.start for one in by_size)],
        changes=shown.changes(name, shown.after),
        done=shown.changes(name, shown.now),
    )


def _waiting(value: KernelMapValue, line: Box) -> Iterator[Node]:
    """Yield the threads that sleep for room in a map, in the order of their retries, and who wakes them."""
    name, some = value.map.name, value.sleepers
    shown = some if len(some) <= SLEEPERS else some[: SLEEPERS - 1]
    for number, thread in enumerate(shown):
        text = [fitted(18, 14, thread, line.w - 18, "strong", middle=True)]
        x = 24 + text_width(text[0].text, "strong")
        if x + text_width("asleep for room") <= line.w:
            text.append(Text(x, 14, "asleep for room", "label dim"))
        yield kit.runs(
            f"kmem/{name}/sleeper/{thread}",
            line._replace(y=line.y + number * _LINE),
            text,
            bars=(Bar(2, 5, 10, 10, "step"),),
            thing=f"thread:{thread}",
            lane=f"kmem/{name}/sleepers",
            state=("sleeper",),
            title=f"{thread} is asleep for room in {name}",
        )
    y = line.y + len(shown) * _LINE
    if len(shown) < len(some):
        yield kit.label(f"kmem/{name}/sleepers/more", f"and {len(some) - len(shown):,} more", line.x, y, most=line.w)
        y += _LINE
    if not some and not value.needs_wakeup:
        return
    said = "needs_wakeup is not set: nothing wakes them"
    if value.needs_wakeup:
        said = f"kmem_free_wakeup wakes {'all' if len(some) > 1 else 'it'}" if some else "needs_wakeup is set"
    run = fitted(0, 14, said, line.w, "label dim" if value.needs_wakeup else "label error")
    yield kit.runs(f"kmem/{name}/wakes", line._replace(y=y), [run], title=_sleeper_words(value))


# ---- a bar ---------------------------------------------------------------------------------------------


def _bar(value: KernelMapValue, shown: _Shown, box: Box, depth: int) -> Iterator[Node]:
    """Yield the entries of a map and the room between them; a ring is around what was added to an entry."""
    one, name, states = value.map, value.map.name, shown.states(value.map)
    drawn, axis = shown.axis(one, box.x, box.w)
    pieces = pieces_of(drawn, axis)
    changes = shown.changes(name, shown.now)
    title = f"{name}: {shown.style.whole(one.start)}–{shown.style.whole(one.end)}"
    yield kit.chip(f"kmem/{name}/ground", "axis", box, title=title)
    sized = _all_have_room_for_sizes(pieces)
    unnamed: list[tuple[str, Node]] = []
    for piece in pieces:
        item, place_of = piece.item, Box(piece.x, box.y, piece.w, box.h)
        if item is None:
            freed = any(one.start < piece.end and piece.start < one.end for one in changes if one.sign != "+")
            yield from _gap(name, piece, place_of, shown.style, freed=freed)
        elif isinstance(item, Fold):
            is_opened = any(fold.id == item.id and fold.count == item.count for fold in one.folds)
            ways = f"{item.count:,} entries", f"{item.count:,} more", short_count(item.count)
            yield kit.chip(
                f"kmem/{name}/fold/{item.id}",
                "fold",
                place_of,
                ways,
                thing=f"fold:{item.id}",
                action="open" if is_opened else "",
                state=("folded",),
                title=f"{item.count:,} entries folded",
                lane=f"kmem/{depth}",
                spare=2,
            )
        else:
            node = _range(name, item, place_of, states.get(item.id, ()), shown.style, depth, sized=sized)
            unnamed += [(_words(item)[1], node)] * ("place" in node.state and not node.text)
            inside = (one for one in changes if item.start <= one.start and one.end <= item.end)
            grown = next((one for one in inside if one.sign == "+"), None)
            yield from (node,) if grown is None else _grown(node, item, grown, f"kmem/{name}")
    if unnamed and name != shown.concerned:  # below the larger bar are addresses
        yield _names(unnamed, box)


def _names(pieces: Sequence[tuple[str, Node]], box: Box) -> Node:
    """Return the names of submaps that are too narrow for them, below their places."""
    said = fitted(0, 15, ", ".join(name for name, _ in pieces), box.w, "label dim")
    middles = [node.x + node.w / 2 for _, node in pieces]
    wide = min(text_width(said.text), box.w)
    x = max(box.x, min(middles[0] - 4, box.x + box.w - wide))
    bars = [Bar(middle - x - 0.5, 0, 1, 4, "tick") for middle in middles if middle - x < wide]
    return kit.runs(f"{pieces[0][1].id}/names", Box(x, box.y + box.h, wide, 18), [said], bars=bars)


def _range(
    name: str, item: EntryValue, box: Box, states: Collection[str], style: AddressStyle, depth: int, *, sized: bool
) -> Node:
    """Return an entry: what it is, with its size if all have room for theirs; below, whether it is wired."""
    inset, is_place = min(0.8, box.w * 0.15), kind_of(item) == "submap"
    box = box._replace(x=box.x + inset, w=max(0.8, box.w - 2 * inset))
    return kit.chip(
        f"kmem/{name}/{item.id}",
        "range",
        box,
        _words(item)[0 if sized else 1 :],
        spare=_SPARE,
        foot=4,
        bars=[Bar(0, box.h - 5, box.w, 5, "wired" if item.wired else "submap")] * bool(item.wired or is_place),
        thing=f"entry:{item.id}",
        state=(kind_of(item), *["place"] * is_place, *states),
        lane=f"kmem/{depth}",
        title=_title(item, style),
    )


def _words(entry: EntryValue) -> tuple[str, str]:
    """Return a range's meaning, with its size and without it."""
    name = name_of(entry)
    return f"{name} {binary_size(entry.size)}", name


_SPARE = 6.0
"""Pixels that the words of a range leave free in it."""


def _all_have_room_for_sizes(pieces: Sequence[MapSegment]) -> bool:
    """Return whether each range with room for its name also has room for its size: all ranges show it, or none does."""
    ranges = [
        (one.item, one.w - 2 * min(0.8, one.w * 0.15) - _SPARE) for one in pieces if isinstance(one.item, EntryValue)
    ]
    return all(text_width(_words(entry)[0]) <= w for entry, w in ranges if text_width(_words(entry)[1]) <= w)


def _title(entry: EntryValue, style: AddressStyle) -> str:
    wired = f"wired {entry.wired}×" if entry.wired else "not wired"
    nofault = ", NOFAULT: a fault in there is a panic" if entry.flags & NOFAULT else ""
    limits = f"{style.whole(entry.start)}–{style.whole(entry.end)}"
    size = binary_size(entry.size)
    return f"entry {entry.id}: {limits}, {size}, {entry.protection}, {what_is(entry)}, {wired}{nofault}"


def _grown(whole: Node, entry: EntryValue, change: Change, prefix: str) -> Iterator[Node]:
    """Yield an entry, with a ring around what was added to it if there was an entry before."""
    size = change.end - change.start
    if entry.size == size or "new" in whole.state:
        yield whole
        return
    left, right = (whole.x + (one - entry.start) * whole.w / entry.size for one in (change.start, change.end))
    room, middle = max((b - a, (a + b) / 2) for a, b in pairwise((whole.x, left, right, whole.x + whole.w)))
    name = _words(entry)[1]  # its size is not the size of what is in the ring
    text = [replace(run, x=middle - whole.x, text=name) for run in whole.text if text_width(name) <= room - _SPARE]
    box = Box(left + 1, whole.y - 1, max(2.0, right - left - 2), whole.h + 2)
    old = binary_size(entry.size - size)
    yield replace(whole, text=tuple(text), state=(*whole.state, "grew"))
    said = f"{binary_size(size)} new, in one entry with the {old} next to it"
    yield kit.chip(f"{prefix}/new", "fresh", box, state=("new",), title=said)


def _gap(name: str, piece: MapSegment, box: Box, style: AddressStyle, *, freed: bool) -> Iterator[Node]:
    if piece.w < LEAST_GAP:
        return
    size = binary_size(piece.end - piece.start)
    scale = f", {NOT_TO_SCALE}" if piece.broken else ""
    yield kit.chip(
        f"kmem/{name}/gap/{piece.start:x}",
        "gap",
        box,
        (f"{size} free", size),
        style="label dim",
        spare=16 if piece.broken else 4,
        state=["changed"] * freed,
        bars=break_marks(piece.w, box.h) if piece.broken else (),
        title=f"free: {style.whole(piece.start)}–{style.whole(piece.end)}, {size}{scale}",
    )


def _thinned(value: MapValue, w: float, kept: Collection[int]) -> MapValue:
    """Return `value` as far as `w` pixels can show it: uninteresting neighbours become one fold."""
    if len(value.items) <= w / LEAST:
        return value
    items: list[EntryValue | Fold] = []
    for item in value.items:
        last, count = items[-1] if items else None, item.count if isinstance(item, Fold) else 1
        if isinstance(item, EntryValue) and (item.id in kept or kind_of(item) in ("submap", "kernel")):
            items.append(item)
        elif isinstance(last, Fold):
            items[-1] = Fold(last.id, last.count + count, last.start, item.end)
        else:
            items.append(Fold(item.id, count, item.start, item.end))
    return replace(value, items=tuple(items))


# ---- the table ---------------------------------------------------------------------------------------

TABLE_HEADER = ("map", "start", "end", "size", "what", "wired", "entry")
MAX_ROWS = 400


def _table(maps: Sequence[KernelMapValue], style: AddressStyle) -> tuple[tuple[str, ...], ...]:
    rows: list[tuple[str, ...]] = []
    for one in maps:
        value = one.map
        size = binary_size(value.end - value.start)
        rows.append(
            (called(value.name), style.whole(value.start), style.whole(value.end), size, _words_of(one), "", "")
        )
        rows += [_row_of(item, style) for item in value.items]
    left_out = len(rows) - MAX_ROWS
    return (*rows[:MAX_ROWS], *([(f"… {left_out:,} rows more", *[""] * 6)] if left_out > 0 else []))


def _row_of(item: EntryValue | Fold, style: AddressStyle) -> tuple[str, ...]:
    if isinstance(item, Fold):
        return (f"… {item.count:,} entries folded", *[""] * 6)
    wired = str(item.wired) if item.wired else ""
    return (
        "",
        style.whole(item.start),
        style.whole(item.end),
        binary_size(item.size),
        what_is(item),
        wired,
        str(item.id),
    )


def _words_of(value: KernelMapValue) -> str:
    """Return the lock and the sleepers of a map, in words."""
    said = [lock_words(value)]
    if value.queue:
        said.append(f"asleep for room: {', '.join(value.sleepers)}")
    return "; ".join([*said, "needs_wakeup"] if value.needs_wakeup else said)

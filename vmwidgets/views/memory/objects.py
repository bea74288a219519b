"""Memory objects: their mappings, their pages, and the objects behind them, from front to back.

On the left are the mappings, each with the pages as its task sees them: through the whole chain of objects.  A frame
that several mappings see is round, and a frame of a single mapping is a box.  If forks count frames, each frame is
drawn once, in the first object that has it: the same frame can be a page of several objects.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property
from itertools import groupby, islice
from typing import NamedTuple

from vmwidgets import events as ev
from vmwidgets.engine.base.event import Event
from vmwidgets.engine.base.protection import NEEDS_COPY, WRITE
from vmwidgets.engine.base.units import PAGE_SHIFT, Size, counted
from vmwidgets.engine.base.units import listed as listed_words
from vmwidgets.engine.kernel.map.map_schema import Entries, EntryFields
from vmwidgets.engine.kernel.tasks.objects_schema import MappedBy, ObjectsValue, ObjectValue
from vmwidgets.views.scene import boxes, kit
from vmwidgets.views.scene.boxes import Drawn, Part
from vmwidgets.views.scene.key import kind_of_object
from vmwidgets.views.scene.kit import WIDTH, Box
from vmwidgets.views.scene.model import Bar, Link, Node, Row, Rows, Scene, Table
from vmwidgets.views.scene.relations import About, Pages, space_of
from vmwidgets.views.scene.text import short_count, text_width, visible, wording
from vmwidgets.views.story.look import Look
from vmwidgets.views.story.moment import Moment
from vmwidgets.views.story.stages import Mine, Stage, either, listed, once, seen, where
from vmwidgets.views.story.words.called import called
from vmwidgets.views.story.words.names import address
from vmwidgets.views.story.words.pictures import say_objects

from .object_links import arrows
from .seen_pages import NOWHERE, Place, Seen, copied_by_a_write, frames_of_several, seen_by

MAPPINGS, OBJECTS, PAGES = 12, 18, 24
"""The most mappings and objects that are drawn (changed ones first), and the most pages of each."""

FOLDED = 8
"""A mapping of more pages shows only pages that differ from the object behind it, whose card has the others."""

MANY_LINKS = 12
"""The most links that are drawn alike if none is of the operation or the selection."""

CHAIN, ROWS = 12, 400
"""The most objects of a chain, including its end; and the most rows of the table."""

_COLUMNS = ("object", "kind", "behind", "references", "page", "where", "mapped by")
_GAP, _BELOW, _LEAST, _MOST, _AROUND, _NAMES = 36.0, 14.0, 176.0, 270.0, 14.0, 26.0
"""Pixels between columns, between cards, of the narrowest and widest card, for arrows, and for columns' names."""

_FEW_AROUND = 2
"""The most arrows around the last column that fit the margin."""

IN_COLUMNS = 3
"""The most objects of a chain that are drawn side by side; a longer chain is one column."""

_LONGEST, _OTHERS, _WITH_OTHERS, _BESIDE, _CHANGED = 640.0, 190.0, 760.0, 3, 2
"""Widths of an object in a chain and of the shadows next to it; the least width of a picture with room for these; the
most mappings next to an object; and the most chains that are drawn because they changed."""

_CELL_W, _CELL_H, _HEAD, _SAME_H = 44.0, 32.0, 44.0, 22.0

ORPHAN = "\N{DAGGER}"
"""The mark after the frame or slot of a page that no mapping refers to."""

TO_COPY = "to copy"
"""The note on a mapping's card about the effect of the next write to a page."""


class _Card(NamedTuple):
    """A card's ID, its column, everything that it says, what it is, and its state."""

    id: str
    column: int
    title: str
    thing: str
    state: tuple[str, ...]


class _Mapping(NamedTuple):
    """An entry with its object and the pages that it shows; `others` are equal mappings on the same card."""

    mapper: MappedBy
    target: str
    seen: Seen
    copied: Set[int]
    """The pages that a write through it copies."""
    others: tuple[MappedBy, ...] = ()

    @property
    def said(self) -> str:
        """The note that a write copies the mapping's pages, or this many of them; "" if it copies none."""
        if not self.copied:
            return ""
        return TO_COPY if len(self.copied) == len(self.seen) else f"{len(self.copied):,} {TO_COPY}"

    @property
    def found(self) -> dict[str, int]:
        """The number of its pages that are found in each object of its chain. O(pages of the chain)."""
        left, counts = set(self.seen.numbers), {}
        for one in self.seen.chain:
            here = left.intersection({*one.pages, *one.swapped})
            counts[one.name] = len(here)
            left -= here
        return counts


def _mappings(value: ObjectsValue, mappers: Mapping[str, Sequence[MappedBy]]) -> list[_Mapping]:
    """Return every mapping of an object."""
    references, shared = _references(value, mappers), frames_of_several(value.objects.values())
    found: list[_Mapping] = []
    for name, those in mappers.items():
        for one in those:
            seen = seen_by(value, one, name)
            found.append(_Mapping(one, name, seen, copied_by_a_write(value, one, seen, references[name], shared)))
    return found


def _references(value: ObjectsValue, mappers: Mapping[str, Sequence[MappedBy]]) -> dict[str, int]:
    """Return the number of references to each object (:meth:`.ObjectsValue.all_references`)."""
    shadows = Counter([one.shadow for one in value.objects.values()])
    return {
        name: len(those) + shadows.get(name, 0) + (value.objects[name].kind == "file")
        for name, those in mappers.items()
    }


def _task_of(mapper: MappedBy) -> str:
    return mapper.map.removeprefix("task:").removesuffix("/map")


def _is_one_line(one: _Mapping, wide: float) -> bool:
    """Return whether a card has room for a mapping's owner and address in one line."""
    said = text_width(one.said, "label dim") + 6 if one.said else 0
    return text_width(f"{_who(one)} {address(one.mapper.start)}", "strong") <= wide - 14 - said


def _who(one: _Mapping) -> str:
    """Return the owner of a mapping, or the number of owners."""
    return f"{1 + len(one.others):,} tasks" if one.others else _task_of(one.mapper)


def _entries(stages: Sequence[Stage]) -> Iterator[Stage]:
    """Yield the stages at which an entry of X15's maps changes its object, its pages, or its way of mapping."""
    kinds = ev.EntryLinked, ev.EntryUnlinked, ev.EntryResized, ev.EntryChanged
    names = {event.map for stage in stages for event in stage.events if isinstance(event, kinds)}
    for name in names:
        if name.partition("/")[0] == "kernel_map" or name.startswith("task:"):
            for stage, changes, _ in listed(stages, name):
                if any(_maps(before) != _maps(after) for before, after in changes.values()):
                    yield stage


def _maps(entry: EntryFields | None) -> tuple[object, ...] | None:
    """Return which pages of an object an entry maps, and how; None if it has no object."""
    return None if entry is None or entry[3] is None else (*entry[1:5], entry[5] & (NEEDS_COPY | WRITE))


def _changes(event: Event) -> bool:
    """Return whether an event changes a memory object, a file or swap space."""
    if isinstance(event, (ev.ShadowMoved, ev.FileResized, ev.SwapResized)):
        return event.before != event.after
    if isinstance(event, ev.PageOut):
        return event.slot >= 0
    return isinstance(event, _CHANGING)


_CHANGING = (
    ev.ObjectMade, ev.ObjectGone, ev.PagesEntered, ev.PagesLeft, ev.PageDirtied, ev.PageCleaned, ev.PageLost,
    ev.SwapShared, ev.SwapLeft, ev.SwapFreed, ev.SwapMoved,
)  # fmt: skip  # a list

steps_of_objects = once("objects", either(where(lambda stage: any(map(_changes, stage.events))), _entries))
"""The steps of memory objects, of their pages, and of the entries that map objects."""


class Reported(NamedTuple):
    """The reports of events on objects: by name, and by page, the state before and after them."""

    objects: dict[str, tuple[bool, bool]]
    moved: set[str]
    """Objects whose backing object changed."""
    pages: dict[str, dict[int, tuple[int | None, int | None]]]
    """The frames of pages."""
    dirty: dict[str, dict[int, tuple[bool, bool]]]

    @classmethod
    def by(cls, events: Iterable[Event]) -> Reported:
        """Return the reports of these events.  O(events)."""
        reported = cls({}, set(), {}, {})
        for event in events:
            if isinstance(event, (ev.ObjectMade, ev.ObjectGone)):
                is_there = isinstance(event, ev.ObjectMade)
                reported.objects[event.object] = reported.objects.get(event.object, (not is_there,))[0], is_there
            elif isinstance(event, ev.ShadowMoved):
                reported.moved.add(event.object)
            elif isinstance(event, (ev.PagesEntered, ev.PagesLeft)):
                pages, comes = reported.pages.setdefault(event.object, {}), isinstance(event, ev.PagesEntered)
                for index, frame in event.pages:
                    both = (None, frame) if comes else (frame, None)
                    pages[index] = pages.get(index, both)[0], both[1]
            elif isinstance(event, (ev.PageDirtied, ev.PageCleaned, ev.PageLost)):
                pages_, is_dirty = reported.dirty.setdefault(event.object, {}), isinstance(event, ev.PageDirtied)
                pages_[event.index] = pages_.get(event.index, (not is_dirty,))[0], is_dirty
        return reported

    def came(self, name: str) -> list[int]:
        """Return the pages of an object that came into memory, or into another frame."""
        return [index for index, (_, frame) in self.pages.get(name, {}).items() if frame is not None]

    def is_dirtied(self, name: str, index: int) -> bool:
        """Return whether a page of an object became dirty."""
        return self.dirty.get(name, {}).get(index) == (False, True)


def steps_of_task(look: Look[ObjectsValue], task: str) -> Mine:
    """Return the steps that change a task's memory, or objects without mappings."""

    def is_cheap() -> bool:
        return sum(len(one.pages) for one in look.after.objects.values()) <= FEW

    return once(("objects", task), seen(lambda done: _of_task(look.at(done), task), steps_of_objects, is_cheap))


FEW = 300
"""The most pages in memory for which it is checked which of them a task sees."""


def _of_task(value: ObjectsValue, task: str) -> tuple[object, ...]:
    """Return the part of `value` that a picture of one task shows."""
    mappers, references = value.all_mappers(), value.all_references()
    every = _mappings(value, mappers)
    uses = _uses(every)
    ours = [one for one in every if one.mapper.map.startswith(f"{task}/")]
    shadowed = {one.shadow for one in value.objects.values()}
    names = {name for one in ours for name in value.chain(one.target)}
    names |= {name for name in value.objects if not mappers[name] and name not in shadowed}
    shared = sum(count > 1 for count in uses.values())
    shown = {
        name: (value.objects[name], references[name], value.files.get(name.removeprefix("file "))) for name in names
    }
    round_ones = {frame for one in ours for frame in one.seen.frames.values() if uses[frame] > 1}
    return ours, shown, round_ones, len(value.objects), len(uses), shared, value.swap, value.swap_used


def _uses(every: Sequence[_Mapping]) -> Counter[int]:
    """Return, for each frame, how many mappings see it."""
    uses: Counter[int] = Counter()
    for one in every:
        uses.update(one.seen.frames.values())
    return uses


def draw_objects(
    look: Look[ObjectsValue], *, task: str = "", once: bool = False, machine: str = "", width: float = WIDTH,
    selection: str = "",
) -> Scene:  # fmt: skip
    """Return the scene of memory objects, or of one task's, by its path.

    With `once`, each frame is drawn in one object only, and in no mapping.
    """
    moment, value = look.moment, look.now
    mappers = value.all_mappers()
    every = _mappings(value, mappers)
    uses = _uses(every)
    ours = [one for one in every if one.mapper.map.startswith(f"{task}/") or not task]
    cards = _Cards(look, uses, mappers, once=once)
    deepest = max(ours, key=lambda one: len(one.seen.chain), default=None)
    is_deep = deepest is not None and len(deepest.seen.chain) > IN_COLUMNS
    none = "" if ours or cards.alone else say_objects("none/task", task=called(task)) if task else say_objects("none")
    part, shown = (_chains if is_deep else _columns)(cards, ours, selection)
    steps = moment.steps(steps_of_task(look, task) if task else steps_of_objects)
    return boxes.picture(
        "objects",
        f"memory objects of {visible(task.removeprefix('task:'))}" if task else "memory objects",
        _subtitle(value, uses),
        boxes.below(
            boxes.below(boxes.words("objects/none", none) if none else part, _legend, gap=14),
            *cards.notes(shown),
            gap=6,
        ),
        caption=moment.caption_of(steps, *_answer(value, deepest) if deepest is not None and is_deep else ()),
        table=Table(_COLUMNS, Rows(lambda: _rows(value, mappers))),
        steps=steps,
        machine=machine,
        width=width,
        about=lambda things: _about(ours, things),
    )


def _answer(value: ObjectsValue, deepest: _Mapping) -> tuple[str, str]:
    """Return where a task finds its pages in the longest chain, and how many objects are shadows."""
    found, chain = deepest.found, deepest.seen.chain
    most = max(found, key=lambda name: found[name])
    who = visible(_task_of(deepest.mapper))
    key, count = "depth" if deepest.seen else "depth/none", len(deepest.seen)
    said = say_objects(key, count, task=who, objects=len(chain), found=f"{found[most]:,}", where=visible(most))
    shadows = sum(bool(one.shadow) for one in value.objects.values())
    return said, say_objects("shadows", shadows, of=counted(len(value.objects) + value.left_out, "object"))


def _about(mappings: Sequence[_Mapping], drawn: Collection[str]) -> dict[str, About]:
    """Return the places and objects of the drawn mappings."""
    known: dict[str, About] = {}
    for one in mappings:
        thing, mapper = f"entry:{one.mapper.entry}", one.mapper
        if thing in drawn:
            at = Pages(space_of(mapper.map), mapper.start >> PAGE_SHIFT, mapper.pages)
            known[thing] = About((at,), (f"object:{one.target}",))
    return known


def _subtitle(value: ObjectsValue, uses: Counter[int]) -> str:
    shared = len(uses) - [*uses.values()].count(1)
    words = [
        counted(len(value.objects) + value.left_out, "object"),
        f"{counted(len(uses), 'page')} seen by entries, {shared:,} by several",
    ]
    if value.swap:
        words.append(f"{value.swap_used:,} of {value.swap:,} slots of swap space used")
    return " · ".join(words)


# ---- arrangement -------------------------------------------------------------------------------------------


class _Stacks:
    """Columns of cards, each card below the one before it in its column; and pairs of cards with an arrow."""

    def __init__(self, drawn: Drawn, x: float, y: float, wides: Sequence[float]) -> None:
        self.drawn, self.wides = drawn, wides
        self.lefts = [x + sum(wides[:number]) + _GAP * number for number in range(len(wides))]
        self.tops = [y] * len(wides)
        self.pairs: list[tuple[Node, Node]] = []
        self.placed: dict[str, Node] = {}
        """The cards of objects, by name."""

    def put(self, column: int, part: Part, least: float = 0.0) -> Node:
        """Draw a card in a column, not above `least`, and return it."""
        at, top = len(self.drawn.nodes), max(self.tops[column], least)
        self.tops[column] = part(self.drawn, self.lefts[column], top, self.wides[column]) + _BELOW
        return self.drawn.nodes[at]

    def label(self, column: int, y: float, words: str) -> None:
        """Write a column's name."""
        x, wide = self.lefts[column], self.wides[column]
        said = wording((words, words.partition(",")[0]), wide)
        self.drawn.nodes.append(kit.label(f"objects/column/{column}", said, x, y, most=wide))


def _columns(cards: _Cards, ours: Sequence[_Mapping], selection: str) -> tuple[Part, Sequence[_Mapping]]:
    """Return a part with mappings in the first column and each object right of what refers to it, and the mappings."""
    shown = cards.chosen(cards.together(ours) if len(ours) > MAPPINGS else ours)
    columns: dict[str, int] = {}
    for one in shown:
        for number, name in enumerate(cards.value.chain(one.target), 1):
            columns[name] = max(columns.get(name, 1), number)

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        needed = 1 + max(columns.values(), default=1)
        count = max(2, min(int((w + _GAP) // (_LEAST + _GAP)), needed))
        in_last = sum(column >= count - 1 for column in columns.values())
        around = _AROUND * (in_last > _FEW_AROUND + 1)  # arrows from one object to another in the last column
        wide = min(_MOST, (w - around - _GAP * (count - 1)) / count)
        cards.settle(shown, columns, wide, wide)
        stacks = _Stacks(drawn, x, y + _NAMES, [wide] * count)
        for one in shown:
            before = stacks.put(0, cards.mapping(one))
            start = before.y
            for name in cards.value.chain(one.target):
                is_new = name not in stacks.placed
                if is_new:
                    column = min(columns[name], count - 1)
                    stacks.placed[name] = stacks.put(column, cards.object(name, column), start)
                behind = stacks.placed[name]
                stacks.pairs.append((before, behind))
                if not is_new:
                    break
                before, start = behind, behind.y
        drawn.links += cards.faint(arrows(stacks.pairs, 9.0 if around else 6.0), stacks.pairs, selection)
        names = "mappings" if cards.once else "mappings: pages seen"
        return _end(cards, stacks, y, names, len(ours) - sum(1 + len(one.others) for one in shown))

    return put, shown


def _chains(cards: _Cards, ours: Sequence[_Mapping], selection: str) -> tuple[Part, Sequence[_Mapping]]:
    """Return a part with the longest chain to each last object, from front to back in a column; and the mappings in it.

    Chains that changed are drawn too.  Next to each object are its mappings; other shadows in front of it are counted.
    """
    fronts = cards.fronts(ours)
    names = {name: None for one in fronts for name in cards.chain(one)}
    folded = cards.folded(ours, names, {one.name for front in fronts for one in front.seen.chain})
    shown = cards.together(ours) if len(ours) > MAPPINGS else ours
    mine = {name: [one for one in shown if one.target == name] for name in names}

    def put(drawn: Drawn, x: float, y: float, w: float) -> float:
        left, others = min(_MOST, max(_LEAST, w * 0.28)), _OTHERS if folded and w >= _WITH_OTHERS else 0.0
        rest = min(_LONGEST, w - left - _GAP - _AROUND - (others + _GAP) * bool(others))
        cards.settle([one for those in mine.values() for one in those], names, left, rest)
        stacks = _Stacks(drawn, x, y + _NAMES, [left, rest, *[others] * bool(others)])
        down: list[tuple[Node, Node]] = []
        for front in fronts:
            before: Node | None = None
            chain, left_out, found = cards.chain(front), len(front.seen.chain) - CHAIN, front.found
            for place, name in enumerate(chain):
                if before is not None and left_out > 0 and place == CHAIN - 1:
                    words = f"{counted(left_out, 'object')} more of the chain"
                    fold = boxes.folded(f"objects/chain/{front.mapper.map}/{front.mapper.entry}", words)
                    after = stacks.put(1, fold, max(stacks.tops))
                    down.append((before, after))
                    before = after
                if before is not None and name in stacks.placed:
                    stacks.pairs.append((before, stacks.placed[name]))
                    break
                top = max(stacks.tops) + _BELOW * (place == 0 and bool(stacks.placed))
                stacks.placed[name] = node = stacks.put(1, cards.object(name, 1, _finds(front, found[name])), top)
                down += [(before, node)] * (before is not None)  # type: ignore[list-item]  # it is a node then
                before = node
                for one in mine[name][:_BESIDE]:
                    is_whole = one.target == front.target or cards.is_written(one)
                    stacks.pairs.append((stacks.put(0, cards.mapping(one, is_whole=is_whole), top), node))
                if len(mine[name]) > _BESIDE:
                    stacks.pairs.append((stacks.put(0, _rest(name, mine[name][_BESIDE:]), top), node))
                if name in folded:
                    stacks.put(len(stacks.wides) - 1, _others(cards.value, name, folded[name]), top)
        links = [*(_down(*pair) for pair in down), *arrows(stacks.pairs, 6.0)]
        drawn.links += cards.faint(links, [*down, *stacks.pairs], selection)
        known = {*names, *(one.target for those in folded.values() for one in those)}
        return _end(cards, stacks, y, "mappings", sum(one.target not in known for one in ours))

    return put, [one for those in mine.values() for one in those]


def _end(cards: _Cards, stacks: _Stacks, y: float, names: str, left_out: int) -> float:
    """Draw objects without mappings, the columns' names, and the numbers of what is left out; return where they end."""
    room_left = max(1, OBJECTS - len(stacks.placed)) if not left_out else 0
    for name in cards.alone[:room_left]:
        stacks.put(1, cards.object(name, 1))
    stacks.label(0, y + 2, names)
    stacks.label(1, y + 2, "objects, from front to back")
    folded = len(cards.alone) + cards.value.left_out - room_left
    if room_left and folded > 0:
        stacks.put(1, boxes.folded("objects/alone", f"{counted(folded, 'object')} more that nothing maps"))
    if left_out:
        stacks.put(0, boxes.folded("objects/fold", f"{counted(left_out, 'mapping')} more"), max(stacks.tops))
    return max(stacks.tops) - _BELOW


def _finds(front: _Mapping, count: int) -> tuple[str, ...]:
    """Return how many pages of a mapping are found in an object, in wordings that get shorter; "" if it sees none."""
    if not front.seen:
        return ("",)
    some = f"{count:,} of {counted(len(front.seen), 'page')}"
    return f"{visible(_task_of(front.mapper))} finds {some} here", f"{some} found here", f"{count:,} found here"


def _down(one: Node, behind: Node) -> Link:
    """Return an arrow to the next object of a chain, straight down."""
    x = one.x + 24
    return Link(f"{one.id}/to/{behind.id}", "backs", one.id, behind.id, ((x, one.y + one.h), (x, behind.y)), arrow=True)


def _rest(name: str, those: Sequence[_Mapping]) -> Part:
    """Return how many more mappings an object has."""
    count = sum(1 + len(one.others) for one in those)
    return boxes.folded(f"objects/fold/{name}", f"{counted(count, 'mapping')} more")


def _others(value: ObjectsValue, name: str, those: Sequence[_Mapping]) -> Part:
    """Return how many other shadows are in front of an object, and the tasks that map them."""
    names = dict.fromkeys(one.name for those_ in those for one in those_.seen.chain if one.shadow)
    shadows = [one for one in names if name in value.chain(one)[1:]]
    tasks = [*dict.fromkeys(visible(_task_of(one.mapper)) for one in those)]
    count, whose = f"{len(shadows):,} more shadow{'s' * (len(shadows) != 1)}", f"of {', '.join(tasks)}"
    lines = kit.Line((f"{count} of it", count), "strong"), kit.Line((whose, f"of {counted(len(tasks), 'task')}"))
    said = f"{count} of it: {', '.join(map(visible, shadows))}, {whose}"
    return boxes.card(f"objects/others/{name}", lines, state=("folded",), title=said)


# ---- cards -------------------------------------------------------------------------------------------------


class _Cards:
    """The cards of mappings and objects as parts, and the choice of those that are drawn."""

    def __init__(
        self, look: Look[ObjectsValue], uses: Counter[int], mappers: Mapping[str, Sequence[MappedBy]], *, once: bool
    ) -> None:
        value, moment = look.now, look.moment
        self._look, self.value, self._uses, self._mappers, self.once = look, value, uses, mappers, once
        self._references = _references(value, mappers)
        self._touched = _touched(moment)
        self._reported, self._linked = Reported.by(moment.so_far), Entries.reported(moment.so_far)
        self._caller = f"{moment.operation.target}/" if moment.operation is not None else "/"
        self._fresh: dict[str, tuple[Collection[int], Collection[int]]] = {}
        self._homes: dict[int, str] = {}
        self._is_named_alone = self._is_short = False
        shadowed = {one.shadow for one in value.objects.values()}
        self.alone = [name for name in value.objects if not (mappers[name] or name in shadowed)]
        """The objects to which nothing leads, the operation's first."""
        self.alone.sort(key=lambda name: name not in self._touched[0])

    def settle(self, shown: Sequence[_Mapping], names: Collection[str], left: float, wide: float) -> None:
        """Decide how all cards write their names: mappings in `left` pixels, objects in `wide`."""
        self._is_named_alone = not all(_is_one_line(one, left) for one in shown)
        anonymous = [visible(name) for name in names if self.value.objects[name].kind != "file"]
        longest = max((text_width(name, "strong") for name in anonymous), default=0.0)
        self._is_short = longest + text_width("2 references", "label dim") + 20 > wide
        oldest_last = [name for those in (self.alone, names) for name in sorted(those, key=_in_order, reverse=True)]
        self._homes = {
            frame: name for name in oldest_last if self.once for frame in self.value.objects[name].pages.values()
        }  # fmt: skip

    def faint(self, links: Sequence[Link], pairs: Sequence[tuple[Node, Node]], selection: str) -> list[Link]:
        """Return the links, faint unless the operation or the selection is about them; a few alone stay as they are."""
        written, looked_at = self._touched
        told = {f"entry:{one}" if isinstance(one, int) else f"object:{one}" for one in (*written, *looked_at)}

        def is_told(one: Node, behind: Node) -> bool:
            changed = behind.thing.removeprefix("object:") in written
            return one.thing in told or changed or (bool(selection) and selection in (one.thing, behind.thing))

        kept = {link.id for link, pair in zip(links, pairs, strict=True) if is_told(*pair)}
        if not kept and len(links) <= MANY_LINKS:
            return list(links)
        faint = [replace(link, state=(*link.state, "faint")) for link in links if link.id not in kept]
        return [*faint, *(link for link in links if link.id in kept)]

    def notes(self, shown: Sequence[_Mapping]) -> Iterator[Part]:
        """Yield the meanings of the words on the cards, if there are any."""
        if any(one.said for one in shown):
            some = [len(one.copied) for one in shown if one.said not in ("", TO_COPY)]
            said = " ".join([say_objects("copy"), *(say_objects("copy/some", count) for count in some[:1])])
            yield boxes.words("objects/legend/copy", said)
        if self.once and any(one.seen for one in shown):
            yield boxes.words("objects/legend/once", say_objects("once"))

    def together(self, ours: Sequence[_Mapping]) -> list[_Mapping]:
        """Return one mapping for all that show the same pages of an object, at the same address, in the same way.

        Mappings that the operation changed, and mappings of its task, stay separate.
        """
        alike: dict[object, list[_Mapping]] = {}
        for one in ours:
            mapper = one.mapper
            is_alone = mapper.entry in self._touched[0] or mapper.map.startswith(self._caller)
            key = one.target, mapper.start, mapper.first, mapper.pages, mapper.needs_copy, frozenset(one.copied)
            alike.setdefault(mapper.entry if is_alone else key, []).append(one)
        return [one._replace(others=tuple(other.mapper for other in others)) for one, *others in alike.values()]

    def is_written(self, one: _Mapping) -> bool:
        """Return whether the operation changed a mapping or its object."""
        return bool(self._touched[0] & {one.target, one.mapper.entry})

    def chosen(self, ours: Sequence[_Mapping]) -> list[_Mapping]:
        """Return as many mappings as fit, in order; first the operation's, then its task's, then examined mappings."""

        def rank(one: _Mapping) -> tuple[bool, bool, bool]:
            is_callers = one.mapper.map.startswith(self._caller)
            return not self.is_written(one), not is_callers, one.target not in self._touched[1]

        shown: list[_Mapping] = []
        names: set[str] = set()
        for one in sorted(ours, key=rank)[:MAPPINGS]:
            names |= {each.name for each in one.seen.chain}
            if len(names) > OBJECTS and shown:
                break
            shown.append(one)
        return sorted(shown, key=lambda one: (_in_order(one.mapper.map.removesuffix("/map")), one.mapper.start))

    def fronts(self, ours: Sequence[_Mapping]) -> list[_Mapping]:
        """Return the mappings whose chains are drawn: for each last object, the longest, and those that changed."""
        by_last: dict[str, list[_Mapping]] = {}
        for one in ours:
            by_last.setdefault(one.seen.chain[-1].name, []).append(one)
        found: dict[str, _Mapping] = {}
        names: set[str] = set()
        for those in sorted(by_last.values(), key=lambda those: not any(map(self.is_written, those))):
            deepest = sorted(those, key=lambda one: (-len(one.seen.chain), not self.is_written(one)))
            for one in [deepest[0], *(one for one in deepest[1:] if self.is_written(one))][: _CHANGED + 1]:
                more = {*self.chain(one)}
                if one.target in names:  # it is drawn in a longer chain
                    continue
                if not names or len(names | more) <= OBJECTS:
                    names |= more
                    found.setdefault(one.target, one)
        return sorted(found.values(), key=lambda one: one.mapper.start)

    def chain(self, one: _Mapping) -> Sequence[str]:
        """Return a mapping's object and the objects behind it, without the middle of a long chain."""
        chain = [each.name for each in one.seen.chain]
        return chain if len(chain) <= CHAIN else (*chain[: CHAIN - 1], chain[-1])

    def folded(
        self, ours: Sequence[_Mapping], names: Collection[str], chains: Collection[str]
    ) -> dict[str, list[_Mapping]]:
        """Return, for drawn objects, the mappings of shadows in front of them that are in no drawn chain."""
        found: dict[str, list[_Mapping]] = {}
        for one in ours:
            behind = next((each.name for each in one.seen.chain if each.name in names), "")
            if behind and one.target not in chains:
                found.setdefault(behind, []).append(one)
        return found

    def mapping(self, one: _Mapping, *, is_whole: bool = True) -> Part:
        """Return a mapping's card, with its pages if it is whole."""
        mapper = one.mapper
        tasks = [_task_of(it) for it in (mapper, *one.others)]
        said = one.said
        who, pages = _who(one), counted(mapper.pages, "page")
        words = [f"{who} {address(mapper.start)}", f"{pages} of {visible(one.target)}"]
        title = ", ".join([*words, *[said] * bool(said), *[", ".join(tasks)] * bool(one.others)])
        state = ("new",) if mapper.entry in self._linked.new(mapper.map) else ()
        seen = Seen([]) if self.once or not is_whole else one.seen

        def put(drawn: Drawn, x: float, y: float, w: float) -> float:
            rows = kit.Line(words[0], "strong", said, middle=True), kit.Line(words[1])
            if self._is_named_alone:  # in all cards, so that the same thing is at the same place
                where = f"{address(mapper.start)}, {pages}"
                second = (f"{where} of {visible(one.target)}", where, f"{address(mapper.start)}")
                is_beside = text_width(who, "strong") + text_width(said, "label dim") + 6 <= w - 14
                rows = (
                    kit.Line(who, "strong", said * is_beside, middle=True),
                    kit.Line(second, right=said * (not is_beside)),
                )
            card = _Card(f"mapping/{mapper.map}/{mapper.entry}", 0, title, f"entry:{mapper.entry}", state)
            return self._put(drawn, (x, y, w), card, rows, seen, one.target, one.copied)

        return put

    def object(self, name: str, column: int, ways: Sequence[str] = ("",)) -> Part:
        """Return an object's card with its own pages; `ways` are wordings of what is found there."""
        one = self.value.objects[name]
        size = self.value.files.get(name.removeprefix("file "), -1) if one.kind == "file" else -1
        kind = f"file, {Size(size)}" if size >= 0 else one.kind + f" of {visible(one.shadow)}" * bool(one.shadow)
        if kind == "anonymous" and name.startswith("/"):  # the map of a process was loaded, and not its files
            kind = "named after a file"
        count = self._references[name]
        said = counted(count, "reference")
        if one.kind == "file":
            said += f": {counted(count - 1, 'reference')} of mappings and shadows, and the open file"
        was, now = self._reported.objects.get(name, (True, True))
        state = ("new",) if now and not was else ("changed",) if was and name in self._reported.moved else ()
        title = ", ".join(filter(None, (visible(name), kind, said, ways[0])))

        def put(drawn: Drawn, x: float, y: float, w: float) -> float:
            def found(beside: str) -> str:
                return wording((*ways, ""), w - text_width(beside) - 24, "label dim")

            if one.kind == "file":  # an open file counts as a reference, without a line to it
                others = counted(count - 1, "reference")
                right = wording((f"{others} + open file", others), w - text_width(kind) - 20, "label dim")
                names = visible(name), visible(name.removeprefix("file "))  # the line below says that it is a file
                rows = kit.Line(names, "strong", found(names[1]), middle=True), kit.Line((kind, "file"), right=right)
            else:
                right = counted(count, "reference").replace("reference", "ref" if self._is_short else "reference")
                kinds = kind, kind.replace("shadow of file ", "shadow of ")
                rows = kit.Line(visible(name), "strong", right, middle=True), kit.Line(kinds, right=found(kind))
            card = _Card(f"object/{name}", column, title, f"object:{name}", state)
            return self._put(drawn, (x, y, w), card, rows, Seen([one]), name)

        return put

    def _put(
        self, drawn: Drawn, place: tuple[float, float, float], card: _Card, rows: Sequence[kit.Line], pages: Seen,
        target: str, copied: Collection[int] = (),
    ) -> float:  # fmt: skip  # where, then what
        """Draw a card with a cell for each page, new pages first, and return where it ends.

        `target` is the object, or what a mapping maps; a write through the mapping copies the pages in `copied`.
        """
        (x, top, w), identity = place, card.id
        whole = self.value.objects.get(target)
        owner = whole if card.thing.startswith("object:") else None
        new = {
            index for one in pages.chain for those in self._came(one.name) for index in those
            if pages.get(index, NOWHERE)[2] == one.name
        }  # fmt: skip
        elsewhere = self._drawn_elsewhere(owner) if self.once and owner is not None else {}
        if elsewhere:
            drawn_ones: set[int] | None = {*pages} - elsewhere.keys()
        else:
            drawn_ones = self._differing(pages) | new if owner is None and len(pages) > FOLDED else None
        shown = pages.first(PAGES, new) if drawn_ones is None else pages.first(PAGES, new, drawn_ones)
        same = 0 if drawn_ones is None else len(pages) - len(drawn_ones)
        left = len(pages) - len(shown) - same
        across = max(1, int((w - 16 + 4) // (_CELL_W + 4)))
        lines = -(-(len(shown) + (left > 0)) // across)
        below = top + _HEAD + lines * (_CELL_H + 4)
        box = Box(x, top, w, below - top + (_SAME_H + 4) * (same > 0) + 4)
        node = kit.card(
            identity, box, rows, thing=card.thing, state=card.state, title=card.title, lane=f"objects/{card.column}",
            top=18, step=16, pad=7, bars=(Bar(0, 0, 4, box.h, kind_of_object(target, "r--")),), action="select",
        )  # fmt: skip
        cells: list[Node] = []
        for number, index in enumerate([*shown, -1] if left else shown):
            left_x, y = x + 8 + number % across * (_CELL_W + 4), top + _HEAD + number // across * (_CELL_H + 4)
            cell = Box(left_x, y, _CELL_W, _CELL_H)
            if index < 0:
                words = f"+{short_count(left)}"
                cells.append(kit.fold(f"{identity}/more", cell, words, title=f"{counted(left, 'page')} more"))
            else:
                cells.append(self._cell(f"{identity}/{index}", cell, index, pages[index], owner, index in copied))
        drawn.nodes += self._ringed(node, cells, len(new))
        if same:
            front = pages.chain[0]
            at = Box(x + 8, below, w - 16, _SAME_H)
            if elsewhere:
                homes = listed_words([visible(name) for name in sorted({*elsewhere.values()}, key=_in_order)])
                frames = counted(same, "frame")
                words = wording((f"{frames} of {homes}", f"{frames} of other objects"), at.w, "label dim")
                drawn.nodes.append(kit.label(f"{identity}/same", words, at.x, at.y, most=at.w))
            else:
                behind = visible(front.shadow or front.name)
                ways = (f"{same:,} same as {behind}", f"{same:,} same as behind")
                title = f"{counted(same, 'page')}: the same as in {behind}"
                title += " and what is behind it" * bool(front.shadow)
                drawn.nodes.append(kit.fold(f"{identity}/same", at, wording(ways, at.w - 8, ""), title=title))
        return top + box.h

    def _ringed(self, card: Node, cells: Sequence[Node], count: int) -> Iterator[Node]:
        """Yield a card, with the number of its new pages, and its cells, with one ring around neighbours that changed.

        A new card has a ring of its own, which is around its new pages too.
        """
        runs = [(state, list(run)) for state, run in groupby(cells, key=_what_happened)]
        many = sum(len(run) for state, run in runs if state == "new" and len(run) > 1)
        said = f"{max(count, many):,} new"
        below = sorted((run for run in card.text if run.y > card.text[0].y), key=lambda run: run.x)
        used = max((run.x + text_width(run.text, run.style) for run in below), default=0.0)
        has_room = len(below) < 2 and used + text_width(said, "label new") + 14 <= card.w
        if many and has_room:
            said_at = kit.lines_of([kit.Line("", right=said, beside="label new")], card.w, top=card.text[-1].y, pad=7)
            card = replace(card, text=(*card.text, *said_at))
        yield card
        for state, run in runs:
            if not state or len(run) < 2:
                yield from run
                continue
            yield from (replace(cell, state=(*cell.state, "within")) for cell in run)
            if state not in card.state:
                rings = enumerate(_around(run))
                yield from (
                    kit.chip(f"{run[0].id}/ring/{number}", "fresh", box, state=(state,)) for number, box in rings
                )

    def _drawn_elsewhere(self, owner: ObjectValue) -> dict[int, str]:
        """Return, for each page, the other object in which its frame is drawn."""
        homes, name = self._homes, owner.name
        return {index: homes[frame] for index, frame in owner.pages.items() if homes[frame] != name}

    def _differing(self, pages: Seen) -> set[int]:
        """Return the pages of a mapping that differ from pages behind it: the front object's own and private pages."""
        front = pages.chain[0]
        own = {*front.pages, *front.swapped} if front.shadow else set()
        copied = {
            index for one in self.value.objects.values() if one.shadow == front.name for index in one.pages
            if self._uses[front.pages.get(index, -1)] == 1
        }  # fmt: skip
        return {index for index in own | copied if index in pages}

    def _is_orphan(self, owner: ObjectValue, index: int) -> bool:
        """Return whether no mapping refers to a page of anonymous memory; a file's pages can be mapped again."""
        frame = owner.pages.get(index, -1)
        if owner.kind not in ("anonymous", "shadow") or self._uses[frame]:
            return False
        mappings = ((name, one) for name, those in self._mappers.items() for one in those)
        fronts = (name for name, one in mappings if one.first <= index < one.first + one.pages)
        return not any(self._holder(name, index) == owner.name for name in fronts)

    def _holder(self, front: str, index: int) -> str:
        """Return the first object of a chain that has a page; "" if none has it."""
        chain = (self.value.objects[name] for name in self.value.chain(front))
        return next((one.name for one in chain if index in one.pages or index in one.swapped), "")

    def _came(self, name: str) -> tuple[Collection[int], Collection[int]]:
        """Return the pages of an object in frames that the operation allocated, and pages from another object."""
        if name not in self._fresh:
            pages = self.value.objects[name].pages if name in self.value.objects else {}
            came = [index for index in self._reported.came(name) if index in pages]
            moved = {index for index in came if (index, pages[index]) in self._held}
            self._fresh[name] = {*came} - moved, moved
        return self._fresh[name]

    @cached_property
    def _held(self) -> set[tuple[int, int]]:
        """The pages before the operation, and their frames."""
        return {pair for one in self._look.before.objects.values() for pair in one.pages.items()}

    def _cell(
        self, identity: str, box: Box, index: int, place: Place, owner: ObjectValue | None, is_copied: bool
    ) -> Node:
        """Return a page: its number, and its frame or its slot; `is_copied` if a write copies it."""
        swapped, dirty = place.frame < 0, owner is not None and index in owner.dirty
        shared = (owner is None or self.once) and self._uses[place.frame] > 1 and not swapped
        where = f"slot {place.slot}" if swapped else f"frame {place.frame:#x}"
        said = [f"page {index}", where]
        said += [f"of {place.holder}"] if owner is None else []
        said += [f"seen by {self._uses[place.frame]} mappings"] if shared else []
        said += ["a write copies it"] if is_copied else []
        said += ["dirty: its file does not have it yet"] if dirty else []
        is_orphan = owner is not None and self._is_orphan(owner, index)
        said += ["orphan: no mapping leads to it"] if is_orphan else []
        said += [f"clean: slot {place.slot} of swap space has it too"] if not swapped and place.slot >= 0 else []
        is_new, is_moved = (index in those for those in self._came(place.holder))
        is_changed = is_moved or (dirty and self._reported.is_dirtied(place.holder, index))
        state: tuple[str, ...] = ("new",) if is_new else ("folded",) if swapped else ("changed",) * is_changed
        holder = self.value.objects.get(place.holder)
        if holder is not None and not swapped:
            state = (*state, "is-file" if kind_of_object(holder.name, "r--") == "file" else "is-anonymous")
        words = f"s{place.slot}" if swapped else f"{place.frame:x}{'*' if dirty else ''}"
        lines = (f"{index:,}", "label dim"), (words + ORPHAN * is_orphan, "mono label")
        return kit.cell(
            identity, "page", box, lines, feet=(13, 27), spare=6, thing="" if swapped else f"frame:{place.frame}",
            shape="round" if shared else "box", bars=(Bar(6, box.h - 4, box.w - 12, 3, "used-and-dirty"),) * dirty,
            state=state, title=", ".join(said), lane=f"{identity}/pages",
        )  # fmt: skip


_LEGEND = (
    ("is-file", "a page of a file"),
    ("is-anonymous", "memory without a file"),
    ("round", "seen by several mappings"),
    ("folded", "in swap space, slot s"),
    ("dirty", "dirty: its file does not have it yet"),
    ("orphan", "orphan: no mapping leads to this page"),
)
"""The meanings of cells' styles."""

_SIGNS = {"orphan": ORPHAN, "dirty": "*"}
"""What is written in a cell of a style, after its frame."""

_KINDS = ("is-file", "is-anonymous")
"""States of cells that show what a page is."""


def _legend(drawn: Drawn, x: float, y: float, w: float) -> float:
    """Draw a cell of each style in the picture, with its meaning."""
    pages = [node for node in drawn.nodes if node.kind == "page"]
    looks = {look for node in pages for look in (node.shape, *node.state, "dirty" * bool(node.bars))}
    looks |= {"orphan" for node in pages for run in node.text if run.text.endswith(ORPHAN)}
    if not looks >= {*_KINDS}:  # of one kind: its cards say it
        looks -= {*_KINDS}
    known = [(text_width(words) + 40, _meaning(look, words)) for look, words in _LEGEND if look in looks]
    return boxes.flowing(known, gap=14)(drawn, x, y, w)


def _meaning(look: str, words: str) -> Part:
    """Return a cell of a style, and its meaning."""

    def draw(box: Box) -> Iterator[Node]:
        bars = (Bar(5, box.h - 4, 18, 3, "used-and-dirty"),) * (look == "dirty")
        yield kit.chip(f"objects/legend/{look}", "page", box._replace(w=28), _SIGNS.get(look, ""), bars=bars,
                       shape="round" if look == "round" else "box", title=words,
                       state=(look,) * (look in ("folded", *_KINDS)))  # fmt: skip
        yield kit.label(f"objects/legend/{look}/words", words, box.x + 34, box.y, most=box.w - 34)

    return boxes.drawing(18.0, draw)


def named_in(moment: Moment) -> set[str]:
    """Return the objects that an operation concerns, so that a shortened value includes them."""
    names: set[str] = set()
    for event in moment.events:
        if isinstance(event, (ev.EntryLinked, ev.EntryUnlinked)):
            names.add(event.entry[3] or "")
        elif isinstance(event, (ev.EntryResized, ev.EntryChanged)):
            names.update((event.before[3] or "", event.after[3] or ""))
        elif isinstance(event, ev.SwapMoved):
            names.add(event.before)
        elif isinstance(event, ev.FileResized):
            names.add(f"file {event.file}")
    written, looked_at = _touched(moment)
    return (names | looked_at | {name for name in written if isinstance(name, str)}) - {""}


_ENTRIES = ev.EntryChanged, ev.EntryResized, ev.EntryLinked


def _names_object(kind: type[Event]) -> bool:
    return "object" in kind.field_names


def _touched(moment: Moment) -> tuple[set[str | int], set[str]]:
    """Return the objects, by name, and entries, by number, that the operation changed; and the objects it examined."""
    written: set[str | int] = set()
    looked_at: set[str] = set()
    kinds = {
        kind for kind in {type(event) for event in moment.events} if issubclass(kind, _ENTRIES) or _names_object(kind)
    }
    for event in moment.events:
        if type(event) not in kinds:
            continue
        if isinstance(event, (ev.ObjectSearched, ev.PagerAsked)):
            looked_at.add(event.object)
        elif isinstance(event, (ev.EntryChanged, ev.EntryResized)):
            written.add(event.after[0])
        elif isinstance(event, ev.EntryLinked):
            written.add(event.entry[0])
        else:
            written.add(event.object)  # type: ignore[attr-defined]  # its class has one
    return written, looked_at


def _what_happened(cell: Node) -> str:
    """Return whether the operation brought or changed the page of a cell: "new", "changed", or ""."""
    return next((state for state in ("new", "changed") if state in cell.state), "")


def _around(cells: Sequence[Node]) -> list[Box]:
    """Return as few boxes as are needed around neighbours in one row or in several."""
    found: list[Box] = []
    for _, group in groupby(cells, key=lambda cell: cell.y):
        row = list(group)
        left, right, y = row[0].x - _APART, row[-1].x + row[-1].w + _APART, row[0].y - _APART
        box = Box(left, y, right - left, row[0].h + 2 * _APART)
        if found and (found[-1].x, found[-1].w) == (box.x, box.w):
            box = Box(left, found[-1].y, box.w, y + box.h - found.pop().y)
        found.append(box)
    return found


_APART = 1.5
"""Pixels from a cell to the ring around it and its neighbours."""


def _in_order(path: str) -> list[str | int]:
    """Return a sort key that puts "init.2" before "init.10"."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split(r"(\d+)", path))]


def _rows(value: ObjectsValue, mappers: Mapping[str, Sequence[MappedBy]]) -> tuple[Row, ...]:
    """Return the rows of the table, and a note on what is left out."""
    every = _every_row(value, mappers)
    rows = tuple(islice(every, ROWS))
    if value.left_out or next(every, None) is not None:
        left = len(value.objects) + value.left_out - len({row[0] for row in rows})
        rows = (*rows, ("…", f"{counted(left, 'object')} more" if left else "more pages", *[""] * (len(_COLUMNS) - 2)))
    return rows


def _every_row(value: ObjectsValue, mappers: Mapping[str, Sequence[MappedBy]]) -> Iterator[Row]:
    """Yield a row for each page of each object, with the entries that map it, and one for each object without pages."""
    references = value.all_references()
    for name, one in value.objects.items():
        own = (visible(name), one.kind, visible(one.shadow), str(references[name]))
        places = {index: f"slot {slot}" for index, slot in one.swapped.items()}
        for index, frame in one.pages.items():
            also = f", {places[index]}" if index in places else " dirty" * (index in one.dirty)
            places[index] = f"frame {frame:#x}{also}"
        if not places:
            yield (*own, "", "", _mapped_by(mappers[name]))
        for index, place in sorted(places.items()):
            with_page = (who for who in mappers[name] if who.first <= index < who.first + who.pages)
            yield (*own, str(index), place, _mapped_by(with_page))


def _mapped_by(mappers: Iterable[MappedBy]) -> str:
    """Return the maps and the addresses of the first entries among `mappers`."""
    return ", ".join(f"{who.map.removesuffix('/map')} {address(who.start)}" for who in islice(mappers, 6))

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
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Link, Node, Row, Rows, Scene, Table
from vmwidgets.views.scene.relations import About, Pages, space_of, things_of
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
_GAP, _BELOW, _LEAST, _MOST, _AROUND = 36.0, 14.0, 176.0, 270.0, 14.0
_FEW_AROUND = 2
"""The most arrows around the last column that fit the margin."""

_CELL_W, _CELL_H, _HEAD, _SAME_H = 44.0, 32.0, 44.0, 22.0

ORPHAN = "\N{DAGGER}"
"""The mark after the frame or slot of a page that no mapping refers to."""

TO_COPY = "to copy"
"""The note on a mapping's card about the effect of the next write to a page."""


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
    layout = _Layout(look, uses, width, ours, mappers, once, selection)
    nodes, links = layout.nodes, layout.links
    if not nodes:
        words = say_objects("none/task", task=called(task)) if task else say_objects("none")
        nodes.append(kit.label("objects/none", words, MARGIN, 6))
    return kit.scene(
        "objects",
        f"memory objects of {visible(task.removeprefix('task:'))}" if task else "memory objects",
        _subtitle(value, uses),
        nodes,
        links=links,
        caption=moment.caption,
        table=Table(_COLUMNS, Rows(lambda: _rows(value, mappers))),
        steps=moment.steps(steps_of_task(look, task) if task else steps_of_objects),
        machine=machine,
        width=width,
        about=_about(ours, things_of(nodes)),
    )


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


class _Layout:
    """Mappings in the first column, and each object in a column after everything that refers to it."""

    def __init__(
        self,
        look: Look[ObjectsValue],
        uses: Counter[int],
        width: float,
        ours: Sequence[_Mapping],
        mappers: Mapping[str, Sequence[MappedBy]],
        once: bool,
        selection: str,
    ) -> None:
        self.nodes: list[Node] = []
        self._pairs: list[tuple[Node, Node]] = []
        value, moment = look.now, look.moment
        self._look, self._value, self._moment, self._uses, self._mappers = look, value, moment, uses, mappers
        self._once = once
        self._references = _references(value, mappers)
        self._touched = _touched(moment)
        self._reported, self._linked = Reported.by(moment.so_far), Entries.reported(moment.so_far)
        self._caller = f"{moment.operation.target}/" if moment.operation is not None else "/"
        shown = self._chosen(self._together(ours) if len(ours) > MAPPINGS else ours)
        columns: dict[str, int] = {}
        for one in shown:
            for number, name in enumerate(self._chain(one.target), 1):
                columns[name] = max(columns.get(name, 1), number)
        shadowed = {one.shadow for one in value.objects.values()}
        alone = [name for name in value.objects if not (name in columns or mappers[name] or name in shadowed)]
        alone.sort(key=lambda name: name not in self._touched[0])
        room = int((width - 2 * MARGIN + _GAP) // (_LEAST + _GAP))
        needed = 1 + max(columns.values(), default=1)
        count = max(2, min(room, needed))
        in_last = sum(column >= count - 1 for column in columns.values())
        around = _AROUND * (in_last > _FEW_AROUND + 1)  # arrows from one object to another in the last column
        self._wide = min(_MOST, (width - 2 * MARGIN - around - _GAP * (count - 1)) / count)
        self._is_named_alone = not all(self._is_one_line(one) for one in shown)
        anonymous = [visible(name) for name in columns if value.objects[name].kind != "file"]
        longest = max((text_width(name, "strong") for name in anonymous), default=0.0)
        self._is_short = longest + text_width("2 references", "label dim") + 20 > self._wide
        self._tops = [30.0] * count
        self._placed: dict[str, Node] = {}
        self._fresh: dict[str, tuple[Collection[int], Collection[int]]] = {}
        oldest_last = [name for those in (alone, columns) for name in sorted(those, key=_in_order, reverse=True)]
        self._homes = {
            frame: name for name in oldest_last if once for frame in value.objects[name].pages.values()
        }  # fmt: skip
        for one in shown:
            self._map(one, columns)
        self.links = self._faint(arrows(self._pairs, 9.0 if around else 6.0), selection)
        drawn = sum(1 + len(one.others) for one in shown)
        room_left = max(1, OBJECTS - len(self._placed)) if len(ours) == drawn else 0
        for name in alone[:room_left]:
            self._object(name, 1, 0.0)
        if self.nodes:
            self._label(0, "mappings" if once else "mappings: pages seen")
            self._label(1, "objects, from front to back")
        folded = len(alone) + value.left_out - room_left
        if room_left and folded > 0:
            words = f"{counted(folded, 'object')} more that nothing maps"
            place = Box(MARGIN + self._wide + _GAP, self._tops[1], self._wide, 28)
            self.nodes.append(kit.fold("objects/alone", place, words))
        if drawn < len(ours):
            words = f"{counted(len(ours) - drawn, 'mapping')} more"
            self.nodes.append(kit.fold("objects/fold", Box(MARGIN, max(self._tops), self._wide, 28), words))
        below = max((node.y + node.h for node in self.nodes), default=0.0) + 14
        self.nodes += _legend(self.nodes, below, width)
        for name, words in self._notes(shown):
            below = max(node.y + node.h for node in self.nodes)
            self.nodes.append(kit.paragraph(f"objects/legend/{name}", words, MARGIN, below + 6, width - 2 * MARGIN))

    def _faint(self, links: Sequence[Link], selection: str) -> list[Link]:
        """Return the links, faint unless the operation or the selection is about them; a few alone stay as they are."""
        written, looked_at = self._touched
        told = {f"entry:{one}" if isinstance(one, int) else f"object:{one}" for one in (*written, *looked_at)}

        def is_told(one: Node, behind: Node) -> bool:
            changed = behind.thing.removeprefix("object:") in written
            return one.thing in told or changed or (bool(selection) and selection in (one.thing, behind.thing))

        kept = {link.id for link, pair in zip(links, self._pairs, strict=True) if is_told(*pair)}
        if not kept and len(links) <= MANY_LINKS:
            return list(links)
        faint = [replace(link, state=(*link.state, "faint")) for link in links if link.id not in kept]
        return [*faint, *(link for link in links if link.id in kept)]

    def _notes(self, shown: Sequence[_Mapping]) -> Iterator[tuple[str, str]]:
        """Yield the meanings of the words on the cards, if there are any."""
        if any(one.said for one in shown):
            some = [len(one.copied) for one in shown if one.said not in ("", TO_COPY)]
            yield "copy", " ".join([say_objects("copy"), *(say_objects("copy/some", count) for count in some[:1])])
        if self._once and any(one.seen for one in shown):
            yield "once", say_objects("once")

    def _together(self, ours: Sequence[_Mapping]) -> list[_Mapping]:
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

    def _chosen(self, ours: Sequence[_Mapping]) -> list[_Mapping]:
        """Return as many mappings as fit, in order; first the operation's, then its task's, then examined mappings."""
        written, looked_at = self._touched

        def rank(one: _Mapping) -> tuple[bool, bool, bool]:
            is_written = bool(written & {one.target, one.mapper.entry})
            return not is_written, not one.mapper.map.startswith(self._caller), one.target not in looked_at

        ranked = sorted(ours, key=rank)
        shown: list[_Mapping] = []
        names: set[str] = set()
        for one in ranked[:MAPPINGS]:
            names |= set(self._chain(one.target))
            if len(names) > OBJECTS and shown:
                break
            shown.append(one)
        return sorted(shown, key=lambda one: (_in_order(one.mapper.map.removesuffix("/map")), one.mapper.start))

    def _chain(self, name: str) -> Sequence[str]:
        """Return an object and the objects behind it, without the middle of a long chain."""
        chain = self._value.chain(name)
        return chain if len(chain) <= CHAIN else (*chain[: CHAIN - 1], chain[-1])

    def _is_one_line(self, one: _Mapping) -> bool:
        """Return whether a card has room for a mapping's owner and address in one line."""
        said = text_width(one.said, "label dim") + 6 if one.said else 0
        return text_width(f"{_who(one)} {address(one.mapper.start)}", "strong") <= self._wide - 14 - said

    def _label(self, column: int, words: str) -> None:
        x = MARGIN + column * (self._wide + _GAP)
        ways = (words, words.partition(",")[0])
        self.nodes.append(kit.label(f"objects/column/{column}", wording(ways, self._wide), x, 6, most=self._wide))

    def _map(self, one: _Mapping, columns: Mapping[str, int]) -> None:
        mapper = one.mapper
        tasks = [_task_of(it) for it in (mapper, *one.others)]
        said = one.said
        who, pages = _who(one), counted(mapper.pages, "page")
        words = [f"{who} {address(mapper.start)}", f"{pages} of {visible(one.target)}"]
        rows = kit.Line(words[0], "strong", said, middle=True), kit.Line(words[1])
        if self._is_named_alone:  # in all cards, so that the same thing is at the same place
            where = f"{address(mapper.start)}, {pages}"
            second = (f"{where} of {visible(one.target)}", where, f"{address(mapper.start)}")
            is_beside = text_width(who, "strong") + text_width(said, "label dim") + 6 <= self._wide - 14
            rows = (
                kit.Line(who, "strong", said * is_beside, middle=True),
                kit.Line(second, right=said * (not is_beside)),
            )
        title = ", ".join([*words, *[said] * bool(said), *[", ".join(tasks)] * bool(one.others)])
        state = ("new",) if mapper.entry in self._linked.new(mapper.map) else ()
        thing = f"entry:{mapper.entry}"
        card = self._card(
            f"mapping/{mapper.map}/{mapper.entry}", 0, 0.0, rows, title, thing, state,
            Seen([]) if self._once else one.seen, one.target, copied=one.copied,
        )  # fmt: skip
        before, start = card, card.y
        chain = self._chain(one.target)
        left_out = len(self._value.chain(one.target)) - len(chain)
        for place, name in enumerate(chain):
            if left_out and place == CHAIN - 1:
                before = self._left_out(one, left_out, before)
            is_new = name not in self._placed
            if is_new:
                start = self._object(name, min(columns[name], len(self._tops) - 1), start).y
            behind = self._placed[name]
            self._pairs.append((before, behind))
            if not is_new:
                break
            before = behind

    def _left_out(self, one: _Mapping, count: int, before: Node) -> Node:
        """Return a note in place of the middle of a chain: its number of objects."""
        column = len(self._tops) - 1
        box = Box(MARGIN + column * (self._wide + _GAP), self._tops[column], self._wide, 28)
        self._tops[column] += box.h + _BELOW
        words = f"{counted(count, 'object')} more of the chain"
        node = kit.fold(f"objects/chain/{one.mapper.map}/{one.mapper.entry}", box, words)
        self.nodes.append(node)
        self._pairs.append((before, node))
        return node

    def _object(self, name: str, column: int, least: float) -> Node:
        one = self._value.objects[name]
        pages = Seen([one])
        size = self._value.files.get(name.removeprefix("file "), -1) if one.kind == "file" else -1
        kind = f"file, {Size(size)}" if size >= 0 else one.kind + f" of {visible(one.shadow)}" * bool(one.shadow)
        if kind == "anonymous" and name.startswith("/"):  # the map of a process was loaded, and not its files
            kind = "named after a file"
        count = self._references[name]
        said = counted(count, "reference")
        if one.kind == "file":  # an open file counts as a reference, without a line to it
            others = counted(count - 1, "reference")
            right = wording((f"{others} + open file", others), self._wide - text_width(kind) - 20, "label dim")
            names = visible(name), visible(name.removeprefix("file "))  # the line below says that it is a file
            rows = kit.Line(names, "strong", middle=True), kit.Line((kind, "file"), right=right)
            said += f": {others} of mappings and shadows, and the open file"
        else:
            right = said.replace("reference", "ref") if self._is_short else said
            kinds = kind, kind.replace("shadow of file ", "shadow of ")
            rows = kit.Line(visible(name), "strong", right, middle=True), kit.Line(kinds)
        was, now = self._reported.objects.get(name, (True, True))
        state = ("new",) if now and not was else ("changed",) if was and name in self._reported.moved else ()
        title = f"{visible(name)}, {kind}, {said}"
        node = self._card(f"object/{name}", column, least, rows, title, f"object:{name}", state, pages, name)
        self._placed[name] = node
        return node

    def _card(
        self,
        identity: str,
        column: int,
        least: float,
        rows: Sequence[kit.Line],
        title: str,
        thing: str,
        state: Sequence[str],
        pages: Seen,
        target: str,
        copied: Collection[int] = (),
    ) -> Node:
        """Return a card in a column, with a cell for each page, new pages first.

        `target` is the object, or what a mapping maps; a write through the mapping copies the pages in `copied`.
        """
        whole = self._value.objects.get(target)
        owner = whole if thing.startswith("object:") else None
        new = {
            index for one in pages.chain for those in self._came(one.name) for index in those
            if pages.get(index, NOWHERE)[2] == one.name
        }  # fmt: skip
        elsewhere = self._drawn_elsewhere(owner) if self._once and owner is not None else {}
        if elsewhere:
            drawn: set[int] | None = {*pages} - elsewhere.keys()
        else:
            drawn = self._differing(pages) | new if owner is None and len(pages) > FOLDED else None
        shown = pages.first(PAGES, new) if drawn is None else pages.first(PAGES, new, drawn)
        same = 0 if drawn is None else len(pages) - len(drawn)
        left = len(pages) - len(shown) - same
        across = max(1, int((self._wide - 16 + 4) // (_CELL_W + 4)))
        lines = -(-(len(shown) + (left > 0)) // across)
        top = max(self._tops[column], least)
        below = top + _HEAD + lines * (_CELL_H + 4)
        box = Box(MARGIN + column * (self._wide + _GAP), top, self._wide, below - top + (_SAME_H + 4) * (same > 0) + 4)
        self._tops[column] = top + box.h + _BELOW
        node = kit.card(
            identity, box, rows, thing=thing, state=state, title=title, lane=f"objects/{column}", top=18,
            step=16, pad=7, bars=(Bar(0, 0, 4, box.h, _colour(whole)),), action="select",
        )  # fmt: skip
        at = len(self.nodes)
        self.nodes.append(node)
        for number, index in enumerate([*shown, -1] if left else shown):
            x, y = box.x + 8 + number % across * (_CELL_W + 4), top + _HEAD + number // across * (_CELL_H + 4)
            cell = Box(x, y, _CELL_W, _CELL_H)
            if index < 0:
                words = f"+{short_count(left)}"
                self.nodes.append(kit.fold(f"{identity}/more", cell, words, title=f"{counted(left, 'page')} more"))
            else:
                self.nodes.append(self._cell(f"{identity}/{index}", cell, index, pages[index], owner, index in copied))
        self.nodes[at:] = self._ringed(self.nodes[at], self.nodes[at + 1 :], len(new))
        if same:
            front = pages.chain[0]
            place = Box(box.x + 8, below, self._wide - 16, _SAME_H)
            if elsewhere:
                homes = listed_words([visible(name) for name in sorted({*elsewhere.values()}, key=_in_order)])
                frames = counted(same, "frame")
                words = wording((f"{frames} of {homes}", f"{frames} of other objects"), place.w, "label dim")
                self.nodes.append(kit.label(f"{identity}/same", words, place.x, place.y, most=place.w))
            else:
                behind = visible(front.shadow or front.name)
                ways = (f"{same:,} same as {behind}", f"{same:,} same as behind")
                title = f"{counted(same, 'page')}: the same as in {behind}"
                title += " and what is behind it" * bool(front.shadow)
                self.nodes.append(kit.fold(f"{identity}/same", place, wording(ways, place.w - 8, ""), title=title))
        return node

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
        homes = ((index, self._homes[frame]) for index, frame in owner.pages.items())
        return {index: home for index, home in homes if home != owner.name}

    def _differing(self, pages: Seen) -> set[int]:
        """Return the pages of a mapping that differ from pages behind it: the front object's own and private pages."""
        front = pages.chain[0]
        own = {*front.pages, *front.swapped} if front.shadow else set()
        copied = {
            index for one in self._value.objects.values() if one.shadow == front.name for index in one.pages
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
        chain = (self._value.objects[name] for name in self._value.chain(front))
        return next((one.name for one in chain if index in one.pages or index in one.swapped), "")

    def _came(self, name: str) -> tuple[Collection[int], Collection[int]]:
        """Return the pages of an object in frames that the operation allocated, and pages from another object."""
        if name not in self._fresh:
            pages = self._value.objects[name].pages if name in self._value.objects else {}
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
        shared = (owner is None or self._once) and self._uses[place.frame] > 1 and not swapped
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
        holder = self._value.objects.get(place.holder)
        if holder is not None and not swapped:
            state = (*state, "is-file" if holder.kind == "file" else "is-anonymous")
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


def _colour(one: ObjectValue | None) -> str:
    """Return the kind of an object's memory, which has its own colour in all pictures."""
    return {"file": "file", "device": "kernel"}.get(one.kind if one is not None else "", "anonymous")


def _legend(nodes: Sequence[Node], y: float, width: float) -> list[Node]:
    """Return a cell of each style in the picture, with its meaning."""
    pages = [node for node in nodes if node.kind == "page"]
    looks = {look for node in pages for look in (node.shape, *node.state, "dirty" * bool(node.bars))}
    looks |= {"orphan" for node in pages for run in node.text if run.text.endswith(ORPHAN)}
    if not looks >= {*_KINDS}:  # of one kind: its cards say it
        looks -= {*_KINDS}
    known = [one for one in _LEGEND if one[0] in looks]
    boxes = kit.flow((text_width(words) + 40 for _, words in known), y, 18, width=width, gap=14)
    drawn: list[Node] = []
    for (look, words), (x, top, w, h) in zip(known, boxes, strict=True):
        bars = (Bar(5, h - 4, 18, 3, "used-and-dirty"),) * (look == "dirty")
        drawn.append(
            kit.chip(f"objects/legend/{look}", "page", Box(x, top, 28, h), _SIGNS.get(look, ""),
                     shape="round" if look == "round" else "box", state=(look,) * (look in ("folded", *_KINDS)),
                     bars=bars, title=words),
        )  # fmt: skip
        drawn.append(kit.label(f"objects/legend/{look}/words", words, x + 34, top, most=w - 34))
    return drawn


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

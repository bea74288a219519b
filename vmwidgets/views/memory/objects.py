"""Memory objects: who maps them, which pages each has, and what lies behind it, from front to back.

At the left the mappings, each with the pages as its task sees them: through the whole chain of objects.  A frame that
several mappings see is round, one that a mapping has alone is a box.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vmwidgets.engine.base import events as ev
from vmwidgets.engine.base.units import Size, counted
from vmwidgets.engine.base.values.objects import Mapper, ObjectsValue, ObjectValue
from vmwidgets.views.scene import kit
from vmwidgets.views.scene.kit import MARGIN, WIDTH, Box
from vmwidgets.views.scene.model import Bar, Link, Node, Row, Scene, Table, Text
from vmwidgets.views.scene.text import fitted, short_count, text_width, visible
from vmwidgets.views.story.moment import Mine, Moment
from vmwidgets.views.story.story import Step
from vmwidgets.views.story.words.names import address
from vmwidgets.views.story.words.pictures import say_objects

MAPPINGS, OBJECTS, PAGES = 12, 18, 24
"""So many mappings and objects are drawn, those that the operation touched first, and so many pages of each."""

_GAP, _BELOW, _LEAST, _MOST = 36.0, 14.0, 176.0, 270.0
_CELL_W, _CELL_H, _HEAD = 44.0, 32.0, 44.0


class Place(NamedTuple):
    """Where a page is: its frame, or its slot of swap space (-1: not there), and the object that has it."""

    frame: int
    slot: int
    holder: str


def seen_by(value: ObjectsValue, mapper: Mapper, target: str) -> dict[int, Place]:
    """The pages that a mapping of object `target` leads to, by number: the first object of the chain that has each."""
    inside = range(mapper.first, mapper.first + mapper.pages)
    seen: dict[int, Place] = {}
    for name in reversed(value.chain(target)):
        one = value.objects[name]
        seen |= {index: Place(-1, slot, name) for index, slot in one.swapped.items() if index in inside}
        seen |= {index: Place(frame, -1, name) for index, frame in one.pages.items() if index in inside}
    return seen


def steps_of_objects(value: ObjectsValue) -> Mine:
    """The steps of memory objects, of tasks, and of the entries that map objects."""
    mapped = set(value.entries)

    def mine(step: Step) -> bool:
        if step.about.kind in ("object", "task") or isinstance(step.event, ev.PagerAsked):
            return True
        return step.about.kind in ("list", "map") and (step.about.name in mapped or step.about.name.startswith("task:"))

    return mine


class _Mapping(NamedTuple):
    """An entry with the object that it maps, and the pages that it leads to."""

    mapper: Mapper
    target: str
    seen: Mapping[int, Place]


def draw_objects(
    value: ObjectsValue, moment: Moment, *, task: str = "", machine: str = "", width: float = WIDTH
) -> Scene:
    """The scene of memory objects at `moment`; `value` is how its operation left them, `task` the path of one task."""
    past = value.at(moment.past)
    every = [_Mapping(one, name, seen_by(past, one, name)) for name in past.objects for one in past.mappers(name)]
    uses = Counter(place.frame for one in every for place in one.seen.values() if place.frame >= 0)
    ours = [one for one in every if one.mapper.map.startswith(f"{task}/") or not task]
    layout = _Layout(past, moment, uses, width, ours)
    nodes, links = layout.nodes, layout.links
    if not nodes:
        nodes.append(kit.label("objects/none", say_objects("none"), MARGIN, 6))
    return kit.scene(
        "objects",
        f"memory objects of {visible(task.removeprefix('task:'))}" if task else "memory objects",
        _subtitle(past, uses),
        nodes,
        links=links,
        caption=moment.caption,
        table=Table(("object", "kind", "behind", "references", "page", "where", "mapped by"), tuple(_rows(past))[:400]),
        steps=moment.steps(steps_of_objects(value)),
        machine=machine,
        width=width,
    )


def _subtitle(value: ObjectsValue, uses: Counter[int]) -> str:
    shared = sum(count > 1 for count in uses.values())
    words = [counted(len(value.objects), "object"), f"{counted(len(uses), 'page')} mapped, {shared:,} of them shared"]
    if value.swap:
        words.append(f"{value.swap_used:,} of {value.swap:,} slots of swap space used")
    return " · ".join(words)


class _Layout:
    """Mappings in the first column, and each object in a column behind all that lead to it."""

    def __init__(
        self, value: ObjectsValue, moment: Moment, uses: Counter[int], width: float, ours: Sequence[_Mapping]
    ) -> None:
        self.nodes: list[Node] = []
        self.links: list[Link] = []
        self._value, self._moment, self._uses = value, moment, uses
        shown = self._chosen(ours)
        columns: dict[str, int] = {}
        for one in shown:
            for number, name in enumerate(value.chain(one.target), 1):
                columns[name] = max(columns.get(name, 1), number)
        alone = [name for name in value.objects if name not in columns and not value.mappers(name)]
        alone = [name for name in alone if not any(other.shadow == name for other in value.objects.values())]
        room = int((width - 2 * MARGIN + _GAP) // (_LEAST + _GAP))
        count = max(2, min(room, 1 + max(columns.values(), default=1)))
        self._wide = min(_MOST, (width - 2 * MARGIN - _GAP * (count - 1)) / count)
        self._tops = [30.0] * count
        self._placed: dict[str, Node] = {}
        for one in shown:
            self._map(one, columns)
        for name in alone if len(ours) == len(shown) else ():
            self._object(name, 1, 0.0)
        if self.nodes:
            self._label(0, "mappings: pages seen")
            self._label(1, "objects, from front to back")
        if len(shown) < len(ours):
            words = f"{counted(len(ours) - len(shown), 'mapping')} more"
            self.nodes.append(kit.fold("objects/fold", Box(MARGIN, max(self._tops), self._wide, 28), words))

    def _chosen(self, ours: Sequence[_Mapping]) -> list[_Mapping]:
        """As many as fit: what the operation wrote first, then what its task has, and what it looked at; in order."""
        written, looked_at = _touched(self._moment)
        operation = self._moment.operation
        caller = f"{operation.target}/" if operation is not None else ""

        def rank(one: _Mapping) -> tuple[bool, bool, bool]:
            is_written = bool(written & {one.target, one.mapper.entry})
            return not is_written, not one.mapper.map.startswith(caller), one.target not in looked_at

        ranked = sorted(ours, key=rank)
        shown: list[_Mapping] = []
        names: set[str] = set()
        for one in ranked[:MAPPINGS]:
            names |= set(self._value.chain(one.target))
            if len(names) > OBJECTS and shown:
                break
            shown.append(one)
        return sorted(shown, key=lambda one: (_in_order(one.mapper.map.removesuffix("/map")), one.mapper.start))

    def _label(self, column: int, words: str) -> None:
        x = MARGIN + column * (self._wide + _GAP)
        self.nodes.append(kit.label(f"objects/column/{column}", words, x, 6, most=self._wide))

    def _map(self, one: _Mapping, columns: Mapping[str, int]) -> None:
        mapper = one.mapper
        task = mapper.map.removeprefix("task:").removesuffix("/map")
        words = [f"{task} {address(mapper.start)}", f"{counted(mapper.pages, 'page')} of {visible(one.target)}"]
        words += ["to copy"] if mapper.needs_copy else []
        marks = self._moment.marks("after", mapper.map)
        state = ("new",) if mapper.entry in marks.new else ()
        thing = f"entry:{mapper.entry}"
        card = self._card(f"mapping/{mapper.map}/{mapper.entry}", 0, 0.0, words, thing, state, "submap", one.seen)
        before, start = card, card.y
        for name in self._value.chain(one.target):
            is_new = name not in self._placed
            if is_new:
                start = self._object(name, min(columns[name], len(self._tops) - 1), start).y
            behind = self._placed[name]
            self.links.append(self._arrow(before, behind))
            if not is_new:
                break
            before = behind

    def _arrow(self, one: Node, behind: Node) -> Link:
        """From a thing to the object behind it: through the room beside that one's column, where no card is."""
        out = one.x if one.x == behind.x else one.x + one.w
        start, end = one.y + 22, behind.y + 22
        turn = behind.x - 10 - 5 * (len(self.links) % 5)
        points = ((out, start), (turn, start), (turn, end), (behind.x, end))
        return Link(f"{one.id}/to/{behind.id}", "leader", one.id, behind.id, points, arrow=True)

    def _object(self, name: str, column: int, least: float) -> Node:
        one = self._value.objects[name]
        pages = {index: Place(frame, -1, name) for index, frame in one.pages.items()}
        pages |= {index: Place(-1, slot, name) for index, slot in one.swapped.items()}
        size = self._value.files.get(name.removeprefix("file "), -1) if one.kind == "file" else -1
        kind = f"file, {Size(size)}" if size >= 0 else one.kind + f" of {visible(one.shadow)}" * bool(one.shadow)
        words = [visible(name), kind, counted(self._value.references(name), "reference")]
        marks = self._moment.marks("object")
        state = ("new",) if name in marks.new else ("changed",) if name in marks.changed else ()
        node = self._card(f"object/{name}", column, least, words, f"object:{name}", state, "object", pages, one)
        self._placed[name] = node
        return node

    def _card(
        self,
        identity: str,
        column: int,
        least: float,
        words: Sequence[str],
        thing: str,
        state: Sequence[str],
        bar: str,
        pages: Mapping[int, Place],
        owner: ObjectValue | None = None,
    ) -> Node:
        """A card in a column, with a cell for each page, new ones first; the last of three `words` is at its right.

        `owner` is the object that it is of.
        """
        new = {
            index for name in {one.holder for one in pages.values()} for index in self._moment.marks("page", name).new
        }
        shown = sorted(sorted(pages, key=lambda index: (index not in new, index))[:PAGES])
        across = max(1, int((self._wide - 16 + 4) // (_CELL_W + 4)))
        lines = -(-(len(shown) + (len(pages) > len(shown))) // across)
        top = max(self._tops[column], least)
        box = Box(MARGIN + column * (self._wide + _GAP), top, self._wide, _HEAD + lines * (_CELL_H + 4) + 4)
        self._tops[column] = top + box.h + _BELOW
        beside = words[2] if len(words) > 2 else ""
        room = box.w - 22 - text_width(beside, "label dim")
        text = (
            fitted(8, 18, words[0], room, "strong", middle=True),
            Text(box.w - 8, 18, beside, "label dim", "end"),
            fitted(8, 34, words[1], box.w - 16, "label"),
        )
        node = Node(
            identity, "card", *box, thing=thing, text=text, state=tuple(state), title=", ".join(words), action="select",
            lane=f"objects/{column}", bars=(Bar(0, 0, 4, box.h, bar),),
        )  # fmt: skip
        self.nodes.append(node)
        for number, index in enumerate([*shown, -1] if len(pages) > len(shown) else shown):
            x, y = box.x + 8 + number % across * (_CELL_W + 4), top + _HEAD + number // across * (_CELL_H + 4)
            cell = Box(x, y, _CELL_W, _CELL_H)
            if index < 0:
                left = len(pages) - len(shown)
                words = f"+{short_count(left)}"
                self.nodes.append(kit.fold(f"{identity}/more", cell, words, title=f"{counted(left, 'page')} more"))
            else:
                self.nodes.append(self._cell(f"{identity}/{index}", cell, index, pages[index], owner))
        return node

    def _cell(self, identity: str, box: Box, index: int, place: Place, owner: ObjectValue | None) -> Node:
        """A page: its number, and its frame or its slot."""
        swapped, dirty = place.frame < 0, owner is not None and index in owner.dirty
        shared = owner is None and self._uses[place.frame] > 1 and not swapped
        marks = self._moment.marks("page", place.holder)
        where = f"slot {place.slot}" if swapped else f"frame {place.frame:#x}"
        said = [f"page {index}", where]
        said += [f"of {place.holder}"] if owner is None else []
        said += [f"seen by {self._uses[place.frame]} mappings"] if shared else []
        said += ["dirty: its file does not have it yet"] if dirty else []
        state = ("new",) if index in marks.new else ("folded",) if swapped else ("changed",) if dirty else ()
        words = f"s{place.slot}" if swapped else f"{place.frame:x}{'*' if dirty else ''}"
        text = (
            fitted(box.w / 2, 13, f"{index:,}", box.w - 6, "label dim", "middle"),
            fitted(box.w / 2, 27, words, box.w - 6, "mono label", "middle"),
        )
        return Node(
            identity, "page", *box, thing="" if swapped else f"frame:{place.frame}", shape="round" if shared else "box",
            text=text, state=state, title=", ".join(said), action="" if swapped else "select", lane=f"{identity}/pages",
        )  # fmt: skip


def _touched(moment: Moment) -> tuple[set[str | int], set[str]]:
    """Objects, by name, and entries, by number, that the operation changed; and the objects that it looked at."""
    written: set[str | int] = set()
    looked_at: set[str] = set()
    for event in moment.events:
        if isinstance(event, (ev.ObjectSearched, ev.PagerAsked)):
            looked_at.add(event.object)
        elif isinstance(event, (ev.EntryChanged, ev.EntryResized)):
            written.add(event.after[0])
        elif isinstance(event, ev.EntryLinked):
            written.add(event.entry[0])
        else:
            written.add(str(getattr(event, "object", "")))
    return written, looked_at


def _in_order(path: str) -> list[str | int]:
    """A sort key by which "init.2" is before "init.10"."""
    return [int(part) if number % 2 else part for number, part in enumerate(re.split(r"(\d+)", path))]


def _rows(value: ObjectsValue) -> Iterator[Row]:
    """A row for each page of each object, and one for each object without any."""
    for name, one in value.objects.items():
        mapped = ", ".join(f"{who.map.removesuffix('/map')} {address(who.start)}" for who in value.mappers(name)[:6])
        own = (visible(name), one.kind, visible(one.shadow), str(value.references(name)))
        places = {index: f"frame {frame:#x}{' dirty' * (index in one.dirty)}" for index, frame in one.pages.items()}
        places |= {index: f"slot {slot}" for index, slot in one.swapped.items()}
        if not places:
            yield (*own, "", "", mapped)
        for index, where in sorted(places.items()):
            yield (*own, str(index), where, mapped)
